/* emu: a kernel's text as tokens, and changes to it that keep its lines. */
#include "backends/emu/device_source.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- scanning -------------------------------------------------------------------------------- */

typedef struct cursor {
    weft_emu_text *t;
    size_t at;
    int line;
    bool line_start, directive;
} cursor;

static char
peek(const cursor *c, size_t ahead)
{
    return c->at + ahead < c->t->size ? c->t->text[c->at + ahead] : 0;
}

static void
step(cursor *c)
{
    if (peek(c, 0) == '\n') {
        c->line++;
        c->line_start = true;
        c->directive = false;
    }
    c->at++;
}

static void
skip_block_comment(cursor *c)
{
    bool directive = c->directive;
    for (c->at += 2; c->at < c->t->size && !(peek(c, 0) == '*' && peek(c, 1) == '/');)
        step(c);
    c->at += 2;
    c->directive = directive;
}

/* Blanks, comments, continued lines. */
static void
skip_blanks(cursor *c)
{
    while (c->at < c->t->size) {
        char ch = peek(c, 0);
        if (ch == '/' && peek(c, 1) == '/') {
            while (c->at < c->t->size && peek(c, 0) != '\n')
                c->at++;
        } else if (ch == '/' && peek(c, 1) == '*') {
            skip_block_comment(c);
        } else if (ch == '\\' && peek(c, 1) == '\n') {
            c->at += 2;
            c->line++;
        } else if (isspace((unsigned char)ch)) {
            step(c);
        } else {
            return;
        }
    }
}

static bool
is_word(char ch)
{
    return isalnum((unsigned char)ch) || ch == '_' || ch == '$';
}

/* 1.5e-3f, 0x1p-3, 10'000 */
static void
take_number(cursor *c)
{
    for (char before = 0; c->at < c->t->size; before = peek(c, 0), c->at++) {
        char ch = peek(c, 0);
        bool exponent = before && strchr("eEpP", before) && (ch == '+' || ch == '-');
        if (!is_word(ch) && ch != '.' && ch != '\'' && !exponent)
            return;
    }
}

static void
take_string(cursor *c)
{
    char quote = peek(c, 0);
    for (c->at++; c->at < c->t->size && peek(c, 0) != quote && peek(c, 0) != '\n'; c->at++)
        if (peek(c, 0) == '\\' && peek(c, 1) != '\n')
            c->at++;
    c->at++;
}

static weft_emu_lexeme
take_token(cursor *c)
{
    char ch = peek(c, 0);
    if (isdigit((unsigned char)ch) || (ch == '.' && isdigit((unsigned char)peek(c, 1)))) {
        take_number(c);
        return LEX_NUMBER;
    }
    if (ch == '"' || ch == '\'') {
        take_string(c);
        return LEX_STRING;
    }
    if (!is_word(ch)) {
        c->at++;
        return LEX_PUNCT;
    }
    while (is_word(peek(c, 0)))
        c->at++;
    return LEX_WORD;
}

void
weft_emu_scan(weft_emu_text *t)
{
    cursor c = { .t = t, .line = 1, .line_start = true };
    for (skip_blanks(&c); c.at < t->size; skip_blanks(&c)) {
        weft_emu_token token = { .at = c.at, .line = c.line };
        c.directive = c.directive || (c.line_start && peek(&c, 0) == '#');
        c.line_start = false;
        token.directive = c.directive;
        token.kind = take_token(&c);
        if (c.at > t->size)
            c.at = t->size;
        token.n = c.at - token.at;
        *WEFT_PUSH(t->arena, &t->tok) = token;
    }
    *WEFT_PUSH(t->arena, &t->tok) = (weft_emu_token){ .at = t->size, .line = c.line };
}

/* ---- reading --------------------------------------------------------------------------------- */

bool
weft_emu_is(const weft_emu_text *t, int i, const char *words)
{
    if (i < 0 || i >= t->tok.n)
        return false;
    const weft_emu_token *token = &t->tok.at[i];
    return token->n == strlen(words) && memcmp(t->text + token->at, words, token->n) == 0;
}

const char *
weft_emu_words(weft_emu_text *t, int from, int to)
{
    weft_str words = { 0 };
    for (int i = from; i < to; i++) {
        const weft_emu_token *token = &t->tok.at[i];
        bool apart = i > from && token[-1].at + token[-1].n < token->at;
        weft_str_add(&words, apart ? " " : "");
        weft_str_addn(&words, t->text + token->at, token->n);
    }
    const char *kept = weft_arena_strdup(t->arena, weft_str_text(&words));
    weft_str_free(&words);
    return kept;
}

int
weft_emu_close(const weft_emu_text *t, int i)
{
    int depth = 0;
    for (; i < t->tok.n - 1; i++) {
        const weft_emu_token *token = &t->tok.at[i];
        char ch = token->kind == LEX_PUNCT && !token->directive ? t->text[token->at] : 0;
        depth += ch == '(' || ch == '[' || ch == '{';
        depth -= ch == ')' || ch == ']' || ch == '}';
        if (depth == 0)
            return i + 1;
    }
    return t->tok.n - 1;
}

void
weft_emu_split(weft_emu_text *t, int from, int to,
               void (*part)(weft_emu_text *, int from, int to, void *user), void *user)
{
    int depth = 0, start = from;
    for (int i = from; i < to; i++) {
        char ch = t->tok.at[i].kind == LEX_PUNCT ? t->text[t->tok.at[i].at] : 0;
        depth += ch && strchr("([{<", ch);
        depth -= ch && strchr(")]}>", ch);
        if (ch == ',' && depth == 0) {
            part(t, start, i, user);
            start = i + 1;
        }
    }
    if (start < to)
        part(t, start, to, user);
}

static int
column_of(const weft_emu_text *t, size_t at)
{
    size_t start = at;
    while (start > 0 && t->text[start - 1] != '\n')
        start--;
    return (int)(at - start) + 1;
}

void
weft_emu_refuse(weft_emu_text *t, int i, const char *fmt, ...)
{
    weft_str words = { 0 };
    va_list args;
    if (t->status)
        return;
    va_start(args, fmt);
    weft_str_vaddf(&words, fmt, args);
    va_end(args);
    weft_place place = { t->file, t->tok.at[i].line, column_of(t, t->tok.at[i].at), t->text };
    t->status = weft_fail_at(t->diag, WEFT_INVALID_INPUT, place, "%s", weft_str_text(&words));
    weft_str_free(&words);
}

/* ---- changing -------------------------------------------------------------------------------- */

void
weft_emu_replace(weft_emu_text *t, int from, int to, const char *words)
{
    for (int i = from; i < to; i++)
        if (t->tok.at[i].taken) {
            weft_emu_refuse(t, from, "'%s' is not understood where it stands",
                            weft_emu_words(t, from, from + 1));
            return;
        }
    for (int i = from; i < to; i++)
        t->tok.at[i].taken = true;
    const weft_emu_token *last = &t->tok.at[to - 1];
    size_t at = t->tok.at[from].at;
    *WEFT_PUSH(t->arena, &t->change) = (weft_emu_change){ at, last->at + last->n - at, words };
}

static int
by_place(const void *a, const void *b)
{
    size_t left = ((const weft_emu_change *)a)->at, right = ((const weft_emu_change *)b)->at;
    return left < right ? -1 : left > right;
}

void
weft_emu_apply(weft_emu_text *t, weft_str *out)
{
    size_t at = 0;
    if (t->change.n)
        qsort(t->change.at, (size_t)t->change.n, sizeof *t->change.at, by_place);
    for (int i = 0; i < t->change.n; i++) {
        const weft_emu_change *change = &t->change.at[i];
        weft_str_addn(out, t->text + at, change->at - at);
        weft_str_add(out, change->words);
        for (at = change->at; at < change->at + change->n; at++)
            if (t->text[at] == '\n')
                weft_str_add(out, "\n");
    }
    weft_str_addn(out, t->text + at, t->size - at);
    weft_str_add(out, "\n");
}
