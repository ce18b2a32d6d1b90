/* ir/priv.h: what the files of ir share. */
#ifndef WEFT_IR_PRIV_H
#define WEFT_IR_PRIV_H

#include "ir/ir.h"

/* "f32" or "f32x4".  The text lives in the context. */
const char *weft_type_text(weft_ir *, weft_type);
/* What is wrong with these indices of a buffer, as a sentence, or NULL. */
const char *weft_index_fault(const weft_buf *, int n, const weft_expr *const *index);

/* ---- names in text (names.c) -----------------------------------------------------------------
 * Gives every variable and buffer a name that is unique among those in scope: its own, escaped to
 * an identifier, with a suffix if it is taken or a word of the language.
 */
typedef struct weft_names weft_names;
weft_names *weft_names_create(weft_arena *);
/* Enters a binding and returns its name; the bindings of a scope are left by going back to
 * a mark. */
const char *weft_names_bind_var(weft_names *, const weft_var *);
const char *weft_names_bind_buf(weft_names *, const weft_buf *);
int weft_names_mark(const weft_names *);
void weft_names_leave(weft_names *, int mark);
/* The name of what is in scope; what is not is bound where it is first met. */
const char *weft_names_var(weft_names *, const weft_var *);
const char *weft_names_buf(weft_names *, const weft_buf *);
/* `name` as an identifier: [A-Za-z_$][A-Za-z0-9_.$]*, other bytes as $hh. */
const char *weft_name_escape(weft_arena *, const char *name);
/* The reverse over n bytes; NULL if an escape is malformed or makes a zero byte. */
const char *weft_name_unescape(weft_arena *, const char *text, size_t n);
/* Whether the n bytes are a word of the language. */
bool weft_name_reserved(const char *text, size_t n);

#endif
