/* Graphs as text in, text out. */
#include "support.h"

static const weft_graph_options none;

weft_graph *
graph_of(const char *text)
{
    weft_diag *diag = weft_diag_create();
    weft_graph *g = weft_parse_graph("test", text, diag);
    if (!g)
        fail_msg("%s", weft_diag_text(diag));
    g->diag = g->ir->diag = NULL;
    weft_diag_destroy(diag);
    return g;
}

char *
text_of(const weft_graph *g)
{
    weft_str s = { 0 };
    weft_print_graph(&s, g);
    return weft_str_take(&s);
}

static void
run(weft_graph *g, const char *passes, const weft_graph_options *options)
{
    weft_diag *diag = weft_diag_create();
    g->diag = g->ir->diag = diag;
    if (weft_run_graph_passes(g, passes, options ? options : &none) != WEFT_OK)
        fail_msg("%s", weft_diag_text(diag));
    g->diag = g->ir->diag = NULL;
    weft_diag_destroy(diag);
}

void
check_passes(const char *passes, const weft_graph_options *options, const char *before,
             const char *after)
{
    weft_graph *g = graph_of(before);
    run(g, passes, options);
    char *text = text_of(g);
    assert_string_equal(text, after);
    free(text);
    weft_graph_destroy(g);
}

void
check_error(const char *text, const char *part)
{
    weft_diag *diag = weft_diag_create();
    weft_graph *g = weft_parse_graph("test", text, diag);
    if (g)
        fail_msg("no error where '%s' is expected", part);
    if (!strstr(weft_diag_text(diag), part))
        fail_msg("'%s' is not in: %s", part, weft_diag_text(diag));
    weft_diag_destroy(diag);
}

void
check_pass_error(const char *passes, const weft_graph_options *options, const char *text,
                 const char *part)
{
    weft_diag *diag = weft_diag_create();
    weft_graph *g = graph_of(text);
    g->diag = g->ir->diag = diag;
    assert_int_not_equal(weft_run_graph_passes(g, passes, options ? options : &none), WEFT_OK);
    if (!strstr(weft_diag_text(diag), part))
        fail_msg("'%s' is not in: %s", part, weft_diag_text(diag));
    weft_graph_destroy(g);
    weft_diag_destroy(diag);
}

void
check_groups(const char *text, const weft_graph_options *options, const char *groups)
{
    weft_graph *g = graph_of(text);
    weft_str s = { 0 };
    run(g, NULL, options);
    for (int i = 0; i < g->group.n; i++)
        for (int j = 0; j < g->group.at[i]->nnode; j++)
            weft_str_addf(&s, "%s%s",
                          j   ? "+"
                          : i ? " | "
                              : "",
                          weft_op_infos[g->group.at[i]->node[j]->op].text);
    assert_string_equal(weft_str_text(&s), groups);
    weft_str_free(&s);
    weft_graph_destroy(g);
}
