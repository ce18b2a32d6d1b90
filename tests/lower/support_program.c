/* Random programs: a few tensors of rank 1 to 3 over small sizes, whole numbers in f64, so that the
 * order of a sum does not matter. */
#include "support_random.h"

#include <string.h>

enum { MAX_TENSORS = 12, MAX_RANK = 3 };

typedef struct shaped {
    weft_tensor *t;
    int rank;
    int64_t size[MAX_RANK]; /* with n_value for the symbol */
    const weft_expr *dim[MAX_RANK];
    bool read;
} shaped;

typedef struct maker {
    weft_te *te;
    weft_ir *ir;
    rng *r;
    shaped at[MAX_TENSORS];
    int n, names;
} maker;

uint64_t
draw(rng *r)
{
    r->s += 0x9e3779b97f4a7c15u;
    uint64_t z = r->s;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int
pick(rng *r, int n)
{
    return (int)(draw(r) % (uint64_t)n);
}

bool
once_in(rng *r, int n)
{
    return pick(r, n) == 0;
}

/* ---- pieces ---------------------------------------------------------------------------------- */

static const weft_expr *
num(maker *m, int64_t v)
{
    return weft_i32(m->ir, v);
}

static char *
name(maker *m, const char *letter, char text[16])
{
    snprintf(text, 16, "%s%d", letter, m->names++);
    return text;
}

typedef struct draft { /* a tensor being defined */
    int rank;
    int64_t size[MAX_RANK];
    const weft_expr *dim[MAX_RANK];
    weft_axis *axis[MAX_RANK];
    const weft_expr *i[MAX_RANK];
} draft;

static void
add_axis(maker *m, draft *d, const weft_expr *dim, int64_t size)
{
    char text[16];
    d->dim[d->rank] = dim;
    d->size[d->rank] = size;
    d->axis[d->rank] = weft_te_axis(m->te, name(m, "i", text), dim);
    d->i[d->rank] = weft_axis_ref(m->te, d->axis[d->rank]);
    d->rank++;
}

static draft
like(maker *m, const shaped *s, int rank)
{
    draft d = { 0 };
    for (int k = 0; k < rank; k++)
        add_axis(m, &d, s->dim[k], s->size[k]);
    return d;
}

static const weft_expr *
read_at(maker *m, shaped *s, const weft_expr *const *index)
{
    s->read = true;
    return weft_tensor_at(m->te, s->t, s->rank, index);
}

static void
finish(maker *m, const draft *d, weft_tensor *t)
{
    shaped *s = &m->at[m->n++];
    assert_non_null(t);
    *s = (shaped){ .t = t, .rank = d->rank };
    memcpy(s->size, d->size, sizeof s->size);
    memcpy(s->dim, d->dim, sizeof s->dim);
}

static void
define(maker *m, const draft *d, const weft_expr *value)
{
    char text[16];
    finish(m, d, weft_te_compute(m->te, name(m, "T", text), d->rank, d->axis, value));
}

static shaped *
any(maker *m)
{
    return &m->at[once_in(m->r, 3) ? pick(m->r, m->n) : m->n - 1];
}

static const weft_expr *
plus(maker *m, const weft_expr *e, double v)
{
    return weft_add(m->ir, e, weft_float(m->ir, WEFT_F64, v));
}

/* ---- operators ------------------------------------------------------------------------------- */

static void
make_elementwise(maker *m)
{
    shaped *a = any(m), *b = any(m);
    draft d = like(m, a, a->rank);
    const weft_expr *v = read_at(m, a, d.i);
    bool same = a->rank == b->rank;
    for (int k = 0; k < a->rank; k++)
        same = same && a->dim[k] == b->dim[k];
    v = same ? weft_sub(m->ir, v,
                        weft_mul(m->ir, read_at(m, b, d.i), weft_float(m->ir, WEFT_F64, 2)))
             : plus(m, v, 3);
    define(m, &d, v);
}

static void
make_transpose(maker *m)
{
    shaped *a = any(m);
    draft d = { 0 };
    const weft_expr *index[MAX_RANK];
    for (int k = a->rank - 1; k >= 0; k--)
        add_axis(m, &d, a->dim[k], a->size[k]);
    for (int k = 0; k < a->rank; k++)
        index[k] = d.i[a->rank - 1 - k];
    define(m, &d, plus(m, read_at(m, a, index), 1));
}

/* A window of 3 along a dimension that has them. */
static void
make_stencil(maker *m)
{
    shaped *a = any(m);
    int at = a->rank ? pick(m->r, a->rank) : 0;
    const weft_expr *sum = NULL, *index[MAX_RANK];
    draft d = { 0 };
    if (a->rank < 1 || a->size[at] < 4)
        return;
    for (int k = 0; k < a->rank; k++)
        add_axis(m, &d, k == at ? weft_sub(m->ir, a->dim[k], num(m, 2)) : a->dim[k],
                 a->size[k] - 2 * (k == at));
    for (int u = 0; u < 3; u++) {
        memcpy(index, d.i, sizeof index);
        index[at] = weft_add(m->ir, d.i[at], num(m, u));
        const weft_expr *v =
            weft_mul(m->ir, read_at(m, a, index), weft_float(m->ir, WEFT_F64, u + 1));
        sum = sum ? weft_add(m->ir, sum, v) : v;
    }
    define(m, &d, sum);
}

static void
make_pad(maker *m)
{
    shaped *a = any(m);
    int at = a->rank ? pick(m->r, a->rank) : 0;
    const weft_expr *index[MAX_RANK];
    draft d = { 0 };
    if (a->rank < 1)
        return;
    for (int k = 0; k < a->rank; k++)
        add_axis(m, &d, k == at ? weft_add(m->ir, a->dim[k], num(m, 2)) : a->dim[k],
                 a->size[k] + 2 * (k == at));
    memcpy(index, d.i, sizeof index);
    index[at] = weft_sub(m->ir, d.i[at], num(m, 1));
    const weft_expr *in =
        weft_and(m->ir, weft_ge(m->ir, d.i[at], num(m, 1)), weft_le(m->ir, d.i[at], a->dim[at]));
    define(m, &d, weft_guard(m->ir, in, read_at(m, a, index), weft_float(m->ir, WEFT_F64, 0)));
}

static void
make_reduce(maker *m)
{
    shaped *a = any(m);
    char text[16];
    if (a->rank < 1)
        return;
    draft d = like(m, a, a->rank - 1);
    const weft_expr *index[MAX_RANK];
    weft_axis *r = weft_te_reduce_axis(m->te, name(m, "r", text), a->dim[a->rank - 1]);
    memcpy(index, d.i, sizeof index);
    index[a->rank - 1] = weft_axis_ref(m->te, r);
    weft_reducer kind = (weft_reducer[]){ WEFT_SUM, WEFT_RMAX, WEFT_RMIN }[pick(m->r, 3)];
    finish(m, &d,
           weft_te_reduce(m->te, name(m, "R", text), d.rank, d.axis, 1, &r, kind,
                          read_at(m, a, index)));
}

/* sum(r) a[.., r] * b[j, r], b the same tensor or one with the same last dimension. */
static void
make_product(maker *m)
{
    shaped *a = any(m), *b = any(m);
    char text[16];
    if (a->rank != 2 || b->rank != 2 || a->dim[1] != b->dim[1])
        return;
    draft d = { 0 };
    add_axis(m, &d, a->dim[0], a->size[0]);
    add_axis(m, &d, b->dim[0], b->size[0]);
    weft_axis *r = weft_te_reduce_axis(m->te, name(m, "r", text), a->dim[1]);
    const weft_expr *k = weft_axis_ref(m->te, r), *ai[2] = { d.i[0], k }, *bi[2] = { d.i[1], k };
    const weft_expr *v = weft_mul(m->ir, read_at(m, a, ai), read_at(m, b, bi));
    finish(m, &d, weft_te_reduce(m->te, name(m, "P", text), 2, d.axis, 1, &r, WEFT_SUM, v));
}

/* The greatest element and where the last such stands; where ties are broken the same way whatever
 * the order: by the greater index. */
static void
make_argmax(maker *m)
{
    shaped *a = any(m);
    char text[16], other[16];
    if (a->rank != 2)
        return;
    weft_ir *ir = m->ir;
    draft d = like(m, a, 1);
    weft_axis *r = weft_te_reduce_axis(m->te, name(m, "r", text), a->dim[1]);
    const weft_expr *k = weft_axis_ref(m->te, r), *index[2] = { d.i[0], k };
    const weft_var *lhs[2] = { weft_te_var(m->te, "v", WEFT_F64),
                               weft_te_var(m->te, "p", WEFT_F64) };
    const weft_var *rhs[2] = { weft_te_var(m->te, "w", WEFT_F64),
                               weft_te_var(m->te, "q", WEFT_F64) };
    const weft_expr *v = weft_ref(ir, lhs[0]), *p = weft_ref(ir, lhs[1]), *w = weft_ref(ir, rhs[0]),
                    *q = weft_ref(ir, rhs[1]);
    const weft_expr *tie = weft_select(ir, weft_eq(ir, v, w), weft_max(ir, p, q),
                                       weft_select(ir, weft_gt(ir, v, w), p, q));
    const weft_expr *result[2] = { weft_max(ir, v, w), tie };
    const weft_expr *identity[2] = { weft_float(ir, WEFT_F64, -1e30),
                                     weft_float(ir, WEFT_F64, -1) };
    const weft_expr *source[2] = { read_at(m, a, index), weft_cast(ir, WEFT_F64, k) };
    weft_tuple_reducer by = { 2, lhs, rhs, result, identity };
    weft_tensor *out[2];
    const char *names[2] = { name(m, "V", text), name(m, "X", other) };
    if (m->n + 2 > MAX_TENSORS ||
        weft_te_reduce_tuple(m->te, names, 1, d.axis, 1, &r, &by, source, out) != WEFT_OK)
        return;
    finish(m, &d, out[0]);
    finish(m, &d, out[1]);
}

/* a[.., j] + row[..] for a row that fits. */
static void
make_broadcast(maker *m)
{
    shaped *a = any(m), *b = any(m);
    if (a->rank < 2 || b->rank != 1 || a->dim[0] != b->dim[0])
        return;
    draft d = like(m, a, a->rank);
    define(m, &d, weft_add(m->ir, read_at(m, a, d.i), read_at(m, b, d.i)));
}

static void
make_reversed(maker *m)
{
    shaped *a = any(m);
    if (a->rank < 1)
        return;
    draft d = like(m, a, a->rank);
    const weft_expr *index[MAX_RANK];
    int at = pick(m->r, a->rank);
    memcpy(index, d.i, sizeof index);
    index[at] = weft_sub(m->ir, weft_sub(m->ir, a->dim[at], num(m, 1)), d.i[at]);
    define(m, &d, read_at(m, a, index));
}

/* Every second element; half the elements of each pair of neighbours. */
static void
make_strided(maker *m)
{
    shaped *a = any(m);
    int64_t v;
    if (a->rank < 1 || !weft_as_int(a->dim[0], &v) || v < 2)
        return;
    draft d = { 0 };
    add_axis(m, &d, num(m, v / 2), v / 2);
    for (int k = 1; k < a->rank; k++)
        add_axis(m, &d, a->dim[k], a->size[k]);
    const weft_expr *even[MAX_RANK], *odd[MAX_RANK];
    memcpy(even, d.i, sizeof even);
    memcpy(odd, d.i, sizeof odd);
    even[0] = weft_mul(m->ir, d.i[0], num(m, 2));
    odd[0] = weft_add(m->ir, even[0], num(m, 1));
    define(m, &d, weft_sub(m->ir, read_at(m, a, even), read_at(m, a, odd)));
}

static void
make_flattened(maker *m)
{
    shaped *a = any(m);
    if (a->rank != 2 || a->size[0] * a->size[1] > 80)
        return;
    draft d = { 0 };
    add_axis(m, &d, weft_mul(m->ir, a->dim[0], a->dim[1]), a->size[0] * a->size[1]);
    const weft_expr *index[2] = { weft_fdiv(m->ir, d.i[0], a->dim[1]),
                                  weft_fmod(m->ir, d.i[0], a->dim[1]) };
    define(m, &d, read_at(m, a, index));
}

/* ---- programs -------------------------------------------------------------------------------- */

static void
make_input(maker *m, const weft_expr *n, int64_t n_value)
{
    char text[16];
    shaped *s = &m->at[m->n++];
    *s = (shaped){ .rank = 1 + pick(m->r, MAX_RANK), .read = true };
    for (int k = 0; k < s->rank; k++) {
        bool symbol = n && once_in(m->r, 2);
        s->size[k] = symbol ? n_value : 1 + pick(m->r, s->rank == 1 ? 40 : 9);
        s->dim[k] = symbol ? n : num(m, s->size[k]);
    }
    s->t = weft_te_input(m->te, name(m, "A", text), WEFT_F64, s->rank, s->dim);
}

weft_te *
random_program(rng r, weft_diag *diag, int64_t *n_value)
{
    static void (*const make[])(
        maker *) = { make_elementwise, make_elementwise, make_transpose, make_stencil,  make_pad,
                     make_reduce,      make_reduce,      make_product,   make_product,  make_argmax,
                     make_broadcast,   make_reversed,    make_strided,   make_flattened };
    maker m = { .te = weft_te_create("p", diag), .r = &r };
    m.ir = weft_te_ir(m.te);
    *n_value = 1 + pick(&r, 9);
    const weft_expr *n = once_in(&r, 3) ? weft_te_symbol(m.te, "n", WEFT_I32) : NULL;
    make_input(&m, n, *n_value);
    int inputs = m.n, want = inputs + 1 + pick(&r, 4);
    for (int tries = 0; (m.n < want || m.n == inputs) && tries < 60; tries++)
        make[pick(&r, (int)(sizeof make / sizeof *make))](&m);
    for (int i = inputs; i < m.n; i++)
        if (!m.at[i].read)
            weft_te_output(m.te, m.at[i].t);
    return m.te;
}
