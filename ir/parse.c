/* Reading kernels: text in, kernels or a message with a place out.  Anything may be in the text:
 * nesting is bounded, and an error leaves by longjmp, which loses nothing, since all that was made
 * lies in arenas. */
#include "ir/parse.h"

#include <limits.h>
#include <string.h>

/* ---- errors and names ------------------------------------------------------------------------ */

void
weft_parse_fail(parser *p, const weft_token *at, const char *fmt, ...)
{
    weft_str s = { 0 };
    va_list args;
    va_start(args, fmt);
    weft_str_vaddf(&s, fmt, args);
    va_end(args);
    weft_fail_at(p->diag, WEFT_INVALID_INPUT, weft_lex_place(&p->lex, at), "%s", weft_str_text(&s));
    weft_str_free(&s);
    longjmp(*p->on_error, 1);
}

void
weft_parse_refused(parser *p, const weft_token *at)
{
    static const char prefix[] = "error: ";
    const char *text = weft_diag_text(p->inner);
    if (strncmp(text, prefix, sizeof prefix - 1) == 0)
        text += sizeof prefix - 1;
    weft_parse_fail(p, at, "%.*s", (int)strcspn(text, "\n"), text);
}

bool
weft_parse_accept(parser *p, const char *text)
{
    if (!weft_tok_is(&p->lex.tok, text))
        return false;
    weft_lex_next(&p->lex);
    return true;
}

static const char *
show(parser *p, const weft_token *t)
{
    if (t->kind == WEFT_TOK_END)
        return "the end of the text";
    return weft_arena_printf(&p->scratch, "'%.*s'", t->n > 40 ? 40 : (int)t->n, t->text);
}

void
weft_parse_expect(parser *p, const char *text)
{
    if (!weft_parse_accept(p, text))
        weft_parse_fail(p, &p->lex.tok, "'%s' is expected, not %s", text, show(p, &p->lex.tok));
}

void
weft_parse_deeper(parser *p)
{
    if (++p->depth > MAX_DEPTH)
        weft_parse_fail(p, &p->lex.tok, "more than %d levels of brackets, signs and blocks",
                        MAX_DEPTH);
}

static const char *
unescape(parser *p, weft_arena *arena, const weft_token *t)
{
    const char *name = weft_name_unescape(arena, t->text, t->n);
    if (!name)
        weft_parse_fail(p, t, "'$' in a name is followed by two hexadecimal digits, not 00");
    return name;
}

const char *
weft_parse_new_name(parser *p)
{
    weft_token t = p->lex.tok;
    if (t.kind != WEFT_TOK_NAME)
        weft_parse_fail(p, &t, "a name is expected, not %s", show(p, &t));
    if (weft_name_reserved(t.text, t.n))
        weft_parse_fail(p, &t, "%s is a word of the language, not a name", show(p, &t));
    weft_lex_next(&p->lex);
    return unescape(p, &p->ir->arena, &t);
}

void
weft_parse_bind(parser *p, const weft_token *at, parse_name name)
{
    int64_t *slot = weft_map_slot(p->known, name.text, strlen(name.text));
    if (*slot >= 0)
        weft_parse_fail(p, at, "'%s' is already in scope: choose another name", name.text);
    *slot = p->names.n;
    *WEFT_PUSH(&p->scratch, &p->names) = name;
}

static void
leave_scope(parser *p, int mark)
{
    while (p->names.n > mark) {
        const char *text = p->names.at[--p->names.n].text;
        *weft_map_slot(p->known, text, strlen(text)) = -1;
    }
}

const parse_name *
weft_parse_look_up(parser *p, const weft_token *t)
{
    const char *text = unescape(p, &p->scratch, t);
    int64_t i = weft_map_get(p->known, text, strlen(text));
    if (i < 0)
        weft_parse_fail(p, t, "there is no '%s' in scope", text);
    return &p->names.at[i];
}

/* ---- types and buffers ----------------------------------------------------------------------- */

static int64_t
plain_int(parser *p)
{
    weft_token t = p->lex.tok;
    if (t.kind != WEFT_TOK_INT || t.suffix != WEFT_DTYPE_COUNT || t.u.i > INT64_MAX)
        weft_parse_fail(p, &t, "a number is expected, not %s", show(p, &t));
    weft_lex_next(&p->lex);
    return (int64_t)t.u.i;
}

static weft_type
type(parser *p)
{
    weft_token t = p->lex.tok;
    weft_type ty;
    if (t.kind != WEFT_TOK_NAME || !weft_parse_type(t.text, t.n, &ty))
        weft_parse_fail(p, &t, "a type is expected, not %s", show(p, &t));
    weft_lex_next(&p->lex);
    return ty;
}

/* [e, e, ...] of integers that depend on no memory, in the context. */
static int
extents(parser *p, const weft_expr *const **at)
{
    weft_token t = p->lex.tok;
    weft_parse_expect(p, "[");
    int n = weft_parse_list(p, "]", at);
    for (int i = 0; i < n; i++) {
        const weft_expr *e = (*at)[i];
        if (!e->h.pure || e->h.type.lanes != 1 || !weft_is_int((weft_dtype)e->h.type.dtype))
            weft_parse_fail(p, &t, "extents and strides have to be integers over scalars");
    }
    *at = weft_arena_dup(&p->ir->arena, *at, (size_t)n * sizeof **at);
    return n;
}

/* f32[m, n] stride [n, 1] align 16 */
static const weft_buf *
buffer(parser *p, const char *name, weft_space space)
{
    weft_token t = p->lex.tok;
    weft_type ty = type(p);
    const weft_expr *const *shape;
    if (ty.lanes != 1)
        weft_parse_fail(p, &t, "elements of a buffer are scalars");
    int n = extents(p, &shape);
    const weft_buf *made = weft_buf_make(p->ir, name, (weft_dtype)ty.dtype, space, n, shape);
    weft_buf *b = weft_arena_dup(&p->ir->arena, made, sizeof *made);
    t = p->lex.tok;
    if (weft_parse_accept(p, "stride") && extents(p, &b->stride) != n)
        weft_parse_fail(p, &t, "'%s' has %d dimensions: as many strides are needed", name, n);
    t = p->lex.tok;
    if (weft_parse_accept(p, "align")) {
        b->align = plain_int(p);
        if (b->align < 1 || (b->align & (b->align - 1)))
            weft_parse_fail(p, &t, "an alignment is a power of two");
    }
    return b;
}

/* A space's name, if the token is one. */
static bool
space(parser *p, weft_space *s)
{
    for (int i = 0; i < WEFT_SPACE_COUNT; i++) {
        if (weft_parse_accept(p, weft_space_name((weft_space)i))) {
            *s = (weft_space)i;
            return true;
        }
    }
    return false;
}

/* ---- statements ------------------------------------------------------------------------------ */

static const weft_stmt *statements(parser *);

static const weft_stmt *
checked(parser *p, const weft_token *at, const weft_stmt *s)
{
    if (!s)
        weft_parse_refused(p, at);
    return s;
}

static const weft_stmt *
block(parser *p)
{
    int mark = p->names.n, nlet = p->nlet;
    weft_parse_deeper(p);
    weft_parse_expect(p, "{");
    const weft_stmt *s = statements(p);
    weft_parse_expect(p, "}");
    leave_scope(p, mark);
    p->depth--;
    p->nlet = nlet;
    return s;
}

static weft_bind
loop_bind(parser *p)
{
    if (weft_parse_accept(p, "unroll"))
        return WEFT_UNROLL;
    if (weft_parse_accept(p, "vectorize"))
        return WEFT_VECTORIZE;
    if (weft_parse_accept(p, "parallel"))
        return WEFT_PARALLEL;
    if (!weft_parse_accept(p, "on"))
        return WEFT_SERIAL;
    for (int i = WEFT_BLOCK_X; i < WEFT_BIND_COUNT; i++)
        if (weft_parse_accept(p, weft_bind_name((weft_bind)i)))
            return (weft_bind)i;
    weft_parse_fail(p, &p->lex.tok, "block.x to thread.z or vthread is expected after 'on'");
}

/* for i in 0..extent [on block.x] { ... } */
static const weft_stmt *
for_stmt(parser *p)
{
    weft_token t = p->lex.tok;
    int mark = p->names.n;
    const char *name = weft_parse_new_name(p);
    weft_parse_expect(p, "in");
    if (plain_int(p) != 0)
        weft_parse_fail(p, &t, "loops run from 0: shift the index in the body");
    weft_parse_expect(p, "..");
    weft_token at = p->lex.tok;
    const weft_expr *extent = weft_parse_any(p);
    if (extent->h.type.lanes != 1 || !weft_is_int((weft_dtype)extent->h.type.dtype))
        weft_parse_fail(p, &at, "the extent of a loop has to be a scalar integer, not %s",
                        weft_type_text(p->ir, extent->h.type));
    weft_bind bind = loop_bind(p);
    const weft_var *var = weft_var_make(p->ir, name, extent->h.type);
    weft_parse_bind(p, &t, (parse_name){ name, var, NULL });
    const weft_stmt *body = block(p);
    leave_scope(p, mark);
    return checked(p, &at, weft_for(p->ir, var, bind, extent, body));
}

static const weft_stmt *
if_stmt(parser *p)
{
    weft_token t = p->lex.tok;
    const weft_expr *cond = weft_parse_any(p);
    const weft_stmt *then = block(p), *els = NULL;
    if (weft_parse_accept(p, "else")) {
        weft_parse_deeper(p);
        els = weft_parse_accept(p, "if") ? if_stmt(p) : block(p);
        p->depth--;
    }
    return checked(p, &t, weft_if(p->ir, cond, then, els));
}

static const weft_stmt *
while_stmt(parser *p)
{
    weft_token t = p->lex.tok;
    const weft_expr *cond = weft_parse_any(p);
    if (!weft_same_type(cond->h.type, weft_scalar(WEFT_BOOL)))
        weft_parse_fail(p, &t, "'while' of %s: a scalar bool is needed",
                        weft_type_text(p->ir, cond->h.type));
    weft_stmt s = { WEFT_SK_WHILE, .u.loop = { NULL, WEFT_SERIAL, cond, block(p) } };
    return weft_stmt_make(p->ir, s);
}

/* What follows a let or an alloc in its block. */
static const weft_stmt *
rest(parser *p, const weft_token *at)
{
    if (++p->nlet > MAX_NAMING)
        weft_parse_fail(p, at, "more than %d lets and allocs within each other", MAX_NAMING);
    return statements(p);
}

static const weft_stmt *
let_stmt(parser *p)
{
    weft_token t = p->lex.tok;
    const char *name = weft_parse_new_name(p);
    weft_parse_expect(p, ":");
    weft_type ty = type(p);
    weft_parse_expect(p, "=");
    const weft_expr *value = weft_parse_any(p);
    const weft_var *var = weft_var_make(p->ir, name, ty);
    if (!weft_same_type(ty, value->h.type))
        weft_parse_fail(p, &t, "'%s' of type %s gets a value of type %s", name,
                        weft_type_text(p->ir, ty), weft_type_text(p->ir, value->h.type));
    weft_parse_bind(p, &t, (parse_name){ name, var, NULL });
    return checked(p, &t, weft_let(p->ir, var, value, rest(p, &t)));
}

static unsigned
thread_axes(parser *p)
{
    unsigned axes = 0;
    do {
        unsigned before = axes;
        for (int b = WEFT_THREAD_X; b <= WEFT_THREAD_Z; b++)
            if (weft_parse_accept(p, weft_bind_name((weft_bind)b)))
                axes |= 1u << b;
        if (axes == before)
            weft_parse_fail(p, &p->lex.tok, "thread.x, thread.y or thread.z is expected, once each");
    } while (weft_parse_accept(p, ","));
    return axes;
}

/* (e, e, ...) of the types of var, in the context. */
static const weft_expr *const *
tuple(parser *p, int n, const weft_var *const *var)
{
    weft_token t = p->lex.tok;
    const weft_expr *const *at;
    weft_parse_expect(p, "(");
    if (weft_parse_list(p, ")", &at) != n)
        weft_parse_fail(p, &t, "%d values are needed", n);
    for (int i = 0; i < n; i++)
        if (!weft_same_type(at[i]->h.type, var[i]->type))
            weft_parse_fail(p, &t, "'%s' is %s, but gets a value of type %s", var[i]->name,
                            weft_type_text(p->ir, var[i]->type),
                            weft_type_text(p->ir, at[i]->h.type));
    return weft_arena_dup(&p->ir->arena, at, (size_t)n * sizeof *at);
}

/* (a, b) = (a + b) from (0.0): twice as many names as values, of the types of var. */
static const weft_combiner *
combiner(parser *p, int n, const weft_var *const *var)
{
    weft_combiner *c = WEFT_NEW(&p->ir->arena, weft_combiner);
    const weft_var **operand = WEFT_NEW_ARRAY(&p->ir->arena, 2 * n, const weft_var *);
    int mark = p->names.n;
    for (int i = 0; i < 2 * n; i++) {
        weft_parse_expect(p, i ? "," : "(");
        weft_token t = p->lex.tok;
        operand[i] = weft_var_make(p->ir, weft_parse_new_name(p), var[i % n]->type);
        weft_parse_bind(p, &t, (parse_name){ operand[i]->name, operand[i], NULL });
    }
    weft_parse_expect(p, ")");
    weft_parse_expect(p, "=");
    *c = (weft_combiner){ .n = n, .lhs = operand, .rhs = operand + n };
    c->result = tuple(p, n, var);
    leave_scope(p, mark);
    weft_parse_expect(p, "from");
    c->identity = tuple(p, n, var);
    return c;
}

/* allreduce s: f32 = x over thread.x combine (a, b) = (a + b) from (0.0) */
static const weft_stmt *
allreduce_stmt(parser *p)
{
    WEFT_VEC(const weft_var *) var = { 0 };
    WEFT_VEC(weft_token) at = { 0 };
    const weft_expr **value;
    do {
        *WEFT_PUSH(&p->scratch, &at) = p->lex.tok;
        const char *name = weft_parse_new_name(p);
        weft_parse_expect(p, ":");
        *WEFT_PUSH(&p->scratch, &var) = weft_var_make(p->ir, name, type(p));
    } while (weft_parse_accept(p, ","));
    weft_parse_expect(p, "=");
    value = WEFT_NEW_ARRAY(&p->scratch, var.n, const weft_expr *);
    for (int i = 0; i < var.n; i++) {
        if (i)
            weft_parse_expect(p, ",");
        value[i] = weft_parse_any(p);
    }
    weft_parse_expect(p, "over");
    unsigned axes = thread_axes(p);
    weft_parse_expect(p, "combine");
    const weft_combiner *with = combiner(p, var.n, var.at);
    for (int i = 0; i < var.n; i++)
        weft_parse_bind(p, &at.at[i], (parse_name){ var.at[i]->name, var.at[i], NULL });
    const weft_stmt *body = rest(p, &at.at[0]);
    return checked(p, &at.at[0], weft_allreduce(p->ir, with, axes, var.at, value, body));
}

static const weft_stmt *
alloc_stmt(parser *p)
{
    weft_token t = p->lex.tok;
    weft_space where;
    const char *name = weft_parse_new_name(p);
    weft_parse_expect(p, ":");
    if (!space(p, &where))
        weft_parse_fail(p, &p->lex.tok, "a space (shared, local, ...) is expected, not %s",
                        show(p, &p->lex.tok));
    const weft_buf *buf = buffer(p, name, where);
    weft_parse_bind(p, &t, (parse_name){ name, NULL, buf });
    return checked(p, &t, weft_alloc(p->ir, buf, rest(p, &t)));
}

static const weft_stmt *
barrier_stmt(parser *p)
{
    int fence = 0;
    fence |= weft_parse_accept(p, "shared") ? WEFT_FENCE_SHARED : 0;
    fence |= weft_parse_accept(p, "global") ? WEFT_FENCE_GLOBAL : 0;
    return weft_barrier(p->ir, fence);
}

/* A buffer and its indices: what is stored to. */
static const weft_buf *
target(parser *p, int *n, const weft_expr *const **index)
{
    weft_token t = p->lex.tok;
    if (t.kind != WEFT_TOK_NAME || weft_name_reserved(t.text, t.n))
        weft_parse_fail(p, &t, "a statement is expected, not %s", show(p, &t));
    weft_lex_next(&p->lex);
    const weft_buf *buf = weft_parse_look_up(p, &t)->buf;
    if (!buf)
        weft_parse_fail(p, &t, "'%.*s' is a variable: only buffers are stored to", (int)t.n,
                        t.text);
    weft_parse_expect(p, "[");
    *n = weft_parse_list(p, "]", index);
    return buf;
}

static const weft_stmt *
store_stmt(parser *p)
{
    int n;
    const weft_expr *const *index;
    const weft_buf *buf = target(p, &n, &index);
    weft_token t = p->lex.tok;
    weft_parse_expect(p, "=");
    return checked(p, &t, weft_store(p->ir, buf, n, index, weft_parse_any(p)));
}

/* += min= max= &= |= ^= */
static weft_ek
atomic_op(parser *p)
{
    static const struct {
        const char *text;
        weft_ek kind;
    } ops[] = { { "+=", WEFT_EK_ADD },  { "&=", WEFT_EK_BAND }, { "|=", WEFT_EK_BOR },
                { "^=", WEFT_EK_BXOR }, { "min", WEFT_EK_MIN }, { "max", WEFT_EK_MAX } };
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (!weft_parse_accept(p, ops[i].text))
            continue;
        if (ops[i].kind == WEFT_EK_MIN || ops[i].kind == WEFT_EK_MAX)
            weft_parse_expect(p, "=");
        return ops[i].kind;
    }
    weft_parse_fail(p, &p->lex.tok, "one of += min= max= &= |= ^= is expected");
}

static const weft_stmt *
atomic_stmt(parser *p)
{
    int n;
    const weft_expr *const *index;
    weft_token t = p->lex.tok;
    const weft_buf *buf = target(p, &n, &index);
    weft_ek op = atomic_op(p);
    const weft_expr *value = weft_parse_any(p);
    if (n != 1 || weft_index_fault(buf, n, index) || index[0]->h.type.lanes != 1)
        weft_parse_fail(p, &t, "an atomic takes one scalar integer index");
    if (!weft_same_type(value->h.type, weft_scalar(buf->dtype)) || !weft_is_int(buf->dtype))
        weft_parse_fail(p, &t, "an atomic needs an integer buffer and a value of its type");
    return weft_stmt_make(p->ir, (weft_stmt){ WEFT_SK_ATOMIC,
                                              .u.atomic = { op, buf, index[0], value } });
}

static const weft_stmt *
eval_stmt(parser *p)
{
    weft_token t = p->lex.tok;
    const weft_expr *e = weft_parse_any(p);
    if (e->h.kind != WEFT_EK_CALL)
        weft_parse_fail(p, &t, "'eval' takes a call of an intrinsic");
    return weft_stmt_make(p->ir, (weft_stmt){ WEFT_SK_EVAL, .u.eval = { e } });
}

static const weft_stmt *
statement(parser *p)
{
    static const struct {
        const char *word;
        const weft_stmt *(*parse)(parser *);
    } words[] = { { "for", for_stmt },       { "if", if_stmt },         { "while", while_stmt },
                  { "let", let_stmt },       { "alloc", alloc_stmt },   { "atomic", atomic_stmt },
                  { "barrier", barrier_stmt }, { "eval", eval_stmt },
                  { "allreduce", allreduce_stmt } };
    if (weft_tok_is(&p->lex.tok, "{"))
        return block(p);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (weft_parse_accept(p, words[i].word))
            return words[i].parse(p);
    return store_stmt(p);
}

/* Up to the closing bracket of the block, which is left. */
static const weft_stmt *
statements(parser *p)
{
    WEFT_VEC(const weft_stmt *) list = { 0 };
    while (!weft_tok_is(&p->lex.tok, "}") && p->lex.tok.kind != WEFT_TOK_END)
        *WEFT_PUSH(&p->scratch, &list) = statement(p);
    return weft_seq(p->ir, list.n, list.at);
}

/* ---- kernels --------------------------------------------------------------------------------- */

static void
buffer_params(parser *p, weft_kernel *k)
{
    WEFT_VEC(const weft_buf *) params = { 0 };
    WEFT_VEC(weft_access) access = { 0 };
    while (p->lex.tok.kind == WEFT_TOK_NAME) {
        weft_token t = p->lex.tok;
        weft_space where = WEFT_GLOBAL;
        const char *name = weft_parse_new_name(p);
        weft_parse_expect(p, ":");
        weft_access a = weft_parse_accept(p, "out")     ? WEFT_WRITE
                        : weft_parse_accept(p, "inout") ? WEFT_READ_WRITE
                                                        : WEFT_READ;
        space(p, &where);
        const weft_buf *b = buffer(p, name, where);
        weft_parse_bind(p, &t, (parse_name){ name, NULL, b });
        *WEFT_PUSH(&p->scratch, &params) = b;
        *WEFT_PUSH(&p->scratch, &access) = a;
        if (!weft_parse_accept(p, ","))
            break;
    }
    k->nparam = params.n;
    k->param = weft_arena_dup(&p->ir->arena, params.at, (size_t)params.n * sizeof *params.at);
    k->access = weft_arena_dup(&p->ir->arena, access.at, (size_t)access.n * sizeof *access.at);
}

static void
scalar_params(parser *p, weft_kernel *k)
{
    WEFT_VEC(const weft_var *) scalars = { 0 };
    while (p->lex.tok.kind == WEFT_TOK_NAME) {
        weft_token t = p->lex.tok;
        const char *name = weft_parse_new_name(p);
        weft_parse_expect(p, ":");
        weft_type ty = type(p);
        if (ty.lanes != 1 || !weft_is_int((weft_dtype)ty.dtype))
            weft_parse_fail(p, &t, "scalar parameters are integers; '%s' is %s", name,
                            weft_type_text(p->ir, ty));
        const weft_var *var = weft_var_make(p->ir, name, ty);
        weft_parse_bind(p, &t, (parse_name){ name, var, NULL });
        *WEFT_PUSH(&p->scratch, &scalars) = var;
        if (!weft_parse_accept(p, ","))
            break;
    }
    k->nscalar = scalars.n;
    k->scalar = weft_arena_dup(&p->ir->arena, scalars.at, (size_t)scalars.n * sizeof *scalars.at);
}

/* (A: f32[n], B: out f32[n]; n: i32): the scalars stand last and are read first, since extents are
 * written over them. */
static void
params(parser *p, weft_kernel *k)
{
    weft_parse_expect(p, "(");
    weft_lexer buffers = p->lex;
    for (int open = 0; p->lex.tok.kind != WEFT_TOK_END; weft_lex_next(&p->lex)) {
        if (open == 0 && (weft_tok_is(&p->lex.tok, ";") || weft_tok_is(&p->lex.tok, ")")))
            break;
        open += weft_tok_is(&p->lex.tok, "(") || weft_tok_is(&p->lex.tok, "[");
        open -= weft_tok_is(&p->lex.tok, ")") || weft_tok_is(&p->lex.tok, "]");
    }
    bool scalars = weft_parse_accept(p, ";");
    if (scalars)
        scalar_params(p, k);
    weft_token end = p->lex.tok;
    weft_parse_expect(p, ")");
    weft_lexer after = p->lex;
    p->lex = buffers;
    buffer_params(p, k);
    if (scalars)
        weft_parse_expect(p, ";");
    else if (p->lex.tok.text != end.text)
        weft_parse_fail(p, &p->lex.tok, "')', ',' or ';' is expected, not %s",
                        show(p, &p->lex.tok));
    p->lex = after;
}

static const char *
string(parser *p)
{
    const char *text = NULL;
    if (p->lex.tok.kind == WEFT_TOK_STRING)
        text = weft_lex_string(&p->ir->arena, &p->lex.tok);
    if (!text)
        weft_parse_fail(p, &p->lex.tok, "a string in quotes is expected, not %s",
                        show(p, &p->lex.tok));
    weft_lex_next(&p->lex);
    return text;
}

static double
number(parser *p)
{
    weft_token t = p->lex.tok;
    if ((t.kind != WEFT_TOK_INT && t.kind != WEFT_TOK_FLOAT) || t.suffix != WEFT_DTYPE_COUNT)
        weft_parse_fail(p, &t, "a number is expected, not %s", show(p, &t));
    weft_lex_next(&p->lex);
    return t.kind == WEFT_TOK_INT ? (double)t.u.i : t.u.f;
}

static void
launch_extents(parser *p, const weft_expr *extent[3])
{
    const weft_expr *const *at;
    weft_token t = p->lex.tok;
    weft_parse_expect(p, "(");
    int n = weft_parse_list(p, ")", &at);
    for (int i = 0; i < n; i++)
        if (!at[i]->h.pure || at[i]->h.type.lanes != 1 ||
            !weft_is_int((weft_dtype)at[i]->h.type.dtype))
            n = -1;
    if (n != 3)
        weft_parse_fail(p, &t, "three integers over the scalars are needed");
    memcpy(extent, at, 3 * sizeof *at);
}

/* One word of the header and what belongs to it; false if the token is none. */
static bool
fact(parser *p, weft_kernel *k)
{
    weft_token t = p->lex.tok;
    if (weft_parse_accept(p, "no_alias"))
        k->no_alias = true;
    else if (weft_parse_accept(p, "grid"))
        launch_extents(p, k->grid);
    else if (weft_parse_accept(p, "block"))
        launch_extents(p, k->block);
    else if (weft_parse_accept(p, "shared"))
        k->shared_bytes = plain_int(p);
    else if (weft_parse_accept(p, "layers"))
        k->info.layers = string(p);
    else if (weft_parse_accept(p, "model"))
        k->info.model = string(p);
    else if (weft_parse_accept(p, "output"))
        k->info.output = string(p);
    else if (weft_parse_accept(p, "schedule"))
        k->info.schedule = string(p);
    else if (weft_parse_accept(p, "flops"))
        k->info.flops = number(p);
    else if (weft_parse_accept(p, "reads"))
        k->info.bytes_read = number(p);
    else if (weft_parse_accept(p, "writes"))
        k->info.bytes_written = number(p);
    else if (weft_parse_accept(p, "subgroup")) {
        int64_t n = plain_int(p);
        if (n > 1024)
            weft_parse_fail(p, &t, "a subgroup has at most 1024 lanes");
        k->subgroup = (int)n;
    } else
        return false;
    return true;
}

static weft_level
level(parser *p)
{
    for (int i = 0; i < WEFT_LEVEL_COUNT; i++)
        if (weft_parse_accept(p, weft_level_name((weft_level)i)))
            return (weft_level)i;
    weft_parse_fail(p, &p->lex.tok, "a level is expected (loops, flat, device), not %s",
                    show(p, &p->lex.tok));
}

static weft_kernel *
kernel(parser *p)
{
    weft_kernel *k = WEFT_NEW(&p->ir->arena, weft_kernel);
    weft_parse_expect(p, "kernel");
    k->ir = p->ir;
    k->info.flops = k->info.bytes_read = k->info.bytes_written = -1;
    k->level = level(p);
    k->name = weft_parse_new_name(p);
    params(p, k);
    while (fact(p, k))
        ;
    k->body = block(p);
    leave_scope(p, 0);
    return k;
}

/* ---- entry points ---------------------------------------------------------------------------- */

typedef struct job { /* what to read, and what came of it */
    parser p;
    weft_kernel *const *kernel; /* out */
    int n;
    const weft_expr *expr;      /* out */
} job;

static void
read_kernels(job *j)
{
    WEFT_VEC(weft_kernel *) list = { 0 };
    do
        *WEFT_PUSH(&j->p.scratch, &list) = kernel(&j->p);
    while (j->p.lex.tok.kind != WEFT_TOK_END);
    j->n = list.n;
    j->kernel = weft_arena_dup(&j->p.ir->arena, list.at, (size_t)list.n * sizeof *list.at);
}

static void
read_expr(job *j)
{
    j->expr = weft_parse_any(&j->p);
    if (j->p.lex.tok.kind != WEFT_TOK_END)
        weft_parse_fail(&j->p, &j->p.lex.tok, "the end of the expression is expected, not %s",
                        show(&j->p, &j->p.lex.tok));
}

/* The boundary that errors return to: true if there was none. */
static bool
guarded(job *j, void (*read)(job *))
{
    jmp_buf on_error;
    j->p.on_error = &on_error;
    if (setjmp(on_error))
        return false;
    read(j);
    return true;
}

static void
start(parser *p, weft_ir *ir, const char *source, const char *text)
{
    *p = (parser){ .ir = ir, .diag = ir->diag, .inner = weft_diag_create() };
    p->known = weft_map_create(&p->scratch);
    p->height = weft_map_create(&p->scratch);
    weft_lex_start(&p->lex, source, text);
    ir->diag = p->inner;
}

static void
finish(parser *p)
{
    p->ir->diag = p->diag;
    weft_diag_destroy(p->inner);
    weft_arena_reset(&p->scratch);
}

weft_status
weft_parse_kernels(weft_ir *ir, const char *source, const char *text, int *n,
                   weft_kernel *const **kernels)
{
    job j = { .n = 0 };
    *n = 0;
    *kernels = NULL;
    if (strlen(text) > INT_MAX / 4)
        return weft_fail(ir->diag, WEFT_LIMIT, "%s: a text of %zu bytes: at most %d are read",
                         source, strlen(text), INT_MAX / 4);
    start(&j.p, ir, source, text);
    bool ok = guarded(&j, read_kernels);
    finish(&j.p);
    if (!ok)
        return WEFT_INVALID_INPUT;
    *n = j.n;
    *kernels = j.kernel;
    return WEFT_OK;
}

const weft_expr *
weft_parse_expr(weft_ir *ir, const char *source, const char *text, int nvar,
                const weft_var *const *var, int nbuf, const weft_buf *const *buf)
{
    job j = { .n = 0 };
    start(&j.p, ir, source, text);
    for (int i = 0; i < nvar + nbuf; i++) { /* of two with one name, the first is meant */
        parse_name name = { i < nvar ? var[i]->name : buf[i - nvar]->name,
                            i < nvar ? var[i] : NULL, i < nvar ? NULL : buf[i - nvar] };
        if (weft_map_get(j.p.known, name.text, strlen(name.text)) < 0)
            weft_parse_bind(&j.p, &j.p.lex.tok, name);
    }
    bool ok = guarded(&j, read_expr);
    finish(&j.p);
    return ok ? j.expr : NULL;
}
