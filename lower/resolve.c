/* From tensors to memory: the buffers that stages are computed into, and bodies over loops. */
#include "lower/priv.h"

/* ---- buffers --------------------------------------------------------------------------------- */

/* Strides inner to outer; each is made a multiple of its factor plus its offset first. */
static const weft_expr *const *
aligned_strides(weft_plan *p, const weft_site *s, const weft_buf *b)
{
    const weft_expr **stride = WEFT_NEW_ARRAY(&p->ir->arena, b->ndim, const weft_expr *);
    int64_t at = 1;
    for (int d = b->ndim - 1; d >= 0; d--) {
        int64_t k = s->stage->align_factor[d], o = s->stage->align_offset[d], n;
        if (k > 0)
            at += weft_floormod(k + o - at % k, k);
        weft_dtype t = (weft_dtype)b->shape[d]->h.type.dtype;
        if (!weft_as_int(b->shape[d], &n) || at > weft_dtype_max(t)) {
            weft_fail(p->diag, WEFT_INVALID_ARGUMENT,
                      "storage_align of stage '%s': dimension %d needs a constant size and a "
                      "stride within %s",
                      s->name, d, weft_dtype_name(t));
            return NULL;
        }
        stride[d] = weft_int(p->ir, t, at);
        if (!weft_mul64(at, n, &at))
            return weft_fail(p->diag, WEFT_LIMIT, "storage_align of stage '%s': its size overflows",
                             s->name),
                   NULL;
    }
    return stride;
}

/* The data dimension of a vectorised loop of the stage; -1: none. */
static int
lanes_dimension(const weft_site *s)
{
    const weft_axis *at = NULL;
    for (int i = 0; i < s->stage->leaf.n; i++)
        if (s->stage->leaf.at[i]->bind == WEFT_VECTORIZE)
            at = s->stage->leaf.at[i];
    for (int i = s->stage->relation.n; at && i-- > 0;) {
        const weft_relation *r = &s->stage->relation.at[i];
        if (r->kind == WEFT_REL_SPLIT && (r->inner == at || r->outer == at))
            at = r->whole;
        else if (r->kind == WEFT_REL_FUSE && r->whole == at)
            at = r->inner;
    }
    for (int d = 0; at && d < s->op->naxis; d++)
        if (s->op->axis[d] == at)
            return d;
    return -1;
}

/* A thread's own memory is laid out so that lanes are neighbours.  NULL: it is so in row-major
 * order, or a size is not constant. */
static const weft_expr *const *
lane_strides(weft_plan *p, const weft_site *s, const weft_buf *b)
{
    int lanes = s->space == WEFT_LOCAL ? lanes_dimension(s) : -1;
    if (lanes < 0 || lanes == b->ndim - 1)
        return NULL;
    const weft_expr **stride = WEFT_NEW_ARRAY(&p->ir->arena, b->ndim, const weft_expr *);
    int64_t at = 1, n;
    for (int i = 0; i < b->ndim; i++) {
        int d = i == 0 ? lanes : b->ndim - i - (b->ndim - i <= lanes);
        weft_dtype t = (weft_dtype)b->shape[d]->h.type.dtype;
        if (!weft_as_int(b->shape[d], &n) || at > weft_dtype_max(t))
            return NULL;
        stride[d] = weft_int(p->ir, t, at);
        if (!weft_mul64(at, n, &at))
            return NULL;
    }
    return stride;
}

/* Memory whose elements are whole tiles of the region. */
static const weft_buf *
matrices(weft_plan *p, const weft_site *s, const weft_buf *whole, const weft_expr **shape)
{
    const int size[2] = { weft_fragment_rows(s->frag), weft_fragment_cols(s->frag) };
    for (int i = 0; i < 2; i++) {
        const weft_expr **n = &shape[s->frag_dim[i]];
        *n = weft_ix(p->ir, WEFT_EK_FDIV, *n,
                     weft_int(p->ir, (weft_dtype)(*n)->h.type.dtype, size[i]));
    }
    const weft_buf *made =
        weft_buf_make(p->ir, whole->name, whole->dtype, WEFT_FRAGMENT, whole->ndim, shape);
    weft_buf *b = made ? weft_arena_dup(&p->ir->arena, made, sizeof *made) : NULL;
    if (b)
        b->frag = s->frag;
    return b;
}

static const weft_buf *
attached_buf(weft_plan *p, const weft_site *s, const weft_buf *whole)
{
    const weft_expr **shape = WEFT_NEW_ARRAY(p->arena, whole->ndim, const weft_expr *);
    for (int d = 0; d < whole->ndim; d++)
        shape[d] = s->extent[s->op->axis[d]->id];
    if (s->space == WEFT_FRAGMENT)
        return matrices(p, s, whole, shape);
    const weft_buf *made =
        weft_buf_make(p->ir, whole->name, whole->dtype, s->space, whole->ndim, shape);
    if (!made)
        return NULL;
    weft_buf *b = weft_arena_dup(&p->ir->arena, made, sizeof *made);
    b->stages = s->stage->stages;
    b->stride = s->stage->align_factor ? aligned_strides(p, s, made) : lane_strides(p, s, made);
    return b->stride || !s->stage->align_factor ? b : NULL;
}

weft_status
weft_site_buffers(weft_plan *p, weft_site *s)
{
    for (int k = 0; k < s->op->nout; k++) {
        const weft_buf *whole = s->op->out[k]->buf;
        if (s->parent)
            s->buf[k] = attached_buf(p, s, whole);
        else if (whole->space == WEFT_GLOBAL)
            s->buf[k] = whole;
        else
            s->buf[k] = weft_buf_make(p->ir, whole->name, whole->dtype, WEFT_GLOBAL, whole->ndim,
                                      whole->shape);
        if (!s->buf[k])
            return p->diag && weft_diag_status(p->diag) ? weft_diag_status(p->diag)
                                                        : WEFT_INVALID_ARGUMENT;
        if (s->space == WEFT_SHARED)
            *WEFT_PUSH(p->arena, &s->cluster->shared) = s->buf[k];
    }
    return WEFT_OK;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

typedef struct resolver {
    const weft_plan *p;
    const weft_site *s;
    const weft_expr *const *value;
} resolver;

static const weft_expr *
resolve_var(const resolver *r, const weft_expr *e)
{
    for (int d = 0; d < r->s->op->naxis + r->s->op->nreduce; d++)
        if (weft_site_axis(r->s, d)->var == e->h.u.var)
            return weft_site_absolute(r->p, r->s, r->value, d);
    return e;
}

/* An index of the tensor as one of the site's memory, which holds a region of it. */
static const weft_expr *
relative(const resolver *r, const weft_site *from, int d, const weft_expr *index)
{
    if (from->parent)
        index = weft_ix(r->p->ir, WEFT_EK_SUB, index, from->min[d]);
    return weft_simplify_expr(r->p->ir, r->p->facts, index);
}

static const weft_expr *
resolve_load(const resolver *r, const weft_expr *e)
{
    const weft_tensor *t = weft_te_tensor_of(r->p->te, e->h.u.buf);
    const weft_site *from = t ? weft_plan_site(r->p, t) : NULL;
    const weft_buf *buf = from ? from->buf[t->index] : e->h.u.buf;
    const weft_expr **index = WEFT_NEW_ARRAY(r->p->arena, e->h.nargs, const weft_expr *);
    for (int d = 0; d < e->h.nargs; d++)
        index[d] = from ? relative(r, from, d, e->arg[d])
                        : weft_simplify_expr(r->p->ir, r->p->facts, e->arg[d]);
    return weft_load(r->p->ir, buf, e->h.nargs, index);
}

static bool
is_plain(const weft_expr *e)
{
    return e->h.pure && !weft_is_float((weft_dtype)e->h.type.dtype);
}

/* Arithmetic of indices that is no index, as in a condition: simplified where it meets other
 * values. */
static const weft_expr *
simplify_plain(const resolver *r, const weft_expr *e)
{
    if (!e || is_plain(e))
        return e;
    const weft_expr **arg = WEFT_NEW_ARRAY(r->p->arena, e->h.nargs, const weft_expr *);
    for (int i = 0; i < e->h.nargs; i++)
        arg[i] =
            is_plain(e->arg[i]) ? weft_simplify_expr(r->p->ir, r->p->facts, e->arg[i]) : e->arg[i];
    return weft_expr_with(r->p->ir, e, arg);
}

static const weft_expr *
resolve(weft_rewriter *rw, const weft_expr *e)
{
    const resolver *r = rw->user;
    if (e->h.kind == WEFT_EK_VAR)
        return resolve_var(r, e);
    e = weft_rewrite_args(rw, e);
    return e && e->h.kind == WEFT_EK_LOAD ? resolve_load(r, e) : simplify_plain(r, e);
}

const weft_expr *
weft_site_resolve(const weft_plan *p, const weft_site *s, const weft_expr *const *value,
                  const weft_expr *e)
{
    resolver r = { p, s, value };
    weft_rewriter rw = { .ir = p->ir, .expr = resolve, .user = &r };
    e = weft_rewrite_expr(&rw, e);
    weft_rewrite_done(&rw);
    return e && is_plain(e) ? weft_simplify_expr(p->ir, p->facts, e) : e;
}

const weft_expr **
weft_site_index(const weft_plan *p, const weft_site *s, const weft_expr *const *value)
{
    const weft_expr **index = WEFT_NEW_ARRAY(p->arena, s->op->naxis, const weft_expr *);
    for (int d = 0; d < s->op->naxis; d++)
        index[d] = weft_simplify_expr(p->ir, p->facts, value[s->op->axis[d]->id]);
    return index;
}
