/* What TfIdfVectorizer becomes, and which pools of n-grams are none. */
#include "support_onnx.h"

static void
one_token_stands_at_no_distance(void **state)
{
    (void)state;
    model m = model_over(9, ONNX_INT64, "2,n", "TfIdfVectorizer", "x",
                         "mode='TF' min_gram_length=1 max_gram_length=1 max_skip_count=7 "
                         "ngram_counts=[0] ngram_indexes=[1,0] pool_int64s=[5,6]");
    check_nodes(&m, NULL,
                "y_constant: i64[] = constant [0]\n"
                "y_constant_1: i64[2, 1, 1, 1] = constant [5, 6]\n"
                "y_constant_2: i64[2, 1] = constant [1, 0]\n"
                "y_full: f32[2, 2] = full() {dims=[2, 2], value=0.0, dtype=f32}\n"
                "y_size: i64[1] = dims() {value=[n], scalar=0}\n"
                "y_reshape: i64[] = reshape(y_size) {dims=[]}\n"
                "y_arange: i64[n] = arange() {start=[0], step=[1], dim=[n], dtype=i64}\n"
                "y_arange_1: i64[1] = arange() {start=[0], step=[0], dim=[1], dtype=i64}\n"
                "y_reshape_1: i64[1, 1] = reshape(y_arange_1) {dims=[1, 1]}\n"
                "y_reshape_2: i64[1, n] = reshape(y_arange) {dims=[1, n]}\n"
                "y_add: i64[1, n] = add(y_reshape_2, y_reshape_1)\n"
                "y_less: bool[1, n] = less(y_add, y_reshape)\n"
                "y_arange_2: i64[n] = arange() {start=[0], step=[1], dim=[n], dtype=i64}\n"
                "y_arange_3: i64[1] = arange() {start=[0], step=[0], dim=[1], dtype=i64}\n"
                "y_reshape_3: i64[1, 1] = reshape(y_arange_3) {dims=[1, 1]}\n"
                "y_reshape_4: i64[1, n] = reshape(y_arange_2) {dims=[1, n]}\n"
                "y_add_1: i64[1, n] = add(y_reshape_4, y_reshape_3)\n"
                "y_where: i64[1, n] = where(y_less, y_add_1, y_constant)\n"
                "y_take: i64[2, 1, n] = take(x, y_where) {axis=1}\n"
                "y_equal: bool[2, 2, 1, n] = equal(y_constant_1, y_take)\n"
                "y_logical_and: bool[2, 2, 1, n] = logical_and(y_less, y_equal)\n"
                "y_cast: i32[2, 2, 1, n] = cast(y_logical_and) {dtype=i32}\n"
                "y_sum: i32[2, 2] = sum(y_cast) {axes=[2, 3], keepdims=0}\n"
                "y_concatenate: i32[2, 2] = concatenate(y_sum) {axis=0}\n"
                "y_cast_1: f32[2, 2] = cast(y_concatenate) {dtype=f32}\n"
                "y_scatter_nd: f32[2, 2] = scatter_nd(y_full, y_constant_2, y_cast_1) {reduction=\"add\"}\n"
                "y: f32[2, 2] = transpose(y_scatter_nd) {axes=[1, 0]}\n");
}

static void
ngrams_of_other_lengths_leave_nothing(void **state)
{
    (void)state;
    model m = model_over(9, ONNX_INT64, "4", "TfIdfVectorizer", "x",
                         "mode='TF' min_gram_length=2 max_gram_length=3 max_skip_count=0 "
                         "ngram_counts=[0] ngram_indexes=[2] pool_int64s=[5]");
    check_nodes(&m, NULL,
                "y_reshape: i64[1, 4] = reshape(x) {dims=[1, 4]}\n"
                "y_full: f32[3, 1] = full() {dims=[3, 1], value=0.0, dtype=f32}\n"
                "y: f32[3] = reshape(y_full) {dims=[3]}\n");
}

static void
a_pool_has_to_be_ngrams(void **state)
{
    static const struct {
        const char *attrs, *message;
    } bad[] = {
        { "mode='TF' ngram_counts=[0,1] ngram_indexes=[0,1] pool_int64s=[5,6]",
          "ngram_counts does not cut the pool of 2 tokens into n-grams of 2" },
        { "mode='TF' ngram_counts=[3] ngram_indexes=[0] pool_int64s=[5]",
          "ngram_counts does not cut the pool of 1 tokens into n-grams of 1" },
        { "mode='TF' ngram_counts=[0] ngram_indexes=[0] pool_int64s=[5,6]",
          "there are 2 n-grams, and 1 of ngram_indexes" },
        { "mode='TF' ngram_counts=[0] ngram_indexes=[-1] pool_int64s=[5]", "-1, which is no column" },
        { "mode='TF' ngram_counts=[0] ngram_indexes=[0] pool_int64s=[5] weights=[1.0,2.0]",
          "there are 2 weights, and 1 of ngram_indexes" },
        { "mode='tf' ngram_counts=[0] ngram_indexes=[0] pool_int64s=[5]", "mode is 'tf'" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char attrs[256];
        snprintf(attrs, sizeof attrs, "min_gram_length=1 max_gram_length=2 max_skip_count=0 %s",
                 bad[i].attrs);
        model m = model_over(9, ONNX_INT64, "4", "TfIdfVectorizer", "x", attrs);
        check_refused(&m, NULL, WEFT_INVALID_INPUT, bad[i].message);
    }
    model m = model_over(9, ONNX_INT64, "4", "TfIdfVectorizer", "x",
                         "mode='TF' min_gram_length=2 max_gram_length=1 max_skip_count=0");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "min_gram_length 2, max_gram_length 1");
    m = model_over(9, ONNX_FLOAT, "4", "TfIdfVectorizer", "x",
                   "mode='TF' min_gram_length=1 max_gram_length=1 max_skip_count=0 "
                   "ngram_counts=[0] ngram_indexes=[0] pool_int64s=[5]");
    check_refused(&m, NULL, WEFT_INVALID_INPUT, "the tokens have to be integers");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_token_stands_at_no_distance),
        cmocka_unit_test(ngrams_of_other_lengths_leave_nothing),
        cmocka_unit_test(a_pool_has_to_be_ngrams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
