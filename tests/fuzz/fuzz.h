/* tests/fuzz: damaged files given to the commands that read them, in one process. */
#ifndef FUZZ_H
#define FUZZ_H

#include "tools/tools.h"

/* splitmix64: a case is made by the seed and its number alone. */
typedef struct rng {
    uint64_t state;
} rng;

static inline uint64_t
rng_next(rng *r)
{
    uint64_t z = r->state += 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return z ^ z >> 31;
}

/* 0 <= result < n; 0 for n == 0. */
static inline size_t
rng_below(rng *r, size_t n)
{
    return n ? (size_t)(rng_next(r) % n) : 0;
}

enum { FUZZ_MAX_ARGS = 10 };

/* A real file and the command that reads it. */
typedef struct fuzz_seed {
    const char *kind;  /* "onnx", "te", ... : what reports are made by */
    const char *label; /* where the bytes come from */
    const char *path;  /* where damaged bytes are written; a module's other files lie around it */
    const char *argv[FUZZ_MAX_ARGS]; /* the command, its options and operands; NULL ends it */
    void (*direct)(const uint8_t *, size_t); /* instead of a command */
    const uint8_t *bytes;
    size_t size;
    bool text;  /* numbers and lines are edited too */
    bool whole; /* a part of such a file is never a valid file */
    bool keep;  /* path belongs to a valid module: write the bytes back afterwards */
} fuzz_seed;

typedef WEFT_VEC(fuzz_seed) fuzz_seeds;

/* Makes every seed; files lie under `work`.  Dies with a message when a good file is refused. */
void fuzz_make_seeds(weft_arena *, const char *source, const char *work, fuzz_seeds *);

typedef enum fuzz_damage { FUZZ_TRUNCATED, FUZZ_FLIPPED, FUZZ_EDITED } fuzz_damage;
/* Damages one seed; `others` give material to splice in. */
fuzz_damage fuzz_mutate(rng *, const fuzz_seed *, const fuzz_seeds *others, weft_str *out);

/* As main.c runs a command; the message is appended to `said`. */
weft_status fuzz_run_command(const char *const *argv, weft_str *said);

/* The libFuzzer targets of fuzz_ir.c and fuzz_module.c. */
int fuzz_ir(const uint8_t *, size_t);
int fuzz_module(const uint8_t *, size_t);

#endif
