"""What questions about an index of uses are answered with."""

from __future__ import annotations

from msgspec import Struct


class WordCount(Struct):
    """A word, and how many uses it has."""

    word: str
    uses: int


class WordsFound(Struct):
    """A page of words, of `total`."""

    total: int
    words: list[WordCount]


class Line(Struct):
    """A use: the sentence, the place of the word in it, where it stands, and its sense.

    `use` is its number among the word's, or -1 for one of another word; `sense` is null for none.
    """

    use: int
    tokens: list[str]
    place: int
    document: str
    period: str
    sense: int | None = None
    similarity: float | None = None


class Lines(Struct):
    """A page of lines from `offset` on, of `total`; the word has `uses`, `read` of them looked at."""

    word: str
    uses: int
    read: int
    total: int
    offset: int
    lines: list[Line]


class NearestFound(Struct):
    """The use that was asked about, and those most like it."""

    asked: Line
    nearest: list[Line]


class SenseFound(Struct):
    """A sense: uses and shares of all and of each period (null without uses), and what tells it apart."""

    number: int
    name: str
    uses: int
    share: float
    counts: list[int]
    shares: list[float | None]
    words: list[str]
    central: list[Line]


class SensesFound(Struct):
    """The senses of a word; `kept`: they are in their file, for they were edited or chosen."""

    word: str
    uses: int
    read: int
    method: str
    kept: bool
    silhouette: float | None
    without: int
    periods: list[str]
    senses: list[SenseFound]
    edits: list[str]


class TellingFound(Struct):
    """For the number of each sense the substitutes that tell it apart."""

    word: str
    substitutes: dict[int, list[str]]


class Points(Struct):
    """A map: arrays of one length; `period` is a place in `periods` or -1, `sense` 0 for none."""

    word: str
    method: str
    periods: list[str]
    use: list[int]
    x: list[float]
    y: list[float]
    sense: list[int]
    period: list[int]
    explained: list[float]
