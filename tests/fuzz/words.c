/* tests/fuzz/words.c: dictionaries: the words of the tables that a format is spelled by, and the
 * words of its seeds. */
#include "fuzz.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_WORD = 24, MOST_WORDS = 600 };

static const char *const kernel_words[] = {
#define EXPR(kind, text, ...) text,
#include "ir/expr.def"
#undef EXPR
#define INTRIN(kind, text, ...) text,
#include "ir/intrin.def"
#undef INTRIN
#define DTYPE(name, text, ...) text,
#include <weft/dtype.def>
#undef DTYPE
};

static const char *const graph_words[] = {
#define OP(kind, text, least, most, pattern, infer, te, layout, attributes) text, attributes,
#include "graph/ops.def"
#undef OP
#define DTYPE(name, text, ...) text,
#include <weft/dtype.def>
#undef DTYPE
};

static const char *const onnx_words[] = {
#define ONNX(name, ...)       name,
#define LISTS(name, ...)      name,
#define RANDOM(name, ...)     name,
#define MICROSOFT(name, ...)  name,
#define REFUSED(name, reason) name,
#include "import/onnx_ops.def"
#undef ONNX
#undef LISTS
#undef RANDOM
#undef MICROSOFT
#undef REFUSED
#define OP(kind, text, least, most, pattern, infer, te, layout, attributes) attributes,
#include "graph/ops.def"
#undef OP
};

static const char *const module_words[] = {
    "alias", "at", "in_place", /* keys of where a tensor lies, few of which the seeds have */
#define FIELD(kind, field) #field,
#include "runtime/target_fields.def"
#undef FIELD
#define DTYPE(name, text, ...) text,
#include <weft/dtype.def>
#undef DTYPE
};

#define LIST(array) array, (int)(sizeof(array) / sizeof *(array))
static const struct {
    fuzz_kind kind;
    const char *const *word;
    int n;
} tables[] = {
    { FUZZ_TE, LIST(kernel_words) },        { FUZZ_WIR, LIST(kernel_words) },
    { FUZZ_GRAPH, LIST(graph_words) },      { FUZZ_ONNX, LIST(onnx_words) },
    { FUZZ_DIRECTORY, LIST(module_words) },
};

static void
add(fuzz_words *w, const char *text, size_t n)
{
    if (n < 2 || n > MOST_WORD || w->at.n >= MOST_WORDS)
        return;
    int64_t *slot = weft_map_slot(w->known, text, n);
    if (*slot < 0) {
        *slot = w->at.n;
        *WEFT_PUSH(&w->arena, &w->at) = weft_arena_strndup(&w->arena, text, n);
    }
}

/* Runs of letters, digits, '_' and '.' that begin with a letter. */
void
fuzz_words_of(fuzz_words *w, fuzz_bytes b)
{
    for (size_t i = 0, end; i < b.n; i = end + 1) {
        for (end = i; end < b.n && (isalnum(b.at[end]) || b.at[end] == '_' || b.at[end] == '.');)
            end++;
        if (end > i && isalpha(b.at[i]))
            add(w, (const char *)b.at + i, end - i);
    }
}

void
fuzz_words_begin(fuzz_words *w, const fuzz_reader *r)
{
    *w = (fuzz_words){ 0 };
    w->known = weft_map_create(&w->arena);
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (int i = 0; tables[t].kind == r->kind && i < tables[t].n; i++) {
            const char *text = tables[t].word[i];
            fuzz_bytes copy = { weft_arena_dup(&w->arena, text, strlen(text) + 1), strlen(text) };
            fuzz_words_of(w, copy);
        }
}

void
fuzz_words_write(fuzz_words *w, const char *path)
{
    weft_str s = { 0 };
    for (int i = 0; i < w->at.n; i++)
        weft_str_addf(&s, "\"%s\"\n", w->at.at[i]);
    if (s.n && weft_file_write(NULL, path, weft_str_text(&s), s.n))
        abort();
    weft_str_free(&s);
    weft_arena_reset(&w->arena);
}
