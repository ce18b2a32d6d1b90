/* Primitives on the loops of one stage: split, fuse, reorder, bind, vectorize, unroll,
 * pragma.
 *
 * Each checks all its operands before it changes anything; what it did is a line in te->log.
 */
#include "te/priv.h"

#include <string.h>

enum {
    MAX_LANES = 16,   /* of a vectorised loop: what the widest printed language has */
    MAX_LEAVES = 1024 /* of a stage: far beyond any real schedule; keeps hostile text cheap */
};

/* ---- operands -------------------------------------------------------------------------------- */

weft_stage *
weft_te_stage_for(weft_te *te, weft_tensor *t, const char *primitive)
{
    if (!te || !t)
        return weft_te_null(te, primitive), NULL;
    weft_stage *s = weft_te_stage(te, t);
    if (!s)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "%s: '%s' is an input and has no stage; schedule what reads it, or a copy made "
                  "by cache_read",
                  primitive, t->buf->name);
    return s;
}

weft_stage *
weft_te_loops_of(weft_te *te, weft_tensor *t, const char *primitive)
{
    weft_stage *s = weft_te_stage_for(te, t, primitive);
    if (s && s->op->kind == WEFT_OP_EXTERN)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                         "%s: stage '%s' is extern and its loops are its statements'; write them "
                         "there as they should run",
                         primitive, weft_stage_name(s)),
               NULL;
    if (!s || s->attach != WEFT_AT_INLINE)
        return s;
    weft_fail(
        te->diag, WEFT_INVALID_ARGUMENT,
        "%s: stage '%s' is computed inline and has no loops; give it some by compute_root(%s)",
        primitive, weft_stage_name(s), weft_stage_name(s));
    return NULL;
}

/* What became of an axis of this stage that is no leaf. */
static void
report_consumed(weft_te *te, const weft_stage *s, const weft_axis *axis, const char *primitive)
{
    const char *label = weft_axis_label(te, axis);
    for (int i = 0; i < s->relation.n; i++) {
        const weft_relation *r = &s->relation.at[i];
        if (r->kind == WEFT_REL_SPLIT && r->whole == axis)
            weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                      "%s: axis %s of stage '%s' was split into %s and %s; schedule these",
                      primitive, label, weft_stage_name(s), r->outer->var->name,
                      r->inner->var->name);
        else if (r->kind == WEFT_REL_FUSE && (r->outer == axis || r->inner == axis))
            weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                      "%s: axis %s of stage '%s' was fused into %s; schedule that", primitive,
                      label, weft_stage_name(s), r->whole->var->name);
        else
            continue;
        return;
    }
    weft_fail(
        te->diag, WEFT_INVALID_ARGUMENT,
        "%s: axis %s is no loop of stage '%s' since its reduction moved to another stage; take "
        "an axis of that stage",
        primitive, label, weft_stage_name(s));
}

int
weft_te_leaf(weft_te *te, weft_stage *s, const weft_axis *axis, const char *primitive)
{
    if (!axis)
        return weft_te_null(te, primitive), -1;
    for (int i = 0; i < s->leaf.n; i++)
        if (s->leaf.at[i] == axis)
            return i;
    const char *label = weft_axis_label(te, axis);
    if (!axis->stage)
        weft_fail(
            te->diag, WEFT_INVALID_ARGUMENT,
            "%s: axis %s belongs to no tensor; use it in a definition, or take weft_stage_axis",
            primitive, label);
    else if (axis->stage != s)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "%s: axis %s belongs to stage '%s', not to '%s'; name its own stage", primitive,
                  label, weft_stage_name(axis->stage), weft_stage_name(s));
    else
        report_consumed(te, s, axis, primitive);
    return -1;
}

/* An axis that runs serially may still be given another way to run. */
static bool
is_serial(weft_te *te, const weft_stage *s, const weft_axis *axis, const char *primitive,
          const char *remedy)
{
    if (axis == s->tensor_axis) {
        weft_fail(
            te->diag, WEFT_INVALID_ARGUMENT,
            "%s: axis %s of stage '%s' is tensorized; do this first, then tensorize the inner "
            "part",
            primitive, weft_axis_label(te, axis), weft_stage_name(s));
        return false;
    }
    if (axis->unroll) {
        weft_fail(
            te->diag, WEFT_INVALID_ARGUMENT,
            "%s: axis %s of stage '%s' has a pragma; do this first, then give the pragma to an "
            "axis that is still a loop",
            primitive, weft_axis_label(te, axis), weft_stage_name(s));
        return false;
    }
    if (axis->bind == WEFT_SERIAL)
        return true;
    weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
              "%s: axis %s of stage '%s' is bound to %s already; %s", primitive,
              weft_axis_label(te, axis), weft_stage_name(s), weft_bind_name(axis->bind), remedy);
    return false;
}

weft_axis *
weft_stage_axis(weft_te *te, weft_tensor *t, int i)
{
    weft_stage *s = weft_te_stage_for(te, t, "weft_stage_axis");
    if (!s)
        return NULL;
    const weft_te_op *op = s->op;
    if (i >= 0 && i < op->naxis + op->nreduce)
        return i < op->naxis ? op->axis[i] : op->reduce[i - op->naxis];
    weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
              "stage '%s' has no axis %d; it has %d data and %d reduce axes", weft_stage_name(s), i,
              op->naxis, op->nreduce);
    return NULL;
}

/* ---- split ----------------------------------------------------------------------------------- */

/* A factor or a number of parts in the axis's type; NULL after an error. */
static const weft_expr *
split_size(weft_te *te, const weft_stage *s, const weft_axis *axis, const weft_expr *size,
           const char *primitive)
{
    const char *label = weft_axis_label(te, axis), *fault = weft_te_size_fault(te, size);
    weft_dtype type = (weft_dtype)axis->extent->h.type.dtype;
    int64_t v;
    if (fault)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "%s: the size given for axis %s of stage '%s' %s", primitive, label,
                  weft_stage_name(s), fault);
    else if (weft_as_int(size, &v) && (v < 1 || v > weft_dtype_max(type)))
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "%s: axis %s of stage '%s' by %lld; a size is from 1 to %lld", primitive, label,
                  weft_stage_name(s), (long long)v, (long long)weft_dtype_max(type));
    else if (weft_as_int(size, &v))
        return weft_int(te->ir, type, v);
    else if (size->h.type.dtype != type)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "%s: axis %s of stage '%s' is %s and the size is %s; cast the size", primitive,
                  label, weft_stage_name(s), weft_dtype_name(type),
                  weft_dtype_name((weft_dtype)size->h.type.dtype));
    else
        return size;
    return NULL;
}

/* The two axes of a relation in the type of `like`, which they take over the stage from. */
static weft_axis *
made_axis(weft_te *te, weft_stage *s, const char *name, const char *want, const weft_expr *extent,
          weft_axis_kind kind)
{
    weft_axis *axis = weft_te_new_axis(
        te, weft_te_take_name(te, WEFT_NAME_MADE, name ? name : want), extent, kind);
    axis->stage = s;
    return axis;
}

/* Stages computed at `from` are computed at `to` from now on. */
static void
move_attached(weft_te *te, const weft_axis *from, weft_axis *to)
{
    for (int i = 0; i < te->stage.n; i++)
        if (te->stage.at[i]->attach == WEFT_AT_AXIS && te->stage.at[i]->attach_axis == from)
            te->stage.at[i]->attach_axis = to;
}

static void
log_size(weft_te *te, const char *primitive, const weft_relation *r, const char *whole,
         const weft_expr *size)
{
    weft_str text = { 0 };
    weft_print_expr(&text, size);
    weft_te_log(te, "%s, %s = %s(%s, %s)", r->outer->var->name, r->inner->var->name, primitive,
                whole, weft_str_text(&text));
    weft_str_free(&text);
}

const weft_expr *
weft_te_split_rest(weft_te *te, weft_stage *s, const weft_axis *axis, const weft_expr **size,
                   int more, const char *primitive)
{
    if (weft_te_leaf(te, s, axis, primitive) < 0 ||
        !is_serial(te, s, axis, primitive, "split it first, then bind a part"))
        return NULL;
    if (s->leaf.n + more > MAX_LEAVES)
        return weft_fail(te->diag, WEFT_LIMIT,
                         "%s: stage '%s' has %d loops, the most there can be; fuse some", primitive,
                         weft_stage_name(s), s->leaf.n),
               NULL;
    *size = *size ? split_size(te, s, axis, *size, primitive) : NULL;
    return *size ? weft_te_ceildiv(te, axis->extent, *size) : NULL;
}

/* The extents of both parts of an axis that was fused beyond i32: i32 where that holds them. */
static void
narrow(weft_te *te, const weft_expr **a, const weft_expr **b)
{
    int64_t m, n;
    if (!weft_as_int(*a, &m) || !weft_as_int(*b, &n))
        return;
    *a = m <= INT32_MAX ? weft_i32(te->ir, (int32_t)m) : *a;
    *b = n <= INT32_MAX ? weft_i32(te->ir, (int32_t)n) : *b;
}

weft_status
weft_split_named(weft_te *te, weft_tensor *t, weft_axis *axis, const weft_expr *size, bool parts,
                 const char *const name[2], weft_axis **outer, weft_axis **inner)
{
    const char *primitive = parts ? "split_parts" : "split";
    weft_stage *s = weft_te_loops_of(te, t, primitive);
    const weft_expr *rest = s ? weft_te_split_rest(te, s, axis, &size, 1, primitive) : NULL;
    if (!rest)
        return weft_te_null(te, primitive);
    narrow(te, &size, &rest);
    int place = weft_te_leaf(te, s, axis, primitive);
    weft_arena *a = &te->ir->arena;
    const char *label = weft_axis_label(te, axis), *base = axis->var->name;
    weft_relation r = { .kind = WEFT_REL_SPLIT, .whole = axis };
    *(parts ? &r.parts : &r.factor) = size;
    r.outer = made_axis(te, s, name ? name[0] : NULL, weft_arena_printf(a, "%s_o", base),
                        parts ? size : rest, axis->kind);
    r.inner = made_axis(te, s, name ? name[1] : NULL, weft_arena_printf(a, "%s_i", base),
                        parts ? rest : size, axis->kind);
    r.outer->ordered = r.inner->ordered = axis->ordered;
    r.outer->crossed = r.inner->crossed = axis->crossed;
    *WEFT_PUSH(a, &s->relation) = r;
    *WEFT_PUSH(a, &s->leaf) = NULL;
    memmove(&s->leaf.at[place + 2], &s->leaf.at[place + 1],
            (size_t)(s->leaf.n - place - 2) * sizeof *s->leaf.at);
    s->leaf.at[place] = r.outer;
    s->leaf.at[place + 1] = r.inner;
    move_attached(te, axis, r.inner);
    log_size(te, primitive, &r, label, size);
    if (outer)
        *outer = r.outer;
    if (inner)
        *inner = r.inner;
    return WEFT_OK;
}

weft_status
weft_split(weft_te *te, weft_tensor *t, weft_axis *axis, const weft_expr *factor, weft_axis **outer,
           weft_axis **inner)
{
    return weft_split_named(te, t, axis, factor, false, NULL, outer, inner);
}

weft_status
weft_split_parts(weft_te *te, weft_tensor *t, weft_axis *axis, const weft_expr *parts,
                 weft_axis **outer, weft_axis **inner)
{
    return weft_split_named(te, t, axis, parts, true, NULL, outer, inner);
}

/* ---- fuse ------------------------------------------------------------------------------------ */

static bool
check_fuse(weft_te *te, const weft_stage *s, const weft_axis *outer, const weft_axis *inner,
           int gap)
{
    const char *a = weft_axis_label(te, outer), *b = weft_axis_label(te, inner),
               *name = weft_stage_name(s);
    if (gap != 1)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT, "fuse: axes %s and %s of stage '%s' are %s; %s",
                  a, b, name, gap ? "no neighbours" : "the same",
                  gap ? "reorder them next to each other first" : "name two axes");
    else if (outer->kind != inner->kind)
        weft_fail(
            te->diag, WEFT_INVALID_ARGUMENT,
            "fuse: axis %s of stage '%s' is a %s axis and %s a %s axis; fuse axes of one kind", a,
            name, outer->kind == WEFT_AXIS_DATA ? "data" : "reduce", b,
            inner->kind == WEFT_AXIS_DATA ? "data" : "reduce");
    else
        return weft_te_check_ordered(te, s, outer, "fuse", "be fused") &&
               weft_te_check_ordered(te, s, inner, "fuse", "be fused") &&
               is_serial(te, s, outer, "fuse", "fuse first, then bind the fused axis") &&
               is_serial(te, s, inner, "fuse", "fuse first, then bind the fused axis");
    return false;
}

weft_status
weft_fuse_named(weft_te *te, weft_tensor *t, weft_axis *outer, weft_axis *inner, const char *name,
                weft_axis **fused)
{
    weft_stage *s = weft_te_loops_of(te, t, "fuse");
    if (!s)
        return weft_te_null(te, "fuse");
    int i = weft_te_leaf(te, s, outer, "fuse"), j = i < 0 ? -1 : weft_te_leaf(te, s, inner, "fuse");
    if (i < 0 || j < 0)
        return weft_te_null(te, "fuse");
    weft_axis *first = i < j ? outer : inner, *second = i < j ? inner : outer;
    if (!check_fuse(te, s, first, second, i < j ? j - i : i - j))
        return WEFT_INVALID_ARGUMENT;
    const weft_expr *extent = weft_te_product(te, first->extent, second->extent);
    if (!extent)
        return weft_te_null(te, "fuse");
    const char *want =
        weft_arena_printf(&te->ir->arena, "%s_%s", first->var->name, second->var->name);
    const char *a = weft_axis_label(te, first), *b = weft_axis_label(te, second);
    weft_axis *whole = made_axis(te, s, name, want, extent, first->kind);
    whole->crossed = first->crossed || second->crossed;
    *WEFT_PUSH(&te->ir->arena, &s->relation) =
        (weft_relation){ .kind = WEFT_REL_FUSE, .outer = first, .inner = second, .whole = whole };
    int place = i < j ? i : j;
    s->leaf.at[place] = whole;
    memmove(&s->leaf.at[place + 1], &s->leaf.at[place + 2],
            (size_t)(s->leaf.n - place - 2) * sizeof *s->leaf.at);
    s->leaf.n--;
    move_attached(te, first, whole);
    move_attached(te, second, whole);
    weft_te_log(te, "%s = fuse(%s, %s)", whole->var->name, a, b);
    if (fused)
        *fused = whole;
    return WEFT_OK;
}

weft_status
weft_fuse(weft_te *te, weft_tensor *t, weft_axis *outer, weft_axis *inner, weft_axis **fused)
{
    return weft_fuse_named(te, t, outer, inner, NULL, fused);
}

/* ---- reorder --------------------------------------------------------------------------------- */

/* Puts the axes into the places that are taken; false, with an error and nothing changed, where a
 * scan's loops would not be in their order. */
static bool
permute(weft_te *te, weft_stage *s, const bool *taken, weft_axis *const *axis)
{
    weft_arena scratch = { 0 };
    weft_axis **before = weft_arena_dup(&scratch, s->leaf.at, (size_t)s->leaf.n * sizeof *before);
    for (int place = 0, i = 0; place < s->leaf.n; place++)
        if (taken[place])
            s->leaf.at[place] = axis[i++];
    const weft_axis *wrong = weft_te_out_of_order(s);
    for (int i = 0, j = 0; i < s->leaf.n && !wrong; i++) { /* the ordered ones, as they were */
        if (!s->leaf.at[i]->ordered)
            continue;
        while (!before[j]->ordered)
            j++;
        wrong = s->leaf.at[i] == before[j++] ? NULL : s->leaf.at[i];
    }
    if (wrong) {
        for (int i = 0; i < s->leaf.n; i++)
            s->leaf.at[i] = before[i];
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "reorder: axis %s of stage '%s' before a loop of the scan's steps, which run in "
                  "order with all of a step inside; leave it behind",
                  weft_axis_label(te, wrong), weft_stage_name(s));
    }
    weft_arena_reset(&scratch);
    return !wrong;
}

/* Marks the places of the axes among the leaves. */
static bool
take_places(weft_te *te, weft_stage *s, int n, weft_axis *const *axis, bool *taken)
{
    for (int i = 0; i < n; i++) {
        int place = weft_te_leaf(te, s, axis[i], "reorder");
        if (place < 0)
            return false;
        if (taken[place])
            return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                             "reorder: axis %s of stage '%s' is listed twice; list it once",
                             weft_axis_label(te, axis[i]), weft_stage_name(s)),
                   false;
        taken[place] = true;
    }
    return true;
}

weft_status
weft_reorder(weft_te *te, weft_tensor *t, int n, weft_axis *const *axis)
{
    weft_stage *s = weft_te_loops_of(te, t, "reorder");
    if (!s || (n > 0 && !axis))
        return weft_te_null(te, "reorder");
    if (n < 1 || n > s->leaf.n)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                         "reorder: %d axes of stage '%s', which has %d; name some", n,
                         weft_stage_name(s), s->leaf.n);
    weft_arena scratch = { 0 };
    bool *taken = WEFT_NEW_ARRAY(&scratch, s->leaf.n, bool);
    bool ok = take_places(te, s, n, axis, taken) && permute(te, s, taken, axis);
    weft_str line = { 0 };
    weft_str_addf(&line, "reorder(%s", weft_stage_name(s));
    for (int i = 0; ok && i < n; i++)
        weft_str_addf(&line, ", %s", weft_axis_label(te, axis[i]));
    if (ok)
        weft_te_log(te, "%s)", weft_str_text(&line));
    weft_str_free(&line);
    weft_arena_reset(&scratch);
    return ok ? WEFT_OK : weft_te_null(te, "reorder");
}

/* ---- what runs a loop ------------------------------------------------------------------------ */

/* A serial leaf, or NULL after an error; *stage is its stage. */
static weft_stage *
serial_leaf(weft_te *te, weft_tensor *t, weft_axis *axis, const char *primitive)
{
    weft_stage *s = weft_te_loops_of(te, t, primitive);
    if (!s || weft_te_leaf(te, s, axis, primitive) < 0 ||
        !is_serial(te, s, axis, primitive, "a loop runs in one way, choose another axis"))
        return NULL;
    return s;
}

static weft_bind
bind_named(const char *what)
{
    for (int b = WEFT_PARALLEL; b < WEFT_BIND_COUNT; b++)
        if (b != WEFT_UNROLL && b != WEFT_VECTORIZE &&
            strcmp(what, weft_bind_name((weft_bind)b)) == 0)
            return (weft_bind)b;
    return WEFT_BIND_COUNT;
}

static bool
check_bind(weft_te *te, const weft_stage *s, const weft_axis *axis, weft_bind b)
{
    const char *label = weft_axis_label(te, axis), *name = weft_stage_name(s);
    if (!weft_te_check_ordered(te, s, axis, "bind", "be bound"))
        return false;
    if (axis->crossed && !weft_is_thread(b)) {
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "bind: axis %s of stage '%s' cannot run on %s: a step of the scan reads along it "
                  "what others made in the step before, and only threads of one block wait for "
                  "each other; bind it to thread.x",
                  label, name, weft_bind_name(b));
        return false;
    }
    if (axis->kind == WEFT_AXIS_REDUCE && !weft_is_thread(b)) {
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "bind: reduce axis %s of stage '%s' cannot run on %s; only threads of one block "
                  "can combine their "
                  "results: bind it to thread.x, or a data axis to %s",
                  label, name, weft_bind_name(b), weft_bind_name(b));
        return false;
    }
    if (!weft_is_block(b) && !weft_is_thread(b))
        return true;
    for (int i = 0; i < s->leaf.n; i++)
        if (s->leaf.at[i]->bind == b) {
            weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                      "bind: %s runs axis %s of stage '%s' already and cannot run %s too; fuse the "
                      "two, or use another",
                      weft_bind_name(b), weft_axis_label(te, s->leaf.at[i]), name, label);
            return false;
        }
    return true;
}

weft_status
weft_bind_axis(weft_te *te, weft_tensor *t, weft_axis *axis, const char *what)
{
    weft_stage *s = what ? serial_leaf(te, t, axis, "bind") : NULL;
    if (!s)
        return weft_te_null(te, "bind");
    weft_bind b = bind_named(what);
    if (b == WEFT_BIND_COUNT)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                         "bind: axis %s of stage '%s' to '%s'; it can be block.x to block.z, "
                         "thread.x to thread.z, "
                         "vthread or parallel",
                         weft_axis_label(te, axis), weft_stage_name(s), what);
    if (!check_bind(te, s, axis, b))
        return WEFT_INVALID_ARGUMENT;
    axis->bind = b;
    weft_te_log(te, "bind(%s, %s)", weft_axis_label(te, axis), weft_bind_name(b));
    return WEFT_OK;
}

/* Copies and lanes have to be counted when the kernel is made. */
static bool
constant_extent(weft_te *te, const weft_stage *s, const weft_axis *axis, const char *primitive,
                int64_t *n)
{
    if (weft_as_int(axis->extent, n))
        return true;
    *n = 0;
    weft_str text = { 0 };
    weft_print_expr(&text, axis->extent);
    weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
              "%s: axis %s of stage '%s' has the extent %s, no constant; split it by a constant "
              "and take the inner part",
              primitive, weft_axis_label(te, axis), weft_stage_name(s), weft_str_text(&text));
    weft_str_free(&text);
    return false;
}

static bool
check_vectorize(weft_te *te, const weft_stage *s, const weft_axis *axis)
{
    const char *label = weft_axis_label(te, axis), *name = weft_stage_name(s);
    int64_t n;
    if (!weft_te_check_ordered(te, s, axis, "vectorize", "be vectorised"))
        return false;
    if (axis->kind == WEFT_AXIS_REDUCE) {
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "vectorize: axis %s of stage '%s' is a reduce axis; vectorise a data axis, or "
                  "unroll this one",
                  label, name);
        return false;
    }
    if (!constant_extent(te, s, axis, "vectorize", &n))
        return false;
    if (n > MAX_LANES) {
        weft_fail(te->diag, WEFT_LIMIT,
                  "vectorize: axis %s of stage '%s' has %lld iterations and a vector at most %d "
                  "lanes; split it first",
                  label, name, (long long)n, MAX_LANES);
        return false;
    }
    for (int i = 0; i < te->stage.n; i++)
        if (te->stage.at[i]->attach == WEFT_AT_AXIS && te->stage.at[i]->attach_axis == axis) {
            weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                      "vectorize: stage '%s' is computed at axis %s of stage '%s'; compute it at a "
                      "loop outside",
                      weft_stage_name(te->stage.at[i]), label, name);
            return false;
        }
    return true;
}

weft_status
weft_vectorize(weft_te *te, weft_tensor *t, weft_axis *axis)
{
    weft_stage *s = serial_leaf(te, t, axis, "vectorize");
    if (!s || !check_vectorize(te, s, axis))
        return weft_te_null(te, "vectorize");
    axis->bind = WEFT_VECTORIZE;
    weft_te_log(te, "vectorize(%s)", weft_axis_label(te, axis));
    return WEFT_OK;
}

weft_status
weft_unroll(weft_te *te, weft_tensor *t, weft_axis *axis)
{
    int64_t n;
    weft_stage *s = serial_leaf(te, t, axis, "unroll");
    if (!s || !constant_extent(te, s, axis, "unroll", &n))
        return weft_te_null(te, "unroll");
    axis->bind = WEFT_UNROLL;
    weft_te_log(te, "unroll(%s)", weft_axis_label(te, axis));
    return WEFT_OK;
}

weft_status
weft_pragma(weft_te *te, weft_tensor *t, weft_axis *axis, const char *key, int64_t value)
{
    weft_stage *s = key ? serial_leaf(te, t, axis, "pragma") : NULL;
    if (!s)
        return weft_te_null(te, "pragma");
    if (strcmp(key, "unroll") != 0)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                         "pragma: axis %s of stage '%s' with '%s'; there is unroll",
                         weft_axis_label(te, axis), weft_stage_name(s), key);
    if (value < 1 || value > INT32_MAX)
        return weft_fail(
            te->diag, WEFT_INVALID_ARGUMENT,
            "pragma: axis %s of stage '%s' to be unrolled by %lld; a number from 1 (not "
            "at all) to %d is needed",
            weft_axis_label(te, axis), weft_stage_name(s), (long long)value, INT32_MAX);
    axis->unroll = (int)value;
    weft_te_log(te, "pragma(%s, unroll, %d)", weft_axis_label(te, axis), axis->unroll);
    return WEFT_OK;
}
