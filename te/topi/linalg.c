/* te/topi/linalg.c: determinants.
 *
 * One block of threads a matrix: elimination with partial pivoting in a copy, of whose columns
 * every thread has some.  All threads look for the pivot, in one column; then each exchanges rows
 * and eliminates in its own. */
#include "topi/topi.h"

enum { THREADS = 64, MAX_GRID = 32768 };

typedef struct elimination {
    weft_te *te;
    weft_dtype t; /* computed in */
    const weft_expr *count, *n, *blocks; /* matrices, rows, blocks of threads */
    const weft_tensor *from;
} elimination;

static const weft_expr *
ceil_of(weft_ir *ir, const weft_expr *e, int64_t by)
{
    e = weft_fdiv(ir, weft_add(ir, e, weft_i32(ir, by - 1)), weft_i32(ir, by));
    return weft_simplify_expr(ir, NULL, e);
}

/* What is done for every column @j of the thread's where `cond` holds, which may be "". */
static void
say_columns(const elimination *e, weft_topi_text *t, const char *cond, const char *what)
{
    weft_topi_say(t, "for @c in 0..%e {\nlet @j: i32 = @c * %d + @thread", 
                  ceil_of(e->te->ir, e->n, THREADS), (int64_t)THREADS);
    weft_topi_say(t, "if @j < %e%s {\n%s\n}\n}", e->n, cond, what);
}

/* @row: where the greatest element of column @k is, from row @k on; @v is the element. */
static void
say_pivot(const elimination *e, weft_topi_text *t)
{
    weft_topi_say(t, "@pivot[0] = @k\nfor @i in 0..%e - @k {", e->n);
    weft_topi_say(t, "let @best: %y = @lu[@m, max(min(@pivot[0], %e - 1), 0), @k]", e->t, e->n);
    weft_topi_say(t, "if abs(@lu[@m, @k + @i, @k]) > abs(@best) {\n@pivot[0] = @k + @i\n}\n}");
    weft_topi_say(t, "let @row: i32 = max(min(@pivot[0], %e - 1), 0)", e->n);
    weft_topi_say(t, "let @v: %y = @lu[@m, @row, @k]", e->t);
}

static void
say_step(const elimination *e, weft_topi_text *t)
{
    weft_topi_say(t, "for @k in 0..%e {", e->n);
    say_pivot(e, t);
    weft_topi_say(t, "@product[0] = @product[0] * select(@row == @k, @v, -@v)");
    weft_topi_text swap = { .te = e->te };
    weft_topi_say(&swap,
                  "let @old: %y = @lu[@m, @k, @j]\n@lu[@m, @k, @j] = @lu[@m, @row, @j]\n"
                  "@lu[@m, @row, @j] = @old",
                  e->t);
    say_columns(e, t, "", weft_str_text(&swap.s));
    weft_str_free(&swap.s);
    weft_topi_say(t, "for @i in 0..%e - 1 - @k {", e->n);
    weft_topi_say(t, "let @under: %y = @lu[@m, @k + 1 + @i, @k]", e->t);
    weft_topi_say(t, "let @factor: %y = select(@v == %y(0), %y(0), @under / @v)", e->t, e->t, e->t);
    say_columns(e, t, " && @j > @k",
                "@lu[@m, @k + 1 + @i, @j] = @lu[@m, @k + 1 + @i, @j] - @factor * @lu[@m, @k, @j]");
    weft_topi_say(t, "}\n}");
}

static weft_tensor *
eliminate(elimination *e)
{
    weft_ir *ir = e->te->ir;
    const weft_expr *shape[3] = { e->count, e->n, e->n };
    weft_topi_result made[2] = { { "lu", e->t, 3, shape }, { "det", e->t, 1, shape } };
    weft_tensor *out[2];
    weft_topi_text t = { .te = e->te };
    e->blocks = weft_max(ir, weft_min(ir, e->count, weft_i32(ir, MAX_GRID)), weft_i32(ir, 1));
    e->blocks = weft_simplify_expr(ir, NULL, e->blocks);
    weft_topi_say(&t, "for @block in 0..%e on block.x { for @thread in 0..%d on thread.x {",
                  e->blocks, (int64_t)THREADS);
    weft_topi_say(&t, "alloc @product: local %y[1]\nalloc @pivot: local i32[1]", e->t);
    weft_topi_say(&t, "for @round in 0..%e {\nlet @m: i32 = @round * %e + @block\nif @m < %e {",
                  ceil_of(ir, e->count, MAX_GRID), e->blocks, e->count);
    weft_topi_say(&t, "for @i in 0..%e {", e->n);
    say_columns(e, &t, "", weft_arena_printf(&ir->arena, "@lu[@m, @i, @j] = %s[@m, @i, @j]",
                                             e->from->buf->name));
    weft_topi_say(&t, "}\n@product[0] = %y(1)", e->t);
    say_step(e, &t);
    weft_topi_say(&t, "if @thread == 0 {\n@det[@m] = @product[0]\n}\n}\n}\n}\n}");
    return weft_topi_extern(&t, 2, made, out) ? NULL : out[1];
}

weft_tensor *
weft_topi_det(weft_te *te, weft_tensor *x)
{
    if (!x)
        return NULL;
    weft_ir *ir = te->ir;
    int batch = x->buf->ndim - 2;
    elimination e = { .te = te,
                      .t = weft_topi_sum_dtype(x->buf->dtype),
                      .count = weft_i32(ir, 1),
                      .n = x->buf->shape[batch] };
    for (int d = 0; d < batch; d++)
        e.count = weft_mul(ir, e.count, x->buf->shape[d]);
    e.count = weft_simplify_expr(ir, NULL, e.count);
    const weft_expr *flat[3] = { e.count, e.n, e.n };
    weft_tensor *from = weft_topi_reshape(te, x, 3, flat);
    e.from = from ? weft_topi_cast(te, from, e.t) : NULL;
    weft_tensor *det = e.from ? eliminate(&e) : NULL;
    det = det ? weft_topi_reshape(te, det, batch, x->buf->shape) : NULL;
    return det ? weft_topi_cast(te, det, x->buf->dtype) : NULL;
}
