/* metal/dialect.c: the Metal Shading Language as data. */
#include "backends/clike.h"

#define METAL_ATOMIC(op)                                                                           \
    {                                                                                              \
        "atomic_fetch_" op "_explicit((%aatomic_%t *)&%b[%i], %0, memory_order_relaxed)", NULL     \
    }
static const char *const atomics[WEFT_EK_COUNT][2] = {
    [WEFT_EK_ADD] = METAL_ATOMIC("add"), [WEFT_EK_MIN] = METAL_ATOMIC("min"),
    [WEFT_EK_MAX] = METAL_ATOMIC("max"), [WEFT_EK_BAND] = METAL_ATOMIC("and"),
    [WEFT_EK_BOR] = METAL_ATOMIC("or"),  [WEFT_EK_BXOR] = METAL_ATOMIC("xor"),
};

/* on: within a statement; fast: across statements, too */
static const char *const contraction[] = {
    [WEFT_STRICT] = "off",
    [WEFT_DEFAULT] = "on",
    [WEFT_FAST] = "fast",
};

static void
open_kernel(weft_clike *c)
{
    const weft_kernel *k = c->kernel;
    int64_t block[3];
    int n = k->nparam + k->nscalar;
    const char **param = WEFT_NEW_ARRAY(&c->arena, n + 2, const char *);
    for (int i = 0; i < k->nparam; i++)
        param[i] = weft_arena_printf(
            &c->arena, "%s%s%s *%s [[buffer(%d)]]", c->d->space[k->param[i]->space],
            k->access[i] == WEFT_READ ? "const " : "", weft_clike_element(c, k->param[i]),
            c->buf[k->param[i]->id], i);
    for (int i = 0; i < k->nscalar; i++)
        param[k->nparam + i] = weft_arena_printf(&c->arena, "constant %s &%s [[buffer(%d)]]",
                                                 weft_clike_type(c, k->scalar[i]->type),
                                                 c->var[k->scalar[i]->id], k->nparam + i);
    param[n] = "uint3 block_id [[threadgroup_position_in_grid]]";
    param[n + 1] = "uint3 thread_id [[thread_position_in_threadgroup]]";
    weft_str_addf(c->out, "#include <metal_stdlib>\n%susing namespace metal;\n\n",
                  c->matrix ? "#include <metal_simdgroup_matrix>\n" : "");
    weft_str_addf(c->out, "#pragma METAL fp contract(%s)\n", contraction[c->numerics]);
    if (weft_clike_block(k, block))
        weft_str_addf(c->out, "[[max_total_threads_per_threadgroup(%d)]]\n",
                      (int)(block[0] * block[1] * block[2]));
    weft_clike_signature(c, weft_arena_printf(&c->arena, "kernel void %s(", k->name), n + 2, param);
}

#define SIMDGROUP_MATRIX "simdgroup_matrix<%e, %m, %n>"
static const weft_matrix_words simdgroup = {
    .type = { SIMDGROUP_MATRIX, SIMDGROUP_MATRIX, SIMDGROUP_MATRIX },
    .fill = "%d = make_filled_simdgroup_matrix<%e, %m, %n>(%v)",
    .load = "simdgroup_load(%d, %p, %s, ulong2(0), %t)",
    .load_sum = "simdgroup_load(%d, %p, %s, ulong2(0), %t)",
    .store = "simdgroup_store(%d, %p, %s, ulong2(0), %t)",
    .mma = "simdgroup_multiply_accumulate(%d, %a, %b, %c)",
};

static const weft_dialect metal = {
    .reserved = WEFT_C_WORDS
    "device constant thread threadgroup fragment vertex metal block_id thread_id texture "
    "sampler atomic_int atomic_uint uint3 packed_float3 as_type simd_shuffle class template this "
    "new "
    "delete private public protected operator namespace using virtual try catch throw friend "
    "mutable "
    "typename and or not xor bitand bitor compl nullptr constexpr alignas alignof decltype asm "
    "export "
    "explicit wchar_t ptrdiff_t size_t array access visible stage_in dot cross length mix clamp "
    "step "
    "sign all any saturate fast precise simdgroup_matrix",
    .open = open_kernel,
    .type = { [WEFT_BOOL] = "bool",
              [WEFT_I8] = "char",
              [WEFT_I16] = "short",
              [WEFT_I32] = "int",
              [WEFT_I64] = "long",
              [WEFT_U8] = "uchar",
              [WEFT_U16] = "ushort",
              [WEFT_U32] = "uint",
              [WEFT_U64] = "ulong",
              [WEFT_F16] = "half",
              [WEFT_BF16] = "bfloat",
              [WEFT_F32] = "float" },
    .space = { [WEFT_GLOBAL] = "device ",
               [WEFT_CONSTANT] = "constant ",
               [WEFT_SHARED] = "threadgroup ",
               [WEFT_LOCAL] = "thread " },
    .array = { [WEFT_SHARED] = "threadgroup ", [WEFT_LOCAL] = "" },
    .suffix = { [WEFT_I64] = "L",
                [WEFT_U32] = "u",
                [WEFT_U64] = "uL",
                [WEFT_F16] = "h",
                [WEFT_BF16] = "bfloat(%0f)",
                [WEFT_F32] = "f" },
    .inf = { [WEFT_F16] = "half(INFINITY)",
             [WEFT_BF16] = "bfloat(INFINITY)",
             [WEFT_F32] = "INFINITY" },
    .nan = { [WEFT_F16] = "half(NAN)", [WEFT_BF16] = "bfloat(NAN)", [WEFT_F32] = "NAN" },
    .cast = "(%t)",
    .vector_cast = "%t(%0)",
    .bitcast = "as_type<%t>(%0)",
    .make = "%t(",
    .splat = "%t(%0)",
    .lane = ".",
    .lanes = "xyzw",
    .choose = "select(%2, %1, %0)",
    .load = "*(%aconst %t *)&%b[%i]",
    .store = "*(%a%t *)&%b[%i] = %0",
    .align = "alignas",
    .overlay = { "alignas(", ")" },
    .matrix = &simdgroup,
    .bool_in_memory = "bool",
    .atomic = atomics,
    .index = { [WEFT_BLOCK_X] = "block_id.x",
               [WEFT_BLOCK_Y] = "block_id.y",
               [WEFT_BLOCK_Z] = "block_id.z",
               [WEFT_THREAD_X] = "thread_id.x",
               [WEFT_THREAD_Y] = "thread_id.y",
               [WEFT_THREAD_Z] = "thread_id.z" },
    .barrier = { "threadgroup_barrier(mem_flags::mem_none);",
                 "threadgroup_barrier(mem_flags::mem_threadgroup);",
                 "threadgroup_barrier(mem_flags::mem_device);",
                 "threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);" },
    .call = { [WEFT_IN_EXP] = "exp(%0)",
              [WEFT_IN_EXP2] = "exp2(%0)",
              [WEFT_IN_LOG] = "log(%0)",
              [WEFT_IN_LOG2] = "log2(%0)",
              [WEFT_IN_SQRT] = "sqrt(%0)",
              [WEFT_IN_RSQRT] = "rsqrt(%0)",
              [WEFT_IN_SIN] = "sin(%0)",
              [WEFT_IN_COS] = "cos(%0)",
              [WEFT_IN_TAN] = "tan(%0)",
              [WEFT_IN_ASIN] = "asin(%0)",
              [WEFT_IN_ACOS] = "acos(%0)",
              [WEFT_IN_ATAN] = "atan(%0)",
              [WEFT_IN_SINH] = "sinh(%0)",
              [WEFT_IN_COSH] = "cosh(%0)",
              [WEFT_IN_TANH] = "tanh(%0)",
              [WEFT_IN_ASINH] = "asinh(%0)",
              [WEFT_IN_ACOSH] = "acosh(%0)",
              [WEFT_IN_ATANH] = "atanh(%0)",
              [WEFT_IN_FLOOR] = "floor(%0)",
              [WEFT_IN_CEIL] = "ceil(%0)",
              [WEFT_IN_TRUNC] = "trunc(%0)",
              [WEFT_IN_RINT] = "rint(%0)",
              [WEFT_IN_ABS] = "fabs(%0)",
              [WEFT_IN_POW] = "pow(%0, %1)",
              [WEFT_IN_FREM] = "fmod(%0, %1)",
              [WEFT_IN_ATAN2] = "atan2(%0, %1)",
              [WEFT_IN_COPYSIGN] = "copysign(%0, %1)",
              [WEFT_IN_FMA] = "fma(%0, %1, %2)",
              [WEFT_IN_ISNAN] = "isnan(%0)",
              [WEFT_IN_ISINF] = "isinf(%0)",
              [WEFT_IN_SHFL] = "simd_shuffle(%0, (ushort)(%1))",
              [WEFT_IN_SHFL_DOWN] = "simd_shuffle_down(%0, (ushort)(%1))",
              [WEFT_IN_SHFL_XOR] = "simd_shuffle_xor(%0, (ushort)(%1))" },
    .min = { "min(%0, %1)" },
    .max = { "max(%0, %1)" },
    .iabs = { "abs(%0)", "abs(%0)" },
};

static void
caps(const weft_target *t, weft_caps *caps)
{
    *caps = (weft_caps){ .lanes = 1u << 1 | 1u << 2 | 1u << 4,
                         .aligned_vector_load = true,
                         .vector_compare = true,
                         .lanes_in_order = true,
                         .bool_storage = true };
    weft_clike_caps(&metal, caps);
    caps->arith[WEFT_BF16] = false; /* in float, as where there is no such type */
    caps->storage[WEFT_BF16] = t->metal_version >= 31;
    for (int i = WEFT_IN_SHFL; i <= WEFT_IN_SHFL_XOR; i++) {
        caps->intrin[i] = caps->intrin16[i] = t->subgroup_shuffle;
        caps->intrin64[i] = false; /* of no number of 64 bits */
    }
}

static weft_status
print(weft_str *out, const weft_kernel *kernel, const weft_target *target, weft_numerics numerics,
      weft_diag *diag)
{
    return weft_clike_print(&metal, out, kernel, target, numerics, diag);
}

const weft_backend weft_metal_backend = { WEFT_API_METAL, caps, print };
