/* graph/parse.h: what the two files of the graph parser share. */
#ifndef WEFT_GRAPH_PARSE_H
#define WEFT_GRAPH_PARSE_H

#include "graph/priv.h"
#include "ir/lex.h"

typedef struct graph_parser {
    weft_graph *g;
    weft_lexer lex;
    weft_diag *diag;  /* the caller's */
    weft_diag *inner; /* the graph's while it is read: its reports get a place from us */
    weft_arena scratch;
    weft_map *known; /* names as written: index into value */
    WEFT_VEC(weft_value *) value;
    WEFT_VEC(const char *) symbol;
    bool declares; /* names in dims are new symbols (of the inputs) */
    int depth, nesting; /* of brackets, of scopes */
    bool failed;
} graph_parser;

/* Reports at a token, once; returns false. */
bool weft_graph_parse_fail(graph_parser *, const weft_token *at, const char *fmt, ...)
    WEFT_PRINTF(3, 4);
bool weft_graph_parse_accept(graph_parser *, const char *text);
bool weft_graph_parse_expect(graph_parser *, const char *text);
/* A name or a string, in the graph's arena; NULL after an error. */
const char *weft_graph_parse_name(graph_parser *);

/* parse_attr.c */
/* One expression; NULL after an error. */
const weft_expr *weft_graph_parse_dim(graph_parser *);
/* [e, e, ...]; NULL after an error. */
const weft_expr *const *weft_graph_parse_dims(graph_parser *, int *n);
bool weft_graph_parse_int(graph_parser *, int64_t *);
bool weft_graph_parse_float(graph_parser *, double *);
bool weft_graph_parse_dtype(graph_parser *, weft_dtype *);
/* name=value, by the operator's list of attributes. */
bool weft_graph_parse_attr(graph_parser *, weft_op, weft_attr *);

#endif
