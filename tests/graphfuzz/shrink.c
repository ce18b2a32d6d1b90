/* tests/graphfuzz/shrink.c: a graph that fails made smaller: fewer outputs, then nodes that an
 * input with their type takes the place of.  What does not fail any more is put back.
 */
#include "graphfuzz.h"

#include <string.h>

/* Marks what the outputs need; nodes that nothing needs are no outputs and get no text. */
static void
drop_dead(gf_graph *g)
{
    bool needed[GF_VALUES] = { 0 };
    int to[GF_VALUES], n = 0;
    for (int i = g->n - 1; i >= 0; i--) {
        needed[i] |= g->value[i].is_output;
        for (int k = 0; needed[i] && k < g->value[i].nin; k++)
            if (g->value[i].in[k] >= 0)
                needed[g->value[i].in[k]] = true;
    }
    for (int i = 0; i < g->n; i++) {
        to[i] = n;
        if (!needed[i])
            continue;
        g->value[n] = g->value[i];
        for (int k = 0; k < g->value[n].nin; k++)
            if (g->value[n].in[k] >= 0)
                g->value[n].in[k] = to[g->value[n].in[k]];
        n++;
    }
    g->n = n;
}

static int
output_count(const gf_graph *g)
{
    int n = 0;
    for (int i = 0; i < g->n; i++)
        n += g->value[i].is_output;
    return n;
}

static bool
try_change(gf_graph *g, const gf_graph *smaller, gf_fails *fails, void *user)
{
    gf_graph next = *smaller;
    drop_dead(&next);
    if (!output_count(&next) || !fails(user, &next))
        return false;
    *g = next;
    return true;
}

/* Without output i, or with what it reads as the output instead. */
static bool
cut_output(gf_graph *g, int i, gf_fails *fails, void *user)
{
    gf_graph next = *g;
    next.value[i].is_output = false;
    if (output_count(&next) && try_change(g, &next, fails, user))
        return true;
    for (int k = 0; k < g->value[i].nin; k++) {
        int from = g->value[i].in[k];
        if (from < 0 || g->value[from].is_input || g->value[from].is_small)
            continue;
        next = *g;
        next.value[i].is_output = false;
        next.value[from].is_output = true;
        if (try_change(g, &next, fails, user))
            return true;
    }
    return false;
}

static bool
cut_node(gf_graph *g, int i, gf_fails *fails, void *user)
{
    gf_graph next = *g;
    gf_value *v = &next.value[i];
    if (v->is_input || v->is_small || v->is_output)
        return false;
    v->is_input = true;
    v->nin = 0;
    return try_change(g, &next, fails, user);
}

void
gf_shrink(gf_graph *g, gf_fails *fails, void *user)
{
    bool changed = true;
    while (changed) {
        changed = false;
        for (int i = g->n - 1; i >= 0; i--) {
            if (i >= g->n)
                continue;
            bool output = g->value[i].is_output;
            if (output ? cut_output(g, i, fails, user) : cut_node(g, i, fails, user))
                changed = true;
        }
    }
}
