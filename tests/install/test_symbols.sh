#!/bin/sh
# The libraries hold no writable data and export what the headers declare, and nothing else:
# test_symbols.sh LIBWEFT.so LIBWEFT.a LIBWEFT_RT.so INCLUDE
set -eu
weft=$1 archive=$2 runtime=$3 include=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

# .data.rel.ro holds constants with addresses in them; position-independent code puts them there.
size -A "$archive" | awk '
    /:$/ || / of archive | +\(ex / { file = $1 }
    $1 ~ /^\.(data|bss|tdata|tbss|data\.rel|data\.rel\.local)(\..*)?$/ && $1 !~ /^\.data\.rel\.ro/ && $2 > 0 {
        print file ": " $2 " bytes of writable " $1
    }' >"$work/writable"
[ ! -s "$work/writable" ] || { cat "$work/writable"; failed=1; }

exported() { nm -D --defined-only "$1" | awk '{ print $3 }' | sed 's/@.*//' | sort; }
cat "$include"/weft/*.h | tr '\n' ' ' | sed 's/WEFT_API/\n&/g' |
    sed -n 's/^WEFT_API[^(;]*[ *]\(weft_[a-z0-9_]*\)(.*/\1/p' | sort -u >"$work/declared"
exported "$weft" >"$work/exported"
exported "$runtime" >"$work/exported_rt"
[ -s "$work/declared" ]
if ! diff "$work/declared" "$work/exported" >"$work/diff"; then
    echo "declared (<) but exported (>) by libweft:"
    cat "$work/diff"
    failed=1
fi
comm -13 "$work/declared" "$work/exported_rt" >"$work/extra"
[ ! -s "$work/extra" ] || { echo "exported by libweft_rt, not declared:"; cat "$work/extra"; failed=1; }
grep -q weft_session_run "$work/exported_rt"
if nm -D "$runtime" | grep -E ' (weft_te|weft_ir|weft_graph|weft_compile)'; then
    echo "libweft_rt knows the compiler"
    failed=1
fi
exit $failed
