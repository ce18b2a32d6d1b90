#!/bin/sh
# A page's steps, made where we stand: run_page.sh PAGE
#
#   ```console      every `$ command` is run; what it prints has to be what the page says
#   ```diff PATH    an edit of a file of the tree (apply_edit.awk)
#   ```c PATH       a new file of the tree, or of any language
#
# WEFT_UPDATE=1 writes what is printed into the page.
set -eu
here=$(cd "$(dirname "$0")" && pwd) page=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

awk -v edit="$here/apply_edit.awk" -v work="$work" '
    function must(command) {
        if (system(command) == 0) return
        failed = 1
        exit
    }
    /^```console$/ { console = 1; print; next }
    /^```[a-z]+ [^ ]+$/ {
        print
        path = $2
        block = work "/block"
        printf "" >block
        while ((getline line) > 0 && line != "```") {
            print line
            print line >block
        }
        print line
        close(block)
        if ($1 == "```diff")
            must("awk -f " edit " " block " " path " >" work "/edited && cp " work "/edited " path)
        else
            must("mkdir -p $(dirname " path ") && cp " block " " path)
        next
    }
    /^```$/ { console = 0; print; next }
    console && /^\$ / {
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
    console { next }
    { print }
    END { exit failed }' "$page" >"$work/page"
grep -q '^\$ ' "$work/page"
if [ "${WEFT_UPDATE:-0}" = 1 ]; then
    cp "$work/page" "$page"
else
    # Devices differ in a float's last digits: three after the point are compared.
    for text in "$page" "$work/page"; do
        sed 's/\([0-9]\.[0-9][0-9][0-9]\)[0-9]*/\1/g' "$text" >"$work/$(basename "$text").rounded"
    done
    diff -u "$work/$(basename "$page").rounded" "$work/page.rounded"
fi
