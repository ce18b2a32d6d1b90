#!/bin/sh
# A process that may have ever more address space, from just enough to start to enough: every command
# ends in status 0, 2 or 3, and with a message unless in 0.
. "$(dirname "$0")/support.sh"
LD_LIBRARY_PATH=$tmp/broken # no driver: what one does without memory is its own affair
export LD_LIBRARY_PATH

exits 0 "$WEFT" compile "$DIGITS" -t cuda:sm_80 -o m.weft

# starts KIB: whether the loader and the C library have what they need.
starts()
{
    (ulimit -v "$1" && "$WEFT" --version) >/dev/null 2>&1
}
low=4000 high=400000
(ulimit -v $low) 2>/dev/null || { echo 'skipped: address space cannot be limited here'; exit 77; }
starts $high || { echo 'skipped: the program does not start in 400 MB (a sanitizer?)'; exit 77; }
while [ $((high - low)) -gt 64 ]; do
    middle=$(((low + high) / 2))
    if starts $middle; then high=$middle; else low=$middle; fi
done

# grows STEP COMMAND..: runs it with more and more until it succeeds.
grows()
{
    step=$1 kib=$high failed=0
    shift
    while :; do
        (ulimit -v $kib && "$WEFT" "$@") >"$tmp/out" 2>"$tmp/err" </dev/null
        got=$?
        [ $got = 0 ] && break
        failed=$((failed + 1))
        case $got in
        2 | 3) [ -s "$tmp/err" ] || fail "'$1' with $kib KiB says nothing" ;;
        *) fail "'$1' with $kib KiB ends in $got: $(head -c 300 "$tmp/err")" ;;
        esac
        [ $kib -lt $((high + 200000)) ] || { fail "'$1' does not work with $kib KiB, either"; break; }
        kib=$((kib + step))
    done
    [ $failed -gt 0 ] || fail "'$1' needs no memory at all: the test tests nothing"
}

it "compiles, or says that it has no memory"
grows 100 compile "$DIGITS" -t cuda:sm_80 -o o.weft
it "runs a module, or says that it has no memory"
grows 100 run m.weft -d null --fill ones
it "runs a model, or says that it has no memory"
grows 100 run "$DIGITS" -d interp --fill ones -j 1
it "inspects a model, or says that it has no memory"
grows 40 inspect "$DIGITS"
finish
