"""What can be asked of an index of uses: the fields of each request, with their bounds."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from elmo.serve.asking import Asked, Text
from elmo.serve.limits import PAGE, POINTS, TOKEN, TOKENS

Word = Annotated[
    str, Meta(min_length=1, max_length=TOKEN, description="A word, as the texts spell it.")
]
Number = Annotated[int, Meta(ge=1, le=1_000_000, description="The number of a sense.")]
From = Annotated[int, Meta(ge=0, le=1 << 40, description="How many are passed over.")]
Use = Annotated[int, Meta(ge=0, le=1 << 40, description="The number of a use of the word.")]


class Words(Asked):
    """Words that begin like this, the most frequent first."""

    prefix: Annotated[str, Meta(max_length=TOKEN)] = ""
    offset: From = 0
    limit: Annotated[int, Meta(ge=1, le=PAGE)] = 50


class Concordance(Asked):
    """Lines of a word; `sense` 0 is all, -1 those in none; `period` empty is all; `use` 0 or more
    asks for the page that it is on, in place of `offset`."""

    word: Word
    sort: Literal["text", "left", "right", "period", "context", "sense"] = "text"
    sense: Annotated[int, Meta(ge=-1, le=1_000_000)] = 0
    period: Annotated[str, Meta(max_length=TOKEN)] = ""
    offset: From = 0
    limit: Annotated[int, Meta(ge=1, le=PAGE)] = 50
    use: Annotated[int, Meta(ge=-1, le=1 << 40)] = -1


class Nearest(Asked):
    """Uses of a word that are most like one of them."""

    word: Word
    use: Use
    count: Annotated[int, Meta(ge=1, le=50)] = 10


class Like(Asked):
    """Uses that are most like a token of your own sentence, of the same word or of any."""

    sentence: Text
    position: Annotated[int, Meta(ge=0, lt=TOKENS)]
    across: bool = False
    count: Annotated[int, Meta(ge=1, le=50)] = 10


class OfWord(Asked):
    """A word."""

    word: Word


class Map(Asked):
    """Points of a word's uses; more than the limit are thinned out evenly."""

    word: Word
    method: Literal["pca", "umap"] = "pca"
    limit: Annotated[int, Meta(ge=1, le=POINTS)] = POINTS


class Download(Asked):
    """A file of a word's uses and senses."""

    word: Word
    format: Literal["csv", "wug", "periods.svg", "map.svg"] = "csv"


class Rename(Asked):
    """A sense and its name, empty for none."""

    word: Word
    sense: Number
    name: Annotated[str, Meta(max_length=80)]


class Merge(Asked):
    """Senses that become one, the first."""

    word: Word
    senses: Annotated[list[Number], Meta(min_length=2, max_length=50)]


class Split(Asked):
    """A sense that is split."""

    word: Word
    sense: Number


class Induce(Asked):
    """Senses that are found anew, in place of those that are kept; `k` 0 leaves their number open."""

    word: Word
    method: Literal["kmeans", "agglomerative", "hdbscan"] = "kmeans"
    k: Annotated[int, Meta(ge=0, le=20)] = 0
