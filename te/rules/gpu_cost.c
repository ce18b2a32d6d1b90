/* te/rules/gpu_cost.c: how long a block tile is estimated to take.
 *
 * Instructions of a thread are counted, what waiting is not hidden, and how evenly blocks fill the
 * device: it orders tiles and ways, no more. */
#include "rules/gpu.h"

#include <math.h>

enum {
    OVERHEAD = 24,   /* registers for addresses and loops */
    FULL_CORE = 512, /* threads of a core that hide each other's waiting */
    MOST_APART = 2,  /* sums of a thread that count as threads, of which fewer are needed then */
    LANES = 64,      /* of a core, at a time */
    LATENCY = 500,   /* cycles of a load from global memory */
    AHEAD = 60,      /* of them that remain where the load is issued a chunk ahead */
    BARRIER = 40,    /* cycles until all threads of a block have met */
    FETCH = 4,       /* instructions of a fetch with its address, */
    ODD = 3,         /* of a dimension of the tile that is no power of two, which is divided by, */
    DIVISION = 5     /* and of each division in an index */
};

/* Of a value that a thread reads for each step, where those of the next steps lie side by side. */
static const double in_a_row = 0.4;

static double
blocks_of(const weft_block_tile *t)
{
    double n = 1;
    for (int d = 0; d < t->op->naxis; d++)
        n *= (double)weft_ceildiv(weft_tile_steps(weft_rule_extent(t->op->axis[d])),
                                  weft_tile_of(t, d));
    return n;
}

static bool
is_power(int64_t n)
{
    return (n & (n - 1)) == 0;
}

/* Of a fetch: digits of the steps are constants to a thread that has whole periods. */
static double
fetch_cost(const weft_block_tile *t, const weft_tile_factor *f)
{
    bool places = t->part && f == &t->factor[1];
    bool digits = f->own && f->vector == 1 && (!places || t->part % f->period != 0);
    double cost = FETCH + (digits ? DIVISION * f->divisions : 0);
    for (int d = 1; d < f->load->h.nargs && !places; d++)
        cost += is_power(weft_tile_span(t, f, d)) ? 0 : ODD;
    return cost;
}

/* Whether a row's values for the steps of a chunk are side by side, as vectors. */
static bool
reads_rows(const weft_block_tile *t)
{
    const weft_tile_factor *f = &t->factor[0];
    int last = f->load->h.nargs - 1;
    return f->lone[last] == t->op->naxis + t->main && t->chunk[t->main] % WEFT_TILE_VECTOR == 0 &&
           t->op->nreduce == 1;
}

typedef struct count { /* of a thread, for a chunk */
    double steps, products, reads, words, fetching; /* words that are fetched, by so many instructions */
} count;

static count
count_of(const weft_block_tile *t)
{
    double rows = (double)t->row.each, threads = (double)weft_tile_threads(t);
    double cols = (double)(t->col.groups * t->col.each * t->col2.each);
    count c = { .steps = 1, .products = rows * cols };
    c.reads =
        rows * (reads_rows(t) ? in_a_row : 1) + (t->lanes ? cols / WEFT_TILE_VECTOR * 1.5 : cols);
    for (int i = 0; i < t->op->nreduce; i++)
        c.steps *= (double)t->chunk[i];
    for (int k = 0; k < 2; k++) {
        const weft_tile_factor *f = &t->factor[k];
        double n = 1;
        for (int d = 0; d < f->load->h.nargs; d++)
            n *= (double)weft_tile_span(t, f, d);
        c.words += n / threads;
        c.fetching += n / threads / (double)weft_tile_lanes(t, f) * fetch_cost(t, f);
    }
    return c;
}

/* 32-bit registers of a thread, while a chunk waits to be stored. */
static double
registers_of(const weft_block_tile *t, const count *c)
{
    return c->products + c->reads + OVERHEAD + (t->stages > 1 ? c->words : 0);
}

static double
chunks_of(const weft_block_tile *t)
{
    double n = 1;
    for (int i = 0; i < t->op->nreduce; i++)
        n *= (double)weft_ceildiv(weft_tile_steps(weft_rule_extent(t->op->reduce[i])), t->chunk[i]);
    return n;
}

double
weft_block_time(const weft_target *target, const weft_block_work *w)
{
    double cores = target->cores > 0 ? target->cores : 8;
    double most = target->registers > 0 ? target->registers : 64;
    double rounds = ceil(w->blocks / cores);
    if (w->registers > (w->most_registers > 0 ? w->most_registers : 2 * most))
        return INFINITY;
    double room = floor(2 * FULL_CORE * most / (w->registers * w->threads));
    double beside = fmin(rounds, fmax(1, room));
    double wait = BARRIER + (w->ahead ? AHEAD : LATENCY) / beside;
    double idle =
        fmax(1, FULL_CORE / 2 / (beside * w->threads * fmin(MOST_APART, fmax(1, w->apart))));
    return rounds * w->chunks * (w->instructions * w->threads / LANES * idle + wait);
}

double
weft_tile_time(const weft_block_tile *t)
{
    count c = count_of(t);
    weft_block_work w = { .blocks = blocks_of(t), .chunks = chunks_of(t),
                          .threads = (double)weft_tile_threads(t), .registers = registers_of(t, &c),
                          .instructions = c.steps * (c.products + c.reads + 2) + c.fetching + 8,
                          .apart = c.products,
                          .ahead = t->stages > 1 };
    return weft_block_time(t->r->target, &w);
}
