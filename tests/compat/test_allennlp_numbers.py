"""AllenNLP's module beside the numbers of AllenNLP itself."""

import keras
import numpy as np
import pytest

from elmo.compat.allennlp import Elmo, batch_to_ids

pytestmark = pytest.mark.numerics


@pytest.fixture(scope="module")
def read(peer_model, peer_text):
    """Representation and mask of ids, by a new layer.

    Ids are padded to one shape, which compiles once, and what stands there is taken off again.
    """
    files = str(peer_model / "options.json"), str(peer_model / "weights.hdf5")
    shape = np.asarray(batch_to_ids(peer_text[1])).shape

    def run(ids, **options):
        ids = np.asarray(ids)
        behind = [(0, whole - size) for whole, size in zip(shape, ids.shape, strict=True)]
        found = Elmo(*files, 1, dropout=0, **options)(np.pad(ids, behind))
        (vectors,) = found["elmo_representations"]
        rows, time = len(ids), vectors.shape[1] - behind[1][1]
        vectors, mask = map(keras.ops.convert_to_numpy, (vectors, found["mask"]))
        assert not mask[:, time:].any()
        return vectors[:rows, :time], mask[:rows, :time]

    return run


@pytest.mark.parametrize("norm", [False, True])
def test_a_batch(read, peer_numbers, peer_text, norm):
    ids = batch_to_ids(peer_text[1])
    np.testing.assert_array_equal(np.asarray(ids), peer_numbers["allennlp/ids"])
    vectors, mask = read(ids, do_layer_norm=norm)
    wanted = peer_numbers["allennlp/layer_norm" if norm else "allennlp/layer"]
    assert mask.sum(axis=1).tolist() == [len(tokens) for tokens in peer_text[1]]
    np.testing.assert_allclose(vectors, wanted * mask[..., None], atol=1e-5)


def test_a_sentence_without_tokens(read, peer_numbers, peer_text):
    sentences = peer_text[1]
    vectors, mask = read(batch_to_ids([sentences[1], [], sentences[0][:3]]))
    np.testing.assert_array_equal(mask, peer_numbers["allennlp/empty_mask"])
    np.testing.assert_allclose(vectors, peer_numbers["allennlp/empty"], atol=1e-5)


@pytest.mark.parametrize("kept", [False, True])
def test_tokens_without_ids(read, peer_numbers, peer_text, kept):
    """Inside a sentence they shorten it, and its end stands in place of a token."""
    ids = np.array(batch_to_ids([peer_text[1][0][:5]] * 4))
    ids[0, 2], ids[1, 1], ids[1, 3], ids[2, 0], ids[2, 1] = 0, 0, 0, 0, 0
    vectors, mask = read(ids, keep_sentence_boundaries=kept)
    name = "allennlp/holes_kept" if kept else "allennlp/holes"
    np.testing.assert_array_equal(mask, peer_numbers[f"{name}_mask"])
    np.testing.assert_allclose(vectors, peer_numbers[name], atol=1e-5)
