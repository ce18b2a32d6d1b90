"""What the scripts beside this one have in common: `weft run` on a model, its times, its results."""
import os
import re
import subprocess

import numpy as np


def make_command(args, model, inputs, folder):
    """The command with these arrays as inputs, which it reads from the folder."""
    command = [args.weft, "run", model, "-d", args.device]
    for name, value in inputs.items():
        path = os.path.join(folder, f"in{len(command)}.npy")
        np.save(path, value)
        command += ["-i", f"{name}={path}", "--shape", name + "=" + "x".join(map(str, value.shape))]
    return command


def run(command, folder, name):
    """The output of that name."""
    subprocess.run(command + ["-o", folder], check=True, stdout=subprocess.DEVNULL)
    return np.load(os.path.join(folder, re.sub(r"[^\w.-]", lambda c: f"%{ord(c[0]):02X}", name) + ".npy"))


def measure(command, runs):
    """Minimum and median in ms."""
    text = subprocess.run(command + ["--repeat", str(runs)], check=True, capture_output=True,
                          text=True).stdout
    found = re.search(r"wall time: median ([\d.]+) ms, minimum ([\d.]+) ms", text)
    return float(found[2]), float(found[1])
