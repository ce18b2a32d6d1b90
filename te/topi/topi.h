/* te/topi/topi.h: what operators compute, in NumPy's names, as tensor expressions.
 *
 * Each function adds one or more stages to the program and returns the last one's tensor (NULL
 * after an error reported to the program's diagnostics; NULL in, NULL out).  Nothing here says how
 * a stage is scheduled: te/rules does.  Shapes may be symbolic.  Operands of f16 and bf16 are
 * summed in f32.
 */
#ifndef WEFT_TOPI_H
#define WEFT_TOPI_H

#include "te/te.h"

/* ---- shared by the definitions (common.c) ---------------------------------------------------- */
/* Data axes over the dims, named i, j, k ... */
weft_axis **weft_topi_axes(weft_te *, int ndim, const weft_expr *const *dim);
const weft_expr **weft_topi_refs(weft_te *, int n, weft_axis *const *);
/* The dims of a tensor. */
const weft_expr *const *weft_topi_dims(const weft_tensor *);
/* An index of any integer dtype, from the end where it is negative, as one within [0, dim). */
const weft_expr *weft_topi_inside(weft_te *, const weft_expr *index, const weft_expr *dim);
/* The element, or 0 where one of the n dims is 0, so that nothing is inside. */
const weft_expr *weft_topi_at_some(weft_te *, weft_tensor *, const weft_expr *const *index, int n,
                                   const weft_expr *const *dim);
/* The element; of a tensor that is one constant, the constant. */
const weft_expr *weft_topi_at(weft_te *, weft_tensor *, const weft_expr *const *index);
/* The element that NumPy's broadcasting reads for index `at` of an output of rank n. */
const weft_expr *weft_topi_at_broadcast(weft_te *, weft_tensor *, int n,
                                        const weft_expr *const *at);
/* The broadcast shape of k tensors, in the program's arena. */
int weft_topi_broadcast_shape(weft_te *, int k, weft_tensor *const *, const weft_expr ***dim);
/* f32 for f16 and bf16, else the dtype itself: what sums are made in. */
weft_dtype weft_topi_sum_dtype(weft_dtype);
const weft_expr *weft_topi_num(weft_te *, weft_dtype, double);
const weft_expr *weft_topi_call(weft_te *, const char *intrin, const weft_expr *);

/* ---- statements of extern stages (text.c) ---------------------------------------------------- */
typedef struct weft_topi_text {
    weft_te *te;
    weft_str s;
} weft_topi_text;
typedef struct weft_topi_result { /* a tensor that the statements make: "@name" in them */
    const char *name;
    weft_dtype dtype;
    int ndim;
    const weft_expr *const *shape;
} weft_topi_result;
/* A line.  "@name" is a name of the statements' own, made unlike those of the program; %d an
 * int64_t, %e an expression over symbols (in brackets where it needs them), %t a tensor's name, %y
 * a dtype, %s a text, in which @name may stand. */
void weft_topi_say(weft_topi_text *, const char *fmt, ...);
/* Opens and closes what is done for every @item from 0 to count - 1, in parallel. */
void weft_topi_each(weft_topi_text *, const char *item, const weft_expr *count);
void weft_topi_end(weft_topi_text *);
/* Rows along an axis: the product of the other dims; "x[..]" of place `at` of a row, texts.  last:
 * the index of the last dim, of which rows are not numbered then; NULL: they are. */
const weft_expr *weft_topi_rows(weft_te *, const weft_tensor *x, int axis);
const char *weft_topi_element(weft_te *, const weft_tensor *x, int axis, const char *row,
                              const char *at, const char *last);
/* The stage; the text is empty afterwards. */
weft_status weft_topi_extern(weft_topi_text *, int n, const weft_topi_result *, weft_tensor **out);

/* ---- elementwise (elementwise.c) ------------------------------------------------------------- */
/* What a function of the given name ("relu", "exp", "leaky_relu" ...) makes of x; param: the
 * attributes in the order of its row in graph/ops.def.  NULL for an unknown name. */
weft_tensor *weft_topi_unary(weft_te *, const char *name, const double *param, weft_tensor *x);
/* "add", "power", "equal" ...; flag: fmod of "mod". */
weft_tensor *weft_topi_binary(weft_te *, const char *name, bool flag, weft_tensor *a,
                              weft_tensor *b);
weft_tensor *weft_topi_where(weft_te *, weft_tensor *cond, weft_tensor *a, weft_tensor *b);
weft_tensor *weft_topi_clip(weft_te *, weft_tensor *x, weft_tensor *min,
                            weft_tensor *max); /* either may be NULL */
weft_tensor *weft_topi_cast(weft_te *, weft_tensor *x, weft_dtype);
/* The same bits as a dtype of as many; to bool: whether any is set. */
weft_tensor *weft_topi_bitcast(weft_te *, weft_tensor *x, weft_dtype);
weft_tensor *weft_topi_full(weft_te *, weft_dtype, int ndim, const weft_expr *const *dim,
                            double value);

/* ---- random numbers (random.c) --------------------------------------------------------------- */
/* u32[n]: words 2p and 2p + 1 are Threefry 2x32-20 of (p, 0) under the key; before, each of `fold`
 * makes another key of it, Threefry of (fold, 0). */
weft_tensor *weft_topi_random_bits(weft_te *, const weft_expr *n, const int64_t key[2], int nfold,
                                   const weft_expr *const *fold);

/* ---- data movement (move.c) ------------------------------------------------------------------ */
weft_tensor *weft_topi_broadcast_to(weft_te *, weft_tensor *x, int ndim,
                                    const weft_expr *const *dim);
weft_tensor *weft_topi_reshape(weft_te *, weft_tensor *x, int ndim, const weft_expr *const *dim);
weft_tensor *weft_topi_transpose(weft_te *, weft_tensor *x, const int64_t *axes);
weft_tensor *weft_topi_concatenate(weft_te *, int n, weft_tensor *const *x, int axis);
/* [N, C, ..] as [N, C / lanes, .., lanes], lanes dividing C; and back. */
weft_tensor *weft_topi_block(weft_te *, weft_tensor *x, int64_t lanes);
weft_tensor *weft_topi_unblock(weft_te *, weft_tensor *x);
/* out[i] = x[start + i * step], dim elements an axis. */
weft_tensor *weft_topi_slice(weft_te *, weft_tensor *x, const weft_expr *const *start,
                             const int64_t *step, const weft_expr *const *dim);
/* Indices out of range are clamped: no index reads outside x. */
weft_tensor *weft_topi_take(weft_te *, weft_tensor *x, weft_tensor *index, int axis);
/* out[.., i, ..] = x[.., index[.., i, ..], ..]; index has x's rank, and no other dim is larger. */
weft_tensor *weft_topi_take_along_axis(weft_te *, weft_tensor *x, weft_tensor *index, int axis);
typedef enum weft_pad_mode {
    WEFT_PAD_CONSTANT,
    WEFT_PAD_EDGE,
    WEFT_PAD_REFLECT,
    WEFT_PAD_WRAP
} weft_pad_mode;
/* value: a scalar of x's dtype, for WEFT_PAD_CONSTANT. */
weft_tensor *weft_topi_pad(weft_te *, weft_tensor *x, const weft_expr *const *before,
                           const weft_expr *const *after, weft_pad_mode, const weft_expr *value);

/* ---- reductions (reduce.c) ------------------------------------------------------------------- */
/* "sum", "mean", "max", "min", "prod". */
weft_tensor *weft_topi_reduce(weft_te *, const char *name, weft_tensor *x, int naxes,
                              const int64_t *axes, bool keepdims);
/* i64 indices of the greatest or least; ties go to the first, or the last. */
weft_tensor *weft_topi_argreduce(weft_te *, bool greatest, weft_tensor *x, int axis, bool keepdims,
                                 bool last);

/* ---- indexing (index.c, scatter.c) ----------------------------------------------------------- */
/* Indices count from the end where they are negative.  Beyond the ends the first or last element is
 * read, and nothing is written. */
/* index [batch.., .., k]: tuples of places along the k axes behind the first `batch` of x. */
weft_tensor *weft_topi_gather_nd(weft_te *, weft_tensor *x, weft_tensor *index, int batch);
/* x with updates put, added ... where indices say, in the order of the updates.  reduction: "none",
 * "add", "mul", "max", "min".  put_along_axis: index and updates are of one shape, x's or less;
 * scatter_nd: index [.., k], updates [.., the dims of x behind its first k]. */
weft_tensor *weft_topi_put_along_axis(weft_te *, weft_tensor *x, weft_tensor *index,
                                      weft_tensor *updates, int axis, const char *reduction);
weft_tensor *weft_topi_scatter_nd(weft_te *, weft_tensor *x, weft_tensor *index,
                                  weft_tensor *updates, const char *reduction);

/* ---- linear algebra (linalg.c) --------------------------------------------------------------- */
/* Of the last two dimensions, by elimination with partial pivoting. */
weft_tensor *weft_topi_det(weft_te *, weft_tensor *x);

/* ---- scans (scan.c) -------------------------------------------------------------------------- */
/* Sums (products) of all elements before, and of the element itself unless `exclusive`; reverse: of
 * those behind. */
weft_tensor *weft_topi_cumulative(weft_te *, bool product, weft_tensor *x, int axis, bool exclusive,
                                  bool reverse);

/* ---- sorting (sort.c) ------------------------------------------------------------------------ */
/* i64 places along the axis of the first k elements in ascending or descending order; equal ones in
 * the order of their places.  NaN is greater than all else.  most: what the axis may have where its
 * size is a symbol, for fewer kernels; 0: not known. */
weft_tensor *weft_topi_argsort(weft_te *, weft_tensor *x, int axis, bool descending,
                               const weft_expr *k, int64_t most);
/* i64 places of the rows of x [n, m] in ascending order, the first column going first; stable. */
weft_tensor *weft_topi_argsort_rows(weft_te *, weft_tensor *x, int64_t most);
/* For each row of `wanted` [q, m] the first row of x [n, m], ascending, that is not less; right:
 * that is greater; n where there is none. */
weft_tensor *weft_topi_searchsorted(weft_te *, weft_tensor *x, weft_tensor *wanted, bool right);

/* ---- selection (select.c) -------------------------------------------------------------------- */
/* i64 places of all elements of x [n], of type bool: true ones, then false ones, each in order. */
weft_tensor *weft_topi_flatnonzero(weft_te *, weft_tensor *x);
/* Which boxes are selected, bool in the shape of `order`.  in: boxes [B, n, 4], corners or,
 * `centers`, centres and sizes, f32; scores [B, C, n], f32; order [B, C, n], i64 places of the
 * boxes from the best on; how many a class may have at most, i64 [1]; the greatest share that two
 * may have of what both cover, f32 [1]; what a score has to exceed, f32 [1] or NULL. */
weft_tensor *weft_topi_non_max_suppression(weft_te *, weft_tensor *const in[6], bool centers);

/* ---- row-wise (norm.c) ----------------------------------------------------------------------- */
weft_tensor *weft_topi_softmax(weft_te *, weft_tensor *x, int axis, bool log);
/* Normalised over axes from `axis` on; scale and bias broadcast to them, bias may be NULL. */
weft_tensor *weft_topi_layer_norm(weft_te *, weft_tensor *x, weft_tensor *scale, weft_tensor *bias,
                                  int axis, double epsilon);
/* x over the root of its mean square over these axes. */
weft_tensor *weft_topi_rms_norm(weft_te *, weft_tensor *x, weft_tensor *scale, int axis,
                                double epsilon);
weft_tensor *weft_topi_instance_norm(weft_te *, weft_tensor *x, weft_tensor *scale,
                                     weft_tensor *bias, double epsilon);
weft_tensor *weft_topi_batch_norm(weft_te *, weft_tensor *const in[5], double epsilon);
weft_tensor *weft_topi_lrn(weft_te *, weft_tensor *x, int64_t size, double alpha, double beta,
                           double bias);

/* ---- contractions (matmul.c, conv.c) --------------------------------------------------------- */
/* Batches broadcast.  pack > 0: b is [ceil(n / pack), k, pack].  to: dtype of the result. */
weft_tensor *weft_topi_matmul(weft_te *, weft_tensor *a, weft_tensor *b, bool ta, bool tb,
                              int64_t pack, int64_t n, weft_dtype to);
typedef enum weft_zero { /* where the result is 0, whatever a softmax gives */
    WEFT_ZERO_NOWHERE,
    WEFT_ZERO_NAN,   /* where it gives NaN */
    WEFT_ZERO_MASKED /* where the mask is -inf for all keys */
} weft_zero;
typedef struct weft_attention {
    bool tq, tk, tv; /* last two axes transposed, as of a product's operands */
    weft_zero zero;
    const weft_expr *causal; /* query i sees keys up to i + causal alone; NULL: all */
    double scale;
    int64_t rows, keys; /* queries and keys of a block */
    int64_t lanes;      /* above 1: keys in panels of so many, side by side; divides `keys` */
} weft_attention;
/* softmax(q k * scale + mask) v over the keys; q [.., m, d], k [.., d, n], v [.., n, c], mask (may
 * be NULL) broadcasts to [.., m, n].  Batches broadcast. */
weft_tensor *weft_topi_attention(weft_te *, weft_tensor *q, weft_tensor *k, weft_tensor *v,
                                 weft_tensor *mask, const weft_attention *);
typedef struct weft_window { /* of `rank` spatial axes */
    int rank;
    const int64_t *kernel, *stride, *dilation;
    const int64_t *pad; /* before: [0, rank), after: [rank, 2 rank) */
} weft_window;
/* How conv's operands lie; all 0: x [N, C, ..], w [M, C / groups, k..], result [N, M, ..]. */
typedef struct weft_conv_layout {
    int64_t pack, out; /* w is [ceil(M / pack), C / groups, k.., pack], of `out` channels */
    int64_t in_block;  /* L: x is [N, C / L, .., L]; where a group has whole blocks of channels, a w
                        * that is packed is [ceil(M / pack), C / groups / L, k.., L, pack]; else
                        * every group has one input and one output channel, and out_block is L */
    int64_t out_block; /* L: the result is [N, M / L, .., L] */
} weft_conv_layout;
/* bias [M] or NULL.  kernel is read from w.  to: dtype of the result. */
weft_tensor *weft_topi_conv(weft_te *, weft_tensor *x, weft_tensor *w, weft_tensor *bias,
                            const weft_window *, int64_t groups, const weft_conv_layout *,
                            weft_dtype to);
/* w [C, M / groups, k..]; out: the spatial dims. */
weft_tensor *weft_topi_conv_transpose(weft_te *, weft_tensor *x, weft_tensor *w, weft_tensor *bias,
                                      const weft_window *, int64_t groups,
                                      const weft_expr *const *out);

/* ---- resizing (resize.c) --------------------------------------------------------------------- */
/* Index x of the result reads the input around (x * step + offset) / divisor; divisor > 0. */
typedef struct weft_resize_axis {
    const weft_expr *step, *offset, *divisor; /* i32 or i64 */
} weft_resize_axis;
typedef struct weft_resize {
    const weft_expr *const *dim;  /* of the result */
    const weft_resize_axis *axis; /* one a dimension */
    const char *mode;             /* "floor", "ceil", "round_half_down", "round_half_up": of one element;
                                   * "linear", "cubic" */
    double cubic;                 /* the cubic kernel's coefficient */
    bool exclude_outside; /* elements beyond the ends have no weight; else the ends are repeated */
    const double *fill;   /* the value of places beyond the first and last element; NULL: none */
} weft_resize;
bool weft_topi_resize_knows(const char *mode);
weft_tensor *weft_topi_resize(weft_te *, weft_tensor *x, const weft_resize *);
/* Along one axis, linear or cubic; where up / down < 1 the filter is wider by its inverse. */
weft_tensor *weft_topi_resize_antialias(weft_te *, weft_tensor *x, int axis, const weft_expr *up,
                                        const weft_expr *down, const weft_resize *);
/* Weights of the four elements around a place that is `part` behind the second. */
void weft_topi_cubic_weights(weft_te *, const weft_expr *part, double a, const weft_expr **w);

/* ---- sampling (sample.c) --------------------------------------------------------------------- */
typedef struct weft_sample {
    const char *mode;    /* "nearest", "linear", "cubic" */
    const char *padding; /* "zeros", "border", "reflection" */
    const char *units;   /* of places: "edges": -1 and 1 are the outer edges of the first and the last
                          * element; "corners": their middles; "elements": indices */
    bool reversed;       /* a place begins with the last axis */
} weft_sample;
/* Elements that are read along an axis; 0: a text is not known. */
int weft_topi_sample_taps(const weft_sample *);
/* x [N, C, d1.., dr] at places [N, o.., r]: [N, C, o..]. */
weft_tensor *weft_topi_sample(weft_te *, weft_tensor *x, weft_tensor *at, const weft_sample *);

/* ---- regions (roi.c) ------------------------------------------------------------------------- */
typedef struct weft_roi_align {
    const weft_expr *height, *width; /* of the result */
    int64_t samples;                 /* of an axis of a bin; 0: about one an element */
    double scale;                    /* elements of x for one of the regions' units */
    bool half_pixel;                 /* places are half an element less */
    bool largest;                    /* the greatest sample, not their mean */
} weft_roi_align;
/* x [N, C, H, W], rois [R, 4] of x1, y1, x2, y2 and the image [R] that each is of:
 * [R, C, height, width]. */
weft_tensor *weft_topi_roi_align(weft_te *, weft_tensor *x, weft_tensor *rois, weft_tensor *image,
                                 const weft_roi_align *);
/* The greatest elements of the bins of regions [R, 5]: image, x1, y1, x2, y2; of an empty bin 0. */
weft_tensor *weft_topi_max_roi_pool(weft_te *, weft_tensor *x, weft_tensor *rois, double scale,
                                    const weft_expr *height, const weft_expr *width);

/* ---- windows (pool.c) ------------------------------------------------------------------------ */
/* x [N, C, spatial.., more..]; out: the spatial dims. */
weft_tensor *weft_topi_max_pool(weft_te *, weft_tensor *x, const weft_window *,
                                const weft_expr *const *out);
weft_tensor *weft_topi_avg_pool(weft_te *, weft_tensor *x, const weft_window *, bool count_pad,
                                const weft_expr *const *out);
weft_tensor *weft_topi_sum_pool(weft_te *, weft_tensor *x, const weft_window *,
                                const weft_expr *const *out);
/* Where x's greatest elements stand among all of x, row by row or, column_major, with the first
 * spatial axis running fastest; of equal ones the first row by row. */
weft_tensor *weft_topi_max_pool_index(weft_te *, weft_tensor *x, const weft_window *,
                                      bool column_major, const weft_expr *const *out);
/* x [N, C * kernel.., windows..] in one dimension each: [N, C, out..], each the sum of all that
 * windows have there. */
weft_tensor *weft_topi_col2im(weft_te *, weft_tensor *x, const weft_window *,
                              const weft_expr *const *out);

#endif
