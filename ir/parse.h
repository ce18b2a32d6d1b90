/* ir/parse.h: what the three files of the parser share, and te's parser, which wraps it.  Nothing
 * else includes it. */
#ifndef WEFT_PARSE_H
#define WEFT_PARSE_H

#include "ir/lex.h"
#include "ir/priv.h"

#include <setjmp.h>

typedef struct parse_name { /* one of var, buf and value is not NULL */
    const char *text;
    const weft_var *var;
    const weft_buf *buf;
    const weft_expr *value;
} parse_name;

typedef struct parser {
    weft_ir *ir;
    weft_lexer lex;
    weft_diag *diag;  /* the context's; its place is taken by `inner` while we parse */
    weft_diag *inner; /* where builders report: we add the place */
    weft_arena scratch;
    weft_map *known; /* name -> index into names, or -1 */
    WEFT_VEC(parse_name) names;
    weft_map *height; /* of expressions, by id */
    int depth;        /* of brackets and blocks */
    int nlet;         /* lets and allocs open, each of which nests the rest of its block */
    jmp_buf *on_error;
} parser;

enum {
    MAX_DEPTH = 200,   /* brackets and blocks within each other */
    MAX_NAMING = 2000, /* lets and allocs within each other */
    MAX_HEIGHT = 2000  /* of an expression */
};

/* Reports at a token and leaves the parser.  parse.c; the only longjmp there is. */
_Noreturn void weft_parse_fail(parser *, const weft_token *at, const char *fmt, ...)
    WEFT_PRINTF(3, 4);
/* Leaves with what a builder reported, at a token. */
_Noreturn void weft_parse_refused(parser *, const weft_token *at);

/* The token as a message shows it. */
const char *weft_parse_show(parser *, const weft_token *);
void weft_parse_expect(parser *, const char *text);
bool weft_parse_accept(parser *, const char *text);
/* One level deeper; undone by p->depth--. */
void weft_parse_deeper(parser *);
/* A name of the source's own, unescaped; copied to the context. */
const char *weft_parse_new_name(parser *);
void weft_parse_bind(parser *, const weft_token *at, parse_name);
/* Forgets the names bound since there were `mark`. */
void weft_parse_leave(parser *, int mark);
const parse_name *weft_parse_look_up(parser *, const weft_token *);

/* parse_stmt.c */
/* A number without a dtype; a type; a space's name, if the token is one. */
int64_t weft_parse_plain_int(parser *);
weft_type weft_parse_typed(parser *);
bool weft_parse_space(parser *, weft_space *);
/* f32[m, n] stride [n, 1] align 16 */
const weft_buf *weft_parse_buffer(parser *, const char *name, weft_space);
/* { statement ... } */
const weft_stmt *weft_parse_block(parser *);

/* parse_expr.c */
const weft_expr *weft_parse_any(parser *);
/* "f32", "f32x4" in n bytes. */
bool weft_parse_type(const char *text, size_t n, weft_type *);
/* e, e, ... up to `close`, which is passed; the array is in scratch. */
int weft_parse_list(parser *, const char *close, const weft_expr *const **at);

#endif
