/* tests/schedules/moves.c: the primitives, a row each.
 *
 * A row draws operands that the primitive may be called with (doc/IR.md, section 7) and calls it: a
 * refusal is a failure of the pair.  Whether what came of it is legal as a whole legal.c says; what
 * is not is taken back, by reading the text that there was before.
 */
#include "schedules.h"

#include <stdlib.h>
#include <string.h>

typedef struct scheduler {
    rng *r;
    pair *p;
    weft_te *te;
    weft_diag *diag;
    bool threads;       /* this schedule is for blocks and threads; else for one CPU */
    weft_stage *fresh;  /* made by a cache and without a place yet */
    weft_status status; /* of the primitive called last */
} scheduler;

/* Whether there was something to call it with. */
typedef bool move_call(scheduler *);

/* ---- operands -------------------------------------------------------------------------------- */

static weft_stage *
any_stage(scheduler *c)
{
    return c->te->stage.at[pick(c->r, c->te->stage.n)];
}

static weft_tensor *
first_output(const weft_stage *s)
{
    return s->op->out[0];
}

static bool
is_result(const weft_stage *s)
{
    for (int k = 0; k < s->op->nout; k++)
        if (s->op->out[k]->is_output)
            return true;
    return false;
}

static bool
is_extern(const weft_stage *s)
{
    return s->op->kind == WEFT_OP_EXTERN;
}

static bool
is_scan(const weft_stage *s)
{
    return s->op->scan != NULL;
}

/* Whether statements read it, which take it from global memory. */
static bool
is_read_by_extern(const scheduler *c, const weft_stage *s)
{
    bool found = false;
    for (int k = 0; k < s->op->nout; k++) {
        weft_arena scratch = { 0 };
        weft_stage **at;
        int n = weft_te_readers(c->te, s->op->out[k], &scratch, &at);
        for (int i = 0; i < n; i++)
            found = found || is_extern(at[i]);
        weft_arena_reset(&scratch);
    }
    return found;
}

/* A stage that has loops. */
static weft_stage *
stage_with_loops(scheduler *c)
{
    for (int tries = 0; tries < 6; tries++) {
        weft_stage *s = any_stage(c);
        if (s->attach != WEFT_AT_INLINE && !is_extern(s) && s->leaf.n > 0)
            return s;
    }
    return NULL;
}

static weft_axis *
any_leaf(scheduler *c, const weft_stage *s)
{
    return s->leaf.at[pick(c->r, s->leaf.n)];
}

/* "... a loop that nothing else was asked of." */
static bool
is_free(const weft_axis *a)
{
    return a->bind == WEFT_SERIAL && !a->unroll;
}

static weft_axis *
serial_leaf(scheduler *c, const weft_stage *s)
{
    for (int tries = 0; s && tries < 4; tries++) {
        weft_axis *a = any_leaf(c, s);
        if (is_free(a))
            return a;
    }
    return NULL;
}

static bool
hosts_at(const scheduler *c, const weft_stage *s, const weft_axis *axis)
{
    for (int i = 0; i < c->te->stage.n; i++) {
        const weft_stage *guest = c->te->stage.at[i];
        if (guest->attach == WEFT_AT_AXIS && guest->attach_stage == s &&
            (!axis || guest->attach_axis == axis))
            return true;
    }
    return false;
}

static int
readers_of(const scheduler *c, weft_tensor *t, weft_arena *scratch, weft_stage ***at)
{
    return weft_te_readers(c->te, t, scratch, at);
}

/* A stage that reads t, or one that reads what that computes, and so on; NULL: nobody does. */
static weft_stage *
any_reader(scheduler *c, const weft_stage *s)
{
    weft_arena scratch = { 0 };
    weft_stage **at, *found = NULL;
    weft_tensor *t = s->op->out[pick(c->r, s->op->nout)];
    int n = readers_of(c, t, &scratch, &at);
    if (n)
        found = at[pick(c->r, n)];
    weft_arena_reset(&scratch);
    if (found && (found->attach == WEFT_AT_INLINE || once_in(c->r, 5))) {
        weft_stage *further = any_reader(c, found);
        found = further ? further : found;
    }
    return found;
}

static bool
done(scheduler *c, weft_status st)
{
    c->status = st;
    return true;
}

/* ---- loops ----------------------------------------------------------------------------------- */

static bool
split(scheduler *c, bool parts)
{
    static const int sizes[] = { 1, 2, 3, 4, 5, 8, 6, 2, 16, 7 };
    weft_stage *s = stage_with_loops(c);
    weft_axis *a = serial_leaf(c, s);
    if (!a || s->leaf.n > 10)
        return false;
    const weft_expr *size = weft_i32(c->te->ir, sizes[pick(c->r, 10)]);
    return done(
        c, (parts ? weft_split_parts : weft_split)(c->te, first_output(s), a, size, NULL, NULL));
}

static bool
move_split(scheduler *c)
{
    return split(c, false);
}

static bool
move_split_parts(scheduler *c)
{
    return split(c, true);
}

static bool
move_fuse(scheduler *c)
{
    weft_stage *s = stage_with_loops(c);
    if (!s || s->leaf.n < 2)
        return false;
    int at = pick(c->r, s->leaf.n - 1);
    weft_axis *a = s->leaf.at[at], *b = s->leaf.at[at + 1];
    if (a->kind != b->kind || !is_free(a) || !is_free(b) || a->ordered || b->ordered ||
        !weft_same_type(a->extent->h.type, b->extent->h.type))
        return false;
    bool swapped = once_in(c->r, 4);
    return done(c, weft_fuse(c->te, first_output(s), swapped ? b : a, swapped ? a : b, NULL));
}

/* "... keep their order", with all of a step inside: whether the leaves do once the list's are in
 * the places that they take. */
static bool
keeps_steps(const weft_stage *s, int n, weft_axis *const *list)
{
    weft_axis *after[16];
    int taken = 0, last = -1, seen = -1;
    for (int i = 0; i < s->leaf.n; i++) {
        bool listed = false;
        for (int k = 0; k < n; k++)
            listed = listed || s->leaf.at[i] == list[k];
        after[i] = listed ? list[taken++] : s->leaf.at[i];
        last = after[i]->ordered ? i : last;
    }
    for (int i = 0; i <= last; i++) {
        if (!after[i]->ordered && (after[i]->crossed || after[i]->kind == WEFT_AXIS_REDUCE))
            return false;
        for (int k = 0; k < s->leaf.n && after[i]->ordered; k++)
            if (s->leaf.at[k] == after[i]) {
                if (k < seen)
                    return false;
                seen = k;
            }
    }
    return true;
}

static bool
move_reorder(scheduler *c)
{
    weft_axis *list[16];
    weft_stage *s = stage_with_loops(c);
    if (!s || s->leaf.n < 2 || s->leaf.n > 16)
        return false;
    int n = 0, want = once_in(c->r, 2) ? 2 : s->leaf.n;
    for (int i = 0; i < s->leaf.n; i++)
        if (pick(c->r, s->leaf.n - i) < want - n)
            list[n++] = s->leaf.at[i];
    for (int i = n - 1; i > 0; i--) {
        int k = pick(c->r, i + 1);
        weft_axis *a = list[i];
        list[i] = list[k];
        list[k] = a;
    }
    if (!keeps_steps(s, n, list))
        return false;
    return done(c, weft_reorder(c->te, first_output(s), n, list));
}

static bool
move_tile(scheduler *c)
{
    weft_stage *s = stage_with_loops(c);
    weft_axis *y = serial_leaf(c, s), *x = serial_leaf(c, s);
    if (!x || !y || x == y || s->leaf.n > 8 || x->ordered || y->ordered || x->crossed != y->crossed)
        return false;
    if (is_scan(s) && x->kind != y->kind) /* a reduction's runs inside the steps */
        return false;
    const weft_expr *size[2] = { weft_i32(c->te->ir, 1 + pick(c->r, 5)),
                                 weft_i32(c->te->ir, 1 + pick(c->r, 8)) };
    return done(c, weft_tile(c->te, first_output(s), y, x, size[0], size[1], NULL));
}

/* ---- what runs them -------------------------------------------------------------------------- */

static bool
is_bound(const weft_stage *s, const char *what)
{
    for (int i = 0; i < s->leaf.n; i++)
        if (strcmp(weft_bind_name(s->leaf.at[i]->bind), what) == 0)
            return true;
    return false;
}

static bool
bind_to(scheduler *c, const char *what, bool once, bool reduce_too)
{
    weft_stage *s = stage_with_loops(c);
    weft_axis *a = serial_leaf(c, s);
    if (!a || (once && is_bound(s, what)) || (a->kind == WEFT_AXIS_REDUCE && !reduce_too))
        return false;
    if (a->ordered || (a->crossed && strncmp(what, "thread.", 7) != 0))
        return false;
    return done(c, weft_bind_axis(c->te, first_output(s), a, what));
}

static bool
move_block(scheduler *c)
{
    static const char *const axis[] = { "block.x", "block.x", "block.y", "block.z" };
    return bind_to(c, axis[pick(c->r, 4)], true, false);
}

static weft_axis *
serial_leaf_of_kind(scheduler *c, const weft_stage *s, int kind)
{
    for (int tries = 0; s && tries < 4; tries++) {
        weft_axis *a = serial_leaf(c, s);
        if (a && (int)a->kind == kind && !a->ordered && !a->crossed)
            return a;
    }
    return NULL;
}

/* A reduction in several groups of threads, which single draws seldom come to. */
static bool
reduce_in_groups(scheduler *c)
{
    const char *to = once_in(c->r, 3) ? "thread.z" : "thread.y";
    for (int tries = 0; tries < 6; tries++) {
        weft_stage *s = stage_with_loops(c);
        weft_axis *r = serial_leaf_of_kind(c, s, WEFT_AXIS_REDUCE),
                  *d = serial_leaf_of_kind(c, s, WEFT_AXIS_DATA);
        if (!r || !d || is_bound(s, "thread.x") || is_bound(s, to))
            continue;
        weft_status st = weft_bind_axis(c->te, first_output(s), r, "thread.x");
        return done(c, st ? st : weft_bind_axis(c->te, first_output(s), d, to));
    }
    return false;
}

static bool
move_thread(scheduler *c)
{
    static const char *const axis[] = { "thread.x", "thread.x", "thread.x", "thread.y",
                                        "thread.z" };
    if (once_in(c->r, 3))
        return reduce_in_groups(c);
    return bind_to(c, axis[pick(c->r, 5)], true, true);
}

static bool
move_vthread(scheduler *c)
{
    return bind_to(c, "vthread", false, false);
}

static bool
move_parallel(scheduler *c)
{
    return bind_to(c, "parallel", false, false);
}

static bool
move_vectorize(scheduler *c)
{
    weft_stage *s = stage_with_loops(c);
    weft_axis *a = s ? s->leaf.at[s->leaf.n - 1] : NULL;
    int64_t n;
    if (!a || !is_free(a) || a->kind == WEFT_AXIS_REDUCE || a->ordered ||
        !weft_as_int(a->extent, &n) || n > 16 || hosts_at(c, s, a))
        return false;
    return done(c, weft_vectorize(c->te, first_output(s), a));
}

static bool
move_unroll(scheduler *c)
{
    weft_stage *s = stage_with_loops(c);
    weft_axis *a = serial_leaf(c, s);
    int64_t n;
    if (!a || !weft_as_int(a->extent, &n))
        return false;
    return done(c, weft_unroll(c->te, first_output(s), a));
}

static bool
move_pragma(scheduler *c)
{
    weft_stage *s = stage_with_loops(c);
    weft_axis *a = serial_leaf(c, s);
    return a && done(c, weft_pragma(c->te, first_output(s), a, "unroll", 1 + pick(c->r, 5)));
}

/* ---- places ---------------------------------------------------------------------------------- */

static bool
place(scheduler *c, weft_stage *s)
{
    weft_stage *at = any_reader(c, s);
    if (is_result(s) || is_extern(s) || is_scan(s) || !at || at == s ||
        at->attach == WEFT_AT_INLINE || is_extern(at) || at->leaf.n == 0 || is_read_by_extern(c, s))
        return false;
    weft_axis *axis = any_leaf(c, at);
    if (axis->bind == WEFT_VECTORIZE)
        return false;
    return done(c, weft_compute_at(c->te, first_output(s), first_output(at), axis));
}

static bool
move_compute_at(scheduler *c)
{
    return place(c, c->fresh ? c->fresh : any_stage(c));
}

static bool
move_compute_inline(scheduler *c)
{
    weft_stage *s = any_stage(c);
    if (s->op->nreduce || s->op->nout > 1 || is_result(s) || is_extern(s) || is_scan(s) ||
        hosts_at(c, s, NULL) || is_read_by_extern(c, s))
        return false;
    return done(c, weft_compute_inline(c->te, first_output(s)));
}

static bool
move_compute_root(scheduler *c)
{
    weft_stage *s = any_stage(c);
    if (s->attach == WEFT_AT_ROOT && !once_in(c->r, 10))
        return false;
    return done(c, weft_compute_root(c->te, first_output(s)));
}

/* ---- memory ---------------------------------------------------------------------------------- */

static const char *
any_space(scheduler *c)
{
    return once_in(c->r, 6) ? "global" : c->threads && once_in(c->r, 2) ? "shared" : "local";
}

static bool
move_cache_read(scheduler *c)
{
    weft_tensor *t = c->te->tensor.at[pick(c->r, c->te->tensor.n)], *list[4];
    weft_stage *s = weft_te_stage(c->te, t), **at;
    weft_arena scratch = { 0 };
    int n = readers_of(c, t, &scratch, &at), chosen = 0;
    for (int i = 0; i < n && i < 4 && !once_in(c->r, 3); i++)
        list[chosen++] = first_output(at[i]);
    weft_arena_reset(&scratch);
    if (n == 0 || (s && s->attach == WEFT_AT_INLINE) || c->te->stage.n > 9)
        return false;
    weft_tensor *made = weft_cache_read(c->te, t, any_space(c), chosen, list);
    c->fresh = made ? weft_te_stage(c->te, made) : NULL;
    return done(c, made ? WEFT_OK : WEFT_INVALID_ARGUMENT);
}

static bool
move_cache_write(scheduler *c)
{
    weft_stage *s = any_stage(c);
    if (s->attach == WEFT_AT_INLINE || is_extern(s) || is_scan(s) || s->relation.n ||
        hosts_at(c, s, NULL) || c->te->stage.n > 9)
        return false;
    weft_tensor *made = weft_cache_write(c->te, first_output(s), any_space(c));
    c->fresh = made ? weft_te_stage(c->te, made) : NULL;
    return done(c, made ? WEFT_OK : WEFT_INVALID_ARGUMENT);
}

static bool
move_set_scope(scheduler *c)
{
    weft_stage *s = any_stage(c);
    if (s->attach == WEFT_AT_INLINE || is_extern(s) || is_scan(s) || is_result(s))
        return false;
    return done(c, weft_set_scope(c->te, first_output(s), any_space(c)));
}

static bool
move_storage_align(scheduler *c)
{
    weft_stage *s = any_stage(c);
    if (s->attach == WEFT_AT_INLINE || is_extern(s) || is_result(s) || s->op->naxis == 0)
        return false;
    int factor = 1 + pick(c->r, 8);
    return done(c, weft_storage_align(c->te, first_output(s), pick(c->r, s->op->naxis), factor,
                                      pick(c->r, factor)));
}

/* Of memory that a loop fills, where it can be found. */
static bool
move_buffer_stages(scheduler *c)
{
    weft_stage *s = any_stage(c);
    for (int tries = 0; (s->attach != WEFT_AT_AXIS || is_result(s)) && tries < 4; tries++)
        s = any_stage(c);
    if (s->attach != WEFT_AT_AXIS || is_result(s))
        return false;
    return done(c, once_in(c->r, 3) ? weft_buffer_stages(c->te, first_output(s), 2 + pick(c->r, 3))
                                    : weft_double_buffer(c->te, first_output(s)));
}

/* Of shared memory that is no reduction's. */
static bool
move_zero_fill(scheduler *c)
{
    weft_stage *s = any_stage(c);
    for (int tries = 0; s->attach != WEFT_AT_AXIS && tries < 4; tries++)
        s = any_stage(c);
    if (s->attach != WEFT_AT_AXIS || is_result(s) || is_extern(s) || s->op->nreduce || s->op->scan)
        return false;
    return done(c, weft_zero_fill(c->te, first_output(s)));
}

/* ---- definitions ----------------------------------------------------------------------------- */

static bool
move_rfactor(scheduler *c)
{
    weft_stage *s = stage_with_loops(c);
    weft_axis *a = s ? any_leaf(c, s) : NULL;
    for (int tries = 0; a && a->kind != WEFT_AXIS_REDUCE && tries < 4; tries++)
        a = any_leaf(c, s);
    if (!a || a->kind != WEFT_AXIS_REDUCE || is_scan(s) || c->te->stage.n > 9)
        return false;
    weft_tensor *made = weft_rfactor(c->te, first_output(s), a, pick(c->r, s->op->naxis + 1));
    return done(c, made ? WEFT_OK : WEFT_INVALID_ARGUMENT);
}

/* A condition that holds, though nothing proves all of it: what it leaves out nobody may read. */
static bool
move_store_predicate(scheduler *c)
{
    weft_stage *s = any_stage(c);
    weft_ir *ir = c->te->ir;
    if (s->attach == WEFT_AT_INLINE || is_extern(s) || is_result(s) || s->stored ||
        s->op->naxis == 0)
        return false;
    const weft_axis *axis = s->op->axis[pick(c->r, s->op->naxis)];
    const weft_expr *i = weft_ref(ir, axis->var);
    const weft_expr *one = weft_int(ir, (weft_dtype)i->h.type.dtype, 1);
    const weft_expr *cond = once_in(c->r, 2)
                                ? weft_lt(ir, i, axis->extent)
                                : weft_le(ir, weft_binary(ir, WEFT_EK_BAND, i, one), one);
    return done(c, weft_store_predicate(c->te, first_output(s), cond));
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    int early, late; /* how often at the schedule's begin and end */
    enum { ANYWHERE, THREADS, SERIAL } where;
    move_call *call;
} moves[] = {
    { "split", 4, 4, ANYWHERE, move_split },
    { "split_parts", 2, 2, ANYWHERE, move_split_parts },
    { "fuse", 3, 3, ANYWHERE, move_fuse },
    { "tile", 2, 2, ANYWHERE, move_tile },
    { "reorder", 2, 3, ANYWHERE, move_reorder },
    { "block", 3, 3, THREADS, move_block },
    { "thread", 6, 8, THREADS, move_thread },
    { "vthread", 1, 2, ANYWHERE, move_vthread },
    { "parallel", 3, 3, SERIAL, move_parallel },
    { "vectorize", 3, 4, ANYWHERE, move_vectorize },
    { "unroll", 2, 3, ANYWHERE, move_unroll },
    { "pragma", 1, 2, ANYWHERE, move_pragma },
    { "compute_at", 8, 8, ANYWHERE, move_compute_at },
    { "compute_inline", 2, 2, ANYWHERE, move_compute_inline },
    { "compute_root", 2, 2, ANYWHERE, move_compute_root },
    { "cache_read", 4, 2, ANYWHERE, move_cache_read },
    { "cache_write", 6, 3, ANYWHERE, move_cache_write },
    { "set_scope", 2, 3, ANYWHERE, move_set_scope },
    { "storage_align", 2, 3, ANYWHERE, move_storage_align },
    { "buffer_stages", 4, 5, ANYWHERE, move_buffer_stages },
    { "zero_fill", 3, 4, ANYWHERE, move_zero_fill },
    { "rfactor", 4, 3, ANYWHERE, move_rfactor },
    { "store_predicate", 2, 2, ANYWHERE, move_store_predicate },
};
const int move_count = sizeof moves / sizeof *moves;

const char *
move_name(int i)
{
    return moves[i].name;
}

static int
compute_at_row(void)
{
    int i = 0;
    while (moves[i].call != move_compute_at)
        i++;
    return i;
}

static int
weight(const scheduler *c, int row, bool late)
{
    if (moves[row].where == (c->threads ? SERIAL : THREADS))
        return 0;
    return late ? moves[row].late : moves[row].early;
}

static int
any_row(scheduler *c, bool late)
{
    int total = 0, row = 0;
    for (int i = 0; i < move_count; i++)
        total += weight(c, i, late);
    for (int left = pick(c->r, total); (left -= weight(c, row, late)) >= 0;)
        row++;
    return row;
}

/* ---- taking back ----------------------------------------------------------------------------- */

weft_te *
read_pair(const pair *p, weft_diag *diag)
{
    weft_str text = { 0 };
    weft_str_add(&text, p->program);
    if (p->line.n)
        weft_str_addf(&text, "schedule {\n%s}\n", weft_str_text(&p->line));
    weft_te *te = weft_te_parse("pair.te", weft_str_text(&text), diag);
    weft_str_free(&text);
    return te;
}

/* The first n primitives' lines. */
static void
keep_lines(pair *p, const weft_te *te, int n)
{
    weft_str_free(&p->line);
    p->line = (weft_str){ 0 };
    for (int i = 0; i < n; i++)
        weft_str_addf(&p->line, "    %s\n", te->log.at[i]);
    p->nmove = n;
}

static void
refused(scheduler *c, const char *what)
{
    weft_str s = { 0 };
    weft_str_addf(&s, "%s was refused: %s", what, weft_diag_text(c->diag));
    c->p->refusal = weft_str_take(&s);
}

/* The schedule's first n primitives, read again. */
static void
take_back(scheduler *c, int n)
{
    keep_lines(c->p, c->te, n);
    weft_te *te = read_pair(c->p, c->diag);
    if (!te) {
        refused(c, "the schedule's text");
        return;
    }
    weft_te_destroy(c->te);
    c->te = te;
    c->fresh = NULL;
}

/* One primitive more, if what is drawn can be called and is legal. */
static bool
step(scheduler *c, int row)
{
    bool complete;
    int before = c->te->log.n;
    if (!moves[row].call(c))
        return false;
    if (c->status != WEFT_OK) {
        refused(c, moves[row].name);
        return false;
    }
    if (broken_rule(c->te, &complete)) {
        take_back(c, before);
        return false;
    }
    c->p->move[before] = row;
    return true;
}

void
random_schedule(rng *r, pair *p)
{
    scheduler c = { .r = r, .p = p, .diag = weft_diag_create(), .threads = !once_in(r, 4) };
    int want = 1 + pick(r, MAX_MOVES), good = 0, place = compute_at_row();
    bool complete;
    c.te = read_pair(p, c.diag);
    if (!c.te)
        refused(&c, "the program");
    for (int tries = 0; c.te && !p->refusal && c.te->log.n < want && tries < 100; tries++) {
        bool late = c.te->log.n * 2 > want;
        step(&c, c.fresh && !once_in(r, 3) ? place : any_row(&c, late));
        if (c.te && !p->refusal && !broken_rule(c.te, &complete) && complete) {
            good = c.te->log.n;
            c.fresh = NULL;
        }
    }
    if (c.te)
        keep_lines(p, c.te, good);
    weft_te_destroy(c.te);
    weft_diag_destroy(c.diag);
}

pair
make_pair(uint64_t seed)
{
    pair p = { .seed = seed, .nvalue = 1 };
    rng r = { seed * UINT64_C(0x2545f4914f6cdd1d) + 1 };
    int64_t n;
    if (once_in(&r, 25)) {
        make_tiles(&r, &p);
        return p;
    }
    if (seed % 17 == 7) {
        make_widths(&r, &p);
        return p;
    }
    p.program = random_program(&r, &n);
    p.value[0] = n;
    if (n > 0) {
        p.value[1] = pick(&r, (int)n);
        p.nvalue = 2;
    }
    random_schedule(&r, &p);
    return p;
}

void
free_pair(pair *p)
{
    free(p->program);
    free(p->refusal);
    weft_str_free(&p->line);
}
