/* Primitives on where a stage is computed and where its tensors live. */
#include "te/priv.h"

#include <string.h>

/* ---- where it is computed -------------------------------------------------------------------- */

/* Whether some stage is computed at a loop of s; it is reported. */
static bool
hosts(weft_te *te, const weft_stage *s, const char *primitive)
{
    for (int i = 0; i < te->stage.n; i++) {
        const weft_stage *guest = te->stage.at[i];
        if (guest->attach != WEFT_AT_AXIS || guest->attach_stage != s)
            continue;
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "%s: stage '%s' is computed at axis %s of stage '%s'; move it by "
                  "compute_root(%s) first",
                  primitive, weft_stage_name(guest), weft_axis_label(te, guest->attach_axis),
                  weft_stage_name(s), weft_stage_name(guest));
        return true;
    }
    return false;
}

static const weft_tensor *
output_of(const weft_stage *s)
{
    for (int i = 0; i < s->op->nout; i++)
        if (s->op->out[i]->is_output)
            return s->op->out[i];
    return NULL;
}

/* A stage that may be computed elsewhere than at root. */
static bool
check_movable(weft_te *te, const weft_stage *s, const char *primitive)
{
    const weft_tensor *out = output_of(s);
    bool is_extern = s->op->kind == WEFT_OP_EXTERN;
    if (is_extern)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "%s: stage '%s' is extern and a kernel of its own; have what reads it in that "
                  "kernel be part of its statements",
                  primitive, weft_stage_name(s));
    else if (out)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "%s: '%s' is an output and is computed at root; cache_write(%s, local) gives a "
                  "stage that moves",
                  primitive, out->buf->name, out->buf->name);
    return !out && !is_extern && weft_te_scan_free(te, s, primitive);
}

/* Whether `to` reads what `from` computes, directly or through stages between them. */
static bool
reaches(weft_te *te, const weft_stage *from, const weft_stage *to)
{
    weft_arena scratch = { 0 };
    bool *depends = WEFT_NEW_ARRAY(&scratch, te->tensor.n, bool); /* by tensor id, on `from` */
    for (int i = 0; i < te->stage.n; i++) {
        const weft_stage *s = te->stage.at[i];
        weft_tensor **read;
        bool hit = s == from;
        int n = weft_te_reads(te, s->op, &scratch, &read);
        for (int k = 0; k < n; k++)
            hit = hit || depends[read[k]->id];
        for (int k = 0; k < s->op->nout; k++)
            depends[s->op->out[k]->id] = hit;
    }
    bool reached = from != to && depends[to->op->out[0]->id];
    weft_arena_reset(&scratch);
    return reached;
}

static bool
check_host(weft_te *te, const weft_stage *s, const weft_stage *host, const weft_axis *at)
{
    const char *name = weft_stage_name(s), *to = weft_stage_name(host);
    if (s == host)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "compute_at: stage '%s' at its own loop; name the stage that reads it", name);
    else if (host->attach == WEFT_AT_INLINE)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "compute_at: stage '%s' at a loop of '%s', which is computed inline; name the "
                  "stage that '%s' is "
                  "inlined into",
                  name, to, to);
    else if (!reaches(te, s, host))
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "compute_at: stage '%s' at axis %s, but '%s' does not read it, directly or "
                  "through other stages; name "
                  "a stage that does",
                  name, weft_axis_label(te, at), to);
    else if (at->bind == WEFT_VECTORIZE)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "compute_at: axis %s of stage '%s' is vectorised and holds no other stage; "
                  "compute '%s' at a loop "
                  "outside",
                  weft_axis_label(te, at), to, name);
    else
        return true;
    return false;
}

weft_status
weft_compute_at(weft_te *te, weft_tensor *t, weft_tensor *consumer, weft_axis *at)
{
    weft_stage *s = weft_te_stage_for(te, t, "compute_at");
    weft_stage *host = s ? weft_te_stage_for(te, consumer, "compute_at") : NULL;
    if (!host || weft_te_leaf(te, host, at, "compute_at") < 0)
        return weft_te_null(te, "compute_at");
    if (!check_movable(te, s, "compute_at") || !check_host(te, s, host, at))
        return WEFT_INVALID_ARGUMENT;
    s->attach = WEFT_AT_AXIS;
    s->attach_stage = host;
    s->attach_axis = at;
    weft_te_log(te, "compute_at(%s, %s, %s)", weft_stage_name(s), weft_stage_name(host),
                weft_axis_label(te, at));
    return WEFT_OK;
}

weft_status
weft_compute_inline(weft_te *te, weft_tensor *t)
{
    weft_stage *s = weft_te_stage_for(te, t, "compute_inline");
    if (!s)
        return weft_te_null(te, "compute_inline");
    const char *name = weft_stage_name(s);
    if (s->op->nreduce)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                         "compute_inline: stage '%s' is a reduction and cannot stand inside an "
                         "expression; compute it "
                         "at a loop of its reader (compute_at)",
                         name);
    if (s->op->nout > 1)
        return weft_fail(
            te->diag, WEFT_INVALID_ARGUMENT,
            "compute_inline: stage '%s' computes %d tensors; only a stage of one can be inlined",
            name, s->op->nout);
    if (weft_te_is_kept(te, s->op->out[0]))
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                         "compute_inline: '%s' is read by the statements of an extern stage, where "
                         "no expression can stand for it; leave it in memory",
                         name);
    if (!check_movable(te, s, "compute_inline") || hosts(te, s, "compute_inline"))
        return WEFT_INVALID_ARGUMENT;
    s->attach = WEFT_AT_INLINE;
    s->attach_stage = NULL;
    s->attach_axis = NULL;
    weft_te_log(te, "compute_inline(%s)", name);
    return WEFT_OK;
}

weft_status
weft_compute_root(weft_te *te, weft_tensor *t)
{
    weft_stage *s = weft_te_stage_for(te, t, "compute_root");
    if (!s)
        return weft_te_null(te, "compute_root");
    s->attach = WEFT_AT_ROOT;
    s->attach_stage = NULL;
    s->attach_axis = NULL;
    weft_te_log(te, "compute_root(%s)", weft_stage_name(s));
    return WEFT_OK;
}

/* ---- where it lives -------------------------------------------------------------------------- */

weft_space
weft_te_space(weft_te *te, const weft_tensor *t, const char *space, const char *primitive)
{
    static const weft_space spaces[] = { WEFT_GLOBAL, WEFT_SHARED, WEFT_LOCAL, WEFT_FRAGMENT };
    for (size_t i = 0; i < sizeof spaces / sizeof *spaces; i++)
        if (strcmp(space, weft_space_name(spaces[i])) == 0)
            return spaces[i];
    weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
              "%s: '%s' in the space '%s'; it can be global, shared, local or fragment", primitive,
              t->buf->name, space);
    return WEFT_SPACE_COUNT;
}

/* The stage whose tensors' memory is ours to lay out; NULL after an error. */
static weft_stage *
memory_of(weft_te *te, weft_tensor *t, const char *primitive, const char *inputs)
{
    if (!te || !t)
        return weft_te_null(te, primitive), NULL;
    weft_stage *s = weft_te_stage(te, t);
    if (!s)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "%s: '%s' is an input, %s; use the copy that cache_read makes", primitive,
                  t->buf->name, inputs);
    else if (s->attach == WEFT_AT_INLINE)
        weft_fail(
            te->diag, WEFT_INVALID_ARGUMENT,
            "%s: stage '%s' is computed inline and has no memory; give it some by compute_root(%s)",
            primitive, weft_stage_name(s), weft_stage_name(s));
    else if (s->op->kind == WEFT_OP_EXTERN)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "%s: stage '%s' is extern, whose memory is global and dense; its statements may "
                  "allocate other",
                  primitive, weft_stage_name(s));
    else
        return s;
    return NULL;
}

weft_status
weft_set_scope(weft_te *te, weft_tensor *t, const char *space)
{
    weft_stage *s = space ? memory_of(te, t, "set_scope", "whose memory is global") : NULL;
    weft_space where = s ? weft_te_space(te, t, space, "set_scope") : WEFT_SPACE_COUNT;
    if (where == WEFT_SPACE_COUNT)
        return weft_te_null(te, "set_scope");
    const weft_tensor *out = output_of(s);
    if (out && where != WEFT_GLOBAL)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                         "set_scope: '%s' is an output and lives in global memory; cache_write(%s, "
                         "%s) gives a copy "
                         "there",
                         out->buf->name, out->buf->name, space);
    if (where != WEFT_GLOBAL && !weft_te_scan_free(te, s, "set_scope"))
        return WEFT_INVALID_ARGUMENT;
    s->space = where;
    s->space_set = true;
    weft_te_log(te, "set_scope(%s, %s)", t->buf->name, space);
    return WEFT_OK;
}

static weft_status
set_stages(weft_te *te, weft_tensor *t, int n, const char *primitive)
{
    weft_stage *s = memory_of(te, t, primitive, "which no loop fills");
    if (!s)
        return weft_te_null(te, primitive);
    const weft_tensor *out = output_of(s);
    if (out)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                         "%s: '%s' is an output, whose memory is its caller's; double what "
                         "cache_read or cache_write makes",
                         primitive, out->buf->name);
    if (n < 2 || n > WEFT_MAX_STAGES)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                         "%s: '%s' in %d stages; there can be from 2 to %d", primitive,
                         t->buf->name, n, WEFT_MAX_STAGES);
    s->stages = n;
    return WEFT_OK;
}

weft_status
weft_double_buffer(weft_te *te, weft_tensor *t)
{
    weft_status st = set_stages(te, t, 2, "double_buffer");
    if (st == WEFT_OK)
        weft_te_log(te, "double_buffer(%s)", t->buf->name);
    return st;
}

weft_status
weft_buffer_stages(weft_te *te, weft_tensor *t, int n)
{
    weft_status st = set_stages(te, t, n, "buffer_stages");
    if (st == WEFT_OK)
        weft_te_log(te, "buffer_stages(%s, %d)", t->buf->name, n);
    return st;
}

weft_status
weft_zero_fill(weft_te *te, weft_tensor *t)
{
    weft_stage *s = memory_of(te, t, "zero_fill", "which ends at its edge");
    if (!s)
        return weft_te_null(te, "zero_fill");
    const weft_tensor *out = output_of(s);
    if (out)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                         "zero_fill: '%s' is an output, which ends at its edge; fill what "
                         "cache_read makes",
                         out->buf->name);
    if (s->op->nreduce || s->op->scan)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                         "zero_fill: stage '%s' is a %s, of no elements beyond its edge; fill a "
                         "copy of it that cache_read makes",
                         weft_stage_name(s), s->op->scan ? "scan" : "reduction");
    s->zero_fill = true;
    weft_te_log(te, "zero_fill(%s)", t->buf->name);
    return WEFT_OK;
}

weft_status
weft_storage_align(weft_te *te, weft_tensor *t, int d, int64_t factor, int64_t offset)
{
    weft_stage *s = memory_of(te, t, "storage_align", "whose layout is its caller's");
    if (!s)
        return weft_te_null(te, "storage_align");
    const char *name = t->buf->name;
    const weft_tensor *out = output_of(s);
    if (out)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                         "storage_align: '%s' is an output, whose layout is its caller's; align "
                         "what cache_write makes",
                         out->buf->name);
    if (d < 0 || d >= s->op->naxis)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                         "storage_align: '%s' has no dimension %d; it has %d", name, d,
                         s->op->naxis);
    if (factor < 1 || factor > INT32_MAX || offset < 0 || offset >= factor)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                         "storage_align: dimension %d of '%s' by %lld with offset %lld; the factor "
                         "is at least 1 and "
                         "the offset from 0 to less than the factor",
                         d, name, (long long)factor, (long long)offset);
    if (!s->align_factor) {
        s->align_factor = WEFT_NEW_ARRAY(&te->ir->arena, s->op->naxis, int64_t);
        s->align_offset = WEFT_NEW_ARRAY(&te->ir->arena, s->op->naxis, int64_t);
    }
    s->align_factor[d] = factor;
    s->align_offset[d] = offset;
    weft_te_log(te, "storage_align(%s, %d, %lld, %lld)", name, d, (long long)factor,
                (long long)offset);
    return WEFT_OK;
}
