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

/* What the reference has read: so that the device's kernels have the reference's sizes. */
static weft_status
set_symbol(weft_checking *c, const weft_node *n)
{
    const char *name = weft_node_attr(n, "symbol")->text;
    int64_t value;
    weft_status status = weft_chain_number(c->chain, name, &value, c->diag);
    return status ? status : weft_session_set_symbol(c->session, name, value, c->diag);
}

static weft_status
check_group(weft_checking *c, int group, int *written)
{
    const weft_compiled *compiled = c->origin->compiled;
    const weft_group *g = compiled->graph->group.at[group];
    int first = c->origin->first_step[group], next = c->origin->first_step[group + 1];
    int first_item = c->run->kernel.n;
    weft_status status = weft_chain_group(c->chain, group, c->diag);
    if (!status && weft_node_flows(g->node[0]))
        return set_symbol(c, g->node[0]);
    if (status || compiled->unit_of[group] < 0)
        return status;
    const char *schedule = compiled->unit[compiled->unit_of[group]].te->info.schedule;
    weft_check_item about = { .kernel = weft_group_kernels(c, group),
                              .layers = group_layers(c, g),
                              .schedule =
                                  weft_arena_strdup(&c->report->arena, schedule ? schedule : "") };
    status = weft_session_run_steps(c->session, first, next - first, c->diag);
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

weft_status
weft_check_groups(weft_checking *c)
{
    const weft_program *p = weft_session_program(c->session);
    int written = 0;
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
    for (int g = 0; g < c->origin->compiled->graph->group.n && !status; g++) {
        tell(c, g);
        status = check_group(c, g, &written);
    }
    return status;
}
