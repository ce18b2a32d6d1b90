#!/bin/sh
# Sets up, builds, and reads handwritten digits with a small network on OpenCL and on Vulkan.
#
# The network is compiled for four languages; the folder with its kernels is printed at the end.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
tools/packages.sh
tools/build.sh build weft digits
if [ -z "${XDG_RUNTIME_DIR:-}" ]; then # Mesa's Vulkan on the CPU wants one
    XDG_RUNTIME_DIR=$root/build/demo/run
    export XDG_RUNTIME_DIR
    mkdir -p -m 700 "$XDG_RUNTIME_DIR"
fi

module=build/demo/digits.module
rm -rf "$module"
build/tools/weft compile demo/digits/digits.onnx -t opencl,vulkan,cuda:sm_80,metal:apple8 -o "$module/"
build/demo/digits "$module" opencl,vulkan demo/digits/pictures/*.npy
echo "its kernels in four languages:"
find "$root/$module/kernels" -mindepth 1 -type d | sort | sed 's/^/  /'
