#!/bin/sh
# Modules whose kernels need what a device has not: refused with kernel, number and limit before the
# driver compiles anything.  The devices are the fakes, which have neither f16 nor f64 and 16 or 32 KiB.
. "$(dirname "$0")/support.sh"

cat >sum.wir <<'END'
graph sum(a: f64[4, 8], b: f64[4, 8]) -> (y) model "sum" {
    y = add(a, b)
}
END
cat >product.wir <<'END'
graph product(a: f32[512, 512], b: f32[512, 512]) -> (y) model "product" {
    y = matmul(a, b) {ta=0, tb=0}
}
END
exits 0 "$WEFT" compile sum.wir -t vulkan:rdna3,opencl:rdna3,cuda:sm_80 -o sum.weft
exits 0 "$WEFT" compile product.wir -t vulkan:rdna3,opencl:rdna3 -o product/

it "refuses f64 where there is none"
for api in vulkan opencl; do
    exits 2 env WEFT_FAKE=vkCreateComputePipelines=-13,clBuildProgram=-5 LD_LIBRARY_PATH="$FAKES/$api:$tmp/broken" \
        "$WEFT" run sum.weft -d $api --fill ones
    err_has "kernel '[a-z_0-9]*' needs arithmetic in f64, which device '$api' (Fake GPU) has not; compile the model for it"
done
exits 0 only 'cuda nvrtc' "$WEFT" run sum.weft -d cuda --fill ones

it "runs a product in shared memory, and refuses it with more than there is"
exits 0 only vulkan "$WEFT" run product/ -d vulkan --fill ones
sed 's/"shared_bytes": 13312/"shared_bytes": 40000/' product/manifest.json >larger
differ larger product/manifest.json
cp larger product/manifest.json
for api in vulkan opencl; do
    exits 2 only $api "$WEFT" run product/ -d $api --fill ones
    err_has "kernel '[a-z_0-9]*': its shared memory in bytes is 40000; device '$api' (Fake GPU) takes at most [13]"
done

it "says what it does not know a device to have"
sed 's/"shared_bytes": 40000/"needs": ["quantum"]/' larger >product/manifest.json
exits 2 only vulkan "$WEFT" run product/ -d vulkan --fill ones
err_has 'needs is not a list of what this version of weft knows'

it "needs room that the device has not"
cat >large.wir <<'END'
graph large(a: f32[80000000]) -> (y) model "large" {
    y = relu(a)
}
END
exits 0 "$WEFT" compile large.wir -t vulkan:rdna3,opencl:rdna3 -o large.weft
for api in vulkan opencl; do
    exits 2 only $api "$WEFT" run large.wir -d $api --fill ones
    err_has "kernel 'relu_0' needs 320000000 bytes of the buffer 'x', $api:fake-gpu allows [0-9]*; split the tensor"
    exits 2 only $api "$WEFT" run large.weft -d $api --fill ones
    err_has "tensor 'a' has 320000000 bytes; device '$api' (Fake GPU) allocates at most 268435456 at once"
done
finish
