"""`train`: from text to a saved model, by way of a run's folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from elmo import fine_tuning
from elmo.api import BiLM, load
from elmo.bilm.initialization import new_network
from elmo.bilm.weights import set_weights
from elmo.config import ConfigError
from elmo.formats.pretrained import read
from elmo.run_folder import (
    RUN,
    VOCABULARY,
    keep_run,
    locked,
    make_room,
    may_change,
    must_agree,
    must_be_of,
    must_start_from,
    read_run,
    remove_run,
    text_of,
)
from elmo.text.corpus import Corpus
from elmo.text.encoding import SentenceEncoder
from elmo.text.files import keep_apart
from elmo.text.sources import Text, as_corpus
from elmo.text.vocabulary import Vocabulary
from elmo.training import defaults
from elmo.training.advice import Facts, before_training
from elmo.training.batches import Batches, Sampling, Tokens, Unknown
from elmo.training.loop import train as train_network
from elmo.training.report import progress_for, warn
from elmo.training.settings import Settings, recipes

if TYPE_CHECKING:
    import keras

    from elmo.training.report import Progress


def train(
    corpus: Text,
    *,
    valid: Text | None = None,
    test: Text | None = None,
    output: str | os.PathLike[str],
    config: str | os.PathLike[str] | Settings | None = None,
    start_from: fine_tuning.Source | None = None,
    keep_vocabulary: bool = False,
    resume: bool = False,
    overwrite: bool = False,
    blank_lines: str = "skip",
    encoding_errors: str = "strict",
    text_format: str = "auto",
    raw: bool = False,
    progress: bool | Progress = True,
    callbacks: Sequence[keras.callbacks.Callback] = (),
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
        config: a TOML file of settings, the name of a recipe (`elmo.training.settings.recipes`), or
            `Settings`. Without it and without `dim` and `projection_dim` a size is chosen that fits the
            text (`elmo.training.defaults`), and said.
        start_from: train this model further: a `BiLM`, or whatever `elmo.load` takes. It gives the
            architecture and the first weights; words of the text that it lacks get rows, the mean of
            those there are, and a model without softmax gets a new one, of the words of the text where
            it reads characters. `run/fine-tuning.json` has the perplexity of `valid` before and after.
        keep_vocabulary: with `start_from`, add no words.
        resume: go on with the run in that folder; its own settings hold, but for those given here that
            may change (`epochs`, `learning_rate`; `elmo.run_folder.MAY_CHANGE` has all). A `config`
            must not say anything else.
        overwrite: begin anew where the folder has a run or a model.
        blank_lines, encoding_errors, text_format, raw: see `Corpus`.
        progress: a bar on a terminal and lines elsewhere, or False.
        callbacks: Keras callbacks.
        **settings: by their plain names (`elmo.training.settings`), such as `dim`, `epochs`.

    Returns:
        The best model.

    Raises:
        FileExistsError: the folder holds something, and neither `resume` nor `overwrite` is set.
        ConfigError: an unknown setting, a value that does not fit, or one that contradicts the run that
            is resumed or the model that is trained further.
    """
    with locked(Path(output)):
        return _train(
            corpus,
            valid,
            test,
            Path(output),
            config,
            start_from,
            keep_vocabulary=keep_vocabulary,
            resume=resume,
            overwrite=overwrite,
            reading={
                "blank_lines": blank_lines,
                "encoding_errors": encoding_errors,
                "raw": raw,
                "text_format": text_format,
            },
            progress=progress,
            callbacks=callbacks,
            settings=settings,
        )


def _train(
    corpus: Text,
    valid: Text | None,
    test: Text | None,
    output: Path,
    config: str | os.PathLike[str] | Settings | None,
    start_from: fine_tuning.Source | None,
    *,
    keep_vocabulary: bool,
    resume: bool,
    overwrite: bool,
    reading: dict[str, Any],
    progress: bool | Progress,
    callbacks: Sequence[keras.callbacks.Callback],
    settings: dict[str, Any],
) -> BiLM:
    """`train` in a folder that no other process trains in."""
    run = output / RUN
    given = settings_from(config)
    if keep_vocabulary and start_from is None:
        raise ConfigError("keep_vocabulary=True: only with start_from, a model to train further")
    base = None
    if resume:
        kept = read_run(run)
        chosen = Settings.from_values(kept["settings"])
        must_agree(chosen, given, settings)
        may_change(chosen, settings, further="start_from" in kept)
        chosen = chosen.merged(settings)
        if start_from is not None:
            must_start_from(kept, fine_tuning.name_of(start_from))
        if "start_from" in kept:
            base = load(run / fine_tuning.START)
    else:
        chosen = given.merged(settings)
        if start_from is not None:
            base, chosen = fine_tuning.base_model(start_from, chosen)
            chosen = fine_tuning.with_its_settings(base, chosen)
    if base is not None:
        chosen.further(base.config, vocabulary_size=1)  # refuse contradictions before any work
    if not resume:
        make_room(output, overwrite)
    options = {**reading, "max_sentence_tokens": chosen.training.max_sentence_tokens}
    text = as_corpus(corpus, **options)
    held_out = {
        name: as_corpus(text, **options)
        for name, text in (("valid", valid), ("test", test))
        if text is not None
    }
    if not resume:
        _keep_apart(output, [text, *held_out.values()], start_from, config, chosen)

    if base is None:
        vocabulary = vocabulary_of(chosen, text, run if resume else None)
    elif resume:
        vocabulary = base.vocabulary
    else:
        vocabulary = fine_tuning.vocabulary_for(base, chosen, text, keep_vocabulary)
    progress, told = progress_for(progress), set(chosen.values)
    if base is None and config is None and not resume:
        chosen = fitting(chosen, vocabulary, validated=valid is not None, tell=progress.message)
    training = chosen.training
    model = _new_model(chosen, vocabulary, base)
    tokens = model.encoded(text)
    # Before the run leaves its first trace: a text that cannot be read leaves none.
    encoded = {name: {name: model.encoded(part)} for name, part in held_out.items()}
    identity = text_of(tokens)
    if resume:
        must_be_of(run, kept["text"], identity)
    else:
        remove_run(output)
    further, slots = {}, None
    measured = {k: v for k, v in held_out.items() if k == "valid"}
    if base is not None:
        further = {"start_from": kept["start_from"] if resume else fine_tuning.name_of(start_from)}
        if not resume:
            report = fine_tuning.begin(run, base, model, measured, name=further["start_from"])
            progress.message(fine_tuning.sentence(report))
        slots = fine_tuning.starting_slots(base, model, chosen, run)

    def keep() -> None:
        keep_run(run, chosen, identity, lowercase=vocabulary.lowercase, **further)

    if not resume:  # else when the checkpoint has taken the settings
        keep()
        vocabulary.save(run / VOCABULARY)
    batches = Batches(
        tokens,
        mode=training.mode,
        batch_size=training.batch_size,
        window=training.window,
        directions=model.config.direction_names,
        vocabulary_size=len(vocabulary),
        sampling=Sampling(
            training.negatives, vocabulary.ranks(), training.negatives_mode == "per_direction"
        ),
        tied=model.config.weight_tying,
        widest_filter=model.config.char_cnn and model.config.char_cnn.widest_filter,
        order=training.stream_order,
        state_resets=training.state_resets,
        seed=training.seed,
        parts=training.accumulate,
        unknown=Unknown.of(vocabulary, training.unknown_singletons),
    )
    if not resume:
        texts = {"training": tokens, **{name: part[name] for name, part in encoded.items()}}
        facts = _facts(chosen, told, vocabulary, texts, base, keep_vocabulary)
        for advice in before_training(training, facts):
            warn(progress, advice)
    train_network(
        model.network,
        batches,
        training,
        folder=run,
        save_model=lambda: model.save(output, overwrite=True),
        **encoded,
        vocabulary=vocabulary,
        further=base is not None,
        resume=resume,
        initial_slots=slots,
        begun=keep if resume else None,
        progress=progress,
        callbacks=callbacks,
    )
    if training.precision != "float32":  # whoever gets the model computes as after a `load`
        model.network = new_network(model.config, training.seed)
    set_weights(model.network, read(output).weights)
    if base is not None:
        progress.message(fine_tuning.sentence(fine_tuning.end(run, model, measured)))
    return model


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
    return Settings.from_toml(config)


def _facts(
    settings: Settings,
    given: set[str],
    vocabulary: Vocabulary,
    texts: dict[str, Tokens],
    base: BiLM | None,
    keep_vocabulary: bool,
) -> Facts:
    """What is known of a training before its first step."""
    chosen, counts = settings.vocabulary, vocabulary.counts
    v, text = vocabulary, texts["training"].corpus
    special = [i for i in (v.bos_id, v.eos_id, v.unk_id, v.pad_id) if i is not None]
    words = np.setdiff1d(np.arange(len(v)), special)
    return Facts(
        types=len(vocabulary),
        # Words of a model that is trained further may well be of its earlier text alone.
        unseen=0 if base is not None else int((counts[words] == 0).sum()),
        unknown={name: part.corpus.report.unknown_share for name, part in texts.items()},
        positions=text.n_tokens + text.n_sentences,
        characters=texts["training"].by_characters,
        validated="valid" in texts,
        given=given,
        min_count=chosen.min_count,
        max_vocabulary=chosen.max_vocabulary,
        vocabulary=chosen.vocabulary,
        unk_token=chosen.unk_token,
        further=base is not None,
        keep_vocabulary=keep_vocabulary,
    )


def _keep_apart(
    output: Path, texts: Sequence[Corpus], start_from: Any, config: Any, chosen: Settings
) -> None:
    """Refuse to begin a run over what it is made from."""
    named = [start_from, config, chosen.vocabulary.vocabulary]
    paths = [Path(name) for name in named if isinstance(name, str | os.PathLike)]
    files = [Path(name) for text in texts for name in text.files]
    replaced = ("options.json", "weights.hdf5", VOCABULARY)
    keep_apart([output / RUN, *(output / name for name in replaced)], [*files, *paths])
    there = isinstance(start_from, str | os.PathLike) and os.path.exists(start_from)
    if there and os.path.samefile(start_from, output):
        raise FileExistsError(
            f"{output}: is the model to train further, which would be replaced; write elsewhere"
        )


def fitting(
    settings: Settings, vocabulary: Vocabulary, *, validated: bool, tell: Callable[[str], None]
) -> Settings:
    """Settings with a size that fits the text, where none is given."""
    tokens = int(vocabulary.counts.sum()) - 2 * int(vocabulary.counts[vocabulary.bos_id])
    choice = defaults.chosen_for(tokens, settings.values, validated=validated)
    if choice:
        tell(defaults.reason(tokens, choice))
    return settings.merged(choice)


def _new_model(settings: Settings, vocabulary: Vocabulary, base: BiLM | None) -> BiLM:
    """The model as training begins."""
    training = settings.training
    state = "carry" if training.mode == "stream" else "reset"
    if base is not None:
        config = settings.further(base.config, len(vocabulary))
        return fine_tuning.starting_model(
            base,
            config,
            vocabulary,
            seed=training.seed,
            state=state,
            precision=training.precision,
        )
    config = settings.model(len(vocabulary), vocabulary.lowercase)
    characters = config.char_cnn
    encoder = SentenceEncoder(
        vocabulary,
        None if characters is None else characters.max_characters_per_token,
        lowercase=config.lowercase,
    )
    network = new_network(config, training.seed, training.precision)
    return BiLM(network, encoder, state=state, characters=None if characters is None else "bytes")


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
