/* What the tests of emulated devices share: kernels written once for both languages. */
#ifndef EMU_SUPPORT_H
#define EMU_SUPPORT_H

#include "runtime/device.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 64, NLANGUAGE = 2 };

/* A kernel of floats: `in` and `out` have N of them, `n` is N.  In its body tx and bx are the
 * thread and the block, @shared declares, @sharedp and @devicep point, @barrier waits (shared
 * memory), @barriers waits (all memory). */
typedef struct kernel {
    const char *name, *body;
    int grid, block;
    const char *said[3]; /* words of the message that it ends in; NULL: it does not fail */
} kernel;

extern const char *const support_device[NLANGUAGE]; /* "cuda-emu", "metal-emu" */

/* The kernel's text in the language of the device. */
char *support_text(int language, const kernel *);
/* NULL where there is no compiler. */
weft_device *support_open(int language, const char *order);
/* Loads n of them as one program; fails the test where that fails. */
weft_code *support_load(weft_device *, int language, const kernel *, int n);

typedef struct run { /* one launch: `in` counts from 0 */
    weft_status status;
    char *message;
    float out[N];
} run;
run support_run(weft_device *, const weft_code *, const kernel *, int index);
run support_run_with(weft_device *, const weft_code *, const kernel *, int index, int nscalar);
void support_free(run *);

/* vulkan-emu; NULL where there is no compiler. */
weft_device *support_open_spirv(void);
/* One block of the SPIR-V text's kernel "turn", with the lines in the place of its "@". */
run support_run_spirv(weft_device *, const char *text, const char *lines, int threads, int subgroup);

#endif
