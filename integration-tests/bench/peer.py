# SPDX-License-Identifier: Apache-2.0
"""The other side of the benchmarks: waits for a line of JSON, does what it says, answers with one.

{"setup": "module.case", "arrays": {name: {file, shape, type}}, "settings": {}}  ->  {"arms": [...]}
{"run": arm, "repeats": n}  ->  {"ms": per call, "check": number or null, "extra_bytes": peak beyond what was there}

A case is a function of arrays (torch tensors) and settings which returns a dict of arms: functions without arguments
that return a number to compare, or None. Needs Debian's python3-torch, python3-numpy and libopenblas0-pthread.
"""

import ctypes
import importlib
import json
import os
import sys
import time
import traceback

import numpy
import torch

THREADS = int(os.environ.get("LATENT4J_BENCH_THREADS", "2"))
arms = {}
seconds = {}


def status(field):
    with open("/proc/self/status") as lines:
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith(field))


def clear_peak():
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


def machine():
    """The machine's own rates: a float product of 2048 cubed and a copy of 256 MB."""
    a, b, c = (torch.ones(2048, 2048) for _ in range(3))
    source, target = (torch.ones(1 << 26) for _ in range(2))
    return {
        "machine gemm": lambda: torch.mm(a, b, out=c) is None or None,
        "machine copy": lambda: target.copy_(source) is None or None,
    }


def setup(question):
    tensors = {
        name: torch.from_numpy(numpy.fromfile(a["file"], dtype=a["type"]).reshape(a["shape"]))
        for name, a in question["arrays"].items()
    }
    for a in question["arrays"].values():
        os.unlink(a["file"])
    module, case = question["setup"].split(".")
    made = getattr(importlib.import_module(module), case)(tensors, question["settings"])
    arms.update(made)
    return {"arms": list(made)}


def run(question):
    arm, repeats = question["run"], question["repeats"]
    call = arms[arm]
    time.sleep(0.02)
    if seconds.get(arm, 1) < 3:
        call()  # after the pause, untimed
    resident = status("VmRSS:")
    clear_peak()
    start = time.perf_counter()
    for _ in range(repeats):
        check = call()
    seconds[arm] = (time.perf_counter() - start) / repeats
    return {"ms": 1000 * seconds[arm], "check": check, "extra_bytes": status("VmHWM:") - resident}


def version():
    openblas = ctypes.CDLL("libopenblas.so.0")
    openblas.openblas_get_config.restype = openblas.openblas_get_corename.restype = ctypes.c_char_p
    return "PyTorch %s, Python %s, %s with kernels %s" % (
        torch.__version__,
        sys.version.split()[0],
        " ".join(openblas.openblas_get_config().decode().split()[:2]),
        openblas.openblas_get_corename().decode(),
    )


def main():
    torch.set_num_threads(THREADS)
    arms.update(machine())
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever else prints
    for line in sys.stdin:
        question = json.loads(line)
        try:
            if "setup" in question:
                reply = setup(question)
            elif "run" in question:
                reply = run(question)
            else:
                reply = {"version": version()}
        except Exception:
            reply = {"error": traceback.format_exc()}
        print(json.dumps(reply), file=replies)


if __name__ == "__main__":
    main()
