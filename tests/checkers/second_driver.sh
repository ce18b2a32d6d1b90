#!/bin/sh
# A small set on a second driver of an API, where it is installed:
#
#   second_driver.sh rusticl         Mesa's OpenCL (mesa-opencl-icd), on the CPU
#   second_driver.sh swiftshader     the Vulkan driver that comes with Debian's chromium: 256 threads a block,
#                                    no f16, no i8, i16, i64
#
# The driver is named to the loader for this test alone; other tests see it or not as they did.
set -u
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weft-second.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-$tmp}" WEFT_CACHE=0
case $1 in
rusticl)
    icd=${RUSTICL_ICD:-/etc/OpenCL/vendors/rusticl.icd} api=opencl name=llvmpipe
    mkdir "$tmp/vendors"
    cp "$icd" "$tmp/vendors" 2>/dev/null
    export OCL_ICD_VENDORS="$tmp/vendors/" RUSTICL_ENABLE=llvmpipe
    # Not masks: in Mesa 22.3.6 select() of long4 takes its first argument whatever a mask says that
    # was converted from int4.
    kernels=$(cd "$SOURCE/tests/backends/run" && ls ./*.wir | sed 's|^./||; s/\.wir$//' | grep -v '^masks$')
    least=41
    ;;
swiftshader)
    icd=${SWIFTSHADER_ICD:-/usr/lib/chromium/vk_swiftshader_icd.json} api=vulkan name=SwiftShader
    export VK_ICD_FILENAMES="$icd"
    kernels="matmul_gpu vectors" # the others need types that the device lacks
    least=34
    ;;
esac
[ -f "$icd" ] || { echo "skipped: $1 is not installed ($icd)"; exit 77; }
"$WEFT" devices | grep "^$api " | grep -q "$name" || { echo "$1: the driver offers no device"; "$WEFT" devices; exit 1; }
failed=0

# passes NAME COMMAND..
passes()
{
    what=$1 start=$(date +%s)
    shift
    "$@" >"$tmp/$what.out" 2>&1 || { echo "$what: exit status $?"; grep -v '^PASS' "$tmp/$what.out" | tail -n 20; failed=1; }
    echo "$what on $name: $(($(date +%s) - start)) s"
}

passes kernels "$TEST_RUN" $api $kernels
passes demo "$WEFT" check "$SOURCE/demo/digits/digits.onnx" -d $api -t $api,$api:generic-gpu --per-kernel \
    --fill random:1
suite=${ONNX_SUITE:-/usr/share/libonnx-testdata/data}
if [ -d "$suite/node" ]; then
    passes cases "$WEFT" onnx-test -d $api $(grep -v '^#' "$here/cases.txt" | sed "s|^|$suite/node/|")
    passed=$(sed -n 's/ passed, .*//p' "$tmp/cases.out")
    [ "${passed:-0}" -ge $least ] || { echo "$passed cases pass, not $least"; grep -v '^PASS' "$tmp/cases.out"; failed=1; }
fi
exit $failed
