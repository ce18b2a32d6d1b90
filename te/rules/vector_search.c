/* te/rules/vector_search.c: which axis runs in lanes, and which tile of results is accumulated in
 * registers, by an estimate of the cycles of the whole: multiply-adds, loads that the tile shares,
 * tails, stores. */
#include "rules/vector.h"
#include <math.h>

enum {
    SPARE_REGISTERS = 4, /* for operands */
    SPILL = 4,           /* cycles of a vector that is kept in memory for want of a register */
    LATENCY = 10, /* accumulators that keep two pipelines of latency 4 busy, and some to spare */
    FIRST_CACHE = 24 << 10, /* bytes that stay near while a tile is computed */
    BRANCH = 3,             /* a condition that a result of a tile is asked alone, in loads */
    STREAMED = 3,           /* a cache line from farther away, in loads */
    STREAMS = 8,            /* panels read side by side of which caches keep the next lines */
    LINE = 64,              /* bytes */
    PAGE = 4096,            /* bytes after which places of a first cache repeat */
    WAYS = 8,               /* lines that such a cache keeps of one place */
    CROWDED = 2,            /* a line that others of its place drove out, in loads */
    UNEVEN = 1,             /* an address that is no step from another, in loads */
    MOST_WRITTEN = 64,      /* steps of all results of a tile that a window writes out */
    MANY = 32,              /* tiles, of which one that overhangs is a small part */
    CROSSED = 2,            /* a tile that overhangs along two axes or more, in whole ones */
    TURN = 2                /* cycles of an element that is copied across its rows */
};

/* Of tiles along an axis that share nothing: more lines at once for nothing. */
static const double UNSHARED = 1.1;

/* ---- the estimate ---------------------------------------------------------------------------- */

double
weft_vector_count(const weft_axis *const *axis, int n)
{
    double all = 1;
    for (int i = 0; i < n; i++) {
        int64_t e = weft_rule_extent(axis[i]);
        all *= (double)(e < 0 ? UNKNOWN : e > 0 ? e : 1);
    }
    return all;
}

/* Vectors of lanes: whole ones, then a half, a quarter, .. of one. */
static int64_t
vectors_of(int64_t n, int64_t lanes)
{
    int64_t vectors = n / lanes;
    for (int64_t rest = n % lanes; rest; rest &= rest - 1)
        vectors++;
    return vectors;
}

/* Vectors of a tile along an axis: of one that takes the whole axis not all are of all lanes. */
static int64_t
vectors_along(const vector_search *s, const vector_tile *t, int k)
{
    bool all = k == t->lane_axis && s->known[k] && t->size[k] * t->lanes >= s->extent[k];
    return all ? vectors_of(s->extent[k], t->lanes) : t->size[k];
}

int64_t
weft_vector_places(const vector_search *s, const vector_tile *t, int i, int k)
{
    int64_t n = vectors_along(s, t, k);
    bool shared = n < 64 && (s->shared[i][k] >> n & 1);
    return s->read[i].along[s->axis[k]] && !shared ? n : 1;
}

/* Vectors that a step of the reduction loads for a tile, of those that read i has along
 * candidate k: steps of a window share them. */
static double
loaded_along(const vector_search *s, int i, int k)
{
    const vector_window *w = s->at.window;
    double n = (double)weft_vector_places(s, &s->at, i, k);
    if (!w || w->read != i || w->axis != k)
        return n;
    return ((n - 1) * (double)w->hop + (double)w->steps) / (double)w->steps;
}

/* Whether a step of the reduction meets more lines of one place in a first cache than it keeps:
 * those of rows with whole pages between them. */
static bool
is_crowded(const vector_search *s, int i)
{
    int64_t lines = 1;
    for (int k = 0; k < s->n; k++)
        lines *= s->apart[i][k] && k != s->at.lane_axis ? s->at.size[k] : 1;
    return lines > WAYS;
}

/* Whether each of the places that a tile has of read i along candidate k needs
 * an address of its own. */
static bool
is_uneven(const vector_search *s, int i, int k)
{
    int64_t n = s->at.size[k];
    return s->uneven[i][k] && k != s->at.lane_axis && !(n < 64 && (s->even[i][k] >> n & 1));
}

/* Loads that a read takes for each of a tile's vectors of it: lanes that are gathered count one
 * each; a little more for those along outer axes, whose cache lines are their own. */
static double
loads_each(const vector_search *s, int i, double vectors)
{
    bool turned = s->at.turned == i;
    double apart = 1, lanes = (double)s->at.lanes,
           bytes = lanes * weft_dtype_bits(s->read[i].load->h.u.buf->dtype) / 8;
    for (int k = 0; k < s->n; k++)
        if (weft_vector_places(s, &s->at, i, k) > 1)
            apart += 0.1 * k + (is_uneven(s, i, k) ? UNEVEN : 0);
    bool many = s->uneven[i][s->at.lane_axis] && vectors > STREAMS;
    if ((turned || s->walk[i] == WEFT_WALK_NEXT) && s->steps * vectors * bytes > FIRST_CACHE)
        return apart * fmax(1, STREAMED * bytes / LINE) * (many ? CROWDED : 1);
    if (turned)
        return apart;
    return apart * (s->walk[i] == WEFT_WALK_APART ? 2 * lanes : is_crowded(s, i) ? CROWDED : 1);
}

/* What conditions cost each vector of a read, in loads: those at the ends of a tile are asked. */
static double
branches_each(const vector_search *s, const weft_read *read)
{
    double all = 0;
    for (int k = 0; k < s->n; k++)
        if (s->condition[k] && s->at.size[k] > 1 && read->along[s->axis[k]])
            all += 2.0 * BRANCH / (double)s->at.size[k];
    return all + (s->guarded ? 4.0 * (double)s->at.lanes : 0);
}

/* Loads a step of the reduction. */
static double
loads(const vector_search *s)
{
    double all = 0;
    for (int i = 0; i < s->nread; i++) {
        double n = 1;
        for (int k = 0; k < s->n; k++)
            n *= loaded_along(s, i, k);
        all += n * (loads_each(s, i, n) + branches_each(s, &s->read[i]));
    }
    return all;
}

/* Results of a tile along an axis. */
static int64_t
results_along(const vector_tile *t, int k)
{
    return t->size[k] * (k == t->lane_axis ? t->lanes : 1);
}

static int64_t
tile_along(const vector_search *s, int k)
{
    return results_along(&s->at, k);
}

bool
weft_vector_is_crossed(const vector_search *s, const vector_tile *t)
{
    int n = 0;
    for (int k = 0; k < s->n; k++)
        n += s->known[k] && s->extent[k] % results_along(t, k) != 0 &&
             (k != t->lane_axis || s->extent[k] > results_along(t, k));
    return n > 1;
}

/* What a tile that overhangs by so many vectors takes, in whole ones: it holds more vectors than
 * those where the last one is several of fewer lanes. */
static double
tail_of(const vector_search *s, int k, int64_t vectors)
{
    double results = 1, size = (double)s->at.size[k];
    for (int i = 0; i < s->n; i++)
        results *= (double)s->at.size[i];
    double over = results * (double)vectors / size - (double)s->registers;
    return 0.5 + 0.5 * (double)vectors / size + (over > 0 ? SPILL * over / (0.5 * results) : 0);
}

/* Tiles along an axis.  What overhangs is a tile of its own size.  It makes the program larger, and
 * panels that are not all alike take no turns: a tile that overhangs is to be faster by more
 * than an estimate errs. */
static double
tiles_along(const vector_search *s, int k, bool crossed)
{
    bool lanes = k == s->at.lane_axis;
    int64_t size = tile_along(s, k), whole = s->extent[k] / size, left = s->extent[k] % size;
    if (!s->known[k])
        return (double)whole * 1.2;
    if (!left || (lanes && !whole))
        return left ? 1 : (double)whole;
    double tail = crossed ? CROSSED : tail_of(s, k, lanes ? vectors_of(left, s->at.lanes) : left);
    return ((double)whole + tail) * (lanes ? 1.15 : whole < MANY ? 1.08 : 1.02);
}

/* Whether lanes are neighbours in the result. */
bool
weft_vector_stores(const vector_search *s, const vector_tile *t)
{
    for (int d = s->axis[t->lane_axis] + 1; d < s->op->naxis; d++)
        if (!weft_is_int_imm(s->op->axis[d]->extent, 1))
            return false;
    return true;
}

double
weft_vector_kept(const vector_search *s, const vector_tile *t, int k)
{
    double all = 0;
    for (int i = 0; i < s->nread; i++) {
        double n = 1;
        if (s->read[i].along[s->axis[k]] && (t->size[k] == 1 || weft_vector_places(s, t, i, k) > 1))
            continue;
        for (int j = 0; j < s->n; j++)
            n *= (double)weft_vector_places(s, t, i, j);
        all += n;
    }
    return all;
}

/* Vectors that find no register: of results, of what the outermost loop of the tile keeps, and one
 * that it runs through.  Vectors of the lane axis are the innermost loop if there is another.  A
 * window keeps what its steps read, and what its neighbours do. */
static double
spilled(const vector_search *s, double results)
{
    double least = results;
    if (s->at.window) {
        double kept = weft_vector_kept(s, &s->at, s->at.window->axis);
        return fmax(0, results + (double)s->at.window->steps * (kept + 1) - (double)s->registers);
    }
    for (int k = 0; k < s->n; k++) {
        double kept = weft_vector_kept(s, &s->at, k);
        bool inside = k == s->at.lane_axis && (double)s->at.size[k] < results;
        if (s->at.size[k] > 1 && !inside && kept < least)
            least = kept;
    }
    double over = results + least + 1 - (double)s->registers;
    return over > 0 ? over : 0;
}

/* The first tiles of a sweep wait for memory; those after them find the same near. */
static double
with_memory(const vector_search *s, double cycles)
{
    double sweep = 1;
    bool crossed = weft_vector_is_crossed(s, &s->at);
    for (int k = 0; k < s->n; k++)
        sweep *= s->swept[k] ? tiles_along(s, k, crossed) : 1;
    double first = cycles / (sweep > 1 ? sweep : 1), wait = s->far > first ? s->far - first : 0;
    return 1.05 * cycles + wait; /* of those that all wait the shortest */
}

/* Cycles a tile for the copy that it reads; infinite where there can be none. */
static double
turning(const vector_search *s, bool crossed)
{
    double panels = 1, sweep = 1;
    if (s->at.turned < 0)
        return 0;
    for (int k = 0; k < s->n; k++)
        *(s->swept[k] ? &sweep : &panels) *= tiles_along(s, k, crossed);
    double served = weft_vector_served(s, panels, sweep);
    if (served == 0 || !weft_vector_can_copy(s, &s->at, &s->read[s->at.turned]))
        return INFINITY;
    return TURN * s->steps * (double)tile_along(s, s->at.lane_axis) / served;
}

/* What a tile along axes of unknown extent costs beside what it does where there are many: as far
 * from that as from what it costs where there is one.  Lanes are worse, since those of a part are
 * run one by one. */
double
weft_vector_unsure(const vector_search *s, const vector_tile *t)
{
    double all = 1;
    for (int k = 0; k < s->n; k++)
        if (!s->known[k])
            all *= sqrt((double)t->size[k]) * (k == t->lane_axis ? pow((double)t->lanes, 0.75) : 1);
    return all;
}

/* Whether a tile's results along an axis have no read in common, nor a copy. */
static bool
shares_nothing(const vector_search *s, int k)
{
    for (int i = 0; i < s->nread; i++)
        if (weft_vector_places(s, &s->at, i, k) == 1)
            return false;
    return s->nread > 1 && k != s->at.lane_axis;
}

/* Whether a tile may have its window: each result has a place of its own in what is read through
 * it, so that loads are what takes the time, and the program stays small. */
static bool
suits_window(const vector_search *s, double results)
{
    const vector_window *w = s->at.window;
    double places = 1;
    for (int k = 0; w && k < s->n; k++)
        places *= (double)weft_vector_places(s, &s->at, w->read, k);
    return !w || (s->at.size[w->axis] > 1 && places == results &&
                  results * (double)w->steps <= MOST_WRITTEN);
}

static double
estimate(const vector_search *s)
{
    double results = 1, tiles = s->others,
           cores = s->r->target->cores > 0 ? s->r->target->cores : 1;
    bool crossed = weft_vector_is_crossed(s, &s->at);
    for (int k = 0; k < s->n; k++) {
        results *= (double)vectors_along(s, &s->at, k);
        tiles *= tiles_along(s, k, crossed) * (shares_nothing(s, k) ? UNSHARED : 1);
    }
    if (!suits_window(s, results))
        return INFINITY;
    double arithmetic = (results < LATENCY ? LATENCY : results) / 2, fetch = loads(s) / 2;
    double step =
        (arithmetic > fetch ? arithmetic : fetch) + 0.2 * fetch + 0.5 + SPILL * spilled(s, results);
    double store = weft_vector_stores(s, &s->at) ? 2 : 1.5 * (double)s->at.lanes;
    double rounds = (double)(int64_t)((tiles + cores - 1) / cores) * cores;
    return weft_vector_unsure(s, &s->at) *
           with_memory(s, rounds * (s->steps * step + results * store + turning(s, crossed) + 20));
}

/* ---- the search ------------------------------------------------------------------------------ */

static void
try_sizes(vector_search *s, int k, int64_t room)
{
    if (k == s->n || k == VECTOR_AXES) {
        s->at.cycles = estimate(s);
        if (s->best.cycles == 0 || s->at.cycles < s->best.cycles)
            s->best = s->at;
        return;
    }
    int64_t all = s->extent[k];
    if (k == s->at.lane_axis)
        all = weft_ceildiv(all, s->at.lanes);
    for (int64_t n = 1; n <= room && n <= all; n++) {
        s->at.size[k] = n;
        try_sizes(s, k + 1, room / n);
    }
}

static int64_t
most_lanes(const weft_rule *r, weft_dtype t)
{
    int64_t lanes = r->target->vector_lanes > 0 ? r->target->vector_lanes : 1;
    return weft_dtype_bits(t) > 32 && lanes > 1 ? lanes / 2 : lanes;
}

double
weft_vector_far(const vector_search *s, double bytes)
{
    const weft_target *t = s->r->target;
    double cores = t->cores > 0 ? t->cores : 1,
           clock = t->gflops / (cores * 4 * (double)most_lanes(s->r, WEFT_F32));
    return t->gbytes > 0 ? bytes * cores * clock / t->gbytes : 0;
}

int64_t
weft_vector_whole_lanes(int64_t extent, int64_t most)
{
    int64_t best = 1, least = INT64_MAX;
    for (int64_t lanes = most; extent >= 0 && lanes >= 1; lanes /= 2)
        if (extent / lanes + extent % lanes < least) {
            least = extent / lanes + extent % lanes;
            best = lanes;
        }
    return best;
}

/* What the lanes read, if it does not stay in a core's caches from one tile to the next. */
static void
find_memory(vector_search *s, int k)
{
    double problems, bytes = weft_vector_bytes(s, s->axis[k], true, &problems);
    s->far = bytes > (double)s->r->target->cache_bytes ? weft_vector_far(s, bytes * problems) : 0;
    for (int i = 0; i < s->n; i++) {
        s->swept[i] = true;
        for (int j = 0; j < s->nread; j++)
            if (s->read[j].along[s->axis[k]] && s->read[j].along[s->axis[i]])
                s->swept[i] = false;
    }
}

/* Bytes between what a read meets from step to step of data axis d; 0: unknown, or none.  *uneven:
 * they are not always the same. */
static int64_t
bytes_between(const vector_search *s, const weft_read *read, int d, bool *uneven)
{
    const weft_expr *stride, *rest;
    int64_t by = 0, bytes = 0;
    *uneven = false;
    if (!read->along[d] || !read->address)
        return 0;
    *uneven = !weft_affine_in(s->r->te->ir, read->address, s->op->axis[d]->var, &stride, &rest);
    bool known = !*uneven && weft_as_int(stride, &by) &&
                 weft_dtype_bytes((weft_dtype)read->load->h.type.dtype, by, &bytes);
    return known ? bytes : 0;
}

static void
find_strides(vector_search *s)
{
    s->apart = weft_arena_array(&s->r->scratch, (size_t)s->nread + 1, sizeof *s->apart);
    s->uneven = weft_arena_array(&s->r->scratch, (size_t)s->nread + 1, sizeof *s->uneven);
    for (int i = 0; i < s->nread; i++)
        for (int k = 0; k < s->n; k++) {
            int64_t bytes = bytes_between(s, &s->read[i], s->axis[k], &s->uneven[i][k]);
            s->apart[i][k] = bytes != 0 && bytes % PAGE == 0;
        }
}

/* Whether a read's lanes along candidate k, which are apart, may be brought side by side. */
static bool
can_turn(const vector_search *s, int i, int k)
{
    const weft_tensor *t = weft_te_tensor_of(s->r->te, s->read[i].load->h.u.buf);
    for (int j = 0; j < s->nread; j++)
        if (j != i && s->read[j].load->h.u.buf == s->read[i].load->h.u.buf)
            return false;
    return s->may_turn && t && s->walk[i] == WEFT_WALK_APART && s->read[i].along[s->axis[k]] &&
           weft_vector_reads_itself(s, s->op, t);
}

/* Whether steps of the window at hand may be written out: they go through whole vectors, along
 * another axis than lanes do. */
static bool
can_slide(const vector_search *s)
{
    const vector_window *w = s->at.window;
    for (int i = 0; i < s->nread; i++)
        if (s->walk[i] == WEFT_WALK_APART)
            return false;
    return w->axis != s->at.lane_axis && s->walk[w->read] == WEFT_WALK_NEXT;
}

static void
try_lanes(vector_search *s, int k, int64_t lanes)
{
    int d = s->axis[k];
    s->at = (vector_tile){ .lane_axis = k, .lanes = lanes, .turned = -1 };
    s->guarded = lanes > 1 && s->condition[k];
    find_memory(s, k);
    for (int i = 0; i < s->nread; i++)
        s->walk[i] =
            lanes > 1 ? weft_rule_walk(s->r, s->op, &s->read[i], d, lanes) : WEFT_WALK_SAME;
    try_sizes(s, 0, s->registers - SPARE_REGISTERS);
    for (int i = 0; i < s->nread && lanes > 1; i++) {
        s->at.turned = i;
        if (can_turn(s, i, k))
            try_sizes(s, 0, s->registers - SPARE_REGISTERS);
    }
    s->at.turned = -1;
    for (int i = 0; i < s->window.n; i++) {
        s->at.window = &s->window.at[i];
        if (can_slide(s))
            try_sizes(s, 0, s->registers - SPARE_REGISTERS);
    }
}

static bool
find_quotient(void *user, const weft_expr *e)
{
    bool *found = user;
    *found = *found || e->h.kind == WEFT_EK_FDIV;
    return !*found;
}

/* How tiles along candidate k meet read i, of each size; where an index is a quotient they may
 * share one place, or lie within one panel. */
static void
find_tiles(vector_search *s, int i, int k)
{
    bool quotient = false;
    for (int d = 0; d < s->read[i].load->h.nargs; d++)
        weft_walk_expr(&(weft_walker){ .expr = find_quotient, .user = &quotient },
                       s->read[i].load->arg[d]);
    for (int64_t n = 2; quotient && n < 64 && n <= s->registers && n <= s->extent[k]; n++) {
        weft_walk walk = weft_rule_walk(s->r, s->op, &s->read[i], s->axis[k], n);
        s->shared[i][k] |= (uint64_t)(walk == WEFT_WALK_SAME) << n;
        s->even[i][k] |= (uint64_t)(walk == WEFT_WALK_NEXT) << n;
    }
}

static void
find_quotients(vector_search *s)
{
    s->shared = weft_arena_array(&s->r->scratch, (size_t)s->nread + 1, sizeof *s->shared);
    s->even = weft_arena_array(&s->r->scratch, (size_t)s->nread + 1, sizeof *s->even);
    for (int i = 0; i < s->nread; i++)
        for (int k = 0; k < s->n; k++)
            if (s->read[i].along[s->axis[k]])
                find_tiles(s, i, k);
}

bool
weft_vector_find(vector_search *s)
{
    const weft_te_op *op = s->op;
    for (int d = op->naxis; d-- > 0;) {
        int64_t extent = weft_rule_extent(op->axis[d]);
        if (extent == 1 || s->n == VECTOR_AXES) {
            s->others *= weft_vector_count((const weft_axis *const *)op->axis + d, 1);
            continue;
        }
        s->axis[s->n] = d;
        s->known[s->n] = extent >= 0;
        s->condition[s->n] = weft_rule_guarded_along(s->r, op, d);
        s->extent[s->n++] = extent < 0 ? UNKNOWN : extent;
    }
    find_strides(s);
    find_quotients(s);
    weft_vector_windows(s);
    for (int k = 0; k < s->n; k++)
        for (int64_t lanes = most_lanes(s->r, op->out[0]->buf->dtype); lanes >= 1; lanes /= 2)
            if (lanes <= s->extent[k])
                try_lanes(s, k, lanes);
    return s->best.cycles > 0;
}

int
weft_vector_candidate(const vector_search *s, int d)
{
    for (int k = 0; k < s->n; k++)
        if (s->axis[k] == d)
            return k;
    return -1;
}
