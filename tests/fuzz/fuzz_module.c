/* tests/fuzz/fuzz_module.c: no bytes crash the readers of modules, nor a session made of what they
 * accept. */
#include "fuzz.h"
#include "runtime/priv.h"
#include "runtime/session.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_DIMS = 64, MOST_INPUTS = 256 };

static bool
is_small(const weft_program *p)
{
    for (int i = 0; i < p->ninput; i++)
        if (p->tensor[p->input[i]].ndim > MOST_DIMS)
            return false;
    return p->ninput <= MOST_INPUTS;
}

/* Binds every input to dimensions of 10. */
static void
run(weft_module *m, weft_diag *diag)
{
    weft_device *device = NULL;
    weft_session *session = NULL;
    int64_t ten[MOST_DIMS];
    const int64_t *dims[MOST_INPUTS];
    for (int i = 0; i < MOST_DIMS; i++)
        ten[i] = 10;
    for (int i = 0; i < MOST_INPUTS; i++)
        dims[i] = ten;
    weft_null_driver.open(0, diag, &device);
    if (!weft_session_create(m, device, NULL, diag, &session)) {
        if (is_small(weft_session_program(session)))
            weft_session_bind(session, dims, diag);
        weft_session_destroy(session);
    }
    weft_device_close(device);
}

/* A manifest with kernels of one letter and without weights. */
static void
try_manifest(weft_module *m, const uint8_t *data, size_t size, weft_diag *diag)
{
    if (weft_manifest_parse(m, (const char *)data, size, diag))
        return;
    for (int i = 0; i < m->nprogram; i++)
        for (int k = 0; k < m->program[i].nkernel; k++) {
            m->program[i].kernel[k].text = "x";
            m->program[i].kernel[k].size = 1;
        }
    if (weft_module_check(m, diag))
        return;
    free(weft_manifest_print(m, diag));
    run(m, diag);
}

/* Weights: the last byte of every blob can be read. */
static void
try_weights(weft_module *m, const uint8_t *data, size_t size, weft_diag *diag)
{
    uint8_t *copy = malloc(size + !size), sum = 0; /* its end is known to the sanitizer */
    memcpy(copy, data, size);
    if (!weft_weights_parse(m, copy, size, diag))
        for (int i = 0; i < m->nblob; i++)
            if (m->blob[i].size)
                sum ^= ((const uint8_t *)m->blob[i].data)[m->blob[i].size - 1];
    copy[0] = size ? sum : 0;
    m->nblob = 0;
    free(copy);
}

static void
with_module(void (*check)(weft_module *, const uint8_t *, size_t, weft_diag *), const uint8_t *data,
            size_t size)
{
    weft_module *m = calloc(1, sizeof *m);
    weft_diag *diag = weft_diag_create();
    check(m, data, size, diag);
    weft_module_destroy(m);
    weft_diag_destroy(diag);
}

void
fuzz_manifest(const uint8_t *data, size_t size)
{
    with_module(try_manifest, data, size);
}

void
fuzz_weights(const uint8_t *data, size_t size)
{
    with_module(try_weights, data, size);
}

static void
try_zip(const char *path, weft_diag *diag)
{
    weft_module *m = NULL;
    weft_status status = weft_module_read(path, diag, &m);
    if ((status == WEFT_OK) != (m != NULL) || (status && !*weft_diag_text(diag)))
        abort();
    if (m)
        run(m, diag);
    weft_module_destroy(m);
}

void
fuzz_zip(const uint8_t *data, size_t size)
{
    fuzz_with_file(data, size, try_zip);
}
