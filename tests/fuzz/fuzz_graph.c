/* tests/fuzz/fuzz_graph.c: ONNX models and graph text: what is read prints as text that reads back
 * to the same text, is verified, and goes through the passes. */
#include "fuzz.h"
#include "compiler/compiler.h"

#include <stdlib.h>
#include <string.h>

static char *
print(const weft_graph *g)
{
    weft_str s = { 0 };
    weft_print_graph(&s, g);
    return weft_str_take(&s);
}

/* Large constants print as hashes and come back as zeros, which have another hash: the second
 * printing is the one to hold the third against. */
static void
check_text(const weft_graph *g, weft_diag *diag)
{
    char *first = print(g);
    weft_graph *again = weft_parse_graph("again", first, diag);
    if (!again)
        abort();
    char *second = print(again);
    weft_graph *third = weft_parse_graph("third", second, diag);
    if (!third)
        abort();
    char *last = print(third);
    if (strcmp(second, last) != 0)
        abort();
    free(first);
    free(second);
    free(last);
    weft_graph_destroy(again);
    weft_graph_destroy(third);
}

/* All passes but the folding of constants, which is the interpreter's work, not a reader's. */
static void
optimize(weft_graph *g)
{
    weft_graph_options options = {
        .max_range = 1 << 27, .max_alloc = 1 << 30, .pack_lanes = 8, .attention_bytes = 49152
    };
    if (weft_graph_verify(g, "reading") == WEFT_OK)
        weft_run_graph_passes(g, NULL, &options);
}

static void
read_onnx(const char *path, weft_diag *diag)
{
    weft_import_options options = { 0 };
    weft_model_summary summary;
    weft_arena arena = { 0 };
    weft_inspect_onnx(path, &arena, &summary, diag);
    weft_arena_reset(&arena);
    weft_diag *own = weft_diag_create();
    weft_graph *g = weft_import_onnx(path, &options, own);
    if (!g && !weft_diag_status(own))
        abort();
    if (g) {
        check_text(g, own);
        optimize(g);
        weft_graph_destroy(g);
    }
    weft_diag_destroy(own);
}

void
fuzz_onnx(const uint8_t *data, size_t size)
{
    fuzz_with_file(data, size, read_onnx);
}

void
fuzz_graph(const uint8_t *data, size_t size)
{
    weft_arena arena = { 0 };
    weft_diag *diag = weft_diag_create();
    weft_graph *g =
        weft_parse_graph("fuzz", weft_arena_strndup(&arena, (const char *)data, size), diag);
    if (!g && !weft_diag_status(diag))
        abort();
    if (g) {
        check_text(g, diag);
        optimize(g);
        weft_graph_destroy(g);
    }
    weft_diag_destroy(diag);
    weft_arena_reset(&arena);
}
