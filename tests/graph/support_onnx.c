/* ONNX models as bytes, and what importing them gives. */
#include "support_onnx.h"

#include <ctype.h>
#include <unistd.h>

/* ---- wire format ----------------------------------------------------------------------------- */

void
put_varint(weft_str *s, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        weft_str_addn(s, &(char){ (char)((v & 0x7f) | 0x80) }, 1);
    weft_str_addn(s, &(char){ (char)v }, 1);
}

void
put_int(weft_str *s, int field, int64_t v)
{
    put_varint(s, (uint64_t)field << 3);
    put_varint(s, (uint64_t)v);
}

void
put_bytes(weft_str *s, int field, const void *data, size_t n)
{
    put_varint(s, (uint64_t)field << 3 | 2);
    put_varint(s, n);
    weft_str_addn(s, data, n);
}

void
put_text(weft_str *s, int field, const char *text)
{
    put_bytes(s, field, text, strlen(text));
}

void
put_message(weft_str *s, int field, weft_str *child)
{
    put_bytes(s, field, weft_str_text(child), child->n);
    weft_str_free(child);
}

static void
put_float(weft_str *s, int field, float v)
{
    put_varint(s, (uint64_t)field << 3 | 5);
    weft_str_addn(s, (const char *)&v, sizeof v);
}

/* ---- models ---------------------------------------------------------------------------------- */

model
model_make(int64_t opset)
{
    return (model){ .ir = opset < 9 ? 3 : 8, .opset = opset };
}

static weft_str
shape_of(const char *dims)
{
    weft_str shape = { 0 };
    for (const char *p = dims; *p; p += *p == ',') {
        weft_str dim = { 0 };
        size_t n = strcspn(p, ",");
        if (isdigit((unsigned char)*p) || *p == '-')
            put_int(&dim, 1, strtoll(p, NULL, 10));
        else if (*p != '?')
            put_bytes(&dim, 2, p, n);
        put_message(&shape, 1, &dim);
        p += n;
    }
    return shape;
}

static void
put_value(weft_str *graph, int field, const char *name, int type, const char *dims)
{
    weft_str tensor = { 0 }, kind = { 0 }, value = { 0 };
    put_int(&tensor, 1, type);
    if (dims) {
        weft_str shape = shape_of(dims);
        put_message(&tensor, 2, &shape);
    }
    put_message(&kind, 1, &tensor);
    put_text(&value, 1, name);
    put_message(&value, 2, &kind);
    put_message(graph, field, &value);
}

void
model_input(model *m, const char *name, int type, const char *dims)
{
    put_value(&m->graph, 11, name, type, dims);
}

void
model_output(model *m, const char *name)
{
    weft_str value = { 0 };
    put_text(&value, 1, name);
    put_message(&m->graph, 12, &value);
}

void
model_output_of(model *m, const char *name, int type, const char *dims)
{
    put_value(&m->graph, 12, name, type, dims);
}

void
model_declare(model *m, const char *name, int type, const char *dims)
{
    put_value(&m->graph, 13, name, type, dims);
}

/* "a b _" as repeated strings. */
static void
put_words(weft_str *s, int field, const char *words)
{
    for (const char *p = words; *p; p += strspn(p, " ")) {
        size_t n = strcspn(p, " ");
        put_bytes(s, field, p, n == 1 && *p == '_' ? 0 : n);
        p += n;
    }
}

/* One number of a list or alone; *type becomes ONNX's attribute type, 1 or 2. */
static const char *
put_number(weft_str *s, const char *p, int float_field, int int_field, int *type)
{
    size_t n = strcspn(p, " ,]");
    bool real = memchr(p, '.', n) != NULL;
    *type = real ? 1 : 2;
    if (real)
        put_float(s, float_field, strtof(p, NULL));
    else
        put_int(s, int_field, strtoll(p, NULL, 10));
    return p + n;
}

/* Reads one "name=value"; returns what is after it. */
static const char *
put_attribute(weft_str *node, const char *p)
{
    weft_str a = { 0 };
    int type = 7;
    size_t n = strcspn(p, "=");
    put_bytes(&a, 1, p, n);
    p += n + 1;
    if (*p == '\'') {
        n = strcspn(p + 1, "'");
        put_bytes(&a, 4, p + 1, n);
        type = 3;
        p += n + 2;
    } else if (*p == '[') {
        for (p++; *p != ']'; p += *p == ',') {
            p = put_number(&a, p, 7, 8, &type);
            type += 5;
        }
        p++;
    } else {
        p = put_number(&a, p, 2, 3, &type);
    }
    put_int(&a, 20, type);
    put_message(node, 5, &a);
    return p + strspn(p, " ");
}

static weft_str
node_head(const char *op, const char *in, const char *out)
{
    weft_str node = { 0 };
    put_words(&node, 1, in);
    put_words(&node, 2, out);
    put_text(&node, 4, op);
    return node;
}

void
model_node(model *m, const char *op, const char *in, const char *out, const char *attrs)
{
    model_node_of(m, NULL, op, in, out, attrs);
}

void
model_node_of(model *m, const char *domain, const char *op, const char *in, const char *out,
              const char *attrs)
{
    weft_str node = node_head(op, in, out);
    if (domain)
        put_text(&node, 7, domain);
    for (const char *p = attrs ? attrs : ""; *p;)
        p = put_attribute(&node, p);
    put_message(&m->graph, 1, &node);
}

void
model_node_graphs(model *m, const char *op, const char *in, const char *out, const char *attrs,
                  int n, const char *const *name, model *graph)
{
    weft_str node = node_head(op, in, out);
    for (const char *p = attrs ? attrs : ""; *p;)
        p = put_attribute(&node, p);
    for (int i = 0; i < n; i++) {
        weft_str a = { 0 };
        put_text(&a, 1, name[i]);
        put_message(&a, 6, &graph[i].graph);
        put_int(&a, 20, 5);
        put_message(&node, 5, &a);
    }
    put_message(&m->graph, 1, &node);
}

void
model_node_tensor(model *m, const char *op, const char *in, const char *out, const char *name,
                  weft_str *tensor)
{
    weft_str node = node_head(op, in, out), a = { 0 };
    put_text(&a, 1, name);
    put_message(&a, 5, tensor);
    put_int(&a, 20, 4);
    put_message(&node, 5, &a);
    put_message(&m->graph, 1, &node);
}

model
model_over(int64_t opset, int type, const char *dims, const char *op, const char *in,
           const char *attrs)
{
    model m = model_make(opset);
    model_input(&m, "x", type, dims);
    model_node(&m, op, in, "y", attrs);
    model_output(&m, "y");
    return m;
}

model
model_one(int64_t opset, const char *dims, const char *op, const char *in, const char *attrs)
{
    return model_over(opset, ONNX_FLOAT, dims, op, in, attrs);
}

weft_str
tensor_head(const char *name, int type, const char *dims)
{
    weft_str t = { 0 };
    for (const char *p = dims; *p; p += strspn(p, ",")) {
        put_int(&t, 1, strtoll(p, NULL, 10));
        p += strcspn(p, ",");
    }
    put_int(&t, 2, type);
    put_text(&t, 8, name);
    return t;
}

void
model_floats(model *m, const char *name, const char *dims)
{
    weft_str t = tensor_head(name, ONNX_FLOAT, dims), raw = { 0 };
    int64_t count = 1;
    for (const char *p = dims; *p; p += strspn(p, ",")) {
        count *= strtoll(p, NULL, 10);
        p += strcspn(p, ",");
    }
    for (int64_t i = 0; i < count; i++)
        weft_str_addn(&raw, (const char *)&(float){ (float)i }, sizeof(float));
    put_message(&t, 9, &raw);
    put_message(&m->graph, 5, &t);
}

void
model_ints(model *m, const char *name, const char *dims, const char *values)
{
    weft_str t = tensor_head(name, ONNX_INT64, dims);
    for (const char *p = values; *p; p += strspn(p, ",")) {
        put_int(&t, 7, strtoll(p, NULL, 10));
        p += strcspn(p, ",");
    }
    put_message(&m->graph, 5, &t);
}

weft_str
model_bytes(model *m)
{
    weft_str all = { 0 }, opset = { 0 };
    put_int(&all, 1, m->ir);
    put_int(&opset, 2, m->opset);
    put_message(&all, 8, &opset);
    put_message(&all, 7, &m->graph);
    return all;
}

/* ---- importing ------------------------------------------------------------------------------- */

void
write_bytes(const void *bytes, size_t n, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "import-%ld.onnx", (long)getpid());
    assert_int_equal(weft_file_write(NULL, path, bytes, n), WEFT_OK);
}

void
write_model(model *m, char path[PATH_SIZE])
{
    weft_str bytes = model_bytes(m);
    write_bytes(weft_str_text(&bytes), bytes.n, path);
    weft_str_free(&bytes);
}

weft_graph *
import(model *m, const weft_import_options *options)
{
    char path[PATH_SIZE];
    write_model(m, path);
    weft_diag *diag = weft_diag_create();
    weft_graph *g = weft_import_onnx(path, options, diag);
    unlink(path);
    if (!g)
        fail_msg("%s", weft_diag_text(diag));
    if (weft_graph_verify(g, "after import") != WEFT_OK)
        fail_msg("%s", weft_diag_text(diag));
    g->diag = g->ir->diag = NULL;
    weft_diag_destroy(diag);
    return g;
}

/* The lines of a graph's text between its braces, without indentation and " from ...". */
static char *
lines_of(const weft_graph *g)
{
    char *text = text_of(g);
    weft_str s = { 0 };
    for (const char *p = strchr(text, '\n') + 1; *p && *p != '}'; p += strcspn(p, "\n") + 1) {
        const char *line = p + strspn(p, " ");
        size_t n = strcspn(line, "\n");
        const char *from = strstr(line, " from \"");
        if (from && (size_t)(from - line) < n)
            n = (size_t)(from - line);
        weft_str_addn(&s, line, n);
        weft_str_add(&s, "\n");
    }
    free(text);
    return weft_str_take(&s);
}

void
check_nodes(model *m, const weft_import_options *options, const char *lines)
{
    weft_graph *g = import(m, options);
    char *have = lines_of(g);
    assert_string_equal(have, lines);
    free(have);
    weft_graph_destroy(g);
}

void
check_refused(model *m, const weft_import_options *options, weft_status status, const char *parts)
{
    char path[PATH_SIZE];
    write_model(m, path);
    weft_diag *diag = weft_diag_create();
    weft_graph *g = weft_import_onnx(path, options, diag);
    unlink(path);
    assert_null(g);
    for (const char *p = parts; *p; p += strspn(p, "|")) {
        char part[256];
        size_t n = strcspn(p, "|");
        snprintf(part, sizeof part, "%.*s", (int)n, p);
        if (!strstr(weft_diag_text(diag), part))
            fail_msg("'%s' is not in: %s", part, weft_diag_text(diag));
        p += n;
    }
    assert_int_equal(weft_diag_status(diag), status);
    weft_diag_destroy(diag);
}
