"""Ten words drawn by a seed: their substitutes and nearest uses in held-out novels, uncurated.

    ELMO_DATA=… python -m benchmarks.ten_words MODEL [--seed 0] [--count 10] [--data eltec-eng] [--json]

The words are drawn evenly from the lower-cased words of the model's vocabulary that occur 100 to 5,000
times in its training text. For each, the sentence that is shown is the first one of the test part, of
8 to 20 tokens, that has the word once; the nearest uses are those of the test part's first 500.
"""

import argparse
import json

import elmo  # isort: skip
import numpy as np

from elmo.text import datasets
from elmo.usages.nearest import nearest

LEAST, MOST = 100, 5000


def draw(vocabulary, count, seed):
    """Words of middle frequency."""
    words = [
        token
        for token, times in zip(vocabulary.tokens, vocabulary.counts, strict=True)
        if LEAST <= times <= MOST and token.isalpha() and token.islower()
    ]
    chosen = np.random.default_rng(seed).choice(len(words), size=count, replace=False)
    return [words[number] for number in sorted(chosen)]


def sentence_of(word, corpus):
    """The first sentence of moderate length that has the word once."""
    for tokens in corpus:
        if 8 <= len(tokens) <= 20 and tokens.count(word) == 1:
            return list(tokens)
    return None


def measure(arguments):
    model = elmo.load(arguments.model)
    test = datasets.load(arguments.data).test
    found = []
    for word in draw(model.vocabulary, arguments.count, arguments.seed):
        tokens = sentence_of(word, test)
        if tokens is None:
            found.append({"word": word, "sentence": None})
            continue
        place = tokens.index(word)
        asked = [*tokens[:place], f"[{word}]", *tokens[place + 1 :]]
        near = nearest(
            model, test, word, sentences=[" ".join(asked)], layer="average", most=500, count=3
        )
        found.append(
            {
                "word": word,
                "sentence": " ".join(asked),
                "substitutes": [s.word for s in model.substitutes(tokens, place, top_k=8)],
                "uses": near["uses"],
                "nearest": [
                    {
                        "similarity": use["similarity"],
                        "sentence": " ".join(use["tokens"]),
                    }
                    for use in near["asked"][0]["nearest"]
                ],
            }
        )
    return {"seed": arguments.seed, "words": found}


def shown(found):
    lines = [f"seed {found['seed']}", ""]
    for entry in found["words"]:
        lines.append(f"**{entry['word']}**: {entry['sentence'] or 'not in the test part'}")
        if entry["sentence"]:
            lines.append(f"  substitutes: {', '.join(entry['substitutes'])}")
            lines += [f"  {use['similarity']:.2f} {use['sentence']}" for use in entry["nearest"]]
        lines.append("")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--data", default="eltec-eng")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    found = measure(arguments)
    print(json.dumps(found, ensure_ascii=False) if arguments.json else shown(found))


if __name__ == "__main__":
    main()
