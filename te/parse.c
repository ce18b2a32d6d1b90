/* Reading programs.  Anything may be in the text: an error is reported with its place and leaves by
 * longjmp (weft_parse_fail), which loses nothing, since all that was made lies in arenas. */
#include "te/parse.h"

#include <limits.h>
#include <string.h>

/* ---- names ----------------------------------------------------------------------------------- */

void
weft_te_refused(te_parser *tp, const weft_token *at)
{
    weft_parse_refused(&tp->p, at);
}

/* Ends the parse unless a new thing of that kind can have the name. */
static void
check_name(te_parser *tp, weft_name_kind kind, const char *name, const weft_token *at)
{
    if (strcmp(name, weft_te_identifier(tp->te, name)) != 0)
        weft_parse_fail(&tp->p, at, "names in te are letters, digits and '_'; '%s' has another",
                        name);
    const char *clash = weft_te_name_clash(tp->te, kind, name);
    if (clash)
        weft_parse_fail(&tp->p, at, "'%s' is %s already: choose another name", name, clash);
}

const char *
weft_te_new_name(te_parser *tp, weft_name_kind kind, weft_token *at)
{
    *at = tp->p.lex.tok;
    const char *name = weft_parse_new_name(&tp->p);
    check_name(tp, kind, name, at);
    return name;
}

void
weft_te_bind_tensor(te_parser *tp, const weft_token *at, const weft_tensor *t)
{
    weft_parse_bind(&tp->p, at, (parse_name){ t->buf->name, NULL, t->buf, NULL });
}

weft_tensor *
weft_te_parse_tensor(te_parser *tp)
{
    weft_token at = tp->p.lex.tok;
    if (at.kind != WEFT_TOK_NAME)
        weft_parse_fail(&tp->p, &at, "the name of a tensor is expected");
    weft_lex_next(&tp->p.lex);
    const weft_buf *buf = weft_parse_look_up(&tp->p, &at)->buf;
    if (!buf)
        weft_parse_fail(&tp->p, &at, "'%.*s' is no tensor", (int)at.n, at.text);
    return weft_te_tensor_of(tp->te, buf);
}

void
weft_te_leave_scope(te_parser *tp, int mark)
{
    parser *p = &tp->p;
    while (p->names.n > mark) {
        const char *text = p->names.at[--p->names.n].text;
        *weft_map_slot(p->known, text, strlen(text)) = -1;
    }
}

/* What follows the current token. */
static weft_token
peek(const te_parser *tp)
{
    weft_lexer lex = tp->p.lex;
    weft_lex_next(&lex);
    return lex.tok;
}

/* ---- parameters ------------------------------------------------------------------------------ */

/* The value that was given for the symbol of that name, in its type; NULL: it is a symbol. */
static const weft_expr *
given_value(te_parser *tp, const weft_token *at, const char *name, weft_dtype dtype)
{
    const weft_te_given *g = tp->given;
    int i = 0;
    while (i < g->nvalue && strcmp(g->name[i], name) != 0)
        i++;
    if (i == g->nvalue)
        return NULL;
    const weft_expr *value = weft_te_constant(tp->te, g->value[i], dtype);
    if (!value)
        weft_parse_fail(&tp->p, at, "'%s' is %s, which does not hold the value given for it", name,
                        weft_dtype_name(dtype));
    g->used[i] = true;
    return value;
}

static void
declare_symbol(te_parser *tp, const weft_token *at, const char *name, weft_dtype dtype)
{
    const weft_expr *value = given_value(tp, at, name, dtype);
    if (value) {
        weft_parse_bind(&tp->p, at, (parse_name){ name, NULL, NULL, value });
        return;
    }
    if (dtype != WEFT_I32 && dtype != WEFT_I64)
        weft_parse_fail(&tp->p, at,
                        "'%s' is %s: sizes are i32 or i64, and a parameter that is none needs a "
                        "value, from the attribute of a node that the program computes (--op)",
                        name, weft_dtype_name(dtype));
    check_name(tp, WEFT_NAME_SYMBOL, name, at);
    const weft_expr *e = weft_te_symbol(tp->te, name, dtype);
    if (!e)
        weft_te_refused(tp, at);
    weft_parse_bind(&tp->p, at, (parse_name){ e->h.u.var->name, e->h.u.var, NULL, NULL });
}

/* Names in a shape that nothing stands for yet are symbols of type i32. */
static void
declare_implied(te_parser *tp)
{
    weft_lexer back = tp->p.lex;
    while (tp->p.lex.tok.kind != WEFT_TOK_END && !weft_tok_is(&tp->p.lex.tok, "]")) {
        weft_token at = tp->p.lex.tok;
        weft_token after = peek(tp);
        bool call = weft_tok_is(&after, "(");
        if (at.kind != WEFT_TOK_NAME || call || weft_map_get(tp->p.known, at.text, at.n) >= 0) {
            weft_lex_next(&tp->p.lex);
            continue;
        }
        declare_symbol(tp, &at, weft_parse_new_name(&tp->p), WEFT_I32);
    }
    tp->p.lex = back;
}

static void
declare_input(te_parser *tp, const weft_token *at, const char *name, weft_dtype dtype)
{
    const weft_expr *const *shape;
    declare_implied(tp);
    weft_token shape_at = tp->p.lex.tok;
    int n = weft_parse_list(&tp->p, "]", &shape);
    if (tp->given->tensor) {
        const weft_buf *buf = tp->given->tensor[tp->ninput++]->buf;
        weft_parse_bind(&tp->p, at, (parse_name){ name, NULL, buf, NULL });
        return;
    }
    check_name(tp, WEFT_NAME_TENSOR, name, at);
    weft_tensor *t = weft_te_input(tp->te, name, dtype, n, shape);
    if (!t)
        weft_te_refused(tp, &shape_at);
    weft_te_bind_tensor(tp, at, t);
}

/* A: f32[m, k]  or  n: i64 */
static void
param(te_parser *tp)
{
    parser *p = &tp->p;
    weft_token at = p->lex.tok;
    const char *name = weft_parse_new_name(p);
    weft_type type;
    weft_parse_expect(p, ":");
    weft_token type_at = p->lex.tok;
    if (type_at.kind != WEFT_TOK_NAME || !weft_parse_type(type_at.text, type_at.n, &type) ||
        type.lanes != 1)
        weft_parse_fail(p, &type_at, "a type of elements is expected, as f32");
    weft_lex_next(&p->lex);
    if (weft_parse_accept(p, "["))
        declare_input(tp, &at, name, (weft_dtype)type.dtype);
    else
        declare_symbol(tp, &at, name, (weft_dtype)type.dtype);
}

static void
params(te_parser *tp)
{
    weft_parse_expect(&tp->p, "(");
    if (weft_parse_accept(&tp->p, ")"))
        return;
    do
        param(tp);
    while (weft_parse_accept(&tp->p, ","));
    weft_parse_expect(&tp->p, ")");
}

/* ---- definitions ----------------------------------------------------------------------------- */

typedef struct target { /* what a definition makes */
    const char *name;
    weft_token at;
    bool out;
} target;

typedef struct definition {
    WEFT_VEC(target) target;
    WEFT_VEC(weft_axis *) axis;
    WEFT_VEC(weft_axis *) reduce;
    const weft_expr *cond;
    weft_token at; /* of the value */
} definition;

/* i < m */
static weft_axis *
new_axis(te_parser *tp, bool reduce, weft_token *at)
{
    const char *name = weft_te_new_name(tp, WEFT_NAME_AXIS, at);
    weft_parse_expect(&tp->p, "<");
    weft_token extent_at = tp->p.lex.tok;
    const weft_expr *extent = weft_parse_any(&tp->p);
    weft_axis *axis = (reduce ? weft_te_reduce_axis : weft_te_axis)(tp->te, name, extent);
    if (!axis)
        weft_te_refused(tp, &extent_at);
    return axis;
}

static void
bind_axis(te_parser *tp, const weft_token *at, const weft_axis *axis)
{
    weft_parse_bind(&tp->p, at, (parse_name){ axis->var->name, axis->var, NULL, NULL });
}

/* [i < m, j < n], bound once all are read: extents use none of them. */
static void
data_axes(te_parser *tp, definition *d)
{
    WEFT_VEC(weft_token) at = { 0 };
    weft_parse_expect(&tp->p, "[");
    if (weft_parse_accept(&tp->p, "]"))
        return;
    do
        *WEFT_PUSH(&tp->p.scratch, &d->axis) = new_axis(tp, false, WEFT_PUSH(&tp->p.scratch, &at));
    while (weft_parse_accept(&tp->p, ","));
    weft_parse_expect(&tp->p, "]");
    for (int i = 0; i < d->axis.n; i++)
        bind_axis(tp, &at.at[i], d->axis.at[i]);
}

/* (r < k, s < l where cond) */
static void
reduce_axes(te_parser *tp, definition *d)
{
    WEFT_VEC(weft_token) at = { 0 };
    weft_parse_expect(&tp->p, "(");
    do
        *WEFT_PUSH(&tp->p.scratch, &d->reduce) = new_axis(tp, true, WEFT_PUSH(&tp->p.scratch, &at));
    while (weft_parse_accept(&tp->p, ","));
    for (int i = 0; i < d->reduce.n; i++)
        bind_axis(tp, &at.at[i], d->reduce.at[i]);
    if (weft_parse_accept(&tp->p, "where"))
        d->cond = weft_parse_any(&tp->p);
    weft_parse_expect(&tp->p, ")");
}

/* The reducer that starts here: "min" and "max" are functions too, told by the axis that follows.
 */
static weft_reducer
reducer(te_parser *tp)
{
    parser *p = &tp->p;
    weft_lexer back = p->lex;
    int r = 0;
    while (r < WEFT_REDUCER_COUNT && !weft_tok_is(&p->lex.tok, weft_reducer_names[r]))
        r++;
    weft_lex_next(&p->lex);
    if (r == WEFT_REDUCER_COUNT || !weft_parse_accept(p, "("))
        r = WEFT_REDUCER_COUNT;
    else if (r == WEFT_RMIN || r == WEFT_RMAX) {
        weft_token t = p->lex.tok;
        bool known = t.kind != WEFT_TOK_NAME || weft_map_get(p->known, t.text, t.n) >= 0;
        weft_lex_next(&p->lex);
        r = known || !weft_tok_is(&p->lex.tok, "<") ? WEFT_REDUCER_COUNT : r;
    }
    p->lex = back;
    return (weft_reducer)r;
}

static void
finish(te_parser *tp, definition *d, int mark, weft_tensor *const *made)
{
    weft_te_leave_scope(tp, mark);
    for (int i = 0; i < d->target.n; i++) {
        weft_te_bind_tensor(tp, &d->target.at[i].at, made[i]);
        if (d->target.at[i].out && !tp->given->part && weft_te_output(tp->te, made[i]) != WEFT_OK)
            weft_te_refused(tp, &d->target.at[i].at);
    }
}

/* (e, e, ...): as many as there are targets. */
static const weft_expr *const *
components(te_parser *tp, const definition *d)
{
    const weft_expr *const *at;
    weft_token t = tp->p.lex.tok;
    weft_parse_expect(&tp->p, "(");
    int n = weft_parse_list(&tp->p, ")", &at);
    if (n != d->target.n)
        weft_parse_fail(&tp->p, &t, "%d values for %d tensors: one each is needed", n, d->target.n);
    return at;
}

/* (a, b) as variables of the sources' types. */
static const weft_var **
variables(te_parser *tp, const definition *d, const weft_expr *const *source)
{
    parser *p = &tp->p;
    const weft_var **var = WEFT_NEW_ARRAY(&p->scratch, d->target.n, const weft_var *);
    weft_parse_expect(p, "(");
    for (int i = 0; i < d->target.n; i++) {
        weft_token at;
        if (i)
            weft_parse_expect(p, ",");
        const char *name = weft_te_new_name(tp, WEFT_NAME_AXIS, &at);
        var[i] = weft_te_var(tp->te, name, (weft_dtype)source[i]->h.type.dtype);
        weft_parse_bind(p, &at, (parse_name){ name, var[i], NULL, NULL });
    }
    weft_parse_expect(p, ")");
    return var;
}

/* The names of the targets. */
static const char *const *
names_of(te_parser *tp, const definition *d)
{
    const char **names = WEFT_NEW_ARRAY(&tp->p.scratch, d->target.n, const char *);
    for (int i = 0; i < d->target.n; i++)
        names[i] = d->target.at[i].name;
    return names;
}

/* reduce(r < k) (e, e) from (e, e) with (a, b), (c, d) = (e, e) */
static void
tuple_reduction(te_parser *tp, definition *d, weft_tensor **made)
{
    parser *p = &tp->p;
    weft_tuple_reducer r = { .n = d->target.n };
    weft_lex_next(&p->lex);
    reduce_axes(tp, d);
    const weft_expr *const *source = components(tp, d);
    weft_parse_expect(p, "from");
    r.identity = components(tp, d);
    weft_parse_expect(p, "with");
    r.lhs = variables(tp, d, source);
    weft_parse_expect(p, ",");
    r.rhs = variables(tp, d, source);
    weft_parse_expect(p, "=");
    r.result = components(tp, d);
    if (weft_te_reduce_tuple_where(tp->te, names_of(tp, d), d->axis.n, d->axis.at, d->reduce.n,
                                   d->reduce.at, &r, source, d->cond, made) != WEFT_OK)
        weft_te_refused(tp, &d->at);
}

/* e, or (e, e) for several tensors */
static void
plain_value(te_parser *tp, definition *d, weft_tensor **made)
{
    const weft_expr *one, *const *value = &one;
    if (d->target.n == 1)
        one = weft_parse_any(&tp->p);
    else
        value = components(tp, d);
    if (weft_te_compute_tuple(tp->te, d->target.n, names_of(tp, d), d->axis.n, d->axis.at, value,
                              made) != WEFT_OK)
        weft_te_refused(tp, &d->at);
}

/* sum(r < k) e */
static void
reduction(te_parser *tp, definition *d, weft_reducer r, weft_tensor **made)
{
    if (d->target.n > 1)
        weft_parse_fail(&tp->p, &d->at, "'%s' defines one tensor, not %d; use 'reduce'",
                        weft_reducer_names[r], d->target.n);
    weft_lex_next(&tp->p.lex);
    reduce_axes(tp, d);
    const weft_expr *source = weft_parse_any(&tp->p);
    made[0] = weft_te_reduce_where(tp->te, d->target.at[0].name, d->axis.n, d->axis.at, d->reduce.n,
                                   d->reduce.at, r, source, d->cond);
    if (!made[0])
        weft_te_refused(tp, &d->at);
}

/* The axis of the definition that the current token names. */
static weft_axis *
own_axis(te_parser *tp, const definition *d)
{
    weft_token t = tp->p.lex.tok;
    for (int i = 0; i < d->axis.n; i++)
        if (weft_tok_is(&t, d->axis.at[i]->var->name)) {
            weft_lex_next(&tp->p.lex);
            return d->axis.at[i];
        }
    weft_parse_fail(&tp->p, &t, "an axis of '%s' is expected, along which its steps run",
                    d->target.at[0].name);
}

static const weft_expr *const *
one_or_components(te_parser *tp, const definition *d)
{
    if (d->target.n > 1)
        return components(tp, d);
    const weft_expr **one = WEFT_NEW(&tp->p.scratch, const weft_expr *);
    *one = weft_parse_any(&tp->p);
    return one;
}

/* scan(t) from e with e, or with sum(r < k) e: the second reads what is defined. */
static void
scan(te_parser *tp, definition *d, weft_tensor **made)
{
    parser *p = &tp->p;
    weft_lex_next(&p->lex);
    weft_parse_expect(p, "(");
    weft_axis *axis = own_axis(tp, d);
    weft_parse_expect(p, ")");
    weft_parse_expect(p, "from");
    const weft_expr *const *first = one_or_components(tp, d);
    for (int i = 0; i < d->target.n; i++) {
        made[i] = weft_te_state(tp->te, d->target.at[i].name, (weft_dtype)first[i]->h.type.dtype,
                                d->axis.n, d->axis.at);
        if (!made[i])
            weft_te_refused(tp, &d->at);
        weft_te_bind_tensor(tp, &d->target.at[i].at, made[i]);
    }
    weft_parse_expect(p, "with");
    weft_reducer r = reducer(tp);
    weft_status st;
    if (r != WEFT_REDUCER_COUNT && d->target.n == 1) {
        weft_lex_next(&p->lex);
        reduce_axes(tp, d);
        const weft_expr *source = weft_parse_any(p);
        st = weft_te_scan_where(tp->te, made[0], axis, first[0], d->reduce.n, d->reduce.at, r,
                                source, d->cond);
    } else {
        st = weft_te_scan(tp->te, d->target.n, made, axis, first, one_or_components(tp, d));
    }
    if (st != WEFT_OK)
        weft_te_refused(tp, &d->at);
}

static void
value(te_parser *tp, definition *d, weft_tensor **made)
{
    weft_token after = peek(tp);
    if (weft_tok_is(&d->at, "scan") && weft_tok_is(&after, "(")) {
        scan(tp, d, made);
        return;
    }
    weft_reducer r = reducer(tp);
    if (weft_tok_is(&d->at, "reduce") && weft_tok_is(&after, "("))
        tuple_reduction(tp, d, made);
    else if (r != WEFT_REDUCER_COUNT)
        reduction(tp, d, r, made);
    else
        plain_value(tp, d, made);
}

/* [out] C[i < m] = value  or  [out] a, [out] b[i < m] = reduce... */
static void
define(te_parser *tp)
{
    parser *p = &tp->p;
    definition d = { 0 };
    int mark = p->names.n;
    do {
        target *t = WEFT_PUSH(&p->scratch, &d.target);
        t->out = weft_tok_is(&p->lex.tok, "out") && peek(tp).kind == WEFT_TOK_NAME;
        if (t->out)
            weft_lex_next(&p->lex);
        t->name = weft_te_new_name(tp, WEFT_NAME_TENSOR, &t->at);
        for (int i = 0; i < d.target.n - 1; i++)
            if (strcmp(d.target.at[i].name, t->name) == 0)
                weft_parse_fail(p, &t->at, "'%s' is defined twice here", t->name);
    } while (weft_parse_accept(p, ","));
    data_axes(tp, &d);
    weft_parse_expect(p, "=");
    d.at = p->lex.tok;
    weft_tensor **made = WEFT_NEW_ARRAY(&p->scratch, d.target.n, weft_tensor *);
    value(tp, &d, made);
    finish(tp, &d, mark, made);
}

/* ---- outputs --------------------------------------------------------------------------------- */

/* return C, B */
static void
return_outputs(te_parser *tp)
{
    weft_token at = tp->p.lex.tok;
    weft_lex_next(&tp->p.lex);
    if (tp->te->output.n)
        weft_parse_fail(&tp->p, &at, "outputs are marked by 'out' or listed by 'return', not both");
    do {
        at = tp->p.lex.tok;
        weft_tensor *t = weft_te_parse_tensor(tp);
        if (!tp->given->part && weft_te_output(tp->te, t) != WEFT_OK)
            weft_te_refused(tp, &at);
    } while (weft_parse_accept(&tp->p, ","));
}

/* Without a word about outputs, they are what nobody reads. */
static void
default_outputs(te_parser *tp)
{
    weft_te *te = tp->te;
    bool *read = WEFT_NEW_ARRAY(&tp->p.scratch, te->tensor.n, bool);
    for (int i = 0; i < te->stage.n; i++) {
        weft_tensor **at;
        int n = weft_te_reads(te, te->stage.at[i]->op, &tp->p.scratch, &at);
        for (int k = 0; k < n; k++)
            read[at[k]->id] = true;
    }
    for (int i = 0; i < te->tensor.n; i++)
        if (!read[i] && weft_te_stage(te, te->tensor.at[i]))
            weft_te_output(te, te->tensor.at[i]);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* What a part's text calls its parameters and tensors, for the schedule that comes later. */
static void
keep_scope(te_parser *tp)
{
    weft_arena *a = &tp->te->ir->arena;
    for (int i = 0; i < tp->p.names.n; i++) {
        const parse_name *n = &tp->p.names.at[i];
        *WEFT_PUSH(a, &tp->te->scope) =
            (weft_te_name){ weft_arena_strdup(a, n->text), n->buf, n->value };
    }
    if (weft_tok_is(&tp->p.lex.tok, "schedule"))
        tp->te->schedule = weft_arena_strdup(a, tp->p.lex.tok.text);
}

static void
program(te_parser *tp)
{
    parser *p = &tp->p;
    weft_parse_expect(p, "te");
    const char *name = weft_parse_new_name(p);
    params(tp);
    weft_parse_expect(p, "{");
    while (!weft_tok_is(&p->lex.tok, "}")) {
        if (weft_tok_is(&p->lex.tok, "return") && peek(tp).kind == WEFT_TOK_NAME) {
            return_outputs(tp);
            break;
        }
        if (weft_tok_is(&p->lex.tok, "extern") && peek(tp).kind == WEFT_TOK_NAME)
            weft_te_parse_extern(tp);
        else
            define(tp);
    }
    weft_parse_expect(p, "}");
    if (tp->given->part) {
        keep_scope(tp);
        return;
    }
    tp->te->name = name;
    if (!tp->te->output.n)
        default_outputs(tp);
    if (weft_parse_accept(p, "schedule"))
        weft_te_parse_schedule(tp);
    if (p->lex.tok.kind != WEFT_TOK_END)
        weft_parse_fail(p, &p->lex.tok, "nothing is expected after the program and its schedule");
}

/* The schedule of a part, whose names are bound first. */
static void
schedule_of_part(te_parser *tp)
{
    weft_token at = tp->p.lex.tok;
    for (int i = 0; i < tp->te->scope.n; i++) {
        const weft_te_name *n = &tp->te->scope.at[i];
        weft_parse_bind(&tp->p, &at, (parse_name){ n->text, NULL, n->buf, n->value });
    }
    weft_parse_expect(&tp->p, "schedule");
    weft_te_parse_schedule(tp);
}

/* The boundary that errors return to: true if there was none. */
static bool
guarded(te_parser *tp, void (*read)(te_parser *))
{
    jmp_buf on_error;
    tp->p.on_error = &on_error;
    if (setjmp(on_error))
        return false;
    read(tp);
    return true;
}

weft_status
weft_te_read_text(weft_te *te, const char *source, const char *text, const weft_te_given *given,
                  void *user, void (*read)(te_parser *))
{
    weft_diag *diag = te->diag, *inner = weft_diag_create();
    if (!source || !text || strlen(text) > INT_MAX / 4) {
        weft_diag_destroy(inner);
        return weft_fail(diag, WEFT_LIMIT, "a te program is a text of at most %d bytes",
                         INT_MAX / 4);
    }
    te->diag = te->ir->diag = inner;
    te_parser tp = {
        .p = { .ir = te->ir, .diag = diag, .inner = inner }, .te = te, .given = given, .user = user
    };
    tp.p.known = weft_map_create(&tp.p.scratch);
    tp.p.height = weft_map_create(&tp.p.scratch);
    tp.made = weft_map_create(&tp.p.scratch);
    weft_lex_start(&tp.p.lex, source, text);
    bool ok = guarded(&tp, read);
    weft_arena_reset(&tp.p.scratch);
    te->diag = te->ir->diag = diag;
    weft_diag_destroy(inner);
    return ok ? WEFT_OK : weft_diag_status(diag);
}

weft_status
weft_te_read(weft_te *te, const char *source, const char *text, const weft_te_given *given)
{
    return weft_te_read_text(te, source, text, given, NULL, program);
}

weft_status
weft_te_take_schedule(weft_te *te, const char *source)
{
    static const weft_te_given none;
    const char *text = te->schedule;
    te->schedule = NULL;
    return weft_te_read_text(te, source, text, &none, NULL, schedule_of_part);
}

weft_te *
weft_te_parse(const char *source, const char *text, weft_diag *diag)
{
    static const weft_te_given none;
    weft_te *te = weft_te_create("main", diag);
    if (weft_te_read(te, source, text, &none) == WEFT_OK)
        return te;
    weft_te_destroy(te);
    return NULL;
}
