/* Reading expressions: precedence climbing by the table of kinds. */
#include "ir/parse.h"

#include <math.h>
#include <string.h>

/* ---- bounded height --------------------------------------------------------------------------
 * A chain of operators nests to the left without any bracket, so depth alone does not bound what
 * recursive passes will meet: every expression that is read has its height looked at.
 */
static int
height_of(parser *p, const weft_expr *e)
{
    int64_t known = weft_map_get(p->height, &e->id, sizeof e->id);
    if (known >= 0)
        return (int)known;
    int most = 0;
    for (int i = 0; i < e->h.nargs; i++) { /* known, but for a broadcast that a builder added */
        int h = height_of(p, e->arg[i]);
        if (h > most)
            most = h;
    }
    *weft_map_slot(p->height, &e->id, sizeof e->id) = most + 1;
    return most + 1;
}

/* What a builder made at a token, or the end of the parse. */
static const weft_expr *
made(parser *p, const weft_token *at, const weft_expr *e)
{
    if (!e)
        weft_parse_refused(p, at);
    if (height_of(p, e) > MAX_HEIGHT)
        weft_parse_fail(p, at,
                        "an expression is more than %d operators deep: name a part of it "
                        "by 'let'",
                        MAX_HEIGHT);
    return e;
}

/* ---- literals -------------------------------------------------------------------------------- */

static const weft_expr *
int_literal(parser *p, const weft_token *t, bool minus)
{
    weft_dtype type = t->suffix == WEFT_DTYPE_COUNT ? WEFT_I32 : t->suffix;
    if (weft_is_float(type) || type == WEFT_BOOL)
        weft_parse_fail(p, t, "an integer literal of type %s: write %s", weft_dtype_name(type),
                        type == WEFT_BOOL ? "true or false" : "a point, as in 1.0");
    uint64_t most = (uint64_t)weft_dtype_max(type);
    if (minus)
        most = 0 - (uint64_t)weft_dtype_min(type);
    if (t->u.i > most)
        weft_parse_fail(p, t, "%s%.*s is out of the range of %s", minus ? "-" : "", (int)t->n,
                        t->text, weft_dtype_name(type));
    int64_t v = (int64_t)(minus ? 0 - t->u.i : t->u.i);
    return made(p, t, weft_int(p->ir, type, v));
}

static const weft_expr *
float_literal(parser *p, const weft_token *t, bool minus)
{
    weft_dtype type = t->suffix == WEFT_DTYPE_COUNT ? WEFT_F32 : t->suffix;
    if (!weft_is_float(type))
        weft_parse_fail(p, t, "a float literal of type %s", weft_dtype_name(type));
    return made(p, t, weft_float(p->ir, type, minus ? -t->u.f : t->u.f));
}

/* true, false, inf, nan, inf_f16, ...: NULL if the name is none of these. */
static const weft_expr *
named_literal(parser *p, const weft_token *t, bool minus)
{
    if (weft_tok_is(t, "true") || weft_tok_is(t, "false"))
        return minus ? NULL : weft_int(p->ir, WEFT_BOOL, t->text[0] == 't');
    if (t->n < 3 || (memcmp(t->text, "inf", 3) != 0 && memcmp(t->text, "nan", 3) != 0))
        return NULL;
    weft_dtype type = WEFT_F32;
    if (t->n > 3)
        type = t->text[3] == '_' ? weft_dtype_parse(t->text + 4, t->n - 4) : WEFT_DTYPE_COUNT;
    if (type == WEFT_DTYPE_COUNT || !weft_is_float(type))
        return NULL;
    double v = t->text[0] == 'n' ? (double)NAN : minus ? (double)-INFINITY : (double)INFINITY;
    return weft_float(p->ir, type, v);
}

/* A literal, with the minus before it already passed; NULL if the token is none. */
static const weft_expr *
literal(parser *p, bool minus)
{
    weft_token t = p->lex.tok;
    const weft_expr *e = NULL;
    if (t.kind == WEFT_TOK_INT)
        e = int_literal(p, &t, minus);
    else if (t.kind == WEFT_TOK_FLOAT)
        e = float_literal(p, &t, minus);
    else if (t.kind == WEFT_TOK_NAME)
        e = named_literal(p, &t, minus);
    if (e)
        weft_lex_next(&p->lex);
    return e;
}

/* ---- calls, loads, names --------------------------------------------------------------------- */

bool
weft_parse_type(const char *text, size_t n, weft_type *type)
{
    weft_dtype t = weft_dtype_parse(text, n);
    int lanes = 0, scale = 1;
    if (t != WEFT_DTYPE_COUNT) {
        *type = weft_scalar(t);
        return true;
    }
    while (n && scale < 1000 && text[n - 1] >= '0' && text[n - 1] <= '9') {
        lanes += scale * (text[--n] - '0');
        scale *= 10;
    }
    if (scale == 1 || n == 0 || text[n - 1] != 'x' || lanes < 2 || lanes > 255 || text[n] == '0')
        return false;
    t = weft_dtype_parse(text, n - 1);
    *type = (weft_type){ (uint8_t)t, (uint8_t)lanes };
    return t != WEFT_DTYPE_COUNT;
}

int
weft_parse_list(parser *p, const char *close, const weft_expr *const **at)
{
    WEFT_VEC(const weft_expr *) list = { 0 };
    if (!weft_parse_accept(p, close)) {
        do
            *WEFT_PUSH(&p->scratch, &list) = weft_parse_any(p);
        while (weft_parse_accept(p, ","));
        weft_parse_expect(p, close);
    }
    *at = list.at;
    return list.n;
}

static bool
text_is(const weft_token *t, const char *text)
{
    return strlen(text) == t->n && memcmp(t->text, text, t->n) == 0;
}

static void
want_args(parser *p, const weft_token *t, int n, int want)
{
    if (n != want)
        weft_parse_fail(p, t, "'%.*s' takes %d arguments, not %d", (int)t->n, t->text, want, n);
}

/* The last argument as a plain number. */
static int
small_number(parser *p, const weft_token *t, const weft_expr *e)
{
    int64_t v;
    if (!weft_as_int(e, &v) || v < 0 || v > 255)
        weft_parse_fail(p, t, "the last argument of '%.*s' has to be a number from 0 to 255",
                        (int)t->n, t->text);
    return (int)v;
}

static const weft_expr *
vector_call(parser *p, const weft_token *t, weft_ek kind, int n, const weft_expr *const *arg)
{
    switch (kind) {
    case WEFT_EK_RAMP:
        want_args(p, t, n, 3);
        return weft_ramp(p->ir, arg[0], arg[1], small_number(p, t, arg[2]));
    case WEFT_EK_BCAST:
        want_args(p, t, n, 2);
        return weft_bcast(p->ir, arg[0], small_number(p, t, arg[1]));
    case WEFT_EK_LANE:
        want_args(p, t, n, 2);
        return weft_lane(p->ir, arg[0], small_number(p, t, arg[1]));
    default:
        return weft_vec(p->ir, n, arg);
    }
}

static const weft_expr *
kind_call(parser *p, const weft_token *t, weft_ek kind, int n, const weft_expr *const *arg)
{
    if (weft_expr_infos[kind].form == WEFT_FORM_OWN)
        return vector_call(p, t, kind, n, arg);
    want_args(p, t, n, weft_expr_infos[kind].nargs);
    if (kind == WEFT_EK_SELECT)
        return weft_select(p->ir, arg[0], arg[1], arg[2]);
    if (kind == WEFT_EK_GUARD)
        return weft_guard(p->ir, arg[0], arg[1], arg[2]);
    return weft_binary(p->ir, kind, arg[0], arg[1]);
}

/* name(...): a kind of expression, an intrinsic, a cast. */
static const weft_expr *
call(parser *p, const weft_token *t)
{
    const weft_expr *const *arg;
    weft_type type;
    weft_parse_expect(p, "(");
    int n = weft_parse_list(p, ")", &arg);
    for (int k = 0; k < WEFT_EK_COUNT; k++) {
        const weft_expr_info *info = &weft_expr_infos[k];
        if (info->form >= WEFT_FORM_FUNC && *info->text && text_is(t, info->text))
            return made(p, t, kind_call(p, t, (weft_ek)k, n, arg));
    }
    for (int i = 0; i < WEFT_IN_COUNT; i++)
        if (text_is(t, weft_intrin_infos[i].text))
            return made(p, t, weft_intrinsic(p->ir, (weft_intrin)i, n, arg));
    if (weft_parse_type(t->text, t->n, &type)) {
        want_args(p, t, n, 1);
        return made(p, t, weft_cast_to(p->ir, type, arg[0]));
    }
    if (t->n > 5 && memcmp(t->text, "bits_", 5) == 0 &&
        weft_parse_type(t->text + 5, t->n - 5, &type)) {
        want_args(p, t, n, 1);
        return made(p, t, weft_bitcast(p->ir, type, arg[0]));
    }
    weft_parse_fail(p, t, "there is no function '%.*s'", (int)t->n, t->text);
}

static const weft_expr *
named(parser *p)
{
    weft_token t = p->lex.tok;
    const weft_expr *const *index;
    weft_lex_next(&p->lex);
    if (weft_tok_is(&p->lex.tok, "("))
        return call(p, &t);
    const parse_name *name = weft_parse_look_up(p, &t);
    if (name->var)
        return made(p, &t, weft_ref(p->ir, name->var));
    if (name->value)
        return made(p, &t, name->value);
    const weft_buf *buf = name->buf;
    if (!weft_parse_accept(p, "["))
        weft_parse_fail(p, &t, "'%.*s' is a buffer: it needs an index", (int)t.n, t.text);
    int n = weft_parse_list(p, "]", &index);
    return made(p, &t, weft_load(p->ir, buf, n, index));
}

/* ---- operators ------------------------------------------------------------------------------- */

static weft_ek
operator_of(const weft_token *t, weft_form form)
{
    int k = 0;
    if (t->kind != WEFT_TOK_PUNCT)
        return WEFT_EK_COUNT;
    while (k < WEFT_EK_COUNT &&
           (weft_expr_infos[k].form != form || !text_is(t, weft_expr_infos[k].text)))
        k++;
    return (weft_ek)k;
}

/* A sign and the bracket behind it are one level: --x is printed as -(-x), which is to be read. */
static const weft_expr *
operand(parser *p)
{
    weft_token t = p->lex.tok;
    const weft_expr *e;
    int depth = p->depth;
    weft_ek kind = operator_of(&t, WEFT_FORM_PREFIX);
    weft_parse_deeper(p);
    if (kind != WEFT_EK_COUNT) {
        weft_lex_next(&p->lex);
        p->depth -= weft_tok_is(&p->lex.tok, "(");
        e = kind == WEFT_EK_NEG ? literal(p, true) : NULL;
        if (!e)
            e = made(p, &t, weft_unary(p->ir, kind, operand(p)));
    } else if (weft_parse_accept(p, "(")) {
        e = weft_parse_any(p);
        weft_parse_expect(p, ")");
    } else if ((e = literal(p, false)) == NULL) {
        if (t.kind != WEFT_TOK_NAME || weft_name_reserved(t.text, t.n))
            weft_parse_fail(p, &t, "an expression is expected here");
        e = named(p);
    }
    p->depth = depth;
    return e;
}

static const weft_expr *
climb(parser *p, int prec)
{
    const weft_expr *left = operand(p);
    for (;;) {
        weft_token t = p->lex.tok;
        weft_ek kind = operator_of(&t, WEFT_FORM_INFIX);
        if (kind == WEFT_EK_COUNT || weft_expr_infos[kind].prec < prec)
            return left;
        weft_lex_next(&p->lex);
        const weft_expr *right = climb(p, weft_expr_infos[kind].prec + 1);
        left = made(p, &t, weft_binary(p->ir, kind, left, right));
    }
}

const weft_expr *
weft_parse_any(parser *p)
{
    return climb(p, 0);
}
