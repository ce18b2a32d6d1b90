/* spv_memory.c: buffers, arrays and push constants: their declarations, loads and stores. */
#include "backends/vulkan/spv_emit.h"

#include <string.h>

/* ---- declarations ---------------------------------------------------------------------------- */

/* The type of an element in memory: a bool in a storage buffer is a byte. */
static weft_type
element(const spv_emit *c, const weft_buf *buf)
{
    if (buf->dtype == WEFT_BOOL && buf->space == WEFT_GLOBAL)
        return weft_scalar(WEFT_U8);
    return spv_lanes(buf->dtype, c->layout[buf->id]);
}

static void
storage_caps(spv_emit *c, weft_type type)
{
    if (weft_dtype_bits((weft_dtype)type.dtype) == 8)
        c->b.cap[SPV_CAP_STORAGE8] = true;
    if (weft_dtype_bits((weft_dtype)type.dtype) == 16)
        c->b.cap[SPV_CAP_STORAGE16] = true;
}

/* "struct { float element[]; }", one a type of element. */
static spv_id
block_type(spv_emit *c, weft_type type)
{
    spv_id of = spv_type(c, type);
    const char *array_hint = weft_arena_printf(&c->arena, "array_%s", of + 1);
    const char *block_hint = weft_arena_printf(&c->arena, "block_%s", of + 1);
    bool fresh = spv_is_new(&c->b, weft_arena_printf(&c->arena, "OpTypeRuntimeArray %s", of));
    spv_id array = spv_declare(&c->b, array_hint, "OpTypeRuntimeArray %s", of);
    spv_id block = spv_declare(&c->b, block_hint, "OpTypeStruct %s", array);
    if (fresh) {
        int bytes = type.lanes * weft_dtype_bits((weft_dtype)type.dtype) / 8;
        spv_add(&c->b, SPV_DECORATION, "OpDecorate %s ArrayStride %d", array, bytes);
        spv_add(&c->b, SPV_DECORATION, "OpDecorate %s Block", block);
        spv_add(&c->b, SPV_DECORATION, "OpMemberDecorate %s 0 Offset 0", block);
    }
    return block;
}

void
spv_declare_param(spv_emit *c, int i)
{
    const weft_buf *buf = c->kernel->param[i];
    weft_type type = element(c, buf);
    spv_id block = block_type(c, type), pointer = spv_pointer(c, "StorageBuffer", block, block + 1);
    spv_id id = spv_new(&c->b, buf->name);
    storage_caps(c, type);
    spv_add(&c->b, SPV_DECORATION, "OpDecorate %s DescriptorSet 0", id);
    spv_add(&c->b, SPV_DECORATION, "OpDecorate %s Binding %d", id, i);
    spv_add(&c->b, SPV_DECORATION, "OpDecorate %s %s", id,
            c->kernel->no_alias ? "Restrict" : "Aliased");
    if (c->kernel->access[i] == WEFT_READ)
        spv_add(&c->b, SPV_DECORATION, "OpDecorate %s NonWritable", id);
    weft_str_addf(&c->b.section[SPV_TYPE], "%15s = OpVariable %s StorageBuffer\n", id, pointer);
    c->buf[buf->id] = id;
}

/* The type of an element of a declared array. */
static spv_id
element_type(spv_emit *c, const weft_buf *buf)
{
    return buf->space == WEFT_FRAGMENT ? spv_matrix_type(c, buf->frag)
                                       : spv_type(c, element(c, buf));
}

/* Workgroup arrays carry no layout: "Offset", "ArrayStride" belong to memory that others see. */
void
spv_declare_array(spv_emit *c, const weft_buf *buf)
{
    bool shared = buf->space == WEFT_SHARED;
    const char *storage = shared ? "Workgroup" : "Function";
    spv_section section = shared ? SPV_TYPE : SPV_VARIABLE;
    spv_id type = element_type(c, buf);
    int64_t n;
    if (c->buf[buf->id])
        return;
    if (!weft_buf_extent(buf, &n)) {
        spv_fail(c, "the extent of array", buf->name);
        return;
    }
    spv_computes(c, buf->dtype);
    if (shared && c->b.cap[SPV_CAP_COOPERATIVE_MATRIX]) /* the next one begins as matrices do */
        n = weft_round_up(n, 128 / weft_dtype_bits(buf->dtype));
    n /= c->layout[buf->id];
    if (shared || n > 1) {
        const char *hint = weft_arena_printf(&c->arena, "array_%s_%lld", type + 1, (long long)n);
        type = spv_declare(&c->b, hint, "OpTypeArray %s %s", type, spv_uint(c, n));
    }
    spv_id pointer = spv_pointer(c, storage, type, type + 1), id = spv_new(&c->b, buf->name);
    weft_str_addf(&c->b.section[section], "%15s = OpVariable %s %s\n", id, pointer, storage);
    c->buf[buf->id] = id;
}

void
spv_declare_scalars(spv_emit *c)
{
    const weft_kernel *k = c->kernel;
    weft_str members = { 0 };
    int64_t offset = 0;
    if (k->nscalar == 0)
        return;
    for (int i = 0; i < k->nscalar; i++)
        weft_str_addf(&members, " %s", spv_type(c, k->scalar[i]->type));
    spv_id block = spv_new(&c->b, "block_scalars");
    weft_str_addf(&c->b.section[SPV_TYPE], "%15s = OpTypeStruct%s\n", block,
                  weft_str_text(&members));
    weft_str_free(&members);
    spv_add(&c->b, SPV_DECORATION, "OpDecorate %s Block", block);
    spv_id pointer = spv_pointer(c, "PushConstant", block, block + 1),
           id = spv_new(&c->b, "scalars");
    weft_str_addf(&c->b.section[SPV_TYPE], "%15s = OpVariable %s PushConstant\n", id, pointer);
    for (int i = 0; i < k->nscalar; i++) {
        const weft_var *var = k->scalar[i];
        int64_t bytes = weft_dtype_bits((weft_dtype)var->type.dtype) / 8;
        offset = weft_round_up(offset, bytes);
        spv_add(&c->b, SPV_DECORATION, "OpMemberDecorate %s %d Offset %lld", block, i,
                (long long)offset);
        offset += bytes;
        spv_id type = spv_type(c, var->type), to = spv_pointer(c, "PushConstant", type, type + 1);
        spv_id at = spv_op(&c->b, "OpAccessChain %s %s %s", to, id, spv_int(c, WEFT_I32, i));
        c->var[var->id] = spv_new(&c->b, var->name);
        spv_op_as(&c->b, c->var[var->id], "OpLoad %s %s", type, at);
    }
}

/* ---- access ---------------------------------------------------------------------------------- */

static const char *
storage_of(const weft_buf *buf)
{
    return buf->space == WEFT_SHARED  ? "Workgroup"
           : buf->space == WEFT_GLOBAL || buf->space == WEFT_CONSTANT ? "StorageBuffer"
                                                                    : "Function";
}

const char *
spv_access(const spv_emit *c, const weft_buf *buf)
{
    bool shares = buf->space == WEFT_GLOBAL || buf->space == WEFT_SHARED;
    for (int i = 0; i < c->kernel->nparam && c->kernel->no_alias; i++)
        if (c->kernel->param[i] == buf && c->kernel->access[i] == WEFT_READ)
            shares = false;
    return shares && c->b.cap[SPV_CAP_VULKAN_MEMORY] ? " NonPrivatePointer" : "";
}

/* A pointer to element `index` of the declared array; `lane` >= 0: to a lane of it. */
static spv_id
pointer_to(spv_emit *c, const weft_buf *buf, spv_id index, int lane)
{
    int64_t n = 0;
    weft_type type = element(c, buf);
    if (!c->buf[buf->id]) {
        spv_fail(c, "an access before its alloc to", buf->name);
        return "%undefined";
    }
    if (lane >= 0)
        type.lanes = 1;
    weft_str chain = { 0 };
    if (buf->space == WEFT_GLOBAL)
        weft_str_addf(&chain, " %s", spv_int(c, WEFT_I32, 0));
    bool own = buf->space == WEFT_LOCAL || buf->space == WEFT_FRAGMENT;
    if (!own || !weft_buf_extent(buf, &n) || n > c->layout[buf->id])
        weft_str_addf(&chain, " %s", index);
    if (lane >= 0)
        weft_str_addf(&chain, " %s", spv_int(c, WEFT_I32, lane));
    spv_id of = buf->space == WEFT_FRAGMENT ? element_type(c, buf) : spv_type(c, type);
    spv_id pointer = spv_pointer(c, storage_of(buf), of, of + 1), at = c->buf[buf->id];
    if (chain.n)
        at = spv_op(&c->b, "OpAccessChain %s %s%s", pointer, at, weft_str_text(&chain));
    weft_str_free(&chain);
    return at;
}

/* A pointer for an access that is one in the declared layout: a scalar, or a whole vector. */
static spv_id
place(spv_emit *c, const weft_buf *buf, const weft_expr *index, int lanes)
{
    int n = c->layout[buf->id];
    int64_t at = 0;
    if (n == 1)
        return pointer_to(c, buf, spv_expr(c, index), -1);
    if (lanes > 1)
        return pointer_to(c, buf, spv_expr(c, weft_quotient(c->kernel->ir, index->arg[0], n)), -1);
    weft_as_int(index, &at);
    return pointer_to(c, buf, spv_int(c, (weft_dtype)index->h.type.dtype, at / n), (int)(at % n));
}

spv_id
spv_place(spv_emit *c, const weft_buf *buf, const weft_expr *index)
{
    return place(c, buf, index, 1);
}

static spv_id
load_at(spv_emit *c, const weft_buf *buf, spv_id pointer, int lanes)
{
    weft_type type = element(c, buf);
    type.lanes = (uint8_t)lanes;
    spv_id v = spv_op(&c->b, "OpLoad %s %s%s", spv_type(c, type), pointer,
                      spv_access(c, buf));
    if (buf->dtype == WEFT_BOOL && type.dtype == WEFT_U8)
        return spv_cast(c, weft_scalar(WEFT_BOOL), weft_scalar(WEFT_U8), v);
    return v;
}

/* Element number i of a vector of indices. */
static spv_id
index_lane(spv_emit *c, const weft_expr *index, int lane)
{
    if (!weft_is_dense(index))
        return spv_lane(c, index, lane);
    const weft_expr *base = index->arg[0];
    spv_id first = spv_expr(c, base);
    if (lane == 0)
        return first;
    spv_id step = spv_int(c, (weft_dtype)base->h.type.dtype, lane);
    return spv_op(&c->b, "OpIAdd %s %s %s", spv_type(c, base->h.type), first, step);
}

spv_id
spv_load(spv_emit *c, const weft_expr *e)
{
    const weft_buf *buf = e->h.u.buf;
    int lanes = e->h.type.lanes;
    if (lanes == 1 || c->layout[buf->id] == lanes)
        return load_at(c, buf, place(c, buf, e->arg[0], lanes), lanes);
    weft_str parts = { 0 };
    for (int i = 0; i < lanes; i++)
        weft_str_addf(&parts, " %s",
                      load_at(c, buf, pointer_to(c, buf, index_lane(c, e->arg[0], i), -1), 1));
    spv_id v =
        spv_op(&c->b, "OpCompositeConstruct %s%s", spv_type(c, e->h.type), weft_str_text(&parts));
    weft_str_free(&parts);
    return v;
}

static void
store_at(spv_emit *c, const weft_buf *buf, spv_id pointer, spv_id value)
{
    if (buf->dtype == WEFT_BOOL && buf->space == WEFT_GLOBAL)
        value = spv_cast(c, weft_scalar(WEFT_U8), weft_scalar(WEFT_BOOL), value);
    spv_add(&c->b, SPV_CODE, "OpStore %s %s%s", pointer, value, spv_access(c, buf));
}

/* Narrow elements are converted one by one: vectors of them are not made. */
spv_id
spv_load_cast(spv_emit *c, weft_type to, const weft_expr *load)
{
    const weft_buf *buf = load->h.u.buf;
    weft_type from = { load->h.type.dtype, 1 }, lane = { to.dtype, 1 };
    weft_str parts = { 0 };
    for (int i = 0; i < to.lanes; i++) {
        spv_id v = load_at(c, buf, pointer_to(c, buf, index_lane(c, load->arg[0], i), -1), 1);
        weft_str_addf(&parts, " %s", spv_cast(c, lane, from, v));
    }
    spv_id v = spv_op(&c->b, "OpCompositeConstruct %s%s", spv_type(c, to), weft_str_text(&parts));
    weft_str_free(&parts);
    return v;
}

bool
spv_loads_by_lane(const spv_emit *c, const weft_expr *e)
{
    return e->h.kind == WEFT_EK_LOAD && e->h.type.lanes > 1 &&
           c->layout[e->h.u.buf->id] != e->h.type.lanes;
}

/* A conversion to f16 on its way to a storage buffer may say how it rounds. */
static bool
rounds(const weft_buf *buf, const weft_expr *value)
{
    if (value->h.kind != WEFT_EK_CAST || value->h.type.dtype != WEFT_F16 ||
        buf->space != WEFT_GLOBAL)
        return false;
    weft_dtype from = (weft_dtype)value->arg[0]->h.type.dtype;
    return weft_is_float(from) && from != WEFT_F16;
}

static void
store_rounded(spv_emit *c, const weft_buf *buf, spv_id pointer, spv_id value, bool rounded)
{
    if (rounded)
        spv_add(&c->b, SPV_DECORATION, "OpDecorate %s FPRoundingMode RTE", value);
    store_at(c, buf, pointer, value);
}

/* Lane i of a load, alone. */
static spv_id
load_lane(spv_emit *c, const weft_expr *e, int i)
{
    const weft_buf *buf = e->h.u.buf;
    int n = c->layout[buf->id];
    if (n != e->h.type.lanes)
        return load_at(c, buf, pointer_to(c, buf, index_lane(c, e->arg[0], i), -1), 1);
    spv_id at = spv_expr(c, weft_quotient(c->kernel->ir, e->arg[0]->arg[0], n));
    return load_at(c, buf, pointer_to(c, buf, at, i), 1);
}

/* The lanes of a vector, which is not made where they are loaded one by one; nor taken apart where
 * they are narrow, which storage alone does not allow. */
static void
lanes_of(spv_emit *c, const weft_expr *e, spv_id *lane)
{
    bool narrow = e->h.kind == WEFT_EK_LOAD && weft_dtype_bits((weft_dtype)e->h.type.dtype) < 32;
    bool alone = narrow || spv_loads_by_lane(c, e);
    spv_id v = alone ? NULL : spv_expr(c, e);
    const char *type = alone ? NULL : spv_type(c, weft_scalar((weft_dtype)e->h.type.dtype));
    for (int i = 0; i < e->h.type.lanes; i++)
        lane[i] = alone ? load_lane(c, e, i)
                        : spv_op(&c->b, "OpCompositeExtract %s %s %d", type, v, i);
}

static void
store_lanes(spv_emit *c, const weft_buf *buf, const weft_expr *index, const weft_expr *value)
{
    bool casts = value->h.kind == WEFT_EK_CAST;
    const weft_expr *whole = casts ? value->arg[0] : value;
    weft_type from = { whole->h.type.dtype, 1 }, to = { value->h.type.dtype, 1 };
    spv_id lane[UINT8_MAX];
    lanes_of(c, whole, lane);
    for (int i = 0; i < value->h.type.lanes; i++) {
        spv_id v = casts ? spv_cast(c, to, from, lane[i]) : lane[i];
        spv_id at = pointer_to(c, buf, index_lane(c, index, i), -1);
        store_rounded(c, buf, at, v, rounds(buf, value));
    }
}

void
spv_store(spv_emit *c, const weft_buf *buf, const weft_expr *index, const weft_expr *value)
{
    int lanes = value->h.type.lanes;
    if (lanes > 1 && c->layout[buf->id] != lanes) {
        store_lanes(c, buf, index, value);
        return;
    }
    bool rounded = rounds(buf, value); /* then the value is this store's alone */
    spv_id v = rounded
                   ? spv_cast(c, value->h.type, value->arg[0]->h.type, spv_expr(c, value->arg[0]))
                   : spv_expr(c, value);
    store_rounded(c, buf, place(c, buf, index, lanes), v, rounded);
}

/* ---- atomics --------------------------------------------------------------------------------- */

void
spv_atomic(spv_emit *c, const weft_stmt *s)
{
    static const char *const op[WEFT_EK_COUNT][2] = {
        [WEFT_EK_ADD] = { "IAdd", "IAdd" }, [WEFT_EK_MIN] = { "UMin", "SMin" },
        [WEFT_EK_MAX] = { "UMax", "SMax" }, [WEFT_EK_BAND] = { "And", "And" },
        [WEFT_EK_BOR] = { "Or", "Or" },     [WEFT_EK_BXOR] = { "Xor", "Xor" },
    };
    const weft_buf *buf = s->u.atomic.buf;
    const char *name = op[s->u.atomic.op][weft_dtype_kind(buf->dtype) == WEFT_KIND_INT];
    if (!name || !weft_is_int(buf->dtype) || weft_dtype_bits(buf->dtype) < 32 ||
        buf->space == WEFT_LOCAL) {
        spv_fail(c, "an atomic on", weft_dtype_name(buf->dtype));
        return;
    }
    if (weft_dtype_bits(buf->dtype) == 64)
        c->b.cap[SPV_CAP_INT64_ATOMICS] = true;
    spv_id value = spv_expr(c, s->u.atomic.value), at = place(c, buf, s->u.atomic.index, 1);
    enum { DEVICE = 1, WORKGROUP = 2, QUEUE_FAMILY = 5 }; /* the model makes Device optional */
    int widest = c->b.cap[SPV_CAP_VULKAN_MEMORY] ? QUEUE_FAMILY : DEVICE;
    spv_id scope = spv_uint(c, buf->space == WEFT_SHARED ? WORKGROUP : widest),
           relaxed = spv_uint(c, 0);
    spv_op(&c->b, "OpAtomic%s %s %s %s %s %s", name, spv_type(c, weft_scalar(buf->dtype)), at,
           scope, relaxed, value);
}
