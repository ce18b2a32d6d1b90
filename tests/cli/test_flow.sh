#!/bin/sh
# What the run decides: loops, conditions and what comes of them, on every device.
. "$(dirname "$0")/support.sh"

cat >loop.wir <<'WIR'
graph loop(x: f32[2, 3], k: i64[4]) -> (y, all) {
    t = read(k) {symbol="t", at=3, most=[8]}
    c = carry(x)
    loop i < t {
        n = dims() {value=[i], scalar=1}
        f = cast(n) {dtype=f32}
        w = multiply(c, x)
        v = add(w, f)
        g = yield(v, c)
        s = stack(v) {at=[i], size=[8]}
    }
    y = result(g)
    all = result(s) {size=[t]}
}
WIR
cat >unrolled.wir <<'WIR'
graph unrolled(x: f32[2, 3], k: i64[4]) -> (y, all) {
    f0: f32[] = constant [0]
    f1: f32[] = constant [1]
    f2: f32[] = constant [2]
    w0 = multiply(x, x)
    v0 = add(w0, f0)
    w1 = multiply(v0, x)
    v1 = add(w1, f1)
    w2 = multiply(v1, x)
    y = add(w2, f2)
    s0 = reshape(v0) {dims=[1, 2, 3]}
    s1 = reshape(v1) {dims=[1, 2, 3]}
    s2 = reshape(y) {dims=[1, 2, 3]}
    all = concatenate(s0, s1, s2) {axis=0}
}
WIR
cat >until.wir <<'WIR'
graph until(x: f32[2, 3], k: i64[4]) -> (y) {
    one: i64[] = constant [1]
    c = carry(x)
    loop i < 100 {
        n = dims() {value=[i], scalar=1}
        f = cast(n) {dtype=f32}
        w = multiply(c, x)
        v = add(w, f)
        go = less(n, one)
        r = read(go) {symbol="r", at=0, most=[1]}
        g = yield(v, c)
    } while r as count
    y = result(g)
}
WIR
cat >branch.wir <<'WIR'
graph branch(x: f32[2, 3], k: i64[4]) -> (y, z) {
    t = read(k) {symbol="t", at=1, most=[1]}
    o = read(k) {symbol="o", at=0, most=[1]}
    if t {
        a = exp(x)
        p = yield(a)
    }
    if 1 - t {
        b = negative(x)
        q = yield(b)
    }
    y = merge(p, q) {dims=[2, 3]}
    if o {
        d = exp(x)
        u = yield(d)
    }
    if 1 - o {
        e = negative(x)
        v = yield(e)
    }
    z = merge(u, v) {dims=[2, 3]}
}
WIR

for device in interp opencl vulkan; do
    it "runs on $device"
    has_device "$device" || continue

    it "gives on $device what the loop unrolled does"
    exits 0 "$WEFT" run unrolled.wir -d "$device" --fill arange -o "unrolled.$device"
    exits 0 "$WEFT" run loop.wir -d "$device" --fill arange -o "loop.$device" && out_has '^all f32\[3,2,3\]'
    same "loop.$device" "unrolled.$device"

    it "ends a loop on $device after the round that says so"
    exits 0 "$WEFT" run until.wir -d "$device" --fill arange && out_has '^y f32\[2,3\] min 1 max 126 '

    it "takes one branch on $device"
    exits 0 "$WEFT" run branch.wir -d "$device" --fill arange
    out_has '^y f32\[2,3\] min 1 max 148.413 ' && out_has '^z f32\[2,3\] min -5 max -0 '
done
finish
