/* The parts of <weft/weft.h> that describe a session's tensors and speak DLPack. */
#include "runtime/session_priv.h"

#include <stdlib.h>
#include <string.h>

int
weft_session_input_count(const weft_session *s)
{
    return s->program->ninput;
}

int
weft_session_output_count(const weft_session *s)
{
    return s->program->noutput;
}

static weft_status
describe(const weft_session *s, const int *list, int n, int i, weft_tensor_desc *out)
{
    if (i < 0 || i >= n || out->size < sizeof out->size)
        return WEFT_INVALID_ARGUMENT;
    const weft_mod_tensor *t = &s->program->tensor[list[i]];
    weft_tensor_desc full = { .size = out->size,
                              .name = t->name,
                              .dtype = t->dtype,
                              .ndim = t->ndim,
                              .dim = s->bound ? s->dim[list[i]] : NULL,
                              .bytes = s->bound ? s->bytes[list[i]] : -1 };
    memcpy(out, &full, out->size < sizeof full ? out->size : sizeof full);
    return WEFT_OK;
}

weft_status
weft_session_input(const weft_session *s, int input, weft_tensor_desc *out)
{
    return describe(s, s->program->input, s->program->ninput, input, out);
}

weft_status
weft_session_output(const weft_session *s, int output, weft_tensor_desc *out)
{
    return describe(s, s->program->output, s->program->noutput, output, out);
}

/* ---- DLPack ---------------------------------------------------------------------------------- */

static weft_status
check_dlpack(const weft_tensor_desc *want, const DLTensor *have, weft_diag *diag)
{
    if (!want->dim)
        return weft_fail(diag, WEFT_INVALID_ARGUMENT,
                         "tensor '%s': bind the shapes of the inputs first", want->name);
    if (have->device.device_type != kDLCPU)
        return weft_fail(diag, WEFT_UNSUPPORTED,
                         "tensor '%s': DLPack device type %d; only host memory (1)", want->name,
                         (int)have->device.device_type);
    int bits = weft_dtype_bits(want->dtype);
    if (have->dtype.code != weft_dtype_dlpack(want->dtype) || have->dtype.bits != bits ||
        have->dtype.lanes != 1)
        return weft_fail(
            diag, WEFT_INVALID_ARGUMENT,
            "tensor '%s' is %s; the DLPack tensor has type code %d of %d bits in %d lanes",
            want->name, weft_dtype_name(want->dtype), have->dtype.code, have->dtype.bits,
            have->dtype.lanes);
    if (bits < 8)
        return weft_fail(diag, WEFT_UNSUPPORTED,
                         "tensor '%s': packed %s does not go through DLPack", want->name,
                         weft_dtype_name(want->dtype));
    if (have->ndim != want->ndim)
        return weft_fail(diag, WEFT_INVALID_ARGUMENT, "tensor '%s' has %d dimensions, not %d",
                         want->name, want->ndim, (int)have->ndim);
    for (int i = 0; i < want->ndim; i++)
        if (have->shape[i] != want->dim[i])
            return weft_fail(diag, WEFT_INVALID_ARGUMENT,
                             "tensor '%s': dimension %d is %lld, not %lld", want->name, i,
                             (long long)want->dim[i], (long long)have->shape[i]);
    return WEFT_OK;
}

static bool
is_compact(const DLTensor *t)
{
    int64_t step = 1;
    for (int i = t->ndim - 1; i >= 0 && t->strides; i--) {
        if (t->shape[i] != 1 && t->strides[i] != step)
            return false;
        step *= t->shape[i];
    }
    return true;
}

/* Copies between a strided tensor and compact memory, element by element in row-major order. */
static void
copy_strided(const DLTensor *t, size_t size, char *compact, int64_t count, bool gather, int64_t *at)
{
    char *base = (char *)t->data + t->byte_offset;
    int64_t offset = 0;
    memset(at, 0, (size_t)t->ndim * sizeof *at);
    for (int64_t i = 0; i < count; i++) {
        char *element = base + offset * (int64_t)size;
        if (gather)
            memcpy(compact + (size_t)i * size, element, size);
        else
            memcpy(element, compact + (size_t)i * size, size);
        for (int d = t->ndim - 1; d >= 0; d--) {
            offset += t->strides[d];
            if (++at[d] < t->shape[d])
                break;
            offset -= at[d] * t->strides[d];
            at[d] = 0;
        }
    }
}

static weft_status
transfer_strided(weft_session *s, int i, const weft_tensor_desc *want, const DLTensor *t, bool in,
                 weft_diag *diag)
{
    size_t size = (size_t)weft_dtype_bits(want->dtype) / 8, bytes = (size_t)want->bytes;
    weft_arena arena = { 0 };
    int64_t *at = WEFT_NEW_ARRAY(&arena, t->ndim, int64_t);
    char *compact = malloc(bytes ? bytes : 1);
    weft_status status =
        compact ? WEFT_OK : weft_fail(diag, WEFT_OUT_OF_MEMORY, "no memory for %zu bytes", bytes);
    if (!status && in) {
        copy_strided(t, size, compact, (int64_t)(bytes / size), true, at);
        status = weft_session_set_input(s, i, compact, bytes, diag);
    } else if (!status) {
        status = weft_session_get_output(s, i, compact, bytes, diag);
        if (!status)
            copy_strided(t, size, compact, (int64_t)(bytes / size), false, at);
    }
    free(compact);
    weft_arena_reset(&arena);
    return status;
}

weft_status
weft_session_set_input_dlpack(weft_session *s, int input, const DLTensor *t, weft_diag *diag)
{
    weft_tensor_desc want = { .size = sizeof want };
    if (weft_session_input(s, input, &want))
        return weft_fail(diag, WEFT_INVALID_ARGUMENT, "there is no input %d", input);
    weft_status status = check_dlpack(&want, t, diag);
    if (status)
        return status;
    if (is_compact(t))
        return weft_session_set_input(s, input, (const char *)t->data + t->byte_offset,
                                      (size_t)want.bytes, diag);
    return transfer_strided(s, input, &want, t, true, diag);
}

weft_status
weft_session_get_output_dlpack(weft_session *s, int output, const DLTensor *t, weft_diag *diag)
{
    weft_tensor_desc want = { .size = sizeof want };
    if (weft_session_output(s, output, &want))
        return weft_fail(diag, WEFT_INVALID_ARGUMENT, "there is no output %d", output);
    weft_status status = check_dlpack(&want, t, diag);
    if (status)
        return status;
    if (is_compact(t))
        return weft_session_get_output(s, output, (char *)t->data + t->byte_offset,
                                       (size_t)want.bytes, diag);
    return transfer_strided(s, output, &want, t, false, diag);
}
