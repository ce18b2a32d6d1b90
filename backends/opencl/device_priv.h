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
/* The program that holds the kernel of that index, and its name. */
cl_program weft_cl_program_of(const weft_code *, int kernel, const char **name,
                              const weft_source **source);
weft_status weft_cl_record(weft_device *, const weft_launch *, int n, weft_batch **, weft_diag *);
void weft_cl_discard(weft_device *, weft_batch *);
weft_status weft_cl_submit(weft_device *, weft_batch *, double *times, weft_diag *);

#endif
