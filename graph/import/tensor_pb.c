/* Files of one TensorProto, as ONNX's test data come in: reading and writing. */
#include "import/onnx.h"

#include <string.h>

weft_status
weft_read_tensor_pb(const char *path, weft_arena *arena, weft_const *c, const char **name,
                    weft_diag *diag)
{
    onnx_file f;
    weft_diag *own = diag ? diag : weft_diag_create();
    const onnx_tensor_proto *t = (const void *)weft_onnx_open(&f, path, WEFT_WIRE_TENSOR, own);
    weft_status st = t ? weft_onnx_tensor(&f, t, "tensor", arena, NULL, c) : weft_diag_status(own);
    if (st == WEFT_OK) { /* the file goes, its bytes stay */
        c->data = weft_arena_dup(arena, c->data, c->size + (c->size == 0));
        *name = weft_arena_strdup(arena, weft_onnx_text(t->name));
    }
    weft_onnx_close(&f, false);
    if (!diag)
        weft_diag_destroy(own);
    return st;
}

typedef struct tensors {
    onnx_file *file;
    weft_arena *arena;
    WEFT_VEC(weft_const) list;
    weft_status status;
} tensors;

static void
add_tensors(tensors *to, const WeftOnnx__ListProto *p)
{
    for (size_t i = 0; i < p->n_tensors && !to->status; i++) {
        weft_const *c = WEFT_PUSH(to->arena, &to->list);
        to->status = weft_onnx_tensor(to->file, p->tensors[i], "tensor", to->arena, NULL, c);
        if (!to->status) /* the file goes, its bytes stay */
            c->data = weft_arena_dup(to->arena, c->data, c->size + (c->size == 0));
    }
    for (size_t i = 0; i < p->n_lists && !to->status; i++)
        add_tensors(to, p->lists[i]);
    for (size_t i = 0; i < p->n_optionals && !to->status; i++)
        add_tensors(to, p->optionals[i]);
}

weft_status
weft_read_list_pb(const char *path, weft_arena *arena, int *n, weft_const **c, weft_diag *diag)
{
    onnx_file f;
    weft_diag *own = diag ? diag : weft_diag_create();
    const WeftOnnx__ListProto *p = (const void *)weft_onnx_open(&f, path, WEFT_WIRE_LIST, own);
    tensors to = { .file = &f, .arena = arena };
    if (p)
        add_tensors(&to, p);
    weft_status st = p ? to.status : weft_diag_status(own);
    *n = st ? 0 : to.list.n;
    *c = to.list.at;
    weft_onnx_close(&f, false);
    if (!diag)
        weft_diag_destroy(own);
    return st;
}

static void
add_varint(weft_str *s, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        weft_str_addn(s, &(char){ (char)((v & 0x7f) | 0x80) }, 1);
    weft_str_addn(s, &(char){ (char)v }, 1);
}

/* Wire type 2: bytes with their length before them. */
static void
add_bytes(weft_str *s, int field, const void *data, size_t size)
{
    add_varint(s, (uint64_t)field << 3 | 2);
    add_varint(s, size);
    weft_str_addn(s, data, size);
}

weft_status
weft_write_tensor_pb(const char *path, const char *name, const weft_const *c, weft_diag *diag)
{
    weft_str s = { 0 };
    int number = weft_onnx_dtype_number(c->dtype);
    if (number == 0)
        return weft_fail(diag, WEFT_UNSUPPORTED, "%s: ONNX has no element type for %s", path,
                         weft_dtype_name(c->dtype));
    for (int i = 0; i < c->ndim; i++) {
        add_varint(&s, 1 << 3);
        add_varint(&s, (uint64_t)c->dim[i]);
    }
    add_varint(&s, 2 << 3);
    add_varint(&s, (uint64_t)number);
    if (name && *name)
        add_bytes(&s, 8, name, strlen(name));
    add_varint(&s, 9 << 3 | 2);
    add_varint(&s, c->size);
    const weft_piece piece[] = { { s.at, s.n }, { c->data, c->size } };
    weft_status st = weft_file_write_pieces(diag, path, piece, 2);
    weft_str_free(&s);
    return st;
}
