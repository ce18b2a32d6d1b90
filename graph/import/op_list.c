/* Importers of sequences and optionals: lists of values that are known while the model is read. */
#include "import/ops.h"

#include <string.h>

enum { MAX_LIST = 1 << 16 };

static const onnx_list *
make_list(onnx_node *n, bool optional, int count, const onnx_slot *at)
{
    onnx_list *list = WEFT_NEW(n->arena, onnx_list);
    *list = (onnx_list){ optional, count,
                         weft_arena_dup(n->arena, at, (size_t)count * sizeof *at) };
    return list;
}

static void
give_list(onnx_node *n, int i, bool optional, int count, const onnx_slot *at)
{
    if (n->status == WEFT_OK)
        weft_onnx_set_slot(n, i, (onnx_slot){ .list = make_list(n, optional, count, at) });
}

/* Input i as a sequence, that of an optional too; NULL after a fault. */
static const onnx_list *
sequence_in(onnx_node *n, int i)
{
    const onnx_list *list = weft_onnx_slot(n, i).list;
    if (list && list->optional && list->n)
        list = list->at[0].list;
    if (n->status == WEFT_OK && (!list || list->optional))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "input %d has to be a sequence", i);
    return n->status == WEFT_OK ? list : NULL;
}

/* Input i as a place from 0 to count - 1 (or count, when `end`); `absent` where there is none. */
static int
position(onnx_node *n, int i, int count, bool end, int absent)
{
    int ndim;
    const int64_t *at = weft_onnx_in_ints(n, i, &ndim);
    if (!at || n->status != WEFT_OK)
        return absent;
    int64_t v = ndim == 1 && at[0] < 0 ? at[0] + count : at[0];
    if (ndim == 1 && v >= 0 && v < count + end)
        return (int)v;
    weft_onnx_fail(n, WEFT_INVALID_INPUT, "position %lld in a sequence of %d",
                   (long long)(ndim ? at[0] : 0), count);
    return absent;
}

/* ---- making and taking apart ----------------------------------------------------------------- */

void
weft_onnx_import_sequence_empty(onnx_node *n)
{
    weft_onnx_ignore(n, "dtype");
    give_list(n, 0, false, 0, NULL);
}

void
weft_onnx_import_sequence_construct(onnx_node *n)
{
    onnx_slot *at = WEFT_NEW_ARRAY(n->arena, n->nin + 1, onnx_slot);
    for (int i = 0; i < n->nin; i++) {
        at[i] = weft_onnx_slot(n, i);
        if (!at[i].value)
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "input %d has to be a tensor", i);
    }
    give_list(n, 0, false, n->nin, at);
}

void
weft_onnx_import_sequence_at(onnx_node *n)
{
    const onnx_list *list = sequence_in(n, 0);
    int at = list ? position(n, 1, list->n, false, -1) : -1;
    if (n->status == WEFT_OK && at < 0)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "input 1, the position, is missing");
    if (n->status == WEFT_OK)
        weft_onnx_set_slot(n, 0, list->at[at]);
}

void
weft_onnx_import_sequence_length(onnx_node *n)
{
    const onnx_list *list = sequence_in(n, 0);
    const weft_expr *length = list ? weft_dim(n->graph, list->n) : NULL;
    if (list)
        weft_onnx_set(
            n, 0, weft_onnx_made(n, weft_graph_dims(n->graph, n->proto->output[0], -1, &length)));
}

void
weft_onnx_import_sequence_erase(onnx_node *n)
{
    const onnx_list *list = sequence_in(n, 0);
    int at = list ? position(n, 1, list->n, false, list->n - 1) : 0;
    if (list && list->n == 0)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "the sequence is empty");
    if (!list || n->status != WEFT_OK)
        return;
    onnx_slot *rest = WEFT_NEW_ARRAY(n->arena, list->n, onnx_slot);
    for (int i = 0, k = 0; i < list->n; i++)
        if (i != at)
            rest[k++] = list->at[i];
    give_list(n, 0, false, list->n - 1, rest);
}

void
weft_onnx_import_sequence_insert(onnx_node *n)
{
    const onnx_list *list = sequence_in(n, 0);
    int at = list ? position(n, 2, list->n, true, list->n) : 0;
    if (list && list->n >= MAX_LIST)
        weft_onnx_fail(n, WEFT_LIMIT, "a sequence of more than %d", MAX_LIST);
    if (!list || n->status != WEFT_OK)
        return;
    onnx_slot *all = WEFT_NEW_ARRAY(n->arena, list->n + 1, onnx_slot);
    for (int i = 0; i <= list->n; i++)
        all[i] = i == at ? weft_onnx_slot(n, 1) : list->at[i - (i > at)];
    give_list(n, 0, false, list->n + 1, all);
}

/* ---- from and to tensors --------------------------------------------------------------------- */

/* Sizes of the parts along an axis of `size`: input 1, a size or a list of them; absent: 1 each. */
static int64_t *
part_sizes(onnx_node *n, int64_t size, int *count)
{
    int given = 0;
    const int64_t *split = weft_onnx_in_ints(n, 1, &given);
    bool list = split && n->in[1]->ndim == 1;
    int64_t each = split && !list ? split[0] : 1, parts = list ? given : 0, sum = 0;
    if (n->status == WEFT_OK && !list && each > 0)
        parts = size / each + (size % each != 0);
    if (n->status == WEFT_OK && (each < 1 || parts > MAX_LIST))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "%lld parts of %lld", (long long)parts,
                       (long long)each);
    if (n->status != WEFT_OK)
        return NULL;
    int64_t *part = WEFT_NEW_ARRAY(n->arena, parts + 1, int64_t);
    for (int64_t i = 0; i < parts && n->status == WEFT_OK; i++) {
        part[i] = list ? split[i] : each < size - sum ? each : size - sum;
        if (part[i] < 0 || part[i] > size - sum)
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "part %lld of %lld is beyond the axis, of %lld",
                           (long long)i, (long long)part[i], (long long)size);
        sum += part[i];
    }
    if (sum != size)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "the parts are %lld of %lld", (long long)sum,
                       (long long)size);
    *count = (int)parts;
    return part;
}

void
weft_onnx_import_split_to_sequence(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    bool keep = weft_onnx_attr_int(n, "keepdims", 1) || weft_onnx_in(n, 1);
    int count = 0, axis = 0;
    if (!x)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "input 0 has to be a tensor");
    else
        axis = weft_onnx_axis(n, weft_onnx_attr_int(n, "axis", 0), x->ndim, false);
    int64_t *part = n->status ? NULL : part_sizes(n, weft_onnx_size(n, x, axis), &count), at = 0;
    onnx_slot *to = WEFT_NEW_ARRAY(n->arena, count + 1, onnx_slot);
    for (int i = 0; i < count && n->status == WEFT_OK; at += part[i++]) {
        const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, x->ndim + 1, const weft_expr *);
        for (int d = 0; d < x->ndim - 1; d++)
            dim[d] = x->dim[d + (d >= axis)];
        weft_value *v = weft_onnx_slice(n, x, axis, weft_dim(n->graph, at),
                                        weft_dim(n->graph, part[i]));
        to[i].value = v && !keep ? weft_onnx_reshape(n, v, x->ndim - 1, dim) : v;
    }
    give_list(n, 0, false, count, to);
}

static weft_value *
with_axis(onnx_node *n, weft_value *v, int axis)
{
    const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, v->ndim + 1, const weft_expr *);
    for (int d = 0; d <= v->ndim; d++)
        dim[d] = d == axis ? weft_dim(n->graph, 1) : v->dim[d - (d > axis)];
    return weft_onnx_reshape(n, v, v->ndim + 1, dim);
}

void
weft_onnx_import_concat_from_sequence(onnx_node *n)
{
    const onnx_list *list = sequence_in(n, 0);
    int64_t axis = weft_onnx_attr_int(n, "axis", 0), fresh = weft_onnx_attr_int(n, "new_axis", 0);
    if (list && list->n == 0)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "the sequence is empty");
    if (!weft_onnx_has_attr(n, "axis"))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute 'axis' is missing");
    if (!list || n->status != WEFT_OK)
        return;
    weft_value **in = WEFT_NEW_ARRAY(n->arena, list->n + 1, weft_value *);
    for (int i = 0; i < list->n && n->status == WEFT_OK; i++) {
        in[i] = list->at[i].value;
        if (!in[i])
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "element %d of the sequence is no tensor", i);
        else if (i == 0)
            axis = weft_onnx_axis(n, axis, in[0]->ndim + (fresh != 0), false);
        if (n->status == WEFT_OK && fresh)
            in[i] = with_axis(n, in[i], axis > in[i]->ndim ? in[i]->ndim : (int)axis);
    }
    weft_attr attr = weft_attr_int("axis", &axis);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, weft_onnx_emit(n, WEFT_GOP_CONCAT, list->n, in, 1, &attr));
}

/* ---- a graph for each element ---------------------------------------------------------------- */

/* Sequences give an element each time, tensors themselves. */
static const onnx_slot *
element_inputs(onnx_node *n, int at)
{
    onnx_slot *in = WEFT_NEW_ARRAY(n->arena, n->nin + 1, onnx_slot);
    int length = n->in_list[0]->n;
    for (int i = 0; i < n->nin; i++) {
        in[i] = weft_onnx_slot(n, i);
        if (in[i].list && in[i].list->n != length)
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "input %d is of %d elements, the first of %d", i,
                           in[i].list->n, length);
        else if (in[i].list)
            in[i] = in[i].list->at[at];
    }
    return in;
}

void
weft_onnx_import_sequence_map(onnx_node *n)
{
    const onnx_graph_proto *body = weft_onnx_attr_graph(n, "body");
    const onnx_list *list = sequence_in(n, 0);
    if (n->status == WEFT_OK && !body)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "it has no graph 'body'");
    if (n->status == WEFT_OK && n->nout > (int)body->n_output)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "it has %d outputs, and its graph %zu", n->nout,
                       body->n_output);
    if (n->status != WEFT_OK)
        return;
    int nout = (int)body->n_output;
    onnx_slot *out = WEFT_NEW_ARRAY(n->arena, nout + 1, onnx_slot);
    onnx_slot **all = WEFT_NEW_ARRAY(n->arena, nout + 1, onnx_slot *);
    for (int i = 0; i < nout; i++)
        all[i] = WEFT_NEW_ARRAY(n->arena, list->n + 1, onnx_slot);
    for (int k = 0; k < list->n && n->status == WEFT_OK; k++) {
        const onnx_slot *in = element_inputs(n, k);
        weft_onnx_body(n, body, weft_dim(n->graph, k), n->nin, in, nout, out);
        for (int i = 0; i < nout && n->status == WEFT_OK; i++)
            all[i][k] = out[i];
    }
    for (int i = 0; i < n->nout; i++)
        give_list(n, i, false, list->n, all[i]);
}

/* ---- optionals ------------------------------------------------------------------------------- */

void
weft_onnx_import_optional(onnx_node *n)
{
    onnx_slot element = weft_onnx_slot(n, 0);
    weft_onnx_ignore(n, "type");
    give_list(n, 0, true, element.value || element.list, &element);
}

void
weft_onnx_import_optional_get_element(onnx_node *n)
{
    onnx_slot s = weft_onnx_slot(n, 0);
    bool optional = s.list && s.list->optional;
    if (optional && s.list->n == 0)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "the optional is empty");
    if (n->status == WEFT_OK)
        weft_onnx_set_slot(n, 0, optional ? s.list->at[0] : s);
}

void
weft_onnx_import_optional_has_element(onnx_node *n)
{
    onnx_slot s = weft_onnx_slot(n, 0);
    bool has = s.value || (s.list && (!s.list->optional || s.list->n));
    weft_onnx_set(n, 0, weft_onnx_scalar(n, WEFT_BOOL, has));
}
