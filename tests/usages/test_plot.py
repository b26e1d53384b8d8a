import json

import pytest

from elmo.config import ConfigError
from elmo.training.curves import plot
from elmo.training.report import COLUMNS, Metrics
from tests.cli.conftest import invoke, refused


def a_run(folder, valid, seconds=60.0):
    (folder / "run").mkdir(parents=True)
    metrics = Metrics(folder / "run" / "metrics.csv")
    for n, value in enumerate(valid, 1):
        metrics.add(
            epoch=n, tokens=1000 * n, seconds=seconds * n, train_both=9.0 - n, valid_both=value
        )
    return folder


def test_curves_of_several_runs(tmp_path):
    one = a_run(tmp_path / "a" / "model", [90.0, 70.5, 80.0])
    other = a_run(tmp_path / "b" / "model", [None, None], seconds=5.0)
    target = tmp_path / "curves.png"
    result = invoke("plot", one, other / "run" / "metrics.csv", "-o", target, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert target.read_bytes().startswith(b"\x89PNG") and report["output"] == str(target)
    assert report["runs"] == [
        {
            "name": "a/model",
            "column": "valid_both",
            "epochs": 3,
            "tokens": 3000,
            "seconds": 180,
            "best": 70.5,
            "best_epoch": 2,
            "last": 80,
        },
        {
            "name": "b/model",
            "column": "train_both",
            "epochs": 2,
            "tokens": 2000,
            "seconds": 10,
            "best": 7,
            "best_epoch": 2,
            "last": 7,
        },
    ]
    assert "--overwrite" in refused("plot", one, "-o", target)
    shown = invoke("plot", one, "-o", target, "--overwrite").stdout
    assert "70.50" in shown and "model" in shown


def test_what_cannot_be_drawn(tmp_path):
    one = a_run(tmp_path / "one", [90.0])
    target = tmp_path / "c.png"
    assert "no such file; name the folder of a training" in refused("plot", tmp_path, "-o", target)
    with pytest.raises(ConfigError, match=r"column=.loss..*valid_both"):
        plot(one, target, column="loss")
    (tmp_path / "one" / "run" / "metrics.csv").write_text(",".join(COLUMNS) + "\n")
    assert "no line to draw" in refused("plot", one, "-o", target)
    assert not target.exists()


@pytest.mark.parametrize(
    "content", [b"epoch,valid_both\n1,\xff\n", b"epoch,valid_both\n1,high\n", b"epoch\n1,2,3\n"]
)
def test_what_is_no_metrics(tmp_path, content):
    path = tmp_path / "metrics.csv"
    path.write_bytes(content)
    said = refused("plot", path, "-o", tmp_path / "p.png")
    assert f"{path}: no metrics of a training" in said
