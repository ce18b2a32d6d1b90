/* Gives every kernel of modules in the directory form to its language's own compiler or checker:
 * NVRTC for two architectures, clang for OpenCL C, the Metal stub, the SPIR-V tools.  For each
 * module a line with the counts; what was refused, and exit status 1, if anything was.
 *
 *   check_sources DIR..
 */
#include "../backends/support.h"
#include "backends/cuda/nvrtc.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CUDA, OPENCL, METAL, SPIRV, KINDS };
static const char *const endings[KINDS] = { ".cu", ".cl", ".metal", ".spvasm" };

typedef struct source {
    const char *path;
    int kind;
    char *faults; /* malloc'ed; NULL: accepted */
} source;

typedef struct checking {
    WEFT_VEC(source) file;
    weft_arena arena;
} checking;

static char *
nvrtc(const char *path, int arch)
{
    weft_diag *diag = weft_diag_create();
    char *text = read_text(path), *faults = NULL;
    if (weft_nvrtc_compile(path, text ? text : "", arch, WEFT_DEFAULT, diag, NULL))
        faults = strdup(weft_diag_text(diag));
    free(text);
    weft_diag_destroy(diag);
    return faults;
}

/* The output of a command that failed, or NULL. */
static char *
output_of(int status, char *output)
{
    if (status)
        return output;
    free(output);
    return NULL;
}

static char *
spirv(const char *path)
{
    char *output, spv[] = "/tmp/weft-spv.XXXXXX";
    int fd = mkstemp(spv);
    if (fd < 0)
        return strdup("no temporary file");
    close(fd);
    int status = run_command(
        &output, "spirv-as --target-env vulkan1.1 %s -o %s && spirv-val --target-env vulkan1.1 %s",
        path, spv, spv);
    unlink(spv);
    return output_of(status, output);
}

static char *
opencl(const char *path)
{
    char *output;
    int status =
        run_command(&output,
                    "clang-15 -x cl -cl-std=CL1.2 -target spir64 -Xclang "
                    "-finclude-default-header -fsyntax-only -Werror -Wno-bitwise-op-parentheses %s",
                    path);
    return output_of(status || *output, output);
}

static void
check(void *user, int i)
{
    source *s = &((checking *)user)->file.at[i];
    if (s->kind == CUDA) {
        s->faults = nvrtc(s->path, 80);
        s->faults = s->faults ? s->faults : nvrtc(s->path, 90);
    } else {
        s->faults = s->kind == OPENCL  ? opencl(s->path)
                    : s->kind == METAL ? metal_faults(s->path)
                                       : spirv(s->path);
    }
}

static void
add_files(checking *c, const char *dir)
{
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        const char *path = weft_arena_printf(&c->arena, "%s/%s", dir, e->d_name);
        if (e->d_name[0] == '.')
            continue;
        if (e->d_type == DT_DIR)
            add_files(c, path);
        for (int k = 0; k < KINDS; k++)
            if (n > strlen(endings[k]) &&
                strcmp(e->d_name + n - strlen(endings[k]), endings[k]) == 0)
                *WEFT_PUSH(&c->arena, &c->file) = (source){ path, k, NULL };
    }
    if (d)
        closedir(d);
}

static bool
report(checking *c, const char *dir)
{
    int count[KINDS] = { 0 }, bad = 0;
    for (int i = 0; i < c->file.n; i++) {
        source *s = &c->file.at[i];
        count[s->kind]++;
        if (s->faults)
            printf("REFUSED %s: %.2000s\n", s->path, s->faults);
        bad += s->faults != NULL;
        free(s->faults);
    }
    printf("%s: %d CUDA, %d OpenCL, %d Metal, %d SPIR-V kernels, %d refused\n", dir, count[CUDA],
           count[OPENCL], count[METAL], count[SPIRV], bad);
    return bad == 0 && c->file.n > 0;
}

int
main(int argc, char **argv)
{
    weft_nvrtc library;
    weft_str why = { 0 };
    bool fine = true, cuda = weft_nvrtc_open(&library, &why);
    if (!cuda)
        printf("CUDA sources are not checked: %s\n", weft_str_text(&why));
    weft_str_free(&why);
    for (int i = 1; i < argc; i++) {
        checking c = { 0 };
        add_files(&c, argv[i]);
        for (int f = 0; !cuda && f < c.file.n; f++)
            if (c.file.at[f].kind == CUDA)
                c.file.at[f--] = c.file.at[--c.file.n];
        weft_parallel_for(0, c.file.n, check, &c);
        fine &= report(&c, argv[i]);
        weft_arena_reset(&c.arena);
    }
    return fine ? 0 : 1;
}
