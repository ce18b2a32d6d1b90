/* The interpreter's messages: which kernel, what, who, and the statement's text. */
#include "ir/interp_priv.h"

#include <stdarg.h>
#include <string.h>

/* ---- the statement --------------------------------------------------------------------------- */

static void
add_expr(weft_str *out, const char *lead, const weft_expr *e)
{
    weft_str_add(out, lead);
    weft_print_expr(out, e);
}

/* Its first line: bodies are left out. */
static void
name_statement(weft_str *out, const weft_stmt *s)
{
    switch (s->kind) {
    case WEFT_SK_FOR:
        weft_str_addf(out, "for %s in 0..", s->u.loop.var->name);
        weft_print_expr(out, s->u.loop.extent);
        break;
    case WEFT_SK_WHILE:
        add_expr(out, "while ", s->u.loop.extent);
        break;
    case WEFT_SK_IF:
        add_expr(out, "if ", s->u.iff.cond);
        break;
    case WEFT_SK_LET:
        weft_str_addf(out, "let %s = ", s->u.let.var->name);
        weft_print_expr(out, s->u.let.value);
        break;
    case WEFT_SK_ALLOC:
        weft_str_addf(out, "alloc %s", s->u.alloc.buf->name);
        break;
    case WEFT_SK_ALLREDUCE:
        weft_str_addf(out, "allreduce of %s", s->u.all.var[0]->name);
        break;
    case WEFT_SK_SEQ:
        weft_str_add(out, "a sequence");
        break;
    default:
        weft_print_stmt(out, s, 0);
        while (out->n && out->at[out->n - 1] == '\n')
            out->at[--out->n] = '\0';
        break;
    }
}

/* ---- lanes ----------------------------------------------------------------------------------- */

static int64_t
coordinate(const trip *t, int axis, int64_t linear)
{
    int64_t below = 1;
    for (int i = axis + 1; i < t->naxis; i++)
        below *= t->extent[i];
    return linear / below % t->extent[axis];
}

static void
name_launch(const trip *t, weft_str *out, int64_t linear)
{
    int64_t at[WEFT_BIND_COUNT] = { 0 };
    for (int i = 0; i < t->naxis; i++)
        at[t->axis[i]] = coordinate(t, i, linear);
    weft_str_addf(out, "thread (%lld,%lld,%lld) of block (%lld,%lld,%lld)",
                  (long long)at[WEFT_THREAD_X], (long long)at[WEFT_THREAD_Y],
                  (long long)at[WEFT_THREAD_Z], (long long)at[WEFT_BLOCK_X],
                  (long long)at[WEFT_BLOCK_Y], (long long)at[WEFT_BLOCK_Z]);
}

void
weft_interp_name_lane(const ctx *c, weft_str *out, uint64_t unit, int lane)
{
    const trip *t = c->go;
    if (!t || unit < t->unit || unit >= t->unit + (uint64_t)t->nchunk) {
        weft_str_add(out, "the code around the parallel loops");
        return;
    }
    int64_t linear = (int64_t)(unit - t->unit) * t->chunk + (c->thread ? c->thread[lane] : lane);
    if (!t->g->slot) {
        name_launch(t, out, linear);
        return;
    }
    weft_str_add(out, "iteration ");
    for (int i = 0; i < t->naxis; i++)
        weft_str_addf(out, "%s%s=%lld", i ? ", " : "", t->g->var[i]->name,
                      (long long)coordinate(t, i, linear));
}

void
weft_interp_name_element(ctx *c, weft_str *out, const access *a, int64_t e)
{
    const bufview *b = &c->buf[a->buf];
    weft_str_addf(out, "%s[", a->src->name);
    for (int d = 0; d < a->n; d++) {
        int64_t s = b->stride[d], i = s > 0 ? e / s : 0;
        e -= i * s;
        weft_str_addf(out, "%s%lld", d ? ", " : "", (long long)i);
    }
    weft_str_add(out, "]");
}

void
weft_interp_fault(ctx *c, int lane, weft_status status, const char *fmt, ...)
{
    weft_str text = { 0 };
    va_list args;
    if (c->failed)
        return;
    weft_str_addf(&text, "kernel '%s': ", c->in->kernel->name);
    va_start(args, fmt);
    weft_str_vaddf(&text, fmt, args);
    va_end(args);
    if (lane >= 0 && c->go) {
        weft_str_add(&text, "; by ");
        weft_interp_name_lane(c, &text, c->gword >> TOUCH_UNIT, lane);
    }
    if (c->where) {
        weft_str_add(&text, "; in `");
        name_statement(&text, c->where->src);
        weft_str_add(&text, "`");
    }
    c->failed = true;
    c->status = status;
    run *r = c->r;
    pthread_mutex_lock(&r->lock);
    if (!r->status || c->chunk_at < r->at) {
        weft_str_free(&r->text);
        r->text = text;
        r->status = status;
        r->at = c->chunk_at;
        if (r->stop > c->chunk_at)
            __atomic_store_n(&r->stop, c->chunk_at, __ATOMIC_RELAXED);
    } else {
        weft_str_free(&text);
    }
    pthread_mutex_unlock(&r->lock);
}
