"""`train`: from text to a saved model, by way of a run's folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from elmo.api import BiLM, Text, as_corpus
from elmo.bilm.initialization import new_network
from elmo.bilm.weights import set_weights
from elmo.formats.pretrained import read
from elmo.text.corpus import Corpus
from elmo.text.encoding import SentenceEncoder
from elmo.text.vocabulary import Vocabulary
from elmo.training.batches import Batches, Sampling, Tokens
from elmo.training.loop import train as train_network
from elmo.training.settings import Settings

if TYPE_CHECKING:
    import keras

    from elmo.training.report import Progress

RUN, SETTINGS, VOCABULARY = "run", "settings.json", "vocab.txt"


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
        config: a TOML file of settings, the name of a recipe (`elmo.training.settings.recipes`), or
            `Settings`.
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
    network = new_network(model_config, training.seed)
    state = "carry" if training.mode == "stream" else "reset"
    model = BiLM(network, encoder, state=state, characters=None if characters is None else "bytes")
    tokens = model.encoded(text)
    # Before the run leaves its first trace: a text that cannot be read leaves none.
    held_out = {name: {name: model.encoded(part)} for name, part in held_out.items()}
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
