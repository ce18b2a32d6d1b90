/* compiler/priv.h: what the files of compiler/ share. */
#ifndef WEFT_COMPILER_PRIV_H
#define WEFT_COMPILER_PRIV_H

#include "compiler/compiler.h"

/* ---- plan.c: a program being built ---------------------------------------------------------- */
typedef struct weft_draft {
    weft_program *p;
    weft_arena *arena; /* the module's */
    int cap;           /* tensors there is room for in p->tensor */
    int *first_kernel; /* unit -> its first kernel in the program */
} weft_draft;
/* The tensors behind a unit's inputs, outputs and workspace. */
typedef struct weft_draft_slots {
    const int *in, *out;
    int *work; /* made by weft_draft_steps */
} weft_draft_slots;
int weft_draft_tensor(weft_draft *, const char *name, weft_role, weft_dtype, int ndim,
                      const weft_expr *const *dim);
/* The tensor's memory lives at that step. */
void weft_draft_use(weft_draft *, int tensor, int step);
void weft_draft_kernels(weft_draft *, const weft_unit *, int nunit);
/* The launches of a unit, its workspace made. */
void weft_draft_steps(weft_draft *, const weft_unit *, int unit, weft_draft_slots *,
                      const char *layers);

/* ---- modules --------------------------------------------------------------------------------- */
weft_program *weft_module_program(weft_module *, const weft_compile_job *); /* the next one */
void weft_module_symbols(weft_module *, int n, const weft_var *const *symbol);
/* Adds the constants whose key is not there yet; their bytes are borrowed. */
void weft_module_blobs(weft_module *, weft_arena *scratch, int n, const weft_const *const *,
                       const char *const *key);
/* Content names of n constants, in parallel: key[i] in the arena. */
void weft_content_keys(weft_arena *, int threads, int n, const weft_const *const *,
                       const char **key);

#endif
