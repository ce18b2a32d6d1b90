/* compiler/plan_text.c: integer IR expressions in the language of a module's plan (base.h, iexpr).
 */
#include "compiler/priv.h"

#include <inttypes.h>

static void add_expr(weft_str *, const weft_expr *);

static void
add_infix(weft_str *s, const weft_expr *e)
{
    weft_str_add(s, "(");
    add_expr(s, e->arg[0]);
    weft_str_addf(s, " %s ", weft_expr_infos[e->h.kind].text);
    add_expr(s, e->arg[1]);
    weft_str_add(s, ")");
}

static void
add_func(weft_str *s, const weft_expr *e)
{
    weft_str_addf(s, "%s(", weft_expr_infos[e->h.kind].text);
    add_expr(s, e->arg[0]);
    weft_str_add(s, ", ");
    add_expr(s, e->arg[1]);
    weft_str_add(s, ")");
}

static void
add_expr(weft_str *s, const weft_expr *e)
{
    switch (e->h.kind) {
    case WEFT_EK_IMM:
        weft_str_addf(s, "%" PRIi64, e->h.u.i);
        return;
    case WEFT_EK_VAR:
        weft_str_add(s, e->h.u.var->name);
        return;
    case WEFT_EK_CAST: /* sizes are int64 in a plan whatever the kernel counts in */
        add_expr(s, e->arg[0]);
        return;
    case WEFT_EK_ADD:
    case WEFT_EK_SUB:
    case WEFT_EK_MUL:
    case WEFT_EK_FDIV:
    case WEFT_EK_FMOD:
        add_infix(s, e);
        return;
    case WEFT_EK_NEG:
        weft_str_add(s, "(0 - ");
        add_expr(s, e->arg[0]);
        weft_str_add(s, ")");
        return;
    case WEFT_EK_TDIV: /* of sizes, which are not negative: the same as floor */
        weft_str_add(s, "(");
        add_expr(s, e->arg[0]);
        weft_str_add(s, " // ");
        add_expr(s, e->arg[1]);
        weft_str_add(s, ")");
        return;
    case WEFT_EK_MIN:
    case WEFT_EK_MAX:
        add_func(s, e);
        return;
    default:
        weft_assert(false, "a size made of '%s'", weft_expr_infos[e->h.kind].name);
    }
}

const char *
weft_plan_text(weft_arena *arena, const weft_expr *e)
{
    weft_str s = { 0 };
    add_expr(&s, e);
    const char *text = weft_arena_strdup(arena, weft_str_text(&s));
    weft_str_free(&s);
    return text;
}
