/* One node of the model while it is imported: faults, attributes, inputs, and making nodes of
 * weft's graph under the model's names. */
#include "import/onnx.h"
#include "import/reader.h"

#include <string.h>

enum { MAX_MADE = 1 << 26 }; /* bytes of a constant that an importer makes up */

void
weft_onnx_fail(onnx_node *n, weft_status st, const char *fmt, ...)
{
    if (n->status != WEFT_OK)
        return;
    weft_str s = { 0 };
    va_list args;
    va_start(args, fmt);
    weft_str_vaddf(&s, fmt, args);
    va_end(args);
    n->status = weft_reader_tells(n) ? weft_fail(n->reader->file.diag, st, "%s: node '%s' (%s): %s",
                                                 n->reader->file.leaf, n->name, n->kind,
                                                 weft_str_text(&s))
                                     : st;
    weft_str_free(&s);
}

/* ---- attributes ------------------------------------------------------------------------------ */

/* ONNX's numbers of attribute types. */
enum {
    T_FLOAT = 1,
    T_INT = 2,
    T_STRING = 3,
    T_TENSOR = 4,
    T_GRAPH = 5,
    T_FLOATS = 6,
    T_INTS = 7,
    T_STRINGS = 8
};

static const onnx_attr_proto *
find_attr(onnx_node *n, const char *name)
{
    for (size_t i = 0; i < n->proto->n_attribute; i++)
        if (strcmp(weft_onnx_text(n->proto->attribute[i]->name), name) == 0) {
            n->used[i] = true;
            return n->proto->attribute[i];
        }
    return NULL;
}

/* The attribute, NULL when absent or not of the type; files older than the type field show it by
 * what is filled. */
static const onnx_attr_proto *
typed_attr(onnx_node *n, const char *name, int type, const char *article)
{
    const onnx_attr_proto *a = find_attr(n, name);
    if (!a || n->status != WEFT_OK)
        return NULL;
    bool filled = (type == T_FLOAT && a->has_f) || (type == T_INT && a->has_i) ||
                  (type == T_STRING && a->has_s) || (type == T_TENSOR && a->t) ||
                  (type == T_GRAPH && a->g) ||
                  (type == T_FLOATS && a->n_floats) || (type == T_INTS && a->n_ints) ||
                  (type == T_STRINGS && a->n_strings);
    bool has_type = a->has_type && a->type;
    if ((has_type ? a->type == type : filled) && !weft_onnx_text(a->ref_attr_name)[0])
        return a;
    weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute '%s' has to be %s", name, article);
    return NULL;
}

bool
weft_onnx_has_attr(onnx_node *n, const char *name)
{
    return find_attr(n, name) != NULL;
}

int64_t
weft_onnx_attr_int(onnx_node *n, const char *name, int64_t absent)
{
    const onnx_attr_proto *a = typed_attr(n, name, T_INT, "an integer");
    return a ? a->i : absent;
}

double
weft_onnx_attr_float(onnx_node *n, const char *name, double absent)
{
    const onnx_attr_proto *a = typed_attr(n, name, T_FLOAT, "a float");
    return a ? (double)a->f : absent;
}

const char *
weft_onnx_attr_text(onnx_node *n, const char *name, const char *absent)
{
    const onnx_attr_proto *a = typed_attr(n, name, T_STRING, "a string");
    return a ? weft_arena_strndup(n->arena, a->s.data ? (const char *)a->s.data : "", a->s.len)
             : absent;
}

const int64_t *
weft_onnx_attr_ints(onnx_node *n, const char *name, int *count)
{
    static const int64_t none;
    const onnx_attr_proto *a = typed_attr(n, name, T_INTS, "a list of integers");
    *count = 0;
    if (!a)
        return NULL;
    if (a->n_ints > INT32_MAX / 2) {
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute '%s' has %zu elements", name, a->n_ints);
        return NULL;
    }
    *count = (int)a->n_ints;
    return a->n_ints ? a->ints : &none;
}

const double *
weft_onnx_attr_floats(onnx_node *n, const char *name, int *count)
{
    const onnx_attr_proto *a = typed_attr(n, name, T_FLOATS, "a list of floats");
    *count = 0;
    if (!a || a->n_floats > INT32_MAX / 2)
        return NULL;
    double *to = WEFT_NEW_ARRAY(n->arena, a->n_floats + 1, double);
    for (size_t i = 0; i < a->n_floats; i++)
        to[i] = (double)a->floats[i];
    *count = (int)a->n_floats;
    return to;
}

const char *const *
weft_onnx_attr_texts(onnx_node *n, const char *name, int *count)
{
    const onnx_attr_proto *a = typed_attr(n, name, T_STRINGS, "a list of strings");
    *count = 0;
    if (!a || a->n_strings > INT32_MAX / 2)
        return NULL;
    const char **to = WEFT_NEW_ARRAY(n->arena, a->n_strings + 1, const char *);
    for (size_t i = 0; i < a->n_strings; i++)
        to[i] = a->strings[i].len ? weft_arena_strndup(n->arena, (char *)a->strings[i].data,
                                                       a->strings[i].len)
                                  : "";
    *count = (int)a->n_strings;
    return to;
}

int64_t *
weft_onnx_attr_list(onnx_node *n, const char *name, int count, int64_t least, int64_t absent)
{
    int have;
    const int64_t *given = weft_onnx_attr_ints(n, name, &have);
    int64_t *to = WEFT_NEW_ARRAY(n->arena, count + 1, int64_t);
    if (given && have != count)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute '%s' has %d elements; %d are needed", name,
                       have, count);
    for (int i = 0; i < count && n->status == WEFT_OK; i++) {
        to[i] = given ? given[i] : absent;
        if (to[i] < least || to[i] > INT32_MAX)
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute '%s' holds %lld, outside %lld..%d",
                           name, (long long)to[i], (long long)least, INT32_MAX);
    }
    return to;
}

bool
weft_onnx_attr_tensor(onnx_node *n, const char *name, weft_const *c)
{
    const onnx_attr_proto *a = typed_attr(n, name, T_TENSOR, "a tensor");
    if (!a || !a->t) {
        if (a)
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute '%s' holds no tensor", name);
        return false;
    }
    const char *what =
        weft_arena_printf(n->arena, "node '%s' (%s): attribute '%s'", n->name, n->kind, name);
    n->status = weft_onnx_tensor(&n->reader->file, a->t, what, &n->graph->ir->arena,
                                 n->reader->mappings, c);
    return n->status == WEFT_OK;
}

const onnx_graph_proto *
weft_onnx_attr_graph(onnx_node *n, const char *name)
{
    const onnx_attr_proto *a = typed_attr(n, name, T_GRAPH, "a graph");
    if (a && !a->g)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute '%s' holds no graph", name);
    return a ? a->g : NULL;
}

void
weft_onnx_ignore(onnx_node *n, const char *names)
{
    char *copy = weft_arena_strdup(n->arena, names), *rest;
    for (char *name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest))
        find_attr(n, name);
}

weft_dtype
weft_onnx_element(onnx_node *n, int64_t number)
{
    const char *name = weft_onnx_dtype_name(number);
    weft_dtype t = weft_onnx_dtype(number);
    if (t == WEFT_DTYPE_COUNT)
        weft_onnx_fail(n, name && number ? WEFT_UNSUPPORTED : WEFT_INVALID_INPUT,
                       "element type %lld%s%s%s is not supported", (long long)number,
                       name ? " (" : "", name ? name : "", name ? ")" : "");
    return t;
}

/* ---- inputs ---------------------------------------------------------------------------------- */

weft_value *
weft_onnx_in(const onnx_node *n, int i)
{
    return i < n->nin ? n->in[i] : NULL;
}

onnx_slot
weft_onnx_slot(const onnx_node *n, int i)
{
    return i < n->nin ? (onnx_slot){ n->in[i], n->in_list[i] } : (onnx_slot){ 0 };
}

void
weft_onnx_set_slot(onnx_node *n, int i, onnx_slot slot)
{
    if (i >= n->nout)
        return;
    n->out[i] = slot.value;
    n->out_list[i] = slot.list;
}

const weft_expr *const *
weft_onnx_elems(onnx_node *n, int i, int *count)
{
    weft_value *v = weft_onnx_in(n, i);
    *count = 0;
    if (!v || n->status != WEFT_OK)
        return NULL;
    if (weft_is_float(v->dtype) || v->ndim > 1) {
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "input %d ('%s') has to be a list of integers", i,
                       v->name);
        return NULL;
    }
    if (!v->elem)
        weft_onnx_fail(n, WEFT_UNSUPPORTED,
                       "input %d ('%s') decides a shape but is computed while the model runs; "
                       "give the model inputs it depends on a fixed shape or value",
                       i, v->name);
    *count = (int)v->nelem;
    return v->elem;
}

const int64_t *
weft_onnx_in_ints(onnx_node *n, int i, int *count)
{
    const weft_expr *const *e = weft_onnx_elems(n, i, count);
    if (!e)
        return NULL;
    int64_t *to = WEFT_NEW_ARRAY(n->arena, *count + 1, int64_t);
    for (int k = 0; k < *count; k++)
        if (!weft_as_int(e[k], &to[k])) {
            weft_onnx_fail(n, WEFT_UNSUPPORTED,
                           "input %d ('%s') has to be constant; give the symbols it is made of a "
                           "value (--dim)",
                           i, n->in[i]->name);
            return NULL;
        }
    return to;
}

const weft_expr *
weft_onnx_size_at(onnx_node *n, weft_value *v, int64_t at, int axis)
{
    int64_t most;
    if (!v || n->status != WEFT_OK)
        return NULL;
    if (v->elem && at < v->nelem)
        return v->elem[at];
    if (!n->nout ||
        !weft_reader_declared(n->reader, weft_onnx_text(n->proto->output[0]), axis, &most)) {
        weft_onnx_fail(n, WEFT_UNSUPPORTED,
                       "the size of axis %d is computed while the model runs; the model or --shape "
                       "has to say how large the output may be, or the inputs that it depends on "
                       "have to have a fixed value",
                       axis);
        return NULL;
    }
    const weft_expr *size =
        weft_graph_read(n->graph, n->name, n->kind, v, at, weft_dim(n->graph, most));
    return weft_onnx_made_dim(n, size);
}

const weft_expr **
weft_onnx_sizes(onnx_node *n, int i, int *count)
{
    weft_value *v = weft_onnx_in(n, i);
    int64_t many = 0;
    *count = 0;
    if (!v || n->status != WEFT_OK)
        return NULL;
    if (weft_is_float(v->dtype) || v->ndim > 1)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "input %d ('%s') has to be a list of integers", i,
                       v->name);
    else if (!weft_value_count(v, &many) || many > WEFT_ONNX_MAX_RANK)
        weft_onnx_fail(n, WEFT_UNSUPPORTED,
                       "input %d ('%s') has to be of a known length, of %d at most", i, v->name,
                       WEFT_ONNX_MAX_RANK);
    const weft_expr **size = WEFT_NEW_ARRAY(n->arena, (int)many + 1, const weft_expr *);
    for (int d = 0; d < many && n->status == WEFT_OK; d++)
        size[d] = weft_onnx_size_at(n, v, d, d);
    *count = (int)many;
    return n->status == WEFT_OK ? size : NULL;
}

bool
weft_onnx_in_number(onnx_node *n, int i, double *v)
{
    weft_value *x = weft_onnx_in(n, i);
    int64_t k;
    if (!x || n->status != WEFT_OK)
        return false;
    bool one = x->elem && x->nelem == 1;
    if (one && weft_is_float(x->dtype))
        *v = x->elem[0]->h.u.f;
    else if (one && weft_as_int(x->elem[0], &k))
        *v = (double)k;
    else
        weft_onnx_fail(n, WEFT_UNSUPPORTED, "input %d ('%s') has to be one constant number", i,
                       x->name);
    return n->status == WEFT_OK;
}

int
weft_onnx_axis(onnx_node *n, int64_t axis, int rank, bool end)
{
    int64_t at = axis < 0 ? axis + rank : axis;
    if (axis >= -rank && at >= 0 && at < rank + end)
        return (int)at;
    weft_onnx_fail(n, WEFT_INVALID_INPUT, "axis %lld is outside %d..%d", (long long)axis, -rank,
                   rank - 1 + end);
    return 0;
}

int64_t *
weft_onnx_axes(onnx_node *n, const char *name, int i, int rank, int *count)
{
    const int64_t *from = name ? weft_onnx_attr_ints(n, name, count) : NULL;
    if (!from)
        from = weft_onnx_in_ints(n, i, count);
    if (!from || n->status != WEFT_OK)
        return NULL;
    int64_t *axes = WEFT_NEW_ARRAY(n->arena, *count + 1, int64_t);
    bool *seen = WEFT_NEW_ARRAY(n->arena, rank + 1, bool);
    for (int k = 0; k < *count && n->status == WEFT_OK; k++) {
        axes[k] = weft_onnx_axis(n, from[k], rank, false);
        if (n->status == WEFT_OK && seen[axes[k]])
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "axis %lld stands twice", (long long)axes[k]);
        if (n->status == WEFT_OK)
            seen[axes[k]] = true;
    }
    return n->status == WEFT_OK ? axes : NULL;
}

int64_t
weft_onnx_size(onnx_node *n, const weft_value *v, int axis)
{
    int64_t size = 0;
    if (n->status == WEFT_OK && v && !weft_as_int(v->dim[axis], &size))
        weft_onnx_fail(n, WEFT_UNSUPPORTED,
                       "dimension %d of '%s' has to be constant; give its symbol a value (--dim)",
                       axis, v->name);
    return size;
}

/* ---- making nodes ---------------------------------------------------------------------------- */

void
weft_onnx_last(onnx_node *n, int i)
{
    n->next = i < n->nout && *n->proto->output[i] ? n->proto->output[i] : NULL;
}

/* Passes on what the graph said about a node of ours, with the file before it. */
static void
tell(onnx_node *n)
{
    weft_diag *inner = n->graph->diag;
    int length;
    const char *text = weft_diag_first(inner, &length);
    n->status = weft_diag_status(inner);
    if (weft_reader_tells(n))
        weft_fail(n->reader->file.diag, n->status, "%s: %.*s", n->reader->file.leaf, length, text);
    weft_diag_clear(inner);
}

/* What made NULL: remembered, so that the node is given up. */
weft_value *
weft_onnx_made(onnx_node *n, weft_value *v)
{
    if (!v && n->status == WEFT_OK) {
        if (weft_diag_status(n->graph->diag) != WEFT_OK)
            tell(n);
        else
            weft_onnx_fail(n, WEFT_UNSUPPORTED, "a dimension is too intricate an expression");
    }
    n->next = NULL;
    return v;
}

const weft_expr *
weft_onnx_made_dim(onnx_node *n, const weft_expr *e)
{
    if (!e)
        weft_onnx_made(n, NULL);
    return e;
}

weft_value *
weft_onnx_emit(onnx_node *n, weft_op op, int nin, weft_value *const *in, int nattr,
               const weft_attr *attr)
{
    if (n->status != WEFT_OK)
        return NULL;
    const char *name = n->next;
    if (!name)
        name = weft_arena_printf(n->arena, "%s_%s", n->name, weft_op_infos[op].text);
    return weft_onnx_made(
        n, weft_graph_add(n->graph, op, n->name, n->kind, name, nin, in, nattr, attr));
}

weft_value *
weft_onnx_unary(onnx_node *n, weft_op op, weft_value *x)
{
    return weft_onnx_emit(n, op, 1, &x, 0, NULL);
}

weft_value *
weft_onnx_binary(onnx_node *n, weft_op op, weft_value *a, weft_value *b)
{
    weft_value *in[] = { a, b };
    weft_attr fmod = weft_attr_int("fmod", &(int64_t){ 0 });
    return weft_onnx_emit(n, op, 2, in, op == WEFT_GOP_MOD, &fmod);
}

weft_value *
weft_onnx_where(onnx_node *n, weft_value *cond, weft_value *a, weft_value *b)
{
    weft_value *in[] = { cond, a, b };
    return weft_onnx_emit(n, WEFT_GOP_WHERE, 3, in, 0, NULL);
}

weft_value *
weft_onnx_cast(onnx_node *n, weft_value *x, weft_dtype t)
{
    if (x && x->dtype == t) {
        n->next = NULL;
        return x;
    }
    weft_attr to = weft_attr_dtype("dtype", t);
    return weft_onnx_emit(n, WEFT_GOP_CAST, 1, &x, 1, &to);
}

weft_value *
weft_onnx_reshape(onnx_node *n, weft_value *x, int ndim, const weft_expr *const *dim)
{
    weft_attr dims = weft_attr_dims("dims", ndim, dim);
    return weft_onnx_emit(n, WEFT_GOP_RESHAPE, 1, &x, 1, &dims);
}

weft_value *
weft_onnx_transpose(onnx_node *n, weft_value *x, const int64_t *axes)
{
    weft_attr order = weft_attr_ints("axes", x ? x->ndim : 0, axes);
    return weft_onnx_emit(n, WEFT_GOP_TRANSPOSE, 1, &x, 1, &order);
}

weft_value *
weft_onnx_broadcast(onnx_node *n, weft_value *x, int ndim, const weft_expr *const *dim)
{
    weft_attr dims = weft_attr_dims("dims", ndim, dim);
    return weft_onnx_emit(n, WEFT_GOP_BROADCAST_TO, 1, &x, 1, &dims);
}

weft_value *
weft_onnx_reduce(onnx_node *n, weft_op op, weft_value *x, int naxes, const int64_t *axes, bool keep)
{
    weft_attr attr[] = { weft_attr_ints("axes", naxes, axes),
                         weft_attr_int("keepdims", &(int64_t){ keep }) };
    return weft_onnx_emit(n, op, 1, &x, 2, attr);
}

weft_value *
weft_onnx_slice(onnx_node *n, weft_value *x, int axis, const weft_expr *start, const weft_expr *dim)
{
    if (!x || n->status != WEFT_OK)
        return NULL;
    const weft_expr **starts = WEFT_NEW_ARRAY(n->arena, x->ndim, const weft_expr *);
    const weft_expr **dims = WEFT_NEW_ARRAY(n->arena, x->ndim, const weft_expr *);
    int64_t *steps = WEFT_NEW_ARRAY(n->arena, x->ndim, int64_t);
    for (int i = 0; i < x->ndim; i++) {
        starts[i] = i == axis ? start : weft_dim(n->graph, 0);
        dims[i] = i == axis ? dim : x->dim[i];
        steps[i] = 1;
    }
    weft_attr attr[] = { weft_attr_dims("starts", x->ndim, starts),
                         weft_attr_ints("steps", x->ndim, steps),
                         weft_attr_dims("dims", x->ndim, dims) };
    return weft_onnx_emit(n, WEFT_GOP_SLICE, 1, &x, 3, attr);
}

weft_value *
weft_onnx_counted(onnx_node *n, weft_value *x, int axis, weft_value *count)
{
    if (!x || !count || n->status != WEFT_OK)
        return NULL;
    const weft_expr *size = weft_graph_read(n->graph, n->name, n->kind, count, 0, x->dim[axis]);
    if (!size)
        return weft_onnx_made(n, NULL);
    return weft_onnx_slice(n, x, axis, weft_dim(n->graph, 0), size);
}

weft_value *
weft_onnx_along(onnx_node *n, weft_value *v, int at, int rank)
{
    if (!v)
        return NULL;
    const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, rank + 1, const weft_expr *);
    for (int d = 0; d < rank; d++)
        dim[d] = d == at ? v->dim[0] : weft_dim(n->graph, 1);
    return weft_onnx_reshape(n, v, rank, dim);
}

weft_value *
weft_onnx_full(onnx_node *n, weft_dtype t, int ndim, const weft_expr *const *dim, double value)
{
    weft_attr attr[] = { weft_attr_dims("dims", ndim, dim), weft_attr_float("value", &value),
                         weft_attr_dtype("dtype", t) };
    return weft_onnx_emit(n, WEFT_GOP_FULL, 0, NULL, 3, attr);
}

weft_value *
weft_onnx_arange(onnx_node *n, weft_dtype t, const weft_expr *start, int64_t step,
                 const weft_expr *dim)
{
    const weft_expr *by = weft_dim(n->graph, step);
    if (n->status == WEFT_OK && !(start && dim))
        weft_onnx_fail(n, WEFT_UNSUPPORTED, "a dimension is too intricate an expression");
    weft_attr attr[] = { weft_attr_dims("start", 1, &start), weft_attr_dims("step", 1, &by),
                         weft_attr_dims("dim", 1, &dim), weft_attr_dtype("dtype", t) };
    return weft_onnx_emit(n, WEFT_GOP_ARANGE, 0, NULL, 4, attr);
}

weft_value *
weft_onnx_constant_of(onnx_node *n, const weft_const *c)
{
    if (n->status != WEFT_OK)
        return NULL;
    const char *name = n->next ? n->next : weft_arena_printf(n->arena, "%s_constant", n->name);
    return weft_onnx_made(n, weft_graph_constant(n->graph, name, c));
}

void *
weft_onnx_new_constant(onnx_node *n, weft_dtype t, int ndim, const int64_t *dim, weft_const *c)
{
    int64_t count = 1, bytes = 0;
    bool fits = true;
    for (int i = 0; i < ndim; i++)
        fits = fits && dim[i] >= 0 && weft_mul64(count, dim[i], &count);
    if (!fits || !weft_dtype_bytes(t, count, &bytes) || bytes > MAX_MADE)
        weft_onnx_fail(n, WEFT_LIMIT,
                       "needs a constant of more than %d bytes, which weft does not make",
                       MAX_MADE);
    if (n->status != WEFT_OK)
        return NULL;
    void *data = weft_arena_alloc(&n->graph->ir->arena, (size_t)bytes + 1);
    *c = (weft_const){ .dtype = t, .ndim = ndim, .dim = dim, .data = data, .size = (size_t)bytes };
    return data;
}

weft_value *
weft_onnx_scalar(onnx_node *n, weft_dtype t, double v)
{
    weft_const c = { .dtype = t, .size = ((size_t)weft_dtype_bits(t) + 7) / 8 };
    void *data = weft_arena_alloc(&n->graph->ir->arena, 8);
    weft_set_f64(t, data, 0, v);
    c.data = data;
    const char *next = n->next;
    n->next = NULL;
    weft_value *made_one = weft_onnx_constant_of(n, &c);
    n->next = next;
    return made_one;
}
