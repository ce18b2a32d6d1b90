/* tests/fuzz/fuzz_tensor.c: files of one tensor: what is read has the bytes that its shape says. */
#include "fuzz.h"
#include "tools/tools.h"

#include <stdlib.h>

/* Every byte of a tensor is there, and as many as its shape says. */
static void
check_tensor(weft_status status, const weft_const *c, const weft_diag *diag)
{
    uint8_t sum = 0;
    int64_t bytes;
    if (status) {
        if (!*weft_diag_text(diag))
            abort();
        return;
    }
    if (!weft_dtype_bytes(c->dtype, weft_element_count(c), &bytes) || (size_t)bytes != c->size)
        abort();
    for (size_t i = 0; i < c->size; i++)
        sum ^= ((const uint8_t *)c->data)[i];
    volatile uint8_t used = sum;
    (void)used;
}

static void
read_pb(const char *path, weft_diag *diag)
{
    weft_arena arena = { 0 };
    weft_const c;
    const char *name = NULL;
    weft_status status = weft_read_tensor_pb(path, &arena, &c, &name, diag);
    check_tensor(status, &c, diag);
    weft_arena_reset(&arena);
}

void
fuzz_pb(const uint8_t *data, size_t size)
{
    fuzz_with_file(data, size, read_pb);
}

static void
read_npy(const char *path, weft_diag *diag)
{
    weft_arena arena = { 0 };
    weft_const c;
    weft_status status = weft_read_npy(path, &arena, &c, diag);
    check_tensor(status, &c, diag);
    weft_arena_reset(&arena);
}

void
fuzz_npy(const uint8_t *data, size_t size)
{
    fuzz_with_file(data, size, read_npy);
}
