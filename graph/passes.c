/* The table of graph passes, in the order they run, and the runner. */
#include "graph/passes.h"

#include <string.h>

const weft_graph_pass weft_graph_passes[] = {
    { "infer", weft_pass_infer },
    { "simplify-inference", weft_pass_simplify_inference },
    { "fold-constants", weft_pass_fold_constants },
    { "clean-up", weft_pass_clean_up },
    { "common-subexpressions", weft_pass_common_subexpressions },
    { "eliminate-dead", weft_pass_eliminate_dead }, /* so that uses are counted rightly */
    { "fold-scale", weft_pass_fold_scale },
    { "float-sums", weft_pass_float_sums }, /* after scales, which would make fractions of integers */
    { "split-phases", weft_pass_split_phases }, /* after scales, which find no channel behind it */
    { "eliminate-dead", weft_pass_eliminate_dead }, /* gives back the unscaled weights */
    { "fuse-attention", weft_pass_fuse_attention }, /* before a layout is another */
    { "eliminate-dead", weft_pass_eliminate_dead },
    { "split-large", weft_pass_split_large },
    { "layout", weft_pass_layout },
    { "flat-places", weft_pass_flat_places }, /* what has no blocks */
    { "pack-weights", weft_pass_pack_weights }, /* after everything that changes weights */
    { "eliminate-dead", weft_pass_eliminate_dead },
    { "fuse", weft_pass_fuse }, /* last: groups do not survive other passes */
};
const int weft_graph_pass_count = sizeof weft_graph_passes / sizeof *weft_graph_passes;

/* A pass starts from nodes: groups would be wrong after most of them. */
static void
drop_groups(weft_graph *g)
{
    for (int i = 0; i < g->node.n && g->group.n; i++)
        g->node.at[i]->group = -1;
    g->group.n = 0;
}

static weft_status
run_one(weft_graph *g, const weft_graph_pass *pass, const weft_graph_options *options)
{
    bool changed = false;
    drop_groups(g);
    weft_status st = pass->run(g, options, &changed);
    if (st != WEFT_OK)
        return st;
    char when[64];
    snprintf(when, sizeof when, "after %s", pass->name);
    return weft_graph_verify(g, when);
}

static weft_status
run_named(weft_graph *g, const char *name, size_t n, const weft_graph_options *options)
{
    for (int i = 0; i < weft_graph_pass_count; i++)
        if (strlen(weft_graph_passes[i].name) == n &&
            memcmp(weft_graph_passes[i].name, name, n) == 0)
            return run_one(g, &weft_graph_passes[i], options);
    return weft_fail(g->diag, WEFT_INVALID_ARGUMENT, "there is no graph pass '%.*s'", (int)n, name);
}

weft_status
weft_run_graph_passes(weft_graph *g, const char *names, const weft_graph_options *options)
{
    if (!names || *names)
        drop_groups(g);
    weft_status st = weft_graph_verify(g, "before graph passes");
    g->workers = options->workers;
    for (int i = 0; !names && st == WEFT_OK && i < weft_graph_pass_count; i++)
        st = run_one(g, &weft_graph_passes[i], options);
    while (names && *names && st == WEFT_OK) {
        size_t n = strcspn(names, ",");
        if (n)
            st = run_named(g, names, n, options);
        names += n + (names[n] == ',');
    }
    return st;
}

/* ---- what several passes need ---------------------------------------------------------------- */

int64_t
weft_const_count(const weft_const *c)
{
    int64_t n = 1;
    for (int i = 0; i < c->ndim; i++)
        n *= c->dim[i];
    return n;
}

weft_const
weft_const_make(weft_graph *g, weft_dtype dtype, int ndim, const int64_t *dim)
{
    int64_t bytes;
    weft_const c = { .dtype = dtype, .ndim = ndim };
    c.dim = weft_arena_dup(&g->ir->arena, dim, (size_t)ndim * sizeof *dim);
    bool fits = weft_dtype_bytes(dtype, weft_const_count(&c), &bytes);
    weft_assert(fits, "a constant of more than 64 bits of bytes");
    c.size = (size_t)bytes;
    c.data = weft_graph_bytes(g, c.size);
    return c;
}

void
weft_node_absorb(weft_graph *g, weft_node *into, const weft_node *taken, const char *how)
{
    if (!*taken->name && !*taken->kind)
        return;
    const char *sep = *taken->kind ? ", " : "";
    into->name = weft_arena_printf(&g->ir->arena, "%s + %s (%s%s%s)", weft_node_layer(g, into),
                                   taken->name, taken->kind, sep, how);
    into->kind = "";
}

weft_value *
weft_reshaped(weft_graph *g, weft_value *v, const char *name, int ndim, const weft_expr *const *dim)
{
    if (!v->data) {
        weft_attr dims = weft_attr_dims("dims", ndim, dim);
        const weft_node *from = v->node;
        return weft_graph_add(g, WEFT_GOP_RESHAPE, from ? from->name : "", from ? from->kind : "",
                              name, 1, &v, 1, &dims);
    }
    weft_const c = *v->data;
    int64_t *size = WEFT_NEW_ARRAY(&g->ir->arena, ndim + 1, int64_t);
    for (int d = 0; d < ndim; d++)
        if (!weft_as_int(dim[d], &size[d]))
            return NULL;
    c.ndim = ndim;
    c.dim = size;
    return weft_graph_constant(g, name, &c);
}
