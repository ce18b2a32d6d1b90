/* te/rules/rules.c: which rule schedules what.
 *
 * Stages that are no reductions and no outputs are inlined.  Every reduction is computed in the
 * loops of the output that reads it element by element, by the rule of its kind; what is left is a
 * kernel of its own.  Any program gets a schedule this way.
 */
#include "rules/priv.h"

#include <string.h>

static weft_tensor *
tensor(const weft_stage *s)
{
    return s->op->out[0];
}

typedef struct search {
    bool guard;
} search;

static bool
find_guard(void *user, const weft_expr *e)
{
    search *s = user;
    s->guard |= e->h.kind == WEFT_EK_GUARD;
    return !s->guard;
}

enum { FEW_STEPS = 32 };

/* Whether results take few steps and lanes may run along the stage's last axis whatever its guards
 * say: asking them costs less then than to write the stage and read it. */
static bool
is_read_little(weft_rule *r, const weft_stage *s, const weft_stage *reader)
{
    int last = s->op->naxis - 1;
    int64_t steps = weft_rule_count(reader->op->reduce, 0, reader->op->nreduce);
    return r->target->cls == WEFT_CLASS_VECTOR_CPU && steps >= 0 && steps <= FEW_STEPS &&
           last >= 0 && weft_rule_extent(s->op->axis[last]) >= r->target->vector_lanes &&
           !weft_rule_guarded_along(r, s->op, last);
}

/* A stage that a reduction reads over and over and that is better kept in memory than computed
 * again: padded input on a CPU, where a condition costs as much as the product. */
static bool
keep_producer(weft_rule *r, const weft_stage *s)
{
    weft_stage *reader = weft_rule_reader(r, s->op);
    weft_product p;
    search guards = { false };
    bool cpu = r->target->cls == WEFT_CLASS_VECTOR_CPU || r->target->cls == WEFT_CLASS_LANE_CPU;
    if (!cpu || !reader || reader->op->nreduce == 0)
        return false;
    weft_walk_expr(&(weft_walker){ .expr = find_guard, .user = &guards }, s->op->body[0]);
    if (guards.guard && is_read_little(r, s, reader))
        return false;
    return guards.guard || weft_rule_product(r, reader, &p);
}

static void
inline_stages(weft_rule *r)
{
    for (int i = 0; i < r->te->stage.n; i++) {
        weft_stage *s = r->te->stage.at[i];
        bool plain = s->op->kind == WEFT_OP_COMPUTE && !s->op->scan && s->op->nreduce == 0 &&
                     s->op->nout == 1 && !weft_rule_is_output(s->op) &&
                     !weft_te_is_kept(r->te, tensor(s));
        if (plain && keep_producer(r, s))
            continue;
        if (plain)
            (void)weft_compute_inline(r->te, tensor(s));
    }
}

/* The stage that ends up reading s, through inlined ones; NULL when there is no single one. */
static weft_stage *
final_reader(weft_rule *r, weft_stage *s)
{
    weft_stage *reader = weft_rule_reader(r, s->op);
    while (reader && reader->attach == WEFT_AT_INLINE)
        reader = weft_rule_reader(r, reader->op);
    return reader;
}

/* The output in whose loops a reduction can be computed: the reduction itself when nobody fits. */
static weft_stage *
home_of(weft_rule *r, weft_stage *reduce)
{
    weft_stage *out = final_reader(r, reduce);
    if (out && out->op->scan)
        return reduce;
    if (weft_rule_is_output(reduce->op) || reduce->op->nout > 1 || !out || out->op->nreduce ||
        out->op->naxis == 0 || out->op->naxis != reduce->op->naxis) /* a home needs loops */
        return reduce;
    return weft_rule_elementwise(r, out->op, tensor(reduce)) ? out : reduce;
}

/* Stages that have their schedule. */
typedef WEFT_VEC(const weft_stage *) stage_list;

static bool
has(const stage_list *list, const weft_stage *s)
{
    for (int i = 0; i < list->n; i++)
        if (list->at[i] == s)
            return true;
    return false;
}

static bool
is_live(weft_rule *r, const weft_stage *s)
{
    weft_stage **reader;
    if (weft_rule_is_output(s->op))
        return true;
    for (int i = 0; i < s->op->nout; i++)
        if (weft_te_readers(r->te, s->op->out[i], &r->scratch, &reader) > 0)
            return true;
    return false;
}

/* A product that was gathered, in the loops of the output that reads it by digits. */
static bool
schedule_gathered(weft_rule *r, weft_stage *s, stage_list *done)
{
    weft_stage *out = final_reader(r, s);
    bool gpu = r->target->cls == WEFT_CLASS_GPU || r->target->cls == WEFT_CLASS_MOBILE;
    if (!gpu || !out || out->op->kind != WEFT_OP_COMPUTE || out->op->scan || out->op->nreduce ||
        has(done, out) || weft_rule_is_output(s->op) || !weft_rule_is_home(r, s->op, out->op) ||
        !weft_rule_contraction(r, s, out))
        return false;
    *WEFT_PUSH(&r->scratch, done) = s;
    *WEFT_PUSH(&r->scratch, done) = out;
    return true;
}

/* The output that is to compute the product which s, a sum before, reads: the one that s
 * ends up in, or s itself. */
static weft_stage *
home_of_gathered(weft_rule *r, const weft_stage *product, weft_stage *s, const stage_list *done)
{
    weft_stage *out = weft_rule_is_output(s->op) ? NULL : final_reader(r, s);
    if (!out || out->op->kind != WEFT_OP_COMPUTE || out->op->scan || out->op->nreduce ||
        has(done, out) || weft_compute_inline(r->te, tensor(s)))
        return s;
    if (weft_rule_is_home(r, product->op, out->op))
        return out;
    (void)weft_compute_root(r->te, tensor(s));
    return s;
}

/* A sum that is computed as a product of matrices which are gathered. */
static bool
schedule_as_product(weft_rule *r, weft_stage *s, weft_stage *home, stage_list *done)
{
    bool gpu = r->target->cls == WEFT_CLASS_GPU || r->target->cls == WEFT_CLASS_MOBILE;
    weft_stage *product = gpu ? weft_rule_gather(r, s, home) : NULL;
    if (!product)
        return false;
    weft_stage *out = home_of_gathered(r, product, s, done);
    *WEFT_PUSH(&r->scratch, done) = product;
    *WEFT_PUSH(&r->scratch, done) = s;
    *WEFT_PUSH(&r->scratch, done) = out;
    return weft_rule_contraction(r, product, out);
}

static void
schedule_reduction(weft_rule *r, weft_stage *s, stage_list *done)
{
    weft_stage *home = home_of(r, s);
    if (has(done, home)) /* a home takes one reduction */
        home = s;
    if ((home == s && schedule_gathered(r, s, done)) || schedule_as_product(r, s, home, done))
        return;
    *WEFT_PUSH(&r->scratch, done) = s;
    *WEFT_PUSH(&r->scratch, done) = home;
    if (!weft_rule_contraction(r, s, home))
        weft_rule_reduction(r, s, home);
}

static void
schedule_all(weft_rule *r)
{
    int n = r->te->stage.n; /* rules add stages: those are theirs */
    weft_stage **stage = WEFT_NEW_ARRAY(&r->scratch, n + 1, weft_stage *);
    stage_list done = { 0 };
    for (int i = 0; i < n; i++)
        stage[i] = r->te->stage.at[i];
    for (int i = 0; i < n; i++)
        if (stage[i]->op->nreduce && !stage[i]->op->scan && is_live(r, stage[i]))
            schedule_reduction(r, stage[i], &done);
    for (int i = 0; i < n; i++)
        if (!has(&done, stage[i]) && stage[i]->attach == WEFT_AT_ROOT &&
            stage[i]->op->kind == WEFT_OP_COMPUTE && is_live(r, stage[i]))
            (stage[i]->op->scan ? weft_rule_scan : weft_rule_injective)(r, stage[i]);
}

static void
schedule_reference(weft_rule *r)
{
    for (int i = 0; i < r->te->stage.n; i++)
        weft_rule_reference(r, r->te->stage.at[i]);
}

/* The only output's stage, if no stage is extern or a scan. */
static weft_stage *
only_output(const weft_te *te)
{
    for (int i = 0; i < te->stage.n; i++)
        if (te->stage.at[i]->op->kind == WEFT_OP_EXTERN || te->stage.at[i]->op->scan)
            return NULL;
    return te->output.n == 1 ? weft_te_stage(te, te->output.at[0]) : NULL;
}

weft_status
weft_schedule_default(weft_te *te, const weft_target *target, weft_diag *diag)
{
    weft_rule r = { .te = te, .target = target, .diag = diag };
    weft_stage *out = only_output(te);
    if (target->cls == WEFT_CLASS_REFERENCE) {
        schedule_reference(&r);
    } else {
        inline_stages(&r);
        if (!out || (!weft_rule_rowwise(&r, out) && !weft_rule_attention(&r, out)))
            schedule_all(&r);
    }
    te->info.schedule = weft_arena_strdup(&te->ir->arena, weft_str_text(&r.note));
    weft_str_free(&r.note);
    weft_arena_reset(&r.scratch);
    return weft_diag_status(te->diag);
}
