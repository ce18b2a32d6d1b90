/* hoist: index arithmetic that does not change in a loop gets a name before it, and what is
 * computed more than once gets one where it is first possible: below the last of the loops and lets
 * that it is made of.
 *
 *   for r in 0..k { C[..] = .. A[by * 16000 + ty * 250 + r] .. }
 *   let A_base: i32 = by * 16000 + ty * 250
 *   for r in 0..k { C[..] = .. A[A_base + r] .. }
 *
 * needs  any level; simplified, as equal arithmetic is found by its form; behind the passes that
 *        ask what an index is made of, as a name hides it
 * keeps  the level, every load and store: only integer arithmetic moves, which cannot fail
 * breaks sums are reordered: what varies slower first, constants last */
#include "lower/priv.h"

#include <string.h>

enum {
    WORTH = 2,         /* operations that are taken out of a loop, to the top of the kernel */
    WORTH_IN_LOOP = 3, /* or into a loop further out */
    WORTH_SHARED = 6,  /* operations times uses, where it is one operation */
    COST_CAP = 16,
    LONG_NAME = 16, /* characters of variables' names joined that nobody would read */
    NOWHERE = 1 << 20 /* level of what is not moved */
};

typedef struct name { /* an expression that gets a variable */
    const weft_expr *e;
    const weft_var *scope; /* the loop or let it is computed in; NULL: at the top of the kernel */
    const weft_buf *buf;   /* the only buffer it is an index of, or the beginning of one */
    int level, uses;
    bool mixed;          /* used otherwise too */
    const weft_var *var; /* its name; NULL: not worth one */
} name;

typedef struct hoister {
    weft_ir *ir;
    const weft_kernel *k;
    weft_arena arena;
    WEFT_VEC(int) level;   /* by variable id; 0: constant at the top */
    WEFT_VEC(int) by_expr; /* by expression id: 1 + which name */
    WEFT_VEC(name) names;
    int depth; /* loops and lets around what is looked at */
    int loop;  /* depth of the innermost loop; 0: none */
    const weft_buf *index_of;
    const weft_stmt *top; /* the statement inside all block and thread axes */
    weft_facts *facts;    /* of the symbols */
} hoister;

/* ---- levels ---------------------------------------------------------------------------------- */

static void
set_level(hoister *h, const weft_var *v, int level)
{
    while (h->level.n <= (int)v->id)
        *WEFT_PUSH(&h->arena, &h->level) = NOWHERE;
    h->level.at[v->id] = level;
}

static int
var_level(const hoister *h, const weft_var *v)
{
    return v->id < (uint32_t)h->level.n ? h->level.at[v->id] : NOWHERE;
}

typedef struct depth {
    const hoister *h;
    int level;
    const weft_var *var;
} depth;

/* Whether a division as the hardware has it may be by 0, where a guard
 * around it is not looked at. */
static bool
may_fail(const hoister *h, const weft_expr *e)
{
    int64_t min, max;
    if (e->h.kind != WEFT_EK_TDIV && e->h.kind != WEFT_EK_TMOD)
        return false;
    (void)weft_bounds(h->ir, h->facts, e->arg[1], &min, &max);
    return min <= 0 && max >= 0;
}

static bool
take_level(void *user, const weft_expr *e)
{
    depth *d = user;
    int level = e->h.kind == WEFT_EK_VAR ? var_level(d->h, e->h.u.var)
                : may_fail(d->h, e)      ? NOWHERE
                                         : 0;
    if (level > d->level) {
        d->level = level;
        d->var = e->h.kind == WEFT_EK_VAR ? e->h.u.var : NULL;
    }
    return true;
}

/* The innermost loop that e changes in, or let that it is made of; NOWHERE: e stays where it is. */
static depth
depth_of(const hoister *h, const weft_expr *e)
{
    depth d = { h, 0, NULL };
    weft_walker w = { .expr = take_level, .user = &d };
    weft_walk_expr(&w, e);
    return d;
}

static bool
is_arithmetic(const weft_expr *e)
{
    return e->h.pure && e->h.type.lanes == 1 && weft_is_int((weft_dtype)e->h.type.dtype) &&
           e->h.nargs > 0;
}

static int
cost(const weft_expr *e)
{
    int sum = 0;
    if (e->h.kind == WEFT_EK_FDIV || e->h.kind == WEFT_EK_FMOD || e->h.kind == WEFT_EK_TDIV ||
        e->h.kind == WEFT_EK_TMOD)
        sum = 2;
    else if (e->h.nargs > 0 && e->h.kind != WEFT_EK_CAST)
        sum = 1;
    for (int i = 0; i < e->h.nargs && sum < COST_CAP; i++)
        sum += cost(e->arg[i]);
    return sum;
}

/* ---- sums in the order of their levels ------------------------------------------------------- */

typedef struct term {
    const weft_expr *e;
    bool minus;
    int level; /* NOWHERE + 1 for constants: last */
} term;

typedef struct terms {
    weft_arena *arena;
    WEFT_VEC(term) at;
} terms;

static void
add_terms(const hoister *h, terms *t, const weft_expr *e, bool minus)
{
    if (e->h.kind == WEFT_EK_ADD || e->h.kind == WEFT_EK_SUB) {
        add_terms(h, t, e->arg[0], minus);
        add_terms(h, t, e->arg[1], minus != (e->h.kind == WEFT_EK_SUB));
        return;
    }
    *WEFT_PUSH(t->arena, &t->at) =
        (term){ e, minus, weft_is_imm(e) ? NOWHERE + 1 : depth_of(h, e).level };
}

/* By level, stable; the first is added, as a sum cannot begin with a minus. */
static void
sort_terms(terms *t)
{
    for (int i = 1; i < t->at.n; i++) {
        term x = t->at.at[i];
        int k = i;
        for (; k > 0 && t->at.at[k - 1].level > x.level; k--)
            t->at.at[k] = t->at.at[k - 1];
        t->at.at[k] = x;
    }
    int first = 0;
    while (first < t->at.n && t->at.at[first].minus)
        first++;
    if (first == t->at.n)
        return;
    term x = t->at.at[first];
    memmove(&t->at.at[1], &t->at.at[0], (size_t)first * sizeof x);
    t->at.at[0] = x;
}

static const weft_expr *
ordered_sum(const hoister *h, weft_arena *scratch, const weft_expr *e)
{
    terms t = { .arena = scratch };
    add_terms(h, &t, e, false);
    sort_terms(&t);
    if (t.at.at[0].minus)
        return e;
    const weft_expr *sum = t.at.at[0].e;
    for (int i = 1; i < t.at.n; i++)
        sum = weft_binary(h->ir, t.at.at[i].minus ? WEFT_EK_SUB : WEFT_EK_ADD, sum, t.at.at[i].e);
    return sum;
}

static const weft_expr *
reorder(weft_rewriter *rw, const weft_expr *e)
{
    hoister *h = rw->user;
    e = weft_rewrite_args(rw, e);
    bool sum =
        (e->h.kind == WEFT_EK_ADD || e->h.kind == WEFT_EK_SUB) && e->h.index && is_arithmetic(e);
    return sum ? ordered_sum(h, &h->arena, e) : e;
}

/* ---- what is worth a name -------------------------------------------------------------------- */

static name *
name_of(hoister *h, const weft_expr *e)
{
    while (h->by_expr.n <= (int)e->id)
        *WEFT_PUSH(&h->arena, &h->by_expr) = 0;
    int *at = &h->by_expr.at[e->id];
    if (!*at) {
        depth d = depth_of(h, e);
        *WEFT_PUSH(&h->arena, &h->names) = (name){ .e = e, .scope = d.var, .level = d.level };
        *at = h->names.n;
    }
    return &h->names.at[*at - 1];
}

static bool
is_worth(const hoister *h, const name *n)
{
    int c = cost(n->e);
    if (n->level >= NOWHERE)
        return false;
    if (n->level < h->loop && c >= (n->level ? WORTH_IN_LOOP : WORTH))
        return true;
    return n->uses > 1 && (c > 1 || n->uses * c >= WORTH_SHARED);
}

/* x + 3: the constant is left where x is used; i64(x): so is the conversion. */
static bool
is_offset(const weft_expr *e)
{
    return e->h.kind == WEFT_EK_CAST ||
           ((e->h.kind == WEFT_EK_ADD || e->h.kind == WEFT_EK_SUB) && weft_is_imm(e->arg[1]));
}

/* One use of e; what is inside counts as used by e alone, once. */
static void
use(hoister *h, const weft_expr *e)
{
    const weft_buf *index_of = h->index_of;
    if (is_arithmetic(e) && !is_offset(e)) {
        name *n = name_of(h, e);
        bool seen = n->uses++ > 0;
        n->mixed |= (n->buf && n->buf != index_of) || !index_of;
        n->buf = index_of;
        if (is_worth(h, n) && !n->var)
            n->var = weft_var_make(h->ir, "", e->h.type);
        if (seen || n->var)
            return;
    }
    for (int i = 0; i < e->h.nargs; i++) {
        bool prefix = i == 0 && (e->h.kind == WEFT_EK_ADD || e->h.kind == WEFT_EK_SUB ||
                                 e->h.kind == WEFT_EK_RAMP);
        h->index_of = e->h.kind == WEFT_EK_LOAD ? e->h.u.buf : prefix ? index_of : NULL;
        use(h, e->arg[i]);
    }
    h->index_of = index_of;
}

static void
use_index(hoister *h, const weft_buf *buf, const weft_expr *e)
{
    h->index_of = buf;
    use(h, e);
    h->index_of = NULL;
}

static bool
is_bound(const weft_stmt *s)
{
    return s->kind == WEFT_SK_FOR &&
           (weft_is_block(s->u.loop.bind) || weft_is_thread(s->u.loop.bind));
}

static void look(hoister *, const weft_stmt *);

static void
look_into_loop(hoister *h, const weft_stmt *s)
{
    int outer = h->loop;
    use(h, s->u.loop.extent);
    h->depth++;
    h->loop = h->depth;
    look(h, s->u.loop.body);
    h->depth--;
    h->loop = outer;
}

/* Statements in order, with the levels of what they bind. */
static void
look(hoister *h, const weft_stmt *s)
{
    switch (s->kind) {
    case WEFT_SK_SEQ:
        for (int i = 0; i < s->u.seq.n; i++)
            look(h, s->u.seq.at[i]);
        return;
    case WEFT_SK_FOR:
    case WEFT_SK_WHILE:
        look_into_loop(h, s);
        return;
    case WEFT_SK_IF:
        use(h, s->u.iff.cond);
        look(h, s->u.iff.then);
        if (s->u.iff.els)
            look(h, s->u.iff.els);
        return;
    case WEFT_SK_LET:
        use(h, s->u.let.value);
        h->depth++;
        look(h, s->u.let.body);
        h->depth--;
        return;
    case WEFT_SK_STORE:
        for (int i = 0; i < s->u.store.n; i++)
            use_index(h, s->u.store.buf, s->u.store.index[i]);
        use(h, s->u.store.value);
        return;
    case WEFT_SK_ATOMIC:
        use_index(h, s->u.atomic.buf, s->u.atomic.index);
        use(h, s->u.atomic.value);
        return;
    case WEFT_SK_ALLOC:
        look(h, s->u.alloc.body);
        return;
    case WEFT_SK_EVAL:
        use(h, s->u.eval.call);
        return;
    case WEFT_SK_PREFETCH:
        use_index(h, s->u.prefetch.buf, s->u.prefetch.index);
        return;
    case WEFT_SK_MATRIX:
        for (int i = 0; i < weft_matrix_op_places(s->u.matrix.op); i++)
            for (int d = 0; d < s->u.matrix.place[i].n; d++)
                use_index(h, s->u.matrix.place[i].buf, s->u.matrix.place[i].index[d]);
        if (s->u.matrix.value)
            use(h, s->u.matrix.value);
        if (s->u.matrix.stride)
            use(h, s->u.matrix.stride);
        return;
    case WEFT_SK_ALLREDUCE:
        for (int i = 0; i < s->u.all.with->n; i++)
            use(h, s->u.all.value[i]);
        look(h, s->u.all.body);
        return;
    case WEFT_SK_BARRIER:
    case WEFT_SK_ASYNC:
    case WEFT_SK_COUNT:
        return;
    }
}

/* Levels of the variables of loops and lets: how many of these deep; what an ALLREDUCE binds stays
 * where it is. */
static void
find_levels(hoister *h, const weft_stmt *s, int level)
{
    switch (s->kind) {
    case WEFT_SK_SEQ:
        for (int i = 0; i < s->u.seq.n; i++)
            find_levels(h, s->u.seq.at[i], level);
        return;
    case WEFT_SK_FOR:
        set_level(h, s->u.loop.var, level + 1);
        /* fallthrough */
    case WEFT_SK_WHILE:
        find_levels(h, s->u.loop.body, level + 1);
        return;
    case WEFT_SK_IF:
        find_levels(h, s->u.iff.then, level);
        if (s->u.iff.els)
            find_levels(h, s->u.iff.els, level);
        return;
    case WEFT_SK_LET:
        set_level(h, s->u.let.var, level + 1);
        find_levels(h, s->u.let.body, level + 1);
        return;
    case WEFT_SK_ALLOC:
        find_levels(h, s->u.alloc.body, level);
        return;
    case WEFT_SK_ALLREDUCE:
        find_levels(h, s->u.all.body, level);
        return;
    default:
        return;
    }
}

/* Passes the axes that are bound and the memory of a block; they are all constant at the top. */
static const weft_stmt *
find_top(hoister *h, const weft_stmt *s)
{
    while (is_bound(s) || (s->kind == WEFT_SK_ALLOC && s->u.alloc.buf->space == WEFT_SHARED)) {
        if (s->kind == WEFT_SK_FOR)
            set_level(h, s->u.loop.var, 0);
        s = s->kind == WEFT_SK_FOR ? s->u.loop.body : s->u.alloc.body;
    }
    return s;
}

/* ---- names ----------------------------------------------------------------------------------- */

typedef struct joined {
    weft_str *text;
    int n;
} joined;

static bool
join_var(void *user, const weft_expr *e)
{
    joined *j = user;
    if (e->h.kind == WEFT_EK_VAR && j->n++ < 3)
        weft_str_addf(j->text, "%s%s", j->text->n ? "_" : "", e->h.u.var->name);
    return true;
}

static const char *
suffix_of(const weft_expr *e, int vars)
{
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_FDIV:
    case WEFT_EK_TDIV:
        return "_div";
    case WEFT_EK_FMOD:
    case WEFT_EK_TMOD:
        return "_mod";
    default:
        return vars == 1 ? "_off" : "";
    }
}

/* "A_base" for the beginning of indices of A alone, else after the variables it is made of, as long
 * as they can be read, and "at" beyond. */
static const char *
make_name(hoister *h, const name *n)
{
    weft_arena *a = &h->ir->arena;
    weft_str text = { 0 };
    joined j = { &text, 0 };
    if (n->buf && !n->mixed)
        return weft_arena_printf(a, "%s_base", n->buf->name);
    weft_walk_expr(&(weft_walker){ .expr = join_var, .user = &j }, n->e);
    bool can = text.n && text.n <= LONG_NAME;
    const char *made = weft_arena_printf(a, "%s%s", can ? weft_str_text(&text) : "at",
                                         suffix_of(n->e, can ? j.n : 0));
    weft_str_free(&text);
    return made;
}

static void
settle_names(hoister *h)
{
    for (int i = 0; i < h->names.n; i++)
        if (h->names.at[i].var)
            h->names.at[i].var =
                weft_var_make(h->ir, make_name(h, &h->names.at[i]), h->names.at[i].e->h.type);
}

/* ---- rewriting ------------------------------------------------------------------------------- */

static const weft_expr *
to_name(weft_rewriter *rw, const weft_expr *e)
{
    const hoister *h = rw->user;
    int at = e->id < (uint32_t)h->by_expr.n ? h->by_expr.at[e->id] : 0;
    return at && h->names.at[at - 1].var ? weft_ref(rw->ir, h->names.at[at - 1].var)
                                         : weft_rewrite_args(rw, e);
}

static int
by_id(const name *a, const name *b)
{
    return (a->e->id > b->e->id) - (a->e->id < b->e->id);
}

/* body with the names of a scope before it; an expression's parts have smaller ids than it has. */
static const weft_stmt *
with_names(weft_rewriter *rw, const weft_var *scope, const weft_stmt *body)
{
    hoister *h = rw->user;
    WEFT_VEC(const name *) in = { 0 };
    for (int i = 0; i < h->names.n; i++) {
        const name *n = &h->names.at[i];
        if (!n->var || n->scope != scope)
            continue;
        *WEFT_PUSH(&h->arena, &in) = n;
        for (int k = in.n - 1; k > 0 && by_id(in.at[k - 1], in.at[k]) > 0; k--) {
            const name *t = in.at[k];
            in.at[k] = in.at[k - 1];
            in.at[k - 1] = t;
        }
    }
    for (int i = in.n - 1; i >= 0; i--)
        body = weft_let(rw->ir, in.at[i]->var, weft_rewrite_args(rw, in.at[i]->e), body);
    return body;
}

static const weft_stmt *
name_stmt(weft_rewriter *rw, const weft_stmt *s)
{
    s = weft_rewrite_children(rw, s);
    if (s->kind == WEFT_SK_LET) {
        const weft_stmt *below = with_names(rw, s->u.let.var, s->u.let.body);
        return below == s->u.let.body
                   ? s
                   : weft_let(rw->ir, s->u.let.var, s->u.let.value, below);
    }
    if (s->kind != WEFT_SK_FOR)
        return s;
    const weft_stmt *body = with_names(rw, s->u.loop.var, s->u.loop.body);
    return body == s->u.loop.body
               ? s
               : weft_for_like(rw->ir, s, s->u.loop.extent, body);
}

/* The statements around the top, which know no names yet, with another top. */
static const weft_stmt *
rebuild(const hoister *h, const weft_stmt *s, const weft_stmt *top)
{
    if (s == h->top)
        return top;
    weft_stmt t = *s;
    if (s->kind == WEFT_SK_FOR)
        t.u.loop.body = rebuild(h, s->u.loop.body, top);
    else
        t.u.alloc.body = rebuild(h, s->u.alloc.body, top);
    return weft_stmt_make(h->ir, t);
}

weft_status
weft_pass_hoist(weft_kernel *k, const weft_lower_options *o, bool *changed, weft_diag *diag)
{
    (void)o;
    hoister h = { .ir = k->ir, .k = k, .facts = weft_kernel_facts(k) };
    for (int i = 0; i < k->nscalar; i++)
        set_level(&h, k->scalar[i], 0);
    find_levels(&h, find_top(&h, k->body), 0);
    weft_rewriter order = { .ir = k->ir, .expr = reorder, .user = &h };
    const weft_stmt *body = weft_rewrite_stmt(&order, k->body);
    weft_rewrite_done(&order);
    h.top = find_top(&h, body);
    look(&h, h.top);
    settle_names(&h);
    weft_rewriter names = { .ir = k->ir, .expr = to_name, .stmt = name_stmt, .user = &h };
    const weft_stmt *top = with_names(&names, NULL, weft_rewrite_stmt(&names, h.top));
    body = top == h.top ? body : rebuild(&h, body, top);
    weft_rewrite_done(&names);
    weft_arena_reset(&h.arena);
    weft_facts_destroy(h.facts);
    if (!body)
        return weft_fail(diag, WEFT_INTERNAL, "hoist: kernel '%s' could not be rebuilt", k->name);
    *changed = body != k->body;
    k->body = body;
    return WEFT_OK;
}
