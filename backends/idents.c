/* idents.c: unique identifiers by scope: base, base_1, base_2, ... */
#include "backends/idents.h"

#include <ctype.h>
#include <string.h>

static void
set(weft_map *map, const char *key, int64_t value)
{
    *weft_map_slot(map, key, strlen(key)) = value;
}

static bool
is_live(const weft_idents *names, const char *name)
{
    return weft_map_get(names->live, name, strlen(name)) == 1;
}

void
weft_idents_init(weft_idents *names, weft_arena *arena, const char *reserved)
{
    *names = (weft_idents){ .arena = arena,
                            .live = weft_map_create(arena),
                            .suffix = weft_map_create(arena) };
    while (reserved && *reserved) {
        size_t n = strcspn(reserved, " ");
        if (n)
            *weft_map_slot(names->live, reserved, n) = 1;
        reserved += n + (reserved[n] == ' ');
    }
}

/* Letters, digits and single underscores, no digit first: legal in every printed language. */
static char *
identifier(weft_arena *arena, const char *base)
{
    size_t n = strlen(base), at = 0;
    char *name = weft_arena_alloc(arena, n + 2);
    if (n == 0 || isdigit((unsigned char)base[0]))
        name[at++] = 'v';
    for (size_t i = 0; i < n; i++) {
        char ch = isalnum((unsigned char)base[i]) ? base[i] : '_';
        if (ch != '_' || at == 0 || name[at - 1] != '_')
            name[at++] = ch;
    }
    if (name[0] == '_' && at == 1)
        name[0] = 'v';
    name[at] = 0;
    return name;
}

const char *
weft_idents_add(weft_idents *names, const char *ir_name)
{
    const char *base = identifier(names->arena, ir_name), *name = base;
    int64_t before = weft_map_get(names->suffix, base, strlen(base)),
            suffix = before < 0 ? 0 : before;
    for (;; suffix++) {
        if (suffix > 0)
            name = weft_arena_printf(names->arena, "%s_%lld", base, (long long)suffix);
        if (!is_live(names, name))
            break;
    }
    set(names->live, name, 1);
    set(names->suffix, base, suffix + 1);
    *WEFT_PUSH(names->arena, &names->stack) =
        (weft_idents_entry){ base, name, before < 0 ? 0 : before };
    return name;
}

void
weft_idents_close(weft_idents *names, int mark)
{
    while (names->stack.n > mark) {
        const weft_idents_entry *e = &names->stack.at[--names->stack.n];
        set(names->live, e->name, 0);
        set(names->suffix, e->base, e->before);
    }
}
