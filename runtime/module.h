/* runtime/module.h: the module as data: what the compiler writes, the file holds, a session runs.
 *
 * Sizes, grids, offsets and scalar arguments are integer expressions over the module's symbols
 * (base.h, iexpr), kept as text.  In a static model every one of them is a number.  A symbol is
 * bound by a dimension of an input, or while the plan runs: by a read-back or by a loop.
 * Everything is checked when it is read: names, indices, sizes, expressions.
 */
#ifndef WEFT_MODULE_H
#define WEFT_MODULE_H

#include "base/base.h"
#include "base/target.h"

#include <weft/weft.h>

typedef enum weft_role {
    WEFT_ROLE_INPUT,
    WEFT_ROLE_OUTPUT,
    WEFT_ROLE_CONSTANT,
    WEFT_ROLE_TEMP
} weft_role;

typedef struct weft_mod_symbol { /* a dimension that is bound when shapes are, or by a step */
    const char *name;
    const char *min, *max, *multiple; /* constraints as integers in text; NULL: none */
} weft_mod_symbol;

typedef struct weft_mod_tensor {
    const char *name; /* of the model; unique within a program */
    weft_role role;
    weft_dtype dtype;
    int ndim;
    const char *const *dim; /* iexpr */
    int alias;              /* tensor in whose memory it lies: a reshape, a part; -1: its own */
    int64_t at;             /* TEMP with an alias: the byte of that where it begins; else 0 */
    int in_place;           /* TEMP: tensor whose memory it may take when that dies; -1 */
    int first, last;        /* steps of its life, inclusive (TEMP); -1, -1: none */
    const char *blob;       /* CONSTANT: key in the weights file */
} weft_mod_tensor;

typedef struct weft_mod_kernel {
    const char *name; /* entry point; file kernels/<target>/<name>.<ext> */
    const char *text;
    size_t size;
    int nbuffer, nscalar;
    const uint8_t *scalar; /* weft_dtype of each scalar argument */
    int64_t block[3];      /* 0 where only the launch knows */
    int subgroup;
    int64_t shared_bytes; /* of shared arrays that the text declares, or, beyond the profile's own, of
                             the memory that its launch gives it (CUDA) */
    uint32_t needs;       /* mask over weft_need */
    const void *binary;   /* optional .spv of a .spvasm; NULL */
    size_t binary_size;
    const char *sha256; /* of the text when the module was written; NULL before */
} weft_mod_kernel;

/* Steps stand in one list; those that an if or a loop is over follow it. */
typedef enum weft_step_kind {
    WEFT_STEP_LAUNCH,
    WEFT_STEP_READ, /* symbol: the integer at buffer[0], from 0 to `bound` or the run fails */
    WEFT_STEP_COPY, /* the bytes of buffer[0]'s tensor to buffer[1] */
    WEFT_STEP_IF,   /* the next nbody steps where `bound` is not 0 */
    /* The next nbody steps for symbol = 0, 1, .. below `bound`, until `test` is 0 after them; then
     * `count`: how often they ran. */
    WEFT_STEP_LOOP
} weft_step_kind;

typedef struct weft_mod_arg { /* a buffer argument */
    int tensor;
    const char *offset; /* bytes, iexpr; NULL: 0 */
    bool written;
} weft_mod_arg;

typedef struct weft_mod_step {
    weft_step_kind kind;
    int kernel;                     /* LAUNCH; else -1 */
    const char *grid[3], *block[3]; /* iexpr; of a LAUNCH */
    int nbuffer, nscalar;
    const weft_mod_arg *buffer;
    const char *const *scalar; /* iexpr */
    int nreach;                /* of a LAUNCH: what the kernel counts to in i32 at most, which i32 has */
    const char *const *reach;  /* to hold: iexpr */
    const char *iterations;    /* iexpr: of a thread's loops at most; NULL: few, or nobody asks */
    const char *layers;        /* provenance, for messages and profiles */
    double flops, bytes;
    int symbol, count;        /* what READ and LOOP bind: indices of symbols; -1: none */
    const char *bound, *test; /* iexpr; test NULL: none */
    int nbody;
} weft_mod_step;

/* The model for one target. */
typedef struct weft_program {
    const char *target;  /* "opencl:generic-gpu": also the kernels' folder, ':' as '-' */
    weft_target profile; /* what it was compiled for */
    weft_numerics numerics;
    int ntensor, nkernel, nstep;
    weft_mod_tensor *tensor;
    weft_mod_kernel *kernel;
    weft_mod_step *step;
    int ninput, noutput; /* in the model's order */
    int *input, *output; /* tensor indices */
} weft_program;

/* Bytes of a constant, borrowed until the module is destroyed or written. */
typedef struct weft_blob {
    const char *key; /* content name: SHA-256 of dtype, shape and bytes */
    weft_dtype dtype;
    int ndim;
    const int64_t *dim;
    const void *data;
    size_t size;
} weft_blob;

struct weft_module {
    weft_arena arena;  /* owns everything but blob data */
    const char *model; /* file name of the model, without directories */
    const char *path;  /* where it was read from; NULL */
    int nsymbol, nprogram, nblob;
    weft_mod_symbol *symbol;
    weft_program *program;
    weft_blob *blob;
    void *owner; /* private: the mapping or zip the blobs live in */
    void (*release)(void *owner);
};

/* Reads a module directory or file.  Hostile data ends in WEFT_INVALID_INPUT. */
weft_status weft_module_read(const char *path, weft_diag *, weft_module **);
/* Writes a directory when the path ends with '/' or is one, else one zip.  Reproducible bytes. */
weft_status weft_module_write(const weft_module *, const char *path, weft_diag *);
void weft_module_destroy(weft_module *);
/* Checks every index, expression and name of a module; both read and the compiler call it. */
weft_status weft_module_check(const weft_module *, weft_diag *);
/* The error that dimension d of an input is of another size than its text makes it. */
weft_status weft_mod_wrong_size(const weft_mod_tensor *, int d, int64_t is, int64_t needed,
                                weft_diag *);

#endif
