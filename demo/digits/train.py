#!/usr/bin/env python3
"""Makes the demo's network: draws digits, trains on them, writes digits.onnx and pictures/*.npy.

    python3 demo/digits/train.py [DIRECTORY]

Needs numpy alone; takes about a minute.  The same numpy on one kind of processor gives the same
bytes.
The network: conv 8, relu, pool, conv 16, relu, pool, fully connected, softmax.
"""
import os
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # more would sum in another order

import numpy as np

import onnx_file
from draw import digits

TRAINED, TESTED, EPOCHS, BATCH = 8000, 2000, 6, 50
ORDER = ("conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "fc.weight", "fc.bias")


def initial(rng):
    def he(*shape):
        return rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape).astype(np.float32)
    return {"conv1.weight": he(8, 1, 3, 3), "conv1.bias": np.zeros(8, np.float32),
            "conv2.weight": he(16, 8, 3, 3), "conv2.bias": np.zeros(16, np.float32),
            "fc.weight": he(10, 784), "fc.bias": np.zeros(10, np.float32)}


def patches(x):
    """The 3x3 neighbourhoods: [n, c, h, w] -> [n, h, w, c * 9]."""
    n, c, h, w = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (2, 3))
    return np.ascontiguousarray(windows.transpose(0, 2, 3, 1, 4, 5)).reshape(n, h, w, c * 9)


def conv(x, weight, bias):
    cols = patches(x)
    return (cols @ weight.reshape(len(weight), -1).T + bias).transpose(0, 3, 1, 2), cols


def conv_back(dy, cols, weight, want_dx):
    dy = np.ascontiguousarray(dy.transpose(0, 2, 3, 1))
    flat = dy.reshape(-1, dy.shape[3])
    dw = (flat.T @ cols.reshape(-1, cols.shape[3])).reshape(weight.shape)
    if not want_dx:
        return None, dw, flat.sum(0)
    turned = weight.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]
    return conv(dy.transpose(0, 3, 1, 2), turned, 0)[0], dw, flat.sum(0)


def relu_pool(x):
    """Rectified, then the largest of 2x2; with who won, for the way back."""
    n, c, h, w = x.shape
    four = x.reshape(n, c, h // 2, 2, w // 2, 2)
    best = np.maximum(four.max((3, 5)), 0)
    return best, (four == best[:, :, :, None, :, None]) & (four > 0)


def relu_pool_back(dy, won):
    n, c, h, _, w, _ = won.shape
    return (dy[:, :, :, None, :, None] * won).reshape(n, c, 2 * h, 2 * w)


def scores(p, x):
    x, keep1 = conv(x, p["conv1.weight"], p["conv1.bias"])
    x, won1 = relu_pool(x)
    x, keep2 = conv(x, p["conv2.weight"], p["conv2.bias"])
    x, won2 = relu_pool(x)
    flat = x.reshape(len(x), -1)
    return flat @ p["fc.weight"].T + p["fc.bias"], (keep1, won1, keep2, won2, flat, x.shape)


def gradients(p, x, shown):
    s, (keep1, won1, keep2, won2, flat, shape) = scores(p, x)
    e = np.exp(s - s.max(1, keepdims=True))
    ds = e / e.sum(1, keepdims=True)
    ds[np.arange(len(x)), shown] -= 1
    ds /= len(x)
    g = {"fc.weight": ds.T @ flat, "fc.bias": ds.sum(0)}
    d = relu_pool_back((ds @ p["fc.weight"]).reshape(shape), won2)
    d, g["conv2.weight"], g["conv2.bias"] = conv_back(d, keep2, p["conv2.weight"], True)
    d = relu_pool_back(d, won1)
    _, g["conv1.weight"], g["conv1.bias"] = conv_back(d, keep1, p["conv1.weight"], False)
    return g


def train(p, x, shown, rng):
    """Adam, its rate falling to zero."""
    m, v = ({k: np.zeros_like(p[k]) for k in p} for _ in range(2))
    steps, step = EPOCHS * len(x) // BATCH, 0
    for _ in range(EPOCHS):
        order = rng.permutation(len(x))
        for i in range(0, len(x), BATCH):
            step += 1
            rate = np.float32(.003 * (1 - step / (steps + 1)))
            g = gradients(p, x[order[i:i + BATCH]], shown[order[i:i + BATCH]])
            for k in p:
                m[k] = .9 * m[k] + .1 * g[k]
                v[k] = .99 * v[k] + .01 * g[k] ** 2
                size = np.sqrt(v[k] / (1 - .99 ** step)) + 1e-6
                p[k] = (p[k] - rate * m[k] / (1 - .9 ** step) / size).astype(np.float32)


def write_model(p, path):
    same = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    two = {"kernel_shape": [2, 2], "strides": [2, 2]}
    chain = [("conv1", "Conv", ["conv1.weight", "conv1.bias"], same), ("relu1", "Relu", [], {}),
             ("pool1", "MaxPool", [], two),
             ("conv2", "Conv", ["conv2.weight", "conv2.bias"], same), ("relu2", "Relu", [], {}),
             ("pool2", "MaxPool", [], two), ("flatten", "Flatten", [], {"axis": 1}),
             ("fc", "Gemm", ["fc.weight", "fc.bias"], {"transB": 1}),
             ("softmax", "Softmax", [], {"axis": 1})]
    nodes, value = [], "picture"
    for name, op, constants, attributes in chain:
        out = "digit" if name == "softmax" else name + ".out"
        nodes.append(onnx_file.node(op, [value] + constants, out, name, **attributes))
        value = out
    with open(path, "wb") as f:
        f.write(onnx_file.model("digits", nodes, [onnx_file.tensor(k, p[k]) for k in ORDER],
                                [onnx_file.value("picture", (1, 1, 28, 28))],
                                [onnx_file.value("digit", (1, 10))]))


def main():
    where = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    start = time.time()
    rng = np.random.default_rng(1)
    x, shown = digits(TRAINED, seed=2)
    p = initial(rng)
    train(p, x, shown, rng)
    test, want = digits(TESTED, seed=3)
    got = scores(p, test)[0].argmax(1)
    print(f"{TRAINED} pictures, {EPOCHS} epochs, {time.time() - start:.0f} s: "
          f"{100 * (got == want).mean():.2f} % of {TESTED} other pictures read right")
    write_model(p, os.path.join(where, "digits.onnx"))
    os.makedirs(os.path.join(where, "pictures"), exist_ok=True)
    for i in range(10):
        np.save(os.path.join(where, "pictures", f"{want[i]}.npy"), test[i:i + 1])


if __name__ == "__main__":
    main()
