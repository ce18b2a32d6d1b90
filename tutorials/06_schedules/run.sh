#!/bin/sh
# Runs a schedule everywhere and compares: run.sh WEFT FILE.te cpu|gpu|matrix
#
# The program without its schedule runs in the interpreter, and says what is right. The schedule runs there too, as loops
# and as what a CPU or a GPU would get, with every access checked, and on devices. Elements are compared one by one.
set -eu
weft=$1 file=$2 kind=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# elements PROGRAM NAME OPTION..: the outputs' elements, one a line, from behind an .npy's header of 128 bytes
elements() {
    program=$1 out=$work/$2
    shift 2
    "$weft" te "$program" "$@" --fill random:1 -o "$out" >"$out.said"
    for npy in "$out"/*.npy; do od -An -v -tf4 -w4 -j128 "$npy"; done >"$out.elements"
}

sed '/^schedule/,$d' "$file" >"$work/program.te"
elements "$work/program.te" right -d interp
sed 's/ min.*//' "$work/right.said"
case $kind in
cpu) devices="interp interp@interp:vector-cpu opencl vulkan" ;;
gpu) devices="interp interp@interp:gpu opencl opencl@opencl:generic-gpu vulkan cuda-emu metal-emu" ;;
matrix) devices="interp cuda-emu vulkan-emu" ;;
esac
for name in $devices; do
    case $name in
    *@*) elements "$file" "$name" -d "${name%@*}" -t "${name#*@}" ;;
    *) elements "$file" "$name" -d "$name" ;;
    esac
    paste "$work/right.elements" "$work/$name.elements" | awk -v name="$name" '
        { apart = $1 - $2; if (apart < 0) apart = -apart; size = $1 < 0 ? -$1 : $1 }
        NF != 2 || !(apart <= 1e-4 * (1 + size)) { wrong++ }
        END { printf "  %-26s %s\n", name, wrong ? wrong " of " NR " elements differ" : "agrees"; exit wrong > 0 }'
done
