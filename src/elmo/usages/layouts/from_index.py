"""Uses of an index in the layouts of the field."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elmo.usages.index import UsageIndex
from elmo.usages.layouts.semeval import write_sentences
from elmo.usages.layouts.wug import Wug, WugUse, file_name, write_wug
from elmo.usages.periods import labels_in
from elmo.usages.senses.clustering import contextual
from elmo.usages.senses.inventory import Senses, use_keys
from elmo.usages.word_uses import WordUses


def identifiers(index: UsageIndex, uses: WordUses) -> list[str]:
    """A name for each use: document, number of the sentence in the index, and place."""
    stems = [Path(document.name).name.partition(".")[0] for document in index.documents]
    return [
        f"{stems[d]}-{s}-{p}"
        for d, s, p in zip(
            uses.document.tolist(), uses.sentence.tolist(), uses.place.tolist(), strict=True
        )
    ]


def wug_of(
    index: UsageIndex, word: str, most: int | None = None, groupings: Sequence[str] = ()
) -> Wug:
    """A word's uses as a graph without judgments, to be annotated; senses that are kept as clusters.

    Args:
        index: of uses.
        word: as the texts spell it.
        most: uses of each grouping, spread evenly over the texts.
        groupings: periods such as `1840-1869`, of which uses are taken; by default all uses, each
            grouped by the period of its document.
    """
    uses = index.uses(word)
    labels = ("", *uses.periods)  # 0 for no period
    group = np.array([*(groupings or labels[1:]), ""], object)
    of_use = uses.period
    if groupings:
        number = np.full(len(uses.periods) + 1, -1)
        for place, period in enumerate(groupings):
            number[:-1][labels_in(period, uses.periods)] = place
        of_use = number[uses.period]
    rows = np.flatnonzero(of_use >= 0) if groupings else np.arange(len(uses))
    if most is not None:
        rows = np.sort(
            np.concatenate([_spread(rows[of_use[rows] == g], most) for g in set(of_use)])
        )
    uses, of_use = uses.take(rows), of_use[rows]
    names = identifiers(index, uses)
    tokens = [index.sentence(number) for number in uses.sentence.tolist()]
    found = []
    for row, (sentence, place) in enumerate(zip(tokens, uses.place.tolist(), strict=True)):
        begin = len(" ".join(sentence[:place])) + (place > 0)
        found.append(
            WugUse(
                word,
                names[row],
                " ".join(sentence),
                begin,
                begin + len(sentence[place]),
                str(group[of_use[row]]),
                labels[uses.period[row] + 1],
            )
        )
    senses = Senses.read(index.folder, word)
    clusters = {}
    if senses is not None:
        places = senses.labels(use_keys(tokens, uses.place.tolist()), uses.vectors)
        numbers = [str(one.number) for one in senses.senses] + ["-1"]
        clusters = {name: numbers[place] for name, place in zip(names, places, strict=True)}
    return Wug(word, found, [], clusters)


def export_wug(
    index: UsageIndex,
    words: Sequence[str],
    folder: str | os.PathLike[str],
    most: int | None = None,
    groupings: Sequence[str] = (),
) -> list[Path]:
    """Writes `data/WORD/uses.tsv` and an empty `judgments.tsv` for each word; see `wug_of`."""
    return write_wug(folder, (wug_of(index, word, most, groupings) for word in words))


def export_semeval(
    index: UsageIndex,
    words: Sequence[str],
    folder: str | os.PathLike[str],
    groupings: Sequence[str],
) -> list[Path]:
    """Writes `corpusN/token/PERIOD.txt` with the sentences of the words' uses, and `targets.txt`.

    Raises:
        ValueError: a period that there is not.
    """
    folder, written = Path(folder), []
    uses = [index.uses(word) for word in words]
    for number, period in enumerate(groupings, 1):
        inside = np.append(labels_in(period, index.periods), False)
        chosen = sorted({s for one in uses for s in one.sentence[inside[one.period]].tolist()})
        path = folder / f"corpus{number}" / "token" / f"{file_name(period)}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_sentences(path, map(index.sentence, chosen))
        written.append(path)
    write_sentences(folder / "targets.txt", [[word] for word in words])
    return [*written, folder / "targets.txt"]


def map_columns(index: UsageIndex, words: Sequence[str], most: int | None = None) -> dict[str, Any]:
    """A row for each use: text, where it comes from, its vector, and x and y, its first two
    principal components among the uses of its word; for embedding-atlas.

    Args:
        index: of uses.
        words: as the texts spell them.
        most: uses of each word, spread evenly over the texts.
    """
    table: dict[str, list[Any]] = {
        name: [] for name in ("identifier", "word", "text", "document", "period", "sense", "vector")
    }
    flat = []
    for word in words:
        uses = index.uses(word, most=most)
        tokens = [index.sentence(number) for number in uses.sentence.tolist()]
        senses = Senses.read(index.folder, word)
        labels = ["", *(one.label for one in senses.senses)] if senses is not None else [""]
        places = np.full(len(uses), -1)
        if senses is not None:
            places = senses.labels(use_keys(tokens, uses.place.tolist()), uses.vectors)
        for row, (sentence, place) in enumerate(zip(tokens, uses.place.tolist(), strict=True)):
            document = index.document(int(uses.document[row]))
            marked = [*sentence[:place], f"[{sentence[place]}]", *sentence[place + 1 :]]
            table["text"].append(" ".join(marked))
            table["document"].append(document.name)
            table["period"].append(document.period)
            table["sense"].append(labels[places[row] + 1])
        table["identifier"] += identifiers(index, uses)
        table["word"] += [word] * len(uses)
        table["vector"] += list(uses.vectors)
        flat.append(plane(uses.vectors))
    x, y = np.concatenate(flat).T
    return {**table, "x": x, "y": y}


def write_map(path: str | os.PathLike[str], table: dict[str, Any]) -> None:
    """Writes the rows of `map_columns` as Parquet, vectors as lists of float32."""
    import pyarrow
    import pyarrow.parquet

    from elmo.system.files import temporary_beside

    vectors = np.asarray(table["vector"], np.float32)
    lists = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.ravel()), vectors.shape[1])
    columns = {name: values for name, values in table.items() if name != "vector"}
    with temporary_beside(path) as temporary:
        pyarrow.parquet.write_table(pyarrow.table({**columns, "vector": lists}), temporary)


def plane(vectors: np.ndarray) -> np.ndarray:
    """The first two principal components, `(n, 2)`, each with its largest loading positive.

    Example:
        >>> plane(np.array([[0.0, 0.0], [3.0, 0.0], [6.0, 0.0]])).round(2).tolist()
        [[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]
    """
    table = contextual(vectors).astype(np.float64)
    table -= table.mean(axis=0)
    _, directions = np.linalg.eigh(table.T @ table)
    chosen = directions[:, ::-1][:, :2]
    chosen = chosen * np.sign(chosen[np.argmax(np.abs(chosen), axis=0), range(chosen.shape[1])])
    flat = table @ chosen
    result: np.ndarray = np.pad(flat, ((0, 0), (0, 2 - flat.shape[1]))).astype(np.float32)
    return result


def _spread(rows: np.ndarray, most: int) -> np.ndarray:
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).round().astype(int)]
