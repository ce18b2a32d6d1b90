/* tests/schedules/tiles.c: random products on matrix units, with their schedules.
 *
 * What tensorize asks of a schedule as a whole (doc/IR.md, section 7) no row of primitives drawn one
 * by one would meet: here the schedule is that of a product through shared memory, or straight from
 * global memory to global memory, and what is drawn is the unit, the sizes, how many subgroups and
 * tiles there are, the depth and stages of what is fetched, the order of loops and what is unrolled.
 */
#include "schedules.h"

#include <string.h>

/* A unit, and the lines of shared memory that it takes matrices from: their length modulo `align`. */
typedef struct unit {
    const char *name, *target;
    bool turned; /* B is n x k always */
    int align, offset, steps;
} unit;

static const unit units[] = {
    { "wmma_16x16x16_f16_f32", "cuda:sm_80", false, 16, 8, 2 },
    { "wmma_16x16x16_f16_f16", "cuda:sm_80", false, 16, 8, 2 },
    { "wmma_16x16x16_bf16_f32", "cuda:sm_80", false, 16, 8, 2 },
    { "wmma_16x16x8_tf32_f32", "cuda:sm_80", false, 8, 4, 2 },
    { "wmma_8x8x4_f64_f64", "cuda:sm_80", false, 4, 2, 2 },
    { "wmma_16x16x16_i8_i32", "cuda:sm_80", true, 32, 0, 1 },
    { "wmma_32x8x16_f16_f32", "cuda:sm_80", true, 16, 8, 2 },
    { "simdgroup_8x8x8_f16_f32", "metal:apple8", false, 8, 4, 2 },
    { "simdgroup_8x8x8_f32_f32", "metal:apple8", false, 8, 4, 2 },
    { "coop_16x16x16_f16_f32", "vulkan:rdna3", false, 16, 8, 2 },
    { "coop_16x16x16_i8_i32", "vulkan:rdna3", true, 32, 16, 1 },
    { "coop_16x8x16_f16_f32", "vulkan:ampere", false, 16, 8, 2 },
    { "coop_16x8x8_f16_f16", "vulkan:ampere", true, 16, 8, 2 },
    { "wmma_16x16x16_f16_f32", "vulkan:ampere", false, 16, 8, 2 }, /* coop's, by another name */
    { "simdgroup_8x8x8_bf16_f32", "metal:apple9", false, 8, 4, 2 },
};

typedef struct tiling {
    rng *r;
    pair *p;
    const unit *u;
    const weft_matrix *t;
    bool turned, direct;
    int m, n, k;              /* of the product */
    int down, across;         /* subgroups of a block */
    int high, wide;           /* tiles of a subgroup */
    int steps;                /* of the unit in what is fetched at once */
    const char *factor, *sum; /* dtypes */
    weft_arena scratch;
} tiling;

#define LINE(t, ...)                                                                               \
    do {                                                                                           \
        weft_str_add(&(t)->p->line, "    ");                                                       \
        weft_str_addf(&(t)->p->line, __VA_ARGS__);                                                 \
        weft_str_add(&(t)->p->line, "\n");                                                         \
    } while (0)

static void
unroll(tiling *t, const char *axis)
{
    if (once_in(t->r, 2))
        LINE(t, "unroll(%s)", axis);
}

/* ---- the program ----------------------------------------------------------------------------- */

static void
write_program(tiling *t, weft_str *s)
{
    const char *cast = t->t->factor == t->t->sum ? "" : t->sum;
    const char *kind = !weft_is_float(t->t->sum) ? "" : ".0";
    const char *suffix = t->t->sum == WEFT_F32 || t->t->sum == WEFT_I32 ? "" : t->sum;
    weft_str_addf(s, "te p(A: %s[%d, %d], B: %s[%d, %d], bias: %s[%d]) {\n", t->factor, t->m, t->k,
                  t->factor, t->turned ? t->n : t->k, t->turned ? t->k : t->n, t->sum, t->n);
    weft_str_addf(s, "    C[i < %d, j < %d] = sum(r < %d) %s(A[i, r]) * %s(B[%s])\n", t->m, t->n,
                  t->k, cast, cast, t->turned ? "j, r" : "r, j");
    weft_str_addf(s, "    D[i < %d, j < %d] = max(C[i, j] + bias[j], 0%s%s)\n}\n", t->m, t->n, kind,
                  suffix);
}

/* ---- through shared memory ------------------------------------------------------------------- */

/* A fused loop over what is there, on the block's threads. */
static void
on_threads(tiling *t, const char *whole, const char *name)
{
    LINE(t, "%s1, %sx = split(%s, 32)", name, name, whole);
    LINE(t, "%s2, %sy = split(%s1, %d)", name, name, name, t->down);
    LINE(t, "bind(%sx, thread.x)", name);
    LINE(t, "bind(%sy, thread.y)", name);
    if (t->across == 1 && once_in(t->r, 2))
        return;
    LINE(t, "%s3, %sz = split(%s2, %d)", name, name, name, t->across);
    LINE(t, "bind(%sz, thread.z)", name);
}

static void
write_result(tiling *t)
{
    LINE(t, "by, di = split(D.i, %d)", t->down * t->high * t->t->m);
    LINE(t, "bx, dj = split(D.j, %d)", t->across * t->wide * t->t->n);
    LINE(t, "reorder(D, by, bx, di, dj)");
    LINE(t, "bind(by, block.y)");
    LINE(t, "bind(bx, block.x)");
    LINE(t, "d = fuse(di, dj)");
    on_threads(t, "d", "d");
    LINE(t, "compute_at(C, D, bx)");
    LINE(t, "cy, ci = split(C.i, %d)", t->high * t->t->m);
    LINE(t, "cx, cj = split(C.j, %d)", t->wide * t->t->n);
    LINE(t, "cio, cii = split(ci, %d)", t->t->m);
    LINE(t, "cjo, cji = split(cj, %d)", t->t->n);
    LINE(t, "reorder(C, cy, cx, %s, cii, cji)", once_in(t->r, 2) ? "cio, cjo" : "cjo, cio");
    LINE(t, "bind(cy, thread.y)");
    LINE(t, "bind(cx, thread.z)");
    unroll(t, "cio");
    unroll(t, "cjo");
    LINE(t, "tensorize(cii, %s)", t->u->name);
    LINE(t, "compute_at(Cf, C, cx)");
}

static void
write_product(tiling *t)
{
    LINE(t, "fio, fii = split(Cf.i, %d)", t->t->m);
    LINE(t, "fjo, fji = split(Cf.j, %d)", t->t->n);
    LINE(t, "ro, rr = split(Cf.r, %d)", t->steps * t->t->k);
    LINE(t, "rm, ri = split(rr, %d)", t->t->k);
    LINE(t, "reorder(Cf, ro, rm, %s, fii, fji, ri)", once_in(t->r, 2) ? "fio, fjo" : "fjo, fio");
    unroll(t, "fio");
    unroll(t, "fjo");
    unroll(t, "rm");
    LINE(t, "tensorize(fii, %s)", t->u->name);
}

/* The factor in fragments, a tile of `rows` by `cols` each. */
static void
write_fragments(tiling *t, const char *factor, const char *rows, int high, const char *cols,
                int wide)
{
    LINE(t, "compute_at(%sf, Cf, rm)", factor);
    LINE(t, "%so, %si = split(%sf.%s, %d)", factor, factor, factor, rows, high);
    LINE(t, "%sp, %sj = split(%sf.%s, %d)", factor, factor, factor, cols, wide);
    LINE(t, "reorder(%sf, %so, %sp, %si, %sj)", factor, factor, factor, factor, factor);
    unroll(t, weft_arena_printf(&t->scratch, "%so", factor));
    LINE(t, "tensorize(%si, %s)", factor, t->u->name);
}

/* The factor in shared memory, fetched by all threads. */
static void
write_fetch(tiling *t, const char *factor, const char *name, int stages)
{
    LINE(t, "compute_at(%ss, Cf, ro)", factor);
    if (t->u->offset == 0 || once_in(t->r, 2))
        LINE(t, "storage_align(%ss, 0, %d, %d)", factor, t->u->align, t->u->offset);
    LINE(t, "%s = fuse(%ss.i0, %ss.i1)", name, factor, factor);
    on_threads(t, name, name);
    if (stages > 1)
        LINE(t, "buffer_stages(%ss, %d)", factor, stages);
}

static void
write_staged(tiling *t)
{
    int stages = t->high + t->wide < 4 ? 1 + pick(t->r, 3) : 1 + pick(t->r, 2);
    LINE(t, "set_scope(C, shared)");
    LINE(t, "Cf = cache_write(C, fragment)");
    LINE(t, "As = cache_read(A, shared, Cf)");
    LINE(t, "Af = cache_read(As, fragment, Cf)");
    LINE(t, "Bs = cache_read(B, shared, Cf)");
    LINE(t, "Bf = cache_read(Bs, fragment, Cf)");
    write_result(t);
    write_product(t);
    write_fragments(t, "A", "i0", t->t->m, "i1", t->t->k);
    write_fragments(t, "B", t->turned ? "i1" : "i0", t->t->k, t->turned ? "i0" : "i1", t->t->n);
    write_fetch(t, "A", "fa", stages);
    write_fetch(t, "B", "fb", stages);
}

/* ---- straight -------------------------------------------------------------------------------- */

static void
write_direct(tiling *t)
{
    LINE(t, "compute_root(C)");
    LINE(t, "Cf = cache_write(C, fragment)");
    LINE(t, "io, ii = split(C.i, %d)", t->t->m);
    LINE(t, "jo, ji = split(C.j, %d)", t->t->n);
    LINE(t, "reorder(C, io, jo, ii, ji)");
    LINE(t, "bind(io, block.y)");
    LINE(t, "bind(jo, block.x)");
    LINE(t, "tensorize(ii, %s)", t->u->name);
    LINE(t, "compute_at(Cf, C, jo)");
    LINE(t, "fii, fi = split(Cf.i, %d)", t->t->m);
    LINE(t, "fjj, fj = split(Cf.j, %d)", t->t->n);
    LINE(t, "ro, ri = split(Cf.r, %d)", t->t->k);
    LINE(t, "reorder(Cf, fii, fjj, ro, fj, ri, fi)");
    LINE(t, "tensorize(fj, %s)", t->u->name);
}

/* ---- pairs ----------------------------------------------------------------------------------- */

static void
draw_sizes(tiling *t)
{
    int high = t->down * t->high * t->t->m, wide = t->across * t->wide * t->t->n;
    if (t->direct) {
        t->m = t->t->m * (1 + pick(t->r, 2));
        t->n = t->t->n * (1 + pick(t->r, 2));
        t->k = t->t->k * (1 + pick(t->r, 4));
        return;
    }
    t->m = 1 + pick(t->r, high + high / 2);
    t->n = 1 + pick(t->r, wide + wide / 2);
    t->k = 1 + pick(t->r, 3 * t->t->k + 5);
}

void
make_tiles(rng *r, pair *p)
{
    tiling t = { .r = r, .p = p };
    weft_str text = { 0 };
    t.u = &units[pick(r, (int)(sizeof units / sizeof *units))];
    t.t = weft_matrix_named(t.u->name, strlen(t.u->name));
    t.factor = weft_dtype_name(t.t->factor);
    t.sum = weft_dtype_name(t.t->sum);
    t.turned = t.u->turned || once_in(r, 2);
    t.direct = t.t->m == t.t->n && t.u->align <= 16 && t.t->factor != WEFT_F64 && once_in(r, 4);
    t.down = 1 + pick(r, 2);
    t.across = 1 + pick(r, 2);
    t.high = 1 + pick(r, 2);
    t.wide = 1 + pick(r, 2);
    t.steps = 1 + pick(r, t.u->steps);
    draw_sizes(&t);
    write_program(&t, &text);
    (t.direct ? write_direct : write_staged)(&t);
    p->program = weft_str_take(&text);
    p->target = t.u->target;
    weft_arena_reset(&t.scratch);
}
