/* tools/compare.c: whether two tensors agree, by the budgets of tests/tolerances.def. */
#include "tools/tools.h"

#include <inttypes.h>
#include <math.h>

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

static bool
close_enough(double got, double want, budget b, double s)
{
    if (isnan(got) || isnan(want))
        return isnan(got) && isnan(want);
    if (isinf(got) || isinf(want))
        return got == want;
    return fabs(got - want) <= b.rel * fabs(want) + b.abs * s;
}

static bool
same_shape(const weft_const *got, const weft_const *want, weft_str *why)
{
    bool same = got->dtype == want->dtype && got->ndim == want->ndim;
    for (int d = 0; same && d < want->ndim; d++)
        same = got->dim[d] == want->dim[d];
    if (same)
        return true;
    const weft_const *side[2] = { got, want };
    for (int i = 0; i < 2; i++) {
        weft_str_addf(why, "%s%s[", i ? ", expected " : "got ", weft_dtype_name(side[i]->dtype));
        for (int d = 0; d < side[i]->ndim; d++)
            weft_str_addf(why, "%s%" PRIi64, d ? "," : "", side[i]->dim[d]);
        weft_str_add(why, "]");
    }
    return false;
}

static bool
same_floats(const weft_const *got, const weft_const *want, int64_t n, weft_str *why)
{
    budget b = budgets[want->dtype];
    double s = scale_of(want, n), worst = -1;
    int64_t bad = 0, at = 0;
    for (int64_t i = 0; i < n; i++) {
        double g = weft_get_f64(got->dtype, got->data, i),
               w = weft_get_f64(want->dtype, want->data, i);
        if (close_enough(g, w, b, s))
            continue;
        double error = isnan(g) || isnan(w) ? INFINITY : fabs(g - w);
        bad++;
        if (error > worst) {
            worst = error;
            at = i;
        }
    }
    if (bad)
        weft_str_addf(
            why, "%" PRIi64 " of %" PRIi64 " differ, worst at %" PRIi64 ": got %.9g, expected %.9g",
            bad, n, at, weft_get_f64(got->dtype, got->data, at),
            weft_get_f64(want->dtype, want->data, at));
    return bad == 0;
}

static bool
same_integers(const weft_const *got, const weft_const *want, int64_t n, weft_str *why)
{
    int64_t bad = 0, at = 0;
    for (int64_t i = n; i-- > 0;)
        if (weft_get_i64(got->dtype, got->data, i) != weft_get_i64(want->dtype, want->data, i)) {
            bad++;
            at = i;
        }
    if (bad)
        weft_str_addf(why,
                      "%" PRIi64 " of %" PRIi64 " differ, first at %" PRIi64 ": got %" PRIi64
                      ", expected %" PRIi64,
                      bad, n, at, weft_get_i64(got->dtype, got->data, at),
                      weft_get_i64(want->dtype, want->data, at));
    return bad == 0;
}

bool
weft_compare(const weft_const *got, const weft_const *want, weft_str *why)
{
    if (!same_shape(got, want, why))
        return false;
    int64_t n = weft_element_count(want);
    return weft_is_float(want->dtype) ? same_floats(got, want, n, why)
                                      : same_integers(got, want, n, why);
}
