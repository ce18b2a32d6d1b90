#!/bin/sh
# Without any GPU API: nothing of a driver can be loaded, and modules for every target are compiled and
# run up to the launch on the null device.
. "$(dirname "$0")/support.sh"
LD_LIBRARY_PATH=$tmp/broken
export LD_LIBRARY_PATH

it "finds no GPU API"
exits 0 "$WEFT" devices
for api in opencl vulkan cuda metal; do
    out_has "^$api  *not usable"
done

it "compiles for every target and runs what came of it"
exits 0 "$WEFT" targets
targets=$(sed -n 's/^\([a-z]*:[^ ]*\).*/\1/p' "$tmp/out" | grep -v "^interp:\|^null:")
[ "$(echo "$targets" | wc -l)" -ge 8 ] || fail "there are few targets: $targets"
all=$(echo "$targets" | tr '\n' ',' | sed 's/,$//')
exits 0 "$WEFT" compile "$DIGITS" -t "$all" -o all.weft
for target in $targets; do
    it "runs a module for $target"
    exits 0 "$WEFT" run all.weft -d null -t "$target" --fill ones && err_is_empty
    out_has '^digit f32\[1,10\]'
done

it "repeats and profiles"
exits 0 "$WEFT" run all.weft -d null -t cuda:sm_80 --fill random:1 --repeat 5 --profile p.json -o results
out_has '^digit f32\[1,10\]' && out_has 'median' && has_file p.json && has_file results/digit.npy
"$JSON_CHECK" <p.json >/dev/null || fail 'the profile is no JSON'

it "says what a model needs that is compiled in memory"
exits 2 "$WEFT" run "$DIGITS" -d null --fill ones && err_has 'name what to compile for with -t'
exits 0 "$WEFT" run "$DIGITS" -d null -t metal:apple8 --fill ones
it "falls back to the interpreter where no device is named"
exits 0 "$WEFT" run "$DIGITS" --fill ones && err_is_empty && out_has '^digit f32\[1,10\]'
finish
