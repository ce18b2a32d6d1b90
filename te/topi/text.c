/* te/topi/text.c: statements of extern stages, written as text: a small language of formats, names
 * that meet no symbol or tensor of the program, and the loop over independent items. */
#include "topi/topi.h"

#include <ctype.h>
#include <string.h>

enum {
    THREADS = 64,    /* of a block: items of a CPU's work-group as well, */
    GROUPS = 4,      /* of which each core gets so many if there are fewer items */
    MAX_GRID = 32768 /* blocks: within what every API allows; what is more goes in rounds */
};

/* ---- names ----------------------------------------------------------------------------------- */

static bool
is_taken(const weft_te *te, const char *name)
{
    for (int i = 0; i < te->symbol.n; i++)
        if (strcmp(te->symbol.at[i]->name, name) == 0)
            return true;
    for (int i = 0; i < te->tensor.n; i++)
        if (strcmp(te->tensor.at[i]->buf->name, name) == 0)
            return true;
    return false;
}

/* The same for the same name until the program gets another tensor. */
static const char *
free_name(weft_te *te, const char *want, size_t n)
{
    weft_arena *arena = &te->ir->arena;
    const char *name = weft_arena_printf(arena, "%.*s", (int)n, want);
    for (int i = 1; is_taken(te, name); i++)
        name = weft_arena_printf(arena, "%.*s_%d", (int)n, want, i);
    return name;
}

/* ---- formats --------------------------------------------------------------------------------- */

static void
put_expr(weft_str *s, const weft_expr *e)
{
    bool word = e->h.kind == WEFT_EK_VAR || e->h.kind == WEFT_EK_IMM;
    weft_str_add(s, word ? "" : "(");
    weft_print_expr(s, e);
    weft_str_add(s, word ? "" : ")");
}

static size_t
word_length(const char *at)
{
    size_t n = 0;
    while (isalnum((unsigned char)at[n]) || at[n] == '_')
        n++;
    return n;
}

/* One directive: %d an int64_t, %e an expression over symbols, %s a text, %t a tensor's name, %y a
 * dtype. */
static void
put_argument(weft_topi_text *t, char kind, va_list *args)
{
    if (kind == 'd')
        weft_str_addf(&t->s, "%lld", (long long)va_arg(*args, int64_t));
    else if (kind == 'e')
        put_expr(&t->s, va_arg(*args, const weft_expr *));
    else if (kind == 't')
        weft_str_add(&t->s, va_arg(*args, const weft_tensor *)->buf->name);
    else if (kind == 'y')
        weft_str_add(&t->s, weft_dtype_name((weft_dtype)va_arg(*args, int)));
    else
        weft_str_add(&t->s, va_arg(*args, const char *));
}

/* %s first: what it stands for may have names in it. */
static void
put_names(weft_topi_text *t, const char *text)
{
    for (size_t n; *text; text += n) {
        n = strcspn(text, "@");
        weft_str_addn(&t->s, text, n);
        if (text[n] != '@')
            continue;
        size_t length = word_length(text + n + 1);
        weft_str_add(&t->s, free_name(t->te, text + n + 1, length));
        n += 1 + length;
    }
}

void
weft_topi_say(weft_topi_text *t, const char *fmt, ...)
{
    weft_topi_text line = { .te = t->te };
    va_list args;
    va_start(args, fmt);
    for (size_t n; *fmt; fmt += n) {
        n = strcspn(fmt, "%");
        weft_str_addn(&line.s, fmt, n);
        if (fmt[n] != '%')
            continue;
        if (fmt[n + 1] == '%')
            weft_str_add(&line.s, "%");
        else
            put_argument(&line, fmt[n + 1], &args);
        n += 2;
    }
    va_end(args);
    put_names(t, weft_str_text(&line.s));
    weft_str_add(&t->s, "\n");
    weft_str_free(&line.s);
}

/* ---- items and elements ---------------------------------------------------------------------- */

static const weft_expr *
ceil_of(weft_ir *ir, const weft_expr *e, int64_t by)
{
    e = weft_fdiv(ir, weft_add(ir, e, weft_i32(ir, by - 1)), weft_i32(ir, by));
    return weft_simplify_expr(ir, NULL, e);
}

static int64_t
threads_for(const weft_te *te, const weft_expr *count)
{
    int64_t n;
    if (te->workers <= 0 || !weft_as_int(weft_simplify_expr(te->ir, NULL, count), &n))
        return THREADS;
    n /= (int64_t)GROUPS * te->workers;
    return n > THREADS ? THREADS : n > 1 ? n : 1;
}

void
weft_topi_each(weft_topi_text *t, const char *item, const weft_expr *count)
{
    weft_ir *ir = t->te->ir;
    int64_t threads = threads_for(t->te, count);
    const weft_expr *blocks = ceil_of(ir, count, threads);
    blocks = weft_max(ir, weft_min(ir, blocks, weft_i32(ir, MAX_GRID)), weft_i32(ir, 1));
    blocks = weft_simplify_expr(ir, NULL, blocks);
    weft_topi_say(t,
                  "for @block in 0..%e on block.x { for @thread in 0..%d on thread.x {\n"
                  "for @round in 0..%e {\n"
                  "let @%s: i32 = (@round * %e + @block) * %d + @thread\n"
                  "if @%s < %e {",
                  blocks, threads, ceil_of(ir, count, threads * MAX_GRID), item, blocks, threads,
                  item, count);
}

void
weft_topi_end(weft_topi_text *t)
{
    weft_topi_say(t, "}}}}");
}

const weft_expr *
weft_topi_rows(weft_te *te, const weft_tensor *x, int axis)
{
    const weft_expr *n = weft_i32(te->ir, 1);
    for (int d = 0; d < x->buf->ndim; d++)
        if (d != axis)
            n = weft_mul(te->ir, n, x->buf->shape[d]);
    return weft_simplify_expr(te->ir, NULL, n);
}

/* "row // elements of a step % size", of what there is; n: dims before those
 * that are not the row's. */
static const char *
unravelled(weft_te *te, const weft_tensor *x, int axis, int n, int d, const char *row, bool first)
{
    weft_topi_text t = { .te = te };
    const weft_expr *step = weft_i32(te->ir, 1);
    for (int k = d + 1; k < n; k++)
        if (k != axis)
            step = weft_mul(te->ir, step, x->buf->shape[k]);
    step = weft_simplify_expr(te->ir, NULL, step);
    weft_str_addf(&t.s, "%s", row);
    if (!weft_is_int_imm(step, 1)) {
        weft_str_add(&t.s, " // ");
        put_expr(&t.s, step);
    }
    if (!first) {
        weft_str_add(&t.s, " % ");
        put_expr(&t.s, x->buf->shape[d]);
    }
    const char *text = weft_arena_strdup(&te->ir->arena, weft_str_text(&t.s));
    weft_str_free(&t.s);
    return text;
}

const char *
weft_topi_element(weft_te *te, const weft_tensor *x, int axis, const char *row, const char *at,
                  const char *last)
{
    weft_arena *arena = &te->ir->arena;
    const char *text = weft_arena_printf(arena, "%s[", x->buf->name);
    int n = x->buf->ndim - (last != NULL);
    bool first = true;
    for (int d = 0; d < x->buf->ndim; d++) {
        const char *index = d == axis ? at
                            : d >= n  ? last
                                      : unravelled(te, x, axis, n, d, row, first);
        first = first && d == axis;
        text = weft_arena_printf(arena, "%s%s%s", text, d ? ", " : "", index);
    }
    return weft_arena_printf(arena, "%s]", text);
}

/* ---- the stage ------------------------------------------------------------------------------- */

weft_status
weft_topi_extern(weft_topi_text *t, int n, const weft_topi_result *result, weft_tensor **out)
{
    weft_arena *arena = &t->te->ir->arena;
    const char **name = WEFT_NEW_ARRAY(arena, n, const char *);
    weft_dtype *dtype = WEFT_NEW_ARRAY(arena, n, weft_dtype);
    int *ndim = WEFT_NEW_ARRAY(arena, n, int);
    const weft_expr *const **shape = WEFT_NEW_ARRAY(arena, n, const weft_expr *const *);
    for (int i = 0; i < n; i++) {
        name[i] = free_name(t->te, result[i].name, strlen(result[i].name));
        dtype[i] = result[i].dtype;
        ndim[i] = result[i].ndim;
        shape[i] = result[i].shape;
    }
    weft_status st =
        weft_te_extern(t->te, n, name, dtype, ndim, shape, weft_str_text(&t->s), out);
    weft_str_free(&t->s);
    return st;
}
