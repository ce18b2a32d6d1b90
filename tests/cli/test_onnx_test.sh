#!/bin/sh
# `weft onnx-test`: lines, counts, exit status, report and expectations.
. "$(dirname "$0")/support.sh"
needs_suite
mkdir cases
cp -r "$ONNX_SUITE/node/test_relu" "$ONNX_SUITE/node/test_add" "$ONNX_SUITE/node/test_strnormalizer_export_monday_empty_output" cases

it "prints a line a case in their order, and counts"
exits 0 "$WEFT" onnx-test -d interp cases
printf 'PASS test_add\nPASS test_relu\n' >want
grep PASS out >got
same want got
out_has '^UNSUPPORTED test_strnormalizer_export_monday_empty_output: .*StringNormalizer'
[ "$(tail -n 1 out)" = "2 passed, 0 failed, 1 skipped" ] || fail "it ends with $(tail -n 1 out)"

it "prints the same for any number of workers"
cp out one
exits 0 "$WEFT" onnx-test -d interp -j 4 cases
same one out

it "takes a case as well as a directory of cases"
exits 0 "$WEFT" onnx-test -d interp cases/test_relu/ cases/test_add && out_has '^2 passed, 0 failed, 0 skipped$'

it "fails when a number differs"
cp -r cases/test_relu wrong
cp wrong/test_data_set_0/input_0.pb wrong/test_data_set_0/output_0.pb
exits 1 "$WEFT" onnx-test -d interp wrong && out_has '^FAIL wrong: .*differ' && out_has '^0 passed, 1 failed, 0 skipped$'

it "fails a case that is damaged, and goes on"
cp -r cases more
head -c 40 cases/test_add/model.onnx >more/test_add/model.onnx
exits 1 "$WEFT" onnx-test -d interp more && out_has '^FAIL test_add: ' && out_has '^PASS test_relu$'

it "fails without output data"
cp -r cases/test_relu dataless
rm -r dataless/test_data_set_0
exits 1 "$WEFT" onnx-test -d interp dataless && out_has '^FAIL dataless: .*test_data_set_0'

it "writes a report"
exits 0 "$WEFT" onnx-test -d interp --report report.tsv cases
[ "$(wc -l <report.tsv)" = 3 ] || fail "the report has $(wc -l <report.tsv) lines"
cut -f 1,2 report.tsv >got
printf 'test_add\tPASS\ntest_relu\tPASS\ntest_strnormalizer_export_monday_empty_output\tUNSUPPORTED\n' >want
same want got

it "counts a skip of an expected case as a failure"
printf '# names\ntest_relu\n' >expect
exits 0 "$WEFT" onnx-test -d interp --expect expect cases
printf 'test_strnormalizer_export_monday_empty_output\n' >>expect
exits 1 "$WEFT" onnx-test -d interp --expect expect cases
[ "$(tail -n 1 out)" = "2 passed, 1 failed, 0 skipped" ] || fail "it ends with $(tail -n 1 out)"

it "counts an expected case that is not there as a failure"
printf 'test_nowhere\n' >expect
exits 1 "$WEFT" onnx-test -d interp --expect expect cases
exits 2 "$WEFT" onnx-test -d interp --expect nowhere cases && err_has nowhere

it "refuses random numbers, or compares dtype and shape of those of a seed and says so"
cp -r "$ONNX_SUITE/node/test_bernoulli_seed" random
exits 0 "$WEFT" onnx-test -d interp random && out_has '^UNSUPPORTED random: .*(Bernoulli).*--seed N'
exits 0 "$WEFT" onnx-test -d interp --seed 1 random && out_has '^PASS random: random numbers: dtype and shape alone are compared$'
cp "$ONNX_SUITE/node/test_add/test_data_set_0/output_0.pb" random/test_data_set_0/output_0.pb
exits 1 "$WEFT" onnx-test -d interp --seed 1 random && out_has '^FAIL random: .*output y: got f32.10., expected'

it "tells cases apart whose kernels share a program"
mkdir many
cp -r cases wrong more/test_add "$ONNX_SUITE/node/test_sigmoid" many
if has_device opencl; then
    exits 1 "$WEFT" onnx-test -d opencl -j 1 many
    sed 's/:.*//' out | sort >got
    cat >want <<'END'
3 passed, 2 failed, 1 skipped
FAIL test_add
FAIL wrong
PASS test_add
PASS test_relu
PASS test_sigmoid
UNSUPPORTED test_strnormalizer_export_monday_empty_output
END
    same want got
fi

it "exits 3 without the device"
exits 3 "$WEFT" onnx-test -d opencl:99 cases
finish
