#!/bin/sh
# One suite of ONNX cases on one device.
#
#   suite.sh SUITE DEVICE [TARGET [CASE..]]
#
# SUITE is debian (the backend suite of libonnx-testdata) or a directory of $WEFT_DATA_DIR, by default
# what stands in ../shared/data/onnx beside the repository, unpacked on first use.  Passes when every
# case of expect-SUITE.txt passes and nothing fails, but for the rows of failures.txt and what
# refusals.txt lets the device refuse; a row of failures.txt that is not needed is a failure as well.
# WEFT is the command under test; with WEFT_UPDATE=1 a run on interp writes the list.
set -u
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd)
suite=$1 device=$2 target=${3:-}
shift $(($# < 3 ? $# : 3)) # what is left names cases
name=$suite-$(echo "${target:-$device}" | tr ':' '-')
mkdir -p "${WEFT_SUITE_DIR:=$PWD/suites}"
out=$WEFT_SUITE_DIR/$name
rm -f "$out".*

skip()
{
    echo "skipped: $1"
    exit 77
}

[ -z "${LONG:-}" ] || [ -n "${WEFT_TEST_LONG:-}" ] || skip 'tools/test.sh --long runs it'

unpacked()
{
    archive=$here/../../../shared/data/onnx/$suite.tar.zst
    dir=${WEFT_DATA_DIR:-$WEFT_SUITE_DIR/data}/$suite
    if [ ! -d "$dir" ] && [ -z "${WEFT_DATA_DIR:-}" ] && [ -f "$archive" ] && command -v zstd >/dev/null; then
        # Unpacked aside first: another test may want the same archive.
        mkdir -p "$dir.$$" "$WEFT_SUITE_DIR/data"
        zstd -dcq --long=27 "$archive" | tar x -C "$dir.$$"
        [ -d "$dir" ] || mv "$dir.$$" "$dir"
        rm -rf "$dir.$$"
    fi
    [ -d "$dir" ] || skip "no data of $suite; WEFT_DATA_DIR names the folder that holds it"
}

if [ "$suite" = debian ]; then
    dir=${ONNX_SUITE:-/usr/share/libonnx-testdata/data}
    [ -d "$dir/node" ] || skip "$dir is not there (Debian: libonnx-testdata)"
else
    unpacked
fi
"$WEFT" devices | grep "^$device " | grep -qv 'not usable' || skip "no $device device"

# Rows of failures.txt: SUITE DEVICE-OR-TARGET CASE REASON; * stands for any of the first two.
api=${target:-$device}
awk -v s="$suite" -v d="$api" -v a="${api%%:*}" '!/^#/ && NF { if (($1 == s || $1 == "*") && ($2 == d || $2 == a || $2 == "*")) print $3 }' \
    "$here/failures.txt" | sort -u >"$out.known"
expect=$here/expect-$suite.txt
[ -f "$expect" ] || expect=/dev/null
grep -v '^#' "$expect" | grep -vxFf "$out.known" | sort -u >"$out.expect"
if [ $# -gt 0 ]; then
    printf '%s\n' "$@" | sort -u >"$out.expect"
    for case; do
        shift
        set -- "$@" "$dir/$case"
    done
else
    set -- "$dir"
fi

start=$(date +%s)
"$WEFT" onnx-test -d "$device" --seed 1 ${target:+-t "$target"} --expect "$out.expect" --report "$out.tsv" \
    "$@" >"$out.log" 2>"$out.err"
status=$?
tail -n 1 "$out.log" | sed "s/^/$name: /; s/\$/, $(($(date +%s) - start)) s/"
if [ $status -gt 1 ]; then
    echo "weft onnx-test exits $status"
    tail -n 5 "$out.log" "$out.err"
    exit 1
fi
awk -F '\t' '$2 == "FAIL" { print $1 }' "$out.tsv" | sort -u >"$out.failed"
awk -F '\t' '$2 == "PASS" { print $1 }' "$out.tsv" | sort -u >"$out.passed"
if [ -n "${WEFT_UPDATE:-}" ] && [ "$device" = interp ]; then
    { echo "# Cases of $suite that must pass on every device, but for the rows of failures.txt."; cat "$out.passed"; } \
        >"$here/expect-$suite.txt"
fi
bad=0
for case in $(comm -23 "$out.failed" "$out.known"); do
    grep "^FAIL $case: " "$out.log"
    bad=1
done
for case in $(comm -12 "$out.passed" "$out.known"); do
    echo "$case passes: take its row out of failures.txt"
    bad=1
done
# Expected cases that did not pass, unless the device refuses them for a reason of refusals.txt.
awk -v d="$api" -v a="${api%%:*}" '!/^#/ && NF { if ($1 == d || $1 == a) { sub(/^[^ ]+ /, ""); print } }' \
    "$here/refusals.txt" >"$out.refusals"
[ -s "$out.refusals" ] || echo 'no reason at all' >"$out.refusals"
awk -F '\t' '$2 == "UNSUPPORTED"' "$out.tsv" | grep -Ef "$out.refusals" | cut -f 1 | sort -u >"$out.refused"
for case in $(comm -23 "$out.expect" "$out.passed" | comm -23 - "$out.refused" | comm -23 - "$out.failed"); do
    echo "$case has to pass: $(awk -F '\t' -v c="$case" '$1 == c { print $2, $4 }' "$out.tsv")"
    bad=1
done
exit $bad
