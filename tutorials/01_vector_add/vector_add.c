/* The program of vector_add.te, made by calls, printed for four targets. */
#include <stdio.h>
#include <stdlib.h>
#include <weft/compiler.h>
#include <weft/te.h>
#include <weft/weft.h>

static weft_te *
make_program(weft_diag *diag)
{
    weft_te *te = weft_te_create("vector_add", diag);
    weft_ir *ir = weft_te_ir(te);
    const weft_expr *n = weft_te_symbol(te, "n", WEFT_I32);

    /* What is computed. */
    weft_tensor *a = weft_te_input(te, "A", WEFT_F32, 1, &n);
    weft_tensor *b = weft_te_input(te, "B", WEFT_F32, 1, &n);
    weft_axis *i = weft_te_axis(te, "i", n), *bx, *tx;
    const weft_expr *at = weft_axis_ref(te, i);
    const weft_expr *sum =
        weft_add(ir, weft_tensor_at(te, a, 1, &at), weft_tensor_at(te, b, 1, &at));
    weft_tensor *c = weft_te_compute(te, "C", 1, &i, sum);
    weft_te_output(te, c);

    /* How: blocks of 128 threads. */
    weft_split(te, c, weft_stage_axis(te, c, 0), weft_i32(ir, 128), &bx, &tx);
    weft_bind_axis(te, c, bx, "block.x");
    weft_bind_axis(te, c, tx, "thread.x");
    return te;
}

int
main(void)
{
    static const char *const target[] = { "cuda:sm_80", "opencl:generic-gpu", "metal:apple8",
                                          "vulkan:generic-gpu" };
    weft_diag *diag = weft_diag_create();
    weft_te *te = make_program(diag);
    for (int i = 0; i < 4 && !weft_diag_status(diag); i++) {
        char *source = weft_te_show(te, target[i], "source", diag);
        if (source)
            printf("%s%s", i ? "\n" : "", source);
        free(source);
    }
    fputs(weft_diag_text(diag), stderr);
    weft_te_destroy(te);
    int code = weft_status_exit_code(weft_diag_status(diag));
    weft_diag_destroy(diag);
    return code;
}
