"""Exports run as their users run them: in a process of its own that has neither Keras nor us."""

import os
import subprocess
import sys

import numpy as np

from elmo.formats.contents import Pretrained
from tests.reference.bilm import ReferenceBiLM
from tests.reference.random_model import random_sentence, random_weights

RUN = """
import sys
import numpy as np, onnxruntime

folder = sys.argv[1]
for path in sys.argv[2:]:
    session = onnxruntime.InferenceSession(path)
    with np.load(path + ".inputs.npz") as batches:
        found = [session.run(["layers", "mask"], {"ids": batches[name]}) for name in batches.files]
    flat = {f"{k}_{i}": v for i, pair in enumerate(found) for k, v in zip("lm", pair)}
    np.savez(path + ".outputs.npz", **flat)
loaded = {name.split(".")[0] for name in sys.modules}
assert not loaded & {"keras", "jax", "tensorflow", "torch", "elmo"}, loaded
"""


def python(code, *arguments, **options):
    """Run code in a process that does not find this package; gives what it prints."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        **options,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def run_graphs(batches):
    """`{file: [ids, …]}` to `{file: [(layers, mask), …]}`, all in one such process."""
    for path, inputs in batches.items():
        np.savez(f"{path}.inputs.npz", *inputs)
    python(RUN, "", *batches)
    results = {}
    for path, inputs in batches.items():
        with np.load(f"{path}.outputs.npz") as found:
            results[path] = [(found[f"l_{i}"], found[f"m_{i}"]) for i in range(len(inputs))]
    return results


def pretrained(config, seed=0, **parts):
    """A model of random weights as formats hand it over."""
    weights = random_weights(config, seed)
    return Pretrained(config=config, weights=weights, **parts)


def reference(config, seed=0):
    return ReferenceBiLM(random_weights(config, seed), config)


def sentences(config, lengths, seed=0):
    """Ids of random sentences, boundaries (two positions like others) counted."""
    rng = np.random.default_rng(seed)
    return [random_sentence(config, length, rng)[0] for length in lengths]


def padded(rows, extra=0):
    """One batch of sentences, padded behind."""
    time = max(map(len, rows)) + extra
    batch = np.zeros((len(rows), time, *rows[0].shape[1:]), np.int32)
    for row, ids in zip(batch, rows, strict=True):
        row[: len(ids)] = ids
    return batch
