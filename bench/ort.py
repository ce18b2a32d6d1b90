#!/usr/bin/env python3
"""Whole models: weft on a device beside onnxruntime on the CPU or a GPU, in alternating runs.

    bench/ort.py [--weft build/tools/weft] [-d opencl] [--rounds N] [--json FILE] MODEL.onnx...
    bench/ort.py -d cuda --provider CUDAExecutionProvider MODEL.onnx...

Inputs are random; sizes a model leaves open are 1.  Prints minimum and median in ms and
onnxruntime's minimum to weft's; first the largest difference of weft's output to onnxruntime's,
relative to the largest magnitude.  A last Softmax that is saturated hides what went into it: of a
model that ends in one, what it reads is compared as well, in a copy of the model without it."""
import argparse
import json
import os
import statistics
import sys
import tempfile
import time

import numpy as np
import onnx
import onnxruntime

import weft_run

# Threads of PoCL sleep between kernels, and wake up on one core together now and then.
os.environ.setdefault("POCL_AFFINITY", "1")

TYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32,
         "tensor(uint8)": np.uint8, "tensor(int8)": np.int8}


def make_inputs(session):
    rng = np.random.default_rng(1)
    return {i.name: rng.uniform(0, 1, [d if isinstance(d, int) else 1 for d in i.shape])
            .astype(TYPES[i.type]) for i in session.get_inputs()}


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
    want = session.run(None, inputs)[0]
    command = weft_run.make_command(args, model, inputs, folder)
    got = weft_run.run(command, folder, session.get_outputs()[0].name)
    return float(np.abs(got - want).max() / (np.abs(want).max() + 1e-30))


def start_ort(args, model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    exact = {"use_tf32": "0"} if args.provider == "CUDAExecutionProvider" else {}
    session = onnxruntime.InferenceSession(model, options, providers=[(args.provider, exact)])
    if session.get_providers()[0] != args.provider:
        sys.exit(f"onnxruntime cannot run {model} by {args.provider} here")
    return session


def make_call(args, session, inputs):
    """A run; on a GPU from and to its memory."""
    if args.provider != "CUDAExecutionProvider":
        return lambda: session.run(None, inputs)
    binding = session.io_binding()
    for name, value in inputs.items():
        binding.bind_ortvalue_input(name, onnxruntime.OrtValue.ortvalue_from_numpy(value, "cuda", 0))
    for output in session.get_outputs():
        binding.bind_output(output.name, "cuda")
    return lambda: session.run_with_iobinding(binding)


def time_ort(call, runs):
    call()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def measure(args, model, folder):
    session = start_ort(args, model)
    inputs = make_inputs(session)
    command = weft_run.make_command(args, model, inputs, folder)
    logits = without_softmax(model, folder)
    apart = difference(args, model, inputs, folder)
    before = difference(args, logits, inputs, folder) if logits else None
    call = make_call(args, session, inputs)
    ort, weft = [], []
    for _ in range(args.rounds):
        weft.append(weft_run.measure(command, args.runs))
        time.sleep(0.1)
        ort += time_ort(call, args.runs)
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
    parser.add_argument("--provider", default="CPUExecutionProvider", help="of onnxruntime")
    parser.add_argument("--json")
    parser.add_argument("model", nargs="+")
    args = parser.parse_args()
    if args.provider not in onnxruntime.get_available_providers():
        sys.exit(f"this onnxruntime has no {args.provider}; it has "
                 + ", ".join(onnxruntime.get_available_providers()))
    rows = []
    for model in args.model:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measure(args, model, folder))
    if args.json:
        with open(args.json, "w") as f:
            json.dump(rows, f, indent=1)


if __name__ == "__main__":
    main()
