/* tests/runtime/support.h: modules made by hand, and a folder to write in. */
#ifndef WEFT_TEST_RUNTIME_SUPPORT_H
#define WEFT_TEST_RUNTIME_SUPPORT_H

#include "runtime/device.h"
#include "runtime/module.h"
#include "runtime/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* y = (a + b) * scale over n elements in blocks of 64 threads, as OpenCL C and as SPIR-V. */
extern const char support_add_cl[], support_add_spv[];

/* a + b (constant) -> t (temporary), t + c -> y; the scale is a scalar argument.  n NULL: the
 * symbol "n", else a number. */
weft_module *support_module(weft_api, const char *text, const char *n);
/* The same, and the first sum is copied: u = a + w, t = u, y = (t + c) * 3. */
weft_module *support_copied(weft_api, const char *text, const char *n);
/* The same with two temporaries more, t a part of one and that a part of the other:
 * whole (4 n + 8192 bytes) > pair (4 n + 4096 bytes, from byte 1024 on) > t (from byte 4096 on) */
enum { SUPPORT_T = 2, SUPPORT_PAIR = 5, SUPPORT_WHOLE };
weft_module *support_parts(weft_api, const char *text, const char *n);
/* A new empty folder under the system's temporary one; removed by support_remove. */
char *support_folder(void);
void support_remove(char *folder);
/* All bytes of a file. */
char *support_read(const char *path, size_t *n);

#endif
