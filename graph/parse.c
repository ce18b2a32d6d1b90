/* Reading graph text: header, constants, nodes, groups.  The grammar is what print.c prints; types
 * after a node's name may be left out, and a group's members are found by its braces. */
#include "graph/parse.h"

#include <string.h>
#include <sys/mman.h>

enum { MAX_NESTING = 60 }; /* of scopes: a plan's are as many at most */

static const int64_t max_bytes = (int64_t)1 << 32; /* of a constant given by its hash */

bool
weft_graph_parse_fail(graph_parser *p, const weft_token *at, const char *fmt, ...)
{
    weft_str s = { 0 };
    va_list args;
    va_start(args, fmt);
    weft_str_vaddf(&s, fmt, args);
    va_end(args);
    if (!p->failed)
        weft_fail_at(p->diag, WEFT_INVALID_INPUT, weft_lex_place(&p->lex, at), "%s",
                     weft_str_text(&s));
    weft_str_free(&s);
    p->failed = true;
    return false;
}

/* Reports what building refused, at the statement it came from. */
static bool
refused(graph_parser *p, const weft_token *at)
{
    int n;
    const char *text = weft_diag_first(p->inner, &n);
    return weft_graph_parse_fail(p, at, "%.*s", n, text);
}

bool
weft_graph_parse_accept(graph_parser *p, const char *text)
{
    if (p->lex.tok.kind == WEFT_TOK_STRING || !weft_tok_is(&p->lex.tok, text))
        return false;
    weft_lex_next(&p->lex);
    return true;
}

bool
weft_graph_parse_expect(graph_parser *p, const char *text)
{
    return weft_graph_parse_accept(p, text) ||
           weft_graph_parse_fail(p, &p->lex.tok, "'%s' is expected", text);
}

const char *
weft_graph_parse_name(graph_parser *p)
{
    const weft_token *t = &p->lex.tok;
    const char *text = NULL;
    if (t->kind == WEFT_TOK_NAME)
        text = weft_arena_strndup(&p->g->ir->arena, t->text, t->n);
    else if (t->kind == WEFT_TOK_STRING)
        text = weft_lex_string(&p->g->ir->arena, t);
    if (!text)
        weft_graph_parse_fail(p, t, "a name is expected");
    else
        weft_lex_next(&p->lex);
    return text;
}

/* ---- names ----------------------------------------------------------------------------------- */

static bool
bind(graph_parser *p, const weft_token *at, const char *name, weft_value *v)
{
    int64_t *slot = weft_map_slot(p->known, name, strlen(name));
    if (*slot >= 0)
        return weft_graph_parse_fail(p, at, "'%s' is defined twice", name);
    *slot = p->value.n;
    *WEFT_PUSH(&p->scratch, &p->value) = v;
    return true;
}

static weft_value *
look_up(graph_parser *p)
{
    weft_token at = p->lex.tok;
    const char *name = weft_graph_parse_name(p);
    int64_t i = name ? weft_map_get(p->known, name, strlen(name)) : -1;
    if (name && i < 0)
        weft_graph_parse_fail(p, &at, "'%s' is not defined before this", name);
    return i < 0 ? NULL : p->value.at[i];
}

/* ---- types ----------------------------------------------------------------------------------- */

typedef struct type {
    bool given;
    weft_dtype dtype;
    int ndim;
    const weft_expr *const *dim;
} type;

static bool
parse_type(graph_parser *p, type *t)
{
    t->given = true;
    if (!weft_graph_parse_dtype(p, &t->dtype))
        return false;
    t->dim = weft_graph_parse_dims(p, &t->ndim);
    return t->dim != NULL;
}

/* ---- constants ------------------------------------------------------------------------------- */

/* Zero pages that nobody writes: a constant given by hash costs no memory.  A chain, as there may
 * be several. */
typedef struct zeros {
    void *at;
    size_t size;
    struct zeros *next;
} zeros;

static void
release_zeros(void *owner)
{
    for (zeros *z = owner; z; z = z->next)
        munmap(z->at, z->size);
}

static const void *
zero_pages(graph_parser *p, const weft_token *at, size_t size)
{
    zeros *top = p->g->owner;
    if (top && top->size >= size)
        return top->at;
    void *pages = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) {
        weft_graph_parse_fail(p, at, "%zu bytes of weights are more than the system gives", size);
        return NULL;
    }
    zeros *z = WEFT_NEW(&p->g->ir->arena, zeros);
    *z = (zeros){ .at = pages, .size = size, .next = top };
    p->g->owner = z;
    p->g->release = release_zeros;
    return pages;
}

static bool
parse_weights(graph_parser *p, weft_const *c, const char **hash)
{
    weft_token at = p->lex.tok;
    if (!weft_graph_parse_expect(p, "("))
        return false;
    *hash = weft_graph_parse_name(p);
    if (!*hash || !weft_graph_parse_expect(p, ")"))
        return false;
    if ((int64_t)c->size > max_bytes)
        return weft_graph_parse_fail(p, &at,
                                     "a constant of %zu bytes is larger than the %lld that a "
                                     "graph's text may ask for",
                                     c->size, (long long)max_bytes);
    c->data = zero_pages(p, &at, c->size ? c->size : 1);
    return c->data != NULL;
}

static bool
set_element(graph_parser *p, weft_dtype t, void *data, int64_t i)
{
    double f;
    int64_t v;
    if (weft_is_float(t)) {
        if (!weft_graph_parse_float(p, &f))
            return false;
        weft_set_f64(t, data, i, f);
        return true;
    }
    if (t == WEFT_U64 && p->lex.tok.kind == WEFT_TOK_INT) {
        v = (int64_t)p->lex.tok.u.i;
        weft_lex_next(&p->lex);
    } else if (!weft_graph_parse_int(p, &v)) {
        return false;
    }
    weft_set_i64(t, data, i, v);
    return true;
}

static bool
parse_elements(graph_parser *p, weft_const *c, int64_t count)
{
    weft_token at = p->lex.tok;
    if (!weft_graph_parse_expect(p, "["))
        return false;
    if (count > (int64_t)strlen(p->lex.at)) /* each takes a byte of text at least */
        return weft_graph_parse_fail(p, &at, "%lld elements are expected", (long long)count);
    void *data = weft_arena_alloc(&p->g->ir->arena, c->size ? c->size : 1);
    for (int64_t i = 0; i < count; i++)
        if ((i && !weft_graph_parse_expect(p, ",")) || !set_element(p, c->dtype, data, i))
            return false;
    c->data = data;
    return weft_graph_parse_expect(p, "]");
}

static bool
parse_constant(graph_parser *p, const weft_token *at, const char *name, const type *t)
{
    int64_t count = 1, bytes;
    if (!t->given)
        return weft_graph_parse_fail(p, at, "a constant needs a type, as w: f32[3]");
    int64_t *dim = WEFT_NEW_ARRAY(&p->scratch, t->ndim, int64_t);
    for (int i = 0; i < t->ndim; i++)
        if (!weft_as_int(t->dim[i], &dim[i]) || dim[i] < 0 || !weft_mul64(count, dim[i], &count))
            return weft_graph_parse_fail(
                p, at, "the dimensions have to be constant and their product below 2^63");
    if (!weft_dtype_bytes(t->dtype, count, &bytes))
        return weft_graph_parse_fail(p, at, "the constant has more elements than 64 bits count");
    weft_const c = { .dtype = t->dtype, .ndim = t->ndim, .dim = dim, .size = (size_t)bytes };
    const char *hash = NULL;
    if (!(weft_graph_parse_accept(p, "weights") ? parse_weights(p, &c, &hash)
                                                : parse_elements(p, &c, count)))
        return false;
    weft_value *v = weft_graph_constant(p->g, name, &c);
    if (!v)
        return refused(p, at);
    if (hash)
        weft_graph_set_hash(p->g, v->data, hash);
    return bind(p, at, name, v);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

typedef struct node_text {
    WEFT_VEC(weft_value *) in;
    WEFT_VEC(weft_attr) attr;
    const char *name, *kind;
} node_text;

static bool
parse_inputs(graph_parser *p, node_text *n)
{
    if (!weft_graph_parse_expect(p, "("))
        return false;
    while (!weft_graph_parse_accept(p, ")")) {
        if (n->in.n && !weft_graph_parse_expect(p, ","))
            return false;
        weft_value *v = NULL;
        if (!weft_graph_parse_accept(p, "none") && !(v = look_up(p)))
            return false;
        *WEFT_PUSH(&p->scratch, &n->in) = v;
    }
    return true;
}

static bool
parse_attrs(graph_parser *p, weft_op op, node_text *n)
{
    if (!weft_graph_parse_accept(p, "{"))
        return true;
    while (!weft_graph_parse_accept(p, "}")) {
        weft_attr a;
        if ((n->attr.n && !weft_graph_parse_expect(p, ",")) || !weft_graph_parse_attr(p, op, &a))
            return false;
        *WEFT_PUSH(&p->scratch, &n->attr) = a;
    }
    return true;
}

static bool
parse_provenance(graph_parser *p, node_text *n)
{
    n->name = n->kind = "";
    if (!weft_graph_parse_accept(p, "from"))
        return true;
    n->name = weft_graph_parse_name(p);
    if (!n->name || !weft_graph_parse_accept(p, "("))
        return n->name != NULL;
    n->kind = weft_graph_parse_name(p);
    return n->kind && weft_graph_parse_expect(p, ")");
}

/* The type that was written, if it was, has to agree with the inferred one and then stands. */
static bool
check_type(graph_parser *p, const weft_token *at, weft_value *v, const type *t)
{
    if (!t->given)
        return true;
    bool same = v->dtype == t->dtype && v->ndim == t->ndim;
    for (int i = 0; same && i < t->ndim; i++)
        same = weft_dim_equal(p->g, v->dim[i], t->dim[i]) != 0;
    if (same) {
        v->dim = t->dim;
        return true;
    }
    weft_str s = { 0 };
    weft_print_type(&s, v);
    weft_graph_parse_fail(p, at, "'%s' is %s by its inputs, not what is written", v->name,
                          weft_str_text(&s));
    weft_str_free(&s);
    return false;
}

static weft_op
find_op(const weft_token *t)
{
    for (int k = 0; k < WEFT_GOP_COUNT; k++)
        if (t->kind == WEFT_TOK_NAME && weft_tok_is(t, weft_op_infos[k].text))
            return (weft_op)k;
    return WEFT_GOP_COUNT;
}

static bool
parse_node(graph_parser *p, const weft_token *at, const char *name, const type *t, int group)
{
    weft_token op_at = p->lex.tok;
    weft_op op = find_op(&op_at);
    node_text n = { 0 };
    if (op == WEFT_GOP_COUNT)
        return weft_graph_parse_fail(p, &op_at, "there is no operator '%.*s'", (int)op_at.n,
                                     op_at.text);
    weft_lex_next(&p->lex);
    if (op == WEFT_GOP_CONSTANT)
        return parse_constant(p, at, name, t);
    if (!parse_inputs(p, &n) || !parse_attrs(p, op, &n) || !parse_provenance(p, &n))
        return false;
    weft_value *v =
        weft_graph_add(p->g, op, n.name, n.kind, name, n.in.n, n.in.at, n.attr.n, n.attr.at);
    if (!v)
        return refused(p, &op_at);
    v->node->group = group;
    return check_type(p, at, v, t) && bind(p, at, name, v);
}

/* name [: type] = ... */
static bool
parse_definition(graph_parser *p, int group)
{
    weft_token at = p->lex.tok;
    type t = { 0 };
    const char *name = weft_graph_parse_name(p);
    if (!name || (weft_graph_parse_accept(p, ":") && !parse_type(p, &t)))
        return false;
    return weft_graph_parse_expect(p, "=") && parse_node(p, &at, name, &t, group);
}

/* ---- groups ---------------------------------------------------------------------------------- */

static bool
parse_pattern(graph_parser *p, weft_pattern *pattern)
{
    for (int k = 0; k <= WEFT_PAT_OPAQUE; k++)
        if (weft_graph_parse_accept(p, weft_pattern_name((weft_pattern)k))) {
            *pattern = (weft_pattern)k;
            return true;
        }
    return weft_graph_parse_fail(p, &p->lex.tok, "a pattern is expected, as contraction");
}

static bool
parse_group(graph_parser *p)
{
    weft_token at = p->lex.tok;
    int64_t number;
    weft_group *group = WEFT_NEW(&p->g->ir->arena, weft_group);
    if (!weft_graph_parse_int(p, &number))
        return false;
    if (number != p->g->group.n)
        return weft_graph_parse_fail(p, &at, "group %d is expected here", p->g->group.n);
    if (!parse_pattern(p, &group->pattern) || !weft_graph_parse_expect(p, "{"))
        return false;
    *WEFT_PUSH(&p->g->ir->arena, &p->g->group) = group;
    while (!weft_graph_parse_accept(p, "}"))
        if (!parse_definition(p, (int)number))
            return false;
    return true;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool
parse_header_inputs(graph_parser *p)
{
    p->declares = true;
    while (!weft_graph_parse_accept(p, ")")) {
        if (p->value.n && !weft_graph_parse_expect(p, ","))
            return false;
        weft_token at = p->lex.tok;
        type t = { 0 };
        const char *name = weft_graph_parse_name(p);
        if (!name || !weft_graph_parse_expect(p, ":") || !parse_type(p, &t))
            return false;
        weft_value *v = weft_graph_input(p->g, name, t.dtype, t.ndim, t.dim);
        if (!v ? !refused(p, &at) : !bind(p, &at, name, v))
            return false;
    }
    p->declares = false;
    return true;
}

/* Skips the outputs, which are looked up at the end. */
static bool
skip_outputs(graph_parser *p)
{
    while (!weft_graph_parse_accept(p, ")")) {
        if (p->lex.tok.kind == WEFT_TOK_END)
            return weft_graph_parse_fail(p, &p->lex.tok, "')' is expected");
        weft_lex_next(&p->lex);
    }
    return true;
}

static bool
parse_outputs(graph_parser *p)
{
    while (!weft_graph_parse_accept(p, ")")) {
        if (p->g->output.n && !weft_graph_parse_expect(p, ","))
            return false;
        weft_lexer before = p->lex;
        const char *name = weft_graph_parse_name(p);
        if (!name)
            return false;
        if (!weft_graph_parse_accept(p, "="))
            p->lex = before;
        weft_value *v = look_up(p);
        if (!v)
            return false;
        if (weft_graph_output(p->g, v) != WEFT_OK)
            return refused(p, &before.tok);
        p->g->output_name.at[p->g->output.n - 1] = name;
    }
    return true;
}

/* ---- scopes ---------------------------------------------------------------------------------- */

static bool parse_statements(graph_parser *);

/* if test { ... } */
static bool
parse_if(graph_parser *p)
{
    const weft_expr *test = weft_graph_parse_dim(p);
    if (!test || !weft_graph_parse_expect(p, "{"))
        return false;
    weft_graph_if(p->g, test);
    if (!parse_statements(p))
        return false;
    weft_graph_leave(p->g);
    return true;
}

/* The name of a symbol that is new. */
static const char *
parse_new_symbol(graph_parser *p)
{
    weft_token at = p->lex.tok;
    const char *name = weft_graph_parse_name(p);
    for (int i = 0; name && i < p->g->symbol.n; i++)
        if (strcmp(p->g->symbol.at[i]->name, name) == 0)
            return weft_graph_parse_fail(p, &at, "'%s' is a symbol already", name), NULL;
    return name;
}

/* loop i < bound { ... } [while test as count] */
static bool
parse_loop(graph_parser *p)
{
    const char *name = parse_new_symbol(p);
    const weft_expr *bound = NULL, *test = NULL;
    if (!name || !weft_graph_parse_expect(p, "<") || !(bound = weft_graph_parse_dim(p)) ||
        !weft_graph_parse_expect(p, "{"))
        return false;
    weft_graph_loop(p->g, name, bound);
    if (!parse_statements(p))
        return false;
    if (weft_graph_parse_accept(p, "while")) {
        test = weft_graph_parse_dim(p);
        name = test && weft_graph_parse_expect(p, "as") ? parse_new_symbol(p) : NULL;
        if (!name)
            return false;
        weft_graph_until(p->g, name, test);
    }
    weft_graph_leave(p->g);
    return true;
}

static bool
parse_statement(graph_parser *p)
{
    if (weft_graph_parse_accept(p, "group"))
        return parse_group(p);
    if (weft_graph_parse_accept(p, "if"))
        return parse_if(p);
    return weft_graph_parse_accept(p, "loop") ? parse_loop(p) : parse_definition(p, -1);
}

static bool
parse_statements(graph_parser *p)
{
    if (++p->nesting > MAX_NESTING)
        return weft_graph_parse_fail(p, &p->lex.tok, "scopes nest deeper than %d", MAX_NESTING);
    while (!weft_graph_parse_accept(p, "}"))
        if (!parse_statement(p))
            return false;
    p->nesting--;
    return true;
}

static bool
parse_body(graph_parser *p)
{
    if (!parse_statements(p))
        return false;
    return p->lex.tok.kind == WEFT_TOK_END ||
           weft_graph_parse_fail(p, &p->lex.tok, "nothing is expected after the graph");
}

static bool
parse_graph(graph_parser *p)
{
    if (!weft_graph_parse_expect(p, "graph"))
        return false;
    p->g->name = weft_graph_parse_name(p);
    if (!p->g->name || !weft_graph_parse_expect(p, "(") || !parse_header_inputs(p) ||
        !weft_graph_parse_expect(p, "-") || !weft_graph_parse_expect(p, ">") ||
        !weft_graph_parse_expect(p, "("))
        return false;
    weft_lexer outputs = p->lex;
    if (!skip_outputs(p))
        return false;
    if (weft_graph_parse_accept(p, "model") && !(p->g->model = weft_graph_parse_name(p)))
        return false;
    if (!weft_graph_parse_expect(p, "{") || !parse_body(p))
        return false;
    p->lex = outputs;
    return parse_outputs(p);
}

/* Fills the groups; where there are some, every node is in one, and somebody reads each. */
static bool
finish_groups(graph_parser *p)
{
    weft_group_finish(p->g);
    for (int i = 0; i < p->g->group.n; i++)
        if (p->g->group.at[i]->nout == 0 && !weft_group_flows(p->g->group.at[i]))
            return weft_graph_parse_fail(p, &p->lex.tok, "group %d makes nothing that is read", i);
    for (int i = 0; i < p->g->node.n && p->g->group.n; i++)
        if (p->g->node.at[i]->group < 0)
            return weft_graph_parse_fail(p, &p->lex.tok,
                                         "'%s' is in no group, and there are groups",
                                         p->g->node.at[i]->out[0]->name);
    return true;
}

weft_graph *
weft_parse_graph(const char *source, const char *text, weft_diag *diag)
{
    graph_parser p = { .diag = diag, .inner = weft_diag_create() };
    p.g = weft_graph_create("", p.inner);
    p.known = weft_map_create(&p.scratch);
    weft_lex_start(&p.lex, source, text);
    bool ok = parse_graph(&p) && finish_groups(&p);
    weft_arena_reset(&p.scratch);
    weft_diag_destroy(p.inner);
    p.g->diag = p.g->ir->diag = diag;
    if (ok)
        return p.g;
    weft_graph_destroy(p.g);
    return NULL;
}
