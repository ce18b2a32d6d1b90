#!/bin/sh
# Kernels in the OpenCL simulator, which reports data races, values that nobody wrote and accesses out
# of bounds:
#
#   oclgrind.sh TARGET [kernels]             the demo model, the cases of cases.txt, tests/backends/run
#   oclgrind.sh TARGET CASE INPUT=SHAPE      of the seeded models in $WEFT_DATA_DIR/seeded, made small
#   oclgrind.sh TARGET CASE quick            of each launch the first and the last group alone: for models
#                                            that have one size; what other groups wrote is not known then
#
# Passes when the log stays empty; that it would not is seen first, on a kernel with each fault planted.
# oclgrind exits with 0 whatever it finds, and is reached through the ICD loader, as libraries opened at
# run time are not wrapped.
set -u
LC_ALL=C
export LC_ALL
[ -z "${LONG:-}" ] || [ -n "${WEFT_TEST_LONG:-}" ] || { echo "skipped: tools/test.sh --long runs it"; exit 77; }
here=$(cd "$(dirname "$0")" && pwd)
target=$1
driver=$(ls /usr/lib/oclgrind/liboclgrind-rt-icd.so /usr/lib/*/oclgrind/liboclgrind-rt-icd.so 2>/dev/null | head -n 1)
[ -n "$driver" ] || { echo 'skipped: oclgrind is not installed'; exit 77; }
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weft-oclgrind.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
mkdir "$tmp/vendors"
echo "$driver" >"$tmp/vendors/oclgrind.icd"
export OCL_ICD_VENDORS="$tmp/vendors/" WEFT_CACHE=0
export OCLGRIND_DATA_RACES=1 OCLGRIND_UNIFORM_WRITES=1 OCLGRIND_UNINITIALIZED=1 OCLGRIND_MAX_ERRORS=20000
# The check of values does not know LLVM's `freeze`, which optimisation makes.
export OCLGRIND_BUILD_OPTIONS=-cl-opt-disable OPENCL_LAYERS="$WHOLE_WRITES"
"$WEFT" devices | grep -q '^opencl .*Oclgrind' || { echo 'the simulator is not found'; exit 1; }
failed=0

# under NAME COMMAND..: runs it; its log is $tmp/NAME.log.
under()
{
    name=$1
    shift
    OCLGRIND_LOG=$tmp/$name.log "$@" >"$tmp/$name.out" 2>&1
}

# planted NAME WORDS SED-SCRIPT: the kernel of planted.wir, edited, has to be reported with these words.
planted()
{
    rm -rf "$tmp/module"
    cp -r "$tmp/right" "$tmp/module"
    sed -i "$3" "$tmp"/module/kernels/*/*.cl
    ! diff -r "$tmp/right" "$tmp/module" >/dev/null || { echo "planted $1: the text is not what it was"; failed=1; }
    under "$1" "$WEFT" run "$tmp/module" -d opencl --fill random:1
    grep -q "$2" "$tmp/$1.log" || { echo "planted $1: not reported"; failed=1; }
}

# clean NAME COMMAND..: succeeds and leaves an empty log.
clean()
{
    start=$(date +%s)
    under "$@" || { echo "$1: exit status $?"; tail -n 5 "$tmp/$1.out"; failed=1; }
    [ -f "$tmp/$1.log" ] || { echo "$1: there is no log"; failed=1; }
    [ ! -s "$tmp/$1.log" ] || { echo "$1: reported"; head -n 40 "$tmp/$1.log"; failed=1; }
    echo "$1 for $target: $(($(date +%s) - start)) s"
}

"$WEFT" dump "$here/planted.wir" -t "$target" -o "$tmp/right" >/dev/null || exit 1
clean right "$WEFT" run "$tmp/right" -d opencl --fill random:1
planted race 'race' 's/barrier(.*);//; s/&matmul\[i_o_j_o_off/\&matmul[0/'
planted unwritten 'Uninitialized value' 's/matmul_local = 0.0f;/matmul_local;/; /matmul_local\[0\] = \((float16)(\)*0.0f/d'
planted stray-write 'Invalid write' 's/matmul\[\(i\|matmul\)_/matmul[(1 << 24) + \1_/'
planted stray-read 'Invalid read' 's/= b\[/= b[(1 << 24) + /; s/&b\[/\&b[(1 << 24) + /'

if [ $# -gt 2 ]; then
    model=${WEFT_DATA_DIR:-}/seeded/$2/model.onnx
    [ -f "$model" ] || { echo "skipped: $model is not there"; exit 77; }
    shape=$3
    if [ "$shape" = quick ]; then
        unset OCLGRIND_UNINITIALIZED OCLGRIND_BUILD_OPTIONS OPENCL_LAYERS
        export OCLGRIND_QUICK=1
        shape=
    fi
    clean "$2" "$WEFT" run "$model" -d opencl -t "$target" ${shape:+--shape "$shape"} --fill random:1
    exit $failed
fi

clean demo "$WEFT" run "$SOURCE/demo/digits/digits.onnx" -d opencl -t "$target" --fill random:1
suite=${ONNX_SUITE:-/usr/share/libonnx-testdata/data}
if [ -d "$suite/node" ]; then
    grep -v '^#' "$here/cases.txt" >"$tmp/cases"
    clean cases "$WEFT" onnx-test -j 1 -d opencl -t "$target" --expect "$tmp/cases" \
        $(sed "s|^|$suite/node/|" "$tmp/cases")
fi
if [ "${2:-}" = kernels ]; then
    # All but the products of matrices, which take a minute.
    clean kernels "$TEST_RUN" opencl \
        $(cd "$SOURCE/tests/backends/run" && ls ./*.wir | sed 's|^./||; s/\.wir$//' | grep -v matmul)
fi
exit $failed
