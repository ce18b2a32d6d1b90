/* whole_writes.c: an OpenCL layer that makes every write of the host to a part of a buffer one of
 * all of it.
 *
 * oclgrind 21.10 keeps, of what it knows about a buffer, as many bytes as the last write from the
 * host had, wherever that was, and takes all others for unwritten.  Named in OPENCL_LAYERS.
 */
#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_1_APIS
#include <CL/cl_layer.h>

#include <stdlib.h>
#include <string.h>

static const struct _cl_icd_dispatch *
next(const struct _cl_icd_dispatch *given)
{
    static const struct _cl_icd_dispatch *kept;
    kept = given ? given : kept;
    return kept;
}

static cl_int CL_API_CALL
write_whole(cl_command_queue queue, cl_mem memory, cl_bool blocking, size_t offset, size_t size,
            const void *data, cl_uint nwait, const cl_event *wait, cl_event *event)
{
    const struct _cl_icd_dispatch *cl = next(NULL);
    size_t all = 0;
    cl_int code = cl->clGetMemObjectInfo(memory, CL_MEM_SIZE, sizeof all, &all, NULL);
    if (code || size == all || offset + size > all)
        return cl->clEnqueueWriteBuffer(queue, memory, blocking, offset, size, data, nwait, wait,
                                        event);
    char *bytes = malloc(all);
    if (!bytes)
        return CL_OUT_OF_HOST_MEMORY;
    code = cl->clEnqueueReadBuffer(queue, memory, CL_TRUE, 0, all, bytes, nwait, wait, NULL);
    memcpy(bytes + offset, data, size);
    if (!code)
        code = cl->clEnqueueWriteBuffer(queue, memory, CL_TRUE, 0, all, bytes, 0, NULL, event);
    free(bytes);
    return code;
}

CL_API_ENTRY cl_int CL_API_CALL
clGetLayerInfo(cl_layer_info name, size_t room, void *value, size_t *size)
{
    static const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    if (name != CL_LAYER_API_VERSION || (value && room < sizeof version))
        return CL_INVALID_VALUE;
    if (value)
        memcpy(value, &version, sizeof version);
    if (size)
        *size = sizeof version;
    return CL_SUCCESS;
}

CL_API_ENTRY cl_int CL_API_CALL
clInitLayer(cl_uint n, const struct _cl_icd_dispatch *target, cl_uint *count,
            const struct _cl_icd_dispatch **ours)
{
    static struct _cl_icd_dispatch table; /* only what is not NULL replaces the target's */
    if (n < sizeof table / sizeof table.clGetPlatformIDs)
        return CL_INVALID_VALUE;
    next(target);
    table.clEnqueueWriteBuffer = write_whole;
    *count = sizeof table / sizeof table.clGetPlatformIDs;
    *ours = &table;
    return CL_SUCCESS;
}
