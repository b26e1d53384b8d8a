"""How fast words are counted, by the ways there are.

    python benchmarks/count_speed.py TEXT [--repeat 10] [--json]

Counts the given text, one sentence a line, repeated to a larger file, and prints millions of words
a second for each way, the best of three rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from elmo.text.corpus import Corpus
from elmo.text.counting import count_tokens
from elmo.text.vocabulary import Vocabulary

ROUNDS = 3


def by_lines(path: Path) -> None:
    """The plain way: a Counter fed line by line."""
    counts: Counter[str] = Counter()
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            counts.update(line.split())


def by_tokenizers(path: Path) -> None:
    """Hugging Face `tokenizers`; its trainer ranks the words but gives no counts."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.WordLevel(unk_token="<UNK>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.WordLevelTrainer(vocab_size=10**9, show_progress=False)
    tokenizer.train([str(path)], trainer)


def measure(text: Path, repeat: int) -> dict:
    """Words a second of each way on `repeat` copies of a text."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.txt"
        path.write_bytes(text.read_bytes() * repeat)
        corpus = Corpus(path)
        words = count_tokens(corpus, processes=1)[0].total()
        ways: dict[str, Callable[[], object]] = {
            "Counter.update(line.split()), 1 process": lambda: by_lines(path),
            "elmo, 1 process": lambda: count_tokens(corpus, processes=1),
            "elmo, 2 processes": lambda: count_tokens(corpus, processes=2),
            "elmo, as it chooses": lambda: count_tokens(corpus),
            "Vocabulary.from_corpus, as it chooses": lambda: Vocabulary.from_corpus(corpus),
        }
        try:
            import tokenizers  # noqa: F401
        except ImportError:
            pass
        else:
            ways["Hugging Face tokenizers"] = lambda: by_tokenizers(path)
        best = dict.fromkeys(ways, float("inf"))
        for _ in range(ROUNDS):  # in turn, so that what else the machine does meets them alike
            for name, way in ways.items():
                best[name] = min(best[name], _seconds(way))
        speeds = {name: round(words / seconds / 1e6, 2) for name, seconds in best.items()}
        return {
            "text": str(text),
            "words": words,
            "bytes": path.stat().st_size,
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "million_words_per_second": speeds,
        }


def _seconds(way: Callable[[], object]) -> float:
    start = time.perf_counter()
    way()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("text", type=Path)
    parser.add_argument("--repeat", type=int, default=10, help="copies that are counted")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    result = measure(arguments.text, arguments.repeat)
    if arguments.json:
        print(json.dumps(result))
        return
    print(f"{result['words']:,} words, {result['cores']} cores, Python {result['python']}")
    for name, speed in result["million_words_per_second"].items():
        print(f"{name:<42}{speed:>7.2f} M words/s")


if __name__ == "__main__":
    main()
