/* ir/lex.h: the words of weft's own languages (kernels, te, schedules, graphs).
 *
 * A lexer is plain data: copy it to come back to a place.  It never fails: what is no word is a
 * token of kind WEFT_TOK_BAD, which no grammar accepts.  Comments run from # to the end of a line.
 */
#ifndef WEFT_LEX_H
#define WEFT_LEX_H

#include "base/base.h"

typedef enum weft_tok {
    WEFT_TOK_END,
    WEFT_TOK_NAME,   /* [A-Za-z_$][A-Za-z0-9_.$]* */
    WEFT_TOK_INT,    /* u.i, suffix */
    WEFT_TOK_FLOAT,  /* u.f, suffix */
    WEFT_TOK_STRING, /* between text[0] and text[n-1], the quotes; see weft_lex_string */
    WEFT_TOK_PUNCT,  /* the longest of: .. || && == != <= >= << >> // += -= *= |= &= ^= or one
                        character */
    WEFT_TOK_BAD
} weft_tok;

typedef struct weft_token {
    weft_tok kind;
    const char *text; /* in the source, n bytes */
    size_t n;
    int line, column;  /* from 1 */
    weft_dtype suffix; /* of a number: the dtype written after it, or WEFT_DTYPE_COUNT */
    union {
        uint64_t i;
        double f;
    } u;
} weft_token;

typedef struct weft_lexer {
    const char *file, *source; /* source ends with a zero */
    const char *at, *line_start;
    int line;
    weft_token tok; /* the current one */
} weft_lexer;

/* Starts on the first token. */
void weft_lex_start(weft_lexer *, const char *file, const char *source);
void weft_lex_next(weft_lexer *);
/* Where a token stands, for weft_fail_at. */
weft_place weft_lex_place(const weft_lexer *, const weft_token *);
/* Whether the token is this punctuation or name. */
bool weft_tok_is(const weft_token *, const char *text);
/* The content of a string token, escapes (\" \\ \n \xhh) undone; NULL if one is malformed. */
const char *weft_lex_string(weft_arena *, const weft_token *);

#endif
