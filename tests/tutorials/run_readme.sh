#!/bin/sh
# A tutorial's page is its test (run_page.sh): run_readme.sh BUILD_DIRECTORY SOURCE_DIRECTORY NAME
#
# Commands see the repository as it looks from its root, with the build directory as build/.
set -eu
build=$1 source=$2 page=$2/tutorials/$3/README.md
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/root"
for name in tutorials demo include; do ln -s "$source/$name" "$work/root/$name"; done
ln -s "$build" "$work/root/build"
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-$work}"
cd "$work/root"
"$here/run_page.sh" "$page"
