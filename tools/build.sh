#!/bin/sh
# Builds weft into build/ (or $1): configured once, quiet, warnings shown.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${1:-$root/build}
[ -f "$build/build.ninja" ] || cmake -G Ninja -S "$root" -B "$build" >"${TMPDIR:-/tmp}/weft-configure.$$" 2>&1 || {
    cat "${TMPDIR:-/tmp}/weft-configure.$$" >&2
    exit 1
}
rm -f "${TMPDIR:-/tmp}/weft-configure.$$"
ninja -C "$build" --quiet
