/* backends/cuda/device_priv.h: what the files of the CUDA driver share. */
#ifndef WEFT_CUDA_DEVICE_PRIV_H
#define WEFT_CUDA_DEVICE_PRIV_H

#include "backends/cuda/nvrtc.h"
#include "runtime/device.h"

typedef struct weft_cu_api { /* libcuda; every function returns a CUresult, 0 for success */
#define CU(symbol, name, parameters)          int(*name) parameters;
#define CU_OPTIONAL(symbol, name, parameters) int(*name) parameters;
#define NVRTC(symbol, name, parameters)
#include "backends/cuda/cu_functions.def"
#undef CU
#undef CU_OPTIONAL
#undef NVRTC
} weft_cu_api;

typedef struct weft_cu_device {
    weft_device base;
    weft_cu_api api;
    weft_nvrtc nvrtc;
    int id; /* CUdevice */
    void *context, *stream;
    int64_t shared_optin; /* dynamic shared bytes a block when asked for */
} weft_cu_device;

struct weft_memory {
    uint64_t address;
    int64_t bytes;
};

/* WEFT_OK, or a report of "call: CUDA_NAME (code), words, at object". */
weft_status weft_cu_check(const weft_cu_api *, weft_diag *, int code, const char *call,
                          const char *object);
/* Makes the device's context the thread's. */
weft_status weft_cu_enter(weft_cu_device *, weft_diag *);

/* device_load.c, device_run.c */
weft_status weft_cu_load(weft_device *, const weft_source *, int n, weft_numerics, weft_code **,
                         weft_diag *);
void weft_cu_unload(weft_device *, weft_code *);
/* The function of a kernel and the dtypes of its scalars. */
void *weft_cu_function(const weft_code *, int kernel, const uint8_t **scalar);
weft_status weft_cu_record(weft_device *, const weft_launch *, int n, weft_batch **, weft_diag *);
void weft_cu_discard(weft_device *, weft_batch *);
weft_status weft_cu_submit(weft_device *, weft_batch *, double *times, weft_diag *);

#endif
