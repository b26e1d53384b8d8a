"""How often each token of a corpus occurs, in one process or several.

Files of one sentence a line are counted block by block as bytes; a token is decoded (and
lower-cased) once for each type. Other processes are plain `python -c` children, which need no guard
around the caller's main module and inherit none of its threads.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from elmo.text.corpus import Corpus
from elmo.text.files import TextFile, compression, is_damage, open_text

_BLOCK = 1 << 20
_BYTES_A_PROCESS = 1 << 25  # below this a further process costs more than it brings
_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class _Share:
    """Lines of one file that begin in a range of bytes; `end` None is the end of the file."""

    path: str
    start: int
    end: int | None
    keep_blank: bool
    errors: str
    longest: int | None


def count_tokens(
    corpus: Corpus | Iterable[list[str]], processes: int | None = None
) -> tuple[Counter[str], int]:
    """Count the tokens and the sentences of a corpus.

    Args:
        corpus: a `Corpus`, or any iterable of lists of tokens.
        processes: how many at once; None for as many as there are cores and the size is worth.

    Returns:
        The counts of the types, and the number of sentences. The order of the counter depends on
        the blocks; sort it.

    Example:
        >>> counts, sentences = count_tokens(Corpus.from_sentences(["a b a", "b"]))
        >>> sorted(counts.items()), sentences
        ([('a', 2), ('b', 2)], 2)
    """
    if processes is not None and not (type(processes) is int and processes >= 1):
        raise ValueError(f"processes={processes!r}: must be 1 or more, or None")
    if not isinstance(corpus, Corpus) or not corpus.files or corpus.raw:
        counts: Counter[str] = Counter()
        sentences = 0
        for tokens in corpus:
            counts.update(tokens)
            sentences += 1
        return counts, sentences
    shares = _shares(corpus, processes)
    try:
        packed, sentences = _count_all(shares)
    except UnicodeDecodeError:
        for _ in corpus:  # finds the line and raises with its number
            pass
        raise
    if not sentences:
        next(iter(corpus))  # raises that there is none
    counts = Counter()
    for token, n in packed.items():
        text = token.decode("utf-8")
        counts[text.lower() if corpus.lowercase else text] += n
    return counts, sentences


def _shares(corpus: Corpus, processes: int | None) -> list[list[_Share]]:
    """The files cut in ranges and dealt to processes."""
    paths = [text.path for text in corpus._texts]
    sizes = [os.path.getsize(path) for path in paths]
    if processes is None:
        processes = max(1, min(_cores(), sum(sizes) // _BYTES_A_PROCESS))
    target = sum(sizes) // processes + 1
    options = corpus.blank_lines == "keep", corpus.encoding_errors, corpus.max_sentence_tokens
    pieces: list[tuple[int, _Share]] = []
    for path, size in zip(paths, sizes, strict=True):
        if processes == 1 or compression(path):
            pieces.append((size, _Share(path, 0, None, *options)))
            continue
        cuts = [*range(0, size, target), size]
        for start, end in itertools.pairwise(cuts):
            pieces.append((end - start, _Share(path, start, end, *options)))
    hands: list[list[_Share]] = [[] for _ in range(processes)]
    loads = [0] * processes
    for size, share in sorted(pieces, key=lambda piece: -piece[0]):  # the largest first
        least = loads.index(min(loads))
        hands[least].append(share)
        loads[least] += size
    return [hand for hand in hands if hand]


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _count_all(hands: list[list[_Share]]) -> tuple[Counter[bytes], int]:
    """Count the first hand here and each other one in a child; merge."""
    children: list[tuple[subprocess.Popen[bytes] | None, list[_Share]]] = []
    counts: Counter[bytes] = Counter()
    sentences = 0
    try:
        for hand in hands[1:]:
            children.append((_start(hand), hand))
        if hands:
            sentences += _count_hand(hands[0], counts)
        for child, hand in children:
            answer = child.communicate()[0] if child is not None else b""
            if child is None or child.returncode != 0:
                sentences += _count_hand(hand, counts)  # here, where an error can be told
            else:
                part, n = pickle.loads(answer)
                counts.update(part)
                sentences += n
    finally:
        for child, _ in children:
            if child is not None and child.poll() is None:
                child.kill()
                child.communicate()
    return counts, sentences


def _start(hand: list[_Share]) -> subprocess.Popen[bytes] | None:
    if not sys.executable:
        return None
    where = os.pathsep.join(p for p in sys.path if p)
    child = subprocess.Popen(
        [sys.executable, "-c", "from elmo.text import counting; counting._serve()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": where},
    )
    assert child.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # a child that died is noticed at its answer
        child.stdin.write(pickle.dumps(hand))
        child.stdin.close()
    child.stdin = None
    return child


def _serve() -> None:
    """What a child does: read its shares, count, answer."""
    hand = pickle.load(sys.stdin.buffer)
    counts: Counter[bytes] = Counter()
    sentences = _count_hand(hand, counts)
    sys.stdout.buffer.write(pickle.dumps((dict(counts), sentences), protocol=5))


def _count_hand(hand: list[_Share], counts: Counter[bytes]) -> int:
    return sum(_count_share(share, counts) for share in hand)


def _count_share(share: _Share, counts: Counter[bytes]) -> int:
    """Add the tokens of a share to `counts`; return the number of its sentences."""
    sentences = lines = 0
    try:
        with open_text(share.path) as stream:
            position = 0
            if share.start:
                stream.seek(share.start - 1)  # a line that begins before is another share's
                position = share.start - 1 + len(stream.readline())
            while share.end is None or position < share.end:
                wanted = _BLOCK if share.end is None else min(_BLOCK, share.end - position)
                block = stream.read(wanted)
                if not block:
                    break
                if not block.endswith(b"\n"):
                    block += stream.readline()
                if position == 0:
                    position = len(block) - len(block.removeprefix(_BOM))
                    block = block.removeprefix(_BOM)
                position += len(block)
                lines += block.count(b"\n")
                if share.errors == "replace":
                    block = block.decode("utf-8", "replace").encode()
                else:
                    block.decode("utf-8")  # raises where it is not UTF-8
                counts.update(block.split())
                sentences += _sentences(block, share)
    except Exception as error:
        if not is_damage(error):
            raise
        raise TextFile(share.path).damage(error, lines) from None
    return sentences


def _sentences(block: bytes, share: _Share) -> int:
    rows = block.split(b"\n")
    if not rows[-1]:
        rows.pop()  # behind the last line's end
    number = len(rows) if share.keep_blank else sum(map(bool, map(bytes.strip, rows)))
    if share.longest is not None:
        for row in rows:
            if len(row) > 2 * share.longest:  # shorter lines cannot have more tokens than that
                number += max(0, -(-len(row.split()) // share.longest) - 1)
    return number
