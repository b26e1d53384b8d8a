"""The script of the examples runs as a user runs it, on a tiny text, for words and characters."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import elmo

PACKAGE = str(Path(elmo.__file__).parents[1])
EXAMPLES = Path(__file__).parents[3] / "examples" / "elmo_keras"
SMALL = {
    **{"train_dataset": "train.tokens", "valid_dataset": "valid.tokens", "vocab": "words.vocab"},
    **{"test_dataset": "valid.tokens", "vocab_size": 21, "epochs": 1, "n_threads": 1},
    **{"lstm_units_size": 8, "hidden_units_size": 6, "sentence_maxlen": 12},
    **{"cnn_filters": "[[1,4],[2,4]]"},
}


@pytest.mark.parametrize("encoding", ["word", pytest.param("char", marks=pytest.mark.slow)])
def test_the_example(encoding, texts, tmp_path):
    for name in ("data.py", "train_wikitext.py"):
        shutil.copy(EXAMPLES / name, tmp_path / name)
    parameters = {**SMALL, "token_encoding": encoding}
    arguments = [f"{key}={value}" for key, value in parameters.items()]
    done = subprocess.run(
        [sys.executable, "-W", "error", str(tmp_path / "train_wikitext.py"), *arguments],
        env={**os.environ, "ELMO_DATA": str(texts), "PYTHONPATH": PACKAGE},
        cwd=texts,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert "Forward language model perplexity" in done.stdout
    assert "A vector for each of 6 sentences, 12 numbers each" in done.stdout
    assert "arning" not in done.stderr
    model = elmo.load(tmp_path / "models" / "ELMo_LM")
    assert (model.config.char_cnn is not None) == (encoding == "char")
