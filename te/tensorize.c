/* tensorize: the inner loops of a stage as one instruction of a matrix unit.  What the loops have
 * to be is checked when they are lowered (lower/tensorize.c), where their extents are known. */
#include "te/priv.h"

#include <string.h>

static const weft_matrix *
find_matrix(weft_te *te, const weft_stage *s, const char *name)
{
    const weft_matrix *m = weft_matrix_named(name, strlen(name));
    if (m)
        return m;
    weft_str all = { 0 };
    for (int i = 0; i < weft_matrix_count(); i++)
        weft_str_addf(&all, "%s%s", i ? ", " : "", weft_matrix_at(i)->name);
    weft_fail(te->diag, WEFT_NOT_FOUND,
              "tensorize: stage '%s' with '%s', which is no matrix intrinsic; there are %s",
              weft_stage_name(s), name, weft_str_text(&all));
    weft_str_free(&all);
    return NULL;
}

/* Loops that are bound, made lanes or asked for cannot be part of an instruction. */
static bool
check_loops(weft_te *te, const weft_stage *s, int from)
{
    for (int i = from; i < s->leaf.n; i++) {
        const weft_axis *leaf = s->leaf.at[i];
        if (leaf->bind == WEFT_SERIAL && !leaf->unroll)
            continue;
        weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                  "tensorize: axis %s of stage '%s', inside of %s, %s%s; a matrix unit "
                  "runs all loops from there on: reorder it outside",
                  weft_axis_label(te, leaf), weft_stage_name(s),
                  weft_axis_label(te, s->leaf.at[from]),
                  leaf->unroll ? "has a pragma" : "is bound to ",
                  leaf->unroll ? "" : weft_bind_name(leaf->bind));
        return false;
    }
    return true;
}

weft_status
weft_tensorize(weft_te *te, weft_tensor *t, weft_axis *axis, const char *intrinsic)
{
    weft_stage *s = intrinsic ? weft_te_loops_of(te, t, "tensorize") : NULL;
    int place = s ? weft_te_leaf(te, s, axis, "tensorize") : -1;
    const weft_matrix *m = place >= 0 ? find_matrix(te, s, intrinsic) : NULL;
    if (!m)
        return weft_te_null(te, "tensorize");
    if (s->tensor_axis)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                         "tensorize: the loops of stage '%s' are a matrix instruction from axis %s "
                         "on already; a stage is tensorized once",
                         weft_stage_name(s), weft_axis_label(te, s->tensor_axis));
    if (!check_loops(te, s, place))
        return WEFT_INVALID_ARGUMENT;
    s->tensor_axis = axis;
    s->matrix = m;
    weft_te_log(te, "tensorize(%s, %s)", weft_axis_label(te, axis), m->name);
    return WEFT_OK;
}
