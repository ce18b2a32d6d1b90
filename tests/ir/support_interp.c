#include "support_interp.h"

#include <string.h>

interp_case
interp_open(const char *text, const weft_interp_options *options)
{
    interp_case t = { .diag = weft_diag_create() };
    t.ir = weft_ir_create(t.diag);
    int n = 0;
    weft_kernel *const *kernel = NULL;
    t.status = weft_parse_kernels(t.ir, "test", text, &n, &kernel);
    if (!t.status)
        t.in = weft_interp_create(kernel[0], options, t.diag);
    if (!t.in)
        print_message("%s", weft_diag_text(t.diag));
    assert_non_null(t.in);
    return t;
}

weft_status
interp_go(interp_case *t, const weft_interp_buffer *buffer, const int64_t *scalar)
{
    weft_diag_clear(t->diag);
    t->status = weft_interp_run(t->in, buffer, scalar, t->diag);
    return t->status;
}

void
interp_close(interp_case *t)
{
    weft_interp_destroy(t->in);
    weft_ir_destroy(t->ir);
    weft_diag_destroy(t->diag);
}

void
interp_ok(const char *text, const weft_interp_buffer *buffer, const int64_t *scalar,
          const weft_interp_options *options)
{
    interp_case t = interp_open(text, options);
    if (interp_go(&t, buffer, scalar))
        print_message("%s", weft_diag_text(t.diag));
    assert_int_equal(t.status, WEFT_OK);
    interp_close(&t);
}

void
interp_refused(const char *text, const weft_interp_buffer *buffer, const int64_t *scalar,
               const weft_interp_options *options, const char *const *words)
{
    interp_case t = interp_open(text, options);
    interp_go(&t, buffer, scalar);
    assert_int_not_equal(t.status, WEFT_OK);
    const char *said = weft_diag_text(t.diag);
    for (; *words; words++) {
        if (!strstr(said, *words))
            print_message("'%s' is not in: %s", *words, said);
        assert_non_null(strstr(said, *words));
    }
    interp_close(&t);
}
