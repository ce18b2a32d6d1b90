/* tests/schedules: random te programs under random legal schedules.
 *
 * A pair is a program and a schedule, both as te text, made from a seed.  Programs have up to five
 * stages and at most 10,000 iterations, over whole numbers that every order of a reduction adds up
 * to the same bits.  Schedules are made of primitives that doc/IR.md, section 7, calls legal:
 * moves.c has a row for each primitive, legal.c one for each rule on a schedule as a whole.  Some pairs are
 * made as a whole: tiles.c and widths.c.
 */
#ifndef TESTS_SCHEDULES_H
#define TESTS_SCHEDULES_H

#include "runtime/device.h"
#include "te/te.h"

/* ---- random numbers (program.c) -------------------------------------------------------------- */

typedef struct rng {
    uint64_t s;
} rng;
uint64_t draw(rng *);
/* 0 .. n-1. */
int pick(rng *, int n);
/* One time in n. */
bool once_in(rng *, int n);

/* ---- pairs ----------------------------------------------------------------------------------- */

enum { MAX_MOVES = 12 };

typedef struct pair {
    uint64_t seed;
    char *program; /* "te p(...) {...}\n" */
    weft_str line; /* the schedule, a primitive a line */
    int nvalue;    /* how many values of the symbol n are tried: 1 where there is none */
    int64_t value[2];
    int nmove, move[2 * MAX_MOVES]; /* rows of moves.c that were applied, in order */
    const char *target;             /* whose matrix unit it is for; NULL: for any target */
    int widths;                     /* kernels that check_pair found with widths over each other */
    char *refusal;                  /* what a legal move was refused with; NULL: none was */
} pair;

/* The pair of a seed; free it. */
pair make_pair(uint64_t seed);
void free_pair(pair *);
/* The program under the schedule; NULL after an error. */
weft_te *read_pair(const pair *, weft_diag *);

/* A program as text (malloc'ed); the greatest value that n may have, or 0 where there is no n. */
char *random_program(rng *, int64_t *n);

/* ---- schedules (moves.c, legal.c) ------------------------------------------------------------ */

/* What a schedule has to keep within, whatever the target: the least that a profile allows. */
enum { MOST_THREADS = 64, MOST_SHARED = 16384, MOST_COPIES = 64 };

/* The primitives, by row of the table. */
extern const int move_count;
const char *move_name(int);
/* Draws up to MAX_MOVES primitives. */
void random_schedule(rng *, pair *);

/* A product for a matrix unit, with its schedule (tiles.c). */
void make_tiles(rng *, pair *);

/* A chain of stages of many widths that lie over each other in shared memory (widths.c). */
void make_widths(rng *, pair *);

/* The rule that the schedule breaks, as a sentence; NULL: it is legal.  *complete is false where
 * only stages that are yet to be given a place stand in the way. */
const char *broken_rule(weft_te *, bool *complete);

/* ---- runs (run.c) ---------------------------------------------------------------------------- */

/* What is wrong with a pair, as a malloc'ed sentence; NULL: nothing.  The values are those of the
 * program without a schedule at the level loops, at flat, and after all passes for a target of each
 * class, in several orders of the threads. */
char *check_pair(pair *);

/* Memory of a program's tensors. */
typedef struct tensors {
    int n;
    weft_dtype *dtype;
    int64_t *count;
    void **data;
} tensors;
/* input: filled with what inputs hold, else with what no result is. */
tensors make_tensors(weft_tensor *const *, int n, int64_t value, bool input);
void free_tensors(tensors *);
/* Elements of a buffer when n has that value; what is negative counts as none. */
int64_t count_elements(const weft_buf *, int64_t value);
int64_t eval_size(const weft_expr *, int64_t value);
/* Whether the outputs are the same values; *bad is the first that is not. */
bool same_tensors(const tensors *, const tensors *, int *bad, int64_t *element);
/* The outputs of the pair's program without a schedule; false after an error. */
bool reference_outputs(const pair *, int64_t value, tensors *, weft_diag *);

/* ---- devices (device.c) ---------------------------------------------------------------------- */

/* Runs pairs on a device, lowered for the target, their kernels loaded together; prints those that
 * fail and counts them. */
int run_on_device(weft_device *, const weft_target *, int n, const pair *);

#endif
