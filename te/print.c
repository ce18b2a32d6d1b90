/* Programs and schedules as text: the definitions as written, then the log of primitives. */
#include "te/priv.h"

#include "ir/priv.h"

typedef WEFT_VEC(const weft_te_op *) op_list;

/* How the outputs are said; the first that says them fully, in their order. */
typedef enum output_style {
    BY_DEFAULT, /* what nobody reads */
    MARKED,     /* "out" before a name */
    RETURNED    /* "return C, B" at the end */
} output_style;

typedef struct printer {
    weft_str *out;
    const weft_te *te;
    weft_arena scratch;
    output_style style;
} printer;

/* ---- outputs --------------------------------------------------------------------------------- */

/* Whether the outputs are the tensors that `chosen` (by id) picks, in the order of definition. */
static bool
outputs_are(const weft_te *te, const op_list *ops, const bool *chosen)
{
    int n = 0;
    for (int i = 0; i < ops->n; i++)
        for (int k = 0; k < ops->at[i]->nout; k++) {
            const weft_tensor *t = ops->at[i]->out[k];
            if (chosen[t->id] && (n == te->output.n || te->output.at[n++] != t))
                return false;
        }
    return n == te->output.n;
}

static output_style
style_of(printer *p, const op_list *ops)
{
    const weft_te *te = p->te;
    bool *unread = WEFT_NEW_ARRAY(&p->scratch, te->tensor.n, bool);
    bool *marked = WEFT_NEW_ARRAY(&p->scratch, te->tensor.n, bool);
    for (int i = 0; i < te->tensor.n; i++) {
        unread[i] = true;
        marked[i] = te->tensor.at[i]->is_output;
    }
    for (int i = 0; i < ops->n; i++) {
        weft_tensor **read;
        int n = weft_te_reads(te, ops->at[i], &p->scratch, &read);
        for (int k = 0; k < n; k++)
            unread[read[k]->id] = false;
    }
    if (te->output.n == 0 || outputs_are(te, ops, unread))
        return BY_DEFAULT;
    return outputs_are(te, ops, marked) ? MARKED : RETURNED;
}

/* ---- parameters ------------------------------------------------------------------------------ */

typedef struct symbol_order {
    const weft_te *te;
    int next; /* symbols met so far */
    bool in_order;
} symbol_order;

static bool
note_symbol(void *user, const weft_expr *e)
{
    symbol_order *o = user;
    if (e->h.kind != WEFT_EK_VAR)
        return true;
    int i = 0;
    while (i < o->te->symbol.n && o->te->symbol.at[i] != e->h.u.var)
        i++;
    o->in_order = o->in_order && i <= o->next;
    o->next += i == o->next;
    return true;
}

/* Whether reading the inputs' shapes makes the same symbols in the same order. */
static bool
shapes_declare_symbols(const weft_te *te)
{
    symbol_order o = { te, 0, true };
    weft_walker w = { .expr = note_symbol, .user = &o };
    for (int i = 0; i < te->input.n; i++)
        for (int d = 0; d < te->input.at[i]->buf->ndim; d++)
            weft_walk_expr(&w, te->input.at[i]->buf->shape[d]);
    for (int i = 0; i < te->symbol.n; i++)
        o.in_order = o.in_order && te->symbol.at[i]->type.dtype == WEFT_I32;
    return o.in_order && o.next == te->symbol.n;
}

static void
print_list(printer *p, int n, const weft_expr *const *at)
{
    for (int i = 0; i < n; i++) {
        weft_str_add(p->out, i ? ", " : "");
        weft_print_expr(p->out, at[i]);
    }
}

static void
print_params(printer *p)
{
    const weft_te *te = p->te;
    const char *comma = "";
    for (int i = 0; i < te->symbol.n && !shapes_declare_symbols(te); i++) {
        const weft_var *v = te->symbol.at[i];
        weft_str_addf(p->out, "%s%s: %s", comma, v->name,
                      weft_dtype_name((weft_dtype)v->type.dtype));
        comma = ", ";
    }
    for (int i = 0; i < te->input.n; i++) {
        const weft_buf *b = te->input.at[i]->buf;
        weft_str_addf(p->out, "%s%s: %s[", comma, b->name, weft_dtype_name(b->dtype));
        print_list(p, b->ndim, b->shape);
        weft_str_add(p->out, "]");
        comma = ", ";
    }
}

/* ---- definitions ----------------------------------------------------------------------------- */

static void
print_axes(printer *p, int n, weft_axis *const *axis)
{
    for (int i = 0; i < n; i++) {
        weft_str_addf(p->out, "%s%s < ", i ? ", " : "", axis[i]->var->name);
        weft_print_expr(p->out, axis[i]->extent);
    }
}

static void
print_vars(printer *p, int n, const weft_var *const *var)
{
    for (int i = 0; i < n; i++)
        weft_str_addf(p->out, "%s%s", i ? ", " : "(", var[i]->name);
    weft_str_add(p->out, ")");
}

static void
print_tuple(printer *p, const weft_te_op *op)
{
    weft_str_add(p->out, " (");
    print_list(p, op->nout, op->body);
    weft_str_add(p->out, ") from (");
    print_list(p, op->nout, op->identity);
    weft_str_add(p->out, ")\n        with ");
    print_vars(p, op->nout, op->lhs);
    weft_str_add(p->out, ", ");
    print_vars(p, op->nout, op->rhs);
    weft_str_add(p->out, " = (");
    print_list(p, op->nout, op->result);
    weft_str_add(p->out, ")");
}

static void
print_value(printer *p, const weft_te_op *op)
{
    bool tuple = op->reducer == WEFT_REDUCER_COUNT;
    if (op->scan) {
        weft_str_addf(p->out, "scan(%s) from %s", op->scan->var->name, op->nout > 1 ? "(" : "");
        print_list(p, op->nout, op->first);
        weft_str_addf(p->out, "%s with ", op->nout > 1 ? ")" : "");
    }
    if (op->nreduce) {
        weft_str_addf(p->out, "%s(", tuple ? "reduce" : weft_reducer_names[op->reducer]);
        print_axes(p, op->nreduce, op->reduce);
        if (op->cond) {
            weft_str_add(p->out, " where ");
            weft_print_expr(p->out, op->cond);
        }
        weft_str_add(p->out, ")");
    }
    if (op->nreduce && tuple) {
        print_tuple(p, op);
        return;
    }
    weft_str_add(p->out, op->nreduce ? " " : op->nout > 1 ? "(" : "");
    print_list(p, op->nout, op->body);
    weft_str_add(p->out, op->nout > 1 ? ")" : "");
}

/* extern S: f32[m], T: i32[n] { ... } */
static void
print_extern(printer *p, const weft_te_op *op)
{
    for (int i = 0; i < op->nout; i++) {
        const weft_buf *b = op->out[i]->buf;
        weft_str_addf(p->out, "%s%s%s: %s[", i ? ", " : "    extern ",
                      p->style == MARKED && op->out[i]->is_output ? "out " : "", b->name,
                      weft_dtype_name(b->dtype));
        print_list(p, b->ndim, b->shape);
        weft_str_add(p->out, "]");
    }
    weft_str_add(p->out, " {\n");
    weft_print_stmt(p->out, op->stmt, 2);
    weft_str_add(p->out, "    }");
}

static void
print_definition(printer *p, const weft_te_op *op)
{
    if (op->kind == WEFT_OP_EXTERN) {
        print_extern(p, op);
        return;
    }
    weft_str_add(p->out, "    ");
    for (int i = 0; i < op->nout; i++)
        weft_str_addf(p->out, "%s%s%s", i ? ", " : "",
                      p->style == MARKED && op->out[i]->is_output ? "out " : "",
                      op->out[i]->buf->name);
    weft_str_add(p->out, "[");
    print_axes(p, op->naxis, op->axis);
    weft_str_add(p->out, "] = ");
    print_value(p, op);
}

static void
print_program(printer *p, const op_list *ops, bool places)
{
    const weft_te *te = p->te;
    p->style = style_of(p, ops);
    weft_str_addf(p->out, "te %s(", weft_name_escape(&p->scratch, te->name));
    print_params(p);
    weft_str_add(p->out, ") {\n");
    for (int i = 0; i < ops->n; i++) {
        print_definition(p, ops->at[i]);
        const weft_stage *s = places ? weft_te_stage(te, ops->at[i]->out[0]) : NULL;
        if (s && s->attach == WEFT_AT_INLINE)
            weft_str_add(p->out, "  # inline");
        else if (s && s->space_set)
            weft_str_addf(p->out, "  # %s", weft_space_name(s->space));
        weft_str_add(p->out, "\n");
    }
    for (int i = 0; p->style == RETURNED && i < te->output.n; i++)
        weft_str_addf(p->out, "%s%s%s", i ? ", " : "    return ", te->output.at[i]->buf->name,
                      i == te->output.n - 1 ? "\n" : "");
    weft_str_add(p->out, "}\n");
}

/* ---- whole texts ----------------------------------------------------------------------------- */

char *
weft_te_print(const weft_te *te)
{
    weft_str out = { 0 };
    printer p = { .out = &out, .te = te };
    op_list ops = { 0 };
    for (int i = 0; i < te->source.n; i++)
        *WEFT_PUSH(&p.scratch, &ops) = te->source.at[i];
    print_program(&p, &ops, false);
    for (int i = 0; i < te->log.n; i++)
        weft_str_addf(&out, "%s    %s\n", i ? "" : "schedule {\n", te->log.at[i]);
    weft_str_add(&out, te->log.n ? "}\n" : "");
    weft_arena_reset(&p.scratch);
    return weft_str_take(&out);
}

char *
weft_te_print_stages(const weft_te *te)
{
    weft_str out = { 0 };
    printer p = { .out = &out, .te = te };
    op_list ops = { 0 };
    for (int i = 0; i < te->stage.n; i++)
        *WEFT_PUSH(&p.scratch, &ops) = te->stage.at[i]->op;
    print_program(&p, &ops, true);
    weft_arena_reset(&p.scratch);
    return weft_str_take(&out);
}
