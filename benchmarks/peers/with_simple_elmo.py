"""A model that we trained and saved, loaded by simple_elmo: the same vectors.

    python benchmarks/peers/with_simple_elmo.py --environment FOLDER [--json]

FOLDER is a virtual environment of simple_elmo's own, made there if it is missing (TensorFlow, about
1.5 GB). The model is trained here for a few steps on the built-in text; both sides then read the same
sentences, with the state that simple_elmo carries from batch to batch, with and without its warm-up.
Compared are the vectors of tokens. Behind a shorter sentence ours are zeros, and simple_elmo's are so in
the LSTM layers alone: its layer 0 has the vector of a token without characters there.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import numpy as np

PACKAGES = ("simple_elmo", "tensorflow-cpu", "tf_keras")
CHILD = Path(__file__).with_name("simple_elmo_vectors.py")
BATCH = 4
SENTENCES = [
    "The bank closed its doors at noon .",
    "We sat on the bank of the river and watched the boats .",
    "No .",
    "Élan vital , « naïve » 漢字 and 😀 are tokens like any other .",
    "A" + "a" * 70 + " is cut to the bytes that the model reads",
    "It closed .",
    "Return a new set with the elements of both .",
    "This variable is set to the name of the file .",
    "The child process has exited , and this is the last sentence but one .",
    "Done .",
]


def make_environment(folder):
    """The Python of an environment that has simple_elmo; made if it is missing."""
    python = Path(folder) / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
    return python


def train_small(folder):
    """A small character model, a few steps of training."""
    from elmo.runs.train import train
    from elmo.text.builtin import builtin_sentences

    text = Path(folder) / "text.txt"
    text.write_text(
        "".join(f"{' '.join(tokens)}\n" for tokens in builtin_sentences(20_000)), encoding="utf-8"
    )
    train(
        [text],
        output=Path(folder) / "model",
        token_encoding="char",
        dim=64,
        projection_dim=32,
        char_embedding_dim=8,
        filters=[[1, 8], [2, 16], [3, 32]],
        n_highway=1,
        cell_clip=3.0,
        proj_clip=3.0,
        max_steps=60,
        negatives=64,
        batch_size=16,
        progress=False,
    )
    return Path(folder) / "model"


def their_vectors(python, folder, sentences, batch_size):
    """What simple_elmo gives, by choice of layers, and the versions of what gave it."""
    with tempfile.TemporaryDirectory() as place:
        output = Path(place) / "vectors.npz"
        task = {
            "folder": str(folder),
            "sentences": sentences,
            "batch_size": batch_size,
            "output": str(output),
        }
        done = subprocess.run(
            [python, CHILD],
            input=json.dumps(task),
            capture_output=True,
            text=True,
            env={k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "KERAS_BACKEND")},
        )
        if done.returncode:
            raise RuntimeError(f"simple_elmo failed:\n{done.stderr[-3000:]}")
        with np.load(output) as file:
            return dict(file), json.loads(done.stdout.splitlines()[-1])


def our_vectors(folder, sentences, batch_size):
    """The same by `elmo.compat.simple_elmo`."""
    from elmo.compat.simple_elmo import ElmoModel

    model = ElmoModel()
    model.load(folder, max_batch_size=batch_size)
    vectors = {}
    for layers in ("average", "top", "all"):
        vectors[layers] = model.get_elmo_vectors(sentences, layers=layers)
        vectors[f"{layers}_cold"] = model.get_elmo_vectors(sentences, warmup=False, layers=layers)
    return vectors


def compare(python, folder):
    """Largest differences, the largest value, and the versions."""
    sentences = [line.split() for line in SENTENCES]
    theirs, versions = their_vectors(python, folder, sentences, BATCH)
    ours = our_vectors(folder, sentences, BATCH)
    alone = their_vectors(python, folder, sentences, len(sentences))[0]["all_cold"]
    return {
        "shapes": {name: list(array.shape) for name, array in theirs.items()},
        "largest_difference": {
            name: max_difference(sentences, ours[name], array) for name, array in theirs.items()
        },
        "warm_up_changes": max_difference(sentences, theirs["all"], theirs["all_cold"]),
        "largest_difference_from_zero_state": zero_state_difference(folder, sentences, alone),
        "largest_value": float(max(np.abs(array).max() for array in theirs.values())),
        "theirs": versions,
    }


def max_difference(sentences, ours, theirs):
    """The largest difference in the vectors of tokens, `(sentences, …, time, 2P)`."""
    return max(
        float(np.abs(one[..., : len(tokens), :] - other[..., : len(tokens), :]).max())
        for tokens, one, other in zip(sentences, ours, theirs, strict=True)
    )


def zero_state_difference(folder, sentences, theirs):
    """`elmo.load(...).embed`, beside simple_elmo's first batch before any state."""
    from elmo.api import load

    return max(
        float(np.abs(row[:, : vectors.shape[1]] - vectors).max())
        for row, vectors in zip(theirs, load(folder).embed(sentences), strict=True)
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--environment", required=True, metavar="FOLDER")
    parser.add_argument("--json", action="store_true", help="one JSON object and nothing else")
    options = parser.parse_args()
    import keras

    import elmo

    python = make_environment(options.environment)
    with tempfile.TemporaryDirectory() as folder:
        found = compare(python, train_small(folder))
    found |= {
        "command": "python benchmarks/peers/with_simple_elmo.py --environment FOLDER --json",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()}",
        "ours": {
            "python": platform.python_version(),
            "elmo-keras": elmo.__version__,
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
            "numpy": np.__version__,
        },
    }
    if options.json:
        print(json.dumps(found, indent=1))
        return 0
    for name, value in found["largest_difference"].items():
        print(f"{name:<14} {found['shapes'][name]!s:<18} largest difference {value:.2e}")
    print(
        f"from zero state, elmo.load(...).embed: {found['largest_difference_from_zero_state']:.2e}"
    )
    print(f"largest value: {found['largest_value']:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
