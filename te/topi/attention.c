/* te/topi/attention.c: softmax(q k * scale + mask) v by blocks of queries and keys (online softmax,
 * Milakov and Gimelshein; FlashAttention, Dao et al.).
 *
 * Each block of keys has a maximum, a sum of exponentials and a weighted sum of v for each query;
 * what two blocks know of a query combines.  An exponential is computed once; combining costs four
 * for each result and block.  Blocks are whole: keys beyond the last have the score -inf and v 0,
 * queries beyond the last are 0, so that tails concern the fetches and the result alone.
 *
 * Where one block in vectors holds all keys there is nothing to combine, and
 * v is read where it lies.
 *
 * A row without keys is 0, as a sum over nothing is; one whose scores are all -inf is NaN, as
 * softmax makes it, unless 0 is to stand there.  Where 0 is to stand in rows that are masked
 * altogether, a mask of -inf makes a score -inf, whatever it was.
 */
#include "topi/topi.h"

#include <math.h>

typedef struct attention {
    weft_te *te;
    const weft_attention *how;
    weft_dtype wide; /* of sums */
    int nbatch;
    const weft_expr **batch;
    const weft_expr *m, *n, *depth, *width; /* queries, keys, elements of both, of v */
    const weft_expr *row_blocks, *key_blocks;
    bool alone; /* one block, in vectors, holds all keys */
} attention;

/* Axes over a tensor's or the result's batch and `more` dims behind it, and their references. */
static const weft_expr **
axes(const attention *a, int nbatch, const weft_expr *const *batch, int more,
     const weft_expr *const *dim, weft_axis ***axis)
{
    const weft_expr **all = WEFT_NEW_ARRAY(&a->te->ir->arena, nbatch + more, const weft_expr *);
    for (int d = 0; d < nbatch + more; d++)
        all[d] = d < nbatch ? batch[d] : dim[d - nbatch];
    *axis = weft_topi_axes(a->te, nbatch + more, all);
    return weft_topi_refs(a->te, nbatch + more, *axis);
}

static const weft_expr *
num(const attention *a, double v)
{
    return weft_topi_num(a->te, a->wide, v);
}

static const weft_expr *
place(const attention *a, const weft_expr *block, int64_t size, const weft_expr *in_block)
{
    weft_ir *ir = a->te->ir;
    return weft_add(ir, weft_mul(ir, block, weft_i32(ir, size)), in_block);
}

/* blocks[batch, block, i, c] = t[batch, block * size + i, c], 0 beyond the last; `swapped`: of
 * t[batch, c, ..]. */
static weft_tensor *
in_blocks(const attention *a, const char *name, weft_tensor *t, const weft_expr *nblock,
          int64_t size, bool swapped)
{
    weft_ir *ir = a->te->ir;
    int nb = t->buf->ndim - 2;
    weft_axis **axis;
    const weft_expr *const *shape = weft_topi_dims(t);
    const weft_expr *dim[3] = { nblock, weft_i32(ir, size), shape[swapped ? nb : nb + 1] };
    const weft_expr **at = axes(a, nb, shape, 3, dim, &axis);
    const weft_expr *i = place(a, at[nb], size, at[nb + 1]);
    const weft_expr *inside = weft_lt(ir, i, shape[swapped ? nb + 1 : nb]);
    const weft_expr **from = WEFT_NEW_ARRAY(&ir->arena, nb + 2, const weft_expr *);
    for (int d = 0; d < nb; d++)
        from[d] = at[d];
    from[nb] = swapped ? at[nb + 2] : i;
    from[nb + 1] = swapped ? i : at[nb + 2];
    const weft_expr *zero = weft_topi_num(a->te, t->buf->dtype, 0);
    return weft_te_compute(a->te, name, nb + 3, axis,
                           weft_guard(ir, inside, weft_topi_at(a->te, t, from), zero));
}

/* panels[batch, block, panel, c, lane] = k's element c of key `lane` of the panel, 0 beyond the
 * last: neighbouring keys lie side by side. */
static weft_tensor *
in_panels(const attention *a, weft_tensor *k)
{
    weft_ir *ir = a->te->ir;
    int nb = k->buf->ndim - 2;
    int64_t lanes = a->how->lanes;
    weft_axis **axis;
    const weft_expr *const *shape = weft_topi_dims(k);
    const weft_expr *dim[4] = { a->key_blocks, weft_i32(ir, a->how->keys / lanes), a->depth,
                                weft_i32(ir, lanes) };
    const weft_expr **at = axes(a, nb, shape, 4, dim, &axis);
    const weft_expr *key = place(a, at[nb], a->how->keys, place(a, at[nb + 1], lanes, at[nb + 3]));
    const weft_expr **from = WEFT_NEW_ARRAY(&ir->arena, nb + 2, const weft_expr *);
    for (int d = 0; d < nb; d++)
        from[d] = at[d];
    from[nb] = a->how->tk ? key : at[nb + 2];
    from[nb + 1] = a->how->tk ? at[nb + 2] : key;
    return weft_te_compute(a->te, "keys", nb + 4, axis,
                           weft_guard(ir, weft_lt(ir, key, a->n), weft_topi_at(a->te, k, from),
                                      weft_topi_num(a->te, k->buf->dtype, 0)));
}

/* An element of blocks or panels behind `n` own indices, for an index of the result's batch. */
static const weft_expr *
block_at(const attention *a, weft_tensor *t, const weft_expr *const *at, int n,
         const weft_expr *const *own)
{
    weft_ir *ir = a->te->ir;
    int nb = t->buf->ndim - n;
    const weft_expr **index = WEFT_NEW_ARRAY(&ir->arena, nb + n, const weft_expr *);
    for (int d = 0; d < nb; d++)
        index[d] = weft_is_int_imm(t->buf->shape[d], 1) ? weft_i32(ir, 0) : at[a->nbatch - nb + d];
    for (int d = 0; d < n; d++)
        index[nb + d] = own[d];
    return weft_cast(ir, a->wide, weft_topi_at(a->te, t, index));
}

/* ---- a block of keys ------------------------------------------------------------------------- */

/* [batch, row block, row, key block, key] */
static const weft_expr **
score_axes(const attention *a, weft_axis ***axis)
{
    weft_ir *ir = a->te->ir;
    const weft_expr *dim[4] = { a->row_blocks, weft_i32(ir, a->how->rows), a->key_blocks,
                                weft_i32(ir, a->how->keys) };
    return axes(a, a->nbatch, a->batch, 4, dim, axis);
}

static weft_tensor *
products(const attention *a, weft_tensor *q, weft_tensor *k)
{
    weft_ir *ir = a->te->ir;
    weft_axis **axis, *r = weft_te_reduce_axis(a->te, "r", a->depth);
    const weft_expr **at = score_axes(a, &axis), *c = weft_axis_ref(a->te, r);
    const weft_expr *const *in = at + a->nbatch, *lanes = weft_i32(ir, a->how->lanes);
    const weft_expr *query[3] = { in[0], in[1], c }, *key[4] = { in[2], in[3], c, NULL };
    bool panels = a->how->lanes > 1;
    if (panels) {
        key[1] = weft_fdiv(ir, in[3], lanes);
        key[3] = weft_fmod(ir, in[3], lanes);
    }
    const weft_expr *x = block_at(a, q, at, 3, query), *y = block_at(a, k, at, panels ? 4 : 3, key);
    return weft_te_reduce(a->te, "products", a->nbatch + 4, axis, 1, &r, WEFT_SUM,
                          weft_mul(ir, x, y));
}

/* products * scale + mask; -inf beyond the last key, and where a query does not see the key */
static weft_tensor *
scores(const attention *a, weft_tensor *dot, weft_tensor *mask)
{
    weft_ir *ir = a->te->ir;
    weft_axis **axis;
    const weft_expr **at = score_axes(a, &axis);
    const weft_expr *const *in = at + a->nbatch;
    const weft_expr *row = place(a, in[0], a->how->rows, in[1]),
                    *key = place(a, in[2], a->how->keys, in[3]);
    const weft_expr *inside = weft_lt(ir, key, a->n);
    if (a->how->causal)
        inside = weft_and(ir, inside, weft_le(ir, key, weft_add(ir, row, a->how->causal)));
    const weft_expr *v = weft_mul(ir, weft_topi_at(a->te, dot, at), num(a, a->how->scale));
    if (mask) {
        const weft_expr **full = WEFT_NEW_ARRAY(&ir->arena, a->nbatch + 2, const weft_expr *);
        for (int d = 0; d < a->nbatch; d++)
            full[d] = at[d];
        full[a->nbatch] = row;
        full[a->nbatch + 1] = key;
        const weft_expr *add = weft_topi_at_broadcast(a->te, mask, a->nbatch + 2, full);
        inside = weft_and(ir, inside, weft_lt(ir, row, a->m));
        add = weft_cast(ir, a->wide, add);
        v = weft_add(ir, v, add);
        if (a->how->zero == WEFT_ZERO_MASKED)
            v = weft_select(ir, weft_eq(ir, add, num(a, -INFINITY)), num(a, -INFINITY), v);
    }
    bool lanes = a->how->lanes > 1 && !mask; /* all there to be read: vectors choose */
    v = (lanes ? weft_select : weft_guard)(ir, inside, v, num(a, -INFINITY));
    return weft_te_compute(a->te, "scores", a->nbatch + 4, axis, v);
}

/* A reduction over the keys of a block. */
static weft_tensor *
over_keys(const attention *a, const char *name, weft_reducer reducer, weft_tensor *t)
{
    weft_axis **axis;
    const weft_expr **at = score_axes(a, &axis);
    weft_axis *j = weft_te_reduce_axis(a->te, "s", weft_i32(a->te->ir, a->how->keys));
    at[a->nbatch + 3] = weft_axis_ref(a->te, j);
    return weft_te_reduce(a->te, name, a->nbatch + 3, axis, 1, &j, reducer,
                          weft_topi_at(a->te, t, at));
}

/* exp(score - the block's maximum); where that is -inf there is nothing to weigh. */
static weft_tensor *
weights(const attention *a, weft_tensor *score, weft_tensor *most)
{
    weft_ir *ir = a->te->ir;
    weft_axis **axis;
    const weft_expr **at = score_axes(a, &axis), *top = weft_topi_at(a->te, most, at);
    top = weft_select(ir, weft_eq(ir, top, num(a, -INFINITY)), num(a, 0), top);
    return weft_te_compute(
        a->te, "weights", a->nbatch + 4, axis,
        weft_topi_call(a->te, "exp", weft_sub(ir, weft_topi_at(a->te, score, at), top)));
}

/* [batch, row block, row, column, last]; last is left out where there is none. */
static const weft_expr **
result_axes(const attention *a, bool blocks, weft_axis ***axis)
{
    const weft_expr *dim[4] = { a->row_blocks, weft_i32(a->te->ir, a->how->rows), a->width,
                                a->key_blocks };
    return axes(a, a->nbatch, a->batch, blocks ? 4 : 3, dim, axis);
}

/* Whether keys are summed over as v has them, not in blocks. */
static bool
lies_well(const attention *a)
{
    return a->alone && !a->how->tv;
}

static weft_tensor *
weighted(const attention *a, weft_tensor *weight, weft_tensor *v)
{
    weft_ir *ir = a->te->ir;
    weft_axis **axis;
    const weft_expr **at = result_axes(a, true, &axis);
    weft_axis *r =
        weft_te_reduce_axis(a->te, "s", lies_well(a) ? a->n : weft_i32(ir, a->how->keys));
    const weft_expr *const *in = at + a->nbatch;
    const weft_expr *block = in[3], *j = weft_axis_ref(a->te, r), *value[3] = { block, j, in[2] };
    const weft_expr *x =
        lies_well(a) ? block_at(a, v, at, 2, value + 1) : block_at(a, v, at, 3, value);
    const weft_expr **from = weft_topi_refs(a->te, a->nbatch + 4, axis);
    from[a->nbatch + 2] = block;
    from[a->nbatch + 3] = j;
    return weft_te_reduce(a->te, "weighted", a->nbatch + 4, axis, 1, &r, WEFT_SUM,
                          weft_mul(ir, weft_topi_at(a->te, weight, from), x));
}

/* ---- all keys -------------------------------------------------------------------------------- */

/* x of a block of keys; where no query of the row block sees a key of it, which the schedule may
 * then leave out, what changes nothing. */
static const weft_expr *
seen(const attention *a, const weft_expr *row_block, const weft_expr *key_block, const weft_expr *x,
     const weft_expr *nothing)
{
    weft_ir *ir = a->te->ir;
    if (!a->how->causal || a->how->lanes > 1)
        return x;
    const weft_expr *last = place(a, row_block, a->how->rows, weft_i32(ir, a->how->rows - 1));
    return weft_guard(ir,
                      weft_le(ir, weft_mul(ir, key_block, weft_i32(ir, a->how->keys)),
                              weft_add(ir, last, a->how->causal)),
                      x, nothing);
}

/* x scaled from its own maximum to the common one. */
static const weft_expr *
scaled(const attention *a, const weft_expr *x, const weft_expr *own, const weft_expr *common)
{
    weft_ir *ir = a->te->ir;
    const weft_expr *by = weft_topi_call(a->te, "exp", weft_sub(ir, own, common));
    return weft_select(ir, weft_eq(ir, own, num(a, -INFINITY)), num(a, 0), weft_mul(ir, x, by));
}

/* (maximum, sum, weighted sum) of two blocks; all[0..2] of all. */
static bool
combine(const attention *a, weft_tensor *const block[3], weft_tensor *all[3])
{
    static const char *const names[3] = { "all_most", "all_total", "all_weighted" };
    weft_te *te = a->te;
    weft_ir *ir = te->ir;
    const weft_var *lhs[3], *rhs[3];
    const weft_expr *l[3], *r[3], *result[3], *source[3];
    const weft_expr *identity[3] = { num(a, -INFINITY), num(a, 0), num(a, 0) };
    for (int i = 0; i < 3; i++) {
        lhs[i] = weft_te_var(te, "l", a->wide);
        rhs[i] = weft_te_var(te, "r", a->wide);
        l[i] = weft_ref(ir, lhs[i]);
        r[i] = weft_ref(ir, rhs[i]);
    }
    result[0] = weft_max(ir, l[0], r[0]);
    for (int i = 1; i < 3; i++)
        result[i] =
            weft_add(ir, scaled(a, l[i], l[0], result[0]), scaled(a, r[i], r[0], result[0]));
    weft_tuple_reducer online = { 3, lhs, rhs, result, identity };
    weft_axis **axis, *b = weft_te_reduce_axis(te, "b", a->key_blocks);
    const weft_expr **at = result_axes(a, false, &axis),
                    **from = WEFT_NEW_ARRAY(&ir->arena, a->nbatch + 4, const weft_expr *);
    for (int d = 0; d < a->nbatch + 3; d++)
        from[d] = at[d];
    from[a->nbatch + 3] = weft_axis_ref(te, b);
    source[2] = weft_topi_at(te, block[2], from);
    from[a->nbatch + 2] = from[a->nbatch + 3];
    source[0] = weft_topi_at(te, block[0], from);
    source[1] = weft_topi_at(te, block[1], from);
    for (int i = 0; i < 3; i++)
        source[i] = seen(a, at[a->nbatch], weft_axis_ref(te, b), source[i], identity[i]);
    return !weft_te_reduce_tuple(te, names, a->nbatch + 3, axis, 1, &b, &online, source, all);
}

/* A sum or weighted sum of all keys, at `from`, behind which the only block
 * has its own dimension. */
static const weft_expr *
known_at(const attention *a, weft_tensor *t, const weft_expr **from, int n)
{
    const weft_expr *rest = from[n];
    if (!a->alone)
        return weft_topi_at(a->te, t, from);
    from[n] = weft_i32(a->te->ir, 0);
    const weft_expr *e = weft_topi_at(a->te, t, from);
    from[n] = rest;
    return e;
}

/* `all`: maximum, sum, weighted sum. */
static weft_tensor *
result(const attention *a, weft_tensor *const all[3], weft_dtype t)
{
    weft_ir *ir = a->te->ir;
    const weft_expr *dim[2] = { a->m, a->width };
    weft_axis **axis;
    const weft_expr **at = axes(a, a->nbatch, a->batch, 2, dim, &axis),
                    **from = WEFT_NEW_ARRAY(&ir->arena, a->nbatch + 4, const weft_expr *);
    const weft_expr *rows = weft_i32(ir, a->how->rows), *i = at[a->nbatch];
    for (int d = 0; d < a->nbatch; d++)
        from[d] = at[d];
    from[a->nbatch] = weft_fdiv(ir, i, rows);
    from[a->nbatch + 1] = weft_fmod(ir, i, rows);
    from[a->nbatch + 2] = at[a->nbatch + 1];
    const weft_expr *total = known_at(a, all[1], from, a->nbatch + 2);
    const weft_expr *v = weft_div(ir, known_at(a, all[2], from, a->nbatch + 3), total);
    int64_t n;
    const weft_expr *some = NULL;
    if (a->how->zero == WEFT_ZERO_NAN) /* a sum is NaN, or 0, or one weight of 1 is in it */
        some = weft_gt(ir, total, num(a, 0));
    else if (a->how->zero == WEFT_ZERO_MASKED)
        some = weft_ne(ir, total, num(a, 0));
    else if (!weft_as_int(a->n, &n) || n == 0)
        some = weft_gt(ir, a->n, weft_int(ir, (weft_dtype)a->n->h.type.dtype, 0));
    v = some ? weft_select(ir, some, v, num(a, 0)) : v;
    return weft_te_compute(a->te, "attention", a->nbatch + 2, axis, weft_cast(ir, t, v));
}

/* ---- the operator ---------------------------------------------------------------------------- */

/* The broadcast batch of the operands. */
static void
find_batch(attention *a, weft_tensor *const in[3])
{
    for (int i = 0; i < 3; i++)
        a->nbatch = in[i]->buf->ndim - 2 > a->nbatch ? in[i]->buf->ndim - 2 : a->nbatch;
    a->batch = WEFT_NEW_ARRAY(&a->te->ir->arena, a->nbatch + 1, const weft_expr *);
    for (int i = 0; i < 3; i++)
        for (int d = 0, nb = in[i]->buf->ndim - 2; d < nb; d++) {
            const weft_expr **to = &a->batch[a->nbatch - nb + d];
            if (!*to || weft_is_int_imm(*to, 1))
                *to = in[i]->buf->shape[d];
        }
}

static const weft_expr *
blocks(weft_ir *ir, const weft_expr *n, int64_t size)
{
    weft_dtype t = (weft_dtype)n->h.type.dtype;
    const weft_expr *up = weft_add(ir, n, weft_int(ir, t, size - 1));
    return weft_simplify_expr(ir, NULL, weft_fdiv(ir, up, weft_int(ir, t, size)));
}

weft_tensor *
weft_topi_attention(weft_te *te, weft_tensor *q, weft_tensor *k, weft_tensor *v, weft_tensor *mask,
                    const weft_attention *how)
{
    if (!q || !k || !v)
        return NULL;
    int nq = q->buf->ndim, nv = v->buf->ndim;
    attention a = { .te = te, .how = how, .wide = weft_topi_sum_dtype(q->buf->dtype) };
    find_batch(&a, (weft_tensor *[]){ q, k, v });
    a.m = q->buf->shape[how->tq ? nq - 1 : nq - 2];
    a.depth = q->buf->shape[how->tq ? nq - 2 : nq - 1];
    a.n = v->buf->shape[how->tv ? nv - 1 : nv - 2];
    a.width = v->buf->shape[how->tv ? nv - 2 : nv - 1];
    a.row_blocks = blocks(te->ir, a.m, how->rows);
    a.key_blocks = blocks(te->ir, a.n, how->keys);
    a.alone = how->lanes > 1 && weft_is_int_imm(a.key_blocks, 1);
    weft_tensor *queries = in_blocks(&a, "queries", q, a.row_blocks, how->rows, how->tq);
    weft_tensor *keys = how->lanes > 1
                            ? in_panels(&a, k)
                            : in_blocks(&a, "keys", k, a.key_blocks, how->keys, !how->tk);
    weft_tensor *values =
        lies_well(&a) ? v : in_blocks(&a, "values", v, a.key_blocks, how->keys, how->tv);
    if (!queries || !keys || !values)
        return NULL;
    weft_tensor *dot = products(&a, queries, keys), *score = dot ? scores(&a, dot, mask) : NULL;
    weft_tensor *most = score ? over_keys(&a, "most", WEFT_RMAX, score) : NULL;
    weft_tensor *weight = most ? weights(&a, score, most) : NULL;
    weft_tensor *total = weight ? over_keys(&a, "total", WEFT_SUM, weight) : NULL;
    weft_tensor *sum = total ? weighted(&a, weight, values) : NULL, *all[3],
                *block[3] = { most, total, sum };
    if (!sum || (!a.alone && !combine(&a, block, all)))
        return NULL;
    return result(&a, a.alone ? block : all, q->buf->dtype);
}
