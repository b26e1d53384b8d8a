"""Perplexity of held-out novels, beside the unigram model and a Kneser–Ney 5-gram of the same text.

    ELMO_DATA=… python -m benchmarks.novels MODEL [--data eltec-eng] [--kenlm FOLDER] [--other NAME]
        [--output FOLDER] [--json]

The test part of `elmo data eltec-eng` is evaluated with the exact softmax, with the state carried
through a novel as in the training, and from zero state in each sentence. With `--kenlm`, the
folder with KenLM's programs `lmplz` and `query` (built from its source), a 5-gram with modified
Kneser–Ney smoothing and no pruning is estimated from the training part. Every word that the
model's vocabulary lacks is `<UNK>` for both, so that they share the targets: each word and the end of
each sentence. `--other` also evaluates on the test part of another data set, to show what the model
is not good for.
"""

import argparse
import json
import math
import os
import subprocess
import tempfile
import time
from pathlib import Path

import elmo  # isort: skip

from benchmarks.tools.arithmetic import machine
from elmo.text import datasets

UNKNOWN = "_UNKNOWN_"  # for KenLM, which wants to see `<unk>` in no text


def mapped(corpus, known):
    """The sentences as lines in which each unknown word is the same word."""
    for sentence in corpus:
        yield " ".join(token if token in known else UNKNOWN for token in sentence)


def five_gram(kenlm, train, test, known, order=5):
    """Nats of the test part under a Kneser–Ney model, and how many targets they are of."""
    programs = Path(kenlm)
    with tempfile.TemporaryDirectory() as folder:
        texts = {"train": train, "test": test}
        for name, corpus in texts.items():
            with open(Path(folder) / name, "w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in mapped(corpus, known))
        arpa = Path(folder) / "model.arpa"
        estimate = [str(programs / "lmplz"), "-o", str(order), "-S", "4G", "-T", folder]
        piped(estimate, Path(folder) / "train", arpa)
        answers = Path(folder) / "answers"
        piped(
            [str(programs / "query"), "-v", "sentence", str(arpa)], Path(folder) / "test", answers
        )
        with open(Path(folder) / "test", encoding="utf-8") as file:
            targets = sum(len(line.split()) + 1 for line in file)
        logarithms = [
            float(line.split()[1]) for line in answers.read_text().splitlines() if "Total:" in line
        ]  # to base 10, of a sentence with its end
    return -sum(logarithms) * math.log(10), targets


def piped(command, source, target):
    """Run a program from one file to another."""
    with open(source, "rb") as text, open(target, "wb") as file:
        subprocess.run(command, stdin=text, stdout=file, stderr=subprocess.DEVNULL, check=True)


def figures(result):
    return {
        "forward": result.forward,
        "backward": result.backward,
        "both": result.both,
        "tokens": result.tokens,
        "unknown_share": result.unknown_share,
    }


def measure(arguments):
    from elmo.training.unigram import unigram_perplexity

    model = elmo.load(arguments.model)
    data = datasets.load(arguments.data)
    begin = time.perf_counter()
    found = {
        "machine": machine(),
        "model": str(arguments.model),
        "data": arguments.data,
        "carried": figures(model.evaluate(data.test, state="carry")),
        "reset": figures(model.evaluate(data.test, state="reset")),
        "unigram": unigram_perplexity(model.vocabulary, data.test),
    }
    found["seconds"] = time.perf_counter() - begin
    if arguments.other:
        other = datasets.load(arguments.other).test
        found["other"] = {
            "data": arguments.other,
            **figures(model.evaluate(other, state="carry")),
            "unigram": unigram_perplexity(model.vocabulary, other),
        }
    if arguments.kenlm:
        known = set(model.vocabulary.tokens)
        nats, targets = five_gram(arguments.kenlm, data.train, data.test, known)
        if targets != found["carried"]["tokens"]:
            raise SystemExit(
                f"{targets} targets of the 5-gram, {found['carried']['tokens']} of ours"
            )
        found["five_gram"] = math.exp(nats / targets)
        found["over_five_gram"] = found["carried"]["forward"] / found["five_gram"]
    return found


def shown(found):
    """The table in Markdown."""
    rows = ["| model | forward | backward | both |", "|---|---|---|---|"]
    rows.append(f"| word frequencies alone (unigram) | {found['unigram']:.1f} | | |")
    if "five_gram" in found:
        rows.append(f"| modified Kneser–Ney 5-gram | {found['five_gram']:.1f} | | |")
    for name, what in (("reset", "each sentence by itself"), ("carried", "state carried")):
        part = found[name]
        numbers = (f"{part[key]:.1f}" for key in ("forward", "backward", "both"))
        rows.append(f"| ELMo, {what} | {' | '.join(numbers)} |")
    rows.append("")
    part = found["carried"]
    rows.append(f"{part['tokens']:,} targets, {part['unknown_share']:.1%} of them unknown words.")
    if "over_five_gram" in found:
        rows.append(f"Forward with carried state: {found['over_five_gram']:.3f} × the 5-gram.")
    if "other" in found:
        other = found["other"]
        rows.append(
            f"{other['data']}: {other['both']:.1f} (unigram {other['unigram']:.1f}), "
            f"{other['unknown_share']:.1%} unknown."
        )
    return "\n".join(rows)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--data", default="eltec-eng")
    parser.add_argument("--kenlm", help="the folder with KenLM's programs lmplz and query")
    parser.add_argument("--other", help="another data set, such as wikitext-2")
    parser.add_argument("--output", help="folder for novels.json")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = measure(arguments)
    if arguments.output:
        folder = Path(arguments.output)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "novels.json").write_text(json.dumps(found, indent=2) + os.linesep)
    print(json.dumps(found) if arguments.json else shown(found))


if __name__ == "__main__":
    main()
