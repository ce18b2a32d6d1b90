/* manifest.json as a module.  Shapes of JSON values and ranges of numbers are checked here; what
 * they say to each other (indices, expressions, names) in module_check.c. */
#include "runtime/priv.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct reader {
    weft_arena *arena;
    weft_diag *diag;
    bool failed;      /* after the first error everything reads as empty */
    int program;      /* where the reader is: -1 outside */
    const char *list; /* NULL, "tensors", ... */
    size_t index;
} reader;
#define NO_INDEX SIZE_MAX /* the list is one object */

static void
fail(reader *r, const char *key, const char *want)
{
    weft_str where = { 0 };
    if (r->failed)
        return;
    r->failed = true;
    if (r->program >= 0)
        weft_str_addf(&where, "programs[%d].", r->program);
    if (r->list)
        weft_str_add(&where, r->list);
    if (r->list && r->index != NO_INDEX)
        weft_str_addf(&where, "[%zu]", r->index);
    if (r->list)
        weft_str_add(&where, ".");
    weft_fail(r->diag, WEFT_INVALID_INPUT, "manifest.json: %s%s is not %s", weft_str_text(&where),
              key, want);
    weft_str_free(&where);
}

static const char *
text_of(reader *r, const json_t *j, const char *key, bool optional)
{
    if (!j && optional)
        return NULL;
    if (json_is_string(j))
        return weft_arena_strdup(r->arena, json_string_value(j));
    fail(r, key, "a text");
    return "";
}

static const char *
get_text(reader *r, const json_t *o, const char *key, bool optional)
{
    return text_of(r, json_object_get(o, key), key, optional);
}

static int64_t
int_of(reader *r, const json_t *j, const char *key, int64_t least, int64_t most)
{
    int64_t v = json_is_integer(j) ? json_integer_value(j) : least;
    if (json_is_integer(j) && v >= least && v <= most)
        return v;
    char want[80];
    snprintf(want, sizeof want, "an integer from %lld to %lld", (long long)least, (long long)most);
    fail(r, key, want);
    return least;
}

static int64_t
get_int(reader *r, const json_t *o, const char *key, int64_t least, int64_t most)
{
    return int_of(r, json_object_get(o, key), key, least, most);
}

/* An index that may be left out: then -1. */
static int
get_index(reader *r, const json_t *o, const char *key)
{
    const json_t *j = json_object_get(o, key);
    return j ? (int)int_of(r, j, key, 0, INT32_MAX) : -1;
}

static double
get_real(reader *r, const json_t *o, const char *key)
{
    const json_t *j = json_object_get(o, key);
    double v = json_is_number(j) ? json_number_value(j) : -1;
    if (!(v >= 0) || isinf(v))
        fail(r, key, "a number from 0");
    return v;
}

static bool
get_bool(reader *r, const json_t *o, const char *key, bool optional)
{
    const json_t *j = json_object_get(o, key);
    if (!json_is_boolean(j) && (j || !optional))
        fail(r, key, "true or false");
    return json_is_true(j);
}

/* The index of a word in a list of names. */
static int
get_word(reader *r, const json_t *o, const char *key, const char *(*name)(int), int n)
{
    const char *text = json_string_value(json_object_get(o, key));
    for (int i = 0; text && i < n; i++)
        if (!strcmp(name(i), text))
            return i;
    fail(r, key, "a word that weft knows");
    return 0;
}

/* The array under key with its length; a limit keeps hostile lists from costing too much. */
static const json_t *
get_array(reader *r, const json_t *o, const char *key, size_t most, int *n)
{
    const json_t *j = json_object_get(o, key);
    size_t size = json_array_size(j);
    if (!json_is_array(j))
        fail(r, key, "an array");
    else if (size > most) {
        char want[80];
        snprintf(want, sizeof want, "an array of at most %zu elements", most);
        fail(r, key, want);
    }
    *n = r->failed ? 0 : (int)size;
    return j;
}

static const char *const *
get_texts(reader *r, const json_t *o, const char *key, int *n)
{
    const json_t *j = get_array(r, o, key, INT32_MAX, n);
    const char **text = WEFT_NEW_ARRAY(r->arena, *n, const char *);
    for (int i = 0; i < *n; i++)
        text[i] = text_of(r, json_array_get(j, (size_t)i), key, false);
    return text;
}

static void
get_three_texts(reader *r, const json_t *o, const char *key, const char *out[3])
{
    int n;
    const char *const *text = get_texts(r, o, key, &n);
    if (n != 3)
        fail(r, key, "an array of three expressions");
    for (int i = 0; i < 3; i++)
        out[i] = n == 3 ? text[i] : "1";
}

static void
get_three(reader *r, const json_t *o, const char *key, int64_t out[3])
{
    int n;
    const json_t *j = get_array(r, o, key, 3, &n);
    if (n != 3)
        fail(r, key, "an array of three numbers");
    for (int i = 0; i < 3; i++)
        out[i] = n == 3 ? int_of(r, json_array_get(j, (size_t)i), key, 0, INT64_MAX) : 0;
}

static int *
get_indices(reader *r, const json_t *o, const char *key, int *n)
{
    const json_t *j = get_array(r, o, key, WEFT_MAX_TENSORS, n);
    int *index = WEFT_NEW_ARRAY(r->arena, *n, int);
    for (int i = 0; i < *n; i++)
        index[i] = (int)int_of(r, json_array_get(j, (size_t)i), key, 0, INT32_MAX);
    return index;
}

/* ---- the parts of a manifest ----------------------------------------------------------------- */

static const char *
api_word(int i)
{
    return weft_api_name((weft_api)i);
}

static const char *
class_word(int i)
{
    return weft_class_name((weft_class)i);
}

static const char *
role_word(int i)
{
    return weft_role_names[i];
}

static const char *
dtype_word(int i)
{
    return weft_dtype_name((weft_dtype)i);
}

static const char *
numerics_word(int i)
{
    return weft_numerics_name((weft_numerics)i);
}

static void
read_profile(reader *r, const json_t *o, weft_target *t)
{
    const char *name = get_text(r, o, "name", false);
    if (strlen(name) >= sizeof t->name)
        fail(r, "name", "a profile's name of at most 63 bytes");
    else
        memcpy(t->name, name, strlen(name) + 1);
    t->api = (weft_api)get_word(r, o, "api", api_word, WEFT_API_COUNT);
    t->cls = (weft_class)get_word(r, o, "class", class_word, WEFT_CLASS_COUNT);
#define INT(f)             t->f = (int)get_int(r, o, #f, 0, INT32_MAX);
#define LONG(f)            t->f = get_int(r, o, #f, 0, INT64_MAX);
#define BOOL(f)            t->f = get_bool(r, o, #f, false);
#define REAL(f)            t->f = get_real(r, o, #f);
#define INT3(f)            get_three(r, o, #f, t->f);
#define FIELD(kind, field) kind(field)
#include "runtime/target_fields.def"
#undef FIELD
#undef INT
#undef LONG
#undef BOOL
#undef REAL
#undef INT3
}

static void
read_symbol(reader *r, const json_t *o, weft_mod_symbol *s)
{
    s->name = get_text(r, o, "name", false);
    s->min = get_text(r, o, "min", true);
    s->max = get_text(r, o, "max", true);
    s->multiple = get_text(r, o, "multiple", true);
}

static void
read_tensor(reader *r, const json_t *o, weft_mod_tensor *t)
{
    t->name = get_text(r, o, "name", false);
    t->role = (weft_role)get_word(r, o, "role", role_word, 4);
    t->dtype = (weft_dtype)get_word(r, o, "dtype", dtype_word, WEFT_DTYPE_COUNT);
    t->dim = get_texts(r, o, "dims", &t->ndim);
    t->alias = get_index(r, o, "alias");
    if (json_object_get(o, "at"))
        t->at = get_int(r, o, "at", 0, WEFT_MAX_AT);
    t->in_place = get_index(r, o, "in_place");
    if (t->role == WEFT_ROLE_TEMP) {
        t->first = (int)get_int(r, o, "first", -1, INT32_MAX);
        t->last = (int)get_int(r, o, "last", -1, INT32_MAX);
    }
    t->blob = get_text(r, o, "blob", true);
}

/* The mask of what the kernel needs; what is not known here cannot be given. */
static uint32_t
read_needs(reader *r, const json_t *o)
{
    int n = 0;
    uint32_t mask = 0;
    if (!json_object_get(o, "needs"))
        return 0;
    const json_t *list = get_array(r, o, "needs", WEFT_NEED_COUNT, &n);
    for (int i = 0; i < n; i++) {
        const char *word = text_of(r, json_array_get(list, (size_t)i), "needs", false);
        int need = 0;
        while (need < WEFT_NEED_COUNT && strcmp(weft_need_name((weft_need)need), word) != 0)
            need++;
        if (need == WEFT_NEED_COUNT)
            fail(r, "needs", "a list of what this version of weft knows");
        else
            mask |= 1u << need;
    }
    return mask;
}

static void
read_kernel(reader *r, const json_t *o, weft_mod_kernel *k)
{
    const json_t *scalars = get_array(r, o, "scalars", 1 << 16, &k->nscalar);
    uint8_t *scalar = WEFT_NEW_ARRAY(r->arena, k->nscalar, uint8_t);
    for (int i = 0; i < k->nscalar; i++) {
        const char *word = text_of(r, json_array_get(scalars, (size_t)i), "scalars", false);
        scalar[i] = (uint8_t)weft_dtype_parse(word, strlen(word));
    }
    k->scalar = scalar;
    k->name = get_text(r, o, "name", false);
    k->nbuffer = (int)get_int(r, o, "buffers", 0, 1 << 16);
    k->sha256 = get_text(r, o, "sha256", true);
    get_three(r, o, "block", k->block);
    k->subgroup = json_object_get(o, "subgroup") ? (int)get_int(r, o, "subgroup", 0, 1 << 16) : 0;
    if (json_object_get(o, "shared_bytes"))
        k->shared_bytes = get_int(r, o, "shared_bytes", 0, INT64_C(1) << 40);
    k->needs = read_needs(r, o);
}

static const char *
step_word(int i)
{
    return weft_step_names[i];
}

static void
read_launch(reader *r, const json_t *o, weft_mod_step *s)
{
    s->kernel = (int)get_int(r, o, "launch", 0, INT32_MAX);
    get_three_texts(r, o, "grid", s->grid);
    get_three_texts(r, o, "block", s->block);
    s->scalar = get_texts(r, o, "scalars", &s->nscalar);
    if (json_object_get(o, "reach"))
        s->reach = get_texts(r, o, "reach", &s->nreach);
    s->iterations = get_text(r, o, "iterations", true);
    s->flops = get_real(r, o, "flops");
    s->bytes = get_real(r, o, "bytes");
}

static void
read_flow(reader *r, const json_t *o, weft_mod_step *s)
{
    bool over = s->kind == WEFT_STEP_IF || s->kind == WEFT_STEP_LOOP;
    s->kernel = -1;
    s->symbol = get_index(r, o, "symbol");
    s->count = get_index(r, o, "count");
    s->bound = get_text(r, o, "bound", s->kind == WEFT_STEP_COPY);
    s->test = get_text(r, o, "test", true);
    s->nbody = over ? (int)get_int(r, o, "steps", 0, WEFT_MAX_STEPS) : 0;
}

static void
read_step(reader *r, const json_t *o, weft_mod_step *s)
{
    const json_t *buffers = get_array(r, o, "buffers", 1 << 16, &s->nbuffer);
    weft_mod_arg *arg = WEFT_NEW_ARRAY(r->arena, s->nbuffer, weft_mod_arg);
    s->kind = json_object_get(o, "kind")
                  ? (weft_step_kind)get_word(r, o, "kind", step_word, WEFT_STEP_LOOP + 1)
                  : WEFT_STEP_LAUNCH;
    for (int i = 0; i < s->nbuffer; i++) {
        const json_t *a = json_array_get(buffers, (size_t)i);
        arg[i].tensor = (int)get_int(r, a, "tensor", 0, INT32_MAX);
        arg[i].offset = get_text(r, a, "offset", true);
        arg[i].written = get_bool(r, a, "written", true);
    }
    s->buffer = arg;
    s->layers = get_text(r, o, "layers", true);
    if (s->kind == WEFT_STEP_LAUNCH)
        read_launch(r, o, s);
    else
        read_flow(r, o, s);
}

/* Reads the list `key` of o into a new array of *n elements of `type`. */
#define READ_LIST(r, o, key, most, type, read, out, n)                                             \
    do {                                                                                           \
        const json_t *list_ = get_array(r, o, key, most, n);                                       \
        out = WEFT_NEW_ARRAY((r)->arena, *(n), type);                                              \
        (r)->list = key;                                                                           \
        for (int i_ = 0; i_ < *(n) && !(r)->failed; i_++) {                                        \
            (r)->index = (size_t)i_;                                                               \
            read(r, json_array_get(list_, (size_t)i_), &(out)[i_]);                                \
        }                                                                                          \
        (r)->list = NULL;                                                                          \
    } while (0)

static void
read_program(reader *r, const json_t *o, weft_program *p)
{
    p->target = get_text(r, o, "target", false);
    p->numerics = (weft_numerics)get_word(r, o, "numerics", numerics_word, 3);
    r->list = "profile";
    r->index = NO_INDEX;
    read_profile(r, json_object_get(o, "profile"), &p->profile);
    r->list = NULL;
    p->input = get_indices(r, o, "inputs", &p->ninput);
    p->output = get_indices(r, o, "outputs", &p->noutput);
    READ_LIST(r, o, "tensors", WEFT_MAX_TENSORS, weft_mod_tensor, read_tensor, p->tensor,
              &p->ntensor);
    READ_LIST(r, o, "kernels", WEFT_MAX_STEPS, weft_mod_kernel, read_kernel, p->kernel,
              &p->nkernel);
    READ_LIST(r, o, "plan", WEFT_MAX_STEPS, weft_mod_step, read_step, p->step, &p->nstep);
}

static void
read_top(reader *r, const json_t *top, weft_module *m)
{
    const char *format = json_string_value(json_object_get(top, "format"));
    if (!format || strcmp(format, "weft")) {
        fail(r, "format", "\"weft\": this is not a weft module");
        return;
    }
    if (get_int(r, top, "version", 0, INT64_MAX) != 1)
        fail(r, "version", "1, the only one this weft reads");
    m->model = get_text(r, top, "model", false);
    READ_LIST(r, top, "symbols", 1 << 12, weft_mod_symbol, read_symbol, m->symbol, &m->nsymbol);
    int n;
    const json_t *programs = get_array(r, top, "programs", 1 << 10, &n);
    m->program = WEFT_NEW_ARRAY(r->arena, n, weft_program);
    for (; m->nprogram < n && !r->failed; m->nprogram++) {
        r->program = m->nprogram;
        read_program(r, json_array_get(programs, (size_t)r->program), &m->program[r->program]);
    }
}

weft_status
weft_manifest_parse(weft_module *m, const char *text, size_t n, weft_diag *diag)
{
    json_error_t error;
    json_t *top = json_loadb(text, n, JSON_REJECT_DUPLICATES, &error);
    if (!top)
        return weft_fail(diag, WEFT_INVALID_INPUT, "manifest.json:%d:%d: %s", error.line,
                         error.column, error.text);
    reader r = { .arena = &m->arena, .diag = diag, .program = -1 };
    read_top(&r, top, m);
    json_decref(top);
    return r.failed ? WEFT_INVALID_INPUT : WEFT_OK;
}
