/* Expressions: the tables, interning, and constants.  The checked builders are in build.c. */
#include "ir/priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const weft_expr_info weft_expr_infos[WEFT_EK_COUNT] = {
#define EXPR(kind, text, prec, n, commutes, idempotent, yields_bool, form)                         \
    [WEFT_EK_##kind] = { #kind, text, prec, n, commutes, idempotent, yields_bool,                  \
                         WEFT_FORM_##form },
#include "ir/expr.def"
#undef EXPR
};

const weft_intrin_info weft_intrin_infos[WEFT_IN_COUNT] = {
#define INTRIN(kind, text, n, cls, effect) [WEFT_IN_##kind] = { text, n, WEFT_IC_##cls, effect },
#include "ir/intrin.def"
#undef INTRIN
};

const char *
weft_space_name(weft_space s)
{
    static const char *const name[WEFT_SPACE_COUNT] = { /* ORDER: weft_space */
        "global", "constant", "shared", "local", "fragment"
    };
    return (unsigned)s < WEFT_SPACE_COUNT ? name[s] : "?";
}

weft_ir *
weft_ir_create(weft_diag *diag)
{
    weft_ir *ir = calloc(1, sizeof *ir);
    weft_assert(ir, "out of memory");
    ir->diag = diag;
#ifdef WEFT_TORTURE
    ir->ntable = 1;
#else
    ir->ntable = 256;
#endif
    ir->table = WEFT_NEW_ARRAY(&ir->arena, ir->ntable, weft_expr *);
    return ir;
}

void
weft_ir_destroy(weft_ir *ir)
{
    if (!ir)
        return;
    weft_arena_reset(&ir->arena);
    free(ir);
}

/* ---- interning ------------------------------------------------------------------------------- */

/* The union's content as bits that are the same in every run: ids, never addresses. */
static uint64_t
payload(const weft_head *h)
{
    switch ((weft_ek)h->kind) {
    case WEFT_EK_IMM:
    case WEFT_EK_LANE:
        return (uint64_t)h->u.i; /* a float's bits, where it is one */
    case WEFT_EK_VAR:
        return h->u.var->id;
    case WEFT_EK_LOAD:
        return h->u.buf->id;
    case WEFT_EK_CALL:
        return (uint64_t)h->u.intrin;
    default:
        return 0;
    }
}

static bool
same_payload(const weft_head *a, const weft_head *b)
{
    if (a->kind == WEFT_EK_VAR)
        return a->u.var == b->u.var;
    if (a->kind == WEFT_EK_LOAD)
        return a->u.buf == b->u.buf;
    return payload(a) == payload(b);
}

static uint32_t
hash_of(const weft_head *h, int n, const weft_expr *const *args)
{
    uint32_t hash = weft_hash_mix(WEFT_HASH_SEED, (uint64_t)h->kind | (uint64_t)h->type.dtype << 8 |
                                                      (uint64_t)h->type.lanes << 16 |
                                                      (uint64_t)n << 32);
    hash = weft_hash_mix(hash, payload(h));
    for (int i = 0; i < n; i++)
        hash = weft_hash_mix(hash, args[i]->id);
    return hash;
}

static bool
same_node(const weft_expr *e, const weft_head *h, uint32_t hash, int n,
          const weft_expr *const *args)
{
    if (e->hash != hash || e->h.kind != h->kind || !weft_same_type(e->h.type, h->type) ||
        e->h.nargs != n || !same_payload(&e->h, h))
        return false;
    for (int i = 0; i < n; i++)
        if (e->arg[i] != args[i])
            return false;
    return true;
}

static void
grow_table(weft_ir *ir)
{
    uint32_t n = ir->ntable * 2;
    weft_expr **table = WEFT_NEW_ARRAY(&ir->arena, n, weft_expr *);
    for (uint32_t i = 0; i < ir->ntable; i++) {
        for (weft_expr *e = ir->table[i], *next; e; e = next) {
            next = e->next;
            e->next = table[e->hash & (n - 1)];
            table[e->hash & (n - 1)] = e;
        }
    }
    ir->table = table;
    ir->ntable = n;
}

/* Whether a node over index arguments is an index itself: i32, i64 or bool (the small types are for
 * data, which wraps), and no operation whose point is that bits are lost. */
static bool
keeps_index(const weft_head *h)
{
    uint8_t t = h->type.dtype;
    if (h->type.lanes != 1 || (t != WEFT_I32 && t != WEFT_I64 && t != WEFT_BOOL))
        return false;
    switch ((weft_ek)h->kind) {
    case WEFT_EK_LOAD:
    case WEFT_EK_CALL:
    case WEFT_EK_BITCAST:
    case WEFT_EK_LANE:
    case WEFT_EK_VEC:
    case WEFT_EK_SHL:
    case WEFT_EK_SHR:
    case WEFT_EK_BNOT:
    case WEFT_EK_BOR:
    case WEFT_EK_BXOR:
    case WEFT_EK_BAND:
        return false;
    default:
        return true;
    }
}

static void
derive(weft_head *h, int n, const weft_expr *const *args)
{
    h->nargs = (uint16_t)n;
    h->pure = h->kind != WEFT_EK_LOAD &&
              !(h->kind == WEFT_EK_CALL && weft_intrin_infos[h->u.intrin].effect);
    h->index = keeps_index(h);
    for (int i = 0; i < n; i++) {
        h->pure &= args[i]->h.pure;
        h->index &= args[i]->h.index;
    }
}

const weft_expr *
weft_expr_make(weft_ir *ir, weft_head h, int n, const weft_expr *const *args)
{
    for (int i = 0; i < n; i++)
        if (!args[i])
            return NULL;
    weft_assert(n <= UINT16_MAX, "%d arguments", n);
    if (h.kind == WEFT_EK_IMM && weft_is_float((weft_dtype)h.type.dtype) && isnan(h.u.f))
        h.u.i = 0x7ff8000000000000; /* one NaN a type */
    uint32_t hash = hash_of(&h, n, args);
    for (weft_expr *e = ir->table[hash & (ir->ntable - 1)]; e; e = e->next)
        if (same_node(e, &h, hash, n, args))
            return e;
    if (ir->nexpr >= ir->ntable)
        grow_table(ir);
    derive(&h, n, args);
    weft_expr *e = weft_arena_alloc(&ir->arena, sizeof *e + (size_t)n * sizeof e->arg[0]);
    e->h = h;
    e->id = ir->nexpr++;
    e->hash = hash;
    if (n)
        memcpy(e->arg, args, (size_t)n * sizeof e->arg[0]);
    e->next = ir->table[hash & (ir->ntable - 1)];
    ir->table[hash & (ir->ntable - 1)] = e;
    return e;
}

const weft_expr *
weft_expr_with(weft_ir *ir, const weft_expr *e, const weft_expr *const *args)
{
    return e ? weft_expr_make(ir, e->h, e->h.nargs, args) : NULL;
}

/* ---- constants, variables, buffers ----------------------------------------------------------- */

static const weft_expr *
make_int(weft_ir *ir, weft_dtype t, int64_t v)
{
    weft_head h = { .kind = WEFT_EK_IMM, .type = weft_scalar(t), .u.i = weft_wrap_i64(t, v) };
    return weft_expr_make(ir, h, 0, NULL);
}

static const weft_expr *
make_float(weft_ir *ir, weft_dtype t, double v)
{
    weft_head h = { .kind = WEFT_EK_IMM, .type = weft_scalar(t), .u.f = weft_round_to(t, v) };
    return weft_expr_make(ir, h, 0, NULL);
}

const weft_expr *
weft_int(weft_ir *ir, weft_dtype t, int64_t v)
{
    if ((unsigned)t < WEFT_DTYPE_COUNT && !weft_is_float(t))
        return make_int(ir, t, v);
    weft_fail(ir->diag, WEFT_INVALID_ARGUMENT, "an integer constant of type %s: use a float one",
              weft_dtype_name(t));
    return NULL;
}

const weft_expr *
weft_float(weft_ir *ir, weft_dtype t, double v)
{
    if ((unsigned)t < WEFT_DTYPE_COUNT && weft_is_float(t))
        return make_float(ir, t, v);
    weft_fail(ir->diag, WEFT_INVALID_ARGUMENT, "a float constant of type %s: use an integer one",
              weft_dtype_name(t));
    return NULL;
}

const weft_expr *
weft_i32(weft_ir *ir, int64_t v)
{
    return make_int(ir, WEFT_I32, v);
}

const weft_expr *
weft_imm(weft_ir *ir, weft_type type, double v)
{
    weft_dtype t = (weft_dtype)type.dtype;
    int64_t i;
    if (weft_is_float(t))
        return weft_bcast(ir, make_float(ir, t, v), type.lanes);
    if (weft_dtype_kind(t) == WEFT_KIND_BOOL)
        return weft_bcast(ir, make_int(ir, t, v != 0), type.lanes);
    weft_set_f64(v < 0 ? WEFT_I64 : WEFT_U64, &i, 0, v);
    return weft_bcast(ir, make_int(ir, t, i), type.lanes);
}

const weft_expr *
weft_lowest(weft_ir *ir, weft_type type)
{
    weft_dtype t = (weft_dtype)type.dtype;
    const weft_expr *e = weft_is_float(t) ? make_float(ir, t, weft_dtype_least(t))
                                          : make_int(ir, t, weft_dtype_min(t));
    return weft_bcast(ir, e, type.lanes);
}

const weft_expr *
weft_highest(weft_ir *ir, weft_type type)
{
    weft_dtype t = (weft_dtype)type.dtype;
    const weft_expr *e = weft_is_float(t) ? make_float(ir, t, weft_dtype_greatest(t))
                                          : make_int(ir, t, weft_dtype_max(t));
    return weft_bcast(ir, e, type.lanes);
}

bool
weft_fold_i64(weft_ek op, int64_t a, int64_t b, int64_t *r)
{
    switch (op) {
    case WEFT_EK_ADD:
        return weft_add64(a, b, r);
    case WEFT_EK_SUB:
        return !__builtin_sub_overflow(a, b, r);
    case WEFT_EK_MUL:
        return weft_mul64(a, b, r);
    case WEFT_EK_FDIV:
    case WEFT_EK_FMOD:
        if (b == 0 || (b == -1 && a == INT64_MIN))
            return false;
        *r = op == WEFT_EK_FDIV ? weft_floordiv(a, b) : weft_floormod(a, b);
        return true;
    case WEFT_EK_MIN:
        *r = a < b ? a : b;
        return true;
    case WEFT_EK_MAX:
        *r = a > b ? a : b;
        return true;
    default:
        return false;
    }
}

const weft_expr *
weft_ref(weft_ir *ir, const weft_var *v)
{
    if (!v)
        return NULL;
    weft_head h = { .kind = WEFT_EK_VAR, .type = v->type, .u.var = v };
    return weft_expr_make(ir, h, 0, NULL);
}

const weft_var *
weft_var_make(weft_ir *ir, const char *name, weft_type type)
{
    weft_var *v = WEFT_NEW(&ir->arena, weft_var);
    v->id = ir->nvar++;
    v->name = weft_arena_strdup(&ir->arena, name);
    v->type = type;
    return v;
}

const weft_buf *
weft_buf_make(weft_ir *ir, const char *name, weft_dtype dtype, weft_space space, int ndim,
              const weft_expr *const *shape)
{
    for (int i = 0; i < ndim; i++)
        if (!shape[i])
            return NULL;
    weft_buf *b = WEFT_NEW(&ir->arena, weft_buf);
    b->id = ir->nbuf++;
    b->name = weft_arena_strdup(&ir->arena, name);
    b->dtype = dtype;
    b->space = space;
    b->ndim = ndim;
    b->shape = weft_arena_dup(&ir->arena, shape, (size_t)ndim * sizeof *shape);
    return b;
}
