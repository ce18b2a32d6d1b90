/* Statements: how they are made, and the names that belong to them. */
#include "ir/priv.h"

#include <string.h>

const char *
weft_bind_name(weft_bind b)
{
    static const char *const name[WEFT_BIND_COUNT] = {
        /* ORDER: weft_bind */
        "serial",  "parallel", "unroll",   "vectorize", "block.x", "block.y",
        "block.z", "thread.x", "thread.y", "thread.z",  "vthread"
    };
    return (unsigned)b < WEFT_BIND_COUNT ? name[b] : "?";
}

const char *
weft_level_name(weft_level l)
{
    static const char *const name[WEFT_LEVEL_COUNT] = { "loops", "flat", "device" };
    return (unsigned)l < WEFT_LEVEL_COUNT ? name[l] : "?";
}

static void *
copy_array(weft_ir *ir, int n, const void *at)
{
    return weft_arena_dup(&ir->arena, at, (size_t)n * sizeof(void *));
}

static bool
any_null(int n, const weft_expr *const *e)
{
    for (int i = 0; i < n; i++)
        if (!e[i])
            return true;
    return false;
}

/* Whether an operand is NULL that may not be; arrays are copied on the way. */
static bool
adopt(weft_ir *ir, weft_stmt *s)
{
    switch (s->kind) {
    case WEFT_SK_SEQ:
        for (int i = 0; i < s->u.seq.n; i++)
            if (!s->u.seq.at[i])
                return false;
        s->u.seq.at = copy_array(ir, s->u.seq.n, s->u.seq.at);
        return true;
    case WEFT_SK_FOR:
        return s->u.loop.var && s->u.loop.extent && s->u.loop.body;
    case WEFT_SK_WHILE:
        return s->u.loop.extent && s->u.loop.body;
    case WEFT_SK_IF:
        return s->u.iff.cond && s->u.iff.then;
    case WEFT_SK_LET:
        return s->u.let.var && s->u.let.value && s->u.let.body;
    case WEFT_SK_STORE:
        if (!s->u.store.buf || !s->u.store.value || any_null(s->u.store.n, s->u.store.index))
            return false;
        s->u.store.index = copy_array(ir, s->u.store.n, s->u.store.index);
        return true;
    case WEFT_SK_ATOMIC:
        return s->u.atomic.buf && s->u.atomic.index && s->u.atomic.value;
    case WEFT_SK_ALLOC:
        return s->u.alloc.buf && s->u.alloc.body;
    case WEFT_SK_BARRIER:
    case WEFT_SK_ASYNC:
        return true;
    case WEFT_SK_EVAL:
        return s->u.eval.call;
    case WEFT_SK_PREFETCH:
        return s->u.prefetch.buf && s->u.prefetch.index;
    case WEFT_SK_MATRIX:
        for (int i = 0; i < weft_matrix_op_places(s->u.matrix.op); i++) {
            weft_spot *at = &s->u.matrix.place[i];
            if (!at->buf || any_null(at->n, at->index))
                return false;
            at->index = copy_array(ir, at->n, at->index);
        }
        return true;
    case WEFT_SK_ALLREDUCE:
        if (!s->u.all.with || any_null(s->u.all.with->n, s->u.all.value) || !s->u.all.body)
            return false;
        s->u.all.var = copy_array(ir, s->u.all.with->n, s->u.all.var);
        s->u.all.value = copy_array(ir, s->u.all.with->n, s->u.all.value);
        return true;
    case WEFT_SK_COUNT:
        break;
    }
    weft_assert(0, "statement of kind %d", (int)s->kind);
    return false;
}

const weft_stmt *
weft_stmt_make(weft_ir *ir, weft_stmt s)
{
    return adopt(ir, &s) ? weft_arena_dup(&ir->arena, &s, sizeof s) : NULL;
}

const weft_stmt *
weft_seq(weft_ir *ir, int n, const weft_stmt *const *at)
{
    int total = 0;
    for (int i = 0; i < n; i++) {
        if (!at[i])
            return NULL;
        total += at[i]->kind == WEFT_SK_SEQ ? at[i]->u.seq.n : 1;
    }
    const weft_stmt **flat = WEFT_NEW_ARRAY(&ir->arena, total, const weft_stmt *);
    int m = 0;
    for (int i = 0; i < n; i++) {
        if (at[i]->kind == WEFT_SK_SEQ)
            for (int j = 0; j < at[i]->u.seq.n; j++)
                flat[m++] = at[i]->u.seq.at[j];
        else
            flat[m++] = at[i];
    }
    if (total == 1)
        return flat[0];
    weft_stmt s = { WEFT_SK_SEQ, .u.seq = { total, flat } };
    return weft_arena_dup(&ir->arena, &s, sizeof s);
}

const weft_stmt *
weft_seq2(weft_ir *ir, const weft_stmt *a, const weft_stmt *b)
{
    return weft_seq(ir, 2, (const weft_stmt *const[]){ a, b });
}

const weft_stmt *
weft_prefetch(weft_ir *ir, const weft_buf *buf, const weft_expr *index)
{
    return weft_stmt_make(ir, (weft_stmt){ WEFT_SK_PREFETCH, .u.prefetch = { buf, index } });
}

const weft_stmt *
weft_async(weft_ir *ir, int left)
{
    return weft_stmt_make(ir, (weft_stmt){ WEFT_SK_ASYNC, .u.async = { left } });
}

static bool
is_zero(const weft_expr *e)
{
    if (e->h.kind == WEFT_EK_BCAST)
        e = e->arg[0];
    return e->h.kind == WEFT_EK_IMM &&
           (weft_is_float((weft_dtype)e->h.type.dtype) ? e->h.u.f == 0 : e->h.u.i == 0);
}

const weft_expr *
weft_async_source(const weft_expr *e, const weft_expr **cond)
{
    *cond = NULL;
    if (e->h.kind == WEFT_EK_GUARD && is_zero(e->arg[2])) {
        *cond = e->arg[0];
        e = e->arg[1];
    }
    int bytes = e->h.type.lanes * weft_dtype_bits((weft_dtype)e->h.type.dtype) / 8;
    if (e->h.kind != WEFT_EK_LOAD || e->h.u.buf->space != WEFT_GLOBAL || e->h.nargs != 1 ||
        (bytes != 4 && bytes != 8 && bytes != 16))
        return NULL;
    const weft_expr *at = e->arg[0];
    bool dense =
        e->h.type.lanes == 1 || (at->h.kind == WEFT_EK_RAMP && weft_is_int_imm(at->arg[1], 1));
    return dense && (!*cond || at->h.pure) ? e : NULL;
}

const weft_stmt *
weft_nop(weft_ir *ir)
{
    return weft_seq(ir, 0, NULL);
}

const weft_stmt *
weft_for(weft_ir *ir, const weft_var *var, weft_bind bind, const weft_expr *extent,
         const weft_stmt *body)
{
    if (!var || !extent || !body)
        return NULL;
    if (!weft_is_int((weft_dtype)var->type.dtype) || !weft_same_type(var->type, extent->h.type)) {
        weft_fail(ir->diag, WEFT_INVALID_ARGUMENT,
                  "loop '%s' of type %s with an extent of type %s: one integer type is needed",
                  var->name, weft_type_text(ir, var->type), weft_type_text(ir, extent->h.type));
        return NULL;
    }
    return weft_stmt_make(ir, (weft_stmt){ WEFT_SK_FOR, .u.loop = { var, bind, extent, body, 0 } });
}

const weft_stmt *
weft_for_like(weft_ir *ir, const weft_stmt *loop, const weft_expr *extent, const weft_stmt *body)
{
    weft_stmt s = *loop;
    if (!extent || !body)
        return NULL;
    s.u.loop.extent = extent;
    s.u.loop.body = body;
    return weft_stmt_make(ir, s);
}

const weft_stmt *
weft_if(weft_ir *ir, const weft_expr *cond, const weft_stmt *then, const weft_stmt *els)
{
    if (cond && !weft_same_type(cond->h.type, weft_scalar(WEFT_BOOL))) {
        weft_fail(ir->diag, WEFT_INVALID_ARGUMENT, "'if' of %s: a scalar bool is needed",
                  weft_type_text(ir, cond->h.type));
        return NULL;
    }
    return weft_stmt_make(ir, (weft_stmt){ WEFT_SK_IF, .u.iff = { cond, then, els } });
}

const weft_stmt *
weft_let(weft_ir *ir, const weft_var *var, const weft_expr *value, const weft_stmt *body)
{
    if (var && value && !weft_same_type(var->type, value->h.type)) {
        weft_fail(ir->diag, WEFT_INVALID_ARGUMENT, "'%s' of type %s gets a value of type %s",
                  var->name, weft_type_text(ir, var->type), weft_type_text(ir, value->h.type));
        return NULL;
    }
    return weft_stmt_make(ir, (weft_stmt){ WEFT_SK_LET, .u.let = { var, value, body } });
}

const weft_stmt *
weft_store(weft_ir *ir, const weft_buf *buf, int n, const weft_expr *const *index,
           const weft_expr *value)
{
    if (!buf || !value || any_null(n, index))
        return NULL;
    const char *fault = weft_index_fault(buf, n, index);
    int lanes = n ? index[n - 1]->h.type.lanes : 1;
    if (!fault && value->h.type.lanes == 1)
        value = weft_bcast(ir, value, lanes);
    if (!fault && value->h.type.lanes != lanes)
        fault = "value and index differ in lanes";
    if (!fault && value->h.type.dtype != buf->dtype)
        fault = "the value has another type, cast it";
    if (fault) {
        weft_fail(ir->diag, WEFT_INVALID_ARGUMENT,
                  "store of %s to '%s' (%s, %d dimensions, %d indices): %s",
                  weft_type_text(ir, value->h.type), buf->name, weft_dtype_name(buf->dtype),
                  buf->ndim, n, fault);
        return NULL;
    }
    return weft_stmt_make(
        ir, (weft_stmt){ WEFT_SK_STORE, .u.store = { buf, n, index, value, false, false } });
}

const weft_stmt *
weft_alloc(weft_ir *ir, const weft_buf *buf, const weft_stmt *body)
{
    return weft_stmt_make(ir, (weft_stmt){ WEFT_SK_ALLOC, .u.alloc = { buf, body } });
}

const weft_stmt *
weft_barrier(weft_ir *ir, int fence)
{
    return weft_stmt_make(ir, (weft_stmt){ WEFT_SK_BARRIER, .u.barrier = { fence } });
}

const weft_stmt *
weft_allreduce(weft_ir *ir, const weft_combiner *with, unsigned axes, const weft_var *const *var,
               const weft_expr *const *value, const weft_stmt *body)
{
    if (!with || !body || any_null(with->n, value))
        return NULL;
    for (int i = 0; i < with->n; i++) {
        if (weft_same_type(var[i]->type, value[i]->h.type))
            continue;
        weft_fail(ir->diag, WEFT_INVALID_ARGUMENT, "'%s' of type %s gets a value of type %s",
                  var[i]->name, weft_type_text(ir, var[i]->type),
                  weft_type_text(ir, value[i]->h.type));
        return NULL;
    }
    return weft_stmt_make(
        ir, (weft_stmt){ WEFT_SK_ALLREDUCE, .u.all = { with, axes, var, value, body } });
}
