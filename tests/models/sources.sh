#!/bin/sh
# Every kernel of a model, for every API and class, given to the compilers of its language:
#
#   sources.sh CASE      of the seeded models in $WEFT_DATA_DIR/seeded
set -u
[ -z "${LONG:-}" ] || [ -n "${WEFT_TEST_LONG:-}" ] || { echo "skipped: tools/test.sh --long runs it"; exit 77; }
model=${WEFT_DATA_DIR:-}/seeded/$1/model.onnx
[ -f "$model" ] || { echo "skipped: no $model"; exit 77; }
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weft-sources.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
"$WEFT" compile "$model" -o "$tmp/module/" \
    -t cuda:sm_80,metal:apple8,opencl:generic-gpu,vulkan:generic-gpu,opencl:mali-g78,opencl:pocl,vulkan:lavapipe || exit 1
"$CHECK_SOURCES" "$tmp/module"
