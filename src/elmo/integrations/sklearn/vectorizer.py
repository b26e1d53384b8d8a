"""One vector per document."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.utils.validation import check_is_fitted

from elmo.api import BiLM
from elmo.embed.results import Layers
from elmo.engines.choosing import EngineName, Precision
from elmo.integrations.sklearn.documents import Documents, Tokenizer
from elmo.integrations.sklearn.estimator import ElmoTransformer
from elmo.integrations.sklearn.models import Model
from elmo.integrations.sklearn.pooling import Pooling, final_states, maximum, weighted_mean

POOLINGS = get_args(Pooling)


class ElmoVectorizer(ElmoTransformer):
    """Documents to vectors, `(n_documents, dim)` in float32, for scikit-learn.

    Each document is read as one sequence from zero state, so its vector does not depend on the other
    documents. A document without tokens is a vector of zeros, and a warning says how many there are.

    Args:
        model: a `BiLM`, or the path or the name of a model as `elmo.load` takes it. Clones share a
            `BiLM`. A path is loaded once per process, and pickles stay small with it.
        layers: `"average"`, the plain mean of all layers; `"top"`; `"sum"`; `"token"`, the context-free
            vectors of the tokens; or `"all"`, the vectors of all layers one after the other,
            `dim = (n_layers + 1) · output_dim`.
        pool: how the tokens' vectors become one. `"mean"`; `"max"`, the largest value of each
            dimension; `"first-last"`, the states that have read the whole document, which are the
            forward one at the last token and the backward one at the first (not with
            `layers="token"`); `"tfidf"`, the mean weighted by tf-idf, whose document frequencies `fit`
            counts. The others need no `fit`.
        tokenizer: from a string to its tokens; by default strings are split at ASCII whitespace.
            Documents that are lists of tokens stay as they are.
        precision, engine: as in `BiLM.embed`.
        batch_size: documents per batch, at most; it changes no result.
        n_jobs: with more than 1, or -1 for all processors, that many worker processes embed the
            documents (as `BiLM.embed_file` with `jobs`), through a temporary folder. They start in
            seconds, so this pays for many documents. The vectors agree with those of one process within
            1e-5.

    Attributes:
        vocabulary_: `pool="tfidf"`: from each token of the documents in `fit` to its place in `idf_`.
        idf_: `pool="tfidf"`: inverse document frequencies, `ln((1 + n) / (1 + df)) + 1`; a token that
            `fit` has not seen has the one for `df = 0`.

    Example:
        >>> from sklearn.linear_model import LogisticRegression
        >>> from sklearn.pipeline import make_pipeline
        >>> from elmo.api import BiLM
        >>> from elmo.bilm.language_model import BiLanguageModel
        >>> from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
        >>> from elmo.text.encoding import SentenceEncoder
        >>> cnn = CharCNNConfig(embedding_dim=2, filters=[[1, 4], [2, 4]])
        >>> config = BiLMConfig(lstm=LSTMConfig(dim=8, projection_dim=4), char_cnn=cnn)
        >>> model = BiLM(BiLanguageModel(config), SentenceEncoder(characters=50))
        >>> ElmoVectorizer(model).transform(["The bank closed .", "On the bank of a river ."]).shape
        (2, 8)
        >>> pipeline = make_pipeline(ElmoVectorizer(model, pool="tfidf"), LogisticRegression())
        >>> pipeline.fit(["The bank closed .", "On the bank of a river ."], [0, 1]).classes_
        array([0, 1])

    Raises:
        ValueError: a parameter is no choice, `documents` is one string or has two dimensions, or no
            document has a token (`fit` with `pool="tfidf"`).
        TypeError: a document is neither a string nor a list of tokens.
        NotFittedError: `transform` with `pool="tfidf"` before `fit`.
        FormatError: the model cannot be read.
    """

    def __init__(
        self,
        model: Model,
        *,
        layers: Layers = "average",
        pool: Pooling = "mean",
        tokenizer: Tokenizer | None = None,
        precision: Precision = "float32",
        engine: EngineName | None = None,
        batch_size: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.model = model
        self.layers = layers
        self.pool = pool
        self.tokenizer = tokenizer
        self.precision = precision
        self.engine = engine
        self.batch_size = batch_size
        self.n_jobs = n_jobs

    def fit(self, documents: Documents, y: object = None) -> ElmoVectorizer:
        """Check the parameters and open the model; with `pool="tfidf"`, count document frequencies.

        Args:
            documents: strings or lists of tokens.
            y: ignored.
        """
        self._open()
        if self.pool == "tfidf":
            tokens = self._tokens(documents)
            if not any(tokens):
                raise ValueError(
                    f"documents: none of the {len(tokens)} has a token, so pool='tfidf' has no "
                    "document frequencies"
                )
            counted = TfidfVectorizer(analyzer=list).fit(tokens)
            self.vocabulary_: dict[str, int] = counted.vocabulary_
            self.idf_: np.ndarray = counted.idf_
            self._unseen_idf = float(np.log1p(len(tokens)) + 1)
        return self

    def transform(self, documents: Documents) -> np.ndarray:
        """The vectors of documents.

        Args:
            documents: strings or lists of tokens.

        Returns:
            float32 `(n_documents, dim)`, or a table after `set_output`.
        """
        model = self._open()
        if self.pool == "tfidf":
            check_is_fitted(self)
        tokens = self._tokens(documents)
        found = np.zeros((len(tokens), self._n_features_out), np.float32)
        pooled = self._vectors(model, tokens, "mean" if self.pool == "mean" else None)
        pool = self._pooling(model)
        empty = []
        for number, (document, vectors) in enumerate(zip(tokens, pooled, strict=True)):
            if document:
                found[number] = pool(document, vectors).ravel()
            else:
                empty.append(number)
        if empty:
            warnings.warn(
                f"{len(empty)} of {len(tokens)} documents have no tokens, first number {empty[0]} "
                "(counted from 0): their vectors are zeros",
                stacklevel=3,  # scikit-learn wraps this function
            )
        return found

    def _open(self) -> BiLM:
        if self.pool not in POOLINGS:
            raise ValueError(f"pool={self.pool!r}: must be {', '.join(map(repr, POOLINGS))}")
        if self.pool == "first-last" and self.layers == "token":
            raise ValueError(
                "pool='first-last': layers='token' has no directions; choose other layers or another "
                "pool"
            )
        return super()._open()

    def _pooling(self, model: BiLM) -> Callable[[list[str], np.ndarray], np.ndarray]:
        if self.pool == "max":
            return lambda document, vectors: maximum(vectors)
        if self.pool == "first-last":
            return lambda document, vectors: final_states(vectors, model.config.direction_names)
        if self.pool == "tfidf":
            return lambda document, vectors: weighted_mean(vectors, self._idf_of(document))
        return lambda document, vectors: vectors

    def _idf_of(self, document: list[str]) -> np.ndarray:
        places = (self.vocabulary_.get(token) for token in document)
        return np.array([self._unseen_idf if p is None else self.idf_[p] for p in places])

    def __sklearn_is_fitted__(self) -> bool:
        return self.pool != "tfidf" or hasattr(self, "idf_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = self.pool == "tfidf"
        return tags
