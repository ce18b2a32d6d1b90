/* emu/shim/ptx.h: instructions of PTX that inline assembly may hold, as NVIDIA's PTX ISA describes
 * them.  A function is named like its instruction, with _ for dots; destinations are references.
 * What is not here does not compile. */
#ifndef WEFT_PTX_H
#define WEFT_PTX_H

#include "cuda_pipeline.h"
#include "cuda_bf16.h"
#include "cuda_fp16.h"

namespace weft_ptx
{

/* ---- operands -------------------------------------------------------------------------------- */

template <class R, class T> WEFT_FN R in(T value)
{
    static_assert(sizeof(R) == sizeof(T), "an operand's size is not that of its constraint");
    return __builtin_bit_cast(R, value);
}
template <class T, class R> WEFT_FN void out(T &to, R value)
{
    static_assert(sizeof(R) == sizeof(T), "an operand's size is not that of its constraint");
    to = __builtin_bit_cast(T, value);
}

static WEFT_QUIET uint32_t special_laneid() { return weft_now->self->lane; }
static WEFT_QUIET uint32_t special_warpid() { return weft_now->self->warp; }
WEFT_FN uint32_t special_tid_x() { return threadIdx.x; }
WEFT_FN uint32_t special_tid_y() { return threadIdx.y; }
WEFT_FN uint32_t special_tid_z() { return threadIdx.z; }
WEFT_FN uint32_t special_ntid_x() { return blockDim.x; }
WEFT_FN uint32_t special_ctaid_x() { return blockIdx.x; }
WEFT_FN uint32_t special_ctaid_y() { return blockIdx.y; }
WEFT_FN uint32_t special_ctaid_z() { return blockIdx.z; }
WEFT_FN uint32_t special_nctaid_x() { return gridDim.x; }

/* ---- moves, conversions, arithmetic ---------------------------------------------------------- */

#define WEFT_PTX2(NAME, D, A, VALUE)                                                               \
    WEFT_FN void NAME(D &d, A a) { d = (D)(VALUE); }
#define WEFT_PTX3(NAME, D, A, VALUE)                                                               \
    WEFT_FN void NAME(D &d, A a, A b) { d = (D)(VALUE); }
#define WEFT_PTX4(NAME, D, A, VALUE)                                                               \
    WEFT_FN void NAME(D &d, A a, A b, A c) { d = (D)(VALUE); }
WEFT_PTX2(mov_b16, uint16_t, uint16_t, a)
WEFT_PTX2(mov_u16, uint16_t, uint16_t, a)
WEFT_PTX2(mov_b32, uint32_t, uint32_t, a)
WEFT_PTX2(mov_u32, uint32_t, uint32_t, a)
WEFT_PTX2(mov_s32, uint32_t, uint32_t, a)
WEFT_PTX2(mov_b64, uint64_t, uint64_t, a)
WEFT_PTX2(mov_u64, uint64_t, uint64_t, a)
WEFT_PTX2(mov_f32, float, float, a)
WEFT_PTX2(mov_f64, double, double, a)
WEFT_FN void mov_b32(uint32_t &d, uint16_t lo, uint16_t hi) { d = (uint32_t)hi << 16 | lo; }
WEFT_FN void mov_b32(uint16_t &lo, uint16_t &hi, uint32_t a)
{
    lo = (uint16_t)a, hi = (uint16_t)(a >> 16);
}
WEFT_FN void mov_b64(uint64_t &d, uint32_t lo, uint32_t hi) { d = (uint64_t)hi << 32 | lo; }
WEFT_FN void mov_b64(uint32_t &lo, uint32_t &hi, uint64_t a)
{
    lo = (uint32_t)a, hi = (uint32_t)(a >> 32);
}
WEFT_PTX2(cvt_u32_u64, uint32_t, uint64_t, a)
WEFT_PTX2(cvt_u64_u32, uint64_t, uint32_t, a)
WEFT_PTX2(cvta_to_shared_u64, uint64_t, uint64_t, __cvta_generic_to_shared((const void *)a))
WEFT_PTX2(cvta_to_global_u64, uint64_t, uint64_t, a)
WEFT_PTX3(add_u32, uint32_t, uint32_t, a + b)
WEFT_PTX3(add_s32, uint32_t, uint32_t, a + b)
WEFT_PTX3(add_u64, uint64_t, uint64_t, a + b)
WEFT_PTX3(add_s64, uint64_t, uint64_t, a + b)
WEFT_PTX3(sub_u32, uint32_t, uint32_t, a - b)
WEFT_PTX3(sub_s32, uint32_t, uint32_t, a - b)
WEFT_PTX3(mul_lo_u32, uint32_t, uint32_t, a *b)
WEFT_PTX3(mul_lo_s32, uint32_t, uint32_t, a *b)
WEFT_PTX3(and_b32, uint32_t, uint32_t, a &b)
WEFT_PTX3(or_b32, uint32_t, uint32_t, a | b)
WEFT_PTX3(xor_b32, uint32_t, uint32_t, a ^ b)
WEFT_PTX3(shl_b32, uint32_t, uint32_t, b > 31 ? 0 : a << b)
WEFT_PTX3(shr_u32, uint32_t, uint32_t, b > 31 ? 0 : a >> b)
WEFT_PTX4(prmt_b32, uint32_t, uint32_t, __byte_perm(a, b, c))
WEFT_PTX3(add_f32, float, float, __fadd_rn(a, b))
WEFT_PTX3(sub_f32, float, float, __fsub_rn(a, b))
WEFT_PTX3(mul_f32, float, float, __fmul_rn(a, b))
WEFT_PTX3(add_rn_f32, float, float, __fadd_rn(a, b))
WEFT_PTX3(mul_rn_f32, float, float, __fmul_rn(a, b))
WEFT_PTX4(fma_rn_f32, float, float, __builtin_fmaf(a, b, c))
WEFT_PTX4(fma_rn_f64, double, double, __builtin_fma(a, b, c))
WEFT_PTX2(ex2_approx_f32, float, float, __builtin_exp2f(a))
WEFT_PTX2(lg2_approx_f32, float, float, __builtin_log2f(a))
WEFT_PTX2(rcp_approx_f32, float, float, 1.0f / a)
WEFT_PTX2(rsqrt_approx_f32, float, float, rsqrtf(a))
WEFT_PTX2(sqrt_approx_f32, float, float, __builtin_sqrtf(a))
WEFT_PTX2(sin_approx_f32, float, float, __builtin_sinf(a))
WEFT_PTX2(cos_approx_f32, float, float, __builtin_cosf(a))
WEFT_PTX2(tanh_approx_f32, float, float, __builtin_tanhf(a))
/* The lower 13 bits are nothing in tf32: to nearest, ties away from zero. */
WEFT_PTX2(cvt_rna_tf32_f32, uint32_t, float,
          a != a || __builtin_isinf(a) ? weft_as<uint32_t>(a)
                                       : (weft_as<uint32_t>(a) + 0x1000) & 0xffffe000)
WEFT_PTX2(cvt_rn_f16_f32, uint16_t, float, __half_as_ushort(__half(a)))
WEFT_PTX2(cvt_rn_bf16_f32, uint16_t, float, __bfloat16_as_ushort(__nv_bfloat16(a)))
WEFT_PTX2(cvt_f32_f16, float, uint16_t, (float)__ushort_as_half(a))
/* a goes to the upper half. */
WEFT_PTX3(cvt_rn_f16x2_f32, uint32_t, float,
          (uint32_t)__half_as_ushort(__half(a)) << 16 | __half_as_ushort(__half(b)))
WEFT_PTX3(cvt_rn_bf16x2_f32, uint32_t, float,
          (uint32_t)__bfloat16_as_ushort(__nv_bfloat16(a)) << 16 |
              __bfloat16_as_ushort(__nv_bfloat16(b)))

#define WEFT_PTX_COMPARE(NAME, OP)                                                                 \
    WEFT_FN void setp_##NAME##_b32(bool &p, uint32_t a, uint32_t b) { p = a OP b; }                \
    WEFT_FN void setp_##NAME##_u32(bool &p, uint32_t a, uint32_t b) { p = a OP b; }                \
    WEFT_FN void setp_##NAME##_s32(bool &p, uint32_t a, uint32_t b) { p = (int)a OP(int) b; }      \
    WEFT_FN void setp_##NAME##_f32(bool &p, float a, float b) { p = a OP b; }
WEFT_PTX_COMPARE(eq, ==)
WEFT_PTX_COMPARE(ne, !=)
WEFT_PTX_COMPARE(lt, <)
WEFT_PTX_COMPARE(le, <=)
WEFT_PTX_COMPARE(gt, >)
WEFT_PTX_COMPARE(ge, >=)
WEFT_FN void selp_b32(uint32_t &d, uint32_t a, uint32_t b, bool p) { d = p ? a : b; }
WEFT_FN void selp_f32(float &d, float a, float b, bool p) { d = p ? a : b; }

/* ---- memory ---------------------------------------------------------------------------------- */

/* An address in shared memory counts from its start; 64 bits of it come from cvta. */
WEFT_FN char *shared_at(uint64_t at) { return (char *)__cvta_shared_to_generic((size_t)at); }
WEFT_FN char *global_at(uint64_t at) { return (char *)at; }

#define WEFT_PTX_SPACE(SPACE, WHERE, R, BITS)                                                      \
    WEFT_FN void ld_##SPACE##_##BITS(R &d, uint64_t at) { d = *(const R *)WHERE(at); }             \
    WEFT_FN void st_##SPACE##_##BITS(uint64_t at, R a) { *(R *)WHERE(at) = a; }                    \
    WEFT_FN void ld_##SPACE##_v2_##BITS(R &a, R &b, uint64_t at)                                   \
    {                                                                                              \
        struct alignas(2 * sizeof(R)) pair {                                                       \
            R a, b;                                                                                \
        } v = *(const pair *)WHERE(at);                                                            \
        a = v.a, b = v.b;                                                                          \
    }                                                                                              \
    WEFT_FN void st_##SPACE##_v2_##BITS(uint64_t at, R a, R b)                                     \
    {                                                                                              \
        struct alignas(2 * sizeof(R)) pair {                                                       \
            R a, b;                                                                                \
        };                                                                                         \
        *(pair *)WHERE(at) = pair{ a, b };                                                         \
    }
#define WEFT_PTX_SPACE4(SPACE, WHERE, R, BITS)                                                     \
    WEFT_FN void ld_##SPACE##_v4_##BITS(R &a, R &b, R &c, R &d, uint64_t at)                       \
    {                                                                                              \
        struct alignas(16) four {                                                                  \
            R a, b, c, d;                                                                          \
        } v = *(const four *)WHERE(at);                                                            \
        a = v.a, b = v.b, c = v.c, d = v.d;                                                        \
    }                                                                                              \
    WEFT_FN void st_##SPACE##_v4_##BITS(uint64_t at, R a, R b, R c, R d)                           \
    {                                                                                              \
        struct alignas(16) four {                                                                  \
            R a, b, c, d;                                                                          \
        };                                                                                         \
        *(four *)WHERE(at) = four{ a, b, c, d };                                                   \
    }
#define WEFT_PTX_MEMORY(SPACE, WHERE)                                                              \
    WEFT_PTX_SPACE(SPACE, WHERE, uint32_t, b32)                                                    \
    WEFT_PTX_SPACE(SPACE, WHERE, uint32_t, u32)                                                    \
    WEFT_PTX_SPACE(SPACE, WHERE, uint32_t, s32)                                                    \
    WEFT_PTX_SPACE(SPACE, WHERE, float, f32)                                                       \
    WEFT_PTX_SPACE(SPACE, WHERE, uint64_t, b64)                                                    \
    WEFT_PTX_SPACE(SPACE, WHERE, uint64_t, u64)                                                    \
    WEFT_PTX_SPACE(SPACE, WHERE, uint16_t, b16)                                                    \
    WEFT_PTX_SPACE(SPACE, WHERE, uint16_t, u16)                                                    \
    WEFT_PTX_SPACE(SPACE, WHERE, double, f64)                                                      \
    WEFT_PTX_SPACE4(SPACE, WHERE, uint32_t, b32)                                                   \
    WEFT_PTX_SPACE4(SPACE, WHERE, uint32_t, u32) WEFT_PTX_SPACE4(SPACE, WHERE, float, f32)
WEFT_PTX_MEMORY(shared, shared_at)
WEFT_PTX_MEMORY(global, global_at)
#define ld_global_nc_b32    ld_global_b32
#define ld_global_nc_u32    ld_global_u32
#define ld_global_nc_f32    ld_global_f32
#define ld_global_nc_v2_f32 ld_global_v2_f32
#define ld_global_nc_v4_f32 ld_global_v4_f32
#define ld_global_nc_v4_u32 ld_global_v4_u32
#define ld_global_nc_v4_b32 ld_global_v4_b32

WEFT_FN void membar_cta() { __threadfence_block(); }
WEFT_FN void membar_gl() { __threadfence(); }
WEFT_FN void bar_sync(int number, WEFT_HERE)
{
    if (number != 0)
        weft_fault("bar.sync", file, line, "barriers but 0 are not known");
    weft_barrier("bar.sync", file, line, WEFT_EMU_SHARED | WEFT_EMU_GLOBAL);
}

/* ---- cp.async -------------------------------------------------------------------------------- */

#define WEFT_PTX_COPY(NAME, LEAST)                                                                 \
    WEFT_FN void NAME(uint64_t to, uint64_t from, uint32_t bytes, uint32_t filled, WEFT_HERE)      \
    {                                                                                              \
        if (bytes < LEAST)                                                                         \
            weft_fault(#NAME, file, line, "with .cg it copies 16 bytes");                          \
        weft_start_copy(#NAME, file, line, shared_at(to), (const void *)from, bytes, filled);      \
    }                                                                                              \
    WEFT_FN void NAME(uint64_t to, uint64_t from, uint32_t bytes,                                  \
                      const char *file = __builtin_FILE(), int line = __builtin_LINE())            \
    {                                                                                              \
        NAME(to, from, bytes, bytes, file, line);                                                  \
    }
WEFT_PTX_COPY(cp_async_ca_shared_global, 4)
WEFT_PTX_COPY(cp_async_cg_shared_global, 16)
#define cp_async_ca_shared__cta_global     cp_async_ca_shared_global
#define cp_async_cg_shared__cta_global     cp_async_cg_shared_global
#define cp_async_ca_shared_global_L2__64B  cp_async_ca_shared_global
#define cp_async_ca_shared_global_L2__128B cp_async_ca_shared_global
#define cp_async_ca_shared_global_L2__256B cp_async_ca_shared_global
#define cp_async_cg_shared_global_L2__64B  cp_async_cg_shared_global
#define cp_async_cg_shared_global_L2__128B cp_async_cg_shared_global
#define cp_async_cg_shared_global_L2__256B cp_async_cg_shared_global
WEFT_FN void cp_async_commit_group() { weft_commit_copies(); }
WEFT_FN void cp_async_wait_group(int left) { weft_wait_for_copies(left); }
WEFT_FN void cp_async_wait_all() { weft_wait_for_copies(-1); }

/* ---- warps ----------------------------------------------------------------------------------- */

/* All 32 lanes have to be there. */
static WEFT_QUIET void gather(const char *what, const char *file, int line, const void *mine,
                              size_t bytes, void *all)
{
    if (weft_exchange(what, file, line, 0xffffffffu, mine, bytes, all) != 0xffffffffu)
        weft_fault(what, file, line, "it needs all 32 lanes of the warp");
}

/* Matrix m of 8 rows of 16 bytes lies where the lanes 8 m to 8 m + 7 say.  Lane l gets, of each,
 * the two halves at column 2 (l % 4) of row l / 4; of the transposed matrix with .trans. */
static WEFT_QUIET void load_matrices(const char *what, const char *file, int line, int n,
                                     bool transposed, uint64_t at, uint32_t *d)
{
    struct row {
        uint16_t x[8];
    } mine = {}, all[64];
    uint32_t lane = weft_now->self->lane;
    if ((int)lane < 8 * n) {
        const void *p = shared_at(at);
        if ((uintptr_t)p % 16)
            weft_fault(what, file, line, "a row's address is no multiple of 16");
        weft_now->host->read(weft_now, p, 16);
        __builtin_memcpy_inline(&mine, p, 16);
    }
    gather(what, file, line, &mine, sizeof mine, all);
    for (int m = 0; m < n; m++) {
        uint32_t row = lane / 4, column = lane % 4 * 2;
        const struct row *of = all + 8 * m;
        uint16_t lo = transposed ? of[column].x[row] : of[row].x[column];
        uint16_t hi = transposed ? of[column + 1].x[row] : of[row].x[column + 1];
        d[m] = (uint32_t)hi << 16 | lo;
    }
}
#define WEFT_PTX_LDMATRIX(SUFFIX, TRANSPOSED)                                                      \
    WEFT_FN void ldmatrix_sync_aligned_m8n8_x1##SUFFIX(uint32_t &a, uint64_t at, WEFT_HERE)        \
    {                                                                                              \
        load_matrices("ldmatrix", file, line, 1, TRANSPOSED, at, &a);                              \
    }                                                                                              \
    WEFT_FN void ldmatrix_sync_aligned_m8n8_x2##SUFFIX(uint32_t &a, uint32_t &b, uint64_t at,      \
                                                       WEFT_HERE)                                  \
    {                                                                                              \
        uint32_t d[2];                                                                             \
        load_matrices("ldmatrix", file, line, 2, TRANSPOSED, at, d);                               \
        a = d[0], b = d[1];                                                                        \
    }                                                                                              \
    WEFT_FN void ldmatrix_sync_aligned_m8n8_x4##SUFFIX(uint32_t &a, uint32_t &b, uint32_t &c,      \
                                                       uint32_t &e, uint64_t at, WEFT_HERE)        \
    {                                                                                              \
        uint32_t d[4];                                                                             \
        load_matrices("ldmatrix", file, line, 4, TRANSPOSED, at, d);                               \
        a = d[0], b = d[1], c = d[2], e = d[3];                                                    \
    }
WEFT_PTX_LDMATRIX(_shared_b16, false)
WEFT_PTX_LDMATRIX(_trans_shared_b16, true)
WEFT_PTX_LDMATRIX(_shared__cta_b16, false)
WEFT_PTX_LDMATRIX(_trans_shared__cta_b16, true)

/* ---- mma.sync -------------------------------------------------------------------------------- */

/* Element j of a register. */
struct as_f16 {
    typedef double type;
    enum { PER_REGISTER = 2 };
    static double get(uint32_t r, int j)
    {
        return (double)(float)__ushort_as_half((uint16_t)(r >> 16 * j));
    }
};
struct as_bf16 {
    typedef double type;
    enum { PER_REGISTER = 2 };
    static double get(uint32_t r, int j)
    {
        return (double)weft_as<float>(j ? r & 0xffff0000 : r << 16);
    }
};
struct as_tf32 {
    typedef double type;
    enum { PER_REGISTER = 1 };
    static double get(uint32_t r, int) { return (double)weft_as<float>(r & 0xffffe000); }
};
struct as_s8 {
    typedef int type;
    enum { PER_REGISTER = 4 };
    static int get(uint32_t r, int j) { return (int8_t)(r >> 8 * j); }
};
struct as_u8 {
    typedef int type;
    enum { PER_REGISTER = 4 };
    static int get(uint32_t r, int j) { return (uint8_t)(r >> 8 * j); }
};
struct as_s4 {
    typedef int type;
    enum { PER_REGISTER = 8 };
    static int get(uint32_t r, int j) { return (int)(r << (28 - 4 * j)) >> 28; }
};
struct as_u4 {
    typedef int type;
    enum { PER_REGISTER = 8 };
    static int get(uint32_t r, int j) { return (int)(r >> 4 * j & 15); }
};

/* The lane and its registers that hold A's row `row` and B's column `column`: with e elements a
 * register, lane 4 g + t has A[g + 8 (r & 1)][e t + j + 4 e (r >> 1)] (of 16 rows; of 8 rows
 * register r has none of the first term) and B[e t + j + 4 e r][g] in element j of register r. */
template <class A, class B, int M, int K> struct fragments {
    enum {
        E = A::PER_REGISTER,
        NA = M * K / 32 / E, /* registers */
        NB = 8 * K / 32 / E
    };
    struct mine {
        uint32_t a[NA], b[NB];
    };
    static WEFT_QUIET typename A::type product(const mine *all, int row, int column)
    {
        typename A::type sum = 0;
        for (int k = 0; k < K; k++) {
            int t = k % (4 * E) / E, j = k % E, half = k / (4 * E);
            sum += A::get(all[4 * (row % 8) + t].a[M == 16 ? row / 8 + 2 * half : half], j) *
                   B::get(all[4 * column + t].b[half], j);
        }
        return sum;
    }
    /* Elements 0 to 3 (0, 1 of 8 rows) of the product in this lane. */
    static WEFT_QUIET void multiply(const char *what, const char *file, int line, const mine &m,
                                    typename A::type *d)
    {
        mine all[64];
        gather(what, file, line, &m, sizeof m, all);
        int g = (int)weft_now->self->lane / 4, t = (int)weft_now->self->lane % 4;
        for (int i = 0; i < M / 4; i++)
            d[i] = product(all, g + 8 * (i >> 1), 2 * t + (i & 1));
    }
};

/* What is added in single precision at least is added in double and rounded once. */
template <class F> WEFT_FN void add_to(float &d, float c, F product)
{
    d = (float)((double)c + product);
}
WEFT_FN uint32_t add_halves(uint32_t c, double p0, double p1)
{
    uint16_t lo = __half_as_ushort(__half(as_f16::get(c, 0) + p0)),
             hi = __half_as_ushort(__half(as_f16::get(c, 1) + p1));
    return (uint32_t)hi << 16 | lo;
}
/* Integers wrap around, or saturate. */
WEFT_FN uint32_t add_integers(uint32_t c, int product, bool saturate)
{
    long long sum = (long long)(int)c + product;
    if (saturate)
        sum = sum > 2147483647LL ? 2147483647LL : sum < -2147483648LL ? -2147483648LL : sum;
    return (uint32_t)sum;
}

/* A of 2 registers and 16 rows, A of 4, and what they add to. */
#define WEFT_MMA_FLOAT_2(NAME, T, K)                                                               \
    WEFT_FN void NAME(float &d0, float &d1, float &d2, float &d3, uint32_t a0, uint32_t a1,        \
                      uint32_t b0, float c0, float c1, float c2, float c3, WEFT_HERE)              \
    {                                                                                              \
        double p[4];                                                                               \
        fragments<T, T, 16, K>::multiply("mma.sync", file, line, { { a0, a1 }, { b0 } }, p);       \
        add_to(d0, c0, p[0]), add_to(d1, c1, p[1]), add_to(d2, c2, p[2]), add_to(d3, c3, p[3]);    \
    }
#define WEFT_MMA_FLOAT_4(NAME, T, K)                                                               \
    WEFT_FN void NAME(float &d0, float &d1, float &d2, float &d3, uint32_t a0, uint32_t a1,        \
                      uint32_t a2, uint32_t a3, uint32_t b0, uint32_t b1, float c0, float c1,      \
                      float c2, float c3, WEFT_HERE)                                               \
    {                                                                                              \
        double p[4];                                                                               \
        fragments<T, T, 16, K>::multiply("mma.sync", file, line,                                   \
                                         { { a0, a1, a2, a3 }, { b0, b1 } }, p);                   \
        add_to(d0, c0, p[0]), add_to(d1, c1, p[1]), add_to(d2, c2, p[2]), add_to(d3, c3, p[3]);    \
    }
WEFT_MMA_FLOAT_2(mma_sync_aligned_m16n8k8_row_col_f32_f16_f16_f32, as_f16, 8)
WEFT_MMA_FLOAT_2(mma_sync_aligned_m16n8k8_row_col_f32_bf16_bf16_f32, as_bf16, 8)
WEFT_MMA_FLOAT_2(mma_sync_aligned_m16n8k4_row_col_f32_tf32_tf32_f32, as_tf32, 4)
WEFT_MMA_FLOAT_4(mma_sync_aligned_m16n8k16_row_col_f32_f16_f16_f32, as_f16, 16)
WEFT_MMA_FLOAT_4(mma_sync_aligned_m16n8k16_row_col_f32_bf16_bf16_f32, as_bf16, 16)
WEFT_MMA_FLOAT_4(mma_sync_aligned_m16n8k8_row_col_f32_tf32_tf32_f32, as_tf32, 8)

WEFT_FN void mma_sync_aligned_m16n8k8_row_col_f16_f16_f16_f16(uint32_t &d0, uint32_t &d1,
                                                              uint32_t a0, uint32_t a1, uint32_t b0,
                                                              uint32_t c0, uint32_t c1, WEFT_HERE)
{
    double p[4];
    fragments<as_f16, as_f16, 16, 8>::multiply("mma.sync", file, line, { { a0, a1 }, { b0 } }, p);
    d0 = add_halves(c0, p[0], p[1]), d1 = add_halves(c1, p[2], p[3]);
}
WEFT_FN void mma_sync_aligned_m16n8k16_row_col_f16_f16_f16_f16(uint32_t &d0, uint32_t &d1,
                                                               uint32_t a0, uint32_t a1,
                                                               uint32_t a2, uint32_t a3,
                                                               uint32_t b0, uint32_t b1,
                                                               uint32_t c0, uint32_t c1, WEFT_HERE)
{
    double p[4];
    fragments<as_f16, as_f16, 16, 16>::multiply("mma.sync", file, line,
                                                { { a0, a1, a2, a3 }, { b0, b1 } }, p);
    d0 = add_halves(c0, p[0], p[1]), d1 = add_halves(c1, p[2], p[3]);
}

/* A and B of one double a lane each. */
WEFT_FN void mma_sync_aligned_m8n8k4_row_col_f64_f64_f64_f64(double &d0, double &d1, double a,
                                                             double b, double c0, double c1,
                                                             WEFT_HERE)
{
    struct pair {
        double a, b;
    } mine = { a, b }, all[64];
    gather("mma.sync", file, line, &mine, sizeof mine, all);
    int row = (int)weft_lane() / 4, column = (int)weft_lane() % 4 * 2;
    double s0 = c0, s1 = c1;
    for (int k = 0; k < 4; k++) {
        s0 = __builtin_fma(all[4 * row + k].a, all[4 * column + k].b, s0);
        s1 = __builtin_fma(all[4 * row + k].a, all[4 * (column + 1) + k].b, s1);
    }
    d0 = s0, d1 = s1;
}

#define WEFT_MMA_INTEGER(SHAPE, M, K, ROW, COLUMN, SATURATE, NAME)                                 \
    WEFT_MMA_INTEGER_##SHAPE(NAME##_##ROW##_##COLUMN##_s32, as_##ROW, as_##COLUMN, K, SATURATE)
#define WEFT_MMA_INTEGER_1(NAME, A, B, K, SATURATE)                                                \
    WEFT_FN void NAME(uint32_t &d0, uint32_t &d1, uint32_t a0, uint32_t b0, uint32_t c0,           \
                      uint32_t c1, WEFT_HERE)                                                      \
    {                                                                                              \
        int p[2];                                                                                  \
        fragments<A, B, 8, K>::multiply("mma.sync", file, line, { { a0 }, { b0 } }, p);            \
        d0 = add_integers(c0, p[0], SATURATE), d1 = add_integers(c1, p[1], SATURATE);              \
    }
#define WEFT_MMA_INTEGER_2(NAME, A, B, K, SATURATE)                                                \
    WEFT_FN void NAME(uint32_t &d0, uint32_t &d1, uint32_t &d2, uint32_t &d3, uint32_t a0,         \
                      uint32_t a1, uint32_t b0, uint32_t c0, uint32_t c1, uint32_t c2,             \
                      uint32_t c3, WEFT_HERE)                                                      \
    {                                                                                              \
        int p[4];                                                                                  \
        fragments<A, B, 16, K>::multiply("mma.sync", file, line, { { a0, a1 }, { b0 } }, p);       \
        d0 = add_integers(c0, p[0], SATURATE), d1 = add_integers(c1, p[1], SATURATE);              \
        d2 = add_integers(c2, p[2], SATURATE), d3 = add_integers(c3, p[3], SATURATE);              \
    }
#define WEFT_MMA_INTEGER_4(NAME, A, B, K, SATURATE)                                                \
    WEFT_FN void NAME(uint32_t &d0, uint32_t &d1, uint32_t &d2, uint32_t &d3, uint32_t a0,         \
                      uint32_t a1, uint32_t a2, uint32_t a3, uint32_t b0, uint32_t b1,             \
                      uint32_t c0, uint32_t c1, uint32_t c2, uint32_t c3, WEFT_HERE)               \
    {                                                                                              \
        int p[4];                                                                                  \
        fragments<A, B, 16, K>::multiply("mma.sync", file, line,                                   \
                                         { { a0, a1, a2, a3 }, { b0, b1 } }, p);                   \
        d0 = add_integers(c0, p[0], SATURATE), d1 = add_integers(c1, p[1], SATURATE);              \
        d2 = add_integers(c2, p[2], SATURATE), d3 = add_integers(c3, p[3], SATURATE);              \
    }
#define WEFT_MMA_TYPES(SHAPE, M, K, S, U, SATURATE, NAME)                                          \
    WEFT_MMA_INTEGER(SHAPE, M, K, S, S, SATURATE, NAME)                                            \
    WEFT_MMA_INTEGER(SHAPE, M, K, S, U, SATURATE, NAME)                                            \
    WEFT_MMA_INTEGER(SHAPE, M, K, U, S, SATURATE, NAME)                                            \
    WEFT_MMA_INTEGER(SHAPE, M, K, U, U, SATURATE, NAME)
#define WEFT_MMA_BOTH(SHAPE, M, K, S, U, NAME)                                                     \
    WEFT_MMA_TYPES(SHAPE, M, K, S, U, false, NAME##_s32)                                           \
    WEFT_MMA_TYPES(SHAPE, M, K, S, U, true, NAME##_satfinite_s32)
WEFT_MMA_BOTH(1, 8, 16, s8, u8, mma_sync_aligned_m8n8k16_row_col)
WEFT_MMA_BOTH(2, 16, 16, s8, u8, mma_sync_aligned_m16n8k16_row_col)
WEFT_MMA_BOTH(4, 16, 32, s8, u8, mma_sync_aligned_m16n8k32_row_col)
WEFT_MMA_BOTH(1, 8, 32, s4, u4, mma_sync_aligned_m8n8k32_row_col)
WEFT_MMA_BOTH(2, 16, 32, s4, u4, mma_sync_aligned_m16n8k32_row_col)
WEFT_MMA_BOTH(4, 16, 64, s4, u4, mma_sync_aligned_m16n8k64_row_col)

} // namespace weft_ptx

#endif
