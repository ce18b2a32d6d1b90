/* backends/opencl/device_priv.h: what the files of the OpenCL driver share. */
#ifndef WEFT_OPENCL_DEVICE_PRIV_H
#define WEFT_OPENCL_DEVICE_PRIV_H

#include "runtime/device.h"

#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>
#include <CL/cl_ext.h>

typedef struct weft_cl_api {
#define CL(result, name, parameters) result(CL_API_CALL *name) parameters;
#include "backends/opencl/cl_functions.def"
#undef CL
} weft_cl_api;

typedef struct weft_cl_device {
    weft_device base;
    weft_cl_api api;
    cl_platform_id platform;
    cl_device_id id;
    cl_context context;
    cl_command_queue queue, timed; /* timed: with profiling; made when first asked for */
    int64_t global_bytes, used_bytes;
    bool keeps_kernels; /* the driver has a cache on disk: its binaries are not for ours */
    int workers;        /* of a chain of launches; 0: every launch is alone */
    cl_mem counters;    /* of chains; made when first asked for */
    char cl_std[16];    /* "CL1.2" */
} weft_cl_device;

struct weft_memory {
    cl_mem mem;
    int64_t bytes;
};

/* WEFT_OK, or a report of "call: CL_NAME (code)" and a sentence about the object. */
weft_status weft_cl_check(weft_diag *, cl_int code, const char *call, const char *object);
/* Fills info and the facts above from queries. */
void weft_cl_query(weft_cl_device *, int index);

/* device_load.c, device_run.c */
weft_status weft_cl_load(weft_device *, const weft_source *, int n, weft_numerics, weft_code **,
                         weft_diag *);
void weft_cl_unload(weft_device *, weft_code *);
/* The program that holds the kernel of that index, to be launched alone, built if it was not. */
weft_status weft_cl_program_of(weft_cl_device *, const weft_code *, int kernel, cl_program *,
                               const weft_source **source, weft_diag *);
/* The program of chains that the kernel is in, and its index there unless NULL; NULL: none. */
cl_program weft_cl_chain_of(const weft_code *, int kernel, int *index);
weft_status weft_cl_record(weft_device *, const weft_launch *, int n, weft_batch **, weft_diag *);
void weft_cl_discard(weft_device *, weft_batch *);
weft_status weft_cl_submit(weft_device *, weft_batch *, double *times, weft_diag *);

/* ---- device_chain.c: many launches in one ---- */
#define WEFT_CL_CHAIN "weft_chain" /* the kernel that runs them */
bool weft_cl_chainable(const weft_source *);
/* Appends the text of a program that chains launches of those of the sources that it can. */
void weft_cl_chain_text(weft_str *, const weft_source *, int n);
/* How many launches and copies from the first on, n at most, one chain of the program can run. */
int weft_cl_chain_length(cl_program, const weft_launch *, int n);
/* The kernel of one chain with its arguments set, and the memory of its list; the caller's also
 * after a failure, or NULL. */
weft_status weft_cl_chain_record(weft_cl_device *, cl_program, const weft_launch *, int n,
                                 cl_kernel *, cl_mem *plan, weft_diag *);

#endif
