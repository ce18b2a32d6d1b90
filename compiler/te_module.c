/* compiler/te_module.c: a te program alone as a module: what `weft te -d` runs. */
#include "compiler/priv.h"

#include <stdlib.h>

/* The unit whose context the program's texts came from lives as long as the module. */
static void
release(void *owner)
{
    weft_unit_free(owner);
    free(owner);
}

static int *
add_tensors(weft_draft *b, weft_role role, int n, weft_tensor *const *t)
{
    int *index = WEFT_NEW_ARRAY(b->arena, n + 1, int);
    for (int i = 0; i < n; i++) {
        const weft_buf *buf = t[i]->packs ? t[i]->packs->buf : t[i]->buf;
        index[i] = weft_draft_tensor(b, buf->name, role, buf->dtype, buf->ndim, buf->shape);
    }
    return index;
}

static void
fill_program(weft_module *m, const weft_unit *u, const weft_compile_job *job)
{
    const weft_te *te = u->te;
    weft_draft b = { .p = weft_module_program(m, job), .arena = &m->arena };
    b.cap = te->input.n + te->output.n + u->lowered.nwork;
    b.p->tensor = WEFT_NEW_ARRAY(b.arena, b.cap + 1, weft_mod_tensor);
    b.p->step = WEFT_NEW_ARRAY(b.arena, u->nkernel + 1, weft_mod_step);
    weft_module_symbols(m, te->symbol.n, te->symbol.at);
    weft_draft_kernels(&b, u, 1);
    b.p->ninput = te->input.n;
    b.p->input = add_tensors(&b, WEFT_ROLE_INPUT, te->input.n, te->input.at);
    b.p->noutput = te->output.n;
    b.p->output = add_tensors(&b, WEFT_ROLE_OUTPUT, te->output.n, te->output.at);
    weft_draft_slots slots = { .in = b.p->input, .out = b.p->output };
    weft_draft_steps(&b, u, 0, &slots, te->name);
}

weft_status
weft_te_module(weft_te *te, const weft_compile_job *job, weft_diag *diag, weft_module **module)
{
    weft_unit *u = calloc(1, sizeof *u);
    weft_module *m = calloc(1, sizeof *m);
    weft_assert(u && m, "out of memory");
    *u = (weft_unit){ .te = te, .diag = weft_diag_create() };
    m->owner = u;
    m->release = release;
    m->model = weft_arena_strdup(&m->arena, te->name);
    m->program = WEFT_NEW_ARRAY(&m->arena, 1, weft_program);
    weft_status status = weft_build_unit(u, job, te->name, te->log.n > 0, WEFT_DUMP_COUNT);
    int n;
    const char *said = weft_diag_said(u->diag, &n);
    if (status)
        weft_fail(diag, status, "%.*s", n, said);
    if (!status) {
        fill_program(m, u, job);
        status = weft_module_check(m, diag);
    }
    if (status) {
        weft_module_destroy(m);
        return status;
    }
    *module = m;
    return WEFT_OK;
}
