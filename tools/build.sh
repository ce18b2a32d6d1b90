#!/bin/sh
# Builds weft, quietly but for warnings: tools/build.sh [DIRECTORY [TARGET..]], all of it in build/
# unless said otherwise.  Configures once.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/build}
[ $# -eq 0 ] || shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
[ -f "$build/build.ninja" ] || cmake -G Ninja -S "$root" -B "$build" >"$log" 2>&1 || {
    cat "$log" >&2
    exit 1
}
ninja -C "$build" --quiet "$@"
