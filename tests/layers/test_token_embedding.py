import numpy as np
import pytest

from elmo.layers.token_embedding import TokenEmbedding
from tests.layers.harness import assign, run_layer_test, to_numpy

IDS = np.array([[1, 7, 3], [2, 0, 0]], "int32")


@pytest.mark.numerics
def test_harness():
    sizes = {"vocabulary_size": 7, "projection_dim": 4}
    for ids, shape in ((IDS, (2, 3, 4)), (IDS[..., None], (2, 3, 1, 4))):
        run_layer_test(
            TokenEmbedding,
            sizes,
            {"ids": ids},
            shape,
            pad_axes={"ids": 1},
            output_time_axes=1,
        )


@pytest.mark.numerics
def test_rows():
    table = np.random.default_rng(0).standard_normal((7, 4)).astype("float32")
    layer = TokenEmbedding(vocabulary_size=7, projection_dim=4)
    layer.build()
    assign(layer.named_weights(), {"embedding": table})
    vectors = to_numpy(layer(IDS))
    np.testing.assert_array_equal(vectors[0], table[[0, 6, 2]])
    np.testing.assert_array_equal(vectors[1], [table[1], np.zeros(4), np.zeros(4)])


def test_a_size_that_makes_no_sense_is_named():
    with pytest.raises(ValueError, match="vocabulary_size=0"):
        TokenEmbedding(vocabulary_size=0, projection_dim=4)
