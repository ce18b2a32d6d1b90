/* cuda/dialect.c: CUDA C++ as data, and the prelude that gives its vectors arithmetic. */
#include "backends/clike.h"

static const char *const atomics[WEFT_EK_COUNT][2] = {
    [WEFT_EK_ADD] = { "atomicAdd(&%b[%i], %0)",
                      "atomicAdd((unsigned long long *)&%b[%i], (unsigned long long)(%0))" },
    [WEFT_EK_MIN] = { "atomicMin(&%b[%i], %0)", "atomicMin(&%b[%i], %0)" },
    [WEFT_EK_MAX] = { "atomicMax(&%b[%i], %0)", "atomicMax(&%b[%i], %0)" },
    [WEFT_EK_BAND] = { "atomicAnd(&%b[%i], %0)",
                       "atomicAnd((unsigned long long *)&%b[%i], (unsigned long long)(%0))" },
    [WEFT_EK_BOR] = { "atomicOr(&%b[%i], %0)",
                      "atomicOr((unsigned long long *)&%b[%i], (unsigned long long)(%0))" },
    [WEFT_EK_BXOR] = { "atomicXor(&%b[%i], %0)",
                       "atomicXor((unsigned long long *)&%b[%i], (unsigned long long)(%0))" },
};

/* Vectors of a type: CUDA's own where it has one to our liking, else a struct; then its operators.
 */
static const struct {
    weft_dtype dtype;
    const char *scalar;
    bool own, bits;
} vectors[] = {
    { WEFT_I8, "signed char", true, true },    { WEFT_I16, "short", true, true },
    { WEFT_I32, "int", false, true },          { WEFT_I64, "long long", true, true },
    { WEFT_U8, "unsigned char", true, true },  { WEFT_U16, "unsigned short", true, true },
    { WEFT_U32, "unsigned int", false, true }, { WEFT_U64, "unsigned long long", true, true },
    { WEFT_F16, "__half", true, false },       { WEFT_BF16, "__nv_bfloat16", true, false },
    { WEFT_F32, "float", false, false },       { WEFT_F64, "double", true, false },
    { WEFT_BOOL, "bool", true, false },
};

/* By lanes: the macros that define struct, operator, negation; and the functions over any type. */
static const char vectors2[] =
    "#ifndef WEFT_VECTORS2\n"
    "#define WEFT_VECTORS2\n"
    "#define WEFT_STRUCT2(V, S, BYTES) \\\n"
    "    struct alignas(BYTES) V { S x, y; }; \\\n"
    "    __device__ inline V make_##V(S x, S y) { return V{x, y}; }\n"
    "#define WEFT_OP2(V, OP) \\\n"
    "    __device__ inline V operator OP(V a, V b) { return make_##V(a.x OP b.x, a.y OP b.y); }\n"
    "#define WEFT_NEG2(V) __device__ inline V operator-(V a) { return make_##V(-a.x, -a.y); }\n"
    "template <class V, class S> __device__ inline V weft_splat2(S s) { return V{s, s}; }\n"
    "template <class V, class F> __device__ inline V weft_cast2(F f)\n"
    "{\n"
    "    return V{(decltype(V::x))f.x, (decltype(V::x))f.y};\n"
    "}\n"
    "template <class V, class F, class... A> __device__ inline V weft_map2(F f, A... a)\n"
    "{\n"
    "    return V{f(a.x...), f(a.y...)};\n"
    "}\n"
    "#endif\n";

static const char vectors4[] =
    "#ifndef WEFT_VECTORS4\n"
    "#define WEFT_VECTORS4\n"
    "#define WEFT_STRUCT4(V, S, BYTES) \\\n"
    "    struct alignas(BYTES) V { S x, y, z, w; }; \\\n"
    "    __device__ inline V make_##V(S x, S y, S z, S w) { return V{x, y, z, w}; }\n"
    "#define WEFT_OP4(V, OP) \\\n"
    "    __device__ inline V operator OP(V a, V b) \\\n"
    "    { \\\n"
    "        return make_##V(a.x OP b.x, a.y OP b.y, a.z OP b.z, a.w OP b.w); \\\n"
    "    }\n"
    "#define WEFT_NEG4(V) \\\n"
    "    __device__ inline V operator-(V a) { return make_##V(-a.x, -a.y, -a.z, -a.w); }\n"
    "template <class V, class S> __device__ inline V weft_splat4(S s) { return V{s, s, s, s}; }\n"
    "template <class V, class F> __device__ inline V weft_cast4(F f)\n"
    "{\n"
    "    return V{(decltype(V::x))f.x, (decltype(V::x))f.y, (decltype(V::x))f.z, "
    "(decltype(V::x))f.w};\n"
    "}\n"
    "template <class V, class F, class... A> __device__ inline V weft_map4(F f, A... a)\n"
    "{\n"
    "    return V{f(a.x...), f(a.y...), f(a.z...), f(a.w...)};\n"
    "}\n"
    "#endif\n";

static const char bits[] = "#ifndef WEFT_BITS\n"
                           "#define WEFT_BITS\n"
                           "template <class T, class S> __device__ inline T weft_bits(S s)\n"
                           "{\n"
                           "    T t;\n"
                           "    memcpy(&t, &s, sizeof t);\n"
                           "    return t;\n"
                           "}\n"
                           "#endif\n";

static void
print_vector(weft_clike *c, int row, int lanes)
{
    static const char arithmetic[] = "+-*/", bitwise[] = "&|^";
    weft_type type = { (uint8_t)vectors[row].dtype, (uint8_t)lanes };
    const char *name = weft_clike_type(c, type);
    int bytes = lanes * weft_dtype_bits(vectors[row].dtype) / 8;
    if (vectors[row].own)
        weft_str_addf(c->out,
                      "#ifndef WEFT_%s\n#define WEFT_%s\nWEFT_STRUCT%d(%s, %s, %d)\n#endif\n", name,
                      name, lanes, name, vectors[row].scalar, bytes < 16 ? bytes : 16);
    if (!(c->operators[vectors[row].dtype] & 1u << lanes))
        return;
    weft_str_addf(c->out, "#ifndef WEFT_%s_OPS\n#define WEFT_%s_OPS\n", name, name);
    for (const char *op = arithmetic; *op; op++)
        weft_str_addf(c->out, "WEFT_OP%d(%s, %c)\n", lanes, name, *op);
    for (const char *op = bitwise; *op && vectors[row].bits; op++)
        weft_str_addf(c->out, "WEFT_OP%d(%s, %c)\n", lanes, name, *op);
    if (vectors[row].bits)
        weft_str_addf(c->out, "WEFT_OP%d(%s, <<)\nWEFT_OP%d(%s, >>)\nWEFT_OP%d(%s, %%)\n", lanes,
                      name, lanes, name, lanes, name);
    weft_str_addf(c->out, "WEFT_NEG%d(%s)\n#endif\n", lanes, name);
}

/* Of integers as integers is a cast. */
static bool
finds_bitcast(void *user, const weft_expr *e)
{
    if (e->h.kind != WEFT_EK_BITCAST)
        return true;
    bool ints = weft_is_int((weft_dtype)e->h.type.dtype) &&
                weft_is_int((weft_dtype)e->arg[0]->h.type.dtype);
    if (!ints || e->h.type.lanes > 1)
        *(bool *)user = true;
    return true;
}

static void
prelude(weft_clike *c)
{
    uint32_t any;
    bool bitcasts = false;
    weft_walker walker = { finds_bitcast, NULL, &bitcasts };
    weft_walk_stmt(&walker, c->kernel->body);
    if (c->uses[WEFT_F16])
        weft_str_add(c->out, "#include <cuda_fp16.h>\n");
    if (c->uses[WEFT_BF16])
        weft_str_add(c->out, "#include <cuda_bf16.h>\n");
    if (c->async)
        weft_str_add(c->out, "#include <cuda_pipeline.h>\n");
    if (c->matrix)
        weft_str_add(c->out, "#include <mma.h>\nusing namespace nvcuda;\n");
    if (bitcasts)
        weft_str_add(c->out, bits);
    any = c->functions;
    for (size_t row = 0; row < sizeof vectors / sizeof *vectors; row++)
        any |= c->operators[vectors[row].dtype] |
               (vectors[row].own ? c->vectors[vectors[row].dtype] : 0);
    if (any & 1u << 2)
        weft_str_add(c->out, vectors2);
    if (any & 1u << 4)
        weft_str_add(c->out, vectors4);
    for (size_t row = 0; row < sizeof vectors / sizeof *vectors; row++)
        for (int lanes = 2; lanes <= 4; lanes += 2)
            if (c->vectors[vectors[row].dtype] & 1u << lanes)
                print_vector(c, (int)row, lanes);
}

static void
open_kernel(weft_clike *c)
{
    const weft_kernel *k = c->kernel;
    int64_t block[3];
    const char **param = WEFT_NEW_ARRAY(&c->arena, k->nparam + k->nscalar + 1, const char *);
    for (int i = 0; i < k->nparam; i++)
        param[i] =
            weft_arena_printf(&c->arena, "%s%s *%s%s", k->access[i] == WEFT_READ ? "const " : "",
                              weft_clike_element(c, k->param[i]),
                              k->no_alias ? "__restrict__ " : "", c->buf[k->param[i]->id]);
    for (int i = 0; i < k->nscalar; i++)
        param[k->nparam + i] = weft_arena_printf(
            &c->arena, "%s %s", weft_clike_type(c, k->scalar[i]->type), c->var[k->scalar[i]->id]);
    prelude(c);
    weft_str_add(c->out, "extern \"C\" __global__ void");
    if (weft_clike_block(k, block))
        weft_str_addf(c->out, " __launch_bounds__(%d)", (int)(block[0] * block[1] * block[2]));
    weft_clike_signature(c, weft_arena_printf(&c->arena, "\n%s(", k->name), k->nparam + k->nscalar,
                         param);
}

static const weft_matrix_words wmma = {
    .type = { [WEFT_MATRIX_A] = "wmma::fragment<wmma::matrix_a, %m, %n, %k, %e, wmma::%l>",
              [WEFT_MATRIX_B] = "wmma::fragment<wmma::matrix_b, %m, %n, %k, %e, wmma::%l>",
              [WEFT_MATRIX_SUM] = "wmma::fragment<wmma::accumulator, %m, %n, %k, %e>" },
    .layout = { "row_major", "col_major" },
    .rounded = "wmma::precision::tf32",
    .fill = "wmma::fill_fragment(%d, %v)",
    .load = "wmma::load_matrix_sync(%d, %p, %s)",
    .load_sum = "wmma::load_matrix_sync(%d, %p, %s, wmma::mem_%l)",
    .store = "wmma::store_matrix_sync(%p, %d, %s, wmma::mem_%l)",
    .mma = "wmma::mma_sync(%d, %a, %b, %c)",
    .round = "for (int weft_e = 0; weft_e < %d.num_elements; weft_e++) "
             "%d.x[weft_e] = wmma::__float_to_tf32(%d.x[weft_e])",
};

static const weft_dialect cuda = {
    .reserved = WEFT_C_WORDS
    "threadIdx blockIdx blockDim gridDim warpSize __half half2 class template this new "
    "delete private public protected operator namespace using virtual try catch throw friend "
    "mutable typename and or not xor bitand bitor compl nullptr constexpr alignas alignof decltype "
    "asm export explicit wchar_t memcpy clock printf y0 y1 j0 j1 yn jn gamma "
    "nvcuda wmma weft_e",
    .open = open_kernel,
    .type = { [WEFT_BOOL] = "bool",
              [WEFT_I8] = "signed char",
              [WEFT_I16] = "short",
              [WEFT_I32] = "int",
              [WEFT_I64] = "long long",
              [WEFT_U8] = "unsigned char",
              [WEFT_U16] = "unsigned short",
              [WEFT_U32] = "unsigned int",
              [WEFT_U64] = "unsigned long long",
              [WEFT_F16] = "__half",
              [WEFT_BF16] = "__nv_bfloat16",
              [WEFT_F32] = "float",
              [WEFT_F64] = "double" },
    .vector = { [WEFT_BOOL] = "weft_bool",
                [WEFT_I8] = "weft_char",
                [WEFT_I16] = "weft_short",
                [WEFT_I32] = "int",
                [WEFT_I64] = "weft_long",
                [WEFT_U8] = "weft_uchar",
                [WEFT_U16] = "weft_ushort",
                [WEFT_U32] = "uint",
                [WEFT_U64] = "weft_ulong",
                [WEFT_F16] = "weft_half",
                [WEFT_BF16] = "weft_bfloat",
                [WEFT_F64] = "weft_double" },
    .space = { "", "", "", "", "" },
    .array = { [WEFT_SHARED] = "__shared__ ", [WEFT_LOCAL] = "" },
    .suffix = { [WEFT_I64] = "LL",
                [WEFT_U32] = "u",
                [WEFT_U64] = "ULL",
                [WEFT_F16] = "__float2half(%0f)",
                [WEFT_BF16] = "__float2bfloat16(%0f)",
                [WEFT_F32] = "f" },
    .inf = { [WEFT_F16] = "__float2half(__int_as_float(0x7f800000))",
             [WEFT_BF16] = "__float2bfloat16(__int_as_float(0x7f800000))",
             [WEFT_F32] = "__int_as_float(0x7f800000)",
             [WEFT_F64] = "__longlong_as_double(0x7ff0000000000000LL)" },
    .nan = { [WEFT_F16] = "__float2half(__int_as_float(0x7fc00000))",
             [WEFT_BF16] = "__float2bfloat16(__int_as_float(0x7fc00000))",
             [WEFT_F32] = "__int_as_float(0x7fc00000)",
             [WEFT_F64] = "__longlong_as_double(0x7ff8000000000000LL)" },
    .cast = "(%t)",
    .vector_cast = "weft_cast%n<%t>(%0)",
    .bitcast = "weft_bits<%t>(%0)",
    .make = "make_%t(",
    .splat = "weft_splat%n<%t>(%0)",
    .lane = ".",
    .lanes = "xyzw",
    .vector_call = "weft_map%n<%t>",
    .load = "*(const %t *)&%b[%i]",
    .store = "*(%t *)&%b[%i] = %0",
    .align = "__align__",
    .grown = "extern ",
    .overlay = { "__align__(", ")" },
    .matrix = &wmma,
    .async_copy = "__pipeline_memcpy_async",
    .async_commit = "__pipeline_commit()",
    .async_wait = "__pipeline_wait_prior",
    .bool_in_memory = "bool",
    .atomic = atomics,
    .index = { [WEFT_BLOCK_X] = "blockIdx.x",
               [WEFT_BLOCK_Y] = "blockIdx.y",
               [WEFT_BLOCK_Z] = "blockIdx.z",
               [WEFT_THREAD_X] = "threadIdx.x",
               [WEFT_THREAD_Y] = "threadIdx.y",
               [WEFT_THREAD_Z] = "threadIdx.z" },
    .barrier = { "__syncthreads();", "__syncthreads();", "__syncthreads();", "__syncthreads();" },
    .narrow_calls = true,
    .call = { [WEFT_IN_EXP] = "expf(%0)",
              [WEFT_IN_EXP2] = "exp2f(%0)",
              [WEFT_IN_EXPM1] = "expm1f(%0)",
              [WEFT_IN_LOG] = "logf(%0)",
              [WEFT_IN_LOG2] = "log2f(%0)",
              [WEFT_IN_LOG1P] = "log1pf(%0)",
              [WEFT_IN_SQRT] = "sqrtf(%0)",
              [WEFT_IN_RSQRT] = "rsqrtf(%0)",
              [WEFT_IN_SIN] = "sinf(%0)",
              [WEFT_IN_COS] = "cosf(%0)",
              [WEFT_IN_TAN] = "tanf(%0)",
              [WEFT_IN_ASIN] = "asinf(%0)",
              [WEFT_IN_ACOS] = "acosf(%0)",
              [WEFT_IN_ATAN] = "atanf(%0)",
              [WEFT_IN_SINH] = "sinhf(%0)",
              [WEFT_IN_COSH] = "coshf(%0)",
              [WEFT_IN_TANH] = "tanhf(%0)",
              [WEFT_IN_ASINH] = "asinhf(%0)",
              [WEFT_IN_ACOSH] = "acoshf(%0)",
              [WEFT_IN_ATANH] = "atanhf(%0)",
              [WEFT_IN_ERF] = "erff(%0)",
              [WEFT_IN_FLOOR] = "floorf(%0)",
              [WEFT_IN_CEIL] = "ceilf(%0)",
              [WEFT_IN_TRUNC] = "truncf(%0)",
              [WEFT_IN_RINT] = "rintf(%0)",
              [WEFT_IN_ABS] = "fabsf(%0)",
              [WEFT_IN_POW] = "powf(%0, %1)",
              [WEFT_IN_FREM] = "fmodf(%0, %1)",
              [WEFT_IN_ATAN2] = "atan2f(%0, %1)",
              [WEFT_IN_COPYSIGN] = "copysignf(%0, %1)",
              [WEFT_IN_FMA] = "fmaf(%0, %1, %2)",
              [WEFT_IN_ISNAN] = "isnan(%0)",
              [WEFT_IN_ISINF] = "isinf(%0)",
              [WEFT_IN_SHFL] = "__shfl_sync(0xffffffffu, %0, %1)",
              [WEFT_IN_SHFL_DOWN] = "__shfl_down_sync(0xffffffffu, %0, %1)",
              [WEFT_IN_SHFL_XOR] = "__shfl_xor_sync(0xffffffffu, %0, %1)" },
    .call64 = { [WEFT_IN_EXP] = "exp(%0)",         [WEFT_IN_EXP2] = "exp2(%0)",
                [WEFT_IN_EXPM1] = "expm1(%0)",     [WEFT_IN_LOG] = "log(%0)",
                [WEFT_IN_LOG2] = "log2(%0)",       [WEFT_IN_LOG1P] = "log1p(%0)",
                [WEFT_IN_SQRT] = "sqrt(%0)",       [WEFT_IN_RSQRT] = "rsqrt(%0)",
                [WEFT_IN_SIN] = "sin(%0)",         [WEFT_IN_COS] = "cos(%0)",
                [WEFT_IN_TAN] = "tan(%0)",         [WEFT_IN_ASIN] = "asin(%0)",
                [WEFT_IN_ACOS] = "acos(%0)",       [WEFT_IN_ATAN] = "atan(%0)",
                [WEFT_IN_SINH] = "sinh(%0)",       [WEFT_IN_COSH] = "cosh(%0)",
                [WEFT_IN_TANH] = "tanh(%0)",       [WEFT_IN_ASINH] = "asinh(%0)",
                [WEFT_IN_ACOSH] = "acosh(%0)",     [WEFT_IN_ATANH] = "atanh(%0)",
                [WEFT_IN_ERF] = "erf(%0)",         [WEFT_IN_FLOOR] = "floor(%0)",
                [WEFT_IN_CEIL] = "ceil(%0)",       [WEFT_IN_TRUNC] = "trunc(%0)",
                [WEFT_IN_RINT] = "rint(%0)",       [WEFT_IN_ABS] = "fabs(%0)",
                [WEFT_IN_POW] = "pow(%0, %1)",     [WEFT_IN_FREM] = "fmod(%0, %1)",
                [WEFT_IN_ATAN2] = "atan2(%0, %1)", [WEFT_IN_COPYSIGN] = "copysign(%0, %1)",
                [WEFT_IN_FMA] = "fma(%0, %1, %2)" },
    .min = { "min(%0, %1)" },
    .max = { "max(%0, %1)" },
    .iabs = { "abs(%0)", "llabs(%0)" },
};

static void
caps(const weft_target *t, weft_caps *caps)
{
    *caps = (weft_caps){ .lanes = 1u << 1 | 1u << 2 | 1u << 4,
                         .aligned_vector_load = true,
                         .lanes_in_order = true,
                         .bool_storage = true };
    weft_clike_caps(&cuda, caps);
    caps->arith[WEFT_BF16] = t->cuda_arch >= 80;
    caps->async_copy = t->matrix && t->cuda_arch >= 80;
}

static weft_status
print(weft_str *out, const weft_kernel *kernel, const weft_target *target, weft_numerics numerics,
      weft_diag *diag)
{
    return weft_clike_print(&cuda, out, kernel, target, numerics, diag);
}

const weft_backend weft_cuda_backend = { WEFT_API_CUDA, caps, print };
