"""Training checkpoints of bilm-tf: weights, softmax, Adagrad's accumulators and the step."""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path

import numpy as np

from elmo.config import BiLMConfig
from elmo.formats.containers.tensor_bundle import read_bundle
from elmo.formats.contents import Pretrained
from elmo.formats.finding import find_options, load_vocabulary
from elmo.formats.options import config_from_options, training_options
from elmo.formats.published import encoder_table
from elmo.formats.weight_map import Entry, Stored, read_table, same, softmax_shapes
from elmo.system.errors import FormatError, read_json, read_text
from elmo.text.vocabulary import Vocabulary

SLOT = "/Adagrad"
_STATE_FILE = "checkpoint"
_PARTS = re.compile(r"\.(index|meta|data-\d{5}-of-\d{5})$")
_NEWEST = re.compile(r'^\s*model_checkpoint_path\s*:\s*"((?:[^"\\]|\\.)*)"', re.MULTILINE)
_SCALARS = ("global_step", "train_perplexity")
_SOFTMAX = {"softmax/kernel": "lm/softmax/W", "softmax/bias": "lm/softmax/b"}


def is_part(path: str | os.PathLike[str]) -> bool:
    """Whether a file's name is that of a checkpoint's part.

    Example:
        >>> is_part("model.ckpt-200.index"), is_part("checkpoint"), is_part("weights.hdf5")
        (True, True, False)
    """
    name = os.path.basename(path)
    return name == _STATE_FILE or _PARTS.search(name) is not None


def is_checkpoint(folder: str | os.PathLike[str], complete: bool = False) -> bool:
    """Whether a folder holds a checkpoint.

    Args:
        folder: the folder.
        complete: whether all of its files have to be there.
    """
    names = os.listdir(folder)
    if not complete:
        return any(is_part(name) for name in names)
    try:
        prefix = find_prefix(folder)
        find_options(folder)
    except FormatError:
        return False
    return any(name.startswith(f"{prefix.name}.data-") for name in names)


def find_prefix(path: str | os.PathLike[str]) -> Path:
    """The path of a checkpoint without the ends of its files' names.

    Args:
        path: one of its files or its folder. In a folder the file `checkpoint` names the newest, of
            which the base name counts (the rest is stale once the folder was moved); without it
            the highest step is taken.

    Raises:
        FormatError: there is none, or the one that is named is missing.
    """
    path = Path(path)
    if Path(f"{path}.index").is_file():
        return path
    if path.is_file() and path.name != _STATE_FILE:
        return path.with_name(_PARTS.sub("", path.name))
    folder = path if path.is_dir() else path.parent
    state = folder / _STATE_FILE
    if state.is_file():
        named = _NEWEST.search(read_text(state, 1 << 20))
        if named is None:
            raise FormatError(f"{state}: names no checkpoint (model_checkpoint_path is missing)")
        base = re.sub(r"\\(.)", r"\1", named[1]).replace("\\", "/").rsplit("/", 1)[-1]
        if not base or "\0" in base or not (folder / f"{base}.index").is_file():
            raise FormatError(f"{state}: names {base!r}, but {base!r}.index is not there")
        return folder / base
    found = [entry.name.removesuffix(".index") for entry in folder.glob("*.index")]
    if not found:
        raise FormatError(f"{folder}: the .index file of the checkpoint is missing")
    return folder / max(found, key=lambda name: (_step_in(name), name))


def _step_in(name: str) -> int:
    step = re.search(r"-(\d{1,18})$", name)
    return int(step[1]) if step else -1


def checkpoint_table(config: BiLMConfig) -> list[Entry]:
    """The variables of a checkpoint that are weights, the softmax with them.

    Args:
        config: what the network is.

    Example:
        >>> from elmo.config import LSTMConfig
        >>> lstm = LSTMConfig(dim=4, projection_dim=2, n_layers=1)
        >>> for entry in checkpoint_table(BiLMConfig(lstm=lstm, vocabulary_size=9)):
        ...     print(entry.name, entry.shape)
        lm/embedding (9, 2)
        lm/RNN_0/rnn/lstm_cell/kernel (4, 16)
        lm/RNN_0/rnn/lstm_cell/bias (16,)
        lm/RNN_0/rnn/lstm_cell/projection/kernel (4, 2)
        lm/RNN_1/rnn/lstm_cell/kernel (4, 16)
        lm/RNN_1/rnn/lstm_cell/bias (16,)
        lm/RNN_1/rnn/lstm_cell/projection/kernel (4, 2)
        lm/softmax/W (9, 2)
        lm/softmax/b (9,)
    """
    table = [
        dataclasses.replace(entry, name=_variable(entry.name, config), aliases=())
        for entry in encoder_table(config)
    ]
    table += [same(_SOFTMAX[name], name, shape) for name, shape in softmax_shapes(config).items()]
    return table


def _variable(name: str, config: BiLMConfig) -> str:
    cell = re.fullmatch(r"(RNN_\d)/RNN/MultiRNNCell/Cell(\d+)/LSTMCell/(\w+)", name)
    if cell is None:
        return f"lm/{name}"
    direction = f"{cell[1]}/" if config.directions == "both" else ""
    layer = f"multi_rnn_cell/cell_{cell[2]}/" if config.lstm.n_layers > 1 else ""
    part = {"W_0": "kernel", "B": "bias", "W_P_0": "projection/kernel"}[cell[3]]
    return f"lm/{direction}rnn/{layer}lstm_cell/{part}"


def read(
    path: str | os.PathLike[str], vocabulary: str | os.PathLike[str] | Vocabulary | None = None
) -> Pretrained:
    """A model as bilm-tf left it in the middle of its training, without TensorFlow.

    Args:
        path: the save folder, one of the checkpoint's files, or its path without their ends.
        vocabulary: the `Vocabulary` it was trained with, or its file: line number = id. bilm-tf
            does not keep it with the checkpoint; by default it is a `vocab*.txt` in the folder or
            the one above, of as many types as the softmax.

    Returns:
        The model with its softmax, `optimizer_slots` (if the checkpoint has them), `step`, and the
        settings of its training in `extra["options"]`.

    Raises:
        FormatError: a file is missing or damaged, the variables do not fit the options (all
            differences are listed), or the vocabulary is of another size.
    """
    prefix = find_prefix(path)
    options = find_options(prefix.parent)
    values = read_json(options)
    config = config_from_options(values, options)
    if config.vocabulary_size is None:
        raise FormatError(f"{options}: n_tokens_vocab is missing")
    stored = read_bundle(prefix)
    index = f"{prefix}.index"
    scalars = {name: stored.pop(name) for name in list(stored) if _is_scalar(name)}
    slots = {name: stored.pop(name) for name in list(stored) if name.endswith(SLOT)}
    table = checkpoint_table(config)
    weights = read_table(table, stored, index)
    optimizer_slots = None
    if slots:
        slot_table = [dataclasses.replace(entry, name=entry.name + SLOT) for entry in table]
        optimizer_slots = read_table(slot_table, slots, index)
    if vocabulary is None:
        vocabulary = _vocabulary_near(prefix.parent, config.vocabulary_size)
    else:
        vocabulary = load_vocabulary(vocabulary, config.vocabulary_size)
    return Pretrained(
        config=config,
        weights=weights,
        vocabulary=vocabulary,
        optimizer_slots=optimizer_slots,
        step=_step(scalars, index, prefix.name),
        extra={"format": "bilm-tf checkpoint", "options": training_options(values)},
    )


def _is_scalar(name: str) -> bool:
    return name.rsplit("/", 1)[-1] in _SCALARS


def _step(scalars: dict[str, Stored], where: str, prefix: str) -> int | None:
    stored = next((s for name, s in scalars.items() if name.endswith("global_step")), None)
    if stored is None:
        step = _step_in(prefix)
        return None if step < 0 else step
    if stored.shape:
        raise FormatError(f"{where}: global_step is {stored.shape}, wanted one number")
    value = float(np.asarray(stored.load()))
    if not (value >= 0 and value.is_integer()):
        raise FormatError(f"{where}: global_step is {value}, not a number of steps")
    return int(value)


def _vocabulary_near(folder: Path, size: int) -> Vocabulary | None:
    for place in (folder, folder.resolve().parent):
        for path in sorted([*place.glob("vocab*.txt"), *place.glob("vocab*.txt.gz")]):
            try:
                return load_vocabulary(path, size)
            except FormatError:
                continue
    return None
