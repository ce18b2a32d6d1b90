/* Reading graph text: dims, numbers and attributes. */
#include "graph/parse.h"

#include <math.h>
#include <string.h>

enum { MAX_DEPTH = 64 }; /* brackets and signs within each other */

bool
weft_graph_parse_int(graph_parser *p, int64_t *v)
{
    bool minus = weft_graph_parse_accept(p, "-");
    const weft_token *t = &p->lex.tok;
    if (t->kind != WEFT_TOK_INT || (!minus && t->u.i > INT64_MAX) ||
        (minus && t->u.i > (uint64_t)INT64_MAX + 1))
        return weft_graph_parse_fail(p, t, "an integer of 64 bits is expected");
    *v = (int64_t)(minus ? 0 - t->u.i : t->u.i);
    weft_lex_next(&p->lex);
    return true;
}

bool
weft_graph_parse_float(graph_parser *p, double *v)
{
    bool minus = weft_graph_parse_accept(p, "-");
    const weft_token *t = &p->lex.tok;
    if (t->kind == WEFT_TOK_INT)
        *v = (double)t->u.i;
    else if (t->kind == WEFT_TOK_FLOAT)
        *v = t->u.f;
    else if (weft_tok_is(t, "inf") || weft_tok_is(t, "nan"))
        *v = weft_tok_is(t, "inf") ? (double)INFINITY : (double)NAN;
    else
        return weft_graph_parse_fail(p, t, "a number is expected");
    *v = minus ? -*v : *v;
    weft_lex_next(&p->lex);
    return true;
}

bool
weft_graph_parse_dtype(graph_parser *p, weft_dtype *t)
{
    const weft_token *tok = &p->lex.tok;
    *t = tok->kind == WEFT_TOK_NAME ? weft_dtype_parse(tok->text, tok->n) : WEFT_DTYPE_COUNT;
    if (*t == WEFT_DTYPE_COUNT)
        return weft_graph_parse_fail(p, tok, "a dtype is expected, as f32");
    weft_lex_next(&p->lex);
    return true;
}

/* ---- dims ------------------------------------------------------------------------------------ */

static const weft_expr *climb(graph_parser *, int prec);

static const weft_expr *
parse_call(graph_parser *p, const weft_token *name)
{
    const weft_expr *arg[3], *e = NULL;
    int n = 0;
    do {
        if (n == 3 || !(arg[n] = climb(p, 0)))
            return weft_graph_parse_fail(p, name, "at most three arguments are expected"), NULL;
        n++;
    } while (weft_graph_parse_accept(p, ","));
    if (!weft_graph_parse_expect(p, ")"))
        return NULL;
    if (weft_tok_is(name, "min") && n == 2)
        e = weft_dim_op(p->g, WEFT_EK_MIN, arg[0], arg[1]);
    else if (weft_tok_is(name, "max") && n == 2)
        e = weft_dim_op(p->g, WEFT_EK_MAX, arg[0], arg[1]);
    else if (weft_tok_is(name, "select") && n == 3)
        e = weft_select(p->g->ir, arg[0], arg[1], arg[2]);
    else if (weft_tok_is(name, "i64") && n == 1)
        e = weft_cast(p->g->ir, WEFT_I64, arg[0]);
    if (!e)
        weft_graph_parse_fail(p, name, "a dimension knows min, max, select and i64, over integers");
    return e;
}

static const weft_expr *
parse_symbol(graph_parser *p, const weft_token *name)
{
    const char *text = weft_arena_strndup(&p->g->ir->arena, name->text, name->n);
    for (int i = 0; i < p->g->symbol.n; i++)
        if (strcmp(p->g->symbol.at[i]->name, text) == 0)
            return weft_ref(p->g->ir, p->g->symbol.at[i]);
    if (p->declares)
        return weft_graph_symbol(p->g, text);
    weft_graph_parse_fail(
        p, name, "'%s' is no symbol: symbols come from the dimensions of the inputs and from reads", text);
    return NULL;
}

static const weft_expr *
parse_atom(graph_parser *p)
{
    weft_token t = p->lex.tok;
    int64_t v = 0;
    const weft_expr *e;
    if (t.kind == WEFT_TOK_INT)
        return weft_graph_parse_int(p, &v) ? weft_dim(p->g, v) : NULL;
    if (t.kind == WEFT_TOK_NAME) {
        weft_lex_next(&p->lex);
        return weft_graph_parse_accept(p, "(") ? parse_call(p, &t) : parse_symbol(p, &t);
    }
    if (weft_graph_parse_accept(p, "-")) {
        e = climb(p, weft_expr_infos[WEFT_EK_NEG].prec);
        return weft_dim_op(p->g, WEFT_EK_SUB, weft_dim(p->g, 0), e);
    }
    if (weft_graph_parse_accept(p, "(")) {
        e = climb(p, 0);
        return weft_graph_parse_expect(p, ")") ? e : NULL;
    }
    weft_graph_parse_fail(p, &t, "a dimension is expected: an integer, a symbol or an expression");
    return NULL;
}

/* The operator that the token is, of the precedence at least; WEFT_EK_COUNT: none. */
static weft_ek
infix(const weft_token *t, int prec)
{
    for (int k = 0; k < WEFT_EK_COUNT; k++)
        if (weft_expr_infos[k].form == WEFT_FORM_INFIX && weft_expr_infos[k].prec >= prec &&
            t->kind == WEFT_TOK_PUNCT && weft_tok_is(t, weft_expr_infos[k].text))
            return (weft_ek)k;
    return WEFT_EK_COUNT;
}

static const weft_expr *
combine(graph_parser *p, weft_ek k, const weft_expr *a, const weft_expr *b)
{
    bool logical = weft_expr_infos[k].yields_bool;
    if (a && b && (logical || a->h.type.dtype != WEFT_I64))
        return weft_binary(p->g->ir, k, a, b);
    return weft_dim_op(p->g, k, a, b);
}

static const weft_expr *
climb(graph_parser *p, int prec)
{
    if (++p->depth > MAX_DEPTH) {
        weft_graph_parse_fail(p, &p->lex.tok, "brackets and signs nest deeper than %d", MAX_DEPTH);
        return NULL;
    }
    const weft_expr *e = parse_atom(p);
    weft_token at = p->lex.tok;
    for (weft_ek k; e && (k = infix(&at, prec)) != WEFT_EK_COUNT; at = p->lex.tok) {
        weft_lex_next(&p->lex);
        e = combine(p, k, e, climb(p, weft_expr_infos[k].prec + 1));
        if (!e)
            weft_graph_parse_fail(p, &at, "the expression overflows or is too long");
    }
    p->depth--;
    return e;
}

const weft_expr *
weft_graph_parse_dim(graph_parser *p)
{
    weft_token at = p->lex.tok;
    const weft_expr *e = climb(p, 0);
    if (e && e->h.type.dtype != WEFT_I64)
        weft_graph_parse_fail(p, &at, "a dimension has to be an integer");
    return p->failed ? NULL : e;
}

const weft_expr *const *
weft_graph_parse_dims(graph_parser *p, int *n)
{
    WEFT_VEC(const weft_expr *) dim = { 0 };
    if (!weft_graph_parse_expect(p, "["))
        return NULL;
    while (!weft_tok_is(&p->lex.tok, "]")) {
        if (dim.n && !weft_graph_parse_expect(p, ","))
            return NULL;
        const weft_expr *e = weft_graph_parse_dim(p);
        if (!e)
            return NULL;
        *WEFT_PUSH(&p->scratch, &dim) = e;
    }
    *n = dim.n;
    weft_lex_next(&p->lex);
    return weft_arena_dup(&p->g->ir->arena, dim.at, (size_t)dim.n * sizeof *dim.at);
}

/* ---- attributes ------------------------------------------------------------------------------ */

static bool
parse_ints(graph_parser *p, weft_attr *a)
{
    WEFT_VEC(int64_t) v = { 0 };
    int64_t one = 0;
    if (!weft_graph_parse_expect(p, "["))
        return false;
    while (!weft_tok_is(&p->lex.tok, "]")) {
        if ((v.n && !weft_graph_parse_expect(p, ",")) || !weft_graph_parse_int(p, &one))
            return false;
        *WEFT_PUSH(&p->scratch, &v) = one;
    }
    weft_lex_next(&p->lex);
    *a = weft_attr_ints(a->name, v.n, v.at);
    return true;
}

static bool
parse_value(graph_parser *p, char letter, weft_attr *a)
{
    int64_t *one = WEFT_NEW(&p->scratch, int64_t);
    double *number = WEFT_NEW(&p->scratch, double);
    const char *text;
    weft_dtype dtype;
    int n;
    switch (letter) {
    case 'i':
        *a = weft_attr_int(a->name, one);
        return weft_graph_parse_int(p, one);
    case 'I':
        return parse_ints(p, a);
    case 'f':
        *a = weft_attr_float(a->name, number);
        return weft_graph_parse_float(p, number);
    case 't':
        text = weft_graph_parse_name(p);
        *a = weft_attr_text(a->name, text);
        return text != NULL;
    case 'd':
        n = 0;
        *a = weft_attr_dims(a->name, 0, weft_graph_parse_dims(p, &n));
        a->n = n;
        return a->dims != NULL;
    default:
        if (!weft_graph_parse_dtype(p, &dtype))
            return false;
        *a = weft_attr_dtype(a->name, dtype);
        return true;
    }
}

bool
weft_graph_parse_attr(graph_parser *p, weft_op op, weft_attr *a)
{
    weft_token at = p->lex.tok;
    a->name = weft_graph_parse_name(p);
    if (!a->name || !weft_graph_parse_expect(p, "="))
        return false;
    const char *letter = weft_attr_letter(op, a->name);
    if (!letter)
        return weft_graph_parse_fail(p, &at, "%s has no attribute '%s' (known: %s)",
                                     weft_op_infos[op].text, a->name, weft_op_infos[op].attrs);
    return parse_value(p, *letter, a);
}
