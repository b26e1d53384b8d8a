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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from elmo.text.corpus import LONGEST_TOKEN, Corpus, too_long
from elmo.text.files import CorpusError, TextFile, compression, is_damage, open_text

_BLOCK = 1 << 20
_BYTES_A_PROCESS = 1 << 25  # below this a further process costs more than it brings
_BOM = b"\xef\xbb\xbf"
_SPACES = (b" ", b"\t", b"\n", b"\r", b"\x0b", b"\x0c")


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
    corpus: Corpus | Iterable[Sequence[str]], processes: int | None = None
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
    if not isinstance(corpus, Corpus) or not _is_plain(corpus):
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


def _is_plain(corpus: Corpus) -> bool:
    """Whether its tokens are what stands between spaces in the lines of files."""
    if not corpus.files or corpus.raw:
        return False
    return not any(map(corpus.is_conllu, corpus._texts))


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
    lines = _Lines(share)
    try:
        with open_text(share.path) as stream:
            for block in _blocks(stream, share):
                if share.errors == "replace":
                    block = block.decode("utf-8", "replace").encode()
                else:
                    block.decode("utf-8")  # raises where it is not UTF-8
                counts.update(block.split())
                lines.take(block)
    except _TooLongError:
        raise CorpusError(too_long(TextFile(share.path), lines.ended + 1)) from None
    except Exception as error:
        if not is_damage(error):
            raise
        raise TextFile(share.path).damage(error, lines.ended) from None
    return lines.sentences()


class _TooLongError(Exception):
    """A token that is none."""


def _blocks(stream: BinaryIO, share: _Share) -> Iterator[bytes]:
    """The lines of a share in blocks; one is cut at the end of a line, or else behind a token."""
    position, first = 0, not share.start
    if share.start:  # a line that begins before is another share's
        stream.seek(share.start - 1)
        position = share.start - 1
        while piece := stream.readline(_BLOCK):
            position += len(piece)
            if piece.endswith(b"\n"):
                break
    block, inside = b"", False  # what is not told of yet; whether a line is under way
    while inside or share.end is None or position < share.end:
        wanted = _BLOCK if share.end is None else max(1, min(_BLOCK, share.end - position))
        read = stream.readline(_BLOCK) if inside else stream.read(wanted)
        if not inside and not read.endswith(b"\n"):
            read += stream.readline(_BLOCK)
        if not read:
            break
        position += len(read)
        if first:
            read, first = read.removeprefix(_BOM), False
        block += read
        inside = not read.endswith(b"\n")
        cut = len(block)
        if inside:
            cut = max(map(block.rfind, _SPACES)) + 1
            if len(block) - cut > LONGEST_TOKEN:
                raise _TooLongError
        if cut:
            yield block[:cut]
            block = block[cut:]
    if block:
        yield block


class _Lines:
    """Counts sentences in blocks, whatever part of a line a block ends in."""

    def __init__(self, share: _Share) -> None:
        self._keep, self._longest = share.keep_blank, share.longest
        self._sentences = self.ended = 0
        self._open: int | None = None  # tokens of the line that has not ended; None between lines

    def take(self, block: bytes) -> None:
        """Count on."""
        *rows, last = block.split(b"\n")
        self.ended += len(rows)
        if rows and self._open is not None:
            self._sentences += self._parts(self._open + len(rows[0].split()))
            self._open = None
            del rows[0]
        self._sentences += len(rows) if self._keep else sum(map(bool, map(bytes.strip, rows)))
        if self._longest is not None:
            for row in rows:
                if len(row) > 2 * self._longest:  # shorter lines cannot have more tokens than that
                    self._sentences += max(0, -(-len(row.split()) // self._longest) - 1)
        if last:
            self._open = (self._open or 0) + len(last.split())

    def sentences(self) -> int:
        """How many there are, that of a line without an end among them."""
        return self._sentences + (0 if self._open is None else self._parts(self._open))

    def _parts(self, tokens: int) -> int:
        """Sentences of a line."""
        if not tokens:
            return int(self._keep)
        return 1 if self._longest is None else -(-tokens // self._longest)
