"""ELMo in spaCy (extra `spacy`).

The component `elmo` sets the vectors of a `Doc`; the architecture `elmo.Tok2Vec.v1` puts a frozen ELMo
under spaCy's own tagger, parser or entity recognizer. Both register by entry points: once elmo-keras is
installed, `nlp.add_pipe("elmo", …)` and a config find them without an import.
"""

try:
    import spacy  # noqa: F401
except ImportError as error:
    from elmo.text.files import MissingExtraError

    raise MissingExtraError(
        "elmo.integrations.spacy needs the package spacy: pip install 'elmo-keras[spacy]'"
    ) from error

from elmo.integrations.spacy.component import ElmoPipe, make_elmo
from elmo.integrations.spacy.tok2vec import elmo_tok2vec

__all__ = ["ElmoPipe", "elmo_tok2vec", "make_elmo"]
