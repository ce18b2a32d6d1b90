/* te/rules/vector_order.c: the order in which tiles are computed: what stays near while the rest of
 * the operands goes by.
 *
 * A reduction's reads fall into those that go along the lanes and the others.  Either the tiles of
 * the lanes run inside, and each tile of the other axes meets all that the lanes read, or a panel
 * of what the lanes read stays and the others sweep past it.  The bytes that come from beyond a
 * core's caches decide. */
#include "rules/vector.h"
#include <math.h>

enum {
    FAR_ROWS = 24 << 10,   /* bytes from the first to the last row of a panel that need no copy */
    PACK_SWEEP = 4,        /* tiles at least that a copied panel serves */
    GROUPS_OF_A_CORE = 16, /* that all end at about the same time */
    MOST_TURNS = 16,       /* what sweeps comes from afar once for so many panels */
    LEAST_TURNS = 2,
    TURNS_OF_CACHE = 4,     /* part of a core's cache that such panels take up at most */
    SHARED_SPEED = 4,       /* of the cache that cores share, in that of memory */
    WORK_OF_A_GROUP = 32768 /* multiply-adds */
};

static int
lane_axis(const vector_search *s)
{
    return s->axis[s->best.lane_axis];
}

/* Tiles along a data axis. */
static double
tiles_along(const vector_search *s, int d)
{
    int k = weft_vector_candidate(s, d);
    if (k < 0)
        return weft_vector_count((const weft_axis *const *)s->op->axis + d, 1);
    int64_t size = s->best.size[k] * (k == s->best.lane_axis ? s->best.lanes : 1);
    return (double)weft_ceildiv(s->extent[k], size);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static double
tensor_elements(const weft_buf *buf)
{
    double all = 1;
    int64_t n;
    for (int i = 0; i < buf->ndim; i++)
        all *= weft_as_int(buf->shape[i], &n) ? (double)n : UNKNOWN;
    return all;
}

/* Whether every read goes along the axis: it makes problems apart from each other. */
static bool
is_common(const vector_search *s, int d)
{
    for (int i = 0; i < s->nread; i++)
        if (!s->read[i].along[d])
            return false;
    return s->nread > 0;
}

double
weft_vector_bytes(const vector_search *s, int lane, bool along, double *problems)
{
    double all = 0;
    *problems = 1;
    for (int d = 0; d < s->op->naxis; d++)
        *problems *=
            is_common(s, d) ? weft_vector_count((const weft_axis *const *)s->op->axis + d, 1) : 1;
    for (int i = 0; i < s->nread; i++) {
        const weft_read *read = &s->read[i];
        double n = s->steps, most = tensor_elements(read->load->h.u.buf);
        if (read->along[lane] != along)
            continue;
        for (int d = 0; d < s->op->naxis; d++)
            if (read->along[d])
                n *= weft_vector_count((const weft_axis *const *)s->op->axis + d, 1);
        all += (n < most ? n : most) / *problems *
               weft_dtype_bits((weft_dtype)read->load->h.type.dtype) / 8;
    }
    return all;
}

/* ---- a panel copied together ----------------------------------------------------------------- */

/* Whether the rows of a panel, one a step of the reduction, lie apart in memory. */
static bool
rows_apart(const vector_search *s, const weft_read *read, int64_t steps, int64_t row)
{
    const weft_axis *last = s->op->reduce[s->op->nreduce - 1];
    const weft_expr *stride, *rest;
    int64_t by;
    return weft_affine_in(s->r->te->ir, read->address, last->var, &stride, &rest) &&
           weft_as_int(stride, &by) && by > row && by * steps * 4 > FAR_ROWS;
}

/* Variables and constants alone: what a tile reads is a box without gaps. */
static bool
has_plain_indices(const weft_expr *load)
{
    for (int i = 0; i < load->h.nargs; i++)
        if (load->arg[i]->h.kind != WEFT_EK_VAR && !weft_is_imm(load->arg[i]))
            return false;
    return true;
}

bool
weft_vector_can_copy(const vector_search *s, const vector_tile *tile, const weft_read *read)
{
    const weft_target *t = s->r->target;
    int64_t steps = weft_rule_count(s->op->reduce, 0, s->op->nreduce),
            row = tile->lanes * tile->size[tile->lane_axis], bytes = 0;
    int axis = s->axis[tile->lane_axis];
    const weft_buf *buf = read->load->h.u.buf;
    if (!weft_te_tensor_of(s->r->te, buf) || !read->address || !has_plain_indices(read->load) ||
        !read->along[axis] || weft_vector_lane_dim(s, read, axis) < 0 || tile->lanes == 1 ||
        steps < 1 || !weft_dtype_bytes(buf->dtype, steps * row, &bytes) || bytes > t->cache_bytes ||
        bytes > t->shared_bytes / 2)
        return false;
    for (int k = 0; k < s->n; k++)
        if (s->condition[k] ||
            (k != tile->lane_axis && tile->size[k] > 1 && read->along[s->axis[k]]))
            return false;
    return true;
}

static bool
can_pack(const vector_search *s, const weft_read *read)
{
    int64_t steps = weft_rule_count(s->op->reduce, 0, s->op->nreduce),
            row = s->best.lanes * s->best.size[s->best.lane_axis];
    return weft_vector_can_copy(s, &s->best, read) && rows_apart(s, read, steps, row) &&
           weft_rule_walk(s->r, s->op, read, lane_axis(s), s->best.lanes) == WEFT_WALK_NEXT &&
           weft_vector_reads_itself(s, s->op, weft_te_tensor_of(s->r->te, read->load->h.u.buf));
}

/* The only read of its tensor that is worth it; that of a copy that is there already. */
static const weft_read *
find_pack(const vector_search *s)
{
    const weft_read *found = NULL;
    for (int i = 0; i < s->nread && s->turned; i++)
        if (s->read[i].load->h.u.buf == s->turned->buf)
            return &s->read[i];
    for (int i = 0; i < s->nread && !found; i++)
        found = can_pack(s, &s->read[i]) ? &s->read[i] : NULL;
    for (int i = 0; i < s->nread && found; i++)
        if (&s->read[i] != found && s->read[i].load->h.u.buf == found->load->h.u.buf)
            return NULL;
    return found;
}

/* ---- the choice ------------------------------------------------------------------------------ */

static bool
reads_along(const vector_search *s, int d)
{
    for (int i = 0; i < s->nread; i++)
        if (s->read[i].along[lane_axis(s)] && s->read[i].along[d])
            return true;
    return false;
}

/* Whether whole tiles cover the data axes that the panels lie along: nothing
 * depends on which it is. */
static bool
has_whole_panels(const vector_search *s, const bool *lead)
{
    for (int k = 0; k < s->n; k++) {
        int64_t size = s->best.size[k] * (k == s->best.lane_axis ? s->best.lanes : 1);
        if (lead[s->axis[k]] && (!s->known[k] || s->extent[k] % size != 0))
            return false;
    }
    return true;
}

/* Bytes of what one tile of the lanes reads. */
static double
panel_bytes(const vector_search *s)
{
    double all = 0;
    for (int i = 0; i < s->nread; i++)
        if (s->read[i].along[lane_axis(s)])
            all += s->steps * (double)(s->best.lanes * s->best.size[s->best.lane_axis]) *
                   weft_dtype_bits((weft_dtype)s->read[i].load->h.type.dtype) / 8;
    return all;
}

/* How many panels stay in a core's cache beside what sweeps; one that takes up half of it may. */
static double
panels_near(const vector_search *s)
{
    double cache = (double)s->r->target->cache_bytes, bytes = panel_bytes(s);
    return fmax(floor(cache / TURNS_OF_CACHE / bytes), bytes <= cache / 2 ? 1 : 0);
}

/* Panels that take turns at each tile of the sweep: as many as stay in a core's cache, if to read
 * the `others` again for every so many takes less time than to read the panels `again`, so many
 * bytes in all, from the cache that cores share; else many, which come from there.  With `packs`,
 * their copies are all in memory of the work-group. */
static int64_t
turns_of_group(const vector_search *s, double panels, double others, double again, bool packs)
{
    const weft_target *t = s->r->target;
    double cores = t->cores > 0 ? t->cores : 1, most = MOST_TURNS, bytes = panel_bytes(s),
           near = panels_near(s);
    if (near >= 1 && others * panels / near < again / SHARED_SPEED)
        most = near < most ? near : most;
    if (packs && most > panels / (GROUPS_OF_A_CORE * cores))
        most = panels / (GROUPS_OF_A_CORE * cores);
    if (packs && most * bytes > (double)t->shared_bytes)
        most = (double)t->shared_bytes / bytes;
    for (int64_t n = (int64_t)most; n >= LEAST_TURNS; n--)
        if ((int64_t)panels % n == 0)
            return n;
    return 1;
}

/* Tiles that a copied panel serves: so many that the core with the most of them, and of copies, is
 * done first.  Where the last panel is another's part, of which tiles take longer or less, groups
 * are many. */
static double
tiles_of_copy(const vector_search *s, const vector_tile *t, double panels, double sweep)
{
    double cores = s->r->target->cores > 0 ? s->r->target->cores : 1, vectors = 1, least = INFINITY,
           best = sweep, elements = (double)(t->lanes * t->size[t->lane_axis]);
    for (int k = 0; k < s->n; k++)
        vectors *= (double)t->size[k];
    if (!s->known[t->lane_axis] || s->extent[t->lane_axis] % (int64_t)elements != 0)
        return fmin(sweep, fmax(WEFT_PACK_TILES, panels * sweep / (GROUPS_OF_A_CORE * cores)));
    double copy = elements / (vectors / 2), /* in tiles; a cycle an element */
        most = ceil(GROUPS_OF_A_CORE * cores / panels);
    for (int parts = 1; parts <= most; parts++) {
        double each = ceil(sweep / parts), time = ceil(panels * parts / cores) * (each + copy);
        if (parts > 1 && each < WEFT_PACK_TILES)
            break;
        best = time < least ? each : best;
        least = fmin(time, least);
    }
    return best;
}

double
weft_vector_served(const vector_search *s, double panels, double sweep)
{
    return sweep < PACK_SWEEP ? 0 : tiles_of_copy(s, &s->at, panels, sweep);
}

/* Tiles of a sweep that one work-group takes: all groups do nearly the same. */
static int64_t
tiles_of_group(const vector_search *s, double panels, double sweep, bool packs)
{
    double cores = s->r->target->cores > 0 ? s->r->target->cores : 1, work = s->steps,
           n = packs ? tiles_of_copy(s, &s->best, panels, sweep)
                     : panels * sweep / (GROUPS_OF_A_CORE * cores),
           least = packs ? WEFT_PACK_TILES : 1;
    for (int k = 0; k < s->n; k++)
        work *= (double)s->best.size[k];
    double enough = WORK_OF_A_GROUP / (work * (double)s->best.lanes + 64);
    least = enough > least ? enough : least;
    n = n > least ? n : least;
    if (n >= sweep)
        return (int64_t)sweep;
    int64_t parts = weft_ceildiv((int64_t)sweep, (int64_t)n);
    return weft_ceildiv((int64_t)sweep, parts);
}

/* Planes of a work-group: enough for it to do, as many for all if that is
 * near, and every core some. */
static int64_t
planes_of_group(const vector_search *s, const bool *lead)
{
    double cores = s->r->target->cores > 0 ? s->r->target->cores : 1, planes = 1, work = s->steps;
    for (int d = 0; d < s->op->naxis; d++)
        *(lead[d] ? &planes : &work) *=
            weft_vector_count((const weft_axis *const *)s->op->axis + d, 1);
    double n = WORK_OF_A_GROUP / (work + 64), most = planes / (4 * cores);
    int64_t enough = (int64_t)(n < most ? n : most), least = enough / 2;
    for (int64_t i = enough; i > least && i > 1; i--)
        if ((int64_t)planes % i == 0)
            return i;
    return enough > 1 ? enough : 1;
}

vector_order
weft_vector_order(const vector_search *s)
{
    bool *planes = WEFT_NEW_ARRAY(&s->r->scratch, s->op->naxis + 1, bool);
    weft_tensor *border = weft_vector_border(s, planes);
    if (border)
        return (vector_order){ .lead = planes,
                               .turns = 1,
                               .tiles = INT64_MAX,
                               .border = border,
                               .planes = planes_of_group(s, planes) };
    bool *lead = WEFT_NEW_ARRAY(&s->r->scratch, s->op->naxis + 1, bool);
    bool *last = WEFT_NEW_ARRAY(&s->r->scratch, s->op->naxis + 1, bool);
    double near = (double)s->r->target->cache_bytes, apart,
           lanes = weft_vector_bytes(s, lane_axis(s), true, &apart),
           others = weft_vector_bytes(s, lane_axis(s), false, &apart), panels = 1, sweep = 1;
    bool led = false, swept = false; /* neither panels nor what goes through them need be there */
    apart = 1;
    for (int d = 0; d < s->op->naxis; d++) {
        lead[d] = reads_along(s, d);
        led = led || lead[d];
        swept = swept || !lead[d];
        last[d] = d == lane_axis(s) || (lead[d] && !is_common(s, d));
        apart *= is_common(s, d) ? tiles_along(s, d) : 1;
        *(lead[d] ? &panels : &sweep) *= tiles_along(s, d);
    }
    const weft_read *pack = s->turned || sweep >= PACK_SWEEP ? find_pack(s) : NULL;
    double inside = others + lanes * (lanes <= near ? 1 : sweep),
           outside = lanes * (lanes * apart / panels <= near ? 1 : sweep) +
                     others * (others <= near ? 1 : panels / apart);
    bool loops = pack || weft_vector_is_crossed(s, &s->best); /* each is its own loop's end */
    if (!led || !swept || (!s->turned && outside > inside * (loops ? 1.01 : 0.9)))
        return (vector_order){ .last = lanes < others ? last : NULL };
    vector_order o = { .lead = lead, .turns = 1 };
    if (others > near && has_whole_panels(s, lead))
        o.turns = turns_of_group(s, panels / apart, others * apart, lanes * sweep, pack != NULL);
    o.tiles = tiles_of_group(s, panels / (double)o.turns, sweep, pack != NULL);
    if (pack) {
        o.pack = weft_te_tensor_of(s->r->te, pack->load->h.u.buf);
        o.pack_dim = weft_vector_lane_dim(s, pack, lane_axis(s));
    }
    return o;
}
