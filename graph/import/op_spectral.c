/* Importers of spectral operators: discrete Fourier transforms, windows, the mel scale.
 *
 * A transform is a product with a constant matrix of cosines and sines, real and imaginary parts
 * being neighbours in its rows and columns.  A length beyond DIRECT is cut into n1 * n2: transforms
 * of n1, a multiplication by roots of unity, transforms of n2 (Cooley and Tukey), which makes
 * O(n log n) of n^2; one with a prime factor beyond DIRECT is a convolution, done by transforms of
 * a power of two (Bluestein).  Constants are computed in double. */
#include "import/ops.h"

#include <math.h>
#include <string.h>

enum {
    DIRECT = 128,        /* longest transform that is one product */
    MAX_LENGTH = 1 << 21 /* of a transform: its constants are a few times as long */
};

#define TURN 6.283185307179586476925286766559 /* of a circle */

/* ---- constants and elements ------------------------------------------------------------------ */

typedef struct transform {
    onnx_node *n;
    weft_dtype t; /* f32 or f64: of what is computed */
    int sign;     /* of the exponent: -1, or 1 of the inverse, which is divided by the length */
} transform;

static weft_value *
constant(const transform *f, int ndim, const int64_t *dim, const double *v)
{
    weft_const c;
    void *data = weft_onnx_new_constant(f->n, f->t, ndim, dim, &c);
    int64_t count = 1;
    for (int d = 0; d < ndim; d++)
        count *= dim[d];
    for (int64_t i = 0; data && i < count; i++)
        weft_set_f64(f->t, data, i, v[i]);
    return data ? weft_onnx_constant_of(f->n, &c) : NULL;
}

/* exp(sign * i * 2 pi * a * b / n), exact at quarters of the circle */
static void
root(const transform *f, int64_t a, int64_t b, int64_t n, double z[2])
{
    static const double quarter[5] = { 1, 0, -1, 0, 1 };
    int64_t at = a * b % n;
    double angle = TURN * (double)at / (double)n;
    bool exact = 4 * at % n == 0;
    z[0] = exact ? quarter[4 * at / n] : cos(angle);
    z[1] = -f->sign * (exact ? quarter[4 * at / n + 1] : -sin(angle));
}

static weft_value *
part(onnx_node *n, weft_value *z, int64_t i)
{
    return z ? weft_onnx_slice(n, z, z->ndim - 1, weft_dim(n->graph, i), weft_dim(n->graph, 1))
             : NULL;
}

/* z times constants that broadcast to it: `dim` without the last one, `v` their parts side by side.
 * z is complex, or real with a last dimension of 1. */
static weft_value *
times(const transform *f, weft_value *z, int ndim, const int64_t *dim, const double *v)
{
    onnx_node *n = f->n;
    int64_t count = 1, *full = WEFT_NEW_ARRAY(n->arena, ndim + 1, int64_t);
    for (int d = 0; d < ndim; d++)
        count *= full[d] = dim[d];
    full[ndim] = 1;
    double *re = WEFT_NEW_ARRAY(n->arena, (int)count, double),
           *im = WEFT_NEW_ARRAY(n->arena, (int)count, double);
    for (int64_t i = 0; i < count; i++) {
        re[i] = v[2 * i];
        im[i] = v[2 * i + 1];
    }
    weft_value *c = constant(f, ndim + 1, full, re), *s = constant(f, ndim + 1, full, im);
    bool real = z && weft_is_int_imm(z->dim[z->ndim - 1], 1);
    weft_value *x = real ? z : part(n, z, 0), *out[2];
    out[0] = weft_onnx_binary(n, WEFT_GOP_MUL, x, c);
    out[1] = weft_onnx_binary(n, WEFT_GOP_MUL, x, s);
    if (!real) {
        weft_value *y = part(n, z, 1);
        out[0] = weft_onnx_binary(n, WEFT_GOP_SUB, out[0], weft_onnx_binary(n, WEFT_GOP_MUL, y, s));
        out[1] = weft_onnx_binary(n, WEFT_GOP_ADD, out[1], weft_onnx_binary(n, WEFT_GOP_MUL, y, c));
    }
    weft_attr axis = weft_attr_int("axis", &(int64_t){ z ? z->ndim - 1 : 0 });
    return weft_onnx_emit(n, WEFT_GOP_CONCAT, 2, out, 1, &axis);
}

/* The first `size` places of axis 1 of [B, m, c], zeros beyond the last. */
static weft_value *
resized(onnx_node *n, weft_value *x, int64_t size)
{
    if (!x || n->status != WEFT_OK || weft_is_int_imm(x->dim[1], size))
        return x;
    const weft_expr *zero = weft_dim(n->graph, 0), *before[3] = { zero, zero, zero },
                    *after[3] = { zero, NULL, zero };
    after[1] = weft_dim_op(n->graph, WEFT_EK_SUB, weft_dim(n->graph, size), x->dim[1]);
    weft_attr attr[] = { weft_attr_dims("before", 3, before), weft_attr_dims("after", 3, after),
                         weft_attr_text("mode", "constant") };
    return weft_onnx_emit(n, WEFT_GOP_PAD, 1, &x, 3, attr);
}

static weft_value *
reshaped(onnx_node *n, weft_value *x, const weft_expr *batch, int ndim, const int64_t *dim)
{
    const weft_expr **d = WEFT_NEW_ARRAY(n->arena, ndim + 1, const weft_expr *);
    d[0] = batch;
    for (int i = 0; i < ndim; i++)
        d[i + 1] = weft_dim(n->graph, dim[i]);
    return weft_onnx_reshape(n, x, ndim + 1, d);
}

/* ---- transforms of [B, n, 1 or 2] along axis 1 ----------------------------------------------- */

/* A row of the matrix: what part `ci` of place i gives to places 0 to many - 1 of `co` parts.
 * half: i counts what stands for itself and its mirror image. */
static void
matrix_row(const transform *f, int64_t n, int64_t i, int ci, int64_t many, int co, bool half,
           double *row)
{
    double by = (half && i && 2 * i != n ? 2.0 : 1.0) / (f->sign > 0 ? (double)n : 1.0), z[2];
    for (int64_t k = 0; k < many; k++) {
        root(f, i, k, n, z);
        row[k * co] = by * (ci ? -z[1] : z[0]);
        if (co > 1)
            row[k * co + 1] = by * (ci ? z[0] : z[1]);
    }
}

/* `many` places of the transform of length n, of `co` parts. */
static weft_value *
by_matrix(const transform *f, weft_value *x, int64_t n, int64_t many, int co, bool half)
{
    int64_t rows = half ? n / 2 + 1 : n, have;
    if (!x || f->n->status != WEFT_OK)
        return NULL;
    if (weft_as_int(x->dim[1], &have) && have < rows)
        rows = have; /* zeros beyond add nothing */
    x = resized(f->n, x, rows);
    int ci = x && weft_is_int_imm(x->dim[2], 2) ? 2 : 1;
    int64_t dim[2] = { rows * ci, many * co };
    double *v = WEFT_NEW_ARRAY(f->n->arena, (int)(dim[0] * dim[1]), double);
    for (int64_t i = 0; i < dim[0]; i++)
        matrix_row(f, n, i / ci, (int)(i % ci), many, co, half, v + i * dim[1]);
    const weft_expr *batch = x ? x->dim[0] : NULL;
    weft_value *in[2] = { reshaped(f->n, x, batch, 1, dim), constant(f, 2, dim, v) };
    weft_attr plain[] = { weft_attr_int("ta", &(int64_t){ 0 }),
                          weft_attr_int("tb", &(int64_t){ 0 }) };
    weft_value *y = weft_onnx_emit(f->n, WEFT_GOP_MATMUL, 2, in, 2, plain);
    return reshaped(f->n, y, batch, 2, (int64_t[]){ many, co });
}

static int64_t
greatest_prime(int64_t n)
{
    int64_t most = 1;
    for (int64_t p = 2; p * p <= n; p++)
        for (; n % p == 0; n /= p)
            most = p;
    return n > most ? n : most;
}

/* The factor that is transformed first: near the root of n that makes the fewest steps. */
static int64_t
first_factor(int64_t n)
{
    int steps = 1;
    int64_t best = 1;
    while (pow(DIRECT, steps) < (double)n)
        steps++;
    double want = pow((double)n, 1.0 / steps);
    for (int64_t k = 2; k <= DIRECT; k++)
        if (n % k == 0 && ((double)best < want - 0.5 || k <= (int64_t)(want + 0.5)))
            best = k;
    return best;
}

static weft_value *whole(const transform *f, weft_value *x, int64_t n);

/* [B, n1 n2, c]: transforms over n1 of [B n2, n1, c], roots, over n2 of [B n1, n2, 2]. */
static weft_value *
by_factors(const transform *f, weft_value *x, int64_t n)
{
    onnx_node *o = f->n;
    int64_t n1 = first_factor(n), n2 = n / n1;
    static const int64_t swap[4] = { 0, 2, 1, 3 };
    x = resized(o, x, n);
    if (!x)
        return NULL;
    const weft_expr *batch = x->dim[0];
    int64_t parts = weft_is_int_imm(x->dim[2], 2) ? 2 : 1;
    x = weft_onnx_transpose(o, reshaped(o, x, batch, 3, (int64_t[]){ n1, n2, parts }), swap);
    x = reshaped(o, x, weft_dim_op(o->graph, WEFT_EK_MUL, batch, weft_dim(o->graph, n2)), 2,
                 (int64_t[]){ n1, parts });
    x = by_matrix(f, x, n1, n1, 2, false);
    x = reshaped(o, x, batch, 3, (int64_t[]){ n2, n1, 2 });
    double *v = WEFT_NEW_ARRAY(o->arena, (int)(2 * n), double);
    for (int64_t i = 0; i < n; i++)
        root(f, i / n1, i % n1, n, v + 2 * i);
    x = weft_onnx_transpose(o, times(f, x, 2, (int64_t[]){ n2, n1 }, v), swap);
    x = reshaped(o, x, weft_dim_op(o->graph, WEFT_EK_MUL, batch, weft_dim(o->graph, n1)), 2,
                 (int64_t[]){ n2, 2 });
    x = reshaped(o, whole(f, x, n2), batch, 3, (int64_t[]){ n1, n2, 2 });
    return reshaped(o, weft_onnx_transpose(o, x, swap), batch, 2, (int64_t[]){ n, 2 });
}

/* In place: the transform of m complex numbers, a power of two, not divided by it. */
static void
transform_here(const transform *f, double (*z)[2], double (*room)[2], int64_t m)
{
    if (m == 1)
        return;
    for (int64_t i = 0; i < m; i++)
        memcpy(room[i / 2 + (i % 2 ? m / 2 : 0)], z[i], sizeof *z);
    transform_here(f, room, z, m / 2);
    transform_here(f, room + m / 2, z, m / 2);
    for (int64_t k = 0; k < m / 2; k++) {
        double w[2], *a = room[k], *b = room[k + m / 2];
        root(f, k, 1, m, w);
        double re = b[0] * w[0] - b[1] * w[1], im = b[0] * w[1] + b[1] * w[0];
        z[k][0] = a[0] + re;
        z[k][1] = a[1] + im;
        z[k + m / 2][0] = a[0] - re;
        z[k + m / 2][1] = a[1] - im;
    }
}

/* chirp[k] = exp(sign * i * pi * k^2 / n); i k = (i^2 + k^2 - (k - i)^2) / 2 makes the transform a
 * convolution with its conjugate, between two multiplications by it. */
static weft_value *
by_convolution(const transform *f, weft_value *x, int64_t n)
{
    onnx_node *o = f->n;
    int64_t m = 1;
    while (m < 2 * n - 1)
        m *= 2;
    transform forth = { o, f->t, -1 }, back = { o, f->t, 1 };
    double *chirp = WEFT_NEW_ARRAY(o->arena, (int)(2 * n), double);
    double(*z)[2] = weft_arena_alloc(o->arena, (size_t)m * sizeof *z),
          (*room)[2] = weft_arena_alloc(o->arena, (size_t)m * sizeof *room);
    for (int64_t k = 0; k < n; k++) {
        root(f, k * k % (2 * n), 1, 2 * n, chirp + 2 * k);
        int64_t mirror = k ? m - k : 0;
        z[k][0] = z[mirror][0] = chirp[2 * k];
        z[k][1] = z[mirror][1] = -chirp[2 * k + 1];
    }
    transform_here(&forth, z, room, m);
    x = resized(o, times(f, resized(o, x, n), 1, &n, chirp), m);
    x = times(f, whole(&forth, x, m), 1, &m, z[0]);
    x = resized(o, whole(&back, x, m), n);
    for (int64_t k = 0; k < 2 * n && f->sign > 0; k++)
        chirp[k] /= (double)n;
    return times(f, x, 1, &n, chirp);
}

/* [B, n, 2] */
static weft_value *
whole(const transform *f, weft_value *x, int64_t n)
{
    if (n <= DIRECT)
        return by_matrix(f, x, n, n, 2, false);
    return greatest_prime(n) <= DIRECT ? by_factors(f, x, n) : by_convolution(f, x, n);
}

/* Places 0 to n - 1 from the first n / 2 + 1: place n - k is the conjugate of place k. */
static weft_value *
mirrored(const transform *f, weft_value *x, int64_t n)
{
    onnx_node *o = f->n;
    int64_t half = n / 2 + 1, rest = n - half;
    x = resized(o, x, half);
    if (!x || rest == 0)
        return x;
    const weft_expr *start[3] = { weft_dim(o->graph, 0), weft_dim(o->graph, rest),
                                  weft_dim(o->graph, 0) },
                    *dim[3] = { x->dim[0], start[1], x->dim[2] };
    weft_attr attr[] = { weft_attr_dims("starts", 3, start),
                         weft_attr_ints("steps", 3, (int64_t[]){ 1, -1, 1 }),
                         weft_attr_dims("dims", 3, dim) };
    weft_value *both[2] = { x, weft_onnx_emit(o, WEFT_GOP_SLICE, 1, &x, 3, attr) };
    if (weft_is_int_imm(x->dim[2], 2)) {
        weft_value *sign = constant(f, 1, &(int64_t){ 2 }, (double[]){ 1, -1 });
        both[1] = weft_onnx_binary(o, WEFT_GOP_MUL, both[1], sign);
    }
    weft_attr axis = weft_attr_int("axis", &(int64_t){ 1 });
    return weft_onnx_emit(o, WEFT_GOP_CONCAT, 2, both, 1, &axis);
}

/* The transform of length n of [B, m, c] as [B, places, parts]; onesided: of the places that tell
 * all about a real signal, or from these. */
static weft_value *
transformed(const transform *f, weft_value *x, int64_t n, bool onesided)
{
    bool to_real = onesided && f->sign > 0;
    int64_t places = onesided && !to_real ? n / 2 + 1 : n;
    if (n <= DIRECT)
        return by_matrix(f, x, n, places, to_real ? 1 : 2, to_real);
    x = whole(f, to_real ? mirrored(f, x, n) : x, n);
    return to_real ? part(f->n, x, 0) : resized(f->n, x, places);
}

/* ---- DFT and STFT ---------------------------------------------------------------------------- */

/* Input i as one constant integer; `absent` where there is none. */
static int64_t
integer(onnx_node *n, int i, int64_t absent)
{
    int count;
    const int64_t *v = weft_onnx_in(n, i) ? weft_onnx_in_ints(n, i, &count) : NULL;
    if (v && count != 1)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "input %d has to be one integer, not %d", i, count);
    return n->status == WEFT_OK && v ? v[0] : absent;
}

static bool
check_signal(onnx_node *n, const weft_value *x)
{
    int64_t parts;
    if (!weft_is_float(x->dtype))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "the signal is %s: a float is needed",
                       weft_dtype_name(x->dtype));
    else if (x->ndim < 2 || !weft_as_int(x->dim[x->ndim - 1], &parts) || parts < 1 || parts > 2)
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "the last of the signal's two dimensions or more has to be 1 (real) or 2 "
                       "(complex)");
    return n->status == WEFT_OK;
}

static bool
check_length(onnx_node *n, int64_t length)
{
    if (length < 1)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "a transform of length %lld is not possible",
                       (long long)length);
    if (length > MAX_LENGTH)
        weft_onnx_fail(n, WEFT_LIMIT, "a transform of length %lld is beyond %d",
                       (long long)length, MAX_LENGTH);
    return n->status == WEFT_OK;
}

/* Along `axis` of x, the last one but for the parts being the last.  `last`: it is output 0. */
static weft_value *
transform_along(onnx_node *n, weft_value *x, int axis, int64_t length, bool inverse, bool onesided,
                bool last)
{
    int r = x->ndim;
    transform f = { n, x->dtype == WEFT_F64 ? WEFT_F64 : WEFT_F32, inverse ? 1 : -1 };
    int64_t *to = WEFT_NEW_ARRAY(n->arena, r, int64_t),
            *from = WEFT_NEW_ARRAY(n->arena, r, int64_t);
    const weft_expr *batch = weft_dim(n->graph, 1),
                    **dim = WEFT_NEW_ARRAY(n->arena, r, const weft_expr *);
    for (int d = 0; d < r; d++) {
        to[d] = d < axis || d == r - 1 ? d : d < r - 2 ? d + 1 : axis;
        from[to[d]] = d;
        dim[d] = x->dim[to[d]];
        batch = d < r - 2 ? weft_dim_op(n->graph, WEFT_EK_MUL, batch, dim[d]) : batch;
    }
    weft_value *y = weft_onnx_transpose(n, weft_onnx_cast(n, x, f.t), to);
    const weft_expr *flat[3] = { batch, dim[r - 2], dim[r - 1] };
    y = transformed(&f, weft_onnx_reshape(n, y, 3, flat), length, onesided);
    if (!y)
        return NULL;
    dim[r - 2] = y->dim[1];
    dim[r - 1] = y->dim[2];
    y = weft_onnx_reshape(n, y, r, dim);
    if (last && f.t == x->dtype)
        weft_onnx_last(n, 0);
    y = weft_onnx_transpose(n, y, from);
    if (last && f.t != x->dtype)
        weft_onnx_last(n, 0);
    return weft_onnx_cast(n, y, x->dtype);
}

/* user: NULL where it is one of several. */
static weft_value *
dft_along(onnx_node *n, int axis, const void *user)
{
    weft_value *x = weft_onnx_in(n, 0);
    bool inverse = weft_onnx_attr_int(n, "inverse", 0) != 0,
         onesided = weft_onnx_attr_int(n, "onesided", 0) != 0;
    int64_t length;
    if (weft_onnx_in(n, 1))
        length = integer(n, 1, 0);
    else if (inverse && onesided)
        length = 2 * (weft_onnx_size(n, x, axis) - 1);
    else
        length = weft_onnx_size(n, x, axis);
    if (n->status != WEFT_OK || !check_length(n, length))
        return NULL;
    return transform_along(n, x, axis, length, inverse, onesided, user != NULL);
}

void
weft_onnx_import_dft(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *given = n->version < 20 ? NULL : weft_onnx_in(n, 2);
    if (!check_signal(n, x))
        return;
    if (given && !given->elem) {
        weft_onnx_last(n, 0);
        weft_onnx_set(n, 0, weft_onnx_by_axis(n, given, x->ndim, x->ndim - 1, dft_along, NULL));
        return;
    }
    int64_t at = n->version < 20 ? weft_onnx_attr_int(n, "axis", 1) : integer(n, 2, -2);
    int axis = weft_onnx_axis(n, at, x->ndim, false);
    if (n->status == WEFT_OK && axis == x->ndim - 1)
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "axis %lld is the last, of real and imaginary parts", (long long)at);
    weft_onnx_set(n, 0, dft_along(n, axis, n));
}

/* [B, L, c] as [B, frames, length, c], every `step` places. */
static weft_value *
frames_of(onnx_node *n, weft_value *x, int64_t step, int64_t length)
{
    weft_graph *g = n->graph;
    const weft_expr *one = weft_dim(g, 1), *more, *frames;
    more = weft_dim_op(g, WEFT_EK_SUB, x->dim[1], weft_dim(g, length));
    frames = weft_dim_op(g, WEFT_EK_FDIV, more, weft_dim(g, step));
    frames = weft_dim_op(g, WEFT_EK_ADD, frames, one);
    const weft_expr *zero = weft_dim(g, 0);
    weft_value *start = weft_onnx_arange(n, WEFT_I64, zero, step, frames),
               *inside = weft_onnx_arange(n, WEFT_I64, zero, 1, weft_dim(g, length));
    start = weft_onnx_reshape(n, start, 2, (const weft_expr *[]){ frames, one });
    weft_value *in[2] = { x, weft_onnx_binary(n, WEFT_GOP_ADD, start, inside) };
    weft_attr axis = weft_attr_int("axis", &(int64_t){ 1 });
    return weft_onnx_emit(n, WEFT_GOP_GATHER, 2, in, 1, &axis);
}

void
weft_onnx_import_stft(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0), *window = weft_onnx_in(n, 2);
    bool onesided = weft_onnx_attr_int(n, "onesided", 1) != 0;
    int64_t step = integer(n, 1, 0), length = integer(n, 3, 0);
    if (!check_signal(n, x))
        return;
    if (x->ndim != 3 || (window && (window->ndim != 1 || window->dtype != x->dtype)))
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "a signal of three dimensions and a window of one, of its type, are needed");
    else if (!weft_onnx_in(n, 3))
        length = window ? weft_onnx_size(n, window, 0) : weft_onnx_size(n, x, 1);
    if (n->status != WEFT_OK || !check_length(n, length))
        return;
    if (step < 1 || (window && weft_dim_equal(n->graph, window->dim[0],
                                              weft_dim(n->graph, length)) != 1))
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "frame_step has to be positive and the window as long as a frame (%lld)",
                       (long long)length);
    weft_value *frames = n->status == WEFT_OK ? frames_of(n, x, step, length) : NULL;
    if (window && frames) {
        const weft_expr *dim[2] = { frames->dim[2], weft_dim(n->graph, 1) };
        frames = weft_onnx_binary(n, WEFT_GOP_MUL, frames, weft_onnx_reshape(n, window, 2, dim));
    }
    if (frames)
        weft_onnx_set(n, 0, transform_along(n, frames, 2, length, false, onesided, true));
}

/* ---- windows --------------------------------------------------------------------------------- */

/* The dtype that attribute output_datatype asks for. */
static weft_dtype
output_dtype(onnx_node *n)
{
    weft_dtype t = weft_onnx_dtype(weft_onnx_attr_int(n, "output_datatype", 1));
    if (t == WEFT_DTYPE_COUNT || t == WEFT_BOOL)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "output_datatype is no number that weft has");
    return t;
}

/* a[0] - a[1] cos(2 pi i / n) + a[2] cos(4 pi i / n) */
static const struct {
    const char *kind;
    double a[3];
} windows[] = {
    { "HannWindow", { 0.5, 0.5, 0 } },
    { "HammingWindow", { 25.0 / 46, 21.0 / 46, 0 } },
    { "BlackmanWindow", { 0.42, 0.5, 0.08 } },
};

static void
window_of_known_size(onnx_node *n, const double *a, int64_t size, int64_t period, weft_dtype t)
{
    weft_const c;
    if (size < 0)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "a size of %lld is not possible", (long long)size);
    void *data = weft_onnx_new_constant(n, t, 1, &size, &c);
    for (int64_t i = 0; data && i < size; i++) {
        double angle = TURN * (double)i / (double)period;
        weft_set_f64(t, data, i, a[0] - a[1] * cos(angle) + a[2] * cos(2 * angle));
    }
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, data ? weft_onnx_constant_of(n, &c) : NULL);
}

static weft_value *
cosine(onnx_node *n, weft_value *angle, double by, double times_it)
{
    weft_dtype t = angle ? angle->dtype : WEFT_F32;
    angle = weft_onnx_binary(n, WEFT_GOP_MUL, angle, weft_onnx_scalar(n, t, by));
    return weft_onnx_binary(n, WEFT_GOP_MUL, weft_onnx_unary(n, WEFT_GOP_COS, angle),
                            weft_onnx_scalar(n, t, times_it));
}

static void
window_of_symbolic_size(onnx_node *n, const double *a, const weft_expr *size,
                        const weft_expr *period, weft_dtype t)
{
    weft_dtype wide = t == WEFT_F64 ? t : WEFT_F32;
    const char *name = weft_arena_printf(n->arena, "%s_period", n->name);
    weft_value *i = weft_onnx_arange(n, WEFT_I64, weft_dim(n->graph, 0), 1, size),
               *all = weft_graph_dims(n->graph, name, 1, &period);
    weft_value *angle = weft_onnx_binary(n, WEFT_GOP_DIV, weft_onnx_cast(n, i, wide),
                                         weft_onnx_cast(n, all, wide));
    weft_value *y = cosine(n, angle, TURN, -a[1]);
    y = weft_onnx_binary(n, WEFT_GOP_ADD, y, cosine(n, angle, 2 * TURN, a[2]));
    if (wide == t)
        weft_onnx_last(n, 0);
    y = weft_onnx_binary(n, WEFT_GOP_ADD, y, weft_onnx_scalar(n, wide, a[0]));
    if (wide != t)
        weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_cast(n, y, t));
}

void
weft_onnx_import_window(onnx_node *n)
{
    int count, k = 0;
    weft_dtype t = output_dtype(n);
    bool periodic = weft_onnx_attr_int(n, "periodic", 1) != 0;
    const weft_expr *const *size = weft_onnx_elems(n, 0, &count);
    if (size && count != 1)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "the size has to be one integer, not %d", count);
    if (n->status != WEFT_OK)
        return;
    while (strcmp(windows[k].kind, n->op->name) != 0)
        k++;
    int64_t known;
    if (weft_as_int(size[0], &known))
        window_of_known_size(n, windows[k].a, known, periodic ? known : known - 1, t);
    else
        window_of_symbolic_size(n, windows[k].a, size[0],
                                weft_dim_op(n->graph, WEFT_EK_SUB, size[0],
                                            weft_dim(n->graph, !periodic)),
                                t);
}

/* ---- the mel scale --------------------------------------------------------------------------- */

typedef struct mel {
    int64_t bands, length;
    double rate, low, high;
} mel;

static double
mel_of(double hertz)
{
    return 2595 * log10(1 + hertz / 700);
}

/* The place in the spectrum of edge i of bands + 2. */
static double
edge(const mel *m, int64_t i)
{
    double from = mel_of(m->low), step = (mel_of(m->high) - from) / (double)(m->bands + 2);
    double hertz = 700 * (pow(10, (from + step * (double)i) / 2595) - 1);
    return floor((double)(m->length + 1) * hertz / m->rate);
}

/* The triangle from `low` to 1 at `middle` to `high`. */
static double
weight(double at, double low, double middle, double high)
{
    if (at == middle)
        return 1;
    if (at < low || at >= high)
        return 0;
    return at < middle ? (at - low) / (middle - low) : (high - at) / (high - middle);
}

void
weft_onnx_import_mel_weight_matrix(onnx_node *n)
{
    mel m = { .bands = integer(n, 0, 0), .length = integer(n, 1, 0) };
    weft_dtype t = output_dtype(n);
    weft_const c;
    if (!weft_onnx_in_number(n, 2, &m.rate) || !weft_onnx_in_number(n, 3, &m.low) ||
        !weft_onnx_in_number(n, 4, &m.high))
        return;
    if (m.bands < 1 || m.length < 1 || m.length > INT32_MAX || m.bands > INT32_MAX ||
        !(m.rate > 0) || !(m.low >= 0) || !(m.high >= m.low))
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "bands, length and rate have to be positive, and edges 0 at least and in "
                       "order");
    int64_t dim[2] = { m.length / 2 + 1, m.bands };
    void *data = n->status == WEFT_OK ? weft_onnx_new_constant(n, t, 2, dim, &c) : NULL;
    for (int64_t j = 0; data && j < m.bands; j++) {
        double low = edge(&m, j), middle = edge(&m, j + 1), high = edge(&m, j + 2);
        for (int64_t i = 0; i < dim[0]; i++)
            weft_set_f64(t, data, i * m.bands + j, weight((double)i, low, middle, high));
    }
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, data ? weft_onnx_constant_of(n, &c) : NULL);
}
