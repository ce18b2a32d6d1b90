/* opencl/dialect.c: OpenCL C 1.2 as data. */
#include "backends/clike.h"

static const char *const atomics[WEFT_EK_COUNT][2] = {
    [WEFT_EK_ADD] = { "atomic_add(&%b[%i], %0)", "atom_add(&%b[%i], %0)" },
    [WEFT_EK_MIN] = { "atomic_min(&%b[%i], %0)", "atom_min(&%b[%i], %0)" },
    [WEFT_EK_MAX] = { "atomic_max(&%b[%i], %0)", "atom_max(&%b[%i], %0)" },
    [WEFT_EK_BAND] = { "atomic_and(&%b[%i], %0)", "atom_and(&%b[%i], %0)" },
    [WEFT_EK_BOR] = { "atomic_or(&%b[%i], %0)", "atom_or(&%b[%i], %0)" },
    [WEFT_EK_BXOR] = { "atomic_xor(&%b[%i], %0)", "atom_xor(&%b[%i], %0)" },
};

/* PoCL's own does nothing. */
static const char prefetch_text[] = "#ifdef POCL_DEVICE_ADDRESS_BITS\n"
                                    "#define PREFETCH(p) __builtin_prefetch(p)\n"
                                    "#else\n"
                                    "#define PREFETCH(p) prefetch(p, 1)\n"
                                    "#endif\n";

/* Stores past the caches to an address that is aligned to the vector's bytes. */
static const char stream_text[] =
    "#ifdef POCL_DEVICE_ADDRESS_BITS\n"
    "#define STREAM(type, p, v) __builtin_nontemporal_store(v, (__global type *)(p))\n"
    "#else\n"
    "#define STREAM(type, p, v) *(__global type *)(p) = (v)\n"
    "#endif\n";

static void
open_kernel(weft_clike *c)
{
    const weft_kernel *k = c->kernel;
    int64_t block[3];
    const char **param = WEFT_NEW_ARRAY(&c->arena, k->nparam + k->nscalar + 1, const char *);
    for (int i = 0; i < k->nparam; i++)
        param[i] = weft_arena_printf(&c->arena, "%s%s%s *%s%s", c->d->space[k->param[i]->space],
                                     k->access[i] == WEFT_READ ? "const " : "",
                                     weft_clike_element(c, k->param[i]),
                                     k->no_alias ? "restrict " : "", c->buf[k->param[i]->id]);
    for (int i = 0; i < k->nscalar; i++)
        param[k->nparam + i] = weft_arena_printf(
            &c->arena, "%s %s", weft_clike_type(c, k->scalar[i]->type), c->var[k->scalar[i]->id]);
    if (c->uses[WEFT_F16] && c->target->f16)
        weft_str_add(c->out, "#pragma OPENCL EXTENSION cl_khr_fp16 : enable\n");
    if (c->uses[WEFT_F64])
        weft_str_add(c->out, "#pragma OPENCL EXTENSION cl_khr_fp64 : enable\n");
    if (c->atomic64)
        weft_str_add(c->out, "#pragma OPENCL EXTENSION cl_khr_int64_base_atomics : enable\n"
                             "#pragma OPENCL EXTENSION cl_khr_int64_extended_atomics : enable\n");
    weft_str_addf(c->out, "#pragma OPENCL FP_CONTRACT %s\n",
                  c->numerics == WEFT_STRICT ? "OFF" : "ON");
    weft_str_add(c->out, c->prefetches ? prefetch_text : "");
    weft_str_add(c->out, c->streams ? stream_text : "");
    weft_str_add(c->out, "__kernel ");
    if (weft_clike_block(k, block))
        weft_str_addf(c->out, "__attribute__((reqd_work_group_size(%d, %d, %d)))\n", (int)block[0],
                      (int)block[1], (int)block[2]);
    weft_clike_signature(c, weft_arena_printf(&c->arena, "void %s(", k->name),
                         k->nparam + k->nscalar, param);
}

static const weft_dialect opencl = {
    .reserved = WEFT_C_WORDS
    "constant global local private read_only write_only event_t image2d_t sampler_t "
    "size_t barrier convert_float dot cross length mix clamp step sign degrees radians printf "
    "get_group_id get_local_id vload4 vstore4 any all native_exp prefetch PREFETCH STREAM",
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
              [WEFT_F32] = "float",
              [WEFT_F64] = "double" },
    .space = { [WEFT_GLOBAL] = "__global ",
               [WEFT_CONSTANT] = "__constant ",
               [WEFT_SHARED] = "__local ",
               [WEFT_LOCAL] = "" },
    .array = { [WEFT_SHARED] = "__local ", [WEFT_LOCAL] = "" },
    .suffix = { [WEFT_I64] = "L",
                [WEFT_U32] = "u",
                [WEFT_U64] = "uL",
                [WEFT_F16] = "h",
                [WEFT_F32] = "f" },
    .inf = { [WEFT_F16] = "(half)INFINITY",
             [WEFT_F32] = "INFINITY",
             [WEFT_F64] = "(double)INFINITY" },
    .nan = { [WEFT_F16] = "(half)NAN", [WEFT_F32] = "NAN", [WEFT_F64] = "(double)NAN" },
    .cast = "(%t)",
    .vector_cast = "convert_%t(%0)",
    .bitcast = "as_%t(%0)",
    .make = "(%t)(",
    .splat = "(%t)(%0)",
    .lane = ".s",
    .lanes = "0123456789abcdef",
    .mask = true,
    .choose = "select(%2, %1, %0)",
    .half_load = "vload_half%n(0, &%b[%i])",
    .half_store = "vstore_half%n_rte(%0, 0, &%b[%i])",
    .load = "vload%n(0, &%b[%i])",
    .store = "vstore%n(%0, 0, &%b[%i])",
    .element = "((%s *)%b)[%i]",
    .part = "((%t *)%0%b)[%i]",
    .overlay = { "__attribute__((aligned(", ")))" },
    .bool_in_memory = "uchar",
    .atomic = atomics,
    .index = { [WEFT_BLOCK_X] = "get_group_id(0)",
               [WEFT_BLOCK_Y] = "get_group_id(1)",
               [WEFT_BLOCK_Z] = "get_group_id(2)",
               [WEFT_THREAD_X] = "get_local_id(0)",
               [WEFT_THREAD_Y] = "get_local_id(1)",
               [WEFT_THREAD_Z] = "get_local_id(2)" },
    .barrier = { "barrier(0);", "barrier(CLK_LOCAL_MEM_FENCE);", "barrier(CLK_GLOBAL_MEM_FENCE);",
                 "barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);" },
    /* No fabs: PoCL's masks the bits as an integer, and LLVM 14 goes on to take differences of it
     * for those of integers where a CPU has AVX2 alone: "Cannot select: i64
     * = fma" ends the process.
     */
    .call = { [WEFT_IN_EXP] = "exp(%0)",
              [WEFT_IN_EXP2] = "exp2(%0)",
              [WEFT_IN_EXPM1] = "expm1(%0)",
              [WEFT_IN_LOG] = "log(%0)",
              [WEFT_IN_LOG2] = "log2(%0)",
              [WEFT_IN_LOG1P] = "log1p(%0)",
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
              [WEFT_IN_ERF] = "erf(%0)",
              [WEFT_IN_FLOOR] = "floor(%0)",
              [WEFT_IN_CEIL] = "ceil(%0)",
              [WEFT_IN_TRUNC] = "trunc(%0)",
              [WEFT_IN_RINT] = "rint(%0)",
              [WEFT_IN_POW] = "pow(%0, %1)",
              [WEFT_IN_FREM] = "fmod(%0, %1)",
              [WEFT_IN_ATAN2] = "atan2(%0, %1)",
              [WEFT_IN_COPYSIGN] = "copysign(%0, %1)",
              [WEFT_IN_FMA] = "fma(%0, %1, %2)",
              [WEFT_IN_ISNAN] = "isnan(%0)",
              [WEFT_IN_ISINF] = "isinf(%0)" },
    .min = { "min(%0, %1)" },
    .max = { "max(%0, %1)" },
    .prefetch = "PREFETCH",
    .stream = "STREAM",
};

static void
caps(const weft_target *t, weft_caps *caps)
{
    *caps = (weft_caps){ .lanes = 1u << 1 | 1u << 2 | 1u << 3 | 1u << 4 | 1u << 8 | 1u << 16,
                         .vector_load = true,
                         .vector_compare = true,
                         .exact_sums = true,
                         .rejoin = true,
                         .bool_storage = true };
    weft_clike_caps(&opencl, caps);
    caps->arith[WEFT_I64] = caps->storage[WEFT_I64] = caps->arith[WEFT_U64] =
        caps->storage[WEFT_U64] = t->i64;
    caps->arith[WEFT_F16] = t->f16;
    caps->storage[WEFT_F16] = t->storage16;
    caps->aligned_halves = !t->f16; /* vload_half8 of PoCL faults elsewhere */
    caps->arith[WEFT_F64] = caps->storage[WEFT_F64] = t->f64;
    if (t->cls ==
        WEFT_CLASS_VECTOR_CPU) { /* the CPU runtimes' go by scalars, or by many branches */
        caps->intrin[WEFT_IN_ERF] = false;
        caps->prefetch = caps->stream = true;
        caps->slow[WEFT_IN_EXP] = caps->slow[WEFT_IN_EXPM1] = caps->slow[WEFT_IN_TANH] = true;
    }
}

static weft_status
print(weft_str *out, const weft_kernel *kernel, const weft_target *target, weft_numerics numerics,
      weft_diag *diag)
{
    return weft_clike_print(&opencl, out, kernel, target, numerics, diag);
}

const weft_backend weft_opencl_backend = { WEFT_API_OPENCL, caps, print };
