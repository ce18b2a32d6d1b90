/* tests/ops/ops.h: the operators of the graph tried one by one on every device.
 *
 * cases.def -> cases (cases.c) -> graph text of a batch of them (emit.c) -> run on a device and, in
 * double, by the interpreter (run.c) -> measured (check/metrics.c).  ops_matrix.c drives it;
 * ops_support.c writes doc/SUPPORT.md from the same cases.
 */
#ifndef WEFT_TEST_OPS_H
#define WEFT_TEST_OPS_H

#include "check/check.h"

enum { OPS_INPUTS = 5, OPS_RANK = 8, OPS_LABEL = 96 };

/* ---- cases (cases.c) ------------------------------------------------------------------------- */

/* A row of cases.def. */
typedef struct ops_row {
    weft_op op;
    uint32_t dtypes; /* a bit a dtype */
    const char *inputs, *attrs, *ranges;
} ops_row;
extern const ops_row ops_rows[];
extern const int ops_nrow;

typedef struct ops_range {
    double lo, hi;
    bool whole, nonzero, distinct, special;
} ops_range;

typedef struct ops_input {
    bool absent;
    weft_dtype dtype;
    int ndim;
    int64_t dim[OPS_RANK];
    ops_range range;
} ops_input;

typedef struct ops_case {
    int id; /* its place in the list of all */
    const ops_row *row;
    weft_dtype dtype; /* what t stands for */
    int shape;        /* which of the row's shape lists */
    int nin;
    ops_input in[OPS_INPUTS];
} ops_case;

/* Every case of the table, in its order. */
int ops_list_cases(weft_arena *, ops_case **);
/* The first case of an operator with t standing for any dtype at all, its ranges narrowed to it;
 * false where the table has no row. */
bool ops_first_case(weft_op, weft_dtype, ops_case *);
/* A case of the row in any dtype. */
bool ops_case_of(const ops_row *, weft_dtype, ops_case *);
/* "conv f32 [2,3,7,5 | 4,3,3,3] {groups=1, ...}" */
void ops_describe(weft_str *, const ops_case *);
/* The row's attributes with %t replaced. */
void ops_attributes(weft_str *, const ops_case *);

/* ---- graph text (emit.c) --------------------------------------------------------------------- */

/* How a case stands in a graph. */
typedef enum ops_form {
    OPS_ALONE,    /* the operator on inputs of the graph */
    OPS_FUSED,    /* its inputs made by slices, transposes and negations; a negation behind it */
    OPS_CONSTANT, /* inputs but the first are constants, which passes fold, scale and re-lay */
    OPS_FORMS
} ops_form;
extern const char *const ops_form_name[OPS_FORMS];

typedef struct ops_tensor { /* an input of a batch's graph */
    const char *name;
    weft_dtype dtype;
    int ndim;
    int64_t dim[OPS_RANK];
    ops_range range;
} ops_tensor;

/* A graph's text with what its inputs are filled with; output i belongs to case i. */
typedef struct ops_batch {
    weft_arena arena;
    const char *text;
    int ncase;
    WEFT_VEC(ops_tensor) input;
} ops_batch;
void ops_emit(ops_batch *, const ops_case *const *, int n, ops_form);
void ops_batch_free(ops_batch *);

/* ---- values (fill.c) ------------------------------------------------------------------------- */
/* The same numbers for the same name, dtype, shape and range on every machine.  Bytes in the arena.
 */
weft_const ops_fill(weft_arena *, const ops_tensor *);

/* ---- running (run.c) ------------------------------------------------------------------------- */

/* An open device and what to compile for. */
typedef struct ops_place {
    weft_device *device;
    weft_target target;
    char name[OPS_LABEL]; /* "opencl", "opencl as opencl:generic-gpu" */
} ops_place;
/* device "opencl", target NULL or "opencl:generic-gpu".  WEFT_NO_DEVICE where there is none. */
weft_status ops_open(const char *device, const char *target, weft_diag *, ops_place *);
void ops_close(ops_place *);

/* A graph's text compiled for the target; only its status and messages. */
weft_status ops_compile(const char *text, const weft_target *, int optimize, weft_diag *,
                        weft_module **);
/* Compiled, loaded and run once; out[noutput] in the arena, in the order of the graph. */
weft_status ops_run(const char *text, const ops_place *, int optimize, const weft_const *in,
                    int nin, weft_arena *, weft_const **out, int *nout, weft_diag *);

/* ---- refusals (refusals.c) ------------------------------------------------------------------- */

/* Why a target refuses what an operator takes: a row of refusals.def. */
typedef struct ops_refusal {
    const char *code, *part, *meaning;
    uint32_t usual; /* dtypes that it stands against */
} ops_refusal;
extern const ops_refusal ops_refusals[];
extern const int ops_nrefusal;
/* The row whose part is in the message, the first of its code; -1: nobody gave it a reason. */
int ops_reason(const char *message);

#endif
