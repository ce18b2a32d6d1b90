/* emu: declarations of shared memory become references to the block's copy of it:
 *
 *   alignas(16) __shared__ float A[4][8], n;
 *   typedef float weft_t_A[4][8]; static const weft_emu_array weft_a_A = { "A", ... };
 *   weft_t_A &A = weft_shared<weft_t_A>(weft_a_A); typedef float weft_t_n; ...
 */
#include "backends/emu/device_source.h"

#include <string.h>

typedef struct declaration {
    int start, end; /* tokens, the semicolon not included */
    int word;       /* "__shared__" */
    bool dynamic;   /* "extern" */
    const char *align;
    weft_str type; /* what all declarators share */
    weft_str out;
} declaration;

static char
punct(const weft_emu_text *t, int i)
{
    return t->tok.at[i].kind == LEX_PUNCT ? t->text[t->tok.at[i].at] : 0;
}

/* The first token of the statement that token i is in. */
static int
statement_start(const weft_emu_text *t, int i)
{
    int depth = 0;
    for (; i > 0; i--) {
        char ch = punct(t, i - 1);
        if (t->tok.at[i - 1].directive)
            return i;
        depth += ch == ')' || ch == ']';
        depth -= ch == '(' || ch == '[';
        if (depth < 0 || ch == ';' || ch == '{' || ch == '}')
            return i;
    }
    return i;
}

static int
statement_end(const weft_emu_text *t, int i)
{
    for (; i < t->tok.n - 1 && punct(t, i) != ';'; i++)
        if (strchr("([{", punct(t, i)) && punct(t, i))
            i = weft_emu_close(t, i) - 1;
    return i;
}

/* Metal's word is also an address space: a declaration stands in a body and points to nothing. */
static bool
declares(const weft_emu_text *t, int word, int start, int end)
{
    if (start > 0 && strchr("(,<", punct(t, start - 1)) && punct(t, start - 1))
        return false;
    for (int i = start; i < end; i++) {
        char ch = punct(t, i);
        if (ch == '=' && i < word)
            return false;
        if (ch == '*' || ch == '&' || ch == '{')
            return false;
        if (ch == '(' || ch == '[') {
            if (i < word && weft_emu_close(t, i) > word)
                return false;
            i = weft_emu_close(t, i) - 1;
        }
    }
    return true;
}

/* "alignas(16)", "__align__(16)", "__attribute__((aligned(16)))": the token behind it, or i. */
static int
take_alignment(weft_emu_text *t, int i, declaration *d)
{
    int from = i + 1, to = weft_emu_close(t, i + 1);
    if (weft_emu_is(t, i, "__attribute__") && weft_emu_is(t, i + 3, "aligned"))
        from = i + 4;
    else if (!weft_emu_is(t, i, "alignas") && !weft_emu_is(t, i, "__align__"))
        return i;
    d->align = weft_emu_words(t, from, weft_emu_close(t, from));
    return to;
}

static int
last_word(const weft_emu_text *t, int from, int to)
{
    int name = -1;
    for (int i = from; i < to && punct(t, i) != '[' && punct(t, i) != '='; i++)
        if (t->tok.at[i].kind == LEX_WORD)
            name = i;
    return name;
}

/* The words in front of the first declarator's name, less those that say where it is kept. */
static void
take_type(weft_emu_text *t, declaration *d, int name)
{
    static const char *const storage[] = { "__shared__", "threadgroup", "static", "extern" };
    for (int i = d->start; i < name; i++) {
        int next = take_alignment(t, i, d);
        bool kept = next == i;
        for (size_t k = 0; k < sizeof storage / sizeof *storage; k++)
            kept = kept && !weft_emu_is(t, i, storage[k]);
        d->dynamic = d->dynamic || weft_emu_is(t, i, "extern");
        if (kept)
            weft_str_addf(&d->type, "%s ", weft_emu_words(t, i, i + 1));
        i = next > i ? next - 1 : i;
    }
}

static void
declare_dynamic(weft_emu_text *t, declaration *d, const char *name, int line)
{
    const char *type = weft_str_text(&d->type);
    weft_str_addf(&d->out,
                  "static const weft_emu_array weft_a_%s = { \"%s\", \"%s\", %d, "
                  "weft_grain<%s>::bytes, 0, 16 }; "
                  "%s *const %s = (%s *)weft_dynamic_shared(&weft_a_%s); ",
                  name, name, t->file, line, type, type, name, type, name);
}

static void
declare_one(weft_emu_text *t, int from, int to, void *user)
{
    declaration *d = user;
    int at = last_word(t, from, to);
    if (at < 0) {
        weft_emu_refuse(t, from, "shared memory '%s' has no name", weft_emu_words(t, from, to));
        return;
    }
    const char *name = weft_emu_words(t, at, at + 1), *shape = weft_emu_words(t, at + 1, to);
    if (strchr(shape, '=') || strchr(shape, '{')) {
        weft_emu_refuse(
            t, at, "shared memory '%s' cannot have a first value; store it in the kernel", name);
        return;
    }
    if (!d->type.n)
        take_type(t, d, at);
    if (d->dynamic) {
        declare_dynamic(t, d, name, t->tok.at[at].line);
        return;
    }
    weft_str_addf(&d->out,
                  "typedef %s weft_t_%s %s; static const weft_emu_array weft_a_%s = { \"%s\", "
                  "\"%s\", %d, weft_grain<weft_t_%s>::bytes, sizeof(weft_t_%s), "
                  "weft_larger(alignof(weft_t_%s), %s) }; weft_t_%s &%s = "
                  "*(weft_t_%s *)weft_shared(&weft_a_%s); ",
                  weft_str_text(&d->type), name, shape, name, name, t->file, t->tok.at[at].line,
                  name, name, name, d->align ? d->align : "1", name, name, name, name);
}

/* Whether the token stands in a function's body: braces around it that are no namespace's. */
static bool
in_body(const weft_emu_text *t, int i)
{
    int depth = 0;
    for (; i > 0; i--) {
        depth += punct(t, i) == '}' && !t->tok.at[i].directive;
        depth -= punct(t, i) == '{' && !t->tok.at[i].directive;
        if (depth < 0 && punct(t, i - 1) == ')')
            return true;
        depth = depth < 0 ? 0 : depth;
    }
    return false;
}

static void
change_declaration(weft_emu_text *t, int word, int start, int end)
{
    declaration d = { .start = start, .end = end, .word = word };
    if (!in_body(t, word)) {
        weft_emu_refuse(t, word,
                        "'%s' stands outside of a function; emulated devices take shared memory "
                        "that the kernel's body declares",
                        weft_emu_words(t, start, end));
        return;
    }
    weft_emu_split(t, start, end, declare_one, &d);
    weft_str_addn(&d.out, "", 0);
    if (!t->status)
        weft_emu_replace(t, start, end + 1, weft_arena_strdup(t->arena, weft_str_text(&d.out)));
    weft_str_free(&d.type);
    weft_str_free(&d.out);
}

void
weft_emu_shared_arrays(weft_emu_text *t)
{
    const char *word = t->language->metal ? "threadgroup" : "__shared__";
    for (int i = 0; i < t->tok.n; i++) {
        if (!weft_emu_is(t, i, word) || t->tok.at[i].directive || t->tok.at[i].taken)
            continue;
        int start = statement_start(t, i), end = statement_end(t, i);
        if (!t->language->metal || declares(t, i, start, end))
            change_declaration(t, i, start, end);
    }
}
