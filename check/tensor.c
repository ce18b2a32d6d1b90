/* check/tensor.c: host tensors: files, fills and what is printed of them. */
#include "check/tensors.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int64_t
weft_element_count(const weft_const *c)
{
    int64_t n = 1;
    for (int d = 0; d < c->ndim; d++)
        if (!weft_mul64(n, c->dim[d], &n))
            return INT64_MAX;
    return n;
}

enum { MAX_TENSOR = 1 << 30 };

weft_status
weft_tensor_room(const char *name, weft_arena *arena, weft_const *c, weft_diag *diag)
{
    int64_t bytes;
    if (!weft_dtype_bytes(c->dtype, weft_element_count(c), &bytes) || bytes > MAX_TENSOR)
        return weft_fail(diag, WEFT_LIMIT,
                         "tensor '%s' is too large: a command takes and gives tensors of at most "
                         "%d bytes; larger ones run through libweft_rt",
                         name, MAX_TENSOR);
    c->size = (size_t)bytes;
    c->data = weft_arena_try_alloc(arena, c->size + 1);
    if (!c->data)
        return weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for tensor '%s' of %zu bytes", name,
                         c->size);
    return WEFT_OK;
}

weft_status
weft_read_tensor(const char *path, weft_arena *arena, weft_const *c, weft_diag *diag)
{
    const char *name, *dot = strrchr(path, '.');
    if (dot && strcmp(dot, ".pb") == 0)
        return weft_read_tensor_pb(path, arena, c, &name, diag);
    if (dot && strcmp(dot, ".npy") == 0)
        return weft_read_npy(path, arena, c, diag);
    return weft_fail(diag, WEFT_INVALID_ARGUMENT, "%s: a tensor is read from a .npy or a .pb file",
                     path);
}

/* ---- writing --------------------------------------------------------------------------------- */

static void
add_file_name(weft_str *path, const char *name)
{
    for (const char *p = name; *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
                     (*p >= '0' && *p <= '9') || *p == '.' || *p == '_' || *p == '-';
        if (plain)
            weft_str_addn(path, p, 1);
        else
            weft_str_addf(path, "%%%02X", (unsigned char)*p);
    }
}

void
weft_tensor_path(weft_str *path, const char *dir, const char *name, weft_dtype dtype)
{
    const char *descr;
    weft_str_addf(path, "%s/", dir);
    add_file_name(path, name);
    weft_str_add(path, weft_npy_descr(dtype, &descr) ? ".npy" : ".pb");
}

/* Version 1 header, padded so that the data starts at a multiple of 64. */
static void
add_npy_header(weft_str *s, const char *descr, const weft_const *c)
{
    weft_str h = { 0 };
    weft_str_addf(&h, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    for (int d = 0; d < c->ndim; d++)
        weft_str_addf(&h, "%s%" PRIi64 "%s", d ? " " : "", c->dim[d],
                      d + 1 < c->ndim || c->ndim == 1 ? "," : "");
    weft_str_add(&h, "), }");
    while ((10 + h.n + 1) % 64 != 0)
        weft_str_add(&h, " ");
    weft_str_add(&h, "\n");
    weft_str_addn(s, "\x93NUMPY\x01\x00", 8);
    weft_str_addn(s, (char[]){ (char)(h.n & 0xff), (char)(h.n >> 8) }, 2);
    weft_str_addn(s, h.at, h.n);
    weft_str_free(&h);
}

weft_status
weft_write_tensor(const char *dir, const char *name, const weft_const *c, weft_diag *diag)
{
    weft_str path = { 0 }, head = { 0 };
    const char *descr;
    weft_status status;
    weft_tensor_path(&path, dir, name, c->dtype);
    if (weft_npy_descr(c->dtype, &descr)) {
        add_npy_header(&head, descr, c);
        const weft_piece piece[] = { { head.at, head.n }, { c->data, c->size } };
        status = weft_file_write_pieces(diag, path.at, piece, 2);
    } else {
        status = weft_write_tensor_pb(path.at, name, c, diag);
    }
    weft_str_free(&path);
    weft_str_free(&head);
    return status;
}

/* ---- filling --------------------------------------------------------------------------------- */

/* SplitMix64 (Steele, Lea, Flood 2014) in counter mode: the same numbers on every machine. */
static uint64_t
splitmix(uint64_t seed, uint64_t i)
{
    uint64_t z = seed + (i + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Uniform in [-1, 1) for floats, 0..9 for integers, 0 or 1 for bool. */
static void
fill_random(uint64_t seed, const char *name, weft_const *c)
{
    void *data = (void *)(uintptr_t)c->data;
    uint64_t key = seed ^ weft_hash_bytes(name, strlen(name));
    int64_t n = weft_element_count(c);
    for (int64_t i = 0; i < n; i++) {
        uint64_t r = splitmix(key, (uint64_t)i);
        if (weft_is_float(c->dtype))
            weft_set_f64(c->dtype, data, i, (double)(r >> 40) / (1 << 23) - 1);
        else
            weft_set_i64(c->dtype, data, i, (int64_t)(r >> 40) % (c->dtype == WEFT_BOOL ? 2 : 10));
    }
}

static void
fill_counting(weft_const *c, int64_t first, int64_t step)
{
    void *data = (void *)(uintptr_t)c->data;
    int64_t n = weft_element_count(c);
    for (int64_t i = 0; i < n; i++) {
        if (weft_is_float(c->dtype))
            weft_set_f64(c->dtype, data, i, (double)(first + i * step));
        else
            weft_set_i64(c->dtype, data, i, first + i * step);
    }
}

static void
fill_ones(weft_const *c)
{
    int64_t n = weft_element_count(c);
    if (weft_dtype_bits(c->dtype) < 8 || n < 2) {
        fill_counting(c, 1, 0);
        return;
    }
    char *data = (void *)(uintptr_t)c->data;
    size_t each = (size_t)weft_dtype_bits(c->dtype) / 8, all = each * (size_t)n;
    if (weft_is_float(c->dtype))
        weft_set_f64(c->dtype, data, 0, 1);
    else
        weft_set_i64(c->dtype, data, 0, 1);
    for (size_t done = each; done < all; done *= 2)
        memcpy(data + done, data, done < all - done ? done : all - done);
}

weft_status
weft_fill(const char *how, const char *name, weft_const *c, weft_diag *diag)
{
    char *end;
    if (strcmp(how, "arange") == 0) {
        fill_counting(c, 0, 1);
        return WEFT_OK;
    }
    if (strcmp(how, "ones") == 0) {
        fill_ones(c);
        return WEFT_OK;
    }
    if (strncmp(how, "random:", 7) == 0) {
        uint64_t seed = strtoull(how + 7, &end, 10);
        if (how[7] && !*end) {
            fill_random(seed, name, c);
            return WEFT_OK;
        }
    }
    return weft_fail(diag, WEFT_INVALID_ARGUMENT, "--fill '%s': it is random:SEED, arange or ones",
                     how);
}

/* ---- printing -------------------------------------------------------------------------------- */

void
weft_print_tensor(const char *name, const weft_const *c)
{
    int64_t n = weft_element_count(c);
    double min = INFINITY, max = -INFINITY, sum = 0;
    int64_t nans = 0;
    for (int64_t i = 0; i < n; i++) {
        double v = weft_get_f64(c->dtype, c->data, i);
        nans += isnan(v);
        min = v < min ? v : min;
        max = v > max ? v : max;
        sum += v;
    }
    printf("%s %s[", name, weft_dtype_name(c->dtype));
    for (int d = 0; d < c->ndim; d++)
        printf("%s%" PRIi64, d ? "," : "", c->dim[d]);
    if (n == 0)
        puts("] empty");
    else
        printf("] min %.6g max %.6g mean %.6g", min, max, sum / (double)n);
    if (nans)
        printf(" (%" PRIi64 " NaN)", nans);
    if (n)
        putchar('\n');
}
