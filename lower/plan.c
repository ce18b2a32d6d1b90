/* Which stages are computed and where: liveness, inlining, kernels, attachment, memory spaces.
 * A schedule that cannot be lowered ends here, with the stage, the axis and the remedy. */
#include "lower/priv.h"

weft_site *
weft_plan_site(const weft_plan *p, const weft_tensor *t)
{
    for (int i = 0; i < p->nsite; i++)
        if (p->site[i].op == t->op)
            return &p->site[i];
    return NULL;
}

static weft_site *
site_of_stage(const weft_plan *p, const weft_stage *s)
{
    for (int i = 0; i < p->nsite; i++)
        if (p->site[i].stage == s)
            return &p->site[i];
    return NULL;
}

/* A scan's elements are first values or steps, by its axis. */
static void
take_steps(weft_plan *p, weft_site *s, const weft_te_op *op)
{
    weft_ir *ir = p->ir;
    const weft_expr *zero = weft_int(ir, (weft_dtype)op->scan->var->type.dtype, 0);
    const weft_expr *later = weft_lt(ir, zero, weft_ref(ir, op->scan->var));
    if (op->nreduce) {
        s->first = op->first;
        s->cond = op->cond ? weft_guard(ir, later, op->cond, weft_int(ir, WEFT_BOOL, 0)) : later;
        return;
    }
    s->body = WEFT_NEW_ARRAY(p->arena, op->nout, const weft_expr *);
    for (int k = 0; k < op->nout; k++)
        s->body[k] = weft_guard(ir, later, op->body[k], op->first[k]);
}

/* The inlined bodies of a stage that is computed, and what they read is live. */
static weft_status
take_bodies(weft_plan *p, weft_site *s)
{
    const weft_te_op *op = weft_te_inlined(p->te, s->op);
    if (!op)
        return WEFT_INVALID_ARGUMENT;
    s->body = op->body;
    s->cond = op->cond;
    if (op->scan)
        take_steps(p, s, op);
    s->nread = weft_te_reads(p->te, op, p->arena, &s->read);
    for (int i = 0; i < s->nread; i++) {
        weft_site *from = weft_plan_site(p, s->read[i]);
        if (!from)
            continue;
        if (from->place >= s->place)
            return weft_fail(p->diag, WEFT_INTERNAL, "stage '%s' reads '%s', which comes after it",
                             s->name, from->name);
        from->live = true;
    }
    return WEFT_OK;
}

static weft_status
find_live(weft_plan *p)
{
    for (int i = p->nsite - 1; i >= 0; i--) {
        weft_site *s = &p->site[i];
        for (int k = 0; k < s->op->nout; k++)
            s->live |= s->op->out[k]->is_output;
        s->inlined = s->stage->attach == WEFT_AT_INLINE;
        if (!s->live)
            continue;
        if (s->inlined)
            return weft_fail(p->diag, WEFT_INVALID_ARGUMENT,
                             "stage '%s' is an output and is inlined; outputs are written, take "
                             "compute_inline away",
                             s->name);
        weft_status st = take_bodies(p, s);
        if (st != WEFT_OK)
            return st;
    }
    return WEFT_OK;
}

/* ---- attachment and kernels ------------------------------------------------------------------ */

static bool
has_output(const weft_site *s)
{
    for (int k = 0; k < s->op->nout; k++)
        if (s->op->out[k]->is_output)
            return true;
    return false;
}

static weft_status
attach(weft_plan *p, weft_site *s)
{
    const weft_stage *stage = s->stage;
    const char *axis = weft_axis_label(p->te, stage->attach_axis);
    s->parent = site_of_stage(p, stage->attach_stage);
    s->at = -1;
    if (has_output(s))
        return weft_fail(p->diag, WEFT_INVALID_ARGUMENT,
                         "stage '%s' is an output and is computed at axis '%s'; outputs are "
                         "kernels of their own: use "
                         "cache_write and compute_at the cache",
                         s->name, axis);
    for (int i = 0; s->parent && i < s->parent->stage->leaf.n; i++)
        if (s->parent->stage->leaf.at[i] == stage->attach_axis)
            s->at = i;
    if (!s->parent || !s->parent->live || s->parent->inlined || s->parent->place <= s->place ||
        s->at < 0)
        return weft_fail(p->diag, WEFT_INVALID_ARGUMENT,
                         "stage '%s' is computed at axis '%s' of '%s', which is no loop that runs "
                         "after it and is "
                         "computed; attach it to a loop of a stage that reads it",
                         s->name, axis, s->parent ? s->parent->name : "?");
    return WEFT_OK;
}

static weft_cluster *
new_cluster(weft_plan *p, weft_site *root)
{
    weft_cluster *g = WEFT_NEW(p->arena, weft_cluster);
    g->root = root;
    *WEFT_PUSH(p->arena, &p->cluster) = g;
    return g;
}

/* Consumers come after producers: from the last stage on, a stage's parent has its kernel already.
 */
static weft_status
find_clusters(weft_plan *p)
{
    for (int i = p->nsite - 1; i >= 0; i--) {
        weft_site *s = &p->site[i];
        if (!s->live || s->inlined)
            continue;
        if (s->stage->attach == WEFT_AT_AXIS) {
            weft_status st = attach(p, s);
            if (st != WEFT_OK)
                return st;
            s->cluster = s->parent->cluster;
        } else {
            s->cluster = new_cluster(p, s);
        }
    }
    for (int i = 0, j = p->cluster.n - 1; i < j; i++, j--) { /* in the order they run */
        weft_cluster *g = p->cluster.at[i];
        p->cluster.at[i] = p->cluster.at[j];
        p->cluster.at[j] = g;
    }
    return WEFT_OK;
}

/* ---- block and thread axes ------------------------------------------------------------------- */

static weft_status
bind_leaf(weft_plan *p, weft_site *s, int i)
{
    const weft_axis *leaf = s->stage->leaf.at[i];
    const char *bind = weft_bind_name(leaf->bind), *label = weft_axis_label(p->te, leaf);
    if (weft_is_block(leaf->bind) && s->parent)
        return weft_fail(p->diag, WEFT_INVALID_ARGUMENT,
                         "axis '%s' of stage '%s' is bound to %s, but the stage is computed inside "
                         "'%s'; bind the block "
                         "axes of '%s' alone, or use compute_root",
                         label, s->name, bind, s->cluster->root->name, s->cluster->root->name);
    if (weft_is_block(leaf->bind) && leaf->kind == WEFT_AXIS_REDUCE)
        return weft_fail(p->diag, WEFT_INVALID_ARGUMENT,
                         "reduce axis '%s' of stage '%s' is bound to %s; blocks cannot be combined "
                         "in one kernel, bind it "
                         "to a thread axis or rfactor the reduction",
                         label, s->name, bind);
    for (int j = 0; j < i; j++)
        if (s->stage->leaf.at[j]->bind == leaf->bind)
            return weft_fail(p->diag, WEFT_INVALID_ARGUMENT,
                             "axes '%s' and '%s' of stage '%s' are both bound to %s; bind one of "
                             "them elsewhere, or fuse "
                             "them first",
                             weft_axis_label(p->te, s->stage->leaf.at[j]), label, s->name, bind);
    if (!s->cluster->var[leaf->bind])
        s->cluster->var[leaf->bind] = weft_var_make(p->ir, leaf->var->name, leaf->var->type);
    return WEFT_OK;
}

/* Loop variables of all leaves; one variable a block or thread axis of the kernel, named by the
 * first stage that binds it, consumers first. */
static weft_status
make_variables(weft_plan *p)
{
    for (int k = p->nsite - 1; k >= 0; k--) {
        weft_site *s = &p->site[k];
        if (!s->live || s->inlined)
            continue;
        s->extent = WEFT_NEW_ARRAY(p->arena, p->te->naxis, const weft_expr *);
        s->value = WEFT_NEW_ARRAY(p->arena, p->te->naxis, const weft_expr *);
        s->loop = WEFT_NEW_ARRAY(p->arena, p->te->naxis, const weft_var *);
        s->min = WEFT_NEW_ARRAY(p->arena, s->op->naxis, const weft_expr *);
        s->buf = WEFT_NEW_ARRAY(p->arena, s->op->nout, const weft_buf *);
        for (int i = 0; i < s->stage->leaf.n; i++) {
            const weft_axis *leaf = s->stage->leaf.at[i];
            bool bound = weft_is_block(leaf->bind) || weft_is_thread(leaf->bind);
            weft_status st = bound ? bind_leaf(p, s, i) : WEFT_OK;
            if (st != WEFT_OK)
                return st;
            if (!bound)
                s->loop[leaf->id] = weft_var_make(p->ir, leaf->var->name, leaf->var->type);
        }
    }
    return WEFT_OK;
}

/* ---- memory spaces --------------------------------------------------------------------------- */

/* Threads around the attach point: one copy a thread.  Blocks alone: one a block. */
static weft_space
default_space(const weft_site *s)
{
    weft_space space = WEFT_GLOBAL;
    for (const weft_site *c = s; c->parent; c = c->parent)
        for (int i = 0; i <= c->at; i++) {
            weft_bind b = c->parent->stage->leaf.at[i]->bind;
            if (weft_is_thread(b) || b == WEFT_VTHREAD || b == WEFT_PARALLEL)
                return WEFT_LOCAL;
            if (weft_is_block(b))
                space = WEFT_SHARED;
        }
    return space;
}

static const weft_axis *
parallel_around(const weft_site *s)
{
    for (; s->parent; s = s->parent)
        for (int i = 0; i <= s->at; i++)
            if (s->parent->stage->leaf.at[i]->bind == WEFT_PARALLEL)
                return s->parent->stage->leaf.at[i];
    return NULL;
}

/* Whether the stage is computed at a loop that goes through its iterations in order, each with its
 * own content in the stage's memory. */
static bool
fills_in_loop(const weft_site *s)
{
    weft_bind b = s->parent ? s->parent->stage->leaf.at[s->at]->bind : WEFT_PARALLEL;
    return (b == WEFT_SERIAL || b == WEFT_UNROLL) &&
           (s->space == WEFT_SHARED || s->space == WEFT_LOCAL);
}

static bool
runs_in_parallel(const weft_cluster *g)
{
    for (int b = 0; b < WEFT_BIND_COUNT; b++)
        if (g->var[b])
            return true;
    return false;
}

static weft_status
choose_space(weft_plan *p, weft_site *s)
{
    s->space = s->stage->space_set ? s->stage->space : default_space(s);
    if (!s->parent && s->space != WEFT_GLOBAL)
        return weft_fail(p->diag, WEFT_INVALID_ARGUMENT,
                         "stage '%s' lives in %s memory and is a kernel of its own; compute_at it "
                         "inside a stage that "
                         "reads it, or leave it in global memory",
                         s->name, weft_space_name(s->space));
    if (s->space == WEFT_GLOBAL && s->stage->align_factor)
        return weft_fail(p->diag, WEFT_INVALID_ARGUMENT,
                         "storage_align of stage '%s': tensors in global memory are dense; align a "
                         "stage in shared or "
                         "local memory",
                         s->name);
    if (s->stage->stages && !fills_in_loop(s))
        return weft_fail(p->diag, WEFT_INVALID_ARGUMENT,
                         "double_buffer of stage '%s': no loop fills its memory again and again; "
                         "compute it at a serial loop of its reader, in shared or local memory",
                         s->name);
    if (s->parent && s->space == WEFT_GLOBAL && runs_in_parallel(s->cluster))
        return weft_fail(p->diag, WEFT_INVALID_ARGUMENT,
                         "stage '%s' is computed inside kernel '%s' but lives in global memory, "
                         "which all its threads "
                         "share; set_scope it to shared or local, or use compute_root",
                         s->name, s->cluster->root->name);
    const weft_axis *parallel = s->space <= WEFT_SHARED ? parallel_around(s) : NULL;
    if (parallel)
        return weft_fail(p->diag, WEFT_INVALID_ARGUMENT,
                         "stage '%s' lives in %s memory inside the parallel axis '%s', whose "
                         "iterations would race; bind "
                         "that axis to block.x, or set_scope the stage to local",
                         s->name, weft_space_name(s->space), weft_axis_label(p->te, parallel));
    for (int i = 0; s->space >= WEFT_LOCAL && i < s->stage->leaf.n; i++)
        if (weft_is_thread(s->stage->leaf.at[i]->bind) &&
            s->stage->leaf.at[i]->kind == WEFT_AXIS_DATA)
            return weft_fail(p->diag, WEFT_INVALID_ARGUMENT,
                             "axis '%s' of stage '%s' is bound to %s, but the stage lives in %s "
                             "memory, a copy for "
                             "each thread; set_scope it to shared, or leave the axis unbound",
                             weft_axis_label(p->te, s->stage->leaf.at[i]), s->name,
                             weft_bind_name(s->stage->leaf.at[i]->bind), weft_space_name(s->space));
    return WEFT_OK;
}

/* A matrix takes the threads along thread.x, whether other stages use them or not. */
static void
give_lanes(weft_plan *p)
{
    for (int i = 0; i < p->nsite; i++) {
        const weft_site *s = &p->site[i];
        weft_cluster *g = s->cluster;
        if (!s->live || s->inlined || !s->stage->matrix)
            continue;
        if (!g->var[WEFT_THREAD_X])
            g->var[WEFT_THREAD_X] = weft_var_make(p->ir, "lane", weft_scalar(WEFT_I32));
        g->extent[WEFT_THREAD_X] =
            weft_int(p->ir, (weft_dtype)g->var[WEFT_THREAD_X]->type.dtype, WEFT_MATRIX_LANES);
    }
}

weft_status
weft_plan_make(weft_plan *p)
{
    weft_te *te = p->te;
    p->nsite = te->stage.n;
    p->site = WEFT_NEW_ARRAY(p->arena, te->stage.n + 1, weft_site);
    for (int i = 0; i < te->stage.n; i++) {
        weft_stage *stage = te->stage.at[i];
        p->site[i] = (weft_site){
            .stage = stage, .op = stage->op, .name = stage->op->out[0]->buf->name, .place = i
        };
    }
    if (te->output.n == 0)
        return weft_fail(p->diag, WEFT_INVALID_ARGUMENT,
                         "program '%s' has no output; mark one with weft_te_output", te->name);
    weft_status st = find_live(p);
    st = st == WEFT_OK ? find_clusters(p) : st;
    st = st == WEFT_OK ? make_variables(p) : st;
    for (int i = 0; st == WEFT_OK && i < p->nsite; i++)
        if (p->site[i].live && !p->site[i].inlined)
            st = choose_space(p, &p->site[i]);
    st = st == WEFT_OK ? weft_plan_tensorize(p) : st;
    st = st == WEFT_OK ? weft_plan_beyond(p) : st;
    if (st == WEFT_OK)
        give_lanes(p);
    return st;
}
