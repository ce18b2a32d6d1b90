/* bench/data.c: inputs of the cases, and what is to come of them. */
#include "bench.h"

#include <math.h>
#include <stdlib.h>

int64_t
bench_out_image(const bench_case *c)
{
    return (c->image + 2 * (c->kernel / 2) - c->kernel) / c->stride + 1;
}

double
bench_flops(const bench_case *c)
{
    if (c->kind == BENCH_GEMM)
        return 2.0 * (double)c->m * (double)c->n * (double)c->k;
    if (c->kind == BENCH_ATTENTION)
        return 4.0 * (double)(c->batch * c->heads) * (double)c->m * (double)c->m * (double)c->n;
    if (c->kind != BENCH_CONV)
        return 0;
    double side = (double)bench_out_image(c), window = (double)(c->kernel * c->kernel);
    return 2.0 * side * side * (double)(c->batch * c->filters * (c->channels / c->groups)) * window;
}

double
bench_bytes(const bench_case *c, const bench_data *d)
{
    int64_t all = d->out;
    for (int i = 0; i < d->nin; i++)
        all += d->count[i];
    return weft_dtype_bits(c->dtype) / 8.0 * (double)all;
}

static void
sizes(const bench_case *c, bench_data *d)
{
    switch (c->kind) {
    case BENCH_GEMM:
        d->nin = 2, d->count[0] = c->m * c->k, d->count[1] = c->k * c->n, d->out = c->m * c->n;
        break;
    case BENCH_ATTENTION:
        d->nin = 3, d->out = c->batch * c->heads * c->m * c->n;
        d->count[0] = d->count[1] = d->count[2] = d->out;
        break;
    case BENCH_CONV:
        d->nin = 2, d->count[0] = c->batch * c->channels * c->image * c->image;
        d->count[1] = c->filters * (c->channels / c->groups) * c->kernel * c->kernel;
        d->out = c->batch * c->filters * bench_out_image(c) * bench_out_image(c);
        break;
    case BENCH_LAYER_NORM:
        d->nin = 3, d->count[0] = d->out = c->m * c->n, d->count[1] = d->count[2] = c->n;
        break;
    default:
        d->nin = 1, d->count[0] = c->m * c->n, d->out = c->kind == BENCH_SUM ? 1 : c->m * c->n;
    }
}

bool
bench_make_data(const bench_case *c, bench_data *d)
{
    uint32_t state = 1;
    *d = (bench_data){ 0 };
    sizes(c, d);
    for (int i = 0; i < d->nin; i++) {
        d->in[i] = aligned_alloc(64, ((size_t)d->count[i] * 4 + 63) / 64 * 64);
        if (!d->in[i])
            return false;
        for (int64_t k = 0; k < d->count[i]; k++) {
            state = state * 1664525u + 1013904223u; /* Numerical Recipes' */
            d->in[i][k] = (float)weft_round_to(c->dtype, (double)(state >> 8) * 0x1p-24 - 0.5);
        }
    }
    return true;
}

void
bench_free_data(bench_data *d)
{
    for (int i = 0; i < d->nin; i++)
        free(d->in[i]);
}

void *
bench_pack(const bench_case *c, const float *from, int64_t count)
{
    void *to = malloc((size_t)(count * weft_dtype_bits(c->dtype) / 8));
    for (int64_t i = 0; to && i < count; i++)
        weft_set_f64(c->dtype, to, i, from ? (double)from[i] : NAN);
    return to;
}

void
bench_unpack(const bench_case *c, const void *from, float *to, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        to[i] = (float)weft_get_f64(c->dtype, from, i);
}

/* ---- results --------------------------------------------------------------------------------- */

static double
gemm(const bench_case *c, const bench_data *d, int64_t at, double *scale)
{
    int64_t i = at / c->n, j = at % c->n;
    double sum = 0;
    for (int64_t r = 0; r < c->k; r++) {
        double one = (double)d->in[0][i * c->k + r] * (double)d->in[1][r * c->n + j];
        sum += one;
        *scale += fabs(one);
    }
    return sum;
}

static double
conv(const bench_case *c, const bench_data *d, int64_t at, double *scale)
{
    int64_t side = bench_out_image(c), image = at / (side * side * c->filters),
            f = at / (side * side) % c->filters, y = at / side % side, x = at % side,
            deep = c->channels / c->groups,
            first = image * c->channels + f / (c->filters / c->groups) * deep;
    double sum = 0;
    for (int64_t i = 0; i < deep * c->kernel * c->kernel; i++) {
        int64_t ky = i / c->kernel % c->kernel, kx = i % c->kernel,
                sy = y * c->stride + ky - c->kernel / 2, sx = x * c->stride + kx - c->kernel / 2,
                channel = first + i / (c->kernel * c->kernel);
        if (sy < 0 || sx < 0 || sy >= c->image || sx >= c->image)
            continue;
        double one = (double)d->in[0][(channel * c->image + sy) * c->image + sx] *
                     (double)d->in[1][f * deep * c->kernel * c->kernel + i];
        sum += one;
        *scale += fabs(one);
    }
    return sum;
}

/* Columns of a head's values, weighted by the softmax of a query's products with its keys. */
static double
attention(const bench_case *c, const bench_data *d, int64_t at, double *scale)
{
    int64_t head = at / (c->m * c->n) * c->m * c->n, query = at / c->n * c->n, column = at % c->n;
    double most = -INFINITY, weights = 0, sum = 0, *score = malloc((size_t)c->m * sizeof *score);
    for (int64_t r = 0; score && r < c->m; r++) {
        score[r] = 0;
        for (int64_t i = 0; i < c->n; i++)
            score[r] += (double)d->in[0][query + i] * (double)d->in[1][head + r * c->n + i];
        score[r] /= sqrt((double)c->n);
        most = fmax(most, score[r]);
    }
    for (int64_t r = 0; score && r < c->m; r++) {
        double weight = exp(score[r] - most), value = (double)d->in[2][head + r * c->n + column];
        weights += weight;
        sum += weight * value;
        *scale += weight * fabs(value);
    }
    free(score);
    *scale /= weights;
    return sum / weights;
}

static double
softmax(const float *row, int64_t n, int64_t j)
{
    double most = -INFINITY, sum = 0;
    for (int64_t k = 0; k < n; k++)
        most = fmax(most, (double)row[k]);
    for (int64_t k = 0; k < n; k++)
        sum += exp((double)row[k] - most);
    return exp((double)row[j] - most) / sum;
}

static double
layer_norm(const bench_data *d, const float *row, int64_t n, int64_t j)
{
    double mean = 0, variance = 0;
    for (int64_t k = 0; k < n; k++)
        mean += (double)row[k] / (double)n;
    for (int64_t k = 0; k < n; k++)
        variance += ((double)row[k] - mean) * ((double)row[k] - mean) / (double)n;
    return ((double)row[j] - mean) / sqrt(variance + 1e-5) * (double)d->in[1][j] +
           (double)d->in[2][j];
}

double
bench_expect(const bench_case *c, const bench_data *d, int64_t at, double *scale)
{
    const float *x = d->in[0];
    *scale = 0;
    switch (c->kind) {
    case BENCH_GEMM:
        return gemm(c, d, at, scale);
    case BENCH_ATTENTION:
        return attention(c, d, at, scale);
    case BENCH_CONV:
        return conv(c, d, at, scale);
    case BENCH_SUM: {
        double sum = 0;
        for (int64_t k = 0; k < d->count[0]; k++) {
            sum += (double)x[k];
            *scale += fabs((double)x[k]);
        }
        return sum;
    }
    default:
        break;
    }
    *scale = 1;
    int64_t row = at / c->n * c->n;
    if (c->kind == BENCH_SOFTMAX)
        return softmax(x + row, c->n, at - row);
    if (c->kind == BENCH_LAYER_NORM)
        return layer_norm(d, x + row, c->n, at - row);
    double v = (double)x[at];
    return c->kind == BENCH_GELU ? 0.5 * v * (1 + erf(v * M_SQRT1_2)) : fmax(v, 0);
}

/* Sums are of f32.  A result in f16 is rounded once, by half a step; weights of attention may have
 * been on the way, and their scores: errors of some 2^-10 each, which do not go together. */
double
bench_tolerance(const bench_case *c, double want, double scale)
{
    double sum = 1e-4, step = 0;
    if (c->dtype == WEFT_F16)
        step = fmax(fabs(want) * 0x1p-11, 0x1p-25);
    if (c->dtype == WEFT_F16 && c->kind == BENCH_ATTENTION)
        sum += 0x1p-10 / sqrt((double)c->m);
    return sum * scale + step;
}
