/* tests/runtime/support_flow.h: a plan with a step of every kind, and a device that it runs on. */
#ifndef WEFT_TEST_RUNTIME_SUPPORT_FLOW_H
#define WEFT_TEST_RUNTIME_SUPPORT_FLOW_H

#include "support.h"

/* A device with memory, of the host's, whose kernels do nothing. */
extern const weft_driver support_host_driver;

/* k = x[0]; y gets 42 for i = 0, 1, .. below k, until x[i] is 0.
 *
 *     0  read   x[0] -> k, at most n       4  copy  w -> e              "one"
 *                                "first"   5  loop  i < k, until m == 0; c  "rounds"
 *     1  copy   x -> t           "whole"   6  copy  e -> y[i]           "put"
 *     2  if     k                "some"    7  read  x[i] -> m, at most 100  "again"
 *     3  launch fill(e)          "make"    8  launch fill(e)            "remake"
 */
enum { FLOW_X, FLOW_T, FLOW_E, FLOW_Y, FLOW_W };
enum { FLOW_FIRST, FLOW_WHOLE, FLOW_SOME, FLOW_MAKE, FLOW_ONE, FLOW_ROUNDS, FLOW_PUT, FLOW_AGAIN };
weft_module *support_flow(void);
/* Gives x its n numbers, runs, waits, and reads the number of results and the first of them, n at
 * most. */
weft_status support_flow_run(weft_session *, int n, const int32_t *x, int64_t *nout, int32_t *out,
                             weft_diag *);

#endif
