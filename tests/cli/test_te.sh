#!/bin/sh
# `weft te` and `weft opt`: tensor expressions and IR text from the command line.
. "$(dirname "$0")/support.sh"
cat >add.te <<'TE'
te add(A: f32[n], B: f32[n]) {
    C[i < n] = A[i] + B[i]
}
TE

it "prints a kernel in all four languages"
exits 0 "$WEFT" te add.te && err_is_empty
out_has '__global__' && out_has '__kernel' && out_has 'metal_stdlib' && out_has 'OpCapability Shader'

it "shows each level"
exits 0 "$WEFT" te add.te --stage te -t opencl:generic-gpu && out_has '^te add(' && out_has '^schedule'
exits 0 "$WEFT" te add.te --stage loops -t opencl:generic-gpu && out_has '^kernel loops add'
exits 0 "$WEFT" te add.te --stage flat -t opencl:generic-gpu && out_has '^kernel flat add'
exits 0 "$WEFT" te add.te --stage device -t opencl:generic-gpu && out_has '^kernel device add'
exits 2 "$WEFT" te add.te --stage graph && err_has "'graph'"

it "reads and prints again the text of every level"
for t in opencl:generic-gpu vulkan:generic-gpu cuda:sm_80 metal:apple8 opencl:pocl vulkan:lavapipe; do
    for stage in loops flat device; do
        exits 0 "$WEFT" te add.te --stage $stage -t $t && cp out first.wir
        exits 0 "$WEFT" opt first.wir && same first.wir out
    done
    exits 0 "$WEFT" te add.te --stage te -t $t && cp out first.te
    exits 0 "$WEFT" te first.te --stage te -t $t && same first.te out
done

it "schedules products without elements for every target"
for shape in 'm=0 n=4 k=4' 'm=4 n=0 k=4' 'm=4 n=4 k=0'; do
    eval "$(echo "$shape" | tr ' ' ';')"
    printf 'te mm(A: f32[%s, %s], B: f32[%s, %s]) {\n    C[i < %s, j < %s] = sum(r < %s) A[i, r] * B[r, j]\n}\n' \
        $m $k $k $n $m $n $k >mm.te
    exits 0 "$WEFT" te mm.te -t opencl:generic-gpu,vulkan:generic-gpu,cuda:sm_80,metal:apple8,opencl:pocl,vulkan:lavapipe
    exits 0 "$WEFT" te mm.te -d interp --fill ones && out_has "^C f32\[$m,$n\]"
done

it "writes infinities of bf16 as values of it"
printf 'te most(A: bf16[8]) {\n    C[] = max(i < 8) A[i]\n}\n' >most.te
exits 0 "$WEFT" te most.te -t cuda:sm_80 && out_has '__float2bfloat16(__int_as_float(0x7f800000))'
exits 0 "$WEFT" te most.te -d interp --fill ones && out_has '^C bf16\[\] min 1 max 1'

it "computes in double where the second interpreter is asked"
printf 'te lost(A: f32[n]) {\n    C[i < n] = (A[i] + 16777216.0) - 16777216.0\n}\n' >lost.te
exits 0 "$WEFT" te lost.te -d interp --dim n=4 --fill ones && out_has '^C f32\[4\] min 0 max 0'
exits 0 "$WEFT" te lost.te -d interp:1 --dim n=4 --fill ones && out_has '^C f32\[4\] min 1 max 1'

it "schedules a scalar that is computed from a sum over all"
printf 'te mean(A: f32[2, 4]) {\n    S[] = sum(i < 2, j < 4) A[i, j]\n    M[] = S[] / 8.0\n}\n' >mean.te
exits 0 "$WEFT" te mean.te -t opencl:generic-gpu,vulkan:generic-gpu,cuda:sm_80,metal:apple8,opencl:pocl,vulkan:lavapipe

it "says once that a program is in error"
printf 'te wide(A: f64[8]) {\n    C[i < 8] = A[i] + A[7 - i]\n}\n' >wide.te
exits 2 "$WEFT" te wide.te -t vulkan:adreno-740 && err_has '^weft: error: wide.te: vulkan:adreno-740: [^e]'
exits 2 "$WEFT" te wide.te -t vulkan:adreno-740 && err_has 'f64'

it "refuses sizes that a kernel does not count to, unless its symbols are i64"
body='A: f32[m], B: f32[n]) {\n    C[] = max(i < m, j < n) A[i] + B[j]\n}\n'
printf "te pairs($body" >pairs.te
printf "te pairs(m: i64, n: i64, $body" >wide.te
at="-d null -t opencl:generic-gpu --fill ones --dim n=50000 --dim"
exits 0 "$WEFT" te pairs.te $at m=40000
exits 2 "$WEFT" te pairs.te $at m=50000 && err_has "'pairs_step0': with m = 50000, n = 50000 it counts to 25000"
exits 0 "$WEFT" te wide.te $at m=50000
cat >pairs.wir <<'WIR'
graph pairs(x: f32[m, 1], y: f32[1, n]) -> (z) {
    s = add(x, y)
    z = max(s) {axes=[0, 1], keepdims=0}
}
WIR
exits 0 "$WEFT" compile pairs.wir -t opencl:generic-gpu -o pairs.weft
exits 0 "$WEFT" run pairs.weft -d null --fill ones --dim m=40000 --dim n=50000
exits 2 "$WEFT" run pairs.weft -d null --fill ones --dim m=50000 --dim n=50000 && err_has "with m = 50000, n = 50000 it counts"

it "refuses sizes at which a device would end a kernel's loops"
if "$WEFT" devices | grep -q '^vulkan .*llvmpipe'; then
    printf 'te rows(A: f32[m, n]) {\n    S[i < m] = sum(j < n) A[i, j]\n}\n' >rows.te
    exits 0 "$WEFT" te rows.te -d vulkan --fill ones --dim m=2 --dim n=65000 && out_has '^S f32\[2\] min 65000 max 65000'
    exits 2 "$WEFT" te rows.te -d vulkan --fill ones --dim m=2 --dim n=70000 && err_has "with m = 2, n = 70000 a thread's loops"
fi

it "runs slices of the pipeline"
exits 0 "$WEFT" te add.te --stage loops -t opencl:generic-gpu && cp out loops.wir
exits 0 "$WEFT" opt --passes=flatten,simplify loops.wir && out_has '^kernel flat add'
exits 2 "$WEFT" opt --passes=flatten,polish loops.wir && err_has "polish"

it "runs a program on every device with the same result"
exits 2 "$WEFT" te add.te -d interp --fill ones && err_has "dimension n"
exits 0 "$WEFT" te add.te -d interp --fill random:3 --dim n=1000 -o ref && out_has '^C f32\[1000\]'
for d in opencl vulkan; do
    has_device $d || continue
    exits 0 "$WEFT" te add.te -d $d --fill random:3 --dim n=1000 -o $d
    same ref $d
done
finish
