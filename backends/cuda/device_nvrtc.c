/* CUDA: finding libnvrtc and compiling text with it. */
#include "backends/cuda/nvrtc.h"
#include "runtime/device.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- finding --------------------------------------------------------------------------------- */

static const char *const names[] = { "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2",
                                     "libnvrtc.so" };
static const char *const folders[] = { "lib64", "lib", "targets/x86_64-linux/lib",
                                       "targets/sbsa-linux/lib" };
enum { NNAME = sizeof names / sizeof *names, NFOLDER = sizeof folders / sizeof *folders };

static void *
open_in(const char *root, weft_str *broken)
{
    char path[512];
    void *library = NULL;
    for (int f = 0; f < NFOLDER && !library; f++)
        for (int i = 0; i < NNAME && !library; i++) {
            snprintf(path, sizeof path, "%.400s/%s/%s", root, folders[f], names[i]);
            library = weft_library_open(path, broken);
        }
    return library;
}

/* Toolkits, the caller's choice first; an unset variable is NULL. */
static void
list_roots(const char *root[5])
{
    root[0] = getenv("CUDA_HOME");
    root[1] = getenv("CUDA_PATH");
    root[2] = "/usr/local/cuda";
    root[3] = "/opt/cuda";
    root[4] = "/usr/lib/cuda";
}

static void *
find_library(weft_str *broken)
{
    const char *root[5];
    void *library = NULL;
    list_roots(root);
    for (int i = 0; i < 2 && !library; i++)
        library = root[i] && *root[i] ? open_in(root[i], broken) : NULL;
    for (int i = 0; i < NNAME && !library; i++)
        library = weft_library_open(names[i], broken);
    for (int i = 2; i < 5 && !library; i++)
        library = open_in(root[i], broken);
    return library;
}

static bool
try_include(weft_nvrtc *n, const char *root, const char *folder)
{
    char header[600];
    snprintf(n->include, sizeof n->include, "%.400s/%s", root, folder);
    snprintf(header, sizeof header, "%s/cuda_fp16.h", n->include);
    if (!access(header, R_OK))
        return true;
    n->include[0] = 0;
    return false;
}

/* The headers stand beside the library, or in a toolkit. */
static void
find_include(weft_nvrtc *n)
{
    const char *root[5];
    Dl_info info;
    char path[400];
    if (dladdr(*(void **)&n->version, &info) && info.dli_fname &&
        strlen(info.dli_fname) < sizeof path) {
        strcpy(path, info.dli_fname);
        char *slash = strrchr(path, '/');
        if (slash) {
            *slash = 0;
            if (try_include(n, path, "../include") || try_include(n, path, "../../../include") ||
                try_include(n, path, "../../cuda_runtime/include"))
                return;
        }
    }
    list_roots(root);
    for (int i = 0; i < 5; i++)
        if (root[i] && *root[i] && try_include(n, root[i], "include"))
            return;
}

bool
weft_nvrtc_open(weft_nvrtc *n, weft_str *why)
{
    weft_str broken = { 0 };
    void *library = find_library(&broken);
    const char *missing = NULL;
    *n = (weft_nvrtc){ 0 };
    if (!library) {
        weft_library_missing(why, "libnvrtc, which compiles CUDA text,", &broken);
        if (why)
            weft_str_add(why, "; install the CUDA toolkit or set CUDA_HOME");
        return false;
    }
    weft_str_free(&broken);
#define CU(symbol, name, parameters)
#define CU_OPTIONAL(symbol, name, parameters)
#define NVRTC(symbol, name, parameters)                                                            \
    *(void **)&n->name = dlsym(library, #symbol);                                                  \
    missing = n->name ? missing : #symbol;
#include "backends/cuda/cu_functions.def"
#undef CU
#undef CU_OPTIONAL
#undef NVRTC
    if (missing) {
        if (why)
            weft_str_addf(why, "libnvrtc lacks %s; version 11.2 or later is needed", missing);
        return false;
    }
    n->version(&n->major, &n->minor);
    if (n->arch_count(&n->narch) || n->narch > 64 || n->archs(n->arch))
        n->narch = 0;
    find_include(n);
    return true;
}

/* ---- options --------------------------------------------------------------------------------- */

weft_status
weft_nvrtc_options(const weft_nvrtc *n, int arch, weft_numerics numerics, bool *exact,
                   weft_str *options, weft_diag *diag)
{
    static const char *const by_numerics[] = {
        /* what a level maps to */
        [WEFT_STRICT] = "--fmad=false\n--ftz=false\n--prec-div=true\n--prec-sqrt=true\n",
        [WEFT_DEFAULT] = "--fmad=true\n--ftz=false\n--prec-div=true\n--prec-sqrt=true\n",
        [WEFT_FAST] =
            "--use_fast_math\n--fmad=true\n--ftz=true\n--prec-div=false\n--prec-sqrt=false\n",
    };
    int best = 0;
    for (int i = 0; i < n->narch; i++)
        if (n->arch[i] <= arch && n->arch[i] > best)
            best = n->arch[i];
    if (!best)
        return weft_fail(
            diag, WEFT_UNSUPPORTED,
            "NVRTC %d.%d compiles for sm_%d and later, not for sm_%d; use an older CUDA toolkit",
            n->major, n->minor, n->narch ? n->arch[0] : 0, arch);
    *exact = best == arch;
    weft_str_addf(options, "--gpu-architecture=%s_%d\n", *exact ? "sm" : "compute", best);
    weft_str_add(options, by_numerics[numerics]);
    weft_str_add(options, "--std=c++17\n-default-device\n");
    if (n->include[0])
        weft_str_addf(options, "--include-path=%s\n", n->include);
    return WEFT_OK;
}

/* The lines of a text as an array of texts. */
static const char **
split_lines(weft_arena *arena, const char *text, int *n)
{
    WEFT_VEC(const char *) all = { 0 };
    while (*text) {
        size_t length = strcspn(text, "\n");
        *WEFT_PUSH(arena, &all) = weft_arena_strndup(arena, text, length);
        text += length + (text[length] == '\n');
    }
    *n = all.n;
    *WEFT_PUSH(arena, &all) = "--ptxas-options=-v"; /* used when a log is asked for */
    return all.at;
}

/* ---- compiling ------------------------------------------------------------------------------- */

static void
read_log(const weft_nvrtc *n, void *program, weft_str *log)
{
    size_t size = 0;
    if (n->log_size(program, &size) || size < 2)
        return;
    char *text = malloc(size);
    if (text && !n->log(program, text))
        weft_str_addn(log, text, size - 1);
    free(text);
}

static weft_status
read_image(const weft_nvrtc *n, void *program, bool exact, void **image, size_t *size)
{
    int code = exact ? n->cubin_size(program, size) : n->ptx_size(program, size);
    if (code || !*size || !(*image = malloc(*size)))
        return WEFT_DEVICE;
    return (exact ? n->cubin(program, *image) : n->ptx(program, *image)) ? WEFT_DEVICE : WEFT_OK;
}

weft_status
weft_nvrtc_image(const weft_nvrtc *n, const char *name, const char *text, const char *options,
                 bool exact, weft_diag *diag, weft_str *log, void **image, size_t *size)
{
    weft_arena arena = { 0 };
    weft_str words = { 0 };
    void *program = NULL;
    int noption;
    const char **option = split_lines(&arena, options, &noption);
    const char *file = weft_arena_printf(&arena, "%s.cu", name);
    weft_status s = WEFT_OK;
    *image = NULL;
    if (n->create(&program, text, file, 0, NULL, NULL))
        s = weft_fail(diag, WEFT_DEVICE, "nvrtcCreateProgram failed at %s", file);
    if (!s && n->compile(program, noption + (log && exact), option)) {
        read_log(n, program, &words);
        s = weft_fail(diag, WEFT_INVALID_INPUT, "NVRTC %d.%d refuses %s:\n%s", n->major, n->minor,
                      file, weft_str_text(&words));
    } else if (!s) {
        read_log(n, program, &words);
        s = read_image(n, program, exact, image, size);
        if (s)
            weft_fail(diag, s, "NVRTC %d.%d gives no image of %s", n->major, n->minor, file);
    }
    if (log)
        weft_str_addn(log, weft_str_text(&words), words.n);
    if (s) {
        free(*image);
        *image = NULL;
    }
    if (program)
        n->destroy(&program);
    weft_str_free(&words);
    weft_arena_reset(&arena);
    return s;
}

weft_status
weft_nvrtc_compile(const char *name, const char *text, int arch, weft_numerics numerics,
                   weft_diag *diag, weft_str *log)
{
    weft_nvrtc n;
    weft_str options = { 0 };
    void *image = NULL;
    size_t size;
    bool exact = false;
    if (!weft_nvrtc_open(&n, &options)) {
        weft_status s = weft_fail(diag, WEFT_NO_DEVICE, "%s", options.at);
        weft_str_free(&options);
        return s;
    }
    weft_status s = weft_nvrtc_options(&n, arch, numerics, &exact, &options, diag);
    if (!s)
        s = weft_nvrtc_image(&n, name, text, options.at, exact, diag, log, &image, &size);
    free(image);
    weft_str_free(&options);
    return s;
}
