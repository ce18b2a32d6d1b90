/* Vulkan: text with SPV_KHR_cooperative_matrix where SPIRV-Tools is older
 * than it, as Debian 12's is.
 *
 * The assembler takes such instructions as numbers ("!<integer>", which it writes as it stands).
 * The validator is given the same module in the words of SPV_NV_cooperative_matrix, which it knows:
 * that tells nothing of what a matrix is for, so uses, scopes and layouts are checked here.  A
 * line stays a line. */
#include "backends/vulkan/device_priv.h"
#include "backends/vulkan/text.h"

#include <stdlib.h>
#include <string.h>

typedef struct line {
    const char *text;
    size_t size;
    const char *id, *op, **word; /* op "": there is none; behind the last word NULL */
    int n, number;
} line;

typedef struct module {
    const weft_source *source;
    weft_arena *arena;
    weft_diag *diag;
    weft_map *made; /* id -> line */
    WEFT_VEC(line) line;
    weft_status status;
} module;

/* ORDER: by opcode, SPV_KHR_cooperative_matrix */
enum { TYPE = 4456, LOAD, STORE, MULTIPLY };

/* Operands: those that have to be there, and what may follow is one mask of bits. */
static const struct {
    const char *name, *nv;
    int opcode, words;
} instructions[] = {
    { "OpTypeCooperativeMatrixKHR", "OpTypeCooperativeMatrixNV", TYPE, 5 },
    { "OpCooperativeMatrixLoadKHR", "OpCooperativeMatrixLoadNV", LOAD, 4 },
    { "OpCooperativeMatrixStoreKHR", "OpCooperativeMatrixStoreNV", STORE, 4 },
    { "OpCooperativeMatrixMulAddKHR", "OpCooperativeMatrixMulAddNV", MULTIPLY, 4 },
};

static const struct {
    const char *name;
    unsigned bit;
} bits[] = {
    { "None", 0 },
    { "MatrixASignedComponentsKHR", 1 },
    { "MatrixBSignedComponentsKHR", 2 },
    { "MatrixCSignedComponentsKHR", 4 },
    { "MatrixResultSignedComponentsKHR", 8 },
    { "SaturatingAccumulationKHR", 16 },
    { "NonPrivatePointer", 32 },
};

/* ---- reading --------------------------------------------------------------------------------- */

static const char *
next_word(weft_arena *arena, const char **at, const char *end)
{
    while (*at < end && (**at == ' ' || **at == '\t' || **at == '\r'))
        ++*at;
    const char *from = *at;
    while (*at < end && !strchr(" \t\r;", **at))
        ++*at;
    if (*at == from)
        *at = end; /* a comment */
    return weft_arena_strndup(arena, from, (size_t)(*at - from) * (*from != ';'));
}

static void
read_line(module *m, const char *text, size_t size)
{
    WEFT_VEC(const char *) word = { 0 };
    line l = { .text = text, .size = size, .op = "", .number = m->line.n + 1 };
    for (const char *at = text, *end = text + size; at < end;) {
        const char *w = next_word(m->arena, &at, end);
        if (*w)
            *WEFT_PUSH(m->arena, &word) = w;
    }
    int first = word.n > 2 && !strcmp(word.at[1], "=") ? 2 : 0;
    l.id = first ? word.at[0] : NULL;
    l.n = word.n > first ? word.n - first - 1 : 0;
    l.op = word.n > first ? word.at[first] : "";
    *WEFT_PUSH(m->arena, &word) = NULL;
    l.word = word.at + (word.n > first + 1 ? first + 1 : word.n - 1);
    if (l.id)
        *weft_map_slot(m->made, l.id, strlen(l.id)) = m->line.n;
    *WEFT_PUSH(m->arena, &m->line) = l;
}

static void
read_module(module *m)
{
    m->made = weft_map_create(m->arena);
    for (const char *at = m->source->text; *at;) {
        size_t n = strcspn(at, "\n");
        read_line(m, at, n);
        at += n + (at[n] != 0);
    }
}

static const line *
made(const module *m, const char *id)
{
    static const char *const none = NULL;
    static const line unknown = { .op = "", .word = (const char **)(uintptr_t)&none };
    int64_t at = id ? weft_map_get(m->made, id, strlen(id)) : -1;
    return at < 0 ? &unknown : &m->line.at[at];
}

/* The instruction's row, or -1. */
static int
row_of(const line *l)
{
    for (int i = 0; i < (int)(sizeof instructions / sizeof *instructions); i++)
        if (!strcmp(l->op, instructions[i].name))
            return i;
    return -1;
}

static bool
is_capability(const line *l)
{
    return !strcmp(l->op, "OpCapability") && l->n && !strcmp(l->word[0], "CooperativeMatrixKHR");
}

/* ---- checks ---------------------------------------------------------------------------------- */

static void
refuse(module *m, const line *l, const char *what)
{
    weft_place place = { .file = m->source->name,
                         .line = l->number,
                         .column = 1,
                         .source = m->source->text };
    if (!m->status)
        m->status = weft_fail_at(m->diag, WEFT_INVALID_INPUT, place, "%s: %s", l->op, what);
}

/* The number that an id is a constant of; -1: none. */
static long
constant(const module *m, const char *id)
{
    const line *l = made(m, id);
    return !strcmp(l->op, "OpConstant") && l->n == 2 ? strtol(l->word[1], NULL, 10) : -1;
}

/* What matrices of the type, or of the value's type, are for: 0 A, 1 B, 2 sums; -1: no matrix. */
static long
use_of(const module *m, const char *id)
{
    const line *l = made(m, id);
    if (row_of(l) != 0)
        l = l->n ? made(m, l->word[0]) : l;
    return row_of(l) == 0 && l->n == 5 ? constant(m, l->word[4]) : -1;
}

static void
check_type(module *m, const line *l)
{
    enum { SUBGROUP = 3, USES = 3 };
    if (constant(m, l->word[1]) != SUBGROUP)
        refuse(m, l, "the scope is no constant 3, Subgroup");
    if (constant(m, l->word[2]) < 1 || constant(m, l->word[3]) < 1)
        refuse(m, l, "rows and columns are no positive constants");
    if (constant(m, l->word[4]) < 0 || constant(m, l->word[4]) >= USES)
        refuse(m, l, "the use is no constant 0, 1 or 2");
}

static void
check_line(module *m, const line *l)
{
    int row = row_of(l);
    if (row < 0)
        return;
    if (l->n < instructions[row].words || l->n > instructions[row].words + (row > 0)) {
        refuse(m, l, "so many operands it does not have");
        return;
    }
    int opcode = instructions[row].opcode, layout = 2;
    if (opcode == TYPE)
        check_type(m, l);
    else if (opcode == MULTIPLY && (use_of(m, l->word[0]) != 2 || use_of(m, l->word[1]) != 0 ||
                                    use_of(m, l->word[2]) != 1 || use_of(m, l->word[3]) != 2))
        refuse(m, l, "a sum is of an A, a B and a sum");
    else if (opcode != MULTIPLY && use_of(m, l->word[opcode == STORE]) < 0)
        refuse(m, l, "what is moved is no matrix");
    else if (opcode != MULTIPLY && (unsigned long)constant(m, l->word[layout]) > 1)
        refuse(m, l, "the layout is no constant 0 or 1");
}

/* ---- numbers --------------------------------------------------------------------------------- */

static unsigned
mask_of(module *m, const line *l, const char *text)
{
    unsigned mask = 0;
    for (size_t n; *text; text += n + (text[n] != 0)) {
        size_t i = 0, count = sizeof bits / sizeof *bits;
        n = strcspn(text, "|");
        while (i < count && (strlen(bits[i].name) != n || memcmp(bits[i].name, text, n) != 0))
            i++;
        if (i == count)
            refuse(m, l, "this mask is not known");
        else
            mask |= bits[i].bit;
    }
    return mask;
}

static void
add_number(module *m, const line *l, int row, weft_str *out)
{
    unsigned count = 1 + (unsigned)l->n + (l->id != NULL);
    int opcode = instructions[row].opcode, first = l->id && opcode != TYPE;
    weft_str_addf(out, "!%u", count << 16 | (unsigned)opcode);
    if (first)
        weft_str_addf(out, " %s", l->word[0]);
    if (l->id)
        weft_str_addf(out, " %s", l->id);
    for (int i = first; i < l->n; i++)
        if (i < instructions[row].words)
            weft_str_addf(out, " %s", l->word[i]);
        else
            weft_str_addf(out, " !%u", mask_of(m, l, l->word[i]));
}

static void
add_as_number(module *m, const line *l, weft_str *out)
{
    enum { CAPABILITY = 6022 };
    int row = row_of(l);
    if (row >= 0)
        add_number(m, l, row, out);
    else if (is_capability(l))
        weft_str_addf(out, "OpCapability !%d", CAPABILITY);
    else
        weft_str_addn(out, l->text, l->size);
}

/* ---- the older extension --------------------------------------------------------------------- */

typedef struct older {
    weft_map *same; /* id of a type -> line of the one it becomes, where uses are not told apart */
    bool begun;     /* the section of types */
} older;

/* Types that differ in their use alone become one, the first. */
static void
find_same(module *m, older *o)
{
    weft_map *first = weft_map_create(m->arena);
    o->same = weft_map_create(m->arena);
    for (int i = 0; i < m->line.n; i++) {
        const line *l = &m->line.at[i];
        if (row_of(l) != 0 || l->n < 4 || !l->id)
            continue;
        const char *words = weft_arena_printf(m->arena, "%s %s %s %s", l->word[0], l->word[1],
                                              l->word[2], l->word[3]);
        int64_t *slot = weft_map_slot(first, words, strlen(words));
        if (*slot < 0)
            *slot = i;
        else
            *weft_map_slot(o->same, l->id, strlen(l->id)) = *slot;
    }
}

static const char *
older_name(const module *m, const older *o, const char *word)
{
    int64_t k = weft_map_get(o->same, word, strlen(word));
    const line *l = made(m, word);
    return k >= 0 ? m->line.at[k].id : !strcmp(l->op, "OpTypeBool") ? "%weft_bool" : word;
}

static void
add_words(const module *m, const older *o, const line *l, const char *op, weft_str *out)
{
    weft_str_addf(out, "%s%s%s", l->id ? l->id : "", l->id ? " = " : "", op);
    for (int i = 0; i < l->n; i++)
        weft_str_addf(out, " %s", older_name(m, o, l->word[i]));
}

static void
add_older(module *m, const older *o, const line *l, int row, weft_str *out)
{
    int opcode = instructions[row].opcode;
    line t = *l;
    t.word = WEFT_NEW_ARRAY(m->arena, l->n + 1, const char *);
    memcpy(t.word, l->word, (size_t)(l->n + 1) * sizeof *t.word);
    if (opcode == TYPE || opcode == MULTIPLY) {
        t.n = 4;
    } else {
        t.word[2] = l->word[3];
        t.word[3] = constant(m, l->word[2]) ? "%weft_true" : "%weft_false";
    }
    add_words(m, o, &t, instructions[row].nv, out);
}

static void
add_as_older(module *m, older *o, const line *l, weft_str *out)
{
    int row = row_of(l);
    bool again = l->id && weft_map_get(o->same, l->id, strlen(l->id)) >= 0;
    if (!o->begun && !strncmp(l->op, "OpType", 6)) {
        o->begun = true;
        weft_str_add(out, "%weft_bool = OpTypeBool %weft_true = OpConstantTrue %weft_bool "
                          "%weft_false = OpConstantFalse %weft_bool ");
    }
    if (again || !strcmp(l->op, "OpTypeBool"))
        return;
    if (row >= 0)
        add_older(m, o, l, row, out);
    else if (is_capability(l))
        weft_str_add(out, "OpCapability CooperativeMatrixNV");
    else if (!strcmp(l->op, "OpExtension") && l->n && strstr(l->word[0], "cooperative_matrix"))
        weft_str_add(out, "OpExtension \"SPV_NV_cooperative_matrix\"");
    else if (!*l->op || !strcmp(l->op, "OpEntryPoint"))
        weft_str_addn(out, l->text, l->size);
    else
        add_words(m, o, l, l->op, out);
}

/* ---- texts ----------------------------------------------------------------------------------- */

weft_status
weft_spirv_older_text(const weft_source *source, weft_matrix_text which, weft_str *out,
                      weft_diag *diag)
{
    weft_arena arena = { 0 };
    older o = { 0 };
    module m = { .source = source, .arena = &arena, .diag = diag };
    read_module(&m);
    find_same(&m, &o);
    for (int i = 0; i < m.line.n && !m.status; i++) {
        check_line(&m, &m.line.at[i]);
        if (!m.status && which == WEFT_MATRIX_NUMBERS)
            add_as_number(&m, &m.line.at[i], out);
        else if (!m.status)
            add_as_older(&m, &o, &m.line.at[i], out);
        weft_str_add(out, "\n");
    }
    weft_arena_reset(&arena);
    return m.status;
}
