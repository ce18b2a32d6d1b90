/* graph/dominators.h: users of nodes, and immediate post-dominators. */
#ifndef WEFT_GRAPH_DOMINATORS_H
#define WEFT_GRAPH_DOMINATORS_H

#include "graph/priv.h"

typedef struct weft_dominators {
    int *first_use; /* by node id, and one more: into use */
    int *use;       /* ids of the nodes that read the node, ascending */
    int *parent;    /* immediate post-dominator; -1: none, or an output of the graph, or too far */
    int *depth;
    weft_pattern *pattern; /* the greatest of all edges between the node and its parent */
} weft_dominators;

/* Node ids are places.  Everything lives in the arena. */
weft_dominators weft_dominators_find(const weft_graph *, weft_arena *);

#endif
