/* Stand-ins for passes that are not written yet: each gives way to the pass of the same name. */
#include "lower/lower.h"

#define PENDING(name)                                                                              \
    __attribute__((weak)) weft_status weft_pass_##name(                                            \
        weft_kernel *k, const weft_lower_options *o, bool *changed, weft_diag *diag)               \
    {                                                                                              \
        (void)k, (void)o, (void)diag;                                                              \
        *changed = false;                                                                          \
        return WEFT_OK;                                                                            \
    }

PENDING(hoist)

__attribute__((weak)) weft_status
weft_pass_legalize(weft_kernel *k, const weft_lower_options *o, bool *changed, weft_diag *diag)
{
    (void)o, (void)diag;
    k->level = WEFT_LEVEL_DEVICE;
    weft_launch_dims(k, k->grid, k->block);
    *changed = true;
    return WEFT_OK;
}
