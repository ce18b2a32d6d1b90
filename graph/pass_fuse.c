/* fuse: puts every node into one group; a group becomes one te program.
 *
 * After TVM's operator fusion (Chen et al., OSDI 2018, section 3): a node joins its immediate
 * post-dominator with everything on the paths between, when the patterns allow it.  Union-find over
 * nodes; two phases, so that contractions take their elementwise followers before movement does.
 * Own rules: reductions and row-wise operators take elementwise followers of their shape; row-wise
 * operators and windows, which read an element several times, take cheap producers only; reshapes
 * at a group's border leave it, as memory is aliased for nothing; concatenations that are left
 * alone are had in place where they can be; outputs of a user's operator that stand
 * side by side are one group.
 *
 * needs   types, eliminate-dead before
 * keeps   results; nodes are reordered so that a group's stand together
 */
#include "graph/passes.h"
#include "graph/dominators.h"

#include <string.h>

enum {
    MAX_NODES = 256, /* of a group: bounds every search below */
    DEFAULT_BUFFERS = 31
};

typedef struct set { /* of the union-find, valid at its root */
    int parent;
    weft_pattern pattern;
    int n, first, last; /* members, a list through next */
    bool costly;        /* holds what one does not want to compute twice */
    bool slices;        /* holds slices and reshapes alone */
} set;

typedef struct fuser {
    weft_graph *g;
    weft_dominators dom;
    set *at; /* by node id */
    int *next;
    int *mark;       /* by root: the last search that met the set */
    int *seen;       /* by node id: the last search that met the node */
    int *value_mark; /* by value id */
    int search;
    int max_buffers;
    int path[MAX_NODES]; /* roots that the search met */
    int npath;
    weft_arena scratch;
} fuser;

static int
root_of(fuser *f, int i)
{
    while (f->at[i].parent != i) {
        f->at[i].parent = f->at[f->at[i].parent].parent;
        i = f->at[i].parent;
    }
    return i;
}

static int
scope_of(const fuser *f, int i)
{
    return f->g->node.at[i]->scope;
}

/* ---- cost ------------------------------------------------------------------------------------ */

/* Whether computing an element twice costs more than loading it. */
static bool
is_costly(weft_op op)
{
    switch (op) {
    case WEFT_GOP_EXP:
    case WEFT_GOP_LOG:
    case WEFT_GOP_SIN:
    case WEFT_GOP_COS:
    case WEFT_GOP_TAN:
    case WEFT_GOP_ASIN:
    case WEFT_GOP_ACOS:
    case WEFT_GOP_ATAN:
    case WEFT_GOP_SINH:
    case WEFT_GOP_COSH:
    case WEFT_GOP_TANH:
    case WEFT_GOP_ASINH:
    case WEFT_GOP_ACOSH:
    case WEFT_GOP_ATANH:
    case WEFT_GOP_ERF:
    case WEFT_GOP_POW:
    case WEFT_GOP_SIGMOID:
    case WEFT_GOP_SOFTPLUS:
    case WEFT_GOP_ELU:
    case WEFT_GOP_SELU:
    case WEFT_GOP_RESIZE:
    case WEFT_GOP_SAMPLE:
        return true;
    default:
        return weft_op_infos[op].pattern > WEFT_PAT_INJECTIVE;
    }
}

/* Whether the operator reads each element of its input more than once. */
static bool
rereads(weft_op op)
{
    switch (op) {
    case WEFT_GOP_MAX_POOL:
    case WEFT_GOP_AVG_POOL:
    case WEFT_GOP_SUM_POOL:
    case WEFT_GOP_MAX_POOL_INDEX:
    case WEFT_GOP_RESIZE_ANTIALIAS:
        return true;
    default:
        return weft_op_infos[op].pattern == WEFT_PAT_ROWWISE;
    }
}

/* ---- arguments ------------------------------------------------------------------------------- */

/* Adds what the members of the set read from outside the sets of this search. */
static int
count_inputs(fuser *f, int root, int stamp)
{
    int n = 0;
    for (int i = f->at[root].first; i >= 0; i = f->next[i]) {
        const weft_node *node = f->g->node.at[i];
        for (int j = 0; j < node->nin; j++) {
            const weft_value *v = node->in[j];
            bool inside = v && v->node && f->mark[root_of(f, v->node->id)] == stamp;
            bool immediate = v && v->data && v->nelem == 1;
            if (!v || inside || immediate || f->value_mark[v->id] == stamp)
                continue;
            f->value_mark[v->id] = stamp;
            n++;
        }
    }
    return n;
}

/* Whether the sets on the path, as one, stay below the bounds. */
static bool
fits_together(fuser *f)
{
    int stamp = ++f->search, nodes = 0, inputs = 0;
    for (int i = 0; i < f->npath; i++) {
        f->mark[f->path[i]] = stamp;
        nodes += f->at[f->path[i]].n;
    }
    if (nodes > MAX_NODES)
        return false;
    for (int i = 0; i < f->npath; i++)
        inputs += count_inputs(f, f->path[i], stamp);
    return inputs + 1 <= f->max_buffers;
}

/* ---- paths ----------------------------------------------------------------------------------- */

/* Collects the roots of everything between node and sink, both included; false if one of them,
 * other than node's, has a pattern beyond `most` (sink's: beyond `sink_most`) or is in another
 * scope, or there are too many. */
static bool
collect_path(fuser *f, int node, int sink, weft_pattern most, weft_pattern sink_most)
{
    int stamp = ++f->search, todo[MAX_NODES], ntodo = 0, sink_root = root_of(f, sink);
    int first = root_of(f, node);
    f->npath = 0;
    f->path[f->npath++] = first;
    f->mark[first] = stamp;
    todo[ntodo++] = node;
    while (ntodo) {
        int at = todo[--ntodo];
        for (int u = f->dom.first_use[at]; u < f->dom.first_use[at + 1]; u++) {
            int user = f->dom.use[u], r = root_of(f, user);
            if (f->mark[r] != stamp) {
                if (f->npath == MAX_NODES || scope_of(f, r) != scope_of(f, node) ||
                    f->at[r].pattern > (r == sink_root ? sink_most : most))
                    return false;
                f->mark[r] = stamp;
                f->path[f->npath++] = r;
            }
            if (r == sink_root || f->seen[user] == stamp)
                continue;
            f->seen[user] = stamp;
            if (ntodo == MAX_NODES)
                return false;
            todo[ntodo++] = user;
        }
    }
    return true;
}

static void
merge(fuser *f, int into, int root)
{
    set *a = &f->at[into], *b = &f->at[root];
    if (into == root)
        return;
    b->parent = into;
    a->pattern = a->pattern > b->pattern ? a->pattern : b->pattern;
    a->n += b->n;
    a->costly = a->costly || b->costly;
    a->slices = a->slices && b->slices;
    f->next[a->last] = b->first;
    a->last = b->last;
}

static bool
try_path(fuser *f, int node, int sink, weft_pattern most, weft_pattern sink_most)
{
    if (!collect_path(f, node, sink, most, sink_most) || !fits_together(f))
        return false;
    int into = root_of(f, sink);
    for (int i = 0; i < f->npath; i++)
        merge(f, into, f->path[i]);
    return true;
}

/* ---- the rules ------------------------------------------------------------------------------- */

/* Whether the sink may compute what comes into it as often as it reads it. */
static bool
takes_producer(fuser *f, const set *from, int sink, weft_pattern tree)
{
    const weft_node *n = f->g->node.at[sink];
    weft_pattern own = weft_op_infos[n->op].pattern;
    if (own == WEFT_PAT_REDUCTION || own == WEFT_PAT_ROWWISE)
        return !from->costly || !rereads(n->op);
    bool repeats = tree == WEFT_PAT_BROADCAST || n->op == WEFT_GOP_BROADCAST_TO ||
                   n->op == WEFT_GOP_GATHER || n->op == WEFT_GOP_RESIZE ||
                   n->op == WEFT_GOP_SAMPLE;
    return !repeats || !from->costly; /* an element for each of many */
}

static void
fuse_node(fuser *f, int i, int phase)
{
    int sink = f->dom.parent[i], root = root_of(f, i);
    weft_pattern tree = f->dom.pattern[i];
    const set *from = &f->at[root];
    if (sink < 0 || from->pattern == WEFT_PAT_OPAQUE || root == root_of(f, sink))
        return;
    if (from->pattern >= WEFT_PAT_REDUCTION) {
        if (phase == 0 && tree <= WEFT_PAT_ELEMWISE)
            try_path(f, i, sink, WEFT_PAT_BROADCAST, WEFT_PAT_BROADCAST);
        return;
    }
    bool sinks_whole = tree == WEFT_PAT_REDUCTION || tree == WEFT_PAT_ROWWISE;
    if (from->pattern <= WEFT_PAT_BROADCAST) {
        if ((tree <= WEFT_PAT_INJECTIVE || sinks_whole) && takes_producer(f, from, sink, tree))
            try_path(f, i, sink, WEFT_PAT_INJECTIVE, sinks_whole ? tree : WEFT_PAT_CONTRACTION);
        return;
    }
    bool rows = from->slices && from->pattern == WEFT_PAT_INJECTIVE; /* no worse than an argument */
    if (phase == 1 && tree <= WEFT_PAT_INJECTIVE && takes_producer(f, from, sink, tree))
        try_path(f, i, sink, WEFT_PAT_INJECTIVE, rows ? WEFT_PAT_CONTRACTION : WEFT_PAT_INJECTIVE);
}

static weft_pattern
pattern_of(const weft_node *n)
{
    weft_pattern p = weft_op_infos[n->op].pattern;
    return n->nin == 0 && p == WEFT_PAT_INJECTIVE ? WEFT_PAT_ELEMWISE : p;
}

/* Whether the node keeps neighbours side by side. */
static bool
is_slice(const weft_node *n)
{
    if (n->op != WEFT_GOP_SLICE)
        return weft_op_infos[n->op].pattern == WEFT_PAT_ALIAS;
    const weft_attr *steps = weft_node_attr(n, "steps");
    return n->in[0]->ndim > 0 && steps->ints[n->in[0]->ndim - 1] == 1;
}

static void
start_sets(fuser *f)
{
    int n = f->g->node.n;
    f->at = WEFT_NEW_ARRAY(&f->scratch, n, set);
    f->next = WEFT_NEW_ARRAY(&f->scratch, n, int);
    f->mark = WEFT_NEW_ARRAY(&f->scratch, n, int);
    f->seen = WEFT_NEW_ARRAY(&f->scratch, n, int);
    f->value_mark = WEFT_NEW_ARRAY(&f->scratch, f->g->value.n, int);
    for (int i = 0; i < n; i++) {
        const weft_node *node = f->g->node.at[i];
        f->at[i] = (set){ .parent = i,
                          .pattern = pattern_of(node),
                          .n = 1,
                          .first = i,
                          .last = i,
                          .costly = is_costly(node->op),
                          .slices = is_slice(node) };
        f->next[i] = -1;
    }
}

/* Outputs of one program are computed together. */
static void
join_siblings(fuser *f)
{
    for (int i = 1; i < f->g->node.n; i++)
        if (scope_of(f, i - 1) == scope_of(f, i) &&
            weft_custom_siblings(f->g->node.at[i - 1], f->g->node.at[i]))
            merge(f, root_of(f, i - 1), i);
}

/* ---- groups ---------------------------------------------------------------------------------- */

static bool
is_alias(const weft_node *n)
{
    return weft_op_infos[n->op].pattern == WEFT_PAT_ALIAS;
}

/* Takes aliases off the border: those that read from outside, then, backwards, those that only the
 * outside reads.  group[i] is any number that members share; new ones count up from *n. */
static void
peel_aliases(fuser *f, int *group, int *n)
{
    weft_graph *g = f->g;
    bool *inside =
        WEFT_NEW_ARRAY(&f->scratch, g->node.n, bool); /* a member of its group reads it */
    for (int i = 0; i < g->node.n; i++) {
        const weft_node *node = g->node.at[i];
        const weft_node *from = is_alias(node) ? node->in[0]->node : NULL;
        if (is_alias(node) && (!from || group[from->id] != group[i]))
            group[i] = (*n)++;
    }
    for (int i = g->node.n - 1; i >= 0; i--) {
        const weft_node *node = g->node.at[i];
        if (is_alias(node) && !inside[i])
            group[i] = (*n)++;
        for (int j = 0; j < node->nin; j++)
            if (node->in[j] && node->in[j]->node && group[node->in[j]->node->id] == group[i])
                inside[node->in[j]->node->id] = true;
    }
}

/* Numbers the groups by their last member, which is an order that producers come first in, and puts
 * members side by side. */
static void
order_groups(fuser *f, const int *group, int n)
{
    weft_graph *g = f->g;
    int *number = WEFT_NEW_ARRAY(&f->scratch, n, int), *last = WEFT_NEW_ARRAY(&f->scratch, n, int);
    for (int i = 0; i < g->node.n; i++)
        last[group[i]] = i;
    g->group.n = 0;
    for (int i = 0; i < g->node.n; i++)
        if (last[group[i]] == i) {
            number[group[i]] = g->group.n;
            *WEFT_PUSH(&g->ir->arena, &g->group) = WEFT_NEW(&g->ir->arena, weft_group);
        }
    int *start = WEFT_NEW_ARRAY(&f->scratch, g->group.n + 1, int);
    for (int i = 0; i < g->node.n; i++)
        start[number[group[i]] + 1]++;
    for (int i = 0; i < g->group.n; i++)
        start[i + 1] += start[i];
    weft_node **node = weft_arena_dup(&f->scratch, g->node.at, (size_t)g->node.n * sizeof *node);
    for (int i = 0; i < g->node.n; i++) {
        node[i]->group = number[group[i]];
        g->node.at[start[node[i]->group]++] = node[i];
    }
    for (int i = 0; i < g->node.n; i++)
        g->node.at[i]->id = i;
}

static void
set_patterns(weft_graph *g)
{
    for (int i = 0; i < g->group.n; i++)
        g->group.at[i]->pattern = WEFT_PAT_CONST;
    for (int i = 0; i < g->node.n; i++) {
        weft_group *group = g->group.at[g->node.at[i]->group];
        weft_pattern p = weft_op_infos[g->node.at[i]->op].pattern;
        group->pattern = group->pattern > p ? group->pattern : p;
    }
    for (int i = 0; i < g->group.n; i++)
        if (g->group.at[i]->pattern == WEFT_PAT_ALIAS && g->group.at[i]->nnode > 1)
            g->group.at[i]->pattern = WEFT_PAT_INJECTIVE;
}

weft_status
weft_pass_fuse(weft_graph *g, const weft_graph_options *options, bool *changed)
{
    fuser f = { .g = g,
                .max_buffers = options->max_buffers ? options->max_buffers : DEFAULT_BUFFERS };
    start_sets(&f);
    f.dom = weft_dominators_find(g, &f.scratch);
    join_siblings(&f);
    for (int phase = 0; phase < 2 && !options->no_fuse; phase++)
        for (int i = 0; i < g->node.n; i++)
            fuse_node(&f, i, phase);
    int n = g->node.n, *group = WEFT_NEW_ARRAY(&f.scratch, n, int);
    for (int i = 0; i < g->node.n; i++)
        group[i] = root_of(&f, i);
    int room = 3 * g->node.n; /* roots, and two peelings */
    peel_aliases(&f, group, &n);
    order_groups(&f, group, room);
    weft_group_finish(g);
    set_patterns(g);
    if (options->part_align)
        weft_place_parts(g, options->part_align);
    *changed = true;
    weft_arena_reset(&f.scratch);
    return WEFT_OK;
}
