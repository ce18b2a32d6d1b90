/* graph/flops.h: how much a node computes. */
#ifndef WEFT_FLOPS_H
#define WEFT_FLOPS_H

#include "graph/graph.h"

/* Operations on elements: 2 a multiply-add of a contraction, 1 an element of an elementwise
 * operator, n of a reduction over n; 0 of what only moves.  -1: dims are symbolic. */
double weft_node_flops(const weft_node *);
/* Bytes of the whole value; -1: dims are symbolic. */
double weft_value_bytes(const weft_value *);

#endif
