"""The component `elmo` of a spaCy pipeline."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, get_args

import srsly
from spacy import util
from spacy.language import Language
from spacy.pipeline import Pipe
from spacy.tokens import Doc

from elmo.api import BiLM
from elmo.embed.results import Layers
from elmo.integrations.spacy.docs import EXTENSION, embed_docs, one_layer, set_vectors
from elmo.integrations.spacy.held_model import HeldModel

CHOICES = tuple(name for name in get_args(Layers) if name != "all")


class ElmoPipe(Pipe):
    """Sets the vectors of documents from an ELMo (Peters et al. 2018, https://arxiv.org/abs/1802.05365).

    After it, `doc.tensor` has one vector per token, `(tokens, dim)`; `token.vector` is its row,
    `span.vector` and `doc.vector` are means of rows, and `similarity` is the cosine. `doc._.elmo` has all
    layers, float32 `(tokens, layers, dim)`. Tokens are spaCy's own.

    A document with sentence boundaries (`sentencizer`, `senter` or `parser` before this component) is
    read sentence by sentence, another one as a single sequence of any length.

    Args:
        name: of the component in its pipeline.
        model: a `BiLM`, or a path or name as `elmo.load` takes it, opened on first use.
        layers: of `doc.tensor`: `"average"`, `"top"`, `"sum"` or `"token"` (context-free).
        all_layers: whether to set `doc._.elmo`, which takes `layers` times the memory.
        save: what `to_disk` and `to_bytes` keep: `"inside"`, the weights, or `"path"`, `model` alone.

    Raises:
        TypeError: `model` is not a model.
        ValueError: `layers` or `save` is not one of its choices.

    Example (with the folder of a model)::

        nlp = spacy.blank("en")
        nlp.add_pipe("elmo", config={"model": "my-elmo"})
        doc = nlp("The bank closed.")
        doc[1].vector, doc._.elmo.shape
    """

    def __init__(
        self,
        name: str,
        model: BiLM | str | os.PathLike[str],
        *,
        layers: str = "average",
        all_layers: bool = True,
        save: str = "inside",
    ) -> None:
        self.name = name
        self.held = HeldModel(model, save)
        self._take(layers, all_layers)
        if not Doc.has_extension(EXTENSION):
            Doc.set_extension(EXTENSION, default=None)

    def _take(self, layers: str, all_layers: bool) -> None:
        if layers not in CHOICES:
            raise ValueError(f"layers={layers!r}: must be {', '.join(map(repr, CHOICES))}")
        self.layers: Any = layers
        self.all_layers = all_layers

    @property
    def elmo(self) -> BiLM:
        """The ELMo itself (`model` would be taken for a model of thinc)."""
        return self.held.model

    def __call__(self, doc: Doc) -> Doc:
        """Set the vectors of one document."""
        error_handler = self.get_error_handler()
        try:
            self._set([doc])
        except Exception as error:
            error_handler(self.name, self, [doc], error)
        return doc

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 128) -> Iterator[Doc]:
        """Set the vectors of a stream of documents, `batch_size` of them at a time."""
        error_handler = self.get_error_handler()
        for docs in util.minibatch(stream, size=batch_size):
            try:
                self._set(docs)
            except Exception as error:
                error_handler(self.name, self, docs, error)
            else:
                yield from docs

    def _set(self, docs: Sequence[Doc]) -> None:
        model = self.elmo
        vectors = embed_docs(model, docs, "all" if self.all_layers else self.layers)
        for doc, found in zip(docs, vectors, strict=True):
            if self.all_layers:
                doc._.set(EXTENSION, found.transpose(1, 0, 2).copy())
                found = one_layer(found, self.layers, model.config.lstm.projection_dim)
            set_vectors(doc, found)

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """The settings and the model, inside or by its path."""
        return srsly.msgpack_dumps({"cfg": self._settings(), "model": self.held.to_bytes()})

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> ElmoPipe:
        """Take what `to_bytes` gave."""
        message = srsly.msgpack_loads(data)
        self._take(**message["cfg"])
        self.held.from_bytes(message["model"])
        return self

    def to_disk(self, path: str | os.PathLike[str], *, exclude: Iterable[str] = ()) -> None:
        """A folder with `cfg`, and `model/` or the path in `model.json`."""
        folder = Path(path)
        self.held.to_disk(folder)
        srsly.write_json(folder / "cfg", self._settings())

    def from_disk(self, path: str | os.PathLike[str], *, exclude: Iterable[str] = ()) -> ElmoPipe:
        """Take what `to_disk` wrote."""
        folder = Path(path)
        self._take(**srsly.read_json(folder / "cfg"))
        self.held.from_disk(folder)
        return self

    def _settings(self) -> dict[str, Any]:
        return {"layers": self.layers, "all_layers": self.all_layers}


@Language.factory(
    "elmo",
    assigns=["doc.tensor", "doc._.elmo"],
    default_config={
        "model": None,
        "layers": "average",
        "all_layers": True,
        "save": "inside",
    },
)
def make_elmo(
    nlp: Language, name: str, model: str | None, layers: str, all_layers: bool, save: str
) -> ElmoPipe:
    """The factory of `nlp.add_pipe("elmo", config={"model": …})`; see `ElmoPipe` for the settings."""
    if model is None:
        raise ValueError(
            'model=None: say which model the component embeds with, as in config={"model": "my-elmo"}'
        )
    return ElmoPipe(name, model, layers=layers, all_layers=all_layers, save=save)
