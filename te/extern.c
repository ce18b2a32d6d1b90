/* Extern stages: tensors that statements of the IR compute, instead of an expression an element.
 *
 * The statements are a kernel's body at the level loops.  They read whole tensors, which therefore
 * are in global memory, and make every element of their own. */
#include "te/extern.h"

/* ---- what the statements may touch ----------------------------------------------------------- */

typedef struct check {
    const weft_te *te;
    const weft_extern *e;
    WEFT_VEC(const weft_buf *) own; /* allocated by the statements */
    weft_arena scratch;
    const char *fault, *name; /* of the first thing that is wrong */
} check;

static bool
made_by(const check *c, const weft_buf *b)
{
    for (int i = 0; i < c->e->n; i++)
        if (c->e->buf[i] == b)
            return true;
    for (int i = 0; i < c->own.n; i++)
        if (c->own.at[i] == b)
            return true;
    return false;
}

static bool
check_stmt(void *user, const weft_stmt *s)
{
    check *c = user;
    const weft_buf *to = s->kind == WEFT_SK_STORE    ? s->u.store.buf
                         : s->kind == WEFT_SK_ATOMIC ? s->u.atomic.buf
                                                     : NULL;
    if (s->kind == WEFT_SK_ALLOC) {
        const weft_buf *b = s->u.alloc.buf;
        *WEFT_PUSH(&c->scratch, &c->own) = b;
        for (int d = 0; d < b->ndim && !c->fault; d++)
            if (!weft_is_imm(b->shape[d])) {
                c->fault = "allocates memory of no constant size, in";
                c->name = b->name;
            }
    }
    if (to && !c->fault && !made_by(c, to)) {
        c->fault = "stores to a tensor that it does not make,";
        c->name = to->name;
    }
    return !c->fault;
}

static bool
note_tensor(void *user, const weft_expr *e)
{
    check *c = user;
    if (e->h.kind == WEFT_EK_LOAD && !made_by(c, e->h.u.buf))
        *WEFT_PUSH(&c->scratch, &c->own) = e->h.u.buf;
    return true;
}

/* The statements as a kernel, for the verifier. */
static weft_status
verify(check *c)
{
    const weft_extern *e = c->e;
    int first = c->own.n;
    weft_walk_stmt(&(weft_walker){ .expr = note_tensor, .user = c }, e->body);
    int nin = c->own.n - first, n = nin + e->n;
    const weft_buf **param = WEFT_NEW_ARRAY(&c->scratch, n, const weft_buf *);
    weft_access *access = WEFT_NEW_ARRAY(&c->scratch, n, weft_access);
    for (int i = 0; i < n; i++) {
        param[i] = i < nin ? c->own.at[first + i] : e->buf[i - nin];
        access[i] = i < nin ? WEFT_READ : WEFT_READ_WRITE;
    }
    weft_kernel k = { .ir = c->te->ir,
                      .name = e->buf[0]->name,
                      .level = WEFT_LEVEL_LOOPS,
                      .nparam = n,
                      .param = param,
                      .access = access,
                      .nscalar = c->te->symbol.n,
                      .scalar = c->te->symbol.at,
                      .body = e->body };
    return weft_verify(&k, weft_arena_printf(&c->scratch, "extern '%s'", e->buf[0]->name),
                       c->te->diag);
}

static weft_status
check_body(const weft_te *te, const weft_extern *e)
{
    check c = { .te = te, .e = e };
    weft_walk_stmt(&(weft_walker){ .stmt = check_stmt, .user = &c }, e->body);
    weft_status st = WEFT_OK;
    if (c.fault)
        st = weft_fail(te->diag, WEFT_INVALID_ARGUMENT, "extern '%s' %s '%s'", e->buf[0]->name,
                       c.fault, c.name);
    st = st == WEFT_OK ? verify(&c) : st;
    weft_arena_reset(&c.scratch);
    return st == WEFT_INTERNAL ? WEFT_INVALID_ARGUMENT : st;
}

/* ---- the definition -------------------------------------------------------------------------- */

const weft_buf *
weft_extern_buf(weft_te *te, const char *name, weft_dtype dtype, int ndim,
                const weft_expr *const *shape)
{
    for (int d = 0; d < ndim; d++) {
        const char *fault = weft_te_size_fault(te, shape[d]);
        if (fault)
            return weft_fail(te->diag, WEFT_INVALID_ARGUMENT, "dimension %d of extern '%s' %s", d,
                             name, fault),
                   NULL;
    }
    return weft_buf_make(te->ir, name, dtype, WEFT_GLOBAL, ndim, shape);
}

weft_status
weft_extern_define(weft_te *te, const weft_extern *e, weft_tensor **out)
{
    weft_arena *a = &te->ir->arena;
    if (!weft_te_room(te, e->buf[0]->name))
        return WEFT_LIMIT;
    weft_status st = check_body(te, e);
    if (st != WEFT_OK)
        return st;
    weft_te_op *op = WEFT_NEW(a, weft_te_op);
    op->kind = WEFT_OP_EXTERN;
    op->name = e->buf[0]->name;
    op->nout = e->n;
    op->out = WEFT_NEW_ARRAY(a, e->n, weft_tensor *);
    op->stmt = e->body;
    op->reducer = WEFT_REDUCER_COUNT;
    for (int i = 0; i < e->n; i++) {
        weft_tensor *t = WEFT_NEW(a, weft_tensor);
        weft_te_take_name(te, WEFT_NAME_TENSOR, e->buf[i]->name);
        *t = (weft_tensor){ .id = te->tensor.n, .te = te, .op = op, .index = i, .buf = e->buf[i] };
        weft_te_register(te, t);
        out[i] = op->out[i] = t;
    }
    weft_te_insert_stage(te, op, te->stage.n);
    *WEFT_PUSH(a, &te->source) = weft_arena_dup(a, op, sizeof *op);
    return WEFT_OK;
}
