#!/bin/sh
# Runs libFuzzer on every reader of tests/fuzz/readers.def, SECONDS in all, and prints the counts:
#
#   tools/fuzz.sh [-j JOBS] [-s SEED] [-b BUILD] [SECONDS [READER..]]
#
# Builds first, with clang 15 and both sanitizers, in BUILD (build-fuzz).  BUILD/seeds is made of the
# tree's own files and of Debian's ONNX test data.  The corpus grows in BUILD/corpus from run to run;
# with a SEED it begins anew, so that a run can be repeated.  What fails is left in BUILD/failures: a
# crash, a leak, an input that takes more than 10 s of processor time or 2 GiB.  Its place is
# tests/fuzz/found/<reader>/ once it is understood.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build-fuzz jobs=1 seed=0
while getopts j:s:b: option; do
    case $option in
    j) jobs=$OPTARG ;;
    s) seed=$OPTARG ;;
    b) build=$OPTARG ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))
seconds=${1:-60}
[ $# -eq 0 ] || shift
readers=${*:-$(sed -n 's/^READER(\([a-z]*\),.*/\1/p' "$root/tests/fuzz/readers.def")}
each=$((seconds / $(echo $readers | wc -w)))

[ -f "$build/build.ninja" ] || (cd "$root" && cmake --preset fuzz -B "$build" >/dev/null)
ninja -C "$build" --quiet fuzz_readers fuzz_seeds
more=/usr/share/libonnx-testdata/data
[ -d "$more" ] || more=
rm -rf "$build/seeds"
[ "$seed" = 0 ] || rm -rf "$build/corpus"
"$build/tests/fuzz/fuzz_seeds" "$build/seeds" $more >"$build/seeds.log" 2>&1 || {
    cat "$build/seeds.log" >&2
    exit 1
}

# One reader, its log in BUILD/logs/<reader>.
one='
reader=$0 build=$1 seconds=$2 seed=$3 most=$4
program=$build/tests/fuzz/fuzz_$reader
mkdir -p "$build/corpus/$reader" "$build/failures/$reader" "$build/logs"
ln -sf fuzz_readers "$program"
dict=
[ ! -f "$build/seeds/$reader.dict" ] || dict=-dict=$build/seeds/$reader.dict
"$program" -max_total_time="$seconds" -seed="$seed" \
    -max_len="$most" -timeout=600 -rss_limit_mb=2048 \
    $dict -artifact_prefix="$build/failures/$reader/" -print_final_stats=1 \
    "$build/corpus/$reader" "$build/seeds/$reader" >"$build/logs/$reader" 2>&1
echo $? >>"$build/logs/$reader"
'
for reader in $readers; do
    most=$(sed -n "s/^READER($reader,.* \([0-9]*\), *[A-Z_]*)/\1/p" "$root/tests/fuzz/readers.def")
    [ -n "$most" ] || { echo "no reader '$reader' in tests/fuzz/readers.def" >&2; exit 2; }
    echo "$reader $build $each $seed $most"
done | xargs -P "$jobs" -L 1 sh -c "$one"

status=0
printf '%-10s %10s %8s %8s %8s %8s  %s\n' reader inputs 'a second' covered corpus 'MiB' failed
for reader in $readers; do
    log=$build/logs/$reader
    [ "$(tail -1 "$log")" = 0 ] && failed=no || failed=YES status=1
    stat() { sed -n "s/^stat::$1: *//p" "$log" | tail -1; }
    covered=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -1)
    printf '%-10s %10s %8s %8s %8s %8s  %s\n' "$reader" "$(stat number_of_executed_units)" \
        "$(stat average_exec_per_sec)" "$covered" "$(ls "$build/corpus/$reader" | wc -l)" \
        "$(stat peak_rss_mb)" "$failed"
    [ $failed = no ] || grep -E 'SUMMARY|ERROR|runtime error|Test unit written' "$log"
done
exit $status
