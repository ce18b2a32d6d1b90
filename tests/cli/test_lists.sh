#!/bin/sh
# Lists: devices, targets and what a model holds, for a person and as JSON.
. "$(dirname "$0")/support.sh"

it "lists every device, and why the others are not usable"
exits 0 "$WEFT" devices && err_is_empty
for api in opencl vulkan cuda metal interp null; do
    out_has "^$api  *"
done
exits 0 "$WEFT" devices --json && out_is_json && out_has '"id": "interp"'

it "lists targets of every API"
exits 0 "$WEFT" targets
for t in opencl:generic-gpu vulkan:generic-gpu cuda:sm_90a metal:apple8 opencl:mali-g78 opencl:adreno-740 vulkan:rdna3; do
    out_has "^$t "
done
exits 0 "$WEFT" targets --json && out_is_json && out_has '"profile": "generic-gpu"'

it "tells what a graph's text holds"
cat >net.wir <<'WIR'
graph net(x: f32[n, 8]) -> (y) {
    b: f32[8] = constant [1, 2, 3, 4, 5, 6, 7, 8]
    s: f32[n, 8] = add(x, b)
    y: f32[n, 8] = relu(s)
}
WIR
exits 0 "$WEFT" inspect net.wir && err_is_empty
out_has '^model  *graph text' && out_has '^inputs  *x f32\[n,8\]' && out_has '^parameters 8 ' && out_has '1 relu'
out_has '^target  *interp:.*: nothing stops the model' && out_has '^a run  *MFLOP and MB moved depend on n (--dim), '
exits 0 "$WEFT" inspect --json net.wir && out_is_json && out_has '"name": "add"' && out_has '"stops": \[\]'

it "lists every kernel that the target cannot have"
cat >doubles.wir <<'WIR'
graph doubles(x: f64[n, 8], v: f64[8, 8]) -> (y, z, p) {
    y: f64[n, 8] = exp(x) from "first" (Exp)
    s: f64[n] = sum(x) {axes=[1], keepdims=0} from "second" (ReduceSum)
    z: f64[n] = negative(s) from "third" (Neg)
    p: f64[n, 8] = matmul(x, v) {ta=0, tb=0} from "fourth" (MatMul)
}
WIR
exits 0 "$WEFT" inspect doubles.wir -t metal:apple8 && err_is_empty
out_has '^target  *metal:apple8: 3 things stop the model'
for layer in first second fourth; do
    out_has "^  *doubles: .*$layer.*f64.* is not to be had on metal:apple8"
done

needs_suite
it "tells what a model holds"
exits 0 "$WEFT" inspect "$(model_of node/test_basic_conv_with_padding)"
out_has '^inputs  *x f32\[1,1,5,5\]' && out_has '^outputs  *y f32\[1,1,5,5\]' && out_has '1 Conv' && out_has '^a run  *0.0 MFLOP, 0.0 MB moved, '
exits 0 "$WEFT" inspect --json "$(model_of node/test_basic_conv_with_padding)" && out_is_json && out_has '"name": "Conv"'

it "says which operators it does not support"
exits 0 "$WEFT" inspect "$(model_of node/test_strnormalizer_export_monday_empty_output)" && err_is_empty
out_has 'StringNormalizer: not supported'
exits 0 "$WEFT" inspect --json "$(model_of node/test_strnormalizer_export_monday_empty_output)" && out_is_json
out_has '"supported": false'

it "lists all that stops a model, whatever it is, at once"
for name in Sqrt:Sqrx Div:Dix; do
    sed "s/${name%:*}/${name#*:}/g" "${from:-$(model_of node/test_layer_normalization_default_axis_expanded)}" >"${name#*:}.onnx"
    from=${name#*:}.onnx
done
exits 0 "$WEFT" inspect Dix.onnx -t opencl:generic-gpu && err_is_empty
out_has '^target  *opencl:generic-gpu: [0-9]* things stop the model'
out_has "^  *Dix.onnx: node '.*' (Sqrx): the operator is not supported; a te program can stand for it (--op Sqrx=FILE.te)"
out_has "^  *Dix.onnx: node '.*' (Dix): the operator is not supported"
exits 0 "$WEFT" inspect Dix.onnx -t opencl:generic-gpu --json && out_is_json && out_has '"stops": \[$' && out_has '(Sqrx)'
finish
