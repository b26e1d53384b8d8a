"""Nearest uses among all words: by an index of faiss where it is installed, else by comparing all.

The index of faiss has lists of uses that lie near each other (IVF) with one bit for each number of a
vector (RaBitQ); the best candidates of the nearest lists are compared exactly, from the vectors of the
index of uses. On 2.1 million uses of 512 numbers it takes 161 MB, where eight bits take 1,039 MB, and
finds as many of the exact 20 in a quarter of the time (benchmarks/NOTES.md).
"""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from elmo.system.errors import FormatError, read_json
from elmo.system.files import write_json
from elmo.system.progress import progress_for
from elmo.usages.cosines import Rows, cosines, largest, unit

if TYPE_CHECKING:
    from elmo.usages.index import UsageIndex

FOLDER = "across"
FEWEST = 1 << 17  # uses; fewer are compared one by one as fast
_LISTS = (1 << 4, 1 << 14)
_SAMPLE = 64  # uses for each list, from which the lists are learnt
_PROBED = 32  # one list in so many is looked through, and at least so many
_CANDIDATES = 20  # for each use that is asked for, and at least 400
_BLOCK = 1 << 15  # uses that are added at a time


def exact(
    index: UsageIndex, vector: np.ndarray, mean: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """The k nearest of all uses and their cosines, each compared."""
    found = cosines(Rows(index.pieces()), vector, mean)
    best = largest(found, k)
    return best, found[best]


def open_across(index: UsageIndex, mean: np.ndarray, progress: bool = False) -> AcrossSearch | None:
    """The index of faiss in the folder, made if it is missing or of other documents.

    Args:
        index: of uses.
        mean: that is taken off, `(dim,)`; one that was made before has its own.
        progress: show how far it is made, which takes minutes for millions of uses.

    Returns:
        None where faiss-cpu is not installed, or the uses are so few that comparing them is as fast.
    """
    if len(index) < FEWEST:
        return None
    try:
        import faiss
    except ImportError:
        return None
    folder, identity = index.folder / FOLDER, index.identity()
    try:
        about = read_json(folder / "about.json")
        if about.get("of") == identity:
            found = faiss.read_index(str(folder / "index.faiss"))
            return AcrossSearch(index, found, np.load(folder / "mean.npy"))
    except (FormatError, OSError, ValueError, RuntimeError):
        pass  # what cannot be read is made anew
    made = _make(faiss, index, mean, progress)
    _keep(faiss, made, mean, folder, identity)
    return AcrossSearch(index, made, mean)


class AcrossSearch:
    """Searches an index of faiss, and compares its candidates exactly.

    Args:
        index: of uses.
        found: of faiss.
        mean: that is taken off all vectors.
    """

    def __init__(self, index: UsageIndex, found: Any, mean: np.ndarray) -> None:
        self.index, self._found, self._mean = index, found, mean

    def search(self, vector: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest uses by their numbers, and their cosines."""
        asked = unit(vector - self._mean).astype(np.float32)
        self._found.nprobe = max(_PROBED, self._found.nlist // _PROBED)
        _, (near,) = self._found.search(asked[None], max(400, _CANDIDATES * k))
        near = np.sort(near[near >= 0])  # in the order of the disk
        similarities = unit(self.index.floats_at(near) - self._mean) @ asked
        best = largest(similarities, k)
        return near[best], similarities[best]


def _make(faiss: Any, index: UsageIndex, mean: np.ndarray, progress: bool) -> Any:
    uses = len(index)
    bar = progress_for(progress, "index of all uses", "use")
    bar.start(uses, 0)
    lists = 1 << int(math.log2(math.sqrt(uses)))
    lists = min(max(lists, _LISTS[0]), _LISTS[1])
    made = faiss.index_factory(index.dim, f"IVF{lists},RaBitQ", faiss.METRIC_INNER_PRODUCT)
    made.train(unit(index.sample(_SAMPLE * lists) - mean))
    for start in range(0, uses, _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, uses))
        made.add(unit(index.floats_at(rows) - mean))
        bar.update(start + len(rows))
    bar.stop()
    return made


def _keep(faiss: Any, made: Any, mean: np.ndarray, folder: Path, identity: Any) -> None:
    """Write it beside the uses; where that cannot be, it is made anew next time."""
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        faiss.write_index(made, str(folder / "index.faiss"))
        np.save(folder / "mean.npy", mean)
        write_json(folder / "about.json", {"of": json.loads(json.dumps(identity))})
    except (OSError, RuntimeError):
        shutil.rmtree(folder, ignore_errors=True)
