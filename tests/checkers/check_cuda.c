/* check_cuda.c: CUDA kernels given to NVRTC, and what ptxas says of them in its log. */
#include "check_sources.h"

#include "backends/cuda/nvrtc.h"

#include <stdlib.h>
#include <string.h>

/* What ptxas reports of one kernel. */
typedef struct usage {
    int registers, stack, stores, loads, shared;
} usage;

bool
has_nvrtc(weft_str *why)
{
    weft_nvrtc library;
    return weft_nvrtc_open(&library, why);
}

/* The number before the first `words` of a text; 0 if they are not there. */
static int
number_before(const char *text, const char *words)
{
    const char *at = strstr(text, words);
    while (at && at > text && at[-1] == ' ')
        at--;
    while (at && at > text && at[-1] >= '0' && at[-1] <= '9')
        at--;
    return at ? atoi(at) : 0;
}

/* False where the log is not what this reads: then nothing could be asserted on it. */
static bool
read_usage(const char *log, usage *u)
{
    const char *used = strstr(log, "Used ");
    *u = (usage){ .stack = number_before(log, "bytes stack frame"),
                  .stores = number_before(log, "bytes spill stores"),
                  .loads = number_before(log, "bytes spill loads"),
                  .shared = number_before(log, "bytes smem"),
                  .registers = used ? number_before(used, "registers") : 0 };
    return u->registers > 0 && strstr(log, "bytes spill stores");
}

/* Whether a line of `allowed` is for the kernel: "DIR/KERNEL reason", of DIR/../KERNEL.cu. */
static bool
may_spill(const char *path, const char *allowed)
{
    const char *kernel = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    size_t n = strcspn(path, "/"), m = strcspn(kernel, ".");
    for (const char *line = allowed; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (strncmp(line, path, n) == 0 && line[n] == '/' &&
            strncmp(line + n + 1, kernel, m) == 0 && line[n + 1 + m] == ' ')
            return true;
    return false;
}

/* What a text cannot do without, and since when there is such a thing. */
static int
least_architecture(const char *text)
{
    static const struct {
        const char *words;
        int arch;
    } since[] = {
        { "wmma::precision::tf32", 80 },
        { "__nv_bfloat16, wmma::", 80 },
        { "double, wmma::", 80 },
    };
    int least = 0;
    for (size_t i = 0; i < sizeof since / sizeof *since; i++)
        if (strstr(text, since[i].words) && since[i].arch > least)
            least = since[i].arch;
    return least;
}

/* One architecture; adds to `faults`. */
static void
compile(const char *path, const char *text, int arch, const char *allowed, weft_str *rows,
        weft_str *faults)
{
    weft_diag *diag = weft_diag_create();
    weft_str log = { 0 };
    usage u;
    if (weft_nvrtc_compile(path, text, arch, WEFT_DEFAULT, diag, &log)) {
        weft_str_addf(faults, "sm_%d: %s\n", arch, weft_diag_text(diag));
    } else if (!read_usage(weft_str_text(&log), &u)) {
        weft_str_addf(faults, "sm_%d: the log of ptxas is not understood: %s\n", arch,
                      weft_str_text(&log));
    } else {
        weft_str_addf(rows, "%s\tsm_%d\t%d\t%d\t%d\t%d\t%d\n", path, arch, u.registers, u.stack,
                      u.stores, u.loads, u.shared);
        if ((u.stores || u.loads) && !may_spill(path, allowed))
            weft_str_addf(faults, "sm_%d: spills %d bytes, with %d registers\n", arch, u.stores,
                          u.registers);
    }
    weft_str_free(&log);
    weft_diag_destroy(diag);
}

char *
cuda_faults(const char *path, const char *text, const char *allowed, weft_str *rows)
{
    weft_nvrtc n;
    weft_str faults = { 0 };
    if (!weft_nvrtc_open(&n, &faults))
        return weft_str_take(&faults);
    for (int i = 0; i < n.narch; i++)
        if (n.arch[i] >= least_architecture(text))
            compile(path, text, n.arch[i], allowed, rows, &faults);
    return faults.n ? weft_str_take(&faults) : NULL;
}
