/* tests/ops/emit.c: cases as graph text, many in one graph. */
#include "ops.h"

#include <string.h>

const char *const ops_form_name[OPS_FORMS] = { "alone", "fused", "constant" };

enum { PERIOD = 13 }; /* elements of a constant before they repeat: at most 16 are text */

typedef struct emitter {
    ops_batch *b;
    weft_str body;
} emitter;

/* ---- small parts ----------------------------------------------------------------------------- */

static void
add_dims(weft_str *s, int n, const int64_t *dim)
{
    weft_str_add(s, "[");
    for (int d = 0; d < n; d++)
        weft_str_addf(s, "%s%lld", d ? ", " : "", (long long)dim[d]);
    weft_str_add(s, "]");
}

/* dim[0..n) each as a * dim + b, the axes from last to first when `back`. */
static void
add_each(weft_str *s, const ops_input *in, int64_t a, int64_t b)
{
    int64_t list[OPS_RANK];
    for (int d = 0; d < in->ndim; d++) {
        list[d] = a * in->dim[d] + b;
        list[d] = list[d] < 0 ? 0 : list[d];
    }
    add_dims(s, in->ndim, list);
}

/* An input of the graph. */
static void
add_input(emitter *e, const char *name, const ops_input *like)
{
    ops_tensor *t = WEFT_PUSH(&e->b->arena, &e->b->input);
    *t = (ops_tensor){
        .name = name, .dtype = like->dtype, .ndim = like->ndim, .range = like->range
    };
    memcpy(t->dim, like->dim, sizeof t->dim);
}

/* An operator that changes the elements exactly and is undone by itself, or NULL. */
static const char *
flip(weft_dtype t)
{
    weft_dkind kind = weft_dtype_kind(t);
    bool narrow = weft_dtype_bits(t) < 8 || (weft_is_float(t) && weft_dtype_bits(t) == 8);
    if (kind == WEFT_KIND_BOOL)
        return "logical_not";
    return narrow || kind == WEFT_KIND_UINT ? NULL : "negative";
}

/* ---- what stands in front -------------------------------------------------------------------- */

/* x read backwards, by strides or across: `from`'s shape becomes that of what is read. */
static void
move(emitter *e, const char *to, const char *via, ops_input *from, int how)
{
    weft_str *s = &e->body;
    const ops_input x = *from;
    if (how == 0 && x.ndim > 1) {
        int64_t back[OPS_RANK];
        for (int d = 0; d < x.ndim; d++) {
            from->dim[d] = x.dim[x.ndim - 1 - d];
            back[d] = x.ndim - 1 - d;
        }
        weft_str_addf(s, "    %s = transpose(%s) {axes=", to, via);
        add_dims(s, x.ndim, back);
    } else if (how == 1) {
        for (int d = 0; d < x.ndim; d++)
            from->dim[d] = 2 * x.dim[d] + 1;
        weft_str_addf(s, "    %s = slice(%s) {starts=", to, via);
        add_each(s, &x, 0, 1);
        weft_str_add(s, ", steps=");
        add_each(s, &x, 0, 2);
        weft_str_add(s, ", dims=");
        add_each(s, &x, 1, 0);
    } else {
        weft_str_addf(s, "    %s = slice(%s) {starts=", to, via);
        add_each(s, &x, 1, -1);
        weft_str_add(s, ", steps=[");
        for (int d = 0; d < x.ndim; d++)
            weft_str_add(s, d ? ", -1" : "-1");
        weft_str_add(s, "], dims=");
        add_each(s, &x, 1, 0);
    }
    weft_str_add(s, "}\n");
}

/* Input `name` made from another by a flip and a movement. */
static void
add_fused_input(emitter *e, const char *name, const ops_input *in, int how)
{
    ops_input from = *in;
    const char *op = flip(in->dtype), *raw = weft_arena_printf(&e->b->arena, "%s_raw", name);
    const char *via = op ? weft_arena_printf(&e->b->arena, "%s_via", name) : raw;
    if (in->ndim) {
        weft_str rest = e->body;
        e->body = (weft_str){ 0 };
        move(e, name, via, &from, how);
        weft_str moved = e->body;
        e->body = rest;
        if (op)
            weft_str_addf(&e->body, "    %s = %s(%s)\n", via, op, raw);
        weft_str_add(&e->body, weft_str_text(&moved));
        weft_str_free(&moved);
    } else {
        weft_str_addf(&e->body, "    %s = %s(%s)\n", name, op ? op : "identity", raw);
    }
    if (op && in->dtype != WEFT_BOOL) {
        from.range.lo = -in->range.hi;
        from.range.hi = -in->range.lo;
    }
    add_input(e, raw, &from);
}

/* A constant of any size: a few elements repeated. */
static void
add_constant(emitter *e, const char *name, const ops_input *in)
{
    const ops_tensor few = {
        .name = name, .dtype = in->dtype, .ndim = 1, .dim = { PERIOD }, .range = in->range
    };
    weft_const c = ops_fill(&e->b->arena, &few);
    weft_str *s = &e->body;
    int64_t n = 1;
    for (int d = 0; d < in->ndim; d++)
        n *= in->dim[d];
    int64_t times = weft_ceildiv(n, PERIOD);
    weft_str_addf(s, "    %s_few: %s[1, %d] = constant [", name, weft_dtype_name(in->dtype),
                  PERIOD);
    for (int64_t i = 0; i < PERIOD; i++)
        if (weft_is_float(in->dtype))
            weft_str_addf(s, "%s%.9g", i ? ", " : "", weft_get_f64(in->dtype, c.data, i));
        else
            weft_str_addf(s, "%s%lld", i ? ", " : "",
                          (long long)weft_get_i64(in->dtype, c.data, i));
    weft_str_addf(s,
                  "]\n    %s_many = broadcast_to(%s_few) {dims=[%lld, %d]}\n"
                  "    %s_flat = reshape(%s_many) {dims=[%lld]}\n"
                  "    %s_cut = slice(%s_flat) {starts=[0], steps=[1], dims=[%lld]}\n"
                  "    %s = reshape(%s_cut) {dims=",
                  name, name, (long long)times, PERIOD, name, name, (long long)(times * PERIOD),
                  name, name, (long long)n, name, name);
    add_dims(s, in->ndim, in->dim);
    weft_str_add(s, "}\n");
}

/* ---- a case ---------------------------------------------------------------------------------- */

static void
add_case(emitter *e, const ops_case *c, ops_form form, int at)
{
    weft_str *s = &e->body, call = { 0 };
    for (int i = 0; i < c->nin; i++) {
        const char *name = weft_arena_printf(&e->b->arena, "c%d_x%d", at, i);
        weft_str_addf(&call, "%s%s", i ? ", " : "", c->in[i].absent ? "none" : name);
        if (c->in[i].absent)
            continue;
        if (form == OPS_FUSED)
            add_fused_input(e, name, &c->in[i], (c->id + i) % 3);
        else if (form == OPS_CONSTANT && i > 0)
            add_constant(e, name, &c->in[i]);
        else
            add_input(e, name, &c->in[i]);
    }
    const char *op = weft_op_infos[c->row->op].text;
    weft_str_addf(s, "    c%d_%s = %s(%s)", at, form == OPS_ALONE ? "y" : "made", op,
                  weft_str_text(&call));
    if (*c->row->attrs) {
        weft_str_add(s, " {");
        ops_attributes(s, c);
        weft_str_add(s, "}");
    }
    weft_str_add(s, "\n");
    weft_str_free(&call);
}

/* The dtype that a case's operator gives; WEFT_DTYPE_COUNT where the table's text is wrong. */
static weft_dtype
result_dtype(const ops_case *c)
{
    const char *to = strstr(c->row->attrs, "dtype=");
    weft_op op = c->row->op;
    if (to && to[6] != '%')
        return weft_dtype_parse(to + 6, strcspn(to + 6, ", "));
    if (op == WEFT_GOP_ARGMAX || op == WEFT_GOP_ARGMIN || op == WEFT_GOP_ARGSORT ||
        op == WEFT_GOP_ARGSORT_ROWS || op == WEFT_GOP_SEARCHSORTED || op == WEFT_GOP_FLATNONZERO)
        return WEFT_I64;
    if (op == WEFT_GOP_RANDOM_BITS)
        return WEFT_U32;
    bool test = op == WEFT_GOP_ISNAN || op == WEFT_GOP_ISINF || op == WEFT_GOP_NON_MAX_SUPPRESSION ||
                (op >= WEFT_GOP_EQUAL && op <= WEFT_GOP_GREATER_EQUAL);
    return test ? WEFT_BOOL : c->dtype;
}

/* What stands behind a case that is not alone: an exact change of its result. */
static void
add_consumer(emitter *e, const ops_case *c, int at)
{
    weft_dtype t = result_dtype(c);
    const char *op = flip(t);
    if (op)
        weft_str_addf(&e->body, "    c%d_y = %s(c%d_made)\n", at, op, at);
    else
        weft_str_addf(&e->body, "    c%d_y = cast(c%d_made) {dtype=%s}\n", at, at,
                      weft_is_float(t) ? "f32" : "i64");
}

void
ops_emit(ops_batch *b, const ops_case *const *list, int n, ops_form form)
{
    emitter e = { .b = b };
    weft_str all = { 0 };
    *b = (ops_batch){ .ncase = n };
    for (int i = 0; i < n; i++) {
        add_case(&e, list[i], form, i);
        if (form != OPS_ALONE)
            add_consumer(&e, list[i], i);
    }
    weft_str_add(&all, "graph batch(");
    for (int i = 0; i < b->input.n; i++) {
        const ops_tensor *t = &b->input.at[i];
        weft_str_addf(&all, "%s%s: %s", i ? ", " : "", t->name, weft_dtype_name(t->dtype));
        add_dims(&all, t->ndim, t->dim);
    }
    weft_str_add(&all, ") -> (");
    for (int i = 0; i < n; i++)
        weft_str_addf(&all, "%sc%d_y", i ? ", " : "", i);
    weft_str_addf(&all, ") {\n%s}\n", weft_str_text(&e.body));
    b->text = weft_arena_strdup(&b->arena, weft_str_text(&all));
    weft_str_free(&all);
    weft_str_free(&e.body);
}

void
ops_batch_free(ops_batch *b)
{
    weft_arena_reset(&b->arena);
}
