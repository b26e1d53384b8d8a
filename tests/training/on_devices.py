"""What steps and trainings on several devices come to, as JSON.

    python -m tests.training.on_devices FOLDER

A process of its own: how many devices a processor passes for is settled when JAX starts.
"""

import json
import sys
from pathlib import Path

import jax
import numpy as np

import elmo
from elmo.bilm.weights import get_weights
from elmo.config import ConfigError
from elmo.training.steps.jax_mesh import Mesh, mesh_of
from tests.training.helpers import TEXT, make, run

DROPOUT = {"input": 0.3, "output": 0.3, "recurrent": 0.3, "weight": 0.3, "word": 0.3}
KINDS = {
    "words": {"dropout": DROPOUT, "clip_norm": 0.05},
    "tied": {"tied": True, "optimizer": "adam"},
    "characters": {"characters": True, "dropout": {"input": 0.3}},
    "sentences": {"mode": "sentence", "tied": True},
    "exact softmax": {"negatives": 0},
    "accumulated": {"accumulate": 2, "characters": True},
}
STEPS = 4


def step_of(kind, mesh):
    step, *_ = make(projection_dim=4, **KINDS[kind])
    step.mesh = mesh
    run(step, STEPS)
    return step


def farthest(a, b):
    return max(float(np.abs(np.asarray(a[name]) - np.asarray(b[name])).max()) for name in a)


def of_kind(kind):
    """How far the weights, the state and the sums of two devices are from those of one."""
    alone = step_of(kind, None)
    weights, sums = get_weights(alone.network), alone.take_sums()
    found = {}
    for split in (False, True):
        step = step_of(kind, Mesh(jax.devices()[:2], split))
        found["split" if split else "whole"] = {
            "weights": farthest(weights, get_weights(step.network)),
            "state": farthest({k: alone.carry[k] for k in "hc"}, {k: step.carry[k] for k in "hc"}),
            "sums": farthest(sums, step.take_sums()),
            "moved": farthest(
                weights, get_weights(make(projection_dim=4, **KINDS[kind])[0].network)
            ),
        }
    return found


def bytes_of_tables(devices):
    """On each device: bytes of the tables and their slots, after a training with them split."""
    step, *_ = make(projection_dim=4)
    step.mesh = Mesh(jax.devices()[:devices], True)
    run(step, 1)
    arrays = [step.tables["softmax"].value, step.tables["tokens"].value]
    arrays += [*step.carry["slots"]["softmax"], *step.carry["slots"]["tokens"]]
    sizes = dict.fromkeys((device.id for device in jax.devices()[:devices]), 0)
    for array in arrays:
        for shard in array.addressable_shards:
            sizes[shard.device.id] += shard.data.nbytes
    return {"whole": sum(array.nbytes for array in arrays), "on": list(sizes.values())}


def collectives_in_loops():
    """Lines of the compiled step that send something within a loop."""
    step, *_ = make(projection_dim=4)
    step.mesh = Mesh(jax.devices()[:2])
    seen = []
    compile_one = jax.jit

    def spy(function, **options):
        compiled = compile_one(function, **options)

        def call(*arguments):
            seen.append(compiled.lower(*arguments).compile().as_text())
            return compiled(*arguments)

        return call

    jax.jit = spy
    try:
        run(step, 1)
    finally:
        jax.jit = compile_one
    (text,) = seen
    names = ("all-reduce", "all-gather", "collective-permute", "all-to-all", "reduce-scatter")
    bodies = [part for part in text.split("\n\n") if "body" in part.split("(")[0]]
    inside = [
        line for body in bodies for line in body.splitlines() if any(n in line for n in names)
    ]
    return {"loops": len(bodies), "inside": inside, "all": sum(text.count(f" {n}(") for n in names)}


def trainings(folder):
    """Validation perplexities of whole trainings: on one device, on four, stopped on four and resumed."""
    settings = {"dim": 8, "projection_dim": 4, "epochs": 3, "batch_size": 4, "window": 5}
    settings |= {"negatives": 4, "learning_rate": 0.1, "dropout": 0.2, "progress": False}

    def train(name, **more):
        output = folder / name
        chosen = {**settings, **more}
        model = elmo.train(TEXT * 4, valid=TEXT, output=output, **chosen)
        lines = (output / "run" / "metrics.csv").read_text().splitlines()
        column = lines[0].split(",").index("valid_both")
        return {
            "curve": [float(line.split(",")[column]) for line in lines[1:]],
            "score": model.evaluate(TEXT).both,
        }

    found = {
        "one": train("one"),
        "four": train("four", devices=4),
        "split": train("split", devices=4, shard_tables=True),
    }
    train("resumed", devices=4, epochs=1)
    found["resumed"] = train("resumed", devices=2, resume=True)
    errors = []
    for wrong in ({"batch_size": 6, "devices": 4}, {"devices": 5}, {"dim": 6, "projection_dim": 6,
                  "devices": 4, "shard_tables": True}):  # fmt: skip
        try:
            train("wrong", **wrong)
        except ConfigError as error:
            errors.append(str(error))
    return {**found, "errors": errors, "left": (folder / "wrong").exists()}


def main():
    found = {kind: of_kind(kind) for kind in KINDS}
    found["bytes"] = bytes_of_tables(2)
    found["loops"] = collectives_in_loops()
    found["trainings"] = trainings(Path(sys.argv[1]))
    found["none"] = mesh_of(None) is None and mesh_of(1) is None
    print(json.dumps(found))


if __name__ == "__main__":
    main()
