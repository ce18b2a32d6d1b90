/* import/wire.h: the bytes of an ONNX message without its bulk.
 *
 * protobuf-c copies what it reads.  weft_wire_cut makes a message that is small, however large the
 * tensors are: raw data and long lists of floats become offsets and sizes in the file, fields that
 * onnx.proto does not know are left out, and so is the inside of whatever is refused.
 */
#ifndef WEFT_IMPORT_WIRE_H
#define WEFT_IMPORT_WIRE_H

#include "base/base.h"

/* ORDER: the messages of wire.c */
typedef enum weft_wire_kind {
    WEFT_WIRE_MODEL,
    WEFT_WIRE_GRAPH,
    WEFT_WIRE_NODE,
    WEFT_WIRE_ATTRIBUTE,
    WEFT_WIRE_TENSOR,
    WEFT_WIRE_FUNCTION,
    WEFT_WIRE_TYPE,
    WEFT_WIRE_VALUE_INFO,
    WEFT_WIRE_ELEM_TYPE, /* of a sequence or an optional */
    WEFT_WIRE_LIST,
    WEFT_WIRE_KINDS
} weft_wire_kind;

/* Appends the cut message to `out`; errors name `path` and the byte. */
weft_status weft_wire_cut(const char *path, const weft_file *, weft_wire_kind, weft_str *out,
                          weft_diag *);
/* Whether the bytes are fields of a ModelProto, a graph among them. */
bool weft_wire_is_model(const uint8_t *data, size_t size);

#endif
