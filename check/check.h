/* check/check.h: holding devices against the reference.
 *
 * The reference is the interpreter running every group of the model's graph as its unscheduled te
 * program: no schedule, no lowering pass and no driver vouches for itself.  Where a program is
 * continuous in its inputs the arithmetic of f16, bf16 and f32 is widened to double (memory keeps
 * its dtype); a program that rounds to integers or compares what it computed is not, because where
 * its steps lie is the dtype's to say.
 *
 *   outputs      one run of the whole model on the device, its outputs beside the reference's
 *   per kernel   each group of the target's own graph on the inputs that the reference has for it,
 *                so that an error is charged to the kernels that make it.  The kernels of one group
 *                share intermediate results that only its schedule knows; they are charged together
 *
 * What a run writes is filled with NaN patterns before.  Budgets: tests/tolerances.def.
 */
#ifndef WEFT_CHECK_H
#define WEFT_CHECK_H

#include "check/tensors.h"
#include "runtime/session.h"

/* ---- two tensors (metrics.c) ----------------------------------------------------------------- */
typedef struct weft_metrics {
    bool agree;
    bool same_type;          /* dtype and dims are equal; nothing below is set otherwise */
    int64_t count, bad;      /* elements; those outside the budget */
    int64_t worst_at;        /* the bad element that is farthest out, NaN first; -1: none is bad */
    char got[40], want[40];  /* that element's values */
    double nmse;             /* sum (got-want)^2 / sum want^2 over the finite pairs */
    double max_abs, max_rel; /* over the finite pairs; relative where want is not 0 */
    uint64_t max_ulp; /* representable values between the two, at most; of integers |got-want| */
    int64_t abs_at, rel_at, ulp_at; /* where; -1 when all is equal */
    int64_t nonfinite;      /* elements whose NaN or infinity is on one side alone or differs */
    int64_t nonfinite_at;   /* the first; -1 */
    int64_t unwritten;      /* bad elements that hold weft_session_poison's pattern */
    double rel, abs, scale; /* the budget |got-want| <= rel * |want| + abs * scale; 0s: equality */
} weft_metrics;
void weft_measure(const weft_const *got, const weft_const *want, weft_metrics *);
/* Whether got is want within the budget of tests/tolerances.def; `why` (or NULL) says where not. */
bool weft_compare(const weft_const *got, const weft_const *want, weft_str *why);
/* The sentence of a measurement that does not agree: "3 of 8 differ, worst at 5: got .., expected
 * ..". */
void weft_metrics_text(weft_str *, const weft_metrics *);

/* ---- one run of a session (run.c) ------------------------------------------------------------ */
/* Uploads all inputs, runs with outputs poisoned with NaN patterns, downloads all outputs. */
weft_status weft_run_once(weft_session *, const weft_const *in, weft_arena *, weft_const *out,
                          weft_diag *);
/* dtype, bound dims and room in the arena for a tensor of the session's program. */
weft_status weft_session_room(weft_session *, int tensor, weft_arena *, weft_const *, weft_diag *);

/* ---- a model on devices (check.c) ------------------------------------------------------------ */
typedef struct weft_check_options {
    weft_compile_job job;        /* for every target; its own target is not read */
    const weft_drivers *drivers; /* NULL: all that are linked */
    /* Device ids.  None: every usable one but interp and null, in its own class and, where that is
     * another, in the gpu class of its API. */
    int ndevice;
    const char *const *device;
    /* Targets: a device runs those of its API; its own profile where there is none. */
    int ntarget;
    const char *const *target;
    /* Inputs by name; the others are filled.  Also contents of constants that a graph's text gives
     * by their hash alone. */
    int ninput;
    const char *const *input_name;
    const weft_const *input;
    const char *fill; /* as weft_fill; NULL: an input that is not given is an error */
    bool per_kernel;
    /* A module whose kernels run instead of freshly compiled ones, made of the same model with the
     * same options: each of its programs on the devices of its API.  NULL: none. */
    const char *module;
    /* Where reproducers of kernels that disagree go, a directory each; NULL: nowhere. */
    const char *out;
    int max_reproducers;                            /* of a device and target; 0: 8 */
    void (*progress)(void *user, const char *what); /* long work begins; NULL */
    void *user;
} weft_check_options;

/* A tensor that was compared. */
typedef struct weft_check_item {
    const char *tensor;
    weft_dtype dtype;
    int ndim;
    const int64_t *dim;
    const char *kernel, *layers, *schedule; /* of what made it; NULL for a model's output */
    const char *reproducer;                 /* directory; NULL: none was written */
    weft_metrics m;
} weft_check_item;

/* One device and target. */
typedef struct weft_check_run {
    const char *device, *name, *target, *driver;
    bool own;           /* the target is the device's own, not a named profile */
    weft_status status; /* MISMATCH: some item disagrees; another error: it could not be run */
    const char *why;    /* of another error */
    bool skipped;       /* UNSUPPORTED or over a limit on a device that was not asked for by name */
    double seconds;
    int ngroup; /* compared per kernel */
    WEFT_VEC(weft_check_item) output, kernel;
} weft_check_run;

/* What weft_check_reduce found. */
typedef struct weft_reduction {
    const char *path;  /* the graph's text that was written; NULL: nothing disagrees */
    const char *again; /* the script beside it */
    int before, after; /* nodes */
    int tests;         /* models checked on the way */
} weft_reduction;
typedef struct weft_check_report {
    weft_arena arena; /* owns everything */
    const char *model;
    double reference_seconds;
    int nwidened, nreference; /* groups evaluated by the reference, and with double arithmetic */
    WEFT_VEC(weft_check_run) run;
    weft_reduction reduced;
} weft_check_report;

/* Checks the model at `path` (or job.text).  The status is that of what kept the check from being
 * made at all: bad input, no such device; what devices did is in the report. */
weft_status weft_check_model(const char *path, const weft_check_options *, weft_diag *,
                             weft_check_report *);
/* Checks a reproducer: a module directory that holds inputs/ and expected/ beside its manifest. */
weft_status weft_check_reproducer(const char *dir, const weft_check_options *, weft_diag *,
                                  weft_check_report *);
/* Whether a directory is one. */
bool weft_is_reproducer(const char *dir);
/* OK when all runs agree (at least one was made); MISMATCH when one disagrees; else the first
 * error. */
weft_status weft_check_verdict(const weft_check_report *);
void weft_check_report_free(weft_check_report *);

/* ---- a smaller model (reduce.c) -------------------------------------------------------------- */
/* Finds a smallest set of the model's nodes whose outputs still disagree on the first device and
 * target of the report that disagrees: delta debugging (Zeller, Hildebrandt 2002), whatever is
 * removed being replaced by an input that holds what the reference has there.  Writes the graph's
 * text and its inputs to options->out, and report->reduced.
 * Shapes have to be constant. */
weft_status weft_check_reduce(const char *path, const weft_check_options *, weft_check_report *,
                              weft_diag *);

/* ---- reports (report.c) ---------------------------------------------------------------------- */
/* A line a run, and what disagrees; all: every item, and times. */
void weft_print_check(FILE *, const weft_check_report *, bool all);
/* Everything, as JSON. */
void weft_print_check_json(FILE *, const weft_check_report *);

#endif
