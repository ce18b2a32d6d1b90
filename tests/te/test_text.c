/* Every *.te here prints as itself, or as the .printed beside it; the .stages beside it, if there
 * is one, is the program that its schedule leaves. */
#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The file's text, or NULL if there is none of that name. */
static char *
slurp(const char *stem, const char *ending)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s.%s", WEFT_TEST_DIR, stem, ending);
    char *text = NULL;
    size_t n;
    weft_file_read(NULL, path, 1 << 20, &text, &n);
    return text;
}

static void
check_text(const char *what, const char *stem, char *got, const char *want)
{
    if (strcmp(got, want) != 0)
        fail_msg("%s of %s.te\n--- expected\n%s--- got\n%s", what, stem, want, got);
    free(got);
}

static void
check_file(const char *stem)
{
    char *text = slurp(stem, "te"), *printed = slurp(stem, "printed"),
         *stages = slurp(stem, "stages");
    weft_te *te = must_parse(text);
    check_text("print", stem, weft_te_print(te), printed ? printed : text);
    if (stages)
        check_text("stages", stem, weft_te_print_stages(te), stages);
    done(te);
    if (printed) {
        te = must_parse(printed);
        check_text("print of the print", stem, weft_te_print(te), printed);
        done(te);
    }
    free(text);
    free(printed);
    free(stages);
}

static void
programs_print_as_they_were_written(void **state)
{
    (void)state;
    DIR *dir = opendir(WEFT_TEST_DIR);
    assert_non_null(dir);
    int n = 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        size_t len = strlen(e->d_name);
        if (len < 4 || strcmp(e->d_name + len - 3, ".te") != 0)
            continue;
        char stem[256];
        snprintf(stem, sizeof stem, "%.*s", (int)len - 3, e->d_name);
        check_file(stem);
        n++;
    }
    closedir(dir);
    assert_true(n >= 8);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(programs_print_as_they_were_written) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
