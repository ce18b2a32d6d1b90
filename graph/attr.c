/* Attributes: making, finding and checking them against the list in the operator's row. */
#include "graph/priv.h"

#include <string.h>

weft_attr
weft_attr_int(const char *name, const int64_t *one)
{
    return (weft_attr){ .name = name, .kind = WEFT_ATTR_INTS, .n = 1, .ints = one };
}

weft_attr
weft_attr_ints(const char *name, int n, const int64_t *ints)
{
    return (weft_attr){ .name = name, .kind = WEFT_ATTR_INTS, .list = true, .n = n, .ints = ints };
}

weft_attr
weft_attr_float(const char *name, const double *one)
{
    return (weft_attr){ .name = name, .kind = WEFT_ATTR_FLOATS, .n = 1, .floats = one };
}

weft_attr
weft_attr_text(const char *name, const char *text)
{
    return (weft_attr){ .name = name, .kind = WEFT_ATTR_TEXT, .n = 1, .text = text };
}

weft_attr
weft_attr_dims(const char *name, int n, const weft_expr *const *dims)
{
    return (weft_attr){ .name = name, .kind = WEFT_ATTR_DIMS, .list = true, .n = n, .dims = dims };
}

weft_attr
weft_attr_dtype(const char *name, weft_dtype dtype)
{
    return (weft_attr){ .name = name, .kind = WEFT_ATTR_DTYPE, .n = 1, .dtype = dtype };
}

weft_attr
weft_attr_copy(weft_arena *arena, const weft_attr *a)
{
    weft_attr own = *a;
    size_t n = (size_t)a->n;
    own.name = weft_arena_strdup(arena, a->name);
    if (a->ints)
        own.ints = weft_arena_dup(arena, a->ints, n * sizeof *a->ints);
    if (a->floats)
        own.floats = weft_arena_dup(arena, a->floats, n * sizeof *a->floats);
    if (a->dims)
        own.dims = weft_arena_dup(arena, a->dims, n * sizeof *a->dims);
    own.text = weft_arena_strdup(arena, a->text);
    return own;
}

const weft_attr *
weft_node_attr(const weft_node *n, const char *name)
{
    for (int i = 0; i < n->nattr; i++)
        if (strcmp(n->attr[i].name, name) == 0)
            return &n->attr[i];
    return NULL;
}

int64_t
weft_node_int(const weft_node *n, const char *name)
{
    const weft_attr *a = weft_node_attr(n, name);
    return a && a->kind == WEFT_ATTR_INTS && a->n > 0 ? a->ints[0] : 0;
}

double
weft_node_float(const weft_node *n, const char *name)
{
    const weft_attr *a = weft_node_attr(n, name);
    return a && a->kind == WEFT_ATTR_FLOATS && a->n > 0 ? a->floats[0] : 0;
}

const weft_expr *
weft_node_dim(const weft_node *n, const char *name, int i)
{
    const weft_attr *a = weft_node_attr(n, name);
    return a && a->kind == WEFT_ATTR_DIMS && i >= 0 && i < a->n ? a->dims[i] : NULL;
}

void
weft_node_set_attr(weft_graph *g, weft_node *n, weft_attr attr)
{
    weft_arena *arena = &g->ir->arena;
    weft_attr *own = WEFT_NEW_ARRAY(arena, n->nattr + 1, weft_attr);
    int at = n->nattr;
    for (int i = 0; i < n->nattr; i++) {
        own[i] = n->attr[i];
        if (strcmp(own[i].name, attr.name) == 0)
            at = i;
    }
    own[at] = weft_attr_copy(arena, &attr);
    n->nattr += at == n->nattr;
    n->attr = own;
}

/* ---- checking -------------------------------------------------------------------------------- */

static const struct { /* ORDER: the letters of weft_op_info.attrs */
    char letter;
    weft_attr_kind kind;
    bool list;
    const char *text;
} kinds[] = {
    { 'i', WEFT_ATTR_INTS, false, "an integer" },
    { 'I', WEFT_ATTR_INTS, true, "a list of integers" },
    { 'f', WEFT_ATTR_FLOATS, false, "a number" },
    { 't', WEFT_ATTR_TEXT, false, "a text" },
    { 'd', WEFT_ATTR_DIMS, true, "a list of dimensions" },
    { 'D', WEFT_ATTR_DTYPE, false, "a dtype" },
};

/* Integers where expressions or one float are asked for. */
static void
convert(weft_graph *g, weft_attr *a, char letter)
{
    if (a->kind != WEFT_ATTR_INTS)
        return;
    if (letter == 'd' && a->list) {
        const weft_expr **dims = WEFT_NEW_ARRAY(&g->ir->arena, a->n, const weft_expr *);
        for (int i = 0; i < a->n; i++)
            dims[i] = weft_dim(g, a->ints[i]);
        *a = weft_attr_dims(a->name, a->n, dims);
    } else if (letter == 'f' && a->n == 1) {
        double *one = WEFT_NEW(&g->ir->arena, double);
        *one = (double)a->ints[0];
        *a = weft_attr_float(a->name, one);
    }
}

static weft_status
check_kind(weft_graph *g, weft_node *n, weft_attr *a, char letter)
{
    convert(g, a, letter);
    size_t k = 0;
    while (kinds[k].letter != letter)
        k++;
    if (a->kind != kinds[k].kind || a->list != kinds[k].list || (!a->list && a->n != 1))
        return weft_node_fail(g, n, WEFT_INVALID_INPUT, "attribute '%s' has to be %s", a->name,
                              kinds[k].text);
    for (int i = 0; a->kind == WEFT_ATTR_DIMS && i < a->n; i++)
        if (!a->dims[i])
            return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                                  "element %d of attribute '%s' is not known", i, a->name);
    return WEFT_OK;
}

/* Finds `name` in a list "strides:I pads:I pack:i?" and the letter after it; NULL: it is not there.
 */
static const char *
spec_find(const char *spec, const char *name)
{
    size_t n = strlen(name);
    for (const char *s = spec; *s; s += strcspn(s, " "), s += strspn(s, " "))
        if (strncmp(s, name, n) == 0 && s[n] == ':')
            return s + n + 1;
    return NULL;
}

const char *
weft_attr_letter(weft_op op, const char *name)
{
    return spec_find(weft_op_infos[op].attrs, name);
}

weft_status
weft_attr_check(weft_graph *g, weft_node *n)
{
    const char *spec = weft_op_infos[n->op].attrs;
    weft_attr *own = weft_arena_dup(&g->ir->arena, n->attr, (size_t)n->nattr * sizeof *n->attr);
    for (int i = 0; i < n->nattr; i++) {
        const char *letter = spec_find(spec, own[i].name);
        if (!letter)
            return weft_node_fail(g, n, WEFT_INVALID_INPUT,
                                  "there is no attribute '%s' (known: %s)", own[i].name,
                                  *spec ? spec : "none");
        weft_status st = check_kind(g, n, &own[i], *letter);
        if (st != WEFT_OK)
            return st;
    }
    n->attr = own;
    for (const char *s = spec; *s; s += strcspn(s, " "), s += strspn(s, " ")) {
        const char *colon = strchr(s, ':');
        const char *name = weft_arena_strndup(&g->ir->arena, s, (size_t)(colon - s));
        if (colon[2] != '?' && !weft_node_attr(n, name))
            return weft_node_fail(g, n, WEFT_INVALID_INPUT, "attribute '%s' is missing", name);
    }
    return WEFT_OK;
}
