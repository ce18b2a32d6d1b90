#!/bin/sh
# The kernels of the test models are what they were: a change that alters printed text shows which, and
# the difference.
#
#   replay.sh                     the demo model and the cases of cases.txt
#   replay.sh seeded              the seeded models in $WEFT_DATA_DIR/seeded
#   replay.sh --against COMMIT    prints the difference to what that commit prints; builds it aside
#
# Written down: the demo's texts (demo.cu, .cl, .metal, .spvasm), and for everything the first 16 digits
# of the SHA-256 of each text (kernels.txt), or of all texts of a seeded model for a target
# (kernels-seeded.txt).  The texts behind the digits are those of the last run that passed, in KEEP; a
# build that has none shows them with --against.  WEFT_UPDATE=1 writes all of it anew.
set -u
LC_ALL=C
export LC_ALL
here=$(cd "$(dirname "$0")" && pwd)
: "${SOURCE:=$here/../..}" "${KEEP:=$PWD/replay}" "${ONNX_SUITE:=/usr/share/libonnx-testdata/data}"
targets=cuda:sm_80,opencl:generic-gpu,opencl:pocl,metal:apple8,vulkan:generic-gpu,vulkan:lavapipe
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weft-replay.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

# print_kernels WEFT DIR MODEL..: DIR/NAME/TARGET/KERNEL.ending of each model NAME=PATH that compiles.
print_kernels()
{
    command=$1 dir=$2
    shift 2
    for model; do
        path=${model#*=} name=${model%%=*}
        [ -f "$path" ] && "$command" compile "$path" -o "$tmp/module/" -t $targets >/dev/null 2>&1 || continue
        [ -d "$tmp/module/kernels" ] || continue # nothing to compute
        mkdir -p "$dir"
        mv "$tmp/module/kernels" "$dir/$name"
        rm -rf "$tmp/module"
        find "$dir/$name" -type f ! -name '*.cu' ! -name '*.cl' ! -name '*.metal' ! -name '*.spvasm' -exec rm {} +
    done
}

small_models()
{
    echo "demo=$SOURCE/demo/digits/digits.onnx"
    grep -v '^#' "$here/cases.txt" | sed "s|.*|&=$ONNX_SUITE/node/&/model.onnx|"
}

# digits DIR: "DIGITS NAME/TARGET/KERNEL.ending" a line.
digits()
{
    (cd "$1" && find . -type f | sed 's|^\./||' | sort | xargs sha256sum | sed 's/^\(.\{16\}\)[^ ]* */\1 /')
}

# The same for whole models: "DIGITS NAME/TARGET N".
digits_of_models()
{
    digits "$1" >"$tmp/all"
    for pair in $(cut -d ' ' -f 2 "$tmp/all" | cut -d / -f 1,2 | sort -u); do
        grep " $pair/" "$tmp/all" >"$tmp/some"
        echo "$(sha256sum <"$tmp/some" | cut -c 1-16) $pair $(grep -c . "$tmp/some")"
    done
}

# demo_text DIR ENDING: the demo's kernels of a language in one text.
demo_text()
{
    for file in "$1"/demo/*/*."$2"; do
        case $file in
        */vulkan-lavapipe/* | */vulkan-*/conv2* | */vulkan-*/pool* | */vulkan-*/fc*) continue ;; # long
        esac
        echo "==== ${file#"$1"/demo/}"
        cat "$file"
    done
}

if [ "${1:-}" = --against ]; then
    git -C "$SOURCE" archive "$2" | (mkdir "$tmp/old" && tar x -C "$tmp/old") || exit 2
    cmake -G Ninja -S "$tmp/old" -B "$tmp/old/build" -DBUILD_TESTING=OFF ${CMAKE_ARGS:-} >"$tmp/log" &&
        ninja -C "$tmp/old/build" weft >>"$tmp/log" || { tail "$tmp/log"; exit 2; }
    print_kernels "$tmp/old/build/tools/weft" "$tmp/before" $(small_models)
    print_kernels "$WEFT" "$tmp/after" $(small_models)
    cd "$tmp" && diff -ruN before after
    exit
fi

failed=0
if [ "${1:-}" = seeded ]; then
    [ -z "${LONG:-}" ] || [ -n "${WEFT_TEST_LONG:-}" ] || { echo "skipped: tools/test.sh --long runs it"; exit 77; }
    list=$here/kernels-seeded.txt
    [ -d "${WEFT_DATA_DIR:-}/seeded" ] || { echo 'skipped: no seeded models in WEFT_DATA_DIR'; exit 77; }
    for dir in "$WEFT_DATA_DIR"/seeded/light_*; do
        print_kernels "$WEFT" "$tmp/new" "$(basename "$dir")=$dir/model.onnx"
    done
    digits_of_models "$tmp/new" >"$tmp/list"
else
    list=$here/kernels.txt
    print_kernels "$WEFT" "$tmp/new" $(small_models)
    digits "$tmp/new" >"$tmp/list"
    for ending in cu cl metal spvasm; do
        demo_text "$tmp/new" $ending >"$tmp/demo.$ending"
        [ -z "${WEFT_UPDATE:-}" ] || cp "$tmp/demo.$ending" "$here"
        diff -u "$here/demo.$ending" "$tmp/demo.$ending" || failed=1
    done
fi
[ -z "${WEFT_UPDATE:-}" ] || cp "$tmp/list" "$list"
if [ -d "$ONNX_SUITE/node" ] || [ "${1:-}" = seeded ]; then
    cp "$list" "$tmp/expected"
else
    grep ' demo/' "$list" >"$tmp/expected"
fi

# keep: the texts are those of a run that passed.
keep()
{
    mkdir -p "$KEEP"
    cp -r "$tmp/new/." "$KEEP"
}

if cmp -s "$tmp/expected" "$tmp/list"; then
    echo "$(grep -c . "$tmp/list") rows as written down"
    [ $failed != 0 ] || keep
    exit $failed
fi
diff "$tmp/expected" "$tmp/list" | sed -n 's/^[<>] [0-9a-f]* \([^ ]*\).*/\1/p' | sort -u >"$tmp/changed"
echo "$(grep -c . "$tmp/changed") rows of $(basename "$list") differ:"
for path in $(cat "$tmp/changed"); do
    if [ -e "$KEEP/$path" ] || [ -e "$tmp/new/$path" ]; then
        [ -e "$KEEP/$path" ] || echo "$path: no text of it in $KEEP; tests/checkers/replay.sh --against COMMIT has it"
        diff -ruN "$KEEP/$path" "$tmp/new/$path"
    fi
done | head -n 400
echo "if that is meant: WEFT_UPDATE=1 ctest --test-dir build -R checkers/replay"
exit 1
