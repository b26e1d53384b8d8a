"""`elmo.Tok2Vec.v1`: a frozen ELMo with a learned mix of its layers, as a token-to-vector model."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
from spacy.tokens import Doc
from spacy.util import registry
from thinc.api import Maxout, Model, Shim, chain, with_array

from elmo.integrations.spacy.docs import embed_docs
from elmo.integrations.spacy.held_model import HeldModel

Arrays = list[Any]  # one array per document, NumPy's or CuPy's


@registry.architectures("elmo.Tok2Vec.v1")
def elmo_tok2vec(
    model: str, width: int, save: str = "inside", cache: int = 0
) -> Model[list[Doc], Arrays]:
    """ELMo in place of spaCy's `Tok2Vec`: frozen vectors, their learned mix, and one Maxout layer.

    `ELMo_k = γ · Σ_j s_j · h_{k,j}` with `s = softmax(w)` (Peters et al. 2018, equation 1,
    https://arxiv.org/abs/1802.05365). `w`, `γ` and the Maxout layer, which brings the mix to `width`, are
    trained with the component above; ELMo's own weights are not.

    Args:
        model: a path or name as `elmo.load` takes it, opened on first use.
        width: of the output.
        save: `"inside"`: the trained pipeline holds ELMo's weights; `"path"`: it holds `model` alone.
        cache: how many documents' vectors are remembered, `4 · layers · dim` bytes per token, so that
            later epochs need not embed them again.

    Returns:
        From documents to float32 `(tokens, width)` each; its `nO` is `width`.

    Raises:
        ValueError: `width` or `cache` is too small, or `save` is not one of its choices.
    """
    if width < 1:
        raise ValueError(f"width={width!r}: must be 1 or more")
    if cache < 0:
        raise ValueError(f"cache={cache!r}: must be 0 or more")
    mix = Model(
        "elmo_mix",
        _forward,
        init=_init,
        params={"w": None, "gamma": None},
        dims={"nO": None},
        shims=[ElmoShim(HeldModel(model, save), cache)],
    )
    reduce: Model[Arrays, Arrays] = with_array(Maxout(nO=width, nP=3, normalize=True))
    whole: Model[list[Doc], Arrays] = chain(mix, reduce)
    whole.set_dim("nO", width)
    return whole


class ElmoShim(Shim):
    """Carries the frozen model in a thinc `Model`, which saves its shims beside its parameters."""

    def __init__(self, held: HeldModel, cache: int = 0) -> None:
        super().__init__(held)
        self.held = held
        self.cache = cache
        self._found: OrderedDict[tuple[Any, ...], np.ndarray] = OrderedDict()

    def vectors(self, docs: list[Doc]) -> list[np.ndarray]:
        """All layers of each document, `(layers, tokens, dim)`."""
        if not self.cache:
            return embed_docs(self.held.model, docs, "all")
        keys = [tuple((t.text, t.is_sent_start) for t in doc) for doc in docs]
        results = {key: self._found[key] for key in keys if key in self._found}
        missing = {key: doc for key, doc in zip(keys, docs, strict=True) if key not in results}
        new = embed_docs(self.held.model, list(missing.values()), "all")
        results.update(zip(missing, new, strict=True))
        for key in keys:
            self._found[key] = results[key]
            self._found.move_to_end(key)
        while len(self._found) > self.cache:
            self._found.popitem(last=False)
        return [results[key] for key in keys]

    def copy(self) -> ElmoShim:
        return ElmoShim(self.held, self.cache)  # frozen: copies share it

    def finish_update(self, optimizer: Any) -> None:
        """Nothing: the model is frozen."""

    def to_bytes(self) -> bytes:
        return self.held.to_bytes()

    def from_bytes(self, bytes_data: bytes) -> ElmoShim:
        self.held.from_bytes(bytes_data)
        self._found.clear()
        return self


def _shim(model: Model[list[Doc], Arrays]) -> ElmoShim:
    shim = model.shims[0]
    assert isinstance(shim, ElmoShim)
    return shim


def _init(model: Model[list[Doc], Arrays], X: Any = None, Y: Any = None) -> None:
    config = _shim(model).held.model.config
    model.set_dim("nO", config.output_dim)
    if not model.has_param("w"):
        model.set_param("w", model.ops.alloc1f(config.lstm.n_layers + 1))
        model.set_param("gamma", model.ops.alloc1f(1) + 1)


def _forward(
    model: Model[list[Doc], Arrays], docs: list[Doc], is_train: bool
) -> tuple[Arrays, Callable[[Arrays], list[Doc]]]:
    ops = model.ops
    layers = [ops.asarray(found) for found in _shim(model).vectors(docs)]
    w, gamma = model.get_param("w"), model.get_param("gamma")
    s = ops.softmax(w.reshape(1, -1))[0]
    mixed = [ops.xp.tensordot(s, h, axes=1) for h in layers]  # (tokens, dim) each

    def backprop(gradients: Arrays) -> list[Doc]:
        # of s_j: the sum over all numbers of h_j times the gradient
        per_layer = ops.alloc1f(len(w))
        for h, d in zip(layers, gradients, strict=True):
            per_layer += ops.xp.tensordot(h, d, axes=2)
        model.inc_grad("gamma", (s @ per_layer).reshape(1))
        model.inc_grad("w", gamma * s * (per_layer - s @ per_layer))
        return []

    return [gamma * one for one in mixed], backprop
