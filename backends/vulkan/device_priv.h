/* backends/vulkan/device_priv.h: what the files of the Vulkan driver share. */
#ifndef WEFT_VULKAN_DEVICE_PRIV_H
#define WEFT_VULKAN_DEVICE_PRIV_H

#include "runtime/device.h"

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

#include "backends/vulkan/vk_matrix.h"

/* The loader, an instance and their functions. */
typedef struct weft_vk_instance {
    VkInstance handle;
    PFN_vkGetInstanceProcAddr get;
    VkDebugUtilsMessengerEXT messenger;
    weft_diag *complaints; /* what the validation layer reports; NULL when it is off */
#define VK_GLOBAL(name)   PFN_vk##name name;
#define VK_INSTANCE(name) PFN_vk##name name;
#define VK_DEVICE(name)
#include "backends/vulkan/vk_functions.def"
#undef VK_GLOBAL
#undef VK_INSTANCE
#undef VK_DEVICE
} weft_vk_instance;

typedef struct weft_vk_features { /* what is there and will be switched on */
    bool storage8, storage16, float16, int8, int16, int64, float64;
    bool ext_8bit, ext_float16_int8, ext_float_controls, ext_portability;
    bool ext_subgroup_sizes, ext_subgroup_types;
    bool matrices;  /* the extension, and the memory model that it needs */
    bool ext_memory_model;
    bool subgroups; /* of a size that is asked for, full, and exchanging all types */
} weft_vk_features;

typedef struct weft_vk_device {
    weft_device base;
    weft_vk_instance *instance;
    VkPhysicalDevice physical;
    VkDevice handle;
    VkQueue queue;
    uint32_t family;
    VkCommandPool pool;
    VkFence fence;
    bool pending; /* the fence guards a submission not yet waited for */
    VkPhysicalDeviceMemoryProperties memory;
    uint32_t buffer_type, staging_type; /* memory types */
    bool mapped;                        /* buffers are host-visible: no staging */
    int64_t heap_bytes, used_bytes;
    double timestamp_seconds; /* of one tick; 0: no timestamps */
    uint32_t timestamp_bits;
    uint8_t cache_uuid[VK_UUID_SIZE];
    weft_vk_features features;
    weft_memory *staging; /* made when first needed */
#define VK_GLOBAL(name)
#define VK_INSTANCE(name)
#define VK_DEVICE(name) PFN_vk##name name;
#include "backends/vulkan/vk_functions.def"
#undef VK_GLOBAL
#undef VK_INSTANCE
#undef VK_DEVICE
} weft_vk_device;

struct weft_memory {
    VkBuffer buffer;
    VkDeviceMemory memory;
    int64_t bytes;
    char *mapped; /* NULL: not visible to the host */
};

typedef struct weft_vk_kernel {
    char *name;
    int nbuffer, nscalar;
    uint8_t *scalar;
    uint32_t push_bytes;
    VkDescriptorSetLayout set_layout;
    VkPipelineLayout layout;
    VkPipeline pipeline;
} weft_vk_kernel;

struct weft_code {
    int n;
    weft_vk_kernel *kernel;
    weft_arena arena;
};

/* ---- device_instance.c ---- */
/* A report of "call: VK_NAME (code) at object"; WEFT_OK for VK_SUCCESS. */
weft_status weft_vk_check(weft_diag *, VkResult, const char *call, const char *object);
weft_vk_instance *weft_vk_instance_create(weft_str *why);
void weft_vk_instance_destroy(weft_vk_instance *);
/* The physical devices that can be used, GPUs first; none, and the reason. */
int weft_vk_list(const weft_vk_instance *, weft_arena *, VkPhysicalDevice **, weft_str *why);
/* What the validation layer reported since the last call becomes an error. */
weft_status weft_vk_complaints(weft_vk_device *, weft_status, weft_diag *);

/* ---- device_query.c ---- */
/* The queue family to compute on, or -1. */
int weft_vk_family(const weft_vk_instance *, VkPhysicalDevice);
/* Fills info, features and the memory facts. */
void weft_vk_query(weft_vk_device *, int index);

/* ---- device_memory.c ---- */
weft_status weft_vk_alloc(weft_device *, int64_t bytes, weft_memory **, weft_diag *);
void weft_vk_free(weft_device *, weft_memory *);
weft_status weft_vk_upload(weft_device *, weft_memory *, int64_t offset, const void *,
                           int64_t bytes, weft_diag *);
weft_status weft_vk_download(weft_device *, weft_memory *, int64_t offset, void *, int64_t bytes,
                             weft_diag *);
weft_status weft_vk_copy(weft_device *, weft_memory *to, int64_t to_offset, weft_memory *from,
                         int64_t from_offset, int64_t bytes, weft_diag *);
/* Starts a command buffer, after what was started before it is done. */
weft_status weft_vk_start(weft_vk_device *, VkCommandBuffer, weft_diag *);
/* Waits until nothing is running. */
weft_status weft_vk_wait(weft_vk_device *, weft_diag *);
weft_status weft_vk_commands(weft_vk_device *, VkCommandBuffer *, weft_diag *);

/* ---- device_load.c, device_run.c ---- */
weft_status weft_vk_load(weft_device *, const weft_source *, int n, weft_numerics, weft_code **,
                         weft_diag *);
void weft_vk_unload(weft_device *, weft_code *);
weft_status weft_vk_record(weft_device *, const weft_launch *, int n, weft_batch **, weft_diag *);
void weft_vk_discard(weft_device *, weft_batch *);
weft_status weft_vk_submit(weft_device *, weft_batch *, double *times, weft_diag *);

#endif
