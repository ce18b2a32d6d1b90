/* te/topi/select.c: which elements are taken: true ones, boxes that no better one covers. */
#include "topi/topi.h"

/* Each element has a place of its own: behind the true ones before it, or, if it is false, behind
 * all true ones and the false ones before it. */
weft_tensor *
weft_topi_flatnonzero(weft_te *te, weft_tensor *x)
{
    weft_tensor *flags = x ? weft_topi_cast(te, x, WEFT_I32) : NULL;
    weft_tensor *before = weft_topi_cumulative(te, false, flags, 0, true, false), *out;
    if (!before)
        return NULL;
    const weft_expr *n = x->buf->shape[0];
    weft_topi_text t = { .te = te };
    weft_topi_result result = { "places", WEFT_I64, 1, x->buf->shape };
    weft_topi_each(&t, "item", n);
    weft_topi_say(&t, "if %t[@item] != 0 { @places[%t[@item]] = i64(@item) } else {", flags,
                  before);
    weft_topi_say(&t, "@places[%t[%e - 1] + %t[%e - 1] + @item - %t[@item]] = i64(@item) }", before,
                  n, flags, n, before);
    weft_topi_end(&t);
    return weft_topi_extern(&t, 1, &result, &out) ? NULL : out;
}

/* ---- boxes ----------------------------------------------------------------------------------- */

enum { THREADS = 64 }; /* that share the comparisons with one box */

/* The four sides of a box, @q_top, @q_left, @q_bottom, @q_right for name "q", whatever corners or
 * centres it is given by. */
static void
say_box(weft_topi_text *t, const weft_tensor *boxes, const char *name, bool centers)
{
    static const char *const sides[4] = { "top", "left", "bottom", "right" };
    for (int64_t i = 0; i < 4; i++) {
        bool high = i >= 2;
        weft_topi_say(t, "let @%s_%s: f32 =", name, sides[i]);
        if (centers) /* x, y, width, height */
            weft_topi_say(t, "%t[@batch, @%s, %d] %s %t[@batch, @%s, %d] / 2.0", boxes, name,
                          1 - i % 2, high ? "+" : "-", boxes, name, 3 - i % 2);
        else
            weft_topi_say(t, "%s(%t[@batch, @%s, %d], %t[@batch, @%s, %d])", high ? "max" : "min",
                          boxes, name, i % 2, boxes, name, i % 2 + 2);
    }
    weft_topi_say(t, "let @%s_area: f32 = (@%s_bottom - @%s_top) * (@%s_right - @%s_left)", name,
                  name, name, name, name);
}

/* Takes out box @q where it and box @p share more than the threshold of what both cover. */
static void
say_suppression(weft_topi_text *t, const weft_tensor *limit)
{
    weft_topi_say(t, "let @high: f32 = min(@p_bottom, @q_bottom) - max(@p_top, @q_top)\n"
                     "let @wide: f32 = min(@p_right, @q_right) - max(@p_left, @q_left)\n"
                     "let @both: f32 = @high * @wide\n"
                     "let @either: f32 = @p_area + @q_area - @both");
    weft_topi_say(t,
                  "if @high > 0.0 && @wide > 0.0 && @p_area > 0.0 && @q_area > 0.0 && "
                  "@either > 0.0 && @both > %t[0] * @either { @out[@batch, @kind, @other] = true }",
                  limit);
}

/* Boxes go from the best on, all threads together: one that no other has taken out (@out), if there
 * may be more of them, is taken, and takes out those behind it that it covers, each thread some of
 * them.  Each thread keeps count by itself: what it reads of a step is
 * written by the one before. */
static weft_tensor *
taken_boxes(weft_te *te, weft_tensor *const in[6], bool centers)
{
    weft_tensor *boxes = in[0], *order = in[2], *out[2];
    const weft_expr *const *dim = order->buf->shape, *n = dim[2];
    weft_topi_text t = { .te = te };
    weft_topi_result results[2] = { { "selected", WEFT_BOOL, 3, dim },
                                    { "out", WEFT_BOOL, 3, dim } };
    weft_topi_say(&t, "for @batch in 0..%e on block.y { for @kind in 0..%e on block.x {", dim[0],
                  dim[1]);
    weft_topi_say(&t,
                  "for @thread in 0..%d on thread.x {\n"
                  "alloc @count: local i64[1]\nalloc @take: local bool[1]\n@count[0] = 0i64",
                  (int64_t)THREADS);
    weft_topi_say(&t,
                  "for @step in 0..(%e + %d) // %d {\nlet @other: i32 = @step * %d + @thread\n"
                  "if @other < %e { @out[@batch, @kind, @other] = false } }",
                  n, (int64_t)THREADS - 1, (int64_t)THREADS, (int64_t)THREADS, n);
    weft_topi_say(&t,
                  "for @this in 0..%e {\n"
                  "let @p: i32 = max(0, min(%e - 1, i32(%t[@batch, @kind, @this])))\n"
                  "@take[0] = !@out[@batch, @kind, @this] && @count[0] < %t[0]",
                  n, n, order, in[3]);
    if (in[5])
        weft_topi_say(&t, "&& %t[@batch, @kind, @p] > %t[0]", in[1], in[5]);
    weft_topi_say(&t, "if @thread == 0 { @selected[@batch, @kind, @this] = @take[0] }\n"
                      "if @take[0] {\n@count[0] = @count[0] + 1i64");
    say_box(&t, boxes, "p", centers);
    weft_topi_say(&t,
                  "for @step in 0..(%e - @this + %d) // %d {\n"
                  "let @other: i32 = @this + 1 + @step * %d + @thread\nif @other < %e {\n"
                  "let @q: i32 = max(0, min(%e - 1, i32(%t[@batch, @kind, @other])))",
                  n, (int64_t)THREADS - 2, (int64_t)THREADS, (int64_t)THREADS, n, n, order);
    say_box(&t, boxes, "q", centers);
    say_suppression(&t, in[4]);
    weft_topi_say(&t, "} } } } } } }");
    return weft_topi_extern(&t, 2, results, out) ? NULL : out[0];
}

weft_tensor *
weft_topi_non_max_suppression(weft_te *te, weft_tensor *const in[6], bool centers)
{
    for (int i = 0; i < 5; i++)
        if (!in[i])
            return NULL;
    return taken_boxes(te, in, centers);
}
