/* Whether a module means something: every index, expression, name and lifetime.
 *
 * A module that passes can be executed without looking at these things again; what only numbers can
 * tell (sizes, offsets, limits) is checked when shapes are bound.
 */
#include "runtime/priv.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct checker {
    const weft_module *module;
    const weft_program *program;
    weft_diag *diag;
    weft_arena arena;   /* of the whole check */
    weft_arena scratch; /* of one expression */
    const char **symbol;
    const char **bound; /* the same; "", which no text is, before its step */
    weft_map *blobs;
    int *root, *first, *last; /* one a tensor: see weft_root_lives */
    bool *sized;              /* tensor: the symbols of its dimensions are bound */
} checker;

#define FAIL(c, ...) weft_fail((c)->diag, WEFT_INVALID_INPUT, __VA_ARGS__)

/* ---- names ----------------------------------------------------------------------------------- */

static bool
is_identifier(const char *s)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    static const char more[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    size_t n = strlen(s);
    return n > 0 && n <= 200 && strchr(letters, s[0]) && strspn(s, more) == n;
}

/* Fit to be a file's name on any system: letters, digits and . _ - (and `also`), no leading dot. */
static bool
is_file_name(const char *s, const char *also)
{
    static const char most[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789.-";
    size_t n = strlen(s);
    for (size_t i = 0; i < n; i++)
        if (!strchr(most, s[i]) && !strchr(also, s[i]))
            return false;
    return n > 0 && n <= 200 && s[0] != '.';
}

static bool
is_printable(const char *s)
{
    if (!*s)
        return false;
    for (; *s; s++)
        if ((unsigned char)*s < 32 || *s == 127)
            return false;
    return true;
}

/* Whether the key is new in the map. */
static bool
add_key(weft_map *map, const char *key, int value)
{
    int64_t *slot = weft_map_slot(map, key, strlen(key));
    bool is_new = *slot < 0;
    if (is_new)
        *slot = value;
    return is_new;
}

/* ---- expressions ----------------------------------------------------------------------------- */

/* Over the symbols that are bound so far. */
static weft_status
check_expr(checker *c, const char *text, const char *what, const char *of)
{
    if (!text)
        return FAIL(c, "%s of %s: there is no expression", what, of);
    const weft_iexpr *e =
        weft_iexpr_parse(&c->scratch, c->diag, text, c->module->nsymbol, c->bound);
    weft_arena_reset(&c->scratch);
    return e ? WEFT_OK : FAIL(c, "%s of %s: the expression is not valid", what, of);
}

static weft_status
check_exprs(checker *c, const char *const *text, int n, const char *what, const char *of)
{
    weft_status s = WEFT_OK;
    for (int i = 0; i < n && !s; i++)
        s = check_expr(c, text[i], what, of);
    return s;
}

/* The value of a constant expression; -1 when it has a symbol or overflows. */
static int64_t
constant_value(checker *c, const char *text)
{
    int64_t v = -1;
    const weft_iexpr *e = weft_iexpr_parse(&c->scratch, NULL, text, 0, NULL);
    if (e && !weft_iexpr_const(e, &v) && weft_iexpr_eval(e, NULL, NULL, &v))
        v = -1;
    weft_arena_reset(&c->scratch);
    return v;
}

/* ---- symbols --------------------------------------------------------------------------------- */

static bool
is_count(checker *c, const char *text)
{
    return !text || constant_value(c, text) >= 0;
}

static weft_status
check_symbols(checker *c)
{
    const weft_module *m = c->module;
    weft_map *seen = weft_map_create(&c->arena);
    c->symbol = WEFT_NEW_ARRAY(&c->arena, m->nsymbol, const char *);
    c->bound = WEFT_NEW_ARRAY(&c->arena, m->nsymbol, const char *);
    for (int i = 0; i < m->nsymbol; i++) {
        const weft_mod_symbol *s = &m->symbol[i];
        if (!s->name || !is_identifier(s->name))
            return FAIL(c, "symbol %d: '%s' is not an identifier", i, s->name ? s->name : "");
        if (!add_key(seen, s->name, i))
            return FAIL(c, "symbol '%s' is declared twice", s->name);
        if (!is_count(c, s->min) || !is_count(c, s->max) || !is_count(c, s->multiple))
            return FAIL(c, "symbol '%s': its constraints must be numbers from 0", s->name);
        if (s->multiple && constant_value(c, s->multiple) == 0)
            return FAIL(c, "symbol '%s': nothing is a multiple of 0", s->name);
        c->symbol[i] = c->bound[i] = s->name;
    }
    return WEFT_OK;
}

/* ---- blobs ----------------------------------------------------------------------------------- */

static weft_status
check_blobs(checker *c)
{
    c->blobs = weft_map_create(&c->arena);
    for (int i = 0; i < c->module->nblob; i++) {
        const weft_blob *b = &c->module->blob[i];
        int64_t count = 1, bytes;
        if (!b->key || !is_file_name(b->key, ""))
            return FAIL(c, "blob %d: '%s' is not a key of letters, digits, '.', '_', '-'", i,
                        b->key ? b->key : "");
        if (!add_key(c->blobs, b->key, i))
            return FAIL(c, "blob '%s' stands twice in the module", b->key);
        for (int k = 0; k < b->ndim; k++)
            if (b->dim[k] < 0 || !weft_mul64(count, b->dim[k], &count))
                return FAIL(c, "blob '%s': dimension %d makes its size impossible", b->key, k);
        if (!weft_dtype_bytes(b->dtype, count, &bytes) || (uint64_t)bytes != b->size)
            return FAIL(c, "blob '%s' has %zu bytes, which its dtype and shape do not give", b->key,
                        b->size);
        if (b->size && !b->data)
            return FAIL(c, "blob '%s' has no data", b->key);
    }
    return WEFT_OK;
}

/* ---- tensors --------------------------------------------------------------------------------- */

static weft_status
check_constant(checker *c, const weft_mod_tensor *t)
{
    if (t->alias >= 0)
        return t->blob ? FAIL(c, "constant '%s' has both a blob and an alias", t->name) : WEFT_OK;
    int64_t i = t->blob ? weft_map_get(c->blobs, t->blob, strlen(t->blob)) : -1;
    if (i < 0)
        return FAIL(c, "constant '%s': blob '%s' is not in the weights", t->name,
                    t->blob ? t->blob : "");
    int64_t count = 1, bytes = 0;
    for (int k = 0; k < t->ndim; k++) {
        int64_t dim = constant_value(c, t->dim[k]);
        if (dim < 0 || !weft_mul64(count, dim, &count))
            return FAIL(c, "constant '%s': dimension %d, '%s', must be a number from 0", t->name, k,
                        t->dim[k]);
    }
    size_t have = c->module->blob[i].size;
    if (!weft_dtype_bytes(t->dtype, count, &bytes) || (uint64_t)bytes != have)
        return FAIL(c, "constant '%s' needs %lld bytes, its blob '%s' has %zu", t->name,
                    (long long)bytes, t->blob, have);
    return WEFT_OK;
}

static weft_status
check_tensor(checker *c, int i, weft_map *seen)
{
    const weft_program *p = c->program;
    const weft_mod_tensor *t = &p->tensor[i];
    if (!t->name || !is_printable(t->name))
        return FAIL(c, "tensor %d has an empty name or one with control characters", i);
    if (!add_key(seen, t->name, i))
        return FAIL(c, "tensor name '%s' stands twice", t->name);
    if ((unsigned)t->role > WEFT_ROLE_TEMP || (unsigned)t->dtype >= WEFT_DTYPE_COUNT)
        return FAIL(c, "tensor '%s' has a role or dtype that does not exist", t->name);
    weft_status s = check_exprs(c, t->dim, t->ndim, "a dimension", t->name);
    if (s)
        return s;
    if (t->alias >= p->ntensor || t->alias == i || t->in_place >= p->ntensor || t->in_place == i)
        return FAIL(c,
                    "tensor '%s': its alias (%d) or in_place (%d) is not another of the %d tensors",
                    t->name, t->alias, t->in_place, p->ntensor);
    if (t->alias >= 0 && t->role == WEFT_ROLE_INPUT)
        return FAIL(c, "input '%s' cannot be an alias", t->name);
    if (t->at && (t->alias < 0 || t->role != WEFT_ROLE_TEMP || t->at < 0 || t->at > WEFT_MAX_AT))
        return FAIL(c, "tensor '%s' begins at byte %lld; only a temporary with an alias does, from "
                       "0 to %lld",
                    t->name, (long long)t->at, (long long)WEFT_MAX_AT);
    if (t->blob && t->role != WEFT_ROLE_CONSTANT)
        return FAIL(c, "tensor '%s' has a blob and is no constant", t->name);
    bool has_life = t->first != -1 || t->last != -1; /* -1, -1: no step uses it under this name */
    if (t->role == WEFT_ROLE_TEMP && has_life &&
        (t->first < 0 || t->last < t->first || t->last > p->nstep))
        return FAIL(c, "tensor '%s' lives from step %d to %d of %d", t->name, t->first, t->last,
                    p->nstep);
    return t->role == WEFT_ROLE_CONSTANT ? check_constant(c, t) : WEFT_OK;
}

/* Tensor i, whose root is not known, and those that it lies in: up to one that is its own root or
 * has one.  Each is looked at once, whatever the chains. */
static bool
find_root(const weft_program *p, int i, int *root, int64_t *at)
{
    int top = i, hops = 0;
    int64_t sum = 0;
    for (; root[top] < 0 && p->tensor[top].alias >= 0; top = p->tensor[top].alias) {
        if (hops++ > p->ntensor)
            return false;
        sum += p->tensor[top].at;
    }
    if (root[top] < 0)
        root[top] = top;
    sum += at[top];
    for (int k = i; root[k] < 0; k = p->tensor[k].alias) {
        root[k] = root[top];
        at[k] = sum;
        sum -= p->tensor[k].at;
    }
    return true;
}

bool
weft_alias_roots(const weft_program *p, int *root, int64_t *at)
{
    for (int i = 0; i < p->ntensor; i++) {
        root[i] = -1;
        at[i] = 0;
    }
    for (int i = 0; i < p->ntensor; i++)
        if (root[i] < 0 && !find_root(p, i, root, at))
            return false;
    return true;
}

void
weft_root_lives(const weft_program *p, const int *root, int *first, int *last)
{
    for (int i = 0; i < p->ntensor; i++) {
        bool temp = p->tensor[root[i]].role == WEFT_ROLE_TEMP;
        first[i] = temp ? INT_MAX : 0;
        last[i] = temp ? -1 : p->nstep;
    }
    for (int i = 0; i < p->ntensor; i++) {
        const weft_mod_tensor *t = &p->tensor[i];
        int r = root[i];
        if (t->role == WEFT_ROLE_TEMP && t->first >= 0 && t->first < first[r])
            first[r] = t->first;
        if (t->role == WEFT_ROLE_TEMP && t->last > last[r])
            last[r] = t->last;
        if (t->role == WEFT_ROLE_OUTPUT)
            last[r] = p->nstep;
    }
}

static weft_status
check_lives(checker *c)
{
    const weft_program *p = c->program;
    c->root = WEFT_NEW_ARRAY(&c->arena, p->ntensor, int);
    c->first = WEFT_NEW_ARRAY(&c->arena, p->ntensor, int);
    c->last = WEFT_NEW_ARRAY(&c->arena, p->ntensor, int);
    c->sized = WEFT_NEW_ARRAY(&c->arena, p->ntensor, bool);
    int64_t *at = WEFT_NEW_ARRAY(&c->arena, p->ntensor, int64_t);
    if (!weft_alias_roots(p, c->root, at))
        return FAIL(c, "program '%s': aliases go in a circle", p->target);
    weft_root_lives(p, c->root, c->first, c->last);
    return WEFT_OK;
}

static weft_status
check_tensors(checker *c)
{
    weft_map *seen = weft_map_create(&c->arena);
    weft_status s = WEFT_OK;
    if (c->program->ntensor > WEFT_MAX_TENSORS || c->program->nstep > WEFT_MAX_STEPS)
        return FAIL(c, "program '%s' has %d tensors and %d steps; the limits are %d and %d",
                    c->program->target, c->program->ntensor, c->program->nstep, WEFT_MAX_TENSORS,
                    WEFT_MAX_STEPS);
    for (int i = 0; i < c->program->ntensor && !s; i++)
        s = check_tensor(c, i, seen);
    return s ? s : check_lives(c);
}

/* Inputs or outputs: each tensor of the role listed, and once. */
static weft_status
check_ports(checker *c, const int *port, int n, weft_role role)
{
    const weft_program *p = c->program;
    bool *seen = WEFT_NEW_ARRAY(&c->arena, p->ntensor, bool);
    int of_role = 0;
    for (int i = 0; i < n; i++) {
        if (port[i] < 0 || port[i] >= p->ntensor || p->tensor[port[i]].role != role ||
            seen[port[i]])
            return FAIL(c, "%s %d: tensor %d is not an %s tensor or is listed twice",
                        weft_role_names[role], i, port[i], weft_role_names[role]);
        seen[port[i]] = true;
    }
    for (int i = 0; i < p->ntensor; i++)
        of_role += p->tensor[i].role == role;
    if (of_role != n)
        return FAIL(c, "program '%s' has %d %s tensors and lists %d", p->target, of_role,
                    weft_role_names[role], n);
    return WEFT_OK;
}

/* ---- kernels and steps ----------------------------------------------------------------------- */

static weft_status
check_kernel(checker *c, int i, weft_map *seen)
{
    const weft_mod_kernel *k = &c->program->kernel[i];
    if (!k->name || !is_identifier(k->name))
        return FAIL(c, "kernel %d: '%s' is not an identifier", i, k->name ? k->name : "");
    if (!add_key(seen, k->name, i))
        return FAIL(c, "kernel '%s' stands twice", k->name);
    if (!k->text || k->size > WEFT_MAX_TEXT || strlen(k->text) != k->size)
        return FAIL(c, "kernel '%s': its source is missing, has a zero byte or more than %d bytes",
                    k->name, WEFT_MAX_TEXT);
    for (int s = 0; s < k->nscalar; s++)
        if (k->scalar[s] != WEFT_I32 && k->scalar[s] != WEFT_I64)
            return FAIL(c, "kernel '%s': scalar argument %d is neither i32 nor i64", k->name, s);
    for (int a = 0; a < 3; a++)
        if (k->block[a] < 0 || k->block[a] > 1 << 20)
            return FAIL(c, "kernel '%s': a block of %lld threads along axis %d", k->name,
                        (long long)k->block[a], a);
    if (k->nbuffer < 0 || k->subgroup < 0 || k->subgroup > 1024 ||
        (k->subgroup & (k->subgroup - 1)))
        return FAIL(c,
                    "kernel '%s': its number of buffers (%d) or subgroup size (%d) is not possible",
                    k->name, k->nbuffer, k->subgroup);
    return WEFT_OK;
}

/* Symbols that are bound stay so: a tensor is looked at until they are. */
static weft_status
check_sized(checker *c, int step, int tensor)
{
    const weft_mod_tensor *t = &c->program->tensor[tensor];
    for (int d = 0; d < t->ndim && !c->sized[tensor]; d++) {
        const weft_iexpr *e =
            weft_iexpr_parse(&c->scratch, NULL, t->dim[d], c->module->nsymbol, c->bound);
        weft_arena_reset(&c->scratch);
        if (!e)
            return FAIL(c, "step %d uses '%s', whose dimension %d, '%s', a later step binds", step,
                        t->name, d, t->dim[d]);
    }
    c->sized[tensor] = true;
    return WEFT_OK;
}

/* place: only where the tensor begins matters, not how large it is. */
static weft_status
check_arg(checker *c, int step, const weft_mod_arg *a, bool place)
{
    const weft_program *p = c->program;
    if (a->tensor < 0 || a->tensor >= p->ntensor)
        return FAIL(c, "step %d: there is no tensor %d among %d", step, a->tensor, p->ntensor);
    const char *name = p->tensor[a->tensor].name;
    int root = c->root[a->tensor];
    if (a->written && p->tensor[root].role == WEFT_ROLE_CONSTANT)
        return FAIL(c, "step %d writes '%s', which lies in constant '%s'", step, name,
                    p->tensor[root].name);
    if (step < c->first[root] || step > c->last[root])
        return FAIL(c, "step %d uses '%s', whose memory lives from step %d to %d", step, name,
                    c->first[root], c->last[root]);
    weft_status r = place ? WEFT_OK : check_sized(c, step, a->tensor);
    if (r)
        return r;
    return a->offset ? check_expr(c, a->offset, "an offset into", name) : WEFT_OK;
}

static weft_status
check_launch(checker *c, int i)
{
    const weft_program *p = c->program;
    const weft_mod_step *s = &p->step[i];
    if (s->kernel < 0 || s->kernel >= p->nkernel)
        return FAIL(c, "step %d: there is no kernel %d among %d", i, s->kernel, p->nkernel);
    const weft_mod_kernel *k = &p->kernel[s->kernel];
    if (s->nbuffer != k->nbuffer || s->nscalar != k->nscalar)
        return FAIL(c, "step %d hands kernel '%s' %d buffers and %d scalars; it takes %d and %d", i,
                    k->name, s->nbuffer, s->nscalar, k->nbuffer, k->nscalar);
    if (!isfinite(s->flops) || !isfinite(s->bytes) || s->flops < 0 || s->bytes < 0)
        return FAIL(c, "step %d ('%s'): its flops or bytes are not a count", i, k->name);
    weft_status r = check_exprs(c, s->grid, 3, "the grid", k->name);
    if (!r)
        r = check_exprs(c, s->block, 3, "the block", k->name);
    if (!r)
        r = check_exprs(c, s->scalar, s->nscalar, "a scalar argument", k->name);
    if (!r)
        r = check_exprs(c, s->reach, s->nreach, "the reach", k->name);
    if (!r && s->iterations)
        r = check_expr(c, s->iterations, "the iterations", k->name);
    return r;
}

/* ---- steps that launch nothing --------------------------------------------------------------- */

static bool
binds_iteration(const weft_mod_step *s)
{
    return s->kind == WEFT_STEP_READ || s->kind == WEFT_STEP_LOOP;
}

/* Before the steps of a program are looked at: what one of them binds is not bound. */
static weft_status
unbind(checker *c, int step, int symbol)
{
    const weft_program *p = c->program;
    if (symbol < 0 || symbol >= c->module->nsymbol)
        return FAIL(c, "step %d binds symbol %d; there are %d", step, symbol, c->module->nsymbol);
    if (!*c->bound[symbol])
        return FAIL(c, "step %d binds symbol '%s', as another does", step, c->symbol[symbol]);
    for (int i = 0; i < p->ninput; i++)
        for (int d = 0; d < p->tensor[p->input[i]].ndim; d++)
            if (!strcmp(p->tensor[p->input[i]].dim[d], c->symbol[symbol]))
                return FAIL(c, "step %d binds symbol '%s', as input '%s' does", step,
                            c->symbol[symbol], p->tensor[p->input[i]].name);
    c->bound[symbol] = "";
    return WEFT_OK;
}

static weft_status
unbind_all(checker *c)
{
    const weft_program *p = c->program;
    weft_status r = WEFT_OK;
    memcpy(c->bound, c->symbol, (size_t)c->module->nsymbol * sizeof *c->bound);
    for (int i = 0; i < p->nstep && !r; i++) {
        const weft_mod_step *s = &p->step[i];
        if (binds_iteration(s))
            r = unbind(c, i, s->symbol);
        if (!r && s->kind == WEFT_STEP_LOOP && s->count != -1)
            r = unbind(c, i, s->count);
    }
    return r;
}

static bool
is_readable(weft_dtype t)
{
    return t == WEFT_BOOL || (weft_is_int(t) && weft_dtype_bits(t) >= 8);
}

/* A read-back reads, a copy reads and writes, the others have no buffers. */
static weft_status
check_flow(checker *c, int i)
{
    const weft_mod_step *s = &c->program->step[i];
    int want = s->kind == WEFT_STEP_READ ? 1 : s->kind == WEFT_STEP_COPY ? 2 : 0;
    const char *name = weft_step_names[s->kind];
    if (s->nbuffer != want || s->nscalar)
        return FAIL(c, "step %d (%s) has %d buffers and %d scalars; it takes %d and 0", i, name,
                    s->nbuffer, s->nscalar, want);
    for (int b = 0; b < want; b++)
        if (s->buffer[b].written != (b == 1))
            return FAIL(c, "step %d (%s): buffer %d is %s", i, name, b,
                        b ? "not written" : "written");
    weft_status r = s->kind == WEFT_STEP_COPY ? WEFT_OK : check_expr(c, s->bound, "the bound", name);
    if (!r && s->kind == WEFT_STEP_READ && s->buffer[0].tensor >= 0 &&
        s->buffer[0].tensor < c->program->ntensor &&
        !is_readable(c->program->tensor[s->buffer[0].tensor].dtype))
        return FAIL(c, "step %d reads '%s' back, which holds no integers of whole bytes", i,
                    c->program->tensor[s->buffer[0].tensor].name);
    return r;
}

static weft_status
check_step(checker *c, int i)
{
    const weft_mod_step *s = &c->program->step[i];
    if ((unsigned)s->kind > WEFT_STEP_LOOP)
        return FAIL(c, "step %d is of a kind that does not exist", i);
    weft_status r = s->kind == WEFT_STEP_LAUNCH ? check_launch(c, i) : check_flow(c, i);
    for (int b = 0; b < s->nbuffer && !r; b++)
        r = check_arg(c, i, &s->buffer[b], s->kind == WEFT_STEP_COPY && b == 1);
    if (!r && binds_iteration(s))
        c->bound[s->symbol] = c->symbol[s->symbol];
    return r;
}

/* The steps over which steps stand, innermost last. */
typedef struct open_steps {
    int n, step[WEFT_MAX_NESTING], end[WEFT_MAX_NESTING];
} open_steps;

/* What is made before a loop and used in it is there for all its rounds. */
static weft_status
close_step(checker *c, open_steps *open, const int *by_last, const int *next)
{
    int first = open->step[--open->n], end = open->end[open->n];
    const weft_mod_step *s = &c->program->step[first];
    if (s->kind != WEFT_STEP_LOOP)
        return WEFT_OK;
    for (int step = first + 1; step < end - 1; step++)
        for (int t = by_last[step]; t >= 0; t = next[t])
            if (c->first[t] <= first)
                return FAIL(c, "tensor '%s' dies at step %d, in the loop of step %d, and was there "
                               "before it",
                            c->program->tensor[t].name, step, first);
    weft_status r = s->test ? check_expr(c, s->test, "the test", "a loop") : WEFT_OK;
    if (!r && s->count >= 0)
        c->bound[s->count] = c->symbol[s->count];
    return r;
}

/* Roots by the step they die at: the first of each, and the one after each. */
static void
list_by_last(checker *c, int **by_last, int **next)
{
    const weft_program *p = c->program;
    *by_last = WEFT_NEW_ARRAY(&c->arena, p->nstep + 1, int);
    *next = WEFT_NEW_ARRAY(&c->arena, p->ntensor + 1, int);
    for (int i = 0; i <= p->nstep; i++)
        (*by_last)[i] = -1;
    for (int t = 0; t < p->ntensor; t++) {
        if (c->root[t] != t || c->last[t] < 0)
            continue;
        (*next)[t] = (*by_last)[c->last[t]];
        (*by_last)[c->last[t]] = t;
    }
}

static weft_status
check_steps(checker *c)
{
    const weft_program *p = c->program;
    open_steps open = { .n = 0 };
    int *by_last, *next;
    weft_status r = unbind_all(c);
    list_by_last(c, &by_last, &next);
    for (int i = 0; i <= p->nstep && !r; i++) {
        while (open.n && open.end[open.n - 1] == i && !r)
            r = close_step(c, &open, by_last, next);
        if (r || i == p->nstep)
            break;
        r = check_step(c, i);
        bool over = p->step[i].kind == WEFT_STEP_IF || p->step[i].kind == WEFT_STEP_LOOP;
        int left = (open.n ? open.end[open.n - 1] : p->nstep) - i - 1;
        if (r || !over)
            continue;
        if (p->step[i].nbody < 0 || p->step[i].nbody > left)
            return FAIL(c, "step %d is over %d steps; %d are left", i, p->step[i].nbody, left);
        if (open.n == WEFT_MAX_NESTING)
            return FAIL(c, "step %d is nested deeper than %d levels", i, WEFT_MAX_NESTING);
        open.step[open.n] = i;
        open.end[open.n++] = i + 1 + p->step[i].nbody;
    }
    memcpy(c->bound, c->symbol, (size_t)c->module->nsymbol * sizeof *c->bound);
    return r;
}

static weft_status
check_program(checker *c, const weft_program *p)
{
    c->program = p;
    weft_map *seen = weft_map_create(&c->arena);
    weft_status s = check_tensors(c);
    if (!s)
        s = check_ports(c, p->input, p->ninput, WEFT_ROLE_INPUT);
    if (!s)
        s = check_ports(c, p->output, p->noutput, WEFT_ROLE_OUTPUT);
    for (int i = 0; i < p->nkernel && !s; i++)
        s = check_kernel(c, i, seen);
    return s ? s : check_steps(c);
}

/* Target names are unique as folder names are: ':' is '-' there. */
static weft_status
check_target(checker *c, int i, weft_map *seen)
{
    const char *target = c->module->program[i].target;
    if (!target || !is_file_name(target, ":"))
        return FAIL(c, "program %d: '%s' is not a target's name", i, target ? target : "");
    char *folder = weft_arena_strdup(&c->arena, target);
    for (char *p = folder; *p; p++)
        *p = *p == ':' ? '-' : *p;
    return add_key(seen, folder, i) ? WEFT_OK : FAIL(c, "target '%s' stands twice", target);
}

weft_status
weft_module_check(const weft_module *m, weft_diag *diag)
{
    checker c = { .module = m, .diag = diag };
    weft_map *targets = weft_map_create(&c.arena);
    weft_status s = check_symbols(&c);
    if (!s)
        s = check_blobs(&c);
    for (int i = 0; i < m->nprogram && !s; i++)
        s = check_target(&c, i, targets);
    for (int i = 0; i < m->nprogram && !s; i++)
        s = check_program(&c, &m->program[i]);
    weft_arena_reset(&c.scratch);
    weft_arena_reset(&c.arena);
    return s;
}

weft_status
weft_mod_wrong_size(const weft_mod_tensor *t, int d, int64_t is, int64_t needed, weft_diag *diag)
{
    const char *text = t->dim[d];
    bool number = text[strspn(text, "0123456789")] == '\0';
    return weft_fail(diag, WEFT_INVALID_ARGUMENT,
                     "input '%s': dimension %d is %lld; the model needs %s%s%lld", t->name, d,
                     (long long)is, number ? "" : text, number ? "" : " = ", (long long)needed);
}
