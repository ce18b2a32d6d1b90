/* tests/fuzz/fuzz.h: the parts of the fuzzer: numbers, damage, the corpus, the calls.
 *
 * A case is a number.  With the seed of the run it decides everything: the file, what is done to
 * it, the command that reads it.  So any case can be repeated alone.
 */
#ifndef WEFT_FUZZ_H
#define WEFT_FUZZ_H

#include "base/base.h"

/* ---- numbers (damage.c) ---------------------------------------------------------------------- */
typedef struct fuzz_rng {
    uint64_t state;
} fuzz_rng;
uint64_t fuzz_next(fuzz_rng *);
size_t fuzz_below(fuzz_rng *, size_t n); /* 0 for n 0 */
/* Integers at which readers go wrong. */
int64_t fuzz_odd_number(fuzz_rng *);

/* ---- bytes and what can be done to them (damage.c, text.c, wire.c) --------------------------- */
typedef struct fuzz_bytes {
    uint8_t *at;
    size_t n;
} fuzz_bytes;

typedef enum fuzz_form { FUZZ_BINARY, FUZZ_TEXT, FUZZ_PROTOBUF } fuzz_form;

typedef struct fuzz_edit {
    fuzz_rng *rng;
    weft_arena *arena;
    weft_str *what; /* says what was done */
    bool cut;       /* it was a truncation alone */
} fuzz_edit;

/* One to four changes of `in`; `other` is another file of its kind to take pieces of. */
fuzz_bytes fuzz_damage(fuzz_edit *, fuzz_form, fuzz_bytes in, fuzz_bytes other);
/* A change by tokens, and one by fields of the protobuf encoding. */
fuzz_bytes fuzz_damage_text(fuzz_edit *, fuzz_bytes in, fuzz_bytes other);
fuzz_bytes fuzz_damage_wire(fuzz_edit *, fuzz_bytes in);
/* in with [from, to) replaced by n bytes. */
fuzz_bytes fuzz_splice(fuzz_edit *, fuzz_bytes in, size_t from, size_t to, const void *, size_t n);

/* ---- the corpus (corpus.c) ------------------------------------------------------------------- */
typedef enum fuzz_kind {
    FUZZ_ONNX,
    FUZZ_MODULE,    /* a .weft in one file */
    FUZZ_DIRECTORY, /* a file of a .weft directory */
    FUZZ_NPY,
    FUZZ_TENSOR, /* a .pb */
    FUZZ_TE,
    FUZZ_WIR,   /* kernels */
    FUZZ_GRAPH, /* a .wir that holds a graph */
    FUZZ_KINDS
} fuzz_kind;
extern const char *const fuzz_kind_name[FUZZ_KINDS];

typedef struct fuzz_seed {
    fuzz_kind kind;
    fuzz_form form;
    const char *path; /* of a file of a directory: relative to it */
    fuzz_bytes bytes;
} fuzz_seed;

typedef struct fuzz_corpus {
    weft_arena arena;
    WEFT_VEC(fuzz_seed) kind[FUZZ_KINDS];
    const char *module, *directory; /* the demo's model, compiled */
} fuzz_corpus;

/* Makes the files that are made in `work` and reads the tree's; `more`: a directory of further
 * files, or NULL.  False when the demo's model cannot be compiled. */
bool fuzz_corpus_make(fuzz_corpus *, const char *work, const char *more);

/* ---- what reads them ------------------------------------------------------------------------- */
/* Checks of readers without a command; they abort on what must not be. */
void fuzz_ir(const uint8_t *, size_t);      /* fuzz_ir.c */
void fuzz_kernels(const uint8_t *, size_t); /* fuzz_text.c: also lowered and printed */
void fuzz_te(const uint8_t *, size_t);
void fuzz_manifest(const uint8_t *, size_t); /* fuzz_module.c */
void fuzz_weights(const uint8_t *, size_t);
void fuzz_zip(const uint8_t *, size_t);
void fuzz_onnx(const uint8_t *, size_t); /* fuzz_graph.c */
void fuzz_graph(const uint8_t *, size_t);
void fuzz_pb(const uint8_t *, size_t); /* fuzz_tensor.c */
void fuzz_npy(const uint8_t *, size_t);

/* Calls `read` with the path of a file that holds the bytes. */
void fuzz_with_file(const uint8_t *, size_t, void (*read)(const char *path, weft_diag *));

typedef struct fuzz_reader {
    const char *name;
    void (*check)(const uint8_t *, size_t);
    fuzz_kind kind;
    const char *mark;
    size_t most;
    fuzz_form form;
} fuzz_reader;
extern const fuzz_reader fuzz_readers[]; /* readers.def; behind the last one a NULL name */
/* The reader of that name, or NULL. */
const fuzz_reader *fuzz_reader_named(const char *);

/* ---- words for libFuzzer's dictionaries (words.c) -------------------------------------------- */
typedef struct fuzz_words {
    weft_arena arena;
    weft_map *known;
    WEFT_VEC(const char *) at;
} fuzz_words;
/* Begins with the words of the tables that the reader's files are spelled by. */
void fuzz_words_begin(fuzz_words *, const fuzz_reader *);
/* Adds the words of a text. */
void fuzz_words_of(fuzz_words *, fuzz_bytes);
/* Writes them, if there are any, and frees them. */
void fuzz_words_write(fuzz_words *, const char *path);

/* ---- calls of the command (calls.c) ---------------------------------------------------------- */
/* A command line with its places filled in, or a check. */
typedef struct fuzz_call {
    int argc;
    char *argv[24];
    void (*check)(const uint8_t *, size_t);
    char *line; /* as one would type it */
} fuzz_call;
/* The call that the rng chooses for the kind (calls.c). */
fuzz_call fuzz_choose_call(fuzz_rng *, weft_arena *, fuzz_kind, const fuzz_corpus *,
                           const char *path, const char *work);

#endif
