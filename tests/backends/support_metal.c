/* support_metal.c: refuses what a Metal compiler refuses: clang against metal_stub/ for types and
 * address spaces, and a reading of the text for attributes of parameters and casts of comma
 * expressions. */
#include "support.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool
is_word(char ch)
{
    return isalnum((unsigned char)ch) || ch == '_';
}

/* The first place of a whole word. */
static const char *
find_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = text; (at = strstr(at, word)); at += n)
        if ((at == text || !is_word(at[-1])) && !is_word(at[n]))
            return at;
    return NULL;
}

/* The bracket that closes the one at `at`, or the end of the text. */
static const char *
closing(const char *at)
{
    int depth = 0;
    for (; *at; at++) {
        depth += *at == '(' || *at == '[';
        depth -= *at == ')' || *at == ']';
        if (depth == 0)
            return at;
    }
    return at;
}

static bool
has_comma(const char *open)
{
    const char *end = closing(open);
    for (const char *at = open + 1; at < end; at++) {
        if (*at == '(' || *at == '[')
            at = closing(at);
        else if (*at == ',')
            return true;
    }
    return false;
}

/* "(float2)(a, b)": in Metal that is b in both lanes. */
static void
check_comma_casts(const char *text, weft_str *faults)
{
    static const char *const stems[] = { "float", "half",  "int",  "uint",  "short", "ushort",
                                         "char",  "uchar", "long", "ulong", "bool" };
    for (const char *at = text; (at = strchr(at, '(')); at++)
        for (size_t i = 0; i < sizeof stems / sizeof *stems; i++) {
            size_t n = strlen(stems[i]);
            if (strncmp(at + 1, stems[i], n) == 0 && isdigit((unsigned char)at[1 + n]) &&
                at[2 + n] == ')' && at[3 + n] == '(' && has_comma(at + 3 + n))
                weft_str_addf(faults, "a cast of a comma expression to %s%c\n", stems[i],
                              at[1 + n]);
        }
}

static void
check_words(const char *text, weft_str *faults)
{
    static const char *const words[] = { "goto",   "new",          "delete",   "dynamic_cast",
                                         "typeid", "thread_local", "register", "try",
                                         "throw",  "virtual" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (find_word(text, words[i]))
            weft_str_addf(faults, "Metal has no '%s'\n", words[i]);
}

typedef struct signature { /* what the parameters so far have used */
    bool buffer[31];
    bool uint_position, ushort_position;
} signature;

static void
check_buffer(const char *param, const char *attribute, signature *s, weft_str *faults)
{
    int index = atoi(strchr(attribute, '(') + 1);
    if (index < 0 || index > 30)
        weft_str_addf(faults, "buffer index %d is beyond 30\n", index);
    else if (s->buffer[index])
        weft_str_addf(faults, "buffer index %d is used twice\n", index);
    else
        s->buffer[index] = true;
    if (!strchr(param, '*') && !strchr(param, '&'))
        weft_str_addf(faults, "a buffer parameter is no pointer or reference: %s\n", param);
}

static void
check_position(const char *param, signature *s, weft_str *faults)
{
    if (strncmp(param, "uint", 4) == 0)
        s->uint_position = true;
    else if (strncmp(param, "ushort", 6) == 0)
        s->ushort_position = true;
    else
        weft_str_addf(faults, "a position is not unsigned: %s\n", param);
    if (s->uint_position && s->ushort_position)
        weft_str_add(faults, "positions are uint and ushort in one kernel\n");
}

static void
check_param(const char *param, signature *s, weft_str *faults)
{
    const char *attribute = strstr(param, "[[");
    if (!attribute)
        weft_str_addf(faults, "a parameter without attribute: %s\n", param);
    else if (strncmp(attribute, "[[buffer(", 9) == 0)
        check_buffer(param, attribute, s, faults);
    else if (strstr(attribute, "position"))
        check_position(param, s, faults);
}

static void
check_signature(const char *open, weft_str *faults)
{
    const char *end = closing(open), *start = open + 1;
    signature s = { 0 };
    for (const char *at = start; at <= end && *at; at++) {
        if (at < end && (*at == '(' || *at == '['))
            at = closing(at);
        if (at != end && *at != ',')
            continue;
        start += strspn(start, " \n");
        char *param = strndup(start, (size_t)(at - start));
        check_param(param, &s, faults);
        free(param);
        start = at + 1;
    }
}

static void
check_kernels(const char *text, weft_str *faults)
{
    for (const char *at = text; (at = find_word(at, "kernel")); at++) {
        const char *open = strchr(at, '(');
        if (open)
            check_signature(open, faults);
    }
}

/* The text without comments: they may say anything. */
static char *
without_comments(const char *text)
{
    char *code = strdup(text);
    for (char *at = code; (at = strstr(at, "//"));)
        for (; *at && *at != '\n'; at++)
            *at = ' ';
    return code;
}

char *
metal_faults(const char *path)
{
    weft_str faults = { 0 };
    char *text = read_text(path), *code = without_comments(text ? text : ""), *output = NULL;
    check_comma_casts(code, &faults);
    check_words(code, &faults);
    check_kernels(code, &faults);
    int status = run_command(
        &output,
        "clang-15 -x cl -cl-std=CLC++2021 -cl-no-stdinc -target spir64 -I %s/metal_stub "
        "-Wno-unknown-attributes -Wno-unknown-pragmas -Werror -fsyntax-only %s",
        WEFT_TEST_DIR, path);
    if (status != 0)
        weft_str_add(&faults, output);
    free(output);
    free(code);
    free(text);
    if (faults.n == 0) {
        weft_str_free(&faults);
        return NULL;
    }
    return weft_str_take(&faults);
}
