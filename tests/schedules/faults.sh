#!/bin/bash
# Faults of faults.txt, each planted in a copy of its file: compiled, linked into schedule_fuzz, which
# has to fail.  Usage: faults.sh BUILD SOURCE FAULTS [EVERY]: EVERY 12 takes each twelfth, 1 all, for
# which WEFT_TEST_LONG has to be set.  WEFT_FUZZ_N: how many pairs at most.
# Exit status: 0 all found, 1 one was not or no longer fits its file, 77 where the build is not ninja's
# or WEFT_TEST_LONG is not set.
set -u
build=$1 source=$2 faults=$3 every=${4:-1}
pairs=${WEFT_FUZZ_N:-12000}
[ "$every" != 1 ] || [ -n "${WEFT_TEST_LONG:-}" ] || exit 77
[ -f "$build/build.ninja" ] && command -v ninja >/dev/null || { echo "not built by ninja"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/faults.XXXXXX")
trap 'rm -rf "$work"' EXIT
ninja -C "$build" -t commands schedule_fuzz >"$work/commands" || exit 1
link=$(grep -- ' -o tests/schedules/schedule_fuzz ' "$work/commands" | tail -1)
n=0 found=0 taken=0 bad=0

# One fault: $file, $title, $old, $new.
plant()
{
    n=$((n + 1))
    [ $((n % every)) = 0 ] || return
    taken=$((taken + 1))
    local text rest object compile status
    text=$(cat "$source/$file"; echo x)
    rest=${text#*"$old"}
    if [ "$rest" = "$text" ]; then
        echo "GONE: $file has no longer: $old"
        bad=1
        return
    fi
    case $rest in *"$old"*) echo "AMBIGUOUS: $file has more than one of: $old"; bad=1; return ;; esac
    text=${text%%"$old"*}$new$rest
    mkdir -p "$work/$(dirname "$file")"
    printf '%s' "${text%x}" >"$work/$file"
    compile=$(grep -- " -c [^ ]*/$file\$" "$work/commands" | head -1)
    object=$(printf '%s' "$compile" | sed 's/.* -o \([^ ]*\) -c .*/\1/')
    compile=$(printf '%s' "$compile" | sed "s| -o $object | -o $work/fault.o |; s| -c [^ ]*\$| -w -c $work/$file|; s| -MD -MT [^ ]* -MF [^ ]*||")
    (cd "$build" && eval "$compile") >"$work/log" 2>&1 || { echo "DOES NOT COMPILE: $file: $title"; head -5 "$work/log"; bad=1; return; }
    (cd "$build" && eval "$(printf '%s' "$link" | sed "s| $object | $work/fault.o |; s| -o tests/schedules/schedule_fuzz | -o $work/fuzz |")") >"$work/log" 2>&1 ||
        { echo "DOES NOT LINK: $file"; head -5 "$work/log"; bad=1; return; }
    (ulimit -v 8000000 -t 300; "$work/fuzz" --first --count "$pairs") >"$work/log" 2>&1
    status=$?
    if [ $status = 0 ]; then
        echo "NOT FOUND: $file: $title"
    else
        found=$((found + 1))
        echo "found ($(grep -m1 -o 'FAILED --case [0-9]*' "$work/log" || echo "status $status")): $file: $title"
    fi
}

file=
while IFS= read -r line || [ -n "$line" ]; do
    case $line in
    '@ '*)
        [ -z "$file" ] || plant
        line=${line#@ } file=${line%% *} title=${line#* } old= new= ;;
    '- '*) old=$old${old:+$'\n'}${line#- } ;;
    '+ '*) new=$new${new:+$'\n'}${line#+ } ;;
    esac
done <"$faults"
[ -z "$file" ] || plant
echo "$found of $taken faults found"
[ $bad = 0 ] && [ $found = $taken ]
