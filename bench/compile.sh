#!/bin/sh
# Time and peak memory of compiling a model, module writing included, for each class of target.
#
#   compile.sh MODEL..      WEFT is the command to measure
#
# The quickest of three runs and the greatest memory of them.  Memory counts the mapped model file as far as it
# was read, as the system does; it is given in MB and as a multiple of the file (without external data).
set -eu
: "${WEFT:=weft}"
command -v /usr/bin/time >/dev/null || { echo 'GNU time is needed (Debian: time)'; exit 1; }
tmp=$(mktemp -d "${TMPDIR:-/tmp}/weft-bench.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
printf '%-32s %-20s %8s %8s %8s\n' model target seconds MB file
for model; do
    size=$(stat -c %s "$model")
    for target in opencl:pocl vulkan:lavapipe opencl:generic-gpu vulkan:generic-gpu cuda:sm_80 metal:apple8; do
        : >"$tmp/times"
        for run in 1 2 3; do
            /usr/bin/time -f '%e %M' -a -o "$tmp/times" "$WEFT" compile "$model" -t $target -o "$tmp/out.weft" >/dev/null
        done
        awk -v m="$(basename "$(dirname "$model")")" -v t=$target -v s="$size" '
            NR == 1 || $1 < least { least = $1 }
            $2 > most { most = $2 }
            END { printf "%-32s %-20s %8.2f %8.0f %7.2fx\n", m, t, least, most * 1.024e-3, most * 1024 / s }' "$tmp/times"
    done
done
