/* The drivers that libweft_rt links, one line each, and what of the public API needs their list. */
#include "runtime/device.h"

#include <string.h>
#include <weft/weft.h>

static const weft_driver *const linked[] = {
    /* in the order of preference */
    &weft_cuda_driver,     &weft_metal_driver,     &weft_vulkan_driver,     &weft_opencl_driver,
    &weft_cuda_emu_driver, &weft_metal_emu_driver, &weft_vulkan_emu_driver, &weft_null_driver,
};

weft_drivers
weft_linked_drivers(void)
{
    weft_drivers all = { 0 };
    for (size_t i = 0; i < sizeof linked / sizeof *linked; i++)
        all.at[all.n++] = linked[i];
    return all;
}

weft_status
weft_open_device(const char *id, weft_diag *diag, weft_device **device)
{
    weft_drivers all = weft_linked_drivers();
    return id ? weft_device_open(&all, id, diag, device) : weft_device_open_any(&all, diag, device);
}

weft_status
weft_device_describe(const weft_device *device, weft_device_desc *out)
{
    weft_device_desc full = { .size = out->size, .max_alloc = device->info.target.max_alloc };
    size_t n = out->size < sizeof full ? out->size : sizeof full;
    if (out->size < sizeof out->size)
        return WEFT_INVALID_ARGUMENT;
    memcpy(full.id, device->info.id, sizeof full.id);
    memcpy(full.name, device->info.name, sizeof full.name);
    memcpy(full.driver, device->info.driver, sizeof full.driver);
    snprintf(full.device_class, sizeof full.device_class, "%s",
             weft_class_name(device->info.target.cls));
    memcpy(out, &full, n);
    return WEFT_OK;
}
