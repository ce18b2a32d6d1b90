/* check/per_kernel.c: every group's kernels on the reference's values.
 *
 * All temporaries have memory of their own and are poisoned once; after a group was compared its
 * outputs are overwritten by the reference's, so what the next groups read is never a device's.
 */
#include "check/priv.h"

#include <string.h>

static const char *
group_layers(weft_checking *c, const weft_group *g)
{
    weft_str s = { 0 };
    for (int i = 0; i < g->nnode; i++)
        weft_str_addf(&s, *g->node[i]->name ? "%s%s (%s)" : "%s%s%s", i ? " + " : "",
                      g->node[i]->name, weft_op_infos[g->node[i]->op].text);
    const char *text = weft_arena_strdup(&c->report->arena, weft_str_text(&s));
    weft_str_free(&s);
    return text;
}

/* Compares one output of the group, then gives the device the reference's. */
static weft_status
check_output(weft_checking *c, const weft_check_item *about, const weft_value *v)
{
    weft_arena scratch = { 0 };
    const weft_const *want = &c->chain->value[v->id].c;
    int tensor = c->origin->tensor_of[v->id];
    weft_const got;
    weft_check_item item = *about;
    item.tensor = weft_arena_strdup(&c->report->arena, v->name);
    weft_status status = weft_session_room(c->session, tensor, &scratch, &got, c->diag);
    if (!status)
        status = weft_session_get_tensor(c->session, tensor, (void *)(uintptr_t)got.data, got.size,
                                         c->diag);
    if (!status)
        weft_add_item(c, item, true, &got, want);
    if (!status)
        status = weft_session_set_tensor(c->session, tensor, want->data, want->size, c->diag);
    weft_arena_reset(&scratch);
    return status;
}

static weft_status
reproduce(weft_checking *c, int group, int first_item, int *written)
{
    int most = c->o->max_reproducers ? c->o->max_reproducers : 8;
    bool bad = false;
    const char *path;
    for (int i = first_item; i < c->run->kernel.n; i++)
        bad = bad || !c->run->kernel.at[i].m.agree;
    if (!bad || !c->o->out || *written == most)
        return WEFT_OK;
    ++*written;
    weft_status status = weft_write_reproducer(c, group, &path);
    for (int i = first_item; i < c->run->kernel.n && !status; i++)
        c->run->kernel.at[i].reproducer = path;
    return status;
}

/* What the reference has read and counted: so that the device's kernels have the reference's
 * sizes. */
static weft_status
set_symbols(weft_checking *c)
{
    weft_status status = WEFT_OK;
    const weft_program *p = weft_session_program(c->session);
    for (int i = 0; i < p->nstep && !status; i++) {
        const weft_mod_step *s = &p->step[i];
        int binds[2] = { s->kind == WEFT_STEP_READ || s->kind == WEFT_STEP_LOOP ? s->symbol : -1,
                         s->kind == WEFT_STEP_LOOP ? s->count : -1 };
        for (int k = 0; k < 2 && !status; k++) {
            int64_t value = 0;
            if (binds[k] < 0)
                continue;
            const char *name = c->module->symbol[binds[k]].name;
            status = weft_chain_number(c->chain, name, &value, c->diag);
            if (!status)
                status = weft_session_set_symbol(c->session, name, value, c->diag);
        }
    }
    return status;
}

/* What no kernel makes is the reference's from the start. */
static weft_status
give_value(weft_checking *c, const weft_node *n)
{
    const weft_const *v = &c->chain->value[n->out[0]->id].c;
    int tensor = c->origin->tensor_of[n->out[0]->id];
    bool placed = n->op == WEFT_GOP_CARRY || n->op == WEFT_GOP_RESULT || n->op == WEFT_GOP_MERGE;
    return placed ? weft_session_set_tensor(c->session, tensor, v->data, v->size, c->diag)
                  : WEFT_OK;
}

static weft_status
check_group(weft_checking *c, int group, int *written)
{
    const weft_compiled *compiled = c->origin->compiled;
    const weft_group *g = compiled->graph->group.at[group];
    int first = c->origin->first_step[group], count = weft_origin_steps(c->origin, group);
    int first_item = c->run->kernel.n;
    weft_status status = weft_chain_group(c->chain, group, c->diag);
    if (!status)
        status = set_symbols(c);
    if (!status && weft_node_flows(g->node[0]))
        return give_value(c, g->node[0]);
    if (status || compiled->unit_of[group] < 0)
        return status;
    const char *schedule = compiled->unit[compiled->unit_of[group]].te->info.schedule;
    weft_check_item about = { .kernel = weft_group_kernels(c, group),
                              .layers = group_layers(c, g),
                              .schedule =
                                  weft_arena_strdup(&c->report->arena, schedule ? schedule : "") };
    status = weft_session_run_steps(c->session, first, count, c->diag);
    c->run->ngroup++;
    for (int i = 0; i < g->nout && !status; i++)
        status = check_output(c, &about, g->out[i]);
    return status ? status : reproduce(c, group, first_item, written);
}

static void
tell(const weft_checking *c, int group)
{
    char what[160];
    snprintf(what, sizeof what, "%s as %s: group %d of %d", c->run->device, c->run->target,
             group + 1, c->origin->compiled->graph->group.n);
    if (c->o->progress)
        c->o->progress(c->o->user, what);
}

typedef struct checking_all {
    weft_checking *c;
    int written;
} checking_all;

static weft_status
visit(void *user, int group)
{
    checking_all *a = user;
    tell(a->c, group);
    return check_group(a->c, group, &a->written);
}

static weft_status
move(void *user, const weft_node *carry)
{
    checking_all *a = user;
    return give_value(a->c, carry);
}

weft_status
weft_check_groups(weft_checking *c)
{
    const weft_program *p = weft_session_program(c->session);
    checking_all all = { .c = c };
    weft_status status = weft_session_keep_temps(c->session, true, c->diag);
    if (status == WEFT_OUT_OF_MEMORY)
        weft_fail(
            c->diag, status,
            "a check kernel by kernel keeps all of the model's tensors at once; on device '%s' "
            "check the whole model alone",
            c->run->device);
    if (!status)
        status = weft_session_poison(c->session, c->diag);
    for (int i = 0; i < p->ninput && !status; i++)
        status = weft_session_set_input(c->session, i, c->in[i].data, c->in[i].size, c->diag);
    return status ? status : weft_chain_walk(c->chain, visit, move, &all, c->diag);
}
