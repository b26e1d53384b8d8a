"""`ELMo` of ELMo-keras: its methods, each a translation to the rest of this package and a call.

Faults of the original that its scripts may have got used to are not carried over: a perplexity is
exp of the mean nats over real tokens, sentences of full length count, the character model exports
too, and `patience` really stops a training.
"""

from __future__ import annotations

import dataclasses
import importlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from elmo.api import BiLM
from elmo.api import load as load_model
from elmo.bilm.initialization import initialize
from elmo.bilm.language_model import BiLanguageModel
from elmo.bilm.weights import get_weights, set_weights
from elmo.compat.elmo_keras.generator import LMDataGenerator, check_data, same_as_file
from elmo.compat.elmo_keras.parameters import (
    differences,
    model_config,
    read_parameters,
    training_config,
)
from elmo.config import BiLMConfig
from elmo.embed.results import Layers, Pool
from elmo.formats.pretrained import read, write_folder
from elmo.text.encoding import SentenceEncoder
from elmo.text.vocabulary import Vocabulary
from elmo.training.batches.batches import Batches, Sampling
from elmo.training.evaluation import Evaluation, evaluate
from elmo.training.loop import train
from elmo.training.report import beside

LANGUAGE_MODEL, ENCODER, TRAINING, RUN = "ELMo_LM", "ELMo_Encoder", "ELMo_Training", "run"
LAYERS: dict[str, Layers] = {"last": "top", "mean": "average", "all": "all"}
POOLS: dict[str, Pool | None] = {"word": None, "words": None, "sentence": "mean"}


class ELMo:
    """A biLM by the parameters and in the steps of ELMo-keras.

    The steps: `compile_elmo`, `train`, `save`, `evaluate`, `wrap_multi_elmo_encoder`,
    `load_elmo_encoder`, `get_outputs`; `load` opens a saved model in place of the first three.
    `parameters.KEYS` beside it says what each parameter means here. Not as in ELMo-keras: `cell_clip`
    and `proj_clip` clip values of the cell state and the projected output, as in Peters et al.
    (there they constrain the norms of kernels); the projection lies inside the recurrence; and
    `directions`, a new key, may be `"forward"` or `"backward"` for a language model of one
    direction.

    Models are folders in the published layout, which `elmo.load` reads too: `ELMo_LM` (`save`),
    `ELMo_Encoder` (`wrap_multi_elmo_encoder`) and `ELMo_Training` (the best model so far, and under
    `run/` metrics, curve and checkpoints of the training). Each takes the place of an earlier one.

    Args:
        parameters: a dict; `vocab_size` must be in it, other keys have the values of ELMo-keras's
            README where they are not given.
        models_dir: where models go; by default `MODELS_DIR` of a module `data`, if one can be
            imported that has it, else `./models`.

    Attributes:
        parameters: all of them, checked.

    Raises:
        ConfigError: a key is unknown or missing, or a value does not fit; says which.

    Example:
        >>> model = ELMo({"vocab_size": 50, "lstm_units_size": 8, "hidden_units_size": 4})
        >>> model.compile_elmo()
        >>> model.network.config.lstm.projection_dim
        4
    """

    def __init__(
        self, parameters: Mapping[str, Any], models_dir: str | os.PathLike[str] | None = None
    ) -> None:
        self.parameters = read_parameters(parameters)
        self._models_dir = models_dir
        self._network: BiLanguageModel | None = None
        self._model: BiLM | None = None  # the network with its vocabulary, once that is known
        self._encoder: BiLM | None = None
        self._keras_encoder: keras.Model | None = None

    @property
    def models_dir(self) -> Path:
        """The folder that models are saved under."""
        return Path(self._models_dir) if self._models_dir is not None else _models_dir()

    @property
    def network(self) -> BiLanguageModel:
        """The Keras model, compiled when it is first asked for."""
        return self._compile() if self._network is None else self._network

    @property
    def model(self) -> BiLM:
        """The language model with its vocabulary, as `elmo.load` would give it.

        Raises:
            ValueError: it has met no data yet.
        """
        if self._model is None:
            raise ValueError("the model has no vocabulary yet; train() it, or load() a saved one")
        return self._model

    @property
    def encoder(self) -> keras.Model:
        """The wrapped encoder, from the `tokens` of a generator's batch to a list of all levels.

        Its `n_lstm_layers + 1` outputs are `(batch, time, 2 · hidden_units_size)`, half of that
        with one direction; the first is the token vector.

        Raises:
            ValueError: there is none yet.
        """
        if self._keras_encoder is None:
            raise ValueError(
                "there is no encoder yet; call wrap_multi_elmo_encoder() or load_elmo_encoder()"
            )
        return self._keras_encoder

    def compile_elmo(self, print_summary: bool = False) -> None:
        """Make a new network with first weights.

        Args:
            print_summary: print Keras's summary of it.
        """
        network = self._compile()
        if print_summary:
            network.summary()

    def _compile(self) -> BiLanguageModel:
        config = model_config(self.parameters)
        network = self._network = _new_network(config, self.parameters["seed"])
        initialize(network, self.parameters["seed"])
        self._model = self._encoder = self._keras_encoder = None
        return network

    def train(self, train_data: LMDataGenerator, valid_data: LMDataGenerator | None = None) -> None:
        """Train, and take the weights of the epoch with the best validation perplexity.

        It continues from the weights that the network has. The generator's sentences, their number in
        a batch and whether they are shuffled hold; a batch has sentences of like length, so that it
        is padded little. Frequency ranks for the sampled softmax are counted on the training text.

        A training that is stopped cannot be resumed here; `elmo.train(..., resume=True)` can do so.

        Args:
            train_data: the training text.
            valid_data: text that is evaluated exactly after each epoch; training stops after
                `patience` epochs without a better perplexity. Without it the last epoch is kept.

        Raises:
            ValueError: the data do not fit the parameters, or one another.
            NonFiniteLossError: the loss is no longer a number.
        """
        model = self._meet(train_data, "train_data")
        if valid_data is not None:
            self._meet(valid_data, "valid_data")
        values = self.parameters
        assert model.vocabulary is not None  # that of the data
        vocabulary = model.vocabulary.with_counts(
            train_data.corpus,
            processes=values["n_threads"] or None if values["multi_processing"] else 1,
        )
        model = self._model = _bilm(model.network, vocabulary)
        self._encoder = self._keras_encoder = None
        config = model.config
        training = training_config(values, train_data.batch_size)
        folder = self.models_dir / TRAINING
        shutil.rmtree(folder / RUN, ignore_errors=True)
        saved = []

        def save_model() -> None:
            saved.append(model.save(folder, overwrite=True))

        train(
            model.network,
            Batches(
                train_data.tokens,
                mode=training.mode,
                batch_size=train_data.batch_size,
                window=None,
                directions=config.direction_names,
                vocabulary_size=len(vocabulary),
                sampling=Sampling(training.negatives, vocabulary.ranks()),
                tied=config.weight_tying,
                widest_filter=None if config.char_cnn is None else config.char_cnn.widest_filter,
                seed=training.seed,
                shuffle=train_data.shuffle,
            ),
            training,
            folder=folder / RUN,
            save_model=save_model,
            valid=None if valid_data is None else {"valid": valid_data.tokens},
            vocabulary=vocabulary,
        )
        if saved:
            set_weights(model.network, read(folder).weights)

    def save(self, sampled_softmax: bool = True) -> Path:
        """Save the language model under `models_dir`, in the place of an earlier one.

        Args:
            sampled_softmax: without effect: the weights are the same for both, the whole softmax is
                saved, and evaluation is always exact.

        Returns:
            The folder.

        Raises:
            ValueError: the model has met no data yet.
        """
        _check_switch("sampled_softmax", sampled_softmax)
        folder = self.model.save(self.models_dir / LANGUAGE_MODEL, overwrite=True)
        print(f"Language model saved to {folder}")
        return folder

    def load(self) -> None:
        """Load the language model that `save` has saved.

        Raises:
            FileNotFoundError: there is none.
            ValueError: it is not the one that the parameters describe.
            FormatError: one of its files is damaged.
        """
        model = self._load(LANGUAGE_MODEL, "save()")
        self._model, self._network = model, model.network
        self._encoder = self._keras_encoder = None

    def evaluate(self, test_data: LMDataGenerator) -> Evaluation:
        """Exact perplexity of a text, printed and returned.

        The softmax over all types, from the same weights, on every token and one boundary a
        sentence.

        Args:
            test_data: the text.

        Returns:
            `.forward`, `.backward` (None for a direction that the model lacks) and `.both`, which
            are exp of mean nats, `.tokens` and `.unknown_share`; beside them `.unigram` and
            `.per_character`.

        Raises:
            ValueError: the data do not fit the model.
        """
        model = self._meet(test_data, "test_data")
        name = ", ".join(test_data.corpus.files)
        result = evaluate(model.network, {name: test_data.tokens}, vocabulary=model.vocabulary)
        for direction in model.config.direction_names:
            title = f"{direction.capitalize()} language model perplexity"
            print(f"{title}: {getattr(result, direction):.2f}")
        print(f"({result.tokens:,} tokens, {result.unknown_share:.1%} of them unknown)")
        print(f"(beside it: {beside({**result.to_dict(), 'unknown_share': None})})")
        return result

    def wrap_multi_elmo_encoder(self, print_summary: bool = False, save: bool = False) -> None:
        """Make the encoder, which gives all levels of vectors, words and characters alike.

        Args:
            print_summary: print Keras's summary of it.
            save: save it (without the softmax) under `models_dir`, in the place of an earlier one.

        Raises:
            ValueError: the model has met no data yet.
        """
        self._encoder = self.model
        self._keras_encoder = _keras_encoder(self.model)
        if print_summary:
            self._keras_encoder.summary()
        if save:
            pretrained = self.model.to_pretrained()
            weights = pretrained.weights.items()
            pretrained.weights = {n: a for n, a in weights if not n.startswith("softmax/")}
            folder = write_folder(pretrained, self.models_dir / ENCODER, overwrite=True)
            print(f"Encoder saved to {folder}")

    def load_elmo_encoder(self) -> None:
        """Load the encoder that `wrap_multi_elmo_encoder(save=True)` has saved.

        Raises:
            FileNotFoundError: there is none.
            ValueError: it is not the one that the parameters describe.
            FormatError: one of its files is damaged.
        """
        self._encoder = self._load(ENCODER, "wrap_multi_elmo_encoder(save=True)")
        self._keras_encoder = _keras_encoder(self._encoder)

    def get_outputs(
        self, data: LMDataGenerator, output_type: str = "word", state: str = "last"
    ) -> np.ndarray:
        """Vectors of a text, a row for each row of the generator's batches, in their order.

        Args:
            data: the text.
            output_type: `"word"` or `"words"` for a vector of each token, `"sentence"` for their mean.
                (In ELMo-keras `"words"` alone gives words; whatever else is given, its own default
                `"word"` too, gives means, which are over boundaries and padding as well.)
            state: `"last"`, the top layer; `"mean"`, the plain mean of token vectors and all
                layers; or `"all"` of them, on an axis of their own behind the first.

        Returns:
            float32, N sentences, D = 2 · `hidden_units_size` (half of that with one direction).
            For words `(N, sentence_maxlen, D)`, or `(N, n_lstm_layers + 1, sentence_maxlen, D)`
            for `"all"`: position t belongs to the batch's `tokens[:, t]`, and boundaries and
            padding are zero. For sentences `(N, D)` or `(N, n_lstm_layers + 1, D)`, the mean over
            tokens alone.

        Raises:
            ValueError: an argument is no choice, or the data do not fit the model.
        """
        for name, value, choices in (
            ("output_type", output_type, POOLS),
            ("state", state, LAYERS),
        ):
            if value not in choices:
                known = ", ".join(map(repr, choices))
                raise ValueError(f"{name}={value!r}: must be one of {known}")
        encoder = self._encoder or self.model
        check_data(encoder.config, encoder.vocabulary, data, "data")
        results = encoder.embedder.embed_iter(data.corpus, LAYERS[state], POOLS[output_type])
        n, dim = len(data.order), encoder.config.output_dim
        layers = (encoder.config.lstm.n_layers + 1,) if state == "all" else ()
        time = (data.sentence_maxlen,) if POOLS[output_type] is None else ()
        outputs = np.zeros((n, *layers, *time, dim), np.float32)
        for row, vectors in zip(np.argsort(data.order), results, strict=True):
            if POOLS[output_type] is None:
                outputs[row, ..., 1 : vectors.shape[-2] + 1, :] = vectors
            else:
                outputs[row] = vectors
        return outputs

    def _meet(self, data: LMDataGenerator, name: str) -> BiLM:
        """The model, with the vocabulary of its first data; other data must have the same."""
        network = self.network
        known = None if self._model is None else self._model.vocabulary
        check_data(network.config, known, data, name)
        if self._model is None:
            lowercase = data.vocabulary.lowercase
            if network.config.lowercase != lowercase:  # a network's configuration stays as it is
                config = dataclasses.replace(network.config, lowercase=lowercase)
                weights = get_weights(network)
                network = self._network = _new_network(config, self.parameters["seed"])
                set_weights(network, weights)
            self._model = _bilm(network, data.vocabulary)
        return self._model

    def _load(self, name: str, made_by: str) -> BiLM:
        folder = self.models_dir / name
        if not folder.is_dir():
            raise FileNotFoundError(f"{folder}: there is no saved model; {made_by} makes it")
        model = load_model(folder)
        if found := differences(self.parameters, model.config):
            raise ValueError(f"{folder}: does not fit the parameters: {'; '.join(found)}")
        return model


def _models_dir() -> Path:
    try:
        data = importlib.import_module("data")
    except ModuleNotFoundError as error:
        if error.name != "data":
            raise
        data = None
    return Path(getattr(data, "MODELS_DIR", "models"))


def _new_network(config: BiLMConfig, seed: int) -> BiLanguageModel:
    network = BiLanguageModel(config, seed=seed)
    network.build()
    return network


def _bilm(network: BiLanguageModel, vocabulary: Vocabulary) -> BiLM:
    config = dataclasses.replace(network.config, lowercase=vocabulary.lowercase)
    return BiLM(network, SentenceEncoder.for_model(config, vocabulary))


def _keras_encoder(model: BiLM) -> keras.Model:
    """From ids as `LMDataGenerator` numbers them to a list of all levels."""
    encoder = model.network.encoder
    width = () if encoder.ids_per_token is None else (encoder.ids_per_token,)
    tokens = ids = keras.Input((None, *width), dtype="int32", name="tokens")
    if not width and model.vocabulary is not None and same_as_file(model.vocabulary):
        ids = tokens + ops.cast(ops.not_equal(tokens, 0), "int32")
    layers = encoder(ids)  # (batch, n_layers + 1, time, output_dim)
    levels = [layers[:, level] for level in range(model.config.lstm.n_layers + 1)]
    return keras.Model(tokens, levels, name="elmo_encoder")


def _check_switch(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise ValueError(f"{name}={value!r}: must be True or False")
