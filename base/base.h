/* base/base.h: what every part stands on.  No part of base knows what a kernel or a model is. */
#ifndef WEFT_BASE_H
#define WEFT_BASE_H

#include <stdarg.h>
#include <stdio.h>
#include <weft/types.h>

/* ---- arena (arena.c) -------------------------------------------------------------------------
 * Memory that is given back all at once.  A zeroed weft_arena is empty and ready.  Allocations are
 * zeroed and aligned for any type; none is ever freed alone.  Out of memory prints and aborts:
 * readers of hostile data check sizes before they allocate (weft_fail with WEFT_LIMIT).
 * Not thread-safe: one arena a thread at a time.
 */
typedef struct weft_block weft_block;
typedef struct weft_arena {
    weft_block *top;
    size_t total; /* bytes handed out since the start or the last reset */
} weft_arena;

void *weft_arena_alloc(weft_arena *, size_t bytes);
/* The same for sizes that a file decides: NULL when out of memory. */
void *weft_arena_try_alloc(weft_arena *, size_t bytes);
/* n elements of `size` bytes; aborts as out of memory when the product overflows. */
void *weft_arena_array(weft_arena *, size_t n, size_t size);
#define WEFT_NEW(arena, type)          ((type *)weft_arena_alloc(arena, sizeof(type)))
#define WEFT_NEW_ARRAY(arena, n, type) ((type *)weft_arena_array(arena, (size_t)(n), sizeof(type)))
/* A copy of n bytes; of a string (NULL gives NULL); of a formatted string. */
void *weft_arena_dup(weft_arena *, const void *, size_t n);
char *weft_arena_strdup(weft_arena *, const char *);
char *weft_arena_strndup(weft_arena *, const char *, size_t n);
char *weft_arena_printf(weft_arena *, const char *fmt, ...) WEFT_PRINTF(2, 3);
/* Frees everything; the arena is empty and usable again. */
void weft_arena_reset(weft_arena *);

/* ---- growable vector (vec.c) -----------------------------------------------------------------
 * WEFT_VEC(int) v = { 0 };  *WEFT_PUSH(&arena, &v) = 7;  v.at[0];  v.n
 * Lives in an arena; growth leaves the old block behind (sizes double, so at most as much again).
 */
#define WEFT_VEC(type)                                                                             \
    struct {                                                                                       \
        type *at;                                                                                  \
        int n, cap;                                                                                \
    }
/* A pointer to a new zeroed last element. */
#define WEFT_PUSH(arena, v)                                                                        \
    ((v)->n < (v)->cap                                                                             \
         ? 0                                                                                       \
         : ((v)->at = weft_vec_grow(arena, (v)->at, (v)->n, &(v)->cap, sizeof *(v)->at), 0),       \
     &(v)->at[(v)->n++])
void *weft_vec_grow(weft_arena *, const void *at, int n, int *cap, size_t size);

/* ---- strings (str.c) -------------------------------------------------------------------------
 * A growable byte string on the heap, always terminated by a zero.  `{ 0 }` is the empty one.
 */
typedef struct weft_str {
    char *at; /* NULL while empty */
    size_t n, cap;
} weft_str;

void weft_str_add(weft_str *, const char *);
void weft_str_addn(weft_str *, const char *, size_t n);
void weft_str_addf(weft_str *, const char *fmt, ...) WEFT_PRINTF(2, 3);
void weft_str_vaddf(weft_str *, const char *fmt, va_list) WEFT_PRINTF(2, 0);
/* The text, "" if empty; valid until the next change. */
const char *weft_str_text(const weft_str *);
/* Hands over the malloc'ed text, never NULL; the string is empty afterwards. */
char *weft_str_take(weft_str *);
void weft_str_free(weft_str *);

/* ---- hashing (hash.c) ------------------------------------------------------------------------ */
uint32_t weft_hash_mix(uint32_t h, uint64_t v); /* one step of FNV-1a over eight bytes */
enum { WEFT_HASH_SEED = 2166136261u >> 1 };
uint64_t weft_hash_bytes(const void *, size_t n); /* FNV-1a, 64 bits */
/* SHA-256 (FIPS 180-4, by libcrypto) as 64 lower-case hex digits and a zero. */
void weft_sha256(const void *, size_t n, char hex[65]);

/* A map from byte strings to integers.  Iterate your own array, never the map. */
typedef struct weft_map weft_map;
weft_map *weft_map_create(weft_arena *);
/* Another one of the same keys and values, in the same arena. */
weft_map *weft_map_copy(const weft_map *);
/* The slot of the key, made with value -1 if new; valid until the next weft_map_slot. */
int64_t *weft_map_slot(weft_map *, const void *key, size_t n);
/* The value, or -1. */
int64_t weft_map_get(const weft_map *, const void *key, size_t n);

/* ---- diagnostics (diag.c) --------------------------------------------------------------------
 * Collects messages for a person.  The first error decides the status; later ones are kept as text
 * up to a bound.  A message is a sentence: what, which object, the numbers and the limit, what to
 * do.  Thread-safe: several workers may report to one weft_diag.
 */
typedef struct weft_place { /* where in a text; line 0: the whole file */
    const char *file;
    int line, column;   /* from 1 */
    const char *source; /* the text `line` is in, for the caret; may be NULL */
} weft_place;

typedef struct weft_diag weft_diag;
WEFT_API weft_diag *weft_diag_create(void);
WEFT_API void weft_diag_destroy(weft_diag *);
/* Records an error and returns its status, so that `return weft_fail(...)` reads well.
 * diag may be NULL: then only the status is returned. */
weft_status weft_fail(weft_diag *, weft_status, const char *fmt, ...) WEFT_PRINTF(3, 4);
/* The same with a place in a text: "file:line:col: error: message", the line, a caret. */
weft_status weft_fail_at(weft_diag *, weft_status, weft_place, const char *fmt, ...)
    WEFT_PRINTF(4, 5);
void weft_warn(weft_diag *, const char *fmt, ...) WEFT_PRINTF(2, 3);
/* WEFT_OK or the status of the first error. */
WEFT_API weft_status weft_diag_status(const weft_diag *);
/* All messages, one or more lines each, "" if none; borrowed. */
WEFT_API const char *weft_diag_text(const weft_diag *);
/* The same to be said again within another message: without the "error: " that it begins with and
 * the newline that it ends with; *n bytes. */
const char *weft_diag_said(const weft_diag *, int *n);
/* Message i of those kept, told as weft_diag_said does; its status, WEFT_OK of a warning.  NULL:
 * there are no more. */
const char *weft_diag_message(const weft_diag *, int i, int *n, weft_status *);
/* Of all that was said the first line alone. */
const char *weft_diag_first(const weft_diag *, int *n);
/* Forgets everything. */
void weft_diag_clear(weft_diag *);

/* ---- dtypes (dtype.c) ------------------------------------------------------------------------ */
typedef enum weft_dkind {
    WEFT_KIND_BOOL,
    WEFT_KIND_INT,
    WEFT_KIND_UINT,
    WEFT_KIND_FLOAT
} weft_dkind;
weft_dkind weft_dtype_kind(weft_dtype);
static inline bool
weft_is_float(weft_dtype t)
{
    return weft_dtype_kind(t) == WEFT_KIND_FLOAT;
}
static inline bool
weft_is_int(weft_dtype t)
{
    return weft_dtype_kind(t) == WEFT_KIND_INT || weft_dtype_kind(t) == WEFT_KIND_UINT;
}
int weft_dtype_mantissa(weft_dtype); /* explicit mantissa bits of a float, 0 otherwise */
int weft_dtype_dlpack(weft_dtype);   /* DLPack type code, or -1 */
/* The dtype of that name, or WEFT_DTYPE_COUNT. */
weft_dtype weft_dtype_parse(const char *name, size_t n);
/* Bytes that `count` elements take (packed types rounded up); false on overflow of int64. */
bool weft_dtype_bytes(weft_dtype, int64_t count, int64_t *bytes);
/* Least and greatest value of an integer type (u64's greatest as UINT64_MAX's bits). */
int64_t weft_dtype_min(weft_dtype);
int64_t weft_dtype_max(weft_dtype);
/* The same of a float type: infinities where it has them. */
double weft_dtype_least(weft_dtype);
double weft_dtype_greatest(weft_dtype);
/* v in two's complement of the type's width, sign- or zero-extended; of bool: v != 0. */
int64_t weft_wrap_i64(weft_dtype, int64_t v);
/* Element i of an array of dtype, as a double (exact but for 64-bit integers) or as an integer. */
double weft_get_f64(weft_dtype, const void *data, int64_t i);
int64_t weft_get_i64(weft_dtype, const void *data, int64_t i);
/* Stores with the rounding of doc/IR.md: to nearest even for floats, two's complement wrap for
 * integers from integers, truncation and saturation (NaN to 0) for integers from floats. */
void weft_set_f64(weft_dtype, void *data, int64_t i, double);
void weft_set_i64(weft_dtype, void *data, int64_t i, int64_t);
/* v rounded to the nearest value of a float dtype. */
double weft_round_to(weft_dtype, double v);

/* ---- checked integers ------------------------------------------------------------------------ */
static inline bool
weft_mul64(int64_t a, int64_t b, int64_t *r)
{
    return !__builtin_mul_overflow(a, b, r);
}
static inline bool
weft_add64(int64_t a, int64_t b, int64_t *r)
{
    return !__builtin_add_overflow(a, b, r);
}
static inline int64_t
weft_floordiv(int64_t a, int64_t b)
{
    int64_t q = a / b;
    return q - ((a % b != 0) & ((a < 0) != (b < 0)));
}
static inline int64_t
weft_floormod(int64_t a, int64_t b)
{
    int64_t m = a % b;
    return m != 0 && (m < 0) != (b < 0) ? m + b : m;
}
/* The greatest common divisor, from 0 on: 0 of two zeros.  Where it is 2^63 it is INT64_MIN. */
static inline int64_t
weft_gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t r = b == -1 ? 0 : a % b;
        a = b;
        b = r;
    }
    return a < 0 ? (int64_t)(0 - (uint64_t)a) : a;
}
static inline int64_t
weft_ceildiv(int64_t a, int64_t b)
{
    return -weft_floordiv(-a, b);
}
static inline int64_t
weft_round_up(int64_t a, int64_t to)
{
    return weft_ceildiv(a, to) * to;
}
/* Of numbers whose product is known to be one: the extents of a tensor that is there. */
static inline int64_t
weft_product_of(int n, const int64_t *v)
{
    int64_t all = 1;
    for (int i = 0; i < n; i++)
        all *= v[i];
    return all;
}

/* ---- integer expressions over symbols (iexpr.c) ----------------------------------------------
 * What a module's plan is written in: sizes, grids, offsets, scalar arguments.
 *   e := integer | symbol | e + e | e - e | e * e | e // e | e % e | min(e, e) | max(e, e) | (e)
 * `//` and `%` are floor.  All arithmetic is int64 and checked: overflow or division by zero is an
 * error, never a wrap.
 */
typedef struct weft_iexpr weft_iexpr;
typedef struct weft_symbols { /* what the symbols are bound to */
    int n;
    const char *const *name;
    const int64_t *value;
} weft_symbols;
/* Reads one expression that takes up the whole text; every symbol must be among `names`.
 * Depth and length are bounded.  NULL after an error reported to diag. */
const weft_iexpr *weft_iexpr_parse(weft_arena *, weft_diag *, const char *text, int nnames,
                                   const char *const *names);
weft_status weft_iexpr_eval(const weft_iexpr *, const int64_t *value, weft_diag *, int64_t *result);
/* True and *v set when the expression has no symbol. */
bool weft_iexpr_const(const weft_iexpr *, int64_t *v);
/* Whether it has one of the symbols that are marked. */
bool weft_iexpr_mentions(const weft_iexpr *, const bool *marked);
/* Bounds of its value where symbol i is from low[i] to high[i]: some value between may not occur,
 * none outside does.  A divisor is taken for one that is not 0. */
weft_status weft_iexpr_range(const weft_iexpr *, const int64_t *low, const int64_t *high,
                             weft_diag *, int64_t *least, int64_t *most);

/* ---- memory packer (pack.c) ------------------------------------------------------------------
 * Places blocks with lifetimes in as few bytes as it can: greedy by size, best fit (first-fit
 * gaps).  Two blocks whose lifetimes [first, last] overlap never share a byte.
 */
typedef struct weft_pack_item {
    int64_t size, align; /* bytes; align a power of two */
    int first, last;     /* steps, inclusive */
    int arena;           /* out: which arena, from 0 */
    int64_t offset;      /* out: bytes from the arena's start */
} weft_pack_item;
/* Arenas hold at most max_arena bytes each (0: no limit), an item larger than that fails with
 * WEFT_LIMIT.  *narena arenas of arena_size[i] bytes come from `arena`.  Deterministic. */
weft_status weft_pack(weft_arena *arena, weft_diag *, weft_pack_item *item, int n,
                      int64_t max_arena, int *narena, int64_t **arena_size);

/* ---- worker threads (workers.c) --------------------------------------------------------------
 * Runs job(user, i) for i in 0..n on up to `threads` threads (0: one a core) and waits.  Jobs are
 * taken in order.  With threads 1 everything runs on the caller's.
 */
void weft_parallel_for(int threads, int n, void (*job)(void *user, int i), void *user);
int weft_cpu_count(void);

/* ---- files (file.c) --------------------------------------------------------------------------
 * Whole files; every error names the path and the system's reason.
 */
typedef struct weft_file { /* mapped read-only; data[size] is not readable */
    const uint8_t *data;
    size_t size;
} weft_file;
weft_status weft_file_map(weft_diag *, const char *path, weft_file *);
void weft_file_unmap(weft_file *);
/* The file as a zero-terminated malloc'ed text; at most max_bytes, else WEFT_LIMIT. */
weft_status weft_file_read(weft_diag *, const char *path, size_t max_bytes, char **text, size_t *n);
/* Writes to a temporary beside it and renames, so that no reader sees half a file. */
weft_status weft_file_write(weft_diag *, const char *path, const void *data, size_t n);
typedef struct weft_piece {
    const void *data;
    size_t size;
} weft_piece;
/* The same of n pieces, one after the other. */
weft_status weft_file_write_pieces(weft_diag *, const char *path, const weft_piece *, int n);
weft_status weft_make_dirs(weft_diag *, const char *path); /* like mkdir -p */
/* Seconds of a monotonic clock. */
double weft_now(void);

/* A broken invariant of our own: prints and aborts.  Never for what a user can cause. */
#define weft_assert(cond, ...)                                                                     \
    ((cond) ? (void)0 : weft_assert_fail(#cond, __FILE__, __LINE__, "" __VA_ARGS__))
_Noreturn void weft_assert_fail(const char *cond, const char *file, int line, const char *fmt, ...)
    WEFT_PRINTF(4, 5);

#endif
