#!/bin/sh
# Emulated devices depend on the host's compiler, its temporary files and the kernel cache.
. "$(dirname "$0")/support.sh"
it "runs on the emulated devices"
has_device cuda-emu || exit 77

# runs_not WORDS COMMAND..: a run on both devices ends in status 3 with the words.
runs_not()
{
    words=$1
    shift
    for device in cuda-emu metal-emu; do
        exits 3 "$@" "$WEFT" run "$DIGITS" -d $device --fill ones
        err_has "$words" && err_is_short
    done
}

it "says that there is no compiler"
runs_not "device '[a-z]*-emu' is not usable: it compiles kernels with clang++ of version 15" env PATH=/nowhere
it "says that what it was given is no compiler"
runs_not "WEFT_EMU_CXX is '/bin/false'; it has to be a clang++" env WEFT_EMU_CXX=/bin/false
runs_not "WEFT_EMU_CXX is '/nowhere/clang++'" env WEFT_EMU_CXX=/nowhere/clang++
it "says that there is no place for temporary files"
runs_not '/nowhere/weft-emu-.* cannot be made: No such file or directory; TMPDIR may name a place' env TMPDIR=/nowhere

it "says that the compiler died"
cat >dies <<'END'
#!/bin/sh
[ "$1" = --version ] && { echo 'clang version 15.0.0'; exit 0; }
kill -9 $$
END
chmod +x dies
runs_not "$tmp/dies fails on the kernels' text (exit status 137)" env WEFT_EMU_CXX="$tmp/dies"

it "says that the disk is full where it compiles"
full()
{
    (ulimit -f 8 && "$@")
}
exits 2 full env TMPDIR="$tmp" "$WEFT" run "$DIGITS" -d cuda-emu --fill ones && err_has 'unit.cpp.* failed: File too large'
[ -z "$(ls "$tmp" | grep weft-emu-)" ] || fail 'temporary files are left'

it "passes by a damaged entry of the cache and another version's code, and replaces them"
exits 0 "$WEFT" run "$DIGITS" -d cuda-emu --fill ones && err_is_empty
cp "$tmp/out" expected
for entry in "$WEFT_CACHE_DIR"/*; do
    cp "$entry" whole
    head -c 5000 whole >"$entry"
    exits 0 "$WEFT" run "$DIGITS" -d cuda-emu --fill ones && err_is_empty
    same "$tmp/out" expected
    same "$entry" whole
done

it "compiles in three processes at once"
rm -r "$WEFT_CACHE_DIR"
for i in 1 2 3; do
    "$WEFT" run "$DIGITS" -d metal-emu --fill ones >together.$i 2>&1 &
done
wait
for i in 1 2 3; do
    same together.$i expected
done
finish
