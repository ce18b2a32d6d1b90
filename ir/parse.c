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
    int n;
    const char *text = weft_diag_first(p->inner, &n);
    weft_parse_fail(p, at, "%.*s", n, text);
}

bool
weft_parse_accept(parser *p, const char *text)
{
    if (!weft_tok_is(&p->lex.tok, text))
        return false;
    weft_lex_next(&p->lex);
    return true;
}

const char *
weft_parse_show(parser *p, const weft_token *t)
{
    if (t->kind == WEFT_TOK_END)
        return "the end of the text";
    return weft_arena_printf(&p->scratch, "'%.*s'", t->n > 40 ? 40 : (int)t->n, t->text);
}

void
weft_parse_expect(parser *p, const char *text)
{
    if (!weft_parse_accept(p, text))
        weft_parse_fail(p, &p->lex.tok, "'%s' is expected, not %s", text,
                        weft_parse_show(p, &p->lex.tok));
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
        weft_parse_fail(p, &t, "a name is expected, not %s", weft_parse_show(p, &t));
    if (weft_name_reserved(t.text, t.n))
        weft_parse_fail(p, &t, "%s is a word of the language, not a name", weft_parse_show(p, &t));
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

void
weft_parse_leave(parser *p, int mark)
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
        weft_parse_space(p, &where);
        const weft_buf *b = weft_parse_buffer(p, name, where);
        weft_parse_bind(p, &t, (parse_name){ name, NULL, b, NULL });
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
        weft_type ty = weft_parse_typed(p);
        if (ty.lanes != 1 || !weft_is_int((weft_dtype)ty.dtype))
            weft_parse_fail(p, &t, "scalar parameters are integers; '%s' is %s", name,
                            weft_type_text(p->ir, ty));
        const weft_var *var = weft_var_make(p->ir, name, ty);
        weft_parse_bind(p, &t, (parse_name){ name, var, NULL, NULL });
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
                        weft_parse_show(p, &p->lex.tok));
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
                        weft_parse_show(p, &p->lex.tok));
    weft_lex_next(&p->lex);
    return text;
}

static double
number(parser *p)
{
    weft_token t = p->lex.tok;
    if ((t.kind != WEFT_TOK_INT && t.kind != WEFT_TOK_FLOAT) || t.suffix != WEFT_DTYPE_COUNT)
        weft_parse_fail(p, &t, "a number is expected, not %s", weft_parse_show(p, &t));
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
        k->shared_bytes = weft_parse_plain_int(p);
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
        int64_t n = weft_parse_plain_int(p);
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
                    weft_parse_show(p, &p->lex.tok));
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
    k->body = weft_parse_block(p);
    weft_parse_leave(p, 0);
    return k;
}

/* ---- entry points ---------------------------------------------------------------------------- */

typedef struct job { /* what to read, and what came of it */
    parser p;
    weft_kernel *const *kernel; /* out */
    int n;
    const weft_expr *expr; /* out */
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
                        weft_parse_show(&j->p, &j->p.lex.tok));
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
        parse_name name = { i < nvar ? var[i]->name : buf[i - nvar]->name, i < nvar ? var[i] : NULL,
                            i < nvar ? NULL : buf[i - nvar], NULL };
        if (weft_map_get(j.p.known, name.text, strlen(name.text)) < 0)
            weft_parse_bind(&j.p, &j.p.lex.tok, name);
    }
    bool ok = guarded(&j, read_expr);
    finish(&j.p);
    return ok ? j.expr : NULL;
}
