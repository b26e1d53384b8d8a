"""ELMo's vectors as transformers of scikit-learn (extra `sklearn`).

`ElmoVectorizer` makes one vector per document, `ElmoTokenFeatures` one per token.
"""

try:
    import sklearn  # noqa: F401
except ImportError as error:
    from elmo.text.files import MissingExtraError

    raise MissingExtraError(
        "elmo.integrations.sklearn needs the package scikit-learn: pip install 'elmo-keras[sklearn]'"
    ) from error

from elmo.integrations.sklearn.tokens import ElmoTokenFeatures
from elmo.integrations.sklearn.vectorizer import ElmoVectorizer

__all__ = ["ElmoTokenFeatures", "ElmoVectorizer"]
