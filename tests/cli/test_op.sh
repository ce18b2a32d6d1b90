#!/bin/sh
# --op: a node of the model that a te program of the user's computes.
. "$(dirname "$0")/support.sh"
needs_suite
# An operator that nobody has: Relu of the suite under another name.
sed 's/Relu/Bend/' "$(model_of node/test_relu)" >bend.onnx
cat >bend.te <<'TE'
te bend(x: f32[a, b, c]) {
    low[i < a, j < b, k < c] = x[i, j, k] * 0.25
    y[i < a, j < b, k < c] = select(x[i, j, k] > 0.0, x[i, j, k], low[i, j, k])
}
TE

it "refuses an operator that it does not know"
exits 2 "$WEFT" run bend.onnx -d interp --fill ones && err_has "bend.onnx: node 'y' (Bend): the operator is not supported"

it "computes it by the program named for it"
exits 0 "$WEFT" run bend.onnx --op Bend=bend.te -d interp --fill random:1 -o plain && out_has '^y f32\[3,4,5\] min -'
exits 0 "$WEFT" check bend.onnx --op Bend=bend.te -d interp --fill random:1 && out_has '^agrees '
exits 0 "$WEFT" dump bend.onnx --op Bend=bend.te --stage graph && out_has 'custom(x) {te="te bend(x: f32\[a, b, c\])'

it "schedules it by default, or as the program says"
exits 0 "$WEFT" dump bend.onnx --op Bend=bend.te -t opencl:generic-gpu --stage te && out_has 'bind('
cat >>bend.te <<'TE'
schedule {
    compute_inline(low)
    bind(y.i, block.x)
    bind(y.j, thread.x)
    o, v = split(y.k, 2)
    vectorize(v)
}
TE
exits 0 "$WEFT" dump bend.onnx --op Bend=bend.te -t opencl:generic-gpu --stage te && out_has 'o, v = split(y.k, 2)'
for t in opencl:generic-gpu cuda:sm_80 metal:apple8 vulkan:generic-gpu; do
    exits 0 "$WEFT" compile bend.onnx --op Bend=bend.te -t $t -o bend.weft && out_has ': 1 kernels, 1 launches'
done

it "runs with that schedule"
exits 0 "$WEFT" run bend.onnx --op Bend=bend.te -d interp --fill random:1 -o own && same plain own
has_device opencl && exits 0 "$WEFT" check bend.onnx --op Bend=bend.te -d opencl --fill random:1 && out_has '^agrees '

it "reads the dumped graph, which carries the program"
exits 0 "$WEFT" dump bend.onnx --op Bend=bend.te --stage graph && cp out bend.graph
exits 0 "$WEFT" run bend.graph -d interp --fill random:1 -o again && same plain again

it "says what is wrong with a schedule that the target cannot run"
sed 's/split(y.k, 2)/split(y.k, 100000)/; s/vectorize(v)/bind(v, thread.y)/' bend.te >wide.te
exits 2 "$WEFT" compile bend.onnx --op Bend=wide.te -t cuda:sm_80 -o wide.weft && err_has 'needs 100000 threads'

it "says what is wrong with the option"
exits 2 "$WEFT" run bend.onnx --op bend.te -d interp && err_has "--op 'bend.te': it is written OP=FILE.te"
exits 2 "$WEFT" run bend.onnx --op Bend=none.te -d interp --fill ones && err_has 'none.te'
finish
