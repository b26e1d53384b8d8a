"""ELMo as token embeddings of Flair (extra `flair`), in place of its `ELMoEmbeddings`.

Flair's own class needs AllenNLP 0.9, which no longer installs. Import this module before a tagger that
was saved with `ElmoEmbeddings` is loaded: that is how Flair finds the class.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np

try:
    import flair
    import torch
    from flair.data import Sentence
    from flair.embeddings.base import TokenEmbeddings, register_embeddings
except ImportError as error:
    from elmo.text.files import MissingExtraError

    raise MissingExtraError(
        "elmo.integrations.flair needs the package flair: pip install 'elmo-keras[flair]'"
    ) from error

from elmo.api import BiLM, load
from elmo.integrations.packed_model import model_from_bytes, model_to_bytes

Mode = Literal["all", "top", "average"]
MODES = get_args(Mode)
FLAIRS_NAMES = {"large": "original-5.5b", "5.5B": "original-5.5b"}


@register_embeddings
class ElmoEmbeddings(TokenEmbeddings):
    """Contextual vectors of tokens from a frozen ELMo (Peters et al. 2018, https://arxiv.org/abs/1802.05365).

    Takes the arguments of Flair's `ELMoEmbeddings`. Each sentence is read from zero state, so that its
    vectors do not depend on the sentences before it, as they do in AllenNLP.

    A saved tagger holds the model's weights and is loaded without its files.

    Args:
        model: a `BiLM`, or a path or name as `elmo.load` takes it; Flair's names `"large"` and `"5.5B"`
            are known too.
        options_file, weight_file: paths or addresses of a published model, in place of `model`.
        embedding_mode: `"all"` (the layers one after the other, `layers · dim` numbers), `"top"` or
            `"average"`.
        name: under which a token keeps its vector; by default made of the model and the mode.

    Raises:
        TypeError: `model` is not a model.
        ValueError: `embedding_mode` is not one of its choices, or one file comes without the other.
        FormatError, DownloadError: as `elmo.load` raises them.

    Example:
        >>> from elmo.bilm.initialization import new_network
        >>> from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
        >>> from elmo.text.encoding import SentenceEncoder
        >>> characters = CharCNNConfig(embedding_dim=2, filters=[[1, 4], [2, 4]])
        >>> config = BiLMConfig(lstm=LSTMConfig(dim=8, projection_dim=4), char_cnn=characters)
        >>> model = BiLM(new_network(config, seed=0), SentenceEncoder(characters=50))
        >>> embeddings = ElmoEmbeddings(model)
        >>> sentence = Sentence(["The", "bank", "closed"])
        >>> _ = embeddings.embed(sentence)
        >>> sentence[1].embedding.shape, embeddings.embedding_length
        (torch.Size([24]), 24)
    """

    def __init__(
        self,
        model: BiLM | str | os.PathLike[str] = "original",
        options_file: str | os.PathLike[str] | None = None,
        weight_file: str | os.PathLike[str] | None = None,
        embedding_mode: Mode = "all",
        *,
        name: str | None = None,
    ) -> None:
        super().__init__()
        if embedding_mode not in MODES:
            raise ValueError(
                f"embedding_mode={embedding_mode!r}: must be 'all', 'top' or 'average'"
            )
        self.embedding_mode: Mode = embedding_mode
        self.elmo = _opened(model, options_file, weight_file)
        called = "model" if isinstance(model, BiLM) else os.fspath(weight_file or model)
        self.name = name or f"elmo-{called}-{embedding_mode}"
        self.static_embeddings = True
        self.eval()

    @property
    def embedding_length(self) -> int:
        """The size of a token's vector."""
        config = self.elmo.config
        layers = config.lstm.n_layers + 1 if self.embedding_mode == "all" else 1
        return layers * config.output_dim

    def _add_embeddings_internal(self, sentences: Sequence[Sentence]) -> None:
        tokens = [[token.text for token in sentence] for sentence in sentences]
        for sentence, found in zip(
            sentences, self.elmo.embed(tokens, layers=self.embedding_mode), strict=True
        ):
            if self.embedding_mode == "all":  # (layers, tokens, dim) to (tokens, layers * dim)
                found = found.transpose(1, 0, 2).reshape(found.shape[1], -1)
            vectors = torch.from_numpy(np.ascontiguousarray(found)).to(flair.device)
            for token, vector in zip(sentence, vectors, strict=True):
                token.set_embedding(self.name, vector)

    def to_params(self) -> dict[str, Any]:
        """What Flair saves: the settings and the packed model."""
        return {
            "model": model_to_bytes(self.elmo),
            "embedding_mode": self.embedding_mode,
            "name": self.name,
        }

    @classmethod
    def from_params(cls, params: dict[str, Any]) -> ElmoEmbeddings:
        """The embeddings that `to_params` described."""
        return cls(
            model_from_bytes(params["model"]),
            embedding_mode=params["embedding_mode"],
            name=params["name"],
        )

    def extra_repr(self) -> str:
        return f"model={self.name}"

    def __str__(self) -> str:
        return self.name


def _opened(
    model: BiLM | str | os.PathLike[str],
    options_file: str | os.PathLike[str] | None,
    weight_file: str | os.PathLike[str] | None,
) -> BiLM:
    if options_file is not None or weight_file is not None:
        if options_file is None or weight_file is None:
            raise ValueError(
                f"options_file={options_file!r}, weight_file={weight_file!r}: give both, or neither"
            )
        return load((os.fspath(options_file), os.fspath(weight_file)))
    if isinstance(model, BiLM):
        return model
    if not isinstance(model, str | os.PathLike):
        raise TypeError(
            f"model={model!r}: must be a BiLM, or the path or the name of a model as elmo.load takes it"
        )
    source = os.fspath(model)
    return load(FLAIRS_NAMES.get(source, source))
