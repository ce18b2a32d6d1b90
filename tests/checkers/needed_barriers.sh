#!/bin/sh
# needed_barriers.sh PROGRAM CLASS: every barrier that the schedules of a class come to in the demo, the
# cases of cases.txt and the programs of barriers/ is needed; PROGRAM is test_needed_barriers.
set -u
here=$(cd "$(dirname "$0")" && pwd)
: "${SOURCE:=$here/../..}" "${ONNX_SUITE:=/usr/share/libonnx-testdata/data}"
program=$1 target=$2
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weft-barriers.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

for te in "$here"/barriers/*.te; do
    "$WEFT" te "$te" -t "$target" --stage device >"$tmp/$(basename "$te").wir" || exit 1
done
"$WEFT" dump "$SOURCE/demo/digits/digits.onnx" -t "$target" --stage device >"$tmp/demo.wir" || exit 1
for case in $(grep -v '^#' "$here/cases.txt"); do
    [ -f "$ONNX_SUITE/node/$case/model.onnx" ] || continue
    "$WEFT" dump "$ONNX_SUITE/node/$case/model.onnx" -t "$target" --stage device >"$tmp/$case.wir" 2>/dev/null
    [ -s "$tmp/$case.wir" ] || rm "$tmp/$case.wir" # nothing to compute
done
"$program" "$tmp"/*.wir
