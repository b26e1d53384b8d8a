"""What a training begins from: a fresh model, a run that is resumed, or a model to train further.

`fresh`, `resumed` and `further` each turn a `Request` into a `Start`, and write nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elmo.api import BiLM, load
from elmo.bilm.initialization import new_network
from elmo.config import ConfigError
from elmo.runs import further as further_training
from elmo.runs.folder import (
    RUN,
    VOCABULARY,
    check_agreement,
    check_changes,
    check_output,
    check_start,
    read_run,
)
from elmo.settings import sizes
from elmo.settings.settings import Settings, recipes
from elmo.system.files import keep_apart
from elmo.text.corpus import Corpus
from elmo.text.encoding import SentenceEncoder
from elmo.text.sources import Text, as_corpus
from elmo.text.vocabulary import Vocabulary


@dataclass(frozen=True)
class Request:
    """What `elmo.train` was asked for; its arguments say what these are."""

    corpus: Text
    held_out: Mapping[str, Text]
    output: Path
    config: str | os.PathLike[str] | Settings | None
    settings: Mapping[str, Any]
    reading: Mapping[str, Any]
    start_from: further_training.Source | None = None
    keep_vocabulary: bool = False
    overwrite: bool = False

    @property
    def run(self) -> Path:
        """The run's folder inside the output."""
        return self.output / RUN


@dataclass(frozen=True)
class Start:
    """What a training begins from.

    Attributes:
        settings: of the training, complete.
        given: the names of those that the user chose.
        text: the training text.
        held_out: the texts that are evaluated after each epoch, `"valid"` and `"test"`.
        vocabulary: the model's.
        model: as the training begins, or (resumed) as its checkpoint will overwrite it.
        base: the model that is trained further, or None.
        base_name: what a report calls it.
        kept: what a run that is resumed has kept of itself, or None.
    """

    settings: Settings
    given: frozenset[str]
    text: Corpus
    held_out: Mapping[str, Corpus]
    vocabulary: Vocabulary
    model: BiLM
    base: BiLM | None = None
    base_name: str | None = None
    kept: Mapping[str, Any] | None = None

    @property
    def validation(self) -> dict[str, Corpus]:
        """The validation text under its name, or nothing."""
        return {name: text for name, text in self.held_out.items() if name == "valid"}


def fresh(request: Request, tell: Callable[[str], None]) -> Start:
    """A new model on a new vocabulary, of a size that fits the text where none is given.

    Args:
        request: what was asked for.
        tell: is told which sizes were chosen, and why.
    """
    if request.keep_vocabulary:
        raise ConfigError("keep_vocabulary=True: only with start_from, a model to train further")
    settings = settings_from(request.config).merged(request.settings)
    check_output(request.output, request.overwrite)
    text, held_out = _texts(request, settings)
    _keep_apart(request, text, held_out, settings)
    vocabulary = vocabulary_of(settings, text, None)
    given = frozenset(settings.values)
    if request.config is None:
        settings = fitting(settings, vocabulary, validated="valid" in held_out, tell=tell)
    return Start(settings, given, text, held_out, vocabulary, _new_model(settings, vocabulary))


def further(request: Request) -> Start:
    """A model that is trained further, with rows for new words."""
    assert request.start_from is not None
    settings = settings_from(request.config).merged(request.settings)
    base, settings = further_training.base_model(request.start_from, settings)
    settings = further_training.with_its_settings(base, settings)
    settings.further(base.config, vocabulary_size=1)  # refuse contradictions before any work
    check_output(request.output, request.overwrite)
    text, held_out = _texts(request, settings)
    _keep_apart(request, text, held_out, settings)
    vocabulary = further_training.vocabulary_for(base, settings, text, request.keep_vocabulary)
    return Start(
        settings,
        frozenset(settings.values),
        text,
        held_out,
        vocabulary,
        further_training.starting_model(base, settings, vocabulary),
        base=base,
        base_name=further_training.title_of(request.start_from),
    )


def resumed(request: Request) -> Start:
    """A run that goes on, with its own settings but for those that may change."""
    if request.keep_vocabulary and request.start_from is None:
        raise ConfigError("keep_vocabulary=True: only with start_from, a model to train further")
    given = settings_from(request.config)
    kept = read_run(request.run)
    settings = Settings.from_values(kept["settings"])
    check_agreement(settings, given, request.settings)
    check_changes(settings, request.settings, further="start_from" in kept)
    settings = settings.merged(request.settings)
    if request.start_from is not None:
        check_start(kept, further_training.title_of(request.start_from))
    base = load(request.run / further_training.START) if "start_from" in kept else None
    if base is not None:
        settings.further(base.config, vocabulary_size=1)
    text, held_out = _texts(request, settings)
    if base is None:
        vocabulary = vocabulary_of(settings, text, request.run)
        model = _new_model(settings, vocabulary)
    else:
        assert base.vocabulary is not None  # it was kept with its own
        vocabulary = base.vocabulary
        model = further_training.starting_model(base, settings, vocabulary)
    return Start(
        settings,
        frozenset(settings.values),
        text,
        held_out,
        vocabulary,
        model,
        base=base,
        base_name=kept.get("start_from"),
        kept=kept,
    )


def _texts(request: Request, settings: Settings) -> tuple[Corpus, dict[str, Corpus]]:
    options = {
        **request.reading,
        "max_sentence_tokens": settings.training.max_sentence_tokens,
    }
    held_out = {name: as_corpus(text, **options) for name, text in request.held_out.items()}
    return as_corpus(request.corpus, **options), held_out


def _keep_apart(
    request: Request, text: Corpus, held_out: Mapping[str, Corpus], settings: Settings
) -> None:
    """Refuse to begin a run over what it is made from."""
    output, start_from = request.output, request.start_from
    named = [start_from, request.config, settings.vocabulary.vocabulary]
    paths = [Path(name) for name in named if isinstance(name, str | os.PathLike)]
    files = [Path(name) for corpus in (text, *held_out.values()) for name in corpus.files]
    replaced = ("options.json", "weights.hdf5", VOCABULARY)
    keep_apart([request.run, *(output / name for name in replaced)], [*files, *paths])
    if not isinstance(start_from, str | os.PathLike) or not os.path.exists(start_from):
        return
    if os.path.samefile(start_from, output):
        raise FileExistsError(
            f"{output}: is the model to train further, which would be replaced; write elsewhere"
        )


def _new_model(settings: Settings, vocabulary: Vocabulary) -> BiLM:
    training = settings.training
    config = settings.model(len(vocabulary), vocabulary.lowercase)
    network = new_network(config, training.seed, training.precision)
    return BiLM(network, SentenceEncoder.for_model(config, vocabulary), state=training.state)


def settings_from(config: str | os.PathLike[str] | Settings | None) -> Settings:
    """The settings of a file or a recipe; none for None."""
    if config is None:
        return Settings({})
    if isinstance(config, Settings):
        return config
    if not os.path.exists(config) and os.fspath(config) not in recipes():
        raise FileNotFoundError(
            f"{os.fspath(config)}: no such file, and no recipe of that name; recipes are "
            f"{', '.join(recipes())}"
        )
    return Settings.from_toml(os.fspath(config))


def fitting(
    settings: Settings, vocabulary: Vocabulary, *, validated: bool, tell: Callable[[str], None]
) -> Settings:
    """Settings with a size that fits the text, where none is given."""
    assert vocabulary.counts is not None  # it was counted, or read with its counts
    tokens = int(vocabulary.counts.sum()) - 2 * int(vocabulary.counts[vocabulary.bos_id])
    choice = sizes.chosen_for(tokens, settings.values, validated=validated)
    if choice:
        tell(sizes.reason(tokens, choice))
    return settings.merged(choice)


def vocabulary_of(settings: Settings, text: Corpus, run: Path | None) -> Vocabulary:
    """The vocabulary of a training: its own, one that is given, or the counted text.

    Args:
        settings: of the training.
        text: the training text.
        run: the folder of a run that is resumed, or None.
    """
    chosen = settings.vocabulary
    lowercase = bool(settings.values.get("lowercase", False))
    if run is not None and (run / VOCABULARY).is_file():
        return Vocabulary.load(run / VOCABULARY, lowercase=read_run(run)["lowercase"])
    if chosen.vocabulary is None:
        return Vocabulary.from_corpus(
            text,
            min_count=chosen.min_count,
            max_size=chosen.max_vocabulary,
            lowercase=lowercase,
            unk_token=chosen.unk_token,
        )
    vocabulary = Vocabulary.load(chosen.vocabulary, lowercase=lowercase or None).with_counts(text)
    # One token a line is what other readers of the folder know.
    return Vocabulary(
        vocabulary.tokens, vocabulary.counts, lowercase=vocabulary.lowercase, layout="published"
    )
