/* tests/graphfuzz/contract.c: products summed: matmul and convolutions. */
#include "graphfuzz.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool
is_matrix(const gf_value *v)
{
    return v->ndim >= 2 && v->dtype != WEFT_BOOL;
}

static bool
is_image(const gf_value *v)
{
    return v->ndim >= 3 && weft_is_float(v->dtype);
}

/* A sum of k products of a and b. */
static void
contracted(gf_value *y, const gf_value *a, const gf_value *b, int64_t k)
{
    double ma = gf_most(a), mb = gf_most(b), n = (double)k;
    double u = gf_unit(WEFT_F32) < gf_unit(y->dtype) ? gf_unit(WEFT_F32) : gf_unit(y->dtype);
    bool positive = a->lo >= 0 && b->lo >= 0;
    y->hi = n * ma * mb;
    y->lo = positive ? 0 : -y->hi;
    y->error = n * (a->error * mb + b->error * ma) + (n + 2) * u * n * ma * mb +
               gf_unit(y->dtype) * n * ma * mb;
    if (!weft_is_float(y->dtype)) {
        y->lo = (double)weft_dtype_min(y->dtype);
        y->hi = y->dtype == WEFT_U64 ? 1.8e19 : (double)weft_dtype_max(y->dtype);
        y->error = 0;
    }
}

/* Weights as constants, which passes re-lay, or as an input. */
static int
operand(gf_graph *g, weft_dtype t, int ndim, const int64_t *dim)
{
    return gf_below(g, 3) ? gf_new_weights(g, t, ndim, dim, weft_is_float(t) ? -1 : 0,
                                           weft_is_float(t) ? 1 : 3)
                          : gf_new_input(g, t, ndim, dim);
}

bool
gf_matmul(gf_graph *g)
{
    int in[2] = { gf_pick(g, is_matrix), -1 };
    if (in[0] < 0)
        return false;
    const gf_value a = g->value[in[0]];
    int64_t ta = gf_below(g, 3) == 0, tb = gf_below(g, 3) == 0;
    int64_t m = a.dim[a.ndim - (ta ? 1 : 2)], k = a.dim[a.ndim - (ta ? 2 : 1)];
    for (int i = 0; i < g->n && in[1] < 0; i++) { /* a value that happens to fit */
        const gf_value *w = &g->value[i];
        bool fits = w->dtype == a.dtype && w->ndim == 2 && !w->is_small &&
                    w->error <= gf_most(w) / 64 && w->dim[tb ? 1 : 0] == k;
        if (fits && gf_below(g, 2))
            in[1] = i;
    }
    if (in[1] < 0) {
        int64_t n = 1 + gf_below(g, 20), dim[3] = { 1, tb ? n : k, tb ? k : n };
        bool batch = a.ndim == 3 && gf_below(g, 3) == 0;
        dim[0] = batch ? a.dim[0] : 1;
        in[1] = operand(g, a.dtype, batch ? 3 : 2, batch ? dim : dim + 1);
    }
    const gf_value b = g->value[in[1]];
    gf_value y = a;
    char attrs[24];
    y.dim[y.ndim - 2] = m;
    y.dim[y.ndim - 1] = b.dim[b.ndim - (tb ? 2 : 1)];
    contracted(&y, &a, &b, k);
    snprintf(attrs, sizeof attrs, "ta=%d, tb=%d", (int)ta, (int)tb);
    return gf_add(g, WEFT_GOP_MATMUL, y, 2, in, attrs);
}

/* So many columns of as many rows as `a` has are whole pieces of memory, at which any tensor may
 * begin. */
static int64_t
columns_of_pieces(const gf_value *a)
{
    enum { PIECE = 256 };
    int64_t n = PIECE, bytes = a->dim[a->ndim - 2] * weft_dtype_bits(a->dtype) / 8;
    while (n > 1 && n / 2 * bytes % PIECE == 0)
        n /= 2;
    return n;
}

static bool
has_one_matrix(const gf_value *v)
{
    int64_t n = 1;
    for (int d = 0; d < v->ndim - 2; d++)
        n *= v->dim[d];
    return is_matrix(v) && n == 1 && v->dim[v->ndim - 1] <= 64;
}

/* Products of one matrix with several, one after the other: concatenated in place where nothing is in
 * the way. */
bool
gf_products(gf_graph *g)
{
    int in[3], n = 2 + (int)gf_below(g, 2), x = gf_pick(g, has_one_matrix);
    if (x < 0)
        return false;
    const gf_value a = g->value[x];
    gf_value y = a, all = a;
    char attrs[24];
    int axis = a.ndim - 2;
    y.dim[axis + 1] = columns_of_pieces(&a);
    for (int i = 0; i < n; i++) {
        int64_t k = a.dim[axis + 1], dim[2] = { k, y.dim[axis + 1] };
        int pair[2] = { x, operand(g, a.dtype, 2, dim) };
        contracted(&y, &a, &g->value[pair[1]], k);
        if (!gf_add(g, WEFT_GOP_MATMUL, y, 2, pair, "ta=0, tb=0"))
            return false;
        in[i] = g->n - 1;
        if (i)
            gf_join(&all, &y, axis);
        else
            all = y;
    }
    snprintf(attrs, sizeof attrs, "axis=%d", axis);
    return gf_add(g, WEFT_GOP_CONCAT, all, n, in, attrs);
}

/* A number that divides n, at most 4. */
static int64_t
some_divisor(gf_graph *g, int64_t n)
{
    int64_t d = 1 + gf_below(g, 4);
    while (n % d)
        d--;
    return d;
}

typedef struct window {
    int64_t kernel[GF_RANK], stride[GF_RANK], dilation[GF_RANK], pads[2 * GF_RANK], taps;
} window;

static window
some_window(gf_graph *g, const gf_value *x)
{
    window w = { .taps = 1 };
    int n = x->ndim - 2;
    for (int i = 0; i < n; i++) {
        w.kernel[i] = 1 + gf_below(g, 3);
        w.stride[i] = 1 + gf_below(g, 2);
        w.dilation[i] = 1 + (gf_below(g, 4) == 0);
        w.pads[i] = gf_below(g, 2);
        w.pads[n + i] = gf_below(g, 2);
        w.taps *= w.kernel[i];
    }
    return w;
}

static void
window_text(char attrs[GF_TEXT], const window *w, int n, int64_t groups, const char *more)
{
    char s[50], d[50], p[80];
    gf_dims_text(s, sizeof s, n, w->stride);
    gf_dims_text(d, sizeof d, n, w->dilation);
    gf_dims_text(p, sizeof p, 2 * n, w->pads);
    snprintf(attrs, GF_TEXT, "strides=%s, dilations=%s, pads=%s, groups=%lld%s", s, d, p,
             (long long)groups, more);
}

/* Weights of the given outer dims and the window, and a bias now and then. */
static int
add_weights(gf_graph *g, const gf_value *x, const window *w, int64_t outer, int64_t inner,
            int64_t channels, int in[3])
{
    int64_t dim[GF_RANK] = { outer, inner };
    memcpy(dim + 2, w->kernel, (size_t)(x->ndim - 2) * sizeof *dim);
    in[1] = operand(g, x->dtype, x->ndim, dim);
    if (gf_below(g, 2))
        return 2;
    in[2] = operand(g, x->dtype, 1, &channels);
    return 3;
}

static void
add_bias(gf_value *y, int nin)
{
    if (nin < 3)
        return;
    y->lo -= 1;
    y->hi += 1;
    y->error += gf_unit(y->dtype) * gf_most(y);
}

bool
gf_conv(gf_graph *g)
{
    int in[3] = { gf_pick(g, is_image), -1, -1 };
    if (in[0] < 0)
        return false;
    const gf_value x = g->value[in[0]];
    gf_value y = x;
    window w = some_window(g, &x);
    int n = x.ndim - 2;
    int64_t groups = some_divisor(g, x.dim[1]), out = groups * (1 + gf_below(g, 8));
    if (groups == 1 && gf_below(g, 2)) /* whole blocks of what layouts put side by side */
        out = 16 * (1 + gf_below(g, 3));
    y.dim[1] = out;
    for (int i = 0; i < n; i++) {
        int64_t room =
            x.dim[2 + i] + w.pads[i] + w.pads[n + i] - (w.kernel[i] - 1) * w.dilation[i] - 1;
        if (room < 0)
            return false;
        y.dim[2 + i] = room / w.stride[i] + 1;
    }
    char attrs[GF_TEXT];
    int nin = add_weights(g, &x, &w, out, x.dim[1] / groups, out, in);
    contracted(&y, &x, &g->value[in[1]], w.taps * x.dim[1] / groups);
    add_bias(&y, nin);
    window_text(attrs, &w, n, groups, "");
    return gf_add(g, WEFT_GOP_CONV, y, nin, in, attrs);
}

bool
gf_conv_transpose(gf_graph *g)
{
    int in[3] = { gf_pick(g, is_image), -1, -1 };
    if (in[0] < 0)
        return false;
    const gf_value x = g->value[in[0]];
    gf_value y = x;
    window w = some_window(g, &x);
    int n = x.ndim - 2;
    int64_t groups = some_divisor(g, x.dim[1]), each = 1 + gf_below(g, 4), more[GF_RANK];
    y.dim[1] = groups * each;
    for (int i = 0; i < n; i++) {
        more[i] = w.stride[i] > 1 ? gf_below(g, 2) : 0;
        y.dim[2 + i] = (x.dim[2 + i] - 1) * w.stride[i] + (w.kernel[i] - 1) * w.dilation[i] + 1 +
                       more[i] - w.pads[i] - w.pads[n + i];
        if (y.dim[2 + i] < 1)
            return false;
    }
    char attrs[GF_TEXT], padding[50], tail[80];
    int nin = add_weights(g, &x, &w, x.dim[1], each, y.dim[1], in);
    contracted(&y, &x, &g->value[in[1]], w.taps * x.dim[1] / groups);
    add_bias(&y, nin);
    gf_dims_text(padding, sizeof padding, n, more);
    snprintf(tail, sizeof tail, ", output_padding=%s", padding);
    window_text(attrs, &w, n, groups, tail);
    return gf_add(g, WEFT_GOP_CONV_TRANSPOSE, y, nin, in, attrs);
}
