/* A user's own operator: a node that a te program computes, whose file was named for its operator.
 * Numbers among the attributes are values of the program's parameters of their names; the program,
 * with these in place, is what the graph's node carries. */
#include "import/ops.h"
#include "import/reader.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_PROGRAM = 16 << 20, T_FLOAT = 1, T_INT = 2 };

const char *
weft_reader_user_op(onnx_reader *r, const onnx_node_proto *p)
{
    const weft_import_options *o = r->options;
    const char *domain = weft_onnx_text(p->domain), *type = weft_onnx_text(p->op_type);
    bool plain = !*domain || strcmp(domain, "ai.onnx") == 0;
    const char *full =
        weft_arena_printf(&r->file.arena, "%s.%s", *domain ? domain : "ai.onnx", type);
    for (int i = 0; i < o->nop; i++)
        if (strcmp(o->op_name[i], full) == 0 || (plain && strcmp(o->op_name[i], type) == 0))
            return o->op_file[i];
    return NULL;
}

/* ---- attributes ------------------------------------------------------------------------------ */

/* A constant of the attribute's number, as i64 or f64; NULL after a fault. */
static const weft_expr *
number_of(onnx_node *n, const onnx_attr_proto *a, weft_te *te)
{
    const char *name = weft_onnx_text(a->name);
    int type = a->has_type ? a->type : a->has_f ? T_FLOAT : a->has_i ? T_INT : 0;
    if (type == T_INT)
        return weft_int(te->ir, WEFT_I64, weft_onnx_attr_int(n, name, 0));
    if (type == T_FLOAT)
        return weft_float(te->ir, WEFT_F64, weft_onnx_attr_float(n, name, 0));
    weft_onnx_fail(n, WEFT_UNSUPPORTED,
                   "attribute '%s' is no integer and no float; a te program takes such numbers",
                   name);
    return NULL;
}

static weft_te_given
attributes(onnx_node *n, weft_te *te)
{
    int count = (int)n->proto->n_attribute;
    const char **name = WEFT_NEW_ARRAY(n->arena, count + 1, const char *);
    const weft_expr **value = WEFT_NEW_ARRAY(n->arena, count + 1, const weft_expr *);
    for (int i = 0; i < count && n->status == WEFT_OK; i++) {
        name[i] = weft_onnx_text(n->proto->attribute[i]->name);
        value[i] = number_of(n, n->proto->attribute[i], te);
    }
    return (weft_te_given){ .nvalue = count, .name = name, .value = value, .used = n->used };
}

/* ---- the program ----------------------------------------------------------------------------- */

static void
pass_on(onnx_node *n, const weft_diag *diag)
{
    int length;
    const char *said = weft_diag_said(diag, &length);
    weft_onnx_fail(n, weft_diag_status(diag), "%.*s", length, said);
}

/* Its canonical text; the number of its outputs; NULL after a fault. */
static const char *
program_text(onnx_node *n, const char *path, const char *text, int *noutput)
{
    weft_diag *diag = weft_diag_create();
    weft_te *te = weft_te_create(n->kind, diag);
    weft_te_given given = attributes(n, te);
    const char *canonical = NULL;
    memset(n->used, 0, n->proto->n_attribute * sizeof *n->used); /* by the program, not by us */
    if (n->status == WEFT_OK && weft_te_read(te, path, text, &given) != WEFT_OK)
        pass_on(n, diag);
    if (n->status == WEFT_OK) {
        char *printed = weft_te_print(te);
        canonical = weft_arena_strdup(n->arena, printed);
        *noutput = te->output.n;
        free(printed);
    }
    weft_te_destroy(te);
    weft_diag_destroy(diag);
    return canonical;
}

static const char *
read_program(onnx_node *n, const char *path, int *noutput)
{
    char *text;
    size_t size;
    weft_diag *diag = weft_diag_create();
    const char *program = NULL;
    if (weft_file_read(diag, path, MAX_PROGRAM, &text, &size)) {
        pass_on(n, diag);
    } else {
        if (strlen(text) == size)
            program = program_text(n, path, text, noutput);
        else
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "%s: no text: it holds a zero byte", path);
        free(text);
    }
    weft_diag_destroy(diag);
    return program;
}

void
weft_reader_import_user(onnx_node *n, const char *path)
{
    int noutput = 0;
    const char *text = read_program(n, path, &noutput);
    for (size_t i = 0; i < n->proto->n_attribute; i++)
        if (!n->used[i])
            weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute '%s' is no parameter of %s",
                           weft_onnx_text(n->proto->attribute[i]->name), path);
    if (n->nout > noutput)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "it has %d outputs, and %s makes %d", n->nout, path,
                       noutput);
    for (int i = 0; i < n->nout && n->status == WEFT_OK; i++) {
        weft_attr attr[] = { weft_attr_text("te", text), weft_attr_int("output", &(int64_t){ i }) };
        weft_onnx_last(n, i);
        if (*n->proto->output[i])
            n->out[i] = weft_onnx_emit(n, WEFT_GOP_CUSTOM, n->nin, n->in, 2, attr);
    }
}
