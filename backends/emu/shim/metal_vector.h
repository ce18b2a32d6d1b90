/* emu/shim/metal_vector.h: the scalar and vector types of the Metal Shading Language
 * (specification, chapter 2).  "v.xy" does not reach the compiler: the text's v.xy is
 * v.weft_lanes<0, 1>(), and what is assigned to, v.weft_places<0, 1>(). */
#ifndef WEFT_METAL_VECTOR_H
#define WEFT_METAL_VECTOR_H

#include "weft_emu_text.h"

#define WEFT_FN static inline __attribute__((unused))

typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef __fp16 half;

/* Rounds to nearest even once, whatever an operation is computed in. */
struct bfloat {
    ushort bits;
    bfloat() = default;
    constexpr bfloat(float x)
        : bits(x != x
                   ? (ushort)0x7fff
                   : (ushort)((weft_as<uint32_t>(x) + 0x7fff + (weft_as<uint32_t>(x) >> 16 & 1)) >>
                              16))
    {
    }
    constexpr bfloat(double x) : bfloat((float)x) {}
    constexpr bfloat(half x) : bfloat((float)x) {}
    template <class T, class = typename weft_if<weft_integer<T>::value>::type>
    constexpr bfloat(T x) : bfloat((float)x)
    {
    }
    constexpr operator float() const { return weft_as<float>((uint32_t)bits << 16); }
};
template <> struct weft_arithmetic<bfloat> {
    static constexpr bool value = true;
};

/* Of two bfloats a bfloat; with anything else they are floats. */
#define WEFT_BFLOAT_OP(OP)                                                                         \
    template <class T>                                                                             \
    WEFT_FN typename weft_if<weft_same<T, bfloat>::value, bfloat>::type operator OP(T a, T b)      \
    {                                                                                              \
        return bfloat((float)a OP(float) b);                                                       \
    }                                                                                              \
    template <class T> WEFT_FN bfloat &operator OP##=(bfloat &a, T b)                              \
    {                                                                                              \
        return a = bfloat((float)a OP(float) b);                                                   \
    }
WEFT_BFLOAT_OP(+)
WEFT_BFLOAT_OP(-)
WEFT_BFLOAT_OP(*)
WEFT_BFLOAT_OP(/)
template <class T>
WEFT_FN typename weft_if<weft_same<T, bfloat>::value, bfloat>::type operator-(T a)
{
    return weft_as<bfloat>((ushort)(a.bits ^ 0x8000));
}

namespace metal
{

template <class T, int N> struct vec;

/* Places of a vector that something is assigned to. */
template <class T, int... I> struct weft_assigned {
    T *at;
    template <class V> void operator=(const V &v) { set(vec<T, sizeof...(I)>(v)); }
    template <class V> void operator+=(const V &v) { set(get() + vec<T, sizeof...(I)>(v)); }
    template <class V> void operator-=(const V &v) { set(get() - vec<T, sizeof...(I)>(v)); }
    template <class V> void operator*=(const V &v) { set(get() * vec<T, sizeof...(I)>(v)); }
    template <class V> void operator/=(const V &v) { set(get() / vec<T, sizeof...(I)>(v)); }
    vec<T, sizeof...(I)> get() const { return vec<T, sizeof...(I)>(at[I]...); }
    void set(vec<T, sizeof...(I)> v)
    {
        int k = 0;
        ((at[I] = v[k++]), ...);
    }
};

/* f applied lane by lane; what it gives decides the type. */
template <class F, class T>
static inline auto weft_map(F f, vec<T, 2> a) -> vec<decltype(f(a.x)), 2>
{
    return vec<decltype(f(a.x)), 2>(f(a.x), f(a.y));
}
template <class F, class T>
static inline auto weft_map(F f, vec<T, 3> a) -> vec<decltype(f(a.x)), 3>
{
    return vec<decltype(f(a.x)), 3>(f(a.x), f(a.y), f(a.z));
}
template <class F, class T>
static inline auto weft_map(F f, vec<T, 4> a) -> vec<decltype(f(a.x)), 4>
{
    return vec<decltype(f(a.x)), 4>(f(a.x), f(a.y), f(a.z), f(a.w));
}
template <class F, class T, class U>
static inline auto weft_map(F f, vec<T, 2> a, vec<U, 2> b) -> vec<decltype(f(a.x, b.x)), 2>
{
    return vec<decltype(f(a.x, b.x)), 2>(f(a.x, b.x), f(a.y, b.y));
}
template <class F, class T, class U>
static inline auto weft_map(F f, vec<T, 3> a, vec<U, 3> b) -> vec<decltype(f(a.x, b.x)), 3>
{
    return vec<decltype(f(a.x, b.x)), 3>(f(a.x, b.x), f(a.y, b.y), f(a.z, b.z));
}
template <class F, class T, class U>
static inline auto weft_map(F f, vec<T, 4> a, vec<U, 4> b) -> vec<decltype(f(a.x, b.x)), 4>
{
    return vec<decltype(f(a.x, b.x)), 4>(f(a.x, b.x), f(a.y, b.y), f(a.z, b.z), f(a.w, b.w));
}
template <class F, class T, class U, class V>
static inline auto weft_map(F f, vec<T, 2> a, vec<U, 2> b, vec<V, 2> c)
    -> vec<decltype(f(a.x, b.x, c.x)), 2>
{
    return vec<decltype(f(a.x, b.x, c.x)), 2>(f(a.x, b.x, c.x), f(a.y, b.y, c.y));
}
template <class F, class T, class U, class V>
static inline auto weft_map(F f, vec<T, 3> a, vec<U, 3> b, vec<V, 3> c)
    -> vec<decltype(f(a.x, b.x, c.x)), 3>
{
    return vec<decltype(f(a.x, b.x, c.x)), 3>(f(a.x, b.x, c.x), f(a.y, b.y, c.y), f(a.z, b.z, c.z));
}
template <class F, class T, class U, class V>
static inline auto weft_map(F f, vec<T, 4> a, vec<U, 4> b, vec<V, 4> c)
    -> vec<decltype(f(a.x, b.x, c.x)), 4>
{
    return vec<decltype(f(a.x, b.x, c.x)), 4>(f(a.x, b.x, c.x), f(a.y, b.y, c.y), f(a.z, b.z, c.z),
                                              f(a.w, b.w, c.w));
}

/* bool and bfloat are copied as what they are kept in. */
template <class T> struct weft_kept {
    typedef T type;
};
template <> struct weft_kept<bool> {
    typedef uchar type;
};
template <> struct weft_kept<bfloat> {
    typedef ushort type;
};

/* What all vectors have.  LANES(M) is M(x) M(y) ... with commas between. */
#define WEFT_VEC_INFIX(N, LANES, OP)                                                               \
    friend inline vec operator OP(vec a, vec b) { return vec(LANES(WEFT_VEC_BOTH, OP)); }          \
    friend inline vec &operator OP##=(vec &a, vec b) { return a = vec(LANES(WEFT_VEC_BOTH, OP)); }
#define WEFT_VEC_BOTH(L, OP) (T)(a.L OP b.L)
#define WEFT_VEC_COMPARE(N, LANES, OP)                                                             \
    friend inline vec<bool, N> operator OP(vec a, vec b)                                           \
    {                                                                                              \
        return vec<bool, N>(LANES(WEFT_VEC_TRUTH, OP));                                            \
    }
#define WEFT_VEC_TRUTH(L, OP) (a.L OP b.L)
#define WEFT_VEC_ONE(L, OP)   (T)(OP a.L)
#define WEFT_VEC_NOT(L, OP)   (!a.L)
#define WEFT_VEC_FROM(L, OP)  (T) a.L
#define WEFT_VEC_MEMBERS(N, LANES)                                                                 \
    vec() = default;                                                                               \
    vec(const vec &other)                                                                          \
    {                                                                                              \
        weft_copy_whole<weft_whole<typename weft_kept<T>::type, N>>(this, &other);                 \
    }                                                                                              \
    vec &operator=(const vec &other)                                                               \
    {                                                                                              \
        weft_copy_whole<weft_whole<typename weft_kept<T>::type, N>>(this, &other);                 \
        return *this;                                                                              \
    }                                                                                              \
    template <class U> constexpr explicit vec(const vec<U, N> &a) : vec(LANES(WEFT_VEC_FROM, )) {} \
    T &operator[](size_t i) { return lane[weft_lane_number(i, N)]; }                               \
    const T &operator[](size_t i) const { return lane[weft_lane_number(i, N)]; }                   \
    template <int... I> vec<T, sizeof...(I)> weft_lanes() const                                    \
    {                                                                                              \
        static_assert(((I < N) && ...), "the vector has no such lane");                            \
        return vec<T, sizeof...(I)>(lane[I]...);                                                   \
    }                                                                                              \
    template <int... I> weft_assigned<T, I...> weft_places()                                       \
    {                                                                                              \
        static_assert(((I < N) && ...), "the vector has no such lane");                            \
        return weft_assigned<T, I...>{ lane };                                                     \
    }                                                                                              \
    WEFT_VEC_INFIX(N, LANES, +)                                                                    \
    WEFT_VEC_INFIX(N, LANES, -)                                                                    \
    WEFT_VEC_INFIX(N, LANES, *)                                                                    \
    WEFT_VEC_INFIX(N, LANES, /)                                                                    \
    WEFT_VEC_INFIX(N, LANES, %)                                                                    \
    WEFT_VEC_INFIX(N, LANES, &)                                                                    \
    WEFT_VEC_INFIX(N, LANES, |)                                                                    \
    WEFT_VEC_INFIX(N, LANES, ^)                                                                    \
    WEFT_VEC_INFIX(N, LANES, <<)                                                                   \
    WEFT_VEC_INFIX(N, LANES, >>)                                                                   \
    WEFT_VEC_COMPARE(N, LANES, ==)                                                                 \
    WEFT_VEC_COMPARE(N, LANES, !=)                                                                 \
    WEFT_VEC_COMPARE(N, LANES, <)                                                                  \
    WEFT_VEC_COMPARE(N, LANES, <=)                                                                 \
    WEFT_VEC_COMPARE(N, LANES, >)                                                                  \
    WEFT_VEC_COMPARE(N, LANES, >=)                                                                 \
    WEFT_VEC_COMPARE(N, LANES, &&)                                                                 \
    WEFT_VEC_COMPARE(N, LANES, ||)                                                                 \
    friend inline vec operator-(vec a) { return vec(LANES(WEFT_VEC_ONE, -)); }                     \
    friend inline vec operator+(vec a) { return a; }                                               \
    friend inline vec operator~(vec a) { return vec(LANES(WEFT_VEC_ONE, ~)); }                     \
    friend inline vec<bool, N> operator!(vec a) { return vec<bool, N>(LANES(WEFT_VEC_NOT, )); }    \
    vec &operator++() { return *this += vec((T)1); }                                               \
    vec &operator--() { return *this -= vec((T)1); }

static inline size_t weft_lane_number(size_t i, size_t n)
{
    if (i >= n)
        weft_fault("a lane of a vector", "", 0, "the vector has no lane of that number");
    return i;
}

#define WEFT_LANES2(M, OP) M(x, OP), M(y, OP)
#define WEFT_LANES3(M, OP) M(x, OP), M(y, OP), M(z, OP)
#define WEFT_LANES4(M, OP) M(x, OP), M(y, OP), M(z, OP), M(w, OP)

template <class T> struct alignas(2 * sizeof(T)) vec<T, 2> {
    union {
        struct {
            T x, y;
        };
        struct {
            T r, g;
        };
        T lane[2];
    };
    constexpr vec(T a) : vec(a, a) {}
    constexpr vec(T a, T b) : x(a), y(b) {}
    WEFT_VEC_MEMBERS(2, WEFT_LANES2)
};

template <class T> struct alignas(4 * sizeof(T)) vec<T, 3> {
    union {
        struct {
            T x, y, z;
        };
        struct {
            T r, g, b;
        };
        T lane[3];
    };
    constexpr vec(T a) : vec(a, a, a) {}
    constexpr vec(T a, T b_, T c) : x(a), y(b_), z(c) {}
    constexpr vec(vec<T, 2> v, T c) : vec(v.x, v.y, c) {}
    constexpr vec(T a, vec<T, 2> v) : vec(a, v.x, v.y) {}
    WEFT_VEC_MEMBERS(3, WEFT_LANES3)
};

template <class T> struct alignas(4 * sizeof(T)) vec<T, 4> {
    union {
        struct {
            T x, y, z, w;
        };
        struct {
            T r, g, b, a;
        };
        T lane[4];
    };
    constexpr vec(T s) : vec(s, s, s, s) {}
    constexpr vec(T s, T t, T p, T q) : x(s), y(t), z(p), w(q) {}
    constexpr vec(vec<T, 2> v, T p, T q) : vec(v.x, v.y, p, q) {}
    constexpr vec(T s, vec<T, 2> v, T q) : vec(s, v.x, v.y, q) {}
    constexpr vec(T s, T t, vec<T, 2> v) : vec(s, t, v.x, v.y) {}
    constexpr vec(vec<T, 2> v, vec<T, 2> u) : vec(v.x, v.y, u.x, u.y) {}
    constexpr vec(vec<T, 3> v, T q) : vec(v.x, v.y, v.z, q) {}
    constexpr vec(T s, vec<T, 3> v) : vec(s, v.x, v.y, v.z) {}
    WEFT_VEC_MEMBERS(4, WEFT_LANES4)
};

/* Vectors without alignment of their own. */
template <class T, int N> struct packed_vec {
    T lane[N];
    packed_vec() = default;
    packed_vec(vec<T, N> v)
    {
        for (int i = 0; i < N; i++)
            lane[i] = v[(size_t)i];
    }
    operator vec<T, N>() const
    {
        vec<T, N> v;
        for (int i = 0; i < N; i++)
            v[(size_t)i] = lane[i];
        return v;
    }
    T &operator[](size_t i) { return lane[weft_lane_number(i, N)]; }
    const T &operator[](size_t i) const { return lane[weft_lane_number(i, N)]; }
};

template <class T, size_t N> struct array {
    T element[N];
    constexpr T &operator[](size_t i) { return element[i]; }
    constexpr const T &operator[](size_t i) const { return element[i]; }
    constexpr size_t size() const { return N; }
};

} // namespace metal

#define WEFT_METAL_TYPES(T)                                                                        \
    typedef metal::vec<T, 2> T##2;                                                                 \
    typedef metal::vec<T, 3> T##3;                                                                 \
    typedef metal::vec<T, 4> T##4;                                                                 \
    typedef metal::packed_vec<T, 2> packed_##T##2;                                                 \
    typedef metal::packed_vec<T, 3> packed_##T##3;                                                 \
    typedef metal::packed_vec<T, 4> packed_##T##4;
WEFT_METAL_TYPES(bool)
WEFT_METAL_TYPES(char)
WEFT_METAL_TYPES(uchar)
WEFT_METAL_TYPES(short)
WEFT_METAL_TYPES(ushort)
WEFT_METAL_TYPES(int)
WEFT_METAL_TYPES(uint)
WEFT_METAL_TYPES(long)
WEFT_METAL_TYPES(ulong)
WEFT_METAL_TYPES(half)
WEFT_METAL_TYPES(bfloat)
WEFT_METAL_TYPES(float)

template <class T, size_t N> struct weft_grain<metal::array<T, N>> : weft_grain<T> {
};
template <class T, int N> struct weft_grain<metal::packed_vec<T, N>> : weft_grain<T> {
};
template <class T, int N> struct weft_grain<const metal::packed_vec<T, N>> : weft_grain<T> {
};

template <class To, class From> static inline To as_type(From from)
{
    static_assert(sizeof(To) == sizeof(From), "as_type needs a type of the same size");
    To to;
    __builtin_memcpy(&to, &from, sizeof to);
    return to;
}

#endif
