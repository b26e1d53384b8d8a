"""Each engine."""

import pytest
from keras.config import backend


@pytest.fixture(params=["keras", "torch"])
def engine(request):
    """Each of the engines in float32."""
    if request.param == "torch":
        pytest.importorskip("torch")
        if backend() == "tensorflow":
            pytest.skip("the same on every backend, and run on PyTorch's")
    return request.param
