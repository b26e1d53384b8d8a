"""The hub of this machine, and processes that ask it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import elmo
from tests.hub.server import TOKEN, Hub, serving_hub


@pytest.fixture
def hub(tmp_path):
    return Hub(tmp_path / "hub")


@pytest.fixture
def run(hub, tmp_path):
    """A function that runs Python on arguments, in `tmp_path` and with the hub of this machine."""
    with serving_hub(hub) as address:

        def run(*words, token=TOKEN, **more):
            left_out = ("http_proxy", "https_proxy", "all_proxy", "hf_token")
            environment = {k: v for k, v in os.environ.items() if k.lower() not in left_out}
            environment |= {
                "PYTHONPATH": str(Path(elmo.__file__).parent.parent),
                "ELMO_CACHE": str(tmp_path / "cache"),
                "HF_HOME": str(tmp_path / "home"),
                "HF_ENDPOINT": address,
                "HF_HUB_DISABLE_XET": "1",
                **({"HF_TOKEN": token} if token else {}),
                **more,
            }
            command = [sys.executable, *map(str, words)]
            return subprocess.run(
                command, env=environment, capture_output=True, text=True, cwd=tmp_path
            )

        run.address = address
        yield run
