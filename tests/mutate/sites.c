/* sites.c: texts with faults in them. */
#include "mutate.h"

#include <string.h>

const char *const fault_names[FAULTS] = { [BARRIER] = "barrier",
                                          [INDEX] = "index",
                                          [TILES] = "tiles",
                                          [GUARD] = "guard",
                                          [INITIAL] = "initial" };

void
mutants_begin(mutants *m, const char *language, const char *program, const char *kernel)
{
    m->language = language;
    m->program = program;
    m->kernel = weft_arena_strdup(&m->arena, kernel);
    memset(m->count, 0, sizeof m->count);
}

/* FNV-1a over the seed and the id, its bits mixed. */
static uint64_t
rank_of(uint64_t seed, const char *id)
{
    uint64_t h = 14695981039346656037u ^ seed * 0x9e3779b97f4a7c15u;
    for (; *id; id++)
        h = (h ^ (unsigned char)*id) * 1099511628211u;
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    return h ^ h >> 32;
}

/* The line that holds a byte, without the blanks around it. */
static const char *
line_at(weft_arena *arena, const char *text, size_t at)
{
    size_t from = at, to = at;
    while (from > 0 && text[from - 1] != '\n')
        from--;
    while (text[to] && text[to] != '\n')
        to++;
    while (text[from] == ' ')
        from++;
    return weft_arena_strndup(arena, text + from, to > from ? to - from : 0);
}

void
mutants_add(mutants *m, fault_kind fault, const char *text, const edit *e, int n)
{
    weft_str out = { 0 };
    size_t done = 0, shown = 0;
    for (int i = 0; i < n; i++) {
        weft_str_addn(&out, text + done, e[i].from - done);
        shown = out.n;
        weft_str_add(&out, e[i].with);
        done = e[i].to;
    }
    weft_str_add(&out, text + done);
    mutant *x = WEFT_PUSH(&m->arena, &m->all);
    *x = (mutant){ .fault = fault,
                   .language = m->language,
                   .program = m->program,
                   .kernel = m->kernel,
                   .program_index = m->program_index,
                   .kernel_index = m->kernel_index,
                   .text = weft_arena_strdup(&m->arena, weft_str_text(&out)) };
    x->id = weft_arena_printf(&m->arena, "%s/%s/%s/%s/%d", m->language, m->program, m->kernel,
                              fault_names[fault], ++m->count[fault]);
    x->was = line_at(&m->arena, text, e[n - 1].from);
    x->is = line_at(&m->arena, x->text, shown);
    x->rank = rank_of(m->seed, x->id);
    weft_str_free(&out);
}
