/* emu/shim/weft_emu_text.h: the text's side of weft_emu.h, the same for CUDA and Metal.
 *
 * Every access that the text makes is preceded by a call of __tsan_*, which asks the device.  What
 * is marked WEFT_QUIET makes no such calls: it is how the shim itself touches memory.  No standard
 * header is included: what the text may use is what shim/ defines.
 */
#ifndef WEFT_EMU_TEXT_H
#define WEFT_EMU_TEXT_H

#include "weft_emu.h"
#include "weft_emu_quick.h"

#define WEFT_QUIET                                                                                 \
    __attribute__((noinline, unused, disable_sanitizer_instrumentation, no_sanitize("all")))

/* The worker that runs this OS thread's blocks; a fiber never changes its worker. */
static thread_local weft_emu_worker *weft_now;

static WEFT_QUIET void weft_enter(weft_emu_worker *worker) { weft_now = worker; }

static WEFT_QUIET weft_emu_worker *weft_worker() { return weft_now; }

[[noreturn]] static WEFT_QUIET void weft_fault(const char *what, const char *file, int line,
                                               const char *sentence)
{
    weft_emu_place place = { what, file, line };
    weft_now->host->fault(weft_now, &place, sentence);
    __builtin_trap();
}

static WEFT_QUIET void weft_misaligned(const void *p, size_t bytes, const char *what)
{
    char sentence[120];
    __builtin_snprintf(sentence, sizeof sentence,
                       "%s %d bytes at address %p, which is no multiple of %d", what, (int)bytes, p,
                       (int)bytes);
    weft_now->host->fault(weft_now, nullptr, sentence);
}

/* ---- accesses -------------------------------------------------------------------------------- */

#define WEFT_HOOK extern "C" WEFT_QUIET __attribute__((used))

WEFT_HOOK void __tsan_init() {}
/* Called by each function that is not inlined, with its frame made. */
WEFT_HOOK void __tsan_func_entry(void *)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    if (here - weft_now->window[0].start < WEFT_EMU_STACK_END)
        weft_now->host->fault(weft_now, nullptr, "its calls need more stack than a thread has");
}
WEFT_HOOK void __tsan_func_exit() {}
WEFT_HOOK void __tsan_vptr_read(void **) {}
WEFT_HOOK void __tsan_vptr_update(void **, void *) {}

/* Nearly all accesses pass what is looked at here; of the others the device knows more. */
static WEFT_QUIET void weft_read(const void *p, size_t n)
{
    weft_emu_worker *w = weft_now;
    if (n != 0 && !weft_emu_quick_read(w, p, n))
        w->host->read(w, p, n);
}

static WEFT_QUIET void weft_write(const void *p, size_t n)
{
    weft_emu_worker *w = weft_now;
    if (n != 0 && !weft_emu_quick_write(w, p, n))
        w->host->write(w, p, n);
}

/* Of these the compiler takes for granted that they are aligned; a processor would not mind. */
template <size_t N> static WEFT_EMU_QUICK void weft_align(const void *p, const char *what)
{
    if (__builtin_expect((uintptr_t)p % N != 0, 0))
        weft_misaligned(p, N, what);
}

/* Four bytes are what is loaded most; the other sizes share their code, which is compiled anew with
 * each text. */
WEFT_HOOK void __tsan_read4(void *p)
{
    weft_emu_worker *w = weft_now;
    weft_align<4>(p, "reads");
    if (__builtin_expect(!weft_emu_quick_read(w, p, 4), 0))
        w->host->read(w, p, 4);
}

WEFT_HOOK void __tsan_write4(void *p)
{
    weft_emu_worker *w = weft_now;
    weft_align<4>(p, "writes");
    if (__builtin_expect(!weft_emu_quick_write(w, p, 4), 0))
        w->host->write(w, p, 4);
}

#define WEFT_ACCESS(BYTES)                                                                         \
    WEFT_HOOK void __tsan_read##BYTES(void *p)                                                     \
    {                                                                                              \
        weft_align<BYTES>(p, "reads");                                                             \
        weft_read(p, BYTES);                                                                       \
    }                                                                                              \
    WEFT_HOOK void __tsan_write##BYTES(void *p)                                                    \
    {                                                                                              \
        weft_align<BYTES>(p, "writes");                                                            \
        weft_write(p, BYTES);                                                                      \
    }
WEFT_ACCESS(1)
WEFT_ACCESS(2)
WEFT_ACCESS(8)
WEFT_ACCESS(16)

WEFT_HOOK void __tsan_read_range(void *p, size_t n) { weft_read(p, n); }
WEFT_HOOK void __tsan_write_range(void *p, size_t n) { weft_write(p, n); }

#define WEFT_UNALIGNED(BYTES)                                                                      \
    WEFT_HOOK void __tsan_unaligned_read##BYTES(void *p) { weft_read(p, BYTES); }                  \
    WEFT_HOOK void __tsan_unaligned_write##BYTES(void *p) { weft_write(p, BYTES); }
WEFT_UNALIGNED(2)
WEFT_UNALIGNED(4)
WEFT_UNALIGNED(8)
WEFT_UNALIGNED(16)

/* Copies of structures arrive here as calls: ours, before those of the C library. */
#define WEFT_OWN_COPY __attribute__((no_builtin("memcpy", "memmove", "memset")))

extern "C" WEFT_OWN_COPY WEFT_QUIET __attribute__((used)) void *memmove(void *to, const void *from,
                                                                        size_t n)
{
    char *d = (char *)to;
    const char *s = (const char *)from;
    if (n == 0)
        return to;
    weft_read(from, n);
    weft_write(to, n);
    if (n == 16)
        __builtin_memcpy_inline(d, s, 16);
    else if ((size_t)(d - s) < n)
        while (n-- > 0)
            d[n] = s[n];
    else
        for (size_t i = 0; i < n; i++)
            d[i] = s[i];
    return to;
}

extern "C" WEFT_OWN_COPY WEFT_QUIET __attribute__((used)) void *memcpy(void *to, const void *from,
                                                                       size_t n)
{
    return memmove(to, from, n);
}

extern "C" WEFT_OWN_COPY WEFT_QUIET __attribute__((used)) void *memset(void *to, int byte, size_t n)
{
    weft_write(to, n);
    for (size_t i = 0; i < n; i++)
        ((char *)to)[i] = (char)byte;
    return to;
}

WEFT_HOOK void *__tsan_memcpy(void *to, const void *from, size_t n) { return memmove(to, from, n); }
WEFT_HOOK void *__tsan_memmove(void *to, const void *from, size_t n)
{
    return memmove(to, from, n);
}
WEFT_HOOK void *__tsan_memset(void *to, int byte, size_t n) { return memset(to, byte, n); }

/* ---- undefined behaviour, as clang reports it ------------------------------------------------ */

struct weft_ub_place {
    const char *file;
    uint32_t line, column;
};

struct weft_ub_type {
    uint16_t kind, info; /* kind 0: an integer of 2^(info / 2) bits, signed if info is odd */
    char name[1];
};

struct weft_ub_index {
    weft_ub_place place;
    const weft_ub_type *array, *index;
};

struct weft_ub_division {
    weft_ub_place place;
    const weft_ub_type *type;
};

static WEFT_QUIET long long weft_ub_value(const weft_ub_type *type, uint64_t value)
{
    int unused = 64 - (1 << (type->info >> 1));
    bool is_signed = type->info & 1;
    if (unused <= 0)
        return (long long)value;
    return is_signed ? (long long)(value << unused) >> unused
                     : (long long)(value << unused >> unused);
}

WEFT_HOOK void __ubsan_handle_out_of_bounds_abort(const weft_ub_index *data, uint64_t value)
{
    char sentence[300];
    __builtin_snprintf(sentence, sizeof sentence, "column %u: index %lld is outside of %s",
                       data->place.column, weft_ub_value(data->index, value), data->array->name);
    weft_fault("an index", data->place.file, (int)data->place.line, sentence);
}

WEFT_HOOK void __ubsan_handle_divrem_overflow_abort(const weft_ub_division *data, uint64_t left,
                                                    uint64_t)
{
    char sentence[300];
    __builtin_snprintf(sentence, sizeof sentence, "column %u: %lld is divided by zero",
                       data->place.column, weft_ub_value(data->type, left));
    weft_fault("a division", data->place.file, (int)data->place.line, sentence);
}

WEFT_HOOK void __ubsan_handle_out_of_bounds(const weft_ub_index *data, uint64_t value)
{
    __ubsan_handle_out_of_bounds_abort(data, value);
}
WEFT_HOOK void __ubsan_handle_divrem_overflow(const weft_ub_division *data, uint64_t left,
                                              uint64_t right)
{
    __ubsan_handle_divrem_overflow_abort(data, left, right);
}
/* ---- types ----------------------------------------------------------------------------------- */

template <class A, class B> struct weft_same {
    static constexpr bool value = false;
};
template <class A> struct weft_same<A, A> {
    static constexpr bool value = true;
};
template <bool B, class T = void> struct weft_if {
};
template <class T> struct weft_if<true, T> {
    typedef T type;
};
template <bool B, class T, class F> struct weft_pick {
    typedef T type;
};
template <class T, class F> struct weft_pick<false, T, F> {
    typedef F type;
};
template <class T> struct weft_plain {
    typedef T type;
};
template <class T> struct weft_plain<const T> {
    typedef T type;
};
template <class T> struct weft_plain<volatile T> {
    typedef T type;
};
template <class T> struct weft_plain<const volatile T> {
    typedef T type;
};

template <class T> struct weft_integer {
    static constexpr bool value = false;
};
#define WEFT_INTEGER(T)                                                                            \
    template <> struct weft_integer<T> {                                                           \
        static constexpr bool value = true;                                                        \
    };
WEFT_INTEGER(bool)
WEFT_INTEGER(char)
WEFT_INTEGER(signed char)
WEFT_INTEGER(unsigned char)
WEFT_INTEGER(short)
WEFT_INTEGER(unsigned short)
WEFT_INTEGER(int)
WEFT_INTEGER(unsigned int)
WEFT_INTEGER(long)
WEFT_INTEGER(unsigned long)
WEFT_INTEGER(long long)
WEFT_INTEGER(unsigned long long)

template <class T> struct weft_arithmetic {
    static constexpr bool value = weft_integer<T>::value || weft_same<T, float>::value ||
                                  weft_same<T, double>::value || weft_same<T, __fp16>::value;
};

/* The grain of a type: bytes of what a thread can write without touching its neighbour's.  Vectors
 * have members x. */
template <class T> uint32_t constexpr weft_grain_of(decltype(T::x) *) { return sizeof(T::x); }
template <class T> uint32_t constexpr weft_grain_of(...)
{
    return weft_arithmetic<T>::value ? sizeof(T) : 1;
}
template <class T> struct weft_grain {
    static constexpr uint32_t bytes = weft_grain_of<typename weft_plain<T>::type>(nullptr);
};
template <class T, size_t N> struct weft_grain<T[N]> : weft_grain<T> {
};
template <class T, size_t N> struct weft_grain<const T[N]> : weft_grain<T> {
};
template <> struct weft_grain<void> {
    static constexpr uint32_t bytes = 1;
};
template <> struct weft_grain<const void> {
    static constexpr uint32_t bytes = 1;
};

static constexpr uint64_t weft_larger(uint64_t a, uint64_t b) { return a > b ? a : b; }

template <class To, class From> static constexpr To weft_as(From from)
{
    static_assert(sizeof(To) == sizeof(From), "bits are read as a type of another size");
    return __builtin_bit_cast(To, from);
}

/* N lanes of T as values that are loaded and stored by one access each, which has to be aligned:
 * one of them, or several of 16 bytes, as accesses beyond that are not told to us. */
template <class T, int N> struct weft_whole {
    enum { LANES = N * sizeof(T) > 16 ? 16 / sizeof(T) : N, COUNT = (N + LANES - 1) / LANES };
    typedef T type __attribute__((ext_vector_type(LANES)));
};
template <class W> static inline void weft_copy_whole(void *to, const void *from)
{
    for (int i = 0; i < W::COUNT; i++)
        ((typename W::type *)to)[i] = ((const typename W::type *)from)[i];
}

/* ---- roundings ------------------------------------------------------------------------------- */

/* x as a float; where that is not exact, the one of its two neighbours whose last bit is 1: it is
 * rounded again, to fewer bits, as x itself would be. */
static inline float weft_odd(double x)
{
    float f = (float)x;
    uint32_t bits = weft_as<uint32_t>(f);
    double magnitude = __builtin_fabs((double)f);
    if ((double)f == x || x != x || bits & 1)
        return f;
    return weft_as<float>(magnitude > __builtin_fabs(x) ? bits - 1 : bits + 1);
}

/* a * b + c, where a * b is exact in double, to be rounded again in the same way. */
static inline double weft_odd_fma(double a, double b, double c)
{
    double p = a * b, s = p + c, other = s - p, lost = (p - (s - other)) + (c - other);
    uint64_t bits = weft_as<uint64_t>(s);
    if (!(lost < 0 || lost > 0) || bits & 1 || !__builtin_isfinite(s))
        return s;
    return weft_as<double>((lost > 0) == (s > 0) ? bits + 1 : bits - 1);
}

/* ---- shared memory, arguments, entries ------------------------------------------------------- */

static WEFT_QUIET void *weft_shared(const weft_emu_array *array)
{
    return weft_now->host->shared(weft_now, array);
}

static WEFT_QUIET void *weft_dynamic_shared(const weft_emu_array *array)
{
    return weft_now->host->dynamic_shared(weft_now, array);
}

/* An argument, as whatever type of its kind the parameter has. */
struct weft_buffer {
    void *at;
    explicit weft_buffer(void *p) : at(p) {}
    template <class T> operator T *() const { return (T *)at; }
};

struct weft_scalar {
    int64_t value;
    explicit weft_scalar(int64_t v) : value(v) {}
    template <class T> operator T() const
    {
        static_assert(weft_integer<T>::value, "a scalar argument is an integer");
        return (T)value;
    }
};

/* Parameter I of a kernel. */
template <int I, class F> struct weft_parameter;
template <int I, class R, class A, class... P>
struct weft_parameter<I, R(A, P...)> : weft_parameter<I - 1, R(P...)> {
};
template <class R, class A, class... P> struct weft_parameter<0, R(A, P...)> {
    static_assert(sizeof(A) == 0, "a buffer argument is a pointer");
};
template <class R, class T, class... P> struct weft_parameter<0, R(T *, P...)> {
    static constexpr uint32_t bytes = weft_grain<T>::bytes;
    static constexpr bool written = true;
};
template <class R, class T, class... P> struct weft_parameter<0, R(const T *, P...)> {
    static constexpr uint32_t bytes = weft_grain<T>::bytes;
    static constexpr bool written = false;
};

#define WEFT_EMU_ENTRIES(N, ENTRY)                                                                 \
    static const weft_emu_entries weft_all_entries = { WEFT_EMU_VERSION, N, ENTRY };               \
    extern "C" __attribute__((visibility("default"))) const weft_emu_entries *                     \
    weft_emu_entries_of()                                                                          \
    {                                                                                              \
        return &weft_all_entries;                                                                  \
    }

/* ---- threads together ------------------------------------------------------------------------ */

/* The place of a call, in functions that the text calls. */
#define WEFT_HERE const char *file = __builtin_FILE(), int line = __builtin_LINE()

static WEFT_QUIET void weft_barrier(const char *what, const char *file, int line, int memory)
{
    weft_emu_place place = { what, file, line };
    weft_now->host->barrier(weft_now, &place, memory);
}

/* 64 lanes at most. */
template <class T> struct weft_lanes_of {
    uint64_t mask; /* who took part */
    T lane[64];
};

static WEFT_QUIET uint64_t weft_exchange(const char *what, const char *file, int line,
                                         uint64_t mask, const void *mine, size_t bytes, void *all)
{
    weft_emu_place place = { what, file, line };
    return weft_now->host->exchange(weft_now, &place, mask, mine, bytes, all);
}

static WEFT_QUIET uint64_t weft_exchange_active(const char *what, const char *file, int line,
                                                const void *mine, size_t bytes, void *all)
{
    weft_emu_place place = { what, file, line };
    return weft_now->host->exchange_active(weft_now, &place, mine, bytes, all);
}

static WEFT_QUIET __attribute__((const)) uint32_t weft_lane() { return weft_now->self->lane; }

/* ---- atomics --------------------------------------------------------------------------------- */

enum weft_atomic_op {
    WEFT_ADD,
    WEFT_AND,
    WEFT_OR,
    WEFT_XOR,
    WEFT_EXCHANGE,
    WEFT_STORE,
    WEFT_MIN,
    WEFT_MAX,
    WEFT_UMIN,
    WEFT_UMAX,
    WEFT_INC,
    WEFT_DEC,
    WEFT_CAS,
    WEFT_LOAD,
    WEFT_FADD,
    WEFT_FMIN,
    WEFT_FMAX
};

/* What an integer of these bits becomes; S is the signed type, F the float of that size. */
template <class U, class S, class F>
static inline __attribute__((always_inline)) U weft_atomic_value(weft_atomic_op op, U old, U v,
                                                                 U compare)
{
    switch (op) {
    case WEFT_ADD:
        return old + v;
    case WEFT_AND:
        return old & v;
    case WEFT_OR:
        return old | v;
    case WEFT_XOR:
        return old ^ v;
    case WEFT_EXCHANGE:
    case WEFT_STORE:
        return v;
    case WEFT_MIN:
        return (S)v < (S)old ? v : old;
    case WEFT_MAX:
        return (S)v > (S)old ? v : old;
    case WEFT_UMIN:
        return v < old ? v : old;
    case WEFT_UMAX:
        return v > old ? v : old;
    case WEFT_INC:
        return old >= v ? 0 : old + 1;
    case WEFT_DEC:
        return old == 0 || old > v ? v : old - 1;
    case WEFT_CAS:
        return old == compare ? v : old;
    case WEFT_LOAD:
        return old;
    case WEFT_FADD:
        return weft_as<U>((F)(weft_as<F>(old) + weft_as<F>(v)));
    case WEFT_FMIN:
        return weft_as<F>(v) < weft_as<F>(old) ? v : old;
    case WEFT_FMAX:
        return weft_as<F>(v) > weft_as<F>(old) ? v : old;
    }
    return old;
}

#define WEFT_ATOMIC(NAME, U, S, F)                                                                 \
    static WEFT_QUIET U NAME(const volatile void *p, weft_atomic_op op, U v, U compare = 0)        \
    {                                                                                              \
        U old;                                                                                     \
        weft_align<sizeof(U)>((const void *)p, "writes atomically");                               \
        weft_now->host->atomic(weft_now, (const void *)p, sizeof(U), op != WEFT_STORE);            \
        __atomic_load((U *)p, &old, __ATOMIC_SEQ_CST);                                             \
        for (;;) {                                                                                 \
            U next = weft_atomic_value<U, S, F>(op, old, v, compare);                              \
            if (__atomic_compare_exchange((U *)p, &old, &next, false, __ATOMIC_SEQ_CST,            \
                                          __ATOMIC_SEQ_CST))                                       \
                return old;                                                                        \
        }                                                                                          \
    }
WEFT_ATOMIC(weft_atomic16, uint16_t, int16_t, __fp16)
WEFT_ATOMIC(weft_atomic32, uint32_t, int32_t, float)
WEFT_ATOMIC(weft_atomic64, uint64_t, int64_t, double)

#endif
