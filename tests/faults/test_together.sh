#!/bin/sh
# Processes that compile the same module at once, from an empty cache, on the drivers there are.
. "$(dirname "$0")/support.sh"
POCL_CACHE_DIR=$tmp/pocl
export POCL_CACHE_DIR
cat >small.wir <<'END'
graph small(a: f32[100, 64], b: f32[100, 64]) -> (y) model "small" {
    s = add(a, b)
    y = softmax(s) {axis=1}
}
END
exits 0 "$WEFT" compile small.wir -t opencl,vulkan -o m.weft
for api in opencl vulkan; do
    it "compiles in four processes at once on $api"
    has_device $api || continue
    rm -rf "$WEFT_CACHE_DIR" "$POCL_CACHE_DIR"
    mkdir "$POCL_CACHE_DIR"
    for i in 1 2 3 4; do
        "$WEFT" run m.weft -d $api --fill random:3 >together.$i 2>&1 &
    done
    wait
    exits 0 "$WEFT" run m.weft -d $api --fill random:3 && err_is_empty
    for i in 1 2 3 4; do
        same together.$i "$tmp/out"
    done
    [ -z "$(find "$WEFT_CACHE_DIR" -name '*.*' 2>/dev/null)" ] || fail 'temporary files are left'
done
finish
