/* Shapes, dtypes and known elements that inference finds, and the faults it tells. */
#include "support.h"

/* The type of the graph's first output. */
static void
check_type(const char *text, const char *type)
{
    weft_graph *g = graph_of(text);
    weft_str s = { 0 };
    const weft_value *v = g->output.at[0];
    weft_str_addf(&s, "%s", weft_dtype_name(v->dtype));
    for (int i = 0; i < v->ndim; i++) {
        weft_str_add(&s, i ? ", " : "[");
        int64_t d;
        if (weft_as_int(v->dim[i], &d))
            weft_str_addf(&s, "%lld", (long long)d);
        else
            weft_print_expr(&s, v->dim[i]);
    }
    weft_str_add(&s, v->ndim ? "]" : "[]");
    assert_string_equal(weft_str_text(&s), type);
    weft_str_free(&s);
    weft_graph_destroy(g);
}

static void
shapes_follow_the_operators(void **state)
{
    static const struct {
        const char *inputs, *node, *type;
    } rows[] = {
        { "x: f32[2, 3]", "exp(x)", "f32[2, 3]" },
        { "x: f32[2, 3]", "cast(x) {dtype=i8}", "i8[2, 3]" },
        { "x: f32[2, 3]", "isnan(x)", "bool[2, 3]" },
        { "x: f32[2, 1, 3], z: f32[4, 1]", "add(x, z)", "f32[2, 4, 3]" },
        { "x: f32[n, 1], z: f32[1, m]", "less(x, z)", "bool[n, m]" },
        { "x: f32[n, 3], z: f32[]", "power(x, z)", "f32[n, 3]" },
        { "c: bool[2, 1], x: f32[3], z: f32[]", "where(c, x, z)", "f32[2, 3]" },
        { "x: f32[2, 1]", "broadcast_to(x) {dims=[5, 2, 3]}", "f32[5, 2, 3]" },
        { "x: f32[n, 4]", "reshape(x) {dims=[n * 4]}", "f32[n * 4i64]" },
        { "x: f32[2, n, 4]", "transpose(x) {axes=[2, 0, 1]}", "f32[4, 2, n]" },
        { "x: f32[2, n], z: f32[2, m]", "concatenate(x, z) {axis=1}", "f32[2, n + m]" },
        { "x: f32[10, 4]", "slice(x) {starts=[9, 0], steps=[-2, 1], dims=[5, 4]}", "f32[5, 4]" },
        { "x: f32[10, 4], i: i64[2, 3]", "take(x, i) {axis=0}", "f32[2, 3, 4]" },
        { "x: f32[10, 4], i: i64[]", "take(x, i) {axis=1}", "f32[10]" },
        { "x: f32[n, 4, 5], i: i64[n, 7, 2]", "gather_nd(x, i) {batch=1}", "f32[n, 7]" },
        { "x: f32[4, 5, n], i: i64[7, m, 1]", "gather_nd(x, i) {batch=0}", "f32[7, m, 5, n]" },
        { "x: f32[n, 4], i: i64[2, 3], u: f32[2, 3]",
          "put_along_axis(x, i, u) {axis=0, reduction=\"add\"}", "f32[n, 4]" },
        { "x: f32[n, 2, m, m]", "det(x)", "f32[n, 2]" },
        { "x: u8[4, n], i: i32[m, 1], u: u8[m, n]", "scatter_nd(x, i, u) {reduction=\"none\"}",
          "u8[4, n]" },
        { "x: f32[n, 4]", "pad(x) {before=[1, -1], after=[2, 0], mode=\"edge\"}",
          "f32[n + 3i64, 3]" },
        { "x: f32[2, 3, n]", "sum(x) {axes=[0, 2], keepdims=1}", "f32[1, 3, 1]" },
        { "x: f32[2, 3, n]", "max(x) {axes=[1], keepdims=0}", "f32[2, n]" },
        { "x: f32[2, 3]", "argmax(x) {axis=0, keepdims=0, last=0}", "i64[3]" },
        { "x: f32[5, 1, n, 8], w: f32[3, 8, m]", "matmul(x, w) {ta=0, tb=0}", "f32[5, 3, n, m]" },
        { "x: f32[8, 2], w: f32[3, 8]", "matmul(x, w) {ta=1, tb=1}", "f32[2, 3]" },
        { "x: f16[8, 2], w: f16[3, 8]", "matmul(x, w) {ta=1, tb=1, dtype=f32}", "f32[2, 3]" },
        { "x: f32[4, 8], w: f32[2, 8, 16]", "matmul(x, w) {ta=0, tb=0, pack=16, n=20}",
          "f32[4, 20]" },
        { "q: f16[2, 1, n, 8], k: f16[3, 8, 5], v: f16[5, 4], b: f16[3, 1, 5]",
          "attention(q, k, v, b) {tq=0, tk=0, tv=0, scale=0.5, rows=16, keys=8}",
          "f16[2, 3, n, 4]" },
        { "q: f32[8, 7], k: f32[n, 8], v: f32[3, n]",
          "attention(q, k, v) {tq=1, tk=1, tv=1, scale=1, rows=1, keys=1}", "f32[7, 3]" },
        { "x: f32[1, 6, 9, n], w: f32[4, 3, 3, 1]",
          "conv(x, w) {strides=[2, 1], dilations=[2, 1], pads=[1, 0, 1, 0], groups=2}",
          "f32[1, 4, 4, n]" },
        { "x: f32[1, 3, 8, 8], w: f32[2, 3, 3, 3, 8], b: f32[12]",
          "conv(x, w, b) {strides=[1, 1], dilations=[1, 1], pads=[0, 0, 0, 0], groups=1, pack=8, "
          "out_channels=12}",
          "f32[1, 12, 6, 6]" },
        { "x: f32[n, 2, 9, 4], w: f32[3, 2, 3, 4, 4]",
          "conv(x, w) {strides=[1], dilations=[1], pads=[1, 1], groups=1, pack=4, out_channels=9, "
          "in_block=4}",
          "f32[n, 9, 9]" },
        { "x: f32[1, 2, 9, 4], w: f32[8, 1, 3]",
          "conv(x, w) {strides=[2], dilations=[1], pads=[0, 0], groups=8, in_block=4, "
          "out_block=4}",
          "f32[1, 2, 4, 4]" },
        { "x: f32[1, 3, 9], w: f32[8, 3, 3]",
          "conv(x, w) {strides=[1], dilations=[1], pads=[0, 0], groups=1, out_block=8}",
          "f32[1, 1, 7, 8]" },
        { "x: f32[n, 12, m]", "block(x) {lanes=4}", "f32[n, 3, m, 4]" },
        { "x: f32[n, 3, m, 4]", "unblock(x) {}", "f32[n, 12, m]" },
        { "x: f32[1, 3, 10, 4]",
          "max_pool(x) {kernel=[3], strides=[2], dilations=[1], pads=[0, 0], ceil=0, block=4}",
          "f32[1, 3, 4, 4]" },
        { "x: f32[1, 4, 5], w: f32[4, 3, 3]",
          "conv_transpose(x, w) {strides=[2], dilations=[1], pads=[1, 0], output_padding=[1], "
          "groups=2}",
          "f32[1, 6, 11]" },
        { "x: f32[1, 2, 10]",
          "max_pool(x) {kernel=[3], strides=[2], dilations=[1], pads=[0, 0], ceil=0}",
          "f32[1, 2, 4]" },
        { "x: f32[1, 2, 10]",
          "max_pool(x) {kernel=[3], strides=[2], dilations=[1], pads=[0, 0], ceil=1}",
          "f32[1, 2, 5]" },
        { "x: f32[1, 2, 4]", /* the last window would start in the padding behind */
          "max_pool(x) {kernel=[1], strides=[2], dilations=[1], pads=[0, 1], ceil=1}",
          "f32[1, 2, 2]" },
        { "x: f32[n, 3, m]",
          "resize(x) {dims=[n, 3, 2 * m], step=[1, 1, 1], offset=[0, 0, 0], divisor=[1, 1, 2], "
          "mode=\"floor\", exclude_outside=0}",
          "f32[n, 3, m * 2i64]" },
        { "x: f32[n, m]",
          "resize_antialias(x) {axis=1, dim=[m // 2], step=[2], offset=[1], divisor=[1], up=[1], "
          "down=[2], mode=\"linear\", exclude_outside=0}",
          "f32[n, m // 2i64]" },
        { "x: u8[n, 1], z: u8[3]", "left_shift(x, z)", "u8[n, 3]" },
        { "x: i4[n]", "bitwise_not(x)", "i4[n]" },
        { "x: f16[n, 3]", "bitcast(x) {dtype=i16}", "i16[n, 3]" },
        { "x: f16[n, 3, 5, m], p: f32[n, 7, 8, 2]",
          "sample(x, p) {mode=\"cubic\", padding=\"zeros\", units=\"edges\", reversed=1}",
          "f16[n, 3, 7, 8]" },
        { "x: f32[1, 2, 9, n]",
          "max_pool_index(x) {kernel=[3, 3], strides=[2, 1], dilations=[1, 1], pads=[1, 1, 1, 1], "
          "ceil=0, column_major=0}",
          "i64[1, 2, 5, n]" },
        { "x: f32[n, 8, 6]",
          "col2im(x) {image=[3, 4], kernel=[2, 2], strides=[1, 1], dilations=[1, 1], "
          "pads=[0, 0, 0, 0]}",
          "f32[n, 2, 3, 4]" },
        { "x: f32[2, c, 9, 7], r: f32[n, 4], b: i64[n]",
          "roi_align(x, r, b) {height=3, width=2, samples=0, scale=1.0, half_pixel=1, "
          "mode=\"mean\"}",
          "f32[n, c, 3, 2]" },
        { "x: f32[2, 3, 9, 7], r: f32[n, 5]", "max_roi_pool(x, r) {height=3, width=2, scale=1.0}",
          "f32[n, 3, 3, 2]" },
        { "x: f32[2, 3, 4]", "softmax(x) {axis=2}", "f32[2, 3, 4]" },
        { "x: f16[2, n]", "cumsum(x) {axis=1, exclusive=0, reverse=1}", "f16[2, n]" },
        { "x: f16[2, n]", "argsort(x) {axis=1, descending=0, count=[n - 1]}", "i64[2, n - 1i64]" },
        { "x: f16[n, 3]", "argsort_rows(x) {}", "i64[n]" },
        { "x: i8[n, 3], z: i8[m, 3]", "searchsorted(x, z) {right=0}", "i64[m]" },
        { "x: bool[n]", "flatnonzero(x) {}", "i64[n]" },
        { "b: f32[n, m, 4], s: f32[n, 3, m], o: i64[n, 3, m], k: i64[1], u: f32[1]",
          "non_max_suppression(b, s, o, k, u) {center_point_box=1}", "bool[n, 3, m]" },
        { "x: f16[2, n], i: i32[1, 7]", "take_along_axis(x, i) {axis=1}", "f16[1, 7]" },
        { "x: f16[2, n, 4], s: f16[4]", "rms_norm(x, s) {axis=2, epsilon=0.5}", "f16[2, n, 4]" },
        { "", "full() {dims=[2, 3], value=1.5, dtype=f16}", "f16[2, 3]" },
        { "x: f32[n]", "random_bits() {dim=[2 * n], key=[1, 4294967295], folds=[n]}", "u32[n * 2i64]" },
        { "x: f32[n]", "arange() {start=[n], step=[2], dim=[n + 1], dtype=i32}", "i32[n + 1i64]" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        weft_str s = { 0 };
        weft_str_addf(&s, "graph f(%s) -> (y) { y = %s }", rows[i].inputs, rows[i].node);
        check_type(weft_str_text(&s), rows[i].type);
        weft_str_free(&s);
    }
}

static void
faults_name_node_and_inputs(void **state)
{
    (void)state;
    check_error("graph f(x: f32[2, 3], z: f32[4]) -> (y) { y = add(x, z) from \"sum1\" (Add) }",
                "node 'sum1' (Add): add: the shapes do not broadcast");
    check_error("graph f(x: f32[2, 3], z: f32[4]) -> (y) { y = add(x, z) from \"sum1\" (Add) }",
                "inputs x: f32[2, 3], z: f32[4]");
}

static void
faults_are_found(void **state)
{
    static const struct {
        const char *inputs, *node, *part;
    } rows[] = {
        { "x: f32[2], z: f64[2]", "add(x, z)", "operands are f32 and f64" },
        { "x: f32[n], z: f32[m]", "add(x, z)", "do not broadcast" },
        { "x: bool[2]", "exp(x)", "a float is needed" },
        { "x: i32[2]", "exp(x)", "a float is needed" },
        { "x: f32[2]", "logical_not(x)", "bool is needed" },
        { "x: f32[2], z: f32[2]", "logical_and(x, z)", "operands of f32 are not possible" },
        { "c: f32[2], x: f32[2], z: f32[2]", "where(c, x, z)", "has to be bool" },
        { "x: bool[2], z: bool[2]", "bitwise_and(x, z)", "operands of bool are not possible" },
        { "x: f32[2], z: f32[2]", "right_shift(x, z)", "operands of f32 are not possible" },
        { "x: f32[2]", "bitwise_not(x)", "an integer is needed" },
        { "x: f32[2]", "bitcast(x) {dtype=i64}", "f32 has 32 bits, i64 has 64" },
        { "x: f32[2, 3]", "reshape(x) {dims=[7]}", "another number of elements" },
        { "x: f32[2, 3]", "block(x) {lanes=2}", "no whole number of blocks of lanes=2" },
        { "x: f32[2, n]", "block(x) {lanes=2}", "no whole number of blocks of lanes=2" },
        { "x: f32[2, 4]", "block(x) {lanes=0}", "no whole number of blocks of lanes=0" },
        { "x: f32[2, 4]", "unblock(x) {}", "needs three dimensions" },
        { "x: f32[1, 3, 10, 4]",
          "max_pool(x) {kernel=[3], strides=[2], dilations=[1], pads=[0, 0], ceil=0, block=8}",
          "the last dimension is not block=8" },
        { "x: f32[1, 10, 4]",
          "max_pool(x) {kernel=[3], strides=[2], dilations=[1], pads=[0, 0], ceil=0, block=4}",
          "needs at least three dimensions beside the block's" },
        { "x: f32[1, 2, 9, 4], w: f32[6, 4, 3]",
          "conv(x, w) {strides=[1], dilations=[1], pads=[0, 0], groups=2, in_block=4, out_block=4}",
          "no whole blocks of in_block=4 and out_block=4" },
        { "x: f32[1, 2, 9, 4], w: f32[8, 1, 3]",
          "conv(x, w) {strides=[1], dilations=[1], pads=[0, 0], groups=8, in_block=4}",
          "no whole blocks of in_block=4 and out_block=0" },
        { "x: f32[1, 2, 9, 4], w: f32[4, 8, 3]",
          "conv(x, w) {strides=[1], dilations=[1], pads=[0, 0], groups=1, in_block=1}",
          "in_block=1 is no number of lanes" },
        { "x: f32[1, 2, 9, 4], w: f32[4, 6, 3]",
          "conv(x, w) {strides=[1], dilations=[1], pads=[0, 0], groups=1, in_block=4}",
          "no whole blocks of in_block=4" },
        { "x: f32[2, 3]", "transpose(x) {axes=[0, 0]}", "stands twice" },
        { "x: f32[2, 3]", "transpose(x) {axes=[0]}", "1 elements where 2 are needed" },
        { "x: f32[2], z: i32[2]", "concatenate(x, z) {axis=0}", "does not fit beside" },
        { "x: f32[2]", "concatenate(x) {axis=1}", "axis 1 is outside" },
        { "x: f32[4]", "slice(x) {starts=[2], steps=[1], dims=[3]}", "outside its bounds" },
        { "x: f32[4]", "slice(x) {starts=[2], steps=[0], dims=[1]}", "step 0" },
        { "x: f32[4], i: f32[1]", "take(x, i) {axis=0}", "has to be of integers" },
        { "x: f32[4, 5], i: i64[4, n], u: f32[4, n]",
          "put_along_axis(x, i, u) {axis=0, reduction=\"none\"}",
          "not surely within input 0 along axis 1" },
        { "x: f32[4, 5]", "det(x)", "surely equal" },
        { "x: i32[4, 4]", "det(x)", "a float is needed" },
        { "x: f32[4, 5], i: i64[3, 3]", "gather_nd(x, i) {batch=0}", "tuples of 3 indices for 2 axes" },
        { "x: f32[4, 5], i: i64[3, n]", "gather_nd(x, i) {batch=0}", "has to be constant" },
        { "x: f32[4, 5], i: i64[3, 1]", "gather_nd(x, i) {batch=1}", "is not the same" },
        { "x: f32[4, 5], i: i64[3, 1]", "gather_nd(x, i) {batch=2}", "2 batch dimensions" },
        { "x: f32[4], i: i64[3, 1], u: f32[4]", "scatter_nd(x, i, u) {reduction=\"none\"}",
          "input 2 has to have the shape" },
        { "x: f32[4], i: i64[3], u: f32[3]", "put_along_axis(x, i, u) {axis=0, reduction=\"sub\"}",
          "reduction 'sub' is not one of" },
        { "x: f32[4], i: i64[3], u: f16[3]", "put_along_axis(x, i, u) {axis=0, reduction=\"add\"}",
          "has to be of f32" },
        { "x: f32[4]", "pad(x) {before=[-3], after=[-2], mode=\"edge\"}", "negative dimension" },
        { "x: f32[4]", "pad(x) {before=[0], after=[0], mode=\"odd\"}", "mode 'odd'" },
        { "x: f32[1, 1, 4, 4], p: f32[1, 2, 3]",
          "sample(x, p) {mode=\"linear\", padding=\"zeros\", units=\"edges\", reversed=1}",
          "floats [N, .., r]" },
        { "x: f32[1, 1, 4, 4], p: f32[1, 2, 2]",
          "sample(x, p) {mode=\"linear\", padding=\"odd\", units=\"edges\", reversed=1}",
          "padding 'odd'" },
        { "x: f32[1, 7, 6]",
          "col2im(x) {image=[3, 4], kernel=[2, 2], strides=[1, 1], dilations=[1, 1], "
          "pads=[0, 0, 0, 0]}",
          "do not fit windows of 4 elements" },
        { "x: f32[2, 3, 9, 7], r: f32[5, 4], b: i64[4]",
          "roi_align(x, r, b) {height=3, width=2, samples=0, scale=1.0, half_pixel=1, "
          "mode=\"mean\"}",
          "an integer for each region" },
        { "x: f32[4]",
          "resize(x) {dims=[8], step=[1], offset=[0], divisor=[2], mode=\"odd\", exclude_outside=0}",
          "mode 'odd'" },
        { "x: f32[4]",
          "resize(x) {dims=[8], step=[1], offset=[0], divisor=[0], mode=\"floor\", "
          "exclude_outside=0}",
          "element 0 of 'divisor' is not in 1.." },
        { "x: f32[0]",
          "resize(x) {dims=[8], step=[1], offset=[0], divisor=[2], mode=\"floor\", "
          "exclude_outside=0}",
          "axis 0 is empty" },
        { "x: f32[4]", "sum(x) {axes=[0, 0], keepdims=0}", "stands twice" },
        { "x: f32[4]", "softmax(x) {axis=1}", "axis 1 is outside" },
        { "x: f32[4]", "softmax(x) {axis=-1}", "axis -1 is outside" },
        { "x: f32[2, 3], z: f32[4, 2]", "matmul(x, z) {ta=0, tb=0}", "inner dimensions" },
        { "x: f32[2], z: f32[2, 2]", "matmul(x, z) {ta=0, tb=0}", "two dimensions at least" },
        { "x: f16[2, 2]", "matmul(x, x) {ta=0, tb=0, dtype=f64}",
          "dtype is f64; a product of f16 is that, or the f32 of its sums" },
        { "x: f32[1, 1, 2, 2]",
          "conv(x, x) {strides=[1, 1], dilations=[1, 1], pads=[0, 0, 0, 0], groups=1, dtype=f16}",
          "dtype is f16; a product of f32 is that" },
#define BLOCKS "scale=1, rows=16, keys=16}"
        { "q: f32[7, 8], k: f32[8, 5], v: f32[6, 4]",
          "attention(q, k, v) {tq=0, tk=0, tv=0, " BLOCKS, "inner dimensions" },
        { "q: f32[7, 8], k: f32[8, 5], v: f32[5, 4], b: f32[2, 7, 5]",
          "attention(q, k, v, b) {tq=0, tk=0, tv=0, " BLOCKS, "mask does not broadcast" },
        { "q: f32[7, 8], k: f32[8, 5], v: f32[5, 4], b: f32[7, 4]",
          "attention(q, k, v, b) {tq=0, tk=0, tv=0, " BLOCKS, "mask does not broadcast" },
        { "q: f32[7, 8], k: f32[8, 5], v: f16[5, 4]",
          "attention(q, k, v) {tq=0, tk=0, tv=0, " BLOCKS, "two dtypes" },
        { "q: f32[8], k: f32[8, 5], v: f32[5, 4]", "attention(q, k, v) {tq=0, tk=0, tv=0, " BLOCKS,
          "two dimensions at least" },
        { "q: i32[7, 8], k: i32[8, 5], v: i32[5, 4]",
          "attention(q, k, v) {tq=0, tk=0, tv=0, " BLOCKS, "a float is needed" },
        { "q: f32[7, 8], k: f32[8, 5], v: f32[5, 4]",
          "attention(q, k, v) {tq=0, tk=0, tv=0, scale=1, rows=0, keys=8}", "blocks are of 1 to" },
        { "q: f32[7, 8], k: f32[8, 5], v: f32[5, 4]",
          "attention(q, k, v) {tq=0, tk=0, tv=0, scale=1, rows=8, keys=24, lanes=16}",
          "lanes=16 do not divide keys=24" },
#undef BLOCKS
        { "x: f32[1, 3, 8], w: f32[4, 2, 3]",
          "conv(x, w) {strides=[1], dilations=[1], pads=[0, 0], groups=1}", "channels do not fit" },
        { "x: f32[1, 3, 8], w: f32[4, 3, 9]",
          "conv(x, w) {strides=[0], dilations=[1], pads=[0, 0], groups=1}", "'strides' holds 0" },
        { "x: f32[1, 3, 2], w: f32[4, 3, 9]",
          "conv(x, w) {strides=[1], dilations=[1], pads=[0, 0], groups=1}", "negative dimension" },
        { "x: f32[2, 3], s: f32[4]", "batch_norm(x, s, s, s, s) {epsilon=0.1}",
          "has to be a vector" },
        { "x: f32[2, 3], s: f32[4]", "layer_norm(x, s, none) {axis=1, epsilon=0.1}",
          "does not broadcast" },
        { "x: f32[2], i: f32[2]", "clip(x, i)", "has to be one element" },
        { "x: bool[4]", "argmax(x) {axis=0, keepdims=0, last=0}", "a number is needed" },
        { "x: bool[2, 2]", "matmul(x, x) {ta=0, tb=0}", "a number is needed" },
        { "x: bool[1, 1, 2], w: bool[1, 1, 2]",
          "conv(x, w) {strides=[1], dilations=[1], pads=[0, 0], groups=1}", "a number is needed" },
        { "x: i32[1, 1, 4]",
          "avg_pool(x) {kernel=[2], strides=[1], dilations=[1], pads=[0, 0], ceil=0, "
          "count_include_pad=0}",
          "a float is needed" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        weft_str s = { 0 };
        weft_str_addf(&s, "graph f(%s) -> (y) { y = %s }", rows[i].inputs, rows[i].node);
        check_error(weft_str_text(&s), rows[i].part);
        weft_str_free(&s);
    }
}

/* The known elements of the first output. */
static void
check_elems(const char *text, const char *elems)
{
    weft_graph *g = graph_of(text);
    weft_str s = { 0 };
    const weft_value *v = g->output.at[0];
    if (!v->elem)
        weft_str_add(&s, "unknown");
    for (int64_t i = 0; i < v->nelem; i++) {
        int64_t d;
        weft_str_add(&s, i ? " " : "");
        if (weft_is_float(v->dtype))
            weft_str_addf(&s, "%g", v->elem[i]->h.u.f);
        else if (weft_as_int(v->elem[i], &d))
            weft_str_addf(&s, "%lld", (long long)d);
        else
            weft_print_expr(&s, v->elem[i]);
    }
    assert_string_equal(weft_str_text(&s), elems);
    weft_str_free(&s);
    weft_graph_destroy(g);
}

static void
elements_of_shapes_are_known(void **state)
{
    (void)state;
    const char *head = "graph f(x: f32[n, 12, 6]) -> (y) {\n"
                       "s = dims() {value=[n, 12, 6], scalar=0}\n"
                       "zero: i64[1] = constant [0] two: i64[1] = constant [2]\n"
                       "minus: i64[] = constant [-1]\n";
    static const struct {
        const char *body, *elems;
    } rows[] = {
        { "y = take(s, zero) {axis=0}", "n" },
        { "y = take(s, minus) {axis=0}", "6" },
        { "y = slice(s) {starts=[2], steps=[-1], dims=[3]}", "6 12 n" },
        { "y = cast(s) {dtype=i32}", "n 12 6" },
        { "a = take(s, zero) {axis=0} y = concatenate(a, two, a) {axis=0}", "n 2 n" },
        { "a = divide(s, two) b = slice(a) {starts=[1], steps=[1], dims=[2]} y = negative(b)",
          "-6 -3" },
        { "y = prod(s) {axes=[0], keepdims=0}", "n * 72i64" },
        { "y = equal(s, minus)", "0 0 0" },
        { "e = equal(s, minus) y = where(e, two, s)", "n 12 6" },
        { "y = less(s, two)", "unknown" },
        { "y = reshape(s) {dims=[3, 1]}", "n 12 6" },
        { "a = reshape(s) {dims=[3, 1]} y = transpose(a) {axes=[1, 0]}", "n 12 6" },
        { "a = slice(s) {starts=[1], steps=[1], dims=[2]} b = cast(a) {dtype=f32} "
          "h: f32[] = constant [0.3] c = multiply(b, h) d = floor(c) y = cast(d) {dtype=i64}",
          "3 1" },
        { "y = mod(s, two) {fmod=0}", "n % 2i64 0 0" },
        { "y = maximum(s, zero)", "n 12 6" },
        { "y = full() {dims=[2], value=7, dtype=i64}", "7 7" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        weft_str s = { 0 };
        weft_str_addf(&s, "%s%s }", head, rows[i].body);
        check_elems(weft_str_text(&s), rows[i].elems);
        weft_str_free(&s);
    }
}

static void
every_operator_has_a_row_that_is_whole(void **state)
{
    (void)state;
    for (int i = 0; i < WEFT_GOP_COUNT; i++) {
        const weft_op_info *info = &weft_op_infos[i];
        assert_non_null(info->name);
        assert_non_null(info->text);
        assert_non_null(info->infer);
        assert_non_null(info->te);
        assert_true(info->max_in < 0 || info->min_in <= info->max_in);
        for (const char *c = info->attrs; *c; c += strcspn(c, " "), c += strspn(c, " ")) {
            const char *colon = strchr(c, ':');
            assert_non_null(colon);
            assert_non_null(strchr("iIftdD", colon[1]));
            assert_true(colon[2] == 0 || colon[2] == ' ' || colon[2] == '?');
        }
        for (int j = 0; j < i; j++)
            assert_string_not_equal(info->text, weft_op_infos[j].text);
    }
}

static void
names_are_made_unique(void **state)
{
    (void)state;
    weft_graph *g = weft_graph_create("g", NULL);
    const weft_expr *n = weft_graph_symbol(g, "batch size"),
                    *m = weft_graph_symbol(g, "batch_size");
    assert_ptr_not_equal(n, m);
    assert_ptr_equal(n, weft_graph_symbol(g, "batch size"));
    assert_string_equal(n->h.u.var->name, "batch_size");
    assert_string_equal(m->h.u.var->name, "batch_size_1");
    weft_value *x = weft_graph_input(g, "x", WEFT_F32, 1, &n);
    weft_value *a = weft_graph_add(g, WEFT_GOP_EXP, "e", "Exp", NULL, 1, &x, 0, NULL);
    weft_value *b = weft_graph_add(g, WEFT_GOP_EXP, "e", "Exp", NULL, 1, &a, 0, NULL);
    weft_value *c = weft_graph_add(g, WEFT_GOP_EXP, NULL, NULL, NULL, 1, &b, 0, NULL);
    assert_string_equal(a->name, "e");
    assert_string_equal(b->name, "e_1");
    assert_string_equal(c->name, "exp");
    weft_graph_destroy(g);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_follow_the_operators),
        cmocka_unit_test(faults_name_node_and_inputs),
        cmocka_unit_test(faults_are_found),
        cmocka_unit_test(elements_of_shapes_are_known),
        cmocka_unit_test(every_operator_has_a_row_that_is_whole),
        cmocka_unit_test(names_are_made_unique),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
