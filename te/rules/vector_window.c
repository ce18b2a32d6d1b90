/* te/rules/vector_window.c: reduce axes along which neighbours of a tile read the same places.
 *
 * The steps of a window, of a depthwise convolution or a pool, go through its input as the results
 * do: with them written out inside a tile's loops, what they have in common is loaded once. */
#include "rules/vector.h"

enum { MOST_STEPS = 16, MOST_HOP = 4 }; /* of a window; of its neighbour, in steps */

/* How far an index moves with a variable; false when not by a constant. */
static bool
stride_of(const vector_search *s, const weft_expr *index, const weft_var *v, int64_t *by)
{
    const weft_expr *stride, *rest;
    return weft_affine_in(s->r->te->ir, index, v, &stride, &rest) && weft_as_int(stride, by);
}

/* Steps of a reduce axis that take a read as far as one of the data axis does; 0: none do. */
static int64_t
hop_of(const vector_search *s, const weft_expr *load, const weft_axis *data,
       const weft_axis *reduce)
{
    int64_t hop = 0;
    for (int i = 0; i < load->h.nargs; i++) {
        int64_t far, near;
        if (!stride_of(s, load->arg[i], data->var, &far) ||
            !stride_of(s, load->arg[i], reduce->var, &near))
            return 0;
        if (far == 0 && near == 0)
            continue;
        if (near == 0 || far % near != 0 || (hop && far / near != hop))
            return 0;
        hop = far / near;
    }
    return hop > 0 && hop <= MOST_HOP ? hop : 0;
}

void
weft_vector_windows(vector_search *s)
{
    const weft_te_op *op = s->op;
    for (int i = 0; i < s->nread; i++)
        for (int k = 0; k < s->n; k++)
            for (int j = 0; j < op->nreduce; j++) {
                int64_t steps = weft_rule_extent(op->reduce[j]);
                if (steps < 2 || steps > MOST_STEPS || !s->read[i].along[s->axis[k]])
                    continue;
                int64_t hop = hop_of(s, s->read[i].load, op->axis[s->axis[k]], op->reduce[j]);
                if (hop > 0 && hop < steps)
                    *WEFT_PUSH(&s->r->scratch, &s->window) = (vector_window){
                        .read = i, .axis = k, .reduce = j, .hop = hop, .steps = steps
                    };
            }
}
