/* emu: the translation unit of a module: the headers of shim/ that it needs, its texts in a
 * namespace each with their shared arrays, assembly and signatures made C++, and the table of its
 * kernels. */
#include "backends/emu/device_source.h"

#include <ctype.h>
#include <string.h>

/* ---- headers --------------------------------------------------------------------------------- */

/* What kernels include, and the file of shim/ that stands for it; NULL: nothing is needed. */
static const struct {
    const char *name, *file;
    bool metal;
} headers[] = {
    { "cuda_fp16.h", "cuda_fp16.h", false },
    { "cuda_bf16.h", "cuda_bf16.h", false },
    { "mma.h", "mma.h", false },
    { "cuda_pipeline.h", "cuda_pipeline.h", false },
    { "cuda_pipeline_primitives.h", "cuda_pipeline.h", false },
    { "cuda_runtime.h", NULL, false },
    { "device_launch_parameters.h", NULL, false },
    { "vector_types.h", NULL, false },
    { "stdint.h", NULL, false },
    { "cstdint", NULL, false },
    { "metal_stdlib", NULL, true },
    { "metal_math", NULL, true },
    { "metal_atomic", NULL, true },
    { "metal_compute", NULL, true },
    { "metal_simdgroup", NULL, true },
    { "metal_integer", NULL, true },
    { "metal_common", NULL, true },
    { "metal_geometric", NULL, true },
    { "metal_simdgroup_matrix", NULL, true },
    { "simd/simd.h", NULL, true },
};

static const weft_emu_file *
find_file(const char *name, size_t length)
{
    int n;
    const weft_emu_file *files = weft_emu_shim_files(&n);
    for (int i = 0; i < n; i++)
        if (strlen(files[i].name) == length && memcmp(files[i].name, name, length) == 0)
            return &files[i];
    return NULL;
}

/* Appends a file of shim/ with those that it includes itself, each once. */
static void
add_file(weft_str *out, weft_map *seen, const weft_emu_file *file)
{
    static const char include[] = "#include \"";
    const char *at = file->text, *end = at + file->size;
    int64_t *slot = weft_map_slot(seen, file->name, strlen(file->name));
    if (*slot >= 0)
        return;
    *slot = 1;
    weft_str_addf(out, "#line 1 \"%s\"\n", file->name);
    for (int line = 1; at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at)), *next = stop ? stop + 1 : end;
        const char *name = at + sizeof include - 1;
        const weft_emu_file *inner = NULL;
        if (next - at > (ptrdiff_t)sizeof include && memcmp(at, include, sizeof include - 1) == 0)
            inner = find_file(name, strcspn(name, "\""));
        if (inner) {
            add_file(out, seen, inner);
            weft_str_addf(out, "#line %d \"%s\"\n", line + 1, file->name);
        } else {
            weft_str_addn(out, at, (size_t)(next - at));
        }
        at = next;
    }
    weft_str_add(out, "\n");
}

/* "#include <cuda_fp16.h>" at token i: remembered, and taken out of the text. */
static void
take_include(weft_emu_text *t, int i)
{
    int end = i;
    size_t row = 0, n = sizeof headers / sizeof *headers;
    while (t->tok.at[end].directive && t->tok.at[end].line == t->tok.at[i].line)
        end++;
    const char *words = weft_emu_words(t, i + 2, end), *name = words + (*words != 0);
    while (row < n && (headers[row].metal != t->language->metal ||
                       strncmp(headers[row].name, name, strlen(headers[row].name)) != 0 ||
                       !strchr(">\"", name[strlen(headers[row].name)])))
        row++;
    if (row == n) {
        weft_emu_refuse(t, i, "emulated devices know no header %s", words);
        return;
    }
    if (headers[row].file)
        *WEFT_PUSH(t->arena, &t->header) = headers[row].file;
    weft_emu_replace(t, i, end, "");
}

static void
take_includes(weft_emu_text *t)
{
    for (int i = 0; i + 1 < t->tok.n; i++)
        if (t->tok.at[i].directive && weft_emu_is(t, i, "#") && weft_emu_is(t, i + 1, "include"))
            take_include(t, i);
}

/* ---- words ----------------------------------------------------------------------------------- */

/* Metal's words that C++ lacks.  Address spaces vanish, but what is constant is const. */
static const char *const metal_words[][2] = {
    { "device", "" },
    { "thread", "" },
    { "threadgroup", "" },
    { "constant", "const" },
    { "kernel", "" },
    { "double", "weft_metal_has_no_double" },
    { "ray_data", "" },
    { "object_data", "" },
    { "asm", "weft_metal_has_no_asm" },
    { "goto", "weft_metal_has_no_goto" },
};

/* "0.5h", "1.0bf"; a float without a suffix is single, as Metal has no double. */
static void
change_metal_number(weft_emu_text *t, int i)
{
    const char *digits = weft_emu_words(t, i, i + 1);
    size_t n = strlen(digits);
    bool hex = digits[0] == '0' && (digits[1] | 32) == 'x';
    bool real = strpbrk(digits, hex ? ".pP" : ".eE");
    char last = (char)tolower((unsigned char)digits[n - 1]);
    if (hex && !real)
        return;
    if (last == 'h')
        weft_emu_replace(t, i, i + 1,
                         weft_arena_printf(t->arena, "half(%.*s)", (int)n - 1, digits));
    else if (last == 'f' && n > 2 && tolower((unsigned char)digits[n - 2]) == 'b')
        weft_emu_replace(t, i, i + 1,
                         weft_arena_printf(t->arena, "bfloat(%.*s)", (int)n - 2, digits));
    else if (real && last != 'f')
        weft_emu_replace(t, i, i + 1, weft_arena_printf(t->arena, "%sf", digits));
}

/* "=", "+=", "*=", but not "==": what token i begins assigns to what is in front of it. */
static bool
assigns(const weft_emu_text *t, int i)
{
    if (weft_emu_is(t, i, "="))
        return !weft_emu_is(t, i + 1, "=");
    for (const char *op = "+-*/"; *op; op++) {
        const char one[2] = { *op, 0 };
        if (weft_emu_is(t, i, one) && weft_emu_is(t, i + 1, "="))
            return t->tok.at[i + 1].at == t->tok.at[i].at + 1;
    }
    return false;
}

/* "v.xy", "v.bgra": lanes in this order, as a call. */
static bool
change_swizzle(weft_emu_text *t, int i)
{
    static const char *const letters[] = { "xyzw", "rgba" };
    const char *word = weft_emu_words(t, i, i + 1);
    size_t n = strlen(word);
    if (n < 2 || n > 4 || !weft_emu_is(t, i - 1, ".") || weft_emu_is(t, i + 1, "("))
        return false;
    for (int k = 0; k < 2; k++) {
        const char *all = letters[k];
        weft_str call = { 0 };
        if (strspn(word, all) != n)
            continue;
        weft_str_addf(&call, "template weft_%s<", assigns(t, i + 1) ? "places" : "lanes");
        for (size_t j = 0; j < n; j++)
            weft_str_addf(&call, "%s%d", j ? ", " : "", (int)(strchr(all, word[j]) - all));
        weft_str_add(&call, ">()");
        weft_emu_replace(t, i, i + 1, weft_arena_strdup(t->arena, weft_str_text(&call)));
        weft_str_free(&call);
        return true;
    }
    return false;
}

static void
change_metal_words(weft_emu_text *t)
{
    for (int i = 0; i < t->tok.n; i++) {
        if (t->tok.at[i].taken)
            continue;
        if (t->tok.at[i].kind == LEX_NUMBER)
            change_metal_number(t, i);
        if (t->tok.at[i].kind != LEX_WORD || change_swizzle(t, i))
            continue;
        for (size_t row = 0; row < sizeof metal_words / sizeof *metal_words; row++)
            if (weft_emu_is(t, i, metal_words[row][0]))
                weft_emu_replace(t, i, i + 1, metal_words[row][1]);
    }
}

/* extern "C": the texts stand in namespaces, and no name is C's. */
static void
change_cuda_words(weft_emu_text *t)
{
    for (int i = 1; i < t->tok.n; i++)
        if (weft_emu_is(t, i, "\"C\"") && weft_emu_is(t, i - 1, "extern") && !t->tok.at[i].taken)
            weft_emu_replace(t, i, i + 1, "\"C++\"");
}

/* "#pragma METAL fp contract(off)" */
static void
change_pragmas(weft_emu_text *t)
{
    for (int i = 0; i + 3 < t->tok.n; i++)
        if (t->tok.at[i].directive && weft_emu_is(t, i, "pragma") &&
            weft_emu_is(t, i + 1, "METAL") && weft_emu_is(t, i + 2, "fp"))
            weft_emu_replace(t, i + 1, i + 2, "clang");
}

/* ---- the unit -------------------------------------------------------------------------------- */

/* The text stands alone, so its macros end with it. */
static void
end_macros(const weft_emu_text *t, weft_str *out)
{
    for (int i = 1; i + 1 < t->tok.n; i++)
        if (t->tok.at[i].directive && weft_emu_is(t, i, "define") && weft_emu_is(t, i - 1, "#"))
            weft_str_addf(out, "#undef %.*s\n", (int)t->tok.at[i + 1].n,
                          t->text + t->tok.at[i + 1].at);
}

static void
add_text(weft_emu_text *t, int number, weft_str *out)
{
    weft_str_addf(out, "namespace weft_text_%d {\n#line 1 \"%s\"\n", number, t->file);
    weft_emu_apply(t, out);
    weft_str_addf(out, "static constexpr int weft_max_threads = (int)(%s);\n",
                  t->kernel.max_threads ? t->kernel.max_threads : "0");
    end_macros(t, out);
    weft_str_add(out, "}\n");
}

/* What the table says of a kernel's buffers, by their numbers. */
static void
add_buffers(const weft_emu_text *t, int number, weft_str *out)
{
    static const struct {
        const char *type, *name, *format;
    } facts[] = {
        { "uint32_t", "element", "weft_parameter<%d, decltype(weft_text_%d::%s)>::bytes, " },
        { "uint8_t", "written", "weft_parameter<%d, decltype(weft_text_%d::%s)>::written, " },
    };
    const weft_emu_kernel *k = &t->kernel;
    for (int f = 0; f < 2; f++) {
        weft_str_addf(out, "static const %s weft_%s_%d[] = { ", facts[f].type, facts[f].name,
                      number);
        for (int b = 0; b < k->nbuffer; b++)
            for (int i = 0; i < k->param.n; i++)
                if (k->param.at[i].buffer == b)
                    weft_str_addf(out, facts[f].format, i, number, k->name);
        weft_str_add(out, "0 };\n");
    }
    weft_str_addf(out, "static const char *const weft_buffer_%d[] = { ", number);
    for (int b = 0; b < k->nbuffer; b++)
        for (int i = 0; i < k->param.n; i++)
            if (k->param.at[i].buffer == b)
                weft_str_addf(out, "\"%s\", ", k->param.at[i].name);
    weft_str_add(out, "0 };\n");
}

/* Dynamic shared memory is an array without a size. */
static void
add_dynamic(const weft_emu_text *t, int number, weft_str *out)
{
    for (int i = 0; i < t->kernel.param.n; i++)
        if (t->kernel.param.at[i].dynamic)
            weft_str_addf(
                out,
                "static const weft_emu_array weft_dynamic_%d_%d = { \"%s\", \"%s\", %d, 1, 0, "
                "16 };\n",
                number, i, t->kernel.param.at[i].name, t->file, t->kernel.param.at[i].line);
}

/* Whether its threads may have copies under way, which live in their frames. */
static bool
copies_in_flight(const weft_emu_text *t)
{
    for (int i = 0; i < t->header.n; i++)
        if (!strcmp(t->header.at[i], "ptx.h") || !strcmp(t->header.at[i], "cuda_pipeline.h"))
            return true;
    return false;
}

static void
add_run(const weft_emu_text *t, int number, weft_str *out)
{
    const weft_emu_kernel *k = &t->kernel;
    weft_str_addf(
        out,
        "static WEFT_QUIET void weft_run_%d(weft_emu_worker *worker, void *const *buffer, "
        "const int64_t *scalar)\n{\n    weft_enter(worker);\n%s    weft_text_%d::%s(",
        number,
        copies_in_flight(t) ? "    __attribute__((uninitialized)) weft_copies copies;\n  "
                              "  weft_open_copies(&copies);\n"
                            : "",
        number, k->name);
    for (int i = 0; i < k->param.n; i++) {
        const weft_emu_param *param = &k->param.at[i];
        weft_str_addf(out, "%s\n#line %d \"%s\"\n        ", i ? "," : "", param->line, t->file);
        if (param->dynamic)
            weft_str_addf(out, "weft_dynamic(&weft_dynamic_%d_%d)", number, i);
        else
            weft_str_add(out, param->value);
    }
    weft_str_add(out, ");\n}\n");
}

static void
add_entry(const weft_emu_text *t, int number, weft_str *out)
{
    const weft_emu_kernel *k = &t->kernel;
    weft_str_addf(out,
                  "    { \"%s\", %d, %d, weft_element_%d, weft_written_%d, weft_buffer_%d, "
                  "weft_text_%d::weft_max_threads, weft_run_%d },\n",
                  k->name, k->nbuffer, k->nscalar, number, number, number, number, number);
}

static void
translate(weft_emu_text *t, const char *kernel)
{
    weft_emu_scan(t);
    take_includes(t);
    weft_emu_shared_arrays(t);
    weft_emu_find_kernel(t, kernel);
    if (t->language->metal) {
        change_pragmas(t);
        change_metal_words(t);
    } else {
        weft_emu_assembly(t);
        change_cuda_words(t);
    }
}

static void
add_headers(const weft_emu_language *language, const weft_emu_text *texts, int n, weft_arena *arena,
            weft_str *out)
{
    const char *const always[] = { "weft_emu.h", "weft_emu_text.h", language->prologue };
    weft_map *seen = weft_map_create(arena);
    for (int i = 0; i < 3; i++) {
        const weft_emu_file *file = find_file(always[i], strlen(always[i]));
        if (file)
            add_file(out, seen, file);
    }
    for (int i = 0; i < n; i++)
        for (int k = 0; k < texts[i].header.n; k++)
            add_file(out, seen, find_file(texts[i].header.at[k], strlen(texts[i].header.at[k])));
}

weft_status
weft_emu_translate(const weft_emu_language *language, const weft_source *source, int n,
                   weft_str *text, weft_diag *diag)
{
    weft_arena arena = { 0 };
    weft_status status = WEFT_OK;
    weft_emu_text *texts = WEFT_NEW_ARRAY(&arena, n, weft_emu_text);
    for (int i = 0; i < n && !status; i++) {
        texts[i] = (weft_emu_text){ .language = language,
                                    .text = source[i].text,
                                    .size = source[i].size,
                                    .arena = &arena,
                                    .diag = diag };
        texts[i].file = weft_arena_printf(&arena, "%s.%s", source[i].name, language->extension);
        if (language->api == WEFT_API_VULKAN)
            status = weft_emu_spirv(&source[i], texts[i].file, &arena, &texts[i].text, diag);
        if (language->api == WEFT_API_VULKAN && strstr(source[i].text, "CooperativeMatrixKHR"))
            *WEFT_PUSH(&arena, &texts[i].header) = "spirv_matrix.h";
        if (status)
            break;
        texts[i].size = strlen(texts[i].text);
        translate(&texts[i], source[i].name);
        status = texts[i].status;
    }
    if (!status) {
        add_headers(language, texts, n, &arena, text);
        for (int i = 0; i < n; i++)
            add_text(&texts[i], i, text);
        weft_str_add(text, "#line 1 \"entries\"\n");
        for (int i = 0; i < n; i++) {
            add_buffers(&texts[i], i, text);
            add_dynamic(&texts[i], i, text);
            add_run(&texts[i], i, text);
        }
        weft_str_add(text, "#line 1 \"entries\"\nstatic const weft_emu_entry weft_entry[] = {\n");
        for (int i = 0; i < n; i++)
            add_entry(&texts[i], i, text);
        weft_str_addf(text, "};\nWEFT_EMU_ENTRIES(%d, weft_entry)\n", n);
    }
    weft_arena_reset(&arena);
    return status;
}
