/* tests/fuzz/calls.c: the commands that read each kind of file. */
#include "fuzz.h"

#include <string.h>

/* Words beginning with $ stand for: $file the damaged file, $out a file to write, $module the
 * demo's module, $target, $stage, $te_stage, $passes, $graph_passes one (or a list) of those.
 * A line that begins with ! is a check of the reader alone. */
static const struct {
    fuzz_kind kind;
    const char *line;
} calls[] = {
    { FUZZ_ONNX, "inspect $file" },
    { FUZZ_ONNX, "inspect $file --json" },
    { FUZZ_ONNX, "dump $file -t interp --stage device" },
    { FUZZ_ONNX, "dump $file -t $target --stage $stage" },
    { FUZZ_ONNX, "run $file -d interp --fill ones" },
    { FUZZ_ONNX, "run $file -d null -t opencl:generic-gpu --fill random:1" },
    { FUZZ_ONNX, "check $file -d interp --fill ones --per-kernel -o $out" },
    { FUZZ_ONNX, "compile $file -t $target -o $out" },
    { FUZZ_MODULE, "run $file -d null --fill ones" },
    { FUZZ_MODULE, "run $file -d interp --fill ones" },
    { FUZZ_DIRECTORY, "run $file -d null --fill ones" },
    { FUZZ_DIRECTORY, "run $file -d interp --fill ones" },
    { FUZZ_DIRECTORY, "!manifest" },
    { FUZZ_DIRECTORY, "!weights" },
    { FUZZ_NPY, "run $module -d interp -i picture=$file" },
    { FUZZ_TENSOR, "run $module -d interp -i picture=$file" },
    { FUZZ_TE, "te $file -t $target --stage $te_stage" },
    { FUZZ_TE, "te $file -t $target --stage source" },
    { FUZZ_TE, "te $file -d interp --fill ones --dim m=5 --dim n=7" },
    { FUZZ_WIR, "opt --passes=$passes $file -t $target" },
    { FUZZ_WIR, "opt --passes=$passes $file -t $target" },
    { FUZZ_WIR, "!ir" },
    { FUZZ_GRAPH, "opt --passes=$graph_passes $file -t $target" },
    { FUZZ_GRAPH, "check $file -d interp --fill random:1 --per-kernel --reduce -o $out" },
    { FUZZ_GRAPH, "dump $file -t $target --stage $stage" },
};
enum { CALLS = sizeof calls / sizeof *calls };

static const struct {
    const char *name, *words;
} choices[] = {
    { "$target", "opencl:generic-gpu vulkan:generic-gpu cuda:sm_80 metal:apple8 interp" },
    { "$stage", "graph fused te loops flat device source source" },
    { "$te_stage", "te loops flat device source" },
};

static const char kernel_passes[] =
    "flatten simplify vthread double-buffer partition unswitch vectorize unroll reduce-threads "
    "registers barriers legalize hoist limits";

static const char graph_passes[] =
    "infer simplify-inference fold-constants clean-up common-subexpressions eliminate-dead "
    "fold-scale split-large flat-places pack-weights fuse";

static const struct {
    const char *name;
    void (*check)(const uint8_t *, size_t);
} checks[] = { { "!ir", fuzz_ir }, { "!manifest", fuzz_manifest }, { "!weights", fuzz_weights } };

/* The i-th word of a list with blanks between. */
static char *
word_of(weft_arena *arena, const char *words, size_t i)
{
    for (; i; i--) {
        words += strcspn(words, " ");
        words += strspn(words, " ");
    }
    return weft_arena_strndup(arena, words, strcspn(words, " "));
}

static size_t
word_count(const char *words)
{
    size_t n = 1;
    for (; *words; words++)
        n += *words == ' ';
    return n;
}

static char *
choose(fuzz_rng *r, weft_arena *arena, const char *words)
{
    return word_of(arena, words, fuzz_below(r, word_count(words)));
}

static char *
passes(fuzz_rng *r, weft_arena *arena, const char *names)
{
    size_t n = fuzz_below(r, 5);
    char *list = weft_arena_strdup(arena, "");
    for (size_t i = 0; i < n; i++)
        list = weft_arena_printf(arena, "%s%s%s", list, i ? "," : "", choose(r, arena, names));
    return list;
}

typedef struct places {
    fuzz_rng *rng;
    weft_arena *arena;
    const fuzz_corpus *corpus;
    const char *path, *work;
} places;

/* A word with its place, if it has one, filled in. */
static char *
fill(const places *p, const char *text)
{
    const char *at = strchr(text, '$');
    if (!at)
        return weft_arena_strdup(p->arena, text);
    const char *with = "";
    if (strcmp(at, "$file") == 0)
        with = p->path;
    else if (strcmp(at, "$module") == 0)
        with = p->corpus->module;
    else if (strcmp(at, "$out") == 0)
        with = weft_arena_printf(p->arena, "%s/out.weft", p->work);
    else if (strcmp(at, "$passes") == 0)
        with = passes(p->rng, p->arena, kernel_passes);
    else if (strcmp(at, "$graph_passes") == 0)
        with = passes(p->rng, p->arena, graph_passes);
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++)
        if (strcmp(at, choices[i].name) == 0)
            with = choose(p->rng, p->arena, choices[i].words);
    return weft_arena_printf(p->arena, "%.*s%s", (int)(at - text), text, with);
}

static const char *
choose_line(fuzz_rng *rng, fuzz_kind kind)
{
    size_t n = 0;
    for (int i = 0; i < CALLS; i++)
        n += calls[i].kind == kind;
    size_t k = fuzz_below(rng, n);
    for (int i = 0; i < CALLS; i++)
        if (calls[i].kind == kind && k-- == 0)
            return calls[i].line;
    return NULL;
}

fuzz_call
fuzz_choose_call(fuzz_rng *rng, weft_arena *arena, fuzz_kind kind, const fuzz_corpus *corpus,
                 const char *path, const char *work)
{
    fuzz_call c = { 0 };
    places p = { rng, arena, corpus, path, work };
    const char *line = choose_line(rng, kind);
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (strcmp(line, checks[i].name) == 0) {
            c.check = checks[i].check;
            c.line = weft_arena_strdup(arena, line);
            return c;
        }
    c.line = c.argv[c.argc++] = weft_arena_strdup(arena, "weft");
    for (size_t i = 0; i < word_count(line); i++) {
        c.argv[c.argc] = fill(&p, word_of(arena, line, i));
        c.line = weft_arena_printf(arena, "%s %s", c.line, c.argv[c.argc++]);
    }
    return c;
}
