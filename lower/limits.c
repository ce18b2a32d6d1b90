/* lower/limits.c: launch dimensions, memory and arguments, checked against what the target can do.
 *
 * needs   level device
 * keeps   the body
 * A kernel whose threads exchange values gets the size of the subgroups that they do it in.  One
 * beyond a limit is refused with the number and the limit: never printed.
 */
#include "lower/lower.h"

typedef struct sums {
    int64_t shared, overlay;
    const weft_buf *bad; /* has no size that a language can declare */
} sums;

static bool
add_shared(void *user, const weft_stmt *s)
{
    sums *t = user;
    if (s->kind != WEFT_SK_ALLOC)
        return true;
    const weft_buf *buf = s->u.alloc.buf;
    int64_t n = 1, bytes;
    bool known = buf->ndim == 0 || weft_as_int(buf->shape[0], &n);
    if (!known || n < 1 || !weft_dtype_bytes(buf->dtype, n, &bytes))
        t->bad = t->bad ? t->bad : buf;
    else if (buf->room)
        t->overlay = buf->place + buf->room > t->overlay ? buf->place + buf->room : t->overlay;
    else if (buf->space == WEFT_SHARED &&
             !weft_add64(t->shared, weft_round_up(bytes, 16), &t->shared))
        t->shared = INT64_MAX;
    return true;
}

static weft_status
within(const weft_kernel *k, const weft_target *t, const char *what, int64_t have, int64_t limit,
       const char *remedy, weft_diag *diag)
{
    if (have <= limit)
        return WEFT_OK;
    return weft_fail(diag, WEFT_LIMIT, "kernel '%s' needs %lld %s, %s:%s allows %lld; %s", k->name,
                     (long long)have, what, weft_api_name(t->api), t->name, (long long)limit,
                     remedy);
}

/* A limit of 0 is one that is not known. */
static weft_status
over(const weft_kernel *k, const weft_target *t, const char *what, int64_t have, int64_t limit,
     const char *remedy, weft_diag *diag)
{
    return limit ? within(k, t, what, have, limit, remedy, diag) : WEFT_OK;
}

bool
weft_may_ask_subgroups(const weft_target *t, int lanes, const int64_t block[3])
{
    int64_t threads = 1;
    for (int d = 0; d < 3 && t->whole_subgroups; d++)
        if (block[d] < 1 || !weft_mul64(threads, block[d], &threads))
            return false;
    if (!t->whole_subgroups)
        return true;
    return threads % lanes == 0 && threads <= t->max_block[0] &&
           (!t->max_subgroups || threads / lanes <= t->max_subgroups);
}

static bool
find_shuffle(void *user, const weft_expr *e)
{
    bool *found = user;
    *found |= e->h.kind == WEFT_EK_CALL && weft_intrin_infos[e->h.u.intrin].cls == WEFT_IC_LANES;
    return !*found;
}

static bool
find_matrix(void *user, const weft_stmt *s)
{
    bool *found = user;
    *found |= s->kind == WEFT_SK_MATRIX;
    return !*found;
}

/* A kernel whose threads exchange values asks for the target's subgroups, if it names none; so does
 * one that multiplies matrices, where the device may choose the size. */
static bool
name_subgroup(weft_kernel *k, const weft_target *t)
{
    bool shuffles = false;
    if (k->subgroup || t->subgroup <= 1)
        return false;
    weft_walk_stmt(&(weft_walker){ .expr = find_shuffle, .user = &shuffles }, k->body);
    if (t->whole_subgroups && !shuffles)
        weft_walk_stmt(&(weft_walker){ .stmt = find_matrix, .user = &shuffles }, k->body);
    if (shuffles)
        k->subgroup = t->subgroup;
    return shuffles;
}

static weft_status
check_subgroups(const weft_kernel *k, const weft_target *t, weft_diag *diag)
{
    int64_t n[3];
    for (int d = 0; d < 3; d++)
        if (!weft_as_int(k->block[d], &n[d]))
            n[d] = -1;
    if (!k->subgroup || weft_may_ask_subgroups(t, k->subgroup, n))
        return WEFT_OK;
    char most[48] = "";
    if (t->max_subgroups)
        snprintf(most, sizeof most, ", at most %d of them", t->max_subgroups);
    return weft_fail(diag, WEFT_LIMIT,
                     "kernel '%s' asks for subgroups of %d: %s:%s gives them to blocks of whole "
                     "ones%s, not of %lld x %lld x %lld threads; split the thread axes by others",
                     k->name, k->subgroup, weft_api_name(t->api), t->name, most, (long long)n[0],
                     (long long)n[1], (long long)n[2]);
}

/* Every limit is checked: the first fault's status. */
static weft_status
both(weft_status first, weft_status then)
{
    return first ? first : then;
}

static weft_status
check_launch(const weft_kernel *k, const weft_target *t, weft_diag *diag)
{
    static const char *const axis[3] = { "x", "y", "z" };
    int64_t threads = 1, n;
    weft_status s = WEFT_OK;
    for (int d = 0; d < 3; d++) {
        if (!weft_as_int(k->block[d], &n))
            return weft_fail(
                diag, WEFT_UNSUPPORTED,
                "kernel '%s': thread.%s has a size that is not constant; split the axis by "
                "a number and bind the inner part",
                k->name, axis[d]);
        if (!weft_mul64(threads, n, &threads))
            threads = INT64_MAX;
        s = both(s, over(k, t, "threads along one axis of a block", n, t->max_block[d],
                         "split the axis by a smaller factor", diag));
        if (weft_as_int(k->grid[d], &n))
            s = both(s, over(k, t, "blocks along one axis", n, t->max_grid[d],
                             "bind another axis, or split by a larger factor", diag));
    }
    return both(s, over(k, t, "threads a block", threads, t->max_threads,
                        "split a thread axis by a smaller factor", diag));
}

/* Sizes that the launch decides are checked there. */
static weft_status
check_ranges(const weft_kernel *k, const weft_target *t, weft_diag *diag)
{
    weft_status s = WEFT_OK;
    for (int i = 0; i < k->nparam; i++) {
        char what[96];
        int64_t n, bytes;
        if (!weft_as_int(k->param[i]->shape[0], &n) ||
            !weft_dtype_bytes(k->param[i]->dtype, n, &bytes))
            continue;
        snprintf(what, sizeof what, "bytes of the buffer '%.40s'", k->param[i]->name);
        s = both(s, over(k, t, what, bytes, t->max_range, "split the tensor", diag));
    }
    return s;
}

/* Iterations that the launch decides are checked there. */
static weft_status
check_iterations(const weft_kernel *k, const weft_target *t, weft_diag *diag)
{
    int64_t n;
    if (!t->max_iterations || !weft_as_int(weft_kernel_reach(k).iterations, &n))
        return WEFT_OK;
    return over(k, t, "iterations of a thread's loops", n, t->max_iterations,
                "split the reduction into parts, or run it elsewhere", diag);
}

static int64_t
scalar_bytes(const weft_kernel *k)
{
    int64_t bytes = 0;
    for (int i = 0; i < k->nscalar; i++) {
        int64_t size = weft_dtype_bits((weft_dtype)k->scalar[i]->type.dtype) / 8;
        bytes = weft_round_up(bytes, size) + size;
    }
    return bytes;
}

weft_status
weft_pass_limits(weft_kernel *k, const weft_lower_options *options, bool *changed, weft_diag *diag)
{
    const weft_target *t = options->target;
    sums total = { 0 };
    *changed = false;
    weft_walk_stmt(&(weft_walker){ .stmt = add_shared, .user = &total }, k->body);
    if (total.bad)
        return weft_fail(
            diag, WEFT_UNSUPPORTED,
            "kernel '%s': the size of '%s', which is memory of its own, is not a constant "
            "of at least 1; give it one, or keep the tensor in global memory",
            k->name, total.bad->name);
    if (!weft_add64(total.shared, total.overlay, &total.shared) || total.shared > INT64_MAX - 15)
        total.shared = INT64_MAX;
    total.shared = total.shared == INT64_MAX ? total.shared : weft_round_up(total.shared, 16);
    *changed = k->shared_bytes != total.shared;
    k->shared_bytes = total.shared;
    *changed |= name_subgroup(k, t);
    weft_status s = check_launch(k, t, diag);
    s = both(s, check_subgroups(k, t, diag));
    s = both(s, within(k, t, "bytes of shared memory", total.shared, weft_target_shared(t),
                       "use smaller tiles", diag));
    s = both(s, over(k, t, "buffer arguments", k->nparam, t->max_buffers,
                     "fuse fewer operators into the kernel", diag));
    s = both(s, over(k, t, "bytes of scalar arguments", scalar_bytes(k), t->scalar_bytes,
                     "give some of the symbols a size", diag));
    s = both(s, check_iterations(k, t, diag));
    return both(s, check_ranges(k, t, diag));
}
