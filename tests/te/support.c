#include "support.h"

#include <string.h>

weft_te *
must_parse(const char *text)
{
    weft_diag *diag = weft_diag_create();
    weft_te *te = weft_te_parse("test.te", text, diag);
    if (!te)
        fail_msg("%s", weft_diag_text(diag));
    return te;
}

void
done(weft_te *te)
{
    weft_diag *diag = te->diag;
    weft_te_destroy(te);
    weft_diag_destroy(diag);
}

weft_tensor *
tensor(const weft_te *te, const char *name)
{
    for (int i = 0; i < te->tensor.n; i++)
        if (strcmp(te->tensor.at[i]->buf->name, name) == 0)
            return te->tensor.at[i];
    fail_msg("no tensor %s", name);
    return NULL;
}

weft_axis *
axis(const weft_te *te, const char *of, const char *name)
{
    weft_stage *s = weft_te_stage(te, tensor(te, of));
    for (int i = 0; i < s->op->naxis; i++)
        if (strcmp(s->op->axis[i]->var->name, name) == 0)
            return s->op->axis[i];
    for (int i = 0; i < s->op->nreduce; i++)
        if (strcmp(s->op->reduce[i]->var->name, name) == 0)
            return s->op->reduce[i];
    for (int i = 0; i < s->leaf.n; i++)
        if (strcmp(s->leaf.at[i]->var->name, name) == 0)
            return s->leaf.at[i];
    fail_msg("no axis %s of %s", name, of);
    return NULL;
}

const char *
text_of(const weft_expr *e, char buffer[256])
{
    weft_str s = { 0 };
    weft_print_expr(&s, e);
    strncpy(buffer, weft_str_text(&s), 255);
    buffer[255] = 0;
    weft_str_free(&s);
    return buffer;
}

void
assert_says(const weft_te *te, const char *text)
{
    if (!strstr(weft_diag_text(te->diag), text))
        fail_msg("expected: %s\ngot: %s", text, weft_diag_text(te->diag));
}
