"""The model card: its metadata as the hub reads it, and every figure from where it belongs."""

import csv
import json

import pytest

from elmo.hub.card import Figures, model_card
from elmo.system.errors import FormatError
from elmo.training.figures import figures_of
from tests.formats.helpers import character_config, model, word_config

pytest.importorskip("huggingface_hub")
yaml = pytest.importorskip("yaml")  # the hub's client depends on it

RUN = {
    "tokens": 2764,
    "sentences": 114,
    "rows": [
        {"epoch": 1, "step": 40, "valid_both": 637.804, "kept": 0},
        {
            **{"epoch": 2, "step": 80, "kept": 1, "valid_forward": 91.25, "valid_backward": 104.5},
            **{"valid_both": 97.65, "valid_unigram": 12310.4, "valid_per_character": 3.219},
            **{"valid_unknown_share": 0.0213, "test_both": 99.5},
        },
        {"epoch": 3, "step": 120, "valid_both": 98.1, "kept": 0},
    ],
}


def write_training(folder):
    """What a training leaves for its figures, in the folder of a model."""
    run = folder / "run"
    run.mkdir(parents=True)
    text = {name: RUN[name] for name in ("tokens", "sentences")}
    (run / "settings.json").write_text(json.dumps({"settings": {}, "text": text}))
    columns = sorted({name for row in RUN["rows"] for name in row})
    with open(run / "metrics.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(RUN["rows"])


@pytest.fixture
def trained(tmp_path):
    """A folder with what a training leaves for its figures."""
    write_training(tmp_path / "trained")
    return tmp_path / "trained"


def metadata(card):
    assert card.startswith("---\n")
    return yaml.safe_load(card.split("---\n")[1])


def test_metadata():
    card = model_card(
        model(word_config()), "user/m", license="cc-by-4.0", language=["de", "no"], tags=["news"]
    )
    assert metadata(card) == {
        "language": ["de", "no"],
        "library_name": "elmo-keras",
        "license": "cc-by-4.0",
        "pipeline_tag": "feature-extraction",
        "tags": ["elmo", "news"],
    }
    found = metadata(model_card(model(word_config()), "user/m", license="mit", language="no"))
    assert found["language"] == ["no"]  # Norwegian, and not false
    assert "language" not in metadata(model_card(model(word_config()), "user/m", license="mit"))


def test_sizes():
    card = model_card(model(word_config()), "user/m", license="mit", description=" A paragraph. ")
    assert "\n# m\n" in card and "\n\nA paragraph.\n\n" in card
    assert "| reads | whole words |" in card
    assert "| network | 2 LSTM layers of 5 cells, projected to 3 |" in card
    assert "| vectors | 3 layers of 6 numbers per token |" in card
    # 7 × 3 words; in 2 directions × 2 layers (3 + 3 + 1) × 20 of the gates and 5 × 3 projected
    assert f"| parameters of the encoder | {7 * 3 + 4 * (7 * 20 + 15)} |" in card
    assert f"| softmax | yes, {7 * 3 + 7} parameters |" in card
    assert "| vocabulary | 7 types |" in card
    assert "Training" not in card and "Perplexity" not in card
    bare = model_card(model(character_config(), softmax=False), "user/m", license="mit")
    assert "| reads | characters of each token |" in bare and "no: it embeds alone" in bare
    assert "doi = " in bare and "Peters, Matthew E." in bare


def test_figures_of_a_training(trained):
    figures = figures_of(trained)
    assert (figures.tokens, figures.sentences) == (2764, 114)
    assert (figures.epoch, figures.step) == (2, 80)  # of the epoch that was kept, not the last
    assert figures.perplexities["validation"] == {
        **{"forward": 91.25, "backward": 104.5, "both": 97.65, "unigram": 12310.4},
        **{"per_character": 3.219, "unknown_share": 0.0213},
    }
    card = model_card(model(word_config()), "user/m", license="mit", figures=figures)
    assert "Trained on 2,764 tokens in 114 sentences." in card
    assert "These are the weights after epoch 2 (step 80)." in card
    assert "| validation | 91.25 | 104.50 | 97.65 | 12,310.40 | 3.219 | 2.1% |" in card
    assert "| test | – | – | 99.50 | – | – | – |" in card


def test_a_folder_without_a_training_and_one_that_is_damaged(trained, tmp_path):
    assert figures_of(tmp_path) is None
    (trained / "run" / "metrics.csv").write_text("epoch,kept\nfirst,1\n")
    with pytest.raises(FormatError, match=r"metrics\.csv: damaged"):
        figures_of(trained)
    (trained / "run" / "settings.json").write_text("[]")
    with pytest.raises(FormatError, match=r"settings\.json"):
        figures_of(trained)


def test_figures_that_are_not_known():
    card = model_card(model(word_config()), "user/m", license="mit", figures=Figures(tokens=9))
    assert "Trained on 9 tokens." in card and "epoch" not in card and "Perplexity" not in card
