/* Stages that are tensorized: what their inner loops compute is held against the intrinsic, and
 * becomes matrix statements.
 *
 * A stage is one of three things: a sum of products, which is an mma (and a fill before it); a copy
 * into fragment memory, which loads; a copy out of it, which stores.  Factors may also be read from
 * memory as they are: then they are loaded before each mma.  Memory that matrices are loaded from
 * or stored to is held in whole tiles (site.step), and what is beyond the tensor is zero there
 * (site.padded): so tiles need no guards of their own. */
#include "lower/priv.h"

#include <string.h>

/* ---- the loops of a tile --------------------------------------------------------------------- */

typedef struct tile { /* a tensorized stage, taken apart */
    weft_plan *p;
    weft_site *s;
    int n; /* its loops */
    const weft_axis *leaf[3], *root[3];
} tile;

static weft_status WEFT_PRINTF(2, 3) refuse(const tile *t, const char *fmt, ...)
{
    weft_str why = { 0 };
    va_list args;
    va_start(args, fmt);
    weft_str_vaddf(&why, fmt, args);
    va_end(args);
    weft_status st = weft_fail(
        t->p->diag, WEFT_INVALID_ARGUMENT, "stage '%s' is tensorized with %s at axis '%s', but %s",
        t->s->name, t->s->stage->matrix->name, weft_axis_label(t->p->te, t->s->stage->tensor_axis),
        weft_str_text(&why));
    weft_str_free(&why);
    return st;
}

static const char *
label(const tile *t, const weft_axis *axis)
{
    return weft_axis_label(t->p->te, axis);
}

/* The definition's axis that a leaf steps through one by one: it is the inner part of splits; NULL
 * where it is not. */
static const weft_axis *
root_of(const weft_site *s, const weft_axis *axis)
{
    for (int i = s->stage->relation.n - 1; i >= 0; i--) {
        const weft_relation *r = &s->stage->relation.at[i];
        if (r->kind == WEFT_REL_SPLIT && r->inner == axis)
            axis = r->whole;
        else if (r->outer == axis || r->inner == axis || r->whole == axis)
            return NULL;
    }
    return axis;
}

static int
data_dim(const weft_site *s, const weft_axis *root)
{
    for (int d = 0; d < s->op->naxis; d++)
        if (s->op->axis[d] == root)
            return d;
    return -1;
}

static weft_status
take_loops(tile *t)
{
    const weft_stage *stage = t->s->stage;
    t->s->tile_at = -1;
    for (int i = 0; i < stage->leaf.n; i++)
        if (stage->leaf.at[i] == stage->tensor_axis)
            t->s->tile_at = i;
    t->n = stage->leaf.n - t->s->tile_at;
    if (t->s->tile_at < 0)
        return refuse(t, "that axis is split or fused since; tensorize the inner part");
    int want = t->s->op->nreduce ? 3 : 2;
    if (t->n != want)
        return refuse(t,
                      "%d loops run from there on, not %d; split the axes by the sizes of the "
                      "intrinsic and reorder the inner parts to the end",
                      t->n, want);
    for (int i = 0; i < t->n; i++) {
        t->leaf[i] = stage->leaf.at[t->s->tile_at + i];
        t->root[i] = root_of(t->s, t->leaf[i]);
        if (!t->root[i])
            return refuse(t,
                          "axis '%s' is no axis of its definition and no inner part of one; "
                          "split such an axis by the size of the intrinsic",
                          label(t, t->leaf[i]));
        if (t->leaf[i]->bind != WEFT_SERIAL)
            return refuse(t, "axis '%s' is bound to %s; leave it serial", label(t, t->leaf[i]),
                          weft_bind_name(t->leaf[i]->bind));
    }
    for (int i = 0; i < t->p->nsite; i++) {
        const weft_site *a = &t->p->site[i];
        if (a->live && !a->inlined && a->parent == t->s && a->at >= t->s->tile_at)
            return refuse(
                t, "stage '%s' is computed at axis '%s' inside of it; compute it further out",
                a->name, label(t, stage->leaf.at[a->at]));
    }
    return WEFT_OK;
}

static weft_status
check_size(const tile *t, int i, int size)
{
    int64_t n;
    if (weft_as_int(t->leaf[i]->extent, &n) && n == size)
        return WEFT_OK;
    return refuse(t, "axis '%s' does not take %d steps, as the intrinsic does; split '%s' by %d",
                  label(t, t->leaf[i]), size, label(t, t->root[i]), size);
}

/* ---- what is read ---------------------------------------------------------------------------- */

/* The dimension of a load that steps with the axis, one element a step; -1: none; -2: otherwise. */
static int
stepping_dim(const tile *t, const weft_expr *load, const weft_axis *axis)
{
    int found = -1;
    for (int d = 0; d < load->h.nargs; d++) {
        const weft_expr *stride, *rest;
        if (!weft_uses_var(load->arg[d], axis->var))
            continue;
        if (found != -1 || !weft_affine_in(t->p->ir, load->arg[d], axis->var, &stride, &rest) ||
            !weft_is_int_imm(weft_simplify_expr(t->p->ir, NULL, stride), 1))
            return -2;
        found = d;
    }
    return found;
}

/* Memory of the site is held in tiles. */
static void
hold_tiles(const tile *t, weft_site *s, int d, int size)
{
    if (!s || d < 0)
        return;
    if (!s->step)
        s->step = WEFT_NEW_ARRAY(t->p->arena, s->op->naxis, int64_t);
    int64_t have = s->step[d];
    s->step[d] = have % (size ? size : 1) == 0 && have ? have : size;
}

static const weft_expr *
without_cast(const weft_expr *e)
{
    return e->h.kind == WEFT_EK_CAST ? e->arg[0] : e;
}

/* A factor: which load, and in which dimensions it steps with the sum's rows or columns
 * and with the reduction. */
typedef struct factor {
    const weft_expr *load;
    int dim[2]; /* of the matrix's rows and columns */
} factor;

/* side 0: the factor that steps with the sum's rows, 1: with its columns. */
static weft_status
match_factor(const tile *t, int side, const weft_expr *e, factor *f)
{
    const weft_matrix *m = t->s->stage->matrix;
    const weft_expr *load = without_cast(e);
    const char *want = side ? "columns" : "rows";
    if (load->h.kind != WEFT_EK_LOAD)
        return refuse(t, "a factor of its products is computed, not read; give the stage that "
                         "computes it memory of its own");
    if (load->h.u.buf->dtype != m->factor || e->h.type.dtype != m->sum)
        return refuse(t,
                      "it multiplies '%s' of %s in %s, and the intrinsic %s in %s; choose the "
                      "intrinsic of these types",
                      load->h.u.buf->name, weft_dtype_name(load->h.u.buf->dtype),
                      weft_dtype_name((weft_dtype)e->h.type.dtype), weft_dtype_name(m->factor),
                      weft_dtype_name(m->sum));
    int mine = stepping_dim(t, load, t->root[side]), k = stepping_dim(t, load, t->root[2]),
        other = stepping_dim(t, load, t->root[1 - side]);
    if (mine < 0 || k < 0 || mine == k)
        return refuse(t,
                      "the reading of '%s' does not step by one with the sum's %s '%s' and "
                      "with '%s', each in a dimension of its own; tensorize other axes",
                      load->h.u.buf->name, want, label(t, t->root[side]), label(t, t->root[2]));
    if (other != -1)
        return refuse(t,
                      "both '%s' and '%s' choose elements of '%s'; a factor goes with one of "
                      "them",
                      label(t, t->root[0]), label(t, t->root[1]), load->h.u.buf->name);
    *f = (factor){ load, { side ? k : mine, side ? mine : k } };
    return WEFT_OK;
}

static weft_status
hold(const tile *t, weft_site *s, weft_matrix_role role, const int dim[2])
{
    weft_fragment f = { t->s->stage->matrix, role, false };
    if (s->frag.matrix && (s->frag.matrix != f.matrix || s->frag.role != role ||
                           memcmp(s->frag_dim, dim, sizeof s->frag_dim) != 0))
        return refuse(t, "'%s' would be held in fragments of two kinds; cache it once for each",
                      s->name);
    s->frag = f;
    memcpy(s->frag_dim, dim, sizeof s->frag_dim);
    return WEFT_OK;
}

/* Whose elements stand one after the other: false with a reason where neither
 * rows' nor columns' do. */
static weft_status
by_columns(const tile *t, const weft_buf *b, const int dim[2], bool *columns)
{
    *columns = dim[0] == b->ndim - 1;
    if (*columns || dim[1] == b->ndim - 1)
        return WEFT_OK;
    return refuse(t,
                  "neither rows nor columns of its tiles lie side by side in '%s', whose last "
                  "dimension is another; change the layout of '%s'",
                  b->name, b->name);
}

static weft_status
take_factor(const tile *t, const factor *f, weft_matrix_role role)
{
    const weft_matrix *m = t->s->stage->matrix;
    weft_site *from = weft_plan_site(t->p, weft_te_tensor_of(t->p->te, f->load->h.u.buf));
    int rows = role == WEFT_MATRIX_A ? m->m : m->k, cols = role == WEFT_MATRIX_A ? m->k : m->n;
    weft_status st = WEFT_OK;
    bool columns;
    if (from && from->space == WEFT_FRAGMENT)
        st = hold(t, from, role, f->dim);
    else
        st = by_columns(t, f->load->h.u.buf, f->dim, &columns);
    if (from && from->parent) {
        hold_tiles(t, from, f->dim[0], rows);
        hold_tiles(t, from, f->dim[1], cols);
        from->padded |= from->space != WEFT_FRAGMENT;
    }
    return st;
}

/* ---- the three kinds ------------------------------------------------------------------------- */

/* The sum's rows are its first data axis in the definition, the columns the second. */
static weft_status
order_loops(tile *t)
{
    int at[3] = { -1, -1, -1 };
    for (int i = 0; i < 3; i++) {
        int d = data_dim(t->s, t->root[i]);
        if (d < 0)
            at[2] = i;
        else if (at[0] < 0 || d < data_dim(t->s, t->root[at[0]])) {
            at[1] = at[0];
            at[0] = i;
        } else {
            at[1] = i;
        }
    }
    if (at[0] < 0 || at[1] < 0 || at[2] < 0)
        return refuse(t, "its loops are not two of data and one of a reduction; reorder the loops "
                         "of the tile to the end");
    tile u = *t;
    for (int i = 0; i < 3; i++) {
        t->leaf[i] = u.leaf[at[i]];
        t->root[i] = u.root[at[i]];
    }
    return WEFT_OK;
}

static weft_status
plan_mma(tile *t)
{
    weft_site *s = t->s;
    const weft_matrix *m = s->stage->matrix;
    const weft_expr *body = s->body[0];
    weft_status st = order_loops(t);
    if (st == WEFT_OK &&
        (s->op->nout != 1 || s->op->reducer != WEFT_SUM || s->cond || body->h.kind != WEFT_EK_MUL))
        st = refuse(t, "it is no sum of products of two factors, everywhere; a matrix unit "
                       "computes nothing else");
    if (st == WEFT_OK && s->space != WEFT_FRAGMENT)
        st = refuse(t, "it accumulates in %s memory; cache_write(%s, fragment) and tensorize that",
                    weft_space_name(s->space), s->name);
    const int size[3] = { m->m, m->n, m->k };
    for (int i = 0; st == WEFT_OK && i < 3; i++)
        st = check_size(t, i, size[i]);
    if (st != WEFT_OK)
        return st;
    bool swapped = stepping_dim(t, without_cast(body->arg[0]), t->root[0]) < 0;
    for (int side = 0; side < 2; side++) {
        factor f = { NULL, { 0, 0 } };
        st = match_factor(t, side, body->arg[side != swapped], &f);
        st = st == WEFT_OK ? take_factor(t, &f, side ? WEFT_MATRIX_B : WEFT_MATRIX_A) : st;
        if (st != WEFT_OK)
            return st;
        s->factor[side] = f.load;
        memcpy(s->factor_dim[side], f.dim, sizeof f.dim);
    }
    const int dim[2] = { data_dim(s, t->root[0]), data_dim(s, t->root[1]) };
    hold_tiles(t, s, dim[0], m->m);
    hold_tiles(t, s, dim[1], m->n);
    return hold(t, s, WEFT_MATRIX_SUM, dim);
}

/* A copy into fragments or out of them: `held` is the site on that side. */
static weft_status
plan_copy(tile *t)
{
    weft_site *s = t->s;
    const weft_expr *load = s->body[0];
    if (s->op->nout != 1 || s->cond || load->h.kind != WEFT_EK_LOAD)
        return refuse(t, "it is neither a sum of products nor a plain copy; compute what else it "
                         "does in a stage before or behind it");
    weft_site *from = weft_plan_site(t->p, weft_te_tensor_of(t->p->te, load->h.u.buf));
    bool loads = s->space == WEFT_FRAGMENT, stores = from && from->space == WEFT_FRAGMENT;
    if (loads == stores)
        return refuse(t, "it copies from %s memory to %s memory; one of them has to be fragment",
                      from ? weft_space_name(from->space) : "global", weft_space_name(s->space));
    weft_site *held = loads ? s : from, *memory = loads ? from : s;
    if (held->frag.matrix != s->stage->matrix)
        return refuse(t, "no stage that is tensorized with the same intrinsic %s '%s'",
                      loads ? "multiplies" : "computes", held->name);
    int in_memory[2], size[2] = { weft_fragment_rows(held->frag), weft_fragment_cols(held->frag) };
    for (int i = 0; i < 2; i++) { /* rows, then columns */
        int own = -1, from_dim = -1, leaf = -1;
        for (int j = 0; j < 2; j++) {
            int d = data_dim(s, t->root[j]), e = stepping_dim(t, load, t->root[j]);
            if ((loads ? d : e) == held->frag_dim[i]) {
                own = d;
                from_dim = e;
                leaf = j;
            }
        }
        if (leaf < 0 || own < 0 || from_dim < 0)
            return refuse(t, "its loops do not run over the rows and columns of the tiles of '%s'",
                          held->name);
        weft_status st = check_size(t, leaf, size[i]);
        if (st != WEFT_OK)
            return st;
        in_memory[i] = loads ? from_dim : own;
        if (memory && memory->parent)
            hold_tiles(t, memory, in_memory[i], size[i]);
    }
    if (memory && memory->parent)
        memory->padded |= loads;
    memcpy(s->factor_dim[0], in_memory, sizeof in_memory);
    s->factor[0] = load;
    bool columns;
    weft_status st = by_columns(t, loads ? load->h.u.buf : s->op->out[0]->buf, in_memory, &columns);
    if (loads || held->frag.columns == columns || !held->stored_tiles)
        held->frag.columns = columns;
    else if (st == WEFT_OK)
        return refuse(t, "'%s' is stored by rows here and by columns elsewhere", held->name);
    held->stored_tiles |= stores;
    return st;
}

/* Elements of matrices cannot be read one by one. */
static weft_status
check_reader(const weft_plan *p, const weft_site *s)
{
    for (int i = 0; i < s->nread; i++) {
        const weft_site *from = weft_plan_site(p, s->read[i]);
        if (from && from->space == WEFT_FRAGMENT && !s->stage->matrix)
            return weft_fail(p->diag, WEFT_INVALID_ARGUMENT,
                             "stage '%s' reads '%s', which lives in fragment memory, element by "
                             "element; tensorize a copy of it in shared memory "
                             "(cache_write(%s, shared) before the fragments) and read that",
                             s->name, from->name, s->name);
    }
    if (s->space == WEFT_FRAGMENT && !s->stage->matrix)
        return weft_fail(p->diag, WEFT_INVALID_ARGUMENT,
                         "stage '%s' lives in fragment memory and is not tensorized; tensorize it, "
                         "or set_scope it to local",
                         s->name);
    if (s->space == WEFT_FRAGMENT && s->stage->align_factor)
        return weft_fail(
            p->diag, WEFT_INVALID_ARGUMENT,
            "storage_align of stage '%s': fragments have no layout of their own; align "
            "the copy in shared memory",
            s->name);
    return WEFT_OK;
}

/* Sums of products say what the fragments around them are; the copies follow. */
weft_status
weft_plan_tensorize(weft_plan *p)
{
    for (int pass = 0; pass < 2; pass++)
        for (int i = p->nsite - 1; i >= 0; i--) {
            tile t = { p, &p->site[i], 0, { NULL }, { NULL } };
            weft_site *s = t.s;
            if (pass == 0)
                s->tile_at = s->stage->leaf.n;
            if (!s->live || s->inlined)
                continue;
            weft_status st = pass == 0 ? check_reader(p, s) : WEFT_OK;
            if (st == WEFT_OK && s->stage->matrix && (s->op->nreduce > 0) == (pass == 0)) {
                st = take_loops(&t);
                st = st == WEFT_OK ? pass == 0 ? plan_mma(&t) : plan_copy(&t) : st;
                if (st == WEFT_OK && s->stage->stored)
                    st = refuse(&t, "store_predicate says which elements it stores; a tile is "
                                    "stored whole");
            }
            if (st != WEFT_OK)
                return st;
        }
    return WEFT_OK;
}

bool
weft_site_in_tile(const weft_site *s, const weft_axis *axis)
{
    for (int i = s->tile_at; i < s->stage->leaf.n; i++)
        if (s->stage->leaf.at[i] == axis)
            return true;
    return false;
}

/* ---- statements ------------------------------------------------------------------------------ */

/* Where a matrix stands in a buffer of them, from indices in elements. */
static bool
in_tiles(const tile *t, const weft_site *held, const weft_expr *const *element, weft_spot *at)
{
    const weft_plan *p = t->p;
    const int size[2] = { weft_fragment_rows(held->frag), weft_fragment_cols(held->frag) };
    const weft_expr **index = WEFT_NEW_ARRAY(p->arena, held->op->naxis, const weft_expr *);
    for (int d = 0; d < held->op->naxis; d++) {
        int64_t coeff, base;
        int side = d == held->frag_dim[0] ? 0 : d == held->frag_dim[1] ? 1 : -1;
        index[d] = element[d];
        if (side < 0)
            continue;
        weft_modular(p->ir, p->facts, element[d], &coeff, &base);
        if (coeff % size[side] || base % size[side]) {
            refuse(t,
                   "tiles of '%s' do not begin at multiples of %d along '%s'; split by "
                   "multiples of it",
                   held->name, size[side], held->op->axis[d]->var->name);
            return false;
        }
        weft_dtype type = (weft_dtype)element[d]->h.type.dtype;
        index[d] = weft_simplify_expr(
            p->ir, p->facts,
            weft_ix(p->ir, WEFT_EK_FDIV, element[d], weft_int(p->ir, type, size[side])));
    }
    *at = (weft_spot){ held->buf[0], held->op->naxis, index };
    return true;
}

/* Elements from one step along dimension d to the next. */
static const weft_expr *
stride_of(const weft_plan *p, const weft_buf *b, int d)
{
    if (b->stride)
        return b->stride[d];
    const weft_expr *n = weft_i32(p->ir, 1);
    for (int i = d + 1; i < b->ndim; i++)
        n = weft_ix(p->ir, WEFT_EK_MUL, n, b->shape[i]);
    return weft_simplify_expr(p->ir, p->facts, n);
}

/* The stride between the lines of a matrix in memory; dim: of its rows and columns. */
static const weft_expr *
lines(const tile *t, weft_fragment f, const weft_buf *b, const int dim[2])
{
    if (weft_is_int_imm(stride_of(t->p, b, dim[f.columns ? 0 : 1]), 1))
        return stride_of(t->p, b, dim[f.columns ? 1 : 0]);
    refuse(t,
           "the elements of '%s' along its last dimension are not neighbours in memory; "
           "storage_align another dimension",
           b->name);
    return NULL;
}

/* The tile's loops at their first step. */
static const weft_expr **
first_step(const tile *t, const weft_expr *const *value)
{
    weft_plan *p = t->p;
    const weft_expr **at = WEFT_NEW_ARRAY(p->arena, p->te->naxis, const weft_expr *);
    memcpy(at, value, (size_t)p->te->naxis * sizeof *at);
    for (int i = t->s->tile_at; i < t->s->stage->leaf.n; i++) {
        const weft_axis *leaf = t->s->stage->leaf.at[i];
        at[leaf->id] = weft_int(p->ir, (weft_dtype)leaf->var->type.dtype, 0);
    }
    weft_site_values(p, t->s, at);
    return at;
}

/* Parts of an axis that end within a tile would be computed twice. */
static weft_status
check_parts(const tile *t)
{
    for (int i = t->s->tile_at; i < t->s->stage->leaf.n; i++) {
        const weft_axis *axis = t->s->stage->leaf.at[i];
        int64_t step = 1, n, outer;
        weft_as_int(t->s->extent[axis->id], &step);
        for (int k = t->s->stage->relation.n - 1; k >= 0; k--) {
            const weft_relation *r = &t->s->stage->relation.at[k];
            if (r->kind != WEFT_REL_SPLIT || r->inner != axis)
                continue;
            bool once = weft_as_int(t->s->extent[r->outer->id], &outer) && outer == 1;
            bool even = weft_as_int(t->s->extent[axis->id], &n) && n % step == 0;
            if (!even && !once)
                return refuse(t,
                              "axis '%s' is split into parts that are no multiples of %lld; "
                              "split it by such",
                              label(t, r->whole), (long long)step);
            axis = r->whole;
        }
    }
    return WEFT_OK;
}

/* Tiles in global memory have to lie within the tensor. */
static weft_status
check_exact(const tile *t, const weft_buf *b)
{
    for (int i = t->s->tile_at; i < t->s->stage->leaf.n; i++) {
        int64_t step = 1, coeff, base;
        const weft_axis *leaf = t->s->stage->leaf.at[i], *root = root_of(t->s, leaf);
        weft_as_int(leaf->extent, &step);
        weft_modular(t->p->ir, t->p->facts, root->extent, &coeff, &base);
        if (coeff % step || base % step)
            return refuse(t,
                          "it goes by tiles through '%s' in global memory, and the extent of "
                          "'%s' is not known to be a multiple of %lld; cache '%s' in shared "
                          "memory, where tiles are filled up",
                          b->name, label(t, root), (long long)step, b->name);
    }
    return WEFT_OK;
}

/* All lanes of a subgroup come with the same places: thread.x is theirs. */
static weft_status
check_lanes(const tile *t)
{
    const weft_cluster *g = t->s->cluster;
    int64_t n;
    if (!g->extent[WEFT_THREAD_X] || !weft_as_int(g->extent[WEFT_THREAD_X], &n) ||
        n != WEFT_MATRIX_LANES)
        return refuse(t,
                      "thread.x of kernel '%s' does not have the %d threads that hold a matrix "
                      "together; split what is bound to it by %d",
                      g->root->name, WEFT_MATRIX_LANES, WEFT_MATRIX_LANES);
    for (const weft_site *s = t->s; s; s = s->parent) {
        int last = s == t->s ? s->tile_at - 1 : -1;
        for (const weft_site *c = t->s; c->parent; c = c->parent)
            last = c->parent == s ? c->at : last;
        for (int i = 0; i <= last; i++)
            if (s->stage->leaf.at[i]->bind == WEFT_THREAD_X)
                return refuse(t,
                              "axis '%s' of stage '%s' around it is bound to thread.x, whose "
                              "threads hold each matrix together; bind it to thread.y",
                              label(t, s->stage->leaf.at[i]), s->name);
    }
    return WEFT_OK;
}

/* A factor as a place in fragments: those it is in, or ones of its own that are loaded first. */
typedef struct operand {
    weft_spot at;
    const weft_buf *own; /* NULL: none */
    const weft_stmt *load;
} operand;

static bool
in_memory(const weft_buf *b)
{
    return b->space == WEFT_GLOBAL || b->space == WEFT_CONSTANT;
}

static bool
take_operand(const tile *t, int side, const weft_expr *const *value, operand *o)
{
    const weft_plan *p = t->p;
    const weft_site *s = t->s;
    const weft_expr *load = weft_site_resolve(p, s, value, s->factor[side]);
    const weft_site *from = weft_plan_site(p, weft_te_tensor_of(p->te, s->factor[side]->h.u.buf));
    *o = (operand){ .own = NULL };
    if (!load)
        return false;
    if (from && from->space == WEFT_FRAGMENT)
        return in_tiles(t, from, load->arg, &o->at);
    weft_fragment f = { s->stage->matrix, side ? WEFT_MATRIX_B : WEFT_MATRIX_A, false };
    f.columns = s->factor_dim[side][0] == load->h.u.buf->ndim - 1;
    const weft_expr *one = weft_i32(p->ir, 1), *zero = weft_i32(p->ir, 0);
    weft_buf *own = weft_arena_dup(
        &p->ir->arena,
        weft_buf_make(p->ir, weft_arena_printf(&p->ir->arena, "%s_tile", load->h.u.buf->name),
                      weft_fragment_dtype(f), WEFT_FRAGMENT, 1, &one),
        sizeof *own);
    own->frag = f;
    o->own = own;
    o->at = (weft_spot){ own, 1, weft_arena_dup(p->arena, &zero, sizeof zero) };
    const weft_spot at[2] = { o->at, { load->h.u.buf, load->h.nargs, load->arg } };
    if (in_memory(load->h.u.buf) && check_exact(t, load->h.u.buf))
        return false;
    o->load = weft_matrix_stmt(p->ir, WEFT_MATRIX_LOAD, at, NULL,
                               lines(t, f, load->h.u.buf, s->factor_dim[side]));
    return o->load;
}

static const weft_stmt *
mma(const tile *t, const weft_expr *const *value)
{
    weft_ir *ir = t->p->ir;
    operand o[2];
    weft_spot at[WEFT_MATRIX_PLACES];
    if (!in_tiles(t, t->s, weft_site_index(t->p, t->s, value), &at[0]))
        return NULL;
    at[3] = at[0];
    for (int side = 0; side < 2; side++) {
        if (!take_operand(t, side, value, &o[side]))
            return NULL;
        at[1 + side] = o[side].at;
    }
    const weft_stmt *s = weft_matrix_stmt(ir, WEFT_MATRIX_MMA, at, NULL, NULL);
    for (int side = 1; side >= 0; side--)
        s = o[side].load ? weft_seq2(ir, o[side].load, s) : s;
    for (int side = 1; side >= 0; side--)
        s = o[side].own ? weft_alloc(ir, o[side].own, s) : s;
    return s;
}

static const weft_stmt *
copy(const tile *t, const weft_expr *const *value)
{
    const weft_plan *p = t->p;
    const weft_site *s = t->s;
    const weft_expr *load = weft_site_resolve(p, s, value, s->factor[0]);
    const weft_expr **own = weft_site_index(p, s, value);
    bool loads = s->space == WEFT_FRAGMENT;
    const weft_site *held =
        loads ? s : weft_plan_site(p, weft_te_tensor_of(p->te, s->factor[0]->h.u.buf));
    weft_spot at[2];
    if (!load || !in_tiles(t, held, loads ? own : load->arg, &at[loads ? 0 : 1]))
        return NULL;
    at[loads ? 1 : 0] = loads ? (weft_spot){ load->h.u.buf, load->h.nargs, load->arg }
                              : (weft_spot){ s->buf[0], s->op->naxis, own };
    const weft_buf *memory = at[loads ? 1 : 0].buf;
    if (in_memory(memory) && check_exact(t, memory))
        return NULL;
    return weft_matrix_stmt(p->ir, loads ? WEFT_MATRIX_LOAD : WEFT_MATRIX_STORE, at, NULL,
                            lines(t, held->frag, memory, s->factor_dim[0]));
}

weft_status
weft_site_check_tile(weft_plan *p, weft_site *s)
{
    tile t = { p, s, s->stage->leaf.n - s->tile_at, { NULL }, { NULL } };
    weft_status st = t.n ? check_lanes(&t) : WEFT_OK;
    return st == WEFT_OK ? check_parts(&t) : st;
}

const weft_stmt *
weft_site_tile(weft_plan *p, weft_site *s, const weft_expr *const *value, bool fill)
{
    tile t = { p, s, s->stage->leaf.n - s->tile_at, { NULL }, { NULL } };
    const weft_expr **at = first_step(&t, value);
    const weft_expr *guard = weft_site_reach(p, s, at, fill);
    int mark = weft_facts_mark(p->facts);
    if (guard)
        weft_facts_assume(p->facts, guard);
    const weft_stmt *made = NULL;
    weft_spot sum;
    if (!fill)
        made = s->op->nreduce ? mma(&t, at) : copy(&t, at);
    else if (in_tiles(&t, s, weft_site_index(p, s, at), &sum))
        made = weft_matrix_stmt(p->ir, WEFT_MATRIX_FILL, &sum, s->op->identity[0], NULL);
    weft_facts_pop(p->facts, mark);
    return guard && made ? weft_if(p->ir, guard, made, NULL) : made;
}
