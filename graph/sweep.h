/* graph/sweep.h: how a pass goes over a graph once, in order, and leaves another list of nodes.
 *
 *     weft_sweep s = weft_sweep_start(g);
 *     for (int i = 0; i < s.n; i++) {
 *         weft_node *n = weft_sweep_take(&s, i);     inputs are already replaced ones
 *         ... weft_graph_add(...) appends before it; then either
 *         weft_sweep_keep(&s, n);  or  weft_sweep_put(&s, n->out[0], v);
 *     }
 *     changed = weft_sweep_end(&s);                  outputs replaced, nodes numbered
 *
 * A node that is neither kept nor replaced is gone: nothing may use it.
 */
#ifndef WEFT_GRAPH_SWEEP_H
#define WEFT_GRAPH_SWEEP_H

#include "graph/priv.h"

typedef struct weft_sweep {
    weft_graph *g;
    weft_node **node; /* as they were */
    int n;
    weft_value **to; /* by id: what replaces the value; NULL: nothing */
    int nto;
    bool changed;
    weft_arena scratch;
} weft_sweep;

weft_sweep weft_sweep_start(weft_graph *);
/* Node i with its inputs replaced; nodes that are added next are in its scope. */
weft_node *weft_sweep_take(weft_sweep *, int i);
void weft_sweep_keep(weft_sweep *, weft_node *);
/* From here on `to` stands for `from`. */
void weft_sweep_put(weft_sweep *, weft_value *from, weft_value *to);
bool weft_sweep_end(weft_sweep *);
/* How often each value is used, graph outputs included, by id. */
int *weft_count_uses(const weft_graph *, weft_arena *);
/* The two change names: `v` stays, `old` goes. */
void weft_value_take_name(weft_value *v, weft_value *old);
/* Puts a node with the given inputs and attributes in place of n: named, typed and with the
 * provenance of n.  NULL after an error. */
weft_value *weft_sweep_instead(weft_sweep *, weft_node *n, weft_op, int nin, weft_value *const *in,
                               int nattr, const weft_attr *attr);

#endif
