/* te/topi/sort.c: stable sorting along an axis, of everything or of the first k.
 *
 * What is sorted are unsigned keys whose order is that of the elements: integers with the sign bit
 * turned, floats by their bits, with -0 as 0 and NaN above all; turned over for the descending
 * order.  So devices that flush denormals or compare NaN in ways of their own sort alike.
 *
 * Blocks of a row are sorted by one thread each, by insertion; then neighbouring runs are merged,
 * each thread making some elements from the place where its part of both runs begins (merge path:
 * Odeh, Green, Mwassi, Shmueli and Birk, IPDPS Workshops 2012).  No run keeps more than the k
 * elements that can still be among the first: the work is O(n log k), and needs no barrier.  Equal
 * elements keep their order as the run on the left goes first. */
#include "topi/topi.h"

enum {
    BLOCK = 32,       /* elements that are sorted by insertion */
    WIDE_BLOCK = 128, /* where only FEW of them are kept */
    FEW = 16,
    CHUNK = 16,          /* elements that a thread merges */
    SYMBOLIC_RUN = 1 << 30 /* elements of the last run where their number is not known */
};

/* ---- keys ------------------------------------------------------------------------------------ */

static const weft_expr *
bit(weft_ir *ir, weft_dtype key, int shift)
{
    return weft_int(ir, key, (int64_t)((uint64_t)1 << shift));
}

static const weft_expr *
flipped(weft_ir *ir, const weft_expr *x)
{
    return weft_binary(ir, WEFT_EK_BXOR, x, weft_int(ir, (weft_dtype)x->h.type.dtype, -1));
}

/* Of the bits of a float with `mantissa` bits behind the exponent. */
static const weft_expr *
float_key(weft_ir *ir, const weft_expr *b, int bits, int mantissa)
{
    weft_dtype t = (weft_dtype)b->h.type.dtype;
    const weft_expr *sign = bit(ir, t, bits - 1), *zero = weft_int(ir, t, 0);
    const weft_expr *size = weft_binary(ir, WEFT_EK_BAND, b, flipped(ir, sign));
    const weft_expr *inf = weft_sub(ir, sign, bit(ir, t, mantissa));
    const weft_expr *below = weft_ne(ir, weft_binary(ir, WEFT_EK_BAND, b, sign), zero);
    const weft_expr *key =
        weft_select(ir, below, flipped(ir, b), weft_binary(ir, WEFT_EK_BXOR, b, sign));
    key = weft_select(ir, weft_eq(ir, size, zero), sign, key);
    return weft_select(ir, weft_gt(ir, size, inf), weft_int(ir, t, -1), key);
}

static bool
is_wide(weft_dtype t)
{
    return weft_dtype_bits(t) > 32;
}

static const weft_expr *
key_of(weft_ir *ir, const weft_expr *x)
{
    weft_dtype t = (weft_dtype)x->h.type.dtype, key = is_wide(t) ? WEFT_U64 : WEFT_U32;
    int bits = weft_dtype_bits(key);
    if (weft_is_float(t)) {
        weft_dtype whole = is_wide(t) ? WEFT_F64 : WEFT_F32;
        x = weft_bitcast(ir, weft_scalar(key), weft_cast(ir, whole, x));
        return float_key(ir, x, bits, is_wide(t) ? 52 : 23);
    }
    x = weft_cast(ir, key, x);
    return weft_dtype_kind(t) == WEFT_KIND_INT
               ? weft_binary(ir, WEFT_EK_BXOR, x, bit(ir, key, bits - 1))
               : x;
}

/* The index of place `at` of a row of x. */
static const weft_expr **
index_of(weft_te *te, const weft_tensor *x, int axis, const weft_expr *row, const weft_expr *at)
{
    weft_ir *ir = te->ir;
    const weft_expr **index = WEFT_NEW_ARRAY(&ir->arena, x->buf->ndim + 1, const weft_expr *);
    for (int d = x->buf->ndim - 1; d >= 0; d--) {
        const weft_expr *size = x->buf->shape[d];
        index[d] = d == axis ? at : weft_fmod(ir, row, size);
        row = d == axis ? row : weft_fdiv(ir, row, size);
    }
    return index;
}

/* [rows, n] */
static weft_tensor *
keys_of(weft_te *te, weft_tensor *x, int axis, bool descending)
{
    const weft_expr *dim[2] = { weft_topi_rows(te, x, axis), x->buf->shape[axis] };
    weft_axis **axes = weft_topi_axes(te, 2, dim);
    const weft_expr **at = weft_topi_refs(te, 2, axes);
    const weft_expr *key =
        key_of(te->ir, weft_topi_at(te, x, index_of(te, x, axis, at[0], at[1])));
    return weft_te_compute(te, "keys", 2, axes, descending ? flipped(te->ir, key) : key);
}

/* ---- runs ------------------------------------------------------------------------------------ */

typedef struct sorter {
    weft_te *te;
    weft_tensor *keys;                /* [rows, n] */
    const weft_expr *rows, *n, *k;    /* k elements of each row are wanted */
    int64_t width;                    /* elements of a row that a run is of */
    const weft_expr *runs, *length;   /* of a row; elements that a run keeps */
    weft_tensor *key, *place;         /* [rows, runs, length]: keys, and where they stood */
} sorter;

static const weft_expr *
num(const sorter *s, int64_t v)
{
    return weft_i32(s->te->ir, v);
}

static const weft_expr *
ceil_of(const sorter *s, const weft_expr *e, int64_t by)
{
    weft_ir *ir = s->te->ir;
    return weft_simplify_expr(ir, NULL,
                              weft_fdiv(ir, weft_add(ir, e, num(s, by - 1)), num(s, by)));
}

/* Runs of so many elements of a row. */
static void
set_width(sorter *s, int64_t width)
{
    weft_ir *ir = s->te->ir;
    s->width = width;
    s->runs = ceil_of(s, s->n, width);
    s->length = weft_simplify_expr(ir, NULL, weft_min(ir, s->k, num(s, width)));
}

/* The stage that makes the runs that `s` says. */
static bool
make_runs(sorter *s, weft_topi_text *t)
{
    weft_arena *arena = &s->te->ir->arena;
    const weft_expr **dim = WEFT_NEW_ARRAY(arena, 3, const weft_expr *);
    weft_tensor *out[2];
    dim[0] = s->rows;
    dim[1] = s->runs;
    dim[2] = s->length;
    weft_topi_result results[2] = { { "run", s->keys->buf->dtype, 3, dim },
                                    { "place", WEFT_I32, 3, dim } };
    if (weft_topi_extern(t, 2, results, out))
        return false;
    s->key = out[0];
    s->place = out[1];
    return true;
}

static int64_t
block_size(const sorter *s)
{
    int64_t k;
    return weft_as_int(s->k, &k) && k <= FEW ? WIDE_BLOCK : BLOCK;
}

/* The first elements of each block, in order, kept in @sorted and @from while they are found; then
 * all that a run has room for is written, whatever there is. */
static bool
sort_blocks(sorter *s)
{
    weft_topi_text t = { .te = s->te };
    weft_dtype key = s->keys->buf->dtype;
    int64_t block = block_size(s), room;
    set_width(s, block);
    if (!weft_as_int(s->length, &room))
        room = block;
    weft_topi_each(&t, "item", weft_mul(s->te->ir, s->rows, s->runs));
    weft_topi_say(&t, "let @row: i32 = @item // %e\nlet @part: i32 = @item %% %e", s->runs,
                  s->runs);
    weft_topi_say(&t, "alloc @sorted: local %y[%d]\nalloc @from: local i32[%d]", key, room, room);
    weft_topi_say(&t, "alloc @to: local i32[1]");
    weft_topi_say(&t, "for @slot in 0..%d { @sorted[@slot] = ~%y(0)\n@from[@slot] = 0 }", room,
                  key);
    weft_topi_say(&t, "for @step in 0..min(%d, %e - @part * %d) {", block, s->n, block);
    weft_topi_say(&t, "let @this: %y = %t[@row, @part * %d + @step]", key, s->keys, block);
    weft_topi_say(&t, "if @step < %d || @this < @sorted[%d] {", room, room - 1);
    weft_topi_say(&t, "@to[0] = min(@step, %d)", room - 1);
    weft_topi_say(&t, "while guard(@to[0] > 0, @this < @sorted[@to[0] - 1], false) {\n"
                      "@sorted[@to[0]] = @sorted[@to[0] - 1]\n"
                      "@from[@to[0]] = @from[@to[0] - 1]\n"
                      "@to[0] = @to[0] - 1 }");
    weft_topi_say(&t, "@sorted[@to[0]] = @this\n@from[@to[0]] = @part * %d + @step }}", block);
    weft_topi_say(&t, "for @slot in 0..%e {\n@run[@row, @part, @slot] = @sorted[@slot]\n"
                      "@place[@row, @part, @slot] = @from[@slot] }",
                  s->length);
    weft_topi_end(&t);
    return make_runs(s, &t);
}

/* Where a thread's part of the two runs begins: of the first @diagonal elements @i are of the left
 * run, as many as can be before one on the right is less. */
static void
find_beginning(weft_topi_text *t, const sorter *from)
{
    weft_topi_say(t, "alloc @i: local i32[1]\nalloc @j: local i32[1]");
    weft_topi_say(t, "@i[0] = max(0, @diagonal - @nright)\n@j[0] = min(@diagonal, @nleft)");
    weft_topi_say(t, "while @i[0] < @j[0] {\nlet @middle: i32 = (@i[0] + @j[0]) // 2");
    weft_topi_say(t,
                  "if %t[@row, @left, @middle] <= %t[@row, @left + 1, @diagonal - 1 - @middle] {\n"
                  "@i[0] = @middle + 1 } else { @j[0] = @middle } }",
                  from->key, from->key);
    weft_topi_say(t, "@i[0] = min(@i[0], @nleft)\n@j[0] = @diagonal - @i[0]");
}

static void
merge_part(weft_topi_text *t, const sorter *from, const sorter *s)
{
    static const char take[] = "@run[@row, @pair, @slot] = %t[@row, %s, @%s[0]]\n"
                               "@place[@row, @pair, @slot] = %t[@row, %s, @%s[0]]\n"
                               "@%s[0] = @%s[0] + 1";
    weft_topi_say(t, "for @step in 0..min(%d, %e - @diagonal) {\n"
                     "let @slot: i32 = @diagonal + @step",
                  (int64_t)CHUNK, s->length);
    weft_topi_say(t,
                  "if guard(@i[0] < @nleft, guard(@j[0] < @nright, %t[@row, @left, @i[0]] <= "
                  "%t[@row, @left + 1, @j[0]], true), false) {",
                  from->key, from->key);
    weft_topi_say(t, take, from->key, "@left", "i", from->place, "@left", "i", "i", "i");
    weft_topi_say(t, "} else if @j[0] < @nright {");
    weft_topi_say(t, take, from->key, "@left + 1", "j", from->place, "@left + 1", "j", "j", "j");
    weft_topi_say(t, "} else {\n@run[@row, @pair, @slot] = ~%y(0)\n@place[@row, @pair, @slot] = 0 }}",
                  s->keys->buf->dtype);
}

/* Runs of twice the width. */
static bool
merge_pairs(sorter *s)
{
    sorter from = *s;
    weft_ir *ir = s->te->ir;
    weft_topi_text t = { .te = s->te };
    set_width(s, 2 * from.width);
    const weft_expr *parts = ceil_of(s, s->length, CHUNK);
    weft_topi_each(&t, "item", weft_mul(ir, s->rows, weft_mul(ir, s->runs, parts)));
    weft_topi_say(&t, "let @row: i32 = @item // (%e * %e)", s->runs, parts);
    weft_topi_say(&t, "let @pair: i32 = @item // %e %% %e\nlet @left: i32 = @pair * 2", parts,
                  s->runs);
    weft_topi_say(&t, "let @diagonal: i32 = @item %% %e * %d", parts, (int64_t)CHUNK);
    weft_topi_say(&t, "let @nleft: i32 = min(%e, %e - @left * %d)", from.length, s->n, from.width);
    weft_topi_say(&t, "let @nright: i32 = max(0, min(%e, %e - (@left + 1) * %d))", from.length,
                  s->n, from.width);
    find_beginning(&t, &from);
    merge_part(&t, &from, s);
    weft_topi_end(&t);
    return make_runs(s, &t);
}

/* One run a row; false after an error. */
static bool
sort_rows(sorter *s)
{
    int64_t n;
    if (!weft_as_int(s->n, &n))
        n = SYMBOLIC_RUN;
    if (!sort_blocks(s))
        return false;
    while (s->width < n)
        if (!merge_pairs(s))
            return false;
    return true;
}

/* ---- operators ------------------------------------------------------------------------------- */

/* Element `at` of the row that the other dims of `index` make. */
static const weft_expr *
row_of(weft_te *te, int ndim, const weft_expr *const *dim, int axis, const weft_expr *const *index)
{
    const weft_expr *row = weft_i32(te->ir, 0);
    for (int d = 0; d < ndim; d++)
        if (d != axis)
            row = weft_add(te->ir, weft_mul(te->ir, row, dim[d]), index[d]);
    return weft_simplify_expr(te->ir, NULL, row);
}

weft_tensor *
weft_topi_argsort(weft_te *te, weft_tensor *x, int axis, bool descending, const weft_expr *k)
{
    if (!x || !k)
        return NULL;
    weft_ir *ir = te->ir;
    int n = x->buf->ndim;
    const weft_expr **dim = weft_arena_dup(&ir->arena, x->buf->shape, (size_t)n * sizeof *dim);
    dim[axis] = k;
    if (weft_is_int_imm(k, 0))
        return weft_topi_full(te, WEFT_I64, n, dim, 0);
    sorter s = { .te = te,
                 .rows = weft_topi_rows(te, x, axis),
                 .n = x->buf->shape[axis],
                 .k = k,
                 .keys = keys_of(te, x, axis, descending) };
    if (!s.keys || !sort_rows(&s))
        return NULL;
    weft_axis **axes = weft_topi_axes(te, n, dim);
    const weft_expr **at = weft_topi_refs(te, n, axes);
    const weft_expr *from[3] = { row_of(te, n, dim, axis, at), weft_i32(ir, 0), at[axis] };
    return weft_te_compute(te, "argsort", n, axes,
                           weft_cast(ir, WEFT_I64, weft_topi_at(te, s.place, from)));
}
