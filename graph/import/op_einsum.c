/* Importer of Einsum: operands lose what they alone have (diagonals, sums), and are contracted two
 * by two, those first that make the smallest result.  A contraction is one product of matrices, or
 * of elements where nothing is summed. */
#include "import/ops.h"

#include <string.h>

enum {
    LETTERS = 52,
    LABELS = LETTERS + WEFT_ONNX_MAX_RANK, /* then the dimensions of "...", counted from the last */
    MOST_COMPARED = 32                     /* operands whose pairs are compared; more go in order */
};

typedef struct term {
    weft_value *v;
    int n, label[WEFT_ONNX_MAX_RANK]; /* one a dimension */
} term;

typedef struct einsum {
    onnx_node *n;
    int nterm, nout;
    term *term;
    int out[LABELS];
} einsum;

static bool
has(int n, const int *label, int which)
{
    for (int i = 0; i < n; i++)
        if (label[i] == which)
            return true;
    return false;
}

static int
axis_of(const term *t, int label)
{
    for (int i = 0; i < t->n; i++)
        if (t->label[i] == label)
            return i;
    return -1;
}

/* ---- the equation ---------------------------------------------------------------------------- */

static int
letter(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : -1;
}

/* One side's labels up to `end`; "..." stands for `more` dimensions. */
static int
read_labels(onnx_node *n, const char *at, const char *end, int more, int *label)
{
    int count = 0;
    bool dots = false;
    for (; at < end && n->status == WEFT_OK; at++) {
        if (*at == ' ')
            continue;
        bool are_dots = end - at >= 3 && strncmp(at, "...", 3) == 0;
        int room = are_dots ? more : 1;
        if (are_dots ? dots : letter(*at) < 0)
            weft_onnx_fail(n, WEFT_INVALID_INPUT,
                           "equation: '%.*s' is no list of letters with one '...' at most",
                           (int)(end - at), at);
        else if (count + room > WEFT_ONNX_MAX_RANK)
            weft_onnx_fail(n, WEFT_LIMIT, "equation: more than %d dimensions", WEFT_ONNX_MAX_RANK);
        if (n->status != WEFT_OK)
            break;
        for (int k = 0; k < room; k++)
            label[count++] = are_dots ? LETTERS + more - 1 - k : letter(*at);
        dots = dots || are_dots;
        at += are_dots ? 2 : 0;
    }
    return count;
}

/* How many dimensions "..." stands for in a term of an operand of this rank. */
static int
dims_of_dots(onnx_node *n, const char *at, const char *end, int rank)
{
    int letters = 0;
    bool dots = false;
    for (const char *c = at; c < end; c++) {
        letters += letter(*c) >= 0;
        dots = dots || *c == '.';
    }
    if (dots ? letters > rank : letters != rank) {
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "equation: '%.*s' for an operand of %d dimensions",
                       (int)(end - at), at, rank);
        return 0;
    }
    return rank - letters;
}

/* Terms between commas, as many as there are operands; the greatest number of dims of "...". */
static int
read_terms(einsum *e, const char *at, const char *end)
{
    onnx_node *n = e->n;
    int more = 0, commas = 0;
    for (const char *c = at; c < end; c++)
        commas += *c == ',';
    if (commas + 1 != e->nterm)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "equation: %d terms for %d operands", commas + 1,
                       e->nterm);
    for (int i = 0; i < e->nterm && n->status == WEFT_OK; i++) {
        const char *comma = memchr(at, ',', (size_t)(end - at)), *stop = comma ? comma : end;
        term *t = &e->term[i];
        t->v = weft_onnx_in(n, i);
        int dots = dims_of_dots(n, at, stop, t->v->ndim);
        t->n = read_labels(n, at, stop, dots, t->label);
        more = dots > more ? dots : more;
        at = stop + 1;
    }
    return more;
}

/* Without "->": what "..." stands for, then letters that occur once, in order. */
static void
imply_output(einsum *e, int more)
{
    int seen[LETTERS] = { 0 };
    for (int t = 0; t < e->nterm; t++)
        for (int i = 0; i < e->term[t].n; i++)
            if (e->term[t].label[i] < LETTERS)
                seen[e->term[t].label[i]]++;
    for (int k = more; k-- > 0;)
        e->out[e->nout++] = LETTERS + k;
    for (int l = 0; l < LETTERS; l++)
        if (seen[l] == 1)
            e->out[e->nout++] = l;
}

static bool
is_known(const einsum *e, int label)
{
    for (int t = 0; t < e->nterm; t++)
        if (has(e->term[t].n, e->term[t].label, label))
            return true;
    return false;
}

static void
read_equation(einsum *e)
{
    onnx_node *n = e->n;
    const char *text = weft_onnx_attr_text(n, "equation", "");
    const char *arrow = strstr(text, "->"), *end = arrow ? arrow : text + strlen(text);
    int more = read_terms(e, text, end);
    if (n->status != WEFT_OK)
        return;
    if (!arrow)
        imply_output(e, more);
    else
        e->nout = read_labels(n, arrow + 2, text + strlen(text), more, e->out);
    for (int i = 0; i < e->nout && n->status == WEFT_OK; i++)
        if (has(i, e->out, e->out[i]) || !is_known(e, e->out[i]))
            weft_onnx_fail(n, WEFT_INVALID_INPUT,
                           "equation: '%s': what stands behind the arrow has to stand there once, "
                           "and before it",
                           text);
}

/* ---- one operand ----------------------------------------------------------------------------- */

static void
drop(term *t, int axis)
{
    memmove(t->label + axis, t->label + axis + 1, (size_t)(t->n - axis - 1) * sizeof *t->label);
    t->n--;
}

/* Where axes i < j have one label: what is on their diagonal, along i. */
static void
take_diagonal(onnx_node *n, term *t, int i, int j)
{
    weft_value *v = t->v;
    if (!v || n->status != WEFT_OK)
        return;
    if (weft_dim_equal(n->graph, v->dim[i], v->dim[j]) != 1) {
        weft_onnx_fail(n, WEFT_INVALID_INPUT,
                       "equation: one letter for axes %d and %d, which are not surely equal", i, j);
        return;
    }
    const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, v->ndim + 1, const weft_expr *);
    memcpy(dim, v->dim, (size_t)v->ndim * sizeof *dim);
    dim[j] = weft_dim(n->graph, 1);
    weft_value *at = weft_onnx_arange(n, WEFT_I64, weft_dim(n->graph, 0), 1, v->dim[i]);
    weft_value *in[2] = { v, weft_onnx_broadcast(n, weft_onnx_along(n, at, i, v->ndim), v->ndim,
                                                 dim) };
    weft_attr attr = weft_attr_int("axis", &(int64_t){ j });
    v = weft_onnx_emit(n, WEFT_GOP_TAKE_ALONG_AXIS, 2, in, 1, &attr);
    memmove(dim + j, dim + j + 1, (size_t)(t->n - j - 1) * sizeof *dim);
    drop(t, j);
    t->v = weft_onnx_reshape(n, v, t->n, dim);
}

static void
take_diagonals(onnx_node *n, term *t)
{
    for (int j = t->n; j-- > 1 && n->status == WEFT_OK;)
        for (int i = 0; i < j; i++)
            if (t->label[i] == t->label[j]) {
                take_diagonal(n, t, i, j);
                break;
            }
}

/* Sums along the axes whose labels `keep` has not. */
static void
sum_rest(onnx_node *n, term *t, const bool *keep)
{
    int64_t axes[WEFT_ONNX_MAX_RANK];
    int count = 0;
    for (int i = 0; i < t->n; i++)
        if (!keep[t->label[i]])
            axes[count++] = i;
    if (count == 0)
        return;
    t->v = weft_onnx_reduce(n, WEFT_GOP_REDUCE_SUM, t->v, count, axes, false);
    for (int i = count; i-- > 0;)
        drop(t, (int)axes[i]);
}

/* Axes in the order of the labels, all of which it has. */
static void
put_in_order(onnx_node *n, term *t, int count, const int *label)
{
    int64_t *axes = WEFT_NEW_ARRAY(n->arena, count + 1, int64_t);
    bool moves = false;
    for (int i = 0; i < count; i++) {
        axes[i] = axis_of(t, label[i]);
        moves = moves || axes[i] != i;
    }
    if (moves)
        t->v = weft_onnx_transpose(n, t->v, axes);
    memcpy(t->label, label, (size_t)count * sizeof *label);
}

/* ---- two operands ---------------------------------------------------------------------------- */

/* Labels of a pair, in the order of its result: those of both that stay, of a alone, of b alone;
 * and those of both that are summed. */
typedef struct pair {
    int nboth, na, nb, nsum;
    int both[LABELS], a[LABELS], b[LABELS], sum[LABELS];
} pair;

static pair
split_labels(const term *a, const term *b, const bool *keep)
{
    pair p = { 0 };
    for (int i = 0; i < a->n; i++) {
        int l = a->label[i];
        if (!has(b->n, b->label, l))
            p.a[p.na++] = l;
        else if (keep[l])
            p.both[p.nboth++] = l;
        else
            p.sum[p.nsum++] = l;
    }
    for (int i = 0; i < b->n; i++)
        if (!has(a->n, a->label, b->label[i]))
            p.b[p.nb++] = b->label[i];
    return p;
}

/* Where one of two has 1 and the other more, the first as large as the second, for the labels. */
static void
make_equal(onnx_node *n, term *t, const term *other, int count, const int *label)
{
    bool differs = false;
    if (!t->v || !other->v || n->status != WEFT_OK)
        return;
    const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, t->n + 1, const weft_expr *);
    memcpy(dim, t->v->dim, (size_t)t->n * sizeof *dim);
    for (int i = 0; i < count; i++) {
        int axis = axis_of(t, label[i]);
        const weft_expr *want = other->v->dim[axis_of(other, label[i])];
        if (weft_is_int_imm(dim[axis], 1) && !weft_is_int_imm(want, 1)) {
            dim[axis] = want;
            differs = true;
        }
    }
    if (differs)
        t->v = weft_onnx_broadcast(n, t->v, t->n, dim);
}

/* The product of dims [from, to) of v. */
static const weft_expr *
together(onnx_node *n, const weft_value *v, int from, int to)
{
    return weft_dim_product(n->graph, v->dim, from, to);
}

/* t in the order `both`, one, two: with what is in each of the latter taken together, [both.., x,
 * y]; without `two` it is [both.., x, 1..] of `ones` ones. */
static weft_value *
as_matrices(onnx_node *n, term *t, const pair *p, int none, const int *one, int ntwo,
            const int *two)
{
    int order[LABELS], count = p->nboth + none + ntwo;
    memcpy(order, p->both, (size_t)p->nboth * sizeof *order);
    memcpy(order + p->nboth, one, (size_t)none * sizeof *order);
    memcpy(order + p->nboth + none, two, (size_t)ntwo * sizeof *order);
    put_in_order(n, t, count, order);
    if (!t->v || n->status != WEFT_OK || (none == 1 && ntwo == 1))
        return t->v;
    const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, p->nboth + 2, const weft_expr *);
    memcpy(dim, t->v->dim, (size_t)p->nboth * sizeof *dim);
    dim[p->nboth] = together(n, t->v, p->nboth, p->nboth + none);
    dim[p->nboth + 1] = together(n, t->v, p->nboth + none, count);
    return weft_onnx_reshape(n, t->v, p->nboth + 2, dim);
}

/* Dims of the labels in `t`, into dim. */
static void
dims_for(const term *t, int count, const int *label, const weft_expr **dim)
{
    for (int i = 0; i < count; i++)
        dim[i] = t->v->dim[axis_of(t, label[i])];
}

static weft_value *
matrix_product(onnx_node *n, term *a, term *b, const pair *p)
{
    int rank = p->nboth + p->na + p->nb;
    make_equal(n, a, b, p->nsum, p->sum);
    make_equal(n, b, a, p->nsum, p->sum);
    if (n->status != WEFT_OK)
        return NULL;
    const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, rank + 1, const weft_expr *);
    dims_for(a, p->na, p->a, dim + p->nboth);
    dims_for(b, p->nb, p->b, dim + p->nboth + p->na);
    weft_value *x = as_matrices(n, a, p, p->na, p->a, p->nsum, p->sum),
               *y = as_matrices(n, b, p, p->nsum, p->sum, p->nb, p->b);
    weft_value *v = weft_onnx_matmul(n, x, y, false);
    if (!v || (p->na == 1 && p->nb == 1))
        return v;
    memcpy(dim, v->dim, (size_t)p->nboth * sizeof *dim);
    return weft_onnx_reshape(n, v, rank, dim);
}

/* t as [both.., a.., b..], with ones for what it has not. */
static weft_value *
with_ones(onnx_node *n, term *t, const pair *p, bool is_a)
{
    int order[LABELS], own = is_a ? p->na : p->nb, rank = p->nboth + p->na + p->nb;
    memcpy(order, p->both, (size_t)p->nboth * sizeof *order);
    memcpy(order + p->nboth, is_a ? p->a : p->b, (size_t)own * sizeof *order);
    put_in_order(n, t, p->nboth + own, order);
    if (!t->v || n->status != WEFT_OK || own + p->nboth == rank)
        return t->v;
    const weft_expr **dim = WEFT_NEW_ARRAY(n->arena, rank + 1, const weft_expr *);
    for (int d = 0; d < rank; d++)
        dim[d] = weft_dim(n->graph, 1);
    memcpy(dim, t->v->dim, (size_t)p->nboth * sizeof *dim);
    memcpy(dim + p->nboth + (is_a ? 0 : p->na), t->v->dim + p->nboth, (size_t)own * sizeof *dim);
    return weft_onnx_reshape(n, t->v, rank, dim);
}

/* a becomes the product of both, summed along what nothing else needs. */
static void
contract(onnx_node *n, term *a, term *b, const bool *keep)
{
    bool of_a[LABELS], of_b[LABELS];
    for (int l = 0; l < LABELS; l++) {
        of_a[l] = keep[l] || has(b->n, b->label, l);
        of_b[l] = keep[l] || has(a->n, a->label, l);
    }
    sum_rest(n, a, of_a);
    sum_rest(n, b, of_b);
    pair p = split_labels(a, b, keep);
    int rank = p.nboth + p.na + p.nb;
    if (rank > WEFT_ONNX_MAX_RANK)
        weft_onnx_fail(n, WEFT_LIMIT, "equation: a product of %d dimensions", rank);
    if (n->status != WEFT_OK)
        return;
    a->v = p.nsum ? matrix_product(n, a, b, &p)
                  : weft_onnx_binary(n, WEFT_GOP_MUL, with_ones(n, a, &p, true),
                                     with_ones(n, b, &p, false));
    a->n = rank;
    memcpy(a->label, p.both, (size_t)p.nboth * sizeof *p.both);
    memcpy(a->label + p.nboth, p.a, (size_t)p.na * sizeof *p.a);
    memcpy(a->label + p.nboth + p.na, p.b, (size_t)p.nb * sizeof *p.b);
}

/* ---- all operands ---------------------------------------------------------------------------- */

/* Labels that the result or a term but a and b needs. */
static void
needed(const einsum *e, int a, int b, bool keep[LABELS])
{
    memset(keep, 0, LABELS * sizeof *keep);
    for (int i = 0; i < e->nout; i++)
        keep[e->out[i]] = true;
    for (int t = 0; t < e->nterm; t++)
        for (int i = 0; t != a && t != b && i < e->term[t].n; i++)
            keep[e->term[t].label[i]] = true;
}

/* Elements of what two terms make; a symbol counts as some. */
static double
size_of_pair(const einsum *e, int a, int b)
{
    const double some = 256;
    bool keep[LABELS];
    double size = 1;
    needed(e, a, b, keep);
    for (int k = 0; k < 2; k++) {
        const term *t = &e->term[k ? b : a];
        for (int i = 0; i < t->n; i++) {
            int64_t dim;
            if (!keep[t->label[i]])
                continue;
            size *= weft_as_int(t->v->dim[i], &dim) ? (double)dim : some;
            keep[t->label[i]] = false;
        }
    }
    return size;
}

static void
choose_pair(const einsum *e, int *a, int *b)
{
    double least = -1;
    *a = 0;
    *b = 1;
    for (int i = 0; i < e->nterm && e->nterm <= MOST_COMPARED; i++)
        for (int j = i + 1; j < e->nterm; j++) {
            double size = size_of_pair(e, i, j);
            if (least >= 0 && size >= least)
                continue;
            least = size;
            *a = i;
            *b = j;
        }
}

void
weft_onnx_import_einsum(onnx_node *n)
{
    einsum e = { .n = n, .nterm = n->nin, .term = WEFT_NEW_ARRAY(n->arena, n->nin + 1, term) };
    bool keep[LABELS];
    int a, b;
    read_equation(&e);
    for (int t = 0; t < e.nterm && n->status == WEFT_OK; t++)
        take_diagonals(n, &e.term[t]);
    while (e.nterm > 1 && n->status == WEFT_OK) {
        choose_pair(&e, &a, &b);
        needed(&e, a, b, keep);
        contract(n, &e.term[a], &e.term[b], keep);
        e.term[b] = e.term[--e.nterm];
    }
    if (n->status != WEFT_OK)
        return;
    needed(&e, 0, 0, keep);
    sum_rest(n, &e.term[0], keep);
    weft_onnx_last(n, 0);
    put_in_order(n, &e.term[0], e.nout, e.out);
    weft_onnx_set(n, 0, e.term[0].v);
}
