/* te/topi/roi.c: pooling of regions of images.  How many elements a bin has depends on the region,
 * so the loops over them are statements: one thread an element of the result.
 *
 * Where samples lie is the same for all channels: a CPU's worker finds it once for a region whose
 * bins have known numbers of them, and goes through channels and bins with that. */
#include "topi/topi.h"

/* Names @region, @channel, @row and @column of item @item, and opens its loop. */
static void
each_bin(weft_topi_text *t, weft_tensor *x, weft_tensor *rois, const weft_expr *height,
         const weft_expr *width)
{
    weft_ir *ir = t->te->ir;
    const weft_expr *channels = x->buf->shape[1];
    const weft_expr *bins = weft_mul(ir, height, width);
    weft_topi_each(t, "item", weft_mul(ir, rois->buf->shape[0], weft_mul(ir, channels, bins)));
    weft_topi_say(t, "let @column: i32 = @item %% %e\nlet @row: i32 = @item // %e %% %e", width,
                  width, height);
    weft_topi_say(t, "let @channel: i32 = @item // %e %% %e", bins, channels);
    weft_topi_say(t, "let @region: i32 = @item // (%e * %e)", bins, channels);
}

static weft_tensor *
stored(weft_topi_text *t, const char *name, weft_tensor *x, weft_tensor *rois,
       const weft_expr *height, const weft_expr *width)
{
    const weft_expr *dim[4] = { rois->buf->shape[0], x->buf->shape[1], height, width };
    weft_topi_result result = { name, x->buf->dtype, 4, dim };
    weft_tensor *out;
    return weft_topi_extern(t, 1, &result, &out) ? NULL : out;
}

/* ---- the greatest elements ------------------------------------------------------------------- */

/* Elements @first_a to @end_a of axis a that bin `bin` of `bins` has; the region's places on the
 * axis are columns `start` and `start` + 2 of the rois. */
static void
pooled_axis(weft_topi_text *t, const char *a, weft_tensor *rois, int64_t start, double scale,
            const char *bin, const weft_expr *bins, const weft_expr *size)
{
    weft_ir *ir = t->te->ir;
    const weft_expr *by = weft_float(ir, WEFT_F32, scale);
    static const char edge[] = "let @edge_%s%s: f32 = f32(%t[@region, %d]) * %e\n"
                               "let @at_%s%s: f32 = select(@edge_%s%s < 0.0, ceil(@edge_%s%s - 0.5), "
                               "floor(@edge_%s%s + 0.5))";
    weft_topi_say(t, edge, "low_", a, rois, start, by, "low_", a, "low_", a, "low_", a, "low_", a);
    weft_topi_say(t, edge, "high_", a, rois, start + 2, by, "high_", a, "high_", a, "high_", a,
                  "high_", a);
    weft_topi_say(t, "let @bin_%s: f32 = max(@at_high_%s - @at_low_%s + 1.0, 1.0) / f32(%e)", a, a,
                  a, bins);
    weft_topi_say(t,
                  "let @first_%s: i32 = i32(max(0.0, min(f32(%e), floor(f32(@%s) * @bin_%s) + "
                  "@at_low_%s)))",
                  a, size, bin, a, a);
    weft_topi_say(t,
                  "let @end_%s: i32 = i32(max(0.0, min(f32(%e), ceil(f32(@%s + 1) * @bin_%s) + "
                  "@at_low_%s)))",
                  a, size, bin, a, a);
}

weft_tensor *
weft_topi_max_roi_pool(weft_te *te, weft_tensor *x, weft_tensor *rois, double scale,
                       const weft_expr *height, const weft_expr *width)
{
    if (!x || !rois)
        return NULL;
    weft_topi_text t = { .te = te };
    weft_dtype type = x->buf->dtype;
    const weft_expr *last = weft_sub(te->ir, x->buf->shape[0], weft_i32(te->ir, 1));
    each_bin(&t, x, rois, height, width);
    weft_topi_say(&t, "let @image: i32 = i32(max(0.0, min(f32(%t[@region, 0]), f32(%e))))", rois,
                  last);
    pooled_axis(&t, "x", rois, 1, scale, "column", width, x->buf->shape[3]);
    pooled_axis(&t, "y", rois, 2, scale, "row", height, x->buf->shape[2]);
    weft_topi_say(&t, "alloc @best: local %y[1]\n@best[0] = %y(0)", type, type);
    weft_topi_say(&t, "for @y in 0..@end_y - @first_y { for @x in 0..@end_x - @first_x {");
    weft_topi_say(&t, "let @here: %y = %t[@image, @channel, @first_y + @y, @first_x + @x]", type,
                  x);
    weft_topi_say(&t, "if @y + @x == 0 || @here > @best[0] { @best[0] = @here } }}");
    weft_topi_say(&t, "@pooled[@region, @channel, @row, @column] = @best[0]");
    weft_topi_end(&t);
    return stored(&t, "pooled", x, rois, height, width);
}

/* ---- samples between the elements ------------------------------------------------------------ */

typedef struct align {
    weft_te *te;
    weft_tensor *x, *start, *bin; /* of each region, x and y: its first place, the size of its bins */
    const weft_roi_align *how;
    weft_dtype f; /* of places and samples */
} align;

/* [R, 2] */
static weft_tensor *
region_starts(const align *a, weft_tensor *rois)
{
    weft_ir *ir = a->te->ir;
    const weft_expr *dim[2] = { rois->buf->shape[0], weft_i32(ir, 2) };
    weft_axis **axis = weft_topi_axes(a->te, 2, dim);
    const weft_expr *v = weft_topi_at(a->te, rois, weft_topi_refs(a->te, 2, axis));
    v = weft_mul(ir, weft_cast(ir, a->f, v), weft_topi_num(a->te, a->f, a->how->scale));
    if (a->how->half_pixel)
        v = weft_sub(ir, v, weft_topi_num(a->te, a->f, 0.5));
    return weft_te_compute(a->te, "start", 2, axis, v);
}

/* [R, 2]; without half_pixel a region is one element wide at least. */
static weft_tensor *
region_bins(const align *a, weft_tensor *rois)
{
    weft_ir *ir = a->te->ir;
    const weft_expr *dim[2] = { rois->buf->shape[0], weft_i32(ir, 2) };
    weft_axis **axis = weft_topi_axes(a->te, 2, dim);
    const weft_expr **at = weft_topi_refs(a->te, 2, axis), *edge[2];
    const weft_expr *bins = weft_select(ir, weft_eq(ir, at[1], weft_i32(ir, 0)), a->how->width,
                                        a->how->height);
    for (int i = 0; i < 2; i++) {
        const weft_expr *from[2] = { at[0], weft_add(ir, at[1], weft_i32(ir, 2 * i)) };
        edge[i] = weft_mul(ir, weft_cast(ir, a->f, weft_topi_at(a->te, rois, from)),
                           weft_topi_num(a->te, a->f, a->how->scale));
    }
    const weft_expr *span = weft_sub(ir, edge[1], edge[0]);
    if (!a->how->half_pixel)
        span = weft_max(ir, span, weft_topi_num(a->te, a->f, 1));
    return weft_te_compute(a->te, "bin", 2, axis, weft_div(ir, span, weft_cast(ir, a->f, bins)));
}

/* A float of the samples' dtype. */
static const weft_expr *
num(const align *a, double v)
{
    return weft_float(a->te->ir, a->f, v);
}

/* The samples of the bin along an axis: @n of them, @step apart; those from @skip on, @count of
 * them, hold all that can be within an element of the image. */
static void
say_axis(weft_topi_text *t, const align *a, const char *axis, int64_t column, const char *bin,
         const weft_expr *size)
{
    weft_topi_say(t, "let @bin_%s: %y = %t[@region, %d]", axis, a->f, a->bin, column);
    if (a->how->samples)
        weft_topi_say(t, "let @n_%s: %y = %e", axis, a->f, num(a, (double)a->how->samples));
    else
        weft_topi_say(t, "let @n_%s: %y = ceil(@bin_%s)", axis, a->f, axis);
    weft_topi_say(t, "let @step_%s: %y = @bin_%s / max(@n_%s, %e)", axis, a->f, axis, axis,
                  num(a, 1));
    weft_topi_say(t, "let @first_%s: %y = %t[@region, %d] + %y(@%s) * @bin_%s", axis, a->f,
                  a->start, column, a->f, bin, axis);
    if (a->how->samples) {
        weft_topi_say(t, "let @skip_%s: %y = %e\nlet @count_%s: i32 = %d", axis, a->f, num(a, 0),
                      axis, a->how->samples);
        return;
    }
    weft_topi_say(t, "let @skip_%s: %y = max(%e, floor((%e - @first_%s) / @step_%s))", axis, a->f,
                  num(a, 0), num(a, -1), axis, axis);
    weft_topi_say(t, "let @count_%s: i32 = min(i32(max(%e, min(@n_%s - @skip_%s, %y(2 * %e + 4)))), "
                     "2 * %e + 4)",
                  axis, num(a, 0), axis, axis, a->f, size, size);
}

/* Sample @i of an axis: its place @at, the elements @low and @high beside
 * it, the weight of each. */
static void
say_place(weft_topi_text *t, const align *a, const char *axis, const weft_expr *size)
{
    weft_topi_say(t, "let @at_%s: %y = @first_%s + (@skip_%s + %y(@i_%s) + %e) * @step_%s", axis,
                  a->f, axis, axis, a->f, axis, num(a, 0.5), axis);
    weft_topi_say(t, "let @in_%s: %y = max(%e, min(@at_%s, %y(%e - 1)))", axis, a->f, num(a, 0),
                  axis, a->f, size);
    weft_topi_say(t,
                  "let @low_%s: i32 = max(0, min(i32(floor(@in_%s)), %e - 1))\n"
                  "let @high_%s: i32 = min(@low_%s + 1, %e - 1)",
                  axis, axis, size, axis, axis, size);
    weft_topi_say(t, "let @to_high_%s: %y = @in_%s - floor(@in_%s)\n"
                     "let @to_low_%s: %y = %e - @to_high_%s",
                  axis, a->f, axis, axis, axis, a->f, num(a, 1), axis);
    weft_topi_say(t, "let @near_%s: bool = @at_%s >= %e && @at_%s <= %y(%e)", axis, axis,
                  num(a, -1), axis, a->f, size);
}

/* Takes the sample in: of one that is far from the image, 0. */
static void
say_sample(weft_topi_text *t, const align *a)
{
    static const char *const ends[2] = { "low", "high" };
    for (int i = 0; i < 4; i++)
        weft_topi_say(t,
                      "let @v%d: %y = @to_%s_y * @to_%s_x * %y(%t[@image, @channel, @%s_y, @%s_x])",
                      (int64_t)i, a->f, ends[i / 2], ends[i % 2], a->f, a->x, ends[i / 2],
                      ends[i % 2]);
    const char *join = a->how->largest ? "max(max(@v0, @v1), max(@v2, @v3))"
                                       : "@v0 + @v1 + (@v2 + @v3)";
    weft_topi_say(t, "let @sample: %y = select(@near_y && @near_x, %s, %e)", a->f, join,
                  num(a, 0));
    weft_topi_say(t, a->how->largest ? "@sum[0] = max(@sum[0], @sample)"
                                     : "@sum[0] = @sum[0] + @sample");
}

/* The bin's result; without samples 0. */
static void
say_result(weft_topi_text *t, const align *a)
{
    weft_topi_say(t, "let @all: %y = max(@n_y, %e) * max(@n_x, %e)", a->f, num(a, 0), num(a, 0));
    if (!a->how->largest)
        weft_topi_say(t, "let @v: %y = @sum[0] / max(@all, %e)", a->f, num(a, 1));
    else
        weft_topi_say(t,
                      "let @some: bool = %y(@count_y) * %y(@count_x) < @all\n"
                      "let @v: %y = select(@some || @count_y * @count_x == 0, max(@sum[0], %e), "
                      "@sum[0])",
                      a->f, a->f, a->f, num(a, 0));
    weft_topi_say(t, "@aligned[@region, @channel, @row, @column] = %y(@v)", a->x->buf->dtype);
}

/* ---- samples that many channels share -------------------------------------------------------- */

enum {
    ITEMS = 4,          /* for each worker */
    MOST_PLACES = 1024, /* of an axis */
    UNROLLED = 3        /* samples of an axis */
};

/* Whether samples of a region are found once, and how many items share its channels. */
static bool
shares_places(const align *a, int64_t *items)
{
    int64_t regions, height, width, workers = a->te->workers, samples = a->how->samples;
    if (workers <= 0 || samples <= 0 || !weft_as_int(a->how->height, &height) ||
        !weft_as_int(a->how->width, &width) || samples > MOST_PLACES ||
        height > MOST_PLACES / samples || width > MOST_PLACES / samples || height < 1 || width < 1)
        return false;
    *items = weft_as_int(a->start->buf->shape[0], &regions) && regions > 0
                 ? weft_ceildiv(ITEMS * workers, regions)
                 : ITEMS;
    return true;
}

/* What say_place says of an axis, kept for all samples of all its bins. */
static void
keep_places(weft_topi_text *t, const align *a, const char *axis, int64_t column, const char *bin,
            const weft_expr *bins, const weft_expr *size)
{
    static const char *const ends[2] = { "low", "high" };
    int64_t n = 0, samples = a->how->samples;
    (void)weft_as_int(bins, &n);
    for (int i = 0; i < 2; i++)
        weft_topi_say(t, "alloc @%ss_%s: local i32[%d]\nalloc @to_%ss_%s: local %y[%d]", ends[i],
                      axis, n * samples, ends[i], axis, a->f, n * samples);
    weft_topi_say(t, "alloc @nears_%s: local bool[%d]\nfor @%s in 0..%d {", axis, n * samples, bin,
                  n);
    say_axis(t, a, axis, column, bin, size);
    weft_topi_say(t, "for @i_%s in 0..%d {", axis, samples);
    say_place(t, a, axis, size);
    weft_topi_say(t, "let @k: i32 = @%s * %d + @i_%s\n@nears_%s[@k] = @near_%s", bin, samples, axis,
                  axis, axis);
    for (int i = 0; i < 2; i++)
        weft_topi_say(t, "@%ss_%s[@k] = @%s_%s\n@to_%ss_%s[@k] = @to_%s_%s", ends[i], axis, ends[i],
                      axis, ends[i], axis, ends[i], axis);
    weft_topi_say(t, "} }");
}

/* Sample @i of an axis, as say_place has it. */
static void
say_kept(weft_topi_text *t, const align *a, const char *axis, const char *bin)
{
    static const char *const ends[2] = { "low", "high" };
    weft_topi_say(t, "let @k_%s: i32 = @%s * %d + @i_%s\nlet @near_%s: bool = @nears_%s[@k_%s]",
                  axis, bin, a->how->samples, axis, axis, axis, axis);
    for (int i = 0; i < 2; i++)
        weft_topi_say(t, "let @%s_%s: i32 = @%ss_%s[@k_%s]\nlet @to_%s_%s: %y = @to_%ss_%s[@k_%s]",
                      ends[i], axis, ends[i], axis, axis, ends[i], axis, a->f, ends[i], axis, axis);
}

static void
say_count(weft_topi_text *t, const align *a, const char *axis)
{
    weft_topi_say(t, "let @n_%s: %y = %e\nlet @count_%s: i32 = %d", axis, a->f,
                  num(a, (double)a->how->samples), axis, a->how->samples);
}

static void
begin_sum(weft_topi_text *t, const align *a)
{
    weft_topi_say(t, "alloc @sum: local %y[1]\n@sum[0] = %e", a->f,
                  a->how->largest ? weft_lowest(a->te->ir, weft_scalar(a->f)) : num(a, 0));
}

/* All bins of the item's channels, `items` to a region. */
static void
align_regions(weft_topi_text *t, const align *a, const weft_tensor *image, int64_t items)
{
    weft_ir *ir = a->te->ir;
    const weft_expr *const *size = a->x->buf->shape, *n = weft_i32(ir, items);
    const weft_expr *each = weft_fdiv(ir, weft_add(ir, size[1], weft_i32(ir, items - 1)), n);
    each = weft_simplify_expr(ir, NULL, each);
    weft_topi_each(t, "item", weft_mul(ir, a->start->buf->shape[0], n));
    weft_topi_say(t, "let @region: i32 = @item // %d\nlet @from: i32 = @item %% %d * %e", items,
                  items, each);
    weft_topi_say(t, "let @image: i32 = i32(max(%y(0), min(%t[@region], %y(%e - 1))))",
                  image->buf->dtype, image, image->buf->dtype, size[0]);
    keep_places(t, a, "y", 1, "row", a->how->height, size[2]);
    keep_places(t, a, "x", 0, "column", a->how->width, size[3]);
    say_count(t, a, "y");
    say_count(t, a, "x");
    weft_topi_say(t, "for @next in 0..min(%e, %e - @from) {\nlet @channel: i32 = @from + @next",
                  each, size[1]);
    weft_topi_say(t, "for @row in 0..%e { for @column in 0..%e {", a->how->height, a->how->width);
    begin_sum(t, a);
    const char *unroll = a->how->samples <= UNROLLED ? "unroll" : "";
    weft_topi_say(t, "for @i_y in 0..%d %s {", a->how->samples, unroll);
    say_kept(t, a, "y", "row");
    weft_topi_say(t, "for @i_x in 0..%d %s {", a->how->samples, unroll);
    say_kept(t, a, "x", "column");
    say_sample(t, a);
    weft_topi_say(t, "}}");
    say_result(t, a);
    weft_topi_say(t, "} } }");
    weft_topi_end(t);
}

/* A bin an item. */
static void
align_bins(weft_topi_text *t, const align *a, weft_tensor *rois, const weft_tensor *image)
{
    const weft_expr *const *size = a->x->buf->shape;
    each_bin(t, a->x, rois, a->how->height, a->how->width);
    weft_topi_say(t, "let @image: i32 = i32(max(%y(0), min(%t[@region], %y(%e - 1))))",
                  image->buf->dtype, image, image->buf->dtype, size[0]);
    say_axis(t, a, "y", 1, "row", size[2]);
    say_axis(t, a, "x", 0, "column", size[3]);
    begin_sum(t, a);
    weft_topi_say(t, "for @i_y in 0..@count_y {");
    say_place(t, a, "y", size[2]);
    weft_topi_say(t, "for @i_x in 0..@count_x {");
    say_place(t, a, "x", size[3]);
    say_sample(t, a);
    weft_topi_say(t, "}}");
    say_result(t, a);
    weft_topi_end(t);
}

weft_tensor *
weft_topi_roi_align(weft_te *te, weft_tensor *x, weft_tensor *rois, weft_tensor *image,
                    const weft_roi_align *how)
{
    if (!x || !rois || !image)
        return NULL;
    weft_topi_text t = { .te = te };
    align a = { .te = te, .x = x, .how = how, .f = weft_topi_sum_dtype(x->buf->dtype) };
    int64_t items;
    a.start = region_starts(&a, rois);
    a.bin = region_bins(&a, rois);
    if (!a.start || !a.bin)
        return NULL;
    if (shares_places(&a, &items))
        align_regions(&t, &a, image, items);
    else
        align_bins(&t, &a, rois, image);
    return stored(&t, "aligned", x, rois, how->height, how->width);
}
