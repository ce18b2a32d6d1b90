#!/bin/sh
# `weft run`: inputs, fills, what is printed and what is written.
. "$(dirname "$0")/support.sh"
needs_suite
relu=$(model_of node/test_relu)

it "wants inputs that are not given, by name"
exits 2 "$WEFT" run "$relu" -d interp && err_has "'x'" && err_has -- '--fill'
exits 0 "$WEFT" run "$relu" -d interp --fill ones -o .
exits 2 "$WEFT" run "$relu" -d interp -i z=y.npy && err_has "no input 'z'" && err_has "'x'"
exits 2 "$WEFT" run "$relu" -d interp -i x=y.npy -i x=z.npy && err_has "'x' is given twice"
exits 2 "$WEFT" run "$relu" -d interp -i x=nowhere.npy && err_has 'nowhere.npy'
exits 2 "$WEFT" run "$relu" -d interp -i x && err_has 'NAME=FILE'

it "takes the tensors of a sequence one by one, and its length from them"
sequence=$(model_of node/test_identity_sequence)
exits 2 "$WEFT" run "$sequence" -d interp && err_has "'x' is a sequence"
exits 0 "$WEFT" run "$sequence" -d interp -i x.0=y.npy -i x.1=y.npy && err_is_empty
out_has '^y.0 f32\[3,4,5\] .* mean 1' && out_has '^y.1 f32\[3,4,5\] .* mean 1'

it "prints name, dtype, shape, min, max and mean of each output"
exits 0 "$WEFT" run "$relu" -d interp --fill ones && err_is_empty
out_has '^y f32\[3,4,5\] min 1 max 1 mean 1$'
exits 0 "$WEFT" run "$relu" -d interp --fill arange && out_has '^y f32\[3,4,5\] min 0 max 59 mean 29.5$'

it "fills with the same numbers for the same seed, and others for another"
exits 0 "$WEFT" run "$relu" -d interp --fill random:7 -o a
exits 0 "$WEFT" run "$relu" -d interp --fill random:7 -o b
exits 0 "$WEFT" run "$relu" -d interp --fill random:8 -o c
has_file a/y.npy
same a b
differ a/y.npy c/y.npy

it "reads what it has written"
exits 0 "$WEFT" run "$relu" -d interp -i x=a/y.npy -o again
same a again

it "reads tensors of the suite"
exits 0 "$WEFT" run "$relu" -d interp -i "x=$ONNX_SUITE/node/test_relu/test_data_set_0/input_0.pb" && out_has '^y f32\[3,4,5\] min 0 '

it "writes names as files that any system takes"
sed 's/\x01y/\x01\//g' "$relu" >slash.onnx
exits 0 "$WEFT" run slash.onnx -d interp --fill ones -o odd && out_has '^/ f32'
has_file odd/%2F.npy

it "writes as .pb what npy lacks"
exits 0 "$WEFT" run "$(model_of node/test_cast_FLOAT_to_BFLOAT16)" -d interp --fill ones -o bf
[ ! -e bf/output.npy ] || fail "npy has no bf16"
has_file bf/output.pb

it "measures wall and device time over runs"
exits 0 "$WEFT" run "$relu" -d interp --fill ones --repeat 5
out_has '^wall time: median [0-9.]* ms, minimum [0-9.]* ms over 5 runs' && out_has '^device time: median [0-9.]* ms, minimum'

it "writes a trace"
exits 0 "$WEFT" run "$relu" -d interp --fill ones --profile trace.json && cp trace.json out && out_is_json && out_has '"ph": *"X"'

it "gives the same on every device"
for d in opencl vulkan; do
    has_device $d || continue
    exits 0 "$WEFT" run "$relu" -d $d --fill random:7 -o on-$d
    same a on-$d
done

it "survives what PoCL's compiler makes of sizes that are normalised"
cat >sizes.wir <<'END'
graph sizes(x: f32[1, 13], d: f64[1, 7], w: f32[13], v: f64[7]) -> (y, z) {
    a: f32[1, 13] = abs(x)
    b: f64[1, 7] = abs(d)
    y: f32[1, 13] = layer_norm(a, w, w) {axis=1, epsilon=0.125}
    z: f64[1, 7] = layer_norm(b, v, v) {axis=1, epsilon=0.125}
}
END
has_device opencl && exits 0 "$WEFT" check sizes.wir -d opencl --fill random:7
finish
