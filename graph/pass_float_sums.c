/* float-sums: products of small integers whose sums are exact in f32 are computed in f32: a matmul
 * or conv in i32 between what was 8 bits wide, often less a zero point.  Where matrix units multiply
 * f16 and add up in f32, factors that f16 holds are of that: their products are exact, too.
 *
 * A sum of integers, in any order, is exact in f32 while the sum of their magnitudes is 2^24 at
 * most.  Of a constant operand the magnitudes are known, output channel by output channel; else
 * the greatest that its dtype allows counts.  A bias is added in i32.
 *
 * needs   types
 * keeps   order, every bit of the result; what may exceed 2^24 stays
 */
#include "graph/passes.h"

#include <string.h>

#define EXACT ((int64_t)1 << 24)
#define EXACT_HALF ((int64_t)1 << 11)
enum {
    DEEPEST = 8,           /* nodes from a product to what was narrow */
    MOST_ELEMENT = 1 << 29 /* magnitude that is looked at */
};

typedef struct range {
    int64_t least, most;
} range;

typedef struct pass {
    weft_sweep s;
    weft_arena scratch; /* of one product */
} pass;

/* ---- what is known of an operand ------------------------------------------------------------- */

static bool
is_narrow(weft_dtype t)
{
    return weft_is_int(t) && weft_dtype_bits(t) <= 8;
}

static range
range_of_dtype(weft_dtype t)
{
    int bits = weft_dtype_bits(t);
    bool is_signed = weft_dtype_kind(t) == WEFT_KIND_INT;
    int64_t all = (int64_t)1 << bits;
    return is_signed ? (range){ -all / 2, all / 2 - 1 } : (range){ 0, all - 1 };
}

/* The operator that makes an integer of others, if elements of it are known by theirs. */
static bool
passes_on(const weft_value *v, weft_op op)
{
    return v->node && v->node->op == op && weft_is_int(v->node->in[0]->dtype);
}

static bool
range_of(const weft_value *v, int depth, range *r)
{
    range by;
    if (depth > DEEPEST)
        return false;
    if (v->data && weft_is_int(v->dtype) && weft_const_count(v->data) == 1) {
        r->least = r->most = weft_get_i64(v->dtype, v->data->data, 0);
        return true;
    }
    if (is_narrow(v->dtype)) {
        *r = range_of_dtype(v->dtype);
        return true;
    }
    if (v->dtype == WEFT_I32 && (passes_on(v, WEFT_GOP_CAST) || passes_on(v, WEFT_GOP_RESHAPE) ||
                                 passes_on(v, WEFT_GOP_TRANSPOSE)))
        return range_of(v->node->in[0], depth + 1, r);
    if (v->dtype != WEFT_I32 || !passes_on(v, WEFT_GOP_SUB) ||
        !range_of(v->node->in[0], depth + 1, r) || !range_of(v->node->in[1], depth + 1, &by))
        return false;
    *r = (range){ r->least - by.most, r->most - by.least };
    return true;
}

static int64_t
magnitude_of(const weft_value *v)
{
    range r;
    if (!range_of(v, 0, &r))
        return EXACT + 1;
    int64_t most = r.most > -r.least ? r.most : -r.least;
    return most < EXACT ? most : EXACT + 1;
}

/* Where the element of a broadcast operand lies that belongs to element i of the result. */
static int64_t
place_in(const weft_value *operand, const weft_value *result, int64_t i)
{
    int64_t at = 0, stride = 1;
    for (int d = result->ndim - 1, o = operand->ndim - 1; o >= 0; d--, o--) {
        int64_t extent = 1, own = 1;
        weft_as_int(result->dim[d], &extent);
        weft_as_int(operand->dim[o], &own);
        at += own == 1 ? 0 : i % extent * stride;
        stride *= own;
        i /= extent;
    }
    return at;
}

static bool
set_element(int32_t *to, int64_t v)
{
    *to = (int32_t)v;
    return v >= -MOST_ELEMENT && v <= MOST_ELEMENT;
}

static int32_t *elements_of(weft_arena *, const weft_value *, int depth);

static bool
read_elements(const weft_const *c, int64_t n, int32_t *to)
{
    bool fits = true;
    for (int64_t i = 0; i < n && fits; i++)
        fits = set_element(&to[i], weft_get_i64(c->dtype, c->data, i));
    return fits;
}

static bool
subtract_elements(weft_arena *arena, const weft_value *v, int64_t n, int depth, int32_t *to)
{
    const weft_value *a = v->node->in[0], *b = v->node->in[1];
    const int32_t *of_a = elements_of(arena, a, depth + 1),
                  *of_b = of_a ? elements_of(arena, b, depth + 1) : NULL;
    bool fits = of_b != NULL;
    for (int64_t i = 0; i < n && fits; i++)
        fits = set_element(&to[i],
                           (int64_t)of_a[place_in(a, v, i)] - of_b[place_in(b, v, i)]);
    return fits;
}

/* The elements of a constant, or of what constants make; NULL: it is none, or one is too large. */
static int32_t *
elements_of(weft_arena *arena, const weft_value *v, int depth)
{
    int64_t n;
    if (depth > DEEPEST || !weft_is_int(v->dtype) || !weft_value_count(v, &n))
        return NULL;
    if (!v->data && (passes_on(v, WEFT_GOP_CAST) || passes_on(v, WEFT_GOP_RESHAPE)))
        return v->dtype == WEFT_I32 ? elements_of(arena, v->node->in[0], depth + 1) : NULL;
    if (!v->data && !passes_on(v, WEFT_GOP_SUB))
        return NULL;
    int32_t *all = weft_arena_try_alloc(arena, (size_t)n * sizeof *all);
    bool fits = all && (v->data ? read_elements(v->data, n, all)
                                : subtract_elements(arena, v, n, depth, all));
    return fits ? all : NULL;
}

/* ---- sums ------------------------------------------------------------------------------------ */

/* Elements of operand 1 that a sum takes, and how far they are apart. */
static bool
terms_of(const weft_node *n, int64_t *terms, int64_t *apart)
{
    const weft_value *w = n->in[1];
    int64_t extent, columns;
    *terms = *apart = 1;
    if (n->op == WEFT_GOP_CONV) {
        for (int d = 1; d < w->ndim; d++)
            if (!weft_as_int(w->dim[d], &extent) || !weft_mul64(*terms, extent, terms))
                return false;
        return true;
    }
    bool across = weft_node_int(n, "tb") != 0;
    if (w->ndim < 2 || !weft_as_int(w->dim[w->ndim - (across ? 1 : 2)], terms) ||
        !weft_as_int(w->dim[w->ndim - (across ? 2 : 1)], &columns))
        return false;
    *apart = across ? 1 : columns;
    return true;
}

/* The greatest sum of the magnitudes of the terms of one output. */
static int64_t
greatest_sum(const int32_t *w, int64_t count, int64_t terms, int64_t apart)
{
    int64_t most = 0;
    for (int64_t first = 0; first < count; first++) {
        int64_t sum = 0;
        if (first / apart % terms != 0)
            continue;
        for (int64_t k = 0; k < terms && sum <= EXACT; k++) {
            int64_t v = w[first + k * apart];
            sum += v < 0 ? -v : v;
        }
        most = sum > most ? sum : most;
    }
    return most;
}

/* Whether every sum is exact; *w: the elements of operand 1 if they are known. */
static bool
is_exact(pass *p, const weft_node *n, int32_t **w)
{
    int64_t terms, apart, count, sum, by = magnitude_of(n->in[0]);
    *w = NULL;
    if (by > EXACT || !terms_of(n, &terms, &apart))
        return false;
    *w = elements_of(&p->scratch, n->in[1], 0);
    if (*w && weft_value_count(n->in[1], &count))
        sum = terms > 0 ? greatest_sum(*w, count, terms, apart) : 0;
    else if (!weft_mul64(terms, magnitude_of(n->in[1]), &sum))
        return false;
    return sum <= EXACT && sum * by <= EXACT;
}

/* ---- the same in f32 ------------------------------------------------------------------------- */

static weft_value *
cast(pass *p, const weft_node *n, weft_value *v, weft_dtype to)
{
    weft_attr attr = weft_attr_dtype("dtype", to);
    return weft_graph_add(p->s.g, WEFT_GOP_CAST, n->name, n->kind, NULL, 1, &v, 1, &attr);
}

static weft_value *
constant(pass *p, const weft_value *v, const int32_t *element, weft_dtype t)
{
    weft_graph *g = p->s.g;
    int64_t count = 1, *dim = WEFT_NEW_ARRAY(&g->ir->arena, v->ndim, int64_t);
    for (int d = 0; d < v->ndim; d++) {
        weft_as_int(v->dim[d], &dim[d]);
        count *= dim[d];
    }
    weft_const c = weft_const_make(g, t, v->ndim, dim);
    for (int64_t i = 0; i < count; i++)
        weft_set_f64(t, (void *)(uintptr_t)c.data, i, element[i]);
    return weft_graph_constant(
        g, weft_arena_printf(&g->ir->arena, "%s.%s", v->name, weft_dtype_name(t)), &c);
}

/* The bias of a conv beside its channels. */
static weft_value *
beside_channels(pass *p, const weft_node *n)
{
    weft_ir *ir = p->s.g->ir;
    int rank = n->out[0]->ndim;
    const weft_expr **dim = WEFT_NEW_ARRAY(&ir->arena, rank, const weft_expr *);
    for (int d = 0; d < rank - 1; d++)
        dim[d] = d ? weft_int(ir, WEFT_I64, 1) : n->in[2]->dim[0];
    const char *name = weft_arena_printf(&ir->arena, "%s.channels", n->in[2]->name);
    return weft_reshaped(p->s.g, n->in[2], name, rank - 1, dim);
}

/* Whether f16 holds both operands; w: the second's elements if they are known. */
static bool
are_halves(const weft_node *n, const int32_t *w)
{
    int64_t count = 0, most = w ? 0 : magnitude_of(n->in[1]);
    if (w)
        weft_value_count(n->in[1], &count);
    for (int64_t i = 0; i < count; i++) {
        int64_t v = w[i] < 0 ? -(int64_t)w[i] : w[i];
        most = v > most ? v : most;
    }
    return most <= EXACT_HALF && magnitude_of(n->in[0]) <= EXACT_HALF;
}

/* The product in f32, of factors of dtype t. */
static weft_value *
sum_of(pass *p, const weft_node *n, const int32_t *w, weft_dtype t)
{
    int nattr = 0;
    weft_attr *attr = WEFT_NEW_ARRAY(&p->scratch, n->nattr + 1, weft_attr);
    for (int i = 0; i < n->nattr; i++)
        if (strcmp(n->attr[i].name, "dtype") != 0)
            attr[nattr++] = n->attr[i];
    if (t != WEFT_F32)
        attr[nattr++] = weft_attr_dtype("dtype", WEFT_F32);
    weft_value *in[2] = { cast(p, n, n->in[0], t),
                          w ? constant(p, n->in[1], w, t) : cast(p, n, n->in[1], t) };
    return in[0] && in[1]
               ? weft_graph_add(p->s.g, n->op, n->name, n->kind, NULL, 2, in, nattr, attr)
               : NULL;
}

static bool
replace(pass *p, weft_node *n, const int32_t *w, bool halves)
{
    weft_attr i32 = weft_attr_dtype("dtype", WEFT_I32);
    weft_value *sum = sum_of(p, n, w, halves && are_halves(n, w) ? WEFT_F16 : WEFT_F32);
    if (!sum)
        return false;
    if (n->nin < 3 || !n->in[2])
        return weft_sweep_instead(&p->s, n, WEFT_GOP_CAST, 1, &sum, 1, &i32) != NULL;
    weft_value *both[2] = { cast(p, n, sum, WEFT_I32), beside_channels(p, n) };
    return both[0] && both[1] &&
           weft_sweep_instead(&p->s, n, WEFT_GOP_ADD, 2, both, 0, NULL) != NULL;
}

static bool
is_integer_product(const weft_node *n)
{
    return (n->op == WEFT_GOP_MATMUL || n->op == WEFT_GOP_CONV) && n->out[0]->dtype == WEFT_I32 &&
           n->in[0]->dtype == WEFT_I32 && n->in[1]->dtype == WEFT_I32;
}

weft_status
weft_pass_float_sums(weft_graph *g, const weft_graph_options *options, bool *changed)
{
    pass p = { .s = weft_sweep_start(g) };
    bool ok = true;
    for (int i = 0; i < p.s.n; i++) {
        weft_node *n = weft_sweep_take(&p.s, i);
        int32_t *w;
        bool takes =
            ok && options->float_sums && is_integer_product(n) && is_exact(&p, n, &w);
        if (takes)
            ok = replace(&p, n, w, options->half_products);
        else
            weft_sweep_keep(&p.s, n);
        weft_arena_reset(&p.scratch);
    }
    *changed = weft_sweep_end(&p.s);
    return ok ? WEFT_OK : WEFT_INTERNAL;
}
