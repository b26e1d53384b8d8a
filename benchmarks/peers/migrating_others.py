"""What ELMoForManyLangs and SeqVec themselves give, for the tests of docs/migrating.md.

    python benchmarks/peers/migrating_others.py MANYLANGS MODEL FASTA OUTPUT

Runs in an environment that has the programs, not this package:

    pip install --no-deps elmoformanylangs==0.0.4.post2 seqvec==0.4.1 allennlp==0.9.0
    pip install torch h5py overrides==3.1.0 jsonpickle tqdm scipy

MANYLANGS is the fixture `manylangs-fixture`, MODEL a folder with `weights.hdf5` and `options.json`;
OUTPUT gets `others.npz`. Sentences are those of MANYLANGS.
"""

import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
from migrating import import_allennlp

CONLLU = """\
# text = Sue likes coffee, and Bill tea.
1\tSue\tSue\t_\t_\t_\t_\t_\t_\t_
2-3\tlikescoffee\t_\t_\t_\t_\t_\t_\t_\t_
2\tlikes\tlike\t_\t_\t_\t_\t_\t_\t_
3\tcoffee\tcoffee\t_\t_\t_\t_\t_\t_\t_
4\tand/or\tand\t_\t_\t_\t_\t_\t_\t_
5\tU.S.\tU.S.\t_\t_\t_\t_\t_\t_\t_

1\ttea\ttea\t_\t_\t_\t_\t_\t_\t_
1.1\tdrinks\tdrink\t_\t_\t_\t_\t_\t_\t_
2\t.\t.\t_\t_\t_\t_\t_\t_\t_
"""


def manylangs_model(place, folder):
    """The fixture's model, its weights in the container that today's PyTorch reads."""
    shutil.copytree(place / "model", folder)
    for path in (place / "model-zip").iterdir():
        shutil.copy(path, folder / path.name)
    config = json.loads((folder / "config.json").read_text())
    config["config_path"] = Path(config["config_path"]).name  # its README asks for this edit
    (folder / "config.json").write_text(json.dumps(config))


def embedder(place, folder):
    """`Embedder`: three batches in a drawn order, then two more calls of the same."""
    from elmoformanylangs import Embedder

    text = (place / "sentences.txt").read_text(encoding="utf-8")
    sentences = [line.split(" ") for line in text.splitlines()]
    embedder, found = Embedder(str(folder), batch_size=5), {}
    random.seed(7)
    for call, layer in enumerate((-2, -1, 1)):
        for number, vectors in enumerate(embedder.sents2elmo(sentences, layer)):
            found[f"manylangs/calls/{call}/{number}"] = vectors
    for layer in (-2, -1, 0, 1, 2):
        new = Embedder(str(folder))
        found[f"manylangs/layer/{layer}"] = new.sents2elmo(sentences[:1], layer)[0]
    return found


def command_test(folder, place, kind, text):
    """`python -m elmoformanylangs test`, one file a layer; `random` is left at one seed."""
    from elmoformanylangs.__main__ import test_main

    (place / f"in.{kind}").write_text(text, encoding="utf-8")
    random.seed(0)
    arguments = f"test --input_format {kind} --input {place}/in.{kind} --model {folder} "
    arguments += f"--output_prefix {place}/{kind} --output_format hdf5 --output_layer 0,1,2,-1 "
    sys.argv = ["elmoformanylangs", *arguments.split(), "--batch_size", "8"]
    test_main()
    found = {}
    for layer in (0, 1, 2, -1):
        with h5py.File(place / f"{kind}.ly{layer}.hdf5") as file:
            for key in file:
                found[f"manylangs/{kind}/{layer}/{key}"] = file[key][()]
    return found


def seqvec(model, fasta, place):
    """`seqvec`, each kind of output; one batch, and batches of about 30 residues."""
    import_allennlp()
    from seqvec import seqvec as program

    found, npz = {}, place / "out.npz"
    runs = {
        "sum": "",
        "protein": "--protein",
        "all": "--layer all",
        "CNN": "--layer CNN",
        "LSTM1": "--layer LSTM1",
        "LSTM2": "--layer LSTM2",
        "whole": "--id -1",
        "last": "--id 2",
        "batches": "--batchsize 30",
    }
    for name, options in runs.items():
        arguments = f"-i {fasta} -o {npz} --model {model} --cpu --silent {options}"
        sys.argv = ["seqvec", *arguments.split()]
        program.main()
        with np.load(npz) as file:
            for number, key in enumerate(file):
                found[f"seqvec/{name}/{key}"] = (
                    file[key] if name not in ("whole", "last") else number
                )
    sys.argv = f"seqvec -i {fasta} -o {place}/out.h5 --model {model} --cpu --silent".split()
    program.main()
    with h5py.File(place / "out.h5") as file:
        assert all(np.array_equal(file[key][()], found[f"seqvec/sum/{key}"]) for key in file)
        found["seqvec/keys"] = np.array(sorted(file))
    return found


def main():
    manylangs, model, fasta, output = map(Path, sys.argv[1:])
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        manylangs_model(manylangs, place / "model")
        found = embedder(manylangs, place / "model")
        plain = "".join("\t".join(line.split(" ")) + "\n" for line in PLAIN)
        found |= command_test(place / "model", place, "plain", plain)
        found |= command_test(place / "model", place, "conll", CONLLU)
        found |= command_test(place / "model", place, "conll_char", CONLLU)
        found |= seqvec(model, fasta, place)
    (output / "in.conllu").write_text(CONLLU, encoding="utf-8")
    (output / "plain.txt").write_text(plain, encoding="utf-8")
    np.savez_compressed(output / "others.npz", **found)


PLAIN = ["The old town/city was here .", "It was", "Zürich und Kraków", "It was"]

if __name__ == "__main__":
    main()
