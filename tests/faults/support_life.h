/* tests/faults/support_life.h: a whole life of a session, for tests in which any call of it
 * fails. */
#ifndef WEFT_TEST_FAULTS_SUPPORT_LIFE_H
#define WEFT_TEST_FAULTS_SUPPORT_LIFE_H

#include "support.h"

#include "fake/fake.h"

/* Where a life ended, and in what. */
typedef struct life {
    weft_status status;
    const char *step;
} life;

/* Everything that a session of the sums' module can be asked, in order, until a step fails.  Where
 * the device computes its results are checked. */
life live(weft_device *, weft_module *, bool computes, weft_diag *);
/* The first steps of it: binds n elements, sets the inputs, runs, reads the output. */
bool live_once(life *, weft_session *, int64_t n, bool computes, weft_diag *);

/* Lets call after call of a fake library fail with the code: opening the device, a life, closing
 * it.  Each time a life ends in the status, with the call's name in the message, or the fault is of
 * no consequence; no handle stays alive, no rule of the API is broken, and the next life is
 * right. */
void every_api_call_fails_once(const weft_driver *, weft_api, const char *text, fake_state *,
                               int code, bool sticky, weft_status);
/* The same with a module of the caller's. */
void every_api_call_of_a_life_fails_once(const weft_driver *, weft_module *, fake_state *, int code,
                                         bool sticky, weft_status);
/* Lets a session's run fail with each of the faults, each "call=code" out of memory, and do its
 * work without. */
void every_failed_run_can_be_repeated(const weft_driver *, weft_api, const char *text, fake_state *,
                                      const char *const *fault, int n);

#endif
