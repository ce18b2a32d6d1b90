#!/bin/sh
# Kernels at the level device given to Z3 (check_redundant.c), which has to find no condition, division
# or remainder that the bounds of the loops decide:
#
#   redundant.sh          the demo model
#   redundant.sh CASE     a seeded model in $WEFT_DATA_DIR/seeded
#
# What it has to find is planted first.
set -u
LC_ALL=C
export LC_ALL
[ -z "${LONG:-}" ] || [ -n "${WEFT_TEST_LONG:-}" ] || { echo "skipped: tools/test.sh --long runs it"; exit 77; }
[ -n "${CHECK_REDUNDANT:-}" ] || { echo "skipped: built without Z3"; exit 77; }
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weft-redundant.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
failed=0

"$CHECK_REDUNDANT" "$here/redundant.wir" | sed 's/^[^:]*: //; /questions/d' >"$tmp/found"
sed -n 's/^ *# finds //p' "$here/redundant.wir" | diff - "$tmp/found" || { echo "the planted ones are not all found"; exit 1; }

# check NAME MODEL TARGET..
check()
{
    name=$1 model=$2
    shift 2
    for target in "$@"; do
        "$WEFT" dump "$model" -t "$target" --stage device >"$tmp/$name.wir" || { failed=1; continue; }
        "$CHECK_REDUNDANT" "$tmp/$name.wir" >"$tmp/out" || { echo "$name for $target:"; cat "$tmp/out"; failed=1; }
        echo "$name for $target: $(tail -n 1 "$tmp/out")"
    done
}

targets='opencl:generic-gpu opencl:pocl opencl:mali-g78 vulkan:lavapipe vulkan:generic-gpu cuda:sm_80 metal:apple8'
if [ $# -gt 0 ]; then
    model=${WEFT_DATA_DIR:-}/seeded/$1/model.onnx
    [ -f "$model" ] || { echo "skipped: no $model"; exit 77; }
    check "$1" "$model" $targets
else
    check demo "$SOURCE/demo/digits/digits.onnx" $targets
fi
exit $failed
