"""What the transformers have in common: parameters, their checks, and the vectors of documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin

from elmo.api import BiLM
from elmo.embed.results import Layers, Pool, check_choices, result_shape
from elmo.engines.choosing import EngineName, Precision, check_precision
from elmo.integrations.sklearn.documents import Documents, Tokenizer, document_tokens
from elmo.integrations.sklearn.models import Model, open_model
from elmo.integrations.sklearn.vectors import Computing


class ElmoTransformer(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base of the transformers; see `ElmoVectorizer` for what the parameters mean."""

    def __init_subclass__(
        cls, auto_wrap_output_keys: Sequence[str] | None = ("transform",)
    ) -> None:
        """`None` for a transformer whose result is no table (`set_output`)."""
        super().__init_subclass__(auto_wrap_output_keys=auto_wrap_output_keys)

    model: Model
    layers: Layers
    tokenizer: Tokenizer | None
    precision: Precision
    engine: EngineName | None
    batch_size: int | None
    n_jobs: int | None

    def _open(self) -> BiLM:
        """The model, once the parameters are checked."""
        check_choices(self.layers, None, "reset", self.batch_size)
        check_precision(self.precision, self.engine)
        jobs = self.n_jobs
        if jobs is not None and (isinstance(jobs, bool) or not isinstance(jobs, int) or not jobs):
            raise ValueError(f"n_jobs={jobs!r}: must be 1 or more, -1 for all processors, or None")
        return open_model(self.model)

    def _tokens(self, documents: Documents) -> list[list[str]]:
        return document_tokens(documents, self.tokenizer)

    def _vectors(
        self, model: BiLM, documents: Sequence[list[str]], pool: Pool | None = None
    ) -> Iterator[np.ndarray]:
        computing = Computing(
            self.layers, self.precision, self.engine, self.batch_size, self.n_jobs
        )
        return computing.vectors(model, documents, pool)

    @property
    def _n_features_out(self) -> int:
        """The size of a vector; scikit-learn names the features by it."""
        return int(np.prod(result_shape(self._open().config, self.layers, "mean", 1)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.requires_fit = False
        return tags
