/* check/run.c: one run of a session from host tensors to host tensors. */
#include "check/check.h"

weft_status
weft_session_room(weft_session *s, int tensor, weft_arena *arena, weft_const *c, weft_diag *diag)
{
    const weft_mod_tensor *t = &weft_session_program(s)->tensor[tensor];
    int64_t *dim = WEFT_NEW_ARRAY(arena, t->ndim + 1, int64_t);
    weft_status status = weft_session_dims(s, tensor, dim, diag);
    if (status)
        return status;
    *c = (weft_const){ .dtype = t->dtype, .ndim = t->ndim, .dim = dim };
    return weft_tensor_room(t->name, arena, c, diag);
}

weft_status
weft_run_once(weft_session *s, const weft_const *in, weft_arena *arena, weft_const *out,
              weft_diag *diag)
{
    const weft_program *p = weft_session_program(s);
    weft_status status = weft_session_poison(s, diag);
    for (int i = 0; i < p->ninput && !status; i++)
        status = weft_session_set_input(s, i, in[i].data, in[i].size, diag);
    if (!status)
        status = weft_session_run(s, diag);
    for (int i = 0; i < p->noutput && !status; i++) {
        status = weft_session_room(s, p->output[i], arena, &out[i], diag);
        if (!status)
            status =
                weft_session_get_output(s, i, (void *)(uintptr_t)out[i].data, out[i].size, diag);
    }
    return status;
}
