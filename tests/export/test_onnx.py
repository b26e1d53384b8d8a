"""ONNX graphs, run without Keras, against the NumPy reference and the package."""

import numpy as np
import pytest

from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
from elmo.export.onnx_model import LARGEST, build_model, save_model
from elmo.export.onnx_products import quantized
from tests.embed.helpers import CONFIGS, network
from tests.export.helpers import padded, reference, run_graphs, sentences
from tests.reference.random_model import random_weights

onnx = pytest.importorskip("onnx")

ALL = {
    **CONFIGS,
    "characters, no highway, no projection": BiLMConfig(
        lstm=LSTMConfig(dim=8, projection_dim=7, n_layers=3, cell_clip=0.7, proj_clip=0.3),
        char_cnn=CharCNNConfig(embedding_dim=2, filters=[[2, 3], [3, 4]], n_highway=0),
        directions="forward",
    ),
}
LARGER = BiLMConfig(
    lstm=LSTMConfig(dim=96, projection_dim=48),
    char_cnn=CharCNNConfig(filters=[[1, 16], [3, 48], [5, 64]], n_highway=1),
)
LENGTHS = [50, 1, 2, 17, 3, 34, 8]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Every model on a batch of all lengths and on a batch of one, `{name: …}`."""
    folder = tmp_path_factory.mktemp("graphs")
    names, batches = {}, {}
    for number, (name, config) in enumerate(ALL.items()):
        path = str(folder / f"{number}.onnx")
        save_model(build_model(config, random_weights(config)), path)
        rows = sentences(config, LENGTHS)
        names[name] = path
        # The same sentences with more padding; one whose row is padding alone; one alone.
        inputs = [padded(rows), padded(rows, extra=9), padded([*rows[:2], rows[0][:0]])]
        batches[path] = [*inputs, rows[3][None]]
    found = run_graphs(batches)
    return {name: found[path] for name, path in names.items()}


@pytest.mark.parametrize("name", ALL)
def test_the_reference_gives_the_same(results, name):
    config = ALL[name]
    model, rows = reference(config), sentences(config, LENGTHS)
    (layers, mask), (more, more_mask), (few, few_mask), (one, one_mask) = results[name]
    assert layers.dtype == np.float32 and mask.dtype == bool
    assert layers.shape == (len(rows), config.lstm.n_layers + 1, 50, config.output_dim)
    for number, ids in enumerate(rows):
        wanted = model.layers(ids)[0]
        for found, real in ((layers, mask), (more, more_mask)):
            np.testing.assert_allclose(found[number, :, : len(ids)], wanted, rtol=0, atol=1e-5)
            assert not found[number, :, len(ids) :].any()
            assert real[number].tolist() == [t < len(ids) for t in range(real.shape[1])]
    np.testing.assert_allclose(few[:2], layers[:2], rtol=0, atol=1e-5)
    assert not few[2].any() and not few_mask[2].any()
    np.testing.assert_allclose(one[0], model.layers(rows[3])[0], rtol=0, atol=1e-5)
    assert one_mask.all()


@pytest.mark.parametrize("name", ["words", "characters and words"])
def test_the_package_gives_the_same(results, name):
    config = ALL[name]
    encoder = network(config)
    ids = padded(sentences(config, LENGTHS))
    layers, mask = results[name][0]
    from keras import ops

    np.testing.assert_allclose(layers, ops.convert_to_numpy(encoder(ids)), rtol=0, atol=1e-5)
    np.testing.assert_array_equal(mask, ops.convert_to_numpy(encoder.mask(ids)))


def test_the_clips_of_these_models_bite():
    config = ALL["words"]
    model, ids = reference(config), sentences(config, [20])[0]
    limits = config.lstm.cell_clip, config.lstm.proj_clip
    _, (h, c) = model.layers(ids)
    assert np.abs(c).max() == limits[0] and np.abs(h).max() == limits[1]


@pytest.mark.parametrize("quantize", [None, "int8"])
@pytest.mark.parametrize("name", ALL)
def test_a_valid_model_whose_loop_is_not_unrolled(name, quantize):
    config = ALL[name]
    model = build_model(config, random_weights(config), quantize)
    onnx.checker.check_model(model, full_check=True)
    kinds = [node.op_type for node in model.graph.node]
    assert kinds.count("Scan") == config.lstm.n_layers
    (ids,) = model.graph.input
    free = [dim.dim_param for dim in ids.type.tensor_type.shape.dim]
    assert free[:2] == ["batch", "time"]


def test_int8_is_near_and_small(tmp_path):
    # At the full scale of these weights rounding grows from position to position.
    weights, rows = random_weights(LARGER, scale=2 / 3), sentences(LARGER, LENGTHS)
    sizes, paths = [], []
    for quantize in (None, "int8"):
        paths.append(str(tmp_path / f"{quantize}.onnx"))
        save_model(build_model(LARGER, weights, quantize), paths[-1])
        sizes.append((tmp_path / f"{quantize}.onnx").stat().st_size)
    found = run_graphs({path: [padded(rows)] for path in paths})
    (exact, mask), (near, _) = (found[path][0] for path in paths)
    one, other = (layers.swapaxes(1, 2)[mask].astype(np.float64) for layers in (exact, near))
    cosines = (one * other).sum(-1) / np.linalg.norm(one, axis=-1) / np.linalg.norm(other, axis=-1)
    assert 0.9995 < cosines.min() < 1
    assert sizes[1] < 0.5 * sizes[0]


@pytest.mark.parametrize("axis", [0, 1])
def test_quantized_matrices_are_half_a_step_off_at_most(axis):
    matrix = np.random.default_rng(0).normal(size=(40, 30)) * np.linspace(0.1, 9, 30)
    matrix[:, 3] = matrix[7] = 0
    values, scales = quantized(matrix, axis)
    assert values.dtype == np.int8 and scales.dtype == np.float32
    assert (np.abs(values * scales - matrix) <= 0.5001 * scales).all()
    assert (np.abs(values).max(axis=axis) == 127).sum() == scales.size - 1


def test_a_large_model_keeps_its_numbers_apart(tmp_path, monkeypatch):
    from elmo.export import onnx_model

    monkeypatch.setattr(onnx_model, "LARGEST", 100)
    path = tmp_path / "model.onnx"
    save_model(build_model(LARGER, random_weights(LARGER)), path)
    assert (tmp_path / "model.onnx.data").stat().st_size > 1000
    ids = sentences(LARGER, [5])[0]
    ((layers, _),) = run_graphs({str(path): [ids[None]]})[str(path)]
    np.testing.assert_allclose(layers[0], reference(LARGER).layers(ids)[0], rtol=0, atol=1e-5)
    assert LARGEST < 2**31
