/* backends/backend.h: from a kernel at the device level to source text.
 *
 * A backend is one folder and one struct; weft_backends lists them.  Printing is a function of the
 * kernel, the target and the numerics level alone: same input, same bytes.
 */
#ifndef WEFT_BACKEND_H
#define WEFT_BACKEND_H

#include "ir/caps.h"

typedef struct weft_backend {
    weft_api api;
    /* What legalise may leave in a kernel for this target. */
    void (*caps)(const weft_target *, weft_caps *);
    /* Appends the kernel's self-contained source: header comment, prelude guarded against
     * repetition, entry point of the kernel's name.  WEFT_INTERNAL with the construct named if the
     * kernel is not legal for the target: legalise has a hole. */
    weft_status (*print)(weft_str *, const weft_kernel *, const weft_target *, weft_numerics,
                         weft_diag *);
} weft_backend;

extern const weft_backend weft_opencl_backend, weft_cuda_backend, weft_metal_backend,
    weft_vulkan_backend, weft_interp_backend; /* interp: the IR text itself */
/* The backend of an API; never NULL for a printable one, NULL for WEFT_API_NULL's callers to treat
 * as interp. */
const weft_backend *weft_backend_of(weft_api);

/* The header comment of DESIGN section 7, lines begun with `comment` ("// " or "; "). */
void weft_print_header(weft_str *, const weft_kernel *, const char *comment);

/* ---- named profiles (profiles.c, profiles.def) ----------------------------------------------- */
int weft_profile_count(void);
const weft_target *weft_profile(int i);
/* "api:name", "api" (its default profile); NULL and a message that lists what there is. */
const weft_target *weft_profile_find(const char *spec, weft_diag *);

#endif
