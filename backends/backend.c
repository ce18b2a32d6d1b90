/* backend.c: the list of backends, and the one that prints the IR itself. */
#include "backends/backend.h"

static const weft_backend *const backends[WEFT_API_COUNT] = {
    [WEFT_API_INTERP] = &weft_interp_backend, [WEFT_API_OPENCL] = &weft_opencl_backend,
    [WEFT_API_VULKAN] = &weft_vulkan_backend, [WEFT_API_CUDA] = &weft_cuda_backend,
    [WEFT_API_METAL] = &weft_metal_backend,
};

const weft_backend *
weft_backend_of(weft_api api)
{
    return (unsigned)api < WEFT_API_COUNT ? backends[api] : NULL;
}

/* The interpreter runs all of the IR. */
static void
interp_caps(const weft_target *target, weft_caps *caps)
{
    (void)target;
    *caps = (weft_caps){ .lanes = 0xfffffffeu,
                         .vector_load = true,
                         .aligned_vector_load = true,
                         .vector_compare = true,
                         .nan_min_max = true,
                         .sat_cast = true,
                         .overlay = true,
                         .lanes_in_order = true,
                         .bool_storage = true };
    for (int i = 0; i < WEFT_IN_COUNT; i++)
        caps->intrin[i] = caps->intrin16[i] = caps->intrin64[i] = true;
    for (int t = 0; t < WEFT_DTYPE_COUNT; t++)
        caps->arith[t] = caps->storage[t] = true;
}

static weft_status
interp_print(weft_str *out, const weft_kernel *kernel, const weft_target *target,
             weft_numerics numerics, weft_diag *diag)
{
    (void)target, (void)numerics, (void)diag;
    weft_print_kernel(out, kernel);
    return WEFT_OK;
}

const weft_backend weft_interp_backend = { WEFT_API_INTERP, interp_caps, interp_print };
