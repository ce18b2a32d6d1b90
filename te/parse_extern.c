/* Reading extern stages: extern out S: f32[m], T: i32[n] { statements } */
#include "te/extern.h"

#include <string.h>

static void
bind_buf(te_parser *tp, const weft_token *at, const weft_buf *b)
{
    weft_parse_bind(&tp->p, at, (parse_name){ b->name, NULL, b, NULL });
}

/* ---- in a program ---------------------------------------------------------------------------- */

typedef struct outputs {
    WEFT_VEC(const weft_buf *) buf;
    WEFT_VEC(weft_token) at;
    WEFT_VEC(bool) out;
} outputs;

/* [out] S: f32[m, n] */
static void
output(te_parser *tp, outputs *o)
{
    parser *p = &tp->p;
    weft_token *at = WEFT_PUSH(&p->scratch, &o->at);
    weft_type type;
    const weft_expr *const *shape;
    weft_lexer ahead = p->lex;
    weft_lex_next(&ahead);
    *WEFT_PUSH(&p->scratch, &o->out) =
        ahead.tok.kind == WEFT_TOK_NAME && weft_parse_accept(p, "out");
    const char *name = weft_te_new_name(tp, WEFT_NAME_TENSOR, at);
    for (int i = 0; i < o->buf.n; i++)
        if (strcmp(o->buf.at[i]->name, name) == 0)
            weft_parse_fail(p, at, "'%s' is defined twice here", name);
    weft_parse_expect(p, ":");
    weft_token type_at = p->lex.tok;
    if (type_at.kind != WEFT_TOK_NAME || !weft_parse_type(type_at.text, type_at.n, &type) ||
        type.lanes != 1)
        weft_parse_fail(p, &type_at, "a type of elements is expected, as f32");
    weft_lex_next(&p->lex);
    weft_parse_expect(p, "[");
    int n = weft_parse_list(p, "]", &shape);
    const weft_buf *buf = weft_extern_buf(tp->te, name, (weft_dtype)type.dtype, n, shape);
    if (!buf)
        weft_te_refused(tp, at);
    *WEFT_PUSH(&p->scratch, &o->buf) = buf;
}

void
weft_te_parse_extern(te_parser *tp)
{
    parser *p = &tp->p;
    weft_token start = p->lex.tok;
    outputs o = { 0 };
    weft_parse_expect(p, "extern");
    do
        output(tp, &o);
    while (weft_parse_accept(p, ","));
    int mark = p->names.n;
    for (int i = 0; i < o.buf.n; i++)
        bind_buf(tp, &o.at.at[i], o.buf.at[i]);
    weft_extern e = { o.buf.n, o.buf.at, weft_parse_block(p) };
    weft_te_leave_scope(tp, mark);
    weft_tensor **made = WEFT_NEW_ARRAY(&p->scratch, e.n, weft_tensor *);
    if (weft_extern_define(tp->te, &e, made) != WEFT_OK)
        weft_te_refused(tp, &start);
    for (int i = 0; i < e.n; i++) {
        weft_te_bind_tensor(tp, &o.at.at[i], made[i]);
        if (o.out.at[i] && !tp->given->part && weft_te_output(tp->te, made[i]) != WEFT_OK)
            weft_te_refused(tp, &o.at.at[i]);
    }
}

/* ---- from C ---------------------------------------------------------------------------------- */

/* The statements alone, over all that the program has. */
static void
statements(te_parser *tp)
{
    weft_extern *e = tp->user;
    weft_token at = tp->p.lex.tok;
    for (int i = 0; i < tp->te->symbol.n; i++) {
        const weft_var *v = tp->te->symbol.at[i];
        weft_parse_bind(&tp->p, &at, (parse_name){ v->name, v, NULL, NULL });
    }
    for (int i = 0; i < tp->te->tensor.n; i++)
        bind_buf(tp, &at, tp->te->tensor.at[i]->buf);
    for (int i = 0; i < e->n; i++)
        bind_buf(tp, &at, e->buf[i]);
    e->body = weft_parse_block(&tp->p);
    if (tp->p.lex.tok.kind != WEFT_TOK_END)
        weft_parse_fail(&tp->p, &tp->p.lex.tok, "nothing is expected after the statements");
}

weft_status
weft_te_extern(weft_te *te, int n, const char *const *names, const weft_dtype *dtype,
               const int *ndim, const weft_expr *const *const *shape, const char *text,
               weft_tensor **out)
{
    if (!te || !names || !dtype || !ndim || !shape || !text || !out)
        return weft_te_null(te, "weft_te_extern");
    if (n < 1)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT, "an extern of %d tensors; give one", n);
    weft_extern e = { .n = n, .buf = WEFT_NEW_ARRAY(&te->ir->arena, n, const weft_buf *) };
    for (int i = 0; i < n; i++) {
        const char *clash =
            names[i] ? weft_te_name_clash(te, WEFT_NAME_TENSOR, weft_te_identifier(te, names[i]))
                     : NULL;
        if (!names[i] || (ndim[i] > 0 && !shape[i]))
            return weft_te_null(te, "weft_te_extern");
        if (clash)
            return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                             "extern '%s': that is %s already; choose another name", names[i],
                             clash);
        e.buf[i] =
            weft_extern_buf(te, weft_te_identifier(te, names[i]), dtype[i], ndim[i], shape[i]);
        if (!e.buf[i])
            return weft_te_null(te, "weft_te_extern");
    }
    static const weft_te_given none;
    weft_str block = { 0 };
    weft_str_addf(&block, "{%s}", text);
    weft_status st = weft_te_read_text(te, names[0], weft_str_text(&block), &none, &e, statements);
    weft_str_free(&block);
    return st == WEFT_OK ? weft_extern_define(te, &e, out) : st;
}
