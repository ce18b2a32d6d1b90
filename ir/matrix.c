/* The table of matrix intrinsics, and the names that go with matrix statements. */
#include "ir/priv.h"

#include <string.h>

/* What the languages say of addresses and strides. */
#define CUDA_ALIGN   32, 16
#define METAL_ALIGN  1, 1
#define VULKAN_ALIGN 16, 16

static const weft_matrix table[] = {
#define MATRIX(api, name, m, n, k, factor, sum, least, round10)                                    \
    { WEFT_API_##api, name, m, n, k, WEFT_##factor, WEFT_##sum, least, round10, api##_ALIGN },
#include "ir/matrix.def"
#undef MATRIX
};

int
weft_matrix_count(void)
{
    return sizeof table / sizeof *table;
}

const weft_matrix *
weft_matrix_at(int i)
{
    return &table[i];
}

const weft_matrix *
weft_matrix_named(const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strlen(table[i].name) == n && memcmp(table[i].name, name, n) == 0)
            return &table[i];
    return NULL;
}

bool
weft_target_multiplies(const weft_target *t, const weft_matrix *m)
{
    if (t->api == WEFT_API_INTERP)
        return true;
    if (!t->matrix || t->api != m->api)
        return false;
    if (t->api == WEFT_API_VULKAN) /* fragments are of subgroups of 32, and a kernel has one size */
        return t->subgroup == WEFT_MATRIX_LANES && (t->matrix_shapes & m->least);
    int have = t->api == WEFT_API_METAL ? t->metal_version : t->cuda_arch;
    return m->least == 0 || have >= m->least;
}

static bool
multiply_alike(const weft_matrix *a, const weft_matrix *b)
{
    return a->m == b->m && a->n == b->n && a->k == b->k && a->factor == b->factor &&
           a->sum == b->sum && a->round10 == b->round10;
}

const weft_matrix *
weft_matrix_on(const weft_target *t, const weft_matrix *m)
{
    for (size_t i = 0; i < sizeof table / sizeof *table && !weft_target_multiplies(t, m); i++)
        if (multiply_alike(&table[i], m) && weft_target_multiplies(t, &table[i]))
            return &table[i];
    return m;
}

const char *
weft_matrix_role_name(weft_matrix_role r)
{
    static const char *const name[WEFT_MATRIX_ROLES] = { "a", "b",
                                                         "sum" }; /* ORDER: weft_matrix_role */
    return (unsigned)r < WEFT_MATRIX_ROLES ? name[r] : "?";
}

int
weft_fragment_rows(weft_fragment f)
{
    return f.role == WEFT_MATRIX_B ? f.matrix->k : f.matrix->m;
}

int
weft_fragment_cols(weft_fragment f)
{
    return f.role == WEFT_MATRIX_A ? f.matrix->k : f.matrix->n;
}

weft_dtype
weft_fragment_dtype(weft_fragment f)
{
    return f.role == WEFT_MATRIX_SUM ? f.matrix->sum : f.matrix->factor;
}

/* ---- statements ------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    int places;
} ops[WEFT_MATRIX_OPS] = { { "fill", 1 }, { "load", 2 }, { "store", 2 }, { "mma", 4 } };

const char *
weft_matrix_op_name(weft_matrix_op op)
{
    return (unsigned)op < WEFT_MATRIX_OPS ? ops[op].name : "?";
}

int
weft_matrix_op_places(weft_matrix_op op)
{
    return ops[op].places;
}

const weft_stmt *
weft_matrix_stmt(weft_ir *ir, weft_matrix_op op, const weft_spot *place, const weft_expr *value,
                 const weft_expr *stride)
{
    weft_stmt s = { WEFT_SK_MATRIX, .u.matrix = { op, .value = value, .stride = stride } };
    if ((op == WEFT_MATRIX_FILL && !value) ||
        ((op == WEFT_MATRIX_LOAD || op == WEFT_MATRIX_STORE) && !stride))
        return NULL;
    memcpy(s.u.matrix.place, place, (size_t)ops[op].places * sizeof *place);
    return weft_stmt_make(ir, s);
}

const weft_stmt *
weft_matrix_with(weft_ir *ir, const weft_stmt *s, const weft_spot *place)
{
    return weft_matrix_stmt(ir, s->u.matrix.op, place, s->u.matrix.value, s->u.matrix.stride);
}
