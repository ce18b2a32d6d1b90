/* Names in printed text: unique among those in scope, and the same whenever the same is printed. */
#include "ir/priv.h"

#include <ctype.h>
#include <string.h>

/* Words that start a statement or may follow one, and literals; every other word of the language is
 * told from a name by where it stands. */
static const char *const reserved[] = {
    "for",    "if",     "else",   "while", "let",    "alloc",  "barrier",
    "atomic", "eval",   "true",   "false", "inf",    "nan",    "allreduce",
    "shared", "global", "stride", "align", "matrix", "stages", "async",
    "prefetch", "stream", "bytes",
};

bool
weft_name_reserved(const char *text, size_t n)
{
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (strlen(reserved[i]) == n && memcmp(reserved[i], text, n) == 0)
            return true;
    /* inf_f64, nan_f16 ... are literals */
    return n > 4 && (memcmp(text, "inf_", 4) == 0 || memcmp(text, "nan_", 4) == 0) &&
           weft_dtype_parse(text + 4, n - 4) != WEFT_DTYPE_COUNT;
}

static bool
plain(unsigned char c, bool first)
{
    return c == '_' || (c < 128 && isalpha(c)) || (!first && (c == '.' || (c < 128 && isdigit(c))));
}

const char *
weft_name_escape(weft_arena *a, const char *name)
{
    if (!name || !*name)
        return "_";
    weft_str s = { 0 };
    for (const char *p = name; *p; p++) {
        if (plain((unsigned char)*p, p == name))
            weft_str_addn(&s, p, 1);
        else
            weft_str_addf(&s, "$%02x", (unsigned)(unsigned char)*p);
    }
    const char *text = weft_arena_strdup(a, s.at);
    weft_str_free(&s);
    return text;
}

static int
hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

const char *
weft_name_unescape(weft_arena *a, const char *text, size_t n)
{
    char *name = weft_arena_alloc(a, n + 1);
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] != '$') {
            name[m++] = text[i];
            continue;
        }
        if (n - i < 3 || hex(text[i + 1]) < 0 || hex(text[i + 2]) < 0)
            return NULL;
        name[m] = (char)(hex(text[i + 1]) * 16 + hex(text[i + 2]));
        if (!name[m++])
            return NULL;
        i += 2;
    }
    return name;
}

/* ---- bindings -------------------------------------------------------------------------------- */

typedef struct slot { /* of a variable or buffer, by id */
    const void *object;
    const char *text;
} slot;

typedef struct table {
    slot *at;
    uint32_t n;
} table;

typedef struct binding { /* what leaving it restores */
    slot *(*slot)(weft_names *, uint32_t id);
    uint32_t id;
    slot before;
    const char *base, *text; /* base NULL: the text is its own base */
    int64_t next;            /* the base's suffix counter before */
} binding;

struct weft_names {
    weft_arena *arena;
    table var, buf;
    weft_map *taken; /* text -> 1 while in use, else -1 or 0 */
    weft_map *next;  /* base -> the least suffix that may be free */
    WEFT_VEC(binding) stack;
};

weft_names *
weft_names_create(weft_arena *arena)
{
    weft_names *names = WEFT_NEW(arena, weft_names);
    names->arena = arena;
    names->taken = weft_map_create(arena);
    names->next = weft_map_create(arena);
    return names;
}

static slot *
slot_in(weft_names *names, table *t, uint32_t id)
{
    if (id >= t->n) {
        uint32_t n = id < 32 ? 64 : 2 * id;
        slot *at = WEFT_NEW_ARRAY(names->arena, n, slot);
        if (t->n)
            memcpy(at, t->at, t->n * sizeof *at);
        *t = (table){ at, n };
    }
    return &t->at[id];
}

static slot *
var_slot(weft_names *names, uint32_t id)
{
    return slot_in(names, &names->var, id);
}

static slot *
buf_slot(weft_names *names, uint32_t id)
{
    return slot_in(names, &names->buf, id);
}

static int64_t *
state(weft_map *m, const char *text)
{
    return weft_map_slot(m, text, strlen(text));
}

/* Picks the text of a new binding and marks it as taken. */
static void
pick(weft_names *names, binding *b, const char *name)
{
    const char *base = weft_name_escape(names->arena, name);
    b->text = base;
    if (*state(names->taken, base) == 1 || weft_name_reserved(base, strlen(base))) {
        int64_t *next = state(names->next, base);
        b->base = base;
        b->next = *next;
        int64_t i = *next < 1 ? 1 : *next;
        do
            b->text = weft_arena_printf(names->arena, "%s_%d", base, (int)i++);
        while (*state(names->taken, b->text) == 1);
        *next = i;
    }
    *state(names->taken, b->text) = 1;
}

/* keep: the binding outlives every scope. */
static const char *
bind(weft_names *names, slot *(*of)(weft_names *, uint32_t), uint32_t id, const void *object,
     const char *name, bool keep)
{
    binding b = { .slot = of, .id = id, .before = *of(names, id) };
    pick(names, &b, name);
    *of(names, id) = (slot){ object, b.text };
    if (!keep)
        *WEFT_PUSH(names->arena, &names->stack) = b;
    return b.text;
}

const char *
weft_names_bind_var(weft_names *names, const weft_var *v)
{
    return bind(names, var_slot, v->id, v, v->name, false);
}

const char *
weft_names_bind_buf(weft_names *names, const weft_buf *b)
{
    return bind(names, buf_slot, b->id, b, b->name, false);
}

int
weft_names_mark(const weft_names *names)
{
    return names->stack.n;
}

void
weft_names_leave(weft_names *names, int mark)
{
    while (names->stack.n > mark) {
        const binding *b = &names->stack.at[--names->stack.n];
        *state(names->taken, b->text) = 0;
        if (b->base)
            *state(names->next, b->base) = b->next;
        *b->slot(names, b->id) = b->before;
    }
}

const char *
weft_names_var(weft_names *names, const weft_var *v)
{
    const slot *s = var_slot(names, v->id);
    return s->object == v ? s->text : bind(names, var_slot, v->id, v, v->name, true);
}

const char *
weft_names_buf(weft_names *names, const weft_buf *b)
{
    const slot *s = buf_slot(names, b->id);
    return s->object == b ? s->text : bind(names, buf_slot, b->id, b, b->name, true);
}
