"""`train`: from text to a saved model, by way of a run's folder."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from elmo.api import BiLM
from elmo.bilm.initialization import new_network
from elmo.bilm.weights import set_weights
from elmo.formats.pretrained import read
from elmo.runs import further as further_training
from elmo.runs.folder import VOCABULARY, check_text, fingerprint_of, keep_run, locked, remove_run
from elmo.runs.start import Request, Start, fresh, further, resumed
from elmo.settings.settings import Settings
from elmo.system.progress import Progress, progress_for, warn
from elmo.text.sources import Text
from elmo.training.advice import Facts, before_training
from elmo.training.batches.batches import Batches, Tokens
from elmo.training.loop import train as train_network

if TYPE_CHECKING:
    import keras

    from elmo.training.steps.jax_mesh import Mesh


def train(
    corpus: Text,
    *,
    valid: Text | None = None,
    test: Text | None = None,
    output: str | os.PathLike[str],
    config: str | os.PathLike[str] | Settings | None = None,
    start_from: further_training.Source | None = None,
    keep_vocabulary: bool = False,
    resume: bool = False,
    overwrite: bool = False,
    blank_lines: str = "skip",
    encoding_errors: str = "strict",
    text_format: str = "auto",
    raw: bool = False,
    progress: bool | Progress = True,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    devices: int | None = None,
    shard_tables: bool = False,
    **settings: Any,
) -> BiLM:
    """Train a biLM on text and save it, the best by validation, to a folder.

    The folder has the model at its top and everything of the run under `run/`: settings, `metrics.csv`,
    `steps.csv`, `curve.png`, checkpoints.

    Args:
        corpus: paths, patterns, a `Corpus`, or sentences as lists of tokens.
        valid: the same, for validation after each epoch.
        test: the same, evaluated after each epoch for the report; it chooses nothing.
        output: the folder.
        config: a TOML file of settings, the name of a recipe (`elmo.settings.settings.recipes`), or
            `Settings`. Without it and without `dim` and `projection_dim` a size is chosen that fits the
            text (`elmo.settings.sizes`), and reported.
        start_from: train this model further: a `BiLM`, or whatever `elmo.load` takes. It gives the
            architecture and the first weights; words of the text that it lacks get rows, the mean of
            those there are, and a model without softmax gets a new one, of the words of the text where
            it reads characters. `run/fine-tuning.json` has the perplexity of `valid` before and after.
        keep_vocabulary: with `start_from`, add no words.
        resume: continue the run in that folder; its own settings hold, but for those given here that
            may change (`epochs`, `learning_rate`; `elmo.runs.folder.MAY_CHANGE` has all). A `config`
            must not say anything else.
        overwrite: begin anew where the folder has a run or a model.
        blank_lines, encoding_errors, text_format, raw: see `Corpus`.
        progress: a bar on a terminal and lines elsewhere, or False.
        callbacks: Keras callbacks.
        devices: so many devices of this machine share the rows of each batch; None for one. The run is
            that of one device to float tolerance, and can be resumed with another number.
        shard_tables: word vectors and softmax, with their slots, lie split over the devices (all of
            them where `devices` is None), for vocabularies that no device has room for.
        **settings: by their plain names (`elmo.settings.settings`), such as `dim`, `epochs`.

    Returns:
        The best model.

    Raises:
        FileExistsError: the folder holds something, and neither `resume` nor `overwrite` is set.
        ConfigError: an unknown setting, a value that does not fit, one that contradicts the run that
            is resumed or the model that is trained further, or devices that there are not.
    """
    reading = {
        "blank_lines": blank_lines,
        "encoding_errors": encoding_errors,
        "raw": raw,
        "text_format": text_format,
    }
    held_out = {"valid": valid, "test": test}
    request = Request(
        corpus=corpus,
        held_out={name: text for name, text in held_out.items() if text is not None},
        output=Path(output),
        config=config,
        settings=settings,
        reading=reading,
        start_from=start_from,
        keep_vocabulary=keep_vocabulary,
        overwrite=overwrite,
    )
    mesh = None
    if devices is not None or shard_tables:
        from elmo.training.steps.jax_mesh import mesh_of

        mesh = mesh_of(devices, shard_tables)
    with locked(request.output):
        shown = progress_for(progress)
        if resume:
            start = resumed(request)
        elif start_from is not None:
            start = further(request)
        else:
            start = fresh(request, shown.message)
        return _carry_out(start, request, shown, callbacks, mesh)


def _carry_out(
    start: Start,
    request: Request,
    progress: Progress,
    callbacks: Sequence[keras.callbacks.Callback],
    mesh: Mesh | None,
) -> BiLM:
    """A training from its start to the best model, which is returned and saved."""
    model, training, run = start.model, start.settings.training, request.run
    if mesh is not None:
        mesh.check(training.batch_size, model.config.lstm.projection_dim, training.mode)
    tokens = model.encoded(start.text)
    # Before the run leaves its first trace: a text that cannot be read leaves none.
    held_out = {name: model.encoded(text) for name, text in start.held_out.items()}
    identity = fingerprint_of(tokens)
    from_base = {} if start.base is None else {"start_from": start.base_name}

    def keep() -> None:
        keep_run(run, start.settings, identity, lowercase=start.vocabulary.lowercase, **from_base)

    slots = None
    if start.kept is not None:
        check_text(run, start.kept["text"], identity)
    else:
        remove_run(request.output)
        if start.base is not None:
            report = further_training.begin(
                run, start.base, model, start.validation, name=start.base_name or ""
            )
            progress.message(further_training.sentence(report))
    if start.base is not None:
        slots = further_training.starting_slots(start.base, model, start.settings, run)
    if start.kept is None:  # else once the checkpoint has been read with these settings
        keep()
        start.vocabulary.save(run / VOCABULARY)
        facts = _facts(start, {"training": tokens, **held_out}, request.keep_vocabulary)
        for advice in before_training(training, facts):
            warn(progress, advice)
    train_network(
        model.network,
        Batches.of(tokens, model.config, training, start.vocabulary),
        training,
        folder=run,
        save_model=lambda: model.save(request.output, overwrite=True),
        **{name: {name: text} for name, text in held_out.items()},
        vocabulary=start.vocabulary,
        further=start.base is not None,
        resume=start.kept is not None,
        initial_slots=slots,
        begun=keep if start.kept is not None else None,
        progress=progress,
        callbacks=callbacks,
        mesh=mesh,
    )
    if training.precision != "float32":  # the caller gets what `load` gives
        model.network = new_network(model.config, training.seed)
    set_weights(model.network, read(request.output).weights)
    if start.base is not None:
        report = further_training.complete(run, model, start.validation)
        progress.message(further_training.sentence(report))
    return model


def _facts(start: Start, texts: Mapping[str, Tokens], keep_vocabulary: bool) -> Facts:
    """What is known of a training before its first step."""
    chosen, vocabulary = start.settings.vocabulary, start.vocabulary
    assert vocabulary.counts is not None  # of the training text
    text = texts["training"].corpus
    words = np.setdiff1d(np.arange(len(vocabulary)), vocabulary.special_ids)
    return Facts(
        types=len(vocabulary),
        # Words of a model that is trained further may well be of its earlier text alone.
        unseen=0 if start.base is not None else int((vocabulary.counts[words] == 0).sum()),
        unknown={name: part.corpus.report.unknown_share for name, part in texts.items()},
        positions=text.n_tokens + text.n_sentences,
        characters=texts["training"].by_characters,
        validated="valid" in texts,
        given=set(start.given),
        min_count=chosen.min_count,
        max_vocabulary=chosen.max_vocabulary,
        vocabulary=chosen.vocabulary,
        unk_token=chosen.unk_token,
        further=start.base is not None,
        keep_vocabulary=keep_vocabulary,
    )
