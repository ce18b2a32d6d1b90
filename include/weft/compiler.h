/* weft/compiler.h: from a model file to a module.
 *
 *   weft_compile_options o = WEFT_COMPILE_OPTIONS;
 *   o.ntarget = 1, o.target = (const char *[]){ "opencl" };
 *   weft_module *m;
 *   weft_status s = weft_compile("model.onnx", &o, diag, &m);
 *
 * The result depends on the model and the options alone: not on the number of workers, the working
 * directory or the compiler that built weft.  Any thread may compile; calls share nothing.
 */
#ifndef WEFT_COMPILER_H
#define WEFT_COMPILER_H

#include <weft/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct weft_diag weft_diag;
typedef struct weft_module weft_module;
typedef struct weft_te weft_te;

typedef struct weft_compile_options {
    size_t size; /* sizeof this struct; no byte beyond it is read */
    int ntarget;
    const char *const *target; /* "opencl", "vulkan:generic-gpu", ... (weft targets) */
    int ndim;                  /* symbolic dims given a size; value -1: stay symbolic */
    const char *const *dim_name;
    const int64_t *dim_value;
    int nshape; /* inputs given a shape: "1x3x224x224" */
    const char *const *shape_name, *const *shape;
    int optimize;         /* 0: no fusion, no re-laid weights; 1 to 3: all passes */
    const char *numerics; /* "strict", "default", "fast" */
    int threads;          /* 0: one a core */
    int nop; /* operators of the model, "mydomain.MyOp", that are the te program in a file */
    const char *const *op_name, *const *op_file;
    const int64_t *seed; /* 0 to INT32_MAX, of random numbers; NULL: their operators are refused */
} weft_compile_options;

#define WEFT_COMPILE_OPTIONS                                                                       \
    {                                                                                              \
        .size = sizeof(weft_compile_options), .optimize = 2, .numerics = "default"                 \
    }

/* Compiles a model for every target named; the module holds one program each and one copy of each
 * constant.  *module is the caller's (weft_module_destroy); NULL after an error. */
WEFT_API WEFT_NODISCARD weft_status weft_compile(const char *model, const weft_compile_options *,
                                                 weft_diag *, weft_module **module);

/* A tensor-expression program (<weft/te.h>) as text at a stage: "te", "loops", "flat", "device" or
 * "source", its kernels one after another.  A program that has no schedule gets the target's
 * default one; the caller's program stays as it is.  malloc'ed; NULL after an error. */
WEFT_API char *weft_te_show(const weft_te *, const char *target, const char *stage, weft_diag *);

#ifdef __cplusplus
}
#endif
#endif
