/* A libvulkan with one integrated GPU that is the host's memory: objects and ranges are checked,
 * command buffers are kept as lists and `add` is computed when they are submitted. */
#define FAKE_LIBRARY
#include "fake.h"

#include <vulkan/vulkan.h>

#include "backends/vulkan/vk_matrix.h"

enum { MAX_BINDINGS = 16, MAX_COMMANDS = 256, PUSH_BYTES = 128, CACHE_HEAD = 32 };

typedef struct object {
    fake_handle h;
} object;

typedef struct buffer {
    fake_handle h;
    VkDeviceSize size;
    struct memory *memory;
} buffer;

typedef struct memory {
    fake_handle h;
    VkDeviceSize size;
    char *data;
} memory;

typedef struct fence {
    fake_handle h;
    bool signaled;
} fence;

typedef struct shader {
    fake_handle h;
    char name[64]; /* of its entry point */
} shader;

typedef struct layout {
    fake_handle h;
    uint32_t nbinding, push;
} layout;

typedef struct pipeline {
    fake_handle h;
    char name[64];
    uint32_t nbinding, push;
} pipeline;

typedef struct set {
    fake_handle h;
    void *pool;
    VkDescriptorBufferInfo bound[MAX_BINDINGS];
} set;

typedef struct command {
    enum { DISPATCH, COPY } kind;
    const pipeline *pipeline;
    const set *set;
    char push[PUSH_BYTES];
    buffer *from, *to;
    VkBufferCopy region;
} command;

typedef struct commands {
    fake_handle h;
    bool open, done;
    const pipeline *pipeline;
    const set *set;
    char push[PUSH_BYTES];
    int n;
    command at[MAX_COMMANDS];
} commands;

FAKE_API fake_state *fake_vulkan(void);
FAKE_API fake_state *
fake_vulkan(void)
{
    return &fake;
}

#define CALL(result, name, ...) static VKAPI_ATTR result VKAPI_CALL name(__VA_ARGS__)
#define ENTER(name)                                                                                \
    do {                                                                                           \
        int code_ = fake_enter("vk" name);                                                         \
        if (code_)                                                                                 \
            return (VkResult)code_;                                                                \
    } while (0)
/* An object that is nothing but alive. */
#define MAKE(out, type, kind) (*(out) = (type)(uintptr_t)fake_new(sizeof(object), kind))
#define OF(type, handle)      ((type *)(uintptr_t)(handle))
#define DESTROY(name, type, kind)                                                                  \
    CALL(void, Destroy##name, VkDevice d, type x, const VkAllocationCallbacks *a)                  \
    {                                                                                              \
        (void)a;                                                                                   \
        fake_is(d, "device", "vkDestroy" #name);                                                   \
        fake_drop(OF(void, x), kind, "vkDestroy" #name);                                           \
    }

static int the_physical, the_queue; /* their addresses are the handles */

/* ---- instance -------------------------------------------------------------------------------- */

CALL(VkResult, EnumerateInstanceExtensionProperties, const char *layer, uint32_t *n,
     VkExtensionProperties *out)
{
    (void)layer, (void)out;
    *n = 0;
    return VK_SUCCESS;
}

CALL(VkResult, EnumerateInstanceLayerProperties, uint32_t *n, VkLayerProperties *out)
{
    (void)out;
    *n = 0;
    return VK_SUCCESS;
}

CALL(VkResult, CreateInstance, const VkInstanceCreateInfo *info, const VkAllocationCallbacks *a,
     VkInstance *out)
{
    (void)info, (void)a;
    ENTER("CreateInstance");
    *out = fake_new(sizeof(object), "instance");
    return VK_SUCCESS;
}

CALL(void, DestroyInstance, VkInstance v, const VkAllocationCallbacks *a)
{
    (void)a;
    fake_drop(v, "instance", "vkDestroyInstance");
}

CALL(VkResult, EnumeratePhysicalDevices, VkInstance v, uint32_t *n, VkPhysicalDevice *out)
{
    bool found;
    ENTER("EnumeratePhysicalDevices");
    fake_is(v, "instance", "vkEnumeratePhysicalDevices");
    int have = fake_env("devices", &found);
    have = found ? have : 1;
    if (out && *n && have)
        *out = (VkPhysicalDevice)&the_physical;
    *n = (uint32_t)have;
    return VK_SUCCESS;
}

/* WEFT_FAKE=matrices=1: subgroups of 32 and 64, and VK_KHR_cooperative_matrix. */
static bool
has_matrices(void)
{
    bool found;
    return fake_env("matrices", &found) != 0;
}

static void
fill_subgroups(VkBaseOutStructure *s)
{
    if (!has_matrices())
        return;
    if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_PROPERTIES) {
        VkPhysicalDeviceSubgroupProperties *p = (VkPhysicalDeviceSubgroupProperties *)s;
        p->subgroupSize = 64;
        p->supportedStages = VK_SHADER_STAGE_COMPUTE_BIT;
        p->supportedOperations =
            VK_SUBGROUP_FEATURE_SHUFFLE_BIT | VK_SUBGROUP_FEATURE_SHUFFLE_RELATIVE_BIT;
    }
    if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_PROPERTIES_EXT) {
        VkPhysicalDeviceSubgroupSizeControlPropertiesEXT *p =
            (VkPhysicalDeviceSubgroupSizeControlPropertiesEXT *)s;
        p->minSubgroupSize = 32;
        p->maxSubgroupSize = 64;
        p->maxComputeWorkgroupSubgroups = 16;
        p->requiredSubgroupSizeStages = VK_SHADER_STAGE_COMPUTE_BIT;
    }
}

/* One that programs may ask for; of the rest, of a block's threads, saturating and of odd sizes,
 * none. */
CALL(VkResult, GetPhysicalDeviceCooperativeMatrixPropertiesKHR, VkPhysicalDevice p, uint32_t *n,
     VkCooperativeMatrixPropertiesKHR *out)
{
    static const VkCooperativeMatrixPropertiesKHR all[] = {
#define KIND(name)      VK_COMPONENT_TYPE_##name##_KHR
#define TYPES(from, to) KIND(from), KIND(from), KIND(to), KIND(to)
        { 0, NULL, 16, 16, 16, TYPES(FLOAT16, FLOAT32), VK_FALSE, VK_SCOPE_SUBGROUP_KHR },
        { 0, NULL, 16, 16, 16, TYPES(FLOAT16, FLOAT16), VK_FALSE, (VkScopeKHR)2 },
        { 0, NULL, 16, 16, 32, TYPES(SINT8, SINT32), VK_TRUE, VK_SCOPE_SUBGROUP_KHR },
        { 0, NULL, 48, 40, 24, TYPES(FLOAT16, FLOAT32), VK_FALSE, VK_SCOPE_SUBGROUP_KHR },
#undef KIND
#undef TYPES
    };
    const uint32_t have = sizeof all / sizeof *all;
    (void)p;
    ENTER("GetPhysicalDeviceCooperativeMatrixPropertiesKHR");
    for (uint32_t i = 0; out && i < *n && i < have; i++) {
        if (out[i].sType != VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR)
            fake_wrong("vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR", "no such structure");
        out[i] = all[i];
    }
    *n = have;
    return VK_SUCCESS;
}

CALL(void, GetPhysicalDeviceProperties2, VkPhysicalDevice p, VkPhysicalDeviceProperties2 *out)
{
    VkPhysicalDeviceProperties *o = &out->properties;
    (void)p;
    o->apiVersion = VK_API_VERSION_1_1;
    o->driverVersion = 1;
    o->vendorID = 0xfa4e;
    o->deviceID = 1;
    o->deviceType = VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU;
    strcpy(o->deviceName, "Fake GPU");
    memset(o->pipelineCacheUUID, 7, VK_UUID_SIZE);
    o->limits = (VkPhysicalDeviceLimits){
        .maxComputeWorkGroupInvocations = 256,
        .maxComputeWorkGroupSize = { 256, 256, 64 },
        .maxComputeWorkGroupCount = { 65535, 65535, 65535 },
        .maxComputeSharedMemorySize = 16384,
        .maxStorageBufferRange = 1 << 27,
        .minStorageBufferOffsetAlignment = 64,
        .maxPerStageDescriptorStorageBuffers = MAX_BINDINGS,
        .maxDescriptorSetStorageBuffers = MAX_BINDINGS,
        .maxPerStageResources = MAX_BINDINGS,
        .maxPushConstantsSize = PUSH_BYTES,
        .timestampPeriod = 1,
    };
    for (VkBaseOutStructure *s = out->pNext; s; s = s->pNext)
        if (s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MAINTENANCE_3_PROPERTIES)
            ((VkPhysicalDeviceMaintenance3Properties *)s)->maxMemoryAllocationSize = 1 << 28;
        else
            fill_subgroups(s);
}

/* What kernels with matrices need, as the first field of the structure has it. */
static bool
is_matrix_feature(VkStructureType type)
{
    return type == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR ||
           type == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_MEMORY_MODEL_FEATURES;
}

CALL(void, GetPhysicalDeviceFeatures2, VkPhysicalDevice p, VkPhysicalDeviceFeatures2 *out)
{
    (void)p;
    out->features.shaderInt64 = VK_TRUE;
    for (VkBaseOutStructure *s = out->pNext; s && has_matrices(); s = s->pNext) {
        VkBool32 *field = (VkBool32 *)(s + 1); /* the first two of each */
        bool two = s->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT;
        if (two || is_matrix_feature(s->sType) ||
            s->sType ==
                VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_SUBGROUP_EXTENDED_TYPES_FEATURES)
            field[0] = VK_TRUE;
        if (two)
            field[1] = VK_TRUE;
    }
}

CALL(void, GetPhysicalDeviceMemoryProperties, VkPhysicalDevice p,
     VkPhysicalDeviceMemoryProperties *out)
{
    (void)p;
    bool found, apart = fake_env("discrete", &found) != 0;
    VkMemoryPropertyFlags host =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    *out = (VkPhysicalDeviceMemoryProperties){ .memoryTypeCount = 2, .memoryHeapCount = 1 };
    out->memoryTypes[0].propertyFlags = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | (apart ? 0 : host);
    out->memoryTypes[1].propertyFlags = host;
    out->memoryHeaps[0].size = 1 << 30;
}

CALL(void, GetPhysicalDeviceQueueFamilyProperties, VkPhysicalDevice p, uint32_t *n,
     VkQueueFamilyProperties *out)
{
    (void)p;
    if (out && *n)
        *out = (VkQueueFamilyProperties){ .queueFlags = VK_QUEUE_COMPUTE_BIT,
                                          .queueCount = 1,
                                          .timestampValidBits = 64 };
    *n = 1;
}

CALL(VkResult, EnumerateDeviceExtensionProperties, VkPhysicalDevice p, const char *layer,
     uint32_t *n, VkExtensionProperties *out)
{
    static const char *const names[] = {
        "VK_KHR_cooperative_matrix", "VK_KHR_vulkan_memory_model", "VK_EXT_subgroup_size_control",
        "VK_KHR_shader_subgroup_extended_types"
    };
    const uint32_t have = has_matrices() ? sizeof names / sizeof *names : 0;
    (void)p, (void)layer;
    for (uint32_t i = 0; out && i < *n && i < have; i++)
        strcpy(out[i].extensionName, names[i]);
    *n = have;
    return VK_SUCCESS;
}

/* Whether the features that kernels with matrices need are switched on, with their extension. */
static bool
asks_for_matrices(const VkDeviceCreateInfo *info)
{
    int on = 0, named = 0;
    for (const VkBaseInStructure *s = info->pNext; s; s = s->pNext)
        on += is_matrix_feature(s->sType) && *(const VkBool32 *)(s + 1);
    for (uint32_t i = 0; i < info->enabledExtensionCount; i++)
        named += !strcmp(info->ppEnabledExtensionNames[i], "VK_KHR_cooperative_matrix") ||
                 !strcmp(info->ppEnabledExtensionNames[i], "VK_KHR_vulkan_memory_model");
    return on == 2 && named == 2;
}

CALL(VkResult, CreateDevice, VkPhysicalDevice p, const VkDeviceCreateInfo *info,
     const VkAllocationCallbacks *a, VkDevice *out)
{
    bool hidden;
    (void)p, (void)a;
    (void)fake_env("vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR", &hidden);
    ENTER("CreateDevice");
    if (asks_for_matrices(info) != (has_matrices() && !hidden))
        fake_wrong("vkCreateDevice", "features of matrices that are not there, or not asked for");
    *out = fake_new(sizeof(object), "device");
    return VK_SUCCESS;
}

CALL(void, DestroyDevice, VkDevice d, const VkAllocationCallbacks *a)
{
    (void)a;
    fake_drop(d, "device", "vkDestroyDevice");
}

CALL(void, GetDeviceQueue, VkDevice d, uint32_t family, uint32_t i, VkQueue *out)
{
    fake_is(d, "device", "vkGetDeviceQueue");
    if (family || i)
        fake_wrong("vkGetDeviceQueue", "no such queue");
    *out = (VkQueue)&the_queue;
}

/* ---- memory ---------------------------------------------------------------------------------- */

CALL(VkResult, CreateBuffer, VkDevice d, const VkBufferCreateInfo *info,
     const VkAllocationCallbacks *a, VkBuffer *out)
{
    (void)a;
    ENTER("CreateBuffer");
    fake_is(d, "device", "vkCreateBuffer");
    buffer *b = fake_new(sizeof *b, "buffer");
    b->size = info->size;
    *out = (VkBuffer)(uintptr_t)b;
    return VK_SUCCESS;
}
DESTROY(Buffer, VkBuffer, "buffer")

CALL(void, GetBufferMemoryRequirements, VkDevice d, VkBuffer b, VkMemoryRequirements *out)
{
    (void)d;
    *out = (VkMemoryRequirements){ (OF(buffer, b)->size + 63) / 64 * 64, 64, 3 };
}

CALL(VkResult, AllocateMemory, VkDevice d, const VkMemoryAllocateInfo *info,
     const VkAllocationCallbacks *a, VkDeviceMemory *out)
{
    (void)a;
    ENTER("AllocateMemory");
    fake_is(d, "device", "vkAllocateMemory");
    if (info->allocationSize > 1 << 28)
        return VK_ERROR_OUT_OF_DEVICE_MEMORY;
    memory *m = fake_new(sizeof *m, "memory");
    m->size = info->allocationSize;
    m->data = malloc(info->allocationSize);
    *out = (VkDeviceMemory)(uintptr_t)m;
    return VK_SUCCESS;
}

CALL(void, FreeMemory, VkDevice d, VkDeviceMemory m, const VkAllocationCallbacks *a)
{
    (void)d, (void)a;
    if (fake_is(OF(void, m), "memory", "vkFreeMemory"))
        free(OF(memory, m)->data);
    fake_drop(OF(void, m), "memory", "vkFreeMemory");
}

CALL(VkResult, BindBufferMemory, VkDevice d, VkBuffer b, VkDeviceMemory m, VkDeviceSize offset)
{
    (void)d;
    ENTER("BindBufferMemory");
    if (offset || OF(memory, m)->size < OF(buffer, b)->size)
        fake_wrong("vkBindBufferMemory", "the buffer does not fit");
    OF(buffer, b)->memory = OF(memory, m);
    return VK_SUCCESS;
}

CALL(VkResult, MapMemory, VkDevice d, VkDeviceMemory m, VkDeviceSize offset, VkDeviceSize size,
     VkMemoryMapFlags flags, void **out)
{
    (void)d, (void)offset, (void)size, (void)flags;
    ENTER("MapMemory");
    *out = OF(memory, m)->data;
    return VK_SUCCESS;
}

/* ---- pipelines ------------------------------------------------------------------------------- */

/* The first OpEntryPoint's name. */
CALL(VkResult, CreateShaderModule, VkDevice d, const VkShaderModuleCreateInfo *info,
     const VkAllocationCallbacks *a, VkShaderModule *out)
{
    (void)d, (void)a;
    ENTER("CreateShaderModule");
    shader *s = fake_new(sizeof *s, "shader");
    for (size_t i = 5; i < info->codeSize / 4 && !s->name[0]; i += info->pCode[i] >> 16)
        if ((info->pCode[i] & 0xffff) == 15)
            snprintf(s->name, sizeof s->name, "%s", (const char *)&info->pCode[i + 3]);
    *out = (VkShaderModule)(uintptr_t)s;
    return VK_SUCCESS;
}
DESTROY(ShaderModule, VkShaderModule, "shader")

/* Data of another device are ignored, as Vulkan has it; what follows the head must be ours. */
CALL(VkResult, CreatePipelineCache, VkDevice d, const VkPipelineCacheCreateInfo *info,
     const VkAllocationCallbacks *a, VkPipelineCache *out)
{
    (void)d, (void)a;
    ENTER("CreatePipelineCache");
    if (info->initialDataSize &&
        (info->initialDataSize != CACHE_HEAD + 4 ||
         memcmp((const char *)info->pInitialData + CACHE_HEAD, "fake", 4) != 0))
        fake_wrong("vkCreatePipelineCache", "data of another driver");
    MAKE(out, VkPipelineCache, "cache");
    return VK_SUCCESS;
}
DESTROY(PipelineCache, VkPipelineCache, "cache")

CALL(VkResult, GetPipelineCacheData, VkDevice d, VkPipelineCache c, size_t *size, void *data)
{
    const uint32_t head[4] = { CACHE_HEAD, VK_PIPELINE_CACHE_HEADER_VERSION_ONE, 0xfa4e, 1 };
    (void)d, (void)c;
    ENTER("GetPipelineCacheData");
    if (data && *size < CACHE_HEAD + 4)
        return VK_INCOMPLETE;
    *size = CACHE_HEAD + 4;
    if (data) {
        memcpy(data, head, sizeof head);
        memset((char *)data + sizeof head, 7, VK_UUID_SIZE);
        memcpy((char *)data + CACHE_HEAD, "fake", 4);
    }
    return VK_SUCCESS;
}

CALL(VkResult, CreateDescriptorSetLayout, VkDevice d, const VkDescriptorSetLayoutCreateInfo *info,
     const VkAllocationCallbacks *a, VkDescriptorSetLayout *out)
{
    (void)d, (void)a;
    ENTER("CreateDescriptorSetLayout");
    layout *l = fake_new(sizeof *l, "set layout");
    l->nbinding = info->bindingCount;
    *out = (VkDescriptorSetLayout)(uintptr_t)l;
    return VK_SUCCESS;
}
DESTROY(DescriptorSetLayout, VkDescriptorSetLayout, "set layout")

CALL(VkResult, CreatePipelineLayout, VkDevice d, const VkPipelineLayoutCreateInfo *info,
     const VkAllocationCallbacks *a, VkPipelineLayout *out)
{
    (void)d, (void)a;
    ENTER("CreatePipelineLayout");
    layout *l = fake_new(sizeof *l, "layout");
    l->nbinding = OF(layout, info->pSetLayouts[0])->nbinding;
    l->push = info->pushConstantRangeCount ? info->pPushConstantRanges[0].size : 0;
    *out = (VkPipelineLayout)(uintptr_t)l;
    return VK_SUCCESS;
}
DESTROY(PipelineLayout, VkPipelineLayout, "layout")

CALL(VkResult, CreateComputePipelines, VkDevice d, VkPipelineCache c, uint32_t n,
     const VkComputePipelineCreateInfo *info, const VkAllocationCallbacks *a, VkPipeline *out)
{
    (void)d, (void)c, (void)n, (void)a;
    *out = VK_NULL_HANDLE;
    ENTER("CreateComputePipelines");
    const shader *s = OF(shader, info->stage.module);
    const layout *l = OF(layout, info->layout);
    if (!fake_is(s, "shader", "vkCreateComputePipelines") ||
        strcmp(s->name, info->stage.pName) != 0)
        fake_wrong("vkCreateComputePipelines", "the shader has no such entry point");
    pipeline *p = fake_new(sizeof *p, "pipeline");
    snprintf(p->name, sizeof p->name, "%s", info->stage.pName);
    p->nbinding = l->nbinding;
    p->push = l->push;
    *out = (VkPipeline)(uintptr_t)p;
    return VK_SUCCESS;
}
DESTROY(Pipeline, VkPipeline, "pipeline")

/* ---- descriptors ----------------------------------------------------------------------------- */

CALL(VkResult, CreateDescriptorPool, VkDevice d, const VkDescriptorPoolCreateInfo *info,
     const VkAllocationCallbacks *a, VkDescriptorPool *out)
{
    (void)d, (void)info, (void)a;
    ENTER("CreateDescriptorPool");
    MAKE(out, VkDescriptorPool, "pool");
    return VK_SUCCESS;
}

/* With all its sets. */
CALL(void, DestroyDescriptorPool, VkDevice d, VkDescriptorPool pool, const VkAllocationCallbacks *a)
{
    (void)d, (void)a;
    for (fake_handle *h = fake.handles, *next; h; h = next) {
        next = h->next;
        if (!strcmp(h->kind, "set") && ((set *)h)->pool == OF(void, pool))
            fake_drop(h, "set", "vkDestroyDescriptorPool");
    }
    fake_drop(OF(void, pool), "pool", "vkDestroyDescriptorPool");
}

CALL(VkResult, AllocateDescriptorSets, VkDevice d, const VkDescriptorSetAllocateInfo *info,
     VkDescriptorSet *out)
{
    (void)d;
    ENTER("AllocateDescriptorSets");
    set *s = fake_new(sizeof *s, "set");
    s->pool = OF(void, info->descriptorPool);
    *out = (VkDescriptorSet)(uintptr_t)s;
    return VK_SUCCESS;
}

CALL(void, UpdateDescriptorSets, VkDevice d, uint32_t n, const VkWriteDescriptorSet *write,
     uint32_t ncopy, const VkCopyDescriptorSet *copy)
{
    static const char call[] = "vkUpdateDescriptorSets";
    (void)d, (void)ncopy, (void)copy;
    for (uint32_t i = 0; i < n; i++) {
        const VkDescriptorBufferInfo *b = write[i].pBufferInfo;
        if (!fake_is(OF(void, b->buffer), "buffer", call) || write[i].dstBinding >= MAX_BINDINGS ||
            b->offset % 64 || !b->range || b->offset + b->range > OF(buffer, b->buffer)->size)
            fake_wrong(call, "a range outside of its buffer or out of line");
        else
            OF(set, write[i].dstSet)->bound[write[i].dstBinding] = *b;
    }
}

/* ---- commands -------------------------------------------------------------------------------- */

CALL(VkResult, CreateCommandPool, VkDevice d, const VkCommandPoolCreateInfo *info,
     const VkAllocationCallbacks *a, VkCommandPool *out)
{
    (void)d, (void)info, (void)a;
    ENTER("CreateCommandPool");
    MAKE(out, VkCommandPool, "command pool");
    return VK_SUCCESS;
}
DESTROY(CommandPool, VkCommandPool, "command pool")

CALL(VkResult, AllocateCommandBuffers, VkDevice d, const VkCommandBufferAllocateInfo *info,
     VkCommandBuffer *out)
{
    (void)d, (void)info;
    ENTER("AllocateCommandBuffers");
    *out = fake_new(sizeof(commands), "commands");
    return VK_SUCCESS;
}

CALL(void, FreeCommandBuffers, VkDevice d, VkCommandPool pool, uint32_t n, const VkCommandBuffer *c)
{
    (void)d, (void)pool;
    for (uint32_t i = 0; i < n; i++)
        fake_drop(c[i], "commands", "vkFreeCommandBuffers");
}

CALL(VkResult, BeginCommandBuffer, VkCommandBuffer c, const VkCommandBufferBeginInfo *info)
{
    (void)info;
    ENTER("BeginCommandBuffer");
    OF(commands, c)->open = true;
    return VK_SUCCESS;
}

CALL(VkResult, EndCommandBuffer, VkCommandBuffer c)
{
    ENTER("EndCommandBuffer");
    if (!OF(commands, c)->open)
        fake_wrong("vkEndCommandBuffer", "it was not begun");
    OF(commands, c)->open = false;
    OF(commands, c)->done = true;
    return VK_SUCCESS;
}

CALL(void, CmdBindPipeline, VkCommandBuffer c, VkPipelineBindPoint point, VkPipeline p)
{
    (void)point;
    fake_is(OF(void, p), "pipeline", "vkCmdBindPipeline");
    OF(commands, c)->pipeline = OF(pipeline, p);
}

CALL(void, CmdBindDescriptorSets, VkCommandBuffer c, VkPipelineBindPoint point, VkPipelineLayout l,
     uint32_t first, uint32_t n, const VkDescriptorSet *s, uint32_t ndynamic,
     const uint32_t *dynamic)
{
    (void)point, (void)l, (void)first, (void)n, (void)ndynamic, (void)dynamic;
    fake_is(OF(void, s[0]), "set", "vkCmdBindDescriptorSets");
    OF(commands, c)->set = OF(set, s[0]);
}

CALL(void, CmdPushConstants, VkCommandBuffer c, VkPipelineLayout l, VkShaderStageFlags stages,
     uint32_t offset, uint32_t size, const void *data)
{
    (void)stages;
    if (offset || size > PUSH_BYTES || size > OF(layout, l)->push)
        fake_wrong("vkCmdPushConstants", "bytes outside of the range");
    else
        memcpy(OF(commands, c)->push, data, size);
}

static command *
add_command(VkCommandBuffer c_, const char *call)
{
    commands *c = OF(commands, c_);
    if (!fake_is(c, "commands", call) || !c->open || c->n == MAX_COMMANDS) {
        fake_wrong(call, "the command buffer is not being recorded");
        return NULL;
    }
    return &c->at[c->n++];
}

CALL(void, CmdDispatch, VkCommandBuffer c_, uint32_t x, uint32_t y, uint32_t z)
{
    commands *c = OF(commands, c_);
    command *to = add_command(c_, "vkCmdDispatch");
    if (!x || !y || !z || x > 65535 || y > 65535 || z > 65535 || !c->pipeline || !c->set)
        fake_wrong("vkCmdDispatch", "a grid out of range, or nothing bound");
    else if (to) {
        *to = (command){ .kind = DISPATCH, .pipeline = c->pipeline, .set = c->set };
        memcpy(to->push, c->push, sizeof c->push);
    }
}

CALL(void, CmdPipelineBarrier, VkCommandBuffer c, VkPipelineStageFlags from,
     VkPipelineStageFlags to, VkDependencyFlags flags, uint32_t n, const VkMemoryBarrier *barriers,
     uint32_t nbuffer, const VkBufferMemoryBarrier *buffers, uint32_t nimage,
     const VkImageMemoryBarrier *images)
{
    (void)from, (void)to, (void)flags, (void)barriers, (void)buffers, (void)images;
    fake_is(c, "commands", "vkCmdPipelineBarrier");
    if (n != 1 || nbuffer || nimage)
        fake_wrong("vkCmdPipelineBarrier", "not one memory barrier");
}

CALL(void, CmdCopyBuffer, VkCommandBuffer c, VkBuffer from, VkBuffer to, uint32_t n,
     const VkBufferCopy *region)
{
    command *k = add_command(c, "vkCmdCopyBuffer");
    if (n != 1 || region->srcOffset + region->size > OF(buffer, from)->size ||
        region->dstOffset + region->size > OF(buffer, to)->size)
        fake_wrong("vkCmdCopyBuffer", "bytes outside of a buffer");
    else if (k)
        *k = (command){
            .kind = COPY, .from = OF(buffer, from), .to = OF(buffer, to), .region = *region
        };
}

CALL(void, CmdResetQueryPool, VkCommandBuffer c, VkQueryPool pool, uint32_t first, uint32_t n)
{
    (void)c, (void)first, (void)n;
    fake_is(OF(void, pool), "queries", "vkCmdResetQueryPool");
}

CALL(void, CmdWriteTimestamp, VkCommandBuffer c, VkPipelineStageFlagBits stage, VkQueryPool pool,
     uint32_t i)
{
    (void)c, (void)stage, (void)i;
    fake_is(OF(void, pool), "queries", "vkCmdWriteTimestamp");
}

CALL(VkResult, CreateQueryPool, VkDevice d, const VkQueryPoolCreateInfo *info,
     const VkAllocationCallbacks *a, VkQueryPool *out)
{
    (void)d, (void)info, (void)a;
    ENTER("CreateQueryPool");
    MAKE(out, VkQueryPool, "queries");
    return VK_SUCCESS;
}
DESTROY(QueryPool, VkQueryPool, "queries")

CALL(VkResult, GetQueryPoolResults, VkDevice d, VkQueryPool pool, uint32_t first, uint32_t n,
     size_t size, void *data, VkDeviceSize stride, VkQueryResultFlags flags)
{
    (void)d, (void)pool, (void)first, (void)flags;
    ENTER("GetQueryPoolResults");
    if (size < n * sizeof(uint64_t) || stride != sizeof(uint64_t))
        fake_wrong("vkGetQueryPoolResults", "no room for the results");
    for (uint32_t i = 0; i < n; i++)
        ((uint64_t *)data)[i] = i * 1000;
    return VK_SUCCESS;
}

/* ---- submission ------------------------------------------------------------------------------ */

static char *
bound(const command *c, int i, VkDeviceSize bytes)
{
    const VkDescriptorBufferInfo *b = &c->set->bound[i];
    if (!fake_is(OF(void, b->buffer), "buffer", "vkQueueSubmit") || b->range < bytes ||
        !OF(buffer, b->buffer)->memory) {
        fake_wrong("vkQueueSubmit", "a buffer of a kernel is too small or not bound");
        return NULL;
    }
    return OF(buffer, b->buffer)->memory->data + b->offset;
}

static void
execute(const command *c)
{
    if (c->kind == COPY) {
        memcpy(c->to->memory->data + c->region.dstOffset,
               c->from->memory->data + c->region.srcOffset, c->region.size);
        return;
    }
    fake.launches++;
    fake_is(c->pipeline, "pipeline", "vkQueueSubmit");
    fake_is(c->set, "set", "vkQueueSubmit");
    int32_t n;
    int64_t scale;
    memcpy(&n, c->push, sizeof n);
    memcpy(&scale, c->push + 8, sizeof scale);
    if (strcmp(c->pipeline->name, "add") != 0 || c->pipeline->push != 16)
        return;
    char *a = bound(c, 0, (VkDeviceSize)n * 4), *b = bound(c, 1, (VkDeviceSize)n * 4),
         *y = bound(c, 2, (VkDeviceSize)n * 4);
    if (a && b && y)
        fake_add((const float *)(void *)a, (const float *)(void *)b, (float *)(void *)y, n, scale);
}

CALL(VkResult, QueueSubmit, VkQueue q, uint32_t n, const VkSubmitInfo *info, VkFence f)
{
    static const char call[] = "vkQueueSubmit";
    (void)q;
    ENTER("QueueSubmit");
    const commands *c = OF(commands, info->pCommandBuffers[0]);
    if (n != 1 || info->commandBufferCount != 1 || !fake_is(c, "commands", call) || !c->done ||
        !fake_is(OF(void, f), "fence", call) || OF(fence, f)->signaled) {
        fake_wrong(call, "commands that are not ready, or a fence that is in use");
        return VK_SUCCESS;
    }
    for (int i = 0; i < c->n; i++)
        execute(&c->at[i]);
    OF(fence, f)->signaled = true;
    return VK_SUCCESS;
}

CALL(VkResult, CreateFence, VkDevice d, const VkFenceCreateInfo *info,
     const VkAllocationCallbacks *a, VkFence *out)
{
    (void)d, (void)info, (void)a;
    ENTER("CreateFence");
    *out = (VkFence)(uintptr_t)fake_new(sizeof(fence), "fence");
    return VK_SUCCESS;
}
DESTROY(Fence, VkFence, "fence")

CALL(VkResult, WaitForFences, VkDevice d, uint32_t n, const VkFence *f, VkBool32 all,
     uint64_t timeout)
{
    (void)d, (void)n, (void)all, (void)timeout;
    ENTER("WaitForFences");
    if (!OF(fence, f[0])->signaled) {
        fake_wrong("vkWaitForFences", "nothing will signal it");
        return VK_TIMEOUT;
    }
    return VK_SUCCESS;
}

CALL(VkResult, ResetFences, VkDevice d, uint32_t n, const VkFence *f)
{
    (void)d, (void)n;
    ENTER("ResetFences");
    OF(fence, f[0])->signaled = false;
    return VK_SUCCESS;
}

/* ---- by name --------------------------------------------------------------------------------- */

static PFN_vkVoidFunction VKAPI_CALL find(const char *name);

CALL(PFN_vkVoidFunction, GetDeviceProcAddr, VkDevice d, const char *name)
{
    (void)d;
    return find(name);
}

/* WEFT_FAKE=vkCreateFence=0: the driver has no such function. */
static PFN_vkVoidFunction VKAPI_CALL
find(const char *name)
{
    bool found;
    if (fake_env(name, &found) == 0 && found)
        return NULL;
#define VK_GLOBAL(f)                                                                               \
    if (!strcmp(name, "vk" #f))                                                                    \
        return (PFN_vkVoidFunction)f;
#define VK_INSTANCE(f) VK_GLOBAL(f)
#define VK_DEVICE(f)   VK_GLOBAL(f)
#include "backends/vulkan/vk_functions.def"
    VK_GLOBAL(GetPhysicalDeviceCooperativeMatrixPropertiesKHR)
#undef VK_GLOBAL
#undef VK_INSTANCE
#undef VK_DEVICE
    return NULL;
}

FAKE_API VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL vkGetInstanceProcAddr(VkInstance,
                                                                        const char *name);
VKAPI_ATTR PFN_vkVoidFunction VKAPI_CALL
vkGetInstanceProcAddr(VkInstance v, const char *name)
{
    (void)v;
    return find(name);
}
