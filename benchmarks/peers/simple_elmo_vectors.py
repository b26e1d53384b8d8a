"""Vectors by simple_elmo, run by the Python of its own environment; see with_simple_elmo.py.

Reads {"folder", "sentences", "batch_size", "output"} as JSON from standard input, writes an `.npz` with
an array for each choice of layers, and prints the versions of what made it.
"""

import json
import os
import platform
import sys
from importlib.metadata import version

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
from simple_elmo import ElmoModel
from tensorflow.compat import v1 as tensorflow


def main():
    task = json.load(sys.stdin)
    vectors = {}
    for layers in ("average", "top", "all"):
        # A new graph for each: the class makes the variables of its layers anew.
        tensorflow.reset_default_graph()
        model = ElmoModel()
        model.load(task["folder"], max_batch_size=task["batch_size"])
        vectors[layers] = model.get_elmo_vectors(task["sentences"], warmup=True, layers=layers)
        vectors[f"{layers}_cold"] = model_again(task, layers)
    np.savez(task["output"], **vectors)
    packages = ("simple_elmo", "tensorflow-cpu", "tf_keras", "numpy", "h5py")
    versions = {"python": platform.python_version()} | {name: version(name) for name in packages}
    print(json.dumps(versions))


def model_again(task, layers):
    tensorflow.reset_default_graph()
    model = ElmoModel()
    model.load(task["folder"], max_batch_size=task["batch_size"])
    return model.get_elmo_vectors(task["sentences"], warmup=False, layers=layers)


if __name__ == "__main__":
    main()
