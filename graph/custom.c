/* A user's own operator: a node that carries the text of a te program and is one of its outputs.
 *
 * The program's symbols get their values from the shapes of the node's inputs.  A symbol that
 * stands alone in a dimension is that dimension; then one in a linear expression is solved for;
 * then every dimension has to be what the program says. */
#include "graph/priv.h"

#include <string.h>

typedef struct custom {
    weft_graph *g;
    weft_node *n;
    weft_te *te;             /* the program by itself */
    const weft_expr **value; /* by symbol: over the graph's symbols; NULL: not known yet */
} custom;

static weft_te *
read_program(const weft_node *n, weft_diag *diag)
{
    return weft_te_parse(n->name, weft_node_attr(n, "te")->text, diag);
}

/* "B: f32[k, n]". */
static const char *
input_text(const custom *c, int i)
{
    const weft_buf *b = c->te->input.at[i]->buf;
    weft_str s = { 0 };
    weft_str_addf(&s, "%s: %s[", b->name, weft_dtype_name(b->dtype));
    for (int d = 0; d < b->ndim; d++) {
        weft_str_add(&s, d ? ", " : "");
        weft_print_expr(&s, b->shape[d]);
    }
    const char *text = weft_arena_printf(&c->g->ir->arena, "%s]", weft_str_text(&s));
    weft_str_free(&s);
    return text;
}

/* ---- symbols --------------------------------------------------------------------------------- */

static int
symbol_index(const weft_te *te, const weft_var *v)
{
    int i = 0;
    while (i < te->symbol.n && te->symbol.at[i] != v)
        i++;
    return i;
}

/* An expression of the program over the graph's symbols; NULL: not known, or too intricate. */
static const weft_expr *
dim_of(const custom *c, const weft_expr *e)
{
    int64_t v;
    if (weft_as_int(e, &v))
        return weft_dim(c->g, v);
    if (e->h.kind == WEFT_EK_VAR)
        return c->value[symbol_index(c->te, e->h.u.var)];
    if (e->h.kind == WEFT_EK_CAST)
        return dim_of(c, e->arg[0]);
    if (e->h.nargs != 2 || !e->h.index)
        return NULL;
    return weft_dim_op(c->g, (weft_ek)e->h.kind, dim_of(c, e->arg[0]), dim_of(c, e->arg[1]));
}

/* What the symbol has to be for stride * symbol + rest to be the dimension; NULL: not to be told.
 */
static const weft_expr *
solve(const custom *c, const weft_expr *e, const weft_var *v, const weft_expr *dim)
{
    const weft_expr *stride, *rest;
    int64_t by, plus;
    if (!weft_affine_in(c->te->ir, e, v, &stride, &rest) || !weft_as_int(stride, &by) ||
        !weft_as_int(rest, &plus) || by <= 0)
        return NULL;
    return weft_dim_op(c->g, WEFT_EK_FDIV,
                       weft_dim_op(c->g, WEFT_EK_SUB, dim, weft_dim(c->g, plus)),
                       weft_dim(c->g, by));
}

/* Values for symbols that stand alone in a dimension, or else in a linear expression. */
static void
find_values(custom *c, bool alone)
{
    for (int i = 0; i < c->te->input.n; i++) {
        const weft_buf *b = c->te->input.at[i]->buf;
        for (int d = 0; d < b->ndim; d++)
            for (int s = 0; s < c->te->symbol.n; s++) {
                const weft_var *v = c->te->symbol.at[s];
                const weft_expr *e = b->shape[d], *dim = c->n->in[i]->dim[d];
                if (!c->value[s] && (!alone || e->h.kind == WEFT_EK_VAR) && weft_uses_var(e, v))
                    c->value[s] = alone ? dim : solve(c, e, v, dim);
            }
    }
}

/* ---- checks ---------------------------------------------------------------------------------- */

static weft_status
check_inputs(const custom *c)
{
    const weft_node *n = c->n;
    if (n->nin != c->te->input.n)
        return weft_node_fail(c->g, n, WEFT_INVALID_INPUT,
                              "program '%s' takes %d inputs, and the node has %d", c->te->name,
                              c->te->input.n, n->nin);
    for (int i = 0; i < n->nin; i++) {
        const weft_buf *b = c->te->input.at[i]->buf;
        if (!n->in[i])
            return weft_node_fail(c->g, n, WEFT_INVALID_INPUT,
                                  "input %d is missing; program '%s' takes %s", i, c->te->name,
                                  input_text(c, i));
        if (n->in[i]->dtype != b->dtype || n->in[i]->ndim != b->ndim)
            return weft_node_fail(c->g, n, WEFT_INVALID_INPUT,
                                  "input %d is %s of %d dimensions; program '%s' takes %s", i,
                                  weft_dtype_name(n->in[i]->dtype), n->in[i]->ndim, c->te->name,
                                  input_text(c, i));
    }
    return WEFT_OK;
}

static weft_status
check_symbols(const custom *c)
{
    for (int s = 0; s < c->te->symbol.n; s++)
        if (!c->value[s])
            return weft_node_fail(c->g, c->n, WEFT_INVALID_INPUT,
                                  "symbol '%s' of program '%s' follows from no dimension of an "
                                  "input; give the node an integer attribute of its name",
                                  c->te->symbol.at[s]->name, c->te->name);
    return WEFT_OK;
}

static weft_status
check_dims(const custom *c)
{
    for (int i = 0; i < c->n->nin; i++)
        for (int d = 0; d < c->n->in[i]->ndim; d++) {
            const weft_expr *want = dim_of(c, c->te->input.at[i]->buf->shape[d]);
            int same = weft_dim_equal(c->g, want, c->n->in[i]->dim[d]);
            if (same == 0)
                return weft_node_fail(c->g, c->n, WEFT_INVALID_INPUT,
                                      "dimension %d of input %d does not fit: program '%s' takes "
                                      "%s",
                                      d, i, c->te->name, input_text(c, i));
            if (same < 0)
                return weft_node_fail(c->g, c->n, WEFT_UNSUPPORTED,
                                      "whether dimension %d of input %d fits is not known: program "
                                      "'%s' takes %s; give the model's symbols a value (--dim)",
                                      d, i, c->te->name, input_text(c, i));
        }
    return WEFT_OK;
}

static weft_status
find_symbols(custom *c)
{
    c->value = WEFT_NEW_ARRAY(&c->g->ir->arena, c->te->symbol.n + 1, const weft_expr *);
    weft_status st = check_inputs(c);
    if (st != WEFT_OK)
        return st;
    find_values(c, true);
    find_values(c, false);
    st = check_symbols(c);
    return st == WEFT_OK ? check_dims(c) : st;
}

/* ---- the columns of ops.def ------------------------------------------------------------------ */

static weft_status
set_output(const custom *c)
{
    int64_t k = weft_node_int(c->n, "output");
    if (k < 0 || k >= c->te->output.n)
        return weft_node_fail(c->g, c->n, WEFT_INVALID_INPUT, "program '%s' has no output %lld",
                              c->te->name, (long long)k);
    const weft_buf *b = c->te->output.at[k]->buf;
    const weft_expr **dim = WEFT_NEW_ARRAY(&c->g->ir->arena, b->ndim + 1, const weft_expr *);
    for (int d = 0; d < b->ndim; d++)
        dim[d] = dim_of(c, b->shape[d]);
    return weft_infer_out(c->g, c->n, b->dtype, b->ndim, dim);
}

weft_status
weft_infer_custom(weft_graph *g, weft_node *n)
{
    weft_diag *diag = weft_diag_create();
    custom c = { .g = g, .n = n, .te = read_program(n, diag) };
    int length;
    const char *said = weft_diag_said(diag, &length);
    weft_status st = c.te ? find_symbols(&c)
                          : weft_node_fail(g, n, weft_diag_status(diag),
                                           "the program is none: %.*s", length, said);
    st = st == WEFT_OK ? set_output(&c) : st;
    weft_te_destroy(c.te);
    weft_diag_destroy(diag);
    return st;
}

/* The definitions, over the inputs that the group has made and the graph's symbols. */
static weft_status
read_part(const custom *c, weft_te *te, weft_tensor *const *in)
{
    int n = c->te->symbol.n;
    const char **name = WEFT_NEW_ARRAY(&te->ir->arena, n + 1, const char *);
    const weft_expr **value = WEFT_NEW_ARRAY(&te->ir->arena, n + 1, const weft_expr *);
    for (int i = 0; i < n; i++) {
        name[i] = weft_arena_strdup(&te->ir->arena, c->te->symbol.at[i]->name);
        value[i] = weft_group_dim(te, c->g, c->value[i]);
        if (!value[i])
            return weft_diag_status(te->diag);
    }
    weft_te_given given = { .nvalue = n,
                            .name = name,
                            .value = value,
                            .used = WEFT_NEW_ARRAY(&te->ir->arena, n + 1, bool),
                            .tensor = in,
                            .part = true };
    return weft_te_read(te, c->n->name, weft_node_attr(c->n, "te")->text, &given);
}

/* What the program's text calls so. */
static weft_tensor *
tensor_named(const weft_te *te, const char *name)
{
    for (int i = te->scope.n; i-- > 0;)
        if (te->scope.at[i].buf && strcmp(te->scope.at[i].text, name) == 0)
            return weft_te_tensor_of(te, te->scope.at[i].buf);
    return NULL;
}

weft_status
weft_te_op_custom(weft_te *te, const weft_graph *g, const weft_node *n, weft_tensor *const *in,
                  weft_tensor **out)
{
    custom c = { .g = (weft_graph *)(uintptr_t)g, /* makes dims in it, and changes nothing else */
                 .n = (weft_node *)(uintptr_t)n,
                 .te = read_program(n, te->diag) };
    weft_status st = c.te ? find_symbols(&c) : weft_diag_status(te->diag);
    if (st == WEFT_OK && !te->scope.n) /* by an earlier output of the same operator */
        st = read_part(&c, te, in);
    if (st == WEFT_OK)
        out[0] = tensor_named(te, c.te->output.at[weft_node_int(n, "output")]->buf->name);
    weft_te_destroy(c.te);
    return st;
}

const char *
weft_custom_input(weft_te *te, const weft_node *n, int i)
{
    weft_te *program = read_program(n, te->diag);
    const char *name =
        program ? weft_arena_strdup(&te->ir->arena, program->input.at[i]->buf->name) : "x";
    weft_te_destroy(program);
    return name;
}

bool
weft_custom_siblings(const weft_node *a, const weft_node *b)
{
    if (a->op != WEFT_GOP_CUSTOM || b->op != WEFT_GOP_CUSTOM || a->nin != b->nin ||
        strcmp(weft_node_attr(a, "te")->text, weft_node_attr(b, "te")->text) != 0)
        return false;
    for (int i = 0; i < a->nin; i++)
        if (a->in[i] != b->in[i])
            return false;
    return true;
}
