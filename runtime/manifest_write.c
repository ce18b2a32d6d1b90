/* A module as manifest.json: the same module gives the same bytes. */
#include "runtime/priv.h"

#include <jansson.h>
#include <stdlib.h>

const char *const weft_role_names[4] = { "input", "output", "constant", "temp" };
const char *const weft_step_names[WEFT_STEP_LOOP + 1] = { "launch", "read", "copy", "if", "loop" };

/* Objects under construction; a value that could not be made (text that is not UTF-8) is kept in
 * mind. */
typedef struct writer {
    const char *bad; /* key of the first value that was refused */
} writer;

static void
put(writer *w, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) && !w->bad)
        w->bad = key;
}

static void
push(writer *w, json_t *array, const char *key, json_t *value)
{
    if (json_array_append_new(array, value) && !w->bad)
        w->bad = key;
}

static void
put_text(writer *w, json_t *object, const char *key, const char *text)
{
    if (text)
        put(w, object, key, json_string(text));
}

static void
put_texts(writer *w, json_t *object, const char *key, const char *const *text, int n)
{
    json_t *array = json_array();
    for (int i = 0; i < n; i++)
        push(w, array, key, json_string(text[i]));
    put(w, object, key, array);
}

static void
put_numbers(writer *w, json_t *object, const char *key, const int *number, int n)
{
    json_t *array = json_array();
    for (int i = 0; i < n; i++)
        push(w, array, key, json_integer(number[i]));
    put(w, object, key, array);
}

static json_t *
three(const int64_t v[3])
{
    return json_pack("[I,I,I]", (json_int_t)v[0], (json_int_t)v[1], (json_int_t)v[2]);
}

static json_t *
profile_json(writer *w, const weft_target *t)
{
    json_t *o = json_object();
    put_text(w, o, "name", t->name);
    put_text(w, o, "api", weft_api_name(t->api));
    put_text(w, o, "class", weft_class_name(t->cls));
#define INT(f)             json_integer((json_int_t)t->f)
#define LONG(f)            INT(f)
#define BOOL(f)            json_boolean(t->f)
#define REAL(f)            json_real(t->f)
#define INT3(f)            three(t->f)
#define FIELD(kind, field) put(w, o, #field, kind(field));
#include "runtime/target_fields.def"
#undef FIELD
#undef INT
#undef LONG
#undef BOOL
#undef REAL
#undef INT3
    return o;
}

static json_t *
symbol_json(writer *w, const weft_mod_symbol *s)
{
    json_t *o = json_object();
    put_text(w, o, "name", s->name);
    put_text(w, o, "min", s->min);
    put_text(w, o, "max", s->max);
    put_text(w, o, "multiple", s->multiple);
    return o;
}

static json_t *
tensor_json(writer *w, const weft_mod_tensor *t)
{
    json_t *o = json_object();
    put_text(w, o, "name", t->name);
    put_text(w, o, "role", weft_role_names[t->role]);
    put_text(w, o, "dtype", weft_dtype_name(t->dtype));
    put_texts(w, o, "dims", t->dim, t->ndim);
    if (t->alias >= 0)
        put(w, o, "alias", json_integer(t->alias));
    if (t->at)
        put(w, o, "at", json_integer((json_int_t)t->at));
    if (t->in_place >= 0)
        put(w, o, "in_place", json_integer(t->in_place));
    if (t->role == WEFT_ROLE_TEMP) {
        put(w, o, "first", json_integer(t->first));
        put(w, o, "last", json_integer(t->last));
    }
    put_text(w, o, "blob", t->blob);
    return o;
}

static json_t *
needs_json(writer *w, uint32_t needs)
{
    json_t *array = json_array();
    for (int i = 0; i < WEFT_NEED_COUNT; i++)
        if (needs >> i & 1)
            push(w, array, "needs", json_string(weft_need_name((weft_need)i)));
    return array;
}

static json_t *
kernel_json(writer *w, const weft_mod_kernel *k)
{
    json_t *o = json_object(), *scalars = json_array();
    char hex[65];
    put_text(w, o, "name", k->name);
    put(w, o, "buffers", json_integer(k->nbuffer));
    for (int i = 0; i < k->nscalar; i++)
        push(w, scalars, "scalars", json_string(weft_dtype_name((weft_dtype)k->scalar[i])));
    put(w, o, "scalars", scalars);
    put(w, o, "block", three(k->block));
    if (k->subgroup)
        put(w, o, "subgroup", json_integer(k->subgroup));
    if (k->shared_bytes)
        put(w, o, "shared_bytes", json_integer(k->shared_bytes));
    if (k->needs)
        put(w, o, "needs", needs_json(w, k->needs));
    weft_sha256(k->text, k->size, hex);
    put_text(w, o, "sha256", hex);
    return o;
}

static json_t *
arg_json(writer *w, const weft_mod_arg *a)
{
    json_t *o = json_object();
    put(w, o, "tensor", json_integer(a->tensor));
    put_text(w, o, "offset", a->offset);
    if (a->written)
        put(w, o, "written", json_true());
    return o;
}

static void
put_launch(writer *w, json_t *o, const weft_mod_step *s)
{
    put(w, o, "launch", json_integer(s->kernel));
    put_texts(w, o, "grid", s->grid, 3);
    put_texts(w, o, "block", s->block, 3);
    put_texts(w, o, "scalars", s->scalar, s->nscalar);
    if (s->nreach)
        put_texts(w, o, "reach", s->reach, s->nreach);
    put_text(w, o, "iterations", s->iterations);
    put(w, o, "flops", json_real(s->flops));
    put(w, o, "bytes", json_real(s->bytes));
}

/* What a step that launches nothing binds, bounds and is over. */
static void
put_flow(writer *w, json_t *o, const weft_mod_step *s)
{
    if (s->kind == WEFT_STEP_READ || s->kind == WEFT_STEP_LOOP)
        put(w, o, "symbol", json_integer(s->symbol));
    put_text(w, o, "bound", s->bound);
    put_text(w, o, "test", s->test);
    if (s->kind == WEFT_STEP_LOOP && s->count >= 0)
        put(w, o, "count", json_integer(s->count));
    if (s->kind == WEFT_STEP_IF || s->kind == WEFT_STEP_LOOP)
        put(w, o, "steps", json_integer(s->nbody));
}

static json_t *
step_json(writer *w, const weft_mod_step *s)
{
    json_t *o = json_object(), *buffers = json_array();
    put_text(w, o, "kind", s->kind == WEFT_STEP_LAUNCH ? NULL : weft_step_names[s->kind]);
    for (int i = 0; i < s->nbuffer; i++)
        push(w, buffers, "buffers", arg_json(w, &s->buffer[i]));
    put(w, o, "buffers", buffers);
    if (s->kind == WEFT_STEP_LAUNCH)
        put_launch(w, o, s);
    else
        put_flow(w, o, s);
    put_text(w, o, "layers", s->layers);
    return o;
}

static json_t *
program_json(writer *w, const weft_program *p)
{
    json_t *o = json_object(), *tensors = json_array(), *kernels = json_array(),
           *plan = json_array();
    put_text(w, o, "target", p->target);
    put_text(w, o, "numerics", weft_numerics_name(p->numerics));
    put(w, o, "profile", profile_json(w, &p->profile));
    put_numbers(w, o, "inputs", p->input, p->ninput);
    put_numbers(w, o, "outputs", p->output, p->noutput);
    for (int i = 0; i < p->ntensor; i++)
        push(w, tensors, "tensors", tensor_json(w, &p->tensor[i]));
    put(w, o, "tensors", tensors);
    for (int i = 0; i < p->nkernel; i++)
        push(w, kernels, "kernels", kernel_json(w, &p->kernel[i]));
    put(w, o, "kernels", kernels);
    for (int i = 0; i < p->nstep; i++)
        push(w, plan, "plan", step_json(w, &p->step[i]));
    put(w, o, "plan", plan);
    return o;
}

char *
weft_manifest_print(const weft_module *m, weft_diag *diag)
{
    writer w = { 0 };
    json_t *top = json_object(), *symbols = json_array(), *programs = json_array();
    put_text(&w, top, "format", "weft");
    put(&w, top, "version", json_integer(1));
    put_text(&w, top, "model", m->model ? m->model : "");
    for (int i = 0; i < m->nsymbol; i++)
        push(&w, symbols, "symbols", symbol_json(&w, &m->symbol[i]));
    put(&w, top, "symbols", symbols);
    for (int i = 0; i < m->nprogram; i++)
        push(&w, programs, "programs", program_json(&w, &m->program[i]));
    put(&w, top, "programs", programs);
    char *text = w.bad ? NULL : json_dumps(top, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    json_decref(top);
    if (w.bad)
        weft_fail(diag, WEFT_INVALID_ARGUMENT,
                  "manifest.json: a \"%s\" cannot be written: it is not UTF-8 text or not finite",
                  w.bad);
    else if (!text)
        weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for manifest.json");
    return text;
}
