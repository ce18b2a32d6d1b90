/* support.c: files, kernels and commands for the tests of printed text. */
#include "support.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

const weft_api languages[LANGUAGES] = { WEFT_API_OPENCL, WEFT_API_CUDA, WEFT_API_METAL,
                                        WEFT_API_VULKAN };

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **
list_files(const char *folder, const char *suffix)
{
    DIR *dir = opendir(folder);
    char **names = calloc(1, sizeof *names);
    size_t n = 0;
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        size_t length = strlen(entry->d_name), tail = strlen(suffix);
        if (length <= tail || strcmp(entry->d_name + length - tail, suffix) != 0)
            continue;
        names = realloc(names, (n + 2) * sizeof *names);
        names[n++] = strndup(entry->d_name, length - tail);
        names[n] = NULL;
    }
    closedir(dir);
    qsort(names, n, sizeof *names, by_name);
    return names;
}

void
free_list(char **names)
{
    for (char **name = names; *name; name++)
        free(*name);
    free(names);
}

char *
read_text(const char *path)
{
    FILE *f = fopen(path, "r");
    weft_str text = { 0 };
    char part[4096];
    if (!f)
        return NULL;
    for (size_t n; (n = fread(part, 1, sizeof part, f)) > 0;)
        weft_str_addn(&text, part, n);
    fclose(f);
    return weft_str_take(&text);
}

weft_kernel *
parse_kernel(weft_ir *ir, const char *name, const char *text)
{
    weft_diag *diag = weft_diag_create();
    weft_kernel *const *kernels = NULL;
    int n = 0;
    ir->diag = diag;
    weft_status status = weft_parse_kernels(ir, name, text, &n, &kernels);
    if (status == WEFT_OK)
        status = weft_verify(kernels[0], "reading", diag);
    if (status != WEFT_OK)
        fail_msg("%s", weft_diag_text(diag));
    assert_int_equal(n, 1);
    ir->diag = NULL;
    weft_diag_destroy(diag);
    return kernels[0];
}

/* The word after "# key: ", or NULL. */
static char *
directive(const char *text, const char *key)
{
    char line[64];
    snprintf(line, sizeof line, "# %s: ", key);
    const char *at = strstr(text, line);
    if (!at)
        return NULL;
    at += strlen(line);
    return strndup(at, strcspn(at, "\n"));
}

const weft_target *
target_of(const char *text, weft_api api)
{
    char *profile = directive(text, weft_api_name(api)), spec[96];
    snprintf(spec, sizeof spec, "%s%s%s", weft_api_name(api), profile ? ":" : "",
             profile ? profile : "");
    const weft_target *target = weft_profile_find(spec, NULL);
    free(profile);
    assert_non_null(target);
    return target;
}

weft_numerics
numerics_of(const char *text)
{
    char *word = directive(text, "numerics");
    weft_numerics level = word && strcmp(word, "strict") == 0 ? WEFT_STRICT : WEFT_DEFAULT;
    free(word);
    return level;
}

int
run_command(char **output, const char *fmt, ...)
{
    weft_str command = { 0 }, text = { 0 };
    char part[4096];
    va_list ap;
    va_start(ap, fmt);
    weft_str_vaddf(&command, fmt, ap);
    va_end(ap);
    weft_str_add(&command, " 2>&1");
    FILE *pipe = popen(weft_str_text(&command), "r");
    assert_non_null(pipe);
    for (size_t n; (n = fread(part, 1, sizeof part, pipe)) > 0;)
        weft_str_addn(&text, part, n);
    int status = pclose(pipe);
    weft_str_free(&command);
    if (output)
        *output = weft_str_take(&text);
    else
        weft_str_free(&text);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

bool
has_program(const char *name)
{
    return run_command(NULL, "command -v %s >/dev/null", name) == 0;
}
