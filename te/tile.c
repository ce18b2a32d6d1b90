/* tile: two splits and a reorder in one. */
#include "te/priv.h"

static void
log_tile(weft_te *te, weft_axis *const made[4], const char *const label[2],
         const weft_expr *const size[2])
{
    weft_str sizes = { 0 };
    for (int i = 0; i < 2; i++) {
        weft_str_add(&sizes, ", ");
        weft_print_expr(&sizes, size[i]);
    }
    weft_te_log(te, "%s, %s, %s, %s = tile(%s, %s%s)", made[0]->var->name, made[1]->var->name,
                made[2]->var->name, made[3]->var->name, label[0], label[1], weft_str_text(&sizes));
    weft_str_free(&sizes);
}

static bool
check_tile(weft_te *te, weft_stage *s, weft_axis *const axis[2], const weft_expr *size[2])
{
    if (axis[0] == axis[1] && axis[0])
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                         "tile: axis %s of stage '%s' twice; name two axes, or split it",
                         weft_axis_label(te, axis[0]), weft_stage_name(s)),
               false;
    for (int i = 0; i < 2; i++)
        if (axis[i] && !weft_te_check_ordered(te, s, axis[i], "tile", "be tiled"))
            return false;
    if (axis[0] && axis[1] && axis[0]->crossed != axis[1]->crossed)
        return weft_fail(te->diag, WEFT_INVALID_ARGUMENT,
                         "tile: of axes %s and %s of stage '%s' one runs inside the scan's steps; "
                         "split them, and reorder the parts",
                         weft_axis_label(te, axis[0]), weft_axis_label(te, axis[1]),
                         weft_stage_name(s)),
               false;
    for (int i = 0; i < 2; i++)
        if (!weft_te_split_rest(te, s, axis[i], &size[i], 2, "tile"))
            return false;
    return true;
}

weft_status
weft_tile_named(weft_te *te, weft_tensor *t, weft_axis *const axis[2],
                const weft_expr *const factor[2], const char *const name[4], weft_axis *out[4])
{
    weft_stage *s = weft_te_loops_of(te, t, "tile");
    const weft_expr *size[2] = { factor[0], factor[1] };
    if (!s || !check_tile(te, s, axis, size))
        return weft_te_null(te, "tile");
    const char *label[2] = { weft_axis_label(te, axis[0]), weft_axis_label(te, axis[1]) };
    int before = te->log.n;
    weft_axis *made[4]; /* y outer, x outer, y inner, x inner */
    for (int i = 0; i < 2; i++) {
        const char *const names[2] = { name ? name[i] : NULL, name ? name[i + 2] : NULL };
        weft_split_named(te, t, axis[i], size[i], false, names, &made[i], &made[i + 2]);
    }
    weft_reorder(te, t, 4, made);
    te->log.n = before;
    log_tile(te, made, label, size);
    for (int i = 0; out && i < 4; i++)
        out[i] = made[i];
    return WEFT_OK;
}

weft_status
weft_tile(weft_te *te, weft_tensor *t, weft_axis *y, weft_axis *x, const weft_expr *y_factor,
          const weft_expr *x_factor, weft_axis *made[4])
{
    weft_axis *const axis[2] = { y, x };
    const weft_expr *const factor[2] = { y_factor, x_factor };
    return weft_tile_named(te, t, axis, factor, NULL, made);
}
