/* tests/schedules/legal.c: doc/IR.md, section 7, "what a legal schedule is", as far as it speaks of a
 * schedule as a whole.  What a primitive asks when it is called is in moves.c.
 *
 * A rule looks at the program after some primitives and says whether one of its stages breaks it.
 * Nothing here knows how lowering goes about it.
 */
#include "schedules.h"

enum { MOST_STAGES = 64, MOST_LOCAL = 8192 };

typedef struct view { /* the program, as the rules ask about it */
    weft_te *te;
    weft_arena scratch;
    int n;
    uint64_t
        read_by[MOST_STAGES]; /* bits of the stages that read a stage, through inlined ones too */
    weft_space space[MOST_STAGES];
    bool inlined[MOST_STAGES];
} view;

static int
index_of(const view *v, const weft_stage *s)
{
    for (int i = 0; i < v->n; i++)
        if (v->te->stage.at[i] == s)
            return i;
    return -1;
}

static int
leaf_index(const weft_stage *s, const weft_axis *axis)
{
    for (int i = 0; i < s->leaf.n; i++)
        if (s->leaf.at[i] == axis)
            return i;
    return -1;
}

/* ---- the path from a stage to its kernel's root ---------------------------------------------- */

/* A loop that a stage is inside of: leaves 0..last of a stage. */
typedef struct place {
    const weft_stage *stage;
    int last;
} place;

static place
around(const weft_stage *s)
{
    if (s->attach != WEFT_AT_AXIS)
        return (place){ NULL, -1 };
    return (place){ s->attach_stage, leaf_index(s->attach_stage, s->attach_axis) };
}

static const weft_stage *
root_of(const weft_stage *s)
{
    while (s->attach == WEFT_AT_AXIS)
        s = s->attach_stage;
    return s;
}

static bool
any_around(const weft_stage *s, bool (*is)(weft_bind))
{
    for (place p = around(s); p.stage; p = around(p.stage))
        for (int i = 0; i <= p.last; i++)
            if (is(p.stage->leaf.at[i]->bind))
                return true;
    return false;
}

static bool
is_block(weft_bind b)
{
    return weft_is_block(b);
}

static bool
is_parallel(weft_bind b)
{
    return b == WEFT_PARALLEL;
}

static bool
is_own(weft_bind b) /* of one thread, or as if it were */
{
    return weft_is_thread(b) || b == WEFT_VTHREAD || b == WEFT_PARALLEL;
}

/* "A stage whose space is not said ..." */
static weft_space
space_of(const weft_stage *s)
{
    return s->space_set              ? s->space
           : any_around(s, is_own)   ? WEFT_LOCAL
           : any_around(s, is_block) ? WEFT_SHARED
                                     : WEFT_GLOBAL;
}

/* A stage in shared or local memory that has no place yet. */
static bool
is_pending(const view *v, int i)
{
    return v->te->stage.at[i]->attach == WEFT_AT_ROOT && v->space[i] != WEFT_GLOBAL;
}

/* ---- rules ----------------------------------------------------------------------------------- */

static bool
same_kernel(const view *v, int i, int k)
{
    return !v->inlined[k] && root_of(v->te->stage.at[i]) == root_of(v->te->stage.at[k]);
}

static bool
readers_are_inside(view *v, int i)
{
    const weft_stage *s = v->te->stage.at[i];
    place home = around(s);
    for (int k = 0; home.stage && k < v->n; k++) {
        const weft_stage *reader = v->te->stage.at[k];
        place p = { reader, reader->leaf.n - 1 };
        if (!(v->read_by[i] >> k & 1) || is_pending(v, index_of(v, root_of(reader))))
            continue;
        while (p.stage && p.stage != home.stage)
            p = around(p.stage);
        if (!p.stage || p.last < home.last)
            return false;
    }
    return true;
}

typedef struct first_reads {
    const view *v;
    const weft_te_op *op;
    bool found;
} first_reads;

static bool
look_for_read(void *user, const weft_expr *e)
{
    first_reads *f = user;
    const weft_tensor *t =
        e->h.kind == WEFT_EK_LOAD ? weft_te_tensor_of(f->v->te, e->h.u.buf) : NULL;
    f->found = f->found || (t && t->op == f->op);
    return !f->found;
}

/* "What its first values read ..." */
static bool
first_values_are_outside(view *v, int i)
{
    place home = around(v->te->stage.at[i]);
    first_reads f = { v, v->te->stage.at[i]->op, false };
    bool reduces = false;
    for (int k = 0; home.stage && k <= home.last; k++)
        reduces = reduces || home.stage->leaf.at[k]->kind == WEFT_AXIS_REDUCE;
    const weft_te_op *op = reduces ? weft_te_inlined(v->te, home.stage->op) : NULL;
    for (int k = 0; op && op->first && k < op->nout; k++)
        weft_walk_expr(&(weft_walker){ .expr = look_for_read, .user = &f }, op->first[k]);
    return !f.found;
}

static bool
extern_reads_roots(view *v, int i)
{
    const weft_stage *s = v->te->stage.at[i];
    for (int k = 0; k < v->n; k++)
        if (v->te->stage.at[k]->op->kind == WEFT_OP_EXTERN && v->read_by[i] >> k & 1)
            return s->attach == WEFT_AT_ROOT && v->space[i] == WEFT_GLOBAL;
    return true;
}

static bool
has_a_place(view *v, int i)
{
    return !is_pending(v, i);
}

static bool
blocks_are_the_roots(view *v, int i)
{
    const weft_stage *s = v->te->stage.at[i];
    for (int k = 0; k < s->leaf.n; k++)
        if (s->attach == WEFT_AT_AXIS && weft_is_block(s->leaf.at[k]->bind))
            return false;
    return true;
}

static bool
binds(const weft_stage *s)
{
    for (int k = 0; k < s->leaf.n; k++)
        if (weft_is_block(s->leaf.at[k]->bind) || weft_is_thread(s->leaf.at[k]->bind))
            return true;
    return false;
}

static bool
global_only_where_serial(view *v, int i)
{
    if (v->te->stage.at[i]->attach != WEFT_AT_AXIS || v->space[i] != WEFT_GLOBAL)
        return true;
    for (int k = 0; k < v->n; k++)
        if (same_kernel(v, i, k) && binds(v->te->stage.at[k]))
            return false;
    return true;
}

static bool
parallel_holds_local_alone(view *v, int i)
{
    return v->space[i] == WEFT_LOCAL || !any_around(v->te->stage.at[i], is_parallel);
}

static bool
local_binds_no_data(view *v, int i)
{
    const weft_stage *s = v->te->stage.at[i];
    for (int k = 0; v->space[i] == WEFT_LOCAL && k < s->leaf.n; k++)
        if (weft_is_thread(s->leaf.at[k]->bind) && s->leaf.at[k]->kind == WEFT_AXIS_DATA)
            return false;
    return true;
}

static bool
aligned_is_allocated(view *v, int i)
{
    return !v->te->stage.at[i]->align_factor || v->space[i] != WEFT_GLOBAL;
}

static bool
no_data_within_allreduce(view *v, int i)
{
    const weft_stage *s = v->te->stage.at[i];
    int first = 0;
    bool threads = false;
    while (first < s->leaf.n && s->leaf.at[first]->kind == WEFT_AXIS_DATA)
        first++;
    for (int k = first; k < s->leaf.n; k++)
        threads |= s->leaf.at[k]->kind == WEFT_AXIS_REDUCE && weft_is_thread(s->leaf.at[k]->bind);
    for (int k = first; threads && k < s->leaf.n; k++)
        if (s->leaf.at[k]->kind == WEFT_AXIS_DATA && !weft_is_thread(s->leaf.at[k]->bind) &&
            !weft_is_block(s->leaf.at[k]->bind))
            return false;
    return true;
}

static bool
lanes_are_innermost(view *v, int i)
{
    const weft_stage *s = v->te->stage.at[i];
    for (int k = 0; k + 1 < s->leaf.n; k++)
        if (s->leaf.at[k]->bind == WEFT_VECTORIZE)
            return false;
    return true;
}

static bool
threads_are_constant(view *v, int i)
{
    const weft_stage *s = v->te->stage.at[i];
    int64_t n;
    for (int k = 0; k < s->leaf.n; k++) {
        weft_bind b = s->leaf.at[k]->bind;
        if ((weft_is_thread(b) || b == WEFT_VTHREAD) && !weft_as_int(s->leaf.at[k]->extent, &n))
            return false;
    }
    return true;
}

static bool
threads_are_few(view *v, int i)
{
    int64_t product = 1;
    for (int b = WEFT_THREAD_X; b <= WEFT_THREAD_Z; b++) {
        int64_t most = 1, n;
        for (int k = 0; k < v->n; k++)
            for (int a = 0; same_kernel(v, i, k) && a < v->te->stage.at[k]->leaf.n; a++) {
                const weft_axis *leaf = v->te->stage.at[k]->leaf.at[a];
                if ((int)leaf->bind == b && weft_as_int(leaf->extent, &n) && n > most)
                    most = n;
            }
        product *= most;
    }
    return product <= MOST_THREADS;
}

static int64_t
copies_of(const weft_stage *s, int last)
{
    int64_t product = 1, n;
    for (int k = 0; k <= last; k++) {
        weft_bind b = s->leaf.at[k]->bind;
        if ((b == WEFT_UNROLL || b == WEFT_VTHREAD || b == WEFT_VECTORIZE) &&
            weft_as_int(s->leaf.at[k]->extent, &n))
            product *= n > 1 ? n : 1;
    }
    return product;
}

static bool
copies_are_few(view *v, int i)
{
    const weft_stage *s = v->te->stage.at[i];
    int64_t product = copies_of(s, s->leaf.n - 1);
    for (place p = around(s); p.stage; p = around(p.stage))
        product *= copies_of(p.stage, p.last);
    return product <= MOST_COPIES;
}

/* Elements of the stage's tensors, were all of them held; a symbolic dimension counts as 16. */
static int64_t
bytes_of(const weft_stage *s)
{
    int64_t total = 0, n;
    for (int k = 0; k < s->op->nout; k++) {
        int64_t bytes = weft_dtype_bits(s->op->out[k]->buf->dtype) / 8;
        for (int d = 0; d < s->op->naxis; d++) {
            n = weft_as_int(s->op->axis[d]->extent, &n) ? n : 16;
            bytes *= n + (s->align_factor ? s->align_factor[d] : 0);
        }
        total += bytes;
    }
    return total;
}

static bool
memory_fits(view *v, int i)
{
    int64_t shared = 0;
    for (int k = 0; k < v->n; k++) {
        const weft_stage *s = v->te->stage.at[k];
        if (!same_kernel(v, i, k))
            continue;
        shared += v->space[k] == WEFT_SHARED && s->attach == WEFT_AT_AXIS ? bytes_of(s) : 0;
        shared += s->op->nreduce ? MOST_THREADS * 4 * s->op->nout : 0;
    }
    return shared <= MOST_SHARED &&
           (v->space[i] != WEFT_LOCAL || bytes_of(v->te->stage.at[i]) <= MOST_LOCAL);
}

/* ---- regions of constant size ---------------------------------------------------------------- */

/* Of an index in a definition: how many times each axis is counted, or not affine. */
typedef struct affine {
    const weft_te_op *op;
    int64_t *times; /* by axis of the definition, data then reduce */
    bool ok;
} affine;

static const weft_axis *
definition_axis(const weft_te_op *op, int d)
{
    return d < op->naxis ? op->axis[d] : op->reduce[d - op->naxis];
}

static void
add_terms(affine *a, const weft_expr *e, int64_t by)
{
    int64_t c;
    bool is_symbol = e->h.kind == WEFT_EK_VAR;
    if (weft_as_int(e, &c))
        return;
    if (e->h.kind == WEFT_EK_ADD || e->h.kind == WEFT_EK_SUB) {
        add_terms(a, e->arg[0], by);
        add_terms(a, e->arg[1], e->h.kind == WEFT_EK_ADD ? by : -by);
    } else if (e->h.kind == WEFT_EK_MUL && weft_as_int(e->arg[1], &c)) {
        add_terms(a, e->arg[0], by * c);
    } else if (e->h.kind == WEFT_EK_MUL && weft_as_int(e->arg[0], &c)) {
        add_terms(a, e->arg[1], by * c);
    } else if (!is_symbol) {
        a->ok = false;
    }
    for (int d = 0; is_symbol && d < a->op->naxis + a->op->nreduce; d++)
        if (definition_axis(a->op, d)->var == e->h.u.var)
            a->times[d] += by;
}

static bool
reduces_over(const weft_stage *s, weft_bind bind)
{
    for (int k = 0; k < s->leaf.n; k++)
        if (s->leaf.at[k]->kind == WEFT_AXIS_REDUCE && s->leaf.at[k]->bind == bind)
            return true;
    return false;
}

/* Whether the stage's copy of what `leaf` runs over is held as a whole: the loop is inside the place
 * where the stage is computed, or its threads, virtual ones too, share the memory
 * or the value. */
static bool
is_relaxed(const view *v, int i, const weft_stage *reader, const weft_axis *leaf)
{
    const weft_stage *s = v->te->stage.at[i];
    place home = around(s);
    if (home.stage != reader || leaf_index(reader, leaf) > home.last)
        return true;
    return (weft_is_thread(leaf->bind) || leaf->bind == WEFT_VTHREAD) &&
           (v->space[i] <= WEFT_SHARED || reduces_over(s, leaf->bind));
}

/* Whether the axis moves by a constant while the relaxed loops run. */
static bool
spans_constant(const view *v, int i, const weft_stage *reader, const weft_axis *axis)
{
    int64_t n;
    for (int k = 0; k < reader->relation.n; k++) {
        const weft_relation *r = &reader->relation.at[k];
        bool taken = r->kind == WEFT_REL_FUSE && (r->outer == axis || r->inner == axis);
        if (taken) /* the quotient or remainder of a loop: constant only where that stands still */
            return leaf_index(reader, r->whole) >= 0 && !is_relaxed(v, i, reader, r->whole);
        if (r->kind != WEFT_REL_SPLIT || r->whole != axis)
            continue;
        bool steps = weft_as_int(r->inner->extent, &n);
        bool still = leaf_index(reader, r->outer) >= 0 && !is_relaxed(v, i, reader, r->outer);
        return (steps || still) && spans_constant(v, i, reader, r->outer) &&
               spans_constant(v, i, reader, r->inner);
    }
    return !is_relaxed(v, i, reader, axis) || weft_as_int(axis->extent, &n);
}

typedef struct loads {
    view *v;
    int i, d;
    const weft_stage *reader;
    const weft_te_op *op;
    int64_t *first; /* the terms of the first load */
    bool ok;
} loads;

static bool
check_load(void *user, const weft_expr *e)
{
    loads *l = user;
    const weft_tensor *t =
        e->h.kind == WEFT_EK_LOAD ? weft_te_tensor_of(l->v->te, e->h.u.buf) : NULL;
    if (!t || t->op != l->v->te->stage.at[l->i]->op)
        return l->ok;
    int n = l->op->naxis + l->op->nreduce;
    affine a = { l->op, WEFT_NEW_ARRAY(&l->v->scratch, n + 1, int64_t), true };
    add_terms(&a, e->arg[l->d], 1);
    l->ok = l->ok && a.ok;
    for (int k = 0; k < n; k++) {
        l->ok = l->ok && (!l->first || l->first[k] == a.times[k]);
        if (a.times[k])
            l->ok = l->ok && spans_constant(l->v, l->i, l->reader, definition_axis(l->op, k));
    }
    l->first = a.times;
    return l->ok;
}

/* "A symbolic dimension of memory that the kernel allocates": one reader, at whose own loop the stage
 * is computed, and whose indices of it differ by constants alone. */
static bool
dimension_is_constant(view *v, int i, int d)
{
    const weft_stage *s = v->te->stage.at[i], *reader = s->attach_stage;
    int r = index_of(v, reader);
    if (v->read_by[i] != UINT64_C(1) << r || reader->attach != WEFT_AT_ROOT)
        return false;
    const weft_te_op *op = weft_te_inlined(v->te, reader->op);
    loads l = { v, i, d, reader, op, NULL, true };
    weft_walker w = { .expr = check_load, .user = &l };
    for (int k = 0; k < op->nout; k++)
        weft_walk_expr(&w, op->body[k]);
    for (int k = 0; op->first && k < op->nout; k++)
        weft_walk_expr(&w, op->first[k]);
    if (op->cond)
        weft_walk_expr(&w, op->cond);
    return l.ok;
}

/* What it reads of what is computed at the same loop goes ahead with it. */
static bool
stages_are_filled(view *v, int i)
{
    const weft_stage *s = v->te->stage.at[i];
    if (!s->stages)
        return true;
    if (s->attach != WEFT_AT_AXIS ||
        (s->attach_axis->bind != WEFT_SERIAL && s->attach_axis->bind != WEFT_UNROLL) ||
        (v->space[i] != WEFT_SHARED && v->space[i] != WEFT_LOCAL))
        return false;
    for (int k = 0; k < v->n; k++)
        if (k != i && v->te->stage.at[k]->attach == WEFT_AT_AXIS && v->read_by[k] >> i & 1)
            return false;
    return true;
}

static bool
filled_is_shared(view *v, int i)
{
    const weft_stage *s = v->te->stage.at[i];
    return !s->zero_fill || (s->attach == WEFT_AT_AXIS && v->space[i] == WEFT_SHARED);
}

static bool
sizes_are_constant(view *v, int i)
{
    const weft_stage *s = v->te->stage.at[i];
    int64_t n;
    for (int d = 0; s->attach == WEFT_AT_AXIS && v->space[i] != WEFT_GLOBAL && d < s->op->naxis;
         d++)
        if (!weft_as_int(s->op->axis[d]->extent, &n) && !dimension_is_constant(v, i, d))
            return false;
    return true;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static const struct {
    bool (*holds)(view *, int stage);
    const char *sentence;
    bool later; /* a later primitive may still see to it */
} rules[] = {
    { has_a_place, "a stage in shared or local memory is computed at a loop", true },
    { readers_are_inside, "whoever reads a stage stands inside the loop that it is computed at",
      false },
    { first_values_are_outside, "a scan's first values read nothing computed within its reduction",
      false },
    { extern_reads_roots, "what statements read is a kernel's own, in global memory", false },
    { blocks_are_the_roots, "block axes are bound by a kernel's root stage alone", false },
    { global_only_where_serial,
      "a stage in global memory is computed at a loop only where the kernel binds no axis", false },
    { parallel_holds_local_alone, "inside a parallel loop memory is local", false },
    { local_binds_no_data, "a stage in local memory binds no data axis to threads", false },
    { aligned_is_allocated, "storage_align is for memory that the kernel allocates", false },
    { stages_are_filled, "memory with stages is filled by a serial loop, from memory of others",
      false },
    { filled_is_shared, "zero_fill is for shared memory that a loop of the reader fills", false },
    { no_data_within_allreduce, "no data loop follows where a reduce axis is bound to threads",
      false },
    { lanes_are_innermost, "a vectorised leaf is innermost", false },
    { threads_are_constant, "threads are constant in number", false },
    { threads_are_few, "the threads of a block are within the target's limit", false },
    { copies_are_few, "what is unrolled stays small", false },
    { memory_fits, "memory is within the target's limits", false },
    { sizes_are_constant, "memory that the kernel allocates has constant sizes", false },
};

static view
look_at(weft_te *te)
{
    view v = { .te = te, .n = te->stage.n };
    for (int i = te->stage.n - 1; i >= 0; i--) {
        const weft_stage *s = te->stage.at[i];
        weft_tensor **read;
        v.inlined[i] = s->attach == WEFT_AT_INLINE;
        v.space[i] = space_of(s);
        int n = weft_te_reads(te, s->op, &v.scratch, &read);
        for (int k = 0; k < n; k++) {
            int from = index_of(&v, weft_te_stage(te, read[k]));
            if (from >= 0)
                v.read_by[from] |= v.inlined[i] ? v.read_by[i] : UINT64_C(1) << i;
        }
    }
    return v;
}

const char *
broken_rule(weft_te *te, bool *complete)
{
    const char *broken = NULL;
    *complete = true;
    view v = look_at(te);
    for (int i = 0; i < v.n; i++)
        for (size_t k = 0; !v.inlined[i] && k < sizeof rules / sizeof *rules; k++) {
            if (rules[k].holds(&v, i))
                continue;
            *complete = *complete && !rules[k].later;
            broken = rules[k].later || broken ? broken : rules[k].sentence;
        }
    weft_arena_reset(&v.scratch);
    return broken;
}
