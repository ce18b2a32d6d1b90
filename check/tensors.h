/* check/tensors.h: host tensors: files, fills, one line of print. */
#ifndef WEFT_TENSORS_H
#define WEFT_TENSORS_H

#include "compiler/compiler.h"

/* Reads a .npy or .pb file; bytes live in the arena. */
weft_status weft_read_tensor(const char *path, weft_arena *, weft_const *, weft_diag *);
weft_status weft_read_npy(const char *path, weft_arena *, weft_const *, weft_diag *);
/* Writes DIR/<name>.npy, or .pb for a dtype that npy lacks; the name's other characters as %XX. */
weft_status weft_write_tensor(const char *dir, const char *name, const weft_const *, weft_diag *);
/* Appends the path weft_write_tensor gives a tensor of that dtype. */
void weft_tensor_path(weft_str *, const char *dir, const char *name, weft_dtype);
bool weft_npy_descr(weft_dtype, const char **descr); /* "<f4"; false where npy has none */
/* random:SEED, arange, ones. */
weft_status weft_fill(const char *how, const char *name, weft_const *, weft_diag *);
/* "out f32[1,1000] min 0.1 max 0.9 mean 0.5" on stdout. */
void weft_print_tensor(const char *name, const weft_const *);
int64_t weft_element_count(const weft_const *);
/* Room in the arena for the tensor's elements; WEFT_LIMIT for more than a command handles. */
weft_status weft_tensor_room(const char *name, weft_arena *, weft_const *, weft_diag *);

#endif
