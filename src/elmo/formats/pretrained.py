"""One call that reads whatever model lies at a path, and one that saves a model's folder."""

from __future__ import annotations

import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from elmo.formats import bilm_tf, keras_file, manylangs, published, rounding, safetensors
from elmo.formats.contents import Pretrained
from elmo.formats.finding import (
    find_options,
    find_vocabulary,
    find_weights,
    load_vocabulary,
    options_beside,
    weights_beside,
)
from elmo.formats.softmax import with_softmax
from elmo.formats.unfinished import run_of, sentence, unfinished
from elmo.system.archives import extract_zip
from elmo.system.errors import FormatError
from elmo.system.folders import settled, write_together
from elmo.text.vocabulary import Vocabulary

__all__ = ["FormatError", "Pretrained", "read", "write_folder"]

Source = str | os.PathLike[str] | tuple[str | os.PathLike[str], str | os.PathLike[str]]

OPTIONS, WEIGHTS, VOCABULARY = "options.json", "weights.hdf5", "vocab.txt"
MODEL_FILES = (
    *(OPTIONS, WEIGHTS, VOCABULARY),
    *("vocab.counts.txt", "vocab.txt.gz", "char.dic", "word.dic"),
)
_HDF5 = (".hdf5", ".h5")
_MAX_NESTING = 3


def read(
    source: Source,
    vocabulary: str | os.PathLike[str] | Vocabulary | None = None,
    softmax: str | os.PathLike[str] | None = None,
) -> Pretrained:
    """Reads a model from a local path, whatever layout it has.

    Args:
        source: a folder of ours; a folder in the layout of AllenNLP and bilm-tf, whatever its
            files are called (`*options*.json`, `*weights*.hdf5`, …); its weights or options file,
            with the other beside it, or the pair (options, weights); a training checkpoint of
            bilm-tf (its folder, or one of its files); a folder of ELMoForManyLangs; a
            `.safetensors` or `.keras` file of ours; or a zip archive of any of these, as the NLPL
            repository has them, or a folder with one. Of a folder with a checkpoint and its dumped
            weights the checkpoint is read, since it holds the softmax as well.
        vocabulary: where the files do not have it: a `Vocabulary` or its file.
        softmax: the file of a published softmax, whose types `vocabulary` lists
            (`elmo.formats.softmax`).

    Returns:
        The model.

    Raises:
        FormatError: there is nothing, nothing that is known, or something damaged; names the file
            and what is wrong with it.
    """
    if softmax is not None:
        return with_softmax(read(source), softmax, vocabulary)
    if isinstance(source, tuple | list):
        if len(source) != 2:
            raise FormatError(f"{source!r}: give a path, or the pair (options, weights)")
        model = _read_pair(Path(source[0]), Path(source[1]), vocabulary)
    else:
        path = Path(source)
        if path.is_dir():
            model = _read_folder(path, vocabulary)
            if state := unfinished(path):
                model.extra["unfinished"] = state
        elif path.is_file():
            model = _read_file(path, vocabulary)
        elif Path(f"{path}.index").is_file():
            model = bilm_tf.read(path, vocabulary)
        else:
            raise FormatError(f"{path}: no such file or folder")
    return model


def _read_file(
    path: Path, vocabulary: str | os.PathLike[str] | Vocabulary | None, depth: int = 0
) -> Pretrained:
    if path.suffix in _HDF5:
        return _read_pair(options_beside(path), path, vocabulary)
    if path.suffix == ".json" and path.name != "config.json":
        return _read_pair(path, weights_beside(path), vocabulary)
    if path.suffix == ".safetensors":
        return _checked(safetensors.read(path), path, vocabulary)
    if bilm_tf.is_part(path):
        return bilm_tf.read(path, vocabulary)
    if path.suffix in (".pkl", ".dic") or path.name == "config.json":
        return manylangs.read(path.parent)
    if path.suffix == ".keras":
        return keras_file.read(path, vocabulary)
    if zipfile.is_zipfile(path):
        with tempfile.TemporaryDirectory(prefix="elmo-") as folder:
            try:
                return _read_folder(extract_zip(path, folder), vocabulary, depth)
            except FormatError as error:
                message = str(error).replace(f"{folder}{os.sep}", "").replace(folder, "its content")
                named = message if message.startswith(str(path)) else f"{path}: {message}"
                raise FormatError(named) from error
    raise FormatError(
        f"{path}: not a model; give its folder, its .hdf5 file or a zip archive of its folder"
    )


def _read_folder(
    folder: Path, vocabulary: str | os.PathLike[str] | Vocabulary | None, depth: int = 0
) -> Pretrained:
    with settled(folder) as place:
        names = sorted(path.name for path in place.iterdir() if path.is_file())
        if OPTIONS not in names and run_of(folder) is not None:
            raise FormatError(_no_model_yet(folder))
        has_hdf5 = any(name.endswith(_HDF5) for name in names)
        is_ours = OPTIONS in names and WEIGHTS in names and published.is_ours(place / OPTIONS)
        if not is_ours and bilm_tf.is_checkpoint(place, complete=has_hdf5):
            return bilm_tf.read(place, vocabulary)
        if has_hdf5 or any(name.endswith("options.json") for name in names):
            return _read_pair(find_options(place), find_weights(place), vocabulary)
        tensors = [name for name in names if name.endswith(".safetensors")]
        if len(tensors) == 1:
            return _checked(safetensors.read(place / tensors[0]), place, vocabulary)
        if manylangs.is_manylangs(names):
            return manylangs.read(place)
        inside = [p for p in place.iterdir() if p.is_dir() and not p.name.startswith((".", "__"))]
        if len(inside) == 1 and depth < _MAX_NESTING:
            return _read_folder(inside[0], vocabulary, depth + 1)
        zips = [name for name in names if name.endswith(".zip")]
        if len(zips) == 1 and depth < _MAX_NESTING:
            return _read_file(place / zips[0], vocabulary, depth + 1)
        found = ", ".join(names[:8]) + (", …" if len(names) > 8 else "") if names else "no files"
        raise FormatError(
            f"{folder}: no model here (found {found}); wanted are options.json and weights.hdf5, "
            "a training checkpoint of bilm-tf, or a folder of ELMoForManyLangs"
        )


def _no_model_yet(folder: Path) -> str:
    """What is said of a training's folder without a model."""
    state = unfinished(folder)
    if state is None:
        return f"{folder}: no model here, only what a training has kept of itself"
    if run_of(folder) != folder:
        return f"{folder}: belongs to a training; name its folder, {state['folder']}"
    return f"{folder}: no model yet, the first is kept after an epoch: {sentence(state)}"


def _read_pair(
    options: Path, weights: Path, vocabulary: str | os.PathLike[str] | Vocabulary | None
) -> Pretrained:
    return _checked(published.read_pair(options, weights), options.parent, vocabulary)


def _checked(
    model: Pretrained, folder: Path, vocabulary: str | os.PathLike[str] | Vocabulary | None
) -> Pretrained:
    """The model with its vocabulary, if there is one and it fits."""
    folder = folder if folder.is_dir() else folder.parent
    config = model.config
    needed = model.has_softmax or config.char_cnn is None
    size = config.vocabulary_size if needed else None
    if vocabulary is not None:
        model.vocabulary = load_vocabulary(vocabulary, size, config.lowercase)
        return model
    if model.dictionaries is not None:
        return model
    found = find_vocabulary(folder)
    if found is not None:
        try:
            model.vocabulary = load_vocabulary(found, size, config.lowercase)
        except FormatError as error:
            # A published model that reads characters does without; its list may be any list.
            if needed or model.extra["format"] != "allennlp":
                raise
            model.extra["vocabulary_refused"] = str(error)
    return model


def write_folder(
    pretrained: Pretrained,
    folder: str | os.PathLike[str],
    overwrite: bool = False,
    extra_files: Mapping[str, bytes | str | os.PathLike[str]] | None = None,
    bits: int | None = None,
) -> Path:
    """Saves a model's folder in the published layout, so that a crash leaves an old one whole.

    The folder gets `options.json`, `weights.hdf5` (with the softmax in a group of our own) and
    `vocab.txt`; a model of ELMoForManyLangs its `char.dic` and `word.dic`. Slots of an optimizer
    and the step are not saved here.

    Args:
        pretrained: the model.
        folder: where to; its parents are made.
        overwrite: whether a folder that holds something may be written to. The files of the old
            model go; everything else in it stays, a run's `run` folder as well. A folder with
            nothing but `run` counts as new.
        extra_files: further files by name: their bytes, their text, or the path (a `Path`) of a
            file to copy.
        bits: round the weights to so many bits, for a smaller file (`elmo.formats.rounding`).

    Returns:
        The folder.

    Raises:
        FormatError: the weights do not fit the configuration; nothing was written.
        FileExistsError: the folder holds something, and `overwrite` is off.
        ValueError: a number of bits that weights cannot be rounded to.
        OSError: it cannot be written.
    """
    if bits is not None:
        rounding.check(bits)
    if pretrained.vocabulary is not None and (
        pretrained.has_softmax or pretrained.config.char_cnn is None
    ):
        load_vocabulary(pretrained.vocabulary, pretrained.config.vocabulary_size)

    def write(new: Path) -> None:
        published.write_pair(pretrained, new / OPTIONS, new / WEIGHTS, bits)
        if pretrained.vocabulary is not None:
            # One type a line is what others read; it cannot say that padding is in its midst.
            plain = pretrained.vocabulary.pad_id in (None, 0)
            pretrained.vocabulary.save(new / VOCABULARY, layout="published" if plain else None)
        for name, content in (extra_files or {}).items():
            if not name or os.path.basename(name) != name or name in MODEL_FILES:
                raise ValueError(f"extra_files: {name!r} is not the plain name of a further file")
            if isinstance(content, os.PathLike):
                content = Path(content).read_bytes()
            (new / name).write_bytes(content.encode() if isinstance(content, str) else content)

    return write_together(folder, write, overwrite=overwrite, replaces=MODEL_FILES)
