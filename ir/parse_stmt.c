/* Reading types, buffers and statements. */
#include "ir/parse.h"

#include <string.h>

/* ---- types and buffers ----------------------------------------------------------------------- */

int64_t
weft_parse_plain_int(parser *p)
{
    weft_token t = p->lex.tok;
    if (t.kind != WEFT_TOK_INT || t.suffix != WEFT_DTYPE_COUNT || t.u.i > INT64_MAX)
        weft_parse_fail(p, &t, "a number is expected, not %s", weft_parse_show(p, &t));
    weft_lex_next(&p->lex);
    return (int64_t)t.u.i;
}

weft_type
weft_parse_typed(parser *p)
{
    weft_token t = p->lex.tok;
    weft_type ty;
    if (t.kind != WEFT_TOK_NAME || !weft_parse_type(t.text, t.n, &ty))
        weft_parse_fail(p, &t, "a type is expected, not %s", weft_parse_show(p, &t));
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

/* What stands behind "matrix": wmma_16x16x16_f16_f32 a columns */
static void
fragment(parser *p, weft_buf *b)
{
    weft_token t = p->lex.tok;
    b->frag.matrix = t.kind == WEFT_TOK_NAME ? weft_matrix_named(t.text, t.n) : NULL;
    if (!b->frag.matrix)
        weft_parse_fail(p, &t, "a matrix intrinsic of ir/matrix.def is expected, not %s",
                        weft_parse_show(p, &t));
    weft_lex_next(&p->lex);
    while (b->frag.role < WEFT_MATRIX_ROLES &&
           !weft_parse_accept(p, weft_matrix_role_name(b->frag.role)))
        b->frag.role++;
    if (b->frag.role == WEFT_MATRIX_ROLES)
        weft_parse_fail(p, &p->lex.tok, "the matrix is an a, a b or a sum of the intrinsic");
    b->frag.columns = weft_parse_accept(p, "columns");
}

/* 512..768, of the overlay */
static void
bytes_of(parser *p, weft_buf *b)
{
    weft_token t = p->lex.tok;
    b->place = weft_parse_plain_int(p);
    weft_parse_expect(p, "..");
    int64_t end = weft_parse_plain_int(p);
    if (end <= b->place)
        weft_parse_fail(p, &t, "the last of the bytes comes behind the first");
    b->room = end - b->place;
}

/* f32[m, n] stride [n, 1] align 16 stages 2 bytes 512..768 */
const weft_buf *
weft_parse_buffer(parser *p, const char *name, weft_space space)
{
    weft_token t = p->lex.tok;
    weft_type ty = weft_parse_typed(p);
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
        b->align = weft_parse_plain_int(p);
        if (b->align < 1 || (b->align & (b->align - 1)))
            weft_parse_fail(p, &t, "an alignment is a power of two");
    }
    if (weft_parse_accept(p, "matrix"))
        fragment(p, b);
    t = p->lex.tok;
    if (weft_parse_accept(p, "stages")) {
        int64_t count = weft_parse_plain_int(p);
        if (count < 2 || count > WEFT_MAX_STAGES || (space != WEFT_SHARED && space != WEFT_LOCAL))
            weft_parse_fail(p, &t, "shared or local memory has from 2 to %d stages",
                            WEFT_MAX_STAGES);
        b->stages = (int)count;
    }
    if (weft_parse_accept(p, "bytes"))
        bytes_of(p, b);
    return b;
}

/* A space's name, if the token is one. */
bool
weft_parse_space(parser *p, weft_space *s)
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

const weft_stmt *
weft_parse_block(parser *p)
{
    int mark = p->names.n, nlet = p->nlet;
    weft_parse_deeper(p);
    weft_parse_expect(p, "{");
    const weft_stmt *s = statements(p);
    weft_parse_expect(p, "}");
    weft_parse_leave(p, mark);
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

/* pragma unroll(4) */
static int
loop_unroll(parser *p)
{
    if (!weft_parse_accept(p, "pragma"))
        return 0;
    weft_parse_expect(p, "unroll");
    weft_parse_expect(p, "(");
    weft_token t = p->lex.tok;
    int64_t n = weft_parse_plain_int(p);
    if (n < 1 || n > INT32_MAX)
        weft_parse_fail(p, &t, "a number of iterations, at least 1, is expected");
    weft_parse_expect(p, ")");
    return (int)n;
}

/* for i in 0..extent [on block.x] [pragma unroll(n)] { ... } */
static const weft_stmt *
for_stmt(parser *p)
{
    weft_token t = p->lex.tok;
    int mark = p->names.n;
    const char *name = weft_parse_new_name(p);
    weft_parse_expect(p, "in");
    if (weft_parse_plain_int(p) != 0)
        weft_parse_fail(p, &t, "loops run from 0: shift the index in the body");
    weft_parse_expect(p, "..");
    weft_token at = p->lex.tok;
    const weft_expr *extent = weft_parse_any(p);
    if (extent->h.type.lanes != 1 || !weft_is_int((weft_dtype)extent->h.type.dtype))
        weft_parse_fail(p, &at, "the extent of a loop has to be a scalar integer, not %s",
                        weft_type_text(p->ir, extent->h.type));
    weft_stmt s = { WEFT_SK_FOR, .u.loop = { .bind = loop_bind(p), .unroll = loop_unroll(p) } };
    const weft_var *var = weft_var_make(p->ir, name, extent->h.type);
    weft_parse_bind(p, &t, (parse_name){ name, var, NULL, NULL });
    const weft_stmt *body = weft_parse_block(p);
    weft_parse_leave(p, mark);
    s.u.loop.var = var;
    return checked(p, &at, weft_for_like(p->ir, &s, extent, body));
}

static const weft_stmt *
if_stmt(parser *p)
{
    weft_token t = p->lex.tok;
    const weft_expr *cond = weft_parse_any(p);
    const weft_stmt *then = weft_parse_block(p), *els = NULL;
    if (weft_parse_accept(p, "else")) {
        weft_parse_deeper(p);
        els = weft_parse_accept(p, "if") ? if_stmt(p) : weft_parse_block(p);
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
    weft_stmt s = { WEFT_SK_WHILE, .u.loop = { NULL, WEFT_SERIAL, cond, weft_parse_block(p), 0 } };
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
    weft_type ty = weft_parse_typed(p);
    weft_parse_expect(p, "=");
    const weft_expr *value = weft_parse_any(p);
    const weft_var *var = weft_var_make(p->ir, name, ty);
    if (!weft_same_type(ty, value->h.type))
        weft_parse_fail(p, &t, "'%s' of type %s gets a value of type %s", name,
                        weft_type_text(p->ir, ty), weft_type_text(p->ir, value->h.type));
    weft_parse_bind(p, &t, (parse_name){ name, var, NULL, NULL });
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
            weft_parse_fail(p, &p->lex.tok,
                            "thread.x, thread.y or thread.z is expected, once each");
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
        weft_parse_bind(p, &t, (parse_name){ operand[i]->name, operand[i], NULL, NULL });
    }
    weft_parse_expect(p, ")");
    weft_parse_expect(p, "=");
    *c = (weft_combiner){ .n = n, .lhs = operand, .rhs = operand + n };
    c->result = tuple(p, n, var);
    weft_parse_leave(p, mark);
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
        *WEFT_PUSH(&p->scratch, &var) = weft_var_make(p->ir, name, weft_parse_typed(p));
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
        weft_parse_bind(p, &at.at[i], (parse_name){ var.at[i]->name, var.at[i], NULL, NULL });
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
    if (!weft_parse_space(p, &where))
        weft_parse_fail(p, &p->lex.tok, "a space (shared, local, ...) is expected, not %s",
                        weft_parse_show(p, &p->lex.tok));
    const weft_buf *buf = weft_parse_buffer(p, name, where);
    weft_parse_bind(p, &t, (parse_name){ name, NULL, buf, NULL });
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
        weft_parse_fail(p, &t, "a statement is expected, not %s", weft_parse_show(p, &t));
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

/* async A[i] = B[j], async commit, async wait 1 */
static const weft_stmt *
async_stmt(parser *p)
{
    weft_token t = p->lex.tok;
    if (weft_parse_accept(p, "commit"))
        return weft_async(p->ir, WEFT_ASYNC_COMMIT);
    if (weft_parse_accept(p, "wait")) {
        int64_t left = weft_parse_plain_int(p);
        if (left > 8)
            weft_parse_fail(p, &t, "a wait leaves at most 8 groups under way");
        return weft_async(p->ir, (int)left);
    }
    weft_stmt s = *store_stmt(p);
    s.u.store.async = true;
    return weft_stmt_make(p->ir, s);
}

/* stream A[ramp(i, 1, n)] = v */
static const weft_stmt *
stream_stmt(parser *p)
{
    weft_stmt s = *store_stmt(p);
    s.u.store.stream = true;
    return weft_stmt_make(p->ir, s);
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
    return weft_stmt_make(p->ir,
                          (weft_stmt){ WEFT_SK_ATOMIC, .u.atomic = { op, buf, index[0], value } });
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
prefetch_stmt(parser *p)
{
    int n;
    const weft_expr *const *index;
    weft_token t = p->lex.tok;
    const weft_buf *buf = target(p, &n, &index);
    if (n != 1 || weft_index_fault(buf, n, index) || index[0]->h.type.lanes != 1)
        weft_parse_fail(p, &t, "a prefetch takes one scalar integer index");
    return weft_prefetch(p->ir, buf, index[0]);
}

static weft_matrix_op
matrix_op(parser *p)
{
    for (int op = 0; op < WEFT_MATRIX_OPS; op++)
        if (weft_parse_accept(p, weft_matrix_op_name((weft_matrix_op)op)))
            return (weft_matrix_op)op;
    weft_parse_fail(p, &p->lex.tok, "fill, load, store or mma is expected");
}

static weft_spot
place(parser *p)
{
    weft_spot at = { 0 };
    at.buf = target(p, &at.n, &at.index);
    return at;
}

/* matrix d[0] = mma(a[0], b[1], d[0]) */
static const weft_stmt *
matrix_stmt(parser *p)
{
    weft_token t = p->lex.tok;
    weft_spot at[WEFT_MATRIX_PLACES];
    const weft_expr *value = NULL, *stride = NULL;
    at[0] = place(p);
    weft_parse_expect(p, "=");
    weft_matrix_op op = matrix_op(p);
    weft_parse_expect(p, "(");
    for (int i = 1; i < weft_matrix_op_places(op); i++) {
        if (i > 1)
            weft_parse_expect(p, ",");
        at[i] = place(p);
    }
    if (op == WEFT_MATRIX_FILL)
        value = weft_parse_any(p);
    else if (op != WEFT_MATRIX_MMA) {
        weft_parse_expect(p, ",");
        stride = weft_parse_any(p);
    }
    weft_parse_expect(p, ")");
    return checked(p, &t, weft_matrix_stmt(p->ir, op, at, value, stride));
}

static const weft_stmt *
statement(parser *p)
{
    static const struct {
        const char *word;
        const weft_stmt *(*parse)(parser *);
    } words[] = {
        { "for", for_stmt },         { "if", if_stmt },       { "while", while_stmt },
        { "let", let_stmt },         { "alloc", alloc_stmt }, { "atomic", atomic_stmt },
        { "barrier", barrier_stmt }, { "eval", eval_stmt },   { "allreduce", allreduce_stmt },
        { "matrix", matrix_stmt },   { "async", async_stmt }, { "prefetch", prefetch_stmt },
        { "stream", stream_stmt }
    };
    if (weft_tok_is(&p->lex.tok, "{"))
        return weft_parse_block(p);
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
