#!/bin/sh
# The runtime and small models under the Vulkan validation layer, whose errors fail the call:
#
#   validation.sh CHECKS TARGET PROGRAM..      CHECKS as in WEFT_VULKAN_VALIDATION; test programs to run too
#
# test_backends_validation plants faults that each check has to report.  The layer of Debian 12 reports no
# stray access (see there); where Debian's chromium is installed its newer layer is taken for `gpu`.
set -u
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd)
checks=$1 target=$2
shift 2
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weft-validation.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-$tmp}" WEFT_CACHE=0 WEFT_VULKAN_VALIDATION="$checks"
newer=${NEWER_LAYER:-/usr/lib/chromium/libVkLayer_khronos_validation.so}
if [ "$checks" != core ] && [ -f "$newer" ]; then
    sed "s|@LAYER@|$newer|" "$here/layer.json.in" >"$tmp/layer.json"
    # Debian 12's loader does not know the extension that the layer is set up by.
    export VK_LAYER_PATH="$tmp" VK_LOADER_DISABLE_INST_EXT_FILTER=1
    echo "with the layer of chromium"
fi
why=$("$WEFT" devices | grep '^vulkan ')
case $why in *'not usable'*) echo "skipped: $why"; exit 77 ;; esac
failed=0

# passes NAME COMMAND..
passes()
{
    name=$1 start=$(date +%s)
    shift
    "$@" >"$tmp/$name.out" 2>&1 || { echo "$name: exit status $?"; grep -v '^PASS' "$tmp/$name.out" | tail -n 20; failed=1; }
    echo "$name under $checks: $(($(date +%s) - start)) s"
}

for program; do
    case $program in
    *test_backends_run) passes kernels "$program" vulkan ;;
    *) passes "$(basename "$program")" "$program" ;;
    esac
done
passes demo "$WEFT" run "$SOURCE/demo/digits/digits.onnx" -d vulkan -t "$target" --fill random:1
suite=${ONNX_SUITE:-/usr/share/libonnx-testdata/data}
if [ -d "$suite/node" ] && [ -z "${DEMO_ONLY:-}" ]; then
    grep -v '^#' "$here/cases.txt" >"$tmp/cases"
    passes cases "$WEFT" onnx-test -d vulkan -t "$target" --expect "$tmp/cases" \
        $(sed "s|^|$suite/node/|" "$tmp/cases")
fi
exit $failed
