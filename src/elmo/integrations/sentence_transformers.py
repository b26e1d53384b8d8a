"""ELMo as the first module of a `SentenceTransformer` (extra `sentence-transformers`)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np

try:
    import torch
    from sentence_transformers.base.modules import InputModule
except ImportError as error:
    from elmo.text.files import MissingExtraError

    raise MissingExtraError(
        "elmo.integrations.sentence_transformers needs the package sentence-transformers, version 6 or "
        "newer: pip install 'elmo-keras[sentence-transformers]'"
    ) from error

from elmo.api import BiLM, load
from elmo.embed.results import Layers
from elmo.text import raw
from elmo.text.sentences import split_tokens

CHOICES = tuple(name for name in get_args(Layers) if name != "all")
FOLDER = "elmo"  # of the model, beside the module's settings


def _raw_tokens(text: str) -> list[str]:
    return [token for _, tokens in raw.sentences([(1, text, True)]) for token in tokens]


TOKENIZERS: dict[str, Callable[[str], list[str]]] = {"spaces": split_tokens, "raw": _raw_tokens}


class ElmoModule(InputModule):
    """Contextual vectors of tokens from a frozen ELMo, for `Pooling` and the modules after it.

    Each text is read as one sequence (Peters et al. 2018, https://arxiv.org/abs/1802.05365). ELMo's
    weights are not trained; those of modules after it, as `Dense`, can be.

    Args:
        model: a `BiLM`, or a path or name as `elmo.load` takes it.
        layers: `"average"`, `"top"`, `"sum"` or `"token"` (context-free).
        tokenizer: `"spaces"`: texts are tokenized, with spaces between the tokens; `"raw"`: they are
            running text, which `syntok` splits (extra `raw`).

    Raises:
        TypeError: `model` is not a model.
        ValueError: `layers` or `tokenizer` is not one of its choices.
        MissingExtraError: `tokenizer="raw"` without `syntok`.

    Example:
        >>> from sentence_transformers import SentenceTransformer
        >>> from sentence_transformers.sentence_transformer.modules import Pooling
        >>> from elmo.bilm.initialization import new_network
        >>> from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
        >>> from elmo.text.encoding import SentenceEncoder
        >>> characters = CharCNNConfig(embedding_dim=2, filters=[[1, 4], [2, 4]])
        >>> config = BiLMConfig(lstm=LSTMConfig(dim=8, projection_dim=4), char_cnn=characters)
        >>> elmo = ElmoModule(BiLM(new_network(config, seed=0), SentenceEncoder(characters=50)))
        >>> model = SentenceTransformer(modules=[elmo, Pooling(elmo.get_embedding_dimension())])
        >>> model.encode(["The bank closed .", "It rained ."]).shape
        (2, 8)
    """

    config_keys = ["layers", "tokenizer_name"]  # noqa: RUF012 (theirs)
    config_file_name = "elmo_config.json"

    def __init__(
        self,
        model: BiLM | str | os.PathLike[str],
        *,
        layers: Layers = "average",
        tokenizer: str = "spaces",
    ) -> None:
        super().__init__()
        if not isinstance(model, BiLM | str | os.PathLike):
            raise TypeError(
                f"model={model!r}: must be a BiLM, or the path or the name of a model as elmo.load "
                "takes it"
            )
        if layers not in CHOICES:
            raise ValueError(f"layers={layers!r}: must be {', '.join(map(repr, CHOICES))}")
        if tokenizer not in TOKENIZERS:
            raise ValueError(f"tokenizer={tokenizer!r}: must be 'spaces' or 'raw'")
        if tokenizer == "raw":
            raw.check("en")
        self.elmo = model if isinstance(model, BiLM) else load(model)
        self.layers: Layers = layers
        self.tokenizer_name = tokenizer

    def preprocess(
        self, inputs: Sequence[Any], prompt: str | None = None, **options: Any
    ) -> dict[str, Any]:
        """The tokens of texts, and which positions of the padded batch they take.

        Returns:
            `"tokens"`, a list per text, and `"attention_mask"`, int64 `(batch, longest)`.
        """
        texts = self._prepend_prompt(list(inputs), prompt) if prompt else list(inputs)
        split = TOKENIZERS[self.tokenizer_name]
        for number, text in enumerate(texts):
            if not isinstance(text, str):
                raise TypeError(
                    f"text {number} (counted from 0) is {text!r} ({type(text).__name__}): must be a str"
                )
        tokens = [split(text) for text in texts]
        lengths = np.array([len(one) for one in tokens])
        places = np.arange(max(1, lengths.max(initial=0)))
        mask = torch.from_numpy((places < lengths[:, None]).astype(np.int64))
        return {"tokens": tokens, "attention_mask": mask}

    def forward(self, features: dict[str, Any], **options: Any) -> dict[str, Any]:
        """Add `"token_embeddings"`, float32 `(batch, longest, dim)`, zeros at padding."""
        mask = features["attention_mask"]
        vectors = self.elmo.embed(features["tokens"], layers=self.layers)
        padded = np.zeros((*mask.shape, self.get_embedding_dimension()), np.float32)
        for row, found in zip(padded, vectors, strict=True):
            row[: len(found)] = found
        features["token_embeddings"] = torch.from_numpy(padded).to(mask.device)
        return features

    def get_embedding_dimension(self) -> int:
        """The size of a token's vector, which `Pooling` asks for."""
        config = self.elmo.config
        return config.lstm.projection_dim if self.layers == "token" else config.output_dim

    def save(self, output_path: str, *args: Any, **options: Any) -> None:
        """The settings, and the model in a folder beside them."""
        self.save_config(output_path)
        self.elmo.save(Path(output_path) / FOLDER, overwrite=True)

    @classmethod
    def load(cls, model_name_or_path: str, subfolder: str = "", **options: Any) -> ElmoModule:
        """Open what `save` wrote, in a folder or on the hub.

        Raises:
            FileNotFoundError: there is no model in it.
        """
        known = ("token", "cache_folder", "revision", "local_files_only")
        hub = {name: options[name] for name in known if name in options}
        config = cls.load_config(model_name_or_path, subfolder=subfolder, **hub)
        place = f"{subfolder}/{FOLDER}" if subfolder else FOLDER
        folder = cls.load_dir_path(model_name_or_path, subfolder=place, **hub)
        if folder is None or not Path(folder).is_dir():
            raise FileNotFoundError(f"{model_name_or_path}: has no folder {place} with an ELMo")
        return cls(folder, layers=config["layers"], tokenizer=config["tokenizer_name"])
