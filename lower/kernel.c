/* From a scheduled program to kernels: block and thread loops, parameters, launch order. */
#include "lower/priv.h"

#include <string.h>

/* ---- parameters ------------------------------------------------------------------------------ */

typedef struct uses { /* what a kernel touches, by buffer and symbol */
    weft_plan *p;
    weft_lowered *low;
    weft_access *input, *work, *output;
    bool *symbol;
} uses;

static void
note(uses *u, const weft_buf *b, weft_access how)
{
    const weft_te *te = u->p->te;
    for (int i = 0; i < te->input.n; i++)
        if (te->input.at[i]->buf == b)
            u->input[i] |= how;
    for (int i = 0; i < u->low->nwork; i++)
        if (u->low->work[i] == b)
            u->work[i] |= how;
    for (int i = 0; i < te->output.n; i++) {
        const weft_tensor *t = te->output.at[i];
        if (weft_plan_site(u->p, t)->buf[t->index] == b)
            u->output[i] |= how;
    }
}

static bool
note_expr(void *user, const weft_expr *e)
{
    uses *u = user;
    if (e->h.kind == WEFT_EK_LOAD)
        note(u, e->h.u.buf, WEFT_READ);
    for (int i = 0; e->h.kind == WEFT_EK_VAR && i < u->p->te->symbol.n; i++)
        u->symbol[i] |= u->p->te->symbol.at[i] == e->h.u.var;
    return true;
}

static bool
note_stmt(void *user, const weft_stmt *s)
{
    if (s->kind == WEFT_SK_STORE)
        note(user, s->u.store.buf, WEFT_WRITE);
    if (s->kind == WEFT_SK_ATOMIC)
        note(user, s->u.atomic.buf, WEFT_READ_WRITE);
    const weft_spot *memory = s->kind == WEFT_SK_MATRIX ? weft_matrix_memory(s) : NULL;
    if (memory)
        note(user, memory->buf, s->u.matrix.op == WEFT_MATRIX_STORE ? WEFT_WRITE : WEFT_READ);
    return true;
}

typedef struct params {
    weft_plan *p;
    const weft_walker *shapes;
    WEFT_VEC(const weft_buf *) buf;
    WEFT_VEC(weft_access) access;
    WEFT_VEC(weft_slot) slot;
} params;

static void
add_param(params *ps, const weft_buf *b, weft_access how, weft_slot_kind kind, int i)
{
    weft_arena *a = &ps->p->ir->arena;
    if (!how)
        return;
    *WEFT_PUSH(a, &ps->buf) = b;
    *WEFT_PUSH(a, &ps->access) = how;
    *WEFT_PUSH(a, &ps->slot) = (weft_slot){ kind, i };
    for (int d = 0; d < b->ndim; d++)
        weft_walk_expr(ps->shapes, b->shape[d]);
}

/* Buffers in the order inputs, workspace, outputs, then the symbols that body and shapes use. */
static weft_slot *
set_params(weft_plan *p, weft_lowered *low, weft_kernel *k)
{
    const weft_te *te = p->te;
    uses u = { p,
               low,
               WEFT_NEW_ARRAY(p->arena, te->input.n, weft_access),
               WEFT_NEW_ARRAY(p->arena, low->nwork, weft_access),
               WEFT_NEW_ARRAY(p->arena, te->output.n, weft_access),
               WEFT_NEW_ARRAY(p->arena, te->symbol.n, bool) };
    weft_walker w = { note_expr, note_stmt, &u };
    weft_walk_stmt(&w, k->body);
    params ps = { .p = p, .shapes = &w };
    for (int i = 0; i < te->input.n; i++)
        add_param(&ps, te->input.at[i]->buf, u.input[i], WEFT_SLOT_INPUT, i);
    for (int i = 0; i < low->nwork; i++)
        add_param(&ps, low->work[i], u.work[i], WEFT_SLOT_WORK, i);
    for (int i = 0; i < te->output.n; i++) {
        const weft_tensor *t = te->output.at[i];
        add_param(&ps, weft_plan_site(p, t)->buf[t->index], u.output[i], WEFT_SLOT_OUTPUT, i);
    }
    WEFT_VEC(const weft_var *) scalar = { 0 };
    for (int i = 0; i < te->symbol.n; i++)
        if (u.symbol[i])
            *WEFT_PUSH(&p->ir->arena, &scalar) = te->symbol.at[i];
    k->nparam = ps.buf.n;
    k->param = ps.buf.at;
    k->access = ps.access.at;
    k->nscalar = scalar.n;
    k->scalar = scalar.at;
    return ps.slot.at;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

/* Block axes, the memory of a block, thread axes, then the loops of each thread. */
static const weft_stmt *
kernel_body(weft_plan *p, weft_cluster *g)
{
    int mark = weft_facts_mark(p->facts);
    for (int b = 0; b < WEFT_BIND_COUNT; b++)
        if (g->var[b])
            weft_facts_extent(p->facts, g->var[b], g->extent[b]);
    const weft_stmt *s = weft_site_nest(p, g->root);
    weft_facts_pop(p->facts, mark);
    for (int b = WEFT_THREAD_X; b <= WEFT_THREAD_Z; b++)
        if (g->var[b])
            s = weft_for(p->ir, g->var[b], (weft_bind)b, g->extent[b], s);
    for (int i = 0; i < g->shared.n; i++)
        s = weft_alloc(p->ir, g->shared.at[i], s);
    for (int b = WEFT_BLOCK_X; b <= WEFT_BLOCK_Z; b++)
        if (g->var[b])
            s = weft_for(p->ir, g->var[b], (weft_bind)b, g->extent[b], s);
    return s;
}

static weft_status
failed(const weft_plan *p, const weft_cluster *g)
{
    weft_status st = p->diag ? weft_diag_status(p->diag) : WEFT_OK;
    if (st == WEFT_OK && p->ir->diag)
        st = weft_diag_status(p->ir->diag);
    return st != WEFT_OK ? st
                         : weft_fail(p->diag, WEFT_INTERNAL,
                                     "lowering '%s' of '%s' made no loops and gave no reason",
                                     g->root->name, p->te->name);
}

static weft_status
make_kernel(weft_plan *p, weft_lowered *low, int i)
{
    weft_cluster *g = p->cluster.at[i];
    weft_kernel *k = WEFT_NEW(&p->ir->arena, weft_kernel);
    k->ir = p->ir;
    k->name = p->cluster.n == 1
                  ? p->te->name
                  : weft_arena_printf(&p->ir->arena, "%s_%s", p->te->name, g->root->name);
    k->level = WEFT_LEVEL_LOOPS;
    k->no_alias = true;
    k->info = p->te->info;
    k->body = kernel_body(p, g);
    if (!k->body)
        return failed(p, g);
    low->slot[i] = set_params(p, low, k);
    low->kernel[i] = k;
    return WEFT_OK;
}

/* ---- workspace ------------------------------------------------------------------------------- */

static void
find_work(const weft_plan *p, weft_lowered *low)
{
    WEFT_VEC(const weft_buf *) work = { 0 };
    for (int i = 0; i < p->nsite; i++) {
        const weft_site *s = &p->site[i];
        for (int k = 0; s->live && !s->inlined && s->space == WEFT_GLOBAL && k < s->op->nout; k++)
            if (!s->op->out[k]->is_output)
                *WEFT_PUSH(&p->ir->arena, &work) = s->buf[k];
    }
    low->nwork = work.n;
    low->work = work.at;
}

static weft_status
make_buffers(weft_plan *p)
{
    weft_status st = WEFT_OK;
    for (int i = 0; st == WEFT_OK && i < p->nsite; i++)
        if (p->site[i].live && !p->site[i].inlined)
            st = weft_site_buffers(p, &p->site[i]);
    return st;
}

/* What is known of sizes: regions may take each for positive, as loops over none do nothing; how
 * often a loop runs, and guards, may not. */
static void
know_symbols(const weft_plan *p, weft_facts *facts, int64_t least)
{
    for (int i = 0; i < p->te->symbol.n; i++) {
        const weft_var *v = p->te->symbol.at[i];
        weft_facts_range(facts, v, weft_int(p->ir, (weft_dtype)v->type.dtype, least), NULL);
    }
}

static weft_status
lower(weft_plan *p, weft_lowered *low)
{
    weft_status st = weft_plan_make(p);
    int mark = weft_facts_mark(p->facts);
    know_symbols(p, p->sizes, 0);
    know_symbols(p, p->facts, 1);
    st = st == WEFT_OK ? weft_infer_bounds(p) : st;
    weft_facts_pop(p->facts, mark);
    know_symbols(p, p->facts, 0);
    st = st == WEFT_OK ? make_buffers(p) : st;
    if (st != WEFT_OK)
        return st;
    find_work(p, low);
    low->nkernel = p->cluster.n;
    low->kernel = WEFT_NEW_ARRAY(&p->ir->arena, p->cluster.n, weft_kernel *);
    low->slot = WEFT_NEW_ARRAY(&p->ir->arena, p->cluster.n, weft_slot *);
    for (int i = 0; st == WEFT_OK && i < p->cluster.n; i++)
        st = make_kernel(p, low, i);
    return st;
}

weft_status
weft_lower_te(weft_te *te, weft_lowered *low, weft_diag *diag)
{
    weft_arena scratch = { 0 };
    weft_plan p = { .te = te, .ir = te->ir, .diag = diag ? diag : te->diag, .arena = &scratch };
    memset(low, 0, sizeof *low);
    p.facts = weft_facts_create(te->ir);
    p.sizes = weft_facts_create(te->ir);
    weft_status st = lower(&p, low);
    weft_facts_destroy(p.facts);
    weft_facts_destroy(p.sizes);
    weft_arena_reset(&scratch);
    return st;
}
