/* te/topi/scatter.c: a tensor with updates where indices say.
 *
 * One kernel without atomics: the elements along the axes that indices speak of are dealt out to
 * `parts`, and each item has one part of one place along the other axes, its line.  It copies its
 * elements and then goes through the updates in their order, taking those that are its own.  So
 * every result has one writer, which sees the updates in order: the same bits on every device.
 *
 * Threads take parts that lie beside each other, as many as let each read about as many indices as
 * it copies elements, and some more where that leaves few items.  Many updates of few lines are put
 * into lists for them first, one a part, each in their order (a counting sort by parts): chunks of
 * them are counted, a running sum says where each chunk's go in each list, and a thread reads its
 * part's list alone.  A worker, a core, takes a whole run of places, and lines that lie side by side
 * together.
 *
 * Two forms are expressions like any other.  A few updates are compared with by every element.  And
 * where whole lines are replaced, it is found for each place which update is the last to go there,
 * before every element takes that update's or its own.
 */
#include "topi/topi.h"

#include <string.h>

enum {
    WIDTH = 64,          /* lines side by side of an item of a worker, or places that it copies */
    READS = 4,           /* indices that an item may read for each element that it copies */
    ITEMS = 1024,        /* that it is worth reading more for, */
    MOST_PARTS = 32,     /* so many times more; */
    WORKER_ITEMS = 4,    /* for each worker, where there are workers and they have few updates */
    SYMBOLIC_PARTS = 8,  /* where sizes are not known */
    ALL_ITEMS = 1 << 20, /* items at most, where that leaves a part for each */
    FEW = 4,             /* updates that every element looks at */
    LOOKS = 8,           /* indices that are compared while an element is copied */
    MANY = 4096,         /* updates: of threads, to put into lists, */
    FEW_LISTS = 64,      /* so many, and chunks, */
    MOST_LISTED = 1 << 16,
    MANY_LISTS = 256 /* and so many for more than MOST_LISTED */
};

typedef struct scatter {
    weft_te *te;
    weft_tensor *x, *index, *updates;
    const char *reduction;
    int nto, nline;       /* axes that indices speak of, the others: */
    int *to, *line;       /* which of x's they are */
    int nrow;             /* leading dims of `updates` that number the updates of an item */
    const weft_expr *places, *lines, *rows, *parts; /* how many of each */
    int64_t width; /* lines of an item, side by side */
} scatter;

static const weft_expr *
simple(const scatter *s, const weft_expr *e)
{
    return weft_simplify_expr(s->te->ir, NULL, e);
}

static const weft_expr *
product(const scatter *s, int n, const weft_expr *const *dim)
{
    const weft_expr *all = weft_i32(s->te->ir, 1);
    for (int d = 0; d < n; d++)
        all = weft_mul(s->te->ir, all, dim[d]);
    return simple(s, all);
}

/* The dims of x that stand in the list. */
static const weft_expr **
dims_of(const scatter *s, int n, const int *axis)
{
    const weft_expr **dim = WEFT_NEW_ARRAY(&s->te->ir->arena, n + 1, const weft_expr *);
    for (int i = 0; i < n; i++)
        dim[i] = s->x->buf->shape[axis[i]];
    return dim;
}

/* Bands of `width` lines each. */
static const weft_expr *
bands_of(const scatter *s)
{
    weft_ir *ir = s->te->ir;
    return simple(s, weft_fdiv(ir, weft_add(ir, s->lines, weft_i32(ir, s->width - 1)),
                               weft_i32(ir, s->width)));
}

/* A worker goes through lines that lie side by side together: steps along one are far apart. */
static int64_t
choose_width(const scatter *s)
{
    int64_t side = 1, dim;
    for (int l = s->nline; l-- > 0 && s->line[l] > s->to[s->nto - 1];)
        side *= weft_as_int(s->x->buf->shape[s->line[l]], &dim) && dim < WIDTH ? dim : WIDTH;
    return s->te->workers > 0 && side >= WIDTH ? WIDTH : 1;
}

/* Every worker has items, none more of them than it reads updates for gladly. */
static const weft_expr *
parts_of_workers(const scatter *s, int64_t bands)
{
    weft_ir *ir = s->te->ir;
    int64_t rows, items = s->te->workers;
    if (weft_as_int(s->rows, &rows) && rows < MANY)
        items *= WORKER_ITEMS;
    const weft_expr *parts = weft_i32(ir, weft_ceildiv(items, bands < 1 ? 1 : bands));
    return simple(s, weft_max(ir, weft_min(ir, parts, s->places), weft_i32(ir, 1)));
}

/* places * READS / rows, within what the sizes and the number of items allow. */
static const weft_expr *
choose_parts(const scatter *s)
{
    weft_ir *ir = s->te->ir;
    const weft_expr *one = weft_i32(ir, 1);
    int64_t lines, least = SYMBOLIC_PARTS;
    if (s->te->workers > 0 && weft_as_int(bands_of(s), &lines))
        return parts_of_workers(s, lines);
    if (weft_as_int(s->lines, &lines))
        least = ITEMS / (lines < 1 ? 1 : lines) + 1;
    least = least < MOST_PARTS ? least : MOST_PARTS;
    const weft_expr *rows = weft_max(ir, weft_fdiv(ir, s->rows, weft_i32(ir, READS)), one);
    const weft_expr *parts = weft_max(ir, weft_fdiv(ir, s->places, rows), weft_i32(ir, least));
    const weft_expr *room =
        weft_fdiv(ir, weft_i32(ir, ALL_ITEMS), weft_max(ir, s->lines, one));
    parts = weft_min(ir, parts, weft_max(ir, room, one));
    return simple(s, weft_max(ir, weft_min(ir, parts, s->places), one));
}

/* ---- text ------------------------------------------------------------------------------------ */

/* The text, without the line's end, which goes. */
static const char *
taken(weft_topi_text *t)
{
    const char *all = weft_str_text(&t->s);
    const char *text = weft_arena_printf(&t->te->ir->arena, "%.*s", (int)strcspn(all, "\n"), all);
    weft_str_free(&t->s);
    return text;
}

/* Coordinate i of element number `at` of a tensor of these dims. */
static const char *
coordinate(const scatter *s, const char *at, int n, const weft_expr *const *dim, int i)
{
    weft_topi_text t = { .te = s->te };
    const weft_expr *step = product(s, n - i - 1, dim + i + 1);
    if (i == 0 && n == 1)
        return at;
    weft_topi_say(&t, i == 0 ? "%s // %e" : "%s // %e %% %e", at, step, dim[i]);
    return taken(&t);
}

/* "[a, b]" of texts. */
static const char *
brackets(const scatter *s, int n, const char *const *at)
{
    const char *text = "[";
    for (int d = 0; d < n; d++)
        text = weft_arena_printf(&s->te->ir->arena, "%s%s%s", text, d ? ", " : "", at[d]);
    return weft_arena_printf(&s->te->ir->arena, "%s]", text);
}

/* The element of x, and of the result, at place `at` of the item's line. */
static const char *
element_at(const scatter *s, const char *at)
{
    const weft_expr **to = dims_of(s, s->nto, s->to), **line = dims_of(s, s->nline, s->line);
    const char **text = WEFT_NEW_ARRAY(&s->te->ir->arena, s->x->buf->ndim + 1, const char *);
    for (int i = 0; i < s->nto; i++)
        text[s->to[i]] = coordinate(s, at, s->nto, to, i);
    for (int i = 0; i < s->nline; i++)
        text[s->line[i]] = coordinate(s, "@line", s->nline, line, i);
    return brackets(s, s->x->buf->ndim, text);
}

/* The coordinates of update @row of the item: `rows` of them number the updates, the rest is the
 * line's.  Of put_along_axis the row stands at the axis. */
static const char **
update_coordinates(const scatter *s, bool along)
{
    int n = s->updates->buf->ndim;
    const weft_expr **line = dims_of(s, s->nline, s->line);
    const char **text = WEFT_NEW_ARRAY(&s->te->ir->arena, n + 1, const char *);
    for (int d = 0, l = 0; d < n; d++) {
        bool row = along ? d == s->to[0] : d < s->nrow;
        text[d] = row && along ? "@row"
                  : row        ? coordinate(s, "@row", s->nrow, s->updates->buf->shape, d)
                               : coordinate(s, "@line", s->nline, line, l);
        l += !row;
    }
    return text;
}

/* Component c of the place that update @row goes to: @i as it is, @j counted from the start. */
static void
say_component(const scatter *s, weft_topi_text *t, const char *at, int c)
{
    weft_dtype wide = weft_dtype_bits(s->index->buf->dtype) > 32 ? WEFT_I64 : WEFT_I32;
    const weft_expr *dim = s->x->buf->shape[s->to[c]];
    int64_t i = c;
    weft_topi_say(t, "let @i%d: %y = guard(@row < 0, %y(0), %y(%t%s))", i, wide, wide, wide,
                  s->index, at);
    weft_topi_say(t, "let @j%d: %y = select(@i%d < %y(0), @i%d + %y(%e), @i%d)", i, wide, i, wide, i,
                  wide, dim, i);
    weft_topi_say(t, "let @has%d: bool = @j%d >= %y(0) && @j%d < %y(%e)", i, i, wide, i, wide, dim);
    weft_topi_say(t, "let @k%d: i32 = i32(max(min(@j%d, %y(%e) - %y(1)), %y(0)))", i, i, wide, dim,
                  wide, wide);
}

/* @to: the place that update @row goes to; @has: whether there is one. */
static void
say_place(const scatter *s, weft_topi_text *t, bool along)
{
    weft_arena *arena = &s->te->ir->arena;
    const char **at = update_coordinates(s, along), *has = "@row >= 0", *to = "0";
    const weft_expr **dim = dims_of(s, s->nto, s->to);
    for (int c = 0; c < s->nto; c++) {
        int n = along ? s->updates->buf->ndim : s->nrow;
        if (!along)
            at[n] = weft_arena_printf(arena, "%d", c);
        say_component(s, t, brackets(s, along ? n : n + 1, at), c);
        has = weft_arena_printf(arena, "%s && @has%d", has, c);
        weft_topi_say(t, c ? "let @to%d: i32 = @to%d * %e + @k%d" : "let @to%d: i32 = @k0",
                      (int64_t)c, (int64_t)(c - 1), dim[c], (int64_t)c);
        to = weft_arena_printf(arena, "@to%d", c);
    }
    weft_topi_say(t, "let @has: bool = %s", has);
    weft_topi_say(t, "let @to: i32 = %s", to);
}

/* What becomes of an element and an update. */
static const char *
combined(const scatter *s, const char *old, const char *update)
{
    static const struct {
        const char *reduction, *number, *truth; /* "%s" of both */
    } rows[] = {
        { "add", "%s + %s", "%s || %s" },
        { "mul", "%s * %s", "%s && %s" },
        { "max", "max(%s, %s)", "%s || %s" },
        { "min", "min(%s, %s)", "%s && %s" },
    };
    weft_topi_text t = { .te = s->te };
    bool truth = s->x->buf->dtype == WEFT_BOOL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].reduction, s->reduction) == 0)
            weft_topi_say(&t, truth ? rows[i].truth : rows[i].number, old, update);
    const char *text = taken(&t);
    return *text ? text : update;
}

/* How many updates an item has: all, or none where its line is beyond the indices'. */
static void
say_rows(const scatter *s, weft_topi_text *t, bool along)
{
    const char *covered = "true", **at = update_coordinates(s, along);
    weft_topi_text c = { .te = s->te };
    for (int l = 0; along && l < s->nline; l++) {
        const weft_expr *have = s->index->buf->shape[s->line[l]];
        if (have == s->x->buf->shape[s->line[l]])
            continue;
        weft_topi_say(&c, "%s && %s < %e", covered, at[s->line[l]], have);
        covered = taken(&c);
    }
    weft_topi_say(t, "let @rows: i32 = select(%s, %e, 0)", covered, s->rows);
}

/* The texts that a stage is made of. */
typedef struct pieces {
    bool along;
    const char *x, *out;  /* element @at of @line, of the tensor and of the result */
    const char *combined; /* with update @row */
} pieces;

static pieces
pieces_of(const scatter *s, bool along, const char *out)
{
    weft_arena *arena = &s->te->ir->arena;
    const char *at = element_at(s, "@at"), *x = weft_arena_printf(arena, "%s%s", s->x->buf->name, at),
               *y = weft_arena_printf(arena, "@%s%s", out, at),
               *update = weft_arena_printf(
                   arena, "%s%s", s->updates->buf->name,
                   brackets(s, s->updates->buf->ndim, update_coordinates(s, along)));
    return (pieces){ along, x, y, combined(s, y, update) };
}

/* The item's places and updates in one loop and by one store, so that a thread is seen to touch
 * elements of its own alone.  Parts lie beside each other, as threads do. */
static void
say_thread(const scatter *s, weft_topi_text *t, const pieces *p)
{
    weft_topi_say(t, "let @line: i32 = @item %% %e\nlet @part: i32 = @item // %e", s->lines, s->lines);
    weft_topi_say(t, "let @copies: i32 = (%e - @part + %e - 1) // %e", s->places, s->parts, s->parts);
    say_rows(s, t, p->along);
    weft_topi_say(t, "for @step in 0..@copies + @rows {\nlet @row: i32 = @step - @copies");
    say_place(s, t, p->along);
    weft_topi_say(t,
                  "let @at: i32 = select(@row < 0, @part + @step * %e, "
                  "select(@has && @to %% %e == @part, @to, -1))\nif @at >= 0 {",
                  s->parts, s->parts);
    weft_topi_say(t, "%s = guard(@row < 0, %s, %s)\n}}", p->out, p->x, p->combined);
}

/* The item's places, which lie side by side, and then its updates: a compiler makes vectors of
 * copies that stand alone. */
static void
say_worker(const scatter *s, weft_topi_text *t, const pieces *p)
{
    weft_ir *ir = s->te->ir;
    const weft_expr *bands = bands_of(s), *up = weft_sub(ir, s->parts, weft_i32(ir, 1)),
                    *each = simple(s, weft_fdiv(ir, weft_add(ir, s->places, up), s->parts));
    int64_t run = s->width > 1 ? 1 : WIDTH; /* places of a line at a time */
    weft_topi_say(t, "let @first: i32 = @item // %e * %e\nlet @end: i32 = min(@first + %e, %e)", bands,
                  each, each, s->places);
    weft_topi_say(t, "for @step in 0..max((@end - @first + %d) // %d, 0) {", run - 1, run);
    weft_topi_say(t, "for @l in 0..%d {\nlet @line: i32 = @item %% %e * %d + @l // %d", s->width * run,
                  bands, s->width, run);
    weft_topi_say(t, "let @at: i32 = @first + @step * %d + @l %% %d", run, run);
    weft_topi_say(t, "if @at < @end && @line < %e {\n%s = %s\n}}}", s->lines, p->out, p->x);
    weft_topi_say(t, "for @row in 0..%e {\nfor @l in 0..%d {", s->rows, s->width);
    weft_topi_say(t, "let @line: i32 = @item %% %e * %d + @l", bands, s->width);
    say_rows(s, t, p->along);
    weft_topi_say(t, "if @line < %e && @row < @rows {", s->lines);
    say_place(s, t, p->along);
    weft_topi_say(t, "let @at: i32 = @to\nif @has && @at >= @first && @at < @end {");
    weft_topi_say(t, "%s = %s\n}}}}", p->out, p->combined);
}

static weft_tensor *
scatter_stage(scatter *s, bool along)
{
    weft_te *te = s->te;
    weft_tensor *out;
    weft_topi_text t = { .te = te };
    weft_topi_result y = { "scattered", s->x->buf->dtype, s->x->buf->ndim, s->x->buf->shape };
    pieces p = pieces_of(s, along, y.name);
    s->width = choose_width(s);
    s->parts = choose_parts(s);
    weft_topi_each(&t, "item", simple(s, weft_mul(te->ir, bands_of(s), s->parts)));
    (te->workers > 0 ? say_worker : say_thread)(s, &t, &p);
    weft_topi_end(&t);
    return weft_topi_extern(&t, 1, &y, &out) ? NULL : out;
}

/* ---- few updates ----------------------------------------------------------------------------- */

static const weft_expr *
joined(const scatter *s, const weft_expr *old, const weft_expr *update)
{
    weft_ir *ir = s->te->ir;
    bool truth = s->x->buf->dtype == WEFT_BOOL;
    if (strcmp(s->reduction, "add") == 0)
        return truth ? weft_or(ir, old, update) : weft_add(ir, old, update);
    if (strcmp(s->reduction, "mul") == 0)
        return truth ? weft_and(ir, old, update) : weft_mul(ir, old, update);
    if (strcmp(s->reduction, "max") == 0)
        return truth ? weft_or(ir, old, update) : weft_max(ir, old, update);
    if (strcmp(s->reduction, "min") == 0)
        return truth ? weft_and(ir, old, update) : weft_min(ir, old, update);
    return update;
}

/* Whether update number `row` of a place `at` along the lines is for the element; its value. */
static const weft_expr *
look_at(const scatter *s, int64_t row, const weft_expr *const *at, const weft_expr **update)
{
    weft_ir *ir = s->te->ir;
    const weft_buf *b = s->updates->buf;
    const weft_expr *hit = weft_int(ir, WEFT_BOOL, 1);
    const weft_expr **from = WEFT_NEW_ARRAY(&ir->arena, b->ndim + 2, const weft_expr *);
    for (int d = s->nrow; d-- > 0;) {
        int64_t size = 1;
        (void)weft_as_int(b->shape[d], &size);
        from[d] = weft_i32(ir, row % size);
        row /= size;
    }
    for (int c = 0; c < s->nto; c++) {
        from[s->nrow] = weft_i32(ir, c);
        const weft_expr *i = weft_cast(ir, WEFT_I64, weft_topi_at(s->te, s->index, from));
        const weft_expr *size = weft_cast(ir, WEFT_I64, s->x->buf->shape[s->to[c]]);
        i = weft_select(ir, weft_lt(ir, i, weft_int(ir, WEFT_I64, 0)), weft_add(ir, i, size), i);
        hit = weft_and(ir, hit, weft_eq(ir, i, weft_cast(ir, WEFT_I64, at[s->to[c]])));
    }
    for (int l = 0; l < s->nline; l++)
        from[s->nrow + l] = at[s->line[l]];
    *update = weft_topi_at(s->te, s->updates, from);
    return hit;
}

static weft_tensor *
scatter_few(const scatter *s, int64_t rows)
{
    weft_te *te = s->te;
    int n = s->x->buf->ndim;
    weft_axis **axis = weft_topi_axes(te, n, s->x->buf->shape);
    const weft_expr **at = weft_topi_refs(te, n, axis), *v = weft_topi_at(te, s->x, at), *update;
    for (int64_t r = 0; r < rows && v; r++) {
        const weft_expr *hit = look_at(s, r, at, &update);
        v = weft_guard(te->ir, hit, joined(s, v, update), v);
    }
    return weft_te_compute(te, "scattered", n, axis, v);
}

/* ---- whole lines ----------------------------------------------------------------------------- */

/* The place that each update goes to, as a number along the indexed axes; -1: there is none. */
static weft_tensor *
places_of(const scatter *s)
{
    weft_te *te = s->te;
    weft_ir *ir = te->ir;
    const weft_expr *const *dim = s->updates->buf->shape;
    weft_axis *axis = weft_te_axis(te, "i", s->rows);
    const weft_expr *row = weft_axis_ref(te, axis), *to = weft_i32(ir, 0), *valid = NULL;
    const weft_expr **at = WEFT_NEW_ARRAY(&ir->arena, s->nrow + 1, const weft_expr *);
    for (int d = s->nrow; d-- > 0;) {
        at[d] = d == 0 ? row : weft_simplify_expr(ir, NULL, weft_fmod(ir, row, dim[d]));
        row = weft_fdiv(ir, row, dim[d]);
    }
    for (int c = 0; c < s->nto; c++) {
        const weft_expr *size = s->x->buf->shape[s->to[c]];
        at[s->nrow] = weft_i32(ir, c);
        const weft_expr *i = weft_cast(ir, WEFT_I64, weft_topi_at(te, s->index, at));
        const weft_expr *wide = weft_cast(ir, WEFT_I64, size);
        const weft_expr *in =
            weft_and(ir, weft_ge(ir, i, weft_neg(ir, wide)), weft_lt(ir, i, wide));
        valid = valid ? weft_and(ir, valid, in) : in;
        to = weft_add(ir, weft_mul(ir, to, size), weft_topi_inside(te, i, size));
    }
    to = valid ? weft_select(ir, valid, to, weft_i32(ir, -1)) : to;
    return weft_te_compute(te, "places", 1, &axis, to);
}

/* For each place the last update that goes there; -1: none does. */
static weft_tensor *
last_updates(const scatter *s, weft_tensor *places)
{
    weft_te *te = s->te;
    weft_ir *ir = te->ir;
    weft_axis *place = weft_te_axis(te, "p", s->places),
              *row = weft_te_reduce_axis(te, "r", s->rows);
    const weft_expr *r = weft_axis_ref(te, row), *none = weft_i32(ir, -1),
                    *to = weft_topi_at(te, places, &r);
    return weft_te_reduce(te, "last", 1, &place, 1, &row, WEFT_RMAX,
                          weft_select(ir, weft_eq(ir, to, weft_axis_ref(te, place)),
                                      weft_cast(ir, WEFT_I32, r), none));
}

/* Every element looks up which update its place has, if any. */
static weft_tensor *
take_lines(const scatter *s, weft_tensor *last)
{
    weft_te *te = s->te;
    weft_ir *ir = te->ir;
    int n = s->x->buf->ndim;
    weft_axis **axis = weft_topi_axes(te, n, s->x->buf->shape);
    const weft_expr **at = weft_topi_refs(te, n, axis), *place = weft_i32(ir, 0), *row,
                    *const *dim = s->updates->buf->shape;
    const weft_expr **from = WEFT_NEW_ARRAY(&ir->arena, s->updates->buf->ndim + 1, const weft_expr *);
    for (int c = 0; c < s->nto; c++)
        place = weft_add(ir, weft_mul(ir, place, s->x->buf->shape[s->to[c]]), at[s->to[c]]);
    place = row = weft_topi_at(te, last, &place);
    for (int d = s->nrow; d-- > 0;) {
        from[d] = d == 0 ? row : weft_fmod(ir, row, dim[d]);
        row = weft_fdiv(ir, row, dim[d]);
    }
    for (int l = 0; l < s->nline; l++)
        from[s->nrow + l] = at[s->line[l]];
    return weft_te_compute(te, "scattered", n, axis,
                           weft_guard(ir, weft_ge(ir, place, weft_i32(ir, 0)),
                                      weft_topi_at(te, s->updates, from),
                                      weft_topi_at(te, s->x, at)));
}

/* Whether to look for the update of each place takes no longer than to copy the lines. */
static bool
has_long_lines(const scatter *s)
{
    int64_t rows, lines;
    return strcmp(s->reduction, "none") == 0 && weft_as_int(s->lines, &lines) && lines > 1 &&
           (weft_as_int(s->rows, &rows) ? rows / LOOKS <= lines : lines >= LOOKS);
}

static weft_tensor *
scatter_lines(const scatter *s)
{
    weft_tensor *places = places_of(s), *last = places ? last_updates(s, places) : NULL;
    return last ? take_lines(s, last) : NULL;
}

/* ---- lists of updates ------------------------------------------------------------------------ */

/* What is done for each update of the item's chunk that has a place, in their order: @row, and the
 * @list that it belongs to. */
static void
say_chunk(const scatter *s, weft_topi_text *t, const weft_tensor *places, const char *what)
{
    int64_t rows = 0, n = 1;
    (void)weft_as_int(s->rows, &rows);
    (void)weft_as_int(s->parts, &n);
    weft_topi_say(t, "for @step in 0..%d {\nlet @row: i32 = @chunk * %d + @step\nif @row < %d {",
                  weft_ceildiv(rows, n), weft_ceildiv(rows, n), rows);
    weft_topi_say(t, "let @place: i32 = %t[@row]\nif @place >= 0 {\nlet @list: i32 = @place %% %d",
                  places, n);
    weft_topi_say(t, "%s\n}\n}\n}", what);
}

/* How many updates each chunk has for each list: [list, chunk]. */
static weft_tensor *
count_chunks(const scatter *s, const weft_tensor *places)
{
    weft_ir *ir = s->te->ir;
    int64_t n = 0;
    weft_tensor *out;
    weft_topi_text t = { .te = s->te };
    const weft_expr *size = weft_mul(ir, s->parts, s->parts);
    weft_topi_result y = { "counts", WEFT_I32, 1, &size };
    (void)weft_as_int(s->parts, &n);
    weft_topi_each(&t, "chunk", s->parts);
    weft_topi_say(&t, "alloc @count: local i32[%d]\nfor @z in 0..%d {\n@count[@z] = 0\n}", n, n);
    say_chunk(s, &t, places, "@count[@list] = @count[@list] + 1");
    weft_topi_say(&t, "for @l in 0..%d {\n@counts[@l * %d + @chunk] = @count[@l]\n}", n, n);
    weft_topi_end(&t);
    return weft_topi_extern(&t, 1, &y, &out) ? NULL : out;
}

/* The numbers of the updates, list after list. */
static weft_tensor *
fill_lists(const scatter *s, const weft_tensor *places, const weft_tensor *starts)
{
    int64_t n = 0;
    weft_tensor *out;
    weft_topi_text t = { .te = s->te };
    weft_topi_result y = { "lists", WEFT_I32, 1, &s->rows };
    (void)weft_as_int(s->parts, &n);
    weft_topi_each(&t, "chunk", s->parts);
    weft_topi_say(&t, "alloc @next: local i32[%d]\nfor @z in 0..%d {", n, n);
    weft_topi_say(&t, "@next[@z] = %t[@z * %d + @chunk]\n}", starts, n);
    say_chunk(s, &t, places, "let @to: i32 = @next[@list]\n@lists[@to] = @row\n@next[@list] = @to + 1");
    weft_topi_end(&t);
    return weft_topi_extern(&t, 1, &y, &out) ? NULL : out;
}

/* Every item copies the elements of its part, then goes through its list. */
static weft_tensor *
apply_lists(const scatter *s, const weft_tensor *places, const weft_tensor *counts,
            const weft_tensor *starts, const weft_tensor *lists)
{
    weft_te *te = s->te;
    weft_arena *arena = &te->ir->arena;
    int64_t n = 0;
    weft_tensor *out;
    weft_topi_text t = { .te = te };
    weft_topi_result y = { "scattered", s->x->buf->dtype, s->x->buf->ndim, s->x->buf->shape };
    const char *at = element_at(s, "@at");
    const char *update = weft_arena_printf(
        arena, "%s%s", s->updates->buf->name,
        brackets(s, s->updates->buf->ndim, update_coordinates(s, false)));
    (void)weft_as_int(s->parts, &n);
    weft_topi_each(&t, "item", simple(s, weft_mul(te->ir, s->lines, s->parts)));
    weft_topi_say(&t, "let @line: i32 = @item %% %e\nlet @part: i32 = @item // %e", s->lines, s->lines);
    weft_topi_say(&t, "let @copies: i32 = (%e - @part + %d - 1) // %d", s->places, n, n);
    weft_topi_say(&t, "let @first: i32 = %t[@part * %d]", starts, n);
    weft_topi_say(&t, "let @end: i32 = guard(@part < %d, %t[@part * %d + %d], %t[%d] + %t[%d])", n - 1,
                  starts, n, n, starts, n * n - 1, counts, n * n - 1);
    weft_topi_say(&t, "alloc @done: local i32[1]\n@done[0] = 0");
    weft_topi_say(&t, "while @done[0] < @copies + @end - @first {\nlet @step: i32 = @done[0]");
    weft_topi_say(&t, "let @row: i32 = guard(@step < @copies, 0, %t[@first + @step - @copies])", lists);
    weft_topi_say(&t, "let @at: i32 = guard(@step < @copies, @part + @step * %d, %t[@row])", n, places);
    weft_topi_say(&t, "@%s%s = guard(@step < @copies, %t%s, %s)", y.name, at, s->x, at,
                  combined(s, weft_arena_printf(arena, "@%s%s", y.name, at), update));
    weft_topi_say(&t, "@done[0] = @step + 1\n}");
    weft_topi_end(&t);
    return weft_topi_extern(&t, 1, &y, &out) ? NULL : out;
}

/* Whether lists pay: there are many updates for sure, and few lines. */
static bool
has_lists(scatter *s)
{
    int64_t rows, lines;
    if (s->te->workers > 0 || !weft_as_int(s->rows, &rows) || rows < MANY ||
        !weft_as_int(s->lines, &lines) || lines >= ITEMS)
        return false;
    s->parts = weft_i32(s->te->ir, rows > MOST_LISTED ? MANY_LISTS : FEW_LISTS);
    return true;
}

static weft_tensor *
scatter_by_lists(const scatter *s)
{
    weft_tensor *places = places_of(s), *counts = places ? count_chunks(s, places) : NULL;
    weft_tensor *starts =
        counts ? weft_topi_cumulative(s->te, false, counts, 0, true, false) : NULL;
    weft_tensor *lists = starts ? fill_lists(s, places, starts) : NULL;
    return lists ? apply_lists(s, places, counts, starts, lists) : NULL;
}

/* ---- the operators --------------------------------------------------------------------------- */

/* What elements that share a byte, or are rounded to no arithmetic of their own, are held in. */
static weft_dtype
held(weft_dtype t)
{
    if (weft_is_float(t))
        return weft_dtype_bits(t) < 16 ? WEFT_F32 : t;
    if (weft_dtype_bits(t) >= 8)
        return t;
    return weft_dtype_kind(t) == WEFT_KIND_UINT ? WEFT_U8 : WEFT_I8;
}

static weft_tensor *
converted(weft_te *te, weft_tensor *x, weft_dtype t)
{
    return x->buf->dtype == t ? x : weft_topi_cast(te, x, t);
}

static weft_tensor *
scattered(scatter *s, bool along)
{
    weft_te *te = s->te;
    weft_dtype t = s->x->buf->dtype, wide = held(t);
    s->x = converted(te, s->x, wide);
    s->updates = converted(te, s->updates, wide);
    if (!s->x || !s->updates)
        return NULL;
    int64_t rows;
    bool few = !along && weft_as_int(s->rows, &rows) && rows <= FEW;
    weft_tensor *out = few                          ? scatter_few(s, rows)
                       : !along && has_long_lines(s) ? scatter_lines(s)
                       : !along && has_lists(s)      ? scatter_by_lists(s)
                                                     : scatter_stage(s, along);
    return out ? converted(te, out, t) : NULL;
}

weft_tensor *
weft_topi_put_along_axis(weft_te *te, weft_tensor *x, weft_tensor *index, weft_tensor *updates,
                         int axis, const char *reduction)
{
    if (!x || !index || !updates)
        return NULL;
    int n = x->buf->ndim;
    if (n == 1) {
        const weft_expr *tuples[2] = { index->buf->shape[0], weft_i32(te->ir, 1) };
        return weft_topi_scatter_nd(te, x, weft_topi_reshape(te, index, 2, tuples), updates,
                                    reduction);
    }
    scatter s = { .te = te, .x = x, .index = index, .updates = updates, .reduction = reduction,
                  .nto = 1, .nline = n - 1, .nrow = 1 };
    s.to = &axis;
    s.line = WEFT_NEW_ARRAY(&te->ir->arena, n, int);
    for (int d = 0, l = 0; d < n; d++)
        if (d != axis)
            s.line[l++] = d;
    s.places = x->buf->shape[axis];
    s.rows = index->buf->shape[axis];
    s.lines = product(&s, s.nline, dims_of(&s, s.nline, s.line));
    return scattered(&s, true);
}

weft_tensor *
weft_topi_scatter_nd(weft_te *te, weft_tensor *x, weft_tensor *index, weft_tensor *updates,
                     const char *reduction)
{
    int64_t k;
    if (!x || !index || !updates || !weft_as_int(index->buf->shape[index->buf->ndim - 1], &k))
        return NULL;
    int n = x->buf->ndim;
    scatter s = { .te = te, .x = x, .index = index, .updates = updates, .reduction = reduction,
                  .nto = (int)k, .nline = n - (int)k, .nrow = index->buf->ndim - 1 };
    s.to = WEFT_NEW_ARRAY(&te->ir->arena, n + 1, int);
    for (int d = 0; d < n; d++)
        s.to[d] = d;
    s.line = s.to + k;
    s.places = product(&s, s.nto, x->buf->shape);
    s.rows = product(&s, s.nrow, updates->buf->shape);
    s.lines = product(&s, s.nline, x->buf->shape + k);
    return scattered(&s, false);
}
