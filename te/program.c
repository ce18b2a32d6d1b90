/* Programs: creation, symbols, inputs, axes, outputs, and the arithmetic of sizes. */
#include "te/priv.h"

#include <string.h>

weft_te *
weft_te_create(const char *name, weft_diag *diag)
{
    weft_diag *own = diag ? NULL : weft_diag_create();
    weft_ir *ir = weft_ir_create(diag ? diag : own);
    weft_te *te = WEFT_NEW(&ir->arena, weft_te);
    te->ir = ir;
    te->diag = ir->diag;
    te->own_diag = own;
    te->name = weft_arena_strdup(&ir->arena, name && *name ? name : "main");
    te->names = weft_map_create(&ir->arena);
    te->info = (weft_kernel_info){ .flops = -1, .bytes_read = -1, .bytes_written = -1 };
    return te;
}

void
weft_te_destroy(weft_te *te)
{
    weft_diag *own = te ? te->own_diag : NULL;
    if (te)
        weft_ir_destroy(te->ir);
    weft_diag_destroy(own);
}

weft_ir *
weft_te_ir(weft_te *te)
{
    return te ? te->ir : NULL;
}

weft_status
weft_te_null(weft_te *te, const char *what)
{
    weft_status first = te && te->diag ? weft_diag_status(te->diag) : WEFT_OK;
    if (first != WEFT_OK)
        return first;
    return weft_fail(te ? te->diag : NULL, WEFT_INVALID_ARGUMENT,
                     "%s was given NULL; check what the calls before it returned", what);
}

void
weft_te_log(weft_te *te, const char *fmt, ...)
{
    weft_str s = { 0 };
    va_list ap;
    va_start(ap, fmt);
    weft_str_vaddf(&s, fmt, ap);
    va_end(ap);
    *WEFT_PUSH(&te->ir->arena, &te->log) = weft_arena_strdup(&te->ir->arena, weft_str_text(&s));
    weft_str_free(&s);
}

/* ---- sizes ----------------------------------------------------------------------------------- */

typedef struct size_check {
    const weft_te *te;
    const char *fault;
} size_check;

static bool
check_size(void *user, const weft_expr *e)
{
    size_check *c = user;
    if (e->h.kind == WEFT_EK_LOAD || e->h.kind == WEFT_EK_CALL)
        c->fault = "is computed from a tensor's elements or by a call; sizes are made of constants "
                   "and symbols";
    if (e->h.kind != WEFT_EK_VAR)
        return !c->fault;
    for (int i = 0; i < c->te->symbol.n; i++)
        if (c->te->symbol.at[i] == e->h.u.var)
            return true;
    c->fault = "uses a variable that is no symbol; make it with weft_te_symbol";
    return false;
}

const char *
weft_te_size_fault(const weft_te *te, const weft_expr *e)
{
    size_check check = { .te = te };
    weft_walker w = { .expr = check_size, .user = &check };
    int64_t v;
    if (e->h.type.lanes != 1 || (e->h.type.dtype != WEFT_I32 && e->h.type.dtype != WEFT_I64))
        return "is not an i32 or i64";
    if (weft_as_int(e, &v) && v < 0)
        return "is negative";
    weft_walk_expr(&w, e);
    return check.fault;
}

/* A constant of e's type, of i64 where that does not hold it. */
static const weft_expr *
constant_like(weft_te *te, const weft_expr *e, int64_t v)
{
    weft_dtype t = (weft_dtype)e->h.type.dtype;
    return weft_int(te->ir, v <= weft_dtype_max(t) ? t : WEFT_I64, v);
}

const weft_expr *
weft_te_ceildiv(weft_te *te, const weft_expr *a, const weft_expr *b)
{
    int64_t m, n;
    bool whole = weft_as_int(b, &n);
    if (whole && weft_as_int(a, &m))
        return constant_like(te, a, weft_ceildiv(m, n));
    if (whole && n == 1)
        return a;
    weft_ir *ir = te->ir;
    const weft_expr *one = weft_int(ir, (weft_dtype)b->h.type.dtype, 1);
    const weft_expr *less =
        whole ? weft_int(ir, (weft_dtype)b->h.type.dtype, n - 1) : weft_sub(ir, b, one);
    return weft_simplify_expr(ir, NULL, weft_fdiv(ir, weft_add(ir, a, less), b));
}

const weft_expr *
weft_te_product(weft_te *te, const weft_expr *a, const weft_expr *b)
{
    int64_t m, n, mn;
    bool wide = a->h.type.dtype == WEFT_I64 || b->h.type.dtype == WEFT_I64;
    if (weft_as_int(a, &m) && weft_as_int(b, &n)) {
        if (weft_mul64(m, n, &mn))
            return constant_like(te, wide && a->h.type.dtype != WEFT_I64 ? b : a, mn);
        weft_fail(te->diag, WEFT_LIMIT, "a loop of %lld * %lld iterations does not fit i64",
                  (long long)m, (long long)n);
        return NULL;
    }
    a = wide ? weft_cast_to(te->ir, weft_scalar(WEFT_I64), a) : a;
    b = wide ? weft_cast_to(te->ir, weft_scalar(WEFT_I64), b) : b;
    if (weft_is_int_imm(a, 1))
        return b;
    if (weft_is_int_imm(b, 1))
        return a;
    return weft_simplify_expr(te->ir, NULL, weft_mul(te->ir, a, b));
}

const weft_expr *
weft_te_constant(weft_te *te, const weft_expr *value, weft_dtype t)
{
    int64_t v;
    bool is_imm = weft_is_imm(value), is_int = weft_as_int(value, &v);
    if (!is_imm)
        return value->h.type.dtype == t         ? value
               : t == WEFT_I32 || t == WEFT_I64 ? weft_cast(te->ir, t, value)
                                                : NULL;
    if (weft_is_float(t))
        return weft_float(te->ir, t, is_int ? (double)v : value->h.u.f);
    bool fits = is_int && (t == WEFT_BOOL ? v == 0 || v == 1
                                          : v >= weft_dtype_min(t) && v <= weft_dtype_max(t));
    return fits ? weft_int(te->ir, t, v) : NULL;
}

/* ---- symbols, inputs, axes ------------------------------------------------------------------- */

const weft_expr *
weft_te_symbol(weft_te *te, const char *name, weft_dtype dtype)
{
    if (!te || !name)
        return weft_te_null(te, "weft_te_symbol"), NULL;
    /* By the name as given: "a b" and "a_b" are two symbols, though their identifiers are made
     * alike. */
    const char *key = weft_arena_printf(&te->ir->arena, "\1%s", name);
    int64_t *slot = weft_map_slot(te->names, key, strlen(key));
    if (*slot >= 0 && te->symbol.at[*slot]->type.dtype != dtype)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT, "symbol '%s' is %s already, it cannot be %s too",
                  name, weft_dtype_name((weft_dtype)te->symbol.at[*slot]->type.dtype),
                  weft_dtype_name(dtype));
    else if (dtype != WEFT_I32 && dtype != WEFT_I64)
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT, "symbol '%s' is %s; sizes are i32 or i64", name,
                  weft_dtype_name(dtype));
    else if (*slot >= 0)
        return weft_ref(te->ir, te->symbol.at[*slot]);
    else {
        *slot = te->symbol.n;
        const weft_var *v = weft_var_make(te->ir, weft_te_take_name(te, WEFT_NAME_SYMBOL, name),
                                          weft_scalar(dtype));
        *WEFT_PUSH(&te->ir->arena, &te->symbol) = v;
        return weft_ref(te->ir, v);
    }
    return NULL;
}

const weft_var *
weft_te_var(weft_te *te, const char *name, weft_dtype dtype)
{
    if (!te)
        return NULL;
    return weft_var_make(te->ir, name ? name : "v", weft_scalar(dtype));
}

weft_tensor *
weft_te_input(weft_te *te, const char *name, weft_dtype dtype, int ndim,
              const weft_expr *const *shape)
{
    if (!te || !name || (ndim > 0 && !shape))
        return weft_te_null(te, "weft_te_input"), NULL;
    for (int i = 0; i < ndim; i++) {
        const char *fault = shape[i] ? weft_te_size_fault(te, shape[i]) : NULL;
        if (!shape[i])
            return weft_te_null(te, "weft_te_input"), NULL;
        if (fault)
            return weft_fail(te->diag, WEFT_INVALID_ARGUMENT, "dimension %d of input '%s' %s", i,
                             name, fault),
                   NULL;
    }
    weft_arena *a = &te->ir->arena;
    weft_te_op *op = WEFT_NEW(a, weft_te_op);
    weft_tensor *t = WEFT_NEW(a, weft_tensor);
    op->kind = WEFT_OP_INPUT;
    op->name = weft_te_take_name(te, WEFT_NAME_TENSOR, name);
    op->nout = 1;
    op->out = WEFT_NEW_ARRAY(a, 1, weft_tensor *);
    op->out[0] = t;
    op->reducer = WEFT_REDUCER_COUNT;
    *t = (weft_tensor){ .id = te->tensor.n,
                        .te = te,
                        .op = op,
                        .buf = weft_buf_make(te->ir, op->name, dtype, WEFT_GLOBAL, ndim, shape) };
    weft_te_register(te, t);
    *WEFT_PUSH(a, &te->input) = t;
    return t;
}

weft_axis *
weft_te_new_axis(weft_te *te, const char *name, const weft_expr *extent, weft_axis_kind kind)
{
    weft_axis *axis = WEFT_NEW(&te->ir->arena, weft_axis);
    axis->id = te->naxis++;
    axis->var = weft_var_make(te->ir, name, extent->h.type);
    axis->extent = extent;
    axis->kind = kind;
    axis->bind = WEFT_SERIAL;
    return axis;
}

weft_axis *
weft_te_axis_like(weft_te *te, const weft_axis *like)
{
    return weft_te_new_axis(te, weft_te_take_name(te, WEFT_NAME_AXIS, like->var->name),
                            like->extent, WEFT_AXIS_DATA);
}

static weft_axis *
root_axis(weft_te *te, const char *name, const weft_expr *extent, weft_axis_kind kind)
{
    if (!te || !name || !extent)
        return weft_te_null(te, "weft_te_axis"), NULL;
    const char *fault = weft_te_size_fault(te, extent);
    if (fault)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT, "the extent of axis '%s' %s", name,
                         fault),
               NULL;
    return weft_te_new_axis(te, weft_te_take_name(te, WEFT_NAME_AXIS, name), extent, kind);
}

weft_axis *
weft_te_axis(weft_te *te, const char *name, const weft_expr *extent)
{
    return root_axis(te, name, extent, WEFT_AXIS_DATA);
}

weft_axis *
weft_te_reduce_axis(weft_te *te, const char *name, const weft_expr *extent)
{
    return root_axis(te, name, extent, WEFT_AXIS_REDUCE);
}

const weft_expr *
weft_axis_ref(weft_te *te, const weft_axis *axis)
{
    if (!te || !axis)
        return weft_te_null(te, "weft_axis_ref"), NULL;
    return weft_ref(te->ir, axis->var);
}

/* ---- tensors --------------------------------------------------------------------------------- */

const weft_expr *
weft_tensor_at(weft_te *te, weft_tensor *t, int n, const weft_expr *const *index)
{
    if (!te || !t || (n > 0 && !index))
        return weft_te_null(te, "weft_tensor_at"), NULL;
    return weft_load(te->ir, t->buf, n, index);
}

int
weft_tensor_ndim(const weft_tensor *t)
{
    return t ? t->buf->ndim : 0;
}

const weft_expr *
weft_tensor_dim(const weft_tensor *t, int d)
{
    return t && d >= 0 && d < t->buf->ndim ? t->buf->shape[d] : NULL;
}

weft_dtype
weft_tensor_dtype(const weft_tensor *t)
{
    return t ? t->buf->dtype : WEFT_DTYPE_COUNT;
}

weft_status
weft_te_output(weft_te *te, weft_tensor *t)
{
    if (!te || !t)
        return weft_te_null(te, "weft_te_output");
    const char *name = t->buf->name;
    weft_stage *s = weft_te_stage(te, t);
    if (!s)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                         "'%s' is an input and cannot be an output; define a tensor that copies it",
                         name);
    if (t->is_output)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT, "'%s' is an output already", name);
    if (s->attach != WEFT_AT_ROOT || s->space != WEFT_GLOBAL || s->align_factor || s->stages)
        return weft_fail(
            te->diag, WEFT_INVALID_ARGUMENT,
            "stage '%s' is scheduled as an intermediate already; mark outputs before scheduling",
            name);
    t->is_output = true;
    *WEFT_PUSH(&te->ir->arena, &te->output) = t;
    return WEFT_OK;
}
