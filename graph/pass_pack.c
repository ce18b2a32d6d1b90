/* pack-weights: constant weights of contractions re-laid so that L output channels lie side by
 * side: matmul's [K, N] as [ceil(N/L), K, L], conv's [M, C, k..] as [ceil(M/L), C, k.., L], zeros
 * behind the last channel; convs of several groups if each has a whole number of L, or all have one
 * and lie in blocks.  Input channels that lie in blocks of B are put side by side next:
 * [ceil(M/L), C/B, k.., B, L].  The node says so by its attributes pack and n or out_channels.
 *
 * needs   types, weights in their last form
 * keeps   order, results; a weight is re-laid once, however many nodes read it
 */
#include "graph/passes.h"

#include <string.h>

static bool
packs(const weft_node *n, int64_t lanes)
{
    if ((n->op != WEFT_GOP_MATMUL && n->op != WEFT_GOP_CONV) || !n->in[1]->data ||
        weft_node_attr(n, "pack") || weft_dtype_bits(n->in[1]->dtype) < 8)
        return false;
    const weft_const *w = n->in[1]->data;
    if (n->op == WEFT_GOP_MATMUL)
        return w->ndim == 2 && w->dim[weft_node_int(n, "tb") ? 0 : 1] >= lanes;
    int64_t groups = weft_node_int(n, "groups");
    return w->dim[0] >= lanes &&
           (groups == 1 || w->dim[0] / groups % lanes == 0 || weft_node_attr(n, "out_block"));
}

/* How a weight lies: channel m's element i at m * stride + i * step; and in which order its
 * elements are to come: those of `block` input channels, `window` elements each, side by side. */
typedef struct relaying {
    int64_t count, inner, stride, step; /* channels, elements of each */
    int64_t block, window;
    int64_t size; /* bytes of an element */
} relaying;

static int64_t
source(const relaying *r, int64_t i)
{
    int64_t blocks = i / (r->block * r->window), in = i % (r->block * r->window);
    return (blocks * r->block + in % r->block) * r->window + in / r->block;
}

/* to[b][i][l] = channel b * lanes + l's element i. */
static void
relay(const relaying *r, char *to, const char *from, int64_t lanes)
{
    size_t size = (size_t)r->size;
    for (int64_t first = 0; first < r->count; first += lanes) {
        int64_t some = r->count - first < lanes ? r->count - first : lanes;
        for (int64_t i = 0; i < r->inner; i++, to += lanes * r->size) {
            const char *at = from + (first * r->stride + source(r, i) * r->step) * r->size;
            if (r->stride == 1)
                memcpy(to, at, (size_t)some * size);
            else
                for (int64_t l = 0; l < some; l++)
                    memcpy(to + l * r->size, at + l * r->stride * r->size, size);
        }
    }
}

/* The lanes of the blocks that a conv's weight has its input channels in; 1: none. */
static int64_t
input_block(const weft_node *n)
{
    bool single =
        n->op == WEFT_GOP_CONV && weft_node_int(n, "groups") > 1 && n->in[1]->data->dim[1] == 1;
    return weft_node_attr(n, "in_block") && !single ? weft_node_int(n, "in_block") : 1;
}

static weft_value *
packed(weft_graph *g, const weft_node *n, int64_t lanes)
{
    const weft_const *w = n->in[1]->data;
    bool columns = n->op == WEFT_GOP_MATMUL && !weft_node_int(n, "tb");
    int64_t block = input_block(n), *dim = WEFT_NEW_ARRAY(&g->ir->arena, w->ndim + 2, int64_t);
    relaying r = { .count = w->dim[columns ? 1 : 0], .block = block, .window = 1 };
    int ndim = w->ndim;
    dim[0] = weft_ceildiv(r.count, lanes);
    dim[1] = columns ? w->dim[0] : w->dim[1] / block;
    for (int i = 2; i < w->ndim; i++)
        r.window *= dim[i] = w->dim[i];
    if (block > 1)
        dim[ndim++] = block;
    dim[ndim++] = lanes;
    r.inner = r.count ? weft_const_count(w) / r.count : 0;
    r.stride = columns ? 1 : r.inner;
    r.step = columns ? r.count : 1;
    r.size = weft_dtype_bits(w->dtype) / 8;
    weft_const c = weft_const_make(g, w->dtype, ndim, dim);
    relay(&r, (char *)(uintptr_t)c.data, w->data, lanes);
    return weft_graph_constant(g, weft_arena_printf(&g->ir->arena, "%s.packed", n->in[1]->name),
                               &c);
}

static bool
pack_node(weft_sweep *s, weft_node *n, int64_t lanes, weft_map *seen, int *uses)
{
    weft_graph *g = s->g;
    const weft_value *from = n->in[1];
    bool matmul = n->op == WEFT_GOP_MATMUL;
    int64_t tb = matmul ? weft_node_int(n, "tb") : 0, no = 0,
            key[3] = { n->in[1]->id, tb, input_block(n) };
    int64_t *slot = weft_map_slot(seen, key, sizeof key);
    if (*slot < 0) {
        const weft_value *v = packed(g, n, lanes);
        if (!v)
            return false;
        *slot = v->id;
    }
    int64_t count = n->in[1]->data->dim[matmul && !tb ? 1 : 0];
    n->in[1] = g->value.at[*slot];
    if (--uses[from->id] == 0)
        weft_graph_let_go(g, from);
    if (tb)
        weft_node_set_attr(g, n, weft_attr_int("tb", &no));
    weft_node_set_attr(g, n, weft_attr_int("pack", &lanes));
    weft_node_set_attr(g, n, weft_attr_int(matmul ? "n" : "out_channels", &count));
    s->changed = true;
    return weft_graph_infer_node(g, n) == WEFT_OK;
}

weft_status
weft_pass_pack_weights(weft_graph *g, const weft_graph_options *options, bool *changed)
{
    if (options->pack_lanes <= 1)
        return WEFT_OK;
    bool ok = true;
    weft_arena scratch = { 0 };
    int *uses = weft_count_uses(g, &scratch);
    weft_sweep s = weft_sweep_start(g);
    weft_map *seen = weft_map_create(&s.scratch);
    for (int i = 0; i < s.n; i++) {
        weft_node *n = weft_sweep_take(&s, i);
        if (ok && packs(n, options->pack_lanes))
            ok = pack_node(&s, n, options->pack_lanes, seen, uses);
        weft_sweep_keep(&s, n);
    }
    *changed = weft_sweep_end(&s);
    weft_arena_reset(&scratch);
    return ok ? WEFT_OK : WEFT_INTERNAL;
}
