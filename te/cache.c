/* cache_read and cache_write: primitives that add a stage and rewrite definitions around it. */
#include "te/priv.h"

#include <string.h>

/* ---- bodies over other tensors --------------------------------------------------------------- */

typedef struct redirect { /* LOADs of `from` become those of `to`, where dimension `last` is the last */
    const weft_buf *from, *to;
    int last;
} redirect;

static const weft_expr *
redirect_load(weft_rewriter *rw, const weft_expr *e)
{
    const redirect *r = rw->user;
    e = weft_rewrite_args(rw, e);
    if (e->h.kind != WEFT_EK_LOAD || e->h.u.buf != r->from)
        return e;
    weft_arena scratch = { 0 };
    int n = e->h.nargs, at = 0;
    const weft_expr **index = WEFT_NEW_ARRAY(&scratch, n + 1, const weft_expr *);
    for (int i = 0; i < n; i++)
        index[i == r->last ? n - 1 : at++] = e->arg[i];
    e = weft_load(rw->ir, r->to, n, index);
    weft_arena_reset(&scratch);
    return e;
}

void
weft_te_redirect(weft_te *te, weft_te_op *op, const weft_tensor *from, const weft_tensor *to, int d)
{
    redirect r = { from->buf, to->buf, d };
    weft_rewriter rw = { .ir = te->ir, .expr = redirect_load, .user = &r };
    if (op->kind == WEFT_OP_EXTERN) {
        op->stmt = weft_rewrite_stmt(&rw, op->stmt);
        weft_rewrite_done(&rw);
        return;
    }
    op->body = weft_arena_dup(&te->ir->arena, op->body, (size_t)op->nout * sizeof *op->body);
    for (int i = 0; i < op->nout; i++)
        op->body[i] = weft_rewrite_expr(&rw, op->body[i]);
    if (op->first)
        op->first = weft_arena_dup(&te->ir->arena, op->first, (size_t)op->nout * sizeof *op->first);
    for (int i = 0; op->first && i < op->nout; i++)
        op->first[i] = weft_rewrite_expr(&rw, op->first[i]);
    if (op->cond)
        op->cond = weft_rewrite_expr(&rw, op->cond);
    weft_rewrite_done(&rw);
}

/* t's element at the axes. */
static const weft_expr *
element(weft_te *te, const weft_tensor *t, int n, weft_axis *const *axis)
{
    weft_arena scratch = { 0 };
    const weft_expr **index = WEFT_NEW_ARRAY(&scratch, n, const weft_expr *);
    for (int i = 0; i < n; i++)
        index[i] = weft_ref(te->ir, axis[i]->var);
    const weft_expr *e = weft_load(te->ir, t->buf, n, index);
    weft_arena_reset(&scratch);
    return e;
}

/* A data axis for dimension d of a copy of t. */
static weft_axis *
copy_axis(weft_te *te, const weft_tensor *t, int d)
{
    if (t->op->kind == WEFT_OP_COMPUTE)
        return weft_te_axis_like(te, t->op->axis[d]);
    const char *want = weft_arena_printf(&te->ir->arena, "i%d", d);
    return weft_te_new_axis(te, weft_te_take_name(te, WEFT_NAME_AXIS, want), t->buf->shape[d],
                            WEFT_AXIS_DATA);
}

static const char *
cache_name(weft_te *te, const weft_tensor *t, const char *space)
{
    return weft_arena_printf(&te->ir->arena, "%s_%s", t->buf->name, space);
}

/* ---- cache_read ------------------------------------------------------------------------------ */

static int
index_of(int n, weft_stage *const *at, const weft_stage *s)
{
    for (int i = 0; i < n; i++)
        if (at[i] == s)
            return i;
    return -1;
}

static void
report_stranger(weft_te *te, const weft_tensor *t, const weft_tensor *reader, int n,
                weft_stage *const *at)
{
    weft_str list = { 0 };
    for (int i = 0; i < n; i++)
        weft_str_addf(&list, "%s'%s'", i ? ", " : "", weft_stage_name(at[i]));
    weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
              "cache_read: '%s' does not read '%s'; it is read by %s", reader->buf->name,
              t->buf->name, weft_str_text(&list));
    weft_str_free(&list);
}

/* Marks the stages among at[n], all that read t, that the copy is for. */
static bool
choose_readers(weft_te *te, const weft_tensor *t, int nreader, weft_tensor *const *reader, int n,
               weft_stage *const *at, bool *chosen)
{
    for (int i = 0; i < n; i++)
        chosen[i] = nreader == 0;
    for (int i = 0; i < nreader; i++) {
        if (!reader[i])
            return weft_te_null(te, "cache_read"), false;
        int k = index_of(n, at, weft_te_stage(te, reader[i]));
        if (k < 0)
            return report_stranger(te, t, reader[i], n, at), false;
        chosen[k] = true;
    }
    return true;
}

static bool
check_cached(weft_te *te, const weft_tensor *t, int nreader)
{
    const weft_stage *s = weft_te_stage(te, t);
    const char *name = t->buf->name;
    if (nreader == 0)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "cache_read: nobody reads '%s'; a copy is for its readers", name);
    else if (s && s->attach == WEFT_AT_INLINE)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "cache_read: stage '%s' is computed inline and is not there to be copied; "
                  "compute_root(%s) and "
                  "set_scope keep it instead",
                  name, name);
    else
        return true;
    return false;
}

static weft_te_op *
copy_stage(weft_te *te, const weft_tensor *t, weft_space space, const char *name)
{
    const weft_buf *b = t->buf;
    const weft_stage *s = weft_te_stage(te, t);
    weft_axis **axis = WEFT_NEW_ARRAY(&te->ir->arena, b->ndim, weft_axis *);
    for (int d = 0; d < b->ndim; d++)
        axis[d] = copy_axis(te, t, d);
    const weft_expr *body = element(te, t, b->ndim, axis);
    weft_te_op from = {
        .naxis = b->ndim, .axis = axis, .nout = 1, .body = &body, .reducer = WEFT_REDUCER_COUNT
    };
    int place = s ? index_of(te->stage.n, te->stage.at, s) + 1 : 0;
    weft_te_op *op = weft_te_insert(te, &from, &name, place);
    if (!op)
        return NULL;
    te->stage.at[place]->space = space;
    te->stage.at[place]->space_set = true;
    return op;
}

/* The chosen readers read the copy. */
static void
serve(weft_te *te, const weft_tensor *t, const weft_tensor *made, const char *space, int n,
      weft_stage *const *at, const bool *chosen)
{
    weft_str list = { 0 };
    for (int i = 0; i < n; i++) {
        if (!chosen[i])
            continue;
        weft_te_redirect(te, at[i]->op, t, made, t->buf->ndim - 1);
        weft_str_addf(&list, ", %s", weft_stage_name(at[i]));
    }
    weft_te_log(te, "%s = cache_read(%s, %s%s)", made->buf->name, t->buf->name, space,
                weft_str_text(&list));
    weft_str_free(&list);
}

weft_tensor *
weft_cache_read_named(weft_te *te, weft_tensor *t, const char *space, int nreader,
                      weft_tensor *const *reader, const char *name)
{
    if (!te || !t || !space || (nreader > 0 && !reader))
        return weft_te_null(te, "cache_read"), NULL;
    weft_space where = weft_te_space(te, t, space, "cache_read");
    weft_arena scratch = { 0 };
    weft_stage **at;
    int n = weft_te_readers(te, t, &scratch, &at);
    bool *chosen = WEFT_NEW_ARRAY(&scratch, n, bool);
    weft_tensor *made = NULL;
    if (where != WEFT_SPACE_COUNT && check_cached(te, t, n) &&
        choose_readers(te, t, nreader, reader, n, at, chosen)) {
        const weft_te_op *op = copy_stage(te, t, where, name ? name : cache_name(te, t, space));
        made = op ? op->out[0] : NULL;
    }
    if (made)
        serve(te, t, made, space, n, at, chosen);
    weft_arena_reset(&scratch);
    return made;
}

weft_tensor *
weft_cache_read(weft_te *te, weft_tensor *t, const char *space, int n, weft_tensor *const *readers)
{
    return weft_cache_read_named(te, t, space, n, readers, NULL);
}

/* ---- cache_write ----------------------------------------------------------------------------- */

static bool
check_rewritable(weft_te *te, const weft_stage *s)
{
    const char *name = weft_stage_name(s);
    if (s->attach == WEFT_AT_INLINE)
        weft_fail(
            te->diag, WEFT_INVALID_ARGUMENT,
            "cache_write: stage '%s' is computed inline and writes nothing; compute_root(%s) first",
            name, name);
    else if (s->op->kind == WEFT_OP_EXTERN)
        weft_fail(
            te->diag, WEFT_INVALID_ARGUMENT,
            "cache_write: '%s' is extern and its statements write it; have them write a tensor "
            "that another definition copies",
            name);
    else if (s->relation.n)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "cache_write: the loops of stage '%s' are split or fused already; call "
                  "cache_write before that, then "
                  "schedule both stages",
                  name);
    else {
        for (int i = 0; i < te->stage.n; i++)
            if (te->stage.at[i]->attach == WEFT_AT_AXIS && te->stage.at[i]->attach_stage == s) {
                weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                          "cache_write: stage '%s' is computed at a loop of '%s'; call cache_write "
                          "first, then "
                          "compute_at",
                          weft_stage_name(te->stage.at[i]), name);
                return false;
            }
        return true;
    }
    return false;
}

/* The definition over data axes of its own. */
static weft_te_op
moved_definition(weft_te *te, const weft_te_op *op)
{
    weft_arena *a = &te->ir->arena;
    weft_te_op to = *op;
    const weft_var **from = WEFT_NEW_ARRAY(a, op->naxis, const weft_var *);
    const weft_expr **ref = WEFT_NEW_ARRAY(a, op->naxis, const weft_expr *);
    to.axis = WEFT_NEW_ARRAY(a, op->naxis, weft_axis *);
    for (int i = 0; i < op->naxis; i++) {
        to.axis[i] = weft_te_axis_like(te, op->axis[i]);
        from[i] = op->axis[i]->var;
        ref[i] = weft_ref(te->ir, to.axis[i]->var);
    }
    to.body = WEFT_NEW_ARRAY(a, op->nout, const weft_expr *);
    for (int i = 0; i < op->nout; i++)
        to.body[i] = weft_subst_expr(te->ir, op->body[i], op->naxis, from, ref);
    to.cond = op->cond ? weft_subst_expr(te->ir, op->cond, op->naxis, from, ref) : NULL;
    return to;
}

/* s becomes a copy of what `cache` computes, over the data leaves it had. */
static void
become_copy(weft_te *te, weft_stage *s, const weft_te_op *cache)
{
    weft_te_op *op = s->op;
    const weft_expr **body = WEFT_NEW_ARRAY(&te->ir->arena, op->nout, const weft_expr *);
    for (int i = 0; i < op->nout; i++)
        body[i] = element(te, cache->out[i], op->naxis, op->axis);
    *op = (weft_te_op){ .kind = op->kind,
                        .name = op->name,
                        .naxis = op->naxis,
                        .axis = op->axis,
                        .nout = op->nout,
                        .out = op->out,
                        .body = body,
                        .reducer = WEFT_REDUCER_COUNT };
    int n = 0;
    for (int i = 0; i < s->leaf.n; i++)
        if (s->leaf.at[i]->kind == WEFT_AXIS_DATA)
            s->leaf.at[n++] = s->leaf.at[i];
    s->leaf.n = n;
}

static void
log_cache_write(weft_te *te, const weft_te_op *cache, const weft_tensor *t, const char *space)
{
    weft_str made = { 0 };
    for (int i = 0; i < cache->nout; i++)
        weft_str_addf(&made, "%s%s", i ? ", " : "", cache->out[i]->buf->name);
    weft_te_log(te, "%s = cache_write(%s, %s)", weft_str_text(&made), t->buf->name, space);
    weft_str_free(&made);
}

weft_tensor *
weft_cache_write_named(weft_te *te, weft_tensor *t, const char *space, const char *const *names)
{
    weft_stage *s = space ? weft_te_stage_for(te, t, "cache_write") : NULL;
    if (!s)
        return weft_te_null(te, "cache_write"), NULL;
    weft_space where = weft_te_space(te, t, space, "cache_write");
    if (where == WEFT_SPACE_COUNT || !weft_te_scan_free(te, s, "cache_write") ||
        !check_rewritable(te, s))
        return NULL;
    const char **name = WEFT_NEW_ARRAY(&te->ir->arena, s->op->nout, const char *);
    for (int i = 0; i < s->op->nout; i++)
        name[i] = names ? names[i] : cache_name(te, s->op->out[i], space);
    weft_te_op from = moved_definition(te, s->op);
    int place = index_of(te->stage.n, te->stage.at, s);
    weft_te_op *cache = weft_te_insert(te, &from, name, place);
    if (!cache)
        return NULL;
    te->stage.at[place]->space = where;
    te->stage.at[place]->space_set = true;
    become_copy(te, s, cache);
    log_cache_write(te, cache, s->op->out[0], space);
    return cache->out[t->index];
}

weft_tensor *
weft_cache_write(weft_te *te, weft_tensor *t, const char *space)
{
    return weft_cache_write_named(te, t, space, NULL);
}
