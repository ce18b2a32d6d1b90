/* graph/priv.h: what the files of graph share. */
#ifndef WEFT_GRAPH_PRIV_H
#define WEFT_GRAPH_PRIV_H

#include "graph/graph.h"

/* The columns infer and te of ops.def. */
#define OP(kind, text, min, max, pattern, infer, te, layout, attrs)                                \
    weft_status weft_infer_##infer(weft_graph *, weft_node *);                                     \
    weft_status weft_te_op_##te(weft_te *, const weft_graph *, const weft_node *,                  \
                                weft_tensor *const *in, weft_tensor **out);
#include "graph/ops.def"
#undef OP

/* Tensors larger than this have no known elements. */
enum { WEFT_ELEM_LIMIT = 1024, WEFT_FLOAT_ELEM_LIMIT = 16 };

/* ---- building (graph.c) ---------------------------------------------------------------------- */
void weft_graph_set_hash(weft_graph *, const weft_const *, const char *hash);
/* The symbol of that name, or NULL. */
const weft_expr *weft_graph_find_symbol(weft_graph *, const char *name);
/* A symbol that is new: of that name, or one made from it. */
const weft_expr *weft_graph_new_symbol(weft_graph *, const char *name);
/* Checks arity and attributes, runs the row's infer, finds known elements. */
weft_status weft_graph_infer_node(weft_graph *, weft_node *);
/* "conv1 (Conv)"; in the graph's arena. */
const char *weft_node_layer(const weft_graph *, const weft_node *);
/* A copy of the node's attributes with one set or added. */
void weft_node_set_attr(weft_graph *, weft_node *, weft_attr);

/* ---- bytes of constants (bytes.c) ------------------------------------------------------------ */
typedef struct weft_bytes {
    char *at;
    size_t size;
    bool used; /* while looking for those nobody needs */
} weft_bytes;
typedef WEFT_VEC(weft_bytes) weft_blocks;
weft_blocks *weft_graph_blocks(weft_graph *); /* graph.c: the graph's own; freed with it */
/* Zeroed room that lives as long as a value of the graph points into it, or the graph. */
void *weft_graph_bytes(weft_graph *, size_t size);
/* Gives back what no value of the graph points into; `dead` are values just taken out of it. */
void weft_graph_free_bytes(weft_graph *, int ndead, weft_value *const *dead);

/* A constant that no node reads from now on: its content may leave memory before the value goes.
 * One from a mapped file may be read again. */
void weft_graph_let_go(weft_graph *, const weft_value *);

/* ---- attributes (attr.c) --------------------------------------------------------------------- */
weft_attr weft_attr_copy(weft_arena *, const weft_attr *);
/* Makes the node's attributes agree with the row's list: integers become expressions where
 * expressions are asked for; a missing, unknown or ill-typed one is an error. */
weft_status weft_attr_check(weft_graph *, weft_node *);
/* The letter of the operator's attribute in its row; NULL: it has none of that name. */
const char *weft_attr_letter(weft_op, const char *name);

/* ---- dims (dims.c) --------------------------------------------------------------------------- */
/* Whether a == b, a >= 0, a < b is certain: 1 it holds, 0 it does not, -1 not known. */
int weft_dim_equal(weft_graph *, const weft_expr *a, const weft_expr *b);
int weft_dim_at_least(weft_graph *, const weft_expr *a, int64_t least);
const weft_expr *weft_dim_ceildiv(weft_graph *, const weft_expr *, int64_t by);
/* Product of dims[from .. to-1]. */
const weft_expr *weft_dim_product(weft_graph *, const weft_expr *const *dim, int from, int to);
/* A dim in text form. */
void weft_print_dims(weft_str *, int n, const weft_expr *const *);
/* "f32[1, n]". */
void weft_print_type(weft_str *, const weft_value *);

/* ---- groups (group.c) ------------------------------------------------------------------------ */
/* Fills members, inputs and outputs of all groups from node->group; nodes in topological order. */
void weft_group_finish(weft_graph *);
/* Whether the group takes the value as an expression rather than as an input: a constant of one
 * element that is no operand of a contraction or of a user's operator. */
bool weft_group_immediate(const weft_group *, const weft_value *);
/* Whether a node may read a value: made in its scope or one around it, or yielded in one just
 * inside. */
bool weft_node_sees(const weft_graph *, const weft_node *, const weft_value *);
/* Whether the group is a node for the plan alone. */
static inline bool
weft_group_flows(const weft_group *group)
{
    return group->nnode == 1 && weft_node_flows(group->node[0]);
}

/* ---- a user's operators (custom.c) ----------------------------------------------------------- */
/* What the program of the node calls input i; in te's arena. */
const char *weft_custom_input(weft_te *te, const weft_node *, int i);
/* Whether the two are outputs of one program over the same inputs. */
bool weft_custom_siblings(const weft_node *, const weft_node *);

/* ---- inferring (infer.c) --------------------------------------------------------------------- */
/* Reports a fault of the node: its provenance and operator before the sentence, its inputs after.
 */
weft_status weft_node_fail(weft_graph *, const weft_node *, weft_status, const char *fmt, ...)
    WEFT_PRINTF(4, 5);
/* Sets the only output. */
weft_status weft_infer_out(weft_graph *, weft_node *, weft_dtype, int ndim,
                           const weft_expr *const *dim);
/* NumPy's broadcast of two shapes into `out` (max of the ranks); false: they do not fit. */
bool weft_broadcast(weft_graph *, int na, const weft_expr *const *a, int nb,
                    const weft_expr *const *b, const weft_expr **out);
/* Known elements of the output (infer_elem.c). */
void weft_infer_elem(weft_graph *, weft_node *);

#endif
