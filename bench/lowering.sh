#!/bin/sh
# Time of lowering a kernel: bounds, loops, all passes and the verifier between them, without printing.
#
#   lowering.sh MODEL..     WEFT is the command to measure; TARGETS the targets
#
# Kernels of a group count together, the quickest of three runs; below the table the slowest of each target,
# with its three dearest steps.  `schedule` is what the rules took to choose a schedule, at most.
set -eu
: "${WEFT:=weft}"
: "${TARGETS:=opencl:pocl opencl:generic-gpu vulkan:lavapipe vulkan:generic-gpu cuda:sm_80 metal:apple8}"
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weft-bench.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

# Lines of WEFT_TIME as "ms of lowering, ms of scheduling, model, name, its dearest steps".
groups()
{
    awk -v model="$1" '
        function flush(  steps, i, s, best) {
            if (name == "") return
            for (i = 0; i < 3; i++) {
                best = ""
                for (s in step) if (best == "" || step[s] > step[best]) best = s
                if (best != "") steps = steps sprintf(" %s %.1f", best, step[best])
                delete step[best]
            }
            printf "%.3f %.3f %s %s%s\n", lower, schedule, model, name, steps
            split("", step); lower = 0
        }
        $2 == "schedule" { flush(); name = $1; schedule = $3; next }
        $2 != "print" && $4 == "ms" { lower += $3; step[$2] += $3 }
        END { flush() }'
}

printf '%-20s %7s %8s %8s %8s %9s   ms\n' target kernels median '90 %' most schedule
for target in $TARGETS; do
    : >"$tmp/all"
    for model; do
        for run in 1 2 3; do
            WEFT_TIME=1 "$WEFT" compile "$model" -t $target -j 1 -o "$tmp/out.weft" 2>"$tmp/times" >/dev/null ||
                { cat "$tmp/times"; exit 1; }
            groups "$(basename "$(dirname "$model")")" <"$tmp/times" >"$tmp/$run"
        done
        paste -d '\n' "$tmp/1" "$tmp/2" "$tmp/3" |
            awk 'NR % 3 == 1 || $1 < least { least = $1; line = $0 } NR % 3 == 0 { print line }' >>"$tmp/all"
    done
    sort -n "$tmp/all" | awk -v t=$target '
        { ms[NR] = $1; line = $0; if ($2 > schedule) schedule = $2 }
        END { printf "%-20s %7d %8.2f %8.2f %8.2f %9.2f\n", t, NR, ms[int((NR + 1) / 2)], ms[int((NR * 9 + 9) / 10)],
                  ms[NR], schedule
              sub(/^[^ ]+ [^ ]+ /, "", line); print "    " line >"/dev/stderr" }' 2>>"$tmp/slowest"
done
cat "$tmp/slowest"
