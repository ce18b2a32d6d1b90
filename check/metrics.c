/* check/metrics.c: how far two tensors are apart, by the budgets of tests/tolerances.def. */
#include "check/check.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef struct budget {
    double rel, abs;
} budget;

static const budget budgets[WEFT_DTYPE_COUNT] = {
#define TOLERANCE(dtype, rel, abs, reason) [WEFT_##dtype] = { rel, abs },
#include "tests/tolerances.def"
#undef TOLERANCE
};

/* The largest magnitude that is a number a result may have: beyond 1e30 it is a fill, not a scale.
 */
static double
scale_of(const weft_const *want, int64_t n)
{
    double s = 0;
    for (int64_t i = 0; i < n; i++) {
        double v = fabs(weft_get_f64(want->dtype, want->data, i));
        if (v < 1e30 && v > s)
            s = v;
    }
    return s;
}

/* An element's bits; 0 for packed types, whose elements share bytes. */
static uint64_t
bits_of(const weft_const *c, int64_t i)
{
    int bits = weft_dtype_bits(c->dtype);
    uint64_t v = 0;
    if (bits >= 8)
        memcpy(&v, (const char *)c->data + i * (bits / 8), (size_t)bits / 8);
    return v;
}

/* Whether an element still is what weft_session_poison wrote. */
static bool
is_poison(const weft_const *c, int64_t i)
{
    int bits = weft_dtype_bits(c->dtype);
    return bits >= 8 && bits_of(c, i) == UINT64_MAX >> (64 - bits);
}

/* Floats in the order of their values as integers: neighbours differ by 1. */
static int64_t
ordered(const weft_const *c, int64_t i)
{
    int bits = weft_dtype_bits(c->dtype);
    uint64_t v = bits_of(c, i), sign = UINT64_C(1) << (bits - 1);
    return v & sign ? -(int64_t)(v & ~sign) : (int64_t)v;
}

static uint64_t
ulps_between(const weft_const *a, const weft_const *b, int64_t i)
{
    int64_t x, y;
    if (weft_dtype_bits(a->dtype) < 8)
        return 0;
    if (weft_is_float(a->dtype)) {
        x = ordered(a, i);
        y = ordered(b, i);
    } else {
        x = weft_get_i64(a->dtype, a->data, i);
        y = weft_get_i64(b->dtype, b->data, i);
    }
    return x > y ? (uint64_t)x - (uint64_t)y : (uint64_t)y - (uint64_t)x;
}

static void
element_text(char text[40], const weft_const *c, int64_t i)
{
    if (weft_is_float(c->dtype))
        snprintf(text, 40, "%.9g", weft_get_f64(c->dtype, c->data, i));
    else if (c->dtype == WEFT_U64)
        snprintf(text, 40, "%" PRIu64, (uint64_t)weft_get_i64(c->dtype, c->data, i));
    else
        snprintf(text, 40, "%" PRIi64, weft_get_i64(c->dtype, c->data, i));
}

static bool
same_type(const weft_const *a, const weft_const *b)
{
    bool same = a->dtype == b->dtype && a->ndim == b->ndim;
    for (int d = 0; same && d < a->ndim; d++)
        same = a->dim[d] == b->dim[d];
    return same;
}

typedef struct sums {
    double square, error; /* of want, of got - want */
    double worst;         /* error of worst_at */
} sums;

static void
note_bad(weft_metrics *m, const weft_const *got, int64_t i, double error, sums *s)
{
    m->bad++;
    m->unwritten += is_poison(got, i);
    if (m->worst_at < 0 || error > s->worst) {
        m->worst_at = i;
        s->worst = error;
    }
}

/* One element; whether the pair is finite, so that differences mean something. */
static void
measure_float(weft_metrics *m, const weft_const *got, const weft_const *want, int64_t i, sums *s)
{
    double g = weft_get_f64(got->dtype, got->data, i);
    double w = weft_get_f64(want->dtype, want->data, i);
    if (!isfinite(g) || !isfinite(w)) {
        if ((isnan(g) && isnan(w)) || g == w)
            return;
        if (m->nonfinite++ == 0)
            m->nonfinite_at = i;
        note_bad(m, got, i, INFINITY, s);
        return;
    }
    double error = fabs(g - w);
    s->square += w * w;
    s->error += error * error;
    if (error > m->max_abs) {
        m->max_abs = error;
        m->abs_at = i;
    }
    if (w != 0 && error > m->max_rel * fabs(w)) {
        m->max_rel = error / fabs(w);
        m->rel_at = i;
    }
    if (error > m->rel * fabs(w) + m->abs * m->scale)
        note_bad(m, got, i, error, s);
}

static void
measure_integer(weft_metrics *m, const weft_const *got, const weft_const *want, int64_t i, sums *s)
{
    double g = weft_get_f64(got->dtype, got->data, i);
    double w = weft_get_f64(want->dtype, want->data, i), error = fabs(g - w);
    s->square += w * w;
    s->error += error * error;
    if (weft_get_i64(got->dtype, got->data, i) == weft_get_i64(want->dtype, want->data, i))
        return;
    note_bad(m, got, i, m->worst_at < 0 ? 0 : -1, s); /* the first is shown */
    if (error > m->max_abs || m->abs_at < 0) {
        m->max_abs = error;
        m->abs_at = i;
    }
    if (w != 0 && error > m->max_rel * fabs(w)) {
        m->max_rel = error / fabs(w);
        m->rel_at = i;
    }
}

static void
measure_elements(weft_metrics *m, const weft_const *got, const weft_const *want)
{
    sums s = { 0 };
    bool floats = weft_is_float(want->dtype);
    for (int64_t i = 0; i < m->count; i++) {
        if (floats)
            measure_float(m, got, want, i, &s);
        else
            measure_integer(m, got, want, i, &s);
        bool numbers = !floats || (isfinite(weft_get_f64(got->dtype, got->data, i)) &&
                                   isfinite(weft_get_f64(want->dtype, want->data, i)));
        uint64_t ulp = numbers ? ulps_between(got, want, i) : 0;
        if (ulp > m->max_ulp) {
            m->max_ulp = ulp;
            m->ulp_at = i;
        }
    }
    m->nmse = s.error == 0 ? 0 : s.square > 0 ? s.error / s.square : INFINITY;
}

void
weft_measure(const weft_const *got, const weft_const *want, weft_metrics *m)
{
    *m = (weft_metrics){
        .worst_at = -1, .abs_at = -1, .rel_at = -1, .ulp_at = -1, .nonfinite_at = -1
    };
    m->same_type = same_type(got, want);
    if (!m->same_type)
        return;
    m->count = weft_element_count(want);
    if (weft_is_float(want->dtype)) {
        m->rel = budgets[want->dtype].rel;
        m->abs = budgets[want->dtype].abs;
        m->scale = scale_of(want, m->count);
    }
    measure_elements(m, got, want);
    m->agree = m->bad == 0;
    if (m->worst_at >= 0) {
        element_text(m->got, got, m->worst_at);
        element_text(m->want, want, m->worst_at);
    }
}

void
weft_metrics_text(weft_str *s, const weft_metrics *m)
{
    weft_str_addf(s, "%" PRIi64 " of %" PRIi64 " differ, %s at %" PRIi64 ": got %s, expected %s",
                  m->bad, m->count, m->rel > 0 ? "worst" : "first", m->worst_at, m->got, m->want);
    if (m->unwritten)
        weft_str_addf(s, "; %" PRIi64 " hold what memory was filled with before", m->unwritten);
}

static void
type_text(weft_str *s, const weft_const *c)
{
    weft_str_addf(s, "%s[", weft_dtype_name(c->dtype));
    for (int d = 0; d < c->ndim; d++)
        weft_str_addf(s, "%s%" PRIi64, d ? "," : "", c->dim[d]);
    weft_str_add(s, "]");
}

bool
weft_compare(const weft_const *got, const weft_const *want, weft_str *why)
{
    weft_metrics m;
    weft_measure(got, want, &m);
    if (m.agree || !why)
        return m.agree;
    if (!m.same_type) {
        weft_str_add(why, "got ");
        type_text(why, got);
        weft_str_add(why, ", expected ");
        type_text(why, want);
    } else {
        weft_metrics_text(why, &m);
    }
    return false;
}
