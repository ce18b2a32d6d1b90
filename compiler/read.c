/* compiler/read.c: a model file of any format that is read, told by its content: ONNX, or the text
 * of a graph.
 */
#include "compiler/compiler.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_GRAPH_TEXT = 256 << 20 };

/* Whether a file begins, after blanks and comments, with a graph's text. */
static bool
is_graph_text(const char *path)
{
    weft_file f;
    bool is = false;
    if (weft_file_map(NULL, path, &f))
        return false;
    for (size_t i = 0; i < f.size; i++) {
        if (f.data[i] == '#')
            while (i < f.size && f.data[i] != '\n')
                i++;
        else if (!strchr(" \t\r\n", f.data[i])) {
            is = f.size - i > 6 && memcmp(f.data + i, "graph ", 6) == 0;
            break;
        }
    }
    weft_file_unmap(&f);
    return is;
}

static weft_graph *
read_text(const char *path, weft_diag *diag)
{
    char *text;
    size_t n;
    if (weft_file_read(diag, path, MAX_GRAPH_TEXT, &text, &n))
        return NULL;
    weft_graph *g = weft_parse_graph(path, text, diag);
    free(text);
    return g;
}

weft_graph *
weft_read_model(const char *path, const weft_import_options *options, weft_diag *diag)
{
    return is_graph_text(path) ? read_text(path, diag) : weft_import_onnx(path, options, diag);
}

/* ---- what a graph's text holds --------------------------------------------------------------- */

static weft_model_side
describe(weft_arena *arena, const weft_value *v, const char *name)
{
    const char **dim = WEFT_NEW_ARRAY(arena, v->ndim + 1, const char *);
    for (int d = 0; d < v->ndim; d++) {
        weft_str text = { 0 };
        weft_print_dim(&text, v->dim[d]);
        dim[d] = weft_arena_strdup(arena, weft_str_text(&text));
        weft_str_free(&text);
    }
    return (weft_model_side){
        .name = weft_arena_strdup(arena, name), .dtype = v->dtype, .ndim = v->ndim, .dim = dim
    };
}

/* In the order of their first use; the graph has no operator that weft does not have. */
static void
count_ops(const weft_graph *g, weft_arena *arena, weft_model_summary *s)
{
    int at[WEFT_GOP_COUNT] = { 0 }; /* 1 + index into s->op */
    s->op = WEFT_NEW_ARRAY(arena, WEFT_GOP_COUNT, weft_model_op);
    for (int i = 0; i < g->node.n; i++) {
        weft_op op = g->node.at[i]->op;
        if (!at[op]) {
            s->op[s->nop] =
                (weft_model_op){ .domain = "", .name = weft_op_infos[op].text, .supported = true };
            at[op] = ++s->nop;
        }
        s->op[at[op] - 1].count++;
    }
}

static void
summarize(const weft_graph *g, weft_arena *arena, weft_model_summary *s)
{
    *s = (weft_model_summary){ .format = "graph text", .nin = g->input.n, .nout = g->output.n };
    s->in = WEFT_NEW_ARRAY(arena, s->nin + 1, weft_model_side);
    s->out = WEFT_NEW_ARRAY(arena, s->nout + 1, weft_model_side);
    for (int i = 0; i < s->nin; i++)
        s->in[i] = describe(arena, g->input.at[i], g->input.at[i]->name);
    for (int i = 0; i < s->nout; i++)
        s->out[i] = describe(arena, g->output.at[i], g->output_name.at[i]);
    count_ops(g, arena, s);
    for (int i = 0; i < g->value.n; i++) {
        int64_t count;
        if (!g->value.at[i]->data || !weft_value_count(g->value.at[i], &count))
            continue;
        s->parameters += count;
        s->parameter_bytes += (int64_t)g->value.at[i]->data->size;
    }
}

weft_status
weft_inspect_model(const char *path, weft_arena *arena, weft_model_summary *s, weft_diag *diag)
{
    if (!is_graph_text(path))
        return weft_inspect_onnx(path, arena, s, diag);
    weft_graph *g = read_text(path, diag);
    if (!g)
        return weft_diag_status(diag) ? weft_diag_status(diag) : WEFT_INVALID_INPUT;
    summarize(g, arena, s);
    weft_graph_destroy(g);
    return WEFT_OK;
}
