/* Graphs as text, such that reading it back prints the same:
 *
 *   graph net(x: f32[n, 8]) -> (y) model "net.onnx" {
 *       w: f32[8, 4] = constant weights(0123456789abcdef)
 *       h: f32[n, 4] = matmul(x, w) {ta=0, tb=0} from "fc1" (MatMul)
 *       y: f32[n, 4] = relu(h) from "act1" (Relu)
 *   }
 *
 * After fusion nodes stand in `group 0 contraction { ... }`.
 */
#include "graph/priv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool
is_word(const char *name)
{
    static const char *const taken[] = { "group", "none", "if", "loop" };
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcmp(name, taken[i]) == 0)
            return false;
    for (const char *c = name; *c; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '_';
        if (!letter && (c == name || !((*c >= '0' && *c <= '9') || *c == '.')))
            return false;
    }
    return *name != 0;
}

static void
print_string(weft_str *s, const char *text)
{
    weft_str_add(s, "\"");
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            weft_str_addf(s, "\\%c", *c);
        else if (*c == '\n')
            weft_str_add(s, "\\n");
        else if ((unsigned char)*c < 32 || *c == 127)
            weft_str_addf(s, "\\x%02x", (unsigned char)*c);
        else
            weft_str_addn(s, c, 1);
    }
    weft_str_add(s, "\"");
}

static void
print_name(weft_str *s, const char *name)
{
    if (is_word(name))
        weft_str_add(s, name);
    else
        print_string(s, name);
}

/* The shortest decimal that gives the same value of the dtype back. */
static void
print_float(weft_str *s, weft_dtype t, double v)
{
    char text[40];
    int digits = 1;
    if (isnan(v) || isinf(v)) {
        weft_str_add(s, isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
        return;
    }
    if (v == trunc(v) && fabs(v) < 1e15) {
        weft_str_addf(s, "%.1f", v);
        return;
    }
    do
        snprintf(text, sizeof text, "%.*g", digits, v);
    while (weft_round_to(t, strtod(text, NULL)) != v && digits++ < 17);
    weft_str_addf(s, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}

/* ---- constants ------------------------------------------------------------------------------- */

static void
print_element(weft_str *s, const weft_const *c, int64_t i)
{
    if (weft_is_float(c->dtype))
        print_float(s, c->dtype, weft_get_f64(c->dtype, c->data, i));
    else if (c->dtype == WEFT_U64)
        weft_str_addf(s, "%llu", (unsigned long long)weft_get_i64(c->dtype, c->data, i));
    else
        weft_str_addf(s, "%lld", (long long)weft_get_i64(c->dtype, c->data, i));
}

static void
print_constant(weft_str *s, const weft_graph *g, const weft_value *v)
{
    int64_t n;
    const char *hash = weft_graph_hash(g, v->data);
    weft_str_add(s, " = constant ");
    if (!hash && weft_value_count(v, &n) && n <= WEFT_TEXT_ELEMENTS) {
        weft_str_add(s, "[");
        for (int64_t i = 0; i < n; i++) {
            weft_str_add(s, i ? ", " : "");
            print_element(s, v->data, i);
        }
        weft_str_add(s, "]");
        return;
    }
    char hex[65];
    if (!hash)
        weft_sha256(v->data->data, v->data->size, hex);
    weft_str_addf(s, "weights(\"%.16s\")", hash ? hash : hex);
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static void
print_attr(weft_str *s, const weft_attr *a)
{
    weft_str_addf(s, "%s=", a->name);
    if (a->kind == WEFT_ATTR_DIMS) {
        weft_print_dims(s, a->n, a->dims);
        return;
    }
    weft_str_add(s, a->list ? "[" : "");
    for (int i = 0; i < a->n; i++) {
        weft_str_add(s, i ? ", " : "");
        if (a->kind == WEFT_ATTR_INTS)
            weft_str_addf(s, "%lld", (long long)a->ints[i]);
        else if (a->kind == WEFT_ATTR_FLOATS)
            print_float(s, WEFT_F64, a->floats[i]);
        else if (a->kind == WEFT_ATTR_TEXT)
            print_string(s, a->text);
        else
            weft_str_add(s, weft_dtype_name(a->dtype));
    }
    weft_str_add(s, a->list ? "]" : "");
}

static void
print_provenance(weft_str *s, const weft_node *n)
{
    if (!*n->name && !*n->kind)
        return;
    weft_str_add(s, " from ");
    print_string(s, n->name);
    if (*n->kind) {
        weft_str_add(s, " (");
        print_name(s, n->kind);
        weft_str_add(s, ")");
    }
}

static void
print_typed(weft_str *s, const weft_value *v)
{
    print_name(s, v->name);
    weft_str_add(s, ": ");
    weft_print_type(s, v);
}

static void
print_node(weft_str *s, const weft_node *n, int indent)
{
    weft_str_addf(s, "%*s", indent, "");
    print_typed(s, n->out[0]);
    weft_str_addf(s, " = %s(", weft_op_infos[n->op].text);
    for (int i = 0; i < n->nin; i++) {
        weft_str_add(s, i ? ", " : "");
        if (n->in[i])
            print_name(s, n->in[i]->name);
        else
            weft_str_add(s, "none");
    }
    weft_str_add(s, ")");
    for (int i = 0; i < n->nattr; i++) {
        weft_str_add(s, i ? ", " : " {");
        print_attr(s, &n->attr[i]);
    }
    weft_str_add(s, n->nattr ? "}" : "");
    print_provenance(s, n);
    weft_str_add(s, "\n");
}

/* ---- graphs ---------------------------------------------------------------------------------- */

static void
print_header(weft_str *s, const weft_graph *g)
{
    weft_str_add(s, "graph ");
    print_name(s, g->name);
    weft_str_add(s, "(");
    for (int i = 0; i < g->input.n; i++) {
        weft_str_add(s, i ? ", " : "");
        print_typed(s, g->input.at[i]);
    }
    weft_str_add(s, ") -> (");
    for (int i = 0; i < g->output.n; i++) {
        weft_str_add(s, i ? ", " : "");
        if (strcmp(g->output_name.at[i], g->output.at[i]->name) != 0) {
            print_name(s, g->output_name.at[i]);
            weft_str_add(s, " = ");
        }
        print_name(s, g->output.at[i]->name);
    }
    weft_str_add(s, ")");
    if (*g->model) {
        weft_str_add(s, " model ");
        print_string(s, g->model);
    }
    weft_str_add(s, " {\n");
}

static void
print_end(weft_str *s, const weft_scope *scope, int indent)
{
    weft_str_addf(s, "%*s}", indent, "");
    if (scope->test) {
        weft_str_add(s, " while ");
        weft_print_dim(s, scope->test);
        weft_str_addf(s, " as %s", scope->count->name);
    }
    weft_str_add(s, "\n");
}

static void
print_begin(weft_str *s, const weft_scope *scope, int indent)
{
    weft_str_addf(s, "%*s%s", indent, "", scope->kind == WEFT_SCOPE_IF ? "if " : "loop ");
    if (scope->kind == WEFT_SCOPE_LOOP)
        weft_str_addf(s, "%s < ", scope->symbol->name);
    weft_print_dim(s, scope->bound);
    weft_str_add(s, " {\n");
}

/* Closes and opens scopes between one node and the next; *indent is that of the nodes. */
static void
print_scopes(weft_str *s, const weft_graph *g, int from, int to, int *indent)
{
    for (; !weft_scope_within(g, to, from); from = g->scope.at[from].parent) {
        *indent -= 4;
        print_end(s, &g->scope.at[from], *indent);
    }
    if (from == to)
        return;
    print_scopes(s, g, from, g->scope.at[to].parent, indent);
    print_begin(s, &g->scope.at[to], *indent);
    *indent += 4;
}

void
weft_print_graph(weft_str *s, const weft_graph *g)
{
    int group = -1, scope = 0, indent = 4;
    print_header(s, g);
    for (int i = 0; i < g->value.n; i++)
        if (g->value.at[i]->data) {
            weft_str_add(s, "    ");
            print_typed(s, g->value.at[i]);
            print_constant(s, g, g->value.at[i]);
            weft_str_add(s, "\n");
        }
    for (int i = 0; i <= g->node.n; i++) {
        const weft_node *n = i < g->node.n ? g->node.at[i] : NULL;
        int next = n ? n->group : -1;
        if (next != group && group >= 0)
            weft_str_addf(s, "%*s}\n", indent, "");
        print_scopes(s, g, scope, n ? n->scope : 0, &indent);
        scope = n ? n->scope : 0;
        if (next != group && next >= 0)
            weft_str_addf(s, "%*sgroup %d %s {\n", indent, "", next,
                          weft_pattern_name(g->group.at[next]->pattern));
        group = next;
        if (n)
            print_node(s, n, indent + (group >= 0 ? 4 : 0));
    }
    weft_str_add(s, "}\n");
}
