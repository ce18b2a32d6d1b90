#!/bin/sh
# A page that changes the tree is its test (run_page.sh):
#
#   run_changes.sh BUILD_DIRECTORY SOURCE_DIRECTORY PAGE
#
# Its steps are made in a copy of the tree under the build directory, which is built without
# optimisation: that takes seconds.
set -eu
source=$2 page=$2/$3 root=$1/changed/$(echo "$3" | tr '/.' '__')
here=$(cd "$(dirname "$0")" && pwd)
rm -rf "$root"
mkdir -p "$root"
cd "$source"
tar -c --exclude='./build*' --exclude=./.git . | tar -x -C "$root"
cd "$root"
cmake -G Ninja -S . -B build -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS_DEBUG=-O0 >build.log
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-$root}" WEFT_CACHE_DIR="$root/cache"
"$here/run_page.sh" "$page"
rm -rf "$root"
