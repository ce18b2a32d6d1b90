/* tests/fuzz/seeds.c: what libFuzzer starts from.
 *
 *   fuzz_seeds OUT [MORE]
 *
 * writes OUT/<reader>/<number>, the files of corpus.c that the reader takes, small modules and
 * kernels made of the te programs among them, and every eighth model under MORE, the graphs of
 * those, too; and OUT/<reader>.dict.
 */
#include "fuzz.h"
#include "compiler/compiler.h"
#include "runtime/priv.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MODEL_STEP = 8 };

typedef struct writer {
    fuzz_corpus corpus;
    const char *out, *work;
    int n; /* files written */
} writer;

static void
write_seed(writer *w, const fuzz_reader *r, const void *data, size_t n)
{
    char path[4096];
    if (n == 0 || n > r->most)
        return;
    snprintf(path, sizeof path, "%s/%s/%04d", w->out, r->name, w->n++);
    if (weft_file_write(NULL, path, data, n))
        abort();
}

/* ---- made of te programs --------------------------------------------------------------------- */

/* A program's kernels at every level. */
static void
write_levels(writer *w, const weft_te *te)
{
    static const char *const levels[] = { "loops", "flat", "device" };
    for (int i = 0; i < 3; i++) {
        char *text = weft_te_show(te, "opencl:generic-gpu", levels[i], NULL);
        if (text)
            write_seed(w, fuzz_reader_named(levels[i]), text, strlen(text));
        free(text);
    }
}

static void
write_file(writer *w, const fuzz_reader *r, const char *path)
{
    char *text;
    size_t n;
    if (weft_file_read(NULL, path, r->most, &text, &n))
        return;
    write_seed(w, r, text, n);
    free(text);
}

/* The program as a module of one kernel or a few. */
static void
write_module(writer *w, const char *text, const char *spec)
{
    weft_target target;
    weft_module *m = NULL;
    weft_compile_job job = { .target = &target, .numerics = WEFT_DEFAULT, .threads = 1 };
    weft_te *te = weft_te_parse("seed", text, NULL);
    if (!te || weft_resolve_target(spec, NULL, &target, NULL) || weft_te_module(te, &job, NULL, &m))
        return;
    char *path = weft_arena_printf(&w->corpus.arena, "%s/te.weft", w->work);
    char *manifest = weft_manifest_print(m, NULL);
    if (!weft_module_write(m, path, NULL))
        write_file(w, fuzz_reader_named("zip"), path);
    write_seed(w, fuzz_reader_named("manifest"), manifest, strlen(manifest));
    free(manifest);
    weft_module_destroy(m);
}

static void
write_made(writer *w, const fuzz_seed *s)
{
    const char *text = weft_arena_strndup(&w->corpus.arena, (char *)s->bytes.at, s->bytes.n);
    weft_te *te = weft_te_parse("seed", text, NULL);
    if (!te)
        return;
    write_levels(w, te);
    weft_te_destroy(te);
    write_module(w, text, "interp");
    write_module(w, text, "opencl:generic-gpu");
}

/* ---- made of models -------------------------------------------------------------------------- */

static void
write_graph(writer *w, const char *path)
{
    weft_import_options options = { 0 };
    weft_str text = { 0 };
    weft_diag *diag = weft_diag_create(); /* what weft does not have is no seed */
    weft_graph *g = weft_import_onnx(path, &options, diag);
    if (g) {
        weft_print_graph(&text, g);
        write_seed(w, fuzz_reader_named("graph"), text.at, text.n);
        weft_graph_destroy(g);
    }
    weft_str_free(&text);
    weft_diag_destroy(diag);
}

/* ---- weights --------------------------------------------------------------------------------- */

static void
write_weights(writer *w)
{
    static const char *const heads[] = {
        "{}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}",
        "{\"__metadata__\":{\"k\":\"v\"},\"a\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":"
        "[0,8]},\"b\":{\"dtype\":\"BOOL\",\"shape\":[0],\"data_offsets\":[8,8]}}",
        "{\"b\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[8,16]},\"a\":{\"dtype\":\"U8\","
        "\"shape\":[8],\"data_offsets\":[0,8]}}",
    };
    static const uint8_t zeros[24] = { 0 };
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        weft_str s = { 0 };
        uint64_t n = strlen(heads[i]);
        weft_str_addn(&s, (const char *)&n, 8);
        weft_str_addn(&s, heads[i], n);
        weft_str_addn(&s, (const char *)zeros, i == 0 ? 0 : i == 1 ? 24 : i == 2 ? 8 : 16);
        write_seed(w, fuzz_reader_named("weights"), s.at, s.n);
        weft_str_free(&s);
    }
}

/* ---- all ------------------------------------------------------------------------------------- */

static bool
takes(const fuzz_reader *r, const fuzz_seed *s)
{
    return s->kind == r->kind && memmem(s->bytes.at, s->bytes.n, r->mark, strlen(r->mark));
}

/* The corpus's own files; of the many models, some. */
static void
write_reader(writer *w, const fuzz_reader *r)
{
    fuzz_words words;
    fuzz_words_begin(&words, r);
    for (int i = 0; i < w->corpus.kind[r->kind].n; i++) {
        const fuzz_seed *s = &w->corpus.kind[r->kind].at[i];
        if (!takes(r, s) || (r->kind == FUZZ_ONNX && i % MODEL_STEP))
            continue;
        write_seed(w, r, s->bytes.at, s->bytes.n);
        if (r->kind == FUZZ_ONNX)
            write_graph(w, s->path);
        if (r->form == FUZZ_TEXT)
            fuzz_words_of(&words, s->bytes);
    }
    fuzz_words_write(&words, weft_arena_printf(&w->corpus.arena, "%s/%s.dict", w->out, r->name));
}

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at;
    return remove(path);
}

int
main(int argc, char **argv)
{
    char work[] = "/tmp/weft-seeds-XXXXXX";
    writer w = { .out = argc > 1 ? argv[1] : NULL, .work = work };
    if (argc < 2 || argc > 3) {
        fputs("usage: fuzz_seeds OUT [MORE]\n", stderr);
        return 2;
    }
    if (!mkdtemp(work) || !fuzz_corpus_make(&w.corpus, work, argc > 2 ? argv[2] : NULL)) {
        fputs("fuzz_seeds: the corpus cannot be made\n", stderr);
        return 1;
    }
    for (const fuzz_reader *r = fuzz_readers; r->name; r++)
        if (weft_make_dirs(NULL, weft_arena_printf(&w.corpus.arena, "%s/%s", w.out, r->name)))
            return 1;
    for (const fuzz_reader *r = fuzz_readers; r->name; r++)
        write_reader(&w, r);
    for (int i = 0; i < w.corpus.kind[FUZZ_TE].n; i++)
        write_made(&w, &w.corpus.kind[FUZZ_TE].at[i]);
    write_weights(&w);
    printf("%d seeds\n", w.n);
    nftw(work, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    weft_arena_reset(&w.corpus.arena);
    return 0;
}
