/* Vulkan: a device's profile, features and memory types from what it reports. */
#include "backends/vulkan/device_priv.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
weft_vk_family(const weft_vk_instance *v, VkPhysicalDevice p)
{
    uint32_t n = 0;
    int best = -1;
    weft_arena arena = { 0 };
    v->GetPhysicalDeviceQueueFamilyProperties(p, &n, NULL);
    VkQueueFamilyProperties *family = WEFT_NEW_ARRAY(&arena, n, VkQueueFamilyProperties);
    v->GetPhysicalDeviceQueueFamilyProperties(p, &n, family);
    for (uint32_t i = 0; i < n;
         i++) { /* the first that computes, but rather one without graphics */
        bool computes = family[i].queueCount && (family[i].queueFlags & VK_QUEUE_COMPUTE_BIT);
        bool draws = (family[i].queueFlags & VK_QUEUE_GRAPHICS_BIT) != 0;
        if (computes && (best < 0 || (!draws && (family[best].queueFlags & VK_QUEUE_GRAPHICS_BIT))))
            best = (int)i;
    }
    weft_arena_reset(&arena);
    return best;
}

static uint32_t
family_timestamp_bits(const weft_vk_device *d)
{
    uint32_t n = 0;
    weft_arena arena = { 0 };
    d->instance->GetPhysicalDeviceQueueFamilyProperties(d->physical, &n, NULL);
    VkQueueFamilyProperties *family = WEFT_NEW_ARRAY(&arena, n, VkQueueFamilyProperties);
    d->instance->GetPhysicalDeviceQueueFamilyProperties(d->physical, &n, family);
    uint32_t bits = d->family < n ? family[d->family].timestampValidBits : 0;
    weft_arena_reset(&arena);
    return bits;
}

static bool
has_extension(const weft_vk_device *d, const char *name)
{
    uint32_t n = 0;
    bool found = false;
    weft_arena arena = { 0 };
    d->instance->EnumerateDeviceExtensionProperties(d->physical, NULL, &n, NULL);
    VkExtensionProperties *extension = WEFT_NEW_ARRAY(&arena, n, VkExtensionProperties);
    d->instance->EnumerateDeviceExtensionProperties(d->physical, NULL, &n, extension);
    for (uint32_t i = 0; i < n; i++)
        found |= !strcmp(extension[i].extensionName, name);
    weft_arena_reset(&arena);
    return found;
}

/* A structure that a device fills only when it knows it is put into the chain only then. */
static void
query_features(weft_vk_device *d, uint32_t version)
{
    weft_vk_features *f = &d->features;
    VkPhysicalDeviceSubgroupSizeControlFeaturesEXT control = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT
    };
    VkPhysicalDeviceShaderSubgroupExtendedTypesFeatures types = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SUBGROUP_EXTENDED_TYPES_FEATURES
    };
    VkPhysicalDeviceShaderFloat16Int8Features small = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_FLOAT16_INT8_FEATURES
    };
    VkPhysicalDevice8BitStorageFeatures eight = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_8BIT_STORAGE_FEATURES
    };
    VkPhysicalDevice16BitStorageFeatures sixteen = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES
    };
    VkPhysicalDeviceFeatures2 all = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
                                      .pNext = &sixteen };
    void **tail = &sixteen.pNext;
    VkPhysicalDeviceVulkanMemoryModelFeatures model = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES
    };
    VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrices = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR, .pNext = &model
    };
    f->ext_8bit = has_extension(d, "VK_KHR_8bit_storage");
    f->ext_float16_int8 = has_extension(d, "VK_KHR_shader_float16_int8");
    f->ext_float_controls = has_extension(d, "VK_KHR_shader_float_controls");
    f->ext_memory_model = has_extension(d, "VK_KHR_vulkan_memory_model");
    f->ext_portability = has_extension(d, "VK_KHR_portability_subset");
    f->ext_subgroup_sizes = has_extension(d, "VK_EXT_subgroup_size_control");
    f->ext_subgroup_types = has_extension(d, "VK_KHR_shader_subgroup_extended_types");
    if (f->ext_8bit || version >= VK_API_VERSION_1_2) {
        *tail = &eight;
        tail = &eight.pNext;
    }
    if (f->ext_float16_int8 || version >= VK_API_VERSION_1_2) {
        *tail = &small;
        tail = &small.pNext;
    }
    if (f->ext_subgroup_types || version >= VK_API_VERSION_1_2) {
        *tail = &types;
        tail = &types.pNext;
    }
    if (f->ext_subgroup_sizes || version >= VK_MAKE_API_VERSION(0, 1, 3, 0)) {
        *tail = &control;
        tail = &control.pNext;
    }
    if (has_extension(d, "VK_KHR_cooperative_matrix") &&
        (f->ext_memory_model || version >= VK_API_VERSION_1_2))
        *tail = &matrices;
    d->instance->GetPhysicalDeviceFeatures2(d->physical, &all);
    f->storage8 = eight.storageBuffer8BitAccess;
    f->storage16 = sixteen.storageBuffer16BitAccess;
    f->float16 = small.shaderFloat16;
    f->int8 = small.shaderInt8;
    f->int16 = all.features.shaderInt16;
    f->int64 = all.features.shaderInt64;
    f->float64 = all.features.shaderFloat64;
    f->matrices = matrices.cooperativeMatrix && model.vulkanMemoryModel;
    f->subgroups = control.subgroupSizeControl && control.computeFullSubgroups &&
                   types.shaderSubgroupExtendedTypes;
}

static bool
is_mobile(uint32_t vendor)
{
    static const uint32_t vendors[] = { 0x1010 /* Imagination */, 0x13B5 /* Arm */,
                                        0x14E4 /* Broadcom */,    0x144D /* Samsung */,
                                        0x5143 /* Qualcomm */,    0x10001 /* Vivante */ };
    for (size_t i = 0; i < sizeof vendors / sizeof *vendors; i++)
        if (vendors[i] == vendor)
            return true;
    return false;
}

static void
fill_limits(weft_target *t, const VkPhysicalDeviceLimits *l)
{
    t->max_threads = l->maxComputeWorkGroupInvocations;
    for (int i = 0; i < 3; i++) {
        t->max_block[i] = l->maxComputeWorkGroupSize[i];
        t->max_grid[i] = l->maxComputeWorkGroupCount[i];
    }
    t->shared_bytes = l->maxComputeSharedMemorySize;
    t->max_range = l->maxStorageBufferRange;
    t->offset_align = (int64_t)l->minStorageBufferOffsetAlignment;
    if (t->offset_align < 4)
        t->offset_align = 4;
    uint32_t buffers = l->maxPerStageDescriptorStorageBuffers;
    if (buffers > l->maxDescriptorSetStorageBuffers)
        buffers = l->maxDescriptorSetStorageBuffers;
    if (buffers > l->maxPerStageResources)
        buffers = l->maxPerStageResources;
    t->max_buffers = buffers > 1024 ? 1024 : (int)buffers;
    t->scalar_bytes = l->maxPushConstantsSize;
}

/* Vulkan reports neither units nor throughput: these are the figures of a middling device. */
static void
fill_cost(weft_target *t)
{
    bool is_cpu = t->cls == WEFT_CLASS_LANE_CPU;
    t->cores = is_cpu ? weft_cpu_count() : t->cls == WEFT_CLASS_MOBILE ? 8 : 32;
    t->gflops = is_cpu ? 16.0 * t->cores : t->cls == WEFT_CLASS_MOBILE ? 1000 : 8000;
    t->gbytes = is_cpu ? 8.0 * t->cores : t->cls == WEFT_CLASS_MOBILE ? 40 : 400;
    t->cache_bytes = is_cpu ? 512 << 10 : 64 << 10;
    t->registers = is_cpu ? 16 : t->cls == WEFT_CLASS_MOBILE ? 64 : 128;
#ifdef _SC_LEVEL2_CACHE_SIZE
    if (is_cpu && sysconf(_SC_LEVEL2_CACHE_SIZE) > 0)
        t->cache_bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
}

static void
fill_arithmetic(weft_target *t, const weft_vk_features *f)
{
    t->vector_lanes = t->cls == WEFT_CLASS_LANE_CPU ? 1 : WEFT_GPU_LANES;
    t->f16 = f->float16;
    t->f64 = f->float64;
    t->i8 = f->int8;
    t->i16 = f->int16;
    t->i64 = f->int64;
    t->storage8 = f->storage8;
    t->storage16 = f->storage16;
    t->spirv_version = 0x10300;
}

/* The widths that may be asked for together: where a mode of one width is bound to another's, both
 * or neither. */
static int
joined_widths(VkShaderFloatControlsIndependence bound, bool half, bool single, bool full)
{
    bool others = half && full;
    if (bound == VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_NONE)
        return others && single ? 16 + 32 + 64 : 0;
    if (bound == VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_32_BIT_ONLY)
        half = full = others;
    return (half ? 16 : 0) + (single ? 32 : 0) + (full ? 64 : 0);
}

static void
fill_float_modes(weft_target *t, const VkPhysicalDeviceFloatControlsProperties *f)
{
    t->denorm_preserve =
        joined_widths(f->denormBehaviorIndependence, f->shaderDenormPreserveFloat16,
                      f->shaderDenormPreserveFloat32, f->shaderDenormPreserveFloat64);
    t->round_even = joined_widths(f->roundingModeIndependence, f->shaderRoundingModeRTEFloat16,
                                  f->shaderRoundingModeRTEFloat32, f->shaderRoundingModeRTEFloat64);
    t->special_preserve = joined_widths(
        VK_SHADER_FLOAT_CONTROLS_INDEPENDENCE_ALL, f->shaderSignedZeroInfNanPreserveFloat16,
        f->shaderSignedZeroInfNanPreserveFloat32, f->shaderSignedZeroInfNanPreserveFloat64);
}

/* A profile's name from the device's: lower case, words joined by '-', up to the first bracket. */
static void
profile_name(char *out, size_t size, const char *name)
{
    size_t n = 0;
    for (; *name && *name != '(' && n + 1 < size; name++) {
        char c = *name >= 'A' && *name <= 'Z' ? (char)(*name - 'A' + 'a') : *name;
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.')
            out[n++] = c;
        else if (n && out[n - 1] != '-')
            out[n++] = '-';
    }
    while (n && out[n - 1] == '-')
        n--;
    out[n] = 0;
}

/* ---- memory types ---------------------------------------------------------------------------- */

/* The first type with all of `need` and, if there is one, all of `like`; UINT32_MAX if none. */
static uint32_t
find_type(const weft_vk_device *d, VkMemoryPropertyFlags need, VkMemoryPropertyFlags like)
{
    uint32_t found = UINT32_MAX;
    for (uint32_t i = d->memory.memoryTypeCount; i-- > 0;) {
        VkMemoryPropertyFlags have = d->memory.memoryTypes[i].propertyFlags;
        bool fits = (have & need) == need, better = (have & like) == like;
        bool had =
            found < UINT32_MAX && (d->memory.memoryTypes[found].propertyFlags & like) == like;
        if (fits && (found == UINT32_MAX || better || !had))
            found = i;
    }
    return found;
}

static void
query_memory(weft_vk_device *d, bool is_unified)
{
    enum { HOST = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT };
    d->instance->GetPhysicalDeviceMemoryProperties(d->physical, &d->memory);
    d->staging_type = find_type(d, HOST, HOST | VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
    d->buffer_type = UINT32_MAX;
    if (is_unified)
        d->buffer_type = find_type(d, HOST | VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT,
                                   VK_MEMORY_PROPERTY_HOST_CACHED_BIT);
    d->mapped = d->buffer_type != UINT32_MAX;
    if (!d->mapped)
        d->buffer_type = find_type(d, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0);
    if (d->buffer_type != UINT32_MAX)
        d->heap_bytes =
            (int64_t)d->memory.memoryHeaps[d->memory.memoryTypes[d->buffer_type].heapIndex].size;
}

/* Subgroups whose threads exchange values, of the sizes that a pipeline may ask for.  Of others
 * nobody knows how many threads they have: none are relied on. */
static void
query_subgroups(weft_vk_device *d, const VkPhysicalDeviceSubgroupProperties *subgroup)
{
    enum { SHUFFLES = VK_SUBGROUP_FEATURE_SHUFFLE_BIT | VK_SUBGROUP_FEATURE_SHUFFLE_RELATIVE_BIT };
    weft_device_info *info = &d->base.info;
    VkPhysicalDeviceSubgroupSizeControlPropertiesEXT sizes = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES_EXT
    };
    VkPhysicalDeviceProperties2 all = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                        .pNext = &sizes };
    if (d->features.subgroups)
        d->instance->GetPhysicalDeviceProperties2(d->physical, &all);
    d->features.subgroups = sizes.requiredSubgroupSizeStages & VK_SHADER_STAGE_COMPUTE_BIT &&
                            subgroup->supportedStages & VK_SHADER_STAGE_COMPUTE_BIT &&
                            (subgroup->supportedOperations & SHUFFLES) == SHUFFLES;
    info->target.subgroup = 1;
    info->target.whole_subgroups = true;
    info->target.subgroup_shuffle = d->features.subgroups;
    if (!d->features.subgroups)
        return;
    info->target.subgroup = (int)subgroup->subgroupSize;
    info->target.max_subgroups = (int)sizes.maxComputeWorkgroupSubgroups;
    info->least_subgroup = (int)sizes.minSubgroupSize;
    info->most_subgroup = (int)sizes.maxSubgroupSize;
}

static int
component(weft_dtype t)
{
    return t == WEFT_F16   ? VK_COMPONENT_TYPE_FLOAT16_KHR
           : t == WEFT_F32 ? VK_COMPONENT_TYPE_FLOAT32_KHR
           : t == WEFT_I8  ? VK_COMPONENT_TYPE_SINT8_KHR
           : t == WEFT_U8  ? VK_COMPONENT_TYPE_UINT8_KHR
                           : VK_COMPONENT_TYPE_SINT32_KHR;
}

/* The WEFT_SHAPE that the row is, or 0. */
static int
shape_of(const VkCooperativeMatrixPropertiesKHR *p)
{
    static const struct {
        int shape;
        uint32_t m, n, k;
        weft_dtype factor, sum;
    } shapes[] = {
#define SHAPE(M, N, K, FACTOR, SUM)                                                                \
    { WEFT_SHAPE_##M##x##N##x##K##_##FACTOR##_##SUM, M, N, K, WEFT_##FACTOR, WEFT_##SUM }
        SHAPE(16, 16, 16, F16, F32), SHAPE(16, 16, 16, F16, F16), SHAPE(16, 16, 16, I8, I32),
        SHAPE(16, 16, 16, U8, I32),  SHAPE(16, 8, 16, F16, F32),  SHAPE(16, 8, 16, F16, F16),
        SHAPE(16, 8, 8, F16, F32),   SHAPE(16, 8, 8, F16, F16),   SHAPE(16, 16, 32, I8, I32),
        SHAPE(16, 8, 32, I8, I32),
#undef SHAPE
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        if (p->MSize == shapes[i].m && p->NSize == shapes[i].n && p->KSize == shapes[i].k &&
            (int)p->AType == component(shapes[i].factor) && p->BType == p->AType &&
            (int)p->CType == component(shapes[i].sum) && p->ResultType == p->CType &&
            !p->saturatingAccumulation && p->scope == VK_SCOPE_SUBGROUP_KHR)
            return shapes[i].shape;
    return 0;
}

/* Fragments are of subgroups of 32: where the device has others besides, those are asked for. */
static void
query_matrices(weft_vk_device *d)
{
    enum { LANES = 32, MOST = 1024 };
    weft_device_info *info = &d->base.info;
    weft_arena arena = { 0 };
    uint32_t n = 0;
    PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR get = NULL;
    if (d->features.matrices && d->features.subgroups && info->least_subgroup <= LANES &&
        info->most_subgroup >= LANES)
        get = (PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR)d->instance->get(
            d->instance->handle, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR");
    if (get && get(d->physical, &n, NULL) == VK_SUCCESS && n <= MOST) {
        VkCooperativeMatrixPropertiesKHR *p =
            WEFT_NEW_ARRAY(&arena, n, VkCooperativeMatrixPropertiesKHR);
        for (uint32_t i = 0; i < n; i++)
            p[i].sType = VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR;
        if (get(d->physical, &n, p) == VK_SUCCESS)
            for (uint32_t i = 0; i < n; i++)
                info->target.matrix_shapes |= shape_of(&p[i]);
    }
    weft_arena_reset(&arena);
    info->target.matrix = d->features.matrices = info->target.matrix_shapes != 0;
    if (info->target.matrix)
        info->target.subgroup = LANES;
}

void
weft_vk_query(weft_vk_device *d, int index)
{
    weft_device_info *info = &d->base.info;
    weft_target *t = &info->target;
    VkPhysicalDeviceSubgroupProperties subgroup = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES
    };
    VkPhysicalDeviceMaintenance3Properties sizes = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES, .pNext = &subgroup
    };
    VkPhysicalDeviceFloatControlsProperties floats = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FLOAT_CONTROLS_PROPERTIES
    };
    VkPhysicalDeviceProperties2 all = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
                                        .pNext = &sizes };
    d->instance->GetPhysicalDeviceProperties2(d->physical, &all);
    const VkPhysicalDeviceProperties *p = &all.properties;
    bool is_cpu = p->deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
    query_features(d, p->apiVersion);
    if (d->features.ext_float_controls) { /* filled by a device that knows it */
        subgroup.pNext = &floats;
        d->instance->GetPhysicalDeviceProperties2(d->physical, &all);
    }
    fill_float_modes(t, &floats);
    query_memory(d, is_cpu || p->deviceType == VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU);
    snprintf(info->id, sizeof info->id, index ? "vulkan:%d" : "vulkan", index);
    snprintf(info->name, sizeof info->name, "%.120s", p->deviceName);
    snprintf(info->driver, sizeof info->driver, "Vulkan %u.%u.%u, driver %u.%u.%u of vendor 0x%x",
             VK_API_VERSION_MAJOR(p->apiVersion), VK_API_VERSION_MINOR(p->apiVersion),
             VK_API_VERSION_PATCH(p->apiVersion), VK_API_VERSION_MAJOR(p->driverVersion),
             VK_API_VERSION_MINOR(p->driverVersion), VK_API_VERSION_PATCH(p->driverVersion),
             p->vendorID);
    memcpy(d->cache_uuid, p->pipelineCacheUUID, sizeof d->cache_uuid);
    d->timestamp_bits = family_timestamp_bits(d);
    d->timestamp_seconds = d->timestamp_bits ? (double)p->limits.timestampPeriod * 1e-9 : 0;
    bool is_lavapipe = is_cpu && !strncmp(p->deviceName, "llvmpipe", 8);
    profile_name(t->name, sizeof t->name, is_lavapipe ? "lavapipe" : p->deviceName);
    t->max_iterations = is_lavapipe ? WEFT_LLVMPIPE_ITERATIONS : 0;
    t->api = WEFT_API_VULKAN;
    t->cls = is_cpu                   ? WEFT_CLASS_LANE_CPU
             : is_mobile(p->vendorID) ? WEFT_CLASS_MOBILE
                                      : WEFT_CLASS_GPU;
    fill_limits(t, &p->limits);
    t->max_alloc = sizes.maxMemoryAllocationSize > INT64_MAX
                       ? INT64_MAX
                       : (int64_t)sizes.maxMemoryAllocationSize;
    if (t->max_alloc > d->heap_bytes)
        t->max_alloc = d->heap_bytes;
    query_subgroups(d, &subgroup);
    query_matrices(d);
    fill_arithmetic(t, &d->features);
    fill_cost(t);
}
