/* test_shim_damaged.c: texts that are cut off, shuffled and peppered with what the translator looks
 * for end in a translation or in a message, never in anything else. */
#include "support.h"

#include "backends/emu/emu.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TEXTS = 64, ROUNDS = 3000, MAX_EDITS = 6 };

static const weft_emu_language languages[] = {
    { WEFT_API_CUDA, "cuda-emu", "cu", "cuda.h", false },
    { WEFT_API_METAL, "metal-emu", "metal", "metal_stdlib", true },
};

static const char *const words[] = {
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ";",
    "\"",
    "'",
    "/*",
    "//",
    "*/",
    ",",
    "<",
    ">",
    "=",
    "#",
    "\\\n",
    "asm",
    "asm(\"mov.u32 %0, %1;\" : \"=r\"(x) : \"r\"(y));",
    "\"=r\"(",
    "%9",
    "{%0,",
    "@p",
    "__shared__",
    "threadgroup",
    "[[",
    "]]",
    "[[buffer(0)]]",
    "[[",
    "kernel",
    "__global__",
    "extern",
    "\"C\"",
    "#include",
    "#define",
    ".xy",
    "0.5h",
    "1e",
    "alignas(",
    "__launch_bounds__(",
};
enum { NWORDS = sizeof words / sizeof *words };

typedef struct text {
    char name[80], *at;
    size_t n;
    bool metal;
} text;

static int
read_texts(const char *folder, text *all)
{
    DIR *dir = opendir(folder);
    int n = 0;
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) && n < MAX_TEXTS;) {
        const char *dot = strrchr(e->d_name, '.');
        char path[600];
        if (!dot || dot == e->d_name || strlen(dot) < 3)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        snprintf(all[n].name, sizeof all[n].name, "%.*s", (int)(dot - e->d_name), e->d_name);
        all[n].metal = !strcmp(dot, ".metal");
        assert_int_equal(weft_file_read(NULL, path, 1 << 20, &all[n].at, &all[n].n), WEFT_OK);
        n++;
    }
    closedir(dir);
    return n;
}

static uint32_t
draw(uint64_t *state, size_t n)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return n ? (uint32_t)((*state >> 33) % n) : 0;
}

/* One edit of the n bytes at t, which has room; the new n. */
static size_t
edit(char *t, size_t n, uint64_t *state)
{
    size_t at = draw(state, n), some = draw(state, 40);
    const char *word = words[draw(state, NWORDS)];
    switch (draw(state, 4)) {
    case 0: /* taken out */
        some = at + some > n ? n - at : some;
        memmove(t + at, t + at + some, n - at - some);
        return n - some;
    case 1: /* put in */
        memmove(t + at + strlen(word), t + at, n - at);
        memcpy(t + at, word, strlen(word));
        return n + strlen(word);
    case 2: /* another byte */
        if (n)
            t[at] = (char)(1 + draw(state, 255)); /* no module's text has a zero byte */
        return n;
    default: /* cut off */
        return at;
    }
}

static void
translate_damaged(const text *from, uint64_t *state)
{
    char *t = malloc(from->n + MAX_EDITS * 80 + 1);
    size_t n = from->n;
    weft_str out = { 0 };
    weft_diag *diag = weft_diag_create();
    memcpy(t, from->at, n);
    for (int i = 1 + (int)draw(state, MAX_EDITS); i > 0; i--)
        n = edit(t, n, state);
    t[n] = 0;
    char *exact = malloc(n + 1); /* reading beyond it shows under sanitizers */
    memcpy(exact, t, n + 1);
    const weft_source source = { .name = from->name, .text = exact, .size = n };
    weft_status s = weft_emu_translate(&languages[from->metal], &source, 1, &out, diag);
    if (s != WEFT_OK) {
        assert_int_equal(s, WEFT_INVALID_INPUT);
        assert_non_null(strstr(weft_diag_text(diag), from->name));
    } else {
        assert_non_null(strstr(weft_str_text(&out), "WEFT_EMU_ENTRIES(1, weft_entry)"));
    }
    weft_str_free(&out);
    weft_diag_destroy(diag);
    free(exact);
    free(t);
}

static void
damaged_texts_are_translated_or_refused_with_their_place(void **state)
{
    text all[2 * MAX_TEXTS];
    uint64_t seed = 1;
    (void)state;
    int n = read_texts(WEFT_TEST_DIR "/shim", all);
    n += read_texts(WEFT_TEST_DIR "/shim_bad", all + n);
    assert_true(n > 20);
    for (int i = 0; i < ROUNDS; i++)
        translate_damaged(&all[draw(&seed, (size_t)n)], &seed);
    for (int i = 0; i < n; i++)
        free(all[i].at);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_texts_are_translated_or_refused_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
