"""Writes an ONNX file: the few fields of onnx.proto that a small network needs."""
import struct

FLOAT = 1


def varint(v):
    v &= (1 << 64) - 1
    out = bytearray()
    while v > 127:
        out.append(v & 127 | 128)
        v >>= 7
    return bytes(out) + bytes([v])


def number(field, v):
    return varint(field << 3) + varint(v)


def data(field, v):
    v = v.encode() if isinstance(v, str) else v
    return varint(field << 3 | 2) + varint(len(v)) + v


def attribute(name, v):
    """AttributeProto: a float, an int or a list of ints."""
    if isinstance(v, float):
        return data(1, name) + varint(2 << 3 | 5) + struct.pack("<f", v) + number(20, 1)
    if isinstance(v, int):
        return data(1, name) + number(3, v) + number(20, 2)
    return data(1, name) + b"".join(number(8, i) for i in v) + number(20, 7)


def node(op, inputs, output, name, **attributes):
    """NodeProto."""
    return (b"".join(data(1, i) for i in inputs) + data(2, output) + data(3, name) + data(4, op)
            + b"".join(data(5, attribute(k, v)) for k, v in attributes.items()))


def tensor(name, array):
    """TensorProto of little-endian floats."""
    return (b"".join(number(1, d) for d in array.shape) + number(2, FLOAT) + data(8, name)
            + data(9, array.astype("<f4").tobytes()))


def value(name, shape):
    """ValueInfoProto of a float tensor."""
    dims = b"".join(data(1, number(1, d)) for d in shape)
    return data(1, name) + data(2, data(1, number(1, FLOAT) + data(2, dims)))


def model(graph, nodes, constants, inputs, outputs, opset=13):
    """ModelProto."""
    def each(field, values):
        return b"".join(data(field, v) for v in values)
    body = (each(1, nodes) + data(2, graph) + each(5, constants)
            + each(11, inputs) + each(12, outputs))
    return (number(1, 8) + data(2, "weft demo") + data(7, body)
            + data(8, data(1, "") + number(2, opset)))
