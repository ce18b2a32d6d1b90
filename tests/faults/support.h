/* tests/faults/support.h: a device that wraps another and fails the call that a test chooses.
 *
 * Faults come in at the device interface, where every real one does.  The wrapper hands each call
 * on, counts those that may fail, fails the chosen one without making it, and keeps account of what
 * is alive: allocations, codes, batches, the device.
 */
#ifndef WEFT_TEST_FAULTS_SUPPORT_H
#define WEFT_TEST_FAULTS_SUPPORT_H

#include "runtime/device.h"
#include "runtime/module.h"
#include "runtime/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* The calls of a driver that may fail. */
typedef enum fault_call {
    FAULT_ALLOC,
    FAULT_UPLOAD,
    FAULT_DOWNLOAD,
    FAULT_COPY,
    FAULT_LOAD,
    FAULT_RECORD,
    FAULT_SUBMIT,
    FAULT_SYNC,
    FAULT_CALLS
} fault_call;
const char *fault_call_name(fault_call);

enum { FAULT_HANDLES = 64 };

typedef struct fault_kind { /* one kind's live handles */
    int n;
    const void *at[FAULT_HANDLES];
} fault_kind;

typedef struct fault_device {
    weft_device base;
    weft_driver driver; /* base.driver */
    weft_device *inner;
    /* The chosen fault: the call number `at` (from 0) of all that may fail, or of `only` them. */
    long at;  /* -1: none */
    int only; /* fault_call, or FAULT_CALLS: any */
    weft_status status;
    const char *words;
    bool sticky; /* all later calls fail as well */
    long calls;  /* so far, of those counted */
    bool failed;
    fault_call which; /* the call that failed */
    fault_kind memories, codes, batches;
    int wrong; /* handles given back that were not alive, lists that overflowed */
} fault_device;

/* Opens device 0 of a driver inside a wrapper; NULL, and the reason printed, when there is none. */
fault_device *fault_open(const weft_driver *);
/* Arms it: call `at` of `only` fails from now on; the counts begin anew. */
void fault_arm(fault_device *, long at, int only, weft_status, const char *words);
void fault_disarm(fault_device *);
/* Fails the test if anything of the device is alive or was given back wrongly. */
void fault_expect_nothing_alive(const fault_device *, const char *when);
/* weft_device_close does the rest: the wrapper goes with its device. */

/* The drivers that may have a device here, with a text of the sums' kernel each. */
typedef struct fault_api {
    const weft_driver *driver;
    weft_api api;
    const char *text;
    bool computes; /* its results are real */
} fault_api;
extern const fault_api fault_apis[];
extern const char fault_add_cu[];
extern const int fault_napi;

#endif
