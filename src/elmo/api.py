"""`BiLM`, the one object that users hold, and the two ways to get one: `train` and `load`."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from elmo.bilm.initialization import initialize
from elmo.bilm.language_model import BiLanguageModel
from elmo.bilm.weights import get_weights, set_weights
from elmo.config import BiLMConfig
from elmo.formats.contents import Pretrained
from elmo.formats.pretrained import read, write_folder
from elmo.text.corpus import Corpus
from elmo.text.encoding import SentenceEncoder
from elmo.text.vocabulary import Vocabulary
from elmo.training.batches import Batches, Sampling, Tokens
from elmo.training.evaluation import Evaluation, Evaluator, evaluate
from elmo.training.loop import train as train_network
from elmo.training.settings import Settings

if TYPE_CHECKING:
    import keras

    from elmo.embed.embedder import Embedder
    from elmo.training.report import Progress

_log = logging.getLogger("elmo")

RUN, SETTINGS, VOCABULARY = "run", "settings.json", "vocab.txt"
Text = str | os.PathLike[str] | Corpus | Iterable[str | os.PathLike[str]]


class BiLM:
    """A bidirectional language model with its vocabulary: embeds, evaluates, is saved.

    Args:
        network: the Keras model.
        encoder: from tokens to its ids.
        state: the mode that it was trained in, `"reset"` or `"carry"`, which `evaluate` follows.
        characters: how tokens become ids, as a format says it.
        optimizer_slots, step: of the training that it comes from, where they are known.
        has_softmax: whether the softmax is known; by default where the network has one.

    Attributes:
        network: the Keras model.
        sentence_encoder: from tokens to ids.
        vocabulary: its types, or None where they are not known.
        config: its architecture.
        optimizer_slots: Adagrad's accumulators by the names of the weights, as a training checkpoint
            of bilm-tf has them, or None.
        step: the number of training steps so far, or None.
        has_softmax: whether it can predict; a published word model has a softmax of random weights,
            to be trained.
    """

    def __init__(
        self,
        network: BiLanguageModel,
        encoder: Any,
        *,
        state: str = "reset",
        characters: Any = None,
        optimizer_slots: dict[str, np.ndarray] | None = None,
        step: int | None = None,
        has_softmax: bool | None = None,
    ) -> None:
        self.network = network
        self.sentence_encoder = encoder
        self.state = state
        self.characters = characters
        self.optimizer_slots = optimizer_slots
        self.step = step
        self.has_softmax = network.head is not None if has_softmax is None else has_softmax
        self._embedder: Embedder | None = None

    @property
    def config(self) -> BiLMConfig:
        return self.network.config

    @property
    def vocabulary(self) -> Vocabulary | None:
        return self.sentence_encoder.vocabulary

    def __repr__(self) -> str:
        lstm = self.config.lstm
        tokens = "words" if self.config.char_cnn is None else "characters"
        known = "unknown" if self.vocabulary is None else f"{len(self.vocabulary):,}"
        return (
            f"BiLM({tokens}, {lstm.n_layers} layers of {lstm.dim} cells projected to "
            f"{lstm.projection_dim}, {self.config.directions}, vocabulary {known})"
        )

    # Vectors.

    @property
    def embedder(self) -> Embedder:
        """From text to vectors; keeps the state of `state="carry"`."""
        if self._embedder is None:
            from elmo.embed.embedder import Embedder

            self._embedder = Embedder(self.network, self.sentence_encoder)
        return self._embedder

    def encode(self, sentences: Sequence[str | Sequence[str]]) -> np.ndarray:
        """Ids for Keras models over `ElmoEmbedding`: int32 `(batch, time)` or `(batch, time, M)`.

        Args:
            sentences: lists of tokens, or strings that are split at spaces.
        """
        tokens = [s.split() if isinstance(s, str) else list(s) for s in sentences]
        return self.sentence_encoder.encode_batch(tokens)

    def embed(
        self,
        sentences: Sequence[str | Sequence[str]],
        layers: str = "all",
        pool: str | None = None,
        state: str = "reset",
        batch_size: int | None = None,
    ) -> list[np.ndarray]:
        """Vectors of sentences; see `elmo.embed.embedder.Embedder.embed`."""
        return self.embedder.embed(
            sentences, layers=layers, pool=pool, state=state, batch_size=batch_size
        )

    def embed_file(self, source: Text, output: str | os.PathLike[str], **options: Any) -> Any:
        """Vectors of a text into a file; see `elmo.embed.files.embed_file`."""
        from elmo.embed.files import embed_file

        return embed_file(self.embedder, source, output, **options)

    def reset_state(self) -> None:
        """Forget the state that `embed(..., state="carry")` has carried so far."""
        self.embedder.reset_state()

    # Prediction.

    def evaluate(
        self,
        *files: Text,
        state: str | None = None,
        blank_lines: str = "skip",
        encoding_errors: str = "strict",
        raw: bool = False,
    ) -> Evaluation:
        """Exact perplexity of texts, both directions, every token counted.

        Args:
            files: paths, patterns or `Corpus` objects.
            state: `"reset"` (each sentence from zero state) or `"carry"` (one stream); by default as
                the model was trained.
            blank_lines, encoding_errors, raw: of the files; see `Corpus`.

        Raises:
            ValueError: the model has no softmax, or its vocabulary is not known.
        """
        self._needs_softmax("evaluate")
        texts = {}
        options = {"blank_lines": blank_lines, "encoding_errors": encoding_errors, "raw": raw}
        for file in files:
            for name, corpus in as_corpus(file, **options).by_file():
                texts[str(name)] = self._encoded(corpus)
        return evaluate(self.network, texts, evaluator=Evaluator(self.network, state or self.state))

    def _needs_softmax(self, what: str) -> None:
        if not self.has_softmax or self.vocabulary is None:
            lacks = "vocabulary" if self.has_softmax else "softmax"
            raise ValueError(
                f"{what}: this model has no {lacks}; published files leave it out. Train one, or load "
                "a training checkpoint"
            )

    def _encoded(self, corpus: Corpus) -> Tokens:
        encoded = self.sentence_encoder.encode_corpus(corpus)
        if encoded.report.cut:
            _log.warning("tokens are longer than the model reads: %s", encoded.report)
        return Tokens(encoded)

    # Files.

    def to_pretrained(self) -> Pretrained:
        """The model as plain arrays, for formats."""
        weights = get_weights(self.network)
        if not self.has_softmax:
            weights = {n: a for n, a in weights.items() if not n.startswith("softmax/")}
        return Pretrained(
            config=self.config,
            weights=weights,
            vocabulary=self.vocabulary,
            optimizer_slots=self.optimizer_slots,
            step=self.step,
            characters=self.characters,
            extra={"settings": {"state": self.state}},
        )

    def save(self, path: str | os.PathLike[str], overwrite: bool = False) -> Path:
        """Save to a folder in the published layout, or to one Keras file where it ends in `.keras`.

        The folder has all that `elmo.load` needs. A Keras file has the network alone: whoever loads it
        must have the vocabulary.

        Raises:
            FileExistsError: something is there, and `overwrite` is off.
        """
        path = Path(path)
        if path.suffix != ".keras":
            return write_folder(self.to_pretrained(), path, overwrite=overwrite)
        if path.exists() and not overwrite:
            raise FileExistsError(f"{path}: exists; say overwrite=True to replace it")
        aside = path.with_name(f".{path.stem}.part.keras")
        self.network.save(aside)
        os.replace(aside, path)
        return path


def as_corpus(source: Text, **options: Any) -> Corpus:
    """A `Corpus` of paths and patterns; one that is given stays as it is."""
    if isinstance(source, Corpus):
        return source
    sources = [source] if isinstance(source, str | os.PathLike) else list(source)
    return Corpus(*sources, **options)


def from_pretrained(pretrained: Pretrained) -> BiLM:
    """The model of plain arrays that a format has read."""
    config = pretrained.config
    weights = dict(pretrained.weights)
    if not pretrained.has_softmax and config.vocabulary_size is not None:
        if config.char_cnn is not None:
            config = BiLMConfig.from_dict({**config.to_dict(), "vocabulary_size": None})
        else:  # a published word model: its softmax is not in the file
            initial = _new_network(config, seed=0)
            weights.update(
                (n, a) for n, a in get_weights(initial).items() if n.startswith("softmax/")
            )
    network = BiLanguageModel(config)
    network.build()
    set_weights(network, weights)
    settings = pretrained.extra.get("settings") or {}
    characters = pretrained.characters
    if config.char_cnn is None or characters in (None, "bytes"):
        length = None if config.char_cnn is None else config.char_cnn.max_characters_per_token
        encoder = SentenceEncoder(pretrained.vocabulary, length, lowercase=config.lowercase)
    else:
        encoder = characters
    return BiLM(
        network,
        encoder,
        state=settings.get("state", "reset"),
        characters=characters,
        optimizer_slots=pretrained.optimizer_slots,
        step=pretrained.step,
        has_softmax=pretrained.has_softmax,
    )


def _new_network(config: BiLMConfig, seed: int) -> BiLanguageModel:
    network = BiLanguageModel(config, seed=seed)
    network.build()
    initialize(network, seed)
    return network


def load(
    source: str | os.PathLike[str] | tuple[str, str],
    vocabulary: str | os.PathLike[str] | Vocabulary | None = None,
) -> BiLM:
    """Load a model: a folder of ours, or any published ELMo.

    Args:
        source: a folder, a file or a pair of files (options, weights), in any layout that
            `elmo.formats.pretrained.read` knows; an address, `hf://user/model` or the name of a
            published model (`elmo models` lists them), which is downloaded once.
        vocabulary: where the files do not have it.

    Raises:
        FormatError: naming the file and what is wrong with it.
        DownloadError: it cannot be downloaded; says why.
    """
    from elmo.formats.download import resolve

    return from_pretrained(read(resolve(source), vocabulary))


def train(
    corpus: Text,
    *,
    valid: Text | None = None,
    test: Text | None = None,
    output: str | os.PathLike[str],
    config: str | os.PathLike[str] | Settings | None = None,
    resume: bool = False,
    overwrite: bool = False,
    blank_lines: str = "skip",
    encoding_errors: str = "strict",
    raw: bool = False,
    progress: bool | Progress = True,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    **settings: Any,
) -> BiLM:
    """Train a biLM on text and save it, the best by validation, to a folder.

    The folder has the model at its top and everything of the run under `run/`: settings, `metrics.csv`,
    `curve.png`, checkpoints.

    Args:
        corpus: paths, patterns or a `Corpus`.
        valid: the same, for validation after each epoch.
        test: the same, evaluated after each epoch for the report; it chooses nothing.
        output: the folder.
        config: a TOML file of settings, or `Settings`.
        resume: go on with the run in that folder; its own settings hold, `epochs` and other settings of
            the training given here take their place.
        overwrite: begin anew where the folder has a run or a model.
        blank_lines, encoding_errors, raw: see `Corpus`.
        progress: a bar on a terminal and lines elsewhere, or False.
        callbacks: Keras callbacks.
        **settings: by their plain names (`elmo.training.settings`), such as `dim`, `epochs`.

    Returns:
        The best model.

    Raises:
        FileExistsError: the folder holds something, and neither `resume` nor `overwrite` is set.
        ConfigError: an unknown setting, or a value that does not fit.
    """
    output = Path(output)
    run = output / RUN
    if resume:
        chosen = _saved_settings(run).merged(settings)
    else:
        given = Settings({}) if config is None else config
        if not isinstance(given, Settings):
            given = Settings.from_toml(given)
        chosen = given.merged(settings)
        _make_room(output, overwrite)
    training = chosen.training
    options = {"blank_lines": blank_lines, "encoding_errors": encoding_errors, "raw": raw}
    options["max_sentence_tokens"] = training.max_sentence_tokens
    text = as_corpus(corpus, **options)
    held_out = {
        name: as_corpus(text, **options)
        for name, text in (("valid", valid), ("test", test))
        if text is not None
    }

    vocabulary = _vocabulary(chosen, text, output if resume else None)
    model_config = chosen.model(len(vocabulary), vocabulary.lowercase)
    characters = model_config.char_cnn
    encoder = SentenceEncoder(
        vocabulary,
        None if characters is None else characters.max_characters_per_token,
        lowercase=model_config.lowercase,
    )
    network = _new_network(model_config, training.seed)
    state = "carry" if training.mode == "stream" else "reset"
    model = BiLM(network, encoder, state=state, characters=None if characters is None else "bytes")
    tokens = model._encoded(text)
    # Before the run leaves its first trace: a text that cannot be read leaves none.
    held_out = {name: {name: model._encoded(part)} for name, part in held_out.items()}
    _keep_settings(run, chosen, tokens, vocabulary.lowercase, resume)
    if not resume:
        vocabulary.save(run / VOCABULARY)
    batches = Batches(
        tokens,
        mode=training.mode,
        batch_size=training.batch_size,
        window=training.window,
        directions=model_config.direction_names,
        vocabulary_size=len(vocabulary),
        sampling=Sampling(
            training.negatives, vocabulary.ranks(), training.negatives_mode == "per_direction"
        ),
        tied=model_config.weight_tying,
        order=training.stream_order,
        state_resets=training.state_resets,
        seed=training.seed,
    )
    train_network(
        network,
        batches,
        training,
        folder=run,
        save_model=lambda: model.save(output, overwrite=True),
        **held_out,
        resume=resume,
        progress=progress,
        callbacks=callbacks,
    )
    set_weights(network, read(output).weights)
    return model


def _make_room(output: Path, overwrite: bool) -> None:
    if output.exists() and not output.is_dir():
        raise FileExistsError(f"{output}: is a file; the output of a training is a folder")
    if output.is_dir() and any(output.iterdir()):
        if not overwrite:
            raise FileExistsError(
                f"{output}: holds something; resume its training (--resume), begin anew "
                "(--overwrite), or name another folder"
            )
        import shutil

        # The model at the top stays until the new run has a better one to put there.
        shutil.rmtree(output / RUN, ignore_errors=True)


def _saved_settings(run: Path) -> Settings:
    return Settings.from_values(_read_run(run)["settings"])


def _read_run(run: Path) -> dict[str, Any]:
    path = run / SETTINGS
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no run to resume")
    return json.loads(path.read_text(encoding="utf-8"))


def _keep_settings(
    run: Path, settings: Settings, tokens: Tokens, lowercase: bool, resume: bool
) -> None:
    """Write what the run depends on; a resumed run must be of the same text."""
    ids = tokens.corpus.ids
    text = {
        "tokens": tokens.corpus.n_tokens,
        "sentences": tokens.corpus.n_sentences,
        "sha256": hashlib.sha256(np.ascontiguousarray(ids)).hexdigest(),
    }
    if resume:
        before = _read_run(run)["text"]
        if before != text:
            raise ValueError(
                f"{run}: the run was made of another text ({before['tokens']:,} tokens, not "
                f"{text['tokens']:,}, or other ones); resume it with the same files"
            )
    run.mkdir(parents=True, exist_ok=True)
    kept = {"settings": settings.values, "lowercase": lowercase, "text": text}
    aside = run / f".{SETTINGS}.part"
    aside.write_text(json.dumps(kept, indent=1), encoding="utf-8")
    os.replace(aside, run / SETTINGS)


def _vocabulary(settings: Settings, text: Corpus, output: Path | None) -> Vocabulary:
    """The vocabulary of the run: its own, one that is given, or the counted text."""
    chosen = settings.vocabulary
    lowercase = bool(settings.values.get("lowercase", False))
    own = None if output is None else output / RUN / VOCABULARY
    if own is not None and own.is_file():
        return Vocabulary.load(own, lowercase=_read_run(output / RUN)["lowercase"])
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
