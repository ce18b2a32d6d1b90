#!/bin/sh
# Files that cannot be written: what the command was asked to write fails by name, and nothing half
# written is left; what it keeps for itself does not matter.
. "$(dirname "$0")/support.sh"

exits 0 "$WEFT" compile "$DIGITS" -t opencl:generic-gpu -o m.weft
cp m.weft whole.weft

# full COMMAND..: runs it where files end at 512 bytes, as on a disk that is full.
full()
{
    (ulimit -f 1 && "$@")
}

it "does not write a module by halves"
exits 2 full "$WEFT" compile "$DIGITS" -t opencl:generic-gpu -o m.weft && err_has 'm.weft' && err_is_short
same m.weft whole.weft
exits 2 full "$WEFT" compile "$DIGITS" -t opencl:generic-gpu -o new.weft && err_has 'new.weft'
[ ! -e new.weft ] || fail 'there is half a module'
exits 2 full "$WEFT" compile "$DIGITS" -t opencl:generic-gpu -o dir/ && err_has 'dir/'
[ "$(ls | grep -c 'weft\.')" = 0 ] || fail "there are leftovers: $(ls)"

it "does not write results by halves"
exits 2 full "$WEFT" run m.weft -d null --fill ones --profile p.json && err_has 'p.json'
[ ! -e p.json ] || fail 'there is half a profile'

it "says that a folder for results cannot be made"
: >file
exits 2 "$WEFT" run m.weft -d null --fill ones -o file/results && err_has 'file'
exits 2 "$WEFT" compile "$DIGITS" -t opencl:generic-gpu -o file/m.weft && err_has 'file/m.weft'

it "notices that its output cannot be written"
if [ -c /dev/full ]; then
    "$WEFT" targets >/dev/full 2>"$tmp/err"
    [ $? = 2 ] || fail "targets >/dev/full exits $?"
    err_has 'standard output'
fi

it "runs where the kernel cache has no room"
if has_device vulkan; then
    exits 0 full "$WEFT" run "$DIGITS" -d vulkan --fill ones && out_has '^digit f32'
fi
finish
