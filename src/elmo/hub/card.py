"""The card of a model on the Hugging Face hub: what it is, how good, how to load it and what to cite."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from elmo.formats.contents import Pretrained
from elmo.hub.client import client

LIBRARY, TASK, TAG = "elmo-keras", "feature-extraction", "elmo"

_COLUMNS = {
    "forward": "forward",
    "backward": "backward",
    "both": "both",
    "unigram": "unigram model",
    "per_character": "per character",
}
_CITATION = """\
```bibtex
@inproceedings{peters-etal-2018-deep,
  title = "Deep Contextualized Word Representations",
  author = "Peters, Matthew E. and Neumann, Mark and Iyyer, Mohit and Gardner, Matt and
    Clark, Christopher and Lee, Kenton and Zettlemoyer, Luke",
  booktitle = "Proceedings of the 2018 Conference of the North American Chapter of the Association for
    Computational Linguistics: Human Language Technologies, Volume 1 (Long Papers)",
  year = "2018",
  pages = "2227--2237",
  doi = "10.18653/v1/N18-1202",
}
```"""


@dataclass(frozen=True)
class Figures:
    """What a training says of its model.

    Args:
        tokens, sentences: of the training text.
        epoch, step: after which the model was kept.
        perplexities: exact perplexities by the name of a held-out text: `forward`, `backward`, `both`,
            `unigram`, `per_character`, and `unknown_share`, as `elmo.training.evaluation.Evaluation`
            has them; what is not known is left out.
    """

    tokens: int | None = None
    sentences: int | None = None
    epoch: float | None = None
    step: int | None = None
    perplexities: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def model_card(
    model: Pretrained,
    repo_id: str,
    *,
    license: str,
    language: str | Sequence[str] | None = None,
    tags: Sequence[str] = (),
    description: str | None = None,
    figures: Figures | None = None,
) -> str:
    """The text of a model's `README.md`: metadata in YAML, and Markdown.

    Args:
        model: what is described.
        repo_id: where it will be, `user/model`.
        license: the hub's identifier, such as `"apache-2.0"`.
        language: ISO 639 codes of the text it was trained on.
        tags: further ones, after `elmo`.
        description: a paragraph of your own.
        figures: of its training, if they are known.

    Raises:
        ImportError: huggingface_hub, which writes the metadata, is not installed.
    """
    languages = [language] if isinstance(language, str) else list(language or ())
    metadata = client("a model card").ModelCardData(
        language=languages or None,
        library_name=LIBRARY,
        license=license,
        pipeline_tag=TASK,
        tags=list(dict.fromkeys([TAG, *tags])),
    )
    blocks = [
        f"---\n{metadata.to_yaml().strip()}\n---",
        f"# {repo_id.rpartition('/')[2]}",
        "An ELMo ([Peters et al. 2018](https://doi.org/10.18653/v1/N18-1202)), a deep bidirectional "
        "language model that gives a vector for every word in its context, for "
        "elmo-keras.",
        *([description.strip()] if description else []),
        "## Use",
        "```\npip install 'elmo-keras[hub]'\n```",
        f"```python\n{_example(model, repo_id)}\n```",
        "## Model",
        _table(("", ""), _sizes(model)),
    ]
    if figures is not None:
        blocks += _trained(figures)
    blocks += ["## Citation", _CITATION]
    return "\n\n".join(blocks) + "\n"


def _example(model: Pretrained, repo_id: str) -> str:
    lstm = model.config.lstm
    return (
        "import elmo\n\n"
        f'model = elmo.load("hf://{repo_id}")\n'
        'vectors = model.embed(["a rose is a rose"])\n'
        f"print(vectors[0].shape)  # ({lstm.n_layers + 1}, 5, {model.config.output_dim}): "
        "layers, tokens, numbers"
    )


def _sizes(model: Pretrained) -> list[tuple[str, str]]:
    config, lstm = model.config, model.config.lstm
    softmax = sum(a.size for n, a in model.weights.items() if n.startswith("softmax/"))
    encoder = sum(a.size for a in model.weights.values()) - softmax
    reads = "whole words" if config.char_cnn is None else "characters of each token"
    predicts = f"yes, {softmax:,} parameters" if model.has_softmax else "no: it embeds alone"
    rows = [
        ("reads", reads + (", lower-cased" if config.lowercase else "")),
        ("directions", config.directions),
        (
            "network",
            f"{lstm.n_layers} LSTM layers of {lstm.dim:,} cells, projected to "
            f"{lstm.projection_dim:,}",
        ),
        ("vectors", f"{lstm.n_layers + 1} layers of {config.output_dim:,} numbers per token"),
        ("parameters of the encoder", f"{encoder:,}"),
        ("softmax", predicts),
    ]
    if model.vocabulary is not None:
        rows.append(("vocabulary", f"{len(model.vocabulary):,} types"))
    return rows


def _trained(figures: Figures) -> list[str]:
    said = []
    if figures.tokens is not None:
        said.append(f"Trained on {figures.tokens:,} tokens")
        said[0] += f" in {figures.sentences:,} sentences." if figures.sentences else "."
    if figures.epoch is not None:
        step = f" (step {figures.step:,})" if figures.step else ""
        said.append(f"These are the weights after epoch {figures.epoch:.3g}{step}.")
    blocks = ["## Training", " ".join(said)] if said else []
    if figures.perplexities:
        rows = []
        for name, values in figures.perplexities.items():
            cells = [_perplexity(values.get(column), column) for column in _COLUMNS]
            share = values.get("unknown_share")
            rows.append((name, *cells, "–" if share is None else f"{share:.1%}"))
        blocks += [
            "## Perplexity",
            "Exact: the full softmax, every token counted. Compare models of different vocabularies by "
            "the perplexity per character.",
            _table(("text", *_COLUMNS.values(), "unknown words"), rows),
        ]
    return blocks


def _perplexity(value: float | None, column: str) -> str:
    if value is None:
        return "–"
    return f"{value:.4g}" if column == "per_character" else f"{value:,.2f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
