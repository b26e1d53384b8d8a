"""Settings by their plain names: keyword arguments, TOML tables and saved runs, sorted into configs.

Every setting has one name, whatever it belongs to: `dim` (LSTM), `filters` (characters), `epochs`
(training). Rates of dropout carry the word: `input_dropout`, `recurrent_dropout`; `dropout` alone sets
those on inputs and outputs, as published.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_type_hints

from elmo.config import (
    BiLMConfig,
    CharCNNConfig,
    ConfigError,
    DropoutConfig,
    LSTMConfig,
    plain,
)
from elmo.settings.training import TrainingConfig

_CHARACTERS = {"char_embedding_dim": "embedding_dim"}
_DROPOUT = {
    **{f"{name}_dropout": name for name in ("input", "output", "word", "recurrent", "weight")},
    "variational_dropout": "variational",
}


RECIPES = Path(__file__).parent / "recipes"


def recipes() -> list[str]:
    """Names of the settings that are shipped.

    Example:
        >>> recipes()
        ['elmo-keras', 'large', 'novels', 'published', 'small-characters', 'small-data']
    """
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


@dataclass(frozen=True, kw_only=True)
class VocabularySettings:
    """Which types a model knows.

    Args:
        vocabulary: a vocabulary file; None to count the training text.
        min_count: rarer types are left out.
        max_vocabulary: the largest number of types, the special ones included.
        unk_token: a word of the text that stands for unknown ones.
    """

    vocabulary: str | None = None
    min_count: int = 1
    max_vocabulary: int | None = None
    unk_token: str | None = None


def _fields(cls: type, *leave_out: str) -> dict[str, str]:
    return {f.name: f.name for f in dataclasses.fields(cls) if f.name not in leave_out}


_PARTS: dict[str, tuple[type, dict[str, str]]] = {
    "lstm": (LSTMConfig, _fields(LSTMConfig, "always_project")),
    "char_cnn": (
        CharCNNConfig,
        {
            **_fields(
                CharCNNConfig,
                "embedding_dim",
                "word_dim",
                "n_words",
                "always_project",
                "n_characters",
            ),
            **_CHARACTERS,
        },
    ),
    "dropout": (DropoutConfig, _DROPOUT),
    "model": (BiLMConfig, _fields(BiLMConfig, "lstm", "char_cnn", "vocabulary_size", "dropout")),
    "vocabulary": (VocabularySettings, _fields(VocabularySettings)),
    "training": (TrainingConfig, _fields(TrainingConfig)),
}
_OWN = ("token_encoding", "dropout")
_MAY_BE_NONE = {
    name
    for cls, names in _PARTS.values()
    for name, inner in names.items()
    if NoneType in get_args(get_type_hints(cls)[inner])
}


def setting_names() -> list[str]:
    """The names of all settings."""
    return sorted({*_OWN, *(name for _, names in _PARTS.values() for name in names)})


@dataclass(frozen=True)
class Settings:
    """All settings of a run.

    Attributes:
        values: what was set, by plain name; the rest has its default.

    Example:
        >>> settings = Settings.from_values({"dim": 64, "projection_dim": 32, "epochs": 2})
        >>> settings.training.epochs, settings.model(vocabulary_size=10).lstm.dim
        (2, 64)
        >>> Settings.from_values({"epoch": 2})
        Traceback (most recent call last):
        ...
        elmo.config.ConfigError: unknown setting 'epoch'; did you mean 'epochs'?
    """

    values: dict[str, Any]

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Settings:
        """Check names and values; `"none"` is None where a setting may be None, for TOML has no other.

        Raises:
            ConfigError: naming what is unknown or does not fit.
        """
        known = setting_names()
        for name in values:
            if name not in known:
                raise ConfigError(f"unknown setting {name!r}; {_suggest(name, known)}")
        none = {n for n in _MAY_BE_NONE if str(values.get(n)).lower() == "none"}
        settings = cls({n: None if n in none else plain(value) for n, value in values.items()})
        settings.model(vocabulary_size=1)
        _ = settings.training, settings.vocabulary
        return settings

    @classmethod
    def from_toml(cls, path: str | Path) -> Settings:
        """Read a TOML file; its tables' names do not matter, its keys are the plain names.

        Args:
            path: a file, or the name of a recipe that is shipped (see `recipes`).
        """
        if not Path(path).exists() and str(path) in recipes():
            path = RECIPES / f"{path}.toml"
        try:
            with open(path, "rb") as file:
                tables = tomllib.load(file)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: not TOML: {error}") from error
        values: dict[str, Any] = {}
        for name, value in tables.items():
            for key, setting in value.items() if isinstance(value, dict) else [(name, value)]:
                if key in values:
                    raise ConfigError(f"{path}: {key} is set twice")
                values[key] = setting
        try:
            return cls.from_values(values)
        except ConfigError as error:
            raise ConfigError(f"{path}: {error}") from error

    def merged(self, values: Mapping[str, Any]) -> Settings:
        """With other values in their place."""
        return Settings.from_values({**self.values, **values})

    def _of(self, part: str) -> dict[str, Any]:
        names = _PARTS[part][1]
        return {inner: self.values[name] for name, inner in names.items() if name in self.values}

    @property
    def training(self) -> TrainingConfig:
        """How to train."""
        return TrainingConfig(**self._of("training"))

    @property
    def vocabulary(self) -> VocabularySettings:
        """Which types the model knows."""
        return VocabularySettings(**self._of("vocabulary"))

    def model(self, vocabulary_size: int, lowercase: bool | None = None) -> BiLMConfig:
        """What to train, for a vocabulary."""
        encoding = self.values.get("token_encoding", "word")
        if encoding not in ("word", "char"):
            raise ConfigError(f"token_encoding={encoding!r}: must be word or char")
        characters = None
        if encoding == "char":
            characters = CharCNNConfig(**self._of("char_cnn"))
        elif given := sorted(n for n in _PARTS["char_cnn"][1] if n in self.values):
            raise ConfigError(f"{given[0]}: only with token_encoding='char'")
        values = self._of("model")
        dim = self.values.get("dim", 400)
        projection = min(200, dim) if isinstance(dim, int) and dim > 0 else 200
        if lowercase is not None:
            values["lowercase"] = lowercase
        return BiLMConfig(
            lstm=LSTMConfig(**{"dim": dim, "projection_dim": projection, **self._of("lstm")}),
            char_cnn=characters,
            vocabulary_size=vocabulary_size,
            dropout=DropoutConfig(**self._rates()),
            **values,
        )

    def resolved(self) -> dict[str, Any]:
        """Every setting with its value, set or by default; None where it has no meaning.

        Example:
            >>> resolved = Settings.from_values({"dropout": 0.1, "epochs": 2}).resolved()
            >>> resolved["epochs"], resolved["dim"], resolved["output_dropout"], resolved["filters"]
            (2, 400, 0.1, None)
        """
        found = _settings_of(self.model(vocabulary_size=1))
        for part, owner in (("vocabulary", self.vocabulary), ("training", self.training)):
            found.update({name: getattr(owner, inner) for name, inner in _PARTS[part][1].items()})
        return {**found, "dropout": self.values.get("dropout")}

    def further(self, config: BiLMConfig, vocabulary_size: int) -> BiLMConfig:
        """What to train further: the architecture of a model, with the rates of dropout set here.

        Args:
            config: the model's.
            vocabulary_size: types to predict, new ones included.

        Raises:
            ConfigError: a setting contradicts the model; names it.

        Example:
            >>> config = BiLMConfig(lstm=LSTMConfig(dim=8, projection_dim=4), vocabulary_size=10)
            >>> Settings.from_values({"dropout": 0.5}).further(config, 12).dropout.output
            0.5
            >>> Settings.from_values({"dim": 16, "projection_dim": 4}).further(config, 12)
            Traceback (most recent call last):
            ...
            elmo.config.ConfigError: dim=16: the model that is trained further has 8, which stays;
            leave the setting out
        """
        found = _settings_of(config)
        for name, value in self.values.items():
            if name in found and name not in _DROPOUT and _plain(value) != found[name]:
                raise ConfigError(
                    f"{name}={value!r}: the model that is trained further has {found[name]!r}, "
                    "which stays; leave the setting out"
                )
        dropout = dataclasses.replace(config.dropout, **self._rates())
        return dataclasses.replace(config, vocabulary_size=vocabulary_size, dropout=dropout)

    def _rates(self) -> dict[str, Any]:
        rates = self._of("dropout")
        if (rate := self.values.get("dropout")) is not None:
            rates = {"input": rate, "output": rate, **rates}
        return rates


def _settings_of(config: BiLMConfig) -> dict[str, Any]:
    """The settings of an architecture by their plain names."""
    owners = {
        "lstm": config.lstm,
        "char_cnn": config.char_cnn,
        "dropout": config.dropout,
        "model": config,
    }
    found = {
        name: _plain(getattr(owner, inner, None))
        for part, owner in owners.items()
        for name, inner in _PARTS[part][1].items()
    }
    return {"token_encoding": "word" if config.char_cnn is None else "char", **found}


def _plain(value: Any) -> Any:
    """With lists for tuples, as TOML and JSON have them."""
    return [_plain(part) for part in value] if isinstance(value, list | tuple) else value


def published_settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a training by bilm-tf, for one that continues from its checkpoint.

    Args:
        options: the keys of its `options.json` that are about training; none for a model that
            another program has trained.

    Returns:
        Values by plain name: what the file says, and what bilm-tf always does.

    Example:
        >>> published_settings({"unroll_steps": 20, "n_negative_samples_batch": 64})["loss_scale"]
        20.0
    """
    if not options:
        return {}
    values: dict[str, Any] = {
        "mode": "stream",
        "stream_order": "shuffled",
        "state_resets": 0.0,
        "optimizer": "adagrad",
        "learning_rate": options.get("learning_rate", 0.2),
        "negatives_mode": "per_direction",
    }
    for theirs, ours in (
        ("batch_size", "batch_size"),
        ("unroll_steps", "window"),
        ("all_clip_norm_val", "clip_norm"),
        ("n_negative_samples_batch", "negatives"),
    ):
        if theirs in options:
            values[ours] = options[theirs]
    if "unroll_steps" in options:  # its loss is the sum over the window, not the mean
        values["loss_scale"] = float(options["unroll_steps"])
    if not options.get("sample_softmax", True):
        values["negatives"] = 0
    return values


def _suggest(name: str, known: list[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, known, 1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
