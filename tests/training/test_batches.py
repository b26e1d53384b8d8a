import numpy as np
import pytest

from elmo.text.corpus import Corpus
from elmo.text.encoded_corpus import encode_corpus
from elmo.text.encoding import SentenceEncoder
from elmo.text.vocabulary import Vocabulary
from elmo.training.batches.batches import Batches, Sampling, Tokens, Unknown, prefetch

BOTH = ("forward", "backward")


def text(n=40, seed=0, types=30):
    rng = np.random.default_rng(seed)
    return [
        [f"w{min(int(k), types)}" for k in rng.zipf(1.4, rng.integers(1, 15))] for _ in range(n)
    ]


def make(mode="stream", characters=None, sampling=8, tied=False, types=30, n=40, **options):
    corpus = Corpus.from_sentences(text(n, types=types))
    vocabulary = Vocabulary.from_corpus(corpus)
    encoder = SentenceEncoder(vocabulary, characters)
    options = {"batch_size": 3, "window": 6, "directions": BOTH, "seed": 5, **options}
    per_direction = options.pop("per_direction", False)
    if "unknown" in options:
        options["unknown"] = Unknown.of(vocabulary, options["unknown"])
    batches = Batches(
        Tokens(encode_corpus(encoder, corpus)),
        mode=mode,
        vocabulary_size=len(vocabulary),
        sampling=Sampling(sampling, vocabulary.ranks(), per_direction),
        tied=tied,
        **options,
    )
    return batches, vocabulary


def targets_of(batch):
    """Ids of what a batch predicts, whatever rows it names."""
    return batch["rows"][batch["targets"]] if "rows" in batch else batch["targets"]


@pytest.mark.parametrize("mode", ["stream", "sentence"])
def test_an_epoch_predicts_every_token_once(mode):
    batches, vocabulary = make(mode, order="shuffled")
    words = [t for s in text() for t in s]
    for epoch in range(6):
        numbers = range(epoch * len(batches), (epoch + 1) * len(batches))
        for direction, boundary in ((0, "</S>"), (1, "<S>")):
            found = [
                targets_of(b)[direction][b["mask"][direction]] for b in map(batches.batch, numbers)
            ]
            found = sorted(vocabulary.tokens[i] for i in np.concatenate(found))
            assert found == sorted([*words, *[boundary] * 40])


@pytest.mark.parametrize("mode", ["stream", "sentence"])
@pytest.mark.parametrize("tied", [False, True])
def test_what_is_read_comes_before_what_is_predicted(mode, tied):
    """Within a row the next input is this target, up to the end of a sentence."""
    batches, vocabulary = make(mode, tied=tied)
    ends = {vocabulary.bos_id, vocabulary.eos_id}
    for number in range(len(batches)):
        batch = batches.batch(number)
        read = batch["rows"][batch["inputs"]] if tied else batch["tokens"][batch["inputs"]] - 1
        targets, mask = targets_of(batch), batch["mask"]
        for place in np.argwhere(mask[..., :-1] & mask[..., 1:]):
            here, after = tuple(place), (*place[:-1], place[-1] + 1)
            if targets[here] not in ends:
                assert read[after] == targets[here]


def test_a_batch_depends_on_the_seed_and_its_number_alone():
    one, _ = make(order="shuffled")
    other, _ = make(order="shuffled")
    for number in (7, 0, 3):
        other.batch(number + 5)
        first, again = one.batch(number), other.batch(number)
        assert set(first) == set(again)
        for name in first:
            np.testing.assert_array_equal(first[name], again[name])
    different, _ = make(order="shuffled", seed=6)
    assert (targets_of(different.batch(0)) != targets_of(one.batch(0))).any()


def test_shapes_do_not_change_within_a_stream():
    batches, _ = make(order="shuffled")
    shapes = {
        tuple((name, np.shape(a)) for name, a in sorted(batches.batch(k).items()))
        for k in range(2 * len(batches))
    }
    assert len(shapes) == 1


@pytest.mark.parametrize("per_direction", [False, True])
def test_negatives_are_distinct_and_named_by_rows(per_direction):
    batches, vocabulary = make(per_direction=per_direction)
    batch = batches.batch(0)
    assert batch["negatives"].shape == (2 if per_direction else 1, 8)
    for drawn in batch["rows"][batch["negatives"]]:
        assert len(set(drawn.tolist())) == 8
    n = int(batch["row_mask"].sum())
    assert len(set(batch["rows"][:n].tolist())) == n
    assert batch["row_mask"][:n].all()
    used = np.concatenate([batch["targets"].ravel(), batch["negatives"].ravel()])
    assert used.max() < n
    assert n <= len(vocabulary)


def test_a_vocabulary_out_of_order_is_ranked_by_its_counts():
    """The most frequent type is drawn most, whatever its id."""
    corpus = Corpus.from_sentences(text())
    counted = Vocabulary.from_corpus(corpus)
    shuffled = list(counted.tokens)
    np.random.default_rng(0).shuffle(shuffled)
    vocabulary = Vocabulary(shuffled).with_counts(corpus)
    batches = Batches(
        Tokens(encode_corpus(SentenceEncoder(vocabulary), corpus)),
        mode="stream", batch_size=2, window=4, directions=BOTH, vocabulary_size=len(vocabulary),
        sampling=Sampling(2, vocabulary.ranks()),
    )  # fmt: skip
    drawn = np.zeros(len(vocabulary))
    for number in range(500):
        batch = batches.batch(number)
        drawn[batch["rows"][batch["negatives"]]] += 1
    assert vocabulary.counts[drawn.argmax()] == vocabulary.counts.max()
    order = np.argsort(vocabulary.ranks())
    assert drawn[order[:5]].sum() > 2 * drawn[order[-5:]].sum()


def test_characters_are_those_of_the_tokens():
    batches, _ = make(characters=12)
    batch = batches.batch(0)
    assert batch["tokens"].shape[1] == 12
    assert not batch["tokens"][0].any()
    wanted = SentenceEncoder(characters=12).encode(text()[0])
    read = batch["tokens"][batch["inputs"][0, 0]]  # the first row's first window
    np.testing.assert_array_equal(read[: len(wanted) - 1], wanted[: len(read)][: len(wanted) - 1])


@pytest.mark.parametrize("widest", [1, 3])
def test_columns_are_cut_where_every_window_that_is_left_out_has_its_like(widest):
    whole, _ = make(characters=20)
    cut, _ = make(characters=20, widest_filter=widest)
    narrower = 0
    for number in range(len(whole)):
        long, short = whole.batch(number)["tokens"], cut.batch(number)["tokens"]
        columns = short.shape[1]
        np.testing.assert_array_equal(short, long[: len(short), :columns])
        narrower += columns < 20
        # In a row that is cut, the last window of that width and all behind it are the same padding.
        behind = long[:, columns - widest :]
        assert columns == 20 or (behind == behind[:, -1:]).all()
    assert narrower


def test_little_is_padded():
    """A vocabulary much larger than what a batch names."""
    batches, _ = make(batch_size=4, window=3, sampling=4, tied=True)
    named = [int(batches.batch(k)["row_mask"].sum()) for k in range(len(batches))]
    sizes = {len(batches.batch(k)["rows"]) for k in range(len(batches))}
    assert max(sizes) <= max(named) * 17 / 16 + 64
    assert len(sizes) == 1


def test_the_longest_tokens_of_a_long_training_have_an_array_of_their_own(monkeypatch):
    monkeypatch.setattr("elmo.training.batches.spellings.LONGEST", 20)
    options = {"characters": 12, "widest_filter": 3, "types": 5000, "n": 400, "batch_size": 8}
    options |= {"window": 30, "sampling": 0}
    short, _ = make(**options)
    monkeypatch.setattr("elmo.training.batches.batches.LONG_EPOCH", len(short))
    long, _ = make(**options)
    shapes = set()
    for number in range(len(short)):
        one, other = short.batch(number), long.batch(number)
        wanted = one["tokens"][one["inputs"]]
        arrays = [other["long_tokens"], other["tokens"]]
        shapes.add(tuple(array.shape for array in arrays))
        rows = np.full((sum(map(len, arrays)), 12), -1)
        for array, first in zip(arrays, (0, 20), strict=True):
            rows[first : first + len(array), : array.shape[1]] = array
        read = rows[other["inputs"]]
        left_out = read < 0
        # What is left out is the padding that ends a row, and a window of it has stayed.
        full = np.pad(wanted, [(0, 0)] * 3 + [(0, 12 - wanted.shape[-1])], mode="edge")
        np.testing.assert_array_equal(np.where(left_out, full, read), full)
        assert (full[left_out] == np.broadcast_to(full[..., -1:], full.shape)[left_out]).all()
    assert len(shapes) <= 4  # what is compiled
    assert {array[0][0] for array in shapes} == {20}
    computed = [sum(a * b for a, b in batch) for batch in shapes]
    assert max(computed) < np.prod(short.batch(0)["tokens"].shape)


def test_rows_begin_anew_at_an_epoch_and_in_the_share_that_is_asked_for():
    batches, _ = make(state_resets=0.25)
    resets = np.stack([batches.batch(k)["reset"] for k in range(40 * len(batches))])
    firsts = np.arange(len(resets)) % len(batches) == 0
    assert resets[firsts].all()
    n = resets[~firsts].size
    assert abs(resets[~firsts].mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / n)
    never, _ = make(state_resets=0.0)
    assert not never.batch(1)["reset"].any()


def test_the_exact_softmax_has_types_as_targets():
    batches, _ = make(sampling=0)
    batch = batches.batch(0)
    assert "rows" not in batch and "negatives" not in batch
    assert targets_of(batch).max() < batches.vocabulary_size


def test_prefetch_gives_the_batches_in_order():
    batches, _ = make()
    feed = prefetch(batches, 3, workers=3)
    for number in range(3, 9):
        np.testing.assert_array_equal(next(feed)["inputs"], batches.batch(number)["inputs"])
    feed.close()


def words_of_epoch(batches, vocabulary, epoch, direction=0):
    """What an epoch predicts, sorted, without the boundary."""
    numbers = range(epoch * len(batches), (epoch + 1) * len(batches))
    found = [targets_of(b)[direction][b["mask"][direction]] for b in map(batches.batch, numbers)]
    tokens = [vocabulary.tokens[i] for i in np.concatenate(found)]
    return sorted(t for t in tokens if t not in ("<S>", "</S>"))


@pytest.mark.parametrize("mode", ["stream", "sentence"])
@pytest.mark.parametrize("characters", [None, 10])
@pytest.mark.parametrize("direction", [0, 1])
def test_words_that_occur_once_are_predicted_as_unknown_ones(mode, characters, direction):
    batches, vocabulary = make(mode, characters, unknown=1.0, types=300)
    words = [t for s in text(types=300) for t in s]
    expected = sorted(t if words.count(t) > 1 else "<UNK>" for t in words)
    assert "<UNK>" in expected
    assert words_of_epoch(batches, vocabulary, 0, direction) == expected


def test_each_epoch_draws_its_own_share_of_words_that_occur_once():
    batches, vocabulary = make(unknown=0.5, types=300)
    plain, _ = make(types=300)
    epochs = [set(words_of_epoch(batches, vocabulary, epoch)) for epoch in range(12)]
    once = len(batches.unknown.types)
    every = set(words_of_epoch(plain, vocabulary, 0))
    hidden = [len(every - found) for found in epochs]
    assert len({frozenset(found) for found in epochs}) > 6
    assert abs(np.mean(hidden) / once - 0.5) < 4 * 0.5 / np.sqrt(12 * once)  # four deviations
    assert every <= set.union(*epochs) and all("<UNK>" in found for found in epochs)
    np.testing.assert_array_equal(batches.batch(17)["rows"], batches.batch(17)["rows"])


@pytest.mark.parametrize("tied", [False, True])
def test_a_word_model_reads_what_it_predicts_of_unknown_words(tied):
    batches, vocabulary = make(unknown=1.0, types=300, tied=tied)
    unknown = {vocabulary.tokens[i] for i in batches.unknown.types}
    for number in range(len(batches)):
        batch = batches.batch(number)
        table = batch["rows"] + 1 if tied else batch["tokens"]
        read = {vocabulary.tokens[i - 1] for i in np.unique(table[batch["inputs"]]) if i}
        assert not read & unknown
        if not tied:  # a row that were named twice would be written twice
            named = batch["tokens"][batch["tokens"] > 0]
            assert len(named) == len(set(named.tolist()))


def test_a_character_model_reads_unknown_words_as_they_are_spelled():
    hidden, _ = make(characters=10, unknown=1.0, types=300)
    plain, _ = make(characters=10, types=300)
    for number in range(len(plain)):
        a, b = hidden.batch(number), plain.batch(number)
        np.testing.assert_array_equal(a["tokens"][a["inputs"]], b["tokens"][b["inputs"]])
