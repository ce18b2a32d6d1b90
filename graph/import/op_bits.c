/* Importers of operators on bits that are more than a row of the table. */
#include "import/ops.h"

#include <string.h>

void
weft_onnx_import_bit_shift(onnx_node *n)
{
    const char *way = weft_onnx_attr_text(n, "direction", "");
    bool left = strcmp(way, "LEFT") == 0;
    if (!left && strcmp(way, "RIGHT") != 0)
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "direction is '%s', neither LEFT nor RIGHT", way);
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0,
                  weft_onnx_binary(n, left ? WEFT_GOP_LEFT_SHIFT : WEFT_GOP_RIGHT_SHIFT,
                                   weft_onnx_in(n, 0), weft_onnx_in(n, 1)));
}

void
weft_onnx_import_bit_cast(onnx_node *n)
{
    weft_value *x = weft_onnx_in(n, 0);
    if (!weft_onnx_has_attr(n, "to"))
        weft_onnx_fail(n, WEFT_INVALID_INPUT, "attribute 'to' is missing");
    weft_dtype t = weft_onnx_element(n, weft_onnx_attr_int(n, "to", 0));
    weft_attr attr = weft_attr_dtype("dtype", t);
    if (n->status != WEFT_OK)
        return;
    weft_onnx_last(n, 0);
    weft_onnx_set(n, 0, x->dtype == t ? x : weft_onnx_emit(n, WEFT_GOP_BITCAST, 1, &x, 1, &attr));
}
