#!/bin/sh
# weft check: devices beside the reference, the whole model and kernel by kernel.
. "$(dirname "$0")/support.sh"
digits=$here/../../demo/digits/digits.onnx

it "finds that a device agrees, and says of how much"
if has_device opencl; then
    exits 0 "$WEFT" check "$digits" -d opencl --fill random:1 && err_is_empty
    out_has '^reference: [0-9]* unscheduled programs'
    out_has '^agrees   opencl as opencl:[a-z]*: 1 of 1 outputs$'
    exits 0 "$WEFT" check "$digits" -d opencl --fill random:1 --per-kernel
    out_has '1 of 1 outputs, 7 of 7 results of 7 kernel groups'
fi

it "takes targets with commas, each on the device of its API"
has_device opencl && exits 0 "$WEFT" check "$digits" -d opencl,interp -t opencl,opencl:generic-gpu \
    --fill random:1 && out_has '^agrees   opencl as opencl:generic-gpu' && out_has '^agrees   interp as interp'

it "prints JSON"
exits 0 "$WEFT" check "$digits" -d interp --per-kernel --fill random:1 --json && out_is_json
out_has '"verdict": "agrees"' && out_has '"schedule": ' && out_has '"max_ulp_at": '

it "leaves nothing behind where all agree"
[ ! -e weft-check ] || fail "there is a folder weft-check"

# planted: the kernel pool1_0 of the dumped module begins its maximum at 1000.
planted()
{
    rm -rf weft-check module
    exits 0 "$WEFT" dump "$digits" -t opencl:generic-gpu -o module || return
    pool=module/kernels/opencl-generic-gpu/pool1_0.cl
    cp "$pool" right.cl
    sed -i 's/-INFINITY/1000.0f/' "$pool"
    differ "$pool" right.cl
}

if has_device opencl; then
    it "sees that the outputs differ where a kernel is wrong"
    planted
    exits 1 "$WEFT" check "$digits" --module module -d opencl --fill random:1 && err_is_empty
    out_has '^DIFFERS  opencl as opencl:generic-gpu: 0 of 1 outputs' && out_has 'DIFFERS output digit'
    [ ! -e weft-check ] || fail "there is a folder weft-check"

    it "names the wrong kernel, and only that"
    exits 1 "$WEFT" check "$digits" --module module --per-kernel --fill random:1
    out_has '5 of 6 results of 6 kernel groups' && out_has 'DIFFERS kernel pool1_0 -> pool1.out'
    out_has 'layers   pool1 (max_pool)' && out_has 'schedule '
    [ "$(grep -c 'DIFFERS kernel' "$tmp/out")" = 1 ] || fail "other kernels are named"
    exits 1 "$WEFT" check "$digits" --module module --per-kernel --fill random:1 --json && out_is_json

    it "leaves a reproducer that fails, and passes once its kernel is right"
    again=weft-check/pool1_0-opencl-generic-gpu
    has_file "$again/run.sh" && has_file "$again/program.te" && has_file "$again/inputs/relu1.out.npy"
    exits 1 env WEFT="$WEFT" "$again/run.sh" && out_has 'got 1000, expected'
    exits 1 "$WEFT" check "$again" --json && out_is_json
    cp right.cl "$again/kernels/opencl-generic-gpu/pool1_0.cl"
    exits 0 env WEFT="$WEFT" "$again/run.sh" && out_has '^agrees   opencl'
    exits 2 "$WEFT" check "$again" -d interp && err_has "no program for device 'interp'"
    rm "$again/inputs/relu1.out.npy"
    exits 2 "$WEFT" check "$again" && err_has 'relu1.out.npy'

    it "refuses a module of another model or of other options"
    exits 2 "$WEFT" check "$digits" --module module -d opencl -O 0 --fill ones && err_has 'other options'
    exits 2 "$WEFT" check "$digits" --module module -d interp --fill ones && err_has 'no program for device'
fi

if has_device opencl; then
    it "reduces a model to a node that disagrees, with what it needs to run again"
    # Kernels that share memory between threads and have lost their barriers.
    reduced=small/reduced
    WEFT_SKIP=barriers exits 1 "$WEFT" check "$digits" -d opencl -t opencl:generic-gpu --fill random:1 \
        --reduce -o small && out_has "^reduced  10 nodes to 1 in .*: $reduced/graph.wir"
    has_file "$reduced/run.sh" && [ "$(grep -c ' from "' "$reduced/graph.wir")" = 1 ] || fail "more than a node"
    WEFT_SKIP=barriers exits 1 env WEFT="$WEFT" "$reduced/run.sh"
    exits 0 env WEFT="$WEFT" "$reduced/run.sh" && out_has '^agrees   opencl as opencl:generic-gpu'
fi
it "has nothing to reduce where all agree"
exits 0 "$WEFT" check "$digits" -d interp --fill random:1 --reduce -o none
[ ! -e none ] || fail "there is a folder none"

it "writes reproducers where it is told"
if has_device opencl; then
    planted
    exits 1 "$WEFT" check "$digits" --module module --per-kernel --fill random:1 -o here
    has_file here/pool1_0-opencl-generic-gpu/manifest.json
    [ ! -e weft-check ] || fail "there is a folder weft-check"
fi

it "says what is wrong with what it is given"
exits 2 "$WEFT" check "$digits" -d interp && err_has "input 'picture' is not given"
exits 2 "$WEFT" check "$digits" -d interp -t interp:nothing && err_has "nothing" # before what takes long
grep -q "picture" "$tmp/err" && fail "it looks at inputs before targets"
exits 2 "$WEFT" check "$digits" -d interp -i nothing=x.npy && err_has 'x.npy'
exits 2 "$WEFT" check nothing.onnx -d interp && err_has 'nothing.onnx'
exits 3 "$WEFT" check "$digits" -d hal --fill ones && err_has "device 'hal'"
exits 2 "$WEFT" check "$digits" -d interp --module nothing --fill ones && err_has 'nothing'
exits 2 "$WEFT" check "$digits" -d interp --module nothing --fill ones --reduce && err_has 'anew'
finish
