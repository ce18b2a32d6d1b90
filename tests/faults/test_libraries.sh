#!/bin/sh
# Drivers' libraries that are missing, broken, too old, without devices, or fail at some call: what
# `weft devices` and `weft run` say, and that another device takes over.
. "$(dirname "$0")/support.sh"

exits 0 "$WEFT" compile "$DIGITS" -t cuda:sm_80,opencl:generic-gpu,vulkan:generic-gpu -o m.weft

it "says of a library that cannot be loaded what the loader says"
exits 0 only '' "$WEFT" devices && err_is_empty
out_has '^opencl  *not usable: the OpenCL loader (libOpenCL.so.1) cannot be loaded: .*file too short'
out_has '^vulkan  *not usable: the Vulkan loader (libvulkan.so.1) cannot be loaded: .*file too short'
out_has '^cuda  *not usable: the NVIDIA driver (libcuda.so.1) cannot be loaded: .*file too short'
out_has '^null '
for api in opencl vulkan cuda; do
    exits 3 only '' "$WEFT" run m.weft -d $api --fill ones
    err_has "device '$api' is not usable: .*cannot be loaded" && err_has 'usable: ' && err_is_short
done

it "says of a library that is too old which function it lacks"
exits 0 only 'old_cuda old_opencl old_vulkan' "$WEFT" devices
out_has '^opencl  *not usable: libOpenCL lacks cl[A-Za-z]*, which OpenCL 1.2 has'
out_has '^vulkan  *not usable: .*libvulkan.so.1 lacks vkGetInstanceProcAddr'
out_has '^cuda  *not usable: libcuda.so.1 lacks cu[A-Za-z_0-9]*: the driver is too old'

it "says of NVRTC that it is what is missing"
if ls -d /usr/local/cuda /opt/cuda /usr/lib/cuda >"$tmp/toolkits" 2>/dev/null || [ -s "$tmp/toolkits" ]; then
    echo "skipped: it $about: there is a toolkit at $(head -n 1 "$tmp/toolkits")"
else
    exits 0 only cuda "$WEFT" devices
    out_has '^cuda  *not usable: libnvrtc, which compiles CUDA text, cannot be loaded: .*install the CUDA toolkit'
fi

it "says that a driver has no device"
exits 0 env WEFT_FAKE=devices=0 LD_LIBRARY_PATH="$FAKES/cuda:$FAKES/nvrtc:$FAKES/opencl:$FAKES/vulkan" \
    "$WEFT" devices
out_has '^opencl  *not usable: the OpenCL loader knows no device with a compiler'
out_has '^vulkan  *not usable: no Vulkan driver offers a device'
out_has '^cuda  *not usable: the NVIDIA driver sees no device'

# fails API LIBRARIES CALL=CODE WORDS..: a run ends with status 3 and the words.
status=3
fails()
{
    about="reports $3"
    exits $status env WEFT_CACHE=0 WEFT_FAKE="$3" LD_LIBRARY_PATH="$(printf "$FAKES/%s:" $2)$tmp/broken" \
        "$WEFT" run m.weft -d "$1" --fill ones
    err_is_short
    shift 3
    for words; do
        err_has "$words"
    done
}

fails opencl opencl clGetPlatformIDs=-6 "device 'opencl' is not usable: clGetPlatformIDs: CL_OUT_OF_HOST_MEMORY (-6)"
fails opencl opencl clGetPlatformIDs=-1001 "not usable: the OpenCL loader knows no device" '/etc/OpenCL/vendors'
fails opencl opencl clCreateContext=-5 'clCreateContext: CL_OUT_OF_RESOURCES (-5) at Fake GPU'
fails opencl opencl clBuildProgram=-6 "clBuildProgram: CL_OUT_OF_HOST_MEMORY (-6) at kernel '"
status=2
fails opencl opencl clBuildProgram=-11 "the OpenCL compiler refuses kernel '" CL_BUILD_PROGRAM_FAILURE
fails cuda 'cuda nvrtc' nvrtcCompileProgram=6 'NVRTC 12.4 refuses [a-z0-9_]*.cu'
status=3
fails opencl opencl clCreateBuffer=-4 'clCreateBuffer: CL_MEM_OBJECT_ALLOCATION_FAILURE (-4) at [0-9]* bytes' \
    "device 'opencl' (Fake GPU) has no room for the model's constants: [0-9]* bytes; use smaller shapes"
fails opencl opencl clEnqueueNDRangeKernel=-5 "CL_OUT_OF_RESOURCES (-5) at kernel '"
fails opencl opencl clEnqueueWriteBuffer=-2 'clEnqueueWriteBuffer: CL_DEVICE_NOT_AVAILABLE (-2)' \
    "device 'opencl' (Fake GPU) is lost"
fails vulkan vulkan vkCreateInstance=-9 'vkCreateInstance: VK_ERROR_INCOMPATIBLE_DRIVER (-9)'
fails vulkan vulkan vkCreateDevice=-3 'vkCreateDevice: VK_ERROR_INITIALIZATION_FAILED (-3) at Fake GPU'
fails vulkan vulkan vkAllocateMemory=-2 'VK_ERROR_OUT_OF_DEVICE_MEMORY (-2) at [0-9]* bytes' 'has no room for'
fails vulkan vulkan vkCreateComputePipelines=-13 'vkCreateComputePipelines: VK_ERROR_UNKNOWN (-13) at [a-z]'
fails vulkan vulkan vkQueueSubmit=-4 'vkQueueSubmit: VK_ERROR_DEVICE_LOST (-4) at Fake GPU' 'is lost'
fails vulkan vulkan vkWaitForFences=-4 'vkWaitForFences: VK_ERROR_DEVICE_LOST (-4) at Fake GPU' 'is lost'
fails cuda 'cuda nvrtc' cuInit=999 'the NVIDIA driver does not work: cuInit: CUDA_ERROR_UNKNOWN (999)'
fails cuda 'cuda nvrtc' cuMemAlloc=2 'cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (2), .*, at [0-9]* bytes' 'has no room for'
fails cuda 'cuda nvrtc' cuGraphLaunch=700 'cuGraphLaunch: CUDA_ERROR_ILLEGAL_ADDRESS (700)' 'is lost'
fails cuda 'cuda nvrtc' nvrtcCreateProgram=1 'nvrtcCreateProgram failed at [a-z0-9_]*.cu'

it "runs a module on CUDA up to the launch, whose arguments are checked"
exits 0 only 'cuda nvrtc' "$WEFT" run m.weft -d cuda --fill ones --repeat 3 && err_is_empty
out_has '^digit f32\[1,10\]'

it "takes the next device where one cannot be opened and none was named"
exits 0 env WEFT_FAKE=clCreateContext=-6 LD_LIBRARY_PATH="$FAKES/opencl:$FAKES/vulkan:$tmp/broken" \
    "$WEFT" run m.weft --fill ones
err_has "warning: device 'opencl' cannot be opened and is passed over: .*clCreateContext: CL_OUT_OF_HOST"

it "lists a device that cannot be opened as not usable, and why"
exits 0 env WEFT_FAKE=clCreateContext=-6 LD_LIBRARY_PATH="$FAKES/opencl:$tmp/broken" "$WEFT" devices
out_has '^opencl  *not usable: .*clCreateContext: CL_OUT_OF_HOST_MEMORY (-6) at Fake GPU'
finish
