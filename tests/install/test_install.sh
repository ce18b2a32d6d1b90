#!/bin/sh
# Installs into a fresh prefix and builds a user's program there by pkg-config (shared and static) and
# by find_package: test_install.sh BUILD_DIRECTORY SOURCE_DIRECTORY C_COMPILER
set -eu
build=$1 source=$2 cc=$3
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cmake --install "$build" --prefix "$prefix" >/dev/null
lib=$(dirname "$(find "$prefix" -name libweft_rt.so)")
export PKG_CONFIG_PATH="$lib/pkgconfig" LD_LIBRARY_PATH="$lib"
example=$source/tutorials/03_run_a_model/run_model.c
picture=$source/demo/digits/pictures/3.npy
"$prefix/bin/weft" compile "$source/demo/digits/digits.onnx" -t opencl -o "$prefix/digits.weft"

reads_three() {
    "$1" "$prefix/digits.weft" opencl "$picture" >"$prefix/answer"
    sort -k2,2nr "$prefix/answer" | head -1 | grep -q '^3:' || {
        echo "$1 does not read a 3:"
        cat "$prefix/answer"
        exit 1
    }
}

"$cc" "$example" $(pkg-config --cflags --libs weft_rt) -o "$prefix/shared"
reads_three "$prefix/shared"
"$cc" "$example" $(pkg-config --cflags weft_rt) "$lib/libweft_rt.a" \
    $(pkg-config --static --libs-only-l weft_rt | sed 's/-lweft_rt//') -o "$prefix/static"
env -u LD_LIBRARY_PATH "$prefix/static" "$prefix/digits.weft" opencl "$picture" >/dev/null
reads_three "$prefix/static"

cmake -G Ninja -S "$source/tests/install/project" -B "$prefix/user" -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_C_COMPILER="$cc" -DEXAMPLE="$example" \
    -DTE_EXAMPLE="$source/tutorials/01_vector_add/vector_add.c" >/dev/null
cmake --build "$prefix/user" >/dev/null
reads_three "$prefix/user/example"
"$prefix/user/te_example" >/dev/null
