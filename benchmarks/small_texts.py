"""Small texts: the settings that are chosen for them, beside the unigram model.

    ELMO_DATA=… python -m benchmarks.small_texts [--sources ewt wiki novel] [--sizes 10000 …]
        [--tokens word char] [--minutes 2] [--set NAME=VALUE] [--json]

Trains a model on the first so many tokens of a text, with the settings that `elmo.train` chooses, for at
most so many minutes, and evaluates the best one by validation on 16,000 other tokens. The sources are
`ud-english-ewt` (the web), WikiText-2 (articles) and the longest of the ELTeC novels of 1848. Beside the
perplexity stands the unigram model's on the same vocabulary, and both for a closed set of words: a
model's `<UNK>` shared equally by the types of the test text that it lacks (Ueberla 1994), so that
vocabularies of different sizes can be compared.
"""

import argparse
import contextlib
import json
import math
import os
import tempfile
import time
from pathlib import Path

import elmo  # isort: skip

from benchmarks.perplexity import stop_after
from benchmarks.tools.arithmetic import machine
from elmo.text import datasets
from elmo.training.report import read_metrics
from elmo.training.unigram import unigram_perplexity

SIZES = (10_000, 25_000, 50_000, 100_000, 200_000)
HELD_OUT = {"valid": 8_000, "test": 16_000}


def web(part):
    """Sentences of `ud-english-ewt`: a token a line with its tag, a blank line between them."""
    name = {"valid": "dev"}.get(part, part)
    folder = Path(os.environ["ELMO_DATA"]) / "ud-english-ewt"
    blocks = (folder / f"{name}.tsv").read_text(encoding="utf-8").split("\n\n")
    return [[line.split("\t")[0].replace(" ", "") for line in b.splitlines()] for b in blocks if b]


def wiki(part):
    """Lines of WikiText-2 that are not blank."""
    return list(elmo.Corpus(datasets.path("wikitext-2", part)))


def novel(part):
    """Sentences of one novel: its end is held out."""
    path = Path(os.environ["ELMO_DATA"]) / "eltec-eng" / "ENG18481.txt.xz"
    sentences = list(elmo.Corpus(path, raw=True))
    cuts = {"train": (0, -1200), "test": (-1200, -400), "valid": (-400, None)}
    return sentences[slice(*cuts[part])]


SOURCES = {"ewt": web, "wiki": wiki, "novel": novel}


def first(sentences, tokens):
    """Sentences until they have so many tokens."""
    taken, n = [], 0
    for sentence in sentences:
        if n >= tokens:
            break
        taken.append([str(token) for token in sentence])
        n += len(sentence)
    return taken


def measure(source, size, tokens, minutes, settings):
    """One row of the table."""
    read = SOURCES[source]
    text = first(read("train"), size)
    held_out = {part: first(read(part), n) for part, n in HELD_OUT.items()}
    given = {"token_encoding": tokens, **settings}
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        corpora = {part: elmo.Corpus.from_sentences(s) for part, s in held_out.items()}
        with contextlib.suppress(KeyboardInterrupt):
            elmo.train(
                elmo.Corpus.from_sentences(text),
                valid=corpora["valid"],
                output=folder,
                progress=False,
                overwrite=True,
                callbacks=[stop_after(minutes / 60)],
                **given,
            )
        seconds = time.monotonic() - began
        model = elmo.load(folder)
        rows = [r for r in read_metrics(Path(folder) / "run" / "metrics.csv") if r["valid_both"]]
        found = model.evaluate(corpora["test"])
    unigram = unigram_perplexity(model.vocabulary, held_out["test"])
    words = [word for sentence in held_out["test"] for word in sentence]
    unknown = {word for word in words if model.vocabulary.ids([word])[0] == model.vocabulary.unk_id}
    share = sum(word in unknown for word in words) / (len(words) + len(held_out["test"]))
    spread = math.exp(share * math.log(max(1, len(unknown))))
    return {
        "source": source,
        "size": size,
        "tokens": tokens,
        "types": len(model.vocabulary),
        "unknown_share": share,
        "perplexity": found.both,
        "unigram": unigram,
        "ratio": found.both / unigram,
        "closed": found.both * spread,
        "closed_unigram": unigram * spread,
        "epochs": rows[-1]["epoch"],
        "best_epoch": min(rows, key=lambda row: row["valid_both"])["epoch"],
        "seconds": seconds,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sources", nargs="+", choices=SOURCES, default=list(SOURCES))
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES))
    parser.add_argument("--tokens", nargs="+", choices=["word", "char"], default=["word", "char"])
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="others")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    from elmo.cli.options import TomlValue

    settings = dict(TomlValue().convert(text, None, None) for text in options.others)
    rows = []
    if not options.json:
        print(
            "| source | tokens | model | types | unknown | perplexity | unigram | ratio | closed set |"
        )
        print("|---|---|---|---|---|---|---|---|---|")
    for source in options.sources:
        for size in options.sizes:
            for tokens in options.tokens:
                row = measure(source, size, tokens, options.minutes, settings)
                rows.append(row)
                if not options.json:
                    print(
                        f"| {source} | {size:,} | {tokens} | {row['types']:,} "
                        f"| {row['unknown_share']:.1%} | {row['perplexity']:,.0f} "
                        f"| {row['unigram']:,.0f} | {row['ratio']:.2f} | {row['closed']:,.0f} |",
                        flush=True,
                    )
    if options.json:
        print(json.dumps({"rows": rows, "settings": settings, "machine": machine()}))


if __name__ == "__main__":
    main()
