/* Sessions: made of a module's program and its kernels (session_kernels.c); moving data in and out.
 * Binding shapes is in session_bind.c, running in session_run.c. */
#include "runtime/session_priv.h"

#include <stdlib.h>
#include <string.h>

/* ---- expressions ----------------------------------------------------------------------------- */

static void
add_symbol(weft_session *s, int symbol)
{
    if (s->symbol_of[symbol] >= 0)
        return;
    s->symbol_of[symbol] = s->nsymbol;
    s->symbol[s->nsymbol] = &s->module->symbol[symbol];
    s->symbol_name[s->nsymbol++] = s->module->symbol[symbol].name;
}

/* Whether the symbol stands alone as a dimension of an input: no other dimension can bind it. */
static bool
is_bound(const weft_session *s, const char *symbol)
{
    for (int k = 0; k < s->program->ninput; k++) {
        const weft_mod_tensor *t = &s->program->tensor[s->program->input[k]];
        for (int d = 0; d < t->ndim; d++)
            if (!strcmp(t->dim[d], symbol))
                return true;
    }
    return false;
}

static void
find_symbols(weft_session *s)
{
    const weft_module *m = s->module;
    s->symbol_name = WEFT_NEW_ARRAY(&s->arena, m->nsymbol, const char *);
    s->symbol = WEFT_NEW_ARRAY(&s->arena, m->nsymbol, const weft_mod_symbol *);
    s->symbol_of = WEFT_NEW_ARRAY(&s->arena, m->nsymbol, int);
    for (int i = 0; i < m->nsymbol; i++)
        s->symbol_of[i] = -1;
    for (int i = 0; i < m->nsymbol; i++)
        if (is_bound(s, m->symbol[i].name))
            add_symbol(s, i);
    s->nbound = s->nsymbol;
    for (int i = 0; i < s->program->nstep; i++) {
        const weft_mod_step *step = &s->program->step[i];
        if (step->kind == WEFT_STEP_READ || step->kind == WEFT_STEP_LOOP)
            add_symbol(s, step->symbol);
        if (step->kind == WEFT_STEP_LOOP && step->count >= 0)
            add_symbol(s, step->count);
    }
}

static bool
parse(weft_session *s, const char *text, const weft_iexpr **e, weft_diag *diag)
{
    *e = text ? weft_iexpr_parse(&s->arena, diag, text, s->nsymbol, s->symbol_name) : NULL;
    return *e || !text;
}

static bool
parse_all(weft_session *s, const char *const *text, int n, const weft_iexpr **e, weft_diag *diag)
{
    bool good = true;
    for (int i = 0; i < n && good; i++)
        good = parse(s, text[i], &e[i], diag);
    return good;
}

static bool
mentions(int n, const weft_iexpr *const *e, const bool *marked)
{
    for (int i = 0; i < n; i++)
        if (e[i] && weft_iexpr_mentions(e[i], marked))
            return true;
    return false;
}

bool
weft_session_varies(const weft_session *s, int i, const bool *unknown)
{
    const weft_mod_step *step = &s->program->step[i];
    const weft_step_exprs *e = &s->step_expr[i];
    bool found = mentions(3, e->grid, unknown) || mentions(3, e->block, unknown) ||
                 mentions(step->nbuffer, e->offset, unknown) ||
                 mentions(step->nscalar, e->scalar, unknown) ||
                 mentions(step->nreach, e->reach, unknown) ||
                 mentions(1, &e->iterations, unknown) || mentions(1, &e->bound, unknown);
    for (int k = 0; k < step->nbuffer; k++)
        found = found || s->varies[step->buffer[k].tensor];
    return found;
}

static bool
parse_step(weft_session *s, const weft_mod_step *step, weft_step_exprs *e, weft_diag *diag)
{
    e->offset = WEFT_NEW_ARRAY(&s->arena, step->nbuffer, const weft_iexpr *);
    e->scalar = WEFT_NEW_ARRAY(&s->arena, step->nscalar, const weft_iexpr *);
    e->reach = WEFT_NEW_ARRAY(&s->arena, step->nreach, const weft_iexpr *);
    bool good = parse_all(s, step->grid, 3, e->grid, diag) &&
                parse_all(s, step->block, 3, e->block, diag) &&
                parse_all(s, step->scalar, step->nscalar, e->scalar, diag) &&
                parse_all(s, step->reach, step->nreach, e->reach, diag) &&
                parse(s, step->iterations, &e->iterations, diag) &&
                parse(s, step->bound, &e->bound, diag) && parse(s, step->test, &e->test, diag);
    for (int i = 0; i < step->nbuffer && good; i++)
        good = parse(s, step->buffer[i].offset, &e->offset[i], diag);
    return good;
}

static weft_status
parse_program(weft_session *s, weft_diag *diag)
{
    const weft_program *p = s->program;
    bool good = true;
    find_symbols(s);
    s->unknown = WEFT_NEW_ARRAY(&s->arena, s->nsymbol, bool);
    for (int i = s->nbound; i < s->nsymbol; i++)
        s->unknown[i] = true;
    s->dim_expr = WEFT_NEW_ARRAY(&s->arena, p->ntensor, const weft_iexpr **);
    s->varies = WEFT_NEW_ARRAY(&s->arena, p->ntensor, bool);
    s->step_expr = WEFT_NEW_ARRAY(&s->arena, p->nstep, weft_step_exprs);
    for (int i = 0; i < p->ntensor && good; i++) {
        s->dim_expr[i] = WEFT_NEW_ARRAY(&s->arena, p->tensor[i].ndim, const weft_iexpr *);
        good = parse_all(s, p->tensor[i].dim, p->tensor[i].ndim, s->dim_expr[i], diag);
        s->varies[i] = good && mentions(p->tensor[i].ndim, s->dim_expr[i], s->unknown);
    }
    for (int i = 0; i < p->nstep && good; i++)
        good = parse_step(s, &p->step[i], &s->step_expr[i], diag);
    for (int i = 0; i < p->nstep && good; i++)
        s->step_expr[i].varies = weft_session_varies(s, i, s->unknown);
    if (!good)
        return weft_fail(
            diag, WEFT_INVALID_INPUT,
            "program '%s' has an expression over a symbol that neither a dimension of an input nor "
            "a step binds",
            p->target);
    s->root = WEFT_NEW_ARRAY(&s->arena, p->ntensor, int);
    s->first = WEFT_NEW_ARRAY(&s->arena, p->ntensor, int);
    s->last = WEFT_NEW_ARRAY(&s->arena, p->ntensor, int);
    s->at = WEFT_NEW_ARRAY(&s->arena, p->ntensor, int64_t);
    bool acyclic = weft_alias_roots(p, s->root, s->at);
    weft_assert(acyclic, "an unchecked module");
    weft_root_lives(p, s->root, s->first, s->last);
    return WEFT_OK;
}

/* ---- creation -------------------------------------------------------------------------------- */

/* kernels NULL: its own are loaded. */
static weft_status
create(weft_module *m, const weft_program *p, weft_device *d, const weft_kernels *kernels,
       int first_kernel, weft_diag *diag, weft_session **session)
{
    weft_session *s = *session = calloc(1, sizeof *s);
    if (!s)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a session");
    s->module = m;
    s->device = d;
    s->program = p;
    weft_status status = parse_program(s, diag);
    if (!status && !kernels) {
        status = weft_kernels_of(1, &m, &p, d, diag, &s->own);
        kernels = s->own;
    }
    if (!status) {
        s->code = kernels->code;
        s->first_kernel = first_kernel;
        status = weft_session_note(s, weft_session_place_constants(s, diag), diag);
    }
    if (!status && !s->nbound)
        status = weft_session_bind(s, NULL, diag);
    if (status) {
        weft_session_destroy(s);
        *session = NULL;
    }
    return status;
}

weft_status
weft_session_create(weft_module *m, weft_device *d, const char *target, weft_diag *diag,
                    weft_session **session)
{
    *session = NULL;
    const weft_program *p = weft_session_choose(m, d, target, diag);
    return p ? create(m, p, d, NULL, 0, diag, session) : WEFT_NOT_FOUND;
}

weft_status
weft_session_create_with(const weft_kernels *k, int module, weft_diag *diag, weft_session **session)
{
    weft_status status = weft_device_alive(k->device, diag);
    *session = NULL;
    return status ? status
                  : create(k->module[module], k->program[module], k->device, k, k->first[module],
                           diag, session);
}

void
weft_session_destroy(weft_session *s)
{
    if (!s)
        return;
    if (!s->device->lost)
        s->device->driver->sync(s->device, NULL);
    weft_session_unbind(s);
    weft_memories_free(s->device, &s->constants);
    weft_kernels_unload(s->own);
    weft_arena_reset(&s->bound_arena);
    weft_arena_reset(&s->arena);
    free(s);
}

const weft_program *
weft_session_program(const weft_session *s)
{
    return s->program;
}

int64_t
weft_session_arena_bytes(const weft_session *s)
{
    return s->inputs.bytes + s->arenas.bytes;
}

/* ---- data in and out ------------------------------------------------------------------------- */

static weft_status
need_shapes(const weft_session *s, weft_diag *diag)
{
    return s->bound ? WEFT_OK
                    : weft_fail(diag, WEFT_INVALID_ARGUMENT,
                                "no shapes are bound; bind the shapes of the model's inputs first");
}

weft_status
weft_session_need_bound(const weft_session *s, weft_diag *diag)
{
    weft_status status = weft_session_alive(s, diag);
    return status ? status : need_shapes(s, diag);
}

static weft_status
check_bytes(const weft_session *s, int tensor, size_t bytes, weft_diag *diag)
{
    if ((uint64_t)s->bytes[tensor] == bytes)
        return WEFT_OK;
    return weft_fail(diag, WEFT_INVALID_ARGUMENT, "tensor '%s' has %lld bytes; %zu were given",
                     s->program->tensor[tensor].name, (long long)s->bytes[tensor], bytes);
}

weft_status
weft_session_set_input(weft_session *s, int input, const void *data, size_t bytes, weft_diag *diag)
{
    weft_status status = weft_session_need_bound(s, diag);
    if (status)
        return status;
    if (input < 0 || input >= s->program->ninput)
        return weft_fail(diag, WEFT_INVALID_ARGUMENT, "there is no input %d among %d", input,
                         s->program->ninput);
    int t = s->program->input[input];
    status = check_bytes(s, t, bytes, diag);
    if (status)
        return status;
    if (bytes)
        status = s->device->driver->upload(s->device, s->place[t].memory, s->place[t].offset, data,
                                           (int64_t)bytes, diag);
    s->input_set[input] = !status; /* half an input is none */
    return weft_session_note(s, status, diag);
}

static weft_status
download(weft_session *s, int tensor, void *data, size_t bytes, weft_diag *diag)
{
    weft_status status = check_bytes(s, tensor, bytes, diag);
    const weft_tensor_place *p = &s->place[tensor];
    if (status || !bytes)
        return status;
    if (!p->memory)
        return weft_fail(diag, WEFT_INVALID_ARGUMENT, "tensor '%s' is never computed",
                         s->program->tensor[tensor].name);
    status =
        s->device->driver->download(s->device, p->memory, p->offset, data, (int64_t)bytes, diag);
    return weft_session_note(s, status, diag);
}

weft_status
weft_session_get_output(weft_session *s, int output, void *data, size_t bytes, weft_diag *diag)
{
    weft_status status = weft_session_need_bound(s, diag);
    if (status)
        return status;
    if (output < 0 || output >= s->program->noutput)
        return weft_fail(diag, WEFT_INVALID_ARGUMENT, "there is no output %d among %d", output,
                         s->program->noutput);
    return download(s, s->program->output[output], data, bytes, diag);
}

/* Whether the tensor is one whose memory is its own. */
static weft_status
need_kept(const weft_session *s, int tensor, weft_diag *diag)
{
    weft_status status = weft_session_need_bound(s, diag);
    if (status)
        return status;
    if (tensor < 0 || tensor >= s->program->ntensor)
        return weft_fail(diag, WEFT_INVALID_ARGUMENT, "there is no tensor %d among %d", tensor,
                         s->program->ntensor);
    if (s->program->tensor[s->root[tensor]].role == WEFT_ROLE_TEMP && !s->keep_temps)
        return weft_fail(
            diag, WEFT_INVALID_ARGUMENT,
            "tensor '%s' is a temporary; ask for temporaries to be kept before the run",
            s->program->tensor[tensor].name);
    return WEFT_OK;
}

weft_status
weft_session_get_tensor(weft_session *s, int tensor, void *data, size_t bytes, weft_diag *diag)
{
    weft_status status = need_kept(s, tensor, diag);
    if (!status)
        status = weft_session_resize(s, tensor, diag);
    return status ? status : download(s, tensor, data, bytes, diag);
}

weft_status
weft_session_set_tensor(weft_session *s, int tensor, const void *data, size_t bytes,
                        weft_diag *diag)
{
    weft_status status = need_kept(s, tensor, diag);
    if (!status)
        status = weft_session_resize(s, tensor, diag);
    if (!status)
        status = check_bytes(s, tensor, bytes, diag);
    if (status)
        return status;
    if (s->program->tensor[s->root[tensor]].role == WEFT_ROLE_CONSTANT)
        return weft_fail(diag, WEFT_INVALID_ARGUMENT,
                         "tensor '%s' is a constant; its contents are the module's",
                         s->program->tensor[tensor].name);
    const weft_tensor_place *p = &s->place[tensor];
    if (!bytes || !p->memory)
        return WEFT_OK;
    status = s->device->driver->upload(s->device, p->memory, p->offset, data, (int64_t)bytes, diag);
    return weft_session_note(s, status, diag);
}

weft_status
weft_session_dims(const weft_session *s, int tensor, int64_t *dims, weft_diag *diag)
{
    weft_status status = need_shapes(s, diag);
    if (status)
        return status;
    if (tensor < 0 || tensor >= s->program->ntensor)
        return weft_fail(diag, WEFT_INVALID_ARGUMENT, "there is no tensor %d among %d", tensor,
                         s->program->ntensor);
    for (int i = 0; i < s->program->tensor[tensor].ndim; i++)
        dims[i] = s->dim[tensor][i];
    return WEFT_OK;
}

weft_status
weft_session_poison(weft_session *s, weft_diag *diag)
{
    enum { CHUNK = 1 << 20 };
    weft_status status = weft_session_need_bound(s, diag);
    char *ones = status ? NULL : malloc(CHUNK);
    if (!status && !ones)
        status = weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for a pattern of %d bytes", CHUNK);
    if (ones)
        memset(ones, 0xff, CHUNK);
    for (int i = 0; i < s->arenas.n && !status; i++)
        for (int64_t at = 0; at < s->arenas.size[i] && !status; at += CHUNK) {
            int64_t n = s->arenas.size[i] - at < CHUNK ? s->arenas.size[i] - at : CHUNK;
            status = s->device->driver->upload(s->device, s->arenas.at[i], at, ones, n, diag);
        }
    free(ones);
    if (!status)
        status = weft_session_set_guards(s, diag);
    return weft_session_note(s, status, diag);
}
