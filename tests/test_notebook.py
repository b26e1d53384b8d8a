"""What a notebook shows, by running one."""

import nbformat
import pytest
from nbclient import NotebookClient

import elmo
from elmo.training.evaluation import Evaluation

CELLS = [
    "import elmo, warnings",
    """text = [f"a b c d e{n % 7} f .".split() for n in range(400)]
sizes = {"dim": 8, "projection_dim": 4}
model = elmo.train(text, output="model", batch_size=4, window=8, max_steps=12, **sizes)""",
    "model",
    "model.evaluate([['a', 'b'], ['c', 'z']])",
    "model.embed_file([['a', 'b'], ['c', 'z']], 'vectors.hdf5', progress=True)",
    "model.vocabulary",
]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """The outputs of each cell, run in a kernel of its own."""
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    place = str(tmp_path_factory.mktemp("notebook"))
    NotebookClient(book, timeout=300, resources={"metadata": {"path": place}}).execute()
    return [cell["outputs"] for cell in book["cells"]]


def shown(outputs, kind="text/html"):
    return "".join("".join(o["data"].get(kind, "")) for o in outputs if "data" in o)


def test_a_training_has_a_bar_of_widgets(outputs):
    assert any("application/vnd.jupyter.widget-view+json" in o.get("data", {}) for o in outputs[1])


def test_results_are_tables(outputs):
    model, evaluation, report, vocabulary = (shown(cell) for cell in outputs[2:])
    assert "<th>reads</th><td>words</td>" in model and "<td>3 layers of 8</td>" in model
    assert (
        "<th>unigram model</th>" in evaluation and "<td>16.7%</td>" in evaluation
    )  # of six targets
    assert "<th>sentences</th><td>2</td>" in report and "vectors.hdf5" in report
    assert "<td>0</td><td>&lt;S&gt;</td>" in vocabulary


def test_files_of_an_evaluation_are_rows():
    part = Evaluation.from_sums({"forward": 2.0, "backward": 4.0}, tokens=2, unknown=1)
    whole = Evaluation.from_sums(
        {"forward": 4.0, "backward": 8.0}, tokens=4, unknown=2, files={"<a>": part, "b": part}
    )
    text = whole._repr_html_()
    assert [
        text.count(f"<tr><td>{name}</td><td>4.482</td>") for name in ("&lt;a&gt;", "b", "all")
    ] == [1] * 3


def test_a_vocabulary_shows_its_counts():
    text = elmo.Vocabulary.from_corpus([["x", "x", "y"]])._repr_html_()
    assert "<td>x</td><td>2</td>" in text and "<td>y</td><td>1</td>" in text
