/* Binding shapes: symbols get values, expressions become numbers, tensors get places in arenas,
 * launches are checked against the device's limits and recorded (session_record.c).  After this a
 * run allocates nothing. */
#include "runtime/session_priv.h"

#include <string.h>

enum { ALIGN = 64 }; /* of every tensor at least: the widest vector load */

/* ---- device memory --------------------------------------------------------------------------- */

static weft_status
no_room(const weft_device *d, const char *what, int n, const int64_t *size, weft_diag *diag)
{
    int64_t total = 0;
    for (int i = 0; i < n; i++)
        total += size[i];
    return weft_fail(diag, WEFT_OUT_OF_MEMORY,
                     "device '%s' (%s) has no room for the %s: %lld bytes; use smaller shapes, a "
                     "device with more memory, or end what else uses this one",
                     d->info.id, d->info.name, what, (long long)total);
}

/* Allocates n memories; after a failure the list holds those that were made. */
static weft_status
alloc_memories(weft_device *d, weft_memories *m, const char *what, int n, const int64_t *size,
               weft_arena *arena, weft_diag *diag)
{
    weft_status s = WEFT_OK;
    *m = (weft_memories){ .at = WEFT_NEW_ARRAY(arena, n, weft_memory *),
                          .size = WEFT_NEW_ARRAY(arena, n, int64_t) };
    for (int i = 0; i < n && !s; i++) {
        m->size[i] = size[i];
        s = d->driver->alloc(d, size[i], &m->at[i], diag);
        if (s)
            break;
        m->bytes += size[i];
        m->n++;
    }
    if (s == WEFT_OUT_OF_MEMORY)
        no_room(d, what, n, size, diag);
    return s;
}

void
weft_memories_free(weft_device *d, weft_memories *m)
{
    for (int i = 0; i < m->n; i++)
        d->driver->free(d, m->at[i]);
    *m = (weft_memories){ 0 };
}

static int64_t
alignment(const weft_session *s)
{
    int64_t need = s->device->info.target.offset_align, a = ALIGN;
    while (a < need)
        a *= 2;
    return a;
}

static int64_t
alloc_limit(const weft_session *s)
{
    int64_t limit = s->device->info.target.max_alloc;
    return limit > 0 ? limit : INT64_MAX / 2;
}

/* Bytes that a tensor takes in an arena: an empty one too has an address. */
static int64_t
room(int64_t bytes)
{
    return bytes > ALIGN ? weft_round_up(bytes, ALIGN) : ALIGN;
}

/* The same where temporaries are kept: with a guard, or not a byte too many. */
static int64_t
kept_room(const weft_session *s, int64_t bytes)
{
    if (weft_session_apart(s))
        return bytes ? bytes : 1;
    return room(bytes) + weft_session_guard(s);
}

/* ---- constants ------------------------------------------------------------------------------- */

static weft_status
upload_blobs(weft_session *s, const int *arena_of, const int64_t *offset, weft_diag *diag)
{
    const weft_device *d = s->device;
    weft_status status = WEFT_OK;
    for (int i = 0; i < s->module->nblob && !status; i++) {
        const weft_blob *b = &s->module->blob[i];
        if (arena_of[i] >= 0 && b->size)
            status = d->driver->upload(s->device, s->constants.at[arena_of[i]], offset[i], b->data,
                                       (int64_t)b->size, diag);
    }
    return status;
}

/* Lays the blobs that are used one after the other into arenas of at most the limit. */
static weft_status
place_blobs(weft_session *s, int *arena_of, int64_t *offset, weft_diag *diag)
{
    const weft_module *m = s->module;
    int64_t *size = WEFT_NEW_ARRAY(&s->arena, m->nblob, int64_t), limit = alloc_limit(s);
    int n = 0;
    for (int i = 0; i < m->nblob; i++) {
        if (arena_of[i] < 0)
            continue;
        int64_t need = weft_round_up(room((int64_t)m->blob[i].size), alignment(s));
        if (need > limit)
            return weft_fail(
                diag, WEFT_LIMIT,
                "a constant of %zu bytes (blob %.12s...); device '%s' (%s) allocates at "
                "most %lld at once; use another device",
                m->blob[i].size, m->blob[i].key, s->device->info.id, s->device->info.name,
                (long long)limit);
        if (!n || need > limit - size[n - 1])
            n++;
        arena_of[i] = n - 1;
        offset[i] = size[n - 1];
        size[n - 1] += need;
    }
    return alloc_memories(s->device, &s->constants, "model's constants", n, size, &s->arena, diag);
}

weft_status
weft_session_place_constants(weft_session *s, weft_diag *diag)
{
    const weft_program *p = s->program;
    const weft_module *m = s->module;
    weft_arena scratch = { 0 };
    weft_map *blobs = weft_map_create(&scratch);
    int *blob_of = WEFT_NEW_ARRAY(&scratch, p->ntensor, int);
    int *arena_of = WEFT_NEW_ARRAY(&scratch, m->nblob, int);
    int64_t *offset = WEFT_NEW_ARRAY(&scratch, m->nblob, int64_t);
    for (int i = 0; i < m->nblob; i++) {
        *weft_map_slot(blobs, m->blob[i].key, strlen(m->blob[i].key)) = i;
        arena_of[i] = -1;
    }
    for (int i = 0; i < p->ntensor; i++) {
        const char *key = p->tensor[i].blob;
        blob_of[i] = key ? (int)weft_map_get(blobs, key, strlen(key)) : -1;
        if (blob_of[i] >= 0)
            arena_of[blob_of[i]] = 0;
    }
    s->constant = WEFT_NEW_ARRAY(&s->arena, p->ntensor, weft_tensor_place);
    weft_status status = place_blobs(s, arena_of, offset, diag);
    if (!status)
        status = upload_blobs(s, arena_of, offset, diag);
    for (int i = 0; i < p->ntensor && !status; i++)
        if (blob_of[i] >= 0)
            s->constant[i] =
                (weft_tensor_place){ s->constants.at[arena_of[blob_of[i]]], offset[blob_of[i]] };
    weft_arena_reset(&scratch);
    return status;
}

/* ---- symbols and shapes ---------------------------------------------------------------------- */

static int
find_symbol(const weft_session *s, const char *text)
{
    for (int i = 0; i < s->nbound; i++)
        if (!strcmp(s->symbol_name[i], text))
            return i;
    return -1;
}

static int64_t
number(const char *text, int64_t otherwise)
{
    int64_t v = otherwise;
    weft_arena a = { 0 };
    const weft_iexpr *e = text ? weft_iexpr_parse(&a, NULL, text, 0, NULL) : NULL;
    if (e && weft_iexpr_eval(e, NULL, NULL, &v))
        v = otherwise;
    weft_arena_reset(&a);
    return v;
}

static weft_status
check_constraints(const weft_session *s, int symbol, weft_diag *diag)
{
    const weft_mod_symbol *y = s->symbol[symbol];
    int64_t v = s->symbol_value[symbol], multiple = number(y->multiple, 1);
    if (v < number(y->min, 0) || v > number(y->max, INT64_MAX) || (multiple > 0 && v % multiple))
        return weft_fail(diag, WEFT_INVALID_ARGUMENT,
                         "dimension '%s' = %lld is not possible: it is at least %s, at most %s, a "
                         "multiple of %s",
                         y->name, (long long)v, y->min ? y->min : "0", y->max ? y->max : "anything",
                         y->multiple ? y->multiple : "1");
    return WEFT_OK;
}

/* Symbols from the dimensions in which they stand alone. */
static weft_status
bind_symbols(weft_session *s, const int64_t *const *dims, weft_diag *diag)
{
    weft_status status = WEFT_OK;
    s->symbol_value = WEFT_NEW_ARRAY(&s->bound_arena, s->nsymbol, int64_t);
    for (int i = 0; i < s->nbound; i++)
        s->symbol_value[i] = -1;
    if (s->nbound && !dims)
        return weft_fail(diag, WEFT_INVALID_ARGUMENT, "dimension '%s' needs a value",
                         s->symbol_name[0]);
    for (int i = 0; i < s->program->ninput && dims; i++) {
        const weft_mod_tensor *t = &s->program->tensor[s->program->input[i]];
        for (int d = 0; d < t->ndim; d++) {
            int y = find_symbol(s, t->dim[d]);
            if (y >= 0 && s->symbol_value[y] < 0)
                s->symbol_value[y] = dims[i][d];
        }
    }
    for (int i = 0; i < s->nbound && !status; i++)
        status = check_constraints(s, i, diag);
    return status;
}

/* The largest value of an expression in what the bound symbols are and the others can be; what
 * cannot be told has no bound. */
static int64_t
most_of(const weft_session *s, const weft_iexpr *e)
{
    int64_t least, most;
    if (weft_iexpr_range(e, s->symbol_value, s->symbol_most, NULL, &least, &most))
        return INT64_MAX;
    return most > 0 ? most : 0;
}

/* How large what steps bind can be: in their order, as one's bound mentions others before it. */
static void
bound_symbols(weft_session *s)
{
    s->symbol_most = WEFT_NEW_ARRAY(&s->bound_arena, s->nsymbol, int64_t);
    memcpy(s->symbol_most, s->symbol_value, (size_t)s->nbound * sizeof *s->symbol_most);
    for (int i = 0; i < s->program->nstep; i++) {
        const weft_mod_step *step = &s->program->step[i];
        if (step->kind != WEFT_STEP_READ && step->kind != WEFT_STEP_LOOP)
            continue;
        bool loop = step->kind == WEFT_STEP_LOOP;
        int64_t most = most_of(s, s->step_expr[i].bound);
        s->symbol_most[s->symbol_of[step->symbol]] = loop && most ? most - 1 : most;
        if (loop && step->count >= 0)
            s->symbol_most[s->symbol_of[step->count]] = most;
    }
}

/* Bytes of the tensor in its dims. */
static weft_status
count_bytes(const weft_session *s, int i, weft_diag *diag)
{
    const weft_mod_tensor *t = &s->program->tensor[i];
    int64_t count = 1;
    for (int d = 0; d < t->ndim; d++)
        if (s->dim[i][d] && !weft_mul64(count, s->dim[i][d], &count))
            return weft_fail(diag, WEFT_LIMIT, "tensor '%s' has too many elements", t->name);
    for (int d = 0; d < t->ndim; d++)
        count = s->dim[i][d] ? count : 0;
    if (!weft_dtype_bytes(t->dtype, count, &s->bytes[i]) || s->bytes[i] > INT64_MAX / 4)
        return weft_fail(diag, WEFT_LIMIT, "tensor '%s' has too many elements%s", t->name,
                         s->varies[i] ? "; how many is known when the model runs alone" : "");
    return WEFT_OK;
}

static weft_status
set_dims(const weft_session *s, int i, weft_diag *diag)
{
    const weft_mod_tensor *t = &s->program->tensor[i];
    for (int d = 0; d < t->ndim; d++) {
        weft_status status =
            weft_iexpr_eval(s->dim_expr[i][d], s->symbol_value, diag, &s->dim[i][d]);
        if (status || s->dim[i][d] < 0)
            return weft_fail(diag, WEFT_INVALID_ARGUMENT,
                             "dimension %d of tensor '%s', %s, is not a size", d, t->name,
                             t->dim[d]);
    }
    return count_bytes(s, i, diag);
}

static weft_status
bind_tensor(weft_session *s, int i, weft_diag *diag)
{
    const weft_mod_tensor *t = &s->program->tensor[i];
    s->dim[i] = WEFT_NEW_ARRAY(&s->bound_arena, t->ndim, int64_t);
    for (int d = 0; d < t->ndim && s->varies[i]; d++)
        s->dim[i][d] = most_of(s, s->dim_expr[i][d]);
    weft_status status = s->varies[i] ? count_bytes(s, i, diag) : set_dims(s, i, diag);
    s->room[i] = s->bytes[i];
    return status;
}

weft_status
weft_session_resize(const weft_session *s, int tensor, weft_diag *diag)
{
    if (!s->varies[tensor])
        return WEFT_OK;
    weft_status status = set_dims(s, tensor, diag);
    int64_t left = weft_session_left(s, tensor);
    if (!status && s->bytes[tensor] > left)
        status = weft_fail(diag, WEFT_LIMIT, "tensor '%s' has %lld bytes; there is room for %lld",
                           s->program->tensor[tensor].name, (long long)s->bytes[tensor],
                           (long long)(left > 0 ? left : 0));
    return status;
}

/* Whether the tensor lies within its root, if its size is known. */
static weft_status
check_within(const weft_session *s, int i, weft_diag *diag)
{
    if (s->varies[i] || s->bytes[i] <= weft_session_left(s, i))
        return WEFT_OK;
    return weft_fail(diag, WEFT_INVALID_INPUT,
                     "tensor '%s' has %lld bytes and lies from byte %lld on in '%s', which has "
                     "%lld",
                     s->program->tensor[i].name, (long long)s->bytes[i], (long long)s->at[i],
                     s->program->tensor[s->root[i]].name, (long long)s->room[s->root[i]]);
}

static weft_status
check_given(const weft_session *s, const int64_t *const *dims, weft_diag *diag)
{
    for (int i = 0; i < s->program->ninput && dims; i++) {
        int t = s->program->input[i];
        for (int d = 0; d < s->program->tensor[t].ndim; d++)
            if (dims[i][d] != s->dim[t][d])
                return weft_mod_wrong_size(&s->program->tensor[t], d, dims[i][d], s->dim[t][d], diag);
    }
    return WEFT_OK;
}

static weft_status
bind_shapes(weft_session *s, const int64_t *const *dims, weft_diag *diag)
{
    const weft_program *p = s->program;
    s->dim = WEFT_NEW_ARRAY(&s->bound_arena, p->ntensor, int64_t *);
    s->bytes = WEFT_NEW_ARRAY(&s->bound_arena, p->ntensor, int64_t);
    s->room = WEFT_NEW_ARRAY(&s->bound_arena, p->ntensor, int64_t);
    s->input_set = WEFT_NEW_ARRAY(&s->bound_arena, p->ninput, bool);
    weft_status status = bind_symbols(s, dims, diag);
    if (!status)
        bound_symbols(s);
    for (int i = 0; i < p->ntensor && !status; i++)
        status = bind_tensor(s, i, diag);
    if (!status)
        status = check_given(s, dims, diag);
    for (int i = 0; i < p->ntensor && !status; i++)
        status = check_within(s, i, diag);
    return status;
}

/* ---- arenas ---------------------------------------------------------------------------------- */

/* Whether root i takes over the memory of another when that one dies; *from is set. */
static bool
takes_over(const weft_session *s, int i, int *from)
{
    const weft_program *p = s->program;
    if (s->keep_temps || p->tensor[i].role != WEFT_ROLE_TEMP || p->tensor[i].in_place < 0)
        return false;
    *from = s->root[p->tensor[i].in_place];
    return p->tensor[*from].role == WEFT_ROLE_TEMP && s->last[*from] == s->first[i] &&
           s->first[*from] < s->first[i] && s->room[i] <= s->room[*from];
}

/* For each root the root at the head of its chain of in-place pairs.  Chains end: lives begin
 * earlier with every link.  A memory is taken over once. */
static void
find_heads(const weft_session *s, weft_arena *scratch, int *head)
{
    int n = s->program->ntensor;
    int *link = WEFT_NEW_ARRAY(scratch, n, int);
    bool *taken = WEFT_NEW_ARRAY(scratch, n, bool);
    for (int i = 0; i < n; i++) {
        int from;
        link[i] = i;
        if (s->root[i] != i || !takes_over(s, i, &from) || taken[from])
            continue;
        taken[from] = true;
        link[i] = from;
    }
    for (int i = 0; i < n; i++) {
        head[i] = i;
        while (link[head[i]] != head[i])
            head[i] = link[head[i]];
    }
}

/* Inputs lie apart from what a run writes, so that this can be poisoned. */
static bool
needs_memory(const weft_session *s, int i, bool inputs)
{
    weft_role role = s->program->tensor[i].role;
    return s->root[i] == i && role != WEFT_ROLE_CONSTANT && (role == WEFT_ROLE_INPUT) == inputs &&
           s->first[i] <= s->last[i];
}

/* One item a chain, living as long as any of its tensors. */
static int
make_items(const weft_session *s, bool inputs, const int *head, weft_pack_item *item, int *item_of)
{
    int n = 0;
    for (int i = 0; i < s->program->ntensor; i++) {
        item_of[i] = -1;
        if (!needs_memory(s, i, inputs) || head[i] != i)
            continue;
        item_of[i] = n;
        item[n++] = (weft_pack_item){ .size = kept_room(s, s->room[i]),
                                      .align = alignment(s),
                                      .first = s->keep_temps ? 0 : s->first[i],
                                      .last = s->keep_temps ? s->program->nstep : s->last[i] };
    }
    for (int i = 0; i < s->program->ntensor; i++) {
        if (!needs_memory(s, i, inputs) || head[i] == i)
            continue;
        weft_pack_item *of = &item[item_of[head[i]]];
        of->last = s->last[i] > of->last ? s->last[i] : of->last;
        item_of[i] = item_of[head[i]];
    }
    return n;
}

static weft_status
check_sizes(const weft_session *s, bool inputs, weft_diag *diag)
{
    int64_t limit = alloc_limit(s);
    for (int i = 0; i < s->program->ntensor; i++)
        if (needs_memory(s, i, inputs) && kept_room(s, s->room[i]) > limit)
            return weft_fail(diag, WEFT_LIMIT,
                             "tensor '%s' has %lld bytes; device '%s' (%s) allocates at most %lld "
                             "at once; use smaller shapes or another device",
                             s->program->tensor[i].name, (long long)s->room[i], s->device->info.id,
                             s->device->info.name, (long long)limit);
    return WEFT_OK;
}

/* Every item an arena of its own; their number. */
static int
lay_apart(weft_arena *scratch, weft_pack_item *item, int n, int64_t **size)
{
    *size = WEFT_NEW_ARRAY(scratch, n, int64_t);
    for (int i = 0; i < n; i++) {
        item[i].arena = i;
        item[i].offset = 0;
        (*size)[i] = item[i].size;
    }
    return n;
}

static weft_status
place_roots(weft_session *s, bool inputs, weft_memories *to, weft_arena *scratch, weft_diag *diag)
{
    int ntensor = s->program->ntensor, narena = 0;
    int *head = WEFT_NEW_ARRAY(scratch, ntensor, int),
        *item_of = WEFT_NEW_ARRAY(scratch, ntensor, int);
    weft_pack_item *item = WEFT_NEW_ARRAY(scratch, ntensor, weft_pack_item);
    int64_t *size;
    find_heads(s, scratch, head);
    int n = make_items(s, inputs, head, item, item_of);
    weft_status status = check_sizes(s, inputs, diag);
    if (!status && weft_session_apart(s))
        narena = lay_apart(scratch, item, n, &size);
    else if (!status)
        status = weft_pack(scratch, diag, item, n, alloc_limit(s), &narena, &size);
    if (!status)
        status = alloc_memories(s->device, to, inputs ? "inputs" : "outputs and temporaries",
                                narena, size, &s->bound_arena, diag);
    for (int i = 0; i < ntensor && !status; i++)
        if (item_of[i] >= 0)
            s->place[i] =
                (weft_tensor_place){ to->at[item[item_of[i]].arena], item[item_of[i]].offset };
    return status;
}

static weft_status
place_tensors(weft_session *s, weft_arena *scratch, weft_diag *diag)
{
    int ntensor = s->program->ntensor;
    s->place = weft_arena_dup(&s->bound_arena, s->constant, (size_t)ntensor * sizeof *s->constant);
    weft_status status = place_roots(s, true, &s->inputs, scratch, diag);
    if (!status)
        status = place_roots(s, false, &s->arenas, scratch, diag);
    for (int i = 0; i < ntensor && !status; i++) {
        s->place[i] = s->place[s->root[i]]; /* a root's own is at 0 */
        s->place[i].offset += s->at[i];
    }
    return status;
}

/* ---- public ---------------------------------------------------------------------------------- */

void
weft_session_unbind(weft_session *s)
{
    weft_session_land(s);
    for (int i = 0; i < s->nsegment; i++)
        if (s->segment[i].batch)
            s->device->driver->discard(s->device, s->segment[i].batch);
    s->nsegment = 0;
    weft_memories_free(s->device, &s->inputs);
    weft_memories_free(s->device, &s->arenas);
    weft_arena_reset(&s->bound_arena);
    s->time = NULL;
    s->bound = false;
}

weft_status
weft_session_bind(weft_session *s, const int64_t *const *dims, weft_diag *diag)
{
    weft_arena scratch = { 0 };
    weft_status status = weft_session_alive(s, diag);
    if (s->bound && !status)
        status = s->device->driver->sync(s->device, diag);
    weft_session_unbind(s);
    if (!status)
        status = bind_shapes(s, dims, diag);
    if (!status)
        status = place_tensors(s, &scratch, diag);
    if (!status)
        status = weft_session_set_guards(s, diag);
    if (!status)
        status = weft_session_cut(s, diag);
    weft_arena_reset(&scratch);
    s->bound = !status;
    if (status)
        weft_session_unbind(s);
    return weft_session_note(s, status, diag);
}

weft_status
weft_session_keep_temps(weft_session *s, bool keep, weft_diag *diag)
{
    if (s->keep_temps == keep)
        return WEFT_OK;
    s->keep_temps = keep;
    if (!s->bound)
        return WEFT_OK;
    weft_arena copy = { 0 };
    const int64_t **dims = WEFT_NEW_ARRAY(&copy, s->program->ninput, const int64_t *);
    for (int i = 0; i < s->program->ninput; i++) {
        int t = s->program->input[i];
        dims[i] =
            weft_arena_dup(&copy, s->dim[t], (size_t)s->program->tensor[t].ndim * sizeof **dims);
    }
    weft_status status = weft_session_bind(s, dims, diag);
    weft_arena_reset(&copy);
    return status;
}
