#!/bin/sh
# A tutorial's page is its test: every `$ command` of its console blocks is run, and what it prints has
# to be what the page says: run_readme.sh BUILD_DIRECTORY SOURCE_DIRECTORY NAME
#
# WEFT_UPDATE=1 writes what is printed into the page.  Commands see the repository as it looks from its
# root, with the build directory as build/.
set -eu
build=$1 source=$2 page=$2/tutorials/$3/README.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/root"
for name in tutorials demo include; do ln -s "$source/$name" "$work/root/$name"; done
ln -s "$build" "$work/root/build"
export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-$work}"
cd "$work/root"

awk '
    /^```console$/ { inside = 1; print; next }
    /^```$/ { inside = 0; print; next }
    inside && /^\$ / {
        print
        command = substr($0, 3)
        while (command ~ /\\$/ && (getline more) > 0) {
            print more
            command = substr(command, 1, length(command) - 1) more
        }
        command = "{ " command "; } 2>&1"
        while ((command | getline line) > 0) print line
        close(command)
        next
    }
    inside { next }
    { print }' "$page" >"$work/page"
grep -q '^\$ ' "$work/page"
if [ "${WEFT_UPDATE:-0}" = 1 ]; then
    cp "$work/page" "$page"
else
    # Devices differ in a float's last digits: three after the point are compared.
    for text in "$page" "$work/page"; do
        sed 's/\([0-9]\.[0-9][0-9][0-9]\)[0-9]*/\1/g' "$text" >"$work/$(basename "$text").rounded"
    done
    diff -u "$work/README.md.rounded" "$work/page.rounded"
fi
