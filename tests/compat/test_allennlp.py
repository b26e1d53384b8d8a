"""AllenNLP's embedder: its fixture, its state, its files."""

import io
import json

import h5py
import numpy as np
import pytest

from elmo.compat.allennlp import ElmoEmbedder, batch_to_ids
from elmo.system.output import OutputError

SENTENCES = [["a", "bank", "closed"], [], ["it", "rained"]]


def test_the_fixture(data_folder):
    """30 sentences, ten batches of three, with the state that goes from batch to batch."""
    place = data_folder("allennlp-elmo-fixture")
    documents = json.loads((place / "sentences.json").read_text(encoding="utf-8"))
    elmo = ElmoEmbedder(place / "options.json", place / "lm_weights.hdf5")
    expected = [h5py.File(place / f"lm_embeddings_{d}.hdf5") for d in range(3)]
    worst = 0.0
    for k in range(10):
        batch = elmo.embed_batch([documents[d][k].split() for d in range(3)])
        for file, vectors in zip(expected, batch, strict=True):
            wanted = file[str(k)][()]  # (2, T, P): the halves of the top layer
            halves = np.stack(np.split(vectors[2], 2, axis=-1))
            worst = max(worst, float(np.abs(halves - wanted).max()))
    for file in expected:
        file.close()
    assert worst < 1e-5


def test_shapes(files):
    elmo = ElmoEmbedder(*files)
    found = elmo.embed_batch(SENTENCES)
    assert [v.shape for v in found] == [(3, 3, 6), (3, 0, 6), (3, 2, 6)]
    assert elmo.embed_sentence([]).shape == (3, 0, 6)
    assert all(v.dtype == np.float32 for v in found)
    padded, mask = elmo.batch_to_embeddings(SENTENCES)
    assert padded.shape == (3, 3, 3, 6)
    assert mask.tolist() == [[1, 1, 1], [0, 0, 0], [1, 1, 0]]
    assert not padded[2, :, 2].any()


def test_state_goes_on(files):
    elmo = ElmoEmbedder(*files)
    first = elmo.embed_sentence(SENTENCES[0])
    elmo.embed_sentence([])  # alone it is not read
    assert [v.shape for v in elmo.embed_batch([(), []])] == [(3, 0, 6)] * 2
    second = elmo.embed_sentence(SENTENCES[0])
    np.testing.assert_array_equal(first[0], second[0])
    assert np.abs(first[1:] - second[1:]).max() > 1e-4
    elmo.reset_state()
    np.testing.assert_allclose(elmo.embed_sentence(SENTENCES[0]), first, atol=1e-6)


def test_state_can_be_switched_off(files):
    elmo = ElmoEmbedder(*files, state="reset")
    first = elmo.embed_sentence(SENTENCES[0])
    np.testing.assert_array_equal(elmo.embed_sentence(SENTENCES[0]), first)
    with pytest.raises(ValueError, match="state='none'"):
        ElmoEmbedder(*files, state="none")


def test_sentences_come_one_after_the_other(files):
    elmo, batches = ElmoEmbedder(*files), ElmoEmbedder(*files)
    found = elmo.embed_sentences(iter(SENTENCES * 2), batch_size=4)
    assert not isinstance(found, list)
    wanted = batches.embed_batch((SENTENCES * 2)[:4]) + batches.embed_batch(SENTENCES[1:])
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


def test_ids():
    ids = batch_to_ids([["é", "<S>"], ["a", "b", "x" * 60]])
    assert ids.shape == (2, 3, 50)
    assert ids[0, 0, :5].tolist() == [259, 0xC3 + 1, 0xA9 + 1, 260, 261]
    assert ids[0, 1, :4].tolist() == [259, 257, 260, 261]  # begin of sentence
    assert not ids[0, 2].any()
    assert ids[1, 2, 0] == 259 and ids[1, 2, -1] == 260  # cut to 48 bytes
    assert batch_to_ids([[]]).shape == (1, 0, 50)


def test_a_token_spelled_like_a_boundary_is_one(files):
    elmo = ElmoEmbedder(*files, state="reset")
    ours = elmo.elmo_bilm.embed([["<S>", "a"]])[0]
    assert np.abs(elmo.embed_sentence(["<S>", "a"]) - ours).max() > 1e-3


def test_file(files, tmp_path):
    text = "a bank  closed\n\nit rained\na bank  closed\n"
    target = tmp_path / "out.hdf5"
    target.write_bytes(b"old")
    ElmoEmbedder(*files).embed_file(io.StringIO(text), str(target), batch_size=2)
    wanted = list(ElmoEmbedder(*files).embed_sentences(map(str.split, text.splitlines()), 2))
    with h5py.File(target) as file:
        assert set(file) == {"0", "1", "2", "3", "sentence_to_index"}
        assert file["1"].shape == (3, 0, 6)
        for number, vectors in enumerate(wanted):
            np.testing.assert_allclose(file[str(number)][()], vectors, atol=1e-6)
        index = json.loads(file["sentence_to_index"][0])
        assert index == {"a bank  closed": "3", "": "1", "it rained": "2"}


@pytest.mark.parametrize(("output_format", "pick"), [("top", -1), ("average", None)])
def test_file_of_one_layer(files, tmp_path, output_format, pick):
    source, target = tmp_path / "in.txt", tmp_path / "out.hdf5"
    source.write_text("it rained\n")
    elmo = ElmoEmbedder(*files, state="reset")
    elmo.embed_file(source, target, output_format, forget_sentences=True)
    every = elmo.embed_sentence(["it", "rained"])
    with h5py.File(target) as file:
        assert list(file) == ["0"]
        wanted = every[pick] if pick else every.mean(axis=0)
        np.testing.assert_allclose(file["0"][()], wanted, atol=1e-6)


def test_file_with_sentences_as_keys(files, tmp_path):
    elmo, target = ElmoEmbedder(*files), tmp_path / "out.hdf5"
    elmo.embed_file(io.StringIO("it rained\nand or\n"), target, use_sentence_keys=True)
    with h5py.File(target) as file:
        assert set(file) == {"it rained", "and or"}
    for text in ("a b\na b\n", "a b\n.\n"):
        with pytest.raises(ValueError, match=r"line 2: .* cannot be a key, or is one already"):
            elmo.embed_file(io.StringIO(text), target, use_sentence_keys=True)
    with h5py.File(target) as file:
        assert set(file) == {"it rained", "and or"}  # the old file stays


def test_file_refusals(files, tmp_path):
    elmo = ElmoEmbedder(*files)
    with pytest.raises(ValueError, match="output_format='both'"):
        elmo.embed_file(io.StringIO("a\n"), tmp_path / "out.hdf5", "both")
    with pytest.raises(ValueError, match="batch_size=0: must be 1"):
        elmo.embed_file(io.StringIO("a\n"), tmp_path / "out.hdf5", batch_size=0)
    with pytest.raises(ValueError, match="batch_size=-1: must be 1"):
        elmo.embed_sentences([["a"]], batch_size=-1)
    with pytest.raises(OutputError):
        elmo.embed_file(io.StringIO("a\n"), tmp_path / "none" / "out.hdf5")
