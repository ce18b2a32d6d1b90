/* clike_matrix.c: matrix statements in C, by the dialect's words. */
#include "backends/clike.h"

#include <string.h>

static const char *
element(weft_clike *c, weft_fragment f)
{
    if (f.matrix->round10 && f.role != WEFT_MATRIX_SUM)
        return c->d->matrix->rounded;
    return weft_clike_type(c, weft_scalar(weft_fragment_dtype(f)));
}

static void
print_spot(weft_clike *c, const weft_spot *at)
{
    weft_str_addf(c->out, "%s[", c->buf[at->buf->id]);
    weft_clike_expr(c, at->index[0], 0);
    weft_str_add(c->out, "]");
}

/* s NULL: of a declaration. */
static void
fill_word(weft_clike *c, char word, weft_fragment f, const weft_stmt *s)
{
    const weft_spot *memory = s ? weft_matrix_memory(s) : NULL;
    switch (word) {
    case 'd':
        print_spot(c, weft_matrix_held(s));
        return;
    case 'a':
    case 'b':
    case 'c':
        print_spot(c, &s->u.matrix.place[1 + word - 'a']);
        return;
    case 'p':
        weft_str_add(c->out, "&");
        print_spot(c, memory);
        return;
    case 's':
        weft_clike_expr(c, s->u.matrix.stride, 0);
        return;
    case 'v':
        weft_clike_expr(c, s->u.matrix.value, 0);
        return;
    case 'e':
        weft_str_add(c->out, element(c, f));
        return;
    case 'l':
        weft_str_add(c->out, c->d->matrix->layout[f.columns]);
        return;
    case 't':
        weft_str_add(c->out, f.columns ? "true" : "false");
        return;
    default:
        weft_str_addf(c->out, "%d",
                      word == 'm'   ? f.matrix->m
                      : word == 'n' ? f.matrix->n
                                    : f.matrix->k);
        return;
    }
}

static void
print_words(weft_clike *c, const char *text, weft_fragment f, const weft_stmt *s)
{
    for (const char *hole; (hole = strchr(text, '%')); text = hole + 2) {
        weft_str_addn(c->out, text, (size_t)(hole - text));
        fill_word(c, hole[1], f, s);
    }
    weft_str_add(c->out, text);
}

static void
print_line(weft_clike *c, const char *text, const weft_stmt *s)
{
    weft_str_addf(c->out, "%*s", 4 * c->depth, "");
    print_words(c, text, weft_matrix_held(s)->buf->frag, s);
    weft_str_add(c->out, ";\n");
}

static bool
is_known(weft_clike *c, const weft_matrix *m)
{
    if (c->d->matrix && weft_target_multiplies(c->target, m))
        return true;
    weft_clike_fail(c, "the matrix intrinsic", m->name);
    return false;
}

void
weft_clike_fragments(weft_clike *c, const weft_buf *buf)
{
    int64_t n = 0;
    if (!is_known(c, buf->frag.matrix))
        return;
    if (!weft_buf_extent(buf, &n))
        weft_clike_fail(c, "the extent of array", buf->name);
    c->buf[buf->id] = weft_idents_add(&c->names, buf->name);
    weft_str_addf(c->out, "%*s", 4 * c->depth, "");
    print_words(c, c->d->matrix->type[buf->frag.role], buf->frag, NULL);
    weft_str_addf(c->out, " %s[%lld];\n", c->buf[buf->id], (long long)n);
}

void
weft_clike_matrix(weft_clike *c, const weft_stmt *s)
{
    const weft_matrix_words *w = c->d->matrix;
    weft_fragment f = weft_matrix_held(s)->buf->frag;
    if (!is_known(c, f.matrix))
        return;
    switch (s->u.matrix.op) {
    case WEFT_MATRIX_FILL:
        print_line(c, w->fill, s);
        return;
    case WEFT_MATRIX_LOAD:
        print_line(c, f.role == WEFT_MATRIX_SUM ? w->load_sum : w->load, s);
        if (f.matrix->round10 && f.role != WEFT_MATRIX_SUM)
            print_line(c, w->round, s);
        return;
    case WEFT_MATRIX_STORE:
        print_line(c, w->store, s);
        return;
    case WEFT_MATRIX_MMA:
    case WEFT_MATRIX_OPS:
        print_line(c, w->mma, s);
        return;
    }
}
