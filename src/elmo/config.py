"""What a biLM is made of: frozen, validated settings, to and from JSON.

Nothing here knows Keras, files or training. `BiLMConfig` describes the network alone; how it is
trained is `elmo.training.TrainingConfig`.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

PUBLISHED_FILTERS = ((1, 32), (2, 32), (3, 64), (4, 128), (5, 256), (6, 512), (7, 1024))


class ConfigError(ValueError):
    """A setting that has no meaning, or a value that does not fit; says which and what would do."""


def plain(value: Any) -> Any:
    """A value without NumPy's types: its numbers as Python has them, arrays as lists.

    Example:
        >>> import numpy as np
        >>> plain(np.int64(3)), plain([np.float32(0.5), None]), plain(np.ones((1, 2), int))
        (3, [0.5, None], [[1, 1]])
    """
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple):
        return type(value)(plain(item) for item in value)
    return value


def make_plain(settings: Any) -> None:
    """Take NumPy's types out of a frozen dataclass that is being made."""
    for field_ in dataclasses.fields(settings):
        object.__setattr__(settings, field_.name, plain(getattr(settings, field_.name)))


def _require(condition: bool, name: str, value: Any, wanted: str) -> None:
    if not condition:
        raise ConfigError(f"{name}={value!r}: must be {wanted}")


MOST = 1 << 24
"""No size of a model is larger: not the cells of a layer, nor the rows of a table."""
MOST_CHARACTERS = 1 << 12
"""Of a token: each one that is read takes a row of this length, and the published models read 50."""


def _is_size(value: Any, least: int = 1, most: int = MOST) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_clip(value: Any) -> bool:
    return value is None or (_is_number(value) and value > 0)


def _is_rate(value: Any) -> bool:
    return _is_number(value) and 0 <= value < 1


@dataclass(frozen=True, kw_only=True)
class CharCNNConfig:
    """The character CNN that turns the spelling of a token into its vector.

    Args:
        embedding_dim: size of a character's vector, C.
        filters: pairs (width, number of filters); F is the sum of the numbers.
        n_highway: number of highway layers.
        activation: `"relu"` or `"tanh"`, after the max over positions.
        max_characters_per_token: M, begin and end of the word included.
        n_characters: rows of the character table, without a row for "no token" (261 as published).
        word_dim: size of a word vector put before the character features (ELMoForManyLangs); 0 for
            none.
        n_words: rows of that word table.
        always_project: project to the LSTM's size even where F equals it (ELMoForManyLangs).

    Example:
        >>> CharCNNConfig(filters=[[1, 4], [2, 8]]).n_filters
        12
    """

    embedding_dim: int = 16
    filters: tuple[tuple[int, int], ...] = PUBLISHED_FILTERS
    n_highway: int = 2
    activation: Literal["relu", "tanh"] = "relu"
    max_characters_per_token: int = 50
    n_characters: int = 261
    word_dim: int = 0
    n_words: int = 0
    always_project: bool = False

    def __post_init__(self) -> None:
        make_plain(self)
        _require(_is_size(self.embedding_dim), "embedding_dim", self.embedding_dim, "1 or more")
        _require(_is_size(self.n_highway, 0), "n_highway", self.n_highway, "0 or more")
        _require(self.activation in ("relu", "tanh"), "activation", self.activation, "relu or tanh")
        _require(_is_size(self.n_characters), "n_characters", self.n_characters, "1 or more")
        _require(_is_size(self.word_dim, 0), "word_dim", self.word_dim, "0 or more")
        _require(_is_size(self.n_words, 0), "n_words", self.n_words, "0 or more")
        _require(
            (self.word_dim > 0) == (self.n_words > 0),
            "n_words",
            self.n_words,
            "given together with word_dim",
        )
        try:
            filters = tuple((width, number) for width, number in self.filters)
        except (TypeError, ValueError):
            filters = ()
        _require(
            bool(filters) and all(_is_size(w) and _is_size(n) for w, n in filters),
            "filters",
            self.filters,
            "a list of pairs [width, number of filters]",
        )
        object.__setattr__(self, "filters", filters)
        _require(
            _is_size(
                self.max_characters_per_token, max(3, max(w for w, _ in filters)), MOST_CHARACTERS
            ),
            "max_characters_per_token",
            self.max_characters_per_token,
            f"from 3, and no less than the widest filter, to {MOST_CHARACTERS:,}",
        )

    @property
    def widest_filter(self) -> int:
        """The largest width of a filter."""
        return max(width for width, _ in self.filters)

    @property
    def n_filters(self) -> int:
        """F, the number of character features of a token."""
        return sum(number for _, number in self.filters)


@dataclass(frozen=True, kw_only=True)
class LSTMConfig:
    """The stack of LSTM layers with projection.

    Args:
        dim: D, the number of cells.
        projection_dim: P, the size of the projected output; equal to D there is no projection, unless
            `always_project`.
        n_layers: number of layers.
        cell_clip: the cell state is clipped to ± this value; None for no clip.
        proj_clip: the projected output is clipped to ± this value; None for no clip.
        use_skip_connections: add a layer's input to its output, from the second layer up.
        forget_bias: added to the forget gate at run time (1 as published, 0 in ELMoForManyLangs).
        always_project: project even where P equals D (ELMoForManyLangs).
    """

    dim: int = 4096
    projection_dim: int = 512
    n_layers: int = 2
    cell_clip: float | None = 3.0
    proj_clip: float | None = 3.0
    use_skip_connections: bool = True
    forget_bias: float = 1.0
    always_project: bool = False

    def __post_init__(self) -> None:
        make_plain(self)
        for name in ("dim", "projection_dim", "n_layers"):
            value = getattr(self, name)
            _require(_is_size(value), name, value, f"a whole number from 1 to {MOST:,}")
        _require(_is_number(self.forget_bias), "forget_bias", self.forget_bias, "a finite number")
        for name in ("cell_clip", "proj_clip"):
            value = getattr(self, name)
            _require(_is_clip(value), name, value, "a positive number, or None for no clip")
        _require(
            self.projection_dim <= self.dim,
            "projection_dim",
            self.projection_dim,
            f"at most dim={self.dim}",
        )

    @property
    def projects(self) -> bool:
        """Whether there is a projection; without one `proj_clip` does nothing."""
        return self.always_project or self.projection_dim != self.dim


@dataclass(frozen=True, kw_only=True)
class DropoutConfig:
    """Rates of what is dropped in training.

    Args:
        input: on token vectors and on each layer's input.
        output: on the top output.
        word: whole tokens, their vector set to zero.
        recurrent: on the projected state inside the recurrence, one mask for a whole window.
        weight: on the recurrent weights, one mask a step (Merity et al. 2018).
        variational: one mask for all positions of a sentence ("spatial"), not one for each.
    """

    input: float = 0.0
    output: float = 0.0
    word: float = 0.0
    recurrent: float = 0.0
    weight: float = 0.0
    variational: bool = False

    def __post_init__(self) -> None:
        make_plain(self)
        for name in ("input", "output", "word", "recurrent", "weight"):
            value = getattr(self, name)
            _require(_is_rate(value), f"dropout.{name}", value, "0 or more and below 1")


@dataclass(frozen=True, kw_only=True)
class BiLMConfig:
    """A bidirectional language model (Peters et al. 2018).

    Args:
        lstm: the recurrent stack.
        char_cnn: how tokens are read from characters; None for a table of word vectors.
        vocabulary_size: V, the number of types that are predicted (and, without `char_cnn`, read);
            None where neither is known (a published character model without its vocabulary).
        directions: `"both"`, `"forward"` or `"backward"`.
        weight_tying: a word model's softmax uses its embedding matrix.
        lowercase: tokens are lower-cased before they are looked up.
        dropout: rates in training.

    Example:
        >>> config = BiLMConfig(lstm=LSTMConfig(dim=8, projection_dim=4), vocabulary_size=10)
        >>> BiLMConfig.from_dict(config.to_dict()) == config
        True
        >>> config.output_dim
        8
    """

    lstm: LSTMConfig = field(default_factory=LSTMConfig)
    char_cnn: CharCNNConfig | None = None
    vocabulary_size: int | None = None
    directions: Literal["both", "forward", "backward"] = "both"
    weight_tying: bool = False
    lowercase: bool = False
    dropout: DropoutConfig = field(default_factory=DropoutConfig)

    def __post_init__(self) -> None:
        make_plain(self)
        _require(
            self.directions in ("both", "forward", "backward"),
            "directions",
            self.directions,
            "both, forward or backward",
        )
        _require(
            self.vocabulary_size is None or _is_size(self.vocabulary_size),
            "vocabulary_size",
            self.vocabulary_size,
            "1 or more",
        )
        _require(
            self.char_cnn is not None or self.vocabulary_size is not None,
            "vocabulary_size",
            self.vocabulary_size,
            "given for a model that reads whole words",
        )
        _require(
            not (self.weight_tying and self.char_cnn is not None),
            "weight_tying",
            self.weight_tying,
            "off for a model that reads characters: it has no word vectors to share",
        )

    @property
    def direction_names(self) -> tuple[str, ...]:
        """`("forward", "backward")`, or the one direction there is."""
        return ("forward", "backward") if self.directions == "both" else (self.directions,)

    @property
    def output_dim(self) -> int:
        """Size of a contextual vector: P for each direction."""
        return self.lstm.projection_dim * len(self.direction_names)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that `json` can write."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> BiLMConfig:
        """The inverse of `to_dict`; an unknown key is refused by name."""
        values = dict(values)
        for name, part in (("lstm", LSTMConfig), ("char_cnn", CharCNNConfig)):
            if values.get(name) is not None:
                values[name] = _build(part, values[name], name)
        if values.get("dropout") is not None:
            values["dropout"] = _build(DropoutConfig, values["dropout"], "dropout")
        return _build(cls, values, "model")


def _build(cls: type, values: dict[str, Any], where: str) -> Any:
    if not isinstance(values, dict):
        raise ConfigError(f"{where}={values!r}: must be a table of settings")
    known = {f.name for f in dataclasses.fields(cls)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise ConfigError(
            f"{where}: unknown setting {', '.join(map(repr, unknown))}; "
            f"known are {', '.join(sorted(known))}"
        )
    return cls(**values)
