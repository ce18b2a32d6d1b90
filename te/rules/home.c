/* te/rules/home.c: the output in whose loops a reduction is computed.
 *
 * An output may read a sum at its own axes one to one, or at numbers that its axes are digits of
 * and at quotients and remainders of them: a product that was gathered.  Its loops are split and
 * fused then until each axis of the sum has one. */
#include "rules/priv.h"

enum { MOST = 16 }; /* axes of either */

typedef struct digit {
    int axis;
    int64_t stride;
} digit;

/* What an index of the sum is, over the output's axes. */
typedef struct place {
    int n;
    digit digit[MOST];
    bool quotient, remainder; /* of digit[0].axis, by `each` */
    int64_t each;
} place;

typedef struct reading {
    weft_rule *r;
    const weft_te_op *op; /* the output */
    const weft_tensor *sum;
    const weft_expr *load; /* the only one, NULL: none yet */
    bool several;
} reading;

static bool
find_load(void *user, const weft_expr *e)
{
    reading *f = user;
    if (e->h.kind != WEFT_EK_LOAD || e->h.u.buf != f->sum->buf)
        return true;
    for (int d = 0; f->load && d < e->h.nargs; d++)
        f->several = f->several || e->arg[d] != f->load->arg[d];
    f->load = e;
    return true;
}

static int
axis_of(const weft_te_op *op, const weft_expr *e)
{
    for (int d = 0; e->h.kind == WEFT_EK_VAR && d < op->naxis; d++)
        if (op->axis[d]->var == e->h.u.var)
            return d;
    return -1;
}

/* x // each or x % each. */
static bool
take_division(const reading *f, const weft_expr *e, place *p)
{
    bool quotient = e->h.kind == WEFT_EK_FDIV, remainder = e->h.kind == WEFT_EK_FMOD;
    if ((!quotient && !remainder) || !weft_as_int(e->arg[1], &p->each) || p->each <= 1)
        return false;
    int d = axis_of(f->op, e->arg[0]);
    if (d < 0 || weft_rule_extent(f->op->axis[d]) % p->each != 0)
        return false;
    p->quotient = quotient;
    p->remainder = remainder;
    p->digit[p->n++] = (digit){ d, 1 };
    return true;
}

static void
add_digit(place *p, digit d)
{
    int i = p->n++;
    for (; i > 0 && p->digit[i - 1].stride < d.stride; i--)
        p->digit[i] = p->digit[i - 1];
    p->digit[i] = d;
}

/* The axes as digits, the highest first, of a number. */
static bool
take_digits(const reading *f, const weft_expr *e, place *p)
{
    weft_ir *ir = f->r->te->ir;
    int64_t stride, next = 1;
    for (int d = 0; d < f->op->naxis; d++) {
        const weft_expr *by, *rest;
        if (!weft_uses_var(e, f->op->axis[d]->var))
            continue;
        if (!weft_affine_in(ir, e, f->op->axis[d]->var, &by, &rest) ||
            !weft_as_int(weft_simplify_expr(ir, NULL, by), &stride) || stride <= 0)
            return false;
        e = rest;
        if (weft_rule_extent(f->op->axis[d]) != 1)
            add_digit(p, (digit){ d, stride });
    }
    for (int i = p->n; i-- > 0;) {
        int64_t n = weft_rule_extent(f->op->axis[p->digit[i].axis]);
        if (p->digit[i].stride != next || (n < 0 && i > 0) ||
            (i > 0 && !weft_mul64(next, n, &next)))
            return false;
    }
    return weft_is_int_imm(weft_simplify_expr(ir, NULL, e), 0);
}

/* The quotient and the remainder of one axis go together; no other axis serves twice. */
static bool
are_apart(const place *all, int n)
{
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            bool parts = all[i].quotient + all[i].remainder && all[j].quotient != all[i].quotient &&
                         all[j].remainder != all[i].remainder && all[i].each == all[j].each;
            for (int a = 0; i != j && a < all[i].n; a++)
                for (int b = 0; b < all[j].n; b++)
                    if (all[i].digit[a].axis == all[j].digit[b].axis && !parts)
                        return false;
        }
    return true;
}

/* The place of each axis of the sum; false where the output reads it in other ways. */
static bool
find_places(weft_rule *r, const weft_te_op *out, const weft_tensor *sum, place *all)
{
    reading f = { .r = r, .op = out, .sum = sum };
    const weft_te_op *lowered = weft_te_inlined(r->te, out);
    int n = sum->op->naxis;
    if (!lowered || n > MOST || out->naxis > MOST)
        return false;
    for (int i = 0; i < lowered->nout; i++)
        weft_walk_expr(&(weft_walker){ .expr = find_load, .user = &f }, lowered->body[i]);
    if (!f.load || f.several)
        return false;
    for (int d = 0; d < n; d++) {
        all[d] = (place){ 0 };
        if (!take_division(&f, f.load->arg[d], &all[d]) &&
            !take_digits(&f, f.load->arg[d], &all[d]))
            return false;
    }
    return are_apart(all, n);
}

bool
weft_rule_is_home(weft_rule *r, const weft_te_op *sum, const weft_te_op *out)
{
    place all[MOST];
    return find_places(r, out, sum->out[0], all);
}

/* ---- loops ----------------------------------------------------------------------------------- */

/* The halves of an axis that the sum reads in parts. */
typedef struct halves {
    weft_axis *quotient, *remainder;
} halves;

static bool
split_parts(weft_rule *r, weft_tensor *of, const place *all, int n, halves *half)
{
    for (int d = 0; d < n; d++) {
        const place *p = &all[d];
        halves *h = p->n ? &half[p->digit[0].axis] : NULL;
        if ((p->quotient || p->remainder) && !h->quotient &&
            weft_split(r->te, of, of->op->axis[p->digit[0].axis], weft_rule_num(r, p->each),
                       &h->quotient, &h->remainder))
            return false;
    }
    return true;
}

static int
loops_of(const weft_te_op *out, const place *p, const halves *half, weft_axis **loop)
{
    for (int i = 0; i < p->n; i++) {
        const halves *h = &half[p->digit[i].axis];
        loop[i] = p->quotient    ? h->quotient
                  : p->remainder ? h->remainder
                                 : out->axis[p->digit[i].axis];
    }
    return p->n;
}

static bool
holds(weft_axis *const *list, int n, const weft_axis *axis)
{
    for (int i = 0; i < n; i++)
        if (list[i] == axis)
            return true;
    return false;
}

/* Loops of the output in the sum's order, those that the sum lacks outside;
 * then each group as one. */
static bool
fuse_loops(weft_rule *r, weft_tensor *of, const place *all, const halves *half, weft_home *home)
{
    weft_stage *s = weft_te_stage(r->te, of);
    int n = home->naxis, count = 0, leaves = s->leaf.n;
    weft_axis *group[MOST][MOST],
        **order = WEFT_NEW_ARRAY(&r->scratch, leaves + MOST * MOST, weft_axis *),
        **used = WEFT_NEW_ARRAY(&r->scratch, MOST * MOST, weft_axis *);
    for (int d = 0, k; d < n; d++, count += k) {
        k = loops_of(of->op, &all[d], half, group[d]);
        for (int i = 0; i < k; i++)
            used[count + i] = group[d][i];
    }
    home->rest = WEFT_NEW_ARRAY(&r->scratch, leaves + 1, weft_axis *);
    for (int i = 0; i < leaves; i++)
        if (!holds(used, count, s->leaf.at[i]))
            home->rest[home->nrest++] = s->leaf.at[i];
    for (int i = 0; i < home->nrest; i++)
        order[i] = home->rest[i];
    for (int i = 0; i < count; i++)
        order[home->nrest + i] = used[i];
    if (weft_reorder(r->te, of, home->nrest + count, order))
        return false;
    for (int d = 0; d < n; d++)
        home->axis[d] = weft_rule_fuse(r, of, all[d].n, group[d]);
    return true;
}

/* The output's axis that steps as the sum's axis does; -1: parts of one do. */
static int
last_digit(const place *p)
{
    return p->n && !p->quotient && !p->remainder ? p->digit[p->n - 1].axis : -1;
}

bool
weft_rule_home_loops(weft_rule *r, const weft_te_op *sum, weft_tensor *of, weft_home *home)
{
    place all[MOST];
    halves half[MOST] = { { NULL, NULL } };
    *home = (weft_home){ .naxis = sum->naxis };
    home->axis = WEFT_NEW_ARRAY(&r->scratch, sum->naxis + 1, weft_axis *);
    home->plain = sum->out[0] == of || (sum->naxis == of->op->naxis &&
                                        weft_rule_elementwise(r, of->op, sum->out[0]));
    home->last = sum->naxis - 1;
    for (int d = 0; home->plain && d < sum->naxis; d++)
        home->axis[d] = of->op->axis[d];
    if (home->plain)
        return true;
    if (!find_places(r, of->op, sum->out[0], all) || !split_parts(r, of, all, sum->naxis, half) ||
        !fuse_loops(r, of, all, half, home))
        return false;
    home->last = last_digit(&all[sum->naxis - 1]);
    return true;
}
