/* spv_call.c: intrinsics: GLSL.std.450 instructions, tests of floats, subgroup shuffles. */
#include "backends/vulkan/spv_emit.h"

/* f16, f64: those widths too.  GLSL.std.450 defines for 64 bits what it does not make of exp and
 * log; these are also accurate for 16 bits, where others are made of squares and quotients that
 * overflow.  Atan and Atan2 are missing: of NaN and of zeros they give anything; and Asin and Acos,
 * which may be made of them and off by 4096 units of the last place.  Trunc and RoundEven of 64
 * bits are wrong in llvmpipe (Mesa 22.3) where the CPU has no AVX-512: 5e7 + 0.5 and 1.5 stay and
 * become 1; Floor and Ceil, which legalise makes them of, are right. */
static const struct {
    const char *name;
    bool f16, f64;
} glsl[WEFT_IN_COUNT] = {
    [WEFT_IN_EXP] = { "Exp", false, false },
    [WEFT_IN_EXP2] = { "Exp2", false, false },
    [WEFT_IN_LOG] = { "Log", false, false },
    [WEFT_IN_LOG2] = { "Log2", false, false },
    [WEFT_IN_SQRT] = { "Sqrt", true, true },
    [WEFT_IN_RSQRT] = { "InverseSqrt", true, true },
    [WEFT_IN_SIN] = { "Sin", false, false },
    [WEFT_IN_COS] = { "Cos", false, false },
    [WEFT_IN_TAN] = { "Tan", false, false },
    [WEFT_IN_SINH] = { "Sinh", false, false },
    [WEFT_IN_COSH] = { "Cosh", false, false },
    [WEFT_IN_TANH] = { "Tanh", false, false },
    [WEFT_IN_ASINH] = { "Asinh", false, false },
    [WEFT_IN_ACOSH] = { "Acosh", false, false },
    [WEFT_IN_ATANH] = { "Atanh", false, false },
    [WEFT_IN_FLOOR] = { "Floor", true, true },
    [WEFT_IN_CEIL] = { "Ceil", true, true },
    [WEFT_IN_TRUNC] = { "Trunc", true, false },
    [WEFT_IN_RINT] = { "RoundEven", true, false },
    [WEFT_IN_ABS] = { "FAbs", true, true },
    [WEFT_IN_FMA] = { "Fma", true, true },
};

static const struct {
    const char *name;
    spv_cap cap;
} shuffles[WEFT_IN_COUNT] = {
    [WEFT_IN_SHFL] = { "OpGroupNonUniformShuffle", SPV_CAP_SHUFFLE },
    [WEFT_IN_SHFL_XOR] = { "OpGroupNonUniformShuffleXor", SPV_CAP_SHUFFLE },
    [WEFT_IN_SHFL_DOWN] = { "OpGroupNonUniformShuffleDown", SPV_CAP_SHUFFLE_RELATIVE },
};

static const char *const instructions[WEFT_IN_COUNT] = {
    [WEFT_IN_ISNAN] = "OpIsNan",
    [WEFT_IN_ISINF] = "OpIsInf",
};

static spv_id
extended(spv_emit *c, const weft_expr *e, const char *name)
{
    weft_str args = { 0 };
    for (int i = 0; i < e->h.nargs; i++)
        weft_str_addf(&args, " %s", spv_expr(c, e->arg[i]));
    c->b.glsl = true;
    spv_id v = spv_op(&c->b, "OpExtInst %s %%glsl %s%s", spv_type(c, e->h.type), name,
                      weft_str_text(&args));
    weft_str_free(&args);
    return v;
}

static spv_id
shuffle(spv_emit *c, const weft_expr *e)
{
    weft_intrin in = e->h.u.intrin;
    spv_id v = spv_expr(c, e->arg[0]), lane = spv_expr(c, e->arg[1]);
    lane = spv_cast(c, weft_scalar(WEFT_U32), e->arg[1]->h.type, lane);
    if (!c->kernel->subgroup) /* then threads are where the device puts them */
        spv_fail(c, weft_intrin_infos[in].text, "without a subgroup's size");
    c->b.cap[shuffles[in].cap] = true;
    spv_id subgroup = spv_uint(c, 3);
    return spv_op(&c->b, "%s %s %s %s %s", shuffles[in].name, spv_type(c, e->h.type), subgroup, v,
                  lane);
}

static spv_id
instruction(spv_emit *c, const weft_expr *e, const char *name)
{
    spv_id a = spv_expr(c, e->arg[0]), b = e->h.nargs > 1 ? spv_expr(c, e->arg[1]) : "";
    return spv_op(&c->b, "%s %s %s%s%s", name, spv_type(c, e->h.type), a, *b ? " " : "", b);
}

spv_id
spv_call(spv_emit *c, const weft_expr *e)
{
    weft_intrin in = e->h.u.intrin;
    weft_dtype t = (weft_dtype)e->arg[0]->h.type.dtype;
    spv_computes(c, t);
    if (shuffles[in].name)
        return shuffle(c, e);
    if (instructions[in])
        return instruction(c, e, instructions[in]);
    if (in == WEFT_IN_ABS && weft_is_int(t))
        return weft_dtype_kind(t) == WEFT_KIND_UINT ? spv_expr(c, e->arg[0])
                                                    : extended(c, e, "SAbs");
    if (glsl[in].name && (t != WEFT_F64 || glsl[in].f64))
        return extended(c, e, glsl[in].name);
    spv_fail(c, weft_intrin_infos[in].text, weft_dtype_name(t));
    return spv_number(c, e->h.type, 0);
}

spv_id
spv_extremum(spv_emit *c, const weft_expr *e)
{
    weft_dtype t = (weft_dtype)e->h.type.dtype;
    bool is_min = e->h.kind == WEFT_EK_MIN, is_signed = weft_dtype_kind(t) == WEFT_KIND_INT;
    if (weft_is_float(t)) {
        spv_fail(c, is_min ? "min of" : "max of", weft_dtype_name(t));
        return spv_number(c, e->h.type, 0);
    }
    spv_computes(c, t);
    return extended(c, e, is_min ? (is_signed ? "SMin" : "UMin") : is_signed ? "SMax" : "UMax");
}

/* Pow of GLSL is undefined for negative bases: legalise builds a whole one. */
void
spv_call_caps(const weft_target *t, weft_caps *caps)
{
    for (int i = 0; i < WEFT_IN_COUNT; i++) {
        bool other = instructions[i] || (shuffles[i].name && t->subgroup_shuffle);
        caps->intrin[i] = glsl[i].name || other;
        caps->intrin16[i] = glsl[i].f16 || other;
        caps->intrin64[i] = glsl[i].f64 || other;
    }
}
