#!/bin/sh
# weft check: devices beside the reference, the whole model and kernel by kernel.
. "$(dirname "$0")/support.sh"
digits=$here/../../demo/digits/digits.onnx

it "finds that a device agrees, and says of how much"
if has_device opencl; then
    exits 0 "$WEFT" check "$digits" -d opencl --fill random:1 && err_is_empty
    out_has '^reference interpreter, unscheduled: [0-9]* programs'
    out_has '^agrees   opencl as opencl:[a-z]*: 1 of 1 outputs, '
    exits 0 "$WEFT" check "$digits" -d opencl --fill random:1 --per-kernel
    out_has '1 of 1 outputs, 6 of 6 results of 6 kernel groups'
fi

it "takes targets with commas, each on the device of its API"
has_device opencl && exits 0 "$WEFT" check "$digits" -d opencl,interp -t opencl,opencl:generic-gpu \
    --fill random:1 && out_has '^agrees   opencl as opencl:generic-gpu' && out_has '^agrees   interp as interp'

it "prints JSON"
exits 0 "$WEFT" check "$digits" -d interp --per-kernel --fill random:1 --json && out_is_json
out_has '"verdict": "agrees"' && out_has '"schedule": ' && out_has '"max_ulp_at": '

it "leaves nothing behind where all agree"
[ ! -e weft-check ] || fail "there is a folder weft-check"

it "says what is wrong with what it is given"
exits 2 "$WEFT" check "$digits" -d interp && err_has "input 'picture' is not given"
exits 2 "$WEFT" check "$digits" -d interp -i nothing=x.npy && err_has 'x.npy'
exits 2 "$WEFT" check nothing.onnx -d interp && err_has 'nothing.onnx'
exits 3 "$WEFT" check "$digits" -d hal --fill ones && err_has "device 'hal'"
exits 2 "$WEFT" check "$digits" -d interp --module nothing --fill ones && err_has 'nothing'
finish
