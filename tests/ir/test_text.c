/* The text of the IR: every golden file under tests/ir reads and prints as itself, every file under
 * tests/ir/errors gives the messages its comments expect. */
#include "support.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static char *
print_all(weft_ir *ir, const char *name, const char *text)
{
    weft_kernel *const *k;
    int n;
    weft_str out = { 0 };
    if (weft_parse_kernels(ir, name, text, &n, &k) != WEFT_OK)
        return NULL;
    for (int i = 0; i < n; i++) {
        weft_str_add(&out, i ? "\n" : "");
        weft_print_kernel(&out, k[i]);
    }
    return weft_str_take(&out);
}

/* A golden file is comments, then kernels as they print.  WEFT_UPDATE=1 rewrites the kernels. */
static void
check_golden(const char *path, const char *text)
{
    weft_diag *diag = weft_diag_create();
    weft_ir *ir = weft_ir_create(diag);
    const char *body = text;
    while (*body == '#' || *body == '\n')
        body += strcspn(body, "\n") + 1;
    char *printed = print_all(ir, path, text);
    if (!printed)
        fail_msg("%s", weft_diag_text(diag));
    if (strcmp(printed, body) != 0 && getenv("WEFT_UPDATE")) {
        weft_str s = { 0 };
        weft_str_addn(&s, text, (size_t)(body - text));
        weft_str_add(&s, printed);
        assert_int_equal(weft_file_write(diag, path, weft_str_text(&s), s.n), WEFT_OK);
        weft_str_free(&s);
    } else {
        assert_string_equal(printed, body);
    }
    free(printed);
    weft_ir_destroy(ir);
    weft_diag_destroy(diag);
}

/* The message of every "# error: ..." comment was given, with the comment's line if it is the
 * reader's (the verifier's start with "as read" and have no line). */
static void
check_errors(const char *path, const char *text)
{
    weft_diag *diag = weft_diag_create();
    weft_ir *ir = weft_ir_create(diag);
    weft_kernel *const *k;
    int n, expected = 0, line = 1;
    weft_status s = weft_parse_kernels(ir, path, text, &n, &k);
    for (int i = 0; s == WEFT_OK && i < n; i++)
        weft_verify(k[i], "as read", diag);
    for (const char *p = text; *p; p++) {
        static const char mark[] = "# error: ";
        if (strncmp(p, mark, sizeof mark - 1) == 0) {
            weft_str want = { 0 };
            bool placed = strncmp(p + sizeof mark - 1, "as read", 7) != 0;
            if (placed)
                weft_str_addf(&want, "%s:%d:", path, line);
            bool found = strstr(weft_diag_text(diag), weft_str_text(&want));
            weft_str_free(&want);
            weft_str_addn(&want, p + 2, strcspn(p + 2, "\n"));
            if (!found || !strstr(weft_diag_text(diag), want.at))
                fail_msg("%s:%d: expected '%s' in:\n%s", path, line, want.at, weft_diag_text(diag));
            weft_str_free(&want);
            expected++;
        }
        line += *p == '\n';
    }
    assert_int_not_equal(expected, 0);
    weft_ir_destroy(ir);
    weft_diag_destroy(diag);
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Calls `check` for every .wir file of a folder, in order of name; returns how many there are. */
static int
each_file(const char *dir, void (*check)(const char *path, const char *text))
{
    char *name[512];
    int n = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e; n < 512 && (e = readdir(d));)
        if (strlen(e->d_name) > 4 && strcmp(e->d_name + strlen(e->d_name) - 4, ".wir") == 0)
            name[n++] = strdup(e->d_name);
    closedir(d);
    qsort(name, (size_t)n, sizeof *name, by_name);
    for (int i = 0; i < n; i++) {
        weft_str path = { 0 };
        char *text;
        size_t size;
        weft_str_addf(&path, "%s/%s", dir, name[i]);
        assert_int_equal(weft_file_read(NULL, path.at, 1 << 20, &text, &size), WEFT_OK);
        check(path.at, text);
        free(text);
        weft_str_free(&path);
        free(name[i]);
    }
    return n;
}

static void
golden_files_print_as_they_read(void **state)
{
    (void)state;
    assert_true(each_file(WEFT_TEST_DIR, check_golden) >= 5);
}

static void
mistakes_are_reported_where_they_stand(void **state)
{
    (void)state;
    assert_true(each_file(WEFT_TEST_DIR "/errors", check_errors) >= 10);
}

/* ---- literals -------------------------------------------------------------------------------- */

static void
check_expr(weft_ir *ir, const weft_expr *e, const char *want)
{
    weft_str s = { 0 };
    assert_non_null(e);
    weft_print_expr(&s, e);
    if (want)
        assert_string_equal(weft_str_text(&s), want);
    assert_ptr_equal(weft_parse_expr(ir, "literal", weft_str_text(&s), 0, NULL, 0, NULL), e);
    weft_str_free(&s);
}

static void
constants_read_back_as_the_same_node(void **state)
{
    (void)state;
    weft_ir *ir = weft_ir_create(NULL);
    check_expr(ir, weft_i32(ir, -7), "-7");
    check_expr(ir, weft_int(ir, WEFT_I64, INT64_MIN), "-9223372036854775808i64");
    check_expr(ir, weft_int(ir, WEFT_U64, -1), "18446744073709551615u64");
    check_expr(ir, weft_int(ir, WEFT_I4, 9), "-7i4");
    check_expr(ir, weft_int(ir, WEFT_BOOL, 1), "true");
    check_expr(ir, weft_neg(ir, weft_i32(ir, 1)), "-(1)");
    check_expr(ir, weft_neg(ir, weft_neg(ir, weft_i32(ir, -1))), "-(-(-1))");
    check_expr(ir, weft_float(ir, WEFT_F32, 0.1), "0.1");
    check_expr(ir, weft_float(ir, WEFT_F32, -0.0), "-0.0");
    check_expr(ir, weft_float(ir, WEFT_F64, 0.1), "0.1f64");
    check_expr(ir, weft_float(ir, WEFT_F16, 1), "1.0f16");
    check_expr(ir, weft_float(ir, WEFT_F32, -1.0 / 0.0), "-inf");
    check_expr(ir, weft_float(ir, WEFT_BF16, 0.0 / 0.0), "nan_bf16");
    check_expr(ir, weft_highest(ir, weft_scalar(WEFT_F8E4M3FN)), "448.0f8e4m3fn");
    check_expr(ir, weft_imm(ir, (weft_type){ WEFT_F32, 4 }, 2), "bcast(2.0, 4)");
    for (int t = 0; t < WEFT_DTYPE_COUNT; t++) {
        check_expr(ir, weft_lowest(ir, weft_scalar((weft_dtype)t)), NULL);
        check_expr(ir, weft_highest(ir, weft_scalar((weft_dtype)t)), NULL);
    }
    weft_ir_destroy(ir);
}

static void
every_f16_prints_exactly(void **state)
{
    (void)state;
    weft_ir *ir = weft_ir_create(NULL);
    for (int i = 0; i < 65536; i++) {
        uint16_t bits = (uint16_t)i;
        check_expr(ir, weft_float(ir, WEFT_F16, weft_get_f64(WEFT_F16, &bits, 0)), NULL);
    }
    weft_ir_destroy(ir);
}

static void
names_of_any_bytes_survive(void **state)
{
    (void)state;
    weft_ir *ir = weft_ir_create(NULL);
    const weft_var *var[] = { weft_var_make(ir, "a-b", weft_scalar(WEFT_I32)),
                              weft_var_make(ir, "3\xc3\xa9$", weft_scalar(WEFT_I32)),
                              weft_var_make(ir, "bn1.out", weft_scalar(WEFT_I32)) };
    const weft_expr *e = weft_ref(ir, var[0]);
    for (int i = 1; i < 3; i++)
        e = weft_add(ir, e, weft_ref(ir, var[i]));
    weft_str s = { 0 };
    weft_print_expr(&s, e);
    assert_string_equal(s.at, "a$2db + $33$c3$a9$24 + bn1.out");
    assert_ptr_equal(weft_parse_expr(ir, "t", s.at, 3, var, 0, NULL), e);
    weft_str_free(&s);
    weft_ir_destroy(ir);
}

static void
variables_of_one_name_print_apart(void **state)
{
    (void)state;
    weft_ir *ir = weft_ir_create(NULL);
    const weft_var *a = weft_var_make(ir, "i", weft_scalar(WEFT_I32));
    const weft_var *b = weft_var_make(ir, "i", weft_scalar(WEFT_I32));
    const weft_var *c = weft_var_make(ir, "for", weft_scalar(WEFT_I32));
    const weft_expr *e =
        weft_sub(ir, weft_ref(ir, a), weft_sub(ir, weft_ref(ir, b), weft_ref(ir, c)));
    weft_str s = { 0 };
    weft_print_expr(&s, e);
    assert_string_equal(s.at, "i - (i_1 - for_1)");
    weft_str_free(&s);
    weft_ir_destroy(ir);
}

/* ---- hostile text ---------------------------------------------------------------------------- */

static char *
repeat(const char *before, const char *what, int n, const char *after)
{
    weft_str s = { 0 };
    weft_str_add(&s, before);
    for (int i = 0; i < n; i++)
        weft_str_add(&s, what);
    weft_str_add(&s, after);
    return weft_str_take(&s);
}

static void
check_refused(char *text, const char *want)
{
    weft_diag *diag = weft_diag_create();
    weft_ir *ir = weft_ir_create(diag);
    weft_kernel *const *k;
    int n;
    assert_int_equal(weft_parse_kernels(ir, "hostile", text, &n, &k), WEFT_INVALID_INPUT);
    if (!strstr(weft_diag_text(diag), want))
        fail_msg("expected '%s' in:\n%s", want, weft_diag_text(diag));
    weft_ir_destroy(ir);
    weft_diag_destroy(diag);
    free(text);
}

static void
deep_nesting_ends_in_a_message(void **state)
{
    (void)state;
    const char *head = "kernel loops k(A: out f32[1]) { A[0] = ";
    check_refused(repeat(head, "(", 100000, ""), "more than 200 levels");
    check_refused(repeat(head, "- ", 100000, ""), "more than 200 levels");
    check_refused(repeat(head, "abs(", 100000, ""), "more than 200 levels");
    check_refused(repeat(head, "1.0 + ", 100000, "1.0 }"), "operators deep");
    check_refused(repeat("kernel loops k() ", "{", 100000, ""), "more than 200 levels");
    check_refused(repeat("kernel loops k() {", "if true {} else ", 100000, "{}"), "more than 200");
    check_refused(repeat("kernel loops k(", "(", 100000, ""), "is expected");
}

static void
many_lets_end_in_a_message(void **state)
{
    (void)state;
    weft_str s = { 0 };
    weft_str_add(&s, "kernel loops k() {");
    for (int i = 0; i < 5000; i++)
        weft_str_addf(&s, "let a%d: i32 = 1\n", i);
    weft_str_add(&s, "}");
    check_refused(weft_str_take(&s), "more than 2000 lets");
}

/* Every prefix of a good text, and every text with one byte changed, ends in a message or
 * a kernel. */
static void
damaged_text_never_crashes(void **state)
{
    (void)state;
    char *text;
    size_t n;
    assert_int_equal(weft_file_read(NULL, WEFT_TEST_DIR "/everything.wir", 1 << 20, &text, &n),
                     WEFT_OK);
    static const char bytes[] = "(){}[];:,.=+-9\"#$\\x\x80 ";
    for (size_t i = 0; i < n; i++) {
        weft_diag *diag = weft_diag_create();
        weft_ir *ir = weft_ir_create(diag);
        char was = text[i];
        text[i] = bytes[i * 7 % (sizeof bytes)];
        free(print_all(ir, "damaged", text));
        text[i] = 0;
        free(print_all(ir, "cut", text));
        text[i] = was;
        weft_ir_destroy(ir);
        weft_diag_destroy(diag);
    }
    free(text);
}

static void
the_caret_stands_under_the_operator(void **state)
{
    (void)state;
    weft_diag *diag = weft_diag_create();
    weft_ir *ir = weft_ir_create(diag);
    weft_kernel *const *k;
    int n;
    weft_parse_kernels(ir, "t.wir",
                       "kernel loops k(A: out f32[n]; n: i32) {\n"
                       "    for i in 0..n {\n"
                       "        A[i] = A[i] + i\n    }\n}\n",
                       &n, &k);
    assert_string_equal(weft_diag_text(diag),
                        "t.wir:3:21: error: '+' of f32 and i32: operands of one type are needed, "
                        "cast one of them\n"
                        "        A[i] = A[i] + i\n"
                        "                    ^\n");
    weft_ir_destroy(ir);
    weft_diag_destroy(diag);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_files_print_as_they_read),
        cmocka_unit_test(mistakes_are_reported_where_they_stand),
        cmocka_unit_test(constants_read_back_as_the_same_node),
        cmocka_unit_test(every_f16_prints_exactly),
        cmocka_unit_test(names_of_any_bytes_survive),
        cmocka_unit_test(variables_of_one_name_print_apart),
        cmocka_unit_test(deep_nesting_ends_in_a_message),
        cmocka_unit_test(many_lets_end_in_a_message),
        cmocka_unit_test(damaged_text_never_crashes),
        cmocka_unit_test(the_caret_stands_under_the_operator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
