/* Where a graph's values start: initializers, inputs with shapes from the model or the command
 * line, and inputs whose value is fixed. */
#include "import/reader.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_LIST = 1 << 12 };

/* ---- options --------------------------------------------------------------------------------- */

static const char *
shape_option(const onnx_reader *r, const char *name)
{
    const weft_import_options *o = r->options;
    for (int i = 0; i < o->nshape; i++)
        if (strcmp(o->shape_name[i], name) == 0)
            return o->shape[i];
    return NULL;
}

static const weft_const *
tensor_named(int n, const char *const *names, const weft_const *tensor, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return &tensor[i];
    return NULL;
}

static const weft_const *
fixed_option(const onnx_reader *r, const char *name)
{
    const weft_import_options *o = r->options;
    return tensor_named(o->nfixed, o->fixed_name, o->fixed, name);
}

static const weft_const *
given_option(const onnx_reader *r, const char *name)
{
    const weft_import_options *o = r->options;
    return tensor_named(o->ngiven, o->given_name, o->given, name);
}

static bool
parse_dim(const char **p, int64_t *v)
{
    if (**p == '?') {
        ++*p;
        *v = -1;
        return true;
    }
    *v = 0;
    const char *start = *p;
    for (; **p >= '0' && **p <= '9'; ++*p)
        if (!weft_mul64(*v, 10, v) || !weft_add64(*v, **p - '0', v))
            return false;
    return *p != start;
}

/* "1x3x224x224"; "" is rank 0; -1 for "?", which keeps what the model says.  False after a fault.
 */
static bool
parse_shape(onnx_reader *r, const char *name, const char *text, int *ndim, int64_t *dim)
{
    const char *p = text;
    *ndim = 0;
    while (*p) {
        bool good = *ndim < WEFT_ONNX_MAX_RANK && parse_dim(&p, &dim[*ndim]);
        ++*ndim;
        if (!good || (*p && *p != 'x') || (*p == 'x' && !p[1])) {
            weft_reader_fail(r, WEFT_INVALID_ARGUMENT,
                             "shape '%s' of '%s' is not of the form 1x3x224x224", text, name);
            return false;
        }
        p += *p == 'x';
    }
    return true;
}

/* A symbol's size where an option gives one; NULL where none does. */
static const weft_expr *
given_size(onnx_reader *r, const char *name)
{
    const weft_import_options *o = r->options;
    int64_t bound = weft_map_get(r->bound, name, strlen(name));
    if (bound >= 0)
        return weft_dim(r->graph, bound);
    for (int i = 0; i < o->ndim; i++)
        if (strcmp(o->dim_name[i], name) == 0 && o->dim_value[i] >= 0)
            return weft_dim(r->graph, o->dim_value[i]);
    return NULL;
}

static const weft_expr *
symbol(onnx_reader *r, const char *name)
{
    const weft_expr *size = given_size(r, name);
    return size ? size : weft_graph_symbol(r->graph, name);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

static const WeftOnnx__TensorShapeProto *
shape_of(const onnx_value_proto *v)
{
    return v->type && v->type->tensor_type ? v->type->tensor_type->shape : NULL;
}

/* What the graph that is being read says of a value of its own; NULL: nothing. */
static const onnx_value_proto *
find_declared(onnx_reader *r, const char *name)
{
    onnx_names *names = r->names;
    const onnx_graph_proto *p = names->proto;
    if (!names->declared) {
        names->declared = weft_map_create(&r->file.arena);
        for (size_t i = 0; i < p->n_output + p->n_value_info; i++) {
            const onnx_value_proto *v =
                i < p->n_output ? p->output[i] : p->value_info[i - p->n_output];
            int64_t *slot = weft_map_slot(names->declared, weft_onnx_text(v->name),
                                          strlen(weft_onnx_text(v->name)));
            *slot = *slot < 0 ? (int64_t)i : *slot;
        }
    }
    int64_t at = weft_map_get(names->declared, name, strlen(name));
    return at < 0                        ? NULL
           : at < (int64_t)p->n_output ? p->output[at]
                                         : p->value_info[at - (int64_t)p->n_output];
}

bool
weft_reader_declared(onnx_reader *r, const char *name, int axis, int64_t *size)
{
    const onnx_value_proto *v = find_declared(r, name);
    const WeftOnnx__TensorShapeProto *shape = v ? shape_of(v) : NULL;
    const char *text = shape_option(r, name);
    int64_t given[WEFT_ONNX_MAX_RANK];
    int ndim;
    *size = -1;
    if (text && parse_shape(r, name, text, &ndim, given) && axis < ndim)
        *size = given[axis];
    if (*size < 0 && shape && axis < (int)shape->n_dim) {
        const WeftOnnx__Dimension *d = shape->dim[axis];
        const weft_expr *e = given_size(r, weft_onnx_text(d->dim_param));
        if (d->has_dim_value)
            *size = d->dim_value;
        else if (e)
            weft_as_int(e, size);
    }
    return *size >= 0;
}

static const char *
symbol_name(onnx_reader *r, const char *input, const WeftOnnx__Dimension *d, int axis)
{
    if (*weft_onnx_text(d->dim_param))
        return d->dim_param;
    return weft_arena_printf(&r->file.arena, "%s_%d", input, axis);
}

static bool
is_unknown(const WeftOnnx__Dimension *d)
{
    return !d->has_dim_value || d->dim_value == -1; /* some exporters write -1 */
}

/* What --shape says about symbols holds for every input that has them. */
static void
bind_symbols(onnx_reader *r, const onnx_value_proto *v)
{
    const WeftOnnx__TensorShapeProto *s = shape_of(v);
    const char *name = weft_onnx_text(v->name), *text = shape_option(r, name);
    int64_t dim[WEFT_ONNX_MAX_RANK];
    int ndim;
    if (!text || !parse_shape(r, name, text, &ndim, dim) || !s || s->n_dim != (size_t)ndim)
        return;
    for (int i = 0; i < ndim; i++) {
        const char *symbol_at = symbol_name(r, name, s->dim[i], i);
        if (!is_unknown(s->dim[i]) || dim[i] < 0)
            continue;
        int64_t *slot = weft_map_slot(r->bound, symbol_at, strlen(symbol_at));
        if (*slot >= 0 && *slot != dim[i])
            weft_reader_fail(r, WEFT_INVALID_ARGUMENT,
                             "dimension '%s' is %lld and %lld in the shapes given", symbol_at,
                             (long long)*slot, (long long)dim[i]);
        *slot = dim[i];
    }
}

/* Whether --dim says something of a symbol, be it that it stays one. */
static bool
has_dim_option(const onnx_reader *r, const char *name)
{
    const weft_import_options *o = r->options;
    for (int i = 0; i < o->ndim; i++)
        if (strcmp(o->dim_name[i], name) == 0)
            return true;
    return false;
}

/* What an input at hand says of symbols that no option sizes. */
static void
take_sizes(onnx_reader *r, const onnx_value_proto *v)
{
    const WeftOnnx__TensorShapeProto *s = shape_of(v);
    const char *name = weft_onnx_text(v->name);
    const weft_const *c = given_option(r, name);
    if (!c || !s || s->n_dim != (size_t)c->ndim || r->options->keep_symbols)
        return;
    for (int i = 0; i < c->ndim; i++) {
        const char *symbol_at = symbol_name(r, name, s->dim[i], i);
        if (!is_unknown(s->dim[i]) || has_dim_option(r, symbol_at))
            continue;
        int64_t *slot = weft_map_slot(r->bound, symbol_at, strlen(symbol_at));
        if (*slot >= 0 && *slot != c->dim[i])
            weft_reader_fail(r, WEFT_INVALID_ARGUMENT,
                             "dimension '%s' is %lld in the tensor given for input '%s', and %lld "
                             "elsewhere",
                             symbol_at, (long long)c->dim[i], name, (long long)*slot);
        *slot = *slot < 0 ? c->dim[i] : *slot;
    }
}

/* The dims of an input; false after a fault. */
static bool
input_dims(onnx_reader *r, const onnx_value_proto *v, int *ndim, const weft_expr **dim)
{
    const WeftOnnx__TensorShapeProto *s = shape_of(v);
    const char *name = weft_onnx_text(v->name), *text = shape_option(r, name);
    int64_t given[WEFT_ONNX_MAX_RANK];
    const weft_const *at_hand = s || text ? NULL : given_option(r, name);
    if (text && !parse_shape(r, name, text, ndim, given))
        return false;
    if (at_hand && at_hand->ndim <= WEFT_ONNX_MAX_RANK) {
        *ndim = at_hand->ndim;
        for (int i = 0; i < *ndim; i++)
            dim[i] = weft_dim(r->graph, at_hand->dim[i]);
        return true;
    }
    if (!s && !text) {
        weft_reader_fail(r, WEFT_UNSUPPORTED,
                         "input '%s' has no shape; give it one (--shape '%s=1x3')", name, name);
        return false;
    }
    if (s && s->n_dim > WEFT_ONNX_MAX_RANK) {
        weft_reader_fail(r, WEFT_INVALID_INPUT,
                         "input '%s' has %zu dimensions; at most %d are allowed", name, s->n_dim,
                         WEFT_ONNX_MAX_RANK);
        return false;
    }
    if (s && text && (int)s->n_dim != *ndim) {
        weft_reader_fail(r, WEFT_INVALID_ARGUMENT, "input '%s' has %zu dimensions, not %d", name,
                         s->n_dim, *ndim);
        return false;
    }
    static const WeftOnnx__Dimension unknown;
    *ndim = s ? (int)s->n_dim : *ndim;
    for (int i = 0; i < *ndim; i++) {
        const WeftOnnx__Dimension *d = s ? s->dim[i] : &unknown;
        if (text && given[i] >= 0)
            dim[i] = weft_dim(r->graph, given[i]);
        else if (is_unknown(d))
            dim[i] = symbol(r, symbol_name(r, name, d, i));
        else
            dim[i] = weft_dim(r->graph, d->dim_value);
    }
    return true;
}

/* ---- inputs ---------------------------------------------------------------------------------- */

/* WEFT_DTYPE_COUNT after a fault. */
static weft_dtype
input_dtype(onnx_reader *r, const onnx_value_proto *v)
{
    const char *name = weft_onnx_text(v->name);
    const WeftOnnx__TypeProto *t = v->type;
    if (!t || !t->tensor_type) {
        bool other = t && (t->sequence_type || t->map_type || t->sparse_tensor_type ||
                           t->optional_type || t->opaque_type);
        weft_reader_fail(
            r, other ? WEFT_UNSUPPORTED : WEFT_INVALID_INPUT, "input '%s' %s", name,
            other ? "is a map or a sparse tensor, which are not supported" : "has no type");
        return WEFT_DTYPE_COUNT;
    }
    weft_dtype dtype = weft_onnx_dtype(t->tensor_type->elem_type);
    const char *text = weft_onnx_dtype_name(t->tensor_type->elem_type);
    if (dtype == WEFT_DTYPE_COUNT)
        weft_reader_fail(
            r, text && t->tensor_type->elem_type ? WEFT_UNSUPPORTED : WEFT_INVALID_INPUT,
            "input '%s' is of element type %d%s%s%s, which is not supported", name,
            (int)t->tensor_type->elem_type, text ? " (" : "", text ? text : "", text ? ")" : "");
    return dtype;
}

/* A copy in the graph: the caller's may go away. */
static weft_value *
fixed_value(onnx_reader *r, const char *name, weft_dtype dtype, const weft_const *c)
{
    if (c->dtype != dtype) {
        weft_reader_fail(r, WEFT_INVALID_ARGUMENT, "input '%s' is %s; the value given for it is %s",
                         name, weft_dtype_name(dtype), weft_dtype_name(c->dtype));
        return NULL;
    }
    weft_const own = *c;
    own.data = weft_arena_dup(&r->graph->ir->arena, c->data, c->size);
    return weft_graph_constant(r->graph, name, &own);
}

static weft_value *
tensor_input(onnx_reader *r, const onnx_value_proto *v)
{
    const char *name = weft_onnx_text(v->name);
    const weft_expr *dim[WEFT_ONNX_MAX_RANK];
    const weft_const *fixed = fixed_option(r, name);
    weft_value *made = NULL;
    int ndim;
    weft_dtype dtype = input_dtype(r, v);
    if (dtype != WEFT_DTYPE_COUNT && fixed)
        made = fixed_value(r, name, dtype, fixed);
    else if (dtype != WEFT_DTYPE_COUNT && input_dims(r, v, &ndim, dim))
        made = weft_graph_input(r->graph, name, dtype, ndim, dim);
    if (!made)
        weft_reader_tell(r);
    return made;
}

/* A symbol of the model's inputs; of another nothing is known. */
static const weft_expr *
declared_dim(onnx_reader *r, const WeftOnnx__Dimension *d)
{
    if (!is_unknown(d))
        return weft_dim(r->graph, d->dim_value);
    const weft_expr *size = given_size(r, weft_onnx_text(d->dim_param));
    return size ? size : weft_graph_find_symbol(r->graph, weft_onnx_text(d->dim_param));
}

weft_value *
weft_reader_stand_in(onnx_reader *r, const char *name)
{
    const onnx_value_proto *v = find_declared(r, name);
    const WeftOnnx__TensorShapeProto *s = v ? shape_of(v) : NULL;
    const weft_expr *dim[WEFT_ONNX_MAX_RANK];
    weft_dtype dtype = s ? weft_onnx_dtype(v->type->tensor_type->elem_type) : WEFT_DTYPE_COUNT;
    if (dtype == WEFT_DTYPE_COUNT || s->n_dim > WEFT_ONNX_MAX_RANK)
        return NULL;
    for (size_t i = 0; i < s->n_dim; i++)
        if (!(dim[i] = declared_dim(r, s->dim[i])))
            return NULL;
    weft_value *made = weft_graph_input(r->graph, name, dtype, (int)s->n_dim, dim);
    if (!made)
        weft_diag_clear(r->graph->diag);
    return made;
}

static onnx_slot any_input(onnx_reader *, const onnx_value_proto *);

/* A type of any shape. */
static WeftOnnx__TypeProto *
without_shape(onnx_reader *r, const WeftOnnx__TypeProto *t)
{
    WeftOnnx__TypeProto *any = weft_arena_dup(&r->file.arena, t, sizeof *t);
    any->tensor_type = weft_arena_dup(&r->file.arena, t->tensor_type, sizeof *t->tensor_type);
    any->tensor_type->shape = NULL;
    return any;
}

/* A sequence or an optional has as many elements, "x.0", "x.1", .., as the command line gives
 * shapes or tensors; "" for the whole says that it has none. */
static onnx_slot
list_input(onnx_reader *r, const onnx_value_proto *v, const WeftOnnx__ElemTypeProto *of,
           bool optional)
{
    weft_arena *arena = &r->file.arena;
    const char *name = weft_onnx_text(v->name);
    bool whole = optional && of->elem_type && of->elem_type->sequence_type;
    int n = 0;
    for (const char *at; n < MAX_LIST; n++)
        if (!shape_option(r, at = weft_arena_printf(arena, "%s.%d", name, n)) && !given_option(r, at))
            break;
    const char *none = shape_option(r, name);
    onnx_list *list = WEFT_NEW(arena, onnx_list);
    int count = whole ? n > 0 : n;
    onnx_slot *at = WEFT_NEW_ARRAY(arena, count + 1, onnx_slot);
    *list = (onnx_list){ optional, count, at };
    if ((n == 0 && !(none && !*none)) || (optional && count > 1)) {
        weft_reader_fail(r, WEFT_UNSUPPORTED,
                         "input '%s' is %s: give each of its tensors a shape (--shape '%s.0=1x3') or, "
                         "to run it, a file (-i '%s.0=FILE'), or say that it has none (--shape '%s=')",
                         name, optional ? "an optional" : "a sequence", name, name, name);
        return (onnx_slot){ 0 };
    }
    for (int i = 0; i < count; i++) {
        onnx_value_proto element = *v;
        element.name = whole ? v->name : weft_arena_printf(arena, "%s.%d", name, i);
        element.type = of->elem_type;
        if (element.type && element.type->tensor_type && given_option(r, element.name) &&
            !shape_option(r, element.name))
            element.type = without_shape(r, element.type);
        at[i] = any_input(r, &element);
        if (!at[i].value && !at[i].list)
            return (onnx_slot){ 0 };
    }
    return (onnx_slot){ .list = list };
}

/* Types nest as deep as wire.c lets them. */
static onnx_slot
any_input(onnx_reader *r, const onnx_value_proto *v)
{
    const WeftOnnx__TypeProto *t = v->type;
    if (t && t->sequence_type)
        return list_input(r, v, t->sequence_type, false);
    if (t && t->optional_type)
        return list_input(r, v, t->optional_type, true);
    return (onnx_slot){ .value = tensor_input(r, v) };
}

static void
import_input(onnx_reader *r, const onnx_value_proto *v)
{
    const char *name = weft_onnx_text(v->name);
    onnx_slot known;
    if (!weft_reader_find(r, name, &known)) /* an initializer is the input's default */
        weft_reader_define(r, name, any_input(r, v));
}

static void
import_initializer(onnx_reader *r, const onnx_tensor_proto *t)
{
    const char *name = weft_onnx_text(t->name);
    const char *what = weft_arena_printf(&r->file.arena, "initializer '%s'", name);
    const weft_const *fixed = r->names->outer ? NULL : fixed_option(r, name);
    weft_const c;
    weft_value *v = NULL;
    weft_status st = weft_onnx_tensor(&r->file, t, what, &r->graph->ir->arena, r->mappings, &c);
    if (st == WEFT_OK)
        v = fixed ? fixed_value(r, name, c.dtype, fixed) : weft_graph_constant(r->graph, name, &c);
    else
        r->status = r->status != WEFT_OK ? r->status : st;
    if (!v)
        weft_reader_tell(r);
    weft_reader_define(r, name, (onnx_slot){ .value = v });
}

void
weft_reader_initializers(onnx_reader *r, const onnx_graph_proto *p)
{
    for (size_t i = 0; i < p->n_initializer; i++)
        import_initializer(r, p->initializer[i]);
}

void
weft_reader_inputs(onnx_reader *r)
{
    const onnx_graph_proto *p = r->proto;
    weft_reader_initializers(r, p);
    for (size_t i = 0; i < p->n_input; i++)
        bind_symbols(r, p->input[i]);
    for (size_t i = 0; i < p->n_input; i++)
        take_sizes(r, p->input[i]);
    for (size_t i = 0; i < p->n_input; i++)
        import_input(r, p->input[i]);
}
