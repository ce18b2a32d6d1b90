/* What ONNX's random operators become. */
#include "support_onnx.h"

/* What a seed of 7 gives. */
static const weft_import_options seeded = { .seed = &(int64_t){ 7 } };

static model
made_by(int64_t opset, const char *op, const char *in, const char *attrs)
{
    model m = model_make(opset);
    model_input(&m, "x", ONNX_FLOAT, "n,3");
    model_node(&m, op, in, "y", attrs);
    model_output(&m, "y");
    return m;
}

static void
a_nodes_seed_is_the_key(void **state)
{
    (void)state;
    model m = made_by(1, "RandomUniform", "", "shape=[2,3] seed=1.0");
    check_nodes(&m, &seeded,
                "y_constant: u32[] = constant [8]\n"
                "y_constant_1: f32[] = constant [5.9604645e-08]\n"
                "y_random_bits: u32[6] = random_bits() {dim=[6], key=[1065353216, 0], folds=[7]}\n"
                "y_slice: u32[6] = slice(y_random_bits) {starts=[0], steps=[1], dims=[6]}\n"
                "y_reshape: u32[2, 3] = reshape(y_slice) {dims=[2, 3]}\n"
                "y_right_shift: u32[2, 3] = right_shift(y_reshape, y_constant)\n"
                "y_cast: f32[2, 3] = cast(y_right_shift) {dtype=f32}\n"
                "y_multiply: f32[2, 3] = multiply(y_cast, y_constant_1)\n");
}

/* The node that makes the words of the only random operator. */
static const weft_node *
random_node(const weft_graph *g)
{
    for (int i = 0; i < g->node.n; i++)
        if (g->node.at[i]->op == WEFT_GOP_RANDOM_BITS)
            return g->node.at[i];
    fail_msg("no random_bits");
    return NULL;
}

static void
without_a_nodes_seed_the_key_is_of_the_outputs_name(void **state)
{
    (void)state;
    model m = made_by(22, "RandomNormalLike", "x", NULL);
    weft_graph *g = import(&m, &seeded);
    const int64_t *key = weft_node_attr(random_node(g), "key")->ints;
    uint64_t hash = weft_hash_bytes("y", 1);
    assert_true(key[0] == (int64_t)(hash & UINT32_MAX) && key[1] == (int64_t)(hash >> 32));
    weft_graph_destroy(g);
}

static void
numbers_are_of_the_dtype_that_is_asked_for(void **state)
{
    static const struct {
        const char *op, *attrs;
        weft_dtype dtype;
    } rows[] = {
        { "RandomNormalLike", "dtype=16", WEFT_BF16 }, { "RandomUniformLike", NULL, WEFT_F32 },
        { "RandomUniformLike", "dtype=11", WEFT_F64 }, { "Bernoulli", NULL, WEFT_F32 },
        { "Bernoulli", "dtype=9", WEFT_BOOL },         { "Multinomial", NULL, WEFT_I32 },
        { "Multinomial", "dtype=7", WEFT_I64 },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        model m = made_by(22, rows[i].op, "x", rows[i].attrs);
        weft_graph *g = import(&m, &seeded);
        assert_int_equal(g->output.at[0]->dtype, rows[i].dtype);
        assert_string_equal(g->output.at[0]->dim[0]->h.u.var->name, "n");
        weft_graph_destroy(g);
    }
}

static void
without_a_seed_for_all_they_are_refused(void **state)
{
    (void)state;
    model m = made_by(22, "RandomUniform", "", "shape=[2,3] seed=1.0");
    check_refused(&m, NULL, WEFT_UNSUPPORTED, "RandomUniform|no two engines|--seed N");
}

static void
what_is_no_random_number_is_refused(void **state)
{
    (void)state;
    model m = made_by(22, "RandomUniform", "", NULL);
    check_refused(&m, &seeded, WEFT_INVALID_INPUT, "attribute 'shape' is missing");
    m = made_by(22, "RandomNormal", "", "shape=[2,-1]");
    check_refused(&m, &seeded, WEFT_INVALID_INPUT, "-1, which is no size");
    m = made_by(22, "RandomNormalLike", "x", "dtype=7");
    check_refused(&m, &seeded, WEFT_INVALID_INPUT, "random numbers of i64 are not possible");
    m = made_by(22, "Multinomial", "x", "dtype=1");
    check_refused(&m, &seeded, WEFT_INVALID_INPUT, "classes are i32 or i64, not f32");
    m = made_by(22, "Multinomial", "x", "sample_size=-2");
    check_refused(&m, &seeded, WEFT_INVALID_INPUT, "sample_size=-2");
    m = made_by(14, "Bernoulli", "x", NULL);
    check_refused(&m, &seeded, WEFT_UNSUPPORTED, "came with operator set 15");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_nodes_seed_is_the_key),
        cmocka_unit_test(without_a_nodes_seed_the_key_is_of_the_outputs_name),
        cmocka_unit_test(numbers_are_of_the_dtype_that_is_asked_for),
        cmocka_unit_test(without_a_seed_for_all_they_are_refused),
        cmocka_unit_test(what_is_no_random_number_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
