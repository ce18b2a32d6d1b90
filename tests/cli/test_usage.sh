#!/bin/sh
# Usage of every subcommand: help, options, operands, exit status and messages.
. "$(dirname "$0")/support.sh"

commands="devices targets inspect compile run check dump te onnx-test opt"

it "prints what it can do"
exits 0 "$WEFT" --help && err_is_empty
for c in $commands; do
    out_has "^  $c "
done
exits 0 "$WEFT" -h
exits 0 "$WEFT" help
exits 0 "$WEFT" --version && out_has '^weft [0-9]'

it "tells usage, purpose and options of every command"
for c in $commands; do
    exits 0 "$WEFT" "$c" --help && err_is_empty
    out_has "^usage: weft $c"
    exits 0 "$WEFT" "$c" -h
done
exits 0 "$WEFT" run --help && out_has '-d, --device DEVICE' && out_has '--fill HOW' && out_has '--repeat N'

it "helps before it looks at anything else"
exits 0 "$WEFT" run --help nothing nothing nothing

it "wants a command"
exits 2 "$WEFT" && out_is_empty
err_has '^usage: weft COMMAND'

it "names a command that it does not know"
exits 2 "$WEFT" frobnicate && err_has "no command 'frobnicate'"

it "names an option that a command does not have"
for c in $commands; do
    exits 2 "$WEFT" "$c" --frobnicate && err_has "'--frobnicate'" && err_has "weft $c --help"
done
exits 2 "$WEFT" devices -o x && err_has "'-o'"
exits 2 "$WEFT" -o devices

it "wants the value of an option"
exits 2 "$WEFT" run model.onnx -d && err_has "'-d' needs DEVICE"
exits 2 "$WEFT" run model.onnx --repeat && err_has "'--repeat' needs N"
exits 2 "$WEFT" devices --json=1 && err_has "'--json' takes no value"

it "counts operands"
for c in inspect compile run check dump te onnx-test opt; do
    exits 2 "$WEFT" "$c" $([ $c = compile ] && echo -o x -t opencl) && err_has "usage: weft $c"
done
exits 2 "$WEFT" run a b && err_has 'usage: weft run'

it "says of a number what it may be"
exits 2 "$WEFT" run m.onnx --repeat many && err_has "repeat 'many': it is a number from 1 to"
exits 2 "$WEFT" run m.onnx -O 9 && err_has "'9': it is a number from 0 to 3"
exits 2 "$WEFT" run m.onnx -j 0 && err_has "'0': it is a number from 1"
exits 2 "$WEFT" run m.onnx --dim N && err_has "dim 'N': it is written SYMBOL=N"
exits 2 "$WEFT" run m.onnx --dim N=-4 && err_has 'N=-4'
exits 2 "$WEFT" run m.onnx --numerics sloppy && err_has "sloppy"

it "names a device, a target or a stage that it does not know, and where they are listed"
printf 'te copy(A: f32[8]) {\n    B[i < 8] = A[i]\n}\n' >copy.te
exits 3 "$WEFT" te copy.te -d toaster --fill ones && err_has toaster && err_has "usable: "
exits 2 "$WEFT" te copy.te -t opencl:toaster && err_has toaster
exits 2 "$WEFT" te copy.te -t toaster && err_has toaster
exits 2 "$WEFT" te copy.te --stage soup && err_has "stage 'soup'" && err_has 'loops, flat, device, source'
exits 2 "$WEFT" te copy.te -d interp --fill sand && err_has "fill 'sand'" && err_has 'random:SEED, arange or ones'
exits 2 "$WEFT" opt --passes=polish /dev/null
exits 3 "$WEFT" te copy.te -d opencl:77 --fill ones && err_has 'opencl'

it "names a file that it cannot read"
for c in inspect run dump te opt; do
    exits 2 "$WEFT" "$c" nowhere/model.onnx && err_has 'nowhere/model.onnx'
done
exits 2 "$WEFT" compile nowhere/model.onnx -t opencl -o out.weft && err_has 'nowhere/model.onnx'
exits 2 "$WEFT" onnx-test nowhere && err_has nowhere
mkdir empty
exits 2 "$WEFT" onnx-test empty && err_has 'empty holds no case'

it "says of text what is wrong with it, with file, line and column"
printf 'te copy(A: f32[8]) {\n    B[i < 8] = Z[i]\n}\n' >bad.te
exits 2 "$WEFT" te bad.te && err_has 'bad.te:2:[0-9]*' && err_has "'Z'"
printf 'kernel flat k(A: f32[4]) {\n    A[0] = \n}\n' >bad.wir
exits 2 "$WEFT" opt bad.wir && err_has 'bad.wir:[23]:[0-9]*'
printf 'a\0b' >zero.te
exits 2 "$WEFT" te zero.te && err_has 'zero.te'

it "says of a model what is wrong with it"
printf 'this is no model' >noise.onnx
exits 2 "$WEFT" run noise.onnx --fill ones -d interp && err_has 'noise.onnx'
exits 2 "$WEFT" inspect noise.onnx && err_has 'noise.onnx'
: >nothing.onnx
exits 2 "$WEFT" run nothing.onnx --fill ones -d interp && err_has 'nothing.onnx'
printf 'PK\003\004 torn' >torn.weft
exits 2 "$WEFT" run torn.weft -d interp && err_has 'torn.weft'
finish
