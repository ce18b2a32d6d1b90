/* Matrix statements: a subgroup of WEFT_MATRIX_LANES threads acts as one.
 *
 * Each of its lanes holds a share of a matrix: element e, counted row by row, is number e / 32 of
 * lane e % 32, in the row of the buffer (STORE_ROWS) at tile * share + number.  All threads of a
 * subgroup have to arrive with the same places, and memory is touched by the lanes that hold the
 * elements, so that bounds, races and what was never written are found as for any access. */
#include "ir/interp_priv.h"

#include <math.h>
#include <string.h>

typedef struct team { /* the subgroups of a block, and what they came with */
    ctx *c;
    const code *k;
    int ngroup;
    place at[WEFT_MATRIX_PLACES];
} team;

static int
lane_of(const team *t, int group, int member)
{
    int thread = group * WEFT_MATRIX_LANES + member;
    return t->c->lane_of ? t->c->lane_of[thread] : thread;
}

/* Whether the subgroup is here; false after an error, too: then the context has failed. */
static bool
is_here(const team *t, int group)
{
    int n = 0;
    for (int m = 0; m < WEFT_MATRIX_LANES; m++)
        n += interp_on(t->c, lane_of(t, group, m));
    if (n > 0 && n < WEFT_MATRIX_LANES)
        weft_interp_fault(t->c, -1, WEFT_INVALID_INPUT,
                          "divergent matrix statement: %d of the %d threads of a subgroup arrive",
                          n, WEFT_MATRIX_LANES);
    return n == WEFT_MATRIX_LANES;
}

static bool
agree(const team *t, int group, const char *what, const char *name, const int64_t *of)
{
    for (int m = 1; m < WEFT_MATRIX_LANES; m++) {
        if (of[lane_of(t, group, m)] == of[lane_of(t, group, 0)])
            continue;
        weft_interp_fault(t->c, lane_of(t, group, m), WEFT_INVALID_INPUT,
                          "the threads of a subgroup give different %s%s%s", what,
                          *name ? " of " : "", name);
        return false;
    }
    return true;
}

/* A number a lane, from an index or a stride. */
static int64_t *
numbers(ctx *c, const node *n)
{
    int64_t *o = weft_interp_scratch(c, (size_t)c->lanes * sizeof *o);
    const void *v = weft_interp_vector(c, n, weft_interp_eval(c, n));
    for (int l = 0; l < c->lanes; l++)
        o[l] = weft_interp_size[n->cls] == 8 ? ((const int64_t *)v)[l] : ((const int32_t *)v)[l];
    return o;
}

static bool
arrive(team *t)
{
    ctx *c = t->c;
    int n = weft_matrix_op_places(t->k->src->u.matrix.op);
    if (c->lanes % WEFT_MATRIX_LANES) {
        weft_interp_fault(c, -1, WEFT_INVALID_INPUT,
                          "a matrix statement in a block of %d threads: whole subgroups of %d are "
                          "needed",
                          c->lanes, WEFT_MATRIX_LANES);
        return false;
    }
    t->ngroup = c->lanes / WEFT_MATRIX_LANES;
    for (int g = 0; g < t->ngroup && !c->failed; g++)
        (void)is_here(t, g);
    int64_t *e = weft_interp_scratch(c, (size_t)c->lanes * sizeof *e);
    for (int i = 0; i < n && !c->failed; i++) {
        if (!weft_interp_locate(c, t->k->place[i], 1, &t->at[i]))
            return false;
        for (int l = 0; l < c->lanes; l++)
            e[l] = interp_on(c, l) ? interp_element(&t->at[i], l) : 0;
        for (int g = 0; g < t->ngroup && !c->failed; g++)
            if (is_here(t, g))
                (void)agree(t, g, "places", t->k->place[i]->src->name, e);
    }
    return !c->failed;
}

/* ---- shares ---------------------------------------------------------------------------------- */

static weft_fragment
fragment_of(const team *t, int i)
{
    return t->k->place[i]->src->frag;
}

/* Number j of the matrix at place i, of each lane. */
static place
share(const team *t, int i, int j)
{
    ctx *c = t->c;
    const place *tile = &t->at[i];
    int n = interp_share(fragment_of(t, i));
    place p = { .off = tile->off * n + j, .one = tile->one };
    p.lo = tile->lo * n + j;
    p.hi = tile->hi * n + j;
    if (tile->one)
        return p;
    int32_t *x = weft_interp_scratch(c, (size_t)c->lanes * sizeof *x);
    for (int l = 0; l < c->lanes; l++)
        x[l] = interp_on(c, l) ? (tile->x ? tile->x[l] : l) * n : 0;
    p.x = x;
    p.ver = interp_tick(c);
    return p;
}

static char *
cell(const team *t, int i, const place *p, int lane)
{
    const access *a = t->k->place[i];
    size_t size = (size_t)weft_interp_size[t->c->in->buf[a->buf].cls];
    return (char *)t->c->buf[a->buf].data +
           (size_t)(interp_element(p, lane) * t->c->lanes + lane) * size;
}

/* The matrix at place i becomes v: number j of lane l is at j * lanes + l. */
static void
set_shares(const team *t, int i, const char *v)
{
    ctx *c = t->c;
    size_t size = (size_t)weft_interp_size[c->in->buf[t->k->place[i]->buf].cls];
    for (int j = 0; j < interp_share(fragment_of(t, i)) && !c->failed; j++) {
        place p = share(t, i, j);
        if (c->check && !weft_interp_rows_written(c, t->k->place[i], &p, 1, NULL))
            return;
        for (int l = 0; l < c->lanes; l++)
            if (interp_on(c, l))
                memcpy(cell(t, i, &p, l), v + (size_t)(j * c->lanes + l) * size, size);
    }
}

static char *
get_shares(const team *t, int i)
{
    ctx *c = t->c;
    icls cls = c->in->buf[t->k->place[i]->buf].cls;
    int n = interp_share(fragment_of(t, i));
    size_t size = (size_t)weft_interp_size[cls];
    char *v = weft_interp_scratch(c, interp_bytes(cls, n * c->lanes));
    memset(v, 0, interp_bytes(cls, n * c->lanes));
    for (int j = 0; j < n; j++) {
        place p = share(t, i, j);
        if (c->check && !weft_interp_rows_read(c, t->k->place[i], &p, 1))
            return v;
        for (int l = 0; l < c->lanes; l++)
            if (interp_on(c, l))
                memcpy(v + (size_t)(j * c->lanes + l) * size, cell(t, i, &p, l), size);
    }
    return v;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Where in memory the lanes' shares of a matrix stand: f is its form, place i its first element. */
static bool
spread(const team *t, weft_fragment f, int i, place *p)
{
    ctx *c = t->c;
    const access *a = t->k->place[i];
    int n = interp_share(f), cols = weft_fragment_cols(f), first = 0;
    int64_t *stride = numbers(c, t->k->stride), base, count = c->buf[a->buf].count;
    int32_t *x = weft_interp_scratch(c, (size_t)(n * c->lanes) * sizeof *x);
    while (!interp_on(c, first))
        first++;
    base = interp_element(&t->at[i], first);
    *p = (place){ .x = x, .off = base, .lo = base, .hi = base, .ver = interp_tick(c) };
    for (int g = 0; g < t->ngroup; g++)
        if (is_here(t, g) && !agree(t, g, "strides", a->src->name, stride))
            return false;
    memset(x, 0, (size_t)(n * c->lanes) * sizeof *x);
    for (int k = 0; k < n * c->lanes; k++) {
        int l = k % c->lanes, thread = c->thread ? c->thread[l] : l;
        int e = k / c->lanes * WEFT_MATRIX_LANES + thread % WEFT_MATRIX_LANES;
        int row = e / cols, col = e % cols;
        if (!interp_on(c, l))
            continue;
        int64_t at = interp_element(&t->at[i], l) +
                     (f.columns ? col * stride[l] + row : row * stride[l] + col);
        if (at < 0 || at >= count || at - base > INT32_MAX || at - base < INT32_MIN) {
            weft_interp_fault(c, l, WEFT_INVALID_INPUT,
                              "%s of '%s' at element %lld is out of bounds: row %d, column %d of a "
                              "matrix; it has %lld elements",
                              a->write ? "write" : "read", a->src->name, (long long)at, row, col,
                              (long long)count);
            return false;
        }
        x[k] = (int32_t)(at - base);
        p->lo = at < p->lo ? at : p->lo;
        p->hi = at > p->hi ? at : p->hi;
    }
    return true;
}

/* What a unit keeps of a factor: 10 bits of fraction, to nearest, ties away from zero. */
static void
round10(float *v, int n)
{
    for (int i = 0; i < n; i++) {
        uint32_t b;
        memcpy(&b, &v[i], sizeof b);
        if ((b & 0x7f800000) != 0x7f800000)
            b = (b + 0x1000) & 0xffffe000;
        memcpy(&v[i], &b, sizeof b);
    }
}

static void
load(const team *t)
{
    ctx *c = t->c;
    const access *a = t->k->place[1];
    const bufinfo *info = &c->in->buf[a->buf];
    weft_fragment f = fragment_of(t, 0);
    int n = interp_share(f);
    place p;
    if (!spread(t, f, 1, &p) || (c->check && !weft_interp_touch_read(c, a, &p, n)))
        return;
    char *v = weft_interp_scratch(c, interp_bytes(info->cls, n * c->lanes));
    for (int j = 0; j < n; j++)
        weft_interp_get(weft_interp_stored_dtype(info), info->cls,
                        v + interp_bytes(info->cls, j * c->lanes), c->buf[a->buf].data,
                        p.x + j * c->lanes, p.off, c->mask->on, c->lanes);
    if (f.matrix->round10 && f.role != WEFT_MATRIX_SUM && info->cls == CLS_F32)
        round10((float *)v, n * c->lanes);
    set_shares(t, 0, v);
}

static void
store(const team *t)
{
    ctx *c = t->c;
    const access *a = t->k->place[0];
    const bufinfo *info = &c->in->buf[a->buf];
    weft_fragment f = fragment_of(t, 1);
    int n = interp_share(f);
    place p;
    const char *v = get_shares(t, 1);
    if (c->failed || !spread(t, f, 0, &p) || (c->check && !weft_interp_touch_write(c, a, &p, n, v)))
        return;
    for (int j = 0; j < n; j++)
        weft_interp_put(weft_interp_stored_dtype(info), info->cls,
                        v + interp_bytes(info->cls, j * c->lanes), c->buf[a->buf].data,
                        p.x + j * c->lanes, p.off, c->mask->on, c->lanes);
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

static void
fill(const team *t)
{
    ctx *c = t->c;
    const node *n = t->k->expr;
    size_t bytes = interp_bytes((icls)n->cls, c->lanes);
    int count = interp_share(fragment_of(t, 0));
    char *v = weft_interp_scratch(c, bytes * (size_t)count);
    const void *one = weft_interp_vector(c, n, weft_interp_eval(c, n));
    for (int j = 0; j < count; j++)
        memcpy(v + (size_t)j * bytes, one, bytes);
    set_shares(t, 0, v);
}

/* A number of a share: floats in double, integers in int64. */
typedef union number {
    double f;
    int64_t i;
} number;

static number
number_at(icls cls, const char *v, int k)
{
    switch (cls) {
    case CLS_F32:
        return (number){ .f = (double)((const float *)(const void *)v)[k] };
    case CLS_F64:
        return (number){ .f = ((const double *)(const void *)v)[k] };
    default:
        return (number){ .i = ((const int32_t *)(const void *)v)[k] };
    }
}

static void
put_number(icls cls, weft_dtype dtype, char *v, int k, number x)
{
    if (cls == CLS_F32)
        ((float *)(void *)v)[k] = dtype == WEFT_F32 ? (float)x.f : (float)weft_round_to(dtype, x.f);
    else if (cls == CLS_F64)
        ((double *)(void *)v)[k] = x.f;
    else
        ((int32_t *)(void *)v)[k] = (int32_t)weft_wrap_i64(dtype, x.i);
}

/* The shares of a subgroup as one matrix, row by row. */
static void
collect(const team *t, int i, int group, const char *v, number *to)
{
    icls cls = t->c->in->buf[t->k->place[i]->buf].cls;
    int n = interp_share(fragment_of(t, i)) * WEFT_MATRIX_LANES;
    for (int e = 0; e < n; e++)
        to[e] = number_at(
            cls, v, e / WEFT_MATRIX_LANES * t->c->lanes + lane_of(t, group, e % WEFT_MATRIX_LANES));
}

/* d = a * b + c: exact products, their sum with c in double (integers: in 64 bits), rounded
 * once. */
static void
multiply(const team *t, int group, const number *a, const number *b, const number *c, char *v)
{
    const weft_matrix *m = fragment_of(t, 0).matrix;
    const bufinfo *info = &t->c->in->buf[t->k->place[0]->buf];
    bool floats = weft_is_float(m->sum);
    for (int e = 0; e < m->m * m->n; e++) {
        number sum = c[e];
        for (int k = 0; k < m->k; k++) {
            number x = a[e / m->n * m->k + k], y = b[k * m->n + e % m->n];
            if (floats)
                sum.f += x.f * y.f;
            else
                sum.i += x.i * y.i;
        }
        put_number(info->cls, m->sum, v,
                   e / WEFT_MATRIX_LANES * t->c->lanes + lane_of(t, group, e % WEFT_MATRIX_LANES),
                   sum);
    }
}

static void
mma(const team *t)
{
    const weft_matrix *m = fragment_of(t, 0).matrix;
    const char *v[WEFT_MATRIX_PLACES] = { NULL };
    number *n[WEFT_MATRIX_PLACES];
    int size[WEFT_MATRIX_PLACES] = { m->m * m->n, m->m * m->k, m->k * m->n, m->m * m->n };
    for (int i = 1; i < WEFT_MATRIX_PLACES && !t->c->failed; i++) {
        v[i] = get_shares(t, i);
        n[i] = weft_interp_scratch(t->c, (size_t)size[i] * sizeof *n[i]);
    }
    if (t->c->failed)
        return;
    icls cls = t->c->in->buf[t->k->place[0]->buf].cls;
    char *d =
        weft_interp_scratch(t->c, interp_bytes(cls, interp_share(fragment_of(t, 0)) * t->c->lanes));
    for (int g = 0; g < t->ngroup; g++) {
        if (!is_here(t, g))
            continue;
        for (int i = 1; i < WEFT_MATRIX_PLACES; i++)
            collect(t, i, g, v[i], n[i]);
        multiply(t, g, n[1], n[2], n[3], d);
    }
    set_shares(t, 0, d);
}

void
weft_interp_matrix(ctx *c, const code *k)
{
    team t = { .c = c, .k = k };
    static void (*const does[WEFT_MATRIX_OPS])(const team *) = { fill, load, store, mma };
    if (arrive(&t))
        does[k->src->u.matrix.op](&t);
}
