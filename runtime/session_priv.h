/* runtime/session_priv.h: what session*.c share. */
#ifndef WEFT_SESSION_PRIV_H
#define WEFT_SESSION_PRIV_H

#include "runtime/priv.h"
#include "runtime/session.h"

typedef struct weft_tensor_place { /* where a tensor lies; memory NULL: nowhere (yet) */
    weft_memory *memory;
    int64_t offset;
} weft_tensor_place;

typedef struct weft_step_exprs {
    const weft_iexpr *grid[3], *block[3];
    const weft_iexpr **offset; /* one a buffer argument; NULL: 0 */
    const weft_iexpr **scalar;
} weft_step_exprs;

typedef struct weft_memories { /* device allocations that are given back together */
    int n;
    weft_memory **at;
    int64_t *size; /* of each */
    int64_t bytes; /* of all */
} weft_memories;

struct weft_session {
    weft_module *module;
    weft_device *device;
    const weft_program *program;
    weft_code *code;

    weft_arena arena; /* what lives as long as the session */
    int nsymbol;      /* those that are a whole dimension of an input */
    const char **symbol_name;
    const weft_mod_symbol **symbol;
    int *root;                    /* tensor: whose memory it lies in */
    int *first, *last;            /* root: steps of its life */
    const weft_iexpr ***dim_expr; /* [tensor][dimension] */
    weft_step_exprs *step_expr;
    weft_tensor_place *constant; /* tensor: where its bytes lie if it is a constant root */
    weft_memories constants;

    /* of the bound shapes */
    weft_arena bound_arena;
    bool bound, keep_temps;
    int64_t *symbol_value;
    int64_t **dim;                /* [tensor][dimension] */
    int64_t *bytes;               /* tensor */
    weft_tensor_place *place;     /* tensor, aliases included */
    bool *input_set;              /* input */
    weft_memories inputs, arenas; /* arenas: what a run writes */
    weft_batch *batch;
    int nlaunch;
    int *launch_step;    /* launch: its step; empty grids are not launched */
    double *launch_time; /* launch */
    double *time;        /* step; NULL before a profile */
};

/* Uploads the constants of the program. */
weft_status weft_session_place_constants(weft_session *, weft_diag *);
/* Records the launches of `count` steps from `first`: step[i] is launch i's, those of empty grids
 * are left out; *batch stays NULL when all are. */
weft_status weft_session_record(weft_session *, int first, int count, weft_batch **batch, int *step,
                                int *nlaunch, weft_diag *);
/* Gives back everything of the bound shapes. */
void weft_session_unbind(weft_session *);
void weft_memories_free(weft_device *, weft_memories *);

/* ---- session_guard.c ---- */
enum { WEFT_GUARD_BYTES = 4096 };
/* The bytes that follow a tensor and belong to nobody. */
int64_t weft_session_guard(const weft_session *);
/* Whether every tensor is an allocation, none with a byte too many. */
static inline bool
weft_session_apart(const weft_session *s)
{
    return s->keep_temps && s->device->info.checks_bounds;
}
weft_status weft_session_set_guards(weft_session *, weft_diag *);
/* The bytes of a tensor from an offset on that a kernel is shown. */
int64_t weft_session_range(const weft_session *, int tensor, int64_t at);
/* WEFT_MISMATCH if a guard behind a tensor of these steps was written. */
weft_status weft_session_check_guards(weft_session *, int first, int count, weft_diag *);

/* WEFT_LOST and a sentence if the device is lost; to be asked before a call of the driver. */
weft_status weft_session_alive(const weft_session *, weft_diag *);
/* What a driver's call returned; the first WEFT_LOST marks the device and adds the sentence. */
weft_status weft_session_note(const weft_session *, weft_status, weft_diag *);

/* ---- session_limits.c ---- */
/* What of the program's kernels is known before shapes are: WEFT_LIMIT with the kernel, the number,
 * the device's limit and what to do. */
weft_status weft_session_check_kernels(const weft_device *, const weft_program *, weft_diag *);
/* The same for a launch in the bound shapes. */
weft_status weft_session_check_launch(const weft_session *, const weft_launch *, weft_diag *);

#endif
