/* emu: the kernel of a text: its name, its bounds, and how each of its arguments is passed.
 *
 * CUDA passes by order, buffers first; Metal by attribute: buffers at [[buffer(0)]] on, the scalars
 * behind them, as weft's Metal device binds them (backends/metal/device_run.c). */
#include "backends/emu/device_source.h"

#include <stdlib.h>
#include <string.h>

typedef struct signature {
    int name, open; /* tokens: the kernel's name, the bracket of its parameters */
    int at[64];     /* Metal: by buffer index, 1 + the parameter that has it */
} signature;

static bool
has(const weft_emu_text *t, int from, int to, const char *words)
{
    for (int i = from; i < to; i++)
        if (weft_emu_is(t, i, words))
            return true;
    return false;
}

/* Of "const float *__restrict__ A[[...]]" A: the last word before "[" or "=". */
static int
param_name(const weft_emu_text *t, int from, int to)
{
    int name = -1;
    for (int i = from; i < to && !weft_emu_is(t, i, "[") && !weft_emu_is(t, i, "="); i++)
        if (t->tok.at[i].kind == LEX_WORD)
            name = i;
    return name > from ? name : -1;
}

static weft_emu_param *
add_param(weft_emu_text *t, int from, int to)
{
    int name = param_name(t, from, to);
    weft_emu_param *param = WEFT_PUSH(t->arena, &t->kernel.param);
    *param =
        (weft_emu_param){ .name = "", .value = "", .line = t->tok.at[from].line, .buffer = -1 };
    if (name < 0)
        weft_emu_refuse(t, from, "kernel '%s': its parameter '%s' has no name", t->kernel.name,
                        weft_emu_words(t, from, to));
    else
        param->name = weft_emu_words(t, name, name + 1);
    return param;
}

/* ---- CUDA ------------------------------------------------------------------------------------ */

static void
add_in_order(weft_emu_text *t, int from, int to, void *user)
{
    weft_emu_kernel *k = &t->kernel;
    bool pointer = has(t, from, to, "*") || has(t, from, to, "[");
    (void)user;
    if (to - from == 1 && weft_emu_is(t, from, "void"))
        return;
    weft_emu_param *param = add_param(t, from, to);
    if (pointer && k->nscalar > 0)
        weft_emu_refuse(t, from,
                        "kernel '%s': buffer '%s' comes behind a scalar; buffers come first",
                        k->name, param->name);
    param->buffer = pointer ? k->nbuffer : -1;
    param->value = pointer ? weft_arena_printf(t->arena, "weft_buffer(buffer[%d])", k->nbuffer)
                           : weft_arena_printf(t->arena, "weft_scalar(scalar[%d])", k->nscalar);
    k->nbuffer += pointer;
    k->nscalar += !pointer;
}

/* From "__global__": its attributes and its name. */
static bool
read_cuda_head(weft_emu_text *t, int i, const char *name, signature *s)
{
    const char *bounds = NULL;
    for (i++; i < t->tok.n - 1 && !weft_emu_is(t, i, ";") && !weft_emu_is(t, i, "{"); i++) {
        if (weft_emu_is(t, i, "__launch_bounds__") && weft_emu_is(t, i + 1, "(")) {
            int end = i + 2;
            while (end < weft_emu_close(t, i + 1) - 1 && !weft_emu_is(t, end, ","))
                end = weft_emu_is(t, end, "(") ? weft_emu_close(t, end) : end + 1;
            bounds = weft_emu_words(t, i + 2, end);
            i = weft_emu_close(t, i + 1) - 1;
        } else if (t->tok.at[i].kind == LEX_WORD && weft_emu_is(t, i + 1, "(")) {
            *s = (signature){ .name = i, .open = i + 1 };
            t->kernel.max_threads = bounds;
            return weft_emu_is(t, i, name);
        }
    }
    return false;
}

/* ---- Metal ----------------------------------------------------------------------------------- */

/* What a kernel is told of where it stands: attribute, C++ that gives it, whether it has axes. */
static const struct {
    const char *attribute, *value;
    bool axes;
} positions[] = {
    { "thread_position_in_grid", "weft_position_in_grid", true },
    { "thread_position_in_threadgroup", "weft_position_in_group", true },
    { "threadgroup_position_in_grid", "weft_group", true },
    { "threads_per_grid", "weft_threads_per_grid", true },
    { "threads_per_threadgroup", "weft_threads_per_group", true },
    { "dispatch_threads_per_threadgroup", "weft_threads_per_group", true },
    { "threadgroups_per_grid", "weft_groups_per_grid", true },
    { "grid_size", "weft_threads_per_grid", true },
    { "thread_index_in_threadgroup", "weft_index_in_group", false },
    { "thread_index_in_simdgroup", "weft_index_in_simdgroup", false },
    { "simdgroup_index_in_threadgroup", "weft_simdgroup_in_group", false },
    { "threads_per_simdgroup", "weft_threads_per_simdgroup", false },
    { "thread_execution_width", "weft_threads_per_simdgroup", false },
    { "simdgroups_per_threadgroup", "weft_simdgroups_per_group", false },
};

static void
bind_position(weft_emu_text *t, int from, int attribute, weft_emu_param *param)
{
    static const struct {
        const char *type;
        bool vector;
    } types[] = {
        { "uint", false },   { "uint2", true },   { "uint3", true },   { "uint32_t", false },
        { "ushort", false }, { "ushort2", true }, { "ushort3", true }, { "uint16_t", false },
    };
    size_t row = 0, n = sizeof positions / sizeof *positions;
    int type = from + weft_emu_is(t, from, "const");
    bool known = false;
    while (row < n && !weft_emu_is(t, attribute, positions[row].attribute))
        row++;
    if (row == n) {
        weft_emu_refuse(t, attribute,
                        "kernel '%s': emulated devices know no attribute '%s' (of parameter '%s')",
                        t->kernel.name, weft_emu_words(t, attribute, attribute + 1), param->name);
        return;
    }
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        known = known ||
                (weft_emu_is(t, type, types[i].type) && (positions[row].axes || !types[i].vector));
    if (!known)
        weft_emu_refuse(t, type, "kernel '%s': [[%s]] is %s, and its parameter '%s' is '%s'",
                        t->kernel.name, positions[row].attribute,
                        positions[row].axes ? "a uint or ushort, or a vector of 2 or 3 of them"
                                            : "a uint or ushort",
                        param->name, weft_emu_words(t, type, type + 1));
    param->value = weft_arena_printf(t->arena, "weft_as_position<%s>(%s())",
                                     weft_emu_words(t, type, type + 1), positions[row].value);
}

static int
index_of(weft_emu_text *t, int attribute, weft_emu_param *param, int limit)
{
    const char *digits = weft_emu_words(t, attribute + 2, attribute + 3);
    char *end;
    long index = strtol(digits, &end, 10);
    if (weft_emu_is(t, attribute + 1, "(") && weft_emu_is(t, attribute + 3, ")") && !*end &&
        index >= 0 && index < limit)
        return (int)index;
    weft_emu_refuse(t, attribute,
                    "kernel '%s': parameter '%s' has index '%s'; from 0 to %d are known",
                    t->kernel.name, param->name, digits, limit - 1);
    return -1;
}

/* Pointers are buffers and references are scalars; which comes where is known at the end. */
static void
bind_buffer(weft_emu_text *t, int from, int to, int attribute, signature *s)
{
    weft_emu_kernel *k = &t->kernel;
    weft_emu_param *param = &k->param.at[k->param.n - 1];
    int index = index_of(t, attribute, param, 31);
    bool pointer = has(t, from, to, "*");
    if (index < 0)
        return;
    if (s->at[index])
        weft_emu_refuse(t, attribute, "kernel '%s': parameters '%s' and '%s' are both buffer %d",
                        k->name, k->param.at[s->at[index] - 1].name, param->name, index);
    if (!pointer && (!has(t, from, to, "&") || !has(t, from, to, "constant")))
        weft_emu_refuse(t, from,
                        "kernel '%s': parameter '%s' is no pointer, and no reference to a constant",
                        k->name, param->name);
    s->at[index] = k->param.n;
    param->buffer = pointer ? index : -1;
    k->nbuffer += pointer;
    k->nscalar += !pointer;
}

static void
add_by_attribute(weft_emu_text *t, int from, int to, void *user)
{
    signature *s = user;
    weft_emu_param *param = add_param(t, from, to);
    int open = from;
    while (open < to && !(weft_emu_is(t, open, "[") && weft_emu_is(t, open + 1, "[")))
        open++;
    if (open + 2 >= to) {
        weft_emu_refuse(t, from, "kernel '%s': parameter '%s' has no attribute, as [[buffer(0)]]",
                        t->kernel.name, param->name);
        return;
    }
    if (weft_emu_is(t, open + 2, "buffer")) {
        bind_buffer(t, from, open, open + 2, s);
    } else if (weft_emu_is(t, open + 2, "threadgroup")) {
        param->dynamic = index_of(t, open + 2, param, 1) == 0;
    } else {
        bind_position(t, from, open + 2, param);
    }
    weft_emu_replace(t, open, to, "");
}

/* Buffers are 0 to nbuffer - 1, scalars follow. */
static void
number_buffers(weft_emu_text *t, const signature *s)
{
    weft_emu_kernel *k = &t->kernel;
    for (int i = 0; i < k->nbuffer + k->nscalar && !t->status; i++) {
        bool scalar = i >= k->nbuffer;
        weft_emu_param *param = s->at[i] ? &k->param.at[s->at[i] - 1] : NULL;
        if (!param)
            weft_emu_refuse(t, s->name, "kernel '%s': no parameter is [[buffer(%d)]]", k->name, i);
        else if (scalar != (param->buffer < 0))
            weft_emu_refuse(t, s->name,
                            "kernel '%s': '%s' is [[buffer(%d)]]; pointers come first, in 0 to %d, "
                            "scalars behind them",
                            k->name, param->name, i, k->nbuffer - 1);
        else
            param->value =
                scalar ? weft_arena_printf(t->arena, "weft_scalar(scalar[%d])", i - k->nbuffer)
                       : weft_arena_printf(t->arena, "weft_buffer(buffer[%d])", i);
    }
}

/* From "kernel" or "[[kernel]]": "void name (". */
static bool
read_metal_head(weft_emu_text *t, int i, const char *name, signature *s)
{
    while (weft_emu_is(t, i + 1, "]"))
        i++;
    if (!weft_emu_is(t, i + 1, "void") || !weft_emu_is(t, i + 3, "("))
        return false;
    *s = (signature){ .name = i + 2, .open = i + 3 };
    return weft_emu_is(t, i + 2, name);
}

/* "[[max_total_threads_per_threadgroup(64)]]" in front of a kernel.  Other attributes are unknown.
 */
static void
take_attributes(weft_emu_text *t, int kernel)
{
    for (int i = 0; i < t->tok.n - 2; i++) {
        if (!weft_emu_is(t, i, "[") || !weft_emu_is(t, i + 1, "[") || t->tok.at[i].taken ||
            t->tok.at[i + 1].at != t->tok.at[i].at + 1)
            continue;
        int end = weft_emu_close(t, i);
        if (weft_emu_is(t, i + 2, "max_total_threads_per_threadgroup") && i < kernel)
            t->kernel.max_threads = weft_emu_words(t, i + 3, weft_emu_close(t, i + 3));
        else if (!weft_emu_is(t, i + 2, "kernel") && !weft_emu_is(t, i + 2, "unroll") &&
                 !weft_emu_is(t, i + 2, "host_name"))
            continue;
        weft_emu_replace(t, i, end, "");
    }
}

/* ---- both ------------------------------------------------------------------------------------ */

void
weft_emu_find_kernel(weft_emu_text *t, const char *name)
{
    bool metal = t->language->metal, found = false;
    const char *word = metal ? "kernel" : "__global__";
    signature s = { 0 };
    t->kernel.name = name;
    for (int i = 0; i < t->tok.n && !found; i++)
        if (weft_emu_is(t, i, word) && !t->tok.at[i].directive)
            found = metal ? read_metal_head(t, i, name, &s) : read_cuda_head(t, i, name, &s);
    if (!found) {
        weft_emu_refuse(t, t->tok.n - 1, "the text has no kernel '%s': '%s void %s(...)'", name,
                        word, name);
        return;
    }
    int close = weft_emu_close(t, s.open);
    weft_emu_split(t, s.open + 1, close - 1, metal ? add_by_attribute : add_in_order, &s);
    if (metal && !t->status) {
        number_buffers(t, &s);
        take_attributes(t, s.name);
    }
}
