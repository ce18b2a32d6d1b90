/* te/rules/vector_operand.c: operands that are brought nearer before a tile reads them: lanes that
 * are apart gathered into registers, a panel's rows copied together. */
#include "rules/vector.h"

bool
weft_vector_reads_itself(const vector_search *s, const weft_te_op *sum, const weft_tensor *t)
{
    weft_tensor **read;
    const weft_stage *stage = weft_te_stage(s->r->te, t);
    int n = weft_te_reads(s->r->te, sum, &s->r->scratch, &read);
    for (int i = 0; i < n; i++)
        if (read[i] == t)
            return !stage || stage->attach != WEFT_AT_INLINE;
    return false;
}

/* Whether the lanes of a read are apart and several results of the tile share them. */
static bool
is_shared_gather(vector_search *s, const weft_read *read)
{
    int lane_axis = s->axis[s->best.lane_axis];
    bool shared = false;
    for (int k = 0; k < s->n; k++) {
        if (k == s->best.lane_axis || s->best.size[k] == 1)
            continue;
        if (read->along[s->axis[k]])
            return false;
        shared = true;
    }
    return shared && s->best.lanes > 1 &&
           weft_rule_walk(s->r, s->op, read, lane_axis, s->best.lanes) == WEFT_WALK_APART;
}

int
weft_vector_lane_dim(const vector_search *s, const weft_read *read, int d)
{
    const weft_var *v = s->op->axis[d]->var;
    int at = -1;
    for (int i = 0; i < read->load->h.nargs; i++) {
        if (!weft_uses_var(read->load->arg[i], v))
            continue;
        if (at >= 0 || read->load->arg[i]->h.kind != WEFT_EK_VAR)
            return -1;
        at = i;
    }
    return at;
}

/* The operand's lanes for one step of the reduction, gathered once into registers. */
static void
gather(vector_search *s, weft_tensor *sum, weft_tensor *from, int d)
{
    weft_te *te = s->r->te;
    weft_tensor *copy = weft_cache_read(te, from, "local", 1, &sum);
    if (!copy || weft_compute_at(te, copy, sum, sum->op->reduce[sum->op->nreduce - 1]))
        return;
    weft_axis **order = WEFT_NEW_ARRAY(&s->r->scratch, copy->op->naxis + 2, weft_axis *), *vector,
              *lane;
    int n = 0;
    if (weft_split(te, copy, copy->op->axis[d], weft_rule_num(s->r, s->best.lanes), &vector, &lane))
        return;
    for (int i = 0; i < copy->op->naxis; i++)
        order[n++] = i == d ? vector : copy->op->axis[i];
    order[n++] = lane;
    if (weft_reorder(te, copy, n, order))
        return;
    if (s->best.size[s->best.lane_axis] > 1)
        (void)weft_unroll(te, copy, vector);
    (void)weft_vectorize(te, copy, lane);
}

void
weft_vector_gather(vector_search *s, weft_tensor *sum)
{
    weft_read *read;
    int n = weft_rule_reads(s->r, s->op, &read);
    for (int i = 0; i < n; i++) {
        weft_tensor *t = weft_te_tensor_of(s->r->te, read[i].load->h.u.buf);
        int d = weft_vector_lane_dim(s, &read[i], s->axis[s->best.lane_axis]);
        if (n == 2 && read[0].load->h.u.buf == read[1].load->h.u.buf)
            return; /* one tensor, read in two ways */
        if (t && d >= 0 && is_shared_gather(s, &read[i]) &&
            weft_vector_reads_itself(s, sum->op, t)) {
            gather(s, sum, t, d);
            return;
        }
    }
}

/* ---- a panel copied together ----------------------------------------------------------------- */

bool
weft_vector_turn(vector_search *s, weft_stage *reduce)
{
    const weft_read *read = &s->read[s->best.turned];
    s->turned = weft_te_turn(s->r->te, reduce, weft_te_tensor_of(s->r->te, read->load->h.u.buf),
                             weft_vector_lane_dim(s, read, s->axis[s->best.lane_axis]));
    s->op = reduce->op;
    s->nread = weft_rule_reads(s->r, s->op, &s->read);
    return s->turned != NULL;
}

/* The copy, a stage of its own or a new one, near. */
static weft_tensor *
near_copy(vector_search *s, const vector_order *o, weft_tensor *sum)
{
    if (o->pack != s->turned)
        return weft_cache_read(s->r->te, o->pack, "shared", 1, &sum);
    return weft_set_scope(s->r->te, o->pack, "shared") ? NULL : o->pack;
}

void
weft_vector_pack(vector_search *s, const vector_order *o, weft_tensor *sum, weft_tensor *out,
                 weft_axis *at)
{
    weft_te *te = s->r->te;
    weft_tensor *copy = near_copy(s, o, sum);
    weft_axis *vector, *lane, **order;
    bool turned =
        copy == s->turned; /* what it copies from has rows across: few of them at a time */
    if (!copy || weft_compute_at(te, copy, out, at) ||
        weft_split(te, copy, copy->op->axis[o->pack_dim], weft_rule_num(s->r, s->best.lanes),
                   &vector, &lane))
        return;
    int n = 0;
    order = WEFT_NEW_ARRAY(&s->r->scratch, copy->op->naxis + 2, weft_axis *);
    if (turned)
        order[n++] = vector;
    for (int i = 0; i < copy->op->naxis; i++)
        if (i != o->pack_dim)
            order[n++] = copy->op->axis[i];
    if (!turned)
        order[n++] = vector;
    order[n++] = lane;
    if (weft_reorder(te, copy, n, order) || (!turned && weft_unroll(te, copy, vector)))
        return;
    (void)weft_vectorize(te, copy, lane);
}
