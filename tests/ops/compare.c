/* tests/ops/compare.c: a result held against what is expected, by tests/tolerances.def. */
#include "ops.h"

#include <math.h>

static const struct {
    double rel, abs;
} budgets[WEFT_DTYPE_COUNT] = {
#define TOLERANCE(dtype, rel, abs, reason) [WEFT_##dtype] = { rel, abs },
#include "../tolerances.def"
#undef TOLERANCE
};

/* The largest magnitude of a number below 1e30. */
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

/* The error of an element, infinite where NaN or an infinity stands in one of the two alone. */
static double
error_of(double got, double want)
{
    if (isnan(got) || isnan(want))
        return isnan(got) && isnan(want) ? 0 : INFINITY;
    if (isinf(got) || isinf(want))
        return got == want ? 0 : INFINITY;
    return fabs(got - want);
}

static double
element(const weft_const *c, int64_t i)
{
    return weft_get_f64(c->dtype, c->data, i);
}

ops_verdict
ops_compare(const weft_const *got, const weft_const *want, double slack)
{
    ops_verdict v = { .ok = got->dtype == want->dtype && got->ndim == want->ndim, .n = 1 };
    bool exact = !weft_is_float(want->dtype);
    for (int d = 0; v.ok && d < want->ndim; d++) {
        v.ok = got->dim[d] == want->dim[d];
        v.n *= want->dim[d];
    }
    double s = v.ok ? scale_of(want, v.n) : 0, worst = -1;
    for (int64_t i = 0; v.ok && i < v.n; i++) {
        double g = element(got, i), w = element(want, i), e = error_of(g, w);
        double allowed = budgets[want->dtype].rel * fabs(w) + budgets[want->dtype].abs * s + slack;
        bool same = exact ? weft_get_i64(got->dtype, got->data, i) ==
                                weft_get_i64(want->dtype, want->data, i)
                          : e <= (isfinite(w) ? allowed : 0);
        v.bad += !same;
        if (e > worst && !same) {
            worst = e;
            v.at = i;
            v.got = g;
            v.want = w;
        }
        v.worst = e > v.worst ? e : v.worst;
    }
    v.ok = v.ok && !v.bad;
    return v;
}
