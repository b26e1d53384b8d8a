"""`elmo embed --precision`, and the same from Python."""

import sys

import numpy as np
import pytest
from keras.config import backend

import elmo
from tests.cli.conftest import invoke, refused

pytestmark = [
    pytest.mark.numerics,
    pytest.mark.skipif(backend() == "tensorflow", reason="the same, and run on PyTorch's backend"),
]
LINES = ["Return the value .", "A set of tasks"]


@pytest.fixture
def text(tmp_path):
    path = tmp_path / "in.txt"
    path.write_text("".join(f"{line}\n" for line in LINES))
    return path


def test_lower_precision(model, text, tmp_path):
    pytest.importorskip("torch")
    output = tmp_path / "out.npz"
    result = invoke("embed", model, text, "-o", output, "--precision", "bfloat16")
    assert result.exit_code == 0, result.output
    found = elmo.load(model)
    exact, near = found.embed(LINES), found.embed(LINES, precision="bfloat16")
    report = found.embed_file(text, tmp_path / "other.npz", precision="bfloat16")
    with np.load(output) as one, np.load(report.paths[0]) as other:
        for i in range(len(LINES)):
            np.testing.assert_array_equal(one[str(i)], near[i])
            np.testing.assert_array_equal(other[str(i)], near[i])
            np.testing.assert_allclose(near[i], exact[i], rtol=0, atol=0.05)
            assert not np.allclose(near[i], exact[i], rtol=0, atol=1e-6)
    assert found.embedder is found.embedder_in("float32")
    assert found.embedder_in("float32", "torch") is not found.embedder_in("float32", "keras")
    assert (
        invoke("embed", model, text, "-o", tmp_path / "torch.npz", "--engine", "torch").exit_code
        == 0
    )
    with np.load(tmp_path / "torch.npz") as file:
        for i, vectors in enumerate(found.embed(LINES, engine="torch")):
            np.testing.assert_array_equal(file[str(i)], vectors)
            np.testing.assert_allclose(vectors, exact[i], rtol=0, atol=1e-5)
    with pytest.raises(ValueError, match="precision='half': must be"):
        found.embed(LINES, precision="half")


def test_without_the_extra(model, text, tmp_path, monkeypatch):
    if backend() == "torch":
        pytest.skip("Keras itself runs on it")
    monkeypatch.setitem(sys.modules, "torch", None)
    words = ["--precision", "int8"]
    assert "elmo-keras[torch]" in refused("embed", model, text, "-o", tmp_path / "o.npz", *words)
