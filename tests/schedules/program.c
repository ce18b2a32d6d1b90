/* tests/schedules/program.c: random programs, as te text.
 *
 * Values are whole numbers and stay so small that every type holds them exactly: of each tensor it
 * is known how large its elements may be, and what could be too large is clamped where it is read.
 */
#include "schedules.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_TENSORS = 16,
    MAX_RANK = 3,
    MAX_STAGES = 5,
    MAX_ITERATIONS = 10000,
    MAX_ELEMENTS = 1200,
    CLAMP = 8
};

typedef struct dim {
    const char *text;
    int64_t size; /* with the greatest n */
    bool wide;    /* i64, of an n that is */
} dim;

typedef struct shaped { /* a tensor */
    char name[12];
    weft_dtype type;
    int rank;
    dim d[MAX_RANK];
    int64_t most; /* of its elements' magnitudes */
    bool read, input;
} shaped;

typedef struct draft { /* a definition being written: its axes i<first>, i<first + 1>, ... */
    int rank;
    dim d[MAX_RANK];
    char axis[MAX_RANK][8];
} draft;

typedef struct maker {
    rng *r;
    weft_str text;
    weft_arena scratch;
    shaped at[MAX_TENSORS];
    int n, names, stages;
    int64_t iterations;
} maker;

uint64_t
draw(rng *r)
{
    r->s += 0x9e3779b97f4a7c15u;
    uint64_t z = r->s;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int
pick(rng *r, int n)
{
    return (int)(draw(r) % (uint64_t)n);
}

bool
once_in(rng *r, int n)
{
    return pick(r, n) == 0;
}

/* ---- text ------------------------------------------------------------------------------------ */

#define TEXT(m, ...) weft_arena_printf(&(m)->scratch, __VA_ARGS__)

/* A whole number as a literal of the type. */
static const char *
literal(maker *m, weft_dtype t, int64_t v)
{
    switch (t) {
    case WEFT_BOOL:
        return v ? "true" : "false";
    case WEFT_I32:
        return TEXT(m, "%lld", (long long)v);
    case WEFT_I64:
        return TEXT(m, "%lldi64", (long long)v);
    default:
        return TEXT(m, "%lld.0%s", (long long)v, t == WEFT_F16 ? "f16" : "");
    }
}

/* A number of the type of a dimension. */
static const char *
number(maker *m, const dim *d, int64_t v)
{
    return literal(m, d->wide ? WEFT_I64 : WEFT_I32, v);
}

static dim
constant(maker *m, int64_t size)
{
    return (dim){ .text = TEXT(m, "%lld", (long long)size), .size = size };
}

static bool
is_constant(const dim *d)
{
    return d->text[strspn(d->text, "0123456789")] == 0;
}

/* d plus a number. */
static dim
longer(maker *m, const dim *d, int64_t by)
{
    dim e = constant(m, d->size + by);
    if (is_constant(d))
        return e;
    e.wide = d->wide;
    e.text = TEXT(m, "(%s %c %s)", d->text, by < 0 ? '-' : '+', number(m, d, by < 0 ? -by : by));
    return e;
}

static bool
same_dim(const dim *a, const dim *b)
{
    return strcmp(a->text, b->text) == 0 && a->wide == b->wide;
}

/* ---- drafts ---------------------------------------------------------------------------------- */

static void
name_axis(maker *m, char name[8])
{
    snprintf(name, 8, "i%d", m->names++);
}

static void
add_axis(maker *m, draft *d, const dim *size)
{
    d->d[d->rank] = *size;
    name_axis(m, d->axis[d->rank++]);
}

static draft
like(maker *m, const shaped *s)
{
    draft d = { 0 };
    for (int k = 0; k < s->rank; k++)
        add_axis(m, &d, &s->d[k]);
    return d;
}

static int64_t
volume(int rank, const dim *d)
{
    int64_t n = 1;
    for (int k = 0; k < rank; k++)
        n *= d[k].size;
    return n;
}

/* Whether a stage of that shape, with so many iterations an element, may be added. */
static bool
affordable(const maker *m, const draft *d, int64_t each, int made)
{
    int64_t n = volume(d->rank, d->d);
    return n <= MAX_ELEMENTS && m->iterations + n * each <= MAX_ITERATIONS &&
           m->n + made <= MAX_TENSORS;
}

static const char *
axes(maker *m, const draft *d)
{
    const char *s = "";
    for (int k = 0; k < d->rank; k++)
        s = TEXT(m, "%s%s%s < %s", s, k ? ", " : "", d->axis[k], d->d[k].text);
    return s;
}

static shaped *
new_tensor(maker *m, const draft *d, weft_dtype type, int64_t most)
{
    shaped *s = &m->at[m->n++];
    *s = (shaped){ .type = type, .rank = d->rank, .most = type == WEFT_BOOL ? 1 : most };
    memcpy(s->d, d->d, sizeof s->d);
    snprintf(s->name, sizeof s->name, "T%d", m->names++);
    return s;
}

static bool
define(maker *m, const draft *d, weft_dtype type, int64_t most, int64_t each, const char *value)
{
    const shaped *s = new_tensor(m, d, type, most);
    weft_str_addf(&m->text, "    %s[%s] = %s\n", s->name, axes(m, d), value);
    m->iterations += each * volume(d->rank, d->d);
    m->stages++;
    return true;
}

/* ---- reading --------------------------------------------------------------------------------- */

static const char *
clamped(maker *m, weft_dtype t, const char *e, int64_t to)
{
    return TEXT(m, "min(max(%s, %s), %s)", e, literal(m, t, -to), literal(m, t, to));
}

static shaped *
any(maker *m)
{
    return &m->at[once_in(m->r, 3) ? pick(m->r, m->n) : m->n - 1];
}

static shaped *
any_number(maker *m)
{
    shaped *s = any(m);
    for (int i = 0; s->type == WEFT_BOOL && i < 4; i++)
        s = &m->at[pick(m->r, m->n)];
    return s->type == WEFT_BOOL ? NULL : s;
}

/* The element at the indices, no larger than *most says. */
static const char *
element(maker *m, shaped *s, const char *const *index, int64_t *most)
{
    const char *e = TEXT(m, "%s[", s->name);
    for (int k = 0; k < s->rank; k++)
        e = TEXT(m, "%s%s%s", e, k ? ", " : "", index[k]);
    e = TEXT(m, "%s]", e);
    s->read = true;
    *most = s->most;
    if (s->most <= CLAMP || s->type == WEFT_BOOL)
        return e;
    *most = CLAMP;
    return clamped(m, s->type, e, CLAMP);
}

static const char *
converted(maker *m, const char *e, weft_dtype from, weft_dtype to)
{
    if (from == to)
        return e;
    return to == WEFT_BOOL ? TEXT(m, "(%s > %s)", e, literal(m, from, 0))
                           : TEXT(m, "%s(%s)", weft_dtype_name(to), e);
}

/* An operand over the draft's axes: a tensor that can be broadcast to it, an axis, or a number. */
static const char *
operand(maker *m, const draft *d, weft_dtype type, int64_t *most)
{
    const char *index[MAX_RANK];
    shaped *s = any(m);
    int lead = d->rank - s->rank;
    bool fits = lead >= 0;
    for (int k = 0; fits && k < s->rank; k++) {
        bool unit = is_constant(&s->d[k]) && s->d[k].size == 1;
        fits = unit || same_dim(&s->d[k], &d->d[lead + k]);
        index[k] = fits && !(unit && d->d[lead + k].size != 1) ? d->axis[lead + k] : "0";
    }
    if (fits)
        return converted(m, element(m, s, index, most), s->type, type);
    *most = CLAMP;
    if (d->rank && once_in(m->r, 2)) {
        int k = pick(m->r, d->rank);
        const char *small = TEXT(m, "%s %% %s", d->axis[k], number(m, &d->d[k], 3));
        return converted(m, TEXT(m, "(%s)", small), d->d[k].wide ? WEFT_I64 : WEFT_I32, type);
    }
    return literal(m, type, pick(m->r, 5) - 1);
}

static weft_dtype
any_type(maker *m)
{
    static const weft_dtype types[] = {
        WEFT_F32, WEFT_F32, WEFT_F32, WEFT_I32, WEFT_F16, WEFT_BOOL
    };
    return types[pick(m->r, (int)(sizeof types / sizeof *types))];
}

typedef struct operator
{
    const char *before, *between, *after;
}
operator;

static const operator on_numbers[] = {
    { "(", " + ", ")" },   { "(", " - ", ")" },    { "(", " * ", ")" },    { "max(", ", ", ")" },
    { "min(", ", ", ")" }, { "abs(", " - ", ")" }, { "(-(", ") + ", ")" },
};
static const operator on_integers[] = { { "(", " // ", ")" }, { "(", " % ", ")" } };
static const operator on_bools[] = {
    { "(", " && ", ")" }, { "(", " || ", ")" }, { "(", " != ", ")" }, { "(!", " && ", ")" }
};
static const operator comparisons[] = {
    { "(", " < ", ")" }, { "(", " == ", ")" }, { "(", " <= ", ")" }, { "(", " != ", ")" }
};

#define PICK(r, table) (&(table)[pick(r, (int)(sizeof(table) / sizeof *(table)))])

/* Two operands put together; *most grows to less than 100. */
static const char *
combined(maker *m, const draft *d, weft_dtype type, int64_t *most)
{
    int64_t p, q;
    weft_dtype of = type == WEFT_BOOL && once_in(m->r, 2) ? WEFT_F32 : type;
    const char *a = operand(m, d, of, &p), *b = operand(m, d, of, &q);
    const operator* o = type == WEFT_BOOL && of == WEFT_BOOL ? PICK(m->r, on_bools)
    : type == WEFT_BOOL                                      ? PICK(m->r, comparisons)
    : type == WEFT_I32 && once_in(m->r, 4)                   ? PICK(m->r, on_integers)
                                                             : PICK(m->r, on_numbers);
    *most = p * q + p + q;
    return TEXT(m, "%s%s%s%s%s", o->before, a, o->between, b, o->after);
}

/* ---- operators, each of which may find that it does not fit ---------------------------------- */

static bool
make_elementwise(maker *m)
{
    draft d = like(m, any(m));
    weft_dtype type = any_type(m);
    int64_t most, other;
    if (!affordable(m, &d, 1, 1))
        return false;
    const char *e = combined(m, &d, type, &most);
    if (once_in(m->r, 4)) {
        const char *c = combined(m, &d, WEFT_BOOL, &other), *f = operand(m, &d, type, &other);
        most = most > other ? most : other;
        e = TEXT(m, "select(%s, %s, %s)", c, e, f);
    }
    return define(m, &d, type, most, 1, e);
}

/* Two tensors of one stage. */
static bool
make_two(maker *m)
{
    draft d = like(m, any(m));
    int64_t most[2];
    if (!affordable(m, &d, 2, 2))
        return false;
    weft_dtype t = any_type(m), u = any_type(m);
    const char *e = combined(m, &d, t, &most[0]), *f = combined(m, &d, u, &most[1]);
    const shaped *x = new_tensor(m, &d, t, most[0]), *y = new_tensor(m, &d, u, most[1]);
    weft_str_addf(&m->text, "    %s, %s[%s] = (%s, %s)\n", x->name, y->name, axes(m, &d), e, f);
    m->iterations += 2 * volume(d.rank, d.d);
    m->stages++;
    return true;
}

static bool
make_transpose(maker *m)
{
    shaped *a = any(m);
    draft d = { 0 };
    const char *index[MAX_RANK];
    int64_t most;
    for (int k = a->rank - 1; k >= 0; k--)
        add_axis(m, &d, &a->d[k]);
    if (a->rank < 2 || !affordable(m, &d, 1, 1))
        return false;
    for (int k = 0; k < a->rank; k++)
        index[k] = d.axis[a->rank - 1 - k];
    return define(m, &d, a->type, a->most, 1, element(m, a, index, &most));
}

static void
use_axes(const draft *d, const char *index[MAX_RANK])
{
    for (int k = 0; k < d->rank; k++)
        index[k] = d->axis[k];
}

/* A window of 3 along a dimension that has them. */
static bool
make_stencil(maker *m)
{
    shaped *a = any_number(m);
    const char *index[MAX_RANK], *sum = NULL;
    if (!a || a->rank < 1)
        return false;
    int at = pick(m->r, a->rank);
    draft d = { 0 };
    for (int k = 0; k < a->rank; k++) {
        dim less = longer(m, &a->d[k], k == at ? -2 : 0);
        add_axis(m, &d, k == at ? &less : &a->d[k]);
    }
    if (a->d[at].size < 4 || !affordable(m, &d, 3, 1))
        return false;
    int64_t most = 0;
    use_axes(&d, index);
    for (int u = 0; u < 3; u++) {
        index[at] = TEXT(m, "%s + %s", d.axis[at], number(m, &d.d[at], u));
        const char *e = element(m, a, index, &most);
        sum = sum ? TEXT(m, "%s + %s * %s", sum, e, literal(m, a->type, u + 1)) : e;
    }
    return define(m, &d, a->type, 6 * most, 3, sum);
}

/* One more element on both sides of a dimension. */
static bool
make_pad(maker *m)
{
    shaped *a = any(m);
    const char *index[MAX_RANK];
    if (a->rank < 1)
        return false;
    int at = pick(m->r, a->rank);
    int64_t most;
    draft d = { 0 };
    for (int k = 0; k < a->rank; k++) {
        dim more = longer(m, &a->d[k], k == at ? 2 : 0);
        add_axis(m, &d, k == at ? &more : &a->d[k]);
    }
    if (!affordable(m, &d, 1, 1))
        return false;
    use_axes(&d, index);
    const char *i = d.axis[at], *one = number(m, &d.d[at], 1);
    index[at] = TEXT(m, "%s - %s", i, one);
    const char *e = element(m, a, index, &most);
    return define(m, &d, a->type, a->most, 1,
                  TEXT(m, "guard(%s >= %s && %s <= %s, %s, %s)", i, one, i, a->d[at].text, e,
                       literal(m, a->type, 1)));
}

/* Two tensors of constant shapes, one behind the other along the first dimension. */
static bool
make_concat(maker *m)
{
    shaped *a = any(m), *b = any(m);
    const char *here[MAX_RANK], *there[MAX_RANK];
    int64_t p, q;
    bool fit = a->rank == b->rank && a->rank > 0 && a->type == b->type && is_constant(&a->d[0]) &&
               is_constant(&b->d[0]);
    for (int k = 1; fit && k < a->rank; k++)
        fit = same_dim(&a->d[k], &b->d[k]);
    if (!fit)
        return false;
    dim both = constant(m, a->d[0].size + b->d[0].size);
    draft d = { 0 };
    for (int k = 0; k < a->rank; k++)
        add_axis(m, &d, k == 0 ? &both : &a->d[k]);
    if (!affordable(m, &d, 1, 1))
        return false;
    use_axes(&d, here);
    use_axes(&d, there);
    there[0] = TEXT(m, "%s - %s", d.axis[0], a->d[0].text);
    const char *e = element(m, a, here, &p), *f = element(m, b, there, &q);
    return define(m, &d, a->type, p > q ? p : q, 1,
                  TEXT(m, "guard(%s < %s, %s, %s)", d.axis[0], a->d[0].text, e, f));
}

static bool
make_reversed(maker *m)
{
    shaped *a = any(m);
    draft d = like(m, a);
    const char *index[MAX_RANK];
    int64_t most;
    if (a->rank < 1 || !affordable(m, &d, 1, 1))
        return false;
    int at = pick(m->r, a->rank);
    use_axes(&d, index);
    index[at] = TEXT(m, "%s - %s - %s", a->d[at].text, number(m, &a->d[at], 1), d.axis[at]);
    return define(m, &d, a->type, a->most, 1, element(m, a, index, &most));
}

/* The elements of each pair of neighbours, one taken from the other. */
static bool
make_strided(maker *m)
{
    shaped *a = any_number(m);
    const char *even[MAX_RANK], *odd[MAX_RANK];
    int64_t most;
    if (!a || a->rank < 1 || !is_constant(&a->d[0]) || a->d[0].size < 2)
        return false;
    dim half = constant(m, a->d[0].size / 2);
    draft d = { 0 };
    for (int k = 0; k < a->rank; k++)
        add_axis(m, &d, k == 0 ? &half : &a->d[k]);
    if (!affordable(m, &d, 1, 1))
        return false;
    use_axes(&d, even);
    use_axes(&d, odd);
    even[0] = TEXT(m, "2 * %s", d.axis[0]);
    odd[0] = TEXT(m, "2 * %s + 1", d.axis[0]);
    const char *e = element(m, a, even, &most), *f = element(m, a, odd, &most);
    return define(m, &d, a->type, 2 * most, 1, TEXT(m, "%s - %s", e, f));
}

static bool
make_flattened(maker *m)
{
    shaped *a = any(m);
    int64_t most;
    if (a->rank != 2 || a->d[0].wide != a->d[1].wide)
        return false;
    dim whole = { TEXT(m, "(%s * %s)", a->d[0].text, a->d[1].text), volume(2, a->d), a->d[0].wide };
    draft d = { 0 };
    add_axis(m, &d, &whole);
    if (!affordable(m, &d, 1, 1))
        return false;
    const char *index[2] = { TEXT(m, "%s // %s", d.axis[0], a->d[1].text),
                             TEXT(m, "%s %% %s", d.axis[0], a->d[1].text) };
    return define(m, &d, a->type, a->most, 1, element(m, a, index, &most));
}

/* a at indices that another tensor holds. */
static bool
make_gather(maker *m)
{
    shaped *a = any(m), *by = any_number(m);
    const char *at[MAX_RANK], *index[MAX_RANK];
    int64_t most;
    if (!by || a->rank < 1 || by->rank != 1 || !is_constant(&a->d[0]) || a->d[0].size < 1)
        return false;
    draft d = { 0 };
    add_axis(m, &d, &by->d[0]);
    for (int k = 1; k < a->rank; k++)
        add_axis(m, &d, &a->d[k]);
    if (!affordable(m, &d, 1, 1))
        return false;
    use_axes(&d, index);
    at[0] = d.axis[0];
    const char *i = converted(m, element(m, by, at, &most), by->type, WEFT_I32);
    index[0] = TEXT(m, "min(max(%s, 0), %lld)", i, (long long)a->d[0].size - 1);
    return define(m, &d, a->type, a->most, 1, element(m, a, index, &most));
}

/* A tensor computed by statements, in loops of their own, the first on blocks now and then. */
static bool
make_extern(maker *m)
{
    shaped *a = any_number(m);
    const char *index[MAX_RANK], *indices = "", *loops = "", *ends = "";
    int64_t most;
    if (!a || a->rank < 1)
        return false;
    draft d = like(m, a);
    if (!affordable(m, &d, 1, 1))
        return false;
    use_axes(&d, index);
    const char *e = element(m, a, index, &most), *shape = "";
    bool blocks = once_in(m->r, 2);
    for (int k = 0; k < d.rank; k++) {
        shape = TEXT(m, "%s%s%s", shape, k ? ", " : "", d.d[k].text);
        indices = TEXT(m, "%s%s%s", indices, k ? ", " : "", d.axis[k]);
        loops = TEXT(m, "%sfor %s in 0..%s%s { ", loops, d.axis[k], d.d[k].text,
                     k == 0 && blocks ? " on block.x" : "");
        ends = TEXT(m, "%s}", ends);
    }
    const shaped *s = new_tensor(m, &d, a->type, most + 1);
    weft_str_addf(&m->text, "    extern %s: %s[%s] {\n        %s%s[%s] = %s + %s %s\n    }\n",
                  s->name, weft_dtype_name(s->type), shape, loops, s->name, indices, e,
                  literal(m, a->type, 1), ends);
    m->iterations += volume(d.rank, d.d);
    m->stages++;
    return true;
}

/* ---- reductions ------------------------------------------------------------------------------ */

typedef struct reduction { /* of a over one or two of its dimensions */
    draft d;
    const char *index[MAX_RANK], *over, *axis; /* "r1 < 4, r2 < n"; one of them */
    const dim *along;                          /* the dimension of `axis` */
    int64_t each;                              /* values an element */
} reduction;

static bool
plan_reduction(maker *m, const shaped *a, int made, reduction *r)
{
    *r = (reduction){ .over = "", .each = 1 };
    unsigned all = (1u << a->rank) - 1, which = 1u << (a->rank - 1);
    if (a->rank < 1)
        return false;
    if (once_in(m->r, 3))
        which = 1 + (unsigned)pick(m->r, (int)all);
    for (int k = 0; k < a->rank; k++) {
        if (!(which >> k & 1)) {
            add_axis(m, &r->d, &a->d[k]);
            continue;
        }
        r->axis = TEXT(m, "r%d", m->names++);
        r->along = &a->d[k];
        r->over = TEXT(m, "%s%s%s < %s", r->over, *r->over ? ", " : "", r->axis, a->d[k].text);
        r->index[k] = r->axis;
        r->each *= a->d[k].size;
    }
    for (int k = 0, data = 0; k < a->rank; k++)
        if (!(which >> k & 1))
            r->index[k] = r->d.axis[data++];
    return affordable(m, &r->d, r->each, made);
}

/* Which values contribute, one time in five: by their place, or by what they are. */
static const char *
condition(maker *m, const reduction *r, const char *e, weft_dtype t)
{
    if (!once_in(m->r, 5))
        return "";
    if (once_in(m->r, 2) || t == WEFT_BOOL)
        return TEXT(m, " where %s %% %s != %s", r->axis, number(m, r->along, 3),
                    number(m, r->along, 1));
    return TEXT(m, " where %s < %s", e, literal(m, t, 2));
}

static bool
make_reduce(maker *m)
{
    static const char *const reducers[] = { "sum", "sum", "max", "min", "prod" };
    shaped *a = any(m);
    reduction r;
    int64_t most;
    if (!plan_reduction(m, a, 1, &r) || r.each > 120)
        return false;
    const char *e = element(m, a, r.index, &most);
    const char *by =
        a->type == WEFT_BOOL ? (once_in(m->r, 2) ? "any" : "all") : reducers[pick(m->r, 5)];
    bool empties = strcmp(by, "max") == 0 || strcmp(by, "min") == 0;
    if (strcmp(by, "prod") == 0)
        e = clamped(m, a->type, e, 1);
    const char *where = condition(m, &r, e, a->type);
    /* The least of no values is infinite, or the greatest integer. */
    return define(m, &r.d, a->type, empties ? INT64_MAX : r.each * most, r.each,
                  TEXT(m, "%s(%s%s) %s", by, r.over, where, e));
}

/* sum(r) a[.., r] * b[.., r], all dimensions but the last ones beside each other. */
static bool
make_product(maker *m)
{
    shaped *a = any_number(m), *b = any_number(m);
    const char *ai[2], *bi[2], *r = TEXT(m, "r%d", m->names++);
    int64_t p, q;
    if (!a || !b || a->rank != 2 || b->rank != 2 || !same_dim(&a->d[1], &b->d[1]))
        return false;
    draft d = { 0 };
    add_axis(m, &d, &a->d[0]);
    add_axis(m, &d, &b->d[0]);
    if (!affordable(m, &d, a->d[1].size, 1))
        return false;
    ai[0] = d.axis[0];
    bi[0] = d.axis[1];
    ai[1] = bi[1] = r;
    const char *e = converted(m, element(m, a, ai, &p), a->type, WEFT_F32);
    const char *f = converted(m, element(m, b, bi, &q), b->type, WEFT_F32);
    return define(m, &d, WEFT_F32, p * q * a->d[1].size, a->d[1].size,
                  TEXT(m, "sum(%s < %s) %s * %s", r, a->d[1].text, e, f));
}

static bool
define_two(maker *m, const reduction *r, weft_dtype t, weft_dtype u, const int64_t most[2],
           const char *value)
{
    const shaped *x = new_tensor(m, &r->d, t, most[0]), *y = new_tensor(m, &r->d, u, most[1]);
    weft_str_addf(&m->text, "    %s, %s[%s] = %s\n", x->name, y->name, axes(m, &r->d), value);
    m->iterations += 2 * r->each * volume(r->d.rank, r->d.d);
    m->stages++;
    return true;
}

/* The greatest element and the lowest index where it stands. */
static bool
make_argmax(maker *m)
{
    shaped *a = any_number(m);
    reduction r;
    int64_t most[2];
    if (!a || !plan_reduction(m, a, 2, &r) || strchr(r.over, ','))
        return false;
    const char *e = element(m, a, r.index, &most[0]), *where = condition(m, &r, e, a->type);
    const char *i = converted(m, r.axis, r.along->wide ? WEFT_I64 : WEFT_I32, WEFT_I32);
    most[0] = most[1] = 1000;
    return define_two(m, &r, a->type, WEFT_I32, most,
                      TEXT(m,
                           "reduce(%s%s) (%s, %s) from (%s, 999)\n"
                           "        with (v, p), (w, q) = "
                           "(max(v, w), select(v > w || v == w && p < q, p, q))",
                           r.over, where, e, i, literal(m, a->type, -1000)));
}

/* How many elements there are, and their sum. */
static bool
make_count(maker *m)
{
    shaped *a = any_number(m);
    reduction r;
    int64_t most[2];
    if (!a || !plan_reduction(m, a, 2, &r) || r.each > 120)
        return false;
    const char *e = element(m, a, r.index, &most[1]), *where = condition(m, &r, e, a->type);
    most[0] = r.each;
    most[1] *= r.each;
    return define_two(m, &r, WEFT_I32, a->type, most,
                      TEXT(m,
                           "reduce(%s%s) (1, %s) from (0, %s) with (v, p), (w, q) = (v + w, p + q)",
                           r.over, where, e, literal(m, a->type, 0)));
}

/* ---- scans ----------------------------------------------------------------------------------- */

/* The step before at the same place, or at the mirrored one along another axis, which threads share
 * then; read as it stands, or as the one value of a reduction. */
static const char *
step_before(maker *m, const draft *d, int scan, const char **over)
{
    const char *e = "";
    int other = d->rank > 1 && once_in(m->r, 2) ? (scan + 1 + pick(m->r, d->rank - 1)) % d->rank : -1;
    bool reduces = other >= 0 && d->d[other].size <= 16 && once_in(m->r, 2);
    for (int k = 0; k < d->rank; k++) {
        const char *at = d->axis[k], *one = number(m, &d->d[k], 1);
        if (k == scan)
            at = TEXT(m, "%s - %s", at, one);
        else if (k == other)
            at = TEXT(m, "%s - %s - %s", d->d[k].text, one, at);
        if (k == other && reduces) {
            const char *r = TEXT(m, "r%d", m->names++);
            *over = TEXT(m, "sum(%s < %s where %s == %s) ", r, d->d[k].text, r, at);
            at = r;
        }
        e = TEXT(m, "%s%s%s", e, k ? ", " : "", at);
    }
    return e;
}

/* A recurrence along a dimension of a tensor, from its first elements; one time in three, where no
 * step reduces, together with the greatest that there has been. */
static bool
make_scan(maker *m)
{
    shaped *a = any_number(m);
    const char *index[MAX_RANK], *over = "";
    int64_t p;
    if (!a || a->rank < 1 || volume(a->rank, a->d) == 0)
        return false;
    draft d = like(m, a);
    int scan = pick(m->r, d.rank);
    if (!affordable(m, &d, 20, 2) || d.d[scan].size > 100)
        return false;
    const char *before = step_before(m, &d, scan, &over);
    use_axes(&d, index);
    const char *e = element(m, a, index, &p);
    index[scan] = "0";
    const char *f = element(m, a, index, &p), *name;
    const shaped *s = new_tensor(m, &d, a->type, (d.d[scan].size + 1) * p);
    name = s->name;
    if (*over || !once_in(m->r, 3)) {
        weft_str_addf(&m->text, "    %s[%s] = scan(%s) from %s\n        with %s%s[%s] + %s\n", name,
                      axes(m, &d), d.axis[scan], f, over, name, before, e);
    } else {
        const shaped *t = new_tensor(m, &d, a->type, (d.d[scan].size + 1) * p);
        weft_str_addf(&m->text,
                      "    %s, %s[%s] = scan(%s) from (%s, %s)\n"
                      "        with (%s[%s] + %s, max(%s[%s], %s[%s]))\n",
                      name, t->name, axes(m, &d), d.axis[scan], f, literal(m, a->type, -2), name,
                      before, e, name, before, t->name, before);
    }
    m->iterations += (*over ? 20 : 2) * volume(d.rank, d.d);
    m->stages++;
    return true;
}

/* ---- programs -------------------------------------------------------------------------------- */

typedef struct row {
    int weight;
    bool (*make)(maker *);
} row;

static const row rows[] = {
    { 4, make_elementwise }, { 1, make_two },    { 1, make_transpose }, { 2, make_stencil },
    { 2, make_pad },         { 1, make_concat }, { 1, make_reversed },  { 1, make_strided },
    { 1, make_flattened },   { 1, make_gather }, { 4, make_reduce },    { 3, make_product },
    { 1, make_argmax },      { 1, make_count },  { 1, make_extern },
    { 2, make_scan },
};

static bool
make_any(maker *m)
{
    int total = 0, at = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        total += rows[i].weight;
    for (int left = pick(m->r, total); (left -= rows[at].weight) >= 0;)
        at++;
    return rows[at].make(m);
}

static int64_t
any_size(rng *r, int rank)
{
    static const int64_t sizes[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 4, 8, 12, 13, 16, 17, 31, 32, 40 };
    return once_in(r, 200) ? 0 : sizes[pick(r, rank == 1 ? 18 : rank == 2 ? 14 : 9)];
}

static void
make_input(maker *m, const dim *n)
{
    static const weft_dtype types[] = {
        WEFT_F32, WEFT_F32, WEFT_F32, WEFT_I32, WEFT_F16, WEFT_BOOL
    };
    int rank = once_in(m->r, 20) ? 0 : 1 + pick(m->r, MAX_RANK);
    shaped *s = &m->at[m->n++];
    *s = (shaped){ .type = types[pick(m->r, 6)], .rank = rank, .most = 2, .input = true };
    snprintf(s->name, sizeof s->name, "A%d", m->names++);
    weft_str_addf(&m->text, "%s%s: %s[", m->n > 1 ? ", " : "", s->name, weft_dtype_name(s->type));
    for (int k = 0; k < s->rank; k++) {
        s->d[k] = n->size && once_in(m->r, 2) ? *n
                  : m->n > 1 && once_in(m->r, 3) && m->at[0].rank > 0
                      ? m->at[0].d[pick(m->r, m->at[0].rank)]
                      : constant(m, any_size(m->r, s->rank));
        weft_str_addf(&m->text, "%s%s", k ? ", " : "", s->d[k].text);
    }
    weft_str_add(&m->text, "]");
}

/* What nobody reads is a result, and now and then something else. */
static void
make_results(maker *m)
{
    const char *between = "    return ";
    for (int i = m->n - 1; i >= 0; i--) {
        const shaped *s = &m->at[i];
        if (s->input || (s->read && !once_in(m->r, 8)))
            continue;
        weft_str_addf(&m->text, "%s%s", between, s->name);
        between = ", ";
    }
    weft_str_add(&m->text, "\n}\n");
}

char *
random_program(rng *r, int64_t *n)
{
    maker m = { .r = r };
    dim symbol = { 0 };
    weft_str_add(&m.text, "te p(");
    if (once_in(r, 3)) {
        symbol = (dim){ .text = "n", .size = 1 + pick(r, 12), .wide = once_in(r, 4) };
        if (symbol.wide)
            weft_str_add(&m.text, "n: i64, ");
    }
    *n = symbol.size;
    for (int i = 1 + pick(r, 2); i > 0; i--)
        make_input(&m, &symbol);
    weft_str_add(&m.text, ") {\n");
    int want = 1 + pick(r, MAX_STAGES);
    for (int tries = 0; (m.stages < want && tries < 40) || m.stages == 0; tries++)
        make_any(&m);
    make_results(&m);
    weft_arena_reset(&m.scratch);
    return weft_str_take(&m.text);
}
