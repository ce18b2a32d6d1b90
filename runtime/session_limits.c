/* What a program's kernels ask of a device, against what the device can do.  A kernel beyond a
 * limit is refused here, with the numbers, and never reaches the driver: what drivers do with one
 * ranges from an error without a name to wrong results. */
#include "runtime/session_priv.h"

/* A limit of 0 is none. */
static bool
exceeds(int64_t value, int64_t limit)
{
    return limit > 0 && value > limit;
}

static weft_status
too_much(const weft_device *d, const char *kernel, const char *what, int64_t value, int64_t limit,
         weft_diag *diag)
{
    return weft_fail(
        diag, WEFT_LIMIT,
        "kernel '%s': %s is %lld; device '%s' (%s) takes at most %lld; compile the model for it",
        kernel, what, (long long)value, d->info.id, d->info.name, (long long)limit);
}

/* ---- before shapes are known ----------------------------------------------------------------- */

static int64_t
scalar_bytes(const weft_mod_kernel *k)
{
    int64_t bytes = 0;
    for (int i = 0; i < k->nscalar; i++) {
        int64_t size = weft_dtype_bits((weft_dtype)k->scalar[i]) / 8;
        bytes = weft_round_up(bytes, size) + size;
    }
    return bytes;
}

static weft_status
check_needs(const weft_device *d, const weft_mod_kernel *k, weft_diag *diag)
{
    for (int i = 0; i < WEFT_NEED_COUNT; i++)
        if (k->needs >> i & 1 && !weft_target_has(&d->info.target, (weft_need)i))
            return weft_fail(diag, WEFT_LIMIT,
                             "kernel '%s' needs %s, which device '%s' (%s) has not; compile the "
                             "model for it",
                             k->name, weft_need_words((weft_need)i), d->info.id, d->info.name);
    return WEFT_OK;
}

static weft_status
check_subgroup(const weft_device *d, const weft_mod_kernel *k, weft_diag *diag)
{
    const weft_device_info *info = &d->info;
    int least = info->least_subgroup ? info->least_subgroup : info->target.subgroup;
    int most = info->most_subgroup ? info->most_subgroup : info->target.subgroup;
    if (!k->subgroup || (k->subgroup >= least && k->subgroup <= most))
        return WEFT_OK;
    char have[48];
    snprintf(have, sizeof have, least == most ? "%d" : "%d to %d", least, most);
    return weft_fail(
        diag, WEFT_LIMIT,
        "kernel '%s' needs subgroups of %d; device '%s' (%s) has %s; compile the model for it",
        k->name, k->subgroup, info->id, info->name, have);
}

/* A block that only the launch knows is none that is known to be of whole subgroups. */
static weft_status
check_whole_subgroups(const weft_device *d, const weft_mod_kernel *k, weft_diag *diag)
{
    const weft_target *t = &d->info.target;
    int64_t threads = k->block[0] * k->block[1] * k->block[2];
    if (!k->subgroup || !t->whole_subgroups)
        return WEFT_OK;
    if (threads < 1 || threads % k->subgroup)
        return weft_fail(diag, WEFT_LIMIT,
                         "kernel '%s': its block of %lld threads is not of whole subgroups of %d, "
                         "as device '%s' (%s) needs it; compile the model for it",
                         k->name, (long long)threads, k->subgroup, d->info.id, d->info.name);
    return exceeds(threads / k->subgroup, t->max_subgroups)
               ? too_much(d, k->name, "its number of subgroups", threads / k->subgroup,
                          t->max_subgroups, diag)
               : WEFT_OK;
}

/* A block with a side of 0 is known at the launch alone. */
static weft_status
check_block(const weft_device *d, const char *kernel, const int64_t block[3], weft_diag *diag)
{
    const weft_target *t = &d->info.target;
    int64_t threads = 1;
    for (int a = 0; a < 3; a++) {
        if (exceeds(block[a], t->max_block[a]))
            return too_much(d, kernel, "one side of its block", block[a], t->max_block[a], diag);
        threads *= block[a];
    }
    return exceeds(threads, t->max_threads)
               ? too_much(d, kernel, "its block", threads, t->max_threads, diag)
               : WEFT_OK;
}

static weft_status
check_kernel(const weft_device *d, const weft_mod_kernel *k, weft_diag *diag)
{
    const weft_target *t = &d->info.target;
    weft_status status = check_needs(d, k, diag);
    if (!status)
        status = check_subgroup(d, k, diag);
    if (!status)
        status = check_block(d, k->name, k->block, diag);
    if (!status)
        status = check_whole_subgroups(d, k, diag);
    if (!status && exceeds(k->shared_bytes, weft_target_shared(t)))
        status = too_much(d, k->name, "its shared memory in bytes", k->shared_bytes,
                          weft_target_shared(t), diag);
    if (!status && exceeds(k->nbuffer, t->max_buffers))
        status = too_much(d, k->name, "its number of buffers", k->nbuffer, t->max_buffers, diag);
    if (!status && exceeds(scalar_bytes(k), t->scalar_bytes))
        status = too_much(d, k->name, "its scalar arguments' bytes", scalar_bytes(k),
                          t->scalar_bytes, diag);
    return status;
}

weft_status
weft_session_check_kernels(const weft_device *d, const weft_program *p, weft_diag *diag)
{
    weft_status status = WEFT_OK;
    for (int i = 0; i < p->nkernel && !status; i++)
        status = check_kernel(d, &p->kernel[i], diag);
    return status;
}

/* ---- in the bound shapes --------------------------------------------------------------------- */

/* "with m = 50000, n = 7 ": the symbols in the expression. */
static void
add_values(weft_str *text, const weft_session *s, const weft_iexpr *e)
{
    weft_arena scratch = { 0 };
    bool *this = WEFT_NEW_ARRAY(&scratch, s->nsymbol, bool);
    const char *before = "with ";
    for (int i = 0; i < s->nsymbol; i++) {
        this[i] = true;
        if (weft_iexpr_mentions(e, this)) {
            weft_str_addf(text, "%s%s = %lld", before, s->symbol_name[i],
                          (long long)s->symbol_value[i]);
            before = ", ";
        }
        this[i] = false;
    }
    weft_str_add(text, *before == ',' ? " " : "");
    weft_arena_reset(&scratch);
}

/* What a kernel comes to at these sizes; beyond 64 bits the most that these hold. */
static int64_t
reach_of(const weft_iexpr *e, const int64_t *size)
{
    int64_t v;
    return weft_iexpr_eval(e, size, NULL, &v) ? INT64_MAX : v;
}

static weft_status
check_count(const weft_session *s, int step, const weft_iexpr *e, const int64_t *size,
            weft_diag *diag)
{
    weft_str with = { 0 };
    int64_t v = reach_of(e, size);
    if (v <= INT32_MAX)
        return WEFT_OK;
    add_values(&with, s, e);
    weft_fail(
        diag, WEFT_LIMIT,
        "kernel '%s': %sit counts to %lld in i32, which ends at %d; use smaller sizes, compile "
        "the model for these alone (--dim), or declare a program's symbols i64",
        weft_step_name(s->program, step), weft_str_text(&with), (long long)v, INT32_MAX);
    weft_str_free(&with);
    return WEFT_LIMIT;
}

static weft_status
check_iterations(const weft_session *s, int step, const weft_iexpr *e, const int64_t *size,
                 weft_diag *diag)
{
    const weft_device_info *d = &s->device->info;
    weft_str with = { 0 };
    int64_t v = reach_of(e, size);
    if (!exceeds(v, d->target.max_iterations))
        return WEFT_OK;
    add_values(&with, s, e);
    weft_fail(
        diag, WEFT_LIMIT,
        "kernel '%s': %sa thread's loops come to %lld iterations; device '%s' (%s) ends them at "
        "%lld; use smaller sizes or another device",
        weft_step_name(s->program, step), weft_str_text(&with), (long long)v, d->id, d->name,
        (long long)d->target.max_iterations);
    weft_str_free(&with);
    return WEFT_LIMIT;
}

weft_status
weft_session_check_reach(const weft_session *s, weft_arena *scratch, int step, weft_diag *diag)
{
    const weft_step_exprs *e = &s->step_expr[step];
    weft_status status = WEFT_OK;
    int64_t *size = WEFT_NEW_ARRAY(scratch, s->nsymbol + 1, int64_t); /* one of 0 counts as 1 */
    for (int i = 0; i < s->nsymbol; i++)
        size[i] = s->symbol_value[i] > 1 ? s->symbol_value[i] : 1;
    for (int i = 0; i < s->program->step[step].nreach && !status; i++)
        status = check_count(s, step, e->reach[i], size, diag);
    return status || !e->iterations ? status : check_iterations(s, step, e->iterations, size, diag);
}

weft_status
weft_session_check_launch(const weft_session *s, const weft_launch *l, weft_diag *diag)
{
    const weft_target *t = &s->device->info.target;
    const weft_mod_kernel *k = weft_session_kernel(s, l);
    for (int a = 0; a < 3; a++) {
        if (l->block[a] < 1 || l->block[a] > 1 << 20)
            return weft_fail(diag, WEFT_INVALID_INPUT,
                             "kernel '%s': a block of %lld threads along axis %d", l->name,
                             (long long)l->block[a], a);
        if (k->block[a] && k->block[a] != l->block[a])
            return weft_fail(
                diag, WEFT_INVALID_INPUT,
                "kernel '%s' was compiled for %lld threads along axis %d and is launched with %lld",
                l->name, (long long)k->block[a], a, (long long)l->block[a]);
    }
    weft_status status = check_block(s->device, l->name, l->block, diag);
    for (int a = 0; a < 3 && !status; a++)
        if (exceeds(l->grid[a], t->max_grid[a]))
            status = too_much(s->device, l->name, "one side of its grid", l->grid[a],
                              t->max_grid[a], diag);
    for (int i = 0; i < l->nbuffer && !status; i++)
        if (exceeds(l->buffer[i].size, t->max_range))
            status = too_much(s->device, l->name, "the bytes of one buffer", l->buffer[i].size,
                              t->max_range, diag);
    return status;
}
