#!/usr/bin/env python3
"""Whole models: weft on a device beside onnxruntime on the CPU, in alternating runs.

    bench/ort.py [--weft build/tools/weft] [-d opencl] [--rounds N] [--json FILE] MODEL.onnx...

Inputs are random; sizes a model leaves open are 1.  Prints minimum and median in ms and
onnxruntime's minimum to weft's; first the largest difference of weft's output to onnxruntime's,
relative to the largest magnitude.  A last Softmax that is saturated hides what went into it: of a
model that ends in one, what it reads is compared as well, in a copy of the model without it."""
import argparse
import json
import os
import re
import statistics
import subprocess
import tempfile
import time

import numpy as np
import onnx
import onnxruntime

# Threads of PoCL sleep between kernels, and wake up on one core together now and then.
os.environ.setdefault("POCL_AFFINITY", "1")

TYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32,
         "tensor(uint8)": np.uint8, "tensor(int8)": np.int8}


def make_inputs(session):
    rng = np.random.default_rng(1)
    return {i.name: rng.uniform(0, 1, [d if isinstance(d, int) else 1 for d in i.shape])
            .astype(TYPES[i.type]) for i in session.get_inputs()}


def weft_command(args, model, inputs, folder):
    command = [args.weft, "run", model, "-d", args.device]
    for name, value in inputs.items():
        path = os.path.join(folder, f"in{len(command)}.npy")
        np.save(path, value)
        command += ["-i", f"{name}={path}", "--shape", name + "=" + "x".join(map(str, value.shape))]
    return command


def without_softmax(path, folder):
    """A copy of the model whose first output is what its last Softmax reads; None: it ends in none."""
    model = onnx.load(path)
    graph = model.graph
    last = next((n for n in graph.node if graph.output[0].name in n.output), None)
    if last is None or last.op_type not in ("Softmax", "LogSoftmax") or len(graph.node) == 1:
        return None
    del graph.output[:]
    graph.output.append(onnx.helper.make_empty_tensor_value_info(last.input[0]))
    graph.node.remove(last)
    path = os.path.join(folder, "without_softmax.onnx")
    onnx.save(model, path)
    return path


def difference(args, model, inputs, folder):
    """Largest difference of the first output, relative to its largest magnitude."""
    session = start_ort(args, model)
    subprocess.run(weft_command(args, model, inputs, folder) + ["-o", folder], check=True,
                   stdout=subprocess.DEVNULL)
    want = session.run(None, inputs)[0]
    name = session.get_outputs()[0].name
    got = np.load(os.path.join(folder, re.sub(r"[^\w.-]", lambda c: f"%{ord(c[0]):02X}", name) + ".npy"))
    return float(np.abs(got - want).max() / (np.abs(want).max() + 1e-30))


def start_ort(args, model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def time_ort(session, inputs, runs):
    session.run(None, inputs)
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        session.run(None, inputs)
        times.append((time.perf_counter() - start) * 1e3)
    return times


def time_weft(command, runs):
    text = subprocess.run(command + ["--repeat", str(runs)], check=True, capture_output=True,
                          text=True).stdout
    found = re.search(r"wall time: median ([\d.]+) ms, minimum ([\d.]+) ms", text)
    return float(found[2]), float(found[1])


def measure(args, model, folder):
    session = start_ort(args, model)
    inputs = make_inputs(session)
    command = weft_command(args, model, inputs, folder)
    logits = without_softmax(model, folder)
    apart = difference(args, model, inputs, folder)
    before = difference(args, logits, inputs, folder) if logits else None
    ort, weft = [], []
    for _ in range(args.rounds):
        weft.append(time_weft(command, args.runs))
        time.sleep(0.1)
        ort += time_ort(session, inputs, args.runs)
        time.sleep(0.1)
    row = {"model": model, "difference": apart, "before_softmax": before,
           "weft_min_ms": min(w[0] for w in weft),
           "weft_median_ms": statistics.median(w[1] for w in weft), "ort_min_ms": min(ort),
           "ort_median_ms": statistics.median(ort)}
    row["ratio"] = row["ort_min_ms"] / row["weft_min_ms"]
    row["note"] = "" if before is None else f" ({before:.1e} before softmax)"
    print("{model}: difference {difference:.1e}{note}  weft {weft_min_ms:.2f}/{weft_median_ms:.2f} ms  "
          "onnxruntime {ort_min_ms:.2f}/{ort_median_ms:.2f} ms  ratio {ratio:.2f}".format(**row),
          flush=True)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weft", default="build/tools/weft")
    parser.add_argument("-d", "--device", default="opencl")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--json")
    parser.add_argument("model", nargs="+")
    args = parser.parse_args()
    rows = []
    for model in args.model:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measure(args, model, folder))
    if args.json:
        with open(args.json, "w") as f:
            json.dump(rows, f, indent=1)


if __name__ == "__main__":
    main()
