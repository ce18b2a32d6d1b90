/* spv_matrix.c: matrices that a subgroup holds, by SPV_KHR_cooperative_matrix.
 *
 * Fragments are variables of the function; which invocation holds which element is the device's to
 * choose, so nothing but whole matrices is ever named. */
#include "backends/vulkan/spv_emit.h"

spv_id
spv_matrix_type(spv_emit *c, weft_fragment f)
{
    enum { SUBGROUP = 3 };
    weft_dtype t = weft_fragment_dtype(f);
    int rows = weft_fragment_rows(f), cols = weft_fragment_cols(f);
    spv_id of = spv_type(c, weft_scalar(t)), scope = spv_uint(c, SUBGROUP);
    spv_id m = spv_uint(c, rows), n = spv_uint(c, cols);
    spv_id use = spv_uint(c, f.role); /* ORDER: weft_matrix_role: MatrixA, MatrixB, Accumulator */
    spv_computes(c, t);
    const char *hint = weft_arena_printf(&c->arena, "%s_%dx%d_%s", of + 1, rows, cols,
                                         weft_matrix_role_name(f.role));
    return spv_declare(&c->b, hint, "OpTypeCooperativeMatrixKHR %s %s %s %s %s", of, scope, m, n,
                       use);
}

static bool
meet(void *user, const weft_stmt *s)
{
    bool *cap = user;
    if (s->kind == WEFT_SK_MATRIX)
        cap[SPV_CAP_COOPERATIVE_MATRIX] = cap[SPV_CAP_VULKAN_MEMORY] = true;
    return true;
}

void
spv_find_matrices(spv_emit *c)
{
    weft_walk_stmt(&(weft_walker){ NULL, meet, c->b.cap }, c->kernel->body);
}

void
spv_declare_fragments(spv_emit *c, const weft_buf *buf)
{
    const weft_matrix *m = buf->frag.matrix;
    if (!weft_target_multiplies(c->target, m))
        spv_fail(c, "the matrix intrinsic", m->name);
    else if (c->kernel->subgroup != WEFT_MATRIX_LANES)
        spv_fail(c, "without subgroups of 32 the matrix intrinsic", m->name);
    spv_declare_array(c, buf);
}

static spv_id
held(spv_emit *c, const weft_spot *at)
{
    spv_id type = spv_matrix_type(c, at->buf->frag);
    return spv_op(&c->b, "OpLoad %s %s", type, spv_place(c, at->buf, at->index[0]));
}

static void
hold(spv_emit *c, const weft_spot *at, spv_id value)
{
    spv_add(&c->b, SPV_CODE, "OpStore %s %s", spv_place(c, at->buf, at->index[0]), value);
}

/* "pointer layout stride access" of the statement's place in memory; a store's matrix stands
 * behind the pointer. */
static const char *
memory_of(spv_emit *c, const weft_stmt *s, spv_id matrix)
{
    const weft_spot *at = weft_matrix_memory(s);
    spv_id pointer = spv_place(c, at->buf, at->index[0]), stride = spv_expr(c, s->u.matrix.stride);
    spv_id layout = spv_uint(c, weft_matrix_held(s)->buf->frag.columns); /* RowMajor, ColumnMajor */
    return weft_arena_printf(&c->arena, "%s%s%s %s %s%s", pointer, matrix ? " " : "",
                             matrix ? matrix : "", layout, stride, spv_access(c, at->buf));
}

/* Whose components are signed: A, B, the sum that is added to and the result. */
static const char *
signs(const weft_matrix *m)
{
    if (weft_is_float(m->sum))
        return "";
    return weft_dtype_kind(m->factor) == WEFT_KIND_UINT
               ? " MatrixCSignedComponentsKHR|MatrixResultSignedComponentsKHR"
               : " MatrixASignedComponentsKHR|MatrixBSignedComponentsKHR|"
                 "MatrixCSignedComponentsKHR|MatrixResultSignedComponentsKHR";
}

void
spv_matrix(spv_emit *c, const weft_stmt *s)
{
    const weft_spot *place = s->u.matrix.place;
    weft_fragment f = weft_matrix_held(s)->buf->frag;
    spv_id type = spv_matrix_type(c, f), value;
    switch (s->u.matrix.op) {
    case WEFT_MATRIX_FILL:
        value = spv_expr(c, s->u.matrix.value);
        hold(c, &place[0], spv_op(&c->b, "OpCompositeConstruct %s %s", type, value));
        return;
    case WEFT_MATRIX_LOAD: {
        const char *from = memory_of(c, s, NULL);
        hold(c, &place[0], spv_op(&c->b, "OpCooperativeMatrixLoadKHR %s %s", type, from));
        return;
    }
    case WEFT_MATRIX_STORE:
        value = held(c, &place[1]);
        spv_add(&c->b, SPV_CODE, "OpCooperativeMatrixStoreKHR %s", memory_of(c, s, value));
        return;
    case WEFT_MATRIX_MMA:
    case WEFT_MATRIX_OPS: {
        spv_id a = held(c, &place[1]), b = held(c, &place[2]), sum = held(c, &place[3]);
        hold(c, &place[0],
             spv_op(&c->b, "OpCooperativeMatrixMulAddKHR %s %s %s %s%s", type, a, b, sum,
                    signs(f.matrix)));
        return;
    }
    }
}
