/* needed_barriers FILE..: kernels at the level device in which every barrier is needed.
 *
 * Each kernel with barriers is run by the interpreter as it is, which has to be right, and once
 * without each of its barriers, which has to be reported as a race.  Inputs are numbers that differ,
 * sizes that the launch decides are SIZE.  Prints a line for each barrier that can go. */
#include "ir/interp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 45, BLOCKS = 2, MAX_PARAM = 32 };

/* ---- arguments ------------------------------------------------------------------------------- */

/* A parameter's size over the scalars. */
static int64_t
size_of(weft_ir *ir, const weft_kernel *k, const weft_expr *shape)
{
    const weft_expr *size[MAX_PARAM];
    int64_t n = -1;
    for (int i = 0; i < k->nscalar; i++)
        size[i] = weft_int(ir, (weft_dtype)k->scalar[i]->type.dtype, SIZE);
    shape = weft_subst_expr(ir, shape, k->nscalar, k->scalar, size);
    return weft_as_int(weft_simplify_expr(ir, NULL, shape), &n) ? n : -1;
}

static void
fill(weft_dtype t, void *data, int64_t n)
{
    for (int64_t e = 0; e < n; e++)
        if (weft_is_float(t))
            weft_set_f64(t, data, e, (double)((e * 7919 + 13) % 255 - 127));
        else
            weft_set_i64(t, data, e, e % 3);
}

static weft_status
run(weft_ir *ir, const weft_kernel *k, weft_diag *diag)
{
    weft_interp_options options = { .threads = 1 };
    weft_interp_buffer at[MAX_PARAM] = { 0 };
    int64_t scalar[MAX_PARAM];
    weft_interp *in = weft_interp_create(k, &options, diag);
    if (!in)
        return weft_diag_status(diag);
    for (int i = 0; i < k->nscalar; i++)
        scalar[i] = SIZE;
    for (int i = 0; i < k->nparam; i++) {
        int64_t n = size_of(ir, k, k->param[i]->shape[0]);
        at[i] =
            (weft_interp_buffer){ calloc((size_t)n + 1, 16), n, k->access[i] & WEFT_READ, false };
        if (k->access[i] & WEFT_READ)
            fill(k->param[i]->dtype, at[i].data, n);
    }
    weft_status st = weft_interp_run(in, at, scalar, diag);
    for (int i = 0; i < k->nparam; i++)
        free(at[i].data);
    weft_interp_destroy(in);
    return st;
}

/* ---- barriers -------------------------------------------------------------------------------- */

typedef struct removal {
    int at, seen;
} removal;

/* Blocks know nothing of each other: the first few do. */
static const weft_stmt *
leave_one_out(weft_rewriter *rw, const weft_stmt *s)
{
    removal *r = rw->user;
    int64_t n;
    if (s->kind == WEFT_SK_BARRIER && r->seen++ == r->at)
        return weft_nop(rw->ir);
    s = weft_rewrite_children(rw, s);
    if (s->kind == WEFT_SK_FOR && weft_is_block(s->u.loop.bind) &&
        (!weft_as_int(s->u.loop.extent, &n) || n > BLOCKS))
        s = weft_for(rw->ir, s->u.loop.var, s->u.loop.bind,
                     weft_int(rw->ir, (weft_dtype)s->u.loop.var->type.dtype, BLOCKS),
                     s->u.loop.body);
    return s;
}

/* The kernel without barrier number `at`; how many there are. */
static int
without(weft_ir *ir, const weft_kernel *k, int at, weft_kernel *made)
{
    removal r = { .at = at };
    weft_rewriter rw = { .ir = ir, .stmt = leave_one_out, .user = &r };
    *made = *k;
    made->body = weft_rewrite_stmt(&rw, k->body);
    weft_rewrite_done(&rw);
    return r.seen;
}

static int
fault(const char *path, const weft_kernel *k, const char *what, weft_diag *diag)
{
    printf("%s: kernel '%s': %s\n%s", path, k->name, what, weft_diag_text(diag));
    weft_diag_clear(diag);
    return 1;
}

/* How many barriers can go, or 1 where the kernel does not run at all. */
static int
check(const char *path, weft_ir *ir, const weft_kernel *k, int *checked, weft_diag *diag)
{
    char what[64];
    weft_kernel made;
    int n = without(ir, k, -1, &made), bad = 0;
    if (n == 0)
        return 0;
    if (run(ir, &made, diag) != WEFT_OK)
        return fault(path, k, "does not run", diag);
    for (int i = 0; i < n; i++) {
        without(ir, k, i, &made);
        weft_status st = run(ir, &made, diag);
        bool found = st == WEFT_INVALID_INPUT && strstr(weft_diag_text(diag), "race");
        snprintf(what, sizeof what, "barrier %d of %d is not needed", i + 1, n);
        if (!found)
            bad += fault(path, k, what, diag);
        weft_diag_clear(diag);
    }
    *checked += n;
    return bad;
}

int
main(int argc, char **argv)
{
    int checked = 0, bad = 0;
    weft_diag *diag = weft_diag_create();
    for (int i = 1; i < argc; i++) {
        weft_ir *ir = weft_ir_create(diag);
        weft_kernel *const *kernel;
        char *text = NULL;
        size_t length;
        int n = 0;
        if (weft_file_read(diag, argv[i], 1 << 26, &text, &length) != WEFT_OK ||
            weft_parse_kernels(ir, argv[i], text, &n, &kernel) != WEFT_OK) {
            printf("%s: %s", argv[i], weft_diag_text(diag));
            bad++;
        }
        for (int k = 0; k < n; k++)
            bad += check(argv[i], ir, kernel[k], &checked, diag);
        weft_diag_clear(diag);
        weft_ir_destroy(ir);
        free(text);
    }
    weft_diag_destroy(diag);
    printf("%d barriers, %d of them not needed\n", checked, bad);
    return bad > 0;
}
