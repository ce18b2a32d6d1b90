#!/bin/sh
# The documents keep up: every environment variable that is read is in doc/HACKING.md, every file that a
# page links to is there: test_docs.sh SOURCE_DIRECTORY
set -eu
cd "$1"
failed=0
for name in $(grep -rhoE --include='*.c' 'getenv\("[A-Z_]+"\)' . | grep -oE '[A-Z_]{2,}' | sort -u); do
    grep -q "\`$name" doc/HACKING.md || { echo "doc/HACKING.md lacks $name"; failed=1; }
done
for page in README.md doc/*.md tutorials/*/README.md; do
    for link in $(grep -oE '\]\([^)#: ]+' "$page" | cut -c3-); do
        [ -e "$(dirname "$page")/$link" ] || { echo "$page: no $link"; failed=1; }
    done
done
exit $failed
