/* tests/ops/cases.c: the table's rows spelt out: a case a dtype and shape list. */
#include "ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BIT(t)   (1u << WEFT_##t)
#define BOOLS    BIT(BOOL)
#define I64      BIT(I64)
#define U32      BIT(U32)
#define I32S     BIT(I32)
#define UNSIGNED (BIT(U8) | BIT(U16) | BIT(U32) | BIT(U64))
#define INTS     (BIT(I8) | BIT(I16) | BIT(I32) | BIT(I64) | UNSIGNED)
#define FLOATS   (BIT(F16) | BIT(BF16) | BIT(F32) | BIT(F64))
#define NUMBERS  (INTS | FLOATS)
#define ALL      (NUMBERS | BOOLS)
#define INTS_8   (BIT(I8) | BIT(U8))
#define BITS_16  (BIT(I16) | BIT(U16) | BIT(F16) | BIT(BF16))
#define BITS_32  (BIT(I32) | BIT(U32) | BIT(F32))
#define BITS_64  (BIT(I64) | BIT(U64) | BIT(F64))
#define F8S      (BIT(F8E4M3FN) | BIT(F8E4M3FNUZ) | BIT(F8E5M2) | BIT(F8E5M2FNUZ))
/* and those that are stored only */
#define EVERY ((1u << WEFT_DTYPE_COUNT) - 1)

const ops_row ops_rows[] = {
#define CASE(op, dtypes, inputs, attrs, ranges) { WEFT_GOP_##op, dtypes, inputs, attrs, ranges },
#include "cases.def"
#undef CASE
};
const int ops_nrow = (int)(sizeof ops_rows / sizeof *ops_rows);

/* ---- reading a row --------------------------------------------------------------------------- */

/* Part i of a text whose parts stand apart by `by`; the last one when there are fewer and `last`.
 * False where there is none. */
static bool
part(const char *text, char by, int i, bool last, const char **at, size_t *n)
{
    for (int k = 0;; k++) {
        size_t len = strcspn(text, (char[]){ by, 0 });
        bool end = !text[len];
        if (k == i || (end && last)) {
            while (len && *text == ' ')
                text++, len--;
            while (len && text[len - 1] == ' ')
                len--;
            *at = text;
            *n = len;
            return true;
        }
        if (end)
            return false;
        text += len + 1;
    }
}

static int
parts(const char *text, char by)
{
    int n = 1;
    for (; *text; text++)
        n += *text == by;
    return n;
}

static ops_range
read_range(const char *text)
{
    ops_range r = { 0 };
    for (; *text >= 'a' && *text <= 'z'; text++) {
        r.whole |= *text == 'i';
        r.nonzero |= *text == 'n';
        r.distinct |= *text == 'd';
        r.special |= *text == 's';
    }
    const char *dots = strstr(text, "..");
    char low[32] = { 0 };
    weft_assert(dots && dots - text < (ptrdiff_t)sizeof low, "cases.def: the range '%s'", text);
    memcpy(low, text, (size_t)(dots - text)); /* strtod would take a dot with it */
    r.lo = strtod(low, NULL);
    r.hi = strtod(dots + 2, NULL);
    return r;
}

/* "3,7", "-", "none", "bool:3,7". */
static ops_input
read_input(const char *text, size_t n, weft_dtype t)
{
    ops_input in = { .dtype = t };
    const char *colon = memchr(text, ':', n);
    if (colon) {
        in.dtype = weft_dtype_parse(text, (size_t)(colon - text));
        weft_assert(in.dtype != WEFT_DTYPE_COUNT, "cases.def: the dtype in '%s'", text);
        n -= (size_t)(colon + 1 - text);
        text = colon + 1;
    }
    in.absent = n == 4 && memcmp(text, "none", 4) == 0;
    if (in.absent || *text == '-')
        return in;
    for (const char *end = text + n; text < end; text++) {
        char *next;
        weft_assert(in.ndim < OPS_RANK, "cases.def: more dimensions than %d", OPS_RANK);
        in.dim[in.ndim++] = strtoll(text, &next, 10);
        text = next;
    }
    return in;
}

static bool
read_case(const ops_row *row, weft_dtype t, int shape, ops_case *c)
{
    const char *at, *one, *range;
    size_t n, len;
    *c = (ops_case){ .row = row, .dtype = t, .shape = shape };
    if (!part(row->inputs, ';', shape, false, &at, &n))
        return false;
    char list[200];
    weft_assert(n < sizeof list, "cases.def: a long list of shapes");
    memcpy(list, at, n);
    list[n] = 0;
    while (n && part(list, '|', c->nin, false, &one, &len)) {
        weft_assert(c->nin < OPS_INPUTS, "cases.def: more inputs than %d", OPS_INPUTS);
        c->in[c->nin] = read_input(one, len, t);
        part(row->ranges, '|', c->nin, true, &range, &len);
        c->in[c->nin++].range = read_range(range);
    }
    return true;
}

/* ---- the list -------------------------------------------------------------------------------- */

int
ops_list_cases(weft_arena *arena, ops_case **list)
{
    WEFT_VEC(ops_case) all = { 0 };
    for (int r = 0; r < ops_nrow; r++)
        for (int t = 0; t < WEFT_DTYPE_COUNT; t++)
            for (int s = 0; (ops_rows[r].dtypes >> t & 1) && s < parts(ops_rows[r].inputs, ';');
                 s++) {
                ops_case c;
                read_case(&ops_rows[r], (weft_dtype)t, s, &c);
                c.id = all.n;
                *WEFT_PUSH(arena, &all) = c;
            }
    *list = all.at;
    return all.n;
}

bool
ops_case_of(const ops_row *row, weft_dtype t, ops_case *c)
{
    return read_case(row, t, parts(row->inputs, ';') > 2 ? 2 : 0, c);
}

bool
ops_first_case(weft_op op, weft_dtype t, ops_case *c)
{
    const ops_row *any = NULL;
    for (int r = 0; r < ops_nrow; r++) {
        if (ops_rows[r].op != op)
            continue;
        if (ops_rows[r].dtypes >> t & 1)
            return ops_case_of(&ops_rows[r], t, c);
        any = any ? any : &ops_rows[r];
    }
    return any && ops_case_of(any, t, c);
}

void
ops_describe(weft_str *s, const ops_case *c)
{
    weft_str_addf(s, "%s %s [", weft_op_infos[c->row->op].text, weft_dtype_name(c->dtype));
    for (int i = 0; i < c->nin; i++) {
        weft_str_add(s, i ? " | " : "");
        if (c->in[i].absent)
            weft_str_add(s, "none");
        else if (c->in[i].dtype != c->dtype)
            weft_str_addf(s, "%s:", weft_dtype_name(c->in[i].dtype));
        for (int d = 0; d < c->in[i].ndim; d++)
            weft_str_addf(s, "%s%lld", d ? "," : "", (long long)c->in[i].dim[d]);
        if (!c->in[i].absent && !c->in[i].ndim)
            weft_str_add(s, "-");
    }
    weft_str_add(s, "]");
    if (*c->row->attrs) {
        weft_str_add(s, " {");
        ops_attributes(s, c);
        weft_str_add(s, "}");
    }
}

void
ops_attributes(weft_str *s, const ops_case *c)
{
    for (const char *a = c->row->attrs; *a; a++)
        if (a[0] == '%' && a[1] == 't')
            weft_str_add(s, weft_dtype_name(c->dtype)), a++;
        else
            weft_str_addn(s, a, 1);
}
