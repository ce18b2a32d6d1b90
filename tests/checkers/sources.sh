#!/bin/sh
# Kernels given to the compilers and checkers of their languages (check_sources.c):
#
#   sources.sh            the goldens of tests/backends/codegen, the demo model, the cases of cases.txt
#   sources.sh CASE       a seeded model in $WEFT_DATA_DIR/seeded, for every API and class
#
# What ptxas says of each CUDA kernel is left in PTXAS, a table.  Faults are planted first.
set -u
LC_ALL=C
export LC_ALL
[ -z "${LONG:-}" ] || [ -n "${WEFT_TEST_LONG:-}" ] || { echo "skipped: tools/test.sh --long runs it"; exit 77; }
here=$(cd "$(dirname "$0")" && pwd)
goldens=$SOURCE/tests/backends/codegen
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weft-sources.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
targets=cuda:sm_80,metal:apple8,opencl:generic-gpu,vulkan:generic-gpu,opencl:mali-g78,opencl:pocl,vulkan:lavapipe
failed=0

# planted NAME WORDS FILE: check_sources has to refuse the file with these words.
planted()
{
    mkdir -p "$tmp/planted-$1"
    cp "$3" "$tmp/planted-$1"
    "$CHECK_SOURCES" "$tmp/planted-$1" >"$tmp/out" && { echo "planted $1: accepted"; failed=1; }
    grep -q "REFUSED.*$2" "$tmp/out" || { echo "planted $1: no '$2' in:"; cat "$tmp/out"; failed=1; }
}

sed 's/get_global_id/get_global_ident/; s/int/in/' "$goldens/vector_add.cl" >"$tmp/unknown.cl"
sed '/OpMemberDecorate/d' "$goldens/vector_add.spvasm" >"$tmp/no_layout.spvasm"
sed 's/= OpTypeFloat 32/= OpTypeFlout 32/' "$goldens/vector_add.spvasm" >"$tmp/no_opcode.spvasm"
planted layout 'vulkan1.1: .*' "$tmp/no_layout.spvasm"
planted opcode 'spirv-as: .*' "$tmp/no_opcode.spvasm"
command -v clang-15 >/dev/null && planted opencl error "$tmp/unknown.cl"
if [ "$("$CHECK_SOURCES" | grep -c 'not checked')" = 0 ]; then
    sed 's/threadIdx/thraedIdx/' "$goldens/vector_add.cu" >"$tmp/unknown.cu"
    planted cuda 'sm_75: ' "$tmp/unknown.cu"
    cat >"$tmp/spilling.cu" <<'CU'
extern "C" __global__ void __launch_bounds__(1024) spilling(float *x)
{
    float a[96];
#pragma unroll
    for (int i = 0; i < 96; i++)
        a[i] = x[i * 1024 + threadIdx.x];
    for (int r = 0; r < 64; r++)
#pragma unroll
        for (int i = 0; i < 96; i++)
            a[i] = a[i] * a[(i + 41) % 96] + x[r];
#pragma unroll
    for (int i = 0; i < 96; i++)
        x[i * 1024 + threadIdx.x] = a[i];
}
CU
    planted spills 'spills [0-9]* bytes' "$tmp/spilling.cu"
fi

if [ $# -gt 0 ]; then
    model=${WEFT_DATA_DIR:-}/seeded/$1/model.onnx
    [ -f "$model" ] || { echo "skipped: no $model"; exit 77; }
    "$WEFT" compile "$model" -o "$tmp/$1/" -t $targets >/dev/null || exit 1
else
    mkdir "$tmp/goldens" "$tmp/cases"
    cp "$goldens"/*.cu "$goldens"/*.spvasm "$tmp/goldens" # the other two: test_backends_codegen
    "$WEFT" compile "$SOURCE/demo/digits/digits.onnx" -o "$tmp/demo/" -t $targets >/dev/null || exit 1
    # Of the cases SPIR-V, which costs nothing; in the long run CUDA, too.
    case_targets=vulkan:generic-gpu,vulkan:lavapipe${WEFT_TEST_LONG:+,cuda:sm_80}
    for case in $(grep -v '^#' "$here/cases.txt"); do
        model=${ONNX_SUITE:-/usr/share/libonnx-testdata/data}/node/$case/model.onnx
        # A few take a shape as an input, and cannot be compiled without its value.
        [ ! -f "$model" ] || "$WEFT" compile "$model" -o "$tmp/cases/$case/" >/dev/null 2>&1 \
            -t $case_targets
    done
    n=$(ls "$tmp/cases" | wc -l)
    [ "$n" = 0 ] || [ "$n" -ge 36 ] || { echo "only $n cases compile"; failed=1; }
    rmdir "$tmp/cases" 2>/dev/null
fi
rm -rf "$tmp"/planted-*
for dir in "$tmp"/*/; do
    dir=${dir%/} start=$(date +%s)
    (cd "$tmp" && "$CHECK_SOURCES" --ptxas "$tmp/table" --spills "$here/spills.txt" "$(basename "$dir")") || failed=1
    echo "$(basename "$dir"): $(($(date +%s) - start)) s"
    [ ! -s "$tmp/table" ] || cat "$tmp/table" >>"$tmp/tables"
done
if [ -s "$tmp/tables" ]; then
    sort -u "$tmp/tables" | grep -v '^kernel' | { head -n 1 "$tmp/tables"; cat; } >"$PTXAS"
    spilling=$(awk -F '\t' '$5 + $6 > 0' "$PTXAS" | grep -vc '^kernel')
    echo "$PTXAS: $(grep -vc '^kernel' "$PTXAS") reports, $spilling with spills," \
        "at most $(cut -f 3 "$PTXAS" | sort -n | tail -n 1) registers"
fi
exit $failed
