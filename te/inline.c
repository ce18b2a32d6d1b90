/* What compute_inline means: bodies with the definitions of inlined stages put in for their LOADs.
 *
 * Inlining a stencil into a stencil doubles at every step, so size and height are bounded.
 */
#include "te/priv.h"

enum {
    MAX_NODES = 1 << 15, /* expressions made for one op: far beyond any kernel a person reads */
    MAX_HEIGHT = 2000    /* operators within each other: what recursive passes can walk */
};

typedef struct inliner {
    weft_te *te;
    const weft_expr *
        *body;        /* by tensor id: what stands for an inlined tensor's element; NULL: a LOAD */
    const char *over; /* the tensor at whose definition a bound was passed */
    uint32_t first;   /* expressions there were before */
    weft_arena scratch;
    WEFT_VEC(int) height; /* by expression id; 0: not known */
} inliner;

static int
height_of(inliner *in, const weft_expr *e)
{
    while (in->height.n <= (int)e->id)
        *WEFT_PUSH(&in->scratch, &in->height) = 0;
    if (in->height.at[e->id])
        return in->height.at[e->id];
    int most = 0;
    for (int i = 0; i < e->h.nargs; i++) {
        int h = height_of(in, e->arg[i]);
        most = h > most ? h : most;
    }
    return in->height.at[e->id] = most + 1;
}

static const weft_expr *
put_in(weft_rewriter *rw, const weft_expr *e)
{
    inliner *in = rw->user;
    weft_ir *ir = rw->ir;
    e = weft_rewrite_args(rw, e);
    const weft_tensor *t = e->h.kind == WEFT_EK_LOAD ? weft_te_tensor_of(in->te, e->h.u.buf) : NULL;
    if (!t || !in->body[t->id])
        return e;
    if (in->over || ir->nexpr - in->first > MAX_NODES || height_of(in, e) > MAX_HEIGHT ||
        height_of(in, in->body[t->id]) > MAX_HEIGHT) {
        in->over = in->over ? in->over : t->buf->name;
        return e;
    }
    weft_arena scratch = { 0 };
    int n = e->h.nargs;
    const weft_var **var = WEFT_NEW_ARRAY(&scratch, n, const weft_var *);
    const weft_expr **index = WEFT_NEW_ARRAY(&scratch, n, const weft_expr *);
    for (int i = 0; i < n; i++) {
        var[i] = t->op->axis[i]->var;
        index[i] = weft_same_type(e->arg[i]->h.type, var[i]->type)
                       ? e->arg[i]
                       : weft_cast_to(ir, var[i]->type, e->arg[i]);
    }
    e = weft_subst_expr(ir, in->body[t->id], n, var, index);
    weft_arena_reset(&scratch);
    return e;
}

static bool
is_inlined(const weft_te *te, const weft_tensor *t)
{
    const weft_stage *s = weft_te_stage(te, t);
    return s && s->attach == WEFT_AT_INLINE;
}

static void
mark_reads(inliner *in, const weft_te_op *op, bool *needed)
{
    weft_tensor **read;
    int n = weft_te_reads(in->te, op, &in->scratch, &read);
    for (int i = 0; i < n; i++)
        needed[read[i]->id] = needed[read[i]->id] || is_inlined(in->te, read[i]);
}

/* Bodies of the inlined tensors that op reads, producers first so that no recursion is deep. */
static bool
prepare(inliner *in, weft_rewriter *rw, const weft_te_op *op)
{
    weft_te *te = in->te;
    bool *needed = WEFT_NEW_ARRAY(&in->scratch, te->tensor.n, bool), any = false;
    mark_reads(in, op, needed);
    for (int i = te->stage.n; i-- > 0;)
        if (needed[te->stage.at[i]->op->out[0]->id])
            mark_reads(in, te->stage.at[i]->op, needed);
    for (int i = 0; i < te->stage.n; i++) {
        const weft_tensor *t = te->stage.at[i]->op->out[0];
        if (!needed[t->id])
            continue;
        in->body[t->id] = weft_rewrite_expr(rw, t->op->body[0]);
        weft_rewrite_forget(rw);
        any = true;
    }
    return any;
}

static const weft_te_op *
inlined_copy(inliner *in, weft_rewriter *rw, const weft_te_op *op)
{
    weft_arena *a = &in->te->ir->arena;
    weft_te_op *to = weft_arena_dup(a, op, sizeof *op);
    to->body = weft_arena_dup(a, op->body, (size_t)op->nout * sizeof *op->body);
    for (int i = 0; i < op->nout; i++) {
        to->body[i] = weft_rewrite_expr(rw, op->body[i]);
        if (height_of(in, to->body[i]) > MAX_HEIGHT && !in->over)
            in->over = op->out[i]->buf->name;
    }
    to->first =
        op->first ? weft_arena_dup(a, op->first, (size_t)op->nout * sizeof *op->first) : NULL;
    for (int i = 0; op->first && i < op->nout; i++)
        to->first[i] = weft_rewrite_expr(rw, op->first[i]);
    to->cond = op->cond ? weft_rewrite_expr(rw, op->cond) : NULL;
    return to;
}

const weft_te_op *
weft_te_inlined(weft_te *te, const weft_te_op *op)
{
    if (op->kind == WEFT_OP_EXTERN) /* compute_inline refused what it reads */
        return op;
    inliner in = { .te = te, .first = te->ir->nexpr };
    weft_rewriter rw = { .ir = te->ir, .expr = put_in, .user = &in };
    in.body = WEFT_NEW_ARRAY(&in.scratch, te->tensor.n, const weft_expr *);
    if (prepare(&in, &rw, op))
        op = inlined_copy(&in, &rw, op);
    if (in.over) {
        weft_fail(te->diag, WEFT_LIMIT,
                  "inlining '%s' into '%s' makes an expression of more than %d parts or %d levels; "
                  "compute some of the "
                  "stages between at root (compute_root)",
                  in.over, op->name, MAX_NODES, MAX_HEIGHT);
        op = NULL;
    }
    weft_rewrite_done(&rw);
    weft_arena_reset(&in.scratch);
    return op;
}
