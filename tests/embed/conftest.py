"""Few compiled shapes, so that the tests are quick; `real_windows` undoes it."""

import pytest

from elmo.embed import windows

REAL = windows.ROWS, windows.LONG


@pytest.fixture(autouse=True)
def few_shapes(monkeypatch):
    monkeypatch.setattr(windows, "ROWS", (16,))
    monkeypatch.setattr(windows, "LONG", windows.SHORT)


@pytest.fixture(params=["keras", "torch"])
def engine(request):
    """Each of the engines in float32."""
    if request.param == "torch":
        pytest.importorskip("torch")
    return request.param


@pytest.fixture
def real_windows(few_shapes, monkeypatch):
    monkeypatch.setattr(windows, "ROWS", REAL[0])
    monkeypatch.setattr(windows, "LONG", REAL[1])
