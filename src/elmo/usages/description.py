"""What an index of uses says about itself, in `usages.json`: model, layer, segments, documents.

The folder of an index:

| in it | is |
|---|---|
| `usages.json` | the description; the last to come, so a folder without it is no index yet |
| `uses-0`, `uses-1` … | segments: uses of some documents, as `elmo.vectors.stores.by_type` |
| `uses-N.unfinished` | a segment that is being made |
| everything else | made from these, and may be thrown away |
"""

from __future__ import annotations

import os
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from elmo.system.errors import FormatError, read_json
from elmo.system.files import write_json
from elmo.usages.documents import Document

if TYPE_CHECKING:
    from elmo.engines.choosing import Precision

NAME = "usages.json"
SEGMENT = "uses-"
HALF_WRITTEN = ".usages.*.part.json"
VERSION = 1


@dataclass(frozen=True)
class Segment:
    """Documents that were indexed together.

    Attributes:
        folder: the name of its folder.
        documents: in the order of their sentences.
    """

    folder: str
    documents: tuple[Document, ...]

    @property
    def number(self) -> int:
        return int(self.folder.removeprefix(SEGMENT))


@dataclass(frozen=True)
class Description:
    """What an index holds, and what made it.

    Attributes:
        model: where the model was: a path, a pair of paths as a list, a name; None for a model that
            was in memory alone.
        model_digest: tells its weights from others.
        vocabulary: a file that it was loaded with, or None.
        layer: as it was chosen: `"top"`, `"average"`, a number as text.
        precision: of the computation.
        lowercase: whether the texts were lower-cased.
        words: those that were listed; None for all.
        min_count: words with fewer uses in their texts have none.
        segments: what there is.
    """

    model: str | list[str] | None
    model_digest: str
    vocabulary: str | None
    layer: str
    precision: Precision
    lowercase: bool
    words: tuple[str, ...] | None
    min_count: int
    segments: tuple[Segment, ...] = ()

    @property
    def next_segment(self) -> str:
        """The name of the folder of one more segment."""
        return f"{SEGMENT}{max((s.number for s in self.segments), default=-1) + 1}"

    def with_segment(self, segment: Segment) -> Description:
        """The same with one more segment."""
        return replace(self, segments=(*self.segments, segment))

    def write(self, folder: Path) -> None:
        """Write it whole, and remove what it does not name: replaced segments, half a description."""
        write_json(folder / NAME, {"version": VERSION, **asdict(self)})
        kept = {segment.folder for segment in self.segments}
        for path in folder.glob(HALF_WRITTEN):
            path.unlink()
        for path in folder.glob(f"{SEGMENT}*"):
            if path.suffix == "" and path.name not in kept:
                shutil.rmtree(path, ignore_errors=True)

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> Description:
        """The description of an index.

        Raises:
            FileNotFoundError: the folder holds no index.
            FormatError: it is damaged, or of another version.
        """
        path = Path(folder) / NAME
        if not path.is_file():
            unfinished = any(Path(folder).glob(f"{SEGMENT}*.unfinished"))
            mend = "finish it (elmo usages build … --resume)" if unfinished else "build one first"
            what = "an unfinished index of uses" if unfinished else "no index of uses"
            raise FileNotFoundError(f"{os.fspath(folder)}: holds {what}; {mend}")
        found = read_json(path)
        if found.pop("version", None) != VERSION:
            raise FormatError(f"{path}: written by another version of elmo; build the index again")
        try:
            segments = tuple(
                Segment(one["folder"], tuple(Document(**d) for d in one["documents"]))
                for one in found.pop("segments")
            )
            words = found.pop("words")
            return cls(**found, words=None if words is None else tuple(words), segments=segments)
        except (KeyError, TypeError, ValueError) as error:
            raise FormatError(f"{path}: damaged ({error}); build the index again") from error


def of_model(source: Any) -> str | list[str] | None:
    """How a description names a model: local paths in full, anything else as it was given."""
    if isinstance(source, tuple | list):
        return [str(_full(part)) for part in source]
    if isinstance(source, str | os.PathLike):
        return _full(source)
    return None


def _full(path: str | os.PathLike[str]) -> str:
    text = os.fspath(path)
    return os.path.abspath(text) if os.path.exists(text) else text
