/* sites_spirv.c: places for faults in SPIR-V text.
 *
 *   barrier   an OpControlBarrier goes
 *   index     one is added to the last index of an access chain, or taken from it
 *   tiles     an access chain begins at another variable of the same type
 *   guard     a selection always takes its first branch; a comparison that a selection or OpSelect
 *             asks takes in one more
 *   initial   a constant that is stored, or that a phi of a float begins with, is another
 */
#include "mutate.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 8 };

typedef struct line { /* "%id = OpCode word.." */
    size_t at, end;
    const char *id, *op, *word[MAX_WORDS];
    size_t word_at[MAX_WORDS]; /* where each stands in the text */
    int nword;
} line;

typedef struct scan {
    mutants *m;
    const char *text;
    size_t function; /* where constants may be put: the line of OpFunction */
    weft_map *ids;
    WEFT_VEC(line) lines;
} scan;

static void
read_line(scan *s, size_t from, size_t to)
{
    line l = { .at = from, .end = to };
    size_t i = from;
    bool named = false;
    while (i < to) {
        while (i < to && s->text[i] == ' ')
            i++;
        size_t start = i;
        while (i < to && s->text[i] != ' ')
            i++;
        if (i == start)
            break;
        const char *word = weft_arena_strndup(&s->m->arena, s->text + start, i - start);
        if (!l.op && !named && word[0] == '%') {
            l.id = word;
            named = true;
        } else if (!l.op && !strcmp(word, "=")) {
            continue;
        } else if (!l.op) {
            l.op = word;
        } else if (l.nword < MAX_WORDS) {
            l.word_at[l.nword] = start;
            l.word[l.nword++] = word;
        }
    }
    if (!l.op)
        return;
    if (l.id)
        *weft_map_slot(s->ids, l.id, strlen(l.id)) = s->lines.n;
    *WEFT_PUSH(&s->m->arena, &s->lines) = l;
}

static const line *
defined(const scan *s, const char *id)
{
    int64_t i = weft_map_get(s->ids, id, strlen(id));
    return i < 0 ? NULL : &s->lines.at[i];
}

static bool
is_op(const line *l, const char *op)
{
    return l && !strcmp(l->op, op);
}

/* ---- faults ---------------------------------------------------------------------------------- */

/* A word of a line becomes another; `before` goes ahead of the function, `above` of the line. */
static void
change(scan *s, fault_kind fault, const line *l, int word, const char *is, const char *before,
       const char *above)
{
    edit e[3] = { { s->function, s->function, before },
                  { l->at, l->at, above },
                  { l->word_at[word], l->word_at[word] + strlen(l->word[word]), is } };
    mutants_add(s->m, fault, s->text, e, 3);
}

static void
index_site(scan *s, const line *l)
{
    int last = l->nword - 1;
    const line *index = last >= 2 ? defined(s, l->word[last]) : NULL;
    if (!index || index->nword < 1)
        return;
    const char *type = index->word[0];
    bool plus = s->m->count[INDEX] % 2 == 0;
    change(s, INDEX, l, last, "%mutant_index",
           weft_arena_printf(&s->m->arena, "%%mutant_one = OpConstant %s 1\n", type),
           weft_arena_printf(&s->m->arena, "%%mutant_index = Op%s %s %s %%mutant_one\n",
                             plus ? "IAdd" : "ISub", type, l->word[last]));
}

static void
tiles_site(scan *s, const line *l)
{
    const line *base = defined(s, l->word[1]);
    if (!is_op(base, "OpVariable"))
        return;
    bool after = false;
    const line *other = NULL;
    for (int i = 0; i < s->lines.n; i++) {
        const line *x = &s->lines.at[i];
        bool fits = x != base && is_op(x, "OpVariable") && !strcmp(x->word[0], base->word[0]);
        if (fits && (!other || after)) {
            other = x;
            if (after)
                break;
        }
        after = after || x == base;
    }
    if (other)
        change(s, TILES, l, 1, other->id, "", "");
}

static void
weaken(scan *s, const line *l)
{
    static const char *const ops[][2] = { { "OpSLessThan", "OpSLessThanEqual" },
                                          { "OpULessThan", "OpULessThanEqual" },
                                          { "OpSGreaterThan", "OpSGreaterThanEqual" },
                                          { "OpIEqual", "OpSGreaterThanEqual" } };
    if (is_op(l, "OpLogicalAnd")) {
        weaken(s, defined(s, l->word[1]));
        weaken(s, defined(s, l->word[2]));
        return;
    }
    for (size_t i = 0; l && i < sizeof ops / sizeof *ops; i++)
        if (is_op(l, ops[i][0])) {
            size_t at = l->word_at[0] - 1 - strlen(l->op);
            edit e = { at, at + strlen(l->op), ops[i][1] };
            mutants_add(s->m, GUARD, s->text, &e, 1);
        }
}

static void
guard_site(scan *s, const line *merge, const line *branch)
{
    if (!is_op(merge, "OpSelectionMerge") || !is_op(branch, "OpBranchConditional"))
        return;
    change(s, GUARD, branch, 0, "%mutant_true", "%mutant_true = OpConstantTrue %bool\n", "");
    weaken(s, defined(s, branch->word[0]));
}

/* Whether a select's arms hold what was loaded: a guarded load. */
static bool
guards_load(const scan *s, const line *l)
{
    return is_op(defined(s, l->word[2]), "OpLoad") || is_op(defined(s, l->word[3]), "OpLoad");
}

static void
initial_site(scan *s, const line *l, int word)
{
    const line *c = defined(s, l->word[word]);
    const line *type = is_op(c, "OpConstant") ? defined(s, c->word[0]) : NULL;
    if (!type || (is_op(l, "OpPhi") && !is_op(type, "OpTypeFloat")))
        return;
    bool zero = strtod(c->word[1], NULL) == 0;
    change(s, INITIAL, l, word, "%mutant_value",
           weft_arena_printf(&s->m->arena, "%%mutant_value = OpConstant %s %s\n", c->word[0],
                             zero ? "1" : "0"),
           "");
}

void
find_sites_spirv(mutants *m, const char *text)
{
    scan s = { .m = m, .text = text, .ids = weft_map_create(&m->arena) };
    int start = -1;
    for (size_t from = 0, to; text[from]; from = to + (text[to] == '\n')) {
        to = from + strcspn(text + from, "\n");
        read_line(&s, from, to);
        if (start < 0 && s.lines.n && is_op(&s.lines.at[s.lines.n - 1], "OpFunction")) {
            start = s.lines.n;
            s.function = from;
        }
    }
    for (int i = start; i >= 0 && i < s.lines.n; i++) {
        const line *l = &s.lines.at[i];
        if (is_op(l, "OpControlBarrier"))
            mutants_add(m, BARRIER, text, &(edit){ l->at, l->end, "" }, 1);
        if (is_op(l, "OpAccessChain")) {
            index_site(&s, l);
            tiles_site(&s, l);
        }
        if (is_op(l, "OpSelectionMerge") && i + 1 < s.lines.n)
            guard_site(&s, l, &s.lines.at[i + 1]);
        if (is_op(l, "OpSelect") && guards_load(&s, l))
            weaken(&s, defined(&s, l->word[1]));
        if (is_op(l, "OpStore"))
            initial_site(&s, l, 1);
        for (int k = 1; k < l->nword && is_op(l, "OpPhi"); k += 2)
            initial_site(&s, l, k);
    }
}
