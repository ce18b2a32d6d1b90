#!/bin/sh
# Dump, edit, run: what a person writes into a dumped kernel is what runs.
. "$(dirname "$0")/support.sh"
needs_suite
relu=$(model_of node/test_relu)

# edit TARGET ENDING SED: dumps, runs, edits the kernel, runs again; what is no program is bad input.
edit()
{
    has_device "$1" || return
    exits 0 "$WEFT" dump "$relu" -t "$1" -o "$1"
    exits 0 "$WEFT" run "$1" -d "$1" --fill ones && out_has '^y f32\[3,4,5\] min 1 max 1'
    kernel=$(find "$1/kernels" -name "*.$2")
    has_file "$kernel"
    cp "$kernel" before
    sed -i "$3" "$kernel"
    differ "$kernel" before
    exits 0 "$WEFT" run "$1" -d "$1" --fill ones && out_has '^y f32\[3,4,5\] min 5 max 5'
    cp before "$kernel"
    exits 0 "$WEFT" run "$1" -d "$1" --fill ones && out_has '^y f32\[3,4,5\] min 1 max 1'
    echo 'this is no program' >"$kernel"
    exits 2 "$WEFT" run "$1" -d "$1" --fill ones && err_has "$(basename "$kernel" ".$2")"
}

it "runs an edited OpenCL kernel"
edit opencl cl 's/0\.0f/5.0f/g'
it "runs an edited SPIR-V kernel"
edit vulkan spvasm 's/OpConstant %float 0\b/OpConstant %float 5/'
finish
