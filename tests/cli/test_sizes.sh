#!/bin/sh
# A module that is compiled once runs at any size of its symbols.
. "$(dirname "$0")/support.sh"

has_device opencl || exit 77

# at_sizes NAME "SYMBOL=N SYMBOL=N"..: the model's module gives at each what the reference does.
at_sizes()
{
    model=$1.wir module=$1.weft
    shift
    exits 0 "$WEFT" compile "$model" -t opencl -o "$module" || return
    for sizes; do
        dims=$(printf ' --dim %s' $sizes)
        exits 0 "$WEFT" check "$model" --module "$module" -d opencl $dims --fill random:1 &&
            out_has '^agrees '
    done
}

cat >block.wir <<'END'
graph block(x: f32[b, n, 32], wq: f32[32, 32], wk: f32[32, 16], wv: f32[32, 16], wo: f32[32, 32],
            wg: f32[32, 48], wu: f32[32, 48], wd: f32[48, 32], s: f32[32]) -> (y) {
    far: f32[] = constant [-inf]
    near: f32[] = constant [0]
    diagonal: i32[] = constant [0]
    size: f32[] = constant [0.35]
    a = rms_norm(x, s) {axis=2, epsilon=1e-5}
    q = matmul(a, wq) {ta=0, tb=0}
    k = matmul(a, wk) {ta=0, tb=0}
    v = matmul(a, wv) {ta=0, tb=0}
    q1 = reshape(q) {dims=[b, n, 2, 2, 8]}
    k1 = reshape(k) {dims=[b, n, 2, 1, 8]}
    v1 = reshape(v) {dims=[b, n, 2, 1, 8]}
    q2 = transpose(q1) {axes=[0, 2, 3, 1, 4]}
    k2 = transpose(k1) {axes=[0, 2, 3, 1, 4]}
    v2 = transpose(v1) {axes=[0, 2, 3, 1, 4]}
    j = arange() {start=[0], step=[1], dim=[n], dtype=i32}
    i = reshape(j) {dims=[n, 1]}
    d = subtract(j, i)
    seen = less_equal(d, diagonal)
    mask = where(seen, near, far)
    p = matmul(q2, k2) {ta=0, tb=1}
    p1 = multiply(p, size)
    p2 = add(p1, mask)
    p3 = softmax(p2) {axis=4}
    o = matmul(p3, v2) {ta=0, tb=0}
    o1 = transpose(o) {axes=[0, 3, 1, 2, 4]}
    o2 = reshape(o1) {dims=[b, n, 32]}
    o3 = matmul(o2, wo) {ta=0, tb=0}
    z = add(x, o3)
    c = rms_norm(z, s) {axis=2, epsilon=1e-5}
    g = matmul(c, wg) {ta=0, tb=0}
    u = matmul(c, wu) {ta=0, tb=0}
    h = sigmoid(g)
    h1 = multiply(g, h)
    h2 = multiply(h1, u)
    h3 = matmul(h2, wd) {ta=0, tb=0}
    y = add(z, h3)
}
END
it "runs a block of a transformer at ten batches and lengths"
at_sizes block "b=1 n=1" "b=2 n=7" "b=1 n=2" "b=3 n=5" "b=1 n=31" "b=5 n=1" "b=2 n=16" "b=1 n=33" \
    "b=4 n=3" "b=1 n=64"

cat >net.wir <<'END'
graph net(x: f32[b, 3, h, w], w1: f32[8, 3, 3, 3], b1: f32[8], w2: f32[8, 8, 3, 3], w3: f32[2, 16, 1, 1]) -> (y) {
    a = conv(x, w1, b1) {strides=[1, 1], dilations=[1, 1], pads=[1, 1, 1, 1], groups=1}
    c = relu(a)
    d = conv(c, w2) {strides=[1, 1], dilations=[2, 2], pads=[2, 2, 2, 2], groups=1}
    e = concatenate(c, d) {axis=1}
    y = conv(e, w3) {strides=[1, 1], dilations=[1, 1], pads=[0, 0, 0, 0], groups=1}
}
END
it "runs convolutions alone at ten batches, heights and widths"
at_sizes net "b=1 h=1 w=1" "b=2 h=7 w=9" "b=1 h=2 w=2" "b=3 h=5 w=4" "b=1 h=31 w=3" "b=5 h=1 w=8" \
    "b=2 h=16 w=16" "b=1 h=33 w=17" "b=4 h=3 w=64" "b=1 h=64 w=5"

finish
