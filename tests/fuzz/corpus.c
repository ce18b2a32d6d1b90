/* tests/fuzz/corpus.c: the files that are damaged: the tree's own, and what weft makes of its
 * demo's model. */
#include "fuzz.h"
#include "tools/tools.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILE = 256 << 10, MAX_MORE = 4000 };

const char *const fuzz_kind_name[FUZZ_KINDS] = { "onnx",   "module", "directory", "npy",
                                                 "tensor", "te",     "wir",       "graph" };

static bool
ends(const char *s, const char *with)
{
    size_t n = strlen(s), m = strlen(with);
    return n >= m && strcmp(s + n - m, with) == 0;
}

static void
add(fuzz_corpus *c, fuzz_kind kind, fuzz_form form, const char *path, const char *name)
{
    char *text;
    size_t n;
    if (weft_file_read(NULL, path, MAX_FILE, &text, &n))
        return;
    *WEFT_PUSH(&c->arena, &c->kind[kind]) = (fuzz_seed){
        kind, form, weft_arena_strdup(&c->arena, name), { weft_arena_dup(&c->arena, text, n), n }
    };
    free(text);
}

/* What stands behind the mark in a test's text is what the test expects, not read by commands. */
static void
add_text(fuzz_corpus *c, fuzz_kind kind, const char *path)
{
    int n = c->kind[kind].n;
    add(c, kind, FUZZ_TEXT, path, path);
    for (; n < c->kind[kind].n; n++) {
        fuzz_bytes *b = &c->kind[kind].at[n].bytes;
        const char *text = weft_arena_strndup(&c->arena, (char *)b->at, b->n);
        const char *mark = strstr(text, "\n# ----");
        b->n = mark ? (size_t)(mark + 1 - text) : b->n;
    }
}

static int
by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Every file under `dir`, in the order of names. */
static void
walk(fuzz_corpus *c, const char *dir, void (*file)(fuzz_corpus *, const char *path))
{
    WEFT_VEC(const char *) names = { 0 };
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.')
            *WEFT_PUSH(&c->arena, &names) = weft_arena_printf(&c->arena, "%s/%s", dir, e->d_name);
    if (d)
        closedir(d);
    if (names.n)
        qsort(names.at, (size_t)names.n, sizeof *names.at, by_name);
    for (int i = 0; i < names.n; i++) {
        struct stat st;
        if (stat(names.at[i], &st) == 0 && S_ISDIR(st.st_mode))
            walk(c, names.at[i], file);
        else
            file(c, names.at[i]);
    }
}

static void
add_by_name(fuzz_corpus *c, const char *path)
{
    if (ends(path, ".te"))
        add_text(c, FUZZ_TE, path);
    else if (ends(path, ".wir"))
        add_text(c, FUZZ_WIR, path);
    else if (ends(path, ".onnx") && c->kind[FUZZ_ONNX].n < MAX_MORE)
        add(c, FUZZ_ONNX, FUZZ_PROTOBUF, path, path);
    else if (ends(path, ".npy"))
        add(c, FUZZ_NPY, FUZZ_BINARY, path, path);
}

static void
add_member(fuzz_corpus *c, const char *path)
{
    add(c, FUZZ_DIRECTORY, ends(path, ".safetensors") ? FUZZ_BINARY : FUZZ_TEXT, path,
        path + strlen(c->directory) + 1);
}

/* weft_main with these words, its stdout in the file `out` where that is given. */
static bool
command(const char *out, int argc, const char *const *word)
{
    char *argv[16] = { 0 };
    int keep = -1;
    for (int i = 0; i < argc; i++)
        argv[i] = strdup(word[i]);
    if (out) {
        fflush(stdout);
        keep = dup(STDOUT_FILENO);
        int to = open(out, O_CREAT | O_TRUNC | O_WRONLY, 0666);
        dup2(to, STDOUT_FILENO);
        close(to);
    }
    bool good = weft_main(argc, argv) == 0;
    fflush(stdout);
    if (out) {
        dup2(keep, STDOUT_FILENO);
        close(keep);
    }
    for (int i = 0; i < argc; i++)
        free(argv[i]);
    return good;
}

/* An input of the demo's model in every way that a tensor's file can hold it. */
static void
make_tensors(fuzz_corpus *c, const char *work)
{
    static const weft_dtype dtypes[] = { WEFT_F32, WEFT_F64, WEFT_U8, WEFT_F16 };
    int64_t dim[4] = { 1, 1, 28, 28 };
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        const char *name = weft_dtype_name(dtypes[i]);
        const char *pb = weft_arena_printf(&c->arena, "%s/%s.pb", work, name);
        weft_const t = { .dtype = dtypes[i], .ndim = 4, .dim = dim };
        t.size = 784 * (size_t)weft_dtype_bits(dtypes[i]) / 8;
        t.data = weft_arena_alloc(&c->arena, t.size);
        weft_fill("random:1", "picture", &t, NULL);
        weft_write_tensor(work, name, &t, NULL);
        weft_write_tensor_pb(pb, "picture", &t, NULL);
        const char *npy = weft_arena_printf(&c->arena, "%s/%s.npy", work, name);
        add(c, FUZZ_NPY, FUZZ_BINARY, npy, npy);
        add(c, FUZZ_TENSOR, FUZZ_PROTOBUF, pb, pb);
    }
}

bool
fuzz_corpus_make(fuzz_corpus *c, const char *work, const char *more)
{
    static const char demo[] = FUZZ_ROOT "/demo/digits/digits.onnx";
    const char *graph = weft_arena_printf(&c->arena, "%s/graph.wir", work),
               *fused = weft_arena_printf(&c->arena, "%s/fused.wir", work),
               *slash = weft_arena_printf(&c->arena, "%s/directory/", work);
    c->module = weft_arena_printf(&c->arena, "%s/digits.weft", work);
    c->directory = weft_arena_printf(&c->arena, "%s/directory", work);
    add(c, FUZZ_ONNX, FUZZ_PROTOBUF, demo, demo);
    walk(c, FUZZ_ROOT "/tests", add_by_name);
    walk(c, FUZZ_ROOT "/tutorials", add_by_name);
    if (more)
        walk(c, more, add_by_name);
    bool good =
        command(NULL, 6,
                (const char *[]){ "weft", "compile", demo, "-tinterp", "-o", c->module }) &&
        command(NULL, 6, (const char *[]){ "weft", "compile", demo, "-tinterp", "-o", slash }) &&
        command(graph, 6,
                (const char *[]){ "weft", "dump", demo, "-tinterp", "--stage", "graph" }) &&
        command(fused, 6, (const char *[]){ "weft", "dump", demo, "-tinterp", "--stage", "fused" });
    add(c, FUZZ_MODULE, FUZZ_BINARY, c->module, c->module);
    add(c, FUZZ_GRAPH, FUZZ_TEXT, graph, graph);
    add(c, FUZZ_GRAPH, FUZZ_TEXT, fused, fused);
    walk(c, c->directory, add_member);
    make_tensors(c, work);
    for (int k = 0; k < FUZZ_KINDS; k++)
        good = good && c->kind[k].n > 0;
    return good;
}
