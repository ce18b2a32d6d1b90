/* tests/graphfuzz/make.c: a graph made of what the makers add, and what they share. */
#include "graphfuzz.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_ELEMENTS = 3000, TRIES = 400 };

/* ---- numbers --------------------------------------------------------------------------------- */

/* SplitMix64 (Steele, Lea, Flood 2014). */
static uint64_t
next(gf_graph *g)
{
    uint64_t z = g->random += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

int64_t
gf_below(gf_graph *g, int64_t n)
{
    return (int64_t)(next(g) % (uint64_t)n);
}

double
gf_unit(weft_dtype t)
{
    return weft_is_float(t) ? ldexp(1, -1 - weft_dtype_mantissa(t)) : 0;
}

int64_t
gf_count(const gf_value *v)
{
    int64_t n = 1;
    for (int d = 0; d < v->ndim; d++)
        n *= v->dim[d];
    return n;
}

double
gf_most(const gf_value *v)
{
    return fmax(fabs(v->lo), fabs(v->hi));
}

bool
gf_is_exact(const gf_value *v)
{
    return v->error == 0;
}

/* ---- choosing operands ----------------------------------------------------------------------- */

/* Near enough to exact to be read again. */
static bool
is_sound(const gf_value *v)
{
    return v->error <= gf_most(v) / 64;
}

/* Mostly what nothing reads yet, and later values more often: graphs are deep, their groups large
 * and their outputs few. */
int
gf_pick(gf_graph *g, gf_filter *filter)
{
    int found[GF_VALUES], n = 0;
    bool fresh = gf_below(g, 4) != 0;
    for (int i = 0; i < g->n; i++) {
        const gf_value *v = &g->value[i];
        if (!v->is_small && is_sound(v) && (!filter || filter(v)) && !(fresh && v->is_read) &&
            !(v->is_folded && gf_below(g, 8)))
            found[n++] = i;
    }
    if (!n)
        return -1;
    int64_t a = gf_below(g, n), b = gf_below(g, n);
    return found[a > b ? a : b];
}

static bool
broadcasts(const gf_value *a, const gf_value *b)
{
    int64_t n = 1;
    int rank = a->ndim > b->ndim ? a->ndim : b->ndim;
    for (int d = 1; d <= rank; d++) {
        int64_t x = d <= a->ndim ? a->dim[a->ndim - d] : 1;
        int64_t y = d <= b->ndim ? b->dim[b->ndim - d] : 1;
        if (x != y && x != 1 && y != 1)
            return false;
        n *= x > y ? x : y;
    }
    return n <= MAX_ELEMENTS;
}

int
gf_pick_beside(gf_graph *g, int v, gf_filter *filter)
{
    int found[GF_VALUES], n = 0;
    for (int i = 0; i < g->n; i++) {
        const gf_value *w = &g->value[i];
        bool again = w->is_read || i == v;
        if (w->dtype == g->value[v].dtype && !w->is_small && is_sound(w) &&
            broadcasts(w, &g->value[v]) && (!filter || filter(w)) && !(again && gf_below(g, 3)))
            found[n++] = i;
    }
    return n ? found[gf_below(g, n)] : -1;
}

/* ---- adding ---------------------------------------------------------------------------------- */

static gf_value *
append(gf_graph *g, gf_value v)
{
    weft_assert(g->n < GF_VALUES, "graph %ld has more than %d values", g->id, GF_VALUES);
    snprintf(v.name, sizeof v.name, "g%ld_v%d", g->id, g->n);
    g->value[g->n] = v;
    return &g->value[g->n++];
}

int
gf_new_input(gf_graph *g, weft_dtype t, int ndim, const int64_t *dim)
{
    gf_value v = { .dtype = t, .ndim = ndim, .is_input = true };
    v.lo = weft_is_float(t) ? -1 : 0;
    v.hi = weft_is_int(t) ? 9 : 1;
    memcpy(v.dim, dim, (size_t)ndim * sizeof *dim);
    append(g, v);
    return g->n - 1;
}

int
gf_new_scalar(gf_graph *g, weft_dtype t, double x)
{
    gf_value v = { .dtype = t, .op = WEFT_GOP_CONSTANT, .is_small = true };
    v.lo = v.hi = weft_is_float(t) ? weft_round_to(t, x) : x;
    snprintf(v.attrs, sizeof v.attrs, "%.9g", v.lo);
    append(g, v);
    return g->n - 1;
}

void
gf_dims_text(char *to, size_t room, int n, const int64_t *dim)
{
    size_t at = (size_t)snprintf(to, room, "[");
    for (int d = 0; d < n && at < room; d++)
        at += (size_t)snprintf(to + at, room - at, "%s%lld", d ? ", " : "", (long long)dim[d]);
    if (at < room)
        snprintf(to + at, room - at, "]");
}

/* Greatest magnitude that graphs keep to; its square has to be a value too. */
static double
bound_of(weft_dtype t)
{
    return t == WEFT_F16 ? 100 : 3000;
}

bool
gf_add(gf_graph *g, weft_op op, gf_value like, int nin, const int *in, const char *attrs)
{
    gf_value v = like;
    if (gf_count(&v) > MAX_ELEMENTS || v.ndim > GF_RANK || g->n + 1 >= GF_VALUES)
        return false;
    if (weft_is_float(v.dtype) &&
        (!isfinite(v.lo) || !isfinite(v.hi) || gf_most(&v) > bound_of(v.dtype)))
        return false;
    v.op = op;
    v.nin = nin;
    v.is_input = v.is_output = v.is_small = v.is_read = false;
    v.is_folded = true;
    for (int i = 0; i < nin; i++) {
        if (in[i] < 0)
            continue;
        v.is_folded &= g->value[in[i]].is_folded || g->value[in[i]].is_small;
        g->value[in[i]].is_read = true;
    }
    memcpy(v.in, in, (size_t)nin * sizeof *in);
    snprintf(v.attrs, sizeof v.attrs, "%s", attrs);
    append(g, v);
    g->nodes++;
    return true;
}

/* A node that is not counted: part of what makes an operand. */
static int
add_part(gf_graph *g, weft_op op, gf_value v, int in, const char *attrs)
{
    v.op = op;
    v.nin = 1;
    v.in[0] = in;
    v.is_folded = true;
    v.is_small = op != WEFT_GOP_RESHAPE;
    snprintf(v.attrs, sizeof v.attrs, "%s", attrs);
    append(g, v);
    return g->n - 1;
}

/* Thirteen numbers, repeated, cut to size: folded to a constant when the graph is compiled. */
int
gf_new_weights(gf_graph *g, weft_dtype t, int ndim, const int64_t *dim, double lo, double hi)
{
    enum { PERIOD = 13 };
    gf_value v = { .dtype = t, .ndim = 2, .dim = { 1, PERIOD }, .lo = lo, .hi = hi };
    gf_value whole = v;
    char text[120];
    size_t at = 0;
    v.op = WEFT_GOP_CONSTANT;
    v.is_small = true;
    for (int i = 0; i < PERIOD; i++) {
        double x = lo + (hi - lo) * (double)gf_below(g, 257) / 256;
        at += (size_t)snprintf(v.attrs + at, sizeof v.attrs - at, "%s%.6g", i ? ", " : "",
                               weft_is_float(t) ? weft_round_to(t, x) : floor(x));
    }
    append(g, v);
    whole.ndim = ndim;
    memcpy(whole.dim, dim, (size_t)ndim * sizeof *dim);
    int64_t n = gf_count(&whole);
    v.dim[0] = weft_ceildiv(n, PERIOD);
    gf_dims_text(text, sizeof text, 2, v.dim);
    char attrs[GF_TEXT];
    snprintf(attrs, sizeof attrs, "dims=%s", text);
    int made = add_part(g, WEFT_GOP_BROADCAST_TO, v, g->n - 1, attrs);
    v.ndim = 1;
    v.dim[0] *= PERIOD;
    snprintf(attrs, sizeof attrs, "dims=[%lld]", (long long)v.dim[0]);
    v.is_small = true;
    made = add_part(g, WEFT_GOP_RESHAPE, v, made, attrs);
    g->value[made].is_small = true;
    v.dim[0] = n;
    snprintf(attrs, sizeof attrs, "starts=[0], steps=[1], dims=[%lld]", (long long)n);
    made = add_part(g, WEFT_GOP_SLICE, v, made, attrs);
    gf_dims_text(text, sizeof text, ndim, dim);
    snprintf(attrs, sizeof attrs, "dims=%s", text);
    return add_part(g, WEFT_GOP_RESHAPE, whole, made, attrs);
}

int
gf_clipped(gf_graph *g, int at, double lo, double hi)
{
    const gf_value v = g->value[at];
    if (v.lo - v.error >= lo && v.hi + v.error <= hi)
        return at;
    gf_value r = v;
    int in[3] = { at, gf_new_scalar(g, v.dtype, lo), gf_new_scalar(g, v.dtype, hi) };
    r.lo = fmin(fmax(v.lo, g->value[in[1]].lo), g->value[in[2]].lo);
    r.hi = fmin(fmax(v.hi, g->value[in[1]].lo), g->value[in[2]].lo);
    return gf_add(g, WEFT_GOP_CLIP, r, 3, in, "") ? g->n - 1 : -1;
}

/* ---- a graph --------------------------------------------------------------------------------- */

static void
add_inputs(gf_graph *g)
{
    static const weft_dtype dtypes[] = { WEFT_F32, WEFT_F32, WEFT_F32, WEFT_F16, WEFT_BF16,
                                         WEFT_I32, WEFT_I64, WEFT_I8,  WEFT_U8,  WEFT_BOOL };
    static const int64_t sizes[] = { 1, 2, 3, 4, 5, 7, 8, 9, 16, 17 };
    int n = 1 + (int)gf_below(g, 3);
    int64_t pool[GF_RANK];
    for (int d = 0; d < GF_RANK; d++)
        pool[d] = sizes[gf_below(g, 10)];
    for (int i = 0; i < n; i++) {
        int64_t dim[GF_RANK];
        int ndim = gf_below(g, 8) ? 1 + (int)gf_below(g, 4) : 0;
        for (int d = 0; d < ndim; d++) /* dims that recur, so that values meet */
            dim[d] = gf_below(g, 5) ? pool[(d + (int)gf_below(g, 2)) % GF_RANK] : 1;
        gf_value v = { .ndim = ndim };
        memcpy(v.dim, dim, sizeof dim);
        while (gf_count(&v) > MAX_ELEMENTS)
            v.dim[gf_below(g, ndim)] = 2;
        weft_dtype t = g->wide && i == 0 ? WEFT_F64 : dtypes[gf_below(g, i ? 10 : 4)];
        gf_new_input(g, t, ndim, v.dim);
    }
}

/* ORDER: drawn by weight */
static const struct {
    gf_maker *make;
    int weight;
} makers[] = {
    { gf_unary, 12 },   { gf_binary, 14 }, { gf_step, 3 },           { gf_power, 2 },
    { gf_integers, 4 }, { gf_compare, 4 }, { gf_logic, 2 },          { gf_where, 4 },
    { gf_cast, 6 },     { gf_clip, 3 },    { gf_transpose, 5 },      { gf_reshape, 5 },
    { gf_slice, 6 },    { gf_concat, 4 },  { gf_broadcast, 3 },      { gf_pad, 4 },
    { gf_take, 4 },     { gf_full, 1 },    { gf_reduce, 8 },         { gf_argreduce, 2 },
    { gf_softmax, 4 },  { gf_norm, 4 },    { gf_pool, 5 },           { gf_lrn, 1 },
    { gf_matmul, 8 },   { gf_conv, 8 },    { gf_conv_transpose, 3 }, { gf_products, 8 },
};
enum { NMAKERS = sizeof makers / sizeof *makers };

static bool
add_node(gf_graph *g)
{
    int total = 0, i = 0;
    for (i = 0; i < NMAKERS; i++)
        total += makers[i].weight;
    int64_t at = gf_below(g, total);
    for (i = 0; at >= makers[i].weight; i++)
        at -= makers[i].weight;
    return makers[i].make(g);
}

/* What nothing reads is an output, and now and then something that is read. */
static void
choose_outputs(gf_graph *g)
{
    for (int i = 0; i < g->n; i++) {
        gf_value *v = &g->value[i];
        bool node = !v->is_input && !v->is_small && !v->is_folded;
        v->is_output = node && (!v->is_read || gf_below(g, 12) == 0);
    }
}

void
gf_make(gf_graph *g, uint64_t seed, long id)
{
    *g = (gf_graph){ .random = seed * 0x2545F4914F6CDD1Du + (uint64_t)id, .id = id };
    next(g);
    g->wide = id / 25 % 8 == 7; /* whole batches: a target without f64 leaves out all of one */
    int wanted = 2 + (int)gf_below(g, 19);
    add_inputs(g);
    for (int i = 0; i < TRIES && g->nodes < wanted && g->n < GF_VALUES - 12; i++)
        add_node(g);
    choose_outputs(g);
}
