/* emu/shim/mma.h: nvcuda::wmma, as the CUDA programming guide's section on warp matrix functions
 * has it, in the shapes and types of sm_80.
 *
 * Which elements a lane holds is the guide's secret: here, every 32nd from its own number on.
 */
#ifndef WEFT_MMA_H
#define WEFT_MMA_H

#include "cuda_bf16.h"
#include "cuda_fp16.h"

namespace nvcuda
{
namespace wmma
{

struct row_major {
};
struct col_major {
};
enum layout_t { mem_row_major, mem_col_major };
struct matrix_a {
};
struct matrix_b {
};
struct accumulator {
};
namespace precision
{
struct tf32 {
};
} // namespace precision

/* How an element is kept in memory, and what it is worth in a product. */
template <class T> struct weft_element;
#define WEFT_WMMA_ELEMENT(T, STORED, NUMBER, VALUE, MULTIPLE)                                      \
    template <> struct weft_element<T> {                                                           \
        typedef STORED stored;                                                                     \
        typedef NUMBER number;                                                                     \
        enum { LDM = MULTIPLE };                                                                   \
        static NUMBER value(STORED x) { return VALUE; }                                            \
    };
WEFT_WMMA_ELEMENT(__half, __half, double, (double)(float)x, 8)
WEFT_WMMA_ELEMENT(__nv_bfloat16, __nv_bfloat16, double, (double)(float)x, 8)
WEFT_WMMA_ELEMENT(precision::tf32, float, double,
                  (double)weft_as<float>(weft_as<uint32_t>(x) & 0xffffe000), 4)
WEFT_WMMA_ELEMENT(float, float, double, (double)x, 4)
WEFT_WMMA_ELEMENT(double, double, double, x, 2)
WEFT_WMMA_ELEMENT(signed char, signed char, int, x, 16)
WEFT_WMMA_ELEMENT(unsigned char, unsigned char, int, x, 16)
WEFT_WMMA_ELEMENT(int, int, int, x, 4)

template <int M, int N, int K> constexpr bool weft_is_shape(int m, int n, int k)
{
    return M == m && N == n && K == k;
}
template <class T, int M, int N, int K> constexpr bool weft_has_shape()
{
    if (weft_same<T, double>::value)
        return weft_is_shape<M, N, K>(8, 8, 4);
    if (weft_same<T, precision::tf32>::value)
        return weft_is_shape<M, N, K>(16, 16, 8);
    bool wide = weft_is_shape<M, N, K>(16, 16, 16) || weft_is_shape<M, N, K>(32, 8, 16) ||
                weft_is_shape<M, N, K>(8, 32, 16);
    bool sums = weft_same<T, float>::value || weft_same<T, int>::value;
    return wide || (weft_same<T, float>::value && weft_is_shape<M, N, K>(16, 16, 8) && sums);
}

template <class Use, int M, int N, int K> struct weft_extent;
template <int M, int N, int K> struct weft_extent<matrix_a, M, N, K> {
    enum { ROWS = M, COLUMNS = K };
};
template <int M, int N, int K> struct weft_extent<matrix_b, M, N, K> {
    enum { ROWS = K, COLUMNS = N };
};
template <int M, int N, int K> struct weft_extent<accumulator, M, N, K> {
    enum { ROWS = M, COLUMNS = N };
};

template <class Use, int M, int N, int K, class T, class Layout = void> struct fragment {
    static_assert(weft_has_shape<T, M, N, K>(),
                  "sm_80 has no wmma fragments of this type and shape");
    typedef typename weft_element<T>::stored element_type;
    typedef element_type storage_element_type;
    enum {
        ROWS = weft_extent<Use, M, N, K>::ROWS,
        COLUMNS = weft_extent<Use, M, N, K>::COLUMNS,
        num_elements = ROWS * COLUMNS / 32,
        num_storage_elements = num_elements
    };
    element_type x[num_elements];
};

/* All 32 lanes have to be there, with the same arguments. */
static WEFT_QUIET void weft_gather(const char *what, const char *file, int line, const void *mine,
                                   size_t bytes, void *all)
{
    if (weft_exchange(what, file, line, 0xffffffffu, mine, bytes, all) != 0xffffffffu)
        weft_fault(what, file, line, "it needs all 32 lanes of the warp");
}
static WEFT_QUIET void weft_agree(const char *what, const char *file, int line, const void *p,
                                  unsigned ldm, unsigned multiple)
{
    struct argument {
        const void *p;
        size_t ldm;
    } mine = { p, ldm }, all[64];
    weft_gather(what, file, line, &mine, sizeof mine, all);
    for (int i = 0; i < 32; i++)
        if (all[i].p != p || all[i].ldm != ldm)
            weft_fault(what, file, line, "lanes of the warp give different addresses or strides");
    if ((uintptr_t)p % 32)
        weft_fault(what, file, line, "the address is no multiple of 32 bytes");
    if (ldm % multiple)
        weft_fault(what, file, line, "the stride is no multiple of 16 bytes");
}

template <class F, class T> WEFT_FN void weft_load(F &f, const T *p, unsigned ldm, bool rows)
{
    for (int i = 0; i < F::num_elements; i++) {
        unsigned at = (unsigned)i * 32 + weft_lane(), row = at / F::COLUMNS,
                 column = at % F::COLUMNS;
        f.x[i] = p[rows ? row * ldm + column : column * ldm + row];
    }
}

template <class Use, int M, int N, int K, class T, class Layout, class E>
WEFT_FN void load_matrix_sync(fragment<Use, M, N, K, T, Layout> &f, const E *p, unsigned ldm,
                              WEFT_HERE)
{
    static_assert(!weft_same<Layout, void>::value, "an accumulator is loaded with its layout");
    weft_agree("load_matrix_sync", file, line, p, ldm, weft_element<T>::LDM);
    weft_load(f, p, ldm, weft_same<Layout, row_major>::value);
}
template <int M, int N, int K, class T, class E>
WEFT_FN void load_matrix_sync(fragment<accumulator, M, N, K, T> &f, const E *p, unsigned ldm,
                              layout_t layout, WEFT_HERE)
{
    weft_agree("load_matrix_sync", file, line, p, ldm, weft_element<T>::LDM);
    weft_load(f, p, ldm, layout == mem_row_major);
}
template <int M, int N, int K, class T, class E>
WEFT_FN void store_matrix_sync(E *p, const fragment<accumulator, M, N, K, T> &f, unsigned ldm,
                               layout_t layout, WEFT_HERE)
{
    typedef fragment<accumulator, M, N, K, T> F;
    weft_agree("store_matrix_sync", file, line, p, ldm, weft_element<T>::LDM);
    for (int i = 0; i < F::num_elements; i++) {
        unsigned at = (unsigned)i * 32 + weft_lane(), row = at / F::COLUMNS,
                 column = at % F::COLUMNS;
        p[layout == mem_row_major ? row * ldm + column : column * ldm + row] = f.x[i];
    }
    weft_exchange("store_matrix_sync", file, line, 0xffffffffu, nullptr, 0, nullptr);
}
template <class Use, int M, int N, int K, class T, class Layout, class V>
WEFT_FN void fill_fragment(fragment<Use, M, N, K, T, Layout> &f, const V &v)
{
    for (int i = 0; i < fragment<Use, M, N, K, T, Layout>::num_elements; i++)
        f.x[i] = (typename weft_element<T>::stored)v;
}

WEFT_FN float __float_to_tf32(float x)
{
    uint32_t bits = weft_as<uint32_t>(x);
    return x != x || __builtin_isinf(x) ? x : weft_as<float>((bits + 0x1000) & 0xffffe000);
}

/* What is added in single precision at least is added in double and rounded once. */
WEFT_FN void weft_add(float &d, float c, double p, bool) { d = (float)((double)c + p); }
WEFT_FN void weft_add(__half &d, __half c, double p, bool) { d = __half((double)(float)c + p); }
WEFT_FN void weft_add(double &d, double c, double p, bool) { d = c + p; }
WEFT_FN void weft_add(int &d, int c, int p, bool saturate)
{
    long long sum = (long long)c + p;
    if (saturate)
        sum = sum > 2147483647LL ? 2147483647LL : sum < -2147483648LL ? -2147483648LL : sum;
    d = (int)sum;
}

template <class T, class D, class C> struct weft_adds {
    static constexpr bool value = false;
};
#define WEFT_WMMA_ADDS(T, D, C)                                                                    \
    template <> struct weft_adds<T, D, C> {                                                        \
        static constexpr bool value = true;                                                        \
    };
WEFT_WMMA_ADDS(__half, float, float)
WEFT_WMMA_ADDS(__half, __half, __half)
WEFT_WMMA_ADDS(__half, float, __half)
WEFT_WMMA_ADDS(__half, __half, float)
WEFT_WMMA_ADDS(__nv_bfloat16, float, float)
WEFT_WMMA_ADDS(precision::tf32, float, float)
WEFT_WMMA_ADDS(double, double, double)
WEFT_WMMA_ADDS(signed char, int, int)
WEFT_WMMA_ADDS(unsigned char, int, int)

/* D may be C, and may have another type. */
template <int M, int N, int K, class T, class LA, class LB, class TD, class TC>
static WEFT_QUIET void weft_multiply(const char *file, int line,
                                     fragment<accumulator, M, N, K, TD> &d,
                                     const fragment<matrix_a, M, N, K, T, LA> &a,
                                     const fragment<matrix_b, M, N, K, T, LB> &b,
                                     const fragment<accumulator, M, N, K, TC> &c, bool saturate)
{
    typedef weft_element<T> E;
    struct both {
        typename E::stored a[M * K / 32], b[K * N / 32];
    };
    both mine, all[64];
    __builtin_memcpy_inline(mine.a, a.x, sizeof mine.a);
    __builtin_memcpy_inline(mine.b, b.x, sizeof mine.b);
    weft_gather("mma_sync", file, line, &mine, sizeof mine, all);
    for (int i = 0; i < fragment<accumulator, M, N, K, TD>::num_elements; i++) {
        int at = i * 32 + (int)weft_now->self->lane, row = at / N, column = at % N;
        typename E::number sum = 0;
        for (int k = 0; k < K; k++) {
            int p = row * K + k, q = k * N + column;
            sum += E::value(all[p % 32].a[p / 32]) * E::value(all[q % 32].b[q / 32]);
        }
        typename weft_element<TC>::stored from;
        typename weft_element<TD>::stored to;
        from = c.x[i];
        to = from;
        weft_add(to, to, sum, saturate);
        d.x[i] = to;
    }
}
template <int M, int N, int K, class T, class LA, class LB, class TD, class TC>
WEFT_FN void mma_sync(fragment<accumulator, M, N, K, TD> &d,
                      const fragment<matrix_a, M, N, K, T, LA> &a,
                      const fragment<matrix_b, M, N, K, T, LB> &b,
                      const fragment<accumulator, M, N, K, TC> &c, bool saturate = false, WEFT_HERE)
{
    static_assert(weft_adds<T, TD, TC>::value, "sm_80 has no wmma of these types");
    weft_multiply(file, line, d, a, b, c, saturate);
}

} // namespace wmma
} // namespace nvcuda

#endif
