#!/bin/sh
# Modules: file and directory hold the same, and depend on nothing but the model and the options.
. "$(dirname "$0")/support.sh"
digits=$here/../../demo/digits/digits.onnx
targets=opencl:generic-gpu,vulkan:generic-gpu,cuda:sm_80,metal:apple8,opencl:pocl,vulkan:lavapipe

it "gives the same bytes for any number of workers"
exits 0 "$WEFT" compile "$digits" -t $targets -j 1 -o one.weft
exits 0 "$WEFT" compile "$digits" -t $targets -j 8 -o eight.weft
same one.weft eight.weft

it "gives the same bytes from another working directory, and whatever the path's spelling"
cp "$digits" digits.onnx
mkdir -p elsewhere/deep
(cd elsewhere/deep && exits 0 "$WEFT" compile ../../digits.onnx -t $targets -o deep.weft)
same one.weft elsewhere/deep/deep.weft

it "writes file and directory with the same content"
exits 0 "$WEFT" compile "$digits" -t $targets -j 8 -o one/
exits 0 "$WEFT" compile "$digits" -t $targets -j 1 -o other/
same one other
has_file one/manifest.json
has_file one/weights.safetensors
cp one/manifest.json out && out_is_json
for ending in cl spvasm cu metal; do
    find one/kernels -name "*.$ending" | grep -q . || fail "no kernel ends in .$ending"
done
if command -v unzip >/dev/null; then
    mkdir unzipped && unzip -q one.weft -d unzipped
    same one unzipped
fi

it "runs a file as it runs a directory and the model"
exits 0 "$WEFT" compile "$digits" -t interp,opencl,vulkan -o run.weft
exits 0 "$WEFT" compile "$digits" -t interp,opencl,vulkan -o run/
for d in interp opencl vulkan; do
    has_device $d || continue
    exits 0 "$WEFT" run run.weft -d $d --fill random:1 -o $d-file
    exits 0 "$WEFT" run run -d $d --fill random:1 -o $d-dir
    same $d-file $d-dir
    exits 0 "$WEFT" run "$digits" -d $d --fill random:1 -o $d-model
    same $d-file $d-model
done

it "refuses a module that was not compiled for the device"
exits 0 "$WEFT" compile "$digits" -t metal:apple8 -o metal.weft
exits 2 "$WEFT" run metal.weft -d interp --fill ones && err_has metal
finish
