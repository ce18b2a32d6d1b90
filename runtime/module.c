/* A module as files: manifest.json, kernels/<target>/<name>.<ext>, weights.safetensors. */
#include "runtime/priv.h"

#include <stdlib.h>
#include <string.h>

static const char weights_name[] = "weights.safetensors", manifest_name[] = "manifest.json";

/* "kernels/opencl-generic-gpu/conv1.cl" */
static char *
kernel_path(weft_arena *arena, const weft_program *p, const weft_mod_kernel *k, const char *ext)
{
    char *path = weft_arena_printf(arena, "kernels/%s/%s.%s", p->target, k->name, ext);
    for (char *c = path; *c; c++)
        *c = *c == ':' ? '-' : *c;
    return path;
}

/* ---- writing --------------------------------------------------------------------------------- */

typedef struct writer {
    weft_arena arena;
    WEFT_VEC(weft_bundle_file) files;
} writer;

static weft_piece *
add_file(writer *w, const char *name, int npiece)
{
    weft_piece *piece = WEFT_NEW_ARRAY(&w->arena, npiece, weft_piece);
    *WEFT_PUSH(&w->arena, &w->files) = (weft_bundle_file){ name, npiece, piece };
    return piece;
}

/* The weights come first, so that a zip can be mapped. */
static weft_status
add_weights(writer *w, const weft_module *m, weft_str *head, weft_diag *diag)
{
    int *order = WEFT_NEW_ARRAY(&w->arena, m->nblob, int);
    weft_status s = weft_weights_head(m, head, order, diag);
    weft_piece *piece = add_file(w, weights_name, m->nblob + 1);
    piece[0] = (weft_piece){ head->at, head->n };
    for (int i = 0; i < m->nblob; i++)
        piece[i + 1] = (weft_piece){ m->blob[order[i]].data, m->blob[order[i]].size };
    return s;
}

static void
add_kernels(writer *w, const weft_program *p)
{
    for (int i = 0; i < p->nkernel; i++) {
        const weft_mod_kernel *k = &p->kernel[i];
        const char *name = kernel_path(&w->arena, p, k, weft_api_extension(p->profile.api));
        *add_file(w, name, 1) = (weft_piece){ k->text, k->size };
        if (!k->binary)
            continue;
        name = kernel_path(&w->arena, p, k, "spv");
        *add_file(w, name, 1) = (weft_piece){ k->binary, k->binary_size };
    }
}

weft_status
weft_module_write(const weft_module *m, const char *path, weft_diag *diag)
{
    writer w = { 0 };
    weft_str head = { 0 };
    char *manifest = NULL;
    weft_status s = weft_module_check(m, diag);
    if (!s)
        s = add_weights(&w, m, &head, diag);
    if (!s && !(manifest = weft_manifest_print(m, diag)))
        s = WEFT_INVALID_ARGUMENT;
    if (!s) {
        *add_file(&w, manifest_name, 1) = (weft_piece){ manifest, strlen(manifest) };
        for (int i = 0; i < m->nprogram; i++)
            add_kernels(&w, &m->program[i]);
        s = weft_bundle_write(path, w.files.at, w.files.n, diag);
    }
    free(manifest);
    weft_str_free(&head);
    weft_arena_reset(&w.arena);
    return s;
}

/* ---- reading --------------------------------------------------------------------------------- */

static weft_status
read_manifest(weft_module *m, weft_bundle *b, weft_diag *diag)
{
    char *text;
    size_t n;
    weft_status s = weft_bundle_text(b, manifest_name, WEFT_MAX_MANIFEST, &text, &n, diag);
    if (s)
        return s;
    s = weft_manifest_parse(m, text, n, diag);
    free(text);
    return s;
}

/* A name that the manifest gives a file is looked at before it becomes a path. */
static weft_status
read_text(weft_module *m, weft_bundle *b, const char *name, size_t *left, const char **out,
          size_t *size, weft_diag *diag)
{
    char *text;
    size_t most = *left < WEFT_MAX_TEXT ? *left : WEFT_MAX_TEXT;
    if (strstr(name, "..") || strchr(name, '\\') || strspn(name, "/"))
        return weft_fail(diag, WEFT_INVALID_INPUT, "'%s' is not a kernel's file name", name);
    weft_status s = weft_bundle_text(b, name, most, &text, size, diag);
    if (s)
        return s;
    char *copy = weft_arena_alloc(&m->arena, *size + 1);
    memcpy(copy, text, *size);
    free(text);
    *left -= *size;
    *out = copy;
    return WEFT_OK;
}

static weft_status
read_kernels(weft_module *m, weft_bundle *b, const weft_program *p, size_t *left, weft_diag *diag)
{
    weft_status s = WEFT_OK;
    for (int i = 0; i < p->nkernel && !s; i++) {
        weft_mod_kernel *k = &p->kernel[i];
        char *name = kernel_path(&m->arena, p, k, weft_api_extension(p->profile.api));
        const char *binary;
        char hex[65];
        s = read_text(m, b, name, left, &k->text, &k->size, diag);
        /* What follows a zero byte would be neither compiled nor hashed. */
        if (!s && memchr(k->text, 0, k->size))
            s = weft_fail(diag, WEFT_INVALID_INPUT, "%s: '%s' holds a zero byte, as no text does",
                          m->path, name);
        if (s || p->profile.api != WEFT_API_VULKAN)
            continue;
        weft_sha256(k->text, k->size, hex); /* an edited text outdates its binary */
        name = kernel_path(&m->arena, p, k, "spv");
        if (!k->sha256 || strcmp(hex, k->sha256) || !weft_bundle_has(b, name))
            continue;
        s = read_text(m, b, name, left, &binary, &k->binary_size, diag);
        k->binary = binary;
    }
    return s;
}

static weft_status
read_weights(weft_module *m, weft_bundle *b, weft_diag *diag)
{
    const uint8_t *data;
    size_t n;
    weft_status s = weft_bundle_map(b, weights_name, &data, &n, diag);
    return s ? s : weft_weights_parse(m, data, n, diag);
}

static void
release_bundle(void *owner)
{
    weft_bundle_close(owner);
}

weft_status
weft_module_read(const char *path, weft_diag *diag, weft_module **module)
{
    weft_bundle *b = NULL;
    size_t left = WEFT_MAX_TEXTS;
    weft_module *m = *module = calloc(1, sizeof *m);
    weft_status s =
        m ? weft_bundle_open(path, diag, &b) : weft_fail(diag, WEFT_OUT_OF_MEMORY, "%s", path);
    if (s)
        goto done;
    m->path = weft_arena_strdup(&m->arena, path);
    m->owner = b;
    m->release = release_bundle;
    s = read_manifest(m, b, diag);
    for (int i = 0; i < m->nprogram && !s; i++)
        s = read_kernels(m, b, &m->program[i], &left, diag);
    if (!s)
        s = read_weights(m, b, diag);
    if (!s)
        s = weft_module_check(m, diag);
    if (s)
        weft_fail(diag, s, "%s: the module cannot be used", path);
done:
    if (s) {
        weft_module_destroy(m);
        *module = NULL;
    }
    return s;
}

void
weft_module_destroy(weft_module *m)
{
    if (!m)
        return;
    if (m->release)
        m->release(m->owner);
    weft_arena_reset(&m->arena);
    free(m);
}
