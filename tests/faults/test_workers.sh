#!/bin/sh
# `weft onnx-test` where a driver takes its process with it.
. "$(dirname "$0")/support.sh"
needs_suite
mkdir cases
for case in add relu sigmoid sub; do
    cp -r "$ONNX_SUITE/node/test_$case" cases
done

# A driver that charges by the program is given many cases at once.
for cpu in 0 1; do
    it "fails the case whose compilation ends a process, and goes on (cpu=$cpu)"
    for jobs in 1 2 9; do
        exits 1 only opencl env WEFT_FAKE=cpu=$cpu WEFT_FAKE_ABORT='(Relu)' \
            "$WEFT" onnx-test -j $jobs -d opencl cases
        out_has '^FAIL test_relu: its process'
        for case in add sigmoid sub; do # the fake computes nothing
            out_has "^FAIL test_$case: .*output .* differ"
        done
        out_has '^0 passed, 4 failed, 0 skipped$'
    done

    it "fails every case where none can be compiled (cpu=$cpu)"
    exits 1 only opencl env WEFT_FAKE=cpu=$cpu WEFT_FAKE_ABORT=kernel "$WEFT" onnx-test -d opencl cases
    [ "$(grep -c ': its process' out)" = 4 ] || fail "not all have ended their processes: $(cat out)"

    it "says of a case that does not compile what it says of it alone (cpu=$cpu)"
    exits 1 only opencl env WEFT_FAKE=cpu=$cpu,clBuildProgram=-11 "$WEFT" onnx-test -d opencl cases
    grep '^FAIL' out >many
    for case in add relu sigmoid sub; do
        exits 1 only opencl env WEFT_FAKE=cpu=$cpu,clBuildProgram=-11 "$WEFT" onnx-test -d opencl cases/test_$case
        grep '^FAIL' out
    done >alone
    same alone many
    [ "$(grep -c 'refuses kernel' many)" = 4 ] || fail "not all name their kernels: $(cat many)"
done
finish
