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
 * elements keep their order as the run on the left goes first.
 *
 * A CPU's worker goes through as many elements as leave every worker some, where few are wanted: it
 * asks groups of them for their least key, and inserts those of a group that has one to keep. */
#include "topi/topi.h"

enum {
    BLOCK = 32,       /* elements that are sorted by insertion */
    WIDE_BLOCK = 128, /* where only FEW of them are kept */
    FEW = 16,
    CHUNK = 16,          /* elements that a thread merges */
    GROUP = 32,          /* elements that are asked together whether one is to be kept, */
    LANES = 16,          /* so many at once */
    MOST_SELECTED = 256, /* that a worker keeps in order while it goes through others */
    MOST = 1 << 30       /* elements of a row where nothing is known of their number */
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
    weft_tensor *keys;              /* [rows, n]; tuples: [n, columns] of one row */
    bool tuples;                    /* elements are rows of keys, the first column going first */
    const weft_expr *rows, *n, *k;  /* k elements of each row are wanted */
    int64_t most;                   /* that n may be, where it is a symbol */
    int64_t width;                  /* elements of a row that a run is of */
    const weft_expr *runs, *length; /* of a row; elements that a run keeps */
    weft_tensor *key, *place;       /* [rows, runs, length]: where they stood, and, but for tuples,
                                     * their keys */
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
    const weft_expr **dim = WEFT_NEW_ARRAY(&s->te->ir->arena, 3, const weft_expr *);
    weft_tensor *out[2] = { NULL, NULL };
    dim[0] = s->rows;
    dim[1] = s->runs;
    dim[2] = s->length;
    weft_topi_result results[2] = { { "place", WEFT_I32, 3, dim },
                                    { "run", s->keys->buf->dtype, 3, dim } };
    if (weft_topi_extern(t, s->tuples ? 1 : 2, results, out))
        return false;
    s->place = out[0];
    s->key = out[1];
    return true;
}

/* Sets @less[0] to whether a is less than b: texts of keys, in which @column[0] is the column of
 * tuples of so many. */
static void
say_less(weft_topi_text *t, const weft_expr *columns, const char *a, const char *b)
{
    if (!columns || weft_is_int_imm(columns, 1)) {
        weft_topi_say(t, columns ? "@column[0] = 0\n@less[0] = %s < %s" : "@less[0] = %s < %s", a,
                      b);
        return;
    }
    weft_topi_say(t, "@column[0] = 0");
    weft_topi_say(t, "while guard(@column[0] < %e, %s == %s, false) {", columns, a, b);
    weft_topi_say(t, "@column[0] = @column[0] + 1 }");
    weft_topi_say(t, "@less[0] = guard(@column[0] < %e, %s < %s, false)", columns, a, b);
}

static void
compare(weft_topi_text *t, const sorter *s, const char *a, const char *b)
{
    say_less(t, s->tuples ? s->keys->buf->shape[1] : NULL, a, b);
}

static void
say_room(weft_topi_text *t, bool tuples)
{
    weft_topi_say(t, "alloc @less: local bool[1]");
    if (tuples)
        weft_topi_say(t, "alloc @column: local i32[1]");
}

/* The key of an element of a run, "@left, @i[0]". */
static const char *
run_key(const sorter *s, const char *at)
{
    weft_arena *arena = &s->te->ir->arena;
    return s->tuples ? weft_arena_printf(arena, "%s[%s[@row, %s], @column[0]]", s->keys->buf->name,
                                         s->place->buf->name, at)
                     : weft_arena_printf(arena, "%s[@row, %s]", s->key->buf->name, at);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

/* Elements that a worker selects from; 0: there are no workers, or sorting blocks is
 * less work than to keep k elements in order: as a new one comes k / i times for i
 * elements, k * k steps and more. */
static int64_t
span_of(const sorter *s)
{
    int64_t rows, n, k, workers = s->te->workers;
    if (workers <= 0 || s->tuples || !weft_as_int(s->n, &n) || !weft_as_int(s->k, &k) || n < 1 ||
        k > MOST_SELECTED)
        return 0;
    rows = weft_as_int(s->rows, &rows) && rows > 1 ? rows : 1;
    int64_t span = weft_ceildiv(n, weft_ceildiv(workers, rows));
    return 2 * k <= span && k * k <= 4 * span ? span : 0;
}

static int64_t
block_size(const sorter *s)
{
    int64_t k;
    return weft_as_int(s->k, &k) && k <= FEW ? WIDE_BLOCK : BLOCK;
}

/* The key of element @step of the block; of the one that is kept in `slot`. */
static const char *
element_key(const sorter *s, int64_t block)
{
    return weft_arena_printf(&s->te->ir->arena, "%s[%s@part * %d + @step%s]", s->keys->buf->name,
                             s->tuples ? "" : "@row, ", (int)block,
                             s->tuples ? ", @column[0]" : "");
}

static const char *
kept_key(const sorter *s, const char *slot)
{
    weft_arena *arena = &s->te->ir->arena;
    return s->tuples ? weft_arena_printf(arena, "%s[@from[%s], @column[0]]", s->keys->buf->name,
                                         slot)
                     : weft_arena_printf(arena, "@sorted[%s]", slot);
}

/* Puts element @step where it belongs among those kept, if it is one of the first. */
static void
insert(weft_topi_text *t, const sorter *s, int64_t block, int64_t room)
{
    const char *own = element_key(s, block),
               *last = weft_arena_printf(&s->te->ir->arena, "%d", (int)room - 1);
    weft_topi_say(t, "@less[0] = @step < %d\nif @step >= %d {", room, room);
    compare(t, s, own, kept_key(s, last));
    weft_topi_say(t, "}\nif @less[0] {\n@to[0] = min(@step, %s)\n@less[0] = @to[0] > 0", last);
    weft_topi_say(t, "while @less[0] {");
    compare(t, s, own, kept_key(s, "@to[0] - 1"));
    weft_topi_say(t, "if @less[0] {\n@from[@to[0]] = @from[@to[0] - 1]");
    if (!s->tuples)
        weft_topi_say(t, "@sorted[@to[0]] = @sorted[@to[0] - 1]");
    weft_topi_say(t, "@to[0] = @to[0] - 1\n@less[0] = @to[0] > 0 } }");
    weft_topi_say(t, "@from[@to[0]] = @part * %d + @step", block);
    if (!s->tuples)
        weft_topi_say(t, "@sorted[@to[0]] = %s", own);
    weft_topi_say(t, "}");
}

/* All @have elements of the block. */
static void
insert_each(weft_topi_text *t, const sorter *s, int64_t block, int64_t room)
{
    weft_topi_say(t, "for @step in 0..@have {");
    insert(t, s, block, room);
    weft_topi_say(t, "}");
}

/* Sets @least[0] to the least key of the group, in vectors. */
static void
find_least(weft_topi_text *t, const sorter *s, int64_t block)
{
    const char *key = s->keys->buf->name;
    int64_t lanes = LANES;
    weft_topi_say(t, "alloc @least: local %y[%d]\nfor @lane in 0..%d vectorize {",
                  s->keys->buf->dtype, lanes, lanes);
    weft_topi_say(t, "@least[@lane] = %s[@row, @part * %d + @group * %d + @lane] }", key, block,
                  (int64_t)GROUP);
    weft_topi_say(t, "for @next in 0..%d {\nfor @lane in 0..%d vectorize {", GROUP / lanes - 1,
                  lanes);
    weft_topi_say(t,
                  "@least[@lane] = min(@least[@lane], "
                  "%s[@row, @part * %d + @group * %d + (@next + 1) * %d + @lane]) } }",
                  key, block, (int64_t)GROUP, lanes);
    for (int64_t half = lanes / 2; half > 1; half /= 2)
        weft_topi_say(t,
                      "for @lane in 0..%d vectorize {\n"
                      "@least[@lane] = min(@least[@lane], @least[@lane + %d]) }",
                      half, half);
    weft_topi_say(t, "@least[0] = min(@least[0], @least[1])");
}

/* All @have elements of the block, but for groups of which none is to be kept. */
static void
insert_groups(weft_topi_text *t, const sorter *s, int64_t block, int64_t room)
{
    int64_t group = GROUP;
    weft_topi_say(t, "for @group in 0..@have // %d {", group);
    find_least(t, s, block);
    weft_topi_say(t, "if @group * %d < %d || @least[0] < @sorted[%d] {", group, room, room - 1);
    weft_topi_say(t, "for @member in 0..%d {\nlet @step: i32 = @group * %d + @member", group,
                  group);
    insert(t, s, block, room);
    weft_topi_say(t, "} } }\nfor @member in 0..@have %% %d {", group);
    weft_topi_say(t, "let @step: i32 = @have // %d * %d + @member", group, group);
    insert(t, s, block, room);
    weft_topi_say(t, "}");
}

/* The first elements of each block, in order; all that a run has room for is written, whatever
 * there is. */
static bool
sort_blocks(sorter *s)
{
    weft_topi_text t = { .te = s->te };
    int64_t span = span_of(s), block = span ? span : block_size(s), room;
    set_width(s, block);
    if (!weft_as_int(s->length, &room))
        room = block;
    weft_topi_each(&t, "item", weft_mul(s->te->ir, s->rows, s->runs));
    weft_topi_say(&t, "let @row: i32 = @item // %e\nlet @part: i32 = @item %% %e", s->runs,
                  s->runs);
    say_room(&t, s->tuples);
    weft_topi_say(&t, "alloc @to: local i32[1]\nalloc @from: local i32[%d]", room);
    weft_topi_say(&t, "for @slot in 0..%d { @from[@slot] = 0 }", room);
    if (!s->tuples)
        weft_topi_say(&t,
                      "alloc @sorted: local %y[%d]\n"
                      "for @slot in 0..%d { @sorted[@slot] = %y(0) }",
                      s->keys->buf->dtype, room, room, s->keys->buf->dtype);
    weft_topi_say(&t, "let @have: i32 = min(%d, %e - @part * %d)", block, s->n, block);
    (span ? insert_groups : insert_each)(&t, s, block, room);
    weft_topi_say(&t, "for @slot in 0..%e {\n@place[@row, @part, @slot] = @from[@slot]", s->length);
    if (!s->tuples)
        weft_topi_say(&t, "@run[@row, @part, @slot] = @sorted[@slot]");
    weft_topi_say(&t, "}");
    weft_topi_end(&t);
    return make_runs(s, &t);
}

/* ---- merging --------------------------------------------------------------------------------- */

/* Where a thread's part of the two runs begins: of the first @diagonal elements @i are of the left
 * run, as many as can be before one on the right is less. */
static void
find_beginning(weft_topi_text *t, const sorter *from)
{
    weft_topi_say(t, "alloc @i: local i32[1]\nalloc @j: local i32[1]");
    weft_topi_say(t, "@i[0] = max(0, @diagonal - @nright)\n@j[0] = min(@diagonal, @nleft)");
    weft_topi_say(t, "while @i[0] < @j[0] {\nlet @middle: i32 = (@i[0] + @j[0]) // 2");
    compare(t, from, run_key(from, "@left + 1, @diagonal - 1 - @middle"),
            run_key(from, "@left, @middle"));
    weft_topi_say(t, "if @less[0] { @j[0] = @middle } else { @i[0] = @middle + 1 } }");
    weft_topi_say(t, "@i[0] = min(@i[0], @nleft)\n@j[0] = @diagonal - @i[0]");
}

/* Takes the element of a run, "@left, @i[0]", as the next one, and goes on in it. */
static void
take(weft_topi_text *t, const sorter *from, const char *at, const char *i)
{
    weft_topi_say(t, "@place[@row, @pair, @slot] = %t[@row, %s]", from->place, at);
    if (!from->tuples)
        weft_topi_say(t, "@run[@row, @pair, @slot] = %t[@row, %s]", from->key, at);
    weft_topi_say(t, "%s = %s + 1", i, i);
}

static void
merge_part(weft_topi_text *t, const sorter *from, const sorter *s)
{
    weft_topi_say(t, "for @step in 0..min(%d, %e - @diagonal) {\n"
                     "let @slot: i32 = @diagonal + @step\n@less[0] = @i[0] >= @nleft",
                  (int64_t)CHUNK, s->length);
    weft_topi_say(t, "if @i[0] < @nleft && @j[0] < @nright {");
    compare(t, from, run_key(from, "@left + 1, @j[0]"), run_key(from, "@left, @i[0]"));
    weft_topi_say(t, "}\nif !@less[0] {");
    take(t, from, "@left, @i[0]", "@i[0]");
    weft_topi_say(t, "} else if @j[0] < @nright {");
    take(t, from, "@left + 1, @j[0]", "@j[0]");
    weft_topi_say(t, "} else {\n@place[@row, @pair, @slot] = 0");
    if (!s->tuples)
        weft_topi_say(t, "@run[@row, @pair, @slot] = %y(0)", s->keys->buf->dtype);
    weft_topi_say(t, "} }");
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
    say_room(&t, s->tuples);
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
        n = s->most > 0 && s->most < MOST ? s->most : MOST;
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
weft_topi_argsort(weft_te *te, weft_tensor *x, int axis, bool descending, const weft_expr *k,
                  int64_t most)
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
                 .most = most,
                 .keys = keys_of(te, x, axis, descending) };
    if (!s.keys || !sort_rows(&s))
        return NULL;
    weft_axis **axes = weft_topi_axes(te, n, dim);
    const weft_expr **at = weft_topi_refs(te, n, axes);
    const weft_expr *from[3] = { row_of(te, n, dim, axis, at), weft_i32(ir, 0), at[axis] };
    return weft_te_compute(te, "argsort", n, axes,
                           weft_cast(ir, WEFT_I64, weft_topi_at(te, s.place, from)));
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* [n, columns] */
static weft_tensor *
row_keys(weft_te *te, weft_tensor *x)
{
    weft_axis **axes = weft_topi_axes(te, 2, x->buf->shape);
    const weft_expr *v = weft_topi_at(te, x, weft_topi_refs(te, 2, axes));
    return weft_te_compute(te, "keys", 2, axes, key_of(te->ir, v));
}

weft_tensor *
weft_topi_argsort_rows(weft_te *te, weft_tensor *x, int64_t most)
{
    if (!x)
        return NULL;
    const weft_expr *n = x->buf->shape[0];
    sorter s = { .te = te,
                 .tuples = true,
                 .rows = weft_i32(te->ir, 1),
                 .n = n,
                 .k = n,
                 .most = most,
                 .keys = row_keys(te, x) };
    if (!s.keys || weft_is_int_imm(n, 0))
        return s.keys ? weft_topi_full(te, WEFT_I64, 1, &n, 0) : NULL;
    if (!sort_rows(&s))
        return NULL;
    weft_axis **axes = weft_topi_axes(te, 1, &n);
    const weft_expr *zero = weft_i32(te->ir, 0),
                    *from[3] = { zero, zero, weft_axis_ref(te, axes[0]) };
    return weft_te_compute(te, "argsort", 1, axes,
                           weft_cast(te->ir, WEFT_I64, weft_topi_at(te, s.place, from)));
}

/* Between @low and @high is the first place whose row is not less than the wanted one; right: that
 * is greater. */
weft_tensor *
weft_topi_searchsorted(weft_te *te, weft_tensor *x, weft_tensor *wanted, bool right)
{
    weft_tensor *keys = x ? row_keys(te, x) : NULL, *out,
                *want = wanted ? row_keys(te, wanted) : NULL;
    if (!keys || !want)
        return NULL;
    weft_topi_text t = { .te = te };
    weft_topi_result result = { "found", WEFT_I64, 1, want->buf->shape };
    const char *at = weft_arena_printf(&te->ir->arena, "%s[@middle, @column[0]]", keys->buf->name),
               *own = weft_arena_printf(&te->ir->arena, "%s[@item, @column[0]]", want->buf->name);
    weft_topi_each(&t, "item", want->buf->shape[0]);
    say_room(&t, true);
    weft_topi_say(&t, "alloc @low: local i32[1]\nalloc @high: local i32[1]");
    weft_topi_say(&t, "@low[0] = 0\n@high[0] = %e", keys->buf->shape[0]);
    weft_topi_say(&t, "while @low[0] < @high[0] {\nlet @middle: i32 = (@low[0] + @high[0]) // 2");
    say_less(&t, keys->buf->shape[1], right ? own : at, right ? at : own);
    weft_topi_say(&t, right ? "if !@less[0] {" : "if @less[0] {");
    weft_topi_say(&t, "@low[0] = @middle + 1 } else { @high[0] = @middle } }");
    weft_topi_say(&t, "@found[@item] = i64(@low[0])");
    weft_topi_end(&t);
    return weft_topi_extern(&t, 1, &result, &out) ? NULL : out;
}
