#include "support.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

weft_te *
must_parse(const char *text)
{
    weft_diag *diag = weft_diag_create();
    weft_te *te = weft_te_parse("test.te", text, diag);
    if (!te)
        fail_msg("%s", weft_diag_text(diag));
    return te;
}

void
done(weft_te *te)
{
    weft_diag *diag = te->diag;
    weft_te_destroy(te);
    weft_diag_destroy(diag);
}

weft_lowered
must_lower(weft_te *te)
{
    weft_lowered low;
    weft_status st = weft_lower_te(te, &low, te->diag);
    for (int i = 0; st == WEFT_OK && i < low.nkernel; i++)
        st = weft_verify(low.kernel[i], "after lowering", te->diag);
    if (st != WEFT_OK)
        fail_msg("%s", weft_diag_text(te->diag));
    return low;
}

static const weft_target everything = {
    .name = "everything",
    .api = WEFT_API_INTERP,
    .cls = WEFT_CLASS_GPU,
    .max_threads = 1024,
    .max_block = { 1024, 1024, 1024 },
    .max_grid = { INT32_MAX, 65535, 65535 },
    .shared_bytes = 1 << 20,
    .subgroup = 1,
    .max_alloc = INT64_C(1) << 40,
    .max_range = INT64_C(1) << 32,
    .offset_align = 16,
    .max_buffers = 64,
    .scalar_bytes = 1024,
    .vector_lanes = 4,
    .cache_bytes = 32768,
    .f16 = true,
    .f64 = true,
    .i8 = true,
    .i16 = true,
    .i64 = true,
    .storage8 = true,
    .storage16 = true,
};

weft_caps
plain_caps(bool rich)
{
    weft_caps c = { .lanes =
                        rich ? 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 8 | 1u << 16 : 1u << 1,
                    .vector_load = rich,
                    .aligned_vector_load = rich,
                    .vector_compare = rich,
                    .parts = rich,
                    .nan_min_max = rich,
                    .sat_cast = rich,
                    .overlay = true,
                    .async_copy = true,
                    .prefetch = true,
                    .stream = true,
                    .lanes_in_order = true,
                    .rejoin = true,
                    .bool_storage = rich };
    for (int i = 0; i < WEFT_IN_COUNT; i++)
        c.intrin[i] = c.intrin16[i] = c.intrin64[i] = true;
    for (int t = 0; t < WEFT_DTYPE_COUNT; t++)
        c.arith[t] = c.storage[t] = true;
    return c;
}

weft_lower_options
plain_options(void)
{
    return (weft_lower_options){ .target = &everything };
}

weft_lower_options
lane_options(int lanes)
{
    static weft_target with_lanes;
    with_lanes = everything;
    with_lanes.subgroup = lanes;
    with_lanes.subgroup_shuffle = lanes > 1;
    return (weft_lower_options){ .target = &with_lanes };
}

weft_lower_options
golden_options(const char *input)
{
    static weft_target target;
    const char *lanes = strstr(input, "# lanes: "), *cls = strstr(input, "# class: ");
    const char *whole = strstr(input, "# whole subgroups: ");
    target = *lane_options(lanes ? atoi(lanes + strlen("# lanes: ")) : 1).target;
    target.whole_subgroups = whole != NULL;
    target.max_subgroups = whole ? atoi(whole + strlen("# whole subgroups: ")) : 0;
    for (int i = 0; cls && i < WEFT_CLASS_COUNT; i++) {
        const char *name = weft_class_name((weft_class)i);
        if (strncmp(cls + strlen("# class: "), name, strlen(name)) == 0)
            target.cls = (weft_class)i;
    }
    return (weft_lower_options){ .target = &target };
}

/* ---- files with an expectation --------------------------------------------------------------- */

static const char line[] = "# ----\n";

static golden
read_golden(const char *path)
{
    golden g = { .path = strdup(path) };
    char *text;
    size_t n;
    weft_diag *diag = weft_diag_create();
    if (weft_file_read(diag, path, 1 << 20, &text, &n) != WEFT_OK)
        fail_msg("%s", weft_diag_text(diag));
    weft_diag_destroy(diag);
    char *at = strstr(text, line);
    g.expected = strdup(at ? at + strlen(line) : "");
    if (at)
        *at = 0;
    g.input = text;
    return g;
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(((const golden *)a)->path, ((const golden *)b)->path);
}

int
goldens(const char *folder, const char *ending, golden **found)
{
    char path[1024];
    int n = 0;
    snprintf(path, sizeof path, "%s/%s", WEFT_TEST_DIR, folder);
    DIR *d = opendir(path);
    if (!d)
        fail_msg("no folder %s", path);
    *found = NULL;
    for (struct dirent *e; (e = readdir(d));) {
        size_t len = strlen(e->d_name), end = strlen(ending);
        if (len < end || strcmp(e->d_name + len - end, ending) != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s/%s", WEFT_TEST_DIR, folder, e->d_name);
        *found = realloc(*found, (size_t)(n + 1) * sizeof **found);
        (*found)[n++] = read_golden(path);
    }
    closedir(d);
    qsort(*found, (size_t)n, sizeof **found, by_name);
    return n;
}

void
goldens_free(int n, golden *at)
{
    for (int i = 0; i < n; i++) {
        free(at[i].path);
        free(at[i].input);
        free(at[i].expected);
    }
    free(at);
}

void
assert_golden(const golden *g, const char *got)
{
    if (strcmp(g->expected, got) == 0)
        return;
    if (getenv("WEFT_UPDATE")) {
        weft_str s = { 0 };
        weft_str_addf(&s, "%s%s%s", g->input, line, got);
        assert_int_equal(weft_file_write(NULL, g->path, s.at, s.n), WEFT_OK);
        weft_str_free(&s);
        return;
    }
    int at = 1;
    for (const char *a = g->expected, *b = got; *a && *a == *b; a++, b++)
        at += *a == '\n';
    fail_msg("%s: differs from line %d behind the mark on; got\n%s", g->path, at, got);
}
