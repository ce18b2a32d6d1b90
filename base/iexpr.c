/* Integer expressions over symbols: read into a tree in an arena, evaluated with every step
 * checked.  The text comes from module files, which may be hostile: height and length
 * are bounded. */
#include "base/base.h"

#include <string.h>

enum { MAX_HEIGHT = 64, MAX_TEXT = 1 << 16 };

typedef enum kind { NUMBER, SYMBOL, ADD, SUB, MUL, DIV, MOD, MIN, MAX } kind;

struct weft_iexpr {
    kind op;
    int height;
    int64_t v; /* NUMBER: the value, SYMBOL: which */
    const weft_iexpr *a, *b;
};

typedef struct reader {
    weft_arena *arena;
    const char *text, *at;
    int nnames, depth;
    const char *const *names;
    const char *fault; /* the first one; at stays there */
} reader;

static const weft_iexpr *sum(reader *);

static const weft_iexpr *
fault(reader *r, const char *what)
{
    if (!r->fault)
        r->fault = what;
    return NULL;
}

static const weft_iexpr *
node(reader *r, kind op, int64_t v, const weft_iexpr *a, const weft_iexpr *b)
{
    if (op >= ADD && (!a || !b))
        return NULL;
    int height = op < ADD ? 1 : 1 + (a->height > b->height ? a->height : b->height);
    if (height > MAX_HEIGHT)
        return fault(r, "it is nested too deep (64 levels)");
    weft_iexpr *e = WEFT_NEW(r->arena, weft_iexpr);
    *e = (weft_iexpr){ op, height, v, a, b };
    return e;
}

static bool
accept(reader *r, const char *word)
{
    while (*r->at == ' ' || *r->at == '\t' || *r->at == '\n')
        r->at++;
    size_t n = strlen(word);
    if (strncmp(r->at, word, n) != 0)
        return false;
    r->at += n;
    return true;
}

static bool
in_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
}

static const weft_iexpr *
number(reader *r)
{
    int64_t v = 0;
    for (; *r->at >= '0' && *r->at <= '9'; r->at++)
        if (!weft_mul64(v, 10, &v) || !weft_add64(v, *r->at - '0', &v))
            return fault(r, "a number is out of the range of 64 bits");
    return node(r, NUMBER, v, NULL, NULL);
}

/* min(e, e): the bracket is passed already. */
static const weft_iexpr *
pair(reader *r, kind op)
{
    const weft_iexpr *a = sum(r);
    if (a && !accept(r, ","))
        return fault(r, "a ',' is expected");
    const weft_iexpr *b = a ? sum(r) : NULL;
    if (b && !accept(r, ")"))
        return fault(r, "a ')' is expected");
    return node(r, op, 0, a, b);
}

/* The name of a symbol that starts here: the longest that is one, so that names may hold
 * any bytes. */
static const weft_iexpr *
symbol(reader *r)
{
    int best = -1;
    size_t longest = 0;
    for (int i = 0; i < r->nnames; i++) {
        size_t n = strlen(r->names[i]);
        if (n > longest && strncmp(r->at, r->names[i], n) == 0 &&
            !(in_name(r->names[i][n - 1]) && in_name(r->at[n]))) {
            longest = n;
            best = i;
        }
    }
    if (best < 0)
        return fault(r, in_name(*r->at) ? "there is no such symbol" : "a value is expected");
    r->at += longest;
    return node(r, SYMBOL, best, NULL, NULL);
}

static const weft_iexpr *
value(reader *r)
{
    const weft_iexpr *e;
    if (r->fault)
        return NULL;
    if (++r->depth > MAX_HEIGHT)
        return fault(r, "it is nested too deep (64 levels)");
    if (accept(r, "min("))
        e = pair(r, MIN);
    else if (accept(r, "max("))
        e = pair(r, MAX);
    else if (accept(r, "-")) {
        const weft_iexpr *zero = node(r, NUMBER, 0, NULL, NULL);
        e = node(r, SUB, 0, zero, value(r));
    } else if (accept(r, "(")) {
        e = sum(r);
        if (e && !accept(r, ")"))
            e = fault(r, "a ')' is expected");
    } else if (*r->at >= '0' && *r->at <= '9') {
        e = number(r);
    } else {
        e = symbol(r);
    }
    r->depth--;
    return e;
}

static const weft_iexpr *
product(reader *r)
{
    const weft_iexpr *e = value(r);
    while (e) {
        kind op = accept(r, "*") ? MUL : accept(r, "//") ? DIV : accept(r, "%") ? MOD : NUMBER;
        if (op == NUMBER)
            break;
        e = node(r, op, 0, e, value(r));
    }
    return e;
}

static const weft_iexpr *
sum(reader *r)
{
    const weft_iexpr *e = product(r);
    while (e) {
        kind op = accept(r, "+") ? ADD : accept(r, "-") ? SUB : NUMBER;
        if (op == NUMBER)
            break;
        e = node(r, op, 0, e, product(r));
    }
    return e;
}

const weft_iexpr *
weft_iexpr_parse(weft_arena *arena, weft_diag *diag, const char *text, int nnames,
                 const char *const *names)
{
    reader r = { .arena = arena, .text = text, .at = text, .nnames = nnames, .names = names };
    if (strlen(text) > MAX_TEXT) {
        weft_fail(diag, WEFT_LIMIT, "an integer expression of %zu bytes: at most %d are read",
                  strlen(text), (int)MAX_TEXT);
        return NULL;
    }
    const weft_iexpr *e = sum(&r);
    if (e && !accept(&r, "") /* blanks */)
        e = NULL;
    if (e && *r.at)
        e = fault(&r, "an operator or the end is expected");
    if (!e)
        weft_fail(diag, WEFT_INVALID_INPUT,
                  "the integer expression '%.200s' is malformed at '%.20s': %s", text, r.at,
                  r.fault);
    return e;
}

static weft_status
eval(const weft_iexpr *e, const int64_t *value_of, int64_t *v)
{
    int64_t a = 0, b = 0;
    if (e->op == NUMBER || e->op == SYMBOL) {
        *v = e->op == NUMBER ? e->v : value_of[e->v];
        return WEFT_OK;
    }
    weft_status s = eval(e->a, value_of, &a);
    if (s == WEFT_OK)
        s = eval(e->b, value_of, &b);
    if (s != WEFT_OK)
        return s;
    bool ok = true;
    switch (e->op) {
    case ADD:
        ok = weft_add64(a, b, v);
        break;
    case SUB:
        ok = !__builtin_sub_overflow(a, b, v);
        break;
    case MUL:
        ok = weft_mul64(a, b, v);
        break;
    case DIV:
    case MOD:
        if (b == 0)
            return WEFT_INVALID_INPUT;
        ok = !(a == INT64_MIN && b == -1);
        if (ok)
            *v = e->op == DIV ? weft_floordiv(a, b) : weft_floormod(a, b);
        break;
    case MIN:
        *v = a < b ? a : b;
        break;
    case MAX:
        *v = a > b ? a : b;
        break;
    case NUMBER:
    case SYMBOL:
        break;
    }
    return ok ? WEFT_OK : WEFT_LIMIT;
}

weft_status
weft_iexpr_eval(const weft_iexpr *e, const int64_t *value_of, weft_diag *diag, int64_t *result)
{
    weft_status s = eval(e, value_of, result);
    if (s == WEFT_INVALID_INPUT)
        return weft_fail(diag, s, "an integer expression divides by zero");
    if (s != WEFT_OK)
        return weft_fail(diag, s, "an integer expression exceeds the range of 64 bits");
    return s;
}

bool
weft_iexpr_const(const weft_iexpr *e, int64_t *v)
{
    if (e->op == SYMBOL)
        return false;
    if (e->op == NUMBER)
        return eval(e, NULL, v) == WEFT_OK;
    int64_t part;
    return weft_iexpr_const(e->a, &part) && weft_iexpr_const(e->b, &part) &&
           eval(e, NULL, v) == WEFT_OK;
}

bool
weft_iexpr_mentions(const weft_iexpr *e, const bool *marked)
{
    if (e->op == SYMBOL)
        return marked[e->v];
    return e->op != NUMBER &&
           (weft_iexpr_mentions(e->a, marked) || weft_iexpr_mentions(e->b, marked));
}

/* ---- ranges ---------------------------------------------------------------------------------- */

typedef struct range {
    int64_t least, most;
} range;

/* Of the four results at the ends of a and b, which hold the extremes of an operation that is
 * monotone in each. */
static weft_status
of_ends(kind op, range a, range b, range *r)
{
    int64_t end[4], x[2] = { a.least, a.most }, y[2] = { b.least, b.most };
    for (int i = 0; i < 4; i++) {
        weft_iexpr left = { .op = NUMBER, .v = x[i / 2] }, right = { .op = NUMBER, .v = y[i % 2] };
        weft_iexpr e = { .op = op, .a = &left, .b = &right };
        weft_status s = eval(&e, NULL, &end[i]);
        if (s != WEFT_OK)
            return s;
    }
    *r = (range){ end[0], end[0] };
    for (int i = 1; i < 4; i++) {
        r->least = end[i] < r->least ? end[i] : r->least;
        r->most = end[i] > r->most ? end[i] : r->most;
    }
    return WEFT_OK;
}

/* A divisor is not 0: where it may be of either sign it is taken for a positive one, as sizes
 * are. */
static weft_status
divisor(range *b)
{
    if (b->most > 0)
        b->least = b->least > 1 ? b->least : 1;
    else if (b->least < 0)
        b->most = b->most < -1 ? b->most : -1;
    else
        return WEFT_INVALID_INPUT;
    return WEFT_OK;
}

static range
remainder_range(range a, range b)
{
    if (b.most < 0)
        return (range){ b.least + 1, 0 };
    if (a.least >= 0 && a.most < b.least)
        return a;
    range r = { 0, b.most - 1 };
    if (a.least >= 0 && a.most < r.most)
        r.most = a.most;
    return r;
}

static weft_status
range_of(const weft_iexpr *e, const int64_t *low, const int64_t *high, range *r)
{
    range a, b;
    if (e->op == NUMBER || e->op == SYMBOL) {
        *r = e->op == NUMBER ? (range){ e->v, e->v } : (range){ low[e->v], high[e->v] };
        return WEFT_OK;
    }
    weft_status s = range_of(e->a, low, high, &a);
    if (s == WEFT_OK)
        s = range_of(e->b, low, high, &b);
    if (s == WEFT_OK && (e->op == DIV || e->op == MOD))
        s = divisor(&b);
    if (s != WEFT_OK)
        return s;
    if (e->op != MOD)
        return of_ends(e->op, a, b, r);
    *r = remainder_range(a, b);
    return WEFT_OK;
}

weft_status
weft_iexpr_range(const weft_iexpr *e, const int64_t *low, const int64_t *high, weft_diag *diag,
                 int64_t *least, int64_t *most)
{
    range r = { 0 };
    weft_status s = range_of(e, low, high, &r);
    *least = r.least;
    *most = r.most;
    if (s == WEFT_INVALID_INPUT)
        return weft_fail(diag, s, "an integer expression divides by zero");
    if (s != WEFT_OK)
        return weft_fail(diag, s, "an integer expression exceeds the range of 64 bits");
    return s;
}
