/* Concatenations whose inputs are computed where the result has them.
 *
 * Along the outermost dimension that is larger than 1 every input is a range of the result's bytes,
 * so the kernel that makes it can write it there.  A value lies in the memory of one other at most:
 * of several concatenations of it the first has it in place and the others copy.  What one makes in
 * place may be a part of the next.
 */
#include "graph/passes.h"

typedef struct placer {
    const weft_graph *g;
    int64_t align; /* of a part's first byte */
    bool *placed;  /* by value: it has its place, in another's memory or outside of all */
} placer;

/* The value whose memory v is. */
static const weft_value *
owner(const weft_graph *g, const weft_value *v)
{
    while (v->node && g->group.at[v->node->group]->pattern == WEFT_PAT_ALIAS)
        v = v->node->in[0];
    return v;
}

/* Whether only dimensions of 1 are outside the axis. */
static bool
is_outermost(const weft_value *v, int64_t axis)
{
    int64_t size;
    for (int d = 0; d < axis; d++)
        if (!weft_as_int(v->dim[d], &size) || size != 1)
            return false;
    return true;
}

/* Whether a kernel of the concatenation's scope makes it, and it may lie wherever that needs it. */
static bool
can_be_part(const placer *p, const weft_node *concat, const weft_value *v)
{
    return v->node && !weft_node_flows(v->node) && v->node->scope == concat->scope &&
           !p->placed[v->id];
}

/* Places inputs up to the first that cannot be had in place; how many. */
static int
place_inputs(placer *p, const weft_node *concat)
{
    int bits = weft_dtype_bits(concat->out[0]->dtype), i;
    int64_t before = 0, n, at;
    for (i = 0; i < concat->nin; i++) {
        const weft_value *v = owner(p->g, concat->in[i]);
        bool whole = weft_dtype_bytes(v->dtype, before, &at) && before * bits == at * 8;
        if (!whole || at % p->align || !can_be_part(p, concat, v) || !weft_value_count(v, &n))
            break;
        p->placed[v->id] = true;
        before += n;
    }
    return i;
}

static void
take_back(placer *p, const weft_node *concat, int n)
{
    for (int i = 0; i < n; i++)
        p->placed[owner(p->g, concat->in[i])->id] = false;
}

static bool
place(placer *p, const weft_node *n)
{
    int64_t count;
    if (n->op != WEFT_GOP_CONCAT || !is_outermost(n->out[0], weft_node_int(n, "axis")) ||
        !weft_value_count(n->out[0], &count))
        return false;
    int done = place_inputs(p, n);
    if (done < n->nin)
        take_back(p, n, done);
    return done == n->nin;
}

/* Concatenations of each other alone, all of them or none. */
static bool
place_group(placer *p, const weft_group *group)
{
    int done = 0;
    while (done < group->nnode && place(p, group->node[done]))
        done++;
    for (int i = 0; i < done && done < group->nnode; i++)
        take_back(p, group->node[i], group->node[i]->nin);
    return done == group->nnode;
}

void
weft_place_parts(weft_graph *g, int64_t align)
{
    weft_arena scratch = { 0 };
    placer p = { .g = g, .align = align, .placed = WEFT_NEW_ARRAY(&scratch, g->value.n, bool) };
    for (int i = 0; i < g->output.n; i++)
        p.placed[owner(g, g->output.at[i])->id] = true;
    for (int i = 0; i < g->group.n; i++)
        if (place_group(&p, g->group.at[i]))
            g->group.at[i]->pattern = WEFT_PAT_PARTS;
    weft_arena_reset(&scratch);
}
