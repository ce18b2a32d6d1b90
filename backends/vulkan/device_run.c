/* Vulkan: launches and copies recorded once in a command buffer.  Each launch has its descriptor
 * set; a memory barrier stands before each but the first.  A second command buffer with timestamps
 * is made when times are asked. */
#include "backends/vulkan/device_priv.h"

#include <stdlib.h>
#include <string.h>

typedef struct launch {
    const weft_vk_kernel *kernel; /* NULL: a copy */
    VkDescriptorSet set;
    char *push;
    uint32_t grid[3];
    VkBuffer from, to; /* of a copy */
    VkBufferCopy copied;
} launch;

struct weft_batch {
    int n;
    launch *at;
    VkDescriptorPool pool;
    VkCommandBuffer commands, timed;
    VkQueryPool queries;
    weft_arena arena;
};

/* ---- arguments ------------------------------------------------------------------------------- */

static weft_status
make_pool(weft_vk_device *d, weft_batch *b, const weft_launch *from, weft_diag *diag)
{
    uint32_t buffers = 0;
    for (int i = 0; i < b->n; i++)
        buffers += from[i].code ? (uint32_t)from[i].nbuffer : 0;
    VkDescriptorPoolSize size = { VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, buffers ? buffers : 1 };
    VkDescriptorPoolCreateInfo info = { .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                        .maxSets = b->n ? (uint32_t)b->n : 1,
                                        .poolSizeCount = 1,
                                        .pPoolSizes = &size };
    return weft_vk_check(diag, d->CreateDescriptorPool(d->handle, &info, NULL, &b->pool),
                         "vkCreateDescriptorPool", d->base.info.name);
}

/* Bytes a kernel sees: whole words, as it may be written in words; never beyond the allocation. */
static VkDeviceSize
visible(const weft_arg *a)
{
    int64_t size = weft_round_up(a->size > 0 ? a->size : 1, 4);
    int64_t most = a->memory->bytes - a->offset;
    return (VkDeviceSize)(size < most ? size : most);
}

static weft_status
bind_buffers(weft_vk_device *d, const weft_batch *b, launch *to, const weft_launch *from,
             weft_diag *diag)
{
    weft_arena arena = { 0 };
    VkDescriptorSetAllocateInfo info = { .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                         .descriptorPool = b->pool,
                                         .descriptorSetCount = 1,
                                         .pSetLayouts = &to->kernel->set_layout };
    weft_status s = weft_vk_check(diag, d->AllocateDescriptorSets(d->handle, &info, &to->set),
                                  "vkAllocateDescriptorSets", from->name);
    VkDescriptorBufferInfo *range = WEFT_NEW_ARRAY(&arena, from->nbuffer, VkDescriptorBufferInfo);
    VkWriteDescriptorSet *write = WEFT_NEW_ARRAY(&arena, from->nbuffer, VkWriteDescriptorSet);
    for (int i = 0; i < from->nbuffer && !s; i++) {
        const weft_arg *a = &from->buffer[i];
        range[i] =
            (VkDescriptorBufferInfo){ a->memory->buffer, (VkDeviceSize)a->offset, visible(a) };
        write[i] = (VkWriteDescriptorSet){ .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                           .dstSet = to->set,
                                           .dstBinding = (uint32_t)i,
                                           .descriptorCount = 1,
                                           .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                           .pBufferInfo = &range[i] };
    }
    if (!s && from->nbuffer)
        d->UpdateDescriptorSets(d->handle, (uint32_t)from->nbuffer, write, 0, NULL);
    weft_arena_reset(&arena);
    return s;
}

static void
pack_scalars(launch *to, const weft_launch *from)
{
    int64_t at = 0;
    for (int i = 0; i < from->nscalar; i++) {
        int32_t narrow = (int32_t)from->scalar[i];
        bool is_wide = to->kernel->scalar[i] == WEFT_I64;
        int64_t size = is_wide ? 8 : 4;
        at = weft_round_up(at, size);
        memcpy(to->push + at, is_wide ? (const void *)&from->scalar[i] : (const void *)&narrow,
               (size_t)size);
        at += size;
    }
}

static weft_status
prepare_launch(weft_vk_device *d, weft_batch *b, launch *to, const weft_launch *from,
               weft_diag *diag)
{
    to->kernel = &from->code->kernel[from->kernel];
    to->push = weft_arena_alloc(&b->arena, to->kernel->push_bytes);
    for (int a = 0; a < 3; a++)
        to->grid[a] = (uint32_t)from->grid[a];
    pack_scalars(to, from);
    return bind_buffers(d, b, to, from, diag);
}

static void
prepare_copy(launch *to, const weft_arg *buffer)
{
    to->from = buffer[0].memory->buffer;
    to->to = buffer[1].memory->buffer;
    to->copied = (VkBufferCopy){ (VkDeviceSize)buffer[0].offset, (VkDeviceSize)buffer[1].offset,
                                 (VkDeviceSize)buffer[0].size };
}

/* ---- commands -------------------------------------------------------------------------------- */

static void
barrier(weft_vk_device *d, VkCommandBuffer commands, VkPipelineStageFlags from, VkAccessFlags wrote,
        VkPipelineStageFlags to, VkAccessFlags reads)
{
    VkMemoryBarrier all = { .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                            .srcAccessMask = wrote,
                            .dstAccessMask = reads };
    d->CmdPipelineBarrier(commands, from, to, 0, 1, &all, 0, NULL, 0, NULL);
}

static void
record_launch(weft_vk_device *d, VkCommandBuffer commands, const launch *l)
{
    if (!l->kernel) {
        d->CmdCopyBuffer(commands, l->from, l->to, 1, &l->copied);
        return;
    }
    d->CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, l->kernel->pipeline);
    d->CmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, l->kernel->layout, 0, 1,
                             &l->set, 0, NULL);
    if (l->kernel->push_bytes)
        d->CmdPushConstants(commands, l->kernel->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                            l->kernel->push_bytes, l->push);
    d->CmdDispatch(commands, l->grid[0], l->grid[1], l->grid[2]);
}

static weft_status
record_all(weft_vk_device *d, const weft_batch *b, VkQueryPool queries, VkCommandBuffer *commands,
           weft_diag *diag)
{
    enum {
        WORK = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
        WRITE = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
        READ = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT
    };
    weft_status s = weft_vk_commands(d, commands, diag);
    if (s)
        return s;
    if (queries)
        d->CmdResetQueryPool(*commands, queries, 0, 2 * (uint32_t)b->n);
    barrier(d, *commands, WORK | VK_PIPELINE_STAGE_HOST_BIT, WRITE | VK_ACCESS_HOST_WRITE_BIT, WORK,
            READ | WRITE);
    for (int i = 0; i < b->n; i++) {
        if (i)
            barrier(d, *commands, WORK, WRITE, WORK, READ | WRITE);
        if (queries)
            d->CmdWriteTimestamp(*commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, queries,
                                 2 * (uint32_t)i);
        record_launch(d, *commands, &b->at[i]);
        if (queries)
            d->CmdWriteTimestamp(*commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, queries,
                                 2 * (uint32_t)i + 1);
    }
    barrier(d, *commands, WORK, WRITE, VK_PIPELINE_STAGE_HOST_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
            VK_ACCESS_HOST_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT);
    return weft_vk_check(diag, d->EndCommandBuffer(*commands), "vkEndCommandBuffer",
                         d->base.info.name);
}

weft_status
weft_vk_record(weft_device *device, const weft_launch *from, int n, weft_batch **batch,
               weft_diag *diag)
{
    weft_vk_device *d = (weft_vk_device *)device;
    weft_batch *b = *batch = calloc(1, sizeof *b);
    if (!b)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a batch handle");
    b->n = n;
    b->at = WEFT_NEW_ARRAY(&b->arena, n, launch);
    weft_status s = make_pool(d, b, from, diag);
    for (int i = 0; i < n && !s; i++)
        if (from[i].code)
            s = prepare_launch(d, b, &b->at[i], &from[i], diag);
        else
            prepare_copy(&b->at[i], from[i].buffer);
    if (!s)
        s = record_all(d, b, VK_NULL_HANDLE, &b->commands, diag);
    s = weft_vk_complaints(d, s, diag);
    if (s) {
        weft_vk_discard(device, b);
        *batch = NULL;
    }
    return s;
}

void
weft_vk_discard(weft_device *device, weft_batch *b)
{
    weft_vk_device *d = (weft_vk_device *)device;
    weft_vk_wait(d, NULL);
    if (b->commands)
        d->FreeCommandBuffers(d->handle, d->pool, 1, &b->commands);
    if (b->timed)
        d->FreeCommandBuffers(d->handle, d->pool, 1, &b->timed);
    if (b->queries)
        d->DestroyQueryPool(d->handle, b->queries, NULL);
    if (b->pool)
        d->DestroyDescriptorPool(d->handle, b->pool, NULL);
    weft_arena_reset(&b->arena);
    free(b);
}

/* ---- times ----------------------------------------------------------------------------------- */

static weft_status
prepare_timed(weft_vk_device *d, weft_batch *b, weft_diag *diag)
{
    if (b->timed)
        return WEFT_OK;
    if (!d->timestamp_bits)
        return weft_fail(diag, WEFT_UNSUPPORTED, "device '%s' (%s) has no timestamps on its queue",
                         d->base.info.id, d->base.info.name);
    VkQueryPoolCreateInfo info = { .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
                                   .queryType = VK_QUERY_TYPE_TIMESTAMP,
                                   .queryCount = 2 * (uint32_t)b->n };
    weft_status s = weft_vk_check(diag, d->CreateQueryPool(d->handle, &info, NULL, &b->queries),
                                  "vkCreateQueryPool", d->base.info.name);
    return s ? s : record_all(d, b, b->queries, &b->timed, diag);
}

static weft_status
read_times(weft_vk_device *d, const weft_batch *b, double *times, weft_diag *diag)
{
    weft_arena arena = { 0 };
    uint64_t mask = d->timestamp_bits >= 64 ? UINT64_MAX : (UINT64_C(1) << d->timestamp_bits) - 1;
    size_t n = 2 * (size_t)b->n;
    uint64_t *tick = WEFT_NEW_ARRAY(&arena, n, uint64_t);
    VkResult code =
        d->GetQueryPoolResults(d->handle, b->queries, 0, (uint32_t)n, n * sizeof *tick, tick,
                               sizeof *tick, VK_QUERY_RESULT_64_BIT | VK_QUERY_RESULT_WAIT_BIT);
    weft_status s = weft_vk_check(diag, code, "vkGetQueryPoolResults", d->base.info.name);
    for (int i = 0; i < b->n && !s; i++)
        times[i] = (double)((tick[2 * i + 1] - tick[2 * i]) & mask) * d->timestamp_seconds;
    weft_arena_reset(&arena);
    return s;
}

weft_status
weft_vk_submit(weft_device *device, weft_batch *b, double *times, weft_diag *diag)
{
    weft_vk_device *d = (weft_vk_device *)device;
    if (!times)
        return weft_vk_complaints(d, weft_vk_start(d, b->commands, diag), diag);
    weft_status s = prepare_timed(d, b, diag);
    if (!s)
        s = weft_vk_start(d, b->timed, diag);
    if (!s)
        s = weft_vk_wait(d, diag);
    if (!s)
        s = read_times(d, b, times, diag);
    return weft_vk_complaints(d, s, diag);
}
