#!/bin/sh
# The Debian packages that weft is built and tested with, listed once.
#
#   tools/packages.sh          installs the ones that are missing (as root or through sudo)
#   tools/packages.sh --list   prints them
#
# build: what the compiler and its libraries need;  run: devices that a machine without a GPU has;
# test: checkers and oracles of the test suites.
set -eu

build="gcc libc6-dev cmake ninja-build pkg-config protobuf-c-compiler libprotobuf-c-dev libzip-dev
       libjansson-dev libssl-dev spirv-tools spirv-headers opencl-c-headers libvulkan-dev libstdc++-12-dev"
run="ocl-icd-libopencl1 pocl-opencl-icd mesa-vulkan-drivers"
test="libcmocka-dev libz3-dev oclgrind mesa-opencl-icd vulkan-validationlayers libonnx-testdata zstd clang-15 libclang-common-15-dev"

if [ "${1:-}" = --list ]; then
    printf '%s\n' $build $run $test
    exit 0
fi

missing=
for package in $build $run $test; do
    status=$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null || true)
    [ "$status" = "install ok installed" ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "weft: installing packages needs root or sudo:$missing" >&2; exit 1; }
    as_root=sudo
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "installing:$missing"
if ! { $as_root apt-get update -qq &&
       $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
    cat "$log" >&2
    exit 1
fi
