#!/usr/bin/env python3
"""Operators: weft beside PyTorch on a GPU, in alternating runs.

    bench/pytorch.py [--weft build/tools/weft] [-d cuda] [--beside cuda] [--only PART-OF-NAME] [--rounds N]
                     [--json FILE]

Each operator is an ONNX model that `weft run` takes, and a function of PyTorch's.  Both are held against
PyTorch in f64 first: the largest difference, relative to the largest magnitude.  A time is that of the
whole call until the result is there, inputs resident.  Prints minimum and median in ms and PyTorch's
minimum to weft's.  f32 is f32: no shorter type multiplies."""
import argparse
import json
import math
import os
import statistics
import sys
import tempfile
import time

import numpy as np
import onnx

import weft_run

# Of differences: f32 adds up in another order; f16 rounds results, and weights of attention.
LIMIT = {"float32": 1e-4, "float16": 2e-3}


class Operator:
    """nodes: what ONNX calls it, (operator, inputs, output, attributes), to the output "y"; call: what
    PyTorch does, a function of torch.nn.functional or torch and of the operands; constant: operands
    that the model holds; beside: what it holds that PyTorch is not given; parts: of all operands, along
    the first two axes, for f64."""

    def __init__(self, name, dtype, shapes, nodes, call, constant=(), beside={}, parts=False, flops=0):
        self.name, self.dtype, self.shapes, self.nodes = f"{name} {dtype}", dtype, shapes, nodes
        self.call, self.constant, self.beside, self.parts, self.flops = call, constant, beside, parts, flops

    def make_operands(self):
        rng = np.random.default_rng(1)
        return {name: (rng.random(shape, np.float32) - np.float32(0.5)).astype(self.dtype)
                for name, shape in self.shapes.items()}

    def write(self, operands, path):
        helper, number = onnx.helper, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(self.dtype))
        held = {**self.beside, **{name: operands[name] for name in self.constant}}
        graph = helper.make_graph(
            [helper.make_node(op, inputs.split(), [output], **attributes)
             for op, inputs, output, attributes in self.nodes], "bench",
            [helper.make_tensor_value_info(name, number, shape) for name, shape in self.shapes.items()
             if name not in held],
            [helper.make_tensor_value_info("y", number, None)],
            [onnx.numpy_helper.from_array(value, name) for name, value in held.items()])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9), path)


def matmul(m, n, k, dtype):
    return Operator(f"matmul {m}x{n}x{k}", dtype, {"a": (m, k), "b": (k, n)}, [("MatMul", "a b", "y", {})],
                    lambda f, torch, a, b: torch.matmul(a, b), flops=2 * m * n * k)


def attention(batch, heads, length, depth, dtype):
    shape = (batch, heads, length, depth)
    turned = {"perm": [0, 1, 3, 2]}
    nodes = [("Transpose", "k", "t", turned), ("MatMul", "q t", "s", {}), ("Mul", "s scale", "u", {}),
             ("Softmax", "u", "p", {"axis": -1}), ("MatMul", "p v", "y", {})]
    return Operator(f"attention {batch}x{heads}x{length}x{depth}", dtype, {"q": shape, "k": shape, "v": shape},
                    nodes, lambda f, torch, q, k, v: f.scaled_dot_product_attention(q, k, v),
                    beside={"scale": np.array(1 / math.sqrt(depth), dtype)}, parts=True,
                    flops=4 * batch * heads * length * length * depth)


def softmax(m, n):
    return Operator(f"softmax {m}x{n}", "float32", {"x": (m, n)}, [("Softmax", "x", "y", {"axis": -1})],
                    lambda f, torch, x: f.softmax(x, -1))


def layer_norm(m, n):
    return Operator(f"layer_norm {m}x{n}", "float32", {"x": (m, n), "w": (n,), "b": (n,)},
                    [("LayerNormalization", "x w b", "y", {"axis": -1, "epsilon": 1e-5})],
                    lambda f, torch, x, w, b: f.layer_norm(x, (n,), w, b, 1e-5), constant=("w", "b"))


def gelu(m, n):
    return Operator(f"gelu {m}x{n}", "float32", {"x": (m, n)}, [("Gelu", "x", "y", {})],
                    lambda f, torch, x: f.gelu(x))


def conv2d(batch, channels, filters, image, window, step):
    pad, side = window // 2, (image + window // 2 * 2 - window) // step + 1
    return Operator(f"conv2d {batch} of {window}x{window}/{step} {channels}->{filters}@{image}", "float32",
                    {"x": (batch, channels, image, image), "w": (filters, channels, window, window)},
                    [("Conv", "x w", "y", {"strides": [step] * 2, "pads": [pad] * 4})],
                    lambda f, torch, x, w: f.conv2d(x, w, None, step, pad), constant=("w",),
                    flops=2 * batch * filters * side * side * channels * window * window)


OPERATORS = [
    matmul(1024, 1024, 1024, "float32"), matmul(4096, 4096, 4096, "float32"),
    matmul(8192, 8192, 8192, "float16"), matmul(16, 4096, 4096, "float16"),
    attention(4, 16, 8192, 128, "float16"), attention(8, 12, 512, 64, "float16"),
    attention(1, 12, 197, 64, "float32"),
    softmax(16384, 4096), softmax(1000, 1001), layer_norm(16384, 4096), layer_norm(197, 768), gelu(8192, 8192),
    conv2d(1, 64, 64, 56, 3, 1), conv2d(32, 3, 64, 224, 7, 2), conv2d(32, 64, 64, 56, 3, 1),
    conv2d(32, 256, 64, 56, 1, 1),
]


class Peer:
    """PyTorch on a device of its own."""

    def __init__(self, kind):
        try:
            import torch
        except ImportError as why:
            sys.exit(f"PyTorch is not to be had in this Python: {why}")
        if kind == "cuda" and not torch.cuda.is_available():
            sys.exit("PyTorch sees no CUDA device here; --beside cpu runs it on the processor")
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        torch.backends.cudnn.benchmark = True
        self.torch, self.kind = torch, kind

    def wait(self):
        if self.kind == "cuda":
            self.torch.cuda.synchronize()

    def call(self, operator, operands):
        return operator.call(self.torch.nn.functional, self.torch, *operands)

    def put(self, operands):
        return [self.torch.from_numpy(value).to(self.kind) for value in operands.values()]

    def compute(self, operator, operands):
        return self.call(operator, self.put(operands)).cpu().numpy()

    def compute_exactly(self, operator, operands):
        """In f64; parts one after the other, as what is between may take much memory."""
        wide = [value.double() for value in self.put(operands)]
        if not operator.parts:
            return self.call(operator, wide).cpu().numpy()
        flat = [value.flatten(0, 1) for value in wide]
        parts = [self.call(operator, [value[i:i + 1] for value in flat]).cpu().numpy()
                 for i in range(flat[0].shape[0])]
        return np.concatenate(parts).reshape(wide[0].shape)

    def measure(self, operator, operands, runs):
        self.call(operator, operands)
        self.wait()
        times = []
        for _ in range(runs):
            start = time.perf_counter()
            self.call(operator, operands)
            self.wait()
            times.append((time.perf_counter() - start) * 1e3)
        return times


def difference(got, want):
    return float(np.abs(got.astype(np.float64) - want).max() / (np.abs(want).max() + 1e-30))


def measure(args, peer, operator, folder):
    operands = operator.make_operands()
    path = os.path.join(folder, "model.onnx")
    operator.write(operands, path)
    given = {name: value for name, value in operands.items() if name not in operator.constant}
    command = weft_run.make_command(args, path, given, folder)
    want = peer.compute_exactly(operator, operands)
    row = {"operator": operator.name, "flops": operator.flops, "limit": LIMIT[operator.dtype],
           "weft_difference": difference(weft_run.run(command, folder, "y"), want),
           "torch_difference": difference(peer.compute(operator, operands), want)}
    resident = peer.put(operands)
    weft, torch = [], []
    for _ in range(args.rounds):
        weft.append(weft_run.measure(command, args.runs))
        torch += peer.measure(operator, resident, args.runs)
    row.update(weft_min_ms=min(w[0] for w in weft), weft_median_ms=statistics.median(w[1] for w in weft),
               torch_min_ms=min(torch), torch_median_ms=statistics.median(torch))
    row["ratio"] = row["torch_min_ms"] / row["weft_min_ms"]
    row["right"] = row["weft_difference"] <= row["limit"]
    return row


def say(row):
    speed = f"  {row['flops'] / row['weft_min_ms'] * 1e-9:.1f} TFLOP/s" if row["flops"] else ""
    print("{operator}: difference {weft_difference:.1e} (PyTorch {torch_difference:.1e})  "
          "weft {weft_min_ms:.3f}/{weft_median_ms:.3f} ms{speed}  "
          "PyTorch {torch_min_ms:.3f}/{torch_median_ms:.3f} ms  ratio {ratio:.2f}{wrong}"
          .format(speed=speed, wrong="" if row["right"] else "  WRONG", **row), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weft", default="build/tools/weft")
    parser.add_argument("-d", "--device", default="cuda", help="that weft runs on")
    parser.add_argument("--beside", default="cuda", choices=["cuda", "cpu"], help="where PyTorch runs")
    parser.add_argument("--only", default="", help="part of the names of operators")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--json")
    args = parser.parse_args()
    chosen = [o for o in OPERATORS if args.only in o.name]
    if not chosen:
        sys.exit(f"no operator's name holds '{args.only}': " + ", ".join(o.name for o in OPERATORS))
    peer, rows = Peer(args.beside), []
    with peer.torch.inference_mode():
        for operator in chosen:
            with tempfile.TemporaryDirectory() as folder:
                rows.append(measure(args, peer, operator, folder))
            say(rows[-1])
    if args.json:
        with open(args.json, "w") as f:
            json.dump(rows, f, indent=1)
    return all(row["right"] for row in rows)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
