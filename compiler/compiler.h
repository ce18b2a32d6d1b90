/* compiler/compiler.h: from a graph to a module, one target at a time.
 *
 *   model file -> graph (import, passes)
 *   -> units (one distinct te program each, lowered in parallel)
 *   -> program (tensors, kernels, steps) -> module
 *
 * <weft/compiler.h> is the public face.  What `dump` shows of each level comes from here too.
 */
#ifndef WEFT_COMPILER_PRIVATE_H
#define WEFT_COMPILER_PRIVATE_H

#include "graph/graph.h"
#include "import/import.h"
#include "lower/lower.h"
#include "backends/backend.h"
#include "runtime/device.h"
#include "runtime/module.h"
#include <weft/compiler.h>

typedef enum weft_dump_stage {
    WEFT_DUMP_GRAPH,
    WEFT_DUMP_FUSED,
    WEFT_DUMP_TE,
    WEFT_DUMP_LOOPS,
    WEFT_DUMP_FLAT,
    WEFT_DUMP_DEVICE,
    WEFT_DUMP_SOURCE,
    WEFT_DUMP_COUNT
} weft_dump_stage;
const char *weft_dump_stage_name(weft_dump_stage);
/* The stage of that name, or WEFT_DUMP_COUNT. */
weft_dump_stage weft_dump_stage_parse(const char *);

/* What one run of the compiler needs, resolved. */
typedef struct weft_compile_job {
    const weft_target *target;
    weft_numerics numerics;
    int optimize, threads;
    const weft_import_options *import;
    const char *prefix; /* what names of kernels begin with: a letter first; NULL: nothing */
    const char *text;   /* the model as a graph's text, its path then but a name; NULL: the file */
    /* Contents of constants that a graph's text gives by their hash alone, by name; found[i] is set
     * when there is such a constant.  Borrowed as long as what is compiled. */
    int nconstant;
    const char *const *constant_name;
    const weft_const *constant;
    bool *found;
} weft_compile_job;

/* One printed kernel of a unit. */
typedef struct weft_unit_kernel {
    char *name;                /* unique in the program */
    char *text;                /* source; malloc'ed */
    const weft_kernel *kernel; /* at the device level (loops for interp), in the unit's context */
} weft_unit_kernel;

/* A distinct te program and what became of it.  Groups with the same program share one. */
typedef struct weft_unit {
    weft_te *te; /* owns the context everything below lives in */
    weft_lowered lowered;
    int nkernel;
    weft_unit_kernel *kernel; /* lowered.nkernel of them */
    weft_diag *diag;          /* what went wrong in this unit alone */
    weft_status status;
    char *text[WEFT_DUMP_COUNT]; /* of the stages asked for by a dump; malloc'ed, else NULL */
} weft_unit;

/* A model compiled for one target, before it becomes part of a module. */
typedef struct weft_compiled {
    weft_graph *graph;             /* after all graph passes */
    char *graph_text, *fused_text; /* when dumped */
    int nunit;
    weft_unit *unit;
    int *unit_of; /* group -> unit; -1: no kernel computes it (weft_group_computes) */
    weft_arena arena;
} weft_compiled;

/* Reads a model of any format, told by its content: ONNX, or the text of a graph, whose shapes are
 * as it says.  NULL after errors. */
weft_graph *weft_read_model(const char *path, const weft_import_options *, weft_diag *);
/* What such a file holds; diag is not NULL. */
weft_status weft_inspect_model(const char *path, weft_arena *, weft_model_summary *, weft_diag *);

/* Puts the job's constants where the text of a graph has none; WEFT_INVALID_INPUT for another type
 * or shape. */
weft_status weft_give_constants(weft_graph *, const weft_compile_job *, weft_diag *);
/* Imports, optimises and lowers; reports what stops each of the kernels, not only the
 * first.  stage: texts up to which level are kept in units and graph (WEFT_DUMP_COUNT:
 * none).  A partial import gives what can be compiled of the rest: what was refused is in
 * `diag`, not in the status. */
weft_status weft_compile_model(const char *path, const weft_compile_job *, weft_dump_stage stage,
                               weft_diag *, weft_compiled *);
void weft_compiled_free(weft_compiled *);

/* Of n kernels that a program became, each gets the part of its cost that it computes and moves. */
void weft_unit_costs(weft_kernel *const *, int n);
/* Schedules, lowers and prints one program for a target: what a unit is made by.  Also `weft te`.
 */
weft_status weft_build_unit(weft_unit *, const weft_compile_job *, const char *kernel_name,
                            bool scheduled, weft_dump_stage stage);
void weft_unit_free(weft_unit *);

/* "strict", "default", "fast". */
weft_status weft_parse_numerics(const char *name, weft_numerics *, weft_diag *);
/* The model compiled for every target; `common` gives all of the job but its target. */
weft_status weft_compile_targets(const char *path, int ntarget, const weft_target *,
                                 const weft_compile_job *common, weft_diag *, weft_module **);

/* What a program's tensors and steps were in the graph: for who compares the two.  It lives as long
 * as the module. */
typedef struct weft_origin {
    const weft_compiled *compiled;
    const weft_program *program;
    const int *tensor_of;  /* value id -> tensor; -1: the program has none for it */
    const int *first_step; /* group -> its first step */
} weft_origin;
/* The steps that a group's kernels are, from first_step on. */
static inline int
weft_origin_steps(const weft_origin *o, int group)
{
    int unit = o->compiled->unit_of[group];
    return unit < 0 ? 0 : o->compiled->unit[unit].nkernel;
}

/* Fills a program (in the module's arena) and adds its constants to the module. */
weft_status weft_assemble(weft_module *, const weft_compiled *, const weft_compile_job *,
                          weft_diag *, weft_origin *);
/* The model compiled for the job's target, with where everything in the program comes from. */
weft_status weft_compile_traced(const char *path, const weft_compile_job *, weft_diag *,
                                weft_module **, weft_origin *);
/* An integer expression over symbols as a plan's text (base.h, iexpr), in the arena. */
const char *weft_plan_text(weft_arena *, const weft_expr *);

/* A te program alone as a module of one program; takes te over, whatever the result. */
weft_status weft_te_module(weft_te *, const weft_compile_job *, weft_diag *, weft_module **);

/* The tensor's bytes where its elements are aligned, as the interpreter needs them: its own, or a
 * copy in the arena where a model's file has them elsewhere; NULL when out of memory. */
const void *weft_aligned(const weft_const *, weft_arena *);

/* weft_evaluate for constant folding: one node as an unscheduled program in the interpreter.
 * `user` is NULL or a weft_evaluate_effort. */
typedef struct weft_evaluate_effort {
    int threads;       /* 0: one a core */
    int64_t max_steps; /* as weft_interp_options */
} weft_evaluate_effort;
weft_status weft_evaluate_node(void *user, weft_graph *, const weft_node *, weft_const *out,
                               weft_diag *);

/* The interpreter as a device; its kernels are IR text at the level loops. */
extern const weft_driver weft_interp_driver;
/* The bound of WEFT_INTERP_STEPS on the statements of a launch; 0: none. */
int64_t weft_interp_steps(void);
/* Every driver linked in, interp included. */
weft_drivers weft_all_drivers(void);

/* "api", "api:profile" or, when `device` is given and the spec names no profile, the device's own.
 */
weft_status weft_resolve_target(const char *spec, const weft_device *device, weft_target *,
                                weft_diag *);

#endif
