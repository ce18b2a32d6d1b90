/* tests/graphfuzz/text.c: graphs as the text that `weft check` reads. */
#include "graphfuzz.h"

#include <stdlib.h>

static void
add_type(weft_str *s, const gf_value *v)
{
    char dims[100];
    gf_dims_text(dims, sizeof dims, v->ndim, v->dim);
    weft_str_addf(s, "%s: %s%s", v->name, weft_dtype_name(v->dtype), dims);
}

static void
add_node(weft_str *s, const gf_graph *g, const gf_value *v)
{
    weft_str_add(s, "    ");
    add_type(s, v);
    if (v->op == WEFT_GOP_CONSTANT) {
        weft_str_addf(s, " = constant [%s]\n", v->attrs);
        return;
    }
    weft_str_addf(s, " = %s(", weft_op_infos[v->op].text);
    for (int i = 0; i < v->nin; i++)
        weft_str_addf(s, "%s%s", i ? ", " : "", v->in[i] < 0 ? "none" : g->value[v->in[i]].name);
    weft_str_addf(s, *v->attrs ? ") {%s}\n" : ")%s\n", v->attrs);
}

char *
gf_text(const gf_graph *const *list, int n)
{
    weft_str s = { 0 };
    int inputs = 0, outputs = 0;
    weft_str_add(&s, "graph fuzz(");
    for (int k = 0; k < n; k++)
        for (int i = 0; i < list[k]->n; i++)
            if (list[k]->value[i].is_input) {
                weft_str_add(&s, inputs++ ? ", " : "");
                add_type(&s, &list[k]->value[i]);
            }
    weft_str_add(&s, ") -> (");
    for (int k = 0; k < n; k++)
        for (int i = 0; i < list[k]->n; i++)
            if (list[k]->value[i].is_output)
                weft_str_addf(&s, "%s%s", outputs++ ? ", " : "", list[k]->value[i].name);
    weft_str_add(&s, ") {\n");
    for (int k = 0; k < n; k++)
        for (int i = 0; i < list[k]->n; i++)
            if (!list[k]->value[i].is_input)
                add_node(&s, list[k], &list[k]->value[i]);
    weft_str_add(&s, "}\n");
    return weft_str_take(&s);
}
