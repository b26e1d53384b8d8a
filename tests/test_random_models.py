"""Any architecture: saved, read back and embedded, it gives what the NumPy reference gives.

The reference reads the saved files by its own reader, so layout and arithmetic are both held.
"""

import dataclasses

import numpy as np
import pytest

from elmo.api import load
from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
from elmo.formats.pretrained import write_folder
from tests.elsewhere import slow_elsewhere
from tests.formats.helpers import model
from tests.reference.bilm import ReferenceBiLM
from tests.reference.published import read_weights, sentence_ids

SENTENCES = ["w0 w1 The bank w2", "élan 漢字 " + "x" * 60, "w1"]
CASES = range(12, 24)


def draw(seed):
    """A small architecture; three in four read characters."""
    rng = np.random.default_rng(seed)

    def one_of(*choices):
        return choices[rng.integers(len(choices))]

    cnn, size = None, int(rng.integers(3, 7))
    if seed % 4:
        widths = sorted(rng.choice(np.arange(1, 8), size=rng.integers(1, 4), replace=False))
        filters = [[int(width), int(rng.integers(2, 5))] for width in widths]
        cnn = CharCNNConfig(
            embedding_dim=int(rng.integers(2, 5)),
            filters=filters,
            n_highway=int(rng.integers(4)),
            activation=one_of("relu", "tanh"),
        )
        if one_of(True, False, False):  # F = P: no projection of characters
            size = cnn.n_filters
    return BiLMConfig(
        lstm=LSTMConfig(
            dim=size if one_of(True, False, False) else size + int(rng.integers(1, 6)),
            projection_dim=size,
            n_layers=int(rng.integers(1, 5)),
            cell_clip=one_of(None, 0.3, 0.6),
            proj_clip=one_of(None, 0.2, 0.4),
            use_skip_connections=one_of(True, False),
            always_project=one_of(True, False),
        ),
        char_cnn=cnn,
        vocabulary_size=None if cnn else 6,
        directions=one_of("both", "both", "forward", "backward"),
    )


def test_the_drawn_cover_what_there_is():
    configs = [draw(seed) for seed in CASES]
    cnns = [config.char_cnn for config in configs if config.char_cnn]
    lstms = [config.lstm for config in configs]
    assert {lstm.n_layers for lstm in lstms} == {1, 2, 3, 4}
    assert {cnn.n_highway for cnn in cnns} == {0, 1, 2, 3}
    assert {cnn.activation for cnn in cnns} == {"relu", "tanh"}
    assert {lstm.use_skip_connections for lstm in lstms} == {True, False}
    kinds = {(lstm.dim == lstm.projection_dim, lstm.projects) for lstm in lstms}
    assert kinds == {(True, True), (True, False), (False, True)}
    assert {lstm.cell_clip for lstm in lstms} == {None, 0.3, 0.6}
    assert {lstm.proj_clip for lstm in lstms if lstm.projects} == {None, 0.2, 0.4}
    assert {config.directions for config in configs} == {"both", "forward", "backward"}
    projected = {c.char_cnn.n_filters != c.lstm.projection_dim for c in configs if c.char_cnn}
    assert projected == {True, False}


@pytest.mark.numerics
@pytest.mark.parametrize("seed", [*CASES[:4], *map(slow_elsewhere, CASES[4:])])
def test_saved_and_embedded_as_the_reference_computes(tmp_path, seed):
    config = draw(seed)
    written = write_folder(model(config, seed, softmax=False), tmp_path / "written")
    folder = load(written).save(tmp_path / "saved")
    found = load(folder)
    weights = read_weights(folder / "weights.hdf5")
    reference = ReferenceBiLM(weights, config)
    unclipped = dataclasses.replace(config.lstm, cell_clip=None, proj_clip=None)
    free = ReferenceBiLM(weights, dataclasses.replace(config, lstm=unclipped))
    effect = 0.0
    for text, vectors in zip(SENTENCES, found.embed(SENTENCES), strict=True):
        tokens = text.split()
        ids = sentence_ids(tokens)
        if config.char_cnn is None:
            ids = np.array(found.vocabulary.ids(["<S>", *tokens, "</S>"])) + 1
        wanted, _ = reference.layers(ids)
        np.testing.assert_allclose(vectors, wanted[:, 1:-1], rtol=0, atol=1e-5)
        effect = max(effect, np.abs(free.layers(ids)[0] - wanted).max())
    lstm = config.lstm
    clips = lstm.cell_clip or (lstm.projects and lstm.proj_clip)
    assert effect > 1e-3 if clips else effect == 0  # the clips bite
