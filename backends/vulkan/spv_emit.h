/* backends/vulkan/spv_emit.h: what the files that print a kernel as SPIR-V share. */
#ifndef WEFT_SPV_EMIT_H
#define WEFT_SPV_EMIT_H

#include "backends/backend.h"
#include "backends/layout.h"
#include "backends/vulkan/spv_builder.h"

/* State of one print.  Descriptor set 0, binding i: parameter i.  Push constants: the scalars in
 * order, each aligned to its size.  Specialisation constants 0, 1, 2: the block, where it is not
 * constant. */
typedef struct spv_emit {
    spv_builder b;
    const weft_kernel *kernel;
    const weft_target *target;
    weft_numerics numerics;
    weft_diag *diag;
    weft_status status; /* the first failure */
    weft_arena arena;
    spv_id *var, *buf;     /* by id: a variable's value, a buffer's pointer */
    const uint8_t *layout; /* weft_vector_layout */
    spv_id *memo;          /* by expression id: values of pure expressions that dominate here */
    uint32_t nmemo;
    WEFT_VEC(uint32_t) memoised; /* in order, to be undone */
    spv_id label;                /* of the block being written */
} spv_emit;

/* Records that the kernel is not legal for the target. */
void spv_fail(spv_emit *, const char *what, const char *detail);

/* ---- spv_types.c ----------------------------------------------------------------------------- */
spv_id spv_type(spv_emit *, weft_type);
spv_id spv_pointer(spv_emit *, const char *storage, spv_id to, const char *to_name);
/* Says that values of the type are computed with, not only moved between memory and wider types. */
void spv_computes(spv_emit *, weft_dtype);
/* Once everything is emitted: the widths of floats that there are, added up. */
int spv_float_widths(const spv_emit *);
/* Once everything is emitted. */
void spv_settle_caps(spv_emit *);
spv_id spv_int(spv_emit *, weft_dtype, int64_t);
spv_id spv_uint(spv_emit *, int64_t);
spv_id spv_float(spv_emit *, weft_dtype, double);
/* The constant of a type with the constant `one`, or a number, in every lane. */
spv_id spv_splat(spv_emit *, weft_type, spv_id one);
spv_id spv_number(spv_emit *, weft_type, int v);
static inline weft_type
spv_lanes(weft_dtype t, int lanes)
{
    return (weft_type){ (uint8_t)t, (uint8_t)lanes };
}

/* ---- spv_memory.c ---------------------------------------------------------------------------- */
void spv_declare_param(spv_emit *, int i);
void spv_declare_array(spv_emit *, const weft_buf *);
void spv_declare_scalars(spv_emit *); /* and loads them */
spv_id spv_load(spv_emit *, const weft_expr *load);
/* Whether a vector load is made of scalar ones; then a conversion of it is made with them. */
bool spv_loads_by_lane(const spv_emit *, const weft_expr *);
spv_id spv_load_cast(spv_emit *, weft_type to, const weft_expr *load);
void spv_store(spv_emit *, const weft_buf *, const weft_expr *index, const weft_expr *value);
void spv_atomic(spv_emit *, const weft_stmt *);
/* A pointer to an element of a buffer that is declared by its elements. */
spv_id spv_place(spv_emit *, const weft_buf *, const weft_expr *index);
/* What an access says of the threads that share the memory: "", or " NonPrivatePointer", which the
 * Vulkan memory model asks for. */
const char *spv_access(const spv_emit *, const weft_buf *);

/* ---- spv_matrix.c ---------------------------------------------------------------------------- */
/* What a kernel with matrices asks for as a whole: before anything is emitted. */
void spv_find_matrices(spv_emit *);
spv_id spv_matrix_type(spv_emit *, weft_fragment);
void spv_declare_fragments(spv_emit *, const weft_buf *);
void spv_matrix(spv_emit *, const weft_stmt *);

/* ---- spv_expr.c ------------------------------------------------------------------------------ */
spv_id spv_expr(spv_emit *, const weft_expr *);
/* Lane i of a vector expression's value. */
spv_id spv_lane(spv_emit *, const weft_expr *, int lane);
/* Values memoised since `mark` (an earlier memoised.n) no longer dominate. */
void spv_forget(spv_emit *, int mark);
/* Begins a block. */
void spv_block(spv_emit *, spv_id label);

/* ---- spv_convert.c --------------------------------------------------------------------------- */
spv_id spv_cast(spv_emit *, weft_type to, weft_type from, spv_id value);
spv_id spv_bitcast(spv_emit *, weft_type to, weft_type from, spv_id value);

/* ---- spv_call.c ------------------------------------------------------------------------------ */
spv_id spv_call(spv_emit *, const weft_expr *);
/* MIN and MAX of integers. */
spv_id spv_extremum(spv_emit *, const weft_expr *);
void spv_call_caps(const weft_target *, weft_caps *);

#endif
