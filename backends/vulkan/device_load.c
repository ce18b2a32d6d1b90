/* Vulkan: SPIR-V text assembled and validated by SPIRV-Tools, then made into compute pipelines, in
 * parallel and through a pipeline cache on disk.
 *
 * A kernel's interface: storage buffers at set 0, bindings 0 to n-1; its scalars as push constants
 * in order, each aligned to its size; the block is the text's LocalSize; the entry point has the
 * kernel's name.
 */
#include "backends/vulkan/device_priv.h"
#include "backends/vulkan/text.h"

#include <spirv-tools/libspirv.h>
#include <stdlib.h>
#include <string.h>

/* ---- words ----------------------------------------------------------------------------------- */

static weft_status
assembly_failed(const weft_source *source, const char *what, spv_diagnostic d, weft_diag *diag)
{
    weft_place place = { .file = source->name,
                         .line = d ? (int)d->position.line + 1 : 0,
                         .column = d ? (int)d->position.column + 1 : 0,
                         .source = source->text };
    return weft_fail_at(diag, WEFT_INVALID_INPUT, place, "%s: %s", what,
                        d ? d->error : "no reason given");
}

/* Whether the text has instructions of SPV_KHR_cooperative_matrix and SPIRV-Tools not yet. */
static bool
is_newer(spv_context context, const weft_source *source)
{
    static const char text[] = "OpCapability CooperativeMatrixKHR";
    spv_binary binary = NULL;
    if (!strstr(source->text, "CooperativeMatrixKHR"))
        return false;
    bool newer = spvTextToBinary(context, text, sizeof text - 1, &binary, NULL) != SPV_SUCCESS;
    spvBinaryDestroy(binary);
    return newer;
}

/* The text, or what an older assembler takes for it. */
static weft_status
assemble_as(spv_context context, const weft_source *source, weft_matrix_text as, spv_binary *binary,
            weft_diag *diag)
{
    spv_diagnostic why = NULL;
    weft_str other = { 0 };
    bool newer = is_newer(context, source);
    weft_status s = newer ? weft_spirv_older_text(source, as, &other, diag) : WEFT_OK;
    const char *text = newer ? weft_str_text(&other) : source->text;
    size_t size = newer ? other.n : source->size;
    if (!s && spvTextToBinary(context, text, size, binary, &why) != SPV_SUCCESS)
        s = assembly_failed(source, "the SPIR-V assembler refuses it", why, diag);
    spvDiagnosticDestroy(why);
    weft_str_free(&other);
    return s;
}

static weft_status
assemble(spv_context context, const weft_source *source, spv_binary *binary, weft_diag *diag)
{
    return assemble_as(context, source, WEFT_MATRIX_NUMBERS, binary, diag);
}

static weft_status
validate(spv_context context, const weft_source *source, const uint32_t *word, size_t n,
         weft_diag *diag)
{
    spv_diagnostic why = NULL;
    spv_binary older = NULL;
    weft_status s = WEFT_OK;
    if (is_newer(context, source)) {
        s = assemble_as(context, source, WEFT_MATRIX_OLDER, &older, diag);
        word = s ? NULL : older->code;
        n = s ? 0 : older->wordCount;
    }
    if (!s && spvValidateBinary(context, word, n, &why) != SPV_SUCCESS)
        s = weft_fail(diag, WEFT_INVALID_INPUT, "kernel '%s': the SPIR-V validator refuses it: %s",
                      source->name, why && why->error ? why->error : "no reason given");
    spvDiagnosticDestroy(why);
    spvBinaryDestroy(older);
    return s;
}

weft_status
weft_spirv_check(const weft_source *source, weft_diag *diag)
{
    spv_context context = spvContextCreate(SPV_ENV_VULKAN_1_1);
    spv_binary binary = NULL;
    weft_status s = assemble(context, source, &binary, diag);
    if (!s)
        s = validate(context, source, binary->code, binary->wordCount, diag);
    spvBinaryDestroy(binary);
    spvContextDestroy(context);
    return s;
}

/* ---- pipelines ------------------------------------------------------------------------------- */

typedef struct job {
    weft_vk_device *device;
    const weft_source *source;
    weft_vk_kernel *kernel;
    VkPipelineCache cache;
    weft_diag *diag;
    weft_status status;
} job;

static weft_status
make_layout(const job *j)
{
    weft_vk_device *d = j->device;
    weft_vk_kernel *k = j->kernel;
    weft_arena arena = { 0 };
    VkDescriptorSetLayoutBinding *binding =
        WEFT_NEW_ARRAY(&arena, k->nbuffer, VkDescriptorSetLayoutBinding);
    for (int i = 0; i < k->nbuffer; i++)
        binding[i] =
            (VkDescriptorSetLayoutBinding){ .binding = (uint32_t)i,
                                            .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                            .descriptorCount = 1,
                                            .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT };
    VkDescriptorSetLayoutCreateInfo set = { .sType =
                                                VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
                                            .bindingCount = (uint32_t)k->nbuffer,
                                            .pBindings = binding };
    weft_status s =
        weft_vk_check(j->diag, d->CreateDescriptorSetLayout(d->handle, &set, NULL, &k->set_layout),
                      "vkCreateDescriptorSetLayout", k->name);
    VkPushConstantRange push = { VK_SHADER_STAGE_COMPUTE_BIT, 0, k->push_bytes };
    VkPipelineLayoutCreateInfo layout = { .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                          .setLayoutCount = 1,
                                          .pSetLayouts = &k->set_layout,
                                          .pushConstantRangeCount = k->push_bytes ? 1 : 0,
                                          .pPushConstantRanges = &push };
    if (!s)
        s = weft_vk_check(j->diag, d->CreatePipelineLayout(d->handle, &layout, NULL, &k->layout),
                          "vkCreatePipelineLayout", k->name);
    weft_arena_reset(&arena);
    return s;
}

static weft_status
make_pipeline(const job *j, const uint32_t *word, size_t n)
{
    weft_vk_device *d = j->device;
    VkShaderModule module = VK_NULL_HANDLE;
    VkShaderModuleCreateInfo text = { .sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO,
                                      .codeSize = n * 4,
                                      .pCode = word };
    weft_status s = weft_vk_check(j->diag, d->CreateShaderModule(d->handle, &text, NULL, &module),
                                  "vkCreateShaderModule", j->kernel->name);
    VkPipelineShaderStageRequiredSubgroupSizeCreateInfoEXT size = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_REQUIRED_SUBGROUP_SIZE_CREATE_INFO_EXT,
        .requiredSubgroupSize = (uint32_t)j->source->subgroup
    };
    bool ask = j->source->subgroup != 0; /* of a device that has no such there is no session */
    VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .stage = { .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
                   .pNext = ask ? &size : NULL,
                   .flags =
                       ask ? VK_PIPELINE_SHADER_STAGE_CREATE_REQUIRE_FULL_SUBGROUPS_BIT_EXT : 0,
                   .stage = VK_SHADER_STAGE_COMPUTE_BIT,
                   .module = module,
                   .pName = j->kernel->name },
        .layout = j->kernel->layout
    };
    if (!s)
        s = weft_vk_check(
            j->diag,
            d->CreateComputePipelines(d->handle, j->cache, 1, &info, NULL, &j->kernel->pipeline),
            "vkCreateComputePipelines", j->kernel->name);
    if (module)
        d->DestroyShaderModule(d->handle, module, NULL);
    return s;
}

static void
load_one(void *user, int i)
{
    job *j = (job *)user + i;
    spv_context context = spvContextCreate(SPV_ENV_VULKAN_1_1);
    spv_binary binary = NULL;
    const uint32_t *word = j->source->binary;
    size_t n = j->source->binary_size / 4;
    weft_arena aligned = { 0 };
    if (word) {
        word = weft_arena_dup(&aligned, word, n * 4);
    } else {
        j->status = assemble(context, j->source, &binary, j->diag);
        word = binary ? binary->code : NULL;
        n = binary ? binary->wordCount : 0;
    }
    if (!j->status)
        j->status = validate(context, j->source, word, n, j->diag);
    if (!j->status)
        j->status = make_layout(j);
    if (!j->status)
        j->status = make_pipeline(j, word, n);
    spvBinaryDestroy(binary);
    spvContextDestroy(context);
    weft_arena_reset(&aligned);
}

/* ---- the cache on disk ----------------------------------------------------------------------- */

static void
cache_key(const weft_vk_device *d, const weft_source *source, int n, char key[65])
{
    weft_str bare = { 0 };
    for (int i = 0; i < n; i++) {
        weft_cache_strip(&bare, source[i].text, true);
        weft_str_add(&bare, "\n");
    }
    const weft_device_info *info = &d->base.info;
    const char *part[] = { "weft vulkan 1", info->name, info->driver, (const char *)d->cache_uuid,
                           weft_str_text(&bare) };
    const size_t size[] = { strlen(part[0]), strlen(part[1]), strlen(part[2]), sizeof d->cache_uuid,
                            bare.n };
    weft_cache_key(key, 5, part, size);
    weft_str_free(&bare);
}

/* Whether the data are a pipeline cache that this very driver wrote for this very device: with any
 * other it would begin with an empty one and say nothing. */
static bool
is_own(const weft_vk_device *d, const void *data, size_t size)
{
    uint32_t head[4]; /* bytes of the header, its version, vendor, device */
    VkPhysicalDeviceProperties2 all = { .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2 };
    if (size < sizeof head + VK_UUID_SIZE)
        return false;
    d->instance->GetPhysicalDeviceProperties2(d->physical, &all);
    memcpy(head, data, sizeof head);
    return head[1] == VK_PIPELINE_CACHE_HEADER_VERSION_ONE && head[2] == all.properties.vendorID &&
           head[3] == all.properties.deviceID &&
           !memcmp((const char *)data + sizeof head, d->cache_uuid, VK_UUID_SIZE);
}

/* *found: it holds what was kept for the key; else it is empty, and worth keeping.  May be none. */
static VkPipelineCache
open_cache(weft_vk_device *d, const char *key, bool *found)
{
    void *data;
    size_t size;
    VkPipelineCache cache = VK_NULL_HANDLE;
    *found = weft_cache_get(key, &data, &size) && is_own(d, data, size);
    VkPipelineCacheCreateInfo info = { .sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO,
                                       .initialDataSize = size,
                                       .pInitialData = data };
    if (*found && d->CreatePipelineCache(d->handle, &info, NULL, &cache) != VK_SUCCESS)
        *found = false;
    info.initialDataSize = 0;
    info.pInitialData = NULL;
    if (!*found && d->CreatePipelineCache(d->handle, &info, NULL, &cache) != VK_SUCCESS)
        cache = VK_NULL_HANDLE;
    free(data);
    return cache;
}

static void
keep_cache(weft_vk_device *d, const char *key, VkPipelineCache cache)
{
    size_t size = 0;
    if (d->GetPipelineCacheData(d->handle, cache, &size, NULL) != VK_SUCCESS || !size)
        return;
    void *data = malloc(size);
    if (data && d->GetPipelineCacheData(d->handle, cache, &size, data) == VK_SUCCESS)
        weft_cache_put(key, data, size);
    free(data);
}

/* ---- public ---------------------------------------------------------------------------------- */

static void
describe(weft_vk_kernel *k, const weft_source *source, weft_arena *arena)
{
    k->name = weft_arena_strdup(arena, source->name);
    k->nbuffer = source->nbuffer;
    k->nscalar = source->nscalar;
    k->scalar = weft_arena_dup(arena, source->scalar, (size_t)source->nscalar);
    int64_t bytes = 0;
    for (int i = 0; i < k->nscalar; i++) {
        int64_t size = k->scalar[i] == WEFT_I64 ? 8 : 4;
        bytes = weft_round_up(bytes, size) + size;
    }
    k->push_bytes = (uint32_t)bytes;
}

weft_status
weft_vk_load(weft_device *device, const weft_source *source, int n, weft_numerics numerics,
             weft_code **code, weft_diag *diag)
{
    weft_vk_device *d = (weft_vk_device *)device;
    weft_arena scratch = { 0 };
    char key[65];
    bool found;
    weft_status s = WEFT_OK;
    (void)numerics; /* stands in the text: NoContraction decorations */
    weft_code *c = *code = calloc(1, sizeof *c);
    if (!c)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a code handle");
    c->n = n;
    c->kernel = WEFT_NEW_ARRAY(&c->arena, n, weft_vk_kernel);
    job *j = WEFT_NEW_ARRAY(&scratch, n, job);
    cache_key(d, source, n, key);
    VkPipelineCache cache = open_cache(d, key, &found);
    for (int i = 0; i < n; i++) {
        describe(&c->kernel[i], &source[i], &c->arena);
        j[i] = (job){ d, &source[i], &c->kernel[i], cache, diag, WEFT_OK };
    }
    weft_parallel_for(0, n, load_one, j);
    for (int i = 0; i < n; i++)
        s = s ? s : j[i].status;
    if (cache && !s && !found)
        keep_cache(d, key, cache);
    if (cache)
        d->DestroyPipelineCache(d->handle, cache, NULL);
    weft_arena_reset(&scratch);
    s = weft_vk_complaints(d, s, diag);
    if (s) {
        weft_vk_unload(device, c);
        *code = NULL;
    }
    return s;
}

void
weft_vk_unload(weft_device *device, weft_code *c)
{
    weft_vk_device *d = (weft_vk_device *)device;
    for (int i = 0; i < c->n; i++) {
        weft_vk_kernel *k = &c->kernel[i];
        if (k->pipeline)
            d->DestroyPipeline(d->handle, k->pipeline, NULL);
        if (k->layout)
            d->DestroyPipelineLayout(d->handle, k->layout, NULL);
        if (k->set_layout)
            d->DestroyDescriptorSetLayout(d->handle, k->set_layout, NULL);
    }
    weft_arena_reset(&c->arena);
    free(c);
}
