/* Vulkan: buffers, copies through a staging buffer where the host sees no device memory, and
 * waiting. */
#include "backends/vulkan/device_priv.h"

#include <stdlib.h>
#include <string.h>

enum { STAGING_BYTES = 16 << 20 };

static weft_status
bind_memory(weft_vk_device *d, weft_memory *m, uint32_t type, bool map, weft_diag *diag)
{
    VkMemoryRequirements need;
    char what[64];
    snprintf(what, sizeof what, "%lld bytes", (long long)m->bytes);
    d->GetBufferMemoryRequirements(d->handle, m->buffer, &need);
    if (type >= 32 || !(need.memoryTypeBits & (1u << type)))
        return weft_fail(diag, WEFT_DEVICE, "device '%s' has no memory type for a buffer of %s",
                         d->base.info.id, what);
    VkMemoryAllocateInfo info = { .sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                  .allocationSize = need.size,
                                  .memoryTypeIndex = type };
    weft_status s = weft_vk_check(diag, d->AllocateMemory(d->handle, &info, NULL, &m->memory),
                                  "vkAllocateMemory", what);
    if (!s)
        s = weft_vk_check(diag, d->BindBufferMemory(d->handle, m->buffer, m->memory, 0),
                          "vkBindBufferMemory", what);
    void *mapped = NULL;
    if (!s && map)
        s = weft_vk_check(diag, d->MapMemory(d->handle, m->memory, 0, VK_WHOLE_SIZE, 0, &mapped),
                          "vkMapMemory", what);
    m->mapped = mapped;
    return s;
}

static weft_status
make_memory(weft_vk_device *d, int64_t bytes, uint32_t type, bool map, weft_memory **memory,
            weft_diag *diag)
{
    *memory = NULL;
    if (bytes > d->heap_bytes - d->used_bytes)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY,
                         "%lld bytes on device '%s': %lld of its %lld are in use", (long long)bytes,
                         d->base.info.id, (long long)d->used_bytes, (long long)d->heap_bytes);
    weft_memory *m = calloc(1, sizeof *m);
    if (!m)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a buffer handle");
    m->bytes = bytes;
    VkBufferCreateInfo info = { .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                .size = (VkDeviceSize)bytes,
                                .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT |
                                         VK_BUFFER_USAGE_TRANSFER_SRC_BIT |
                                         VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                                .sharingMode = VK_SHARING_MODE_EXCLUSIVE };
    d->used_bytes += bytes;
    weft_status s = weft_vk_check(diag, d->CreateBuffer(d->handle, &info, NULL, &m->buffer),
                                  "vkCreateBuffer", d->base.info.name);
    if (!s)
        s = bind_memory(d, m, type, map, diag);
    if (s)
        weft_vk_free(&d->base, m);
    else
        *memory = m;
    return s;
}

weft_status
weft_vk_alloc(weft_device *device, int64_t bytes, weft_memory **memory, weft_diag *diag)
{
    weft_vk_device *d = (weft_vk_device *)device;
    int64_t whole = weft_round_up(bytes > 0 ? bytes : 1, 4); /* a kernel may see it as words */
    return weft_vk_complaints(d, make_memory(d, whole, d->buffer_type, d->mapped, memory, diag),
                              diag);
}

void
weft_vk_free(weft_device *device, weft_memory *m)
{
    weft_vk_device *d = (weft_vk_device *)device;
    if (m->buffer)
        d->DestroyBuffer(d->handle, m->buffer, NULL);
    if (m->memory)
        d->FreeMemory(d->handle, m->memory, NULL);
    d->used_bytes -= m->bytes;
    free(m);
}

/* ---- submission ------------------------------------------------------------------------------ */

weft_status
weft_vk_wait(weft_vk_device *d, weft_diag *diag)
{
    if (!d->pending)
        return WEFT_OK;
    weft_status s =
        weft_vk_check(diag, d->WaitForFences(d->handle, 1, &d->fence, VK_TRUE, UINT64_MAX),
                      "vkWaitForFences", d->base.info.name);
    if (!s)
        s = weft_vk_check(diag, d->ResetFences(d->handle, 1, &d->fence), "vkResetFences",
                          d->base.info.name);
    d->pending = s != WEFT_OK; /* what failed is waited for again: the fence is in use till then */
    return s;
}

weft_status
weft_vk_start(weft_vk_device *d, VkCommandBuffer commands, weft_diag *diag)
{
    weft_status s = weft_vk_wait(d, diag);
    VkSubmitInfo info = { .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                          .commandBufferCount = 1,
                          .pCommandBuffers = &commands };
    if (!s)
        s = weft_vk_check(diag, d->QueueSubmit(d->queue, 1, &info, d->fence), "vkQueueSubmit",
                          d->base.info.name);
    d->pending = !s;
    return s;
}

weft_status
weft_vk_commands(weft_vk_device *d, VkCommandBuffer *commands, weft_diag *diag)
{
    VkCommandBufferAllocateInfo info = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                         .commandPool = d->pool,
                                         .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                         .commandBufferCount = 1 };
    VkCommandBufferBeginInfo begin = { .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO };
    weft_status s = weft_vk_check(diag, d->AllocateCommandBuffers(d->handle, &info, commands),
                                  "vkAllocateCommandBuffers", d->base.info.name);
    return s ? s
             : weft_vk_check(diag, d->BeginCommandBuffer(*commands, &begin), "vkBeginCommandBuffer",
                             d->base.info.name);
}

static void
barrier(weft_vk_device *d, VkCommandBuffer commands)
{
    VkMemoryBarrier all = { .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
                            .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
                            .dstAccessMask =
                                VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT };
    d->CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                          VK_PIPELINE_STAGE_ALL_COMMANDS_BIT | VK_PIPELINE_STAGE_HOST_BIT, 0, 1,
                          &all, 0, NULL, 0, NULL);
}

static weft_status
copy_now(weft_vk_device *d, const weft_memory *to, int64_t to_offset, const weft_memory *from,
         int64_t from_offset, int64_t bytes, weft_diag *diag)
{
    VkCommandBuffer commands = NULL;
    VkBufferCopy region = { (VkDeviceSize)from_offset, (VkDeviceSize)to_offset,
                            (VkDeviceSize)bytes };
    weft_status s = weft_vk_commands(d, &commands, diag);
    if (!s) {
        barrier(d, commands);
        d->CmdCopyBuffer(commands, from->buffer, to->buffer, 1, &region);
        barrier(d, commands);
        s = weft_vk_check(diag, d->EndCommandBuffer(commands), "vkEndCommandBuffer",
                          d->base.info.name);
    }
    if (!s)
        s = weft_vk_start(d, commands, diag);
    if (!s)
        s = weft_vk_wait(d, diag);
    if (commands)
        d->FreeCommandBuffers(d->handle, d->pool, 1, &commands);
    return s;
}

weft_status
weft_vk_copy(weft_device *device, weft_memory *to, int64_t to_offset, weft_memory *from,
             int64_t from_offset, int64_t bytes, weft_diag *diag)
{
    weft_vk_device *d = (weft_vk_device *)device;
    weft_status s = bytes ? copy_now(d, to, to_offset, from, from_offset, bytes, diag) : WEFT_OK;
    return weft_vk_complaints(d, s, diag);
}

static weft_status
need_staging(weft_vk_device *d, weft_diag *diag)
{
    return d->staging ? WEFT_OK
                      : make_memory(d, STAGING_BYTES, d->staging_type, true, &d->staging, diag);
}

weft_status
weft_vk_upload(weft_device *device, weft_memory *m, int64_t offset, const void *data, int64_t bytes,
               weft_diag *diag)
{
    weft_vk_device *d = (weft_vk_device *)device;
    weft_status s = weft_vk_wait(d, diag);
    if (s)
        return s;
    if (m->mapped) {
        memcpy(m->mapped + offset, data, (size_t)bytes);
        return WEFT_OK;
    }
    s = need_staging(d, diag);
    for (int64_t at = 0; at < bytes && !s; at += STAGING_BYTES) {
        int64_t n = bytes - at < STAGING_BYTES ? bytes - at : STAGING_BYTES;
        memcpy(d->staging->mapped, (const char *)data + at, (size_t)n);
        s = copy_now(d, m, offset + at, d->staging, 0, n, diag);
    }
    return weft_vk_complaints(d, s, diag);
}

weft_status
weft_vk_download(weft_device *device, weft_memory *m, int64_t offset, void *data, int64_t bytes,
                 weft_diag *diag)
{
    weft_vk_device *d = (weft_vk_device *)device;
    weft_status s = weft_vk_wait(d, diag);
    if (s)
        return s;
    if (m->mapped) {
        memcpy(data, m->mapped + offset, (size_t)bytes);
        return WEFT_OK;
    }
    s = need_staging(d, diag);
    for (int64_t at = 0; at < bytes && !s; at += STAGING_BYTES) {
        int64_t n = bytes - at < STAGING_BYTES ? bytes - at : STAGING_BYTES;
        s = copy_now(d, d->staging, 0, m, offset + at, n, diag);
        if (!s)
            memcpy((char *)data + at, d->staging->mapped, (size_t)n);
    }
    return weft_vk_complaints(d, s, diag);
}
