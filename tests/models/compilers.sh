#!/bin/sh
# Modules do not depend on the compiler that built weft: the same models compiled by gcc's and by clang's
# build give the same bytes.  SOURCE is weft's source directory.
set -u
[ -z "${LONG:-}" ] || [ -n "${WEFT_TEST_LONG:-}" ] || { echo "skipped: tools/test.sh --long runs it"; exit 77; }
command -v clang-15 >/dev/null || { echo 'skipped: no clang-15'; exit 77; }
other=$PWD/other-compiler
case $("$WEFT_CC" --version) in *clang*) cc=gcc ;; *) cc=clang-15 ;; esac
CC=$cc cmake -G Ninja -S "$SOURCE" -B "$other" -DBUILD_TESTING=OFF >"$other.log" 2>&1 &&
    ninja -C "$other" weft >>"$other.log" 2>&1 || { tail -n 20 "$other.log"; exit 1; }
! grep -q 'warning:' "$other.log" || { grep 'warning:' "$other.log"; exit 1; }
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weft-compilers.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
targets=cuda:sm_80,metal:apple8,opencl:generic-gpu,vulkan:generic-gpu,opencl:pocl,vulkan:lavapipe
bad=0 n=0
for model in "$SOURCE/demo/digits/digits.onnx" "${ONNX_SUITE:-/usr/share/libonnx-testdata/data}"/node/*/model.onnx \
    "${WEFT_DATA_DIR:-/nowhere}"/seeded/light_squeezenet/model.onnx; do
    [ -f "$model" ] || continue
    "$WEFT" compile "$model" -t $targets -o "$tmp/a.weft" >/dev/null 2>&1 || continue
    "$other/tools/weft" compile "$model" -t $targets -o "$tmp/b.weft" >/dev/null 2>&1
    n=$((n + 1))
    cmp -s "$tmp/a.weft" "$tmp/b.weft" || { echo "the modules of $model differ"; bad=1; }
done
echo "$n models compiled by both builds"
[ $n -gt 0 ] && exit $bad
