/* weft/weft.h: running a compiled module.  This is the whole public face of libweft_rt.
 *
 *     weft_diag *diag = weft_diag_create();
 *     weft_device *device = NULL;
 *     weft_module *module = NULL;
 *     weft_session *session = NULL;
 *     if (weft_open_device("vulkan", diag, &device) == WEFT_OK &&
 *         weft_module_read("model.weft", diag, &module) == WEFT_OK &&
 *         weft_session_create(module, device, NULL, diag, &session) == WEFT_OK &&
 *         weft_session_set_input(session, 0, image, sizeof image, diag) == WEFT_OK &&
 *         weft_session_run(session, diag) == WEFT_OK)
 *         weft_session_get_output(session, 0, scores, sizeof scores, diag);
 *     fputs(weft_diag_text(diag), stderr);
 *     weft_session_destroy(session);
 *     weft_module_destroy(module);
 *     weft_device_close(device);
 *     weft_diag_destroy(diag);
 *
 * Threads: a module may be read by many threads at once; a device and its sessions belong to one
 * thread at a time; a diag may be shared.  Errors: every fallible call returns a status and reports
 * a sentence to diag, which may be NULL.  The _destroy and _close functions take NULL.
 */
#ifndef WEFT_WEFT_H
#define WEFT_WEFT_H

#include <weft/dlpack.h>
#include <weft/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_diag weft_diag;       /* collects messages for a person */
typedef struct weft_device weft_device;   /* an open device */
typedef struct weft_module weft_module;   /* a compiled model */
typedef struct weft_session weft_session; /* one thread's use of a module on a device */

/* ---- messages -------------------------------------------------------------------------------- */
WEFT_API weft_diag *weft_diag_create(void);
WEFT_API void weft_diag_destroy(weft_diag *);
/* WEFT_OK or the status of the first error reported; WEFT_OK of NULL, which keeps none. */
WEFT_API weft_status weft_diag_status(const weft_diag *);
/* All messages, one or more lines each, "" if none; borrowed until the next report. */
WEFT_API const char *weft_diag_text(const weft_diag *);

/* ---- devices --------------------------------------------------------------------------------- */
typedef struct weft_device_desc {
    size_t size;           /* set by the caller to sizeof; no byte beyond it is written */
    char id[32];           /* what weft_open_device takes: "opencl", "opencl:1" */
    char name[128];        /* the device's own name */
    char driver[128];      /* API and driver version */
    char device_class[16]; /* "gpu", "mobile", "vector-cpu", "lane-cpu" */
    int64_t max_alloc;     /* bytes of one allocation */
} weft_device_desc;

/* Opens "opencl", "vulkan:1", ...; NULL opens the first usable device of a real GPU API.
 * WEFT_NO_DEVICE with the reason, and what is usable instead. */
WEFT_API WEFT_NODISCARD weft_status weft_open_device(const char *id, weft_diag *, weft_device **);
WEFT_API void weft_device_close(weft_device *);
WEFT_API weft_status weft_device_describe(const weft_device *, weft_device_desc *);

/* ---- modules --------------------------------------------------------------------------------- */
/* Reads a module directory or file.  Its data is checked; its kernels are code, and run as such. */
WEFT_API WEFT_NODISCARD weft_status weft_module_read(const char *path, weft_diag *, weft_module **);
/* After every session of the module is destroyed. */
WEFT_API void weft_module_destroy(weft_module *);

/* ---- sessions -------------------------------------------------------------------------------- */
typedef struct weft_tensor_desc {
    size_t size;      /* set by the caller to sizeof; no byte beyond it is written */
    const char *name; /* the model's; lives as long as the module */
    weft_dtype dtype;
    int ndim;
    /* Of the bound shape, until the next bind; NULL while none is bound.  Of an output whose shape
     * depends on data: of the last run, and the largest there can be before the first. */
    const int64_t *dim;
    int64_t bytes; /* compact, as set_input and get_output take it; -1 while none is bound */
} weft_tensor_desc;

/* Picks the module's program for the device (`target` NULL: the best that fits; else by the name it
 * was compiled under), compiles its kernels and uploads the constants.  A static model's shapes are
 * bound.  Module and device outlive the session. */
WEFT_API WEFT_NODISCARD weft_status weft_session_create(weft_module *, weft_device *,
                                                        const char *target, weft_diag *,
                                                        weft_session **);
WEFT_API void weft_session_destroy(weft_session *);
WEFT_API int weft_session_input_count(const weft_session *);
WEFT_API int weft_session_output_count(const weft_session *);
WEFT_API weft_status weft_session_input(const weft_session *, int input, weft_tensor_desc *);
WEFT_API weft_status weft_session_output(const weft_session *, int output, weft_tensor_desc *);
/* Binds the shapes of all inputs: dims[i] holds the ndim numbers of input i.  Data of inputs set
 * before is lost. */
WEFT_API weft_status weft_session_bind(weft_session *, const int64_t *const *dims, weft_diag *);
/* Copies a compact host tensor in; `bytes` must be the bound size. */
WEFT_API weft_status weft_session_set_input(weft_session *, int input, const void *data,
                                            size_t bytes, weft_diag *);
/* Starts a run; results are waited for where they are read.  What the model decides by its data
 * (conditions, sizes) is waited for here. */
WEFT_API weft_status weft_session_run(weft_session *, weft_diag *);
WEFT_API weft_status weft_session_get_output(weft_session *, int output, void *data, size_t bytes,
                                             weft_diag *);
/* The same with DLPack tensors in host memory, strided ones too; dtype and shape are checked. */
WEFT_API weft_status weft_session_set_input_dlpack(weft_session *, int input, const DLTensor *,
                                                   weft_diag *);
WEFT_API weft_status weft_session_get_output_dlpack(weft_session *, int output, const DLTensor *,
                                                    weft_diag *);
/* Runs once and measures every kernel on the device; then writes the times for Perfetto. */
WEFT_API weft_status weft_session_profile(weft_session *, weft_diag *);
WEFT_API weft_status weft_session_write_trace(const weft_session *, const char *path, weft_diag *);

#ifdef __cplusplus
}
#endif
#endif
