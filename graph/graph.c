/* Graphs, values and nodes: making and naming them.
 * Attributes are in attr.c, shapes in infer*.c. */
#include "graph/priv.h"

#include "ir/priv.h"

#include <stdlib.h>
#include <string.h>

/* What a graph has beside its public face. */
typedef struct graph_impl {
    weft_graph graph;
    weft_map *name;     /* value names in use; the number is the next suffix to try */
    weft_map *symbol;   /* the model's name of a symbol: its index */
    weft_map *var_name; /* names of symbols in use, as name */
    weft_map *hash;     /* address of a weft_const: index into hashes (looked up, never walked) */
    WEFT_VEC(const char *) hashes;
    weft_blocks blocks; /* bytes of large constants that passes made */
} graph_impl;

static graph_impl *
impl_of(const weft_graph *g)
{
    return (graph_impl *)(uintptr_t)g; /* the graph is its first member */
}

weft_blocks *
weft_graph_blocks(weft_graph *g)
{
    return &impl_of(g)->blocks;
}

weft_graph *
weft_graph_create(const char *name, weft_diag *diag)
{
    graph_impl *impl = calloc(1, sizeof *impl);
    weft_assert(impl, "out of memory");
    weft_graph *g = &impl->graph;
    g->ir = weft_ir_create(diag);
    g->diag = diag;
    g->name = weft_arena_strdup(&g->ir->arena, name && *name ? name : "graph");
    g->model = "";
    *WEFT_PUSH(&g->ir->arena, &g->scope) = (weft_scope){ .kind = WEFT_SCOPE_GRAPH, .parent = -1 };
    impl->name = weft_map_create(&g->ir->arena);
    impl->symbol = weft_map_create(&g->ir->arena);
    impl->var_name = weft_map_create(&g->ir->arena);
    impl->hash = weft_map_create(&g->ir->arena);
    return g;
}

void
weft_graph_destroy(weft_graph *g)
{
    if (!g)
        return;
    if (g->release)
        g->release(g->owner);
    for (int i = 0; i < impl_of(g)->blocks.n; i++)
        free(impl_of(g)->blocks.at[i].at);
    weft_ir_destroy(g->ir);
    free(g);
}

/* ---- names ----------------------------------------------------------------------------------- */

/* `name`, or name_1, name_2 ... where it is taken; taken from now on. */
static const char *
unique_name(weft_graph *g, weft_map *taken, const char *name)
{
    int64_t *slot = weft_map_slot(taken, name, strlen(name));
    if (*slot < 0) {
        *slot = 1;
        return weft_arena_strdup(&g->ir->arena, name);
    }
    for (;;) {
        int64_t suffix = (*slot)++;
        const char *made = weft_arena_printf(&g->ir->arena, "%s_%lld", name, (long long)suffix);
        int64_t *other = weft_map_slot(taken, made, strlen(made));
        if (*other < 0) {
            *other = 1;
            return made;
        }
        slot = weft_map_slot(taken, name, strlen(name));
    }
}

/* A symbol's name ends up in kernels and plans, where it has to be an identifier. */
static const char *
identifier(weft_graph *g, const char *name)
{
    char *s = weft_arena_printf(&g->ir->arena, "%s", *name ? name : "n");
    for (char *c = s; *c; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_';
        if (!letter && !(*c >= '0' && *c <= '9'))
            *c = '_';
    }
    bool word =
        weft_name_reserved(s, strlen(s)) || weft_dtype_parse(s, strlen(s)) != WEFT_DTYPE_COUNT;
    return (*s >= '0' && *s <= '9') || word ? weft_arena_printf(&g->ir->arena, "n%s", s) : s;
}

const weft_expr *
weft_graph_symbol(weft_graph *g, const char *name)
{
    graph_impl *impl = impl_of(g);
    int64_t *slot = weft_map_slot(impl->symbol, name, strlen(name));
    if (*slot < 0) {
        *slot = g->symbol.n;
        const char *var = unique_name(g, impl->var_name, identifier(g, name));
        *WEFT_PUSH(&g->ir->arena, &g->symbol) = weft_var_make(g->ir, var, weft_scalar(WEFT_I64));
    }
    return weft_ref(g->ir, g->symbol.at[*slot]);
}

const weft_expr *
weft_graph_find_symbol(weft_graph *g, const char *name)
{
    int64_t at = weft_map_get(impl_of(g)->symbol, name, strlen(name));
    return at < 0 ? NULL : weft_ref(g->ir, g->symbol.at[at]);
}

const weft_expr *
weft_graph_new_symbol(weft_graph *g, const char *name)
{
    graph_impl *impl = impl_of(g);
    const char *base = identifier(g, name), *text = base;
    for (int i = 1; weft_map_get(impl->symbol, text, strlen(text)) >= 0 ||
                    weft_map_get(impl->var_name, text, strlen(text)) >= 0;
         i++)
        text = weft_arena_printf(&g->ir->arena, "%s_%d", base, i);
    return weft_graph_symbol(g, text);
}

const char *
weft_graph_hash(const weft_graph *g, const weft_const *c)
{
    const graph_impl *impl = impl_of(g);
    int64_t i = weft_map_get(impl->hash, &c, sizeof c);
    return i < 0 ? NULL : impl->hashes.at[i];
}

void
weft_graph_set_hash(weft_graph *g, const weft_const *c, const char *hash)
{
    graph_impl *impl = impl_of(g);
    *weft_map_slot(impl->hash, &c, sizeof c) = impl->hashes.n;
    *WEFT_PUSH(&g->ir->arena, &impl->hashes) = weft_arena_strdup(&g->ir->arena, hash);
}

/* ---- values ---------------------------------------------------------------------------------- */

/* A value without a maker; `name` is made unique. */
static weft_value *
make_value(weft_graph *g, const char *name)
{
    weft_value *v = WEFT_NEW(&g->ir->arena, weft_value);
    v->id = g->value.n;
    v->name = unique_name(g, impl_of(g)->name, name && *name ? name : "v");
    v->ndim = -1;
    *WEFT_PUSH(&g->ir->arena, &g->value) = v;
    return v;
}

static const weft_expr *const *
copy_dims(weft_graph *g, int n, const weft_expr *const *dim)
{
    return weft_arena_dup(&g->ir->arena, dim, (size_t)n * sizeof *dim);
}

weft_value *
weft_graph_input(weft_graph *g, const char *name, weft_dtype dtype, int ndim,
                 const weft_expr *const *dim)
{
    for (int i = 0; i < ndim; i++) {
        if (!dim[i])
            return NULL;
        if (weft_dim_at_least(g, dim[i], 0) == 0) {
            weft_fail(g->diag, WEFT_INVALID_INPUT, "input '%s' has a negative dimension %d", name,
                      i);
            return NULL;
        }
    }
    weft_value *v = make_value(g, name);
    v->dtype = dtype;
    v->ndim = ndim;
    v->dim = copy_dims(g, ndim, dim);
    *WEFT_PUSH(&g->ir->arena, &g->input) = v;
    return v;
}

/* The elements of a small constant as expressions: i64 of integers, f64 of floats. */
static const weft_expr *const *
elements(weft_graph *g, const weft_const *c, int64_t n)
{
    const weft_expr **elem = WEFT_NEW_ARRAY(&g->ir->arena, n, const weft_expr *);
    for (int64_t i = 0; i < n; i++)
        elem[i] = weft_is_float(c->dtype)
                      ? weft_float(g->ir, WEFT_F64, weft_get_f64(c->dtype, c->data, i))
                      : weft_dim(g, weft_get_i64(c->dtype, c->data, i));
    return elem;
}

weft_value *
weft_graph_constant(weft_graph *g, const char *name, const weft_const *c)
{
    int64_t count = 1, bytes;
    bool fits = true;
    for (int i = 0; i < c->ndim; i++)
        fits = fits && c->dim[i] >= 0 && weft_mul64(count, c->dim[i], &count);
    if (!fits || !weft_dtype_bytes(c->dtype, count, &bytes) || (uint64_t)bytes != c->size) {
        weft_fail(g->diag, WEFT_INVALID_INPUT,
                  "constant '%s' holds %zu bytes of %s, which its dimensions do not give",
                  name ? name : "", c->size, weft_dtype_name(c->dtype));
        return NULL;
    }
    weft_value *v = make_value(g, name ? name : "c");
    v->dtype = c->dtype;
    v->ndim = c->ndim;
    const weft_expr **dim = WEFT_NEW_ARRAY(&g->ir->arena, c->ndim, const weft_expr *);
    for (int i = 0; i < c->ndim; i++)
        dim[i] = weft_dim(g, c->dim[i]);
    v->dim = dim;
    weft_const *own = weft_arena_dup(&g->ir->arena, c, sizeof *c);
    own->dim = weft_arena_dup(&g->ir->arena, c->dim, (size_t)c->ndim * sizeof *c->dim);
    v->data = own;
    if (count <= (weft_is_float(c->dtype) ? WEFT_FLOAT_ELEM_LIMIT : WEFT_ELEM_LIMIT)) {
        v->elem = elements(g, c, count);
        v->nelem = count;
    }
    return v;
}

weft_value *
weft_graph_ints(weft_graph *g, const char *name, int n, const int64_t *ints)
{
    int64_t dim = n;
    size_t size = (size_t)(n < 0 ? 1 : n) * sizeof *ints;
    weft_const c = { .dtype = WEFT_I64, .ndim = n < 0 ? 0 : 1, .dim = &dim, .size = size };
    c.data = weft_arena_dup(&g->ir->arena, ints, size);
    return weft_graph_constant(g, name, &c);
}

weft_value *
weft_graph_dims(weft_graph *g, const char *name, int n, const weft_expr *const *dim)
{
    int count = n < 0 ? 1 : n;
    int64_t *ints = WEFT_NEW_ARRAY(&g->ir->arena, count, int64_t);
    bool constant = true;
    for (int i = 0; i < count; i++) {
        if (!dim[i])
            return NULL;
        constant = constant && weft_as_int(dim[i], &ints[i]);
    }
    if (constant)
        return weft_graph_ints(g, name, n, ints);
    int64_t scalar = n < 0;
    weft_attr attr[2] = { weft_attr_dims("value", count, dim), weft_attr_int("scalar", &scalar) };
    return weft_graph_add(g, WEFT_GOP_DIMS, name, "Shape", name, 0, NULL, 2, attr);
}

bool
weft_value_count(const weft_value *v, int64_t *n)
{
    *n = 1;
    for (int i = 0; i < v->ndim; i++) {
        int64_t d;
        if (!weft_as_int(v->dim[i], &d) || !weft_mul64(*n, d, n))
            return false;
    }
    return v->ndim >= 0;
}

weft_status
weft_graph_output(weft_graph *g, weft_value *v)
{
    if (!v)
        return weft_diag_status(g->diag) ? weft_diag_status(g->diag) : WEFT_INVALID_ARGUMENT;
    if (v->node && v->node->op == WEFT_GOP_READ)
        return weft_fail(g->diag, WEFT_INVALID_INPUT,
                         "output '%s' is a size that the run reads; `dims` makes it a tensor",
                         v->name);
    if (v->node && v->node->scope != 0)
        return weft_fail(g->diag, WEFT_INVALID_INPUT, "output '%s' is made in a scope", v->name);
    *WEFT_PUSH(&g->ir->arena, &g->output) = v;
    *WEFT_PUSH(&g->ir->arena, &g->output_name) = v->name;
    return WEFT_OK;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

const char *
weft_node_layer(const weft_graph *g, const weft_node *n)
{
    if (!n->kind || !*n->kind)
        return n->name;
    if (!*n->name)
        return n->kind;
    return weft_arena_printf(&g->ir->arena, "%s (%s)", n->name, n->kind);
}

static weft_node *
node_make(weft_graph *g, weft_op op, const char *name, const char *kind, int nin,
          weft_value *const *in, int nattr, const weft_attr *attr)
{
    weft_arena *arena = &g->ir->arena;
    weft_node *n = WEFT_NEW(arena, weft_node);
    n->op = op;
    n->name = name ? weft_arena_strdup(arena, name) : "";
    n->kind = kind ? weft_arena_strdup(arena, kind) : "";
    n->nin = nin;
    n->in = weft_arena_dup(arena, in, (size_t)nin * sizeof *in);
    n->nattr = nattr;
    weft_attr *own = weft_arena_dup(arena, attr, (size_t)nattr * sizeof *attr);
    for (int i = 0; i < nattr; i++)
        own[i] = weft_attr_copy(arena, &attr[i]);
    n->attr = own;
    n->group = -1;
    n->scope = g->within;
    return n;
}

weft_value *
weft_graph_add(weft_graph *g, weft_op op, const char *name, const char *kind, const char *out_name,
               int nin, weft_value *const *in, int nattr, const weft_attr *attr)
{
    weft_node *n = node_make(g, op, name, kind, nin, in, nattr, attr);
    weft_value out = { .name = out_name ? out_name : n->name, .ndim = -1, .node = n };
    weft_value *made = &out;
    n->nout = 1;
    n->out = &made; /* not in the graph before it is known to be right */
    if (weft_graph_infer_node(g, n) != WEFT_OK)
        return NULL;
    weft_value *v = make_value(g, *out.name ? out.name : weft_op_infos[op].text);
    out.id = v->id;
    out.name = v->name;
    *v = out;
    n->out = WEFT_NEW(&g->ir->arena, weft_value *);
    n->out[0] = v;
    n->id = g->node.n;
    *WEFT_PUSH(&g->ir->arena, &g->node) = n;
    return v;
}
