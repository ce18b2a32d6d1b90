/* Whether two accesses may touch one element, or one byte of buffers that lie over each other, from
 * two different threads. */
#include "lower/barriers.h"

typedef struct uniform {
    const weft_waits *p;
    bool holds;
} uniform;

static bool
look_uniform(void *user, const weft_expr *e)
{
    uniform *u = user;
    bool known = e->h.kind != WEFT_EK_VAR;
    for (int i = 0; i < u->p->uniform.n && !known; i++)
        known = e->h.u.var == u->p->uniform.at[i];
    u->holds &= known && e->h.pure;
    return u->holds;
}

/* Whether e never changes in a block. */
static bool
is_uniform(const weft_waits *p, const weft_expr *e)
{
    uniform u = { p, true };
    weft_walk_expr(&(weft_walker){ .expr = look_uniform, .user = &u }, e);
    return u.holds;
}

static const weft_expr *
name_converted(weft_rewriter *rw, const weft_expr *e)
{
    const weft_var *const *v = rw->user; /* a thread's, and the name of what it is converted to */
    bool is_it = e->h.kind == WEFT_EK_CAST && e->arg[0]->h.kind == WEFT_EK_VAR &&
                 e->arg[0]->h.u.var == v[0] && weft_same_type(e->h.type, v[1]->type);
    return is_it ? weft_ref(rw->ir, v[1]) : weft_rewrite_args(rw, e);
}

/* e as stride * thread + rest, whichever of i32 and i64 the two are. */
static bool
split_thread(const weft_waits *p, const weft_var *thread, int64_t *stride, const weft_expr **e)
{
    const weft_expr *by;
    if (!weft_uses_var(*e, thread)) {
        *stride = 0;
        return true;
    }
    const weft_var *v[2] = { thread, thread };
    if (!weft_same_type((*e)->h.type, thread->type)) {
        v[1] = weft_var_make(p->ir, thread->name, (*e)->h.type);
        weft_rewriter rw = { .ir = p->ir, .expr = name_converted, .user = v };
        *e = weft_rewrite_expr(&rw, *e);
        weft_rewrite_done(&rw);
    }
    return weft_affine_in(p->ir, *e, v[1], &by, e) && weft_as_int(by, stride) &&
           !weft_uses_var(*e, thread);
}

static bool
take_threads(const weft_waits *p, weft_touch *a, const weft_expr **rest)
{
    for (int t = 0; t < 3; t++)
        if (p->thread[t] && (!split_thread(p, p->thread[t], &a->stride[t], rest) ||
                             !weft_bounds(p->ir, p->facts, weft_ref(p->ir, p->thread[t]),
                                          &a->first[t], &a->last[t])))
            return false;
    return true;
}

/* What an index is not a multiple of counts as changing. */
static void
take_shift(const weft_waits *p, weft_touch *a, const weft_expr **rest)
{
    const weft_expr *stride, *other;
    for (int i = 0; i < p->uniform.n; i++) {
        const weft_var *v = p->uniform.at[i];
        if (!weft_uses_var(*rest, v) || !weft_affine_in(p->ir, *rest, v, &stride, &other) ||
            !is_uniform(p, stride))
            continue;
        *rest = other;
        stride = weft_mul(p->ir, stride, weft_ref(p->ir, v));
        a->shift = a->shift ? weft_add(p->ir, a->shift, stride) : stride;
    }
}

static bool
is_within(int64_t v, int bits)
{
    return v >= -(INT64_C(1) << bits) && v <= INT64_C(1) << bits;
}

/* Whether sums of a few such accesses' elements, one a thread, are numbers of 64 bits. */
static bool
is_near(const weft_waits *p, const weft_touch *a)
{
    bool near = is_within(a->lo, 59) && is_within(a->hi, 59) && is_within(a->step, 59) &&
                is_within(a->offset, 59);
    for (int t = 0; t < 3; t++)
        near = near && (!p->thread[t] || (is_within(a->stride[t], 38) &&
                                          is_within(a->first[t], 20) && is_within(a->last[t], 20)));
    return near;
}

/* The index as strides of the threads, what is the same for all, and the range of the rest. */
static bool
split_index(const weft_waits *p, weft_touch *a, const weft_expr *rest)
{
    if (!take_threads(p, a, &rest))
        return false;
    take_shift(p, a, &rest);
    rest = weft_simplify_expr(p->ir, p->facts, rest);
    if (!weft_bounds(p->ir, p->facts, rest, &a->lo, &a->hi))
        return false;
    weft_modular(p->ir, p->facts, rest, &a->step, &a->offset);
    if (!is_near(p, a))
        return false;
    a->least = a->lo;
    a->most = a->hi;
    for (int t = 0; t < 3; t++) {
        int64_t s = p->thread[t] ? a->stride[t] : 0;
        a->least += s * (s < 0 ? a->last[t] : a->first[t]);
        a->most += s * (s < 0 ? a->first[t] : a->last[t]);
    }
    return true;
}

void
weft_touch_widen(weft_touch *a, int64_t elements, int64_t step)
{
    a->most += step * (elements - 1);
    if (a->affine) {
        a->hi += step * (elements - 1);
        a->step = weft_gcd(a->step, step);
    }
}

void
weft_touch_locate(const weft_waits *p, weft_touch *a)
{
    const weft_expr *index = a->index, *ramp = index->h.kind == WEFT_EK_RAMP ? index : NULL;
    int64_t step = 0;
    if (ramp)
        index = ramp->arg[0];
    if (index->h.type.lanes > 1 || !index->h.index ||
        (ramp && (!weft_as_int(ramp->arg[1], &step) || step < 0 || !is_within(step, 48))))
        return;
    index = weft_simplify_expr(p->ir, p->facts, index);
    a->affine = a->bounded = split_index(p, a, index);
    if (!a->affine) {
        a->shift = NULL;
        a->bounded = weft_bounds(p->ir, p->facts, index, &a->least, &a->most) &&
                     is_within(a->least, 59) && is_within(a->most, 59);
    }
    if (ramp && a->bounded)
        weft_touch_widen(a, ramp->h.type.lanes, step);
}

/* Differences of thread numbers, an axis each, by falling stride. */
typedef struct differences {
    int n;
    int64_t stride[3], least[3], most[3];
} differences;

/* Whether a sum of stride * d over the axes from `k` on, not all d zero (unless `moved`), falls
 * into [lo, hi]. */
static bool
reaches(const differences *x, int k, int64_t lo, int64_t hi, bool moved)
{
    if (k == 3 || k == x->n)
        return moved && lo <= 0 && hi >= 0;
    int64_t low = 0, high = 0, s = x->stride[k];
    for (int i = k + 1; i < x->n && i < 3; i++) {
        low += x->stride[i] * x->least[i];
        high += x->stride[i] * x->most[i];
    }
    if (s == 0) {
        bool can_move = x->least[k] != 0 || x->most[k] != 0;
        return reaches(x, k + 1, lo, hi, moved || can_move);
    }
    int64_t from = weft_ceildiv(lo - high, s), to = weft_floordiv(hi - low, s);
    from = from > x->least[k] ? from : x->least[k];
    to = to < x->most[k] ? to : x->most[k];
    if (to - from > 4) /* a wide choice: some of it meets */
        return true;
    for (int64_t d = from; d <= to; d++)
        if (reaches(x, k + 1, lo - d * s, hi - d * s, moved || d != 0))
            return true;
    return false;
}

/* The same, of the numbers in [lo, hi] that are `offset` modulo `step`. */
static bool
reaches_some(const differences *x, int64_t lo, int64_t hi, int64_t step, int64_t offset)
{
    enum { MOST = 64 };
    int64_t low = 0, high = 0;
    for (int i = 0; i < x->n; i++) {
        low += x->stride[i] * x->least[i];
        high += x->stride[i] * x->most[i];
    }
    low = lo > low ? lo : low;
    high = hi < high ? hi : high;
    if (step <= 1 || (high - low) / step > MOST)
        return reaches(x, 0, lo, hi, false);
    for (int64_t v = low + weft_floormod(offset - low, step); v <= high; v += step)
        if (reaches(x, 0, v, v, false))
            return true;
    return false;
}

static void
add_difference(differences *x, int64_t stride, int64_t least, int64_t most)
{
    int at = x->n++;
    int64_t s = stride < 0 ? -stride : stride;
    for (; at > 0 && x->stride[at - 1] < s; at--) {
        x->stride[at] = x->stride[at - 1];
        x->least[at] = x->least[at - 1];
        x->most[at] = x->most[at - 1];
    }
    x->stride[at] = s;
    x->least[at] = stride < 0 ? -most : least;
    x->most[at] = stride < 0 ? -least : most;
}

/* Whether two different threads, one at a and one at b, may touch one element.  Where one thread of
 * an axis alone gets to an access, its index does not say how it depends on the axis, and may be
 * taken to do it as the other's does. */
static bool
may_meet(const weft_waits *p, const weft_touch *a, const weft_touch *b)
{
    differences x = { 0 };
    int64_t moved = 0; /* b's index - a's, of what the axes below do not say */
    if (a->shift != b->shift)
        return true;
    for (int t = 0; t < 3; t++) {
        int64_t stride = a->stride[t], other = b->stride[t];
        if (!p->thread[t] || p->extent[t] == 1)
            continue;
        if (stride != other && a->first[t] == a->last[t]) {
            moved -= (stride - other) * a->first[t];
            stride = other;
        } else if (stride != other && b->first[t] == b->last[t]) {
            moved += (other - stride) * b->first[t];
        } else if (stride != other) {
            return true;
        }
        add_difference(&x, stride, a->first[t] - b->last[t], a->last[t] - b->first[t]);
    }
    return reaches_some(&x, b->lo - a->hi + moved, b->hi - a->lo + moved,
                        weft_gcd(a->step, b->step), b->offset - a->offset + moved);
}

/* Whether the index, that of both, is one element for different threads: it does not name an axis
 * along which they are not one and the same thread. */
static bool
leaves_threads_open(const weft_waits *p, const weft_touch *a, const weft_touch *b)
{
    bool open = false;
    for (int t = 0; t < 3; t++) {
        bool one =
            a->first[t] == a->last[t] && b->first[t] == a->first[t] && b->last[t] == a->last[t];
        bool named = !a->affine || a->stride[t] != 0;
        open = open || (p->thread[t] && p->extent[t] != 1 && !named && !one);
    }
    return open;
}

bool
weft_touch_conflict(const weft_waits *p, const weft_touch *a, const weft_touch *b)
{
    if (!weft_buf_meets(a->buf, b->buf) || (!a->write && !b->write))
        return false;
    if (a->buf != b->buf) /* which bytes their elements take is not known yet */
        return true;
    /* Matrices that are stored are of one run of one stage, which computes no element twice; and so
     * is what one statement stores, where it does not add to what is there. */
    if (a->write && b->write && ((a->matrix && b->matrix) || (a->plain && b->plain)) &&
        (a->matrix || a->index == b->index))
        return false;
    if (a->bounded && b->bounded && a->shift == b->shift &&
        (a->most < b->least || b->most < a->least))
        return false;
    if (a->affine && b->affine && !may_meet(p, a, b))
        return false;
    /* A thread's own sum in global memory: the same element at every step. */
    return a->buf->space != WEFT_GLOBAL || a->index != b->index || leaves_threads_open(p, a, b);
}
