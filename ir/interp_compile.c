/* From kernel to the interpreter's code: variables get slots, expressions become nodes that know
 * how deep in the loops they vary, buffers get a storage form.  Nothing is simplified: a fault that
 * the text has is a fault that the run meets. */
#include "ir/interp_priv.h"

#include <string.h>

typedef struct compiler {
    weft_interp *in;
    weft_diag *diag;
    weft_arena scratch;
    node **memo;          /* by expression id */
    int *memo_binder;     /* the open binder it was made under */
    int *slot_of, *level; /* by variable id: -1 where not bound; depth that binds it */
    int *buf_of;          /* by buffer id */
    WEFT_VEC(int) binder; /* by depth: number of the open binder */
    WEFT_VEC(int) open;   /* checked loops around */
    WEFT_VEC(int) alive;  /* buffer slots in scope */
    WEFT_VEC(bufinfo) buf;
    WEFT_VEC(int) outside; /* by buffer slot: checked loops around its ALLOC */
    WEFT_VEC(access *) accesses;
    WEFT_VEC(node *) extent;
    WEFT_VEC(int) bind;
    int nbinder;
    bool laned, launched, has_shared, has_barrier;
    weft_status status;
} compiler;

static code *compile_stmt(compiler *, const weft_stmt *);
static node *compile_expr(compiler *, const weft_expr *);

/* ---- types ----------------------------------------------------------------------------------- */

static icls
class_of(const weft_interp *in, weft_dtype t)
{
    switch (weft_dtype_kind(t)) {
    case WEFT_KIND_BOOL:
        return CLS_BOOL;
    case WEFT_KIND_FLOAT:
        if (t == WEFT_F64)
            return CLS_F64;
        return in->opt.widen && (t == WEFT_F32 || t == WEFT_F16 || t == WEFT_BF16) ? CLS_F64
                                                                                   : CLS_F32;
    case WEFT_KIND_INT:
        return t == WEFT_I64 ? CLS_I64 : CLS_I32;
    case WEFT_KIND_UINT:
        return t == WEFT_U64 ? CLS_U64 : t == WEFT_U32 ? CLS_U32 : CLS_I32;
    }
    return CLS_I32;
}

/* Whether values of the class have to be brought back into the dtype after arithmetic. */
static bool
needs_post(icls cls, weft_dtype t)
{
    return (cls == CLS_I32 && t != WEFT_I32) || (cls == CLS_F32 && t != WEFT_F32);
}

static bool
widened(const weft_interp *in, weft_dtype t)
{
    return t != WEFT_F64 && class_of(in, t) == CLS_F64;
}

/* ---- scopes ---------------------------------------------------------------------------------- */

static void
unsupported(compiler *c, const char *what)
{
    if (!c->status)
        c->status =
            weft_fail(c->diag, WEFT_UNSUPPORTED, "kernel '%s': the interpreter does not run %s",
                      c->in->kernel->name, what);
}

/* Opens a binder: variables bound next stand at the depth that is returned. */
static int
enter(compiler *c)
{
    *WEFT_PUSH(&c->scratch, &c->binder) = c->nbinder++;
    int depth = c->binder.n - 1;
    if (depth >= c->in->ndepth)
        c->in->ndepth = depth + 1;
    return depth;
}

static void
leave(compiler *c)
{
    c->binder.n--;
}

static int
bind_var(compiler *c, const weft_var *v)
{
    c->slot_of[v->id] = c->in->nslot++;
    c->level[v->id] = c->binder.n - 1;
    return c->slot_of[v->id];
}

static int
add_buf(compiler *c, const weft_buf *b, storage store, int param)
{
    int slot = c->buf.n;
    bufinfo *info = WEFT_PUSH(&c->scratch, &c->buf);
    *WEFT_PUSH(&c->scratch, &c->outside) = c->open.n;
    *WEFT_PUSH(&c->scratch, &c->alive) = slot;
    c->buf_of[b->id] = slot;
    *info = (bufinfo){ .src = b, .dtype = b->dtype, .store = store, .param = param };
    info->cls = class_of(c->in, b->dtype);
    info->widened = widened(c->in, b->dtype);
    info->shape = WEFT_NEW_ARRAY(&c->in->arena, b->ndim, node *);
    info->stride = b->stride ? WEFT_NEW_ARRAY(&c->in->arena, b->ndim, node *) : NULL;
    for (int d = 0; d < b->ndim; d++) {
        node *shape = compile_expr(c, b->shape[d]);
        node *stride = b->stride ? compile_expr(c, b->stride[d]) : NULL;
        c->buf.at[slot].shape[d] = shape;
        if (stride)
            c->buf.at[slot].stride[d] = stride;
    }
    return slot;
}

/* ---- expressions ----------------------------------------------------------------------------- */

static access *
compile_access(compiler *c, const weft_buf *b, int n, const weft_expr *const *index, bool write,
               bool atomic)
{
    access *a = WEFT_NEW(&c->in->arena, access);
    *a = (access){ .id = c->in->naccess++, .n = n, .write = write, .atomic = atomic, .src = b };
    *WEFT_PUSH(&c->scratch, &c->accesses) = a;
    a->buf = c->buf_of[b->id];
    if (a->buf < 0) {
        unsupported(c, "a kernel that uses a buffer outside its scope");
        a->buf = 0;
    }
    a->index = WEFT_NEW_ARRAY(&c->in->arena, n, node *);
    for (int i = 0; i < n; i++) {
        a->index[i] = compile_expr(c, index[i]);
        a->guarded |= a->index[i]->guarded && !a->index[i]->pure;
    }
    bufinfo *info = &c->buf.at[a->buf];
    int from = c->outside.at[a->buf];
    a->nloop = c->open.n - from;
    a->loop = weft_arena_dup(&c->in->arena, c->open.at + from, (size_t)a->nloop * sizeof(int));
    info->stored |= write;
    info->loaded |= !write || atomic;
    info->atomic |= atomic;
    if (n != b->ndim)
        unsupported(c, "an access with another number of indices than its buffer has dimensions");
    return a;
}

static int
level_of_args(const node *n)
{
    int level = 0;
    for (int i = 0; i < n->n; i++)
        level = n->arg[i]->level > level ? n->arg[i]->level : level;
    return level;
}

static void
compile_leaf(compiler *c, node *n, const weft_expr *e)
{
    if (n->kind == WEFT_EK_IMM) {
        if (n->cls == CLS_F32 || n->cls == CLS_F64)
            n->imm.f = e->h.u.f;
        else
            n->imm.i = e->h.u.i;
    } else if (n->kind == WEFT_EK_VAR) {
        n->slot = c->slot_of[e->h.u.var->id];
        n->level = c->level[e->h.u.var->id];
        if (n->slot < 0) {
            unsupported(c, "a kernel that uses a variable outside its scope");
            n->slot = 0;
        }
    } else if (n->kind == WEFT_EK_LANE) {
        n->lane = (int)e->h.u.i;
    }
}

static void
choose_kernels(compiler *c, node *n, const weft_expr *e)
{
    icls cls = n->n ? n->arg[0]->cls : n->cls;
    if (n->kind == WEFT_EK_CALL) {
        n->intrin = e->h.u.intrin;
        if (weft_intrin_infos[n->intrin].nargs == 2 && !weft_intrin_infos[n->intrin].effect)
            n->set = weft_interp_math2(n->intrin, cls);
    } else {
        n->set = weft_interp_binary((weft_ek)n->kind, cls);
    }
    if (weft_expr_infos[n->kind].nargs == 2 && n->kind != WEFT_EK_RAMP && !n->set)
        unsupported(c, "an operator on operands of this type");
}

static node *
make_node(compiler *c, const weft_expr *e)
{
    node *n = WEFT_NEW(&c->in->arena, node);
    weft_dtype t = (weft_dtype)e->h.type.dtype;
    *n = (node){ .kind = e->h.kind, .dtype = (uint8_t)t, .comps = e->h.type.lanes, .src = e };
    n->cls = (uint8_t)class_of(c->in, t);
    n->pure = e->h.pure;
    n->lin = n->pure && (t == WEFT_I32 || t == WEFT_I64);
    n->post = needs_post((icls)n->cls, t);
    n->id = c->in->nnode++;
    bool load = n->kind == WEFT_EK_LOAD;
    if (load) {
        n->load = compile_access(c, e->h.u.buf, e->h.nargs, e->arg, false, false);
        for (int i = 0; i < n->load->n; i++)
            n->guarded |= n->load->index[i]->guarded;
        return n;
    }
    n->n = e->h.nargs;
    n->arg = WEFT_NEW_ARRAY(&c->in->arena, n->n, node *);
    for (int i = 0; i < n->n; i++)
        n->arg[i] = compile_expr(c, e->arg[i]);
    n->level = level_of_args(n);
    n->guarded = n->kind == WEFT_EK_GUARD;
    for (int i = 0; i < n->n; i++)
        n->guarded |= n->arg[i]->guarded;
    compile_leaf(c, n, e);
    choose_kernels(c, n, e);
    return n;
}

static node *
compile_expr(compiler *c, const weft_expr *e)
{
    node *old = c->memo[e->id];
    if (old && old->pure && old->level < c->binder.n &&
        c->memo_binder[e->id] == c->binder.at[old->level])
        return old;
    if (old && !old->pure && c->memo_binder[e->id] == -c->in->ncode)
        return old;
    node *n = make_node(c, e);
    c->memo[e->id] = n;
    c->memo_binder[e->id] = n->pure ? c->binder.at[n->level] : -c->in->ncode;
    return n;
}

/* ---- statements ------------------------------------------------------------------------------ */

static code *
new_code(compiler *c, ckind kind, const weft_stmt *s, int nat)
{
    code *k = WEFT_NEW(&c->in->arena, code);
    *k = (code){ .kind = kind, .src = s, .n = nat, .check = -1 };
    k->id = c->in->ncode++;
    k->at = WEFT_NEW_ARRAY(&c->in->arena, nat ? nat : 1, code *);
    return k;
}

static const int *
one_slot(compiler *c, int slot)
{
    return weft_arena_dup(&c->in->arena, &slot, sizeof slot);
}

static code *
compile_seq(compiler *c, const weft_stmt *s)
{
    code *k = new_code(c, C_SEQ, s, s->u.seq.n);
    for (int i = 0; i < k->n; i++)
        k->at[i] = compile_stmt(c, s->u.seq.at[i]);
    return k;
}

/* Whether an expression is made of scalar parameters alone. */
static bool
is_scalar_only(const compiler *c, const weft_expr *e)
{
    if (e->h.kind == WEFT_EK_LOAD)
        return false;
    if (e->h.kind == WEFT_EK_VAR)
        return c->slot_of[e->h.u.var->id] >= 0 && c->level[e->h.u.var->id] == 0;
    for (int i = 0; i < e->h.nargs; i++)
        if (!is_scalar_only(c, e->arg[i]))
            return false;
    return true;
}

static code *
compile_axis(compiler *c, const weft_stmt *s)
{
    code *k = new_code(c, C_AXIS, s, 1);
    k->expr = compile_expr(c, s->u.loop.extent);
    k->axis = (int)s->u.loop.bind;
    if (!is_scalar_only(c, s->u.loop.extent))
        unsupported(c, "a block or thread loop whose extent is not made of scalars");
    *WEFT_PUSH(&c->scratch, &c->extent) = k->expr;
    *WEFT_PUSH(&c->scratch, &c->bind) = k->axis;
    k->depth = enter(c);
    k->slot = one_slot(c, bind_var(c, s->u.loop.var));
    k->at[0] = compile_stmt(c, s->u.loop.body);
    leave(c);
    return k;
}

/* Parallel loops, perfectly nested, as one region of lanes. */
static code *
compile_region(compiler *c, const weft_stmt *s)
{
    code *k = new_code(c, C_REGION, s, 1);
    region *g = k->region = WEFT_NEW(&c->in->arena, region);
    int slot[INTERP_AXES];
    g->extent = WEFT_NEW_ARRAY(&c->in->arena, INTERP_AXES, node *);
    g->var = WEFT_NEW_ARRAY(&c->in->arena, INTERP_AXES, const weft_var *);
    k->depth = c->binder.n;
    g->nvisible = c->alive.n;
    g->visible = weft_arena_dup(&c->in->arena, c->alive.at, (size_t)c->alive.n * sizeof(int));
    do {
        node *extent = compile_expr(c, s->u.loop.extent);
        if (!extent->pure || extent->level >= k->depth)
            break;
        g->extent[g->naxis] = extent;
        if (g->naxis == 0)
            enter(c);
        g->var[g->naxis] = s->u.loop.var;
        slot[g->naxis++] = bind_var(c, s->u.loop.var);
        s = s->u.loop.body;
    } while (g->naxis < INTERP_AXES && s->kind == WEFT_SK_FOR && s->u.loop.bind == WEFT_PARALLEL);
    if (g->naxis == 0) { /* an extent that is read from memory */
        c->in->ncode = k->id;
        return NULL;
    }
    g->slot = weft_arena_dup(&c->in->arena, slot, (size_t)g->naxis * sizeof(int));
    c->laned = true;
    k->at[0] = compile_stmt(c, s);
    c->laned = false;
    leave(c);
    return k;
}

static code *
compile_serial(compiler *c, const weft_stmt *s)
{
    weft_bind how = s->u.loop.bind;
    code *k = new_code(c, C_FOR, s, 1);
    k->expr = compile_expr(c, s->u.loop.extent);
    if (how == WEFT_PARALLEL || how == WEFT_VECTORIZE) {
        k->check = c->in->nloop++;
        *WEFT_PUSH(&c->scratch, &c->open) = k->check;
    }
    k->reorder = how == WEFT_PARALLEL;
    k->depth = enter(c);
    k->slot = one_slot(c, bind_var(c, s->u.loop.var));
    k->at[0] = compile_stmt(c, s->u.loop.body);
    leave(c);
    if (k->check >= 0)
        c->open.n--;
    return k;
}

static code *
compile_for(compiler *c, const weft_stmt *s)
{
    weft_bind how = s->u.loop.bind;
    if (weft_is_block(how) || weft_is_thread(how))
        return compile_axis(c, s);
    code *k = how == WEFT_PARALLEL && !c->laned ? compile_region(c, s) : NULL;
    return k ? k : compile_serial(c, s);
}

static code *
compile_if(compiler *c, const weft_stmt *s)
{
    code *k = new_code(c, C_IF, s, 2);
    k->expr = compile_expr(c, s->u.iff.cond);
    k->at[0] = compile_stmt(c, s->u.iff.then);
    k->at[1] = s->u.iff.els ? compile_stmt(c, s->u.iff.els) : NULL;
    return k;
}

static code *
compile_let(compiler *c, const weft_stmt *s)
{
    code *k = new_code(c, C_LET, s, 1);
    k->expr = compile_expr(c, s->u.let.value);
    k->depth = enter(c);
    k->slot = one_slot(c, bind_var(c, s->u.let.var));
    k->at[0] = compile_stmt(c, s->u.let.body);
    leave(c);
    return k;
}

static code *
compile_alloc(compiler *c, const weft_stmt *s)
{
    const weft_buf *b = s->u.alloc.buf;
    code *k = new_code(c, C_ALLOC, s, 1);
    bool one = b->space != WEFT_FRAGMENT &&
               (!c->laned || (c->launched && (b->space == WEFT_SHARED || b->space == WEFT_GLOBAL)));
    int was = c->buf_of[b->id];
    c->has_shared |= one && c->laned;
    k->buf = add_buf(c, b, !one ? STORE_ROWS : b->room ? STORE_PLACED : STORE_ONE, -1);
    if (one && b->room && b->place + b->room > c->in->overlay)
        c->in->overlay = b->place + b->room;
    k->at[0] = compile_stmt(c, s->u.alloc.body);
    c->alive.n--;
    c->buf_of[b->id] = was;
    return k;
}

static code *
compile_allreduce(compiler *c, const weft_stmt *s)
{
    const weft_combiner *w = s->u.all.with;
    code *k = new_code(c, C_ALLREDUCE, s, 1);
    int *slot = WEFT_NEW_ARRAY(&c->in->arena, w->n, int);
    int *lhs = WEFT_NEW_ARRAY(&c->in->arena, w->n, int);
    int *rhs = WEFT_NEW_ARRAY(&c->in->arena, w->n, int);
    k->axis = (int)s->u.all.axes;
    k->value = WEFT_NEW_ARRAY(&c->in->arena, w->n, node *);
    k->result = WEFT_NEW_ARRAY(&c->in->arena, w->n, node *);
    c->has_shared = true;
    for (int i = 0; i < w->n; i++)
        k->value[i] = compile_expr(c, s->u.all.value[i]);
    k->depth = enter(c);
    for (int i = 0; i < w->n; i++) {
        lhs[i] = bind_var(c, w->lhs[i]);
        rhs[i] = bind_var(c, w->rhs[i]);
        slot[i] = bind_var(c, s->u.all.var[i]);
    }
    for (int i = 0; i < w->n; i++)
        k->result[i] = compile_expr(c, w->result[i]);
    k->slot = slot;
    k->lhs = lhs;
    k->rhs = rhs;
    k->at[0] = compile_stmt(c, s->u.all.body);
    leave(c);
    return k;
}

static code *
compile_simple(compiler *c, const weft_stmt *s)
{
    code *k = NULL;
    switch (s->kind) {
    case WEFT_SK_STORE:
        k = new_code(c, C_STORE, s, 0);
        k->store = compile_access(c, s->u.store.buf, s->u.store.n, s->u.store.index, true, false);
        k->expr = compile_expr(c, s->u.store.value);
        break;
    case WEFT_SK_ATOMIC:
        k = new_code(c, C_ATOMIC, s, 0);
        k->store = compile_access(c, s->u.atomic.buf, 1, &s->u.atomic.index, true, true);
        k->expr = compile_expr(c, s->u.atomic.value);
        k->op = s->u.atomic.op;
        break;
    case WEFT_SK_ASYNC:
        k = new_code(c, C_ASYNC, s, 0);
        break;
    case WEFT_SK_MATRIX:
        k = new_code(c, C_MATRIX, s, 0);
        for (int i = 0; i < weft_matrix_op_places(s->u.matrix.op); i++) {
            const weft_spot *at = &s->u.matrix.place[i];
            k->place[i] = compile_access(c, at->buf, at->n, at->index, i == 0, false);
        }
        k->expr = s->u.matrix.value ? compile_expr(c, s->u.matrix.value) : NULL;
        k->stride = s->u.matrix.stride ? compile_expr(c, s->u.matrix.stride) : NULL;
        break;
    case WEFT_SK_BARRIER:
        k = new_code(c, C_BARRIER, s, 0);
        k->fence = s->u.barrier.fence;
        c->has_barrier = true;
        break;
    default:
        k = new_code(c, C_EVAL, s, 0);
        k->expr = compile_expr(c, s->u.eval.call);
        break;
    }
    return k;
}

static code *
compile_stmt(compiler *c, const weft_stmt *s)
{
    code *k;
    switch (s->kind) {
    case WEFT_SK_SEQ:
        return compile_seq(c, s);
    case WEFT_SK_FOR:
        return compile_for(c, s);
    case WEFT_SK_IF:
        return compile_if(c, s);
    case WEFT_SK_LET:
        return compile_let(c, s);
    case WEFT_SK_ALLOC:
        return compile_alloc(c, s);
    case WEFT_SK_ALLREDUCE:
        return compile_allreduce(c, s);
    case WEFT_SK_PREFETCH:
        return new_code(c, C_SEQ, s, 0);
    case WEFT_SK_WHILE:
        k = new_code(c, C_WHILE, s, 1);
        k->expr = compile_expr(c, s->u.loop.extent);
        k->at[0] = compile_stmt(c, s->u.loop.body);
        return k;
    default:
        return compile_simple(c, s);
    }
}

/* ---- the kernel ------------------------------------------------------------------------------ */

static bool
find_launch(void *user, const weft_stmt *s)
{
    bool *found = user;
    if (s->kind == WEFT_SK_FOR && (weft_is_block(s->u.loop.bind) || weft_is_thread(s->u.loop.bind)))
        *found = true;
    return !*found;
}

static void
add_dim(compiler *c, const weft_expr *e, int axis)
{
    if (!e)
        return;
    *WEFT_PUSH(&c->scratch, &c->extent) = compile_expr(c, e);
    *WEFT_PUSH(&c->scratch, &c->bind) = axis;
}

static void
make_launch(compiler *c)
{
    const weft_kernel *k = c->in->kernel;
    for (int i = 0; i < 3 && k->level == WEFT_LEVEL_DEVICE; i++) {
        add_dim(c, k->grid[i], WEFT_BLOCK_X + i);
        add_dim(c, k->block[i], WEFT_THREAD_X + i);
    }
    region *g = c->in->launch = WEFT_NEW(&c->in->arena, region);
    g->naxis = c->extent.n;
    g->extent = weft_arena_dup(&c->in->arena, c->extent.at, (size_t)g->naxis * sizeof(node *));
    g->bind = weft_arena_dup(&c->in->arena, c->bind.at, (size_t)g->naxis * sizeof(int));
}

/* Loops in which a buffer is stored, by buffer; then only those matter to an access. */
static void
note_loops(compiler *c, const code *k)
{
    if (k->store) {
        bufinfo *b = &c->buf.at[k->store->buf];
        for (int i = 0; i < k->store->nloop; i++) {
            bool known = false;
            for (int j = 0; j < b->nloop; j++)
                known |= b->loop[j] == k->store->loop[i];
            if (known)
                continue;
            int *more = WEFT_NEW_ARRAY(&c->in->arena, b->nloop + 1, int);
            if (b->nloop)
                memcpy(more, b->loop, (size_t)b->nloop * sizeof(int));
            more[b->nloop++] = k->store->loop[i];
            b->loop = more;
        }
    }
    for (int i = 0; i < k->n; i++)
        if (k->at[i])
            note_loops(c, k->at[i]);
}

static void
declare(compiler *c)
{
    const weft_kernel *k = c->in->kernel;
    enter(c);
    c->in->scalar_slot = WEFT_NEW_ARRAY(&c->in->arena, k->nscalar ? k->nscalar : 1, int);
    for (int i = 0; i < k->nscalar; i++)
        c->in->scalar_slot[i] = bind_var(c, k->scalar[i]);
    for (int i = 0; i < k->nparam; i++)
        add_buf(c, k->param[i], STORE_RAW, i);
}

/* What lanes of one block do together. */
static bool
has_shuffle(void *user, const weft_expr *e)
{
    bool *found = user;
    *found |= e->h.kind == WEFT_EK_CALL && weft_intrin_infos[e->h.u.intrin].effect;
    return !*found;
}

static bool
has_matrix(void *user, const weft_stmt *s)
{
    bool *found = user;
    *found |= s->kind == WEFT_SK_MATRIX;
    return !*found;
}

static bool
exchanges(const weft_kernel *k)
{
    for (int i = 0; i < k->nparam; i++)
        if (weft_exchanges(k, i))
            return true;
    return false;
}

weft_status
weft_interp_compile(weft_interp *in, weft_diag *diag)
{
    compiler c = { .in = in, .diag = diag };
    const weft_ir *ir = in->ir;
    c.memo = WEFT_NEW_ARRAY(&c.scratch, ir->nexpr + 1, node *);
    c.memo_binder = WEFT_NEW_ARRAY(&c.scratch, ir->nexpr + 1, int);
    c.slot_of = WEFT_NEW_ARRAY(&c.scratch, ir->nvar + 1, int);
    c.level = WEFT_NEW_ARRAY(&c.scratch, ir->nvar + 1, int);
    c.buf_of = WEFT_NEW_ARRAY(&c.scratch, ir->nbuf + 1, int);
    memset(c.slot_of, -1, (ir->nvar + 1) * sizeof(int));
    memset(c.buf_of, -1, (ir->nbuf + 1) * sizeof(int));
    c.nbinder = 1;
    weft_walker axes = { .stmt = find_launch, .user = &c.launched };
    weft_walk_stmt(&axes, in->kernel->body);
    c.laned = c.launched;
    declare(&c);
    in->body = compile_stmt(&c, in->kernel->body);
    if (c.launched)
        make_launch(&c);
    note_loops(&c, in->body);
    in->nbuf = c.buf.n;
    in->access = weft_arena_dup(&in->arena, c.accesses.at, (size_t)c.accesses.n * sizeof(access *));
    in->buf = weft_arena_dup(&in->arena, c.buf.at, (size_t)c.buf.n * sizeof(bufinfo));
    bool shuffles = false;
    weft_walker lanes = { has_shuffle, has_matrix, &shuffles };
    weft_walk_stmt(&lanes, in->kernel->body);
    bool meets = c.has_shared || (c.launched && exchanges(in->kernel));
    in->grouped = c.launched && !meets && !c.has_barrier && !shuffles;
    in->implied = c.launched && meets && !c.has_barrier && in->kernel->level != WEFT_LEVEL_DEVICE;
    weft_arena_reset(&c.scratch);
    if (!c.status)
        weft_interp_flow(in);
    return c.status;
}
