/* runtime/session_priv.h: what session*.c share. */
#ifndef WEFT_SESSION_PRIV_H
#define WEFT_SESSION_PRIV_H

#include "runtime/priv.h"
#include "runtime/session.h"

enum { WEFT_MAX_FLIGHT = 64 };

typedef struct weft_tensor_place { /* where a tensor lies; memory NULL: nowhere (yet) */
    weft_memory *memory;
    int64_t offset;
} weft_tensor_place;

typedef struct weft_step_exprs {
    const weft_iexpr *grid[3], *block[3];
    const weft_iexpr **offset; /* one a buffer argument; NULL: 0 */
    const weft_iexpr **scalar, **reach;
    const weft_iexpr *iterations;
    const weft_iexpr *bound, *test;
    bool varies; /* mentions a symbol that a step binds, or a tensor whose size does */
} weft_step_exprs;

/* Steps side by side that are submitted together. */
typedef struct weft_segment {
    int first, count; /* steps */
    bool varies;      /* recorded when it is reached: something in it varies, or is wrong */
    bool inside;      /* below a step that no batch holds: perhaps never reached */
    weft_batch *batch;
    int nlaunch;
    int *step; /* launch: its step, which may have many in a loop; empty grids are not launched */
} weft_segment;

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
    const weft_code *code;
    int first_kernel;  /* of the program's in the code */
    weft_kernels *own; /* what the code is of; NULL: the caller's */

    weft_arena arena; /* what lives as long as the session */
    /* Those that are a whole dimension of an input, nbound of them, then those that steps bind. */
    int nsymbol, nbound;
    const char **symbol_name;
    const weft_mod_symbol **symbol;
    int *symbol_of; /* symbol of the module: its place here; -1: the program has it not */
    int *root;                    /* tensor: whose memory it lies in */
    int64_t *at;                  /* tensor: the byte of its root where it begins */
    int *first, *last;            /* root: steps of its life */
    const weft_iexpr ***dim_expr; /* [tensor][dimension] */
    bool *varies;                 /* tensor: its dimensions mention a symbol that a step binds */
    weft_step_exprs *step_expr;
    bool *unknown;               /* symbol: a step binds it */
    weft_tensor_place *constant; /* tensor: where its bytes lie if it is a constant root */
    weft_memories constants;

    /* of the bound shapes */
    weft_arena bound_arena;
    bool bound, keep_temps;
    int64_t *symbol_value;        /* what a step binds: 0 until it has */
    int64_t *symbol_most;         /* the largest it can be */
    int64_t **dim;                /* [tensor][dimension]; of what varies the largest before a run */
    int64_t *bytes;               /* tensor */
    int64_t *room;                /* tensor: bytes at most */
    weft_tensor_place *place;     /* tensor, aliases included */
    bool *input_set;              /* input */
    weft_memories inputs, arenas; /* arenas: what a run writes */
    int nsegment;
    weft_segment *segment;
    bool *batched;   /* step: a batch can hold it */
    int *segment_at; /* step: the segment that begins there; -1 */
    double *time;    /* step; NULL before a profile */
    int nflight;         /* batches that varied, perhaps not done yet */
    weft_batch *flight[WEFT_MAX_FLIGHT];
};

/* Uploads the constants of the program. */
weft_status weft_session_place_constants(weft_session *, weft_diag *);
/* The tensor's dims and bytes as the symbols are. */
weft_status weft_session_resize(const weft_session *, int tensor, weft_diag *);
/* Bytes of the memory that the tensor lies in, from its beginning on; below 0: it begins behind. */
static inline int64_t
weft_session_left(const weft_session *s, int tensor)
{
    return s->room[s->root[tensor]] - s->at[tensor];
}
/* Gives back everything of the bound shapes. */
void weft_session_unbind(weft_session *);
void weft_memories_free(weft_device *, weft_memories *);

/* ---- session.c ---- */
/* Whether what the step does depends on one of these symbols, or on a size that a step binds. */
bool weft_session_varies(const weft_session *, int step, const bool *symbol);

/* ---- session_record.c ---- */
/* The segments of the plan; what does not vary is recorded. */
weft_status weft_session_cut(weft_session *, weft_diag *);
/* How many steps from i on, before `end`, make one segment; 0: a batch cannot hold that step. */
int weft_session_count(const weft_session *, int i, int end);
/* A segment of `count` steps, not recorded. */
weft_segment weft_session_segment(const weft_session *, int first, int count);
/* Records the segment's launches and copies as the symbols are, but for those that its own loops
 * bind and leave changed: those of nothing are left out; its batch stays NULL when all are.  `step`
 * is in the arena. */
weft_status weft_session_record(weft_session *, weft_segment *, weft_arena *, weft_diag *);
/* The copy of a step; *skip when it is of no bytes or they are there already. */
weft_status weft_session_copy(weft_session *, weft_arena *, int step, weft_launch *, bool *skip,
                              weft_diag *);
/* Where buffer b of a step begins, and the bytes from there to the end of its tensor, or of the
 * room that the tensor has. */
weft_status weft_session_find(const weft_session *, int step, int b, bool room,
                              weft_tensor_place *, int64_t *bytes, weft_diag *);

/* ---- session_run.c ---- */
/* Discards batches in flight; the device has to be done with them. */
void weft_session_land(weft_session *);
/* WEFT_INVALID_ARGUMENT before shapes are bound, WEFT_LOST if the device is. */
weft_status weft_session_need_bound(const weft_session *, weft_diag *);

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
weft_status weft_device_alive(const weft_device *, weft_diag *);
/* What a driver's call returned; the first WEFT_LOST marks the device and adds the sentence. */
weft_status weft_device_note(weft_device *, weft_status, weft_diag *);
static inline weft_status
weft_session_alive(const weft_session *s, weft_diag *diag)
{
    return weft_device_alive(s->device, diag);
}
static inline weft_status
weft_session_note(const weft_session *s, weft_status status, weft_diag *diag)
{
    return weft_device_note(s->device, status, diag);
}

/* ---- session_kernels.c ---- */
struct weft_kernels {
    weft_device *device;
    weft_code *code;
    int n;
    weft_module **module;
    const weft_program **program; /* of each module */
    int *first;                   /* its first kernel in the code */
    weft_arena arena;
};
/* The module's program for the device; NULL after a message. */
const weft_program *weft_session_choose(const weft_module *, const weft_device *,
                                        const char *target, weft_diag *);
/* The kernel of a launch as the session's program has it. */
static inline const weft_mod_kernel *
weft_session_kernel(const weft_session *s, const weft_launch *l)
{
    return &s->program->kernel[l->kernel - s->first_kernel];
}
/* Loads what has been chosen. */
weft_status weft_kernels_of(int n, weft_module *const *, const weft_program *const *, weft_device *,
                            weft_diag *, weft_kernels **);

/* ---- session_limits.c ---- */
/* What of the program's kernels is known before shapes are: WEFT_LIMIT with the kernel, the number,
 * the device's limit and what to do. */
weft_status weft_session_check_kernels(const weft_device *, const weft_program *, weft_diag *);
/* Whether the symbols' values are such as the kernel of a step counts with. */
weft_status weft_session_check_reach(const weft_session *, weft_arena *scratch, int step,
                                     weft_diag *);
/* What the device can do, for a launch in the bound shapes. */
weft_status weft_session_check_launch(const weft_session *, const weft_launch *, weft_diag *);

#endif
