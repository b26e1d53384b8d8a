"""Each engine."""

import pytest


@pytest.fixture(params=["keras", "torch"])
def engine(request):
    """Each of the engines in float32."""
    if request.param == "torch":
        pytest.importorskip("torch")
    return request.param
