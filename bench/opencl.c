/* bench/opencl.c: what OpenCL itself gives on the device that weft runs on: a copy of as many bytes
 * as a case moves, and CLBlast. */
#include "bench.h"

#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#ifdef BENCH_CLBLAST
#include <clblast_c.h>
#endif
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct cl_run {
    const bench_case *c;
    cl_context context;
    cl_command_queue queue;
    cl_program program;
    cl_kernel kernel;
    cl_mem mem[3];
    size_t groups;
} cl_run;

enum { COPIED = 16384 }; /* elements a group */
static const char copy_text[] =
    "__kernel __attribute__((reqd_work_group_size(1, 1, 1)))\n"
    "void copy(__global const float *restrict a, __global float *restrict b) {\n"
    "  int at = get_group_id(0) * 16384;\n"
    "  for (int i = 0; i < 16384; i += 16)\n"
    "    vstore16(vload16(0, a + at + i), 0, b + at + i);\n"
    "}\n";

static void
finish(void *user)
{
    cl_run *r = user;
    for (int i = 0; i < 3; i++)
        if (r->mem[i])
            clReleaseMemObject(r->mem[i]);
    if (r->kernel)
        clReleaseKernel(r->kernel);
    if (r->program)
        clReleaseProgram(r->program);
    if (r->queue)
        clReleaseCommandQueue(r->queue);
    if (r->context)
        clReleaseContext(r->context);
    free(r);
}

static cl_run *
open_device(const bench_case *c)
{
    cl_run *r = calloc(1, sizeof *r);
    cl_platform_id platform[8];
    cl_uint n = 0;
    cl_int code = CL_SUCCESS;
    if (!r || clGetPlatformIDs(8, platform, &n))
        n = 0;
    for (cl_uint i = 0; i < n && i < 8 && !r->queue; i++) {
        cl_device_id device;
        char name[64] = "";
        clGetPlatformInfo(platform[i], CL_PLATFORM_NAME, sizeof name, name, NULL);
        if (strcmp(name, "Portable Computing Language") != 0 ||
            clGetDeviceIDs(platform[i], CL_DEVICE_TYPE_ALL, 1, &device, NULL))
            continue;
        r->context = clCreateContext(NULL, 1, &device, NULL, NULL, &code);
        r->queue = clCreateCommandQueue(r->context, device, 0, &code);
        r->c = c;
    }
    if (r && !r->queue) {
        finish(r);
        return NULL;
    }
    return r;
}

static cl_mem
memory(const cl_run *r, int64_t count, const float *from)
{
    cl_int code;
    cl_mem_flags flags = CL_MEM_READ_WRITE | (from ? CL_MEM_COPY_HOST_PTR : 0);
    float nan = NAN;
    cl_mem m = clCreateBuffer(r->context, flags, (size_t)count * 4, (void *)(uintptr_t)from, &code);
    if (!from && m)
        clEnqueueFillBuffer(r->queue, m, &nan, 4, 0, (size_t)count * 4, 0, NULL, NULL);
    clFinish(r->queue);
    return m;
}

/* ---- a copy ---------------------------------------------------------------------------------- */

static void *
open_copy(const bench_case *c, const bench_data *d)
{
    const char *text = copy_text;
    cl_run *r = bench_flops(c) > 0 ? NULL : open_device(c);
    if (!r)
        return NULL;
    r->groups = (size_t)ceil(bench_bytes(c, d) / 8 / COPIED);
    for (int i = 0; i < 2; i++)
        r->mem[i] = memory(r, (int64_t)r->groups * COPIED, NULL);
    r->program = clCreateProgramWithSource(r->context, 1, &text, NULL, NULL);
    cl_int code = clBuildProgram(r->program, 0, NULL, "", NULL, NULL);
    r->kernel = clCreateKernel(r->program, "copy", &code);
    for (cl_uint i = 0; i < 2; i++)
        code |= clSetKernelArg(r->kernel, i, sizeof(cl_mem), &r->mem[i]);
    return r;
}

static bool
run_copy(void *user)
{
    cl_run *r = user;
    size_t local = 1;
    return !clEnqueueNDRangeKernel(r->queue, r->kernel, 1, NULL, &r->groups, &local, 0, NULL,
                                   NULL) &&
           !clFinish(r->queue);
}

const bench_contender bench_copy = {
    .name = "copy", .open = open_copy, .run = run_copy, .close = finish
};

/* ---- CLBlast --------------------------------------------------------------------------------- */

#ifdef BENCH_CLBLAST
static void *
open_clblast(const bench_case *c, const bench_data *d)
{
    cl_run *r = c->kind == BENCH_GEMM ? open_device(c) : NULL;
    for (int i = 0; r && i < 2; i++)
        r->mem[i] = memory(r, d->count[i], d->in[i]);
    float *zeros =
        r && c->m == 1 ? calloc((size_t)d->out, 4) : NULL; /* its gemv adds 0 times NaN */
    if (r)
        r->mem[2] = memory(r, d->out, zeros);
    free(zeros);
    return r;
}

static bool
run_clblast(void *user)
{
    cl_run *r = user;
    size_t m = (size_t)r->c->m, n = (size_t)r->c->n, k = (size_t)r->c->k;
    CLBlastStatusCode s =
        m == 1 ? CLBlastSgemv(CLBlastLayoutRowMajor, CLBlastTransposeYes, k, n, 1, r->mem[1], 0, n,
                              r->mem[0], 0, 1, 0, r->mem[2], 0, 1, &r->queue, NULL)
               : CLBlastSgemm(CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeNo, m, n,
                              k, 1, r->mem[0], 0, k, r->mem[1], 0, n, 0, r->mem[2], 0, n, &r->queue,
                              NULL);
    return !s && !clFinish(r->queue);
}

static bool
read_clblast(void *user, float *out, int64_t count)
{
    cl_run *r = user;
    return !clEnqueueReadBuffer(r->queue, r->mem[2], CL_TRUE, 0, (size_t)count * 4, out, 0, NULL,
                                NULL);
}

const bench_contender bench_clblast = { .name = "clblast",
                                        .checked = true,
                                        .open = open_clblast,
                                        .run = run_clblast,
                                        .read = read_clblast,
                                        .close = finish };
#endif
