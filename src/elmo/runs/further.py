"""Training a loaded model further: its weights, rows for new words, and what it was worth before.

A new word's row of a table (its vector, its row of the softmax and its bias) is the mean of the rows
that are there: the scores of the words that the model knows keep their order, and a new word begins as
likely as an average one (Hewitt 2021, "Initializing New Word Embeddings for Pretrained Language
Models").
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from elmo.api import BiLM, UnknownVocabularyError, load
from elmo.bilm.initialization import new_network
from elmo.bilm.weights import get_weights, set_weights
from elmo.config import ConfigError
from elmo.formats.pretrained import write_folder
from elmo.hub import resolving
from elmo.settings.settings import Settings, published_settings
from elmo.system.files import write_json, written_whole
from elmo.text.corpus import Corpus
from elmo.text.encoding import SentenceEncoder
from elmo.text.manylangs import ManyLangsCharacters
from elmo.text.vocabulary import Vocabulary
from elmo.training.evaluation import evaluate
from elmo.training.report import beside

START, SLOTS, REPORT = "start", "start-slots.npz", "fine-tuning.json"
TABLES = ("token_encoder/embedding", "softmax/kernel", "softmax/bias")

Source = BiLM | resolving.Source


def base_model(source: Source, settings: Settings) -> tuple[BiLM, Settings]:
    """The model that is trained further, and the settings that are left.

    Args:
        source: a `BiLM`, or whatever `elmo.load` takes.
        settings: a vocabulary among them is the model's where its files lack it, as those of a
            checkpoint of bilm-tf do.

    Raises:
        ValueError: a model of ELMoForManyLangs, or one whose vocabulary is not known.
    """
    given = settings.vocabulary.vocabulary
    rest = Settings({k: v for k, v in settings.values.items() if k != "vocabulary"})
    try:
        model = source if isinstance(source, BiLM) else load(source)
    except UnknownVocabularyError:
        if given is None or isinstance(source, BiLM):
            raise
        return load(source, given), rest
    if isinstance(model.sentence_encoder, ManyLangsCharacters):
        raise ValueError(
            "start_from: a model of ELMoForManyLangs reads its characters by dictionaries of its own "
            "and cannot be trained further here; models that read words or bytes can"
        )
    if model.vocabulary is None and (model.has_softmax or model.config.char_cnn is None):
        if given is None or isinstance(source, BiLM):
            raise ValueError(
                "start_from: the model's vocabulary is not known; name its file (vocabulary), or put it "
                "beside the model as vocab.txt"
            )
        model, settings = load(source, given), rest
    return model, settings


def title_of(source: Source) -> str:
    """What a report calls the model."""
    if isinstance(source, BiLM):
        return "a model in memory"
    paths = source if isinstance(source, tuple) else (source,)
    return ", ".join(os.fspath(path) for path in paths)


def with_its_settings(base: BiLM, settings: Settings) -> Settings:
    """Settings, with what the model's own training says where they say nothing.

    That is the mode that the model is used in; of a training checkpoint of bilm-tf, whose slots are
    known, all that its options have.
    """
    own: dict[str, Any] = {"mode": "stream" if base.state == "carry" else "sentence"}
    if base.optimizer_slots is not None:
        own.update(published_settings(base.training_options))
    return Settings.from_values({**own, **settings.values})


def starting_slots(
    base: BiLM, start: BiLM, settings: Settings, run: Path
) -> dict[str, np.ndarray] | None:
    """Adagrad's accumulators to begin with; rows of new words have fresh ones.

    Args:
        base: the model that is trained further.
        start: the model as training begins.
        settings: of the training.
        run: the run's folder, where they are kept: a run that is resumed before its first checkpoint
            finds them there.
    """
    training, kept = settings.training, run / SLOTS
    if kept.is_file():
        with np.load(kept, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    if base.optimizer_slots is None or training.optimizer != "adagrad":
        return None
    fresh = training.initial_accumulator
    slots: dict[str, Any] = {}
    for name, weight in start.network.named_weights().items():
        if (slot := base.optimizer_slots.get(name)) is not None:
            new = np.full((weight.shape[0] - len(slot), *slot.shape[1:]), fresh, slot.dtype)
            slots[name] = np.concatenate([slot, new])
    with written_whole(kept) as file:
        np.savez(file, **slots)
    return slots


def vocabulary_for(base: BiLM, settings: Settings, text: Corpus, keep: bool) -> Vocabulary:
    """The types of the model that comes out.

    Args:
        base: the model that is trained further.
        settings: which words of the text count.
        text: the new text.
        keep: add no words.

    Returns:
        The model's own types and, unless they are kept, those of the text that it lacks. A model that
        reads characters and has no softmax gets the types of the text alone (or its own, if kept).
    """
    chosen, own = settings.vocabulary, base.vocabulary
    fresh = not base.has_softmax and base.config.char_cnn is not None
    if keep and own is None:
        raise ConfigError("keep_vocabulary=True: the model has no vocabulary to keep")
    if chosen.vocabulary is not None:
        given = Vocabulary.load(chosen.vocabulary, lowercase=base.config.lowercase or None)
        if fresh and not keep:
            return given.with_counts(text)
        if (
            own is None or given.tokens != own.tokens
        ):  # its own file may be named, as bilm-tf's commands want it
            raise ConfigError(
                f"vocabulary={chosen.vocabulary!r}: the model that is trained further has its own, "
                "another one; words of the text that it lacks are added (min_count, "
                "max_vocabulary), or none (keep_vocabulary)"
            )
    if keep and own is not None:
        return own.with_counts(text)
    least, most = chosen.min_count, chosen.max_vocabulary
    if own is None or fresh:
        lowercase, unknown = base.config.lowercase, chosen.unk_token
        return Vocabulary.from_corpus(text, least, most, lowercase, unk_token=unknown)
    return own.extended(text, least, most, unk_token=chosen.unk_token)


def starting_model(base: BiLM, settings: Settings, vocabulary: Vocabulary) -> BiLM:
    """The model as its further training begins: the base's weights, and rows of new words.

    Args:
        base: the model that is trained further; it stays as it is.
        settings: of the training.
        vocabulary: the base's types first, in their order, where it has a softmax or reads words.
    """
    training, config = settings.training, settings.further(base.config, len(vocabulary))
    network = new_network(config, training.seed, training.precision)
    weights = get_weights(network)
    for name, array in get_weights(base.network).items():
        if name.startswith("softmax/") and not base.has_softmax:
            continue
        weights[name] = with_rows(array, len(vocabulary)) if name in TABLES else array
    set_weights(network, weights)
    return BiLM(network, SentenceEncoder.for_model(config, vocabulary), state=training.state)


def with_rows(table: np.ndarray, n: int) -> np.ndarray:
    """A table of n rows: its own, and their mean for each that it lacks.

    Example:
        >>> with_rows(np.array([[1.0, 2.0], [3.0, 6.0]], np.float32), 3)
        array([[1., 2.],
               [3., 6.],
               [2., 4.]], dtype=float32)
    """
    mean = table.mean(axis=0, keepdims=True, dtype=np.float64).astype(table.dtype)
    return np.concatenate([table, np.repeat(mean, n - len(table), axis=0)])


def begin(
    run: Path,
    base: BiLM,
    start: BiLM,
    valid: Mapping[str, Corpus],
    *,
    name: str,
) -> dict[str, Any]:
    """Measure the model before, and keep what the run begins from under `run/start`.

    Args:
        run: the run's folder.
        base: the model as it was loaded.
        start: the model as training begins.
        valid: texts to measure perplexity on; none are needed.
        name: of the base, for the report.

    Returns:
        The report: `start_from`, `added_words`, `fresh_softmax`; `before` and `start`, what
        `evaluate` says of the base (None where it cannot predict) and of the model as it begins.
    """
    added = 0
    if base.has_softmax or base.config.char_cnn is None:
        assert (
            start.vocabulary is not None and base.vocabulary is not None
        )  # `opened` has seen to it
        added = len(start.vocabulary) - len(base.vocabulary)
    report: dict[str, Any] = {
        "start_from": name,
        "added_words": added,
        "fresh_softmax": not base.has_softmax,
        "before": None,
        "start": None,
    }
    if valid:
        if base.has_softmax and base.vocabulary is not None:
            report["before"] = _measured(base, valid, start.state)
        same = report["before"] is not None and not report["added_words"]
        report["start"] = report["before"] if same else _measured(start, valid, start.state)
    write_folder(start.to_pretrained(), run / START)
    write_json(run / REPORT, report)
    return report


def complete(run: Path, model: BiLM, valid: Mapping[str, Corpus]) -> dict[str, Any]:
    """Measure the best model of the run, and add it to the report as `after`."""
    report = json.loads((run / REPORT).read_text(encoding="utf-8"))
    report["after"] = _measured(model, valid, model.state) if valid else None
    write_json(run / REPORT, report)
    return report


def _measured(model: BiLM, valid: Mapping[str, Corpus], state: str) -> dict[str, Any]:
    texts = {name: model.encoded(text) for name, text in valid.items()}
    return evaluate(model.network, texts, state=state, vocabulary=model.vocabulary).to_dict()


def sentence(report: Mapping[str, Any]) -> str:
    """What a further training begins from, or what it brought, for people.

    Example:
        >>> sentence({"added_words": 2, "fresh_softmax": False, "before": None, "start": None})
        'training further: 2 new words'
    """
    before, after = report["before"], report.get("after")
    values = [("before", before)]
    if not before or report["added_words"]:
        values.append(("as training begins", report["start"]))
    values.append(("after", after))
    shown = [f"{name} {_of(value)}" for name, value in values if value]
    parts = []
    if not after:
        parts.append(f"{report['added_words']:,} new words")
        if report["fresh_softmax"]:
            parts.append("a fresh softmax, as the model has none")
    if shown:
        parts.append(f"validation perplexity {', '.join(shown)}")
    if before and report["added_words"]:
        parts.append("of different vocabularies only perplexities per character compare")
    return f"{'trained' if 'after' in report else 'training'} further: {'; '.join(parts)}"


def _of(result: Mapping[str, Any]) -> str:
    return f"{result['both']:,.2f} ({beside(result)})"
