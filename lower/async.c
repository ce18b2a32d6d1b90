/* async: copies from global memory to tiles in shared memory become asynchronous, where the target
 * has such, and are waited for before the next barrier.
 *
 * needs   level device; barriers in place
 * keeps   everything else
 *
 * A buffer qualifies whose every store is a copy of 4, 8 or 16 bytes, or zeros by a guard, and
 * of which no thread reads before the next barrier what it may have copied itself: between
 * threads barriers stand already.  Reads of other elements, as of a tile that was filled an
 * iteration ago, hinder nothing.  Copies of more lanes than there are vectors, which legalize left
 * whole, are cut where they do not qualify.
 *
 * A loop that takes memory by n turns, with one barrier an iteration, lets the last n - 2
 * iterations' copies go on there, or as many less as are asked for sooner.  What is under way at
 * its start arrives first, so that its groups are one an iteration. */
#include "lower/priv.h"

#include <string.h>

enum { MAX_TURNS = 8 };

/* The elements that an access is of, in each turn of the loop at hand that
 * takes memory by turns. */
typedef struct range {
    bool known;
    int64_t lo[MAX_TURNS], hi[MAX_TURNS];
} range;

typedef struct flight { /* a copy under way */
    const weft_buf *buf;
    range at;
    const weft_var *turn; /* of what loop the turns are; NULL: of none, the first range is all */
    bool past;            /* it began in another iteration of that loop */
    int age;              /* barriers behind it, which it was not waited for at */
} flight;

typedef struct seen { /* an index that was looked at */
    const weft_expr *index;
    range at;
} seen;

typedef struct copies {
    weft_ir *ir;
    weft_facts *facts;
    weft_arena scratch;
    bool *copied, *other; /* by buffer id: stored by such copies; otherwise, or read too early */
    const weft_expr **let; /* by variable id: what it stands for, without other such */
    const weft_var *turn;  /* of the loop that takes memory by turns, */
    int64_t turns, now;    /* how many, and which one is looked at */
    bool once;             /* it takes each turn once at most */
    int *deep;             /* by variable id, of such a loop: groups left under way; -1: not seen */
    int keep;              /* of the loop at hand */
    WEFT_VEC(const weft_expr *) cond; /* around the statement at hand */
    WEFT_VEC(flight) pending;
    WEFT_VEC(seen) seen; /* in the loop of these turns */
    int waits;
    bool any, late;
} copies;

/* ---- which buffers --------------------------------------------------------------------------- */

static bool
is_copy(const weft_stmt *s)
{
    const weft_expr *cond;
    return s->kind == WEFT_SK_STORE && s->u.store.buf->space == WEFT_SHARED &&
           weft_async_source(s->u.store.value, &cond);
}

static bool
note_stmt(void *user, const weft_stmt *s)
{
    copies *c = user;
    if (s->kind == WEFT_SK_STORE)
        (is_copy(s) ? c->copied : c->other)[s->u.store.buf->id] = true;
    else if (s->kind == WEFT_SK_ATOMIC)
        c->other[s->u.atomic.buf->id] = true;
    else if (s->kind == WEFT_SK_MATRIX && s->u.matrix.op == WEFT_MATRIX_STORE)
        c->other[s->u.matrix.place[0].buf->id] = true;
    return true;
}

/* ---- which elements -------------------------------------------------------------------------- */

/* v, or v + c */
static bool
counts(const weft_expr *e, const weft_var *v, int64_t *c)
{
    *c = 0;
    if (e->h.kind == WEFT_EK_ADD && weft_as_int(e->arg[1], c))
        e = e->arg[0];
    return e->h.kind == WEFT_EK_VAR && e->h.u.var == v;
}

/* A remainder by which a loop takes turns: v % n, (v + c) % n. */
static bool
is_turn(const weft_expr *e, const weft_var *v, int64_t *c, int64_t *n)
{
    return (e->h.kind == WEFT_EK_TMOD || e->h.kind == WEFT_EK_FMOD) &&
           weft_as_int(e->arg[1], n) && *n > 1 && *n <= MAX_TURNS && counts(e->arg[0], v, c) &&
           *c >= 0;
}

/* An index without lets, in the turn at hand. */
static const weft_expr *
visit(weft_rewriter *rw, const weft_expr *e)
{
    copies *c = rw->user;
    int64_t by, n;
    if (e->h.kind == WEFT_EK_VAR && c->let[e->h.u.var->id])
        return weft_rewrite_expr(rw, c->let[e->h.u.var->id]);
    if (c->turn && c->once && e->h.kind == WEFT_EK_VAR && e->h.u.var == c->turn)
        return weft_int(rw->ir, (weft_dtype)e->h.type.dtype, c->now);
    if (c->turn && is_turn(e, c->turn, &by, &n) && c->turns % n == 0)
        return weft_int(rw->ir, (weft_dtype)e->h.type.dtype, (by % n + c->now) % n);
    return weft_rewrite_args(rw, e);
}

/* The elements of an index, which may be a row of lanes. */
static range
range_of(copies *c, const weft_expr *index)
{
    range r = { .known = true };
    int64_t more = 0;
    if (index->h.kind == WEFT_EK_RAMP) {
        more = index->h.type.lanes - 1;
        index = index->arg[0];
    }
    for (c->now = 0; c->now < (c->turn ? c->turns : 1) && r.known; c->now++) {
        weft_rewriter rw = { .ir = c->ir, .expr = visit, .user = c };
        const weft_expr *e = weft_rewrite_expr(&rw, index);
        weft_rewrite_done(&rw);
        r.known = e->h.type.lanes == 1 &&
                  weft_bounds(c->ir, c->facts, e, &r.lo[c->now], &r.hi[c->now]) &&
                  weft_add64(r.hi[c->now], more, &r.hi[c->now]);
    }
    return r;
}

/* Of a copy, by the conditions around too. */
static range
range_of_copy(copies *c, const weft_expr *index)
{
    const weft_var *turn = c->turn;
    int mark = weft_facts_mark(c->facts);
    c->turn = NULL; /* conditions hold in every turn */
    for (int i = 0; i < c->cond.n; i++) {
        weft_rewriter rw = { .ir = c->ir, .expr = visit, .user = c };
        weft_facts_assume(c->facts, weft_rewrite_expr(&rw, c->cond.at[i]));
        weft_rewrite_done(&rw);
    }
    c->turn = turn;
    range r = range_of(c, index);
    weft_facts_pop(c->facts, mark);
    return r;
}

static range
range_of_load(copies *c, const weft_expr *index)
{
    for (int i = 0; i < c->seen.n; i++)
        if (c->seen.at[i].index == index)
            return c->seen.at[i].at;
    seen s = { index, range_of(c, index) };
    *WEFT_PUSH(&c->scratch, &c->seen) = s;
    return s.at;
}

/* Whether the copy and what is touched now have no element in common. */
static bool
is_apart(const copies *c, const flight *f, const range *r)
{
    bool apart = !f->past && f->at.known && r->known;
    for (int i = 0; i < (c->turn ? c->turns : 1) && apart; i++) {
        int k = f->turn ? i : 0;
        apart = f->at.hi[k] < r->lo[i] || r->hi[i] < f->at.lo[k];
    }
    return apart;
}

/* ---- reads ----------------------------------------------------------------------------------- */

/* Someone needs the copy: in the next attempt, one that was left under way is waited for sooner,
 * and the buffer of another is copied as it stands. */
static void
ask_for(copies *c, const flight *f)
{
    if (!f->age)
        c->other[f->buf->id] = true;
    else if (!c->late)
        c->deep[f->turn->id]--;
    c->late = true;
}

static void
read_buf(copies *c, const weft_buf *b, const weft_expr *index)
{
    for (int i = 0; i < c->pending.n; i++) {
        const flight *f = &c->pending.at[i];
        if (!weft_buf_meets(f->buf, b) || c->other[f->buf->id])
            continue;
        range r = { .known = false };
        if (index && !f->past && f->buf == b)
            r = range_of_load(c, index);
        if (!is_apart(c, f, &r))
            ask_for(c, f);
    }
}

static bool
read_expr(void *user, const weft_expr *e)
{
    if (e->h.kind == WEFT_EK_LOAD && e->h.u.buf->space == WEFT_SHARED)
        read_buf(user, e->h.u.buf, e->h.nargs == 1 ? e->arg[0] : NULL);
    return true;
}

/* The elements from the first of a matrix in memory to its last. */
static range
range_of_matrix(copies *c, const weft_stmt *s)
{
    const weft_fragment *f = &weft_matrix_held(s)->buf->frag;
    int64_t most = f->matrix->m > f->matrix->n ? f->matrix->m : f->matrix->n, stride, last;
    range r = { .known = false };
    most = most > f->matrix->k ? most : f->matrix->k;
    if (!weft_as_int(s->u.matrix.stride, &stride) || stride < 0 ||
        !weft_mul64(stride, most - 1, &last) || !weft_add64(last, most - 1, &last))
        return r;
    r = range_of_load(c, weft_matrix_memory(s)->index[0]);
    for (int i = 0; i < MAX_TURNS && r.known; i++)
        r.known = weft_add64(r.hi[i], last, &r.hi[i]);
    return r;
}

/* A matrix is read by all lanes of a subgroup, of which each copies elements of its own: a barrier
 * stands between, wherever the matrix may be of them. */
static bool
read_stmt(void *user, const weft_stmt *s)
{
    copies *c = user;
    if (s->kind != WEFT_SK_MATRIX || s->u.matrix.op != WEFT_MATRIX_LOAD)
        return true;
    const weft_buf *from = s->u.matrix.place[1].buf;
    for (int i = 0; i < c->pending.n; i++) {
        const flight *f = &c->pending.at[i];
        range r = { .known = false };
        if (!weft_buf_meets(f->buf, from) || !(f->past || f->age))
            continue;
        if (!f->past && f->buf == from)
            r = range_of_matrix(c, s);
        if (!is_apart(c, f, &r))
            ask_for(c, f);
    }
    return true;
}

/* What is stored, by whatever thread, is not overtaken by a copy that barriers have let pass. */
static void
check_store(copies *c, const weft_stmt *s)
{
    for (int i = 0; i < c->pending.n; i++) {
        const flight *f = &c->pending.at[i];
        range r = { .known = false };
        if (!weft_buf_meets(f->buf, s->u.store.buf) || !f->age)
            continue;
        if (!f->past && f->buf == s->u.store.buf)
            r = range_of_load(c, s->u.store.index[0]);
        if (!is_apart(c, f, &r))
            ask_for(c, f);
    }
}

static void
reads_of(copies *c, const weft_expr *e)
{
    weft_walk_expr(&(weft_walker){ .expr = read_expr, .user = c }, e);
}

/* ---- waits ----------------------------------------------------------------------------------- */

/* The same elements of the same buffer, under way for as long. */
static bool
is_same(const flight *a, const flight *b)
{
    return a->buf == b->buf && a->turn == b->turn && a->past == b->past && a->age == b->age &&
           a->at.known == b->at.known && memcmp(a->at.lo, b->at.lo, sizeof a->at.lo) == 0 &&
           memcmp(a->at.hi, b->at.hi, sizeof a->at.hi) == 0;
}

/* Once, by however many ways it came to be under way. */
static void
add_flight(copies *c, const flight *f)
{
    for (int i = 0; i < c->pending.n; i++)
        if (is_same(&c->pending.at[i], f))
            return;
    *WEFT_PUSH(&c->scratch, &c->pending) = *f;
}

static const weft_stmt *place(copies *, const weft_stmt *);

typedef struct cycle {
    const weft_var *var;
    int64_t n;
} cycle;

static bool
look_for_turn(void *user, const weft_expr *e)
{
    cycle *c = user;
    int64_t by, n;
    if (c->n == 1 && is_turn(e, c->var, &by, &n))
        c->n = n;
    return true;
}

/* Copies of the loop's turns are of the past for its next iteration, and for what follows. */
static void
let_pass(copies *c, const weft_var *turn)
{
    for (int i = 0; i < c->pending.n; i++)
        c->pending.at[i].past |= c->pending.at[i].turn == turn;
}

/* For the next iteration what has been copied is of the turn before. */
static void
turn_on(copies *c)
{
    for (int i = 0; i < c->pending.n; i++) {
        range *r = &c->pending.at[i].at, old = *r;
        for (int64_t k = 0; k < c->turns && c->pending.at[i].turn == c->turn; k++) {
            r->lo[(k + 1) % c->turns] = old.lo[k];
            r->hi[(k + 1) % c->turns] = old.hi[k];
        }
    }
}

/* Barriers in a statement; one in a loop or a branch counts for many. */
static int
barriers_in(const weft_stmt *s)
{
    int n = 0;
    switch (s->kind) {
    case WEFT_SK_SEQ:
        for (int i = 0; i < s->u.seq.n; i++)
            n += barriers_in(s->u.seq.at[i]);
        return n;
    case WEFT_SK_LET:
        return barriers_in(s->u.let.body);
    case WEFT_SK_ALLOC:
        return barriers_in(s->u.alloc.body);
    case WEFT_SK_FOR:
    case WEFT_SK_WHILE:
        return 2 * barriers_in(s->u.loop.body);
    case WEFT_SK_IF:
        n = barriers_in(s->u.iff.then);
        return 2 * (n + (s->u.iff.els ? barriers_in(s->u.iff.els) : 0));
    default:
        return s->kind == WEFT_SK_BARRIER;
    }
}

/* The body of a loop that leaves groups under way, in as many iterations as it takes to have them
 * all; each looks the same. */
static const weft_stmt *
place_deep(copies *c, const weft_stmt *s)
{
    const weft_stmt *body = NULL;
    c->keep = c->deep[s->u.loop.var->id];
    for (int i = 0; i < c->keep + 2; i++) {
        body = place(c, s->u.loop.body);
        turn_on(c);
    }
    c->keep = 0;
    return body;
}

/* The loop's body, and once more where it leaves copies under way for the next iteration. */
static const weft_stmt *
place_body(copies *c, const weft_stmt *s)
{
    int waits = c->waits, before = c->pending.n;
    const weft_stmt *body = place(c, s->u.loop.body);
    bool bound = s->kind == WEFT_SK_FOR &&
                 (weft_is_thread(s->u.loop.bind) || weft_is_block(s->u.loop.bind));
    if (bound || c->pending.n == 0 || (c->pending.n == before && c->waits == waits))
        return body;
    if (c->turn && c->turn == s->u.loop.var)
        let_pass(c, c->turn);
    return place(c, s->u.loop.body);
}

/* The thread's copies arrive here. */
static const weft_stmt *
wait_for_all(copies *c)
{
    bool wait = c->pending.n > 0;
    c->pending.n = 0;
    return wait ? weft_seq2(c->ir, weft_async(c->ir, WEFT_ASYNC_COMMIT), weft_async(c->ir, 0))
                : weft_nop(c->ir);
}

typedef struct copy_search {
    const copies *c;
    bool found;
} copy_search;

static bool
look_for_copy(void *user, const weft_stmt *s)
{
    copy_search *f = user;
    f->found |= is_copy(s) && !f->c->other[s->u.store.buf->id];
    return !f->found;
}

/* Groups that the loop leaves under way at its barrier. */
static int
depth_of(copies *c, const weft_stmt *loop)
{
    int *deep = &c->deep[loop->u.loop.var->id];
    copy_search f = { .c = c };
    if (*deep < 0)
        *deep = barriers_in(loop->u.loop.body) == 1 ? (int)c->turns - 2 : 0;
    weft_walk_stmt(&(weft_walker){ .stmt = look_for_copy, .user = &f }, loop->u.loop.body);
    return f.found ? *deep : 0;
}

/* What is under way at the start of a loop that leaves so many groups: of one it is the second at
 * the first barrier. */
static const weft_stmt *
close_groups(copies *c, int left)
{
    if (left > 1 || c->pending.n == 0)
        return wait_for_all(c);
    c->pending.n = 0;
    return weft_async(c->ir, WEFT_ASYNC_COMMIT);
}

/* A loop that takes memory by turns. */
static const weft_stmt *
place_turns(copies *c, const weft_stmt *s, const cycle *y)
{
    weft_stmt t = *s;
    const weft_stmt *first = weft_nop(c->ir);
    int64_t extent;
    c->turn = y->var;
    c->turns = y->n;
    c->once = weft_as_int(s->u.loop.extent, &extent) && extent <= y->n;
    c->seen.n = 0;
    if (depth_of(c, s)) {
        first = close_groups(c, depth_of(c, s));
        t.u.loop.body = place_deep(c, s);
    } else {
        t.u.loop.body = place_body(c, s);
    }
    let_pass(c, c->turn);
    c->turn = NULL;
    c->seen.n = 0;
    return weft_seq2(c->ir, first,
                     t.u.loop.body == s->u.loop.body ? s : weft_stmt_make(c->ir, t));
}

/* Of loops in each other that take memory by turns the outermost one's are told apart. */
static const weft_stmt *
place_loop(copies *c, const weft_stmt *s)
{
    weft_stmt t = *s;
    const weft_stmt *placed = s;
    cycle y = { s->u.loop.var, 1 };
    int mark = weft_facts_mark(c->facts);
    reads_of(c, s->u.loop.extent);
    if (s->kind == WEFT_SK_FOR)
        weft_facts_extent(c->facts, s->u.loop.var, s->u.loop.extent);
    if (s->kind == WEFT_SK_FOR && !c->turn)
        weft_walk_stmt(&(weft_walker){ .expr = look_for_turn, .user = &y }, s->u.loop.body);
    if (y.n > 1 && s->u.loop.bind == WEFT_SERIAL) {
        placed = place_turns(c, s, &y);
    } else {
        t.u.loop.body = place_body(c, s);
        placed = t.u.loop.body == s->u.loop.body ? s : weft_stmt_make(c->ir, t);
    }
    weft_facts_pop(c->facts, mark);
    return placed;
}

/* What either branch leaves under way is. */
static const weft_stmt *
place_if(copies *c, const weft_stmt *s)
{
    weft_stmt t = *s;
    reads_of(c, s->u.iff.cond);
    int n = c->pending.n;
    flight *before = WEFT_NEW_ARRAY(&c->scratch, n + 1, flight);
    for (int i = 0; i < n; i++)
        before[i] = c->pending.at[i];
    *WEFT_PUSH(&c->scratch, &c->cond) = s->u.iff.cond;
    t.u.iff.then = place(c, s->u.iff.then);
    c->cond.n--;
    int then = c->pending.n;
    flight *after = WEFT_NEW_ARRAY(&c->scratch, then + 1, flight);
    for (int i = 0; i < then; i++)
        after[i] = c->pending.at[i];
    c->pending.n = 0;
    for (int i = 0; i < n; i++)
        *WEFT_PUSH(&c->scratch, &c->pending) = before[i];
    if (s->u.iff.els)
        t.u.iff.els = place(c, s->u.iff.els);
    for (int i = 0; i < then; i++)
        add_flight(c, &after[i]);
    return weft_stmt_make(c->ir, t);
}

static const weft_stmt *
place_seq(copies *c, const weft_stmt *s)
{
    const weft_stmt **at = WEFT_NEW_ARRAY(&c->scratch, s->u.seq.n + 1, const weft_stmt *);
    for (int i = 0; i < s->u.seq.n; i++)
        at[i] = place(c, s->u.seq.at[i]);
    return weft_seq(c->ir, s->u.seq.n, at);
}

static const weft_stmt *
place_store(copies *c, const weft_stmt *s)
{
    const weft_buf *b = s->u.store.buf;
    check_store(c, s);
    if (!is_copy(s) || c->other[b->id]) {
        weft_walk_stmt(&(weft_walker){ read_expr, NULL, c }, s);
        return s;
    }
    weft_stmt t = *s;
    c->any = t.u.store.async = true;
    flight f = { .buf = b, .at = range_of_copy(c, s->u.store.index[0]), .turn = c->turn };
    add_flight(c, &f);
    return weft_stmt_make(c->ir, t);
}

/* Copies that the loop leaves under way, in groups one an iteration, are one barrier older. */
static const weft_stmt *
leave_some(copies *c)
{
    int n = 0;
    for (int i = 0; i < c->pending.n; i++)
        if (++c->pending.at[i].age <= c->keep)
            c->pending.at[n++] = c->pending.at[i];
    c->pending.n = n;
    return weft_seq2(c->ir, weft_async(c->ir, WEFT_ASYNC_COMMIT), weft_async(c->ir, c->keep));
}

/* The thread's copies arrive before the barrier. */
static const weft_stmt *
place_barrier(copies *c, const weft_stmt *s)
{
    c->waits++;
    return weft_seq2(c->ir, c->keep ? leave_some(c) : wait_for_all(c), s);
}

/* Statements in the order they run: copies are under way from then on, and are waited for before a
 * barrier; c->late where one is read before. */
static const weft_stmt *
place(copies *c, const weft_stmt *s)
{
    weft_stmt t = *s;
    switch (s->kind) {
    case WEFT_SK_SEQ:
        return place_seq(c, s);
    case WEFT_SK_FOR:
    case WEFT_SK_WHILE:
        return place_loop(c, s);
    case WEFT_SK_IF:
        return place_if(c, s);
    case WEFT_SK_LET:
        reads_of(c, s->u.let.value);
        c->let[s->u.let.var->id] = s->u.let.value;
        t.u.let.body = place(c, s->u.let.body);
        return weft_stmt_make(c->ir, t);
    case WEFT_SK_ALLOC:
        t.u.alloc.body = place(c, s->u.alloc.body);
        return weft_stmt_make(c->ir, t);
    case WEFT_SK_STORE:
        return place_store(c, s);
    case WEFT_SK_BARRIER:
        return place_barrier(c, s);
    default:
        weft_walk_stmt(&(weft_walker){ read_expr, read_stmt, c }, s);
        return s;
    }
}

/* Buffers that are read too early stay as they are, and the others are tried again. */
static const weft_stmt *
place_all(copies *c, const weft_stmt *body)
{
    for (;;) {
        c->any = c->late = false;
        c->pending.n = c->seen.n = 0;
        const weft_stmt *s = place(c, body);
        if (!c->late)
            return s;
    }
}

static bool
copies_anything(const copies *c, const weft_kernel *k)
{
    for (uint32_t i = 0; i < k->ir->nbuf; i++)
        if (c->copied[i] && !c->other[i])
            return true;
    return false;
}

/* Copies that do not go by themselves, in vectors of the target. */
static const weft_stmt *
cut_copy(weft_rewriter *rw, const weft_stmt *s)
{
    if (s->kind != WEFT_SK_STORE || s->u.store.async)
        return weft_rewrite_children(rw, s);
    int lanes = s->u.store.value->h.type.lanes, n = weft_lanes_within(rw->user, lanes);
    const weft_stmt *pieces = n < lanes && is_copy(s) ? weft_store_in_pieces(rw->ir, s, n) : NULL;
    return pieces ? pieces : s;
}

weft_status
weft_pass_async(weft_kernel *k, const weft_lower_options *o, bool *changed, weft_diag *diag)
{
    copies c = { .ir = k->ir };
    (void)diag;
    *changed = false;
    if (!o->caps->async_copy)
        return WEFT_OK;
    c.copied = WEFT_NEW_ARRAY(&c.scratch, k->ir->nbuf + 1, bool);
    c.other = WEFT_NEW_ARRAY(&c.scratch, k->ir->nbuf + 1, bool);
    c.let = WEFT_NEW_ARRAY(&c.scratch, k->ir->nvar + 1, const weft_expr *);
    c.deep = WEFT_NEW_ARRAY(&c.scratch, k->ir->nvar + 1, int);
    memset(c.deep, 0xff, (k->ir->nvar + 1) * sizeof *c.deep);
    weft_walk_stmt(&(weft_walker){ .stmt = note_stmt, .user = &c }, k->body);
    if (copies_anything(&c, k)) {
        c.facts = weft_kernel_facts(k);
        const weft_stmt *body = place_all(&c, k->body);
        weft_facts_destroy(c.facts);
        *changed = c.any;
        k->body = c.any ? body : k->body;
    }
    weft_rewriter rw = { .ir = k->ir, .stmt = cut_copy, .user = (void *)(uintptr_t)o->caps };
    const weft_stmt *body = weft_rewrite_stmt(&rw, k->body);
    weft_rewrite_done(&rw);
    *changed |= body != k->body;
    k->body = body;
    weft_arena_reset(&c.scratch);
    return WEFT_OK;
}
