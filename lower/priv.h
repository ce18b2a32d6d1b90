/* lower/priv.h: what the files that make loops of a scheduled program share. */
#ifndef WEFT_LOWER_PRIV_H
#define WEFT_LOWER_PRIV_H

#include "lower/lower.h"

/* ---- index arithmetic (index.c) -------------------------------------------------------------- */
/* Operands of unlike integer types meet in i64; x + 0, x * 1, x // 1, x % 1 and constants fold. */
const weft_expr *weft_ix(weft_ir *, weft_ek, const weft_expr *, const weft_expr *);
const weft_expr *weft_ix_cast(weft_ir *, weft_dtype, const weft_expr *);
/* a && b, either of which may be NULL: true. */
const weft_expr *weft_ix_and(weft_ir *, const weft_expr *a, const weft_expr *b);

/* ---- vectors in tails (lanes.c) -------------------------------------------------------------- */
/* Vectorised loops whose lanes a condition tells apart: vectors of those that it tells the same.
 * scalars: where nothing is known of the condition, unrolled steps. */
const weft_stmt *weft_divide_lanes(weft_ir *, weft_facts *, const weft_caps *, bool scalars,
                                   const weft_stmt *);

/* ---- the plan (plan.c) ----------------------------------------------------------------------- */

typedef struct weft_site weft_site;
typedef struct weft_cluster weft_cluster;

/* A stage that is computed somewhere, with what lowering finds out about it.  Arrays "by axis" are
 * indexed by weft_axis.id. */
struct weft_site {
    weft_stage *stage;
    weft_te_op *op;
    const char *name;
    int place; /* in te->stage: producers first */
    bool live, inlined;
    weft_site *parent; /* where it is attached, behind leaf `at`; NULL: a kernel of its own */
    int at;
    weft_cluster *cluster;
    weft_space space;
    const weft_expr **body; /* op's bodies with inlined stages put in */
    const weft_expr *cond;
    const weft_expr **first; /* of a reduction that is a scan's step; else NULL */
    int nread;               /* tensors that the bodies read */
    weft_tensor **read;
    const weft_expr **min;    /* a data dimension: first element of the region that is computed */
    const weft_expr **extent; /* by axis: of the range it runs over here */
    const weft_var **loop;    /* by axis: the variable of a leaf's loop; NULL: bound, or one step */
    const weft_expr **value;  /* by axis: its index, over the variables of the loops */
    const weft_buf **buf;     /* memory of each output */
    /* Matrices (tensorize.c): */
    int tile_at;        /* the first leaf of an instruction; leaf.n: there is none */
    weft_fragment frag; /* of memory in fragment space; then which dimensions of the tensor */
    int frag_dim[2];    /* its rows and columns are */
    bool stored_tiles;  /* somebody stores its matrices */
    const weft_expr *factor[2]; /* what a tensorized stage reads, by side; of a copy the first */
    int factor_dim[2][2];       /* in which dimensions of memory rows and columns are */
    int64_t *step;              /* by data dimension: memory is held in multiples of it, beyond the
                               tensor's edge too; 0: no more than is needed.  NULL: all 0 */
    bool padded;                /* elements beyond the tensor's edge are zero */
    bool whole;                 /* memory has all elements that readers' loops come to, beyond the
                                 * edge too */
    bool beyond; /* and so they are computed there, of such memory alone (beyond.c) */
};

/* What becomes one kernel: a root stage and all that is attached below it. */
struct weft_cluster {
    weft_site *root;
    /* of the block and thread axes that are bound; else NULL */
    const weft_var *var[WEFT_BIND_COUNT];
    const weft_expr *extent[WEFT_BIND_COUNT]; /* the largest that a stage binds */
    WEFT_VEC(const weft_buf *) shared;        /* allocated for the whole block */
};

typedef struct weft_plan {
    weft_te *te;
    weft_ir *ir;
    weft_diag *diag;
    weft_arena *arena; /* for what does not outlive lowering */
    weft_facts *facts; /* of the symbols, and of the loops around while a stage is looked at */
    weft_facts *sizes; /* of the symbols alone, each of which may be 0 */
    int nsite;
    weft_site *site; /* one a stage, in te's order */
    WEFT_VEC(weft_cluster *) cluster;
} weft_plan;

/* Which stages are computed, in which kernel, inlined bodies, memory spaces; the schedule's
 * legality. */
weft_status weft_plan_make(weft_plan *);
/* The site that computes a tensor; NULL for an input. */
weft_site *weft_plan_site(const weft_plan *, const weft_tensor *);

/* ---- ranges and values (index.c) ------------------------------------------------------------- */

/* Ranges of all axes from those of the definition's axes. */
weft_status weft_site_extents(weft_plan *, weft_site *);
/* Indices of all axes from those of the leaves, which stand in value[] already (NULL: unknown). */
void weft_site_values(const weft_plan *, const weft_site *, const weft_expr **value);
/* What runs a leaf: the variable of its loop, the kernel's for a block or thread axis, 0 where a
 * loop of one step was left out. */
const weft_expr *weft_site_leaf(const weft_plan *, const weft_site *, const weft_axis *leaf);
/* Whether threads of that axis compute a value of the stage together, which is one for all of them:
 * none of them may choose another region. */
bool weft_site_reduces_over(const weft_site *, weft_bind);
/* What must hold so that every axis is in its range, every data index within the tensor, and the
 * element is one that is stored; NULL: always.  data_only: of the data axes alone. */
const weft_expr *weft_site_guard(const weft_plan *, const weft_site *,
                                 const weft_expr *const *value, bool data_only);
/* Of these, that every axis is in its range, and that the element is within the tensor. */
const weft_expr *weft_site_reach(const weft_plan *, const weft_site *,
                                 const weft_expr *const *value, bool data_only);
const weft_expr *weft_site_domain(const weft_plan *, const weft_site *,
                                  const weft_expr *const *value);
/* The definition's axis d (data, then reduce), and its index in the whole tensor: min + value. */
static inline weft_axis *
weft_site_axis(const weft_site *s, int d)
{
    return d < s->op->naxis ? s->op->axis[d] : s->op->reduce[d - s->op->naxis];
}
const weft_expr *weft_site_absolute(const weft_plan *, const weft_site *,
                                    const weft_expr *const *value, int d);

/* ---- memory (resolve.c) ---------------------------------------------------------------------- */

/* Makes the buffers that the site is computed into; shared ones are noted in the cluster. */
weft_status weft_site_buffers(weft_plan *, weft_site *);
/* An expression of the site's definition over its loops and over memory. */
const weft_expr *weft_site_resolve(const weft_plan *, const weft_site *,
                                   const weft_expr *const *value, const weft_expr *);
/* Where in its own memory the site's element stands: naxis indices. */
const weft_expr **weft_site_index(const weft_plan *, const weft_site *,
                                  const weft_expr *const *value);

/* ---- matrices (tensorize.c) ------------------------------------------------------------------ */

/* What tensorized stages compute, and what memory around them has to be like. */
weft_status weft_plan_tensorize(weft_plan *);
/* Whether the leaf is one of a tile's loops, which run as declared. */
bool weft_site_in_tile(const weft_site *, const weft_axis *leaf);
/* Whether its tiles are such as one instruction computes, once ranges are known. */
weft_status weft_site_check_tile(weft_plan *, weft_site *);
/* The statement of a tensorized stage's tile, or that its sum starts with; NULL after an error. */
const weft_stmt *weft_site_tile(weft_plan *, weft_site *, const weft_expr *const *value, bool fill);

/* ---- beyond the edge (beyond.c) -------------------------------------------------------------- */

/* Which memory is to go on beyond its tensor's edge; before regions are inferred. */
weft_status weft_plan_beyond(weft_plan *);
/* Which stages may be computed there without conditions; once regions are known. */
void weft_settle_beyond(weft_plan *);

/* ---- the passes to loops --------------------------------------------------------------------- */

/* Every axis's range and every stage's region (bounds.c). */
weft_status weft_infer_bounds(weft_plan *);
/* The loops of a site and of all that is attached to it (nest.c); NULL after an error. */
const weft_stmt *weft_site_nest(weft_plan *, weft_site *);

/* What a kernel's passes may take for granted: no size is negative (simplify_pass.c).  Destroy it.
 */
weft_facts *weft_kernel_facts(const weft_kernel *);

/* ---- rewriting helpers (refresh.c) ----------------------------------------------------------- */
/* The statement with variables and buffers that it binds replaced by fresh ones of the same names.
 */
const weft_stmt *weft_refresh(weft_ir *, const weft_stmt *);
/* The index n * size further on, of a vector as well. */
const weft_expr *weft_shifted(weft_ir *, const weft_expr *index, const weft_expr *n,
                              const weft_expr *size);

#endif
