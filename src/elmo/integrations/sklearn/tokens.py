"""One vector per token, for taggers."""

from __future__ import annotations

import numpy as np

from elmo.embed.results import Layers
from elmo.engines.choosing import EngineName, Precision
from elmo.integrations.sklearn.documents import Documents, Tokenizer
from elmo.integrations.sklearn.estimator import ElmoTransformer
from elmo.integrations.sklearn.models import Model


class ElmoTokenFeatures(ElmoTransformer, auto_wrap_output_keys=None):
    """Sentences to the vectors of their tokens, for scikit-learn's classifiers and for taggers.

    It needs no `fit`. With `stack=True` a pipeline with a classifier of tokens learns from sentences and
    one flat list of tags. Tools that count samples, such as `cross_validate`, need as many sentences as
    tags, so transform first there, and pass `groups` to keep the tokens of a sentence together.

    Args:
        model, layers, tokenizer, precision, engine, batch_size, n_jobs: as in `ElmoVectorizer`.
        stack: False for a list with an array `(tokens, dim)` per sentence; True for one array
            `(tokens of all sentences, dim)`, sentence after sentence.

    Example:
        >>> from elmo.api import BiLM
        >>> from elmo.bilm.language_model import BiLanguageModel
        >>> from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
        >>> from elmo.text.encoding import SentenceEncoder
        >>> cnn = CharCNNConfig(embedding_dim=2, filters=[[1, 4], [2, 4]])
        >>> config = BiLMConfig(lstm=LSTMConfig(dim=8, projection_dim=4), char_cnn=cnn)
        >>> model = BiLM(BiLanguageModel(config), SentenceEncoder(characters=50))
        >>> sentences = [["The", "bank", "closed"], ["It", "closed"]]
        >>> [vectors.shape for vectors in ElmoTokenFeatures(model).transform(sentences)]
        [(3, 8), (2, 8)]
        >>> ElmoTokenFeatures(model, stack=True).transform(sentences).shape
        (5, 8)

    Raises:
        ValueError: a parameter is no choice, or `sentences` is one string.
        TypeError: a sentence is neither a list of tokens nor a string.
        FormatError: the model cannot be read.
    """

    def __init__(
        self,
        model: Model,
        *,
        layers: Layers = "average",
        stack: bool = False,
        tokenizer: Tokenizer | None = None,
        precision: Precision = "float32",
        engine: EngineName | None = None,
        batch_size: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.model = model
        self.layers = layers
        self.stack = stack
        self.tokenizer = tokenizer
        self.precision = precision
        self.engine = engine
        self.batch_size = batch_size
        self.n_jobs = n_jobs

    def fit(self, sentences: Documents, y: object = None) -> ElmoTokenFeatures:
        """Check the parameters and open the model.

        Args:
            sentences, y: ignored.
        """
        self._open()
        return self

    def transform(self, sentences: Documents) -> list[np.ndarray] | np.ndarray:
        """The vectors of the tokens of sentences.

        Args:
            sentences: lists of tokens, or strings.

        Returns:
            float32 arrays; see `stack`. With `layers="all"` the vectors of all layers stand one after
            the other.
        """
        model = self._open()
        tokens = self._tokens(sentences)
        dim = self._n_features_out
        arrays = [_flat(vectors, dim) for vectors in self._vectors(model, tokens)]
        if not self.stack:
            return arrays
        return np.concatenate(arrays or [np.zeros((0, dim), np.float32)])

    def __sklearn_is_fitted__(self) -> bool:
        return True


def _flat(vectors: np.ndarray, dim: int) -> np.ndarray:
    """`(tokens, dim)` from `(layers, tokens, …)` or `(tokens, dim)`."""
    if vectors.ndim == 3:
        vectors = vectors.swapaxes(0, 1)
    return vectors.reshape(-1, dim)
