/* te/rules/attention_vector.c: attention by blocks of keys in vectors, on CPUs.
 *
 * A group takes a block of queries and has the scores of a block of keys near.  Keys lie in panels,
 * of which products take one or two by all queries in registers; the weighted sum takes all queries
 * by two vectors of columns, so that keys and values are each read once.  Keys and values in whole
 * blocks are kernels of their own. */
#include "rules/attention.h"

enum {
    MOST_SCORES = 32768, /* of a group: more would not stay in a cache */
    SOME_VECTORS = 2     /* of columns, or panels of keys, that meet all queries in registers */
};

typedef struct vectors {
    weft_rule *r;
    const weft_blocked *b;
    int64_t lanes;    /* along keys */
    int64_t columns;  /* lanes along columns of the result */
    int64_t panels;   /* of products at a time */
    weft_stage *home; /* what reads a block of keys, and its loop over those */
    weft_axis *at;
} vectors;

static const weft_expr *
num(const vectors *v, int64_t n)
{
    return weft_rule_num(v->r, n);
}

/* The lanes of keys' panels; 1 when the elements of a key lie together. */
static int64_t
panel_lanes(const weft_blocked *b)
{
    const weft_te_op *op = b->products->op;
    const weft_expr *load = op->body[0]->arg[1];
    while (load->h.kind == WEFT_EK_CAST)
        load = load->arg[0];
    const weft_expr *last = load->arg[load->h.nargs - 1];
    bool together = last->h.kind == WEFT_EK_VAR && last->h.u.var == op->reduce[0]->var;
    return together ? 1 : weft_rule_extent(b->keys->op->axis[b->keys->op->naxis - 1]);
}

/* The columns of what reads weighted sums: tiles of some vectors, outside of the loop over queries,
 * for each of which weighted sums are computed in registers. */
static bool
schedule_tiles(const vectors *v, weft_stage *reader, weft_axis *row, weft_axis *column)
{
    const weft_blocked *b = v->b;
    weft_te *te = v->r->te;
    weft_tensor *t = reader->op->out[0], *w = b->weighted->op->out[0];
    weft_axis *const *own = b->weighted->op->axis, *tile, *vector, *lane;
    if (weft_split(te, t, column, num(v, v->columns * SOME_VECTORS), &tile, &column) ||
        weft_split(te, t, column, num(v, v->columns), &vector, &lane) ||
        weft_vectorize(te, t, lane) ||
        weft_reorder(te, t, 4, (weft_axis *[]){ tile, row, vector, lane }) ||
        !weft_blocked_place(v->r, b->weighted, reader, tile, "local") ||
        weft_split(te, w, own[b->nbatch + 2], num(v, v->columns), &vector, &lane) ||
        weft_vectorize(te, w, lane) || weft_unroll(te, w, vector) ||
        weft_unroll(te, w, own[b->nbatch + 1]))
        return false;
    weft_axis *order[4] = { b->weighted->op->reduce[0], own[b->nbatch + 1], vector, lane };
    return !weft_reorder(te, w, 4, order);
}

/* What is known of the results, near, while the blocks of keys go by. */
static bool
schedule_all(vectors *v, weft_axis *group, weft_axis *in)
{
    const weft_blocked *b = v->b;
    weft_te *te = v->r->te;
    weft_tensor *out = b->out->op->out[0], *t = b->all->op->out[0];
    weft_axis *const *axis = b->all->op->axis, *vector, *lane;
    v->home = b->all;
    v->at = b->all->op->reduce[0];
    return !weft_split(te, out, b->out->op->axis[b->nbatch + 1], num(v, v->columns), &vector,
                       &lane) &&
           !weft_vectorize(te, out, lane) &&
           !weft_reorder(te, out, 3, (weft_axis *[]){ in, vector, lane }) &&
           weft_blocked_place(v->r, b->all, b->out, group, "local") &&
           !weft_reorder(te, t, 3,
                         (weft_axis *[]){ v->at, axis[b->nbatch + 1], axis[b->nbatch + 2] }) &&
           schedule_tiles(v, b->all, axis[b->nbatch + 1], axis[b->nbatch + 2]);
}

/* The result and what a block of keys adds to it; *group: the loop over blocks of queries. */
static bool
schedule_result(vectors *v, weft_axis **group)
{
    const weft_blocked *b = v->b;
    weft_axis *in;
    if (!weft_blocked_grid(v->r, b, &in))
        return false;
    *group = b->out->leaf.at[b->out->leaf.n - 3]; /* before in and the columns */
    if (b->all)
        return schedule_all(v, *group, in);
    v->home = b->out;
    v->at = *group;
    return schedule_tiles(v, b->out, in, b->out->op->axis[b->nbatch + 1]) &&
           !weft_unroll(v->r->te, b->out->op->out[0], in);
}

/* One number a query, over its keys: by lanes, then over those. */
static bool
reduce_keys(const vectors *v, weft_stage *s)
{
    weft_te *te = v->r->te;
    weft_tensor *t = s->op->out[0], *lanes;
    weft_axis *step, *lane;
    if (!weft_blocked_place(v->r, s, v->home, v->at, "local") ||
        weft_split(te, t, s->op->reduce[0], num(v, v->lanes), &step, &lane) ||
        !(lanes = weft_rfactor(te, t, lane, s->op->naxis)))
        return false;
    const weft_te_op *op = lanes->op;
    weft_axis *order[2] = { op->reduce[0], op->axis[op->naxis - 1] };
    return !weft_compute_at(te, lanes, v->home->op->out[0], v->at) &&
           !weft_set_scope(te, lanes, "local") && !weft_reorder(te, lanes, 2, order) &&
           !weft_vectorize(te, lanes, order[1]);
}

/* Rows that products read at the same key are not all in one place of a first cache. */
static bool
set_apart(const vectors *v, weft_stage *s)
{
    return !weft_storage_align(v->r->te, s->op->out[0], v->b->nbatch + 1, (int)(2 * v->lanes),
                               (int)v->lanes);
}

static bool
schedule_weights(const vectors *v)
{
    weft_tensor *t = v->b->weights->op->out[0];
    weft_axis *vector, *lane, *keys = v->b->weights->op->axis[v->b->nbatch + 3];
    return weft_blocked_place(v->r, v->b->weights, v->home, v->at, "local") &&
           set_apart(v, v->b->weights) &&
           !weft_split(v->r->te, t, keys, num(v, v->lanes), &vector, &lane) &&
           !weft_vectorize(v->r->te, t, lane);
}

/* Keys of a stage as panels of lanes, both unrolled inside the rows. */
static bool
cut_keys(const vectors *v, weft_stage *s, weft_axis *made[3])
{
    weft_te *te = v->r->te;
    weft_tensor *t = s->op->out[0];
    weft_axis *keys = s->op->axis[v->b->nbatch + 3];
    return !weft_split(te, t, keys, num(v, v->lanes * v->panels), &made[0], &keys) &&
           !weft_split(te, t, keys, num(v, v->lanes), &made[1], &made[2]) &&
           !weft_vectorize(te, t, made[2]) && !weft_unroll(te, t, made[1]) &&
           !weft_unroll(te, t, s->op->axis[v->b->nbatch + 1]);
}

static bool
schedule_scores(const vectors *v)
{
    const weft_blocked *b = v->b;
    weft_tensor *t = b->scores->op->out[0], *p = b->products->op->out[0];
    weft_axis *c[3], *row = b->scores->op->axis[b->nbatch + 1];
    weft_axis *d[3], *own = b->products->op->axis[b->nbatch + 1];
    return weft_blocked_place(v->r, b->scores, v->home, v->at, "local") &&
           cut_keys(v, b->scores, c) &&
           !weft_reorder(v->r->te, t, 4, (weft_axis *[]){ c[0], row, c[1], c[2] }) &&
           weft_blocked_place(v->r, b->products, b->scores, c[0], "local") &&
           cut_keys(v, b->products, d) &&
           !weft_reorder(v->r->te, p, 5,
                         (weft_axis *[]){ d[0], b->products->op->reduce[0], own, d[1], d[2] });
}

/* Keys and values in whole blocks, before. */
static bool
schedule_operands(const vectors *v)
{
    weft_te *te = v->r->te;
    weft_tensor *keys = v->b->keys->op->out[0];
    const weft_te_op *op = v->b->keys->op;
    int n = op->naxis;
    if (weft_compute_root(te, keys) ||
        weft_reorder(te, keys, 2, (weft_axis *[]){ op->axis[n - 1], op->axis[n - 2] }))
        return false;
    weft_rule_bind_grid(v->r, keys, weft_rule_fuse(v->r, keys, n - 2, op->axis));
    if (!v->b->values)
        return true;
    if (weft_compute_root(te, v->b->values->op->out[0]))
        return false;
    weft_rule_injective(v->r, v->b->values);
    return true;
}

static bool
schedule(vectors *v)
{
    weft_axis *group;
    return schedule_result(v, &group) && reduce_keys(v, v->b->total) && schedule_weights(v) &&
           reduce_keys(v, v->b->most) && schedule_scores(v) &&
           weft_blocked_place(v->r, v->b->queries, v->b->out, group, "local") &&
           schedule_operands(v);
}

bool
weft_rule_attention_vectors(weft_rule *r, const weft_blocked *b)
{
    vectors v = { .r = r, .b = b, .lanes = panel_lanes(b), .columns = 1 };
    if (v.lanes < 2 || v.lanes > 16 || b->cols % v.lanes || b->rows * b->cols > MOST_SCORES)
        return false;
    while (v.columns < v.lanes && v.columns * 2 <= b->width)
        v.columns *= 2;
    v.panels = b->cols % (SOME_VECTORS * v.lanes) == 0 ? SOME_VECTORS : 1;
    weft_str_addf(weft_rule_note(r, "attention"), "a group %d queries, by %d keys in panels of %d",
                  (int)b->rows, (int)b->cols, (int)v.lanes);
    (void)schedule(&v);
    return true;
}
