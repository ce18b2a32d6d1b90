/* Importer of LinearAttention: a state of [key size, value size] a head, which every step decays,
 * adds the outer product of its key and a value to, and reads through its query.
 *
 * States are [batch, key heads, key size, value size] in f32, or f64; query heads that share a head
 * of keys are rows of one product.
 */
#include "import/ops.h"

#include <math.h>
#include <string.h>

typedef struct linear {
    onnx_node *n;
    weft_graph *g;
    int64_t query, key;       /* heads */
    int64_t size, width;      /* of a head's key, value */
    bool gated, corrected;    /* decays; subtracts what the state gives for the key */
    double scale;
    const weft_expr *batch;
    weft_value *q, *k, *v, *decay, *beta; /* [batch, sequence, ..] */
    weft_dtype wide;
} linear;

static const weft_expr *
dim_of(const linear *a, int64_t size)
{
    return weft_dim(a->g, size);
}

/* Step t of an operand as [batch, rows of heads, a, b]. */
static weft_value *
at_step(const linear *a, weft_value *v, const weft_expr *t, int64_t heads, int64_t rows,
        int64_t cols)
{
    const weft_expr *dim[4] = { a->batch, dim_of(a, heads), dim_of(a, rows), dim_of(a, cols) };
    v = weft_onnx_slice(a->n, v, 1, t, dim_of(a, 1));
    return weft_onnx_cast(a->n, weft_onnx_reshape(a->n, v, 4, dim), a->wide);
}

static weft_value *
product(const linear *a, weft_value *x, weft_value *y, bool transposed)
{
    weft_value *in[] = { x, y };
    weft_attr attr[] = { weft_attr_int("ta", &(int64_t){ transposed }),
                         weft_attr_int("tb", &(int64_t){ 0 }) };
    return weft_onnx_emit(a->n, WEFT_GOP_MATMUL, 2, in, 2, attr);
}

/* Elements of a step that an operand has for each head; those of one head go for all. */
static int64_t
heads_of(const linear *a, const weft_value *v)
{
    return weft_is_int_imm(v->dim[2], 1) ? 1 : a->key;
}

/* The state with step t's key and value; its output, [batch, query heads * width]. */
static weft_value *
step(const linear *a, const weft_expr *t, weft_value **state)
{
    onnx_node *n = a->n;
    weft_value *k = at_step(a, a->k, t, a->key, a->size, 1),
               *v = at_step(a, a->v, t, a->key, 1, a->width),
               *q = at_step(a, a->q, t, a->key, a->query / a->key, a->size), *s = *state;
    if (n->status == WEFT_OK && a->gated) {
        bool each = !weft_is_int_imm(a->decay->dim[2], a->key);
        weft_value *g = at_step(a, a->decay, t, a->key, each ? a->size : 1, 1);
        s = weft_onnx_binary(n, WEFT_GOP_MUL, s, weft_onnx_unary(n, WEFT_GOP_EXP, g));
    }
    if (n->status == WEFT_OK && a->corrected) {
        weft_value *beta = at_step(a, a->beta, t, heads_of(a, a->beta), 1, 1);
        v = weft_onnx_binary(n, WEFT_GOP_SUB, v, product(a, k, s, true));
        v = weft_onnx_binary(n, WEFT_GOP_MUL, beta, v);
    }
    *state = weft_onnx_binary(n, WEFT_GOP_ADD, s, weft_onnx_binary(n, WEFT_GOP_MUL, k, v));
    weft_value *o = weft_onnx_binary(n, WEFT_GOP_MUL, product(a, q, *state, false),
                                     weft_onnx_scalar(n, a->wide, a->scale));
    const weft_expr *dim[2] = { a->batch, dim_of(a, a->query * a->width) };
    return weft_onnx_reshape(n, weft_onnx_cast(n, o, a->q->dtype), 2, dim);
}

/* ---- operands -------------------------------------------------------------------------------- */

static void
read_rule(linear *a)
{
    const char *rule = weft_onnx_attr_text(a->n, "update_rule", "gated_delta");
    a->gated = strcmp(rule, "gated") == 0 || strcmp(rule, "gated_delta") == 0;
    a->corrected = strcmp(rule, "delta") == 0 || strcmp(rule, "gated_delta") == 0;
    if (!a->gated && !a->corrected && strcmp(rule, "linear") != 0)
        weft_onnx_fail(a->n, WEFT_INVALID_INPUT,
                       "update_rule is '%s', not linear, gated, delta or gated_delta", rule);
    if ((a->gated && !a->decay) || (a->corrected && !a->beta))
        weft_onnx_fail(a->n, WEFT_INVALID_INPUT, "update_rule %s needs input %d, %s", rule,
                       a->gated && !a->decay ? 4 : 5, a->gated && !a->decay ? "decay" : "beta");
}

static void
check_ranks(const linear *a)
{
    const weft_value *all[] = { a->q, a->k, a->v, a->decay, a->beta };
    for (int i = 0; i < 5; i++)
        if (all[i] && all[i]->ndim != 3)
            weft_onnx_fail(a->n, WEFT_INVALID_INPUT, "'%s' has %d dimensions; 3 are needed",
                           all[i]->name, all[i]->ndim);
    if (a->key < 1 || a->query < 1 || a->query % a->key)
        weft_onnx_fail(a->n, WEFT_INVALID_INPUT,
                       "q_num_heads=%lld has to be a multiple of kv_num_heads=%lld",
                       (long long)a->query, (long long)a->key);
}

/* The last dimension of v over its heads. */
static int64_t
head_size(const linear *a, const weft_value *v, int64_t heads)
{
    int64_t all = a->n->status == WEFT_OK ? weft_onnx_size(a->n, v, 2) : 0;
    if (a->n->status == WEFT_OK && all % heads)
        weft_onnx_fail(a->n, WEFT_INVALID_INPUT, "%lld heads do not divide the %lld elements of '%s'",
                       (long long)heads, (long long)all, v->name);
    return a->n->status == WEFT_OK ? all / heads : 0;
}

static weft_value *
first_state(const linear *a, weft_value *past)
{
    const weft_expr *dim[4] = { a->batch, dim_of(a, a->key), dim_of(a, a->size),
                                dim_of(a, a->width) };
    return past ? weft_onnx_cast(a->n, past, a->wide)
                : weft_onnx_full(a->n, a->wide, 4, dim, 0);
}

/* `all` is [sequence, batch, ..]; NULL: of no steps. */
static void
set_outputs(const linear *a, weft_value *state, weft_value *all, weft_dtype t)
{
    static const int64_t order[] = { 1, 0, 2 };
    const weft_expr *none[3] = { a->batch, dim_of(a, 0), dim_of(a, a->query * a->width) };
    weft_onnx_last(a->n, 0);
    weft_onnx_set(a->n, 0,
                  all ? weft_onnx_transpose(a->n, all, order)
                      : weft_onnx_full(a->n, a->q->dtype, 3, none, 0));
    weft_onnx_last(a->n, 1);
    weft_onnx_set(a->n, 1, weft_onnx_cast(a->n, state, t));
}

void
weft_onnx_import_linear_attention(onnx_node *n)
{
    linear a = { .n = n,
                 .g = n->graph,
                 .query = weft_onnx_attr_int(n, "q_num_heads", 0),
                 .key = weft_onnx_attr_int(n, "kv_num_heads", 0),
                 .q = weft_onnx_in(n, 0),
                 .k = weft_onnx_in(n, 1),
                 .v = weft_onnx_in(n, 2),
                 .decay = weft_onnx_in(n, 4),
                 .beta = weft_onnx_in(n, 5),
                 .scale = weft_onnx_attr_float(n, "scale", 0),
                 .wide = WEFT_F32 };
    weft_value *past = weft_onnx_in(n, 3);
    weft_onnx_ignore(n, "chunk_size"); /* how fast, not what */
    read_rule(&a);
    check_ranks(&a);
    a.size = head_size(&a, a.q, a.query);
    a.width = head_size(&a, a.v, a.key);
    a.batch = a.q->dim[0];
    if (a.scale == 0)
        a.scale = a.size > 0 ? 1 / sqrt((double)a.size) : 1;
    if (n->status != WEFT_OK)
        return;
    weft_value *state = first_state(&a, past);
    weft_onnx_steps all = weft_onnx_steps_over(n, a.q, 1, false, 1, &state);
    const weft_expr *t;
    while ((t = weft_onnx_next_step(&all)))
        weft_onnx_step_gives(&all, step(&a, t, &state));
    if (n->status == WEFT_OK)
        set_outputs(&a, state, all.all, past ? past->dtype : a.q->dtype);
}
