/* Names of a program: identifiers, each standing for one thing, so that text needs no qualifiers.
 *
 * The map te->names holds, by name, a set of the bits below.
 */
#include "te/priv.h"

#include "ir/priv.h"

#include <ctype.h>
#include <string.h>

enum {
    SYMBOL = 1,
    TENSOR = 2,
    MADE = 4,     /* an axis made by a primitive */
    ROOT = 8,     /* an axis of some definition */
    PENDING = 16, /* an axis that no definition has taken yet */
    GLOBAL = SYMBOL | TENSOR | MADE
};

static const struct {
    int bits, clash; /* what taking the name sets; what must not be set before */
} kinds[] = {
    [WEFT_NAME_SYMBOL] = { SYMBOL, GLOBAL | ROOT | PENDING },
    [WEFT_NAME_TENSOR] = { TENSOR, GLOBAL | ROOT | PENDING },
    [WEFT_NAME_AXIS] = { ROOT | PENDING, GLOBAL | PENDING },
    [WEFT_NAME_MADE] = { MADE, GLOBAL | ROOT | PENDING },
};

static int
bits_of(const weft_te *te, const char *name)
{
    int64_t v = weft_map_get(te->names, name, strlen(name));
    return v < 0 ? 0 : (int)v;
}

const char *
weft_te_name_clash(const weft_te *te, weft_name_kind kind, const char *name)
{
    int clash = bits_of(te, name) & kinds[kind].clash;
    if (weft_name_reserved(name, strlen(name)))
        return "a word of the language";
    return clash & SYMBOL ? "a symbol" : clash & TENSOR ? "a tensor" : clash ? "an axis" : NULL;
}

const char *
weft_te_identifier(weft_te *te, const char *want)
{
    const char *lead = !want || !*want ? "t" : isdigit((unsigned char)*want) ? "_" : "";
    char *s = weft_arena_printf(&te->ir->arena, "%s%s", lead, want ? want : "");
    for (char *c = s; *c; c++)
        if (!isalnum((unsigned char)*c))
            *c = '_';
    return s;
}

const char *
weft_te_take_name(weft_te *te, weft_name_kind kind, const char *want)
{
    const char *base = weft_te_identifier(te, want), *name = base;
    for (int i = 1; weft_te_name_clash(te, kind, name); i++)
        name = weft_arena_printf(&te->ir->arena, "%s_%d", base, i);
    int64_t *slot = weft_map_slot(te->names, name, strlen(name));
    *slot = (*slot < 0 ? 0 : *slot) | kinds[kind].bits;
    return name;
}

void
weft_te_root_name(weft_te *te, const char *name)
{
    int64_t *slot = weft_map_slot(te->names, name, strlen(name));
    *slot = (*slot & ~(int64_t)MADE) | ROOT;
}

void
weft_te_settle_name(weft_te *te, const char *name)
{
    int64_t *slot = weft_map_slot(te->names, name, strlen(name));
    *slot &= ~(int64_t)PENDING;
}
