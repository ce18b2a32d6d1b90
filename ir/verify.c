/* Whether a kernel is what its level promises: scopes, types, index counts, what may stand where.
 * doc/IR.md lists the rules; each message below is one of them. */
#include "ir/priv.h"

#include <string.h>

enum {
    MAX_FAULTS = 20,
    MAX_SHOWN = 12 /* lines of IR below a message */
};

typedef struct verifier {
    const weft_kernel *k;
    bool on_host; /* in a shape or the extent of a bound loop: the host computes it, // may stay */
    weft_ir *ir;
    const char *when;
    weft_diag *diag;
    const weft_stmt *stmt; /* being checked, shown with a fault; NULL: the header */
    int nfault;
    uint8_t *var_open;      /* by id: in scope */
    uint8_t *var_divergent; /* by id: may differ between the threads of a block */
    uint8_t *buf_open;      /* by id: in scope */
    uint8_t *buf_constant;  /* by id: nothing is stored to it */
    uint32_t *stamp;        /* by expression id: the last walk that saw it */
    uint8_t *typed;         /* by expression id: its type was checked */
    uint32_t now;
    uint32_t nexpr; /* ids the arrays cover */
    int divergent;  /* conditions and loops around us that depend on the thread */
    int nested;     /* statements around us that are not bound loops, lets or allocs */
    unsigned bound; /* bits of the axes bound around us */
} verifier;

/* ---- reporting ------------------------------------------------------------------------------- */

static void
cut_lines(weft_str *s, int most)
{
    char *p = s->at;
    for (; p && most > 0; most--) {
        p = strchr(p, '\n');
        p = p ? p + 1 : NULL;
    }
    if (p && *p) {
        s->n = (size_t)(p - s->at);
        *p = 0;
        weft_str_add(s, "    ...\n");
    }
}

static void WEFT_PRINTF(2, 3) fault(verifier *v, const char *fmt, ...)
{
    weft_str what = { 0 }, where = { 0 };
    va_list args;
    if (v->nfault++ >= MAX_FAULTS)
        return;
    va_start(args, fmt);
    weft_str_vaddf(&what, fmt, args);
    va_end(args);
    if (v->stmt) {
        weft_print_stmt(&where, v->stmt, 1);
        cut_lines(&where, MAX_SHOWN);
    }
    weft_fail(v->diag, WEFT_INVALID_INPUT, "%s: kernel '%s': %s%s%s", v->when, v->k->name,
              weft_str_text(&what), where.n ? "\n" : "", weft_str_text(&where));
    weft_str_free(&what);
    weft_str_free(&where);
}

/* ---- expressions ----------------------------------------------------------------------------- */

/* The node as its checked builder would make it: the same pointer if it is well-typed. */
static const weft_expr *
rebuilt(weft_ir *ir, const weft_expr *e)
{
    const weft_expr *const *arg = e->arg;
    weft_dtype t = (weft_dtype)e->h.type.dtype;
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_IMM:
        return weft_is_float(t) ? weft_float(ir, t, e->h.u.f) : weft_int(ir, t, e->h.u.i);
    case WEFT_EK_VAR:
        return weft_ref(ir, e->h.u.var);
    case WEFT_EK_SELECT:
        return weft_select(ir, arg[0], arg[1], arg[2]);
    case WEFT_EK_GUARD:
        return weft_guard(ir, arg[0], arg[1], arg[2]);
    case WEFT_EK_CAST:
        return weft_cast_to(ir, e->h.type, arg[0]);
    case WEFT_EK_BITCAST:
        return weft_bitcast(ir, e->h.type, arg[0]);
    case WEFT_EK_LOAD:
        return weft_load(ir, e->h.u.buf, e->h.nargs, arg);
    case WEFT_EK_CALL:
        return weft_intrinsic(ir, e->h.u.intrin, e->h.nargs, arg);
    case WEFT_EK_RAMP:
        return weft_ramp(ir, arg[0], arg[1], e->h.type.lanes);
    case WEFT_EK_BCAST:
        return weft_bcast(ir, arg[0], e->h.type.lanes);
    case WEFT_EK_LANE:
        return weft_lane(ir, arg[0], (int)e->h.u.i);
    case WEFT_EK_VEC:
        return weft_vec(ir, e->h.nargs, arg);
    default:
        if (e->h.nargs == 1)
            return weft_unary(ir, (weft_ek)e->h.kind, arg[0]);
        return weft_binary(ir, (weft_ek)e->h.kind, arg[0], arg[1]);
    }
}

static void
check_node(verifier *v, const weft_expr *e)
{
    weft_ek kind = (weft_ek)e->h.kind;
    if (!v->typed[e->id]) {
        v->typed[e->id] = true;
        if (rebuilt(v->ir, e) != e) {
            weft_str s = { 0 };
            weft_print_expr(&s, e);
            fault(v, "'%.200s' of type %s is not well-typed", weft_str_text(&s),
                  weft_type_text(v->ir, e->h.type));
            weft_str_free(&s);
        }
    }
    if (kind == WEFT_EK_VAR && !v->var_open[e->h.u.var->id])
        fault(v, "variable '%s' is used outside its scope", e->h.u.var->name);
    if (kind == WEFT_EK_LOAD && e->h.u.buf->space == WEFT_FRAGMENT)
        fault(v, "buffer '%s' holds matrices: matrix statements alone read it", e->h.u.buf->name);
    if (kind == WEFT_EK_LOAD && !v->buf_open[e->h.u.buf->id])
        fault(v, "buffer '%s' is read outside its scope", e->h.u.buf->name);
    if ((kind == WEFT_EK_FDIV || kind == WEFT_EK_FMOD) && v->k->level == WEFT_LEVEL_DEVICE &&
        !v->on_host)
        fault(v, "'%s' at the level device: it has to be legalised to tdiv or tmod",
              weft_expr_infos[kind].text);
    if ((kind == WEFT_EK_TDIV || kind == WEFT_EK_TMOD) && v->k->level == WEFT_LEVEL_LOOPS)
        fault(v, "'%s' at the level loops: the floor forms '//' and '%%' are used until legalised",
              weft_expr_infos[kind].text);
}

static void
check_below(verifier *v, const weft_expr *e)
{
    if (e->id >= v->nexpr || v->stamp[e->id] == v->now) /* newer ones are builders' own */
        return;
    v->stamp[e->id] = v->now;
    check_node(v, e);
    for (int i = 0; i < e->h.nargs; i++)
        check_below(v, e->arg[i]);
}

static void
check_expr(verifier *v, const weft_expr *e)
{
    v->now++;
    check_below(v, e);
}

static void
check_exprs(verifier *v, int n, const weft_expr *const *e)
{
    for (int i = 0; i < n; i++)
        check_expr(v, e[i]);
}

static bool
divergent_below(verifier *v, const weft_expr *e)
{
    if (e->id >= v->nexpr || v->stamp[e->id] == v->now)
        return false;
    v->stamp[e->id] = v->now;
    if (e->h.kind == WEFT_EK_VAR)
        return v->var_divergent[e->h.u.var->id];
    if (e->h.kind == WEFT_EK_LOAD && e->h.u.buf->space >= WEFT_LOCAL)
        return true;
    if (e->h.kind == WEFT_EK_CALL && weft_intrin_infos[e->h.u.intrin].effect)
        return true;
    for (int i = 0; i < e->h.nargs; i++)
        if (divergent_below(v, e->arg[i]))
            return true;
    return false;
}

/* Whether the threads of a block may disagree on the value. */
static bool
is_divergent(verifier *v, const weft_expr *e)
{
    v->now++;
    return divergent_below(v, e);
}

/* ---- scopes ---------------------------------------------------------------------------------- */

static void
open_var(verifier *v, const weft_var *var, bool divergent)
{
    if (v->var_open[var->id])
        fault(v, "variable '%s' is bound again inside its own scope", var->name);
    v->var_open[var->id] = true;
    v->var_divergent[var->id] = divergent;
}

static void
close_var(verifier *v, const weft_var *var)
{
    v->var_open[var->id] = false;
}

static void
check_shape(verifier *v, const weft_buf *b)
{
    int64_t total, elements = 1;
    bool on_host = v->on_host;
    v->on_host = true; /* no kernel computes a size */
    for (int i = 0; i < b->ndim; i++) {
        int64_t n;
        check_expr(v, b->shape[i]);
        if (!weft_is_int((weft_dtype)b->shape[i]->h.type.dtype) || !b->shape[i]->h.pure)
            fault(v, "an extent of buffer '%s' is no integer over scalars", b->name);
        else if (weft_as_int(b->shape[i], &n) && n < 0)
            fault(v, "buffer '%s' has the extent %lld", b->name, (long long)n);
        else if (weft_as_int(b->shape[i], &n) && !weft_mul64(elements, n, &elements))
            elements = INT64_MAX;
    }
    if (b->stride)
        check_exprs(v, b->ndim, b->stride);
    v->on_host = on_host;
    if (!weft_dtype_bytes(b->dtype, elements, &total))
        fault(v, "buffer '%s' has more than 2^63 bytes", b->name);
    if (v->k->level != WEFT_LEVEL_LOOPS && (b->ndim != 1 || b->stride))
        fault(v, "buffer '%s' has %d dimensions%s: from the level flat on it has one, dense",
              b->name, b->ndim, b->stride ? " and strides" : "");
}

static void
open_buf(verifier *v, const weft_buf *b)
{
    if (v->buf_open[b->id])
        fault(v, "buffer '%s' is allocated again inside its own scope", b->name);
    check_shape(v, b);
    v->buf_open[b->id] = true;
}

/* ---- statements ------------------------------------------------------------------------------ */

static void check_stmt(verifier *, const weft_stmt *);

static void
check_bind(verifier *v, const weft_stmt *s)
{
    weft_bind bind = s->u.loop.bind;
    const char *name = s->u.loop.var->name;
    bool hardware = weft_is_block(bind) || weft_is_thread(bind);
    if (hardware && (v->bound & 1u << bind))
        fault(v, "loop '%s' binds %s, which a loop around it binds already", name,
              weft_bind_name(bind));
    if (v->k->level == WEFT_LEVEL_DEVICE && bind != WEFT_SERIAL && !hardware)
        fault(v, "loop '%s' is %s at the level device: serial and bound loops alone remain", name,
              weft_bind_name(bind));
    if ((bind == WEFT_UNROLL || bind == WEFT_VECTORIZE || bind == WEFT_VTHREAD) &&
        !weft_is_imm(s->u.loop.extent))
        fault(v, "loop '%s' is %s, but its extent is not constant", name, weft_bind_name(bind));
    if (bind == WEFT_VECTORIZE) {
        int64_t n;
        if (weft_as_int(s->u.loop.extent, &n) && (n < 1 || n > UINT8_MAX))
            fault(v, "loop '%s' is vectorize with the extent %lld: 1 to 255 are possible", name,
                  (long long)n);
    }
}

/* Inside a statement that is no bound loop; diverging: threads may disagree on running it. */
static void
check_inside(verifier *v, const weft_stmt *body, bool diverging)
{
    v->nested++;
    v->divergent += diverging;
    check_stmt(v, body);
    v->divergent -= diverging;
    v->nested--;
}

static void
check_for(verifier *v, const weft_stmt *s)
{
    const weft_var *var = s->u.loop.var;
    const weft_expr *extent = s->u.loop.extent;
    weft_bind bind = s->u.loop.bind;
    v->on_host = weft_is_thread(bind) || weft_is_block(bind);
    check_expr(v, extent);
    v->on_host = false;
    if (!weft_same_type(var->type, extent->h.type) || var->type.lanes != 1 ||
        !weft_is_int((weft_dtype)var->type.dtype))
        fault(v, "loop '%s' of type %s has an extent of type %s: one integer type is needed",
              var->name, weft_type_text(v->ir, var->type), weft_type_text(v->ir, extent->h.type));
    check_bind(v, s);
    if (s->u.loop.unroll < 0 || (s->u.loop.unroll && bind != WEFT_SERIAL))
        fault(v, "loop '%s' on %s has a pragma unroll(%d), which is for serial loops", var->name,
              weft_bind_name(bind), s->u.loop.unroll);
    bool diverging = is_divergent(v, extent);
    open_var(v, var, diverging || weft_is_thread(bind));
    if (weft_is_thread(bind) || weft_is_block(bind)) {
        unsigned before = v->bound;
        v->bound |= 1u << bind;
        check_stmt(v, s->u.loop.body);
        v->bound = before;
    } else {
        check_inside(v, s->u.loop.body, diverging);
    }
    close_var(v, var);
}

static void
check_cond(verifier *v, const weft_expr *cond, const char *what)
{
    check_expr(v, cond);
    if (!weft_same_type(cond->h.type, weft_scalar(WEFT_BOOL)))
        fault(v, "the condition of '%s' is of type %s: a scalar bool is needed", what,
              weft_type_text(v->ir, cond->h.type));
}

static void
check_target(verifier *v, const weft_buf *b)
{
    if (!v->buf_open[b->id])
        fault(v, "buffer '%s' is written outside its scope", b->name);
    else if (v->buf_constant[b->id] || b->space == WEFT_CONSTANT)
        fault(v, "buffer '%s' is written, but declared to be read only", b->name);
    else if (b->space == WEFT_FRAGMENT)
        fault(v, "buffer '%s' holds matrices: matrix statements alone write it", b->name);
}

static bool
may_stream(const verifier *v, const weft_stmt *s)
{
    const weft_expr *index = s->u.store.n == 1 ? s->u.store.index[0] : NULL;
    return v->k->level == WEFT_LEVEL_DEVICE && s->u.store.buf->space == WEFT_GLOBAL && index &&
           index->h.kind == WEFT_EK_RAMP && weft_is_int_imm(index->arg[1], 1);
}

static void
check_store(verifier *v, const weft_stmt *s)
{
    const weft_buf *b = s->u.store.buf;
    const weft_expr *value = s->u.store.value;
    int n = s->u.store.n;
    check_exprs(v, n, s->u.store.index);
    check_expr(v, value);
    check_target(v, b);
    const char *wrong = weft_index_fault(b, n, s->u.store.index);
    if (wrong) {
        fault(v, "store to '%s' (%d dimensions, %d indices): %s", b->name, b->ndim, n, wrong);
        return;
    }
    const weft_expr *cond;
    if (s->u.store.async && (b->space != WEFT_SHARED || !weft_async_source(value, &cond)))
        fault(v,
              "asynchronous store to '%s': 4, 8 or 16 bytes that lie side by side go from global "
              "memory to shared, or zeros by a guard",
              b->name);
    if (s->u.store.stream && !may_stream(v, s))
        fault(
            v,
            "store to '%s' past the caches: vectors go side by side to global memory, at the level "
            "device alone",
            b->name);
    weft_type want = { (uint8_t)b->dtype, n ? s->u.store.index[n - 1]->h.type.lanes : 1 };
    if (!weft_same_type(value->h.type, want))
        fault(v, "store of %s to '%s', which takes %s here", weft_type_text(v->ir, value->h.type),
              b->name, weft_type_text(v->ir, want));
}

/* A place of a matrix statement: a matrix of a fragment buffer in the given role, or the first
 * element of one in memory. */
static void
check_place(verifier *v, const weft_spot *at, const weft_matrix *m, weft_matrix_role role,
            bool memory)
{
    const weft_buf *b = at->buf;
    check_exprs(v, at->n, at->index);
    if (!v->buf_open[b->id])
        fault(v, "buffer '%s' is used outside its scope", b->name);
    const char *wrong = weft_index_fault(b, at->n, at->index);
    if (wrong || (at->n && at->index[at->n - 1]->h.type.lanes != 1))
        fault(v, "matrix statement at '%s' (%d dimensions, %d indices): %s", b->name, b->ndim,
              at->n, wrong ? wrong : "scalar indices are needed");
    if (memory) {
        if (b->space == WEFT_LOCAL || b->space == WEFT_FRAGMENT)
            fault(v,
                  "a matrix is loaded from and stored to '%s' in %s memory: global or shared "
                  "memory is needed",
                  b->name, weft_space_name(b->space));
    } else if (b->space != WEFT_FRAGMENT || b->frag.matrix != m || b->frag.role != role) {
        fault(v, "'%s' is no %s of %s", b->name, weft_matrix_role_name(role),
              m ? m->name : "anything");
    }
}

static void
check_matrix(verifier *v, const weft_stmt *s)
{
    weft_matrix_op op = s->u.matrix.op;
    const weft_buf *held = weft_matrix_held(s)->buf;
    const weft_spot *memory = weft_matrix_memory(s);
    static const weft_matrix_role roles[WEFT_MATRIX_PLACES] = { WEFT_MATRIX_SUM, WEFT_MATRIX_A,
                                                                WEFT_MATRIX_B, WEFT_MATRIX_SUM };
    for (int i = 0; i < weft_matrix_op_places(op); i++)
        check_place(v, &s->u.matrix.place[i], held->frag.matrix,
                    op == WEFT_MATRIX_MMA ? roles[i] : held->frag.role,
                    memory == &s->u.matrix.place[i]);
    if (memory && memory->buf->dtype != held->dtype)
        fault(v, "a matrix of %s meets '%s' of %s", weft_dtype_name(held->dtype), memory->buf->name,
              weft_dtype_name(memory->buf->dtype));
    if (op == WEFT_MATRIX_STORE) {
        check_target(v, memory->buf);
        if (held->frag.role != WEFT_MATRIX_SUM)
            fault(v, "'%s' is stored: only sums are", held->name);
    }
    if (s->u.matrix.value) {
        check_expr(v, s->u.matrix.value);
        if (!weft_same_type(s->u.matrix.value->h.type, weft_scalar(held->dtype)))
            fault(v, "'%s' of %s is filled with %s", held->name, weft_dtype_name(held->dtype),
                  weft_type_text(v->ir, s->u.matrix.value->h.type));
    }
    if (s->u.matrix.stride) {
        check_expr(v, s->u.matrix.stride);
        if (!weft_is_int((weft_dtype)s->u.matrix.stride->h.type.dtype) ||
            s->u.matrix.stride->h.type.lanes != 1)
            fault(v, "the stride of a matrix statement is no scalar integer");
    }
}

static void
check_atomic(verifier *v, const weft_stmt *s)
{
    const weft_buf *b = s->u.atomic.buf;
    check_expr(v, s->u.atomic.index);
    check_expr(v, s->u.atomic.value);
    check_target(v, b);
    const char *wrong = weft_index_fault(b, 1, &s->u.atomic.index);
    if (wrong || s->u.atomic.index->h.type.lanes != 1)
        fault(v, "atomic on '%s': one scalar integer index is needed", b->name);
    if (!weft_is_int(b->dtype) || !weft_same_type(s->u.atomic.value->h.type, weft_scalar(b->dtype)))
        fault(v, "atomic on '%s': an integer buffer and a value of its type are needed", b->name);
    switch (s->u.atomic.op) {
    case WEFT_EK_ADD:
    case WEFT_EK_MIN:
    case WEFT_EK_MAX:
    case WEFT_EK_BAND:
    case WEFT_EK_BOR:
    case WEFT_EK_BXOR:
        break;
    default:
        fault(v, "atomic on '%s': there is no such operation", b->name);
    }
}

/* Where in the overlay of the block it lies. */
static void
check_bytes(verifier *v, const weft_buf *b)
{
    const weft_kernel *k = v->k;
    long long from = (long long)b->place, end = (long long)(b->place + b->room);
    int64_t n = 1, bytes, align = b->align > WEFT_PLACE_ALIGN ? b->align : WEFT_PLACE_ALIGN;
    bool known = b->ndim == 0 || (b->ndim == 1 && weft_as_int(b->shape[0], &n));
    if (b->space != WEFT_SHARED || k->level == WEFT_LEVEL_LOOPS)
        fault(v,
              "buffer '%s' in %s memory at the level %s has a place in bytes: shared memory has, "
              "from the level flat on",
              b->name, weft_space_name(b->space), weft_level_name(k->level));
    else if (weft_dtype_bits(b->dtype) < 8 || !known || n < 1 ||
             !weft_dtype_bytes(b->dtype, n, &bytes))
        fault(v, "buffer '%s' has a place in bytes: that takes a constant number of whole bytes",
              b->name);
    else if (b->room < bytes)
        fault(v, "buffer '%s' takes %lld bytes: from %lld to %lld there are %lld", b->name,
              (long long)bytes, from, end, (long long)b->room);
    else if (b->place % align)
        fault(v, "buffer '%s' at byte %lld: its place is a multiple of %lld bytes", b->name, from,
              (long long)align);
    else if (k->shared_bytes && b->place + b->room > k->shared_bytes)
        fault(v, "buffer '%s' ends at byte %lld: the kernel has %lld bytes of shared memory",
              b->name, end, (long long)k->shared_bytes);
}

static void
check_alloc(verifier *v, const weft_stmt *s)
{
    const weft_buf *b = s->u.alloc.buf;
    if (b->space == WEFT_GLOBAL || b->space == WEFT_CONSTANT)
        fault(v, "buffer '%s' in %s memory is allocated in a kernel: it has to be a parameter",
              b->name, weft_space_name(b->space));
    if (b->space == WEFT_SHARED && v->nested && v->k->level == WEFT_LEVEL_DEVICE)
        fault(v,
              "shared buffer '%s' is allocated inside a loop or condition: at the level device "
              "it stands at kernel scope or under bound loops",
              b->name);
    if ((b->space == WEFT_FRAGMENT) != (b->frag.matrix != NULL))
        fault(v, "buffer '%s' in %s memory is %s matrices", b->name, weft_space_name(b->space),
              b->frag.matrix ? "of" : "of no");
    else if (b->frag.matrix && weft_fragment_dtype(b->frag) != b->dtype)
        fault(v, "buffer '%s' of %s: a %s of %s is of %s", b->name, weft_dtype_name(b->dtype),
              weft_matrix_role_name(b->frag.role), b->frag.matrix->name,
              weft_dtype_name(weft_fragment_dtype(b->frag)));
    if (b->room)
        check_bytes(v, b);
    open_buf(v, b);
    check_stmt(v, s->u.alloc.body);
    v->buf_open[b->id] = false;
}

static void
check_together(verifier *v, const char *what)
{
    if (v->divergent)
        fault(v,
              "%s under a condition or loop that depends on the thread: all threads of a block "
              "have to reach it",
              what);
}

static void
check_allreduce(verifier *v, const weft_stmt *s)
{
    const weft_combiner *c = s->u.all.with;
    check_exprs(v, c->n, s->u.all.value);
    check_together(v, "allreduce");
    if (v->k->level == WEFT_LEVEL_DEVICE)
        fault(v, "allreduce at the level device: it has to be lowered to barriers or shuffles");
    for (int i = 0; i < c->n; i++) {
        open_var(v, c->lhs[i], false);
        open_var(v, c->rhs[i], false);
    }
    check_exprs(v, c->n, c->result);
    for (int i = 0; i < c->n; i++) {
        close_var(v, c->lhs[i]);
        close_var(v, c->rhs[i]);
        weft_type t = s->u.all.var[i]->type;
        if (!weft_same_type(s->u.all.value[i]->h.type, t) ||
            !weft_same_type(c->result[i]->h.type, t) ||
            !weft_same_type(c->identity[i]->h.type, t) || !weft_same_type(c->lhs[i]->type, t) ||
            !weft_same_type(c->rhs[i]->type, t))
            fault(v, "allreduce of '%s': value, operands, result and identity differ in type",
                  s->u.all.var[i]->name);
    }
    check_exprs(v, c->n, c->identity);
    unsigned threads = 1u << WEFT_THREAD_X | 1u << WEFT_THREAD_Y | 1u << WEFT_THREAD_Z;
    for (int i = 0; i < c->n; i++) /* over all axes, all threads get the same */
        open_var(v, s->u.all.var[i], v->bound & threads & ~s->u.all.axes);
    check_stmt(v, s->u.all.body);
    for (int i = 0; i < c->n; i++)
        close_var(v, s->u.all.var[i]);
}

static void
check_prefetch(verifier *v, const weft_stmt *s)
{
    const weft_buf *b = s->u.prefetch.buf;
    const weft_expr *index = s->u.prefetch.index;
    check_expr(v, index);
    if (!v->buf_open[b->id])
        fault(v, "buffer '%s' is used outside its scope", b->name);
    if (b->space != WEFT_GLOBAL || v->k->level != WEFT_LEVEL_DEVICE)
        fault(v,
              "prefetch of '%s' in %s memory at the level %s: it is of global memory and stands "
              "at the level device alone",
              b->name, weft_space_name(b->space), weft_level_name(v->k->level));
    if (weft_index_fault(b, 1, &index) || index->h.type.lanes != 1)
        fault(v, "prefetch of '%s': one scalar integer index is needed", b->name);
}

static void
check_let(verifier *v, const weft_stmt *s)
{
    const weft_var *var = s->u.let.var;
    check_expr(v, s->u.let.value);
    if (!weft_same_type(var->type, s->u.let.value->h.type))
        fault(v, "'%s' of type %s gets a value of type %s", var->name,
              weft_type_text(v->ir, var->type), weft_type_text(v->ir, s->u.let.value->h.type));
    open_var(v, var, is_divergent(v, s->u.let.value));
    check_stmt(v, s->u.let.body);
    close_var(v, var);
}

static void
check_stmt(verifier *v, const weft_stmt *s)
{
    v->stmt = s;
    switch (s->kind) {
    case WEFT_SK_SEQ:
        for (int i = 0; i < s->u.seq.n; i++)
            check_stmt(v, s->u.seq.at[i]);
        return;
    case WEFT_SK_FOR:
        check_for(v, s);
        return;
    case WEFT_SK_WHILE:
        check_cond(v, s->u.loop.extent, "while");
        check_inside(v, s->u.loop.body, is_divergent(v, s->u.loop.extent));
        return;
    case WEFT_SK_IF: {
        check_cond(v, s->u.iff.cond, "if");
        bool diverging = is_divergent(v, s->u.iff.cond);
        check_inside(v, s->u.iff.then, diverging);
        if (s->u.iff.els)
            check_inside(v, s->u.iff.els, diverging);
        return;
    }
    case WEFT_SK_LET:
        check_let(v, s);
        return;
    case WEFT_SK_STORE:
        check_store(v, s);
        return;
    case WEFT_SK_ATOMIC:
        check_atomic(v, s);
        return;
    case WEFT_SK_ALLOC:
        check_alloc(v, s);
        return;
    case WEFT_SK_ASYNC:
        return;
    case WEFT_SK_BARRIER:
        check_together(v, "barrier");
        return;
    case WEFT_SK_EVAL:
        check_expr(v, s->u.eval.call);
        if (s->u.eval.call->h.kind != WEFT_EK_CALL)
            fault(v, "'eval' of what is no call");
        return;
    case WEFT_SK_PREFETCH:
        check_prefetch(v, s);
        return;
    case WEFT_SK_ALLREDUCE:
        check_allreduce(v, s);
        return;
    case WEFT_SK_MATRIX:
        check_matrix(v, s);
        return;
    case WEFT_SK_COUNT:
        break;
    }
    fault(v, "a statement of the unknown kind %d", (int)s->kind);
}

/* ---- kernels --------------------------------------------------------------------------------- */

static void
check_launch(verifier *v, const weft_kernel *k)
{
    v->on_host = true;
    for (int i = 0; i < 3; i++) {
        if (k->level == WEFT_LEVEL_DEVICE && (!k->grid[i] || !k->block[i]))
            fault(v, "at the level device all three extents of grid and block are given");
        if (k->grid[i])
            check_expr(v, k->grid[i]);
        if (k->block[i])
            check_expr(v, k->block[i]);
    }
    v->on_host = false;
}

static void
check_header(verifier *v, const weft_kernel *k)
{
    for (int i = 0; i < k->nscalar; i++) {
        open_var(v, k->scalar[i], false);
        if (k->scalar[i]->type.lanes != 1 || !weft_is_int((weft_dtype)k->scalar[i]->type.dtype))
            fault(v, "scalar '%s' is of type %s: scalar parameters are integers",
                  k->scalar[i]->name, weft_type_text(v->ir, k->scalar[i]->type));
    }
    check_launch(v, k);
    for (int i = 0; i < k->nparam; i++) {
        const weft_buf *b = k->param[i];
        if (b->space != WEFT_GLOBAL && b->space != WEFT_CONSTANT)
            fault(v, "parameter '%s' is in %s memory: parameters are global or constant", b->name,
                  weft_space_name(b->space));
        if (b->room)
            check_bytes(v, b);
        open_buf(v, b);
        v->buf_constant[b->id] = k->access[i] == WEFT_READ;
    }
}

weft_status
weft_verify(const weft_kernel *k, const char *when, weft_diag *diag)
{
    weft_arena scratch = { 0 };
    weft_ir *ir = k->ir;
    verifier v = { .k = k, .ir = ir, .when = when, .diag = diag, .nexpr = ir->nexpr };
    weft_diag *outer = ir->diag;
    ir->diag = NULL; /* rebuilt() asks the builders, whose messages lack the place */
    v.var_open = WEFT_NEW_ARRAY(&scratch, ir->nvar, uint8_t);
    v.var_divergent = WEFT_NEW_ARRAY(&scratch, ir->nvar, uint8_t);
    v.buf_open = WEFT_NEW_ARRAY(&scratch, ir->nbuf, uint8_t);
    v.buf_constant = WEFT_NEW_ARRAY(&scratch, ir->nbuf, uint8_t);
    v.stamp = WEFT_NEW_ARRAY(&scratch, ir->nexpr, uint32_t);
    v.typed = WEFT_NEW_ARRAY(&scratch, ir->nexpr, uint8_t);
    check_header(&v, k);
    check_stmt(&v, k->body);
    ir->diag = outer;
    weft_arena_reset(&scratch);
    return v.nfault ? WEFT_INVALID_INPUT : WEFT_OK;
}
