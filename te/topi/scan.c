/* te/topi/scan.c: sums and products over all that comes before along an axis.
 *
 * Rows of some length are one serial chain each.  Longer ones are cut into blocks: the totals of
 * blocks, the same operator over these, which says what each block starts from, and a chain a
 * block.  The work is that of two passes, the order of combination that of the blocks: fixed. */
#include "topi/topi.h"

#include <string.h>

enum {
    BLOCK = 64,         /* elements of a block */
    CHAIN = 2 * BLOCK,  /* elements that are one chain at most, where their number is known */
    SYMBOLIC_LEVELS = 2 /* of blocks of blocks where it is not */
};

typedef struct cumulative {
    weft_te *te;
    bool product, exclusive, reverse;
    weft_dtype wide; /* of the sums */
    int axis;
    weft_tensor *x;
    const weft_expr *n, *blocks;
} cumulative;

/* The shape of x with another size along the axis. */
static const weft_expr **
shape_with(const cumulative *c, const weft_expr *size)
{
    weft_buf const *b = c->x->buf;
    const weft_expr **dim =
        weft_arena_dup(&c->te->ir->arena, b->shape, (size_t)b->ndim * sizeof *dim);
    dim[c->axis] = size;
    return dim;
}

/* Step p of a row is element p, from the end element n - 1 - p. */
static const weft_expr *
element_of_step(const cumulative *c, const weft_expr *p)
{
    weft_ir *ir = c->te->ir;
    return c->reverse ? weft_sub(ir, weft_sub(ir, c->n, weft_i32(ir, 1)), p) : p;
}

/* The total of each block: [.., blocks, ..]. */
static weft_tensor *
totals(const cumulative *c)
{
    weft_ir *ir = c->te->ir;
    int n = c->x->buf->ndim;
    weft_axis **axis = weft_topi_axes(c->te, n, shape_with(c, c->blocks)),
              *r = weft_te_reduce_axis(c->te, "r", weft_i32(ir, BLOCK));
    const weft_expr **at = weft_topi_refs(c->te, n, axis);
    const weft_expr *p = weft_add(ir, weft_mul(ir, at[c->axis], weft_i32(ir, BLOCK)),
                                  weft_axis_ref(c->te, r));
    at[c->axis] = element_of_step(c, p);
    const weft_expr *v = weft_cast(ir, c->wide, weft_topi_at(c->te, c->x, at));
    v = weft_guard(ir, weft_lt(ir, p, c->n), v, weft_topi_num(c->te, c->wide, c->product));
    return weft_te_reduce(c->te, "total", n, axis, 1, &r, c->product ? WEFT_PROD : WEFT_SUM, v);
}

/* What the sum starts from, and the loop over the steps of the item's block. */
static void
begin_chain(const cumulative *c, weft_topi_text *t, const weft_tensor *start)
{
    weft_topi_say(t, "alloc @sum: local %y[1]", c->wide);
    if (start) {
        weft_topi_say(t, "@sum[0] = %s",
                      weft_topi_element(c->te, start, c->axis, "@row", "@part"));
        weft_topi_say(t, "for @step in 0..min(%d, %e - @part * %d) {", (int64_t)BLOCK, c->n,
                      (int64_t)BLOCK);
        weft_topi_say(t, "let @p: i32 = @part * %d + @step", (int64_t)BLOCK);
    } else {
        weft_topi_say(t, "@sum[0] = %y(%d)", c->wide, (int64_t)c->product);
        weft_topi_say(t, "for @p in 0..%e {", c->n);
    }
    if (c->reverse)
        weft_topi_say(t, "let @at: i32 = %e - 1 - @p", c->n);
}

/* A chain a block, from `start` on; NULL: a row is one block, from nothing. */
static weft_tensor *
chains(const cumulative *c, const weft_tensor *start)
{
    weft_te *te = c->te;
    weft_tensor *out;
    weft_topi_text t = { .te = te };
    weft_topi_result y = { "cumulative", c->x->buf->dtype, c->x->buf->ndim, c->x->buf->shape };
    const char *from = weft_topi_element(te, c->x, c->axis, "@row", c->reverse ? "@at" : "@p");
    const char *step = weft_arena_printf(&te->ir->arena, "@sum[0] = @sum[0] %s %s(%s)",
                                         c->product ? "*" : "+", weft_dtype_name(c->wide), from);
    const char *store = weft_arena_printf(&te->ir->arena, "@%s%s = %s(@sum[0])", y.name,
                                          strchr(from, '['), weft_dtype_name(y.dtype));
    weft_topi_each(&t, "item", weft_mul(te->ir, weft_topi_rows(te, c->x, c->axis), c->blocks));
    weft_topi_say(&t, "let @row: i32 = @item // %e", c->blocks);
    weft_topi_say(&t, "let @part: i32 = @item %% %e", c->blocks);
    begin_chain(c, &t, start);
    weft_topi_say(&t, "%s", c->exclusive ? store : step);
    weft_topi_say(&t, "%s", c->exclusive ? step : store);
    weft_topi_say(&t, "}");
    weft_topi_end(&t);
    return weft_topi_extern(&t, 1, &y, &out) ? NULL : out;
}

/* Whether a row is one chain; levels: of blocks around it. */
static bool
is_short(const cumulative *c, int levels)
{
    int64_t n;
    return weft_as_int(c->n, &n) ? n <= CHAIN : levels >= SYMBOLIC_LEVELS;
}

static weft_tensor *
scan(cumulative *c, int levels)
{
    weft_ir *ir = c->te->ir;
    c->n = c->x->buf->shape[c->axis];
    c->blocks = weft_i32(ir, 1);
    if (is_short(c, levels))
        return chains(c, NULL);
    c->blocks = weft_fdiv(ir, weft_add(ir, c->n, weft_i32(ir, BLOCK - 1)), weft_i32(ir, BLOCK));
    c->blocks = weft_simplify_expr(ir, NULL, c->blocks);
    cumulative outer = { .te = c->te,
                         .product = c->product,
                         .exclusive = true,
                         .wide = c->wide,
                         .axis = c->axis,
                         .x = totals(c) };
    weft_tensor *start = outer.x ? scan(&outer, levels + 1) : NULL;
    return start ? chains(c, start) : NULL;
}

weft_tensor *
weft_topi_cumulative(weft_te *te, bool product, weft_tensor *x, int axis, bool exclusive,
                     bool reverse)
{
    if (!x)
        return NULL;
    cumulative c = { .te = te,
                     .product = product,
                     .exclusive = exclusive,
                     .reverse = reverse,
                     .wide = weft_topi_sum_dtype(x->buf->dtype),
                     .axis = axis,
                     .x = x };
    return scan(&c, 0);
}
