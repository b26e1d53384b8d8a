"""The softmax that bilm-tf's models were published with: an HDF5 file of its own, beside the weights."""

from __future__ import annotations

import os

from elmo.config import BiLMConfig
from elmo.formats.containers.hdf5 import open_arrays
from elmo.formats.contents import Pretrained
from elmo.formats.finding import load_vocabulary
from elmo.formats.weight_map import read_table, same, softmax_shapes
from elmo.system.errors import FormatError
from elmo.text.vocabulary import Vocabulary

KERNEL, BIAS = "softmax/W", "softmax/b"
_NAMES = {"softmax/kernel": KERNEL, "softmax/bias": BIAS}


def with_softmax(
    model: Pretrained,
    softmax: str | os.PathLike[str],
    vocabulary: str | os.PathLike[str] | Vocabulary | None = None,
) -> Pretrained:
    r"""A model with the softmax of a file, so that it can predict.

    The file has `softmax/W`, of shape (V, P), and `softmax/b`, of shape (V,); both directions share
    them. The scores of the V types are :math:`W h + b`, where h is the top layer of a direction.

    Args:
        model: the model; it is not changed.
        softmax: the HDF5 file.
        vocabulary: of the V types, in their order, or its file; None for the model's own.

    Returns:
        The model with `softmax/kernel` and `softmax/bias` among its weights.

    Raises:
        FormatError: the model has a softmax or reads by dictionaries, there is no vocabulary, it has
            another number of types, or the file is not of this kind or for another model.
    """
    if model.has_softmax:
        raise FormatError(f"{softmax}: the model has a softmax of its own; leave this one out")
    if model.dictionaries is not None:
        raise FormatError(
            f"{softmax}: a model of ELMoForManyLangs takes no softmax; its files list no targets"
        )
    vocabulary = model.vocabulary if vocabulary is None else vocabulary
    if vocabulary is None:
        raise FormatError(
            f"{softmax}: the vocabulary of the softmax is not known; give its file (--vocabulary, "
            "elmo.load)"
        )
    with open_arrays(softmax) as stored:
        missing = [name for name in (BIAS, KERNEL) if name not in stored]
        if BIAS in missing or (missing and not model.config.weight_tying):
            found = ", ".join(list(stored)[:4]) or "nothing"
            raise FormatError(
                f"{softmax}: no softmax; {' and '.join(sorted(missing))} missing (found {found})"
            )
        shape = stored[BIAS].shape
        if len(shape) != 1 or shape[0] < 1:
            raise FormatError(f"{softmax}: {BIAS} is {shape}, wanted (V,), one number per type")
        # The vocabulary bounds V before any array is loaded.
        try:
            types = load_vocabulary(vocabulary, shape[0], model.config.lowercase)
        except FormatError as error:
            raise FormatError(f"{softmax}: does not fit its vocabulary; {error}") from error
        config = BiLMConfig.from_dict({**model.config.to_dict(), "vocabulary_size": shape[0]})
        if config.char_cnn is None and config.vocabulary_size != model.config.vocabulary_size:
            raise FormatError(
                f"{softmax}: {BIAS} is for {shape[0]:,} types, but the model reads "
                f"{model.config.vocabulary_size:,}"
            )
        table = [same(_NAMES[name], name, size) for name, size in softmax_shapes(config).items()]
        arrays = read_table(table, stored, softmax)
    return Pretrained(
        config=config,
        weights={**model.weights, **arrays},
        vocabulary=types,
        optimizer_slots=model.optimizer_slots,
        step=model.step,
        extra=dict(model.extra),
    )
