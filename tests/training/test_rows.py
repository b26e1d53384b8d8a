import numpy as np
import pytest

from elmo.training.batches.rows import BOS, EOS, PADDING, Stream, sentence_rows

BOTH = ("forward", "backward")
OFFSETS = np.array([0, 3, 3, 4])  # sentences a b c, nothing, d at places 0 to 3


def written(places):
    names = {BOS: "<S>", EOS: "</S>", PADDING: "."}
    return [" ".join(names.get(p, "abcd"[max(p, 0)]) for p in row) for row in places]


def test_sentences_by_hand():
    rows = sentence_rows(OFFSETS, np.array([0, 1, 2, -1]), 4, BOTH)
    assert written(rows.inputs[0]) == ["<S> a b c", "<S> . . .", "<S> d . .", ". . . ."]
    assert written(rows.targets[0]) == ["a b c </S>", "</S> . . .", "d </S> . .", ". . . ."]
    assert written(rows.inputs[1]) == ["</S> c b a", "</S> . . .", "</S> d . .", ". . . ."]
    assert written(rows.targets[1]) == ["c b a <S>", "<S> . . .", "d <S> . .", ". . . ."]


def test_a_later_part_of_sentences():
    rows = sentence_rows(OFFSETS, np.array([0, 2]), 3, BOTH, first=2)
    assert written(rows.inputs[0]) == ["b c .", ". . ."]
    assert written(rows.targets[1]) == ["a <S> .", ". . ."]


def test_stream_by_hand():
    """Seven positions in two rows: the cut at 3.5 goes to the nearest beginning of a sentence."""
    stream = Stream(OFFSETS, np.array([2, 0, 1]), batch_size=2)
    assert stream.row_length == 5
    window = stream.window(0, 5, BOTH)
    assert written(window.inputs[0]) == ["<S> d . . .", "<S> a b c <S>"]
    assert written(window.targets[0]) == ["d </S> . . .", "a b c </S> </S>"]
    assert written(window.inputs[1]) == ["</S> d . . .", "</S> c b a </S>"]
    assert written(window.targets[1]) == ["d <S> . . .", "c b a <S> <S>"]


def test_more_rows_than_sentences_leave_some_empty():
    stream = Stream(OFFSETS, np.arange(3), batch_size=9)
    targets = stream.window(0, stream.row_length, ("forward",)).targets[0]
    assert sorted(row for row in written(targets) if row.strip(". ")) == sorted(
        ["a b c </S>", "</S> . . .", "d </S> . ."]
    )


@pytest.mark.parametrize("batch_size", [1, 3, 8])
@pytest.mark.parametrize("time", [1, 5, 64])
def test_windows_hold_every_position_once(batch_size, time):
    """Each direction predicts every token and one boundary a sentence, whatever the cut."""
    rng = np.random.default_rng(batch_size * time)
    offsets = np.append(0, np.cumsum(rng.integers(0, 9, 30)))
    stream = Stream(offsets, rng.permutation(30), batch_size)
    windows = [stream.window(k, time, BOTH) for k in range(0, stream.row_length, time)]
    for direction, boundary in ((0, EOS), (1, BOS)):
        targets = np.concatenate([w.targets[direction].ravel() for w in windows])
        real = np.sort(targets[targets != PADDING])
        wanted = np.sort(np.append(np.arange(offsets[-1]), np.full(30, boundary)))
        np.testing.assert_array_equal(real, wanted)


def test_one_row_is_the_text_in_order():
    stream = Stream(OFFSETS, np.arange(3), batch_size=1)
    window = stream.window(0, 7, ("forward",))
    assert written(window.targets[0]) == ["a b c </S> </S> d </S>"]
