#!/bin/sh
# A model in the OpenCL simulator, which reports data races and accesses out of bounds:
#
#   oclgrind.sh CASE TARGET INPUT=SHAPE      of the seeded models in $WEFT_DATA_DIR/seeded
#
# Passes when its log stays empty.  That the log would not is seen first, on a kernel that is made to race.
# oclgrind exits with 0 whatever it finds, and is reached through the ICD loader, as libraries opened at
# run time are not wrapped.
set -u
LC_ALL=C
export LC_ALL
[ -z "${LONG:-}" ] || [ -n "${WEFT_TEST_LONG:-}" ] || { echo "skipped: tools/test.sh --long runs it"; exit 77; }
model=${WEFT_DATA_DIR:-}/seeded/$1/model.onnx target=$2 shape=$3
driver=$(ls /usr/lib/oclgrind/liboclgrind-rt-icd.so /usr/lib/*/oclgrind/liboclgrind-rt-icd.so 2>/dev/null | head -n 1)
[ -n "$driver" ] || { echo 'skipped: oclgrind is not installed'; exit 77; }
[ -f "$model" ] || { echo "skipped: $model is not there"; exit 77; }
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weft-oclgrind.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/vendors"
echo "$driver" >"$tmp/vendors/oclgrind.icd"
export OCL_ICD_VENDORS="$tmp/vendors/" WEFT_CACHE=0 OCLGRIND_DATA_RACES=1
"$WEFT" devices | grep -q '^opencl .*Oclgrind' || { echo 'the simulator is not found'; exit 1; }

cat >"$tmp/add.te" <<'TE'
te add(A: f32[1024], B: f32[1024]) {
    C[i < 1024] = A[i] + B[i]
}
TE
cat >"$tmp/sum.te" <<'TE'
te total(A: f32[64, 64]) {
    C[i < 64] = sum(r < 64) A[i, r]
}
TE
for te in add sum; do
    OCLGRIND_LOG=$tmp/$te.log "$WEFT" te "$tmp/$te.te" -d opencl -t "$target" --fill ones >/dev/null || exit 1
    [ ! -s "$tmp/$te.log" ] || { cat "$tmp/$te.log"; exit 1; }
done

suite=${ONNX_SUITE:-/usr/share/libonnx-testdata/data}
if [ -d "$suite/node" ]; then
    "$WEFT" dump "$suite/node/test_relu/model.onnx" -t opencl:generic-gpu -o "$tmp/racy" || exit 1
    sed -i 's/relu\[[a-z_]*\] =/relu[0] =/' "$tmp"/racy/kernels/*/*.cl
    OCLGRIND_LOG=$tmp/racy.log "$WEFT" run "$tmp/racy" -d opencl --fill random:1 >/dev/null
    grep -q -i race "$tmp/racy.log" || { echo 'a kernel made to race is not reported'; exit 1; }
fi

start=$(date +%s)
OCLGRIND_LOG=$tmp/log "$WEFT" run "$model" -d opencl -t "$target" --shape "$shape" --fill random:1 || exit 1
echo "$1 for $target at $shape: $(($(date +%s) - start)) s, $(grep -c . "$tmp/log") lines in the log"
[ ! -s "$tmp/log" ] || { head -n 40 "$tmp/log"; exit 1; }
