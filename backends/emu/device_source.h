/* backends/emu/device_source.h: between device_source*.c: a kernel's text as tokens and as changes
 * to them. */
#ifndef WEFT_EMU_SOURCE_H
#define WEFT_EMU_SOURCE_H

#include "backends/emu/emu.h"

/* Punctuation is one character a token: what is asked here is never about operators. */
typedef enum weft_emu_lexeme {
    LEX_END,
    LEX_WORD,
    LEX_NUMBER,
    LEX_STRING,
    LEX_PUNCT
} weft_emu_lexeme;

typedef struct weft_emu_token {
    weft_emu_lexeme kind;
    bool directive; /* on a line that starts with # */
    bool taken;     /* inside a change already */
    int line;
    size_t at, n; /* bytes of the text */
} weft_emu_token;

/* Bytes of the text that other words stand for.  The lines of what they replace are kept. */
typedef struct weft_emu_change {
    size_t at, n;
    const char *words;
} weft_emu_change;

/* A parameter of a kernel. */
typedef struct weft_emu_param {
    const char *name;
    const char *value; /* what the entry passes: C++ */
    int line;
    int buffer;   /* which buffer it is, or -1 */
    bool dynamic; /* it is the launch's shared memory */
} weft_emu_param;

typedef struct weft_emu_kernel {
    const char *name, *max_threads; /* an expression, or NULL */
    int nbuffer, nscalar;
    WEFT_VEC(weft_emu_param) param;
} weft_emu_kernel;

/* One source while it is translated. */
typedef struct weft_emu_text {
    const weft_emu_language *language;
    const char *file, *text; /* "conv1.cu" */
    size_t size;
    weft_arena *arena;
    weft_diag *diag;
    weft_status status;           /* the first failure */
    WEFT_VEC(weft_emu_token) tok; /* the last one is LEX_END */
    WEFT_VEC(weft_emu_change) change;
    WEFT_VEC(const char *) header; /* of shim/ that it includes */
    weft_emu_kernel kernel;
} weft_emu_text;

/* ---- tokens (device_source_scan.c) ----------------------------------------------------------- */
/* Fills tok.  Comments and blanks are between tokens. */
void weft_emu_scan(weft_emu_text *);
/* Whether token i is this word, or this punctuation. */
bool weft_emu_is(const weft_emu_text *, int i, const char *words);
/* The token's or the tokens' words as they stand, comments included, on one line. */
const char *weft_emu_words(weft_emu_text *, int from, int to);
/* The token behind the bracket that closes the one at i; the last token if none does. */
int weft_emu_close(const weft_emu_text *, int i);
/* Changes tokens from..to-1; they are taken then.  Refused where one is already. */
void weft_emu_replace(weft_emu_text *, int from, int to, const char *words);
/* Appends the text with its changes. */
void weft_emu_apply(weft_emu_text *, weft_str *);
/* Records that the text cannot be taken, with file and line of token i. */
void weft_emu_refuse(weft_emu_text *, int i, const char *fmt, ...) WEFT_PRINTF(3, 4);
/* Splits tokens from..to-1 at commas outside brackets: calls part(from, to, user) for each. */
void weft_emu_split(weft_emu_text *, int from, int to,
                    void (*part)(weft_emu_text *, int from, int to, void *user), void *user);

/* ---- what is changed ------------------------------------------------------------------------- */
void weft_emu_shared_arrays(weft_emu_text *); /* device_source_shared.c */
void weft_emu_assembly(weft_emu_text *);      /* device_source_asm.c */
/* device_source_spirv.c: SPIR-V text as CUDA C in the arena, line for line. */
weft_status weft_emu_spirv(const weft_source *, const char *file, weft_arena *, const char **text,
                           weft_diag *);
/* device_source_kernel.c: finds the kernel of the name and says how its arguments are passed. */
void weft_emu_find_kernel(weft_emu_text *, const char *name);

#endif
