/* emu/shim/spirv_matrix.h: matrices of SPV_KHR_cooperative_matrix, for text that is made of SPIR-V.
 *
 * Which invocation holds which element is the device's to choose: here element e, counted row by
 * row, belongs to one of 32 by a rule that no other device has, and a kernel that believes it knows
 * is wrong.  All 32 have to be there, with the same arguments.
 */
#ifndef WEFT_SPIRV_MATRIX_H
#define WEFT_SPIRV_MATRIX_H

/* USE: 0 A, 1 B, 2 sums. */
template <class T, int R, int C, int USE> struct weft_coop {
    static_assert(R * C % 32 == 0, "32 invocations have no equal shares of the matrix");
    enum { ROWS = R, COLUMNS = C, SHARE = R * C / 32 };
    T x[SHARE];
};

/* The element that is number i of a lane's. */
static WEFT_QUIET __attribute__((const)) int weft_coop_element(int i, int lane)
{
    return i * 32 + (lane * 5 + i * 7 + 3) % 32;
}

static WEFT_QUIET void weft_coop_gather(const char *what, const char *file, int line,
                                        const void *mine, size_t bytes, void *all)
{
    if (weft_exchange(what, file, line, 0xffffffffu, mine, bytes, all) != 0xffffffffu)
        weft_fault(what, file, line, "it needs all 32 invocations of the subgroup");
}

/* Places and strides are multiples of 16 bytes, or of a line's where it has fewer. */
static WEFT_QUIET void weft_coop_agree(const char *what, const char *file, int line, const void *p,
                                       long long stride, size_t element, size_t width)
{
    struct argument {
        const void *p;
        long long stride;
    } mine = { p, stride }, all[64];
    size_t multiple = element * width < 16 ? element * width : 16;
    weft_coop_gather(what, file, line, &mine, sizeof mine, all);
    for (int i = 0; i < 32; i++)
        if (all[i].p != p || all[i].stride != stride)
            weft_fault(what, file, line,
                       "invocations of the subgroup give different pointers or strides");
    if ((uintptr_t)p % multiple)
        weft_fault(what, file, line,
                   "the pointer is no multiple of 16 bytes, or of a line of the matrix");
    if ((size_t)stride * element % multiple)
        weft_fault(what, file, line,
                   "the stride is no multiple of 16 bytes, or of a line of the matrix");
}

template <class M> WEFT_FN long long weft_coop_place(int i, unsigned layout, long long stride)
{
    int e = weft_coop_element(i, (int)weft_lane()), row = e / M::COLUMNS, column = e % M::COLUMNS;
    return layout ? column * stride + row : row * stride + column;
}

template <class T, int R, int C, int USE, class V>
WEFT_FN void weft_coop_fill(weft_coop<T, R, C, USE> &m, const V &v)
{
    for (int i = 0; i < weft_coop<T, R, C, USE>::SHARE; i++)
        m.x[i] = (T)v;
}

template <class T, int R, int C, int USE>
WEFT_FN void weft_coop_load(weft_coop<T, R, C, USE> &m, const T *p, unsigned layout,
                            long long stride, WEFT_HERE)
{
    typedef weft_coop<T, R, C, USE> M;
    weft_coop_agree("OpCooperativeMatrixLoadKHR", file, line, p, stride, sizeof(T),
                    layout ? R : C);
    for (int i = 0; i < M::SHARE; i++)
        m.x[i] = p[weft_coop_place<M>(i, layout, stride)];
}

template <class T, int R, int C, int USE>
WEFT_FN void weft_coop_store(T *p, const weft_coop<T, R, C, USE> &m, unsigned layout,
                             long long stride, WEFT_HERE)
{
    typedef weft_coop<T, R, C, USE> M;
    weft_coop_agree("OpCooperativeMatrixStoreKHR", file, line, p, stride, sizeof(T),
                    layout ? R : C);
    for (int i = 0; i < M::SHARE; i++)
        p[weft_coop_place<M>(i, layout, stride)] = m.x[i];
    weft_coop_gather("OpCooperativeMatrixStoreKHR", file, line, nullptr, 0, nullptr);
}

/* Products are exact and their sum is rounded once; integers wrap. */
WEFT_FN double weft_coop_number(_Float16 x) { return (double)x; }
WEFT_FN double weft_coop_number(float x) { return x; }
WEFT_FN double weft_coop_number(double x) { return x; }
WEFT_FN long long weft_coop_number(signed char x) { return x; }
WEFT_FN long long weft_coop_number(unsigned char x) { return x; }
WEFT_FN long long weft_coop_number(int x) { return x; }
WEFT_FN long long weft_coop_number(unsigned x) { return x; }

template <class T, class U, int M, int N, int K>
static WEFT_QUIET void weft_coop_multiply(weft_coop<U, M, N, 2> &d, const weft_coop<T, M, K, 0> &a,
                                          const weft_coop<T, K, N, 1> &b,
                                          const weft_coop<U, M, N, 2> &c, WEFT_HERE)
{
    struct both {
        T a[M * K / 32], b[K * N / 32];
    } mine, all[64];
    T left[M * K], right[K * N];
    __builtin_memcpy_inline(mine.a, a.x, sizeof mine.a);
    __builtin_memcpy_inline(mine.b, b.x, sizeof mine.b);
    weft_coop_gather("OpCooperativeMatrixMulAddKHR", file, line, &mine, sizeof mine, all);
    for (int l = 0; l < 32; l++) {
        for (int i = 0; i < M * K / 32; i++)
            left[weft_coop_element(i, l)] = all[l].a[i];
        for (int i = 0; i < K * N / 32; i++)
            right[weft_coop_element(i, l)] = all[l].b[i];
    }
    for (int i = 0; i < M * N / 32; i++) {
        int e = weft_coop_element(i, (int)weft_now->self->lane), row = e / N, column = e % N;
        auto sum = weft_coop_number(c.x[i]);
        for (int k = 0; k < K; k++)
            sum += weft_coop_number(left[row * K + k]) * weft_coop_number(right[k * N + column]);
        d.x[i] = (U)sum;
    }
}

#endif
