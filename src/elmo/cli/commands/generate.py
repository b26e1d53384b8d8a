"""`elmo generate`: text that a model makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

from elmo.cli import options as o
from elmo.cli.command import Command, Option, Result


def generate(
    model: o.Model,
    *,
    prompts: Annotated[
        Sequence[str],
        Option(
            "Beginning of the text (with backward its end), tokens separated by spaces; may be given "
            "again.  [default: none]",
            ("--prompt",),
            metavar="TEXT",
            many=True,
        ),
    ] = (),
    direction: Annotated[
        Literal["forward", "backward"],
        Option("Continue the prompt, or complete what comes before it."),
    ] = "forward",
    n: Annotated[int, Option("Samples per prompt.", ("-n", "--samples"), least=1)] = 1,
    max_tokens: Annotated[int, Option("The most tokens that are generated.", least=1)] = 50,
    temperature: Annotated[
        float, Option("Below 1 the probable is more probable; 0 takes the most probable type.")
    ] = 1.0,
    top_k: Annotated[
        int | None, Option("Draw from the K most probable types.", metavar="K", least=1)
    ] = None,
    top_p: Annotated[
        float | None,
        Option("Draw from the smallest set of types that has this share.", metavar="SHARE"),
    ] = None,
    seed: Annotated[int, Option("The same seed gives the same text.", least=0)] = 0,
    batch_size: Annotated[int, Option("Samples that are made side by side.", least=1)] = 64,
    unknown: Annotated[bool, Option("Let <UNK> be generated.")] = False,
    vocabulary: o.Vocabulary = None,
    softmax: o.Softmax = None,
) -> dict[str, Any]:
    """Samples of prompts; see `elmo.BiLM.generate`.

    Returns:
        `direction`, `seed`, `prompts` and `samples`, each with `prompt` (its number), `tokens`, `text`,
        `nats` and `ended`.
    """
    from elmo.api import load
    from elmo.language.drawing import Drawing

    Drawing(temperature, top_k, top_p)  # before the model is read
    given = list(prompts) or [""]
    samples = load(model, vocabulary, softmax=softmax).generate(
        given,
        direction=direction,
        n=n,
        max_tokens=max_tokens,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
        batch_size=batch_size,
        unknown=unknown,
    )
    return {
        "direction": direction,
        "seed": seed,
        "prompts": given,
        "samples": [asdict(sample) for sample in samples],
    }


def show(result: Result) -> str:
    """A line per text, with … where it was not ended."""
    forward = result["direction"] == "forward"
    lines = []
    for sample in result["samples"]:
        text = sample["text"]
        if not sample["ended"]:
            text = f"{text} …" if forward else f"… {text}"
        lines.append(text)
    return "\n".join(lines)


COMMAND = Command(
    generate,
    show,
    "Text that a model makes: a beginning continued, or an ending completed.",
    "elmo generate my-elmo --prompt 'The bank' -n 5 --top-p 0.9\n"
    "elmo generate my-elmo --prompt 'to the file .' --direction backward --temperature 0.7",
)
