"""What bilm-tf, AllenNLP and simple_elmo themselves give, for the tests of docs/migrating.md.

    python benchmarks/peers/migrating.py MODEL VOCABULARY TEXT OUTPUT

Runs in an environment that has the programs, not this package:

    pip install --no-deps allennlp==0.9.0 bilm==0.1.post5 simple_elmo==0.9.2
    pip install torch tensorflow-cpu tf_keras h5py overrides==3.1.0 jsonpickle smart_open pandas scipy

MODEL is a folder with `weights.hdf5` and `options.json`; OUTPUT gets `numbers.npz` and `numbers.json`.
AllenNLP 0.9 imports spaCy and others that its ELMo does not use; empty modules stand in for them.
"""

import importlib.abc
import importlib.machinery
import json
import os
import shutil
import sys
import tempfile
import types
from pathlib import Path

import h5py
import numpy as np

os.environ |= {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
UNUSED = [
    "spacy",
    "nltk",
    "flaky",
    "editdistance",
    "parsimonious",
    "conllu",
    "word2number",
    "tensorboardX",
    "sqlparse",
    "unidecode",
    "ftfy",
    "boto3",
    "botocore",
    "responses",
    "gevent",
    "flask",
    "flask_cors",
    "pytorch_pretrained_bert",
    "pytorch_transformers",
    "numpydoc",
    "_jsonnet",
    "sklearn",
    "matplotlib",
    "pytz",
    "requests",
    "truecase",
]
WORDS = ("the", "<S>", "river", "Zürich", "</S>", "<UNK>", "文", "zzz")


class Empty(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Nothing


class Nothing(metaclass=Empty):
    def __init__(self, *args, **kwargs):
        pass

    def __call__(self, function=None, *args, **kwargs):
        return function


class EmptyModule(types.ModuleType):
    __path__ = ()

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Nothing


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in UNUSED:
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        return EmptyModule(spec.name)

    def exec_module(self, module):
        pass


def import_allennlp():
    """AllenNLP's modules of ELMo, without the other commands."""
    sys.meta_path.append(Finder())
    import allennlp

    commands = types.ModuleType("allennlp.commands")
    commands.__path__ = [os.path.join(os.path.dirname(allennlp.__file__), "commands")]
    sys.modules["allennlp.commands"] = commands
    from allennlp.commands import elmo as command
    from allennlp.modules import elmo as modules

    return command, modules


def read_all(path):
    """Arrays of a file of embeddings, and what is text in it."""
    arrays, texts = {}, {}
    with h5py.File(path) as file:
        for key, dataset in file.items():
            if h5py.check_string_dtype(dataset.dtype):
                texts[key] = dataset.asstr()[0]
            else:
                arrays[key] = dataset[()]
    return arrays, texts


def allennlp_command(elmo, options, weights, text, *flags):
    """`allennlp elmo`, by its own parser."""
    import argparse

    parser = argparse.ArgumentParser()
    elmo.Elmo().add_subparser("elmo", parser.add_subparsers())
    with tempfile.TemporaryDirectory() as place:
        output = Path(place) / "out.hdf5"
        arguments = ["--options-file", str(options), "--weight-file", str(weights), *flags]
        found = parser.parse_args(["elmo", str(text), str(output), *arguments])
        found.func(found)
        return read_all(output)


def from_allennlp(options, weights, text, sentences):
    elmo, modules = import_allennlp()
    numbers, texts = {}, {}
    for flags in (("--all",), ("--top",), ("--average",), ("--top", "--use-sentence-keys")):
        flags = (*flags, "--batch-size", "2")
        arrays, found = allennlp_command(elmo, options, weights, text, *flags)
        if "--use-sentence-keys" in flags:
            texts["sentence_keys"] = sorted({*arrays, *found})
            continue
        texts["sentence_to_index"] = json.loads(found["sentence_to_index"])
        numbers |= {f"allennlp/{flags[0][2:]}/{key}": array for key, array in arrays.items()}
    flags = ("--top", "--forget-sentences")
    arrays, found = allennlp_command(elmo, options, weights, text, *flags)
    texts["forgotten"] = sorted({*arrays, *found})

    def layer(ids, **more):
        found = modules.Elmo(str(options), str(weights), 1, dropout=0.0, **more)(ids)
        representation = found["elmo_representations"][0].detach().numpy()
        return representation, found["mask"].numpy()

    ids = modules.batch_to_ids(sentences)
    numbers["allennlp/ids"] = ids.numpy().astype(np.int16)
    numbers["allennlp/layer"], _ = layer(ids)
    numbers["allennlp/layer_norm"], _ = layer(ids, do_layer_norm=True)
    numbers["allennlp/empty"], numbers["allennlp/empty_mask"] = layer(
        modules.batch_to_ids([sentences[1], [], sentences[0][:3]])
    )
    # Tokens without any id, inside a sentence and before its first token.
    holes = modules.batch_to_ids([sentences[0][:5]] * 4)
    holes[0, 2], holes[1, 1], holes[1, 3], holes[2, 0], holes[2, 1] = 0, 0, 0, 0, 0
    numbers["allennlp/holes"], numbers["allennlp/holes_mask"] = layer(holes)
    kept, mask = layer(holes, keep_sentence_boundaries=True)
    numbers["allennlp/holes_kept"], numbers["allennlp/holes_kept_mask"] = kept, mask
    for tuned in (False, True):
        elmo = modules.Elmo(str(options), str(weights), 1, requires_grad=tuned, dropout=0.0)
        losses = train_tagger(elmo, ids, sentences)
        mix = elmo.scalar_mix_0
        name = "allennlp/tagger_tuned" if tuned else "allennlp/tagger"
        numbers[f"{name}/losses"] = np.array(losses)
        numbers[f"{name}/gamma"] = mix.gamma.detach().numpy()
        numbers[f"{name}/scalars"] = np.array([w.item() for w in mix.scalar_parameters])
    return numbers, texts


def train_tagger(elmo, ids, sentences):
    """Losses of five steps of a linear tagger over ELMo, which tells tokens by their lengths.

    `tests/compat/test_allennlp_training.py` does the same.
    """
    import torch

    dim = elmo.get_output_dim()
    kernel = np.random.default_rng(0).normal(0, 0.1, (dim, 3)).astype(np.float32)
    kernel = torch.nn.Parameter(torch.from_numpy(kernel))
    learned = [weight for weight in elmo.parameters() if weight.requires_grad]
    optimizer = torch.optim.Adam([*learned, kernel], lr=0.01)
    tags = torch.tensor([len(token) % 3 for tokens in sentences for token in tokens])
    losses = []
    for _ in range(5):
        found = elmo(ids)
        tokens = found["elmo_representations"][0][found["mask"].bool()]
        loss = torch.nn.functional.cross_entropy(tokens @ kernel, tags)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def from_simple_elmo(folder, sentences):
    import tensorflow as tf
    from simple_elmo import ElmoModel
    from simple_elmo.elmo import weight_layers

    numbers = {}

    def loaded(max_batch_size=2, **more):
        model = ElmoModel()
        model.load(str(folder), max_batch_size=max_batch_size, **more)
        return model

    for name, more in (("", {}), ("_limit_1", {"limit": 1})):
        with tf.Graph().as_default():
            numbers[f"simple_elmo/average{name}"] = loaded(**more).get_elmo_vectors(sentences)
    with tf.Graph().as_default():
        numbers["simple_elmo/default"] = loaded(32).get_elmo_vectors(sentences)
    for name, rows in (("", 2), ("_alone", 1), ("_default", 32)):
        with tf.Graph().as_default():
            numbers[f"simple_elmo/mean{name}"] = loaded(rows).get_elmo_vector_average(sentences)
    with tf.Graph().as_default() as graph:  # the recipe of its README
        model = loaded()
        session = tf.compat.v1.Session(graph=graph)
        model.elmo_sentence_input = weight_layers("input", model.sentence_embeddings_op)
        session.run(tf.compat.v1.global_variables_initializer())
        for number in range(2):
            found = model.get_elmo_vectors(sentences, session=session)
            numbers[f"simple_elmo/session_{number}"] = found
        found = model.get_elmo_vector_average(sentences, warmup=False, session=session)
        numbers["simple_elmo/session_mean"] = found
    return {name: array.astype(np.float32) for name, array in numbers.items()}


def from_bilm(options, weights, vocabulary, text, sentences, place):
    import tensorflow.compat.v1 as tf

    sys.modules["tensorflow"] = tf  # TensorFlow 1 by another name
    tf.disable_eager_execution()
    import bilm

    files = (str(options), str(weights))
    numbers = {}
    bilm.dump_bilm_embeddings(str(vocabulary), str(text), *files, str(place / "dump.hdf5"))
    arrays, _ = read_all(place / "dump.hdf5")
    numbers |= {f"bilm/dump/{key}": array for key, array in arrays.items()}

    words, tokens = place / "words.txt", place / "tokens.hdf5"
    words.write_text("".join(f"{word}\n" for word in WORDS), encoding="utf-8")
    with tf.Graph().as_default():
        bilm.dump_token_embeddings(str(words), *files, str(tokens))
    numbers["bilm/tokens"] = read_all(tokens)[0]["embedding"]

    with tf.Graph().as_default():
        ids = tf.placeholder("int32", shape=(None, None))
        model = bilm.BidirectionalLanguageModel(
            *files, use_character_inputs=False, embedding_weight_file=str(tokens)
        )
        ops = model(ids)
        batch = bilm.TokenBatcher(str(words)).batch_sentences(sentences[:3])
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            found = session.run(ops["lm_embeddings"], {ids: batch})
        numbers["bilm/token_batch"], numbers["bilm/token_ids"] = found, batch.astype(np.int16)

    with tf.Graph().as_default():
        ids = tf.placeholder("int32", shape=(None, None, 50))
        ops = bilm.BidirectionalLanguageModel(*files)(ids)
        batch = bilm.Batcher(str(vocabulary), 50).batch_sentences(sentences[:3])
        mixes = {
            "average": bilm.weight_layers("average", ops, l2_coef=0.0),
            "top": bilm.weight_layers("top", ops, l2_coef=0.0, use_top_only=True),
            "layer_norm": bilm.weight_layers("norm", ops, l2_coef=0.0, do_layer_norm=True),
        }
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            found = session.run({k: m["weighted_op"] for k, m in mixes.items()}, {ids: batch})
        numbers |= {f"bilm/mix/{name}": array for name, array in found.items()}
        numbers["bilm/ids"] = batch.astype(np.int16)
    return numbers


def main():
    folder, vocabulary, text, output = map(Path, sys.argv[1:])
    sentences = [line.split() for line in text.read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        model = place / "model"
        model.mkdir()
        shutil.copy(folder / "weights.hdf5", model / "model.hdf5")
        shutil.copy(vocabulary, model / "vocab.txt")
        options = json.loads((folder / "options.json").read_text())
        options["char_cnn"]["n_characters"] = 262
        (model / "options.json").write_text(json.dumps(options))
        files = (model / "options.json", model / "model.hdf5")
        numbers, texts = from_allennlp(*files, text, sentences)
        numbers |= from_simple_elmo(model, sentences)
        numbers |= from_bilm(*files, vocabulary, text, sentences, place)
    output.mkdir(exist_ok=True)
    np.savez_compressed(output / "numbers.npz", **numbers)
    texts = json.dumps(texts, ensure_ascii=False, indent=1)
    (output / "numbers.json").write_text(f"{texts}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
