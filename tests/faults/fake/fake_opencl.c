/* A libOpenCL with one GPU that is the host's memory: programs are texts, launches are checked and
 * `add` is computed, alone and in chains.  Its binaries are their sources behind a line of their
 * own.  With WEFT_FAKE=pocl=1 it says that it is PoCL, on a processor. */
#define FAKE_LIBRARY
#include "fake.h"

#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>

enum { MAX_ARGUMENTS = 24, BASE_ALIGN = 128 };
static const char binary_line[] = "fake binary 1\n";

typedef struct object {
    fake_handle h;
} object;

struct _cl_mem {
    fake_handle h;
    cl_mem parent;
    size_t offset, size;
    int used; /* sub-buffers that hold it */
    char *data;
};

struct _cl_program {
    fake_handle h;
    char *text;
    bool built;
    char log[200];
    int used; /* kernels that hold it */
};

struct _cl_kernel {
    fake_handle h;
    char name[64];
    cl_program program;
    int nset;
    cl_mem mem[MAX_ARGUMENTS];
    uint64_t value[MAX_ARGUMENTS];
    size_t size[MAX_ARGUMENTS];
};

FAKE_API fake_state *fake_opencl(void);
FAKE_API fake_state *
fake_opencl(void)
{
    return &fake;
}

#define CALL(result, name, ...)                                                                    \
    FAKE_API result CL_API_CALL name(__VA_ARGS__);                                                 \
    result CL_API_CALL name(__VA_ARGS__)
#define ENTER(name)                                                                                \
    do {                                                                                           \
        int code_ = fake_enter(name);                                                              \
        if (code_)                                                                                 \
            return code_;                                                                          \
    } while (0)
/* The same in a function that returns what it made, and its code elsewhere. */
#define ENTER_MAKE(name)                                                                           \
    do {                                                                                           \
        *code = fake_enter(name);                                                                  \
        if (*code)                                                                                 \
            return NULL;                                                                           \
    } while (0)

static int the_platform, the_device; /* their addresses are the handles */

/* ---- platforms and devices ------------------------------------------------------------------- */

CALL(cl_int, clGetPlatformIDs, cl_uint n, cl_platform_id *out, cl_uint *count)
{
    ENTER("clGetPlatformIDs");
    if (count)
        *count = 1;
    if (n && out)
        *out = (cl_platform_id)&the_platform;
    return CL_SUCCESS;
}

CALL(cl_int, clGetDeviceIDs, cl_platform_id platform, cl_device_type type, cl_uint n,
     cl_device_id *out, cl_uint *count)
{
    bool found;
    (void)platform, (void)type;
    ENTER("clGetDeviceIDs");
    cl_uint have = (cl_uint)fake_env("devices", &found);
    have = found ? have : 1;
    if (count)
        *count = have;
    if (n && have && out)
        *out = (cl_device_id)&the_device;
    return have ? CL_SUCCESS : CL_DEVICE_NOT_FOUND;
}

static cl_int
answer(const void *data, size_t n, size_t size, void *out, size_t *need)
{
    if (need)
        *need = n;
    if (out && size < n)
        return CL_INVALID_VALUE;
    if (out)
        memcpy(out, data, n);
    return CL_SUCCESS;
}

static cl_int
answer_text(const char *text, size_t size, void *out, size_t *need)
{
    return answer(text, strlen(text) + 1, size, out, need);
}

CALL(cl_int, clGetPlatformInfo, cl_platform_id p, cl_platform_info what, size_t size, void *out,
     size_t *need)
{
    (void)p, (void)what;
    return answer_text("Fake", size, out, need);
}

static cl_int
answer_number(cl_device_info what, size_t size, void *out, size_t *need)
{
    bool found, cpu = fake_env("cpu", &found) != 0 || fake_env("pocl", &found) != 0;
    const struct {
        cl_device_info what;
        uint64_t value;
        size_t size;
    } numbers[] = {
        { CL_DEVICE_TYPE, cpu ? CL_DEVICE_TYPE_CPU : CL_DEVICE_TYPE_GPU, 8 },
        { CL_DEVICE_COMPILER_AVAILABLE, CL_TRUE, 4 },
        { CL_DEVICE_MAX_WORK_GROUP_SIZE, 256, 8 },
        { CL_DEVICE_LOCAL_MEM_SIZE, 32768, 8 },
        { CL_DEVICE_MAX_PARAMETER_SIZE, 1024, 8 },
        { CL_DEVICE_MAX_MEM_ALLOC_SIZE, 1 << 28, 8 },
        { CL_DEVICE_GLOBAL_MEM_SIZE, 1 << 30, 8 },
        { CL_DEVICE_MEM_BASE_ADDR_ALIGN, 8 * BASE_ALIGN, 4 },
        { CL_DEVICE_NATIVE_VECTOR_WIDTH_FLOAT, 1, 4 },
        { CL_DEVICE_MAX_CLOCK_FREQUENCY, 1000, 4 },
        { CL_DEVICE_MAX_COMPUTE_UNITS, 4, 4 },
        { CL_DEVICE_DOUBLE_FP_CONFIG, 0, 8 },
        { CL_DEVICE_SINGLE_FP_CONFIG, CL_FP_CORRECTLY_ROUNDED_DIVIDE_SQRT, 8 },
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].what == what)
            return answer(&numbers[i].value, numbers[i].size, size, out, need);
    return CL_INVALID_VALUE;
}

CALL(cl_int, clGetDeviceInfo, cl_device_id d, cl_device_info what, size_t size, void *out,
     size_t *need)
{
    static const size_t sides[3] = { 256, 256, 64 };
    bool found;
    (void)d;
    switch (what) {
    case CL_DEVICE_NAME:
        return answer_text(getenv("WEFT_FAKE_NAME") ? getenv("WEFT_FAKE_NAME") : "Fake GPU", size,
                           out, need);
    case CL_DEVICE_VERSION:
        return answer_text(fake_env("pocl", &found) ? "OpenCL 1.2 PoCL fake" : "OpenCL 1.2 fake",
                           size, out, need);
    case CL_DRIVER_VERSION:
        return answer_text(getenv("WEFT_FAKE_VERSION") ? getenv("WEFT_FAKE_VERSION") : "1", size,
                           out, need);
    case CL_DEVICE_OPENCL_C_VERSION:
        return answer_text("OpenCL C 1.2", size, out, need);
    case CL_DEVICE_EXTENSIONS:
        return answer_text("", size, out, need);
    case CL_DEVICE_MAX_WORK_ITEM_SIZES:
        return answer(sides, sizeof sides, size, out, need);
    default:
        return answer_number(what, size, out, need);
    }
}

/* ---- contexts and queues --------------------------------------------------------------------- */

CALL(cl_context, clCreateContext, const cl_context_properties *p, cl_uint n,
     const cl_device_id *device,
     void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *user,
     cl_int *code)
{
    (void)p, (void)device, (void)notify, (void)user;
    ENTER_MAKE("clCreateContext");
    if (n != 1)
        fake_wrong("clCreateContext", "not one device");
    return fake_new(sizeof(object), "context");
}

CALL(cl_int, clReleaseContext, cl_context c)
{
    fake_drop(c, "context", "clReleaseContext");
    return CL_SUCCESS;
}

CALL(cl_command_queue, clCreateCommandQueue, cl_context c, cl_device_id d,
     cl_command_queue_properties p, cl_int *code)
{
    (void)d, (void)p;
    ENTER_MAKE("clCreateCommandQueue");
    return fake_is(c, "context", "clCreateCommandQueue") ? fake_new(sizeof(object), "queue") : NULL;
}

CALL(cl_int, clReleaseCommandQueue, cl_command_queue q)
{
    fake_drop(q, "queue", "clReleaseCommandQueue");
    return CL_SUCCESS;
}

CALL(cl_int, clFlush, cl_command_queue q)
{
    ENTER("clFlush");
    return fake_is(q, "queue", "clFlush") ? CL_SUCCESS : CL_INVALID_COMMAND_QUEUE;
}

CALL(cl_int, clFinish, cl_command_queue q)
{
    ENTER("clFinish");
    return fake_is(q, "queue", "clFinish") ? CL_SUCCESS : CL_INVALID_COMMAND_QUEUE;
}

/* ---- memory ---------------------------------------------------------------------------------- */

CALL(cl_mem, clCreateBuffer, cl_context c, cl_mem_flags flags, size_t size, void *host,
     cl_int *code)
{
    ENTER_MAKE("clCreateBuffer");
    bool copies = (flags & CL_MEM_COPY_HOST_PTR) != 0;
    bool usual = (flags & ~(cl_mem_flags)CL_MEM_COPY_HOST_PTR) == CL_MEM_READ_WRITE;
    if (!fake_is(c, "context", "clCreateBuffer") || !usual || copies != (host != NULL) || !size) {
        *code = CL_INVALID_VALUE;
        return NULL;
    }
    cl_mem m = fake_new(sizeof *m, "buffer");
    m->size = size;
    m->data = malloc(size);
    if (copies)
        memcpy(m->data, host, size);
    return m;
}

CALL(cl_mem, clCreateSubBuffer, cl_mem m, cl_mem_flags flags, cl_buffer_create_type type,
     const void *region_, cl_int *code)
{
    const cl_buffer_region *region = region_;
    (void)flags, (void)type;
    ENTER_MAKE("clCreateSubBuffer");
    if (!fake_is(m, "buffer", "clCreateSubBuffer") || region->origin % BASE_ALIGN ||
        region->size > m->size || region->origin > m->size - region->size || !region->size) {
        fake_wrong("clCreateSubBuffer", "a region outside of its buffer or out of line");
        *code = CL_INVALID_VALUE;
        return NULL;
    }
    cl_mem part = fake_new(sizeof *part, "buffer");
    part->parent = m;
    part->offset = region->origin;
    part->size = region->size;
    part->data = m->data + region->origin;
    m->used++;
    return part;
}

CALL(cl_int, clReleaseMemObject, cl_mem m)
{
    if (!fake_is(m, "buffer", "clReleaseMemObject"))
        return CL_INVALID_MEM_OBJECT;
    if (m->used)
        fake_wrong("clReleaseMemObject", "a buffer with sub-buffers");
    if (m->parent)
        m->parent->used--;
    else
        free(m->data);
    fake_drop(m, "buffer", "clReleaseMemObject");
    return CL_SUCCESS;
}

static bool
is_range(cl_command_queue q, cl_mem m, size_t offset, size_t size, const char *call)
{
    if (!fake_is(q, "queue", call) || !fake_is(m, "buffer", call))
        return false;
    bool inside = size <= m->size && offset <= m->size - size;
    if (!inside)
        fake_wrong(call, "bytes outside of the buffer");
    return inside;
}

CALL(cl_int, clEnqueueWriteBuffer, cl_command_queue q, cl_mem m, cl_bool wait, size_t offset,
     size_t size, const void *data, cl_uint n, const cl_event *after, cl_event *event)
{
    (void)wait, (void)n, (void)after, (void)event;
    ENTER("clEnqueueWriteBuffer");
    if (!is_range(q, m, offset, size, "clEnqueueWriteBuffer"))
        return CL_INVALID_VALUE;
    memcpy(m->data + offset, data, size);
    return CL_SUCCESS;
}

CALL(cl_int, clEnqueueReadBuffer, cl_command_queue q, cl_mem m, cl_bool wait, size_t offset,
     size_t size, void *data, cl_uint n, const cl_event *after, cl_event *event)
{
    (void)wait, (void)n, (void)after, (void)event;
    ENTER("clEnqueueReadBuffer");
    if (!is_range(q, m, offset, size, "clEnqueueReadBuffer"))
        return CL_INVALID_VALUE;
    memcpy(data, m->data + offset, size);
    return CL_SUCCESS;
}

CALL(cl_int, clEnqueueCopyBuffer, cl_command_queue q, cl_mem from, cl_mem to, size_t from_offset,
     size_t to_offset, size_t size, cl_uint n, const cl_event *after, cl_event *event)
{
    (void)n, (void)after;
    ENTER("clEnqueueCopyBuffer");
    if (!is_range(q, from, from_offset, size, "clEnqueueCopyBuffer") ||
        !is_range(q, to, to_offset, size, "clEnqueueCopyBuffer"))
        return CL_INVALID_VALUE;
    memmove(to->data + to_offset, from->data + from_offset, size);
    if (event)
        *event = fake_new(sizeof(object), "event");
    return CL_SUCCESS;
}

/* ---- programs -------------------------------------------------------------------------------- */

static cl_program
make_program(cl_context c, const char *text, size_t n, const char *call)
{
    if (!fake_is(c, "context", call))
        return NULL;
    cl_program p = fake_new(sizeof *p, "program");
    p->text = strndup(text, n);
    return p;
}

CALL(cl_program, clCreateProgramWithSource, cl_context c, cl_uint n, const char **text,
     const size_t *size, cl_int *code)
{
    ENTER_MAKE("clCreateProgramWithSource");
    if (n != 1)
        fake_wrong("clCreateProgramWithSource", "not one text");
    return make_program(c, text[0], size[0], "clCreateProgramWithSource");
}

CALL(cl_program, clCreateProgramWithBinary, cl_context c, cl_uint n, const cl_device_id *device,
     const size_t *size, const unsigned char **data, cl_int *status, cl_int *code)
{
    size_t head = sizeof binary_line - 1;
    (void)n, (void)device;
    ENTER_MAKE("clCreateProgramWithBinary");
    bool good = size[0] > head && !memcmp(data[0], binary_line, head);
    *status = *code = good ? CL_SUCCESS : CL_INVALID_BINARY;
    return good ? make_program(c, (const char *)data[0] + head, size[0] - head,
                               "clCreateProgramWithBinary")
                : NULL;
}

CALL(cl_int, clBuildProgram, cl_program p, cl_uint n, const cl_device_id *device,
     const char *options, void(CL_CALLBACK *notify)(cl_program, void *), void *user)
{
    (void)n, (void)device, (void)notify, (void)user;
    ENTER("clBuildProgram");
    if (!fake_is(p, "program", "clBuildProgram") || strncmp(options, "-cl-std=", 8) != 0)
        return CL_INVALID_PROGRAM;
    const char *bad = strstr(p->text, "#error"), *fatal = getenv("WEFT_FAKE_ABORT");
    if (fatal && strstr(p->text, fatal))
        abort();
    if (bad) {
        snprintf(p->log, sizeof p->log, "fake.cl: %.*s", (int)strcspn(bad, "\n"), bad);
        return CL_BUILD_PROGRAM_FAILURE;
    }
    p->built = true;
    return CL_SUCCESS;
}

CALL(cl_int, clGetProgramInfo, cl_program p, cl_program_info what, size_t size, void *out,
     size_t *need)
{
    ENTER("clGetProgramInfo");
    if (!fake_is(p, "program", "clGetProgramInfo"))
        return CL_INVALID_PROGRAM;
    size_t head = sizeof binary_line - 1, n = head + strlen(p->text);
    if (what == CL_PROGRAM_BINARY_SIZES)
        return answer(&n, sizeof n, size, out, need);
    if (what != CL_PROGRAM_BINARIES || size < sizeof(char *))
        return CL_INVALID_VALUE;
    char *to = *(char **)out;
    memcpy(to, binary_line, head);
    memcpy(to + head, p->text, n - head);
    return CL_SUCCESS;
}

CALL(cl_int, clGetProgramBuildInfo, cl_program p, cl_device_id d, cl_program_build_info what,
     size_t size, void *out, size_t *need)
{
    (void)d, (void)what;
    ENTER("clGetProgramBuildInfo");
    return fake_is(p, "program", "clGetProgramBuildInfo") ? answer_text(p->log, size, out, need)
                                                          : CL_INVALID_PROGRAM;
}

CALL(cl_int, clReleaseProgram, cl_program p)
{
    if (!fake_is(p, "program", "clReleaseProgram"))
        return CL_INVALID_PROGRAM;
    if (p->used)
        fake_wrong("clReleaseProgram", "a program with kernels");
    free(p->text);
    fake_drop(p, "program", "clReleaseProgram");
    return CL_SUCCESS;
}

/* ---- kernels --------------------------------------------------------------------------------- */

CALL(cl_kernel, clCreateKernel, cl_program p, const char *name, cl_int *code)
{
    ENTER_MAKE("clCreateKernel");
    if (!fake_is(p, "program", "clCreateKernel") || !p->built || !strstr(p->text, name)) {
        *code = CL_INVALID_KERNEL_NAME;
        return NULL;
    }
    cl_kernel k = fake_new(sizeof *k, "kernel");
    snprintf(k->name, sizeof k->name, "%s", name);
    k->program = p;
    p->used++;
    return k;
}

CALL(cl_int, clReleaseKernel, cl_kernel k)
{
    if (!fake_is(k, "kernel", "clReleaseKernel"))
        return CL_INVALID_KERNEL;
    k->program->used--;
    fake_drop(k, "kernel", "clReleaseKernel");
    return CL_SUCCESS;
}

CALL(cl_int, clSetKernelArg, cl_kernel k, cl_uint i, size_t size, const void *value)
{
    ENTER("clSetKernelArg");
    if (!fake_is(k, "kernel", "clSetKernelArg") || i >= MAX_ARGUMENTS || size > 8)
        return CL_INVALID_ARG_INDEX;
    memcpy(&k->value[i], value, size);
    k->size[i] = size;
    k->nset = k->nset > (int)i + 1 ? k->nset : (int)i + 1;
    return CL_SUCCESS;
}

static const char launch_call[] = "clEnqueueNDRangeKernel";

/* Bytes of a buffer from an offset on, if there are so many. */
static float *
bytes_of(cl_mem m, int64_t offset, int64_t bytes)
{
    if (fake_is(m, "buffer", launch_call) && offset >= 0 && bytes >= 0 &&
        offset <= (int64_t)m->size && bytes <= (int64_t)m->size - offset)
        return (float *)(void *)(m->data + offset);
    fake_wrong(launch_call, "a buffer of add is too small");
    return NULL;
}

static void
add(const cl_mem m[3], const int64_t offset[3], int32_t n, int64_t scale)
{
    float *at[3];
    bool good = true;
    for (int i = 0; i < 3; i++) {
        at[i] = bytes_of(m[i], offset[i], (int64_t)n * 4);
        good = good && at[i];
    }
    if (good)
        fake_add(at[0], at[1], at[2], n, scale);
}

static void
execute_add(cl_kernel k)
{
    cl_mem m[3];
    int32_t n;
    memcpy(m, k->value, sizeof m);
    memcpy(&n, &k->value[3], sizeof n);
    if (k->nset != 5 || k->size[3] != 4 || k->size[4] != 8)
        fake_wrong(launch_call, "the arguments of add");
    else
        add(m, (const int64_t[3]){ 0 }, n, (int64_t)k->value[4]);
}

/* A row is a case, blocks, the grid; three times a memory and an offset, n, scale; of a copy, whose
 * case is -1, two times, and bytes. */
static void
execute_row(const int64_t *row, const cl_mem *m)
{
    const int64_t *arg = row + 5;
    cl_mem of[3] = { m[arg[0]], m[arg[2]], m[row[0] < 0 ? 0 : arg[4]] };
    if (row[0] >= 0) {
        add(of, (const int64_t[3]){ arg[1], arg[3], arg[5] }, (int32_t)arg[6], arg[7]);
        return;
    }
    void *from = bytes_of(of[0], arg[1], arg[4]), *to = bytes_of(of[1], arg[3], arg[4]);
    if (from && to)
        memcpy(to, from, (size_t)arg[4]);
}

/* Counters; where each span begins, and spans: rows, blocks, where each row begins; how many;
 * memories. */
static void
execute_chain(cl_kernel k)
{
    cl_mem m[MAX_ARGUMENTS];
    int32_t n;
    memcpy(m, k->value, sizeof m);
    memcpy(&n, &k->value[2], sizeof n);
    const int64_t *plan = (const int64_t *)(void *)m[1]->data;
    for (int i = 0; i < n; i++)
        for (int row = 0; row < plan[plan[i]]; row++)
            execute_row(plan + plan[plan[i] + 2 + row], m + 3);
}

static void
execute(cl_kernel k)
{
    __atomic_add_fetch(&fake.launches, 1, __ATOMIC_RELAXED);
    if (!strcmp(k->name, "add"))
        execute_add(k);
    if (!strcmp(k->name, "weft_chain"))
        execute_chain(k);
}

CALL(cl_int, clEnqueueNDRangeKernel, cl_command_queue q, cl_kernel k, cl_uint dims,
     const size_t *offset, const size_t *global, const size_t *local, cl_uint n,
     const cl_event *after, cl_event *event)
{
    (void)offset, (void)n, (void)after;
    ENTER(launch_call);
    if (!fake_is(q, "queue", launch_call) || !fake_is(k, "kernel", launch_call) || dims != 3)
        return CL_INVALID_VALUE;
    for (cl_uint i = 0; i < 3; i++)
        if (!local[i] || global[i] % local[i])
            return CL_INVALID_WORK_GROUP_SIZE;
    if (local[0] * local[1] * local[2] > 256)
        return CL_INVALID_WORK_GROUP_SIZE;
    execute(k);
    if (event)
        *event = fake_new(sizeof(object), "event");
    return CL_SUCCESS;
}

CALL(cl_int, clGetEventProfilingInfo, cl_event e, cl_profiling_info what, size_t size, void *out,
     size_t *need)
{
    cl_ulong t = what == CL_PROFILING_COMMAND_START ? 1000 : 2000;
    ENTER("clGetEventProfilingInfo");
    return fake_is(e, "event", "clGetEventProfilingInfo") ? answer(&t, sizeof t, size, out, need)
                                                          : CL_INVALID_EVENT;
}

CALL(cl_int, clReleaseEvent, cl_event e)
{
    fake_drop(e, "event", "clReleaseEvent");
    return CL_SUCCESS;
}
