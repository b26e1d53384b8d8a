"""Training batches that are addressed by number: `batch(i)` depends on the seed and i alone.

Resuming a run stores i and nothing else, and workers can prepare any batch ahead. A batch is plain
NumPy: what each direction reads and predicts, the drawn negatives, and the distinct rows of the tables
that the step touches, padded to fixed sizes so that a compiled step sees few shapes.
"""

from __future__ import annotations

import functools
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeAlias

import numpy as np

from elmo.config import BiLMConfig
from elmo.layers.sampled_softmax import draw_negatives, log_expected_count
from elmo.settings.training import TrainingConfig
from elmo.text.encoded_corpus import EncodedCorpus
from elmo.text.encoding import BOS_ROW, EOS_ROW
from elmo.text.vocabulary import Vocabulary
from elmo.training.batches.rows import BOS, EOS, PADDING, Rows, Stream, sentence_rows
from elmo.training.batches.spellings import Spellings

Batch: TypeAlias = dict[str, np.ndarray]
"""The arrays of a batch by their names; see `Batches.batch`."""

# Steps an epoch from which a training is worth the compilation of more shapes.
LONG_EPOCH = 1_000


class Sampling(NamedTuple):
    """How negatives are drawn.

    Attributes:
        n: how many; 0 for the exact softmax.
        ranks: frequency rank of each type, `(V,)`.
        per_direction: each direction draws its own.
    """

    n: int
    ranks: np.ndarray
    per_direction: bool = False


class Unknown(NamedTuple):
    """Which words a training takes for unknown ones (Dyer et al. 2015).

    Where the vocabulary holds every word of the training text, `<UNK>` is never a target, and the model
    learns that it does not occur. A word that occurs once is the best example of one that is new.

    Attributes:
        share: of `types`, drawn anew in each epoch.
        types: those that occur once in the training text, `(n,)`.
        unk: the type of unknown words.
    """

    share: float
    types: np.ndarray
    unk: int

    @classmethod
    def of(cls, vocabulary: Vocabulary, share: float) -> Unknown:
        """A share of the words that occur once by a vocabulary's counts."""
        special = [vocabulary.bos_id, vocabulary.eos_id, vocabulary.unk_id]
        return cls(
            share, np.setdiff1d(np.flatnonzero(vocabulary.counts == 1), special), vocabulary.unk_id
        )


class Tokens:
    """The ids behind the places of an encoded corpus.

    Args:
        corpus: encoded text; where it has `type_bytes`, tokens are read by their characters.
    """

    def __init__(self, corpus: EncodedCorpus) -> None:
        self.corpus = corpus
        self.by_characters = corpus.type_bytes is not None

    def targets(self, places: np.ndarray, as_unknown: np.ndarray | None = None) -> np.ndarray:
        """Ids + 1 of what is predicted, 0 at padding.

        Args:
            places: in the corpus.
            as_unknown: from each id + 1 to the one that stands for it; see `Unknown`.
        """
        ids, bos, eos = self.corpus.ids, self.corpus.bos, self.corpus.eos
        assert ids is not None and bos is not None and eos is not None  # there is a vocabulary
        ids = self._look_up(ids, places, bos, eos)
        return ids if as_unknown is None else as_unknown[ids]

    def inputs(
        self, places: np.ndarray, as_unknown: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The distinct tokens that are read, and which of them stands where.

        Args:
            places, as_unknown: as in `targets`; a token that is read by its characters is not unknown.

        Returns:
            `(u,)` ids + 1 or `(u, M)` character ids, and their places' shape of int32. The first is
            padding.
        """
        types, type_bytes = self.corpus.types, self.corpus.type_bytes
        if types is not None and type_bytes is not None:
            ids = self._look_up(types, places, BOS_ROW, EOS_ROW)
        else:
            ids = self.targets(places, as_unknown)
        distinct, index = np.unique(np.append(ids.ravel(), 0), return_inverse=True)
        index = index[:-1].reshape(places.shape).astype(np.int32)
        tokens = distinct if type_bytes is None else type_bytes[distinct]
        return tokens.astype(np.int32), index

    @staticmethod
    def _look_up(table: np.ndarray, places: np.ndarray, bos: int, eos: int) -> np.ndarray:
        values = table[np.maximum(places, 0)].astype(np.int64)
        for place, value in ((PADDING, 0), (BOS, bos), (EOS, eos)):
            values[places == place] = value
        return values


class Batches:
    """The batches of a training.

    Args:
        tokens: the encoded corpus.
        mode: `"sentence"`: padded sentences in length buckets, `"stream"`: contiguous windows.
        batch_size: rows of a batch; in sentence mode `batch_size · window` positions are the budget of
            a batch, whatever its length.
        window: positions of a row; None in sentence mode for `batch_size` sentences in each batch.
        directions: names of the directions.
        vocabulary_size: V.
        sampling: how negatives are drawn.
        tied: the softmax uses the embedding, so that both name rows of one table.
        order: of a stream: `"corpus"` or `"shuffled"` sentences.
        state_resets: of a stream: share of windows that a row begins from zero state.
        widest_filter: of a model that reads characters: columns that only padding stands in are cut
            as far as windows of this width leave the max over them alone; None for no cut.
        seed: of orders and negatives.
        parts: in sentence mode, the rows of a batch are a multiple of this.
        unknown: words that are read and predicted as `<UNK>`; none where it is None.
        shuffle: in sentence mode, deal the sentences of a bucket to batches anew in each epoch,
            and take the batches in another order; without it they follow the corpus as far as the
            buckets let them.
    """

    @classmethod
    def of(
        cls, tokens: Tokens, model: BiLMConfig, training: TrainingConfig, vocabulary: Vocabulary
    ) -> Batches:
        """The batches of a training by its settings.

        Args:
            tokens: the encoded corpus.
            model: the architecture.
            training: the settings.
            vocabulary: with the counts that negatives are drawn by.
        """
        apart = training.negatives_mode == "per_direction"
        return cls(
            tokens,
            mode=training.mode,
            batch_size=training.batch_size,
            window=training.window,
            directions=model.direction_names,
            vocabulary_size=len(vocabulary),
            sampling=Sampling(training.negatives, vocabulary.ranks(), apart),
            tied=model.weight_tying,
            widest_filter=None if model.char_cnn is None else model.char_cnn.widest_filter,
            order=training.stream_order,
            state_resets=training.state_resets,
            seed=training.seed,
            parts=training.accumulate,
            unknown=Unknown.of(vocabulary, training.unknown_singletons),
        )

    def __init__(
        self,
        tokens: Tokens,
        *,
        mode: str,
        batch_size: int,
        window: int | None,
        directions: Sequence[str],
        vocabulary_size: int,
        sampling: Sampling,
        tied: bool = False,
        order: str = "corpus",
        state_resets: float = 0.0,
        widest_filter: int | None = None,
        seed: int = 0,
        shuffle: bool = True,
        parts: int = 1,
        unknown: Unknown | None = None,
    ) -> None:
        self.tokens = tokens
        self.mode = mode
        self.batch_size = batch_size
        self.window = window
        self.directions = tuple(directions)
        self.vocabulary_size = vocabulary_size
        self.sampling = sampling
        self.tied = tied
        self.order = order
        self.state_resets = state_resets
        self.seed = seed
        self.shuffle = shuffle
        self.unknown = unknown if unknown is not None and unknown.share else None
        self.offsets = np.asarray(tokens.corpus.offsets)
        self.id_of_rank = np.argsort(sampling.ranks, kind="stable").astype(np.int32)
        if mode == "sentence":
            self._buckets = _buckets(np.diff(self.offsets) + 1, batch_size, window, parts)
            self.per_epoch = sum(-(-len(b.sentences) // b.rows) for b in self._buckets)
        else:
            assert window is not None  # only batches of sentences do without
            longest = self._stream(0).row_length
            if order == "shuffled":
                # Each end of a row lies at most half a sentence off an equal cut, in any order.
                positions = np.diff(self.offsets) + 1
                longest = -(-int(positions.sum()) // batch_size) + int(positions.max())
            self.per_epoch = -(-longest // window)
        sample = np.unique(np.linspace(0, self.per_epoch - 1, 16).astype(int)).tolist()
        self.spellings: Spellings | None = None
        if tokens.by_characters:
            read = [tokens.inputs(self._rows(0, step).inputs)[0] for step in sample]
            long = mode == "stream" and self.per_epoch >= LONG_EPOCH
            self.spellings = Spellings(read, widest_filter, tightly=long)
        self._sizes: dict[str, int] = {}
        self._sizes = self._usual_sizes(sample)

    def __len__(self) -> int:
        return self.per_epoch

    @property
    def positions_per_epoch(self) -> int:
        """Targets of one direction in an epoch, boundaries predicted included."""
        return int(self.offsets[-1]) + len(self.offsets) - 1

    def batch(self, number: int) -> Batch:
        """The batch of that number.

        Returns:
            `inputs` and `targets`, places among `tokens` and `rows`, and `mask`, each `(directions,
            batch, time)`; `tokens` `(u,)` or `(u, M)`, in a long training by characters the longest of
            them before these in `long_tokens`; with sampling `rows` `(r,)` (types from 0, padded
            with repetitions that `row_mask` leaves out), `negatives`, `negative_log_expected` and
            `target_log_expected`; without it `targets` are types. `reset`, `(batch,)`, is 1 where a
            row's state must not be carried from the batch before.
        """
        epoch, step = divmod(number, self.per_epoch)
        rows = self._rows(epoch, step)
        as_unknown = self._as_unknown(epoch)
        tokens, inputs = self.tokens.inputs(rows.inputs, as_unknown)
        mask = rows.targets != PADDING
        batch: Batch = {
            "inputs": inputs,
            "mask": mask,
            "reset": self._resets(number, step),
        }
        targets = self.tokens.targets(rows.targets, as_unknown)
        targets = np.maximum(targets - 1, 0).astype(np.int32)
        if self.sampling.n:
            self._sample(batch, number, tokens, targets)
        else:
            batch["targets"] = targets
        if not (self.tied and self.sampling.n):
            if self.spellings is not None:
                arrays, places = self.spellings(tokens)
                batch |= arrays
                batch["inputs"] = places[inputs].astype(np.int32)
            else:
                batch["tokens"] = self._padded("tokens", tokens)
                # Padding (id 0) has no row: it stands for row 0, and its gradient is masked out.
                batch["token_mask"] = (batch["tokens"] > 0).astype(np.float32)
        return batch

    def _sample(self, batch: Batch, number: int, tokens: np.ndarray, targets: np.ndarray) -> None:
        generator = np.random.default_rng([self.seed, 1, number])
        groups = len(self.directions) if self.sampling.per_direction else 1
        n_types = self.vocabulary_size
        draws = [draw_negatives(generator, self.sampling.n, n_types) for _ in range(groups)]
        negatives = np.stack([self.id_of_rank[draw.ranks] for draw in draws])
        used = [targets.ravel(), negatives.ravel()]
        if self.tied:
            # The padding token stands for row 0 too: what it reads is masked.
            used.append(np.maximum(tokens - 1, 0))
        distinct, index = np.unique(np.concatenate(used), return_inverse=True)
        index = index.astype(np.int32)
        targets_at, negatives_at, tokens_at = np.split(
            index, [targets.size, targets.size + negatives.size]
        )
        rows = self._padded("rows", distinct.astype(np.int32))
        batch["rows"] = rows
        batch["row_mask"] = (np.arange(len(rows)) < len(distinct)).astype(np.float32)
        batch["targets"] = targets_at.reshape(targets.shape)
        batch["negatives"] = negatives_at.reshape(negatives.shape)
        if self.tied:
            batch["inputs"] = tokens_at[batch["inputs"]].astype(np.int32)
        ranks = self.sampling.ranks
        tries = [draw.tries for draw in draws]
        batch["negative_log_expected"] = np.stack(
            [log_expected_count(d.ranks, d.tries, n_types) for d in draws]
        )
        per_direction = np.array_split(targets, groups)
        batch["target_log_expected"] = np.concatenate(
            [
                log_expected_count(ranks[t], n, n_types)
                for t, n in zip(per_direction, tries, strict=True)
            ]
        )

    def _usual_sizes(self, sample: list[int]) -> dict[str, int]:
        """Sizes that nearly every batch fits in: most have one shape, and little padding.

        What a batch names is a fraction of what it could name at most, and each shape is compiled anew.
        """
        batches = [self.batch(number) for number in sample]
        sizes: dict[str, int] = {}
        for name in ("tokens", "rows"):
            if name in batches[0]:
                longest = max(len(batch[name]) for batch in batches)
                sizes[name] = -(-longest * 17 // 16 // 64) * 64
        return sizes

    def _padded(self, name: str, values: np.ndarray) -> np.ndarray:
        """Zeros behind, to the usual size, or to the next one of a coarse grid."""
        size = self._sizes.get(name, len(values))
        while size < len(values):
            size = -(-size * 9 // 8 // 64) * 64
        out = np.zeros((size, *values.shape[1:]), values.dtype)
        out[: len(values)] = values
        return out

    def _resets(self, number: int, step: int) -> np.ndarray:
        if self.mode == "sentence":
            return np.ones(1, np.float32)
        drawn = np.random.default_rng([self.seed, 2, number]).random(self.batch_size)
        return ((drawn < self.state_resets) | (step == 0)).astype(np.float32)

    def _rows(self, epoch: int, step: int) -> Rows:
        if self.mode == "stream":
            stream = self._stream(epoch if self.order == "shuffled" else 0)
            assert self.window is not None
            return stream.window(step * self.window, self.window, self.directions)
        bucket, sentences = self._plan(epoch)[step]
        return sentence_rows(self.offsets, sentences, bucket.time, self.directions)

    @functools.lru_cache(maxsize=2)  # noqa: B019 - a run holds one Batches
    def _stream(self, epoch: int) -> Stream:
        n = len(self.offsets) - 1
        order = np.arange(n)
        if self.order == "shuffled":
            order = np.random.default_rng([self.seed, 0, epoch]).permutation(n)
        return Stream(self.offsets, order, self.batch_size)

    @functools.lru_cache(maxsize=2)  # noqa: B019
    def _as_unknown(self, epoch: int) -> np.ndarray | None:
        """From ids (0 is padding) to those that this epoch reads and predicts."""
        if self.unknown is None:
            return None
        share, types, unk = self.unknown
        drawn = np.random.default_rng([self.seed, 3, epoch]).random(len(types)) < share
        ids = np.arange(self.vocabulary_size + 1, dtype=np.int32)
        ids[types[drawn] + 1] = unk + 1
        return ids

    @functools.lru_cache(maxsize=2)  # noqa: B019
    def _plan(self, epoch: int) -> list[tuple[_Bucket, np.ndarray]]:
        generator = np.random.default_rng([self.seed, 0, epoch])
        plan = []
        for bucket in self._buckets:
            sentences = bucket.sentences
            if self.shuffle:
                sentences = generator.permutation(sentences)
            short = -len(sentences) % bucket.rows
            sentences = np.append(sentences, np.full(short, -1))
            plan += [(bucket, part) for part in sentences.reshape(-1, bucket.rows)]
        if not self.shuffle:
            return sorted(plan, key=lambda entry: entry[1][0])
        return [plan[place] for place in generator.permutation(len(plan))]


class _Bucket(NamedTuple):
    time: int
    rows: int
    sentences: np.ndarray


def _buckets(
    lengths: np.ndarray, batch_size: int, window: int | None, parts: int = 1
) -> list[_Bucket]:
    """Sentences by length; a bucket's longest is at most half as long again as the one below."""
    buckets, below, time = [], 0, 8
    while below < lengths.max():
        members = np.flatnonzero((lengths > below) & (lengths <= time))
        if len(members):
            width = min(time, int(lengths.max()))
            rows = batch_size if window is None else max(1, batch_size * window // width)
            buckets.append(_Bucket(width, -(-rows // parts) * parts, members))
        below, time = time, time * 3 // 2
    return buckets


def prefetch(
    batches: Batches, first: int, workers: int = 2, ahead: int = 4
) -> Generator[Batch, None, None]:
    """Batches from number `first` on, without end, prepared ahead in threads, in order."""
    with ThreadPoolExecutor(workers, thread_name_prefix="batches") as pool:
        pending = [pool.submit(batches.batch, first + k) for k in range(ahead)]
        number = first + ahead
        try:
            while True:
                yield pending.pop(0).result()
                pending.append(pool.submit(batches.batch, number))
                number += 1
        finally:
            for future in pending:
                future.cancel()
