/* tests/fuzz/seeds.c: the good files: the demo's model, what is compiled of it, and the texts that
 * the tests and tutorials hold.
 */
#include "fuzz.h"
#include <weft/compiler.h>
#include <weft/te.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct maker {
    weft_arena *arena;
    const char *source, *work;
    fuzz_seeds *seeds;
} maker;

#define TARGET "opencl:generic-gpu"
#define PASSES                                                                                     \
    "--passes=flatten,simplify,partition,vectorize,unroll,reduce-threads,simplify,barriers,"       \
    "legalize,hoist,limits"

static void
must(weft_status status, const char *what, const char *said)
{
    if (status) {
        fprintf(stderr, "fuzz: %s: %s\n", what, said);
        exit(1);
    }
}

static const char *
under(maker *m, const char *dir, const char *name)
{
    return weft_arena_printf(m->arena, "%s/%s", dir, name);
}

/* Reads the seed's bytes from `from`; damaged ones will be written to seed.path. */
static void
add(maker *m, const char *from, fuzz_seed seed)
{
    weft_diag *diag = weft_diag_create();
    char *bytes;
    must(weft_file_read(diag, from, 1 << 24, &bytes, &seed.size), from, weft_diag_text(diag));
    seed.label = weft_arena_strdup(m->arena, from);
    seed.bytes = weft_arena_dup(m->arena, bytes, seed.size + 1);
    free(bytes);
    weft_diag_destroy(diag);
    if (seed.size)
        *WEFT_PUSH(m->arena, m->seeds) = seed;
}

/* Te programs stand before their goldens: only what is before the mark is read. */
static void
cut_golden(maker *m)
{
    fuzz_seed *s = &m->seeds->at[m->seeds->n - 1];
    const char *mark = strstr((const char *)s->bytes, "\n# ----");
    if (mark)
        s->size = (size_t)(mark + 1 - (const char *)s->bytes);
}

/* Every file of a folder whose name ends so. */
static void
add_texts(maker *m, const char *folder, const char *ending, const fuzz_seed *like)
{
    struct dirent **entry;
    const char *dir = under(m, m->source, folder);
    int n = scandir(dir, &entry, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        size_t length = strlen(entry[i]->d_name), tail = strlen(ending);
        if (length > tail && strcmp(entry[i]->d_name + length - tail, ending) == 0) {
            add(m, under(m, dir, entry[i]->d_name), *like);
            cut_golden(m);
        }
        free(entry[i]);
    }
    if (n >= 0)
        free(entry);
}

static void
command(const char *const *argv)
{
    weft_str said = { 0 };
    must(fuzz_run_command(argv, &said), argv[0], weft_str_text(&said));
    weft_str_free(&said);
}

static void
add_models(maker *m, const char *model, const char *module)
{
    const char *onnx = under(m, m->work, "case.onnx"), *zip = under(m, m->work, "case.weft");
    const char *out = under(m, m->work, "out.weft");
    add(m, model,
        (fuzz_seed){ .kind = "onnx", .path = onnx, .whole = true, .argv = { "inspect", onnx } });
    add(m, model,
        (fuzz_seed){ .kind = "onnx",
                     .path = onnx,
                     .whole = true,
                     .argv = { "compile", onnx, "-t", TARGET, "-j1", "-o", out } });
    add(m, module,
        (fuzz_seed){ .kind = "zip",
                     .path = zip,
                     .whole = true,
                     .argv = { "run", zip, "-d", "null", "--fill", "ones" } });
}

/* fuzz_module takes its input's kind from the first byte. */
static void
run_fuzz_module(char kind, const uint8_t *data, size_t size)
{
    uint8_t *all = malloc(size + 1);
    if (!all)
        return;
    all[0] = (uint8_t)kind;
    memcpy(all + 1, data, size);
    fuzz_module(all, size + 1);
    free(all);
}

static void
run_fuzz_manifest(const uint8_t *data, size_t size)
{
    run_fuzz_module('B', data, size);
}

static void
run_fuzz_weights(const uint8_t *data, size_t size)
{
    run_fuzz_module('A', data, size);
}

/* The module's directory form, each of its files in turn. */
static void
add_directory(maker *m, const char *model)
{
    static const char *const part[] = { "manifest.json", "weights.safetensors" };
    const char *dir = under(m, m->work, "module");
    const char *slash = weft_arena_printf(m->arena, "%s/", dir);
    command((const char *[]){ "compile", model, "-t", TARGET, "-o", slash, NULL });
    for (int i = 0; i < 2; i++) {
        const char *path = under(m, dir, part[i]);
        add(m, path,
            (fuzz_seed){ .kind = i ? "weights" : "manifest",
                         .path = path,
                         .text = !i,
                         .whole = true,
                         .keep = true,
                         .argv = { "run", dir, "-d", "null", "--fill", "ones" } });
        add(m, path,
            (fuzz_seed){ .kind = i ? "weights" : "manifest",
                         .path = path,
                         .text = !i,
                         .direct = i ? run_fuzz_weights : run_fuzz_manifest });
    }
}

static void
add_tensors(maker *m, const char *module, const char *picture)
{
    const char *npy = under(m, m->work, "case.npy"), *pb = under(m, m->work, "case.pb");
    const char *good = under(m, m->work, "good.pb");
    weft_diag *diag = weft_diag_create();
    weft_const c;
    must(weft_read_npy(picture, m->arena, &c, diag), picture, weft_diag_text(diag));
    must(weft_write_tensor_pb(good, "picture", &c, diag), good, weft_diag_text(diag));
    weft_diag_destroy(diag);
    const char *with_npy = weft_arena_printf(m->arena, "picture=%s", npy);
    const char *with_pb = weft_arena_printf(m->arena, "picture=%s", pb);
    add(m, picture,
        (fuzz_seed){ .kind = "npy",
                     .path = npy,
                     .whole = true,
                     .argv = { "run", module, "-d", "null", "-i", with_npy } });
    add(m, good,
        (fuzz_seed){
            .kind = "pb", .path = pb, .argv = { "run", module, "-d", "null", "-i", with_pb } });
}

/* What every te program so far becomes at the level loops, to be given to all passes. */
static void
add_loops(maker *m)
{
    const char *wir = under(m, m->work, "loops.wir");
    for (int i = 0, n = m->seeds->n; i < n; i++) {
        const fuzz_seed *from = &m->seeds->at[i];
        if (strcmp(from->kind, "te") != 0)
            continue;
        const char *source = weft_arena_strndup(m->arena, (const char *)from->bytes, from->size);
        weft_diag *diag = weft_diag_create();
        weft_te *te = weft_te_parse(from->label, source, diag);
        char *text = te ? weft_te_show(te, TARGET, "loops", diag) : NULL;
        fuzz_seed loops = { .kind = "loops",
                            .label = from->label,
                            .path = wir,
                            .text = true,
                            .argv = { "opt", PASSES, wir } };
        if (text) {
            loops.size = strlen(text);
            loops.bytes = weft_arena_dup(m->arena, text, loops.size);
            *WEFT_PUSH(m->arena, m->seeds) = loops;
        }
        free(text);
        if (te)
            weft_te_destroy(te);
        weft_diag_destroy(diag);
    }
}

static void
run_fuzz_ir(const uint8_t *data, size_t size)
{
    fuzz_ir(data, size);
}

static void
add_all_texts(maker *m)
{
    const char *te = under(m, m->work, "case.te"), *wir = under(m, m->work, "case.wir");
    fuzz_seed shown = {
        .kind = "te", .path = te, .text = true, .argv = { "te", te, "-t", TARGET }
    };
    fuzz_seed passed = { .kind = "wir",
                         .path = wir,
                         .text = true,
                         .argv = { "opt", "--passes=simplify,hoist,limits", wir } };
    fuzz_seed read = { .kind = "wir", .text = true, .direct = run_fuzz_ir };
    add_texts(m, "tests/te", ".te", &shown);
    add_texts(m, "tests/lower/loops", ".te", &shown);
    add_texts(m, "tests/fuzz/found", ".te", &shown);
    add_texts(m, "tutorials/01_vector_add", ".te", &shown);
    add_loops(m);
    add_texts(m, "tests/backends/run", ".wir", &passed);
    add_texts(m, "tests/backends/codegen", ".wir", &passed);
    add_texts(m, "tests/ir", ".wir", &read);
}

/* The model as graph text, compiled. */
static void
add_graph(maker *m, const char *model)
{
    const char *wir = under(m, m->work, "graph.wir"), *good = under(m, m->work, "good.wir");
    const char *out = under(m, m->work, "out.weft");
    weft_diag *diag = weft_diag_create();
    weft_str text = { 0 };
    weft_graph *g = weft_import_onnx(model, &(weft_import_options){ 0 }, diag);
    must(weft_diag_status(diag), model, weft_diag_text(diag));
    weft_print_graph(&text, g);
    must(weft_file_write(diag, good, text.at, text.n), good, weft_diag_text(diag));
    weft_graph_destroy(g);
    weft_str_free(&text);
    weft_diag_destroy(diag);
    add(m, good,
        (fuzz_seed){ .kind = "graph",
                     .path = wir,
                     .text = true,
                     .argv = { "compile", wir, "-t", TARGET, "-j1", "-o", out } });
}

/* A file that its command refuses, as some of the tests' are meant to be, teaches little when it is
 * damaged: only good ones stay.  What was found to hang once is run here in any case. */
static void
drop_refused(maker *m)
{
    int kept = 0;
    alarm(60);
    for (int i = 0; i < m->seeds->n; i++) {
        fuzz_seed *s = &m->seeds->at[i];
        weft_diag *diag = weft_diag_create();
        weft_str said = { 0 };
        weft_status status =
            s->direct ? WEFT_OK : weft_file_write(diag, s->path, s->bytes, s->size);
        if (!status && !s->direct)
            status = fuzz_run_command(s->argv, &said);
        if (!status)
            m->seeds->at[kept++] = *s;
        else if (s->whole)
            must(status, s->label, weft_str_text(&said));
        weft_str_free(&said);
        weft_diag_destroy(diag);
    }
    alarm(0);
    m->seeds->n = kept;
}

void
fuzz_make_seeds(weft_arena *arena, const char *source, const char *work, fuzz_seeds *seeds)
{
    maker m = { arena, source, work, seeds };
    const char *model = under(&m, source, "demo/digits/digits.onnx");
    const char *module = under(&m, work, "good.weft");
    command((const char *[]){ "compile", model, "-t", TARGET, "-o", module, NULL });
    add_models(&m, model, module);
    add_directory(&m, model);
    add_tensors(&m, module, under(&m, source, "demo/digits/pictures/3.npy"));
    add_graph(&m, model);
    add_all_texts(&m);
    drop_refused(&m);
}
