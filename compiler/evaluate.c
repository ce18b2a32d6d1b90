/* compiler/evaluate.c: a node of constants becomes a constant: its te program, unscheduled, run by
 * the reference interpreter.
 */
#include "compiler/compiler.h"
#include "ir/interp.h"
#include "rules/rules.h"

#include <stdlib.h>
#include <string.h>

/* Of folding.  Seconds of work; a node that needs more is left to the device. */
static const weft_evaluate_effort little = { .threads = 1, .max_steps = 1 << 28 };

/* Whether the operator's own expressions have no symbol. */
static bool
is_constant(const weft_node *node)
{
    int64_t v;
    for (int i = 0; i < node->nattr; i++)
        for (int k = 0; node->attr[i].kind == WEFT_ATTR_DIMS && k < node->attr[i].n; k++)
            if (!weft_as_int(node->attr[i].dims[k], &v))
                return false;
    return true;
}

/* The node's te program over placeholders of the constants' shapes; NULL after an error. */
static weft_te *
node_program(const weft_graph *graph, const weft_node *node, weft_diag *diag)
{
    weft_te *te = weft_te_create(weft_op_infos[node->op].text, diag);
    weft_ir *ir = weft_te_ir(te);
    weft_tensor **in = WEFT_NEW_ARRAY(&ir->arena, node->nin + 1, weft_tensor *);
    weft_tensor **out = WEFT_NEW_ARRAY(&ir->arena, node->nout + 1, weft_tensor *);
    for (int i = 0; i < node->nin; i++) {
        const weft_value *v = node->in[i];
        if (!v)
            continue;
        const weft_expr **shape = WEFT_NEW_ARRAY(&ir->arena, v->data->ndim + 1, const weft_expr *);
        for (int d = 0; d < v->data->ndim; d++)
            shape[d] =
                weft_int(ir, v->data->dim[d] > INT32_MAX ? WEFT_I64 : WEFT_I32, v->data->dim[d]);
        in[i] = weft_te_input(te, "x", v->data->dtype, v->data->ndim, shape);
    }
    weft_status status = weft_op_infos[node->op].te(te, graph, node, in, out);
    for (int i = 0; i < node->nout && !status; i++)
        status = weft_te_output(te, out[i]);
    if (!status)
        return te;
    weft_te_destroy(te);
    return NULL;
}

/* Memory for every slot of the lowered program: inputs borrowed, outputs and work owned by `arena`.
 */
typedef struct slots {
    void **work;
    int64_t *work_count;
    weft_const *out;
    const weft_node *node;
    int *input_of; /* te input -> node input */
} slots;

const void *
weft_aligned(const weft_const *c, weft_arena *arena)
{
    int64_t bytes = weft_dtype_bits(c->dtype) / 8;
    if (bytes < 2 || (uintptr_t)c->data % (uintptr_t)bytes == 0)
        return c->data;
    void *copy = weft_arena_try_alloc(arena, c->size);
    if (copy)
        memcpy(copy, c->data, c->size);
    return copy;
}

static weft_interp_buffer
slot_buffer(const slots *s, weft_slot slot, weft_arena *arena)
{
    if (slot.kind == WEFT_SLOT_WORK)
        return (weft_interp_buffer){ s->work[slot.index], s->work_count[slot.index], true, false };
    const weft_const *c = slot.kind == WEFT_SLOT_OUTPUT
                              ? &s->out[slot.index]
                              : s->node->in[s->input_of[slot.index]]->data;
    int64_t count = 1;
    for (int d = 0; d < c->ndim; d++)
        count *= c->dim[d];
    return (weft_interp_buffer){ (void *)(uintptr_t)weft_aligned(c, arena), count, true, false };
}

static bool
buffer_count(const weft_buf *buf, int64_t *count)
{
    int64_t n = 1;
    for (int d = 0; d < buf->ndim; d++) {
        int64_t extent;
        if (!weft_as_int(buf->shape[d], &extent) || !weft_mul64(n, extent, &n))
            return false;
    }
    *count = n;
    return true;
}

static weft_status
run_kernels(const weft_lowered *lowered, const slots *s, const weft_evaluate_effort *effort,
            weft_arena *arena, weft_diag *diag)
{
    for (int k = 0; k < lowered->nkernel; k++) {
        const weft_kernel *kernel = lowered->kernel[k];
        weft_interp_buffer *buffer = WEFT_NEW_ARRAY(arena, kernel->nparam + 1, weft_interp_buffer);
        for (int i = 0; i < kernel->nparam; i++) {
            buffer[i] = slot_buffer(s, lowered->slot[k][i], arena);
            if (!buffer[i].data && buffer[i].count)
                return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a copy of a constant");
        }
        weft_interp_options options = { .threads = effort->threads,
                                        .max_steps = effort->max_steps };
        weft_interp *interp = weft_interp_create(kernel, &options, diag);
        weft_status status = interp ? weft_interp_run(interp, buffer, NULL, diag) : WEFT_INTERNAL;
        weft_interp_destroy(interp);
        if (status)
            return status;
    }
    return WEFT_OK;
}

static weft_status
allocate(const weft_lowered *lowered, slots *s, weft_arena *arena, weft_diag *diag)
{
    s->work = WEFT_NEW_ARRAY(arena, lowered->nwork + 1, void *);
    s->work_count = WEFT_NEW_ARRAY(arena, lowered->nwork + 1, int64_t);
    for (int i = 0; i < lowered->nwork; i++) {
        int64_t bytes;
        if (!buffer_count(lowered->work[i], &s->work_count[i]) ||
            !weft_dtype_bytes(lowered->work[i]->dtype, s->work_count[i], &bytes))
            return weft_fail(diag, WEFT_UNSUPPORTED, "constant folding of a symbolic workspace");
        s->work[i] = weft_arena_try_alloc(arena, (size_t)bytes);
        if (!s->work[i])
            return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a workspace of %lld bytes",
                             (long long)bytes);
    }
    return WEFT_OK;
}

/* out's dtype, dims and zeroed bytes in the graph's arena. */
static weft_status
prepare_output(weft_graph *graph, const weft_value *v, weft_const *out, weft_diag *diag)
{
    int64_t *dim = WEFT_NEW_ARRAY(&graph->ir->arena, v->ndim + 1, int64_t);
    int64_t count = 1, bytes;
    for (int d = 0; d < v->ndim; d++)
        if (!weft_as_int(v->dim[d], &dim[d]) || !weft_mul64(count, dim[d], &count))
            return weft_fail(diag, WEFT_UNSUPPORTED,
                             "constant folding of '%s', whose shape is symbolic", v->name);
    if (!weft_dtype_bytes(v->dtype, count, &bytes))
        return weft_fail(diag, WEFT_LIMIT, "'%s' has more bytes than can be counted", v->name);
    *out = (weft_const){ .dtype = v->dtype,
                         .ndim = v->ndim,
                         .dim = dim,
                         .data = weft_arena_alloc(&graph->ir->arena, (size_t)bytes),
                         .size = (size_t)bytes };
    return WEFT_OK;
}

weft_status
weft_evaluate_node(void *user, weft_graph *graph, const weft_node *node, weft_const *out,
                   weft_diag *diag)
{
    const weft_evaluate_effort *effort = user ? user : &little;
    weft_target reference = { .api = WEFT_API_INTERP, .cls = WEFT_CLASS_REFERENCE };
    weft_arena scratch = { 0 };
    weft_lowered lowered = { 0 };
    slots s = { .out = out,
                .node = node,
                .input_of = WEFT_NEW_ARRAY(&scratch, node->nin + 1, int) };
    int n = 0;
    for (int i = 0; i < node->nin; i++)
        if (node->in[i])
            s.input_of[n++] = i;
    weft_te *te = is_constant(node) ? node_program(graph, node, diag) : NULL;
    weft_status status = te ? WEFT_OK : WEFT_UNSUPPORTED;
    for (int i = 0; i < node->nout && !status; i++)
        status = prepare_output(graph, node->out[i], &out[i], diag);
    if (!status)
        status = weft_schedule_default(te, &reference, diag);
    if (!status)
        status = weft_lower_te(te, &lowered, diag);
    if (!status)
        status = allocate(&lowered, &s, &scratch, diag);
    if (!status)
        status = run_kernels(&lowered, &s, effort, &scratch, diag);
    if (te)
        weft_te_destroy(te);
    weft_arena_reset(&scratch);
    return status;
}
