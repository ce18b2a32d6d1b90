#!/bin/sh
# Sets up, builds and passes the tests on a fresh Debian 12; `--long` runs the rest as well.
#
# Each suite's time is printed.  Test data beside the repository (../shared/data) adds coverage where
# it is there, and is reported as skipped where it is not.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
tools/packages.sh
tools/build.sh build
long=
[ "${1:-}" = --long ] && long=1
export WEFT_TEST_LONG="$long" XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/tmp}"
ctest --test-dir build --output-on-failure -j "$(nproc)" ${long:+--timeout 7200}
[ -n "$long" ] || exit 0

# Damaged files, under AddressSanitizer and UndefinedBehaviorSanitizer.
[ -f build-sanitize/build.ninja ] || cmake --preset sanitize >/dev/null
tools/build.sh build-sanitize fuzz_commands
build-sanitize/tests/fuzz/fuzz_commands --count 30000 --keep build-sanitize/fuzz-failures

# Two hours of libFuzzer over every reader.
tools/fuzz.sh 7200
