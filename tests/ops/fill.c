/* tests/ops/fill.c: elements for an input, within its range. */
#include "ops.h"

#include <math.h>
#include <string.h>

/* SplitMix64 (Steele, Lea, Flood 2014) in counter mode, as a number in [0, 1). */
static double
uniform(uint64_t key, int64_t i)
{
    uint64_t z = key + ((uint64_t)i + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    return (double)(z >> 11) / 9007199254740992.0;
}

/* The range as far as the dtype has it. */
static ops_range
narrowed(weft_dtype t, ops_range r)
{
    if (weft_is_float(t)) {
        double most = t == WEFT_F8E8M0 || t == WEFT_F4E2M1 ? 4 : 400;
        r.lo = t == WEFT_F8E8M0 && r.lo <= 0 ? 0.5 : fmax(r.lo, -most);
        r.hi = fmin(r.hi, most);
        return r;
    }
    double least = t == WEFT_BOOL ? 0 : (double)weft_dtype_min(t);
    double most = t == WEFT_BOOL ? 1 : t == WEFT_U64 ? 1e18 : (double)weft_dtype_max(t);
    r.whole = true;
    r.lo = fmin(fmax(ceil(r.lo), least), most);
    r.hi = fmax(fmin(floor(r.hi), most), r.lo);
    return r;
}

static double
element(weft_dtype t, const ops_range *r, uint64_t key, int64_t i, int64_t n)
{
    static const double specials[] = { NAN, INFINITY, -INFINITY, 0.0, -0.0, 1.5 };
    if (r->special && weft_is_float(t))
        return specials[(i + 1) % 6];
    double u = r->distinct ? ((double)(i * 37 % n) + 0.5) / (double)n : uniform(key, i);
    double v = r->whole ? floor(r->lo + u * (r->hi - r->lo + 1)) : r->lo + u * (r->hi - r->lo);
    v = fmin(v, r->hi); /* the largest u may round up to one more */
    if (r->nonzero && fabs(v) < 0.5)
        v = weft_is_float(t) ? (v < 0 ? -0.5 : 0.5) : 1;
    return v;
}

weft_const
ops_fill(weft_arena *arena, const ops_tensor *t)
{
    weft_const c = { .dtype = t->dtype, .ndim = t->ndim };
    ops_range r = narrowed(t->dtype, t->range);
    uint64_t key = weft_hash_bytes(t->name, strlen(t->name));
    int64_t n = 1, bytes = 0;
    for (int d = 0; d < t->ndim; d++)
        n *= t->dim[d];
    bool fits = weft_dtype_bytes(t->dtype, n, &bytes);
    weft_assert(fits, "an input of %lld elements", (long long)n);
    void *data = weft_arena_alloc(arena, (size_t)bytes + 1);
    for (int64_t i = 0; i < n; i++) {
        double v = element(t->dtype, &r, key, i, n);
        if (weft_is_float(t->dtype))
            weft_set_f64(t->dtype, data, i, v);
        else
            weft_set_i64(t->dtype, data, i, (int64_t)v);
    }
    c.dim = weft_arena_dup(arena, t->dim, sizeof t->dim);
    c.data = data;
    c.size = (size_t)bytes;
    return c;
}
