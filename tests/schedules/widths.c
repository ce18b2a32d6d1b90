/* tests/schedules/widths.c: random chains of stages of many widths, with their schedules.
 *
 * Each stage of a chain reads the one before it, at times the one before that too, at other places of
 * the row; all are computed in a block and held in shared memory, so that some are through before
 * others begin.  What is drawn is the dtypes, the sizes, what a stage computes, which stages have no
 * memory, and how many rows and threads a block has.
 */
#include "schedules.h"

enum { MAX_CHAIN = 6 };

typedef struct chain {
    rng *r;
    pair *p;
    int n; /* stages; the last is the output */
    int rows, cols, high, threads;
    weft_dtype type[MAX_CHAIN];
    bool sums[MAX_CHAIN], inlined[MAX_CHAIN];
} chain;

#define LINE(c, ...)                                                                               \
    do {                                                                                           \
        weft_str_add(&(c)->p->line, "    ");                                                       \
        weft_str_addf(&(c)->p->line, __VA_ARGS__);                                                 \
        weft_str_add(&(c)->p->line, "\n");                                                         \
    } while (0)

/* ---- the program ----------------------------------------------------------------------------- */

static void
add_number(weft_str *s, weft_dtype t, int v)
{
    weft_str_addf(s, "%d%s%s", v, weft_is_float(t) ? ".0" : "",
                  t == WEFT_I32 || t == WEFT_F32 ? "" : weft_dtype_name(t));
}

/* The place of the row that is read: the stage's own, the last first, or some places on. */
static void
add_place(chain *c, weft_str *s, bool sum)
{
    int way = sum ? 2 : pick(c->r, 3);
    if (way == 0)
        weft_str_add(s, "j");
    else if (way == 1)
        weft_str_addf(s, "%d - j", c->cols - 1);
    else
        weft_str_addf(s, "(j + %s) %% %d", sum ? "r" : once_in(c->r, 2) ? "1" : "i", c->cols);
}

/* An element that stage k reads, of the stage so far before it or of the input, in its own dtype and
 * from -8 to 8: each dtype holds the sum of a few such. */
static void
add_read(chain *c, weft_str *s, int k, int before)
{
    weft_dtype t = c->type[k];
    weft_str_addf(s, "min(max(%s(", weft_dtype_name(t));
    if (k < before)
        weft_str_add(s, "A[i, ");
    else
        weft_str_addf(s, "T%d[i, ", k - before);
    add_place(c, s, c->sums[k]);
    weft_str_add(s, "]), ");
    add_number(s, t, -8);
    weft_str_add(s, "), ");
    add_number(s, t, 8);
    weft_str_add(s, ")");
}

static void
add_stage(chain *c, weft_str *s, int k)
{
    weft_str_addf(s, "    T%d[i < %d, j < %d] = ", k, c->rows, c->cols);
    if (c->sums[k])
        weft_str_add(s, "sum(r < 3) ");
    add_read(c, s, k, 1);
    if (!c->sums[k] && once_in(c->r, 3)) {
        weft_str_add(s, " + ");
        add_read(c, s, k, 2);
    }
    weft_str_add(s, "\n");
}

/* ---- the schedule ---------------------------------------------------------------------------- */

/* The stage's elements of the block on its threads. */
static void
add_threads(chain *c, int k, const char *rows)
{
    LINE(c, "f%d = fuse(%s, T%d.j)", k, rows, k);
    LINE(c, "o%d, x%d = split(f%d, %d)", k, k, k, c->threads);
    LINE(c, "bind(x%d, thread.x)", k);
    if (once_in(c->r, 6))
        LINE(c, "unroll(o%d)", k);
}

static void
add_shared(chain *c, int k)
{
    char rows[16];
    LINE(c, "compute_at(T%d, T%d, b)", k, c->n - 1);
    LINE(c, "set_scope(T%d, shared)", k);
    snprintf(rows, sizeof rows, "T%d.i", k);
    add_threads(c, k, rows);
}

static void
add_schedule(chain *c)
{
    int last = c->n - 1;
    LINE(c, "b, y = split(T%d.i, %d)", last, c->high);
    LINE(c, "bind(b, block.x)");
    add_threads(c, last, "y");
    for (int k = last - 1; k >= 0; k--)
        if (c->inlined[k])
            LINE(c, "compute_inline(T%d)", k);
        else
            add_shared(c, k);
}

/* ---- pairs ----------------------------------------------------------------------------------- */

/* What all stages take in shared memory, apart and in full. */
static int
bytes_of(const chain *c)
{
    int sum = 0;
    for (int k = 0; k + 1 < c->n; k++)
        sum += weft_dtype_bits(c->type[k]) > 32 ? 8 : 4;
    return sum * c->rows * c->cols;
}

static void
draw_chain(chain *c)
{
    static const weft_dtype types[] = { WEFT_F32, WEFT_F16, WEFT_I32, WEFT_I8, WEFT_I64, WEFT_F16 };
    c->n = 4 + pick(c->r, MAX_CHAIN - 3);
    c->high = 2 + pick(c->r, 3);
    c->rows = c->high * (1 + pick(c->r, 2)) - once_in(c->r, 3);
    c->cols = 64 + pick(c->r, 36);
    c->threads = 16 << pick(c->r, 3);
    for (int k = 0; k < c->n; k++) {
        c->type[k] = k + 1 < c->n ? types[pick(c->r, 6)] : WEFT_F32;
        c->sums[k] = once_in(c->r, 5);
        c->inlined[k] = !c->sums[k] && k + 1 < c->n && once_in(c->r, 8);
    }
    c->rows = bytes_of(c) > MOST_SHARED ? c->high : c->rows;
}

void
make_widths(rng *r, pair *p)
{
    chain c = { .r = r, .p = p };
    weft_str text = { 0 };
    draw_chain(&c);
    weft_str_addf(&text, "te p(A: f32[%d, %d]) {\n", c.rows, c.cols);
    for (int k = 0; k < c.n; k++)
        add_stage(&c, &text, k);
    weft_str_add(&text, "}\n");
    add_schedule(&c);
    p->program = weft_str_take(&text);
}
