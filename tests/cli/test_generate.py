"""`elmo generate`: what it prints, and what it refuses."""

import pytest

from elmo.api import load
from tests.cli.conftest import as_json, invoke, refused

WORDS = ["--max-tokens", "8", "--seed", "4", "-n", "2"]


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_samples_are_the_models(model, direction):
    prompts = ["The file", "It is closed ."]
    given = [word for prompt in prompts for word in ("--prompt", prompt)]
    words = ["generate", model, *given, *WORDS, "--direction", direction, "--top-p", "0.9"]
    found = as_json(*words)
    wanted = load(model).generate(
        prompts, direction=direction, n=2, max_tokens=8, seed=4, top_p=0.9
    )
    assert (found["direction"], found["seed"], found["prompts"]) == (direction, 4, prompts)
    assert [sample["text"] for sample in found["samples"]] == [sample.text for sample in wanted]
    assert [sample["prompt"] for sample in found["samples"]] == [0, 0, 1, 1]
    for sample, one in zip(found["samples"], wanted, strict=True):
        assert sample["nats"] == pytest.approx(one.nats)
        assert (sample["ended"], sample["tokens"]) == (one.ended, list(one.tokens))
    shown = invoke(*words).stdout.splitlines()
    for line, sample in zip(shown, wanted, strict=True):
        more = f"{sample.text} …" if direction == "forward" else f"… {sample.text}"
        assert line == (sample.text if sample.ended else more)


def test_without_a_prompt(model):
    found = as_json("generate", model, "--max-tokens", "3", "--temperature", "0")
    (sample,) = found["samples"]
    assert found["prompts"] == [""] and sample["text"] == " ".join(sample["tokens"])


def test_what_is_refused(model, tmp_path):
    assert "top_p=2.0: must be above 0 and at most 1, such as 0.9" in refused(
        "generate", model, "--top-p", "2"
    )
    assert "temperature=-1.0: must be 0" in refused("generate", model, "--temperature", "-1")
    assert "--top-k" in refused("generate", model, "--top-k", "0")
    assert "--direction" in refused("generate", model, "--direction", "up")
    assert str(tmp_path / "none") in refused("generate", tmp_path / "none")
