/* Importers of RNN, GRU and LSTM.
 *
 * What comes of the input is one product for all steps, directions and gates; a step adds what
 * comes of the state before it.  A sequence that is shorter than the others
 * keeps its state in the steps behind its end, which come first where it is gone through in
 * reverse, and its results there are 0.
 */
#include "import/ops.h"

#include <math.h>
#include <strings.h>

enum { MAX_GATES = 4, MAX_FUNCTIONS = 3, MAX_DIRECTIONS = 2 };

/* ---- activation functions -------------------------------------------------------------------- */

typedef enum function_kind {
    AFFINE,
    ELU,
    HARD_SIGMOID,
    LEAKY_RELU,
    RELU,
    SCALED_TANH,
    SIGMOID,
    SOFTPLUS,
    SOFTSIGN,
    TANH,
    THRESHOLDED_RELU,
    FUNCTIONS
} function_kind;

/* NAN: the function has no such number. */
static const struct {
    const char *name;
    float alpha, beta;
} functions[] = {
    [AFFINE] = { "Affine", 1, 0 },
    [ELU] = { "Elu", 1, NAN },
    [HARD_SIGMOID] = { "HardSigmoid", 0.2f, 0.5f },
    [LEAKY_RELU] = { "LeakyRelu", 0.01f, NAN },
    [RELU] = { "Relu", NAN, NAN },
    [SCALED_TANH] = { "ScaledTanh", 1, 1 },
    [SIGMOID] = { "Sigmoid", NAN, NAN },
    [SOFTPLUS] = { "Softplus", NAN, NAN },
    [SOFTSIGN] = { "Softsign", NAN, NAN },
    [TANH] = { "Tanh", NAN, NAN },
    [THRESHOLDED_RELU] = { "ThresholdedRelu", 1, NAN },
};

typedef struct function {
    function_kind kind;
    double alpha, beta;
} function;

static weft_value *
with_alpha(onnx_node *n, weft_op op, weft_value *x, double alpha)
{
    weft_attr attr = weft_attr_float("alpha", &alpha);
    return weft_onnx_emit(n, op, 1, &x, 1, &attr);
}

/* alpha * x + beta */
static weft_value *
affine(onnx_node *n, weft_value *x, double alpha, double beta)
{
    weft_dtype t = x->dtype;
    x = weft_onnx_binary(n, WEFT_GOP_MUL, x, weft_onnx_scalar(n, t, alpha));
    return beta == 0 ? x : weft_onnx_binary(n, WEFT_GOP_ADD, x, weft_onnx_scalar(n, t, beta));
}

static weft_value *
hard_sigmoid(onnx_node *n, weft_value *x, const function *f)
{
    weft_attr attr[] = { weft_attr_float("alpha", &f->alpha), weft_attr_float("beta", &f->beta) };
    return weft_onnx_emit(n, WEFT_GOP_HARD_SIGMOID, 1, &x, 2, attr);
}

/* The operator ThresholdedRelu leaves x = alpha out, this function does not. */
static weft_value *
thresholded(onnx_node *n, weft_value *x, double alpha)
{
    weft_value *least = weft_onnx_scalar(n, x->dtype, alpha),
               *over = weft_onnx_binary(n, WEFT_GOP_GREATER_EQUAL, x, least);
    return weft_onnx_where(n, over, x, weft_onnx_scalar(n, x->dtype, 0));
}

static weft_value *
applied(onnx_node *n, const function *f, weft_value *x)
{
    if (n->status != WEFT_OK)
        return NULL;
    switch (f->kind) {
    case AFFINE:
        return affine(n, x, f->alpha, f->beta);
    case ELU:
        return with_alpha(n, WEFT_GOP_ELU, x, f->alpha);
    case HARD_SIGMOID:
        return hard_sigmoid(n, x, f);
    case LEAKY_RELU:
        return with_alpha(n, WEFT_GOP_LEAKY_RELU, x, f->alpha);
    case RELU:
        return weft_onnx_unary(n, WEFT_GOP_RELU, x);
    case SCALED_TANH:
        x = weft_onnx_unary(n, WEFT_GOP_TANH, affine(n, x, f->beta, 0));
        return x ? affine(n, x, f->alpha, 0) : NULL;
    case SIGMOID:
        return weft_onnx_unary(n, WEFT_GOP_SIGMOID, x);
    case SOFTPLUS:
        return weft_onnx_unary(n, WEFT_GOP_SOFTPLUS, x);
    case SOFTSIGN:
        return weft_onnx_unary(n, WEFT_GOP_SOFTSIGN, x);
    case THRESHOLDED_RELU:
        return thresholded(n, x, f->alpha);
    case TANH:
    case FUNCTIONS:
        break;
    }
    return weft_onnx_unary(n, WEFT_GOP_TANH, x);
}

static function_kind
find_function(onnx_node *n, const char *name)
{
    int k = 0;
    while (k < FUNCTIONS && strcasecmp(functions[k].name, name) != 0)
        k++;
    if (k == FUNCTIONS)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "there is no activation function '%s'", name);
    return (function_kind)k;
}

/* The next of a list of numbers for a function that has one; its own where
 * the list is at its end. */
static double
next_number(const double *list, int count, int *at, float own)
{
    return isnan(own) || *at >= count ? (double)own : list[(*at)++];
}

/* `count` functions: those of attribute `activations` or, over and over, the usual ones. */
static void
read_functions(onnx_node *n, int count, int nusual, const function_kind *usual, function *to)
{
    int names, alphas, betas, alpha = 0, beta = 0;
    const char *const *name = weft_onnx_attr_texts(n, "activations", &names);
    const double *alpha_list = weft_onnx_attr_floats(n, "activation_alpha", &alphas),
                 *beta_list = weft_onnx_attr_floats(n, "activation_beta", &betas);
    if (name && names < count)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "%d activations are given; %d are needed", names,
                       count);
    for (int i = 0; i < count && n->status == WEFT_OK; i++) {
        function_kind k = name ? find_function(n, name[i]) : usual[i % nusual];
        if (k == FUNCTIONS)
            return;
        to[i].kind = k;
        to[i].alpha = next_number(alpha_list, alphas, &alpha, functions[k].alpha);
        to[i].beta = next_number(beta_list, betas, &beta, functions[k].beta);
    }
}

/* ---- the operands ---------------------------------------------------------------------------- */

typedef struct rnn rnn;
typedef struct state { /* [batch, hidden] */
    weft_value *h, *c;
} state;

struct rnn {
    onnx_node *n;
    weft_graph *g;
    int gates, nfunction; /* of a direction */
    void (*step)(const rnn *, int d, const weft_expr *t, state *);
    int time; /* the time axis of X, 0 or 1; the other one is the batch */
    int directions;
    bool reverse; /* the first direction */
    int64_t hidden;
    const weft_expr *batch;
    bool clips, flag; /* flag: input_forget or linear_before_reset */
    double clip;
    weft_value *x;                         /* [time, batch or the other way round, direction, gates * hidden] */
    weft_value *r[MAX_DIRECTIONS];         /* [gates * hidden, hidden] */
    weft_value *late[MAX_DIRECTIONS];      /* a GRU's bias inside the reset, [hidden]; NULL: none */
    weft_value *peephole[MAX_DIRECTIONS];  /* [3 * hidden]; NULL: none */
    weft_value *length;                    /* of sequences, [batch, 1]; NULL: all steps */
    function function[MAX_DIRECTIONS * MAX_FUNCTIONS];
};

static const weft_expr *
dim_of(const rnn *r, int64_t size)
{
    return weft_dim(r->g, size);
}

/* Element `at` of the axis, without the axis. */
static weft_value *
taken(const rnn *r, weft_value *v, int axis, const weft_expr *at)
{
    const weft_expr *dim[4];
    v = weft_onnx_slice(r->n, v, axis, at, dim_of(r, 1));
    if (!v)
        return NULL;
    int rank = 0;
    for (int i = 0; i < v->ndim; i++)
        if (i != axis)
            dim[rank++] = v->dim[i];
    return weft_onnx_reshape(r->n, v, rank, dim);
}

/* Gates `first` .. of what step t of direction d adds of its input, [batch, count * hidden]. */
static weft_value *
input_gates(const rnn *r, int d, const weft_expr *t, int first, int count)
{
    weft_value *x = r->x;
    if (!x || r->n->status != WEFT_OK)
        return NULL;
    const weft_expr *one = dim_of(r, 1), *zero = dim_of(r, 0),
                    *starts[4] = { zero, zero, dim_of(r, d), dim_of(r, first * r->hidden) },
                    *dims[4] = { x->dim[0], x->dim[1], one, dim_of(r, count * r->hidden) },
                    *flat[2] = { x->dim[!r->time], dims[3] };
    starts[r->time] = t;
    dims[r->time] = one;
    weft_attr attr[] = { weft_attr_dims("starts", 4, starts),
                         weft_attr_ints("steps", 4, (const int64_t[]){ 1, 1, 1, 1 }),
                         weft_attr_dims("dims", 4, dims) };
    x = weft_onnx_emit(r->n, WEFT_GOP_SLICE, 1, &x, 3, attr);
    return weft_onnx_reshape(r->n, x, 2, flat);
}

/* `count` gates from number `first` on of the last axis. */
static weft_value *
gate(const rnn *r, weft_value *v, int first, int count)
{
    return v ? weft_onnx_slice(r->n, v, v->ndim - 1, dim_of(r, first * r->hidden),
                               dim_of(r, count * r->hidden))
             : NULL;
}

static weft_value *
sum(const rnn *r, weft_value *a, weft_value *b)
{
    return b ? weft_onnx_binary(r->n, WEFT_GOP_ADD, a, b) : a;
}

static weft_value *
times(const rnn *r, weft_value *a, weft_value *b)
{
    return weft_onnx_binary(r->n, WEFT_GOP_MUL, a, b);
}

/* a b^T */
static weft_value *
product(const rnn *r, weft_value *a, weft_value *b)
{
    weft_value *in[] = { a, b };
    weft_attr attr[] = { weft_attr_int("ta", &(int64_t){ 0 }),
                         weft_attr_int("tb", &(int64_t){ 1 }) };
    return weft_onnx_emit(r->n, WEFT_GOP_MATMUL, 2, in, 2, attr);
}

static void
read_direction(rnn *r)
{
    const char *way = weft_onnx_attr_text(r->n, "direction", "forward");
    r->reverse = strcasecmp(way, "reverse") == 0;
    r->directions = strcasecmp(way, "bidirectional") == 0 ? 2 : 1;
    if (!r->reverse && r->directions == 1 && strcasecmp(way, "forward") != 0)
        weft_onnx_fail(r->n, WEFT_INVALID_INPUT,
                       "direction is '%s', not forward, reverse or bidirectional", way);
}

/* Input i has to have these dims; -1: any. */
static void
check_input(const rnn *r, int i, int rank, int64_t a, int64_t b, int64_t c)
{
    const weft_value *v = weft_onnx_in(r->n, i);
    const int64_t want[3] = { a, b, c };
    bool fits = !v || v->ndim == rank;
    int64_t have;
    for (int d = 0; v && fits && d < rank; d++)
        fits = want[d] < 0 || !weft_as_int(v->dim[d], &have) || have == want[d];
    if (!fits)
        weft_onnx_fail(r->n, WEFT_INVALID_INPUT,
                       "input %d has to have %d dimensions of %lld, %lld, %lld (-1: any)", i, rank,
                       (long long)a, (long long)b, rank > 2 ? (long long)c : -1LL);
}

static void
check_shapes(rnn *r)
{
    int64_t d = r->directions, given = weft_onnx_attr_int(r->n, "hidden_size", 0);
    check_input(r, 0, 3, -1, -1, -1);
    check_input(r, 2, 3, d, -1, -1);
    if (r->n->status == WEFT_OK)
        r->hidden = weft_onnx_size(r->n, weft_onnx_in(r->n, 2), 2);
    int64_t h = r->hidden, rows = 0;
    if (!weft_mul64(h, 2 * r->gates, &rows))
        weft_onnx_fail(r->n, WEFT_INVALID_INPUT, "a state of %lld elements is too large",
                       (long long)h);
    if (given && h != given)
        weft_onnx_fail(r->n, WEFT_INVALID_INPUT, "hidden_size is %lld, but R is of %lld",
                       (long long)given, (long long)h);
    check_input(r, 1, 3, d, rows / 2, -1);
    check_input(r, 2, 3, d, rows / 2, h);
    check_input(r, 3, 2, d, rows, -1);
    check_input(r, 4, 1, -1, -1, -1);
    check_input(r, 5, 3, r->time ? -1 : d, r->time ? d : -1, h);
    check_input(r, 6, 3, r->time ? -1 : d, r->time ? d : -1, h);
    check_input(r, 7, 2, d, 3 * h, -1);
}

/* W's and R's biases, [directions * gates * hidden]; of a GRU whose reset comes late R's bias of
 * the last gate stays apart. */
static weft_value *
read_bias(rnn *r)
{
    weft_value *b = weft_onnx_in(r->n, 3);
    if (!b || r->n->status != WEFT_OK)
        return NULL;
    const weft_expr *all = dim_of(r, r->directions * r->gates * r->hidden);
    weft_value *w = gate(r, b, 0, r->gates), *own = gate(r, b, r->gates, r->gates);
    for (int d = 0; d < r->directions && r->gates == 3 && r->flag; d++)
        r->late[d] = gate(r, taken(r, own, 0, dim_of(r, d)), 2, 1);
    if (r->gates == 3 && r->flag) {
        const weft_expr *dim[2] = { dim_of(r, r->directions), dim_of(r, r->hidden) };
        weft_value *part[] = { gate(r, own, 0, 2), weft_onnx_full(r->n, b->dtype, 2, dim, 0) };
        weft_attr axis = weft_attr_int("axis", &(int64_t){ 1 });
        own = weft_onnx_emit(r->n, WEFT_GOP_CONCAT, 2, part, 1, &axis);
    }
    return weft_onnx_reshape(r->n, sum(r, w, own), 1, &all);
}

/* What every step adds of its input: one product. */
static void
project(rnn *r)
{
    weft_value *x = weft_onnx_in(r->n, 0), *w = weft_onnx_in(r->n, 1), *bias = read_bias(r);
    const weft_expr *gates = dim_of(r, r->gates * r->hidden),
                    *flat_w[2] = { dim_of(r, r->directions * r->gates * r->hidden), w->dim[2] },
                    *flat_x[2] = { weft_dim_op(r->g, WEFT_EK_MUL, x->dim[0], x->dim[1]),
                                   x->dim[2] },
                    *dim[4] = { x->dim[0], x->dim[1], dim_of(r, r->directions), gates };
    weft_value *v = product(r, weft_onnx_reshape(r->n, x, 2, flat_x),
                            weft_onnx_reshape(r->n, w, 2, flat_w));
    r->x = weft_onnx_reshape(r->n, sum(r, v, bias), 4, dim);
}

static void
read_operands(rnn *r)
{
    onnx_node *n = r->n;
    weft_value *x = weft_onnx_in(n, 0), *length = weft_onnx_in(n, 4), *p = weft_onnx_in(n, 7);
    weft_onnx_ignore(n, "output_sequence"); /* before operator set 7: an output says it by its name */
    r->time = n->version >= 14 && weft_onnx_attr_int(n, "layout", 0) != 0;
    r->clips = weft_onnx_has_attr(n, "clip");
    r->clip = weft_onnx_attr_float(n, "clip", 0);
    read_direction(r);
    check_shapes(r);
    if (n->status != WEFT_OK)
        return;
    r->batch = x->dim[!r->time];
    project(r);
    const weft_expr *column[2] = { r->batch, dim_of(r, 1) };
    if (length)
        r->length = weft_onnx_reshape(n, length, 2, column);
    for (int d = 0; d < r->directions; d++) {
        r->r[d] = taken(r, weft_onnx_in(n, 2), 0, dim_of(r, d));
        r->peephole[d] = p ? taken(r, p, 0, dim_of(r, d)) : NULL;
    }
}

/* ---- a step ---------------------------------------------------------------------------------- */

/* Function i of direction d over x.  The sums of gates are clipped before; the cell, which LSTM's
 * third function is applied to, is none of them. */
static weft_value *
activated(const rnn *r, int d, int i, weft_value *x)
{
    if (r->n->status != WEFT_OK)
        return NULL;
    if (r->clips && i < 2) {
        weft_value *in[3] = { x, weft_onnx_scalar(r->n, x->dtype, -r->clip),
                              weft_onnx_scalar(r->n, x->dtype, r->clip) };
        x = weft_onnx_emit(r->n, WEFT_GOP_CLIP, 3, in, 0, NULL);
    }
    return applied(r->n, &r->function[d * r->nfunction + i], x);
}

static weft_value *
one_less(const rnn *r, weft_value *v)
{
    return v ? weft_onnx_binary(r->n, WEFT_GOP_SUB, weft_onnx_scalar(r->n, v->dtype, 1), v) : NULL;
}

static void
rnn_step(const rnn *r, int d, const weft_expr *t, state *s)
{
    s->h = activated(r, d, 0, sum(r, input_gates(r, d, t, 0, 1), product(r, s->h, r->r[d])));
}

/* Gates: update, reset, hidden. */
static void
gru_step(const rnn *r, int d, const weft_expr *t, state *s)
{
    int rows = r->flag ? 3 : 2;
    weft_value *own = r->r[d];
    if (!r->flag && own)
        own = weft_onnx_slice(r->n, own, 0, dim_of(r, 0), dim_of(r, 2 * r->hidden));
    weft_value *before = product(r, s->h, own), *late;
    weft_value *both =
        sum(r, input_gates(r, d, t, 0, 2), rows == 3 ? gate(r, before, 0, 2) : before);
    both = activated(r, d, 0, both);
    weft_value *update = gate(r, both, 0, 1), *reset = gate(r, both, 1, 1);
    if (r->flag) {
        late = times(r, reset, sum(r, gate(r, before, 2, 1), r->late[d]));
    } else {
        own = weft_onnx_slice(r->n, r->r[d], 0, dim_of(r, 2 * r->hidden), dim_of(r, r->hidden));
        late = product(r, times(r, reset, s->h), own);
    }
    weft_value *now = activated(r, d, 1, sum(r, input_gates(r, d, t, 2, 1), late));
    s->h = sum(r, times(r, one_less(r, update), now), times(r, update, s->h));
}

/* Gate i of the sums, plus peephole p of the cell. */
static weft_value *
lstm_gate(const rnn *r, int d, weft_value *sums, int i, int p, weft_value *cell)
{
    weft_value *v = gate(r, sums, i, 1);
    if (r->peephole[d])
        v = sum(r, v, times(r, cell, gate(r, r->peephole[d], p, 1)));
    return activated(r, d, 0, v);
}

/* Gates: input, output, forget, cell; peepholes: input, output, forget. */
static void
lstm_step(const rnn *r, int d, const weft_expr *t, state *s)
{
    weft_value *sums = sum(r, input_gates(r, d, t, 0, 4), product(r, s->h, r->r[d]));
    weft_value *input = lstm_gate(r, d, sums, 0, 0, s->c);
    weft_value *forget = r->flag ? one_less(r, input) : lstm_gate(r, d, sums, 2, 2, s->c);
    weft_value *now = activated(r, d, 1, gate(r, sums, 3, 1));
    s->c = sum(r, times(r, forget, s->c), times(r, input, now));
    s->h = times(r, lstm_gate(r, d, sums, 1, 1, s->c), activated(r, d, 2, s->c));
}

/* ---- all steps ------------------------------------------------------------------------------- */

/* The state before the first step: input i, or zeros. */
static weft_value *
initial(const rnn *r, int i, int d)
{
    weft_value *v = weft_onnx_in(r->n, i);
    const weft_expr *dim[2] = { r->batch, dim_of(r, r->hidden) };
    return v ? taken(r, v, r->time, dim_of(r, d))
             : weft_onnx_full(r->n, weft_onnx_in(r->n, 0)->dtype, 2, dim, 0);
}

static weft_value *
joined(const rnn *r, int count, weft_value *const *v, int axis)
{
    weft_attr attr = weft_attr_int("axis", &(int64_t){ axis });
    return count == 1 ? v[0] : weft_onnx_emit(r->n, WEFT_GOP_CONCAT, count, v, 1, &attr);
}

/* [batch, hidden] with an axis of 1 for the direction. */
static weft_value *
placed(const rnn *r, weft_value *v)
{
    if (!v)
        return NULL;
    const weft_expr *one = dim_of(r, 1),
                    *dim[3] = { r->time ? v->dim[0] : one, r->time ? one : v->dim[0], v->dim[1] };
    return weft_onnx_reshape(r->n, v, 3, dim);
}

/* Whether sequences last to element t, [batch, 1]. */
static weft_value *
lasting(const rnn *r, const weft_expr *t)
{
    const char *name = weft_arena_printf(r->n->arena, "%s_step", r->n->name);
    weft_value *at = weft_graph_dims(r->n->graph, name, -1, &t);
    return weft_onnx_binary(r->n, WEFT_GOP_GREATER, r->length,
                            weft_onnx_cast(r->n, at, r->length->dtype));
}

/* The step that computes element t of the sequences; its result. */
static weft_value *
step_at(const rnn *r, int d, const weft_expr *t, state *s)
{
    state before = *s;
    r->step(r, d, t, s);
    if (!r->length || r->n->status != WEFT_OK)
        return s->h;
    weft_value *lasts = lasting(r, t),
               *y = weft_onnx_where(r->n, lasts, s->h, weft_onnx_scalar(r->n, s->h->dtype, 0));
    s->h = weft_onnx_where(r->n, lasts, s->h, before.h);
    if (s->c)
        s->c = weft_onnx_where(r->n, lasts, s->c, before.c);
    return y;
}

/* All steps of direction d: Y of that direction, and the state behind the last one. */
static weft_value *
run_direction(const rnn *r, int d, state *s)
{
    static const int64_t batch_first[] = { 1, 0, 2, 3 };
    const weft_expr *t, *zero = dim_of(r, 0), *one = dim_of(r, 1),
                        *none[4] = { r->time ? r->batch : zero, r->time ? zero : one,
                                     r->time ? one : r->batch, dim_of(r, r->hidden) };
    weft_value *x = weft_onnx_in(r->n, 0), *was[2] = { initial(r, 5, d), NULL };
    int nstate = r->gates == MAX_GATES ? 2 : 1;
    if (nstate > 1)
        was[1] = initial(r, 6, d);
    weft_onnx_steps all =
        weft_onnx_steps_over(r->n, x, r->time, r->reverse || d == 1, nstate, was);
    while ((t = weft_onnx_next_step(&all))) {
        *s = (state){ was[0], was[1] };
        weft_onnx_step_gives(&all, placed(r, step_at(r, d, t, s)));
        was[0] = s->h;
        was[1] = s->c;
    }
    *s = (state){ was[0], was[1] };
    if (!all.all)
        return weft_onnx_full(r->n, x->dtype, 4, none, 0);
    return r->time ? weft_onnx_transpose(r->n, all.all, batch_first) : all.all;
}

static void
import_rnn(rnn *r, int nusual, const function_kind *usual)
{
    weft_value *y[MAX_DIRECTIONS], *h[MAX_DIRECTIONS], *c[MAX_DIRECTIONS];
    r->g = r->n->graph;
    r->nfunction = nusual;
    read_operands(r);
    read_functions(r->n, r->directions * nusual, nusual, usual, r->function);
    for (int d = 0; d < r->directions && r->n->status == WEFT_OK; d++) {
        state s;
        y[d] = run_direction(r, d, &s);
        h[d] = placed(r, s.h);
        c[d] = placed(r, s.c);
    }
    if (r->n->status != WEFT_OK)
        return;
    weft_onnx_set(r->n, 0, joined(r, r->directions, y, r->time ? 2 : 1));
    weft_onnx_set(r->n, 1, joined(r, r->directions, h, r->time));
    if (r->gates == MAX_GATES)
        weft_onnx_set(r->n, 2, joined(r, r->directions, c, r->time));
}

void
weft_onnx_import_rnn(onnx_node *n)
{
    static const function_kind usual[] = { TANH };
    import_rnn(&(rnn){ .n = n, .gates = 1, .step = rnn_step }, 1, usual);
}

void
weft_onnx_import_gru(onnx_node *n)
{
    static const function_kind usual[] = { SIGMOID, TANH };
    bool late = weft_onnx_attr_int(n, "linear_before_reset", 0) != 0;
    import_rnn(&(rnn){ .n = n, .gates = 3, .step = gru_step, .flag = late }, 2, usual);
}

void
weft_onnx_import_lstm(onnx_node *n)
{
    static const function_kind usual[] = { SIGMOID, TANH, TANH };
    bool coupled = weft_onnx_attr_int(n, "input_forget", 0) != 0;
    import_rnn(&(rnn){ .n = n, .gates = 4, .step = lstm_step, .flag = coupled }, 3, usual);
}
