/* spv_expr.c: values. A pure expression that was computed in a block that dominates is not computed
 * again. */
#include "backends/vulkan/spv_emit.h"

#include "ir/simplify.h"

#include <math.h>

static const struct {
    const char *f, *s, *u, *b;
} binaries[WEFT_EK_COUNT] = {
    [WEFT_EK_OR] = { .b = "OpLogicalOr" },
    [WEFT_EK_AND] = { .b = "OpLogicalAnd" },
    [WEFT_EK_EQ] = { "OpFOrdEqual", "OpIEqual", "OpIEqual", "OpLogicalEqual" },
    [WEFT_EK_NE] = { "OpFUnordNotEqual", "OpINotEqual", "OpINotEqual", "OpLogicalNotEqual" },
    [WEFT_EK_LT] = { "OpFOrdLessThan", "OpSLessThan", "OpULessThan", NULL },
    [WEFT_EK_LE] = { "OpFOrdLessThanEqual", "OpSLessThanEqual", "OpULessThanEqual", NULL },
    [WEFT_EK_GT] = { "OpFOrdGreaterThan", "OpSGreaterThan", "OpUGreaterThan", NULL },
    [WEFT_EK_GE] = { "OpFOrdGreaterThanEqual", "OpSGreaterThanEqual", "OpUGreaterThanEqual", NULL },
    [WEFT_EK_BOR] = { NULL, "OpBitwiseOr", "OpBitwiseOr", NULL },
    [WEFT_EK_BXOR] = { NULL, "OpBitwiseXor", "OpBitwiseXor", NULL },
    [WEFT_EK_BAND] = { NULL, "OpBitwiseAnd", "OpBitwiseAnd", NULL },
    [WEFT_EK_SHL] = { NULL, "OpShiftLeftLogical", "OpShiftLeftLogical", NULL },
    [WEFT_EK_SHR] = { NULL, "OpShiftRightArithmetic", "OpShiftRightLogical", NULL },
    [WEFT_EK_ADD] = { "OpFAdd", "OpIAdd", "OpIAdd", NULL },
    [WEFT_EK_SUB] = { "OpFSub", "OpISub", "OpISub", NULL },
    [WEFT_EK_MUL] = { "OpFMul", "OpIMul", "OpIMul", NULL },
    [WEFT_EK_DIV] = { "OpFDiv", NULL, NULL, NULL },
    [WEFT_EK_TDIV] = { NULL, "OpSDiv", "OpUDiv", NULL },
    [WEFT_EK_TMOD] = { NULL, "OpSRem", "OpUMod", NULL },
    [WEFT_EK_NEG] = { "OpFNegate", "OpSNegate", "OpSNegate", NULL },
    [WEFT_EK_NOT] = { .b = "OpLogicalNot" },
    [WEFT_EK_BNOT] = { NULL, "OpNot", "OpNot", NULL },
};

static weft_dtype
dtype_of(const weft_expr *e)
{
    return (weft_dtype)e->h.type.dtype;
}

void
spv_block(spv_emit *c, spv_id label)
{
    spv_op_as(&c->b, label, "OpLabel");
    c->label = label;
}

void
spv_forget(spv_emit *c, int mark)
{
    while (c->memoised.n > mark)
        c->memo[c->memoised.at[--c->memoised.n]] = NULL;
}

/* ---- operators ------------------------------------------------------------------------------- */

static const char *
opcode(spv_emit *c, const weft_expr *e)
{
    weft_dtype t = dtype_of(e->arg[0]);
    const char *name = NULL;
    switch (weft_dtype_kind(t)) {
    case WEFT_KIND_BOOL:
        name = binaries[e->h.kind].b;
        break;
    case WEFT_KIND_INT:
        name = binaries[e->h.kind].s;
        break;
    case WEFT_KIND_UINT:
        name = binaries[e->h.kind].u;
        break;
    case WEFT_KIND_FLOAT:
        name = binaries[e->h.kind].f;
        break;
    }
    if (!name)
        spv_fail(c, "the operator", weft_expr_infos[e->h.kind].text);
    return name ? name : "OpNop";
}

/* Vulkan leaves the remainder of negative numbers undefined: a - a / b * b. */
static spv_id
remainder_of(spv_emit *c, const weft_expr *e)
{
    const weft_expr *quotient = weft_binary(c->kernel->ir, WEFT_EK_TDIV, e->arg[0], e->arg[1]);
    spv_id a = spv_expr(c, e->arg[0]), b = spv_expr(c, e->arg[1]), type = spv_type(c, e->h.type);
    spv_id q = spv_expr(c, quotient);
    return spv_op(&c->b, "OpISub %s %s %s", type, a, spv_op(&c->b, "OpIMul %s %s %s", type, q, b));
}

static bool
is_product(const weft_expr *e)
{
    if (e->h.kind != WEFT_EK_MUL)
        return false;
    const weft_expr *a = e->arg[0], *b = e->arg[1];
    a = a->h.kind == WEFT_EK_BCAST ? a->arg[0] : a;
    b = b->h.kind == WEFT_EK_BCAST ? b->arg[0] : b;
    return !weft_is_imm(a) && !weft_is_imm(b);
}

/* Whether the result is to be what IEEE 754 says.  Where it is not, Mesa takes the liberty to fold
 * x * 0 and to regroup constants, at the cost of NaN and infinities: only a multiply-add is left
 * open to contraction at the default level. */
static bool
is_exact(const spv_emit *c, const weft_expr *e)
{
    if (c->numerics != WEFT_DEFAULT)
        return c->numerics == WEFT_STRICT;
    bool sum = e->h.kind == WEFT_EK_ADD || e->h.kind == WEFT_EK_SUB;
    return !(is_product(e) || (sum && (is_product(e->arg[0]) || is_product(e->arg[1]))));
}

/* ---- zeros ----------------------------------------------------------------------------------- */

/* Whether the operand is 0 or -0 and a driver that folds it would break what the level promises:
 * Mesa's llvmpipe makes x * 0 and 0 / x zero, and x + 0 and 0 - x of a zero that zero, whatever the
 * decorations and modes say. */
static bool
must_hide(const spv_emit *c, const weft_expr *e, int operand)
{
    bool product = e->h.kind == WEFT_EK_MUL || (e->h.kind == WEFT_EK_DIV && operand == 0);
    bool sum = e->h.kind == WEFT_EK_ADD || (e->h.kind == WEFT_EK_SUB && operand == 0);
    double value;
    if (c->numerics == WEFT_FAST || !weft_as_float(e->arg[operand], &value) || value != 0)
        return false;
    return product || (sum && c->numerics == WEFT_STRICT && !signbit(value));
}

/* A parameter that has fewer than 2^32 - 1 elements, as no range is of 8 GiB, or NULL. */
static const weft_buf *
countable(const weft_kernel *k)
{
    for (int i = 0; i < k->nparam; i++)
        if (weft_dtype_bits(k->param[i]->dtype) >= 16)
            return k->param[i];
    return NULL;
}

/* A zero of the type that only the launch knows to be one: whether a length is one that none
 * has. */
static spv_id
hidden_zero(spv_emit *c, weft_type type, bool negative)
{
    weft_type uint = weft_scalar(WEFT_U32), scalar = spv_lanes((weft_dtype)type.dtype, 1);
    const weft_buf *buf = countable(c->kernel);
    spv_id length = spv_op(&c->b, "OpArrayLength %s %s 0", spv_type(c, uint), c->buf[buf->id]);
    spv_id never = spv_op(&c->b, "OpIEqual %s %s %s", spv_type(c, weft_scalar(WEFT_BOOL)), length,
                          spv_uint(c, UINT32_MAX));
    spv_id zero = spv_cast(c, scalar, weft_scalar(WEFT_BOOL), never);
    if (negative)
        zero = spv_op(&c->b, "OpFNegate %s %s", spv_type(c, scalar), zero);
    if (type.lanes == 1)
        return zero;
    weft_str all = { 0 };
    for (int i = 0; i < type.lanes; i++)
        weft_str_addf(&all, " %s", zero);
    spv_id v = spv_op(&c->b, "OpCompositeConstruct %s%s", spv_type(c, type), weft_str_text(&all));
    weft_str_free(&all);
    return v;
}

/* The value of an operand. */
static spv_id
operand(spv_emit *c, const weft_expr *e, int i)
{
    double value = 0;
    if (i >= e->h.nargs)
        return "";
    if (!must_hide(c, e, i) || !countable(c->kernel))
        return spv_expr(c, e->arg[i]);
    weft_as_float(e->arg[i], &value);
    return hidden_zero(c, e->arg[i]->h.type, signbit(value));
}

static spv_id
operation(spv_emit *c, const weft_expr *e)
{
    if (e->h.kind == WEFT_EK_TMOD && weft_dtype_kind(dtype_of(e)) == WEFT_KIND_INT)
        return remainder_of(c, e);
    const char *name = opcode(c, e);
    spv_id a = operand(c, e, 0), b = operand(c, e, 1);
    spv_computes(c, dtype_of(e->arg[0]));
    spv_id v = spv_op(&c->b, "%s %s %s%s%s", name, spv_type(c, e->h.type), a, *b ? " " : "", b);
    if (weft_is_float(dtype_of(e)) && is_exact(c, e))
        spv_decorate_last(&c->b, v, "NoContraction");
    return v;
}

/* ---- choices --------------------------------------------------------------------------------- */

static spv_id
select_value(spv_emit *c, const weft_expr *e)
{
    spv_id cond = spv_expr(c, e->arg[0]), a = spv_expr(c, e->arg[1]), b = spv_expr(c, e->arg[2]);
    int lanes = e->h.type.lanes;
    spv_computes(c, dtype_of(e));
    if (lanes > 1 && e->arg[0]->h.type.lanes == 1) { /* a scalar condition: from SPIR-V 1.4 only */
        weft_str all = { 0 };
        for (int i = 0; i < lanes; i++)
            weft_str_addf(&all, " %s", cond);
        spv_id type = spv_type(c, spv_lanes(WEFT_BOOL, lanes));
        cond = spv_op(&c->b, "OpCompositeConstruct %s%s", type, weft_str_text(&all));
        weft_str_free(&all);
    }
    return spv_op(&c->b, "OpSelect %s %s %s %s", spv_type(c, e->h.type), cond, a, b);
}

static bool
finds_trap(void *user, const weft_expr *e)
{
    if (!e->h.pure || e->h.kind == WEFT_EK_TDIV || e->h.kind == WEFT_EK_TMOD)
        *(bool *)user = true;
    return !*(bool *)user;
}

/* Whether an arm may be computed though it is not chosen. */
static bool
is_harmless(const weft_expr *e)
{
    bool trap = false;
    weft_walker walker = { finds_trap, NULL, &trap };
    weft_walk_expr(&walker, e);
    return !trap;
}

/* Branches, and the value of the arm that was taken. */
static spv_id
guard(spv_emit *c, const weft_expr *e)
{
    if (is_harmless(e->arg[1]) && is_harmless(e->arg[2]))
        return select_value(c, e);
    spv_id cond = spv_expr(c, e->arg[0]), value[2], from[2];
    spv_id label[3]; /* numbered in this order, which a list of initialisers does not promise */
    label[0] = spv_new(&c->b, "chosen");
    label[1] = spv_new(&c->b, "otherwise");
    label[2] = spv_new(&c->b, "value");
    spv_add(&c->b, SPV_CODE, "OpSelectionMerge %s None", label[2]);
    spv_add(&c->b, SPV_CODE, "OpBranchConditional %s %s %s", cond, label[0], label[1]);
    for (int i = 0; i < 2; i++) {
        int mark = c->memoised.n;
        spv_block(c, label[i]);
        value[i] = spv_expr(c, e->arg[1 + i]);
        from[i] = c->label;
        spv_add(&c->b, SPV_CODE, "OpBranch %s", label[2]);
        spv_forget(c, mark);
    }
    spv_block(c, label[2]);
    spv_computes(c, dtype_of(e));
    return spv_op(&c->b, "OpPhi %s %s %s %s %s", spv_type(c, e->h.type), value[0], from[0],
                  value[1], from[1]);
}

/* ---- vectors --------------------------------------------------------------------------------- */

spv_id
spv_lane(spv_emit *c, const weft_expr *e, int lane)
{
    weft_dtype t = dtype_of(e);
    if (e->h.kind == WEFT_EK_VEC)
        return spv_expr(c, e->arg[lane]);
    if (e->h.kind == WEFT_EK_BCAST)
        return spv_expr(c, e->arg[0]);
    if (e->h.kind == WEFT_EK_RAMP) {
        spv_id base = spv_expr(c, e->arg[0]), type = spv_type(c, weft_scalar(t));
        if (lane == 0)
            return base;
        spv_id times = spv_int(c, t, lane), stride = spv_expr(c, e->arg[1]);
        spv_id step = spv_op(&c->b, "OpIMul %s %s %s", type, stride, times);
        return spv_op(&c->b, "OpIAdd %s %s %s", type, base, step);
    }
    spv_id vector = spv_expr(c, e);
    return spv_op(&c->b, "OpCompositeExtract %s %s %d", spv_type(c, weft_scalar(t)), vector, lane);
}

static spv_id
construct(spv_emit *c, const weft_expr *e)
{
    weft_str lanes = { 0 };
    if (e->h.kind == WEFT_EK_BCAST && weft_is_imm(e->arg[0]))
        return spv_splat(c, e->h.type, spv_expr(c, e->arg[0]));
    spv_computes(c, dtype_of(e));
    for (int i = 0; i < e->h.type.lanes; i++)
        weft_str_addf(&lanes, " %s", spv_lane(c, e, i));
    spv_id v =
        spv_op(&c->b, "OpCompositeConstruct %s%s", spv_type(c, e->h.type), weft_str_text(&lanes));
    weft_str_free(&lanes);
    return v;
}

static spv_id
constant(spv_emit *c, const weft_expr *e)
{
    weft_dtype t = dtype_of(e);
    return spv_splat(c, e->h.type,
                     weft_is_float(t) ? spv_float(c, t, e->h.u.f) : spv_int(c, t, e->h.u.i));
}

/* ---- the switch ------------------------------------------------------------------------------ */

static spv_id
compute(spv_emit *c, const weft_expr *e)
{
    switch ((weft_ek)e->h.kind) {
    case WEFT_EK_IMM:
        return constant(c, e);
    case WEFT_EK_VAR:
        weft_assert(c->var[e->h.u.var->id], "variable %s", e->h.u.var->name);
        return c->var[e->h.u.var->id];
    case WEFT_EK_OR:
    case WEFT_EK_AND:
    case WEFT_EK_EQ:
    case WEFT_EK_NE:
    case WEFT_EK_LT:
    case WEFT_EK_LE:
    case WEFT_EK_GT:
    case WEFT_EK_GE:
    case WEFT_EK_BOR:
    case WEFT_EK_BXOR:
    case WEFT_EK_BAND:
    case WEFT_EK_SHL:
    case WEFT_EK_SHR:
    case WEFT_EK_ADD:
    case WEFT_EK_SUB:
    case WEFT_EK_MUL:
    case WEFT_EK_DIV:
    case WEFT_EK_NEG:
    case WEFT_EK_NOT:
    case WEFT_EK_BNOT:
    case WEFT_EK_TDIV:
    case WEFT_EK_TMOD:
        return operation(c, e);
    case WEFT_EK_MIN:
    case WEFT_EK_MAX:
        return spv_extremum(c, e);
    case WEFT_EK_SELECT:
        return select_value(c, e);
    case WEFT_EK_GUARD:
        return guard(c, e);
    case WEFT_EK_CAST:
        if (spv_loads_by_lane(c, e->arg[0]))
            return spv_load_cast(c, e->h.type, e->arg[0]);
        return spv_cast(c, e->h.type, e->arg[0]->h.type, spv_expr(c, e->arg[0]));
    case WEFT_EK_BITCAST:
        return spv_bitcast(c, e->h.type, e->arg[0]->h.type, spv_expr(c, e->arg[0]));
    case WEFT_EK_LOAD:
        return spv_load(c, e);
    case WEFT_EK_CALL:
        return spv_call(c, e);
    case WEFT_EK_RAMP:
    case WEFT_EK_BCAST:
    case WEFT_EK_VEC:
        return construct(c, e);
    case WEFT_EK_LANE:
        return spv_lane(c, e->arg[0], (int)e->h.u.i);
    case WEFT_EK_FDIV:
    case WEFT_EK_FMOD:
    case WEFT_EK_COUNT:
        break;
    }
    spv_fail(c, "the operator", weft_expr_infos[e->h.kind].text);
    return spv_number(c, e->h.type, 0);
}

spv_id
spv_expr(spv_emit *c, const weft_expr *e)
{
    if (e->id < c->nmemo && c->memo[e->id])
        return c->memo[e->id];
    spv_id v = compute(c, e);
    if (e->h.pure && e->id < c->nmemo && e->h.nargs > 0) {
        c->memo[e->id] = v;
        *WEFT_PUSH(&c->arena, &c->memoised) = e->id;
    }
    return v;
}
