/* te/rules/lane_cpu.c: products on CPUs that map invocations to SIMD lanes.
 *
 * A thread takes one place along the output's contiguous axes and several along an axis of the
 * other factor, in registers, so that what it reads of its own factor serves them all. */
#include "rules/priv.h"

enum { LANE_GROUP = 64, MOST_ROWS = 8 };

typedef struct lane_tile {
    weft_rule *r;
    int ncol, nrow; /* data axes of the factor that has the innermost axis; of the other */
    const int *col, *row;
    int rows_on; /* the data axis of which a thread takes several */
    int64_t rows;
} lane_tile;

static bool
choose_sides(lane_tile *t, const weft_product *p, int last)
{
    for (int i = 0; i < p->na; i++)
        if (p->only_a[i] == last) {
            *t = (lane_tile){ t->r, p->na, p->nb, p->only_a, p->only_b, 0, 1 };
            return true;
        }
    for (int i = 0; i < p->nb; i++)
        if (p->only_b[i] == last) {
            *t = (lane_tile){ t->r, p->nb, p->na, p->only_b, p->only_a, 0, 1 };
            return true;
        }
    return false;
}

/* The most rows that overhang little. */
static int64_t
rows_of(int64_t extent)
{
    int64_t best = 1;
    double least = 0;
    for (int64_t n = 1; n <= MOST_ROWS; n++) {
        double whole = (double)(extent < 0 ? 64 : extent),
               tiles = (double)(extent < 0 ? weft_ceildiv(64, n) : weft_ceildiv(extent, n));
        double cost = tiles * (double)(n + 1) / whole * (extent < 0 || extent % n ? 1.1 : 1);
        if (n == 1 || cost < least) {
            best = n;
            least = cost;
        }
    }
    return best;
}

static void
choose_rows(lane_tile *t, const weft_te_op *op)
{
    int64_t most = 0;
    for (int i = 0; i < t->nrow; i++) {
        int64_t n = weft_rule_extent(op->axis[t->row[i]]), weight = n < 0 ? 64 : n;
        if (weight > most) {
            most = weight;
            t->rows_on = t->row[i];
            t->rows = rows_of(n);
        }
    }
}

static bool
is_column(const lane_tile *t, int d)
{
    for (int i = 0; i < t->ncol; i++)
        if (t->col[i] == d)
            return true;
    return false;
}

/* Blocks of rows and of places, threads over places, rows inside; the thread loop. */
static weft_axis *
schedule_out(const lane_tile *t, weft_tensor *out)
{
    weft_te *te = t->r->te;
    weft_arena *a = &t->r->scratch;
    WEFT_VEC(weft_axis *) block = { 0 }, column = { 0 }, all = { 0 };
    weft_axis *rows = NULL, *places, *thread;
    for (int d = 0; d < out->op->naxis; d++) {
        weft_axis *axis = out->op->axis[d];
        if (d == t->rows_on && t->rows > 1 &&
            weft_split(te, out, axis, weft_rule_num(t->r, t->rows), &axis, &rows))
            return NULL;
        if (is_column(t, d))
            *WEFT_PUSH(a, &column) = axis;
        else
            *WEFT_PUSH(a, &block) = axis;
    }
    for (int i = 0; i < block.n; i++)
        *WEFT_PUSH(a, &all) = block.at[i];
    for (int i = 0; i < column.n; i++)
        *WEFT_PUSH(a, &all) = column.at[i];
    if (rows)
        *WEFT_PUSH(a, &all) = rows;
    if (weft_reorder(te, out, all.n, all.at))
        return NULL;
    weft_axis *outer = weft_rule_fuse(t->r, out, block.n, block.at),
              *place = weft_rule_fuse(t->r, out, column.n, column.at);
    int64_t n = place ? weft_rule_extent(place) : 0,
            threads = weft_least(LANE_GROUP, t->r->target->max_threads);
    while (threads > 1 && n >= 0 && n <= threads / 2)
        threads /= 2;
    if (!place || weft_split(te, out, place, weft_rule_num(t->r, threads), &places, &thread) ||
        (outer && weft_fuse(te, out, outer, places, &places)))
        return NULL;
    weft_rule_bind_grid(t->r, out, places);
    (void)weft_bind_axis(te, out, thread, "thread.x");
    if (rows)
        (void)weft_unroll(te, out, rows);
    return thread;
}

static void
schedule_sum(const lane_tile *t, weft_tensor *sum, weft_tensor *out, weft_axis *at)
{
    weft_te *te = t->r->te;
    weft_axis **order = WEFT_NEW_ARRAY(&t->r->scratch, sum->op->nreduce + 1, weft_axis *), *rows,
              *outer;
    if (weft_compute_at(te, sum, out, at) || weft_set_scope(te, sum, "local") || t->rows == 1 ||
        weft_split(te, sum, sum->op->axis[t->rows_on], weft_rule_num(t->r, t->rows), &outer, &rows))
        return;
    for (int i = 0; i < sum->op->nreduce; i++)
        order[i] = sum->op->reduce[i];
    order[sum->op->nreduce] = rows;
    if (!weft_reorder(te, sum, sum->op->nreduce + 1, order))
        (void)weft_unroll(te, sum, rows);
}

bool
weft_rule_lane_tile(weft_rule *r, weft_stage *reduce, weft_stage *out)
{
    weft_product p;
    lane_tile t = { .r = r };
    weft_tensor *sum = reduce->op->out[0], *result = out->op->out[0];
    if (!weft_rule_product(r, reduce, &p) || !choose_sides(&t, &p, reduce->op->naxis - 1))
        return false;
    choose_rows(&t, reduce->op);
    weft_str_addf(weft_rule_note(r, "contraction"), "a thread a column, %d rows of %s in registers",
                  (int)t.rows, reduce->op->axis[t.rows_on]->var->name);
    if (reduce == out)
        sum = weft_cache_write(r->te, result, "local");
    weft_axis *at = sum ? schedule_out(&t, result) : NULL;
    if (at)
        schedule_sum(&t, sum, result, at);
    return true;
}
