/* Files, worker threads, names of APIs. */
#include "base/target.h"
#include "support.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
a_file_reads_back_as_it_was_written(void **state)
{
    (void)state;
    char dir[] = "/tmp/weft-test-XXXXXX", *text;
    size_t n;
    weft_file map;
    assert_non_null(mkdtemp(dir));
    weft_str path = { 0 };
    weft_str_addf(&path, "%s/a/b", dir);
    assert_int_equal(weft_make_dirs(NULL, path.at), WEFT_OK);
    assert_int_equal(weft_make_dirs(NULL, path.at), WEFT_OK);
    weft_str_add(&path, "/file");
    assert_int_equal(weft_file_write(NULL, path.at, "old content", 11), WEFT_OK);
    assert_int_equal(weft_file_write(NULL, path.at, "a\0b", 3), WEFT_OK);
    assert_int_equal(weft_file_read(NULL, path.at, 100, &text, &n), WEFT_OK);
    assert_int_equal(n, 3);
    assert_memory_equal(text, "a\0b\0", 4);
    free(text);
    assert_int_equal(weft_file_map(NULL, path.at, &map), WEFT_OK);
    assert_int_equal(map.size, 3);
    assert_memory_equal(map.data, "a\0b", 3);
    weft_file_unmap(&map);
    assert_int_equal(weft_file_write(NULL, path.at, NULL, 0), WEFT_OK);
    assert_int_equal(weft_file_map(NULL, path.at, &map), WEFT_OK);
    assert_int_equal(map.size, 0);
    weft_file_unmap(&map);
    unlink(path.at);
    for (int i = 0; i < 3; i++) { /* a/b/file: up to the directory itself */
        *strrchr(path.at, '/') = 0;
        assert_int_equal(rmdir(path.at), 0); /* fails if a temporary was left behind */
    }
    weft_str_free(&path);
}

static void
files_are_as_private_as_the_user_wants_them(void **state)
{
    static const mode_t masks[] = { 022, 077 };
    (void)state;
    char path[] = "/tmp/weft-test-XXXXXX";
    close(mkstemp(path));
    for (int i = 0; i < 2; i++) {
        struct stat st;
        mode_t before = umask(masks[i]);
        assert_int_equal(weft_file_write(NULL, path, "x", 1), WEFT_OK);
        umask(before);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0666 & ~masks[i]);
    }
    unlink(path);
}

static void
errors_name_the_path_and_the_reason(void **state)
{
    (void)state;
    weft_diag *d = weft_diag_create();
    weft_file map;
    char *text;
    size_t n;
    assert_int_equal(weft_file_map(d, "/nonexistent/x", &map), WEFT_NOT_FOUND);
    assert_non_null(strstr(weft_diag_text(d), "'/nonexistent/x' failed: No such file"));
    assert_int_equal(weft_file_read(d, "/", 100, &text, &n), WEFT_IO);
    assert_int_equal(weft_file_write(d, "/nonexistent/x", "", 0), WEFT_NOT_FOUND);
    assert_int_equal(weft_file_read(d, "/dev/zero", 1000, &text, &n), WEFT_LIMIT);
    assert_null(text);
    assert_int_equal(weft_make_dirs(d, "/dev/null/x"), WEFT_IO);
    weft_diag_destroy(d);
}

static void
count(void *user, int i)
{
    atomic_fetch_add(&((atomic_int *)user)[i], 1);
}

static void
every_job_runs_once(void **state)
{
    (void)state;
    for (int threads = 0; threads < 5; threads++) {
        atomic_int ran[300] = { 0 };
        weft_parallel_for(threads, 300, count, ran);
        for (int i = 0; i < 300; i++)
            assert_int_equal(ran[i], 1);
    }
    weft_parallel_for(4, 0, count, NULL);
    assert_true(weft_cpu_count() >= 1);
}

static void
report(void *user, int i)
{
    weft_fail(user, WEFT_LIMIT, "job %d", i);
}

static void
workers_may_report_to_one_diag(void **state)
{
    (void)state;
    weft_diag *d = weft_diag_create();
    weft_parallel_for(4, 200, report, d);
    int lines = 0;
    for (const char *p = weft_diag_text(d); *p; p++)
        lines += *p == '\n';
    assert_int_equal(lines, 200);
    weft_diag_destroy(d);
}

static void
every_api_and_class_has_a_name(void **state)
{
    (void)state;
    for (int i = 0; i < WEFT_API_COUNT; i++) {
        assert_non_null(weft_api_name((weft_api)i));
        assert_non_null(weft_api_extension((weft_api)i));
    }
    for (int i = 0; i < WEFT_CLASS_COUNT; i++)
        assert_non_null(weft_class_name((weft_class)i));
    assert_null(weft_api_name(WEFT_API_COUNT));
    assert_string_equal(weft_api_extension(WEFT_API_VULKAN), "spvasm");
}

static void
the_clock_does_not_go_back(void **state)
{
    (void)state;
    double t = weft_now();
    assert_true(weft_now() >= t);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_reads_back_as_it_was_written),
        cmocka_unit_test(files_are_as_private_as_the_user_wants_them),
        cmocka_unit_test(errors_name_the_path_and_the_reason),
        cmocka_unit_test(every_job_runs_once),
        cmocka_unit_test(workers_may_report_to_one_diag),
        cmocka_unit_test(every_api_and_class_has_a_name),
        cmocka_unit_test(the_clock_does_not_go_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
