"""The uses of one word: a vector each, and where in the texts it stands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

UNKNOWN = -1  # the period of a document that has none


@dataclass(frozen=True, eq=False)
class WordUses:
    """All uses of a word, or some of them, row by row.

    What is compared and counted (senses, change) needs this and nothing of the folder that it was
    read from; it can be made by hand as well.

    Args:
        word: the word, as the texts spell it.
        vectors: float32 `(n, dim)`.
        sentence: numbers of the sentences, `(n,)`.
        place: which token of its sentence each is, `(n,)`.
        document: numbers of the documents, `(n,)`.
        period: indices into `periods`, `(n,)`; -1 where the document has none.
        periods: the names of all periods, sorted.

    Raises:
        ValueError: the arrays are not of one length, or a period is none of `periods`.

    Example:
        >>> uses = WordUses("bank", np.eye(3, dtype="float32"), np.arange(3), np.zeros(3, int),
        ...                 np.arange(3), np.array([0, 1, 1]), ("1840", "1900"))
        >>> len(uses), len(uses.in_period("1900")), uses.take([2, 0]).sentence.tolist()
        (3, 2, [2, 0])
        >>> uses.counts()
        {'1840': 1, '1900': 2}
    """

    word: str
    vectors: np.ndarray
    sentence: np.ndarray
    place: np.ndarray
    document: np.ndarray
    period: np.ndarray
    periods: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2:
            raise ValueError(
                f"vectors of shape {self.vectors.shape}: must be (uses, dim) of {self.word!r}"
            )
        for name in ("sentence", "place", "document", "period"):
            if getattr(self, name).shape != (len(self.vectors),):
                raise ValueError(
                    f"{name} of shape {getattr(self, name).shape}: must be ({len(self.vectors)},), one "
                    f"for each use of {self.word!r}"
                )
        if len(self.period) and not (
            self.period.min() >= UNKNOWN and self.period.max() < len(self.periods)
        ):
            raise ValueError(
                f"period of {self.word!r} from {self.period.min()} to {self.period.max()}: must be an "
                f"index into the {len(self.periods)} periods, or {UNKNOWN}"
            )

    def __len__(self) -> int:
        return len(self.vectors)

    def take(self, rows: np.ndarray | list[int] | slice) -> WordUses:
        """Some of the uses: rows by number, or a mask."""
        return WordUses(
            self.word,
            self.vectors[rows],
            self.sentence[rows],
            self.place[rows],
            self.document[rows],
            self.period[rows],
            self.periods,
        )

    def in_period(self, *names: str) -> WordUses:
        """The uses of one period or of several together.

        Raises:
            ValueError: there is no such period.
        """
        return self.take(np.isin(self.period, [period_index(self.periods, n) for n in names]))

    def counts(self) -> dict[str, int]:
        """How many uses each period has; those of no period are left out."""
        known = self.period[self.period != UNKNOWN]
        found = np.bincount(known, minlength=len(self.periods))
        return dict(zip(self.periods, found.tolist(), strict=True))


def period_index(periods: tuple[str, ...], name: str) -> int:
    """The number of a period.

    Raises:
        ValueError: there is none of this name.

    Example:
        >>> period_index(("1840", "1900"), "1900")
        1
    """
    if name not in periods:
        known = ", ".join(periods) if len(periods) <= 12 else f"{periods[0]} … {periods[-1]}"
        raise ValueError(
            f"period={name!r}: must be one of {known}"
            if periods
            else f"period={name!r}: the texts have no periods; give them when building"
        )
    return periods.index(name)
