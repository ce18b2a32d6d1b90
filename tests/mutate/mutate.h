/* tests/mutate/mutate.h: planting one fault in a printed kernel, and seeing who finds it.
 *
 *   programs/ --compile--> kernels' texts --sites_*.c--> mutants --worker.c--> caught, or not
 *
 * A mutant is known by language/program/kernel/kind/number, the number counting the places of that
 * kind in the kernel; it does not change with what is sampled.
 */
#ifndef WEFT_TEST_MUTATE_H
#define WEFT_TEST_MUTATE_H

#include "base/base.h"
#include "base/target.h"

typedef enum fault_kind { BARRIER, INDEX, TILES, GUARD, INITIAL, FAULTS } fault_kind;
extern const char *const fault_names[FAULTS];

typedef struct mutant {
    const char *id;
    fault_kind fault;
    const char *language, *program, *kernel;
    const char *text;                /* the whole kernel with the fault in it */
    const char *was, *is;            /* the line, without and with it */
    int program_index, kernel_index; /* into program_files; into its kernels */
    uint64_t rank;                   /* of its id, by the seed: the least are sampled */
} mutant;

typedef struct mutants {
    weft_arena arena;
    WEFT_VEC(mutant) all;
    uint64_t seed;
    /* where the next ones come from */
    const char *language, *program, *kernel;
    int program_index, kernel_index;
    int count[FAULTS];
} mutants;

typedef struct edit { /* bytes [from, to) of the text become `with` */
    size_t from, to;
    const char *with;
} edit;

/* Begins the mutants of a kernel. */
void mutants_begin(mutants *, const char *language, const char *program, const char *kernel);
/* One more, by edits that follow one another. */
void mutants_add(mutants *, fault_kind, const char *text, const edit *, int n);

/* Every place of a kernel in CUDA C, OpenCL C or Metal; in SPIR-V. */
void find_sites_clike(mutants *, const char *text, const char *kernel);
void find_sites_spirv(mutants *, const char *text);

/* ---- languages and stages (stages.c) ---- */
typedef struct look {
    const char *name, *device, *target;
    const char *env[4][2]; /* set before the device is opened */
    bool simulator;        /* OpenCL's: reports go to a log */
} look;
typedef struct tongue {
    const char *name;
    weft_api api;
    int nstage;
    look stage[4]; /* a mutant goes on until one catches it */
} tongue;
enum { LANGUAGES = 4 };
extern const tongue languages[LANGUAGES];
enum { PROGRAMS = 5 };
extern const char *const program_files[PROGRAMS];

/* A program for a target, as a module; NULL after an error. */
struct weft_module *compile_program(int program, const char *target, weft_diag *);
/* All mutants of a language, in the order of programs, kernels and places. */
void make_mutants(mutants *, const tongue *, uint64_t seed);
/* Runs the mutants whose ids stand in the file, one a line; writes a line for each to stdout. */
int run_worker(const tongue *, const look *, const char *ids, uint64_t seed);

#endif
