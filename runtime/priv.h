/* runtime/priv.h: what the files of runtime share. */
#ifndef WEFT_RUNTIME_PRIV_H
#define WEFT_RUNTIME_PRIV_H

#include "runtime/module.h"

enum {
    WEFT_MAX_MANIFEST = 64 << 20, /* bytes of manifest.json */
    WEFT_MAX_TEXT = 64 << 20,     /* bytes of one kernel's source */
    WEFT_MAX_TEXTS = 512 << 20,   /* bytes of all kernels' sources of a module */
    WEFT_MAX_TENSORS = 1 << 17,   /* of a program */
    WEFT_MAX_STEPS = 1 << 20,
    WEFT_MAX_NESTING = 64 /* of steps over steps */
};
/* Of a tensor's `at`: a chain of aliases adds up to 64 bits. */
#define WEFT_MAX_AT (INT64_MAX / 2 / WEFT_MAX_TENSORS)

/* ---- the files of a module, in a directory or in one zip (bundle.c, bundle_zip.c) ------------ */
typedef struct weft_bundle weft_bundle;
weft_status weft_bundle_open(const char *path, weft_diag *, weft_bundle **);
void weft_bundle_close(weft_bundle *);
bool weft_bundle_has(weft_bundle *, const char *name);
/* A file as malloc'ed bytes with a zero behind them. */
weft_status weft_bundle_text(weft_bundle *, const char *name, size_t max_bytes, char **text,
                             size_t *n, weft_diag *);
/* A file's bytes, mapped where the form allows; they live until the bundle is closed.  Once only.
 */
weft_status weft_bundle_map(weft_bundle *, const char *name, const uint8_t **data, size_t *n,
                            weft_diag *);

typedef struct weft_bundle_file { /* to be written: its pieces one after the other */
    const char *name;             /* with '/' between folders */
    int npiece;
    const weft_piece *piece;
} weft_bundle_file;
/* Writes the files, in their order, with nothing in the bytes that comes from clock or machine. */
weft_status weft_bundle_write(const char *path, const weft_bundle_file *, int n, weft_diag *);

struct weft_bundle { /* for bundle.c and bundle_zip.c alone */
    const char *path;
    struct zip *zip; /* NULL for a directory */
    weft_file mapped;
    void *copied;
    weft_arena arena;
};
weft_status weft_zip_open(weft_bundle *, weft_diag *);
void weft_zip_close(weft_bundle *);
bool weft_zip_has(weft_bundle *, const char *name);
weft_status weft_zip_text(weft_bundle *, const char *name, size_t max_bytes, char **text, size_t *n,
                          weft_diag *);
weft_status weft_zip_map(weft_bundle *, const char *name, const uint8_t **data, size_t *n,
                         weft_diag *);
weft_status weft_zip_write(const char *path, const weft_bundle_file *, int n, weft_diag *);

/* ---- manifest.json (manifest_write.c, manifest_read.c) --------------------------------------- */
/* The text of the manifest; NULL after a message. */
char *weft_manifest_print(const weft_module *, weft_diag *);
/* Fills the module but for kernel texts and blobs. */
weft_status weft_manifest_parse(weft_module *, const char *text, size_t n, weft_diag *);
extern const char *const weft_role_names[4];
extern const char *const weft_step_names[WEFT_STEP_LOOP + 1];

/* ---- weights.safetensors (weights.c) --------------------------------------------------------- */
/* Header text (its length field included) and, in order[], the blobs in file order. */
weft_status weft_weights_head(const weft_module *, weft_str *head, int *order, weft_diag *);
/* Fills module->blob from the bytes of the file, which stay where they are. */
weft_status weft_weights_parse(weft_module *, const uint8_t *data, size_t n, weft_diag *);

/* What messages and profiles call a step: its kernel's name, or its kind's. */
static inline const char *
weft_step_name(const weft_program *p, int step)
{
    const weft_mod_step *s = &p->step[step];
    return s->kind == WEFT_STEP_LAUNCH ? p->kernel[s->kernel].name : weft_step_names[s->kind];
}

/* ---- checks (module_check.c) ----------------------------------------------------------------- */
/* root[i]: the tensor in whose memory tensor i lies, at[i]: the byte where it begins; false when
 * aliases go in a circle. */
bool weft_alias_roots(const weft_program *, int *root, int64_t *at);
/* For roots: the steps in which any tensor over their memory lives; what is no TEMP lives always,
 * what an output lies in lives to the end, and a TEMP that nothing uses has first > last. */
void weft_root_lives(const weft_program *, const int *root, int *first, int *last);

#endif
