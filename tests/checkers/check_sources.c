/* Gives every kernel of modules in the directory form to its language's own compiler or checker:
 * NVRTC for every architecture it knows, clang for OpenCL C, the Metal stub, SPIRV-Tools for the
 * floor and for a Vulkan 1.3 device.  For each module a line with the counts; what was refused, and
 * exit status 1, if anything was.
 *
 *   check_sources [--ptxas TSV] [--spills ALLOWED] DIR..
 *
 * TSV gets what ptxas says of each CUDA kernel and architecture.  A kernel that spills registers is
 * refused unless ALLOWED has a line "DIR/KERNEL REASON", KERNEL being the file's name without
 * its ending.
 */
#include "check_sources.h"

#include "../backends/support.h"
#include "backends/vulkan/text.h"

#include <dirent.h>
/* The header defines a variable of external linkage, which the driver has already. */
#define kDefaultMaxIdBound check_sources_max_id_bound
#include <spirv-tools/libspirv.h>
#include <stdlib.h>
#include <string.h>

enum { CUDA, OPENCL, METAL, SPIRV, KINDS };
static const char *const endings[KINDS] = { ".cu", ".cl", ".metal", ".spvasm" };

typedef struct source {
    const char *path;
    int kind;
    char *faults;  /* malloc'ed; NULL: accepted */
    weft_str rows; /* of the table of ptxas */
} source;

typedef struct checking {
    WEFT_VEC(source) file;
    const char *allowed; /* text of the file of allowed spills */
    weft_arena arena;
} checking;

/* ---- SPIR-V ---------------------------------------------------------------------------------- */

/* Versions that a kernel is valid for: SPIR-V 1.3 as printed, on the floor and on newer devices. */
static const struct {
    spv_target_env env;
    const char *name;
} environments[] = {
    { SPV_ENV_VULKAN_1_1, "vulkan1.1" },
    { SPV_ENV_VULKAN_1_2, "vulkan1.2" },
    { SPV_ENV_VULKAN_1_3, "vulkan1.3" },
};

static char *
spirv_complaint(const char *what, spv_diagnostic why)
{
    weft_str text = { 0 };
    weft_str_addf(&text, "%s: ", what);
    if (why)
        weft_str_addf(&text, "%zu:%zu: %s", why->position.line + 1, why->position.column + 1,
                      why->error);
    return weft_str_take(&text);
}

/* Where SPIRV-Tools are older than an extension, the driver's own check stands in. */
static char *
matrix_faults(const char *path, const char *text)
{
    weft_diag *diag = weft_diag_create();
    const weft_source whole = { .name = path, .text = text, .size = strlen(text) };
    char *faults = weft_spirv_check(&whole, diag) ? strdup(weft_diag_text(diag)) : NULL;
    weft_diag_destroy(diag);
    return faults;
}

static char *
spirv_faults(const char *path, const char *text)
{
    if (strstr(text, "CooperativeMatrixKHR"))
        return matrix_faults(path, text);
    spv_binary binary = NULL;
    spv_diagnostic why = NULL;
    spv_context context = spvContextCreate(SPV_ENV_VULKAN_1_1);
    char *faults = NULL;
    if (spvTextToBinary(context, text, strlen(text), &binary, &why) != SPV_SUCCESS)
        faults = spirv_complaint("spirv-as", why);
    spvDiagnosticDestroy(why);
    spvContextDestroy(context);
    for (size_t i = 0; !faults && i < sizeof environments / sizeof *environments; i++) {
        context = spvContextCreate(environments[i].env);
        why = NULL;
        if (spvValidateBinary(context, binary->code, binary->wordCount, &why) != SPV_SUCCESS)
            faults = spirv_complaint(environments[i].name, why);
        spvDiagnosticDestroy(why);
        spvContextDestroy(context);
    }
    spvBinaryDestroy(binary);
    return faults;
}

/* ---- OpenCL C -------------------------------------------------------------------------------- */

static char *
opencl_faults(const char *path)
{
    char *output;
    int status =
        run_command(&output,
                    "clang-15 -x cl -cl-std=CL1.2 -target spir64 -Xclang "
                    "-finclude-default-header -fsyntax-only -Werror -Wno-bitwise-op-parentheses %s",
                    path);
    if (status || *output)
        return output;
    free(output);
    return NULL;
}

/* ---- files ----------------------------------------------------------------------------------- */

static void
check(void *user, int i)
{
    checking *c = user;
    source *s = &c->file.at[i];
    char *text = read_text(s->path);
    switch (s->kind) {
    case CUDA:
        s->faults = cuda_faults(s->path, text, c->allowed, &s->rows);
        break;
    case OPENCL:
        s->faults = opencl_faults(s->path);
        break;
    case METAL:
        s->faults = metal_faults(s->path);
        break;
    default:
        s->faults = spirv_faults(s->path, text);
    }
    free(text);
}

/* Files that hold an error instead of a kernel, as some goldens do, are left out. */
static bool
is_kernel(const char *path)
{
    char *text = read_text(path);
    bool is = text && strncmp(text, "error:", 6) != 0;
    free(text);
    return is;
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
                strcmp(e->d_name + n - strlen(endings[k]), endings[k]) == 0 && is_kernel(path))
                *WEFT_PUSH(&c->arena, &c->file) = (source){ path, k, NULL, { 0 } };
    }
    if (d)
        closedir(d);
}

static int
by_path(const void *a, const void *b)
{
    return strcmp(((const source *)a)->path, ((const source *)b)->path);
}

static bool
report(checking *c, const char *dir, FILE *table)
{
    int count[KINDS] = { 0 }, bad = 0;
    for (int i = 0; i < c->file.n; i++) {
        source *s = &c->file.at[i];
        count[s->kind]++;
        if (s->faults)
            printf("REFUSED %s: %.2000s\n", s->path, s->faults);
        bad += s->faults != NULL;
        if (table && s->rows.n)
            fputs(s->rows.at, table);
        weft_str_free(&s->rows);
        free(s->faults);
    }
    printf("%s: %d CUDA, %d OpenCL, %d Metal, %d SPIR-V kernels, %d refused\n", dir, count[CUDA],
           count[OPENCL], count[METAL], count[SPIRV], bad);
    return bad == 0 && c->file.n > 0;
}

static bool
check_folder(const char *dir, const char *allowed, bool cuda, FILE *table)
{
    checking c = { .allowed = allowed ? allowed : "" };
    add_files(&c, dir);
    for (int f = 0; !cuda && f < c.file.n; f++)
        if (c.file.at[f].kind == CUDA)
            c.file.at[f--] = c.file.at[--c.file.n];
    if (c.file.n)
        qsort(c.file.at, (size_t)c.file.n, sizeof *c.file.at, by_path);
    weft_parallel_for(0, c.file.n, check, &c);
    bool fine = report(&c, dir, table);
    weft_arena_reset(&c.arena);
    return fine;
}

int
main(int argc, char **argv)
{
    weft_str why = { 0 };
    FILE *table = NULL;
    char *allowed = NULL;
    bool fine = true, cuda = has_nvrtc(&why);
    if (!cuda)
        printf("CUDA sources are not checked: %s\n", weft_str_text(&why));
    weft_str_free(&why);
    for (int i = 1; i < argc; i++) {
        if (i + 1 < argc && strcmp(argv[i], "--ptxas") == 0) {
            table = fopen(argv[++i], "w");
            if (table)
                fputs("kernel\tarch\tregisters\tstack\tspill_stores\tspill_loads\tshared\n", table);
        } else if (i + 1 < argc && strcmp(argv[i], "--spills") == 0) {
            allowed = read_text(argv[++i]);
        } else {
            fine &= check_folder(argv[i], allowed, cuda, table);
        }
    }
    if (table && fclose(table))
        fine = false;
    free(allowed);
    return fine ? 0 : 1;
}
