# What the tests of the command line share; sourced.  A test says what it is about with `it`, then
# runs the command with `exits` and reads what came out with `out_has`, `err_has` and `same`.
#
# WEFT is the command under test, ONNX_SUITE the ONNX backend suite of the distribution, JSON_CHECK a
# program that reads JSON.  Everything is written under a folder of its own, which is removed.
set -u
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weft-cli.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
: "${WEFT:=weft}" "${ONNX_SUITE:=/usr/share/libonnx-testdata/data}" "${JSON_CHECK:=}"
cd "$tmp" || exit 1
failures=0
about=

it()
{
    about=$1
}

fail()
{
    failures=$((failures + 1))
    printf 'FAIL: it %s: %s\n' "$about" "$1"
}

# exits CODE COMMAND..: runs it; its output is in $tmp/out, its messages in $tmp/err.
exits()
{
    want=$1
    shift
    "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
    got=$?
    [ "$got" = "$want" ] && return 0
    fail "'$*' exits $got, not $want: $(head -c 400 "$tmp/err")"
    return 1
}

out_has()
{
    grep -q -e "$1" "$tmp/out" || fail "the output has no '$1': $(head -c 300 "$tmp/out")"
}

err_has()
{
    grep -q -e "$1" "$tmp/err" || fail "the messages have no '$1': $(head -c 300 "$tmp/err")"
}

out_is_empty()
{
    [ ! -s "$tmp/out" ] || fail "the output is not empty: $(head -c 300 "$tmp/out")"
}

err_is_empty()
{
    [ ! -s "$tmp/err" ] || fail "there are messages: $(head -c 300 "$tmp/err")"
}

out_is_json()
{
    "$JSON_CHECK" <"$tmp/out" >"$tmp/json" 2>&1 || fail "the output is no JSON: $(head -c 300 "$tmp/json")"
}

# same A B: two files or two directories of the same bytes.
same()
{
    diff -r "$1" "$2" >"$tmp/diff" 2>&1 || fail "$1 and $2 differ: $(head -c 400 "$tmp/diff")"
}

differ()
{
    ! cmp -s "$1" "$2" || fail "$1 and $2 are the same"
}

has_file()
{
    [ -s "$1" ] || fail "there is no file $1 in $(ls "$(dirname "$1")" 2>/dev/null | tr '\n' ' ')"
}

# Whether a device can be used here; says so when a test is left out.
has_device()
{
    "$WEFT" devices | grep -q "^$1 .*" && ! "$WEFT" devices | grep -q "^$1 *not usable" && return 0
    echo "skipped: it $about: no $1 device"
    return 1
}

# The model of a case of the suite.
model_of()
{
    echo "$ONNX_SUITE/$1/model.onnx"
}

needs_suite()
{
    [ -d "$ONNX_SUITE/node" ] && return 0
    echo "skipped: $ONNX_SUITE is not there (Debian: libonnx-testdata)"
    exit 77
}

finish()
{
    [ "$failures" = 0 ] || { echo "$failures failed"; exit 1; }
    exit 0
}
