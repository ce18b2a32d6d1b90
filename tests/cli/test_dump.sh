#!/bin/sh
# `weft dump`: text at every stage, which read and printed again is the same text.
. "$(dirname "$0")/support.sh"
digits=$here/../../demo/digits/digits.onnx
needs_suite

it "shows text at every stage"
for stage in graph fused te loops flat device source; do
    exits 0 "$WEFT" dump "$digits" -t opencl:generic-gpu --stage $stage && err_is_empty
    [ -s out ] || fail "stage $stage is empty"
    cp out digits.$stage
done

# The stages of a model, each read and printed again; te programs one by one, as that text holds one.
round()
{
    for stage in graph fused loops flat device; do
        case $2$stage in interp[fd][le]*) continue ;; esac # its kernels end at the level loops
        exits 0 "$WEFT" dump "$1" -t "$2" --stage $stage && cp out text.wir && sed -i '/^$/d' text.wir
        exits 0 "$WEFT" opt text.wir && sed -i '/^$/d' out
        same text.wir out
    done
    exits 0 "$WEFT" dump "$1" -t "$2" --stage te && cp out all.te
    for name in $(sed -n 's/^te \([A-Za-z0-9_]*\)(.*/\1/p' all.te); do
        exits 0 "$WEFT" dump "$1" -t "$2" --stage te --kernel "$name" && sed '/^$/d' out >text.te
        exits 0 "$WEFT" te text.te --stage te -t "$2" && sed -i '/^$/d' out
        same text.te out
    done
}

it "reads and prints again the text of every stage, for every target"
for target in opencl:generic-gpu vulkan:generic-gpu opencl:pocl vulkan:lavapipe cuda:sm_80 metal:apple8 interp; do
    about="reads and prints again every stage for $target"
    round "$digits" $target
done

it "reads and prints again the text of every stage, for a case of each kind"
for case in node/test_softmax_axis_1 node/test_conv_with_strides_and_asymmetric_padding node/test_gemm_all_attributes \
    node/test_layer_normalization_4d_axis1 node/test_maxpool_2d_ceil node/test_cast_FLOAT_to_FLOAT16 \
    node/test_gather_negative_indices node/test_where_example node/test_concat_3d_axis_1 node/test_matmul_4d; do
    about="reads and prints again every stage of $case"
    round "$(model_of $case)" opencl:generic-gpu
done

it "shows one kernel alone"
name=$(sed -n 's/^void \([A-Za-z0-9_]*\)(.*/\1/p' digits.source | head -n 1)
exits 0 "$WEFT" dump "$digits" -t opencl:generic-gpu --kernel "$name" && out_has "void $name("
[ "$(grep -c '^__kernel' out)" = 1 ] || fail "it shows $(grep -c '^__kernel' out) kernels"
exits 2 "$WEFT" dump "$digits" -t opencl:generic-gpu --kernel nobody && err_has "nobody"

it "opens every kernel with what it computes, how, and what that costs"
for target in opencl:generic-gpu vulkan:generic-gpu cuda:sm_80 metal:apple8; do
    exits 0 "$WEFT" dump "$digits" -t $target
    out_has 'Conv' && out_has 'model: digits.onnx' && out_has 'FLOP' && out_has '  schedule  ' && out_has '  launch    grid '
done

# attention TYPE DEPTH: a graph in attention.wir
attention()
{
    echo "graph a(q: $1[3, n, $2], k: $1[3, $2, n], v: $1[3, n, $2]) -> (y) {
        s = matmul(q, k) {ta=0, tb=0}
        p = softmax(s) {axis=2}
        y = matmul(p, v) {ta=0, tb=0}
    }" >attention.wir
}

it "keeps attention of any depth within shared memory, or does not fuse it"
for depth in 1 17 40 64 96 160 255; do
    for type in f16 f32; do
        attention $type $depth
        for target in cuda:sm_80 opencl:generic-gpu opencl:mali-g78 vulkan:generic-gpu metal:apple8; do
            exits 0 "$WEFT" dump attention.wir -t $target
        done
    done
    attention f64 $depth
    exits 0 "$WEFT" dump attention.wir -t cuda:sm_80
done
attention f32 64

it "has one head of one block at a time in shared memory, few scores or many"
for target in vulkan:generic-gpu opencl:generic-gpu cuda:sm_80; do
    exits 0 "$WEFT" dump attention.wir -t $target --stage loops
    out_has 'alloc keys: shared f32.1, 1, ' && out_has 'alloc scores: shared f32.1, 1, '
done

it "refuses a stage that is none or that the target has not, and -o with a stage"
exits 2 "$WEFT" dump "$digits" -t interp --stage flat && err_has 'no stage flat'
exits 2 "$WEFT" dump "$digits" --stage soup && err_has "'soup'"
exits 2 "$WEFT" dump "$digits" --stage loops -o d && err_has 'loops'
finish
