/* te/rules/lane_cpu.c: products on CPUs that map invocations to SIMD lanes.
 *
 * A thread takes a few neighbours along the output's innermost axis and several along an axis of
 * the other factor, in registers, so that what it reads of either factor serves all of the
 * other. */
#include "rules/priv.h"

enum { LANE_GROUP = 64, MOST_ROWS = 8, MOST_COLUMNS = 7, MOST_RESULTS = 28 };

typedef struct lane_tile {
    weft_rule *r;
    int ncol, nrow; /* data axes of the factor that has the innermost axis; of the other */
    const int *col, *row;
    int rows_on;           /* the data axis of the other factor of which a thread takes several */
    int64_t rows, columns; /* columns: of the innermost axis */
} lane_tile;

static bool
choose_sides(lane_tile *t, const weft_product *p, int last)
{
    for (int i = 0; i < p->na; i++)
        if (p->only_a[i] == last) {
            *t = (lane_tile){ t->r, p->na, p->nb, p->only_a, p->only_b, 0, 1, 1 };
            return true;
        }
    for (int i = 0; i < p->nb; i++)
        if (p->only_b[i] == last) {
            *t = (lane_tile){ t->r, p->nb, p->na, p->only_b, p->only_a, 0, 1, 1 };
            return true;
        }
    return false;
}

/* Tiles of n along an extent, those that overhang weighing more. */
static double
tiles(int64_t extent, int64_t n)
{
    int64_t whole = extent < 0 ? 64 : extent;
    return (double)weft_ceildiv(whole, n) * (n > 1 && (extent < 0 || extent % n) ? 1.15 : 1);
}

/* Loads and multiply-adds of all tiles are least. */
static void
choose_tile(lane_tile *t, int64_t rows, int64_t columns)
{
    double least = 0;
    for (int64_t r = 1; r <= MOST_ROWS; r++)
        for (int64_t c = 1; c <= (columns < 0 ? 1 : MOST_COLUMNS) && r * c <= MOST_RESULTS; c++) {
            double cost =
                tiles(rows, r) * tiles(columns, c) * ((double)(r + c) + 0.25 * (double)(r * c));
            if (least > 0 && cost >= least)
                continue;
            t->rows = r;
            t->columns = c;
            least = cost;
        }
}

static void
choose_rows(lane_tile *t, const weft_te_op *op)
{
    int64_t most = 0, extent = 1;
    for (int i = 0; i < t->nrow; i++) {
        int64_t n = weft_rule_extent(op->axis[t->row[i]]), weight = n < 0 ? 64 : n;
        if (weight > most) {
            most = weight;
            extent = n;
            t->rows_on = t->row[i];
        }
    }
    choose_tile(t, extent, weft_rule_extent(op->axis[op->naxis - 1]));
}

static bool
is_column(const lane_tile *t, int d)
{
    for (int i = 0; i < t->ncol; i++)
        if (t->col[i] == d)
            return true;
    return false;
}

/* Blocks of rows and of places, threads over places, rows and columns inside; the thread loop. */
static weft_axis *
schedule_out(const lane_tile *t, weft_tensor *out)
{
    weft_te *te = t->r->te;
    weft_arena *a = &t->r->scratch;
    WEFT_VEC(weft_axis *) block = { 0 }, column = { 0 }, all = { 0 };
    weft_axis *rows = NULL, *columns = NULL, *places, *thread;
    for (int d = 0; d < out->op->naxis; d++) {
        weft_axis *axis = out->op->axis[d];
        if (d == t->rows_on && t->rows > 1 &&
            weft_split(te, out, axis, weft_rule_num(t->r, t->rows), &axis, &rows))
            return NULL;
        if (d == out->op->naxis - 1 && t->columns > 1 &&
            weft_split(te, out, axis, weft_rule_num(t->r, t->columns), &axis, &columns))
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
    if (columns)
        *WEFT_PUSH(a, &all) = columns;
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
    if (columns)
        (void)weft_unroll(te, out, columns);
    return thread;
}

static void
schedule_sum(const lane_tile *t, weft_tensor *sum, weft_tensor *out, weft_axis *at)
{
    weft_te *te = t->r->te;
    const weft_te_op *op = sum->op;
    weft_axis **order = WEFT_NEW_ARRAY(&t->r->scratch, op->nreduce + 2, weft_axis *), *outer;
    int n = 0, first = op->nreduce;
    if (weft_compute_at(te, sum, out, at) || weft_set_scope(te, sum, "local"))
        return;
    for (int i = 0; i < op->nreduce; i++)
        order[n++] = op->reduce[i];
    if (t->rows > 1 && weft_split(te, sum, op->axis[t->rows_on], weft_rule_num(t->r, t->rows),
                                  &outer, &order[n++]))
        return;
    if (t->columns > 1 && weft_split(te, sum, op->axis[op->naxis - 1],
                                     weft_rule_num(t->r, t->columns), &outer, &order[n++]))
        return;
    if (n == first || weft_reorder(te, sum, n, order))
        return;
    for (int i = first; i < n; i++)
        (void)weft_unroll(te, sum, order[i]);
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
    weft_str_addf(weft_rule_note(r, "contraction"), "%d %s x %d %s a thread, in registers",
                  (int)t.rows, reduce->op->axis[t.rows_on]->var->name, (int)t.columns,
                  reduce->op->axis[reduce->op->naxis - 1]->var->name);
    if (reduce == out)
        sum = weft_cache_write(r->te, result, "local");
    weft_axis *at = sum ? schedule_out(&t, result) : NULL;
    if (at)
        schedule_sum(&t, sum, result, at);
    return true;
}
