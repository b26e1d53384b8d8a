"""`elmo usages judge`: cosines beside judgments of people."""

from __future__ import annotations

from typing import Annotated, Any

from elmo.cli import options as o
from elmo.cli.columns import columns
from elmo.cli.command import Argument, Command, Option, Result


def judge(
    model: o.Model,
    folder: Annotated[str, Argument("FOLDER")],
    *,
    layer: o.Layer = "top",
    centred: Annotated[bool, Option("Take the mean of each word's uses off first.")] = False,
    lowercase: o.Lowercase = False,
    bootstrap: Annotated[int, Option("Resamples of the intervals; 0 for none.", least=0)] = 1000,
    seed: Annotated[int, Option("Of the resamples.", least=0)] = 0,
    vocabulary: o.Vocabulary = None,
) -> dict[str, Any]:
    """Spearman's correlation of cosines with median judgments; see `elmo.usages.layouts.judged`.

    Returns:
        `together` (`pairs`, `spearman`, `low`, `high`), `mean` over the words, and `words`, each with
        the same and its `word`.
    """
    from elmo.api import load
    from elmo.usages.layouts import judged
    from elmo.usages.layouts.encoding import encode_spans
    from elmo.usages.layouts.wug import read_wug

    words = read_wug(folder)
    loaded = load(model, vocabulary)

    def encode(texts: Any, spans: Any) -> Any:
        read = [_lowered(text) for text in texts] if lowercase else texts
        return encode_spans(loaded, read, spans, layer)

    found = judged.judge(words, encode, centred=centred, resamples=bootstrap, seed=seed)
    return found.to_dict()


def _lowered(text: str) -> str:
    """Lower-cased letter by letter: a text keeps its length, and offsets their meaning."""
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def show(result: Result) -> str:
    """A line for each word, and one for all pairs together."""
    rows = [("", "pairs", "Spearman", "95 %")]
    for one in (*result["words"], {**result["together"], "word": "all pairs"}):
        low, high = (f"{one[end]:.3f}" for end in ("low", "high"))
        rows.append(
            (one["word"], f"{one['pairs']:,}", f"{one['spearman']:.3f}", f"{low} to {high}")
        )
    return f"{columns(rows)}\nmean over words: {result['mean']:.3f}"


COMMAND = Command(
    judge,
    show,
    "Cosines of judged pairs of uses beside the judgments (DURel, WUG).",
    "elmo usages judge my-elmo dwug_en\nelmo usages judge my-elmo dwug_en --layer 1 --json",
)
