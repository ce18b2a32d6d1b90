/* compiler/targets.c: which drivers there are, and what a target's name means. */
#include "compiler/compiler.h"

#include <string.h>

weft_drivers
weft_all_drivers(void)
{
    return (weft_drivers){ 9,
                           { &weft_opencl_driver, &weft_vulkan_driver, &weft_cuda_driver,
                             &weft_metal_driver, &weft_cuda_emu_driver, &weft_metal_emu_driver,
                             &weft_vulkan_emu_driver, &weft_interp_driver, &weft_null_driver } };
}

/* The profile of the first usable device of an API, if there is one. */
static bool
attached(const char *api, weft_target *target)
{
    weft_drivers drivers = weft_all_drivers();
    weft_device *device;
    if (weft_device_open(&drivers, api, NULL, &device))
        return false;
    *target = device->info.target;
    weft_device_close(device);
    return true;
}

static weft_status
resolve(const char *spec, const weft_device *device, weft_target *target, weft_diag *diag)
{
    const char *api = device ? weft_api_name(device->info.target.api) : NULL;
    if (device && (!spec || strcmp(spec, api) == 0)) {
        *target = device->info.target;
        return WEFT_OK;
    }
    if (!strchr(spec, ':') && attached(spec, target))
        return WEFT_OK;
    const weft_target *profile = weft_profile_find(spec, diag);
    if (!profile)
        return WEFT_INVALID_ARGUMENT;
    *target = *profile;
    bool any = device && device->info.target.api == WEFT_API_NULL;
    if (device && !any && strcmp(weft_api_name(target->api), api) != 0)
        return weft_fail(diag, WEFT_INVALID_ARGUMENT,
                         "target '%s' is for %s, but the device '%s' is driven through %s; "
                         "name a target of that API",
                         spec, weft_api_name(target->api), device->info.id, api);
    return WEFT_OK;
}

weft_status
weft_resolve_target(const char *spec, const weft_device *device, weft_target *target,
                    weft_diag *diag)
{
    weft_status status = resolve(spec, device, target, diag);
    if (!status && target->api == WEFT_API_NULL)
        return weft_fail(diag, WEFT_INVALID_ARGUMENT,
                         "the null device takes kernels of any API and has none of its own; name "
                         "what to compile for with -t, as opencl:generic-gpu");
    return status;
}
