/* Vulkan: opening and closing a device.  Everything about kernels is in device_load.c and
 * device_run.c. */
#include "backends/vulkan/device_priv.h"

#include <stdlib.h>
#include <string.h>

static int
vk_count(weft_str *why)
{
    weft_arena arena = { 0 };
    VkPhysicalDevice *physical;
    weft_vk_instance *v = weft_vk_instance_create(why);
    if (!v)
        return 0;
    int n = weft_vk_list(v, &arena, &physical, why);
    weft_arena_reset(&arena);
    weft_vk_instance_destroy(v);
    return n;
}

static void
vk_close(weft_device *device)
{
    weft_vk_device *d = (weft_vk_device *)device;
    if (d->handle) {
        weft_vk_wait(d, NULL);
        if (d->staging)
            weft_vk_free(device, d->staging);
        if (d->fence)
            d->DestroyFence(d->handle, d->fence, NULL);
        if (d->pool)
            d->DestroyCommandPool(d->handle, d->pool, NULL);
        d->DestroyDevice(d->handle, NULL);
    }
    weft_vk_instance_destroy(d->instance);
    free(d);
}

static void
find_functions(weft_vk_device *d)
{
#define VK_GLOBAL(name)
#define VK_INSTANCE(name)
#define VK_DEVICE(name)                                                                            \
    d->name = (PFN_vk##name)d->instance->GetDeviceProcAddr(d->handle, "vk" #name);
#include "backends/vulkan/vk_functions.def"
#undef VK_GLOBAL
#undef VK_INSTANCE
#undef VK_DEVICE
}

/* Switches on what query found, and nothing else. */
static weft_status
create_device(weft_vk_device *d, weft_diag *diag)
{
    const weft_vk_features *f = &d->features;
    const char *extensions[8];
    uint32_t n = 0;
    float priority = 1;
    VkPhysicalDeviceVulkanMemoryModelFeatures model = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES,
        .vulkanMemoryModel = VK_TRUE
    };
    VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrices = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR,
        .pNext = &model,
        .cooperativeMatrix = VK_TRUE
    };
    VkPhysicalDeviceSubgroupSizeControlFeaturesEXT control = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT,
        .pNext = f->matrices ? &matrices : NULL,
        .subgroupSizeControl = VK_TRUE,
        .computeFullSubgroups = VK_TRUE
    };
    VkPhysicalDeviceShaderSubgroupExtendedTypesFeatures types = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SUBGROUP_EXTENDED_TYPES_FEATURES,
        .pNext = &control,
        .shaderSubgroupExtendedTypes = VK_TRUE
    };
    VkPhysicalDeviceShaderFloat16Int8Features small = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES,
        .pNext = f->subgroups ? &types : NULL,
        .shaderFloat16 = f->float16,
        .shaderInt8 = f->int8
    };
    void *next = f->float16 || f->int8 ? (void *)&small : small.pNext;
    VkPhysicalDevice8BitStorageFeatures eight = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_8BIT_STORAGE_FEATURES,
        .pNext = next,
        .storageBuffer8BitAccess = VK_TRUE
    };
    next = f->storage8 ? &eight : next;
    VkPhysicalDevice16BitStorageFeatures sixteen = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES,
        .pNext = next,
        .storageBuffer16BitAccess = f->storage16
    };
    VkPhysicalDeviceFeatures2 features = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                           .pNext = &sixteen,
                                           .features = { .shaderFloat64 = f->float64,
                                                         .shaderInt64 = f->int64,
                                                         .shaderInt16 = f->int16 } };
    if (f->ext_8bit)
        extensions[n++] = "VK_KHR_8bit_storage";
    if (f->ext_float16_int8)
        extensions[n++] = "VK_KHR_shader_float16_int8";
    if (f->ext_float_controls)
        extensions[n++] = "VK_KHR_shader_float_controls";
    if (f->ext_portability)
        extensions[n++] = "VK_KHR_portability_subset";
    if (f->subgroups && f->ext_subgroup_sizes)
        extensions[n++] = "VK_EXT_subgroup_size_control";
    if (f->subgroups && f->ext_subgroup_types)
        extensions[n++] = "VK_KHR_shader_subgroup_extended_types";
    if (f->matrices)
        extensions[n++] = "VK_KHR_cooperative_matrix";
    if (f->matrices && f->ext_memory_model)
        extensions[n++] = "VK_KHR_vulkan_memory_model";
    VkDeviceQueueCreateInfo queue = { .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                      .queueFamilyIndex = d->family,
                                      .queueCount = 1,
                                      .pQueuePriorities = &priority };
    VkDeviceCreateInfo info = { .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                .pNext = &features,
                                .queueCreateInfoCount = 1,
                                .pQueueCreateInfos = &queue,
                                .enabledExtensionCount = n,
                                .ppEnabledExtensionNames = extensions };
    return weft_vk_check(diag, d->instance->CreateDevice(d->physical, &info, NULL, &d->handle),
                         "vkCreateDevice", d->base.info.name);
}

static weft_status
create_queue(weft_vk_device *d, weft_diag *diag)
{
    VkCommandPoolCreateInfo pool = { .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                     .queueFamilyIndex = d->family };
    VkFenceCreateInfo fence = { .sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO };
    find_functions(d);
    d->GetDeviceQueue(d->handle, d->family, 0, &d->queue);
    weft_status s = weft_vk_check(diag, d->CreateCommandPool(d->handle, &pool, NULL, &d->pool),
                                  "vkCreateCommandPool", d->base.info.name);
    return s ? s
             : weft_vk_check(diag, d->CreateFence(d->handle, &fence, NULL, &d->fence),
                             "vkCreateFence", d->base.info.name);
}

static weft_status
vk_open(int index, weft_diag *diag, weft_device **device)
{
    weft_str why = { 0 };
    weft_arena arena = { 0 };
    VkPhysicalDevice *physical;
    weft_status s = WEFT_OK;
    weft_vk_device *d = calloc(1, sizeof *d);
    *device = NULL;
    if (!d)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a device handle");
    d->base.driver = &weft_vulkan_driver;
    d->instance = weft_vk_instance_create(&why);
    int n = d->instance ? weft_vk_list(d->instance, &arena, &physical, &why) : 0;
    if (!n)
        s = weft_fail(diag, WEFT_NO_DEVICE, "vulkan: %s", weft_str_text(&why));
    else if (index < 0 || index >= n)
        s = weft_fail(diag, WEFT_NO_DEVICE, "vulkan: there is no device %d", index);
    if (!s) {
        d->physical = physical[index];
        d->family = (uint32_t)weft_vk_family(d->instance, d->physical);
        weft_vk_query(d, index);
        s = create_device(d, diag);
    }
    if (!s)
        s = create_queue(d, diag);
    if (!s)
        s = weft_vk_complaints(d, s, diag);
    weft_arena_reset(&arena);
    weft_str_free(&why);
    if (s)
        vk_close(&d->base);
    else
        *device = &d->base;
    return s;
}

static weft_status
vk_sync(weft_device *device, weft_diag *diag)
{
    weft_vk_device *d = (weft_vk_device *)device;
    return weft_vk_complaints(d, weft_vk_wait(d, diag), diag);
}

const weft_driver weft_vulkan_driver = {
    .api = WEFT_API_VULKAN,
    .name = "vulkan",
    .batches_copies = true,
    .count = vk_count,
    .open = vk_open,
    .close = vk_close,
    .alloc = weft_vk_alloc,
    .free = weft_vk_free,
    .upload = weft_vk_upload,
    .download = weft_vk_download,
    .copy = weft_vk_copy,
    .load = weft_vk_load,
    .unload = weft_vk_unload,
    .record = weft_vk_record,
    .discard = weft_vk_discard,
    .submit = weft_vk_submit,
    .sync = vk_sync,
};
