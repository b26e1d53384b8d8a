"""A Keras model around `ElmoEmbedding`, saved here and loaded elsewhere after `import elmo` alone."""

import importlib.util
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from elmo import BiLMConfig, ElmoEmbedding, LSTMConfig

BACKENDS = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"no {name} here"),
    )
    for name in ("jax", "tensorflow", "torch")
    if name == "jax" or name != keras.backend.backend()
]
IDS = np.array([[1, 5, 6, 2], [1, 7, 2, 0]], np.int32)
LOAD = """
import json, sys
{first}
import numpy as np
from keras.saving import load_model
ids = np.array({ids})
results = []
for path in {paths}:
    model = load_model(path)
    found, steps, moved = model.predict(ids, verbose=0).tolist(), None, None
    if model.compiled:
        model.fit(ids, np.zeros((2, 2)), verbose=0)
        steps = model.optimizer.iterations.value
        steps = int(np.array(steps.detach() if hasattr(steps, "detach") else steps))
        moved = bool(np.abs(np.array(model.predict(ids, verbose=0)) - found).max() > 0)
    results.append([found, steps, moved])
print("RESULT", json.dumps(results))
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A compiled and fitted model, one that is neither, and what they predict."""
    folder = tmp_path_factory.mktemp("saved")
    keras.utils.set_random_seed(0)
    expected = {}
    for kind in ("plain", "compiled"):
        config = BiLMConfig(lstm=LSTMConfig(dim=8, projection_dim=4), vocabulary_size=10)
        ids = keras.Input((None,), dtype="int32")
        x = keras.layers.GlobalAveragePooling1D()(ElmoEmbedding(config, dropout=0.1)(ids))
        model = keras.Model(ids, keras.layers.Dense(2)(x))
        if kind == "compiled":
            model.compile("adam", "mse")
            model.fit(IDS, np.zeros((2, 2)), epochs=2, verbose=0)
        model.save(folder / f"{kind}.keras")
        expected[kind] = model.predict(IDS, verbose=0)
    return folder, expected


def load(paths, backend, first="import elmo"):
    """What each of the files predicts in another process; its steps and whether one more moves it."""
    code = LOAD.format(first=first, paths=list(map(str, paths)), ids=IDS.tolist())
    where = os.pathsep.join(p for p in sys.path if p)
    env = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": where}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=300
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.split("RESULT")[1])


@pytest.mark.numerics
@pytest.mark.parametrize("backend", BACKENDS)
def test_models_go_from_backend_to_backend(saved, backend):
    folder, expected = saved
    results = load([folder / f"{kind}.keras" for kind in expected], backend)
    for (kind, wanted), (found, steps, moved) in zip(expected.items(), results, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5, err_msg=kind)
        # The optimizer goes on from its two steps.
        assert (steps, moved) == ((3, True) if kind == "compiled" else (None, None))


@pytest.mark.parametrize("first", ["import keras\nimport elmo", "import elmo, keras"])
def test_the_order_of_imports_does_not_matter(saved, first):
    folder, expected = saved
    [(found, _, _)] = load([folder / "plain.keras"], keras.backend.backend(), first)
    np.testing.assert_allclose(found, expected["plain"], atol=1e-6)
