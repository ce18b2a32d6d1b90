/* Recurrences: steps that are unrolled, or one loop. */
#include "import/ops.h"

/* Each unrolled step is kernels of its own, which know where its operands lie; a
 * loop's are compiled once and are told.  So many steps are compiled in about the time
 * that a loop's kernels take. */
enum { FEW_STEPS = 8 };

static weft_value *
carried(onnx_node *n, weft_op op, weft_value *v, weft_value *to)
{
    weft_value *in[] = { v, to };
    return weft_onnx_emit(n, op, to ? 2 : 1, in, 0, NULL);
}

weft_onnx_steps
weft_onnx_steps_over(onnx_node *n, const weft_value *x, int axis, bool reverse, int nstate,
                     weft_value **state)
{
    weft_onnx_steps s = { .n = n, .reverse = reverse, .at = -1, .nstate = nstate, .state = state };
    if (n->status != WEFT_OK)
        return s;
    s.count = x->dim[axis];
    s.loops = !weft_as_int(s.count, &s.steps) || s.steps > FEW_STEPS;
    s.part = WEFT_NEW_ARRAY(n->arena, (s.loops ? 1 : s.steps) + 1, weft_value *);
    s.carry = WEFT_NEW_ARRAY(n->arena, nstate + 1, weft_value *);
    return s;
}

static const weft_expr *
place(const weft_onnx_steps *s, const weft_expr *i)
{
    weft_graph *g = s->n->graph;
    return s->reverse ? weft_dim_op(g, WEFT_EK_SUB,
                                    weft_dim_op(g, WEFT_EK_SUB, s->count, weft_dim(g, 1)), i)
                      : i;
}

static const weft_expr *
begin_loop(weft_onnx_steps *s)
{
    for (int i = 0; i < s->nstate; i++)
        s->state[i] = s->carry[i] = carried(s->n, WEFT_GOP_CARRY, s->state[i], NULL);
    if (s->n->status != WEFT_OK)
        return NULL;
    return s->now = place(s, weft_graph_loop(s->n->graph, "step", s->count));
}

static void
end_loop(weft_onnx_steps *s)
{
    for (int i = 0; i < s->nstate; i++)
        s->state[i] = carried(s->n, WEFT_GOP_YIELD, s->state[i], s->carry[i]);
    weft_graph_leave(s->n->graph);
    for (int i = 0; i < s->nstate; i++)
        s->state[i] = carried(s->n, WEFT_GOP_RESULT, s->state[i], NULL);
    s->all = carried(s->n, WEFT_GOP_RESULT, s->part[0], NULL);
}

static void
end_steps(weft_onnx_steps *s)
{
    weft_attr axis = weft_attr_int("axis", &(int64_t){ 0 });
    s->all = s->steps == 1 ? s->part[0]
             : s->steps    ? weft_onnx_emit(s->n, WEFT_GOP_CONCAT, (int)s->steps, s->part, 1, &axis)
                           : NULL;
}

const weft_expr *
weft_onnx_next_step(weft_onnx_steps *s)
{
    s->at++;
    if (s->n->status == WEFT_OK && s->loops && s->at == 0)
        return begin_loop(s);
    if (s->n->status == WEFT_OK && !s->loops && s->at < s->steps)
        return s->now = place(s, weft_dim(s->n->graph, s->at));
    if (s->loops && s->at == 1)
        end_loop(s);
    else if (!s->loops && s->n->status == WEFT_OK)
        end_steps(s);
    return NULL;
}

void
weft_onnx_step_gives(weft_onnx_steps *s, weft_value *v)
{
    int64_t t;
    weft_attr attr[] = { weft_attr_dims("at", 1, &s->now), weft_attr_dims("size", 1, &s->count) };
    if (!v || s->n->status != WEFT_OK)
        return;
    if (s->loops) {
        s->part[0] = weft_onnx_emit(s->n, WEFT_GOP_STACK, 1, &v, 2, attr);
        return;
    }
    const weft_expr **dim = WEFT_NEW_ARRAY(s->n->arena, v->ndim + 1, const weft_expr *);
    dim[0] = weft_dim(s->n->graph, 1);
    for (int i = 0; i < v->ndim; i++)
        dim[i + 1] = v->dim[i];
    if (weft_as_int(s->now, &t))
        s->part[t] = weft_onnx_reshape(s->n, v, v->ndim + 1, dim);
}
