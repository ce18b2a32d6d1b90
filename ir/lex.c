/* The lexer. */
#include "ir/lex.h"

#include <stdlib.h>
#include <string.h>

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
starts_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

static bool
in_name(char c)
{
    return starts_name(c) || is_digit(c) || c == '.';
}

static void
skip_blank(weft_lexer *l)
{
    for (;; l->at++) {
        if (*l->at == '#')
            l->at += strcspn(l->at, "\n");
        if (*l->at == '\n') {
            l->line++;
            l->line_start = l->at + 1;
        } else if (*l->at != ' ' && *l->at != '\t' && *l->at != '\r') {
            return;
        }
    }
}

static size_t
punct_size(const char *at)
{
    static const char two[][3] = { "..", "||", "&&", "==", "!=", "<=", ">=", "<<",
                                   ">>", "//", "+=", "-=", "*=", "|=", "&=", "^=" };
    for (size_t i = 0; i < sizeof two / sizeof *two; i++)
        if (strncmp(at, two[i], 2) == 0)
            return 2;
    return strchr("()[]{},:;=+-*/%<>!~|^&?@", *at) ? 1 : 0;
}

/* The digits' value; false if it does not fit. */
static bool
int_value(const char *p, const char *end, uint64_t *v)
{
    *v = 0;
    for (; p < end; p++)
        if (__builtin_mul_overflow(*v, 10u, v) ||
            __builtin_add_overflow(*v, (uint64_t)(*p - '0'), v))
            return false;
    return true;
}

/* Digits, a fraction and an exponent if digits follow, a dtype. */
static void
lex_number(weft_token *t, const char *p)
{
    const char *start = p;
    while (is_digit(*p))
        p++;
    const char *digits = p;
    if (*p == '.' && is_digit(p[1]))
        while (is_digit(*++p))
            ;
    if (*p == 'e' && (is_digit(p[1]) || ((p[1] == '-' || p[1] == '+') && is_digit(p[2]))))
        for (p += 2; is_digit(*p);)
            p++;
    const char *suffix = p;
    bool is_float = suffix > digits, ok = is_float || int_value(start, digits, &t->u.i);
    if (is_float)
        t->u.f = strtod(start, NULL); /* stops where we did: a suffix is no part of a number */
    while (starts_name(*p) || is_digit(*p))
        p++;
    t->n = (size_t)(p - start);
    t->suffix = WEFT_DTYPE_COUNT;
    if (p > suffix) {
        t->suffix = weft_dtype_parse(suffix, (size_t)(p - suffix));
        ok = ok && t->suffix != WEFT_DTYPE_COUNT;
    }
    t->kind = !ok ? WEFT_TOK_BAD : is_float ? WEFT_TOK_FLOAT : WEFT_TOK_INT;
}

static void
lex_quoted(weft_token *t, const char *p)
{
    size_t n = 1;
    while (p[n] && p[n] != '\n' && p[n] != '"')
        n += p[n] == '\\' && p[n + 1] && p[n + 1] != '\n' ? 2 : 1;
    t->kind = p[n] == '"' ? WEFT_TOK_STRING : WEFT_TOK_BAD;
    t->n = n + (p[n] == '"');
}

void
weft_lex_next(weft_lexer *l)
{
    skip_blank(l);
    weft_token *t = &l->tok;
    *t = (weft_token){ .text = l->at, .line = l->line, .column = 1 + (int)(l->at - l->line_start) };
    if (!*l->at) {
        t->kind = WEFT_TOK_END;
    } else if (is_digit(*l->at)) {
        lex_number(t, l->at);
    } else if (*l->at == '"') {
        lex_quoted(t, l->at);
    } else if (starts_name(*l->at)) {
        t->kind = WEFT_TOK_NAME;
        while (in_name(l->at[t->n]))
            t->n++;
    } else {
        t->n = punct_size(l->at);
        t->kind = t->n ? WEFT_TOK_PUNCT : WEFT_TOK_BAD;
        t->n += !t->n;
    }
    l->at += t->n;
}

void
weft_lex_start(weft_lexer *l, const char *file, const char *source)
{
    *l = (weft_lexer){ .file = file, .source = source, .at = source, .line_start = source };
    l->line = 1;
    weft_lex_next(l);
}

weft_place
weft_lex_place(const weft_lexer *l, const weft_token *t)
{
    return (weft_place){ l->file, t->line, t->column, l->source };
}

bool
weft_tok_is(const weft_token *t, const char *text)
{
    return (t->kind == WEFT_TOK_NAME || t->kind == WEFT_TOK_PUNCT) && strlen(text) == t->n &&
           memcmp(t->text, text, t->n) == 0;
}

static int
hex(char c)
{
    return is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

const char *
weft_lex_string(weft_arena *a, const weft_token *t)
{
    char *to = weft_arena_alloc(a, t->n);
    size_t n = 0;
    for (const char *p = t->text + 1, *end = t->text + t->n - 1; p < end; p++) {
        if (*p != '\\') {
            to[n++] = *p;
        } else if (p[1] == '"' || p[1] == '\\') {
            to[n++] = *++p;
        } else if (p[1] == 'n') {
            to[n++] = '\n';
            p++;
        } else if (p[1] == 'x' && end - p > 3 && hex(p[2]) >= 0 && hex(p[3]) >= 0 &&
                   hex(p[2]) + hex(p[3]) > 0) {
            to[n++] = (char)(hex(p[2]) * 16 + hex(p[3]));
            p += 3;
        } else {
            return NULL;
        }
    }
    return to;
}
