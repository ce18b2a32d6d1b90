/* Reading schedules: one primitive a statement, by the table below. */
#include "te/parse.h"

#include <string.h>

typedef struct statement {
    weft_token at;               /* of the primitive's name */
    WEFT_VEC(const char *) made; /* the names before '=' */
} statement;

/* ---- operands -------------------------------------------------------------------------------- */

static void
comma(te_parser *tp)
{
    weft_parse_expect(&tp->p, ",");
}

/* An axis of the definition that the stage has now. */
static weft_axis *
root_axis(const weft_stage *s, const char *name, size_t n)
{
    const weft_te_op *op = s->op;
    for (int i = 0; i < op->naxis + op->nreduce; i++) {
        weft_axis *axis = i < op->naxis ? op->axis[i] : op->reduce[i - op->naxis];
        if (strlen(axis->var->name) == n && memcmp(axis->var->name, name, n) == 0)
            return axis;
    }
    return NULL;
}

/* TENSOR.axis */
static weft_axis *
qualified_axis(te_parser *tp, const weft_token *t, const char *dot)
{
    weft_token of = *t;
    of.n = (size_t)(dot - t->text);
    const weft_buf *buf = weft_parse_look_up(&tp->p, &of)->buf;
    weft_tensor *tensor = buf ? weft_te_tensor_of(tp->te, buf) : NULL;
    weft_stage *s = tensor ? weft_te_stage(tp->te, tensor) : NULL;
    size_t n = t->n - of.n - 1;
    if (!s)
        weft_parse_fail(&tp->p, t, "'%.*s' is %s and has no stage to schedule", (int)of.n, of.text,
                        tensor ? "an input" : "no tensor");
    weft_axis *axis = root_axis(s, dot + 1, n);
    if (!axis)
        weft_parse_fail(&tp->p, t, "stage '%.*s' has no axis '%.*s'", (int)of.n, of.text, (int)n,
                        dot + 1);
    return axis;
}

/* The one axis of that name among all definitions, or NULL. */
static weft_axis *
only_axis(te_parser *tp, const weft_token *t)
{
    weft_axis *found = NULL;
    for (int k = 0; k < tp->te->stage.n; k++) {
        weft_axis *axis = root_axis(tp->te->stage.at[k], t->text, t->n);
        if (axis && found)
            weft_parse_fail(&tp->p, t, "several stages have an axis '%.*s': write TENSOR.%.*s",
                            (int)t->n, t->text, (int)t->n, t->text);
        found = axis ? axis : found;
    }
    return found;
}

/* A bare name: an axis a primitive made, one of the stage at hand, or the only one of that name. */
static weft_axis *
bare_axis(te_parser *tp, const weft_token *t, const weft_stage *here)
{
    int64_t i = weft_map_get(tp->made, t->text, t->n);
    if (i >= 0)
        return tp->axes.at[i];
    return here ? root_axis(here, t->text, t->n) : only_axis(tp, t);
}

static weft_axis *
axis_operand(te_parser *tp, const weft_stage *here)
{
    weft_token t = tp->p.lex.tok;
    const char *dot = t.kind == WEFT_TOK_NAME ? memchr(t.text, '.', t.n) : NULL;
    if (t.kind != WEFT_TOK_NAME)
        weft_parse_fail(&tp->p, &t, "an axis is expected: TENSOR.axis, or one made above");
    weft_axis *axis = dot ? qualified_axis(tp, &t, dot) : bare_axis(tp, &t, here);
    if (!axis)
        weft_parse_fail(&tp->p, &t, "there is no axis '%.*s'", (int)t.n, t.text);
    weft_lex_next(&tp->p.lex);
    return axis;
}

/* A tensor that names the axis's stage. */
static weft_tensor *
tensor_of(const weft_axis *axis)
{
    return axis->stage->op->out[0];
}

static const char *
word(te_parser *tp, const char *what)
{
    weft_token t = tp->p.lex.tok;
    if (t.kind != WEFT_TOK_NAME)
        weft_parse_fail(&tp->p, &t, "%s is expected", what);
    weft_lex_next(&tp->p.lex);
    return weft_arena_strndup(&tp->p.scratch, t.text, t.n);
}

static int64_t
number(te_parser *tp)
{
    weft_token t = tp->p.lex.tok;
    if (t.kind != WEFT_TOK_INT || t.suffix != WEFT_DTYPE_COUNT || t.u.i > INT32_MAX)
        weft_parse_fail(&tp->p, &t, "a number is expected");
    weft_lex_next(&tp->p.lex);
    return (int64_t)t.u.i;
}

static void
close(te_parser *tp)
{
    weft_parse_expect(&tp->p, ")");
}

/* ---- primitives ------------------------------------------------------------------------------ */

static void
remember(te_parser *tp, const statement *s, int n, weft_axis *const *axis)
{
    for (int i = 0; i < n; i++) {
        *weft_map_slot(tp->made, s->made.at[i], strlen(s->made.at[i])) = tp->axes.n;
        *WEFT_PUSH(&tp->p.scratch, &tp->axes) = axis[i];
    }
}

static weft_status
split_by(te_parser *tp, const statement *s, bool parts)
{
    weft_axis *axis = axis_operand(tp, NULL), *made[2];
    comma(tp);
    const weft_expr *size = weft_parse_any(&tp->p);
    close(tp);
    weft_status status = weft_split_named(tp->te, tensor_of(axis), axis, size, parts, s->made.at,
                                          &made[0], &made[1]);
    if (status == WEFT_OK)
        remember(tp, s, 2, made);
    return status;
}

static weft_status
split(te_parser *tp, const statement *s)
{
    return split_by(tp, s, false);
}

static weft_status
split_parts(te_parser *tp, const statement *s)
{
    return split_by(tp, s, true);
}

static weft_status
fuse(te_parser *tp, const statement *s)
{
    weft_axis *outer = axis_operand(tp, NULL), *made;
    comma(tp);
    weft_axis *inner = axis_operand(tp, NULL);
    close(tp);
    weft_status status =
        weft_fuse_named(tp->te, tensor_of(outer), outer, inner, s->made.at[0], &made);
    if (status == WEFT_OK)
        remember(tp, s, 1, &made);
    return status;
}

static weft_status
tile(te_parser *tp, const statement *s)
{
    weft_axis *axis[2], *made[4];
    const weft_expr *factor[2];
    axis[0] = axis_operand(tp, NULL);
    comma(tp);
    axis[1] = axis_operand(tp, NULL);
    for (int i = 0; i < 2; i++) {
        comma(tp);
        factor[i] = weft_parse_any(&tp->p);
    }
    close(tp);
    weft_status status =
        weft_tile_named(tp->te, tensor_of(axis[0]), axis, factor, s->made.at, made);
    if (status == WEFT_OK)
        remember(tp, s, 4, made);
    return status;
}

static weft_status
reorder(te_parser *tp, const statement *s)
{
    (void)s;
    weft_tensor *t = weft_te_parse_tensor(tp);
    const weft_stage *stage = weft_te_stage(tp->te, t);
    WEFT_VEC(weft_axis *) axis = { 0 };
    while (weft_parse_accept(&tp->p, ","))
        *WEFT_PUSH(&tp->p.scratch, &axis) = axis_operand(tp, stage);
    close(tp);
    return weft_reorder(tp->te, t, axis.n, axis.at);
}

static weft_status
bind(te_parser *tp, const statement *s)
{
    (void)s;
    weft_axis *axis = axis_operand(tp, NULL);
    comma(tp);
    const char *what = word(tp, "what runs the axis, as block.x or thread.x,");
    close(tp);
    return weft_bind_axis(tp->te, tensor_of(axis), axis, what);
}

static weft_status
vectorize(te_parser *tp, const statement *s)
{
    (void)s;
    weft_axis *axis = axis_operand(tp, NULL);
    close(tp);
    return weft_vectorize(tp->te, tensor_of(axis), axis);
}

static weft_status
unroll(te_parser *tp, const statement *s)
{
    (void)s;
    weft_axis *axis = axis_operand(tp, NULL);
    close(tp);
    return weft_unroll(tp->te, tensor_of(axis), axis);
}

static weft_status
pragma(te_parser *tp, const statement *s)
{
    (void)s;
    weft_axis *axis = axis_operand(tp, NULL);
    comma(tp);
    const char *key = word(tp, "what is asked for, unroll,");
    comma(tp);
    int64_t n = number(tp);
    close(tp);
    return weft_pragma(tp->te, tensor_of(axis), axis, key, n);
}

static weft_status
tensorize(te_parser *tp, const statement *s)
{
    (void)s;
    weft_axis *axis = axis_operand(tp, NULL);
    comma(tp);
    const char *intrinsic = word(tp, "a matrix intrinsic, as wmma_16x16x16_f16_f32,");
    close(tp);
    return weft_tensorize(tp->te, tensor_of(axis), axis, intrinsic);
}

static weft_status
compute_at(te_parser *tp, const statement *s)
{
    (void)s;
    weft_tensor *t = weft_te_parse_tensor(tp);
    comma(tp);
    weft_tensor *consumer = weft_te_parse_tensor(tp);
    comma(tp);
    weft_axis *at = axis_operand(tp, weft_te_stage(tp->te, consumer));
    close(tp);
    return weft_compute_at(tp->te, t, consumer, at);
}

static weft_status
compute_inline(te_parser *tp, const statement *s)
{
    (void)s;
    weft_tensor *t = weft_te_parse_tensor(tp);
    close(tp);
    return weft_compute_inline(tp->te, t);
}

static weft_status
compute_root(te_parser *tp, const statement *s)
{
    (void)s;
    weft_tensor *t = weft_te_parse_tensor(tp);
    close(tp);
    return weft_compute_root(tp->te, t);
}

static weft_status
cache_read(te_parser *tp, const statement *s)
{
    weft_tensor *t = weft_te_parse_tensor(tp);
    WEFT_VEC(weft_tensor *) reader = { 0 };
    comma(tp);
    const char *space = word(tp, "a space (global, shared, local or fragment)");
    while (weft_parse_accept(&tp->p, ","))
        *WEFT_PUSH(&tp->p.scratch, &reader) = weft_te_parse_tensor(tp);
    close(tp);
    weft_tensor *made = weft_cache_read_named(tp->te, t, space, reader.n, reader.at, s->made.at[0]);
    if (!made)
        return WEFT_INVALID_INPUT;
    weft_te_bind_tensor(tp, &s->at, made);
    return WEFT_OK;
}

/* A name for each tensor of t's stage has been given, and is bound to what was made. */
static void
check_names(te_parser *tp, const statement *s, const weft_tensor *t, const char *what)
{
    if (s->made.n != t->op->nout)
        weft_parse_fail(&tp->p, &s->at,
                        "the stage of '%s' computes %d tensors: a name for the %s of each is "
                        "needed before '=', not %d",
                        t->buf->name, t->op->nout, what, s->made.n);
}

static weft_status
bind_made(te_parser *tp, const statement *s, const weft_tensor *made)
{
    for (int i = 0; made && i < made->op->nout; i++)
        weft_te_bind_tensor(tp, &s->at, made->op->out[i]);
    return made ? WEFT_OK : WEFT_INVALID_INPUT;
}

static weft_status
cache_write(te_parser *tp, const statement *s)
{
    weft_tensor *t = weft_te_parse_tensor(tp);
    comma(tp);
    const char *space = word(tp, "a space (global, shared, local or fragment)");
    close(tp);
    check_names(tp, s, t, "copy");
    return bind_made(tp, s, weft_cache_write_named(tp->te, t, space, s->made.at));
}

static weft_status
rfactor(te_parser *tp, const statement *s)
{
    weft_axis *axis = axis_operand(tp, NULL);
    weft_tensor *t = tensor_of(axis);
    int at = weft_parse_accept(&tp->p, ",") ? (int)number(tp) : 0;
    close(tp);
    check_names(tp, s, t, "factor");
    const weft_tensor *made = weft_rfactor_named(tp->te, t, axis, at, s->made.at);
    if (made) /* the name alone could mean the axis of either stage now */
        *weft_map_slot(tp->made, axis->var->name, strlen(axis->var->name)) = -1;
    return bind_made(tp, s, made);
}

static weft_status
set_scope(te_parser *tp, const statement *s)
{
    (void)s;
    weft_tensor *t = weft_te_parse_tensor(tp);
    comma(tp);
    const char *space = word(tp, "a space (global, shared, local or fragment)");
    close(tp);
    return weft_set_scope(tp->te, t, space);
}

/* A condition over the axes of t's definition, by their names alone. */
static weft_status
store_predicate(te_parser *tp, const statement *s)
{
    int mark = tp->p.names.n;
    weft_tensor *t = weft_te_parse_tensor(tp);
    for (int i = 0; t->op->kind == WEFT_OP_COMPUTE && i < t->op->naxis; i++) {
        const weft_var *v = t->op->axis[i]->var;
        weft_parse_bind(&tp->p, &s->at, (parse_name){ v->name, v, NULL, NULL });
    }
    comma(tp);
    const weft_expr *cond = weft_parse_any(&tp->p);
    close(tp);
    weft_te_leave_scope(tp, mark);
    return weft_store_predicate(tp->te, t, cond);
}

static weft_status
storage_align(te_parser *tp, const statement *s)
{
    (void)s;
    weft_tensor *t = weft_te_parse_tensor(tp);
    comma(tp);
    int d = (int)number(tp);
    comma(tp);
    int64_t factor = number(tp);
    comma(tp);
    int64_t offset = number(tp);
    close(tp);
    return weft_storage_align(tp->te, t, d, factor, offset);
}

static weft_status
double_buffer(te_parser *tp, const statement *s)
{
    (void)s;
    weft_tensor *t = weft_te_parse_tensor(tp);
    close(tp);
    return weft_double_buffer(tp->te, t);
}

static weft_status
zero_fill(te_parser *tp, const statement *s)
{
    (void)s;
    weft_tensor *t = weft_te_parse_tensor(tp);
    close(tp);
    return weft_zero_fill(tp->te, t);
}

static weft_status
buffer_stages(te_parser *tp, const statement *s)
{
    (void)s;
    weft_tensor *t = weft_te_parse_tensor(tp);
    comma(tp);
    int64_t n = number(tp);
    close(tp);
    return weft_buffer_stages(tp->te, t, n > INT32_MAX ? INT32_MAX : (int)n);
}

/* ---- statements ------------------------------------------------------------------------------ */

typedef struct primitive {
    const char *name;
    int makes; /* names before '='; -1: one or more tensors */
    bool tensor;
    weft_status (*read)(te_parser *, const statement *);
} primitive;

static const primitive primitives[] = {
    { "split", 2, false, split },
    { "split_parts", 2, false, split_parts },
    { "tile", 4, false, tile },
    { "fuse", 1, false, fuse },
    { "reorder", 0, false, reorder },
    { "bind", 0, false, bind },
    { "vectorize", 0, false, vectorize },
    { "unroll", 0, false, unroll },
    { "pragma", 0, false, pragma },
    { "tensorize", 0, false, tensorize },
    { "compute_at", 0, false, compute_at },
    { "compute_inline", 0, false, compute_inline },
    { "compute_root", 0, false, compute_root },
    { "cache_read", 1, true, cache_read },
    { "cache_write", -1, true, cache_write },
    { "rfactor", -1, true, rfactor },
    { "set_scope", 0, false, set_scope },
    { "storage_align", 0, false, storage_align },
    { "double_buffer", 0, false, double_buffer },
    { "buffer_stages", 0, false, buffer_stages },
    { "zero_fill", 0, false, zero_fill },
    { "store_predicate", 0, false, store_predicate },
};

static const primitive *
primitive_named(te_parser *tp)
{
    for (size_t i = 0; i < sizeof primitives / sizeof *primitives; i++)
        if (weft_tok_is(&tp->p.lex.tok, primitives[i].name))
            return &primitives[i];
    weft_parse_fail(&tp->p, &tp->p.lex.tok, "a schedule primitive is expected, as split or bind");
}

/* a, b = : whether names stand before a primitive. */
static bool
names_something(const te_parser *tp)
{
    weft_lexer lex = tp->p.lex;
    weft_lex_next(&lex);
    return weft_tok_is(&lex.tok, ",") || weft_tok_is(&lex.tok, "=");
}

static void
made_names(te_parser *tp, statement *s)
{
    do {
        weft_token at;
        const char *name = weft_te_new_name(tp, WEFT_NAME_MADE, &at);
        for (int i = 0; i < s->made.n; i++)
            if (strcmp(s->made.at[i], name) == 0)
                weft_parse_fail(&tp->p, &at, "'%s' is named twice here", name);
        *WEFT_PUSH(&tp->p.scratch, &s->made) = name;
    } while (weft_parse_accept(&tp->p, ","));
    weft_parse_expect(&tp->p, "=");
}

static void
apply(te_parser *tp)
{
    statement s = { 0 };
    if (names_something(tp))
        made_names(tp, &s);
    s.at = tp->p.lex.tok;
    const primitive *prim = primitive_named(tp);
    if (prim->makes < 0 ? s.made.n < 1 : s.made.n != prim->makes)
        weft_parse_fail(&tp->p, &s.at, "'%s' makes %s%s: %d names before '='", prim->name,
                        prim->makes == 4   ? "four axes"
                        : prim->makes == 2 ? "two axes"
                        : prim->makes == 0 ? "nothing"
                        : prim->tensor     ? "a tensor"
                                           : "an axis",
                        prim->makes ? ", to be named before '='" : "", s.made.n);
    weft_lex_next(&tp->p.lex);
    weft_parse_expect(&tp->p, "(");
    if (prim->read(tp, &s) != WEFT_OK)
        weft_te_refused(tp, &s.at);
}

void
weft_te_parse_schedule(te_parser *tp)
{
    weft_parse_expect(&tp->p, "{");
    while (!weft_parse_accept(&tp->p, "}"))
        apply(tp);
}
