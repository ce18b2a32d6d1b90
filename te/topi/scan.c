/* te/topi/scan.c: sums and products over all that comes before along an axis.
 *
 * Rows of some length are one serial chain each.  Longer ones are cut into blocks: the totals of
 * blocks, the same operator over these, which says what each block starts from, and a chain a
 * block.  The work is that of two passes, the order of combination that of the blocks: fixed. */
#include "topi/topi.h"

#include <string.h>

enum {
    BLOCK = 64,          /* elements of a block */
    CHAIN = 2 * BLOCK,   /* elements that are one chain at most, where their number is known */
    SYMBOLIC_LEVELS = 2, /* of blocks of blocks where it is not */
    LEAST_LANES = 64,    /* neighbouring chains of a worker, where there are so many, */
    MOST_LANES = 512,    /* which leaves */
    ITEMS = 4            /* for each worker */
};

typedef struct cumulative {
    weft_te *te;
    bool product, exclusive, reverse;
    weft_dtype wide; /* of the sums */
    int axis;
    weft_tensor *x;
    const weft_expr *n, *blocks;
    int64_t lanes;                   /* neighbours along the last axis that an item has; 0: one */
    const weft_expr *lines, *chunks; /* chains of other places; items along the last axis */
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

/* Which chains an item has: @row, or of its line the @count neighbours from @first on. */
static void
say_item(const cumulative *c, weft_topi_text *t)
{
    weft_ir *ir = c->te->ir;
    const weft_expr *rows = weft_simplify_expr(ir, NULL, weft_mul(ir, c->lines, c->chunks));
    bool along =
        c->axis == c->x->buf->ndim - 1; /* else neighbouring items are neighbours in memory */
    weft_topi_each(t, "item", weft_mul(ir, rows, c->blocks));
    weft_topi_say(t,
                  along ? "let @chain: i32 = @item // %e\nlet @part: i32 = @item %% %e"
                        : "let @chain: i32 = @item %% %e\nlet @part: i32 = @item // %e",
                  along ? c->blocks : rows, along ? c->blocks : rows);
    weft_topi_say(t, "let @row: i32 = @chain // %e", c->chunks);
    if (!c->lanes)
        return;
    weft_topi_say(t, "let @first: i32 = @chain %% %e * %d", c->chunks, c->lanes);
    weft_topi_say(t, "let @count: i32 = min(%d, %e - @first)", c->lanes,
                  c->x->buf->shape[c->x->buf->ndim - 1]);
}

/* What is done for each of the item's chains. */
static void
say_each(const cumulative *c, weft_topi_text *t, const char *what)
{
    weft_topi_say(t, c->lanes ? "for @lane in 0..@count {\n%s }" : "%s", what);
}

/* The element of step or block `at` of a chain. */
static const char *
element(const cumulative *c, const weft_tensor *x, const char *at)
{
    return weft_topi_element(c->te, x, c->axis, "@row", at, c->lanes ? "@first + @lane" : NULL);
}

/* What the sums start from, and the loop over the steps of the item's block. */
static void
begin_chain(const cumulative *c, weft_topi_text *t, const weft_tensor *start, const char *sum)
{
    weft_arena *arena = &c->te->ir->arena;
    const char *none =
        weft_arena_printf(arena, "%s(%d)", weft_dtype_name(c->wide), (int)c->product);
    weft_topi_say(t, "alloc @sum: local %y[%d]", c->wide, c->lanes ? c->lanes : (int64_t)1);
    say_each(c, t,
             weft_arena_printf(arena, "%s = %s", sum, start ? element(c, start, "@part") : none));
    if (start) {
        weft_topi_say(t, "for @step in 0..min(%d, %e - @part * %d) {", (int64_t)BLOCK, c->n,
                      (int64_t)BLOCK);
        weft_topi_say(t, "let @p: i32 = @part * %d + @step", (int64_t)BLOCK);
    } else {
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
    weft_arena *arena = &te->ir->arena;
    weft_tensor *out;
    weft_topi_text t = { .te = te };
    weft_topi_result y = { "cumulative", c->x->buf->dtype, c->x->buf->ndim, c->x->buf->shape };
    const char *from = element(c, c->x, c->reverse ? "@at" : "@p"),
               *sum = c->lanes ? "@sum[@lane]" : "@sum[0]";
    const char *step = weft_arena_printf(arena, "%s = %s %s %s(%s)", sum, sum,
                                         c->product ? "*" : "+", weft_dtype_name(c->wide), from);
    const char *store = weft_arena_printf(arena, "@%s%s = %s(%s)", y.name, strchr(from, '['),
                                          weft_dtype_name(y.dtype), sum);
    say_item(c, &t);
    begin_chain(c, &t, start, sum);
    say_each(c, &t,
             weft_arena_printf(arena, "%s\n%s", c->exclusive ? store : step,
                               c->exclusive ? step : store));
    weft_topi_say(&t, "}");
    weft_topi_end(&t);
    return weft_topi_extern(&t, 1, &y, &out) ? NULL : out;
}

/* Neighbouring chains of an item, of those along the last axis: as many as
 * leave every worker some. */
static void
choose_lanes(cumulative *c)
{
    weft_ir *ir = c->te->ir;
    const weft_buf *b = c->x->buf;
    int64_t lines, last, items = (int64_t)ITEMS * c->te->workers;
    c->lanes = 0;
    c->lines = weft_topi_rows(c->te, c->x, c->axis);
    c->chunks = weft_i32(ir, 1);
    if (items == 0 || c->axis == b->ndim - 1 || !weft_as_int(b->shape[b->ndim - 1], &last) ||
        last < 2)
        return;
    c->lines = weft_simplify_expr(ir, NULL, weft_fdiv(ir, c->lines, b->shape[b->ndim - 1]));
    c->lanes = weft_as_int(c->lines, &lines) ? weft_ceildiv(lines * last, items) : LEAST_LANES;
    c->lanes = weft_round_up(c->lanes > 0 ? c->lanes : 1, LEAST_LANES);
    c->lanes = c->lanes > MOST_LANES ? MOST_LANES : c->lanes;
    c->lanes = c->lanes > last ? last : c->lanes;
    c->chunks = weft_i32(ir, weft_ceildiv(last, c->lanes));
}

/* Whether a row is one chain; levels: of blocks around it. */
static bool
is_short(const cumulative *c, int levels)
{
    weft_ir *ir = c->te->ir;
    int64_t n, items;
    if (c->lanes &&
        weft_as_int(weft_simplify_expr(ir, NULL, weft_mul(ir, c->lines, c->chunks)), &items) &&
        items >= 2 * c->te->workers)
        return true;
    return weft_as_int(c->n, &n) ? n <= CHAIN : levels >= SYMBOLIC_LEVELS;
}

static weft_tensor *
scan(cumulative *c, int levels)
{
    weft_ir *ir = c->te->ir;
    c->n = c->x->buf->shape[c->axis];
    c->blocks = weft_i32(ir, 1);
    choose_lanes(c);
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
