"""Tell the period of a novel from one paragraph, with ElmoVectorizer and a logistic regression.

    python examples/periods.py my-elmo [--data eltec-eng] [--paragraphs 60] [--json]

The data are the English novels of ELTeC (doi:10.5281/zenodo.4662490): `novels.tsv` with the columns
id, year and author, and `ID.txt.xz` with a paragraph per line; without `--data` they are looked for in
`$ELMO_DATA/eltec-eng`. From each novel the same number of paragraphs of 50 to 150 words is drawn. The
classes are ELTeC's four periods of twenty years.

Folds are of authors: a paragraph is judged by a classifier that has read nothing by its author. The
strength of the penalty is chosen inside each training part. The mean of all layers stands beside
layer 0, the vectors without context, beside tf-idf of words, and beside the commonest class of the
training part. Intervals of 95 % resample authors, since paragraphs of one author are alike; those of a
difference compare the same paragraphs.

`--by author` asks for the author instead, among those with several novels. Its folds are of novels: a
paragraph is judged by a classifier that has read other novels of its author, and none of its own.
"""

import argparse
import csv
import json
import lzma
import os
import random
import re
import time
from pathlib import Path

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from elmo.integrations.sklearn import ElmoVectorizer

from intervals import difference, interval, shown  # isort: skip

PERIODS = {1860: "1840-1859", 1880: "1860-1879", 1900: "1880-1899", 1921: "1900-1920"}
WORDS = 50, 150  # of a paragraph
TOKEN = re.compile(r"'?\w+|[^\w\s]")


def read_paragraphs(data, number, seed=0):
    """Paragraphs as lists of tokens, their periods, their authors and their novels."""
    texts, periods, authors, ids = [], [], [], []
    with open(data / "novels.tsv", encoding="utf-8", newline="") as file:
        novels = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    for novel in novels:
        period = next(name for end, name in PERIODS.items() if int(novel["year"]) < end)
        with lzma.open(data / f"{novel['id']}.txt.xz", "rt", encoding="utf-8") as file:
            found = [line for line in file if WORDS[0] <= len(line.split()) <= WORDS[1]]
        chosen = random.Random(f"{seed} {novel['id']}").sample(found, min(number, len(found)))
        texts += [TOKEN.findall(line) for line in chosen]
        periods += [period] * len(chosen)
        authors += [novel["author"]] * len(chosen)
        ids += [novel["id"]] * len(chosen)
    return texts, np.array(periods), np.array(authors), np.array(ids)


def of_several_novels(authors, ids):
    """Whether the author of each paragraph has more than one novel."""
    novels = {author: set(ids[authors == author]) for author in set(authors)}
    return np.array([len(novels[author]) > 1 for author in authors], bool)


def predict(classifier, penalties, inputs, labels, groups, folds):
    """What each paragraph is taken for by a classifier that has seen none of its group."""
    found = np.empty_like(labels)
    for train, test in StratifiedGroupKFold(folds).split(inputs, labels, groups):
        search = GridSearchCV(classifier, penalties, cv=StratifiedGroupKFold(3))
        search.fit(inputs[train], labels[train], groups=groups[train])
        found[test] = search.predict(inputs[test])
    return found


def by_group(correct, groups):
    """How many paragraphs of each group are right, and how many there are."""
    _, places = np.unique(groups, return_inverse=True)
    return np.bincount(places, correct), np.bincount(places).astype(float)


def share(right, number, axis=-1):
    """Of all paragraphs, those that are right."""
    return right.sum(axis=axis) / number.sum(axis=axis)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="a model's folder, or the name of a published one")
    parser.add_argument("--data", help="folder with novels.tsv and ID.txt.xz")
    parser.add_argument("--paragraphs", type=int, default=60, help="per novel")
    parser.add_argument("--by", choices=["period", "author"], default="period")
    parser.add_argument("--folds", type=int, help="5 for periods and 2 for authors by default")
    parser.add_argument("--n-jobs", type=int, help="worker processes that embed")
    parser.add_argument("--json", action="store_true", help="one JSON object, nothing else")
    options = parser.parse_args()
    data = Path(options.data or Path(os.environ.get("ELMO_DATA", ".")) / "eltec-eng")
    if not (data / "novels.tsv").is_file():
        parser.error(f"{data} has no novels.tsv: give the folder of the novels with --data")
    begin, processor = time.perf_counter(), time.process_time()
    texts, periods, authors, ids = read_paragraphs(data, options.paragraphs)
    labels, groups, folds = periods, authors, options.folds or 5
    if options.by == "author":
        kept = np.flatnonzero(of_several_novels(authors, ids))
        texts, labels, groups = [texts[row] for row in kept], authors[kept], ids[kept]
        folds = options.folds or 2  # most have two or three novels

    def vectors(layers):
        elmo = ElmoVectorizer(options.model, layers=layers, n_jobs=options.n_jobs)
        return elmo.fit_transform(texts)

    linear = LogisticRegression(max_iter=1000, tol=1e-3)
    over_vectors = make_pipeline(StandardScaler(), linear)
    over_words = make_pipeline(TfidfVectorizer(analyzer=list, min_df=2, sublinear_tf=True), linear)
    weak, strong = [1e-5, 1e-4, 1e-3, 1e-2], [1.0, 10.0, 100.0]
    words = np.empty(len(texts), object)
    words[:] = texts
    systems = {
        "all layers, their mean": (over_vectors, weak, vectors("average")),
        "layer 0 alone": (over_vectors, weak, vectors("token")),
        "tf-idf of words": (over_words, strong, words),
        f"the commonest {options.by}": (DummyClassifier(), None, words),
    }
    counts = {}
    for name, (classifier, strengths, inputs) in systems.items():
        penalties = {"logisticregression__C": strengths} if strengths else {}
        found = predict(classifier, penalties, inputs, labels, groups, folds)
        counts[name] = by_group(found == labels, groups)
    first, *others = counts
    result = {
        "accuracy": {name: interval(parts, share) for name, parts in counts.items()},
        "over": {name: difference(counts[first], counts[name], share) for name in others},
        "paragraphs": len(texts),
        "tokens": sum(map(len, texts)),
        "groups": len(set(groups)),
        "processor_seconds": round(time.process_time() - processor, 1),
        "seconds": round(time.perf_counter() - begin, 1),
    }
    if options.json:
        print(json.dumps(result))
        return
    for name, found in result["accuracy"].items():
        print(f"{name:24}  {shown(found)}")
    for name, found in result["over"].items():
        print(f"{first}, over {name:22}  {shown(found)}")
    print(
        f"{len(texts):,} paragraphs of {result['groups']} groups, {result['tokens']:,} tokens, "
        f"{result['seconds']} s"
    )


if __name__ == "__main__":
    main()
