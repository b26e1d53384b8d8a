"""Files for `spacy train`: a part of UD English EWT, and the config with all settings.

Reads `train.tsv`, `dev.tsv` and `test.tsv` of a folder: `form TAB tag` per line, a blank line after each
sentence.

    python examples/spacy/prepare.py --data ud-english-ewt -o pos --sentences 2000
"""

import argparse
from pathlib import Path

import spacy
from spacy.tokens import Doc, DocBin
from spacy.util import load_config, load_model_from_config

HERE = Path(__file__).parent
HASHES = {  # spaCy's own vectors, trained with the tagger
    "@architectures": "spacy.HashEmbedCNN.v2",
    "pretrained_vectors": None,
    "width": 96,
    "depth": 4,
    "embed_size": 2000,
    "window_size": 1,
    "maxout_pieces": 3,
    "subword_features": True,
}


def sentences(path):
    """Pairs (tokens, tags), one per sentence."""
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        rows = [line.split("\t") for line in block.splitlines() if line]
        if rows:
            yield [row[0] for row in rows], [row[1] for row in rows]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the three files")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder to write")
    parser.add_argument("--sentences", type=int, default=2000, help="of the training part")
    parser.add_argument("--without-elmo", action="store_true", help="spaCy's own vectors instead")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    vocab = spacy.blank("en").vocab
    for name in ("train", "dev", "test"):
        path = options.data / f"{name}.tsv"
        if not path.is_file():
            parser.error(f"{path}: no such file; --data names the folder of the three")
        found = list(sentences(path))
        if name == "train":
            found = found[: options.sentences]
        docs = [Doc(vocab, words=tokens, tags=tags) for tokens, tags in found]
        DocBin(docs=docs).to_disk(options.output / f"{name}.spacy")
        print(f"{name}: {len(docs):,} sentences, {sum(map(len, docs)):,} tokens")
    config = load_config(HERE / "config.cfg")
    if options.without_elmo:
        config["components"]["tok2vec"]["model"] = HASHES
    load_model_from_config(config, auto_fill=True).config.to_disk(options.output / "config.cfg")


if __name__ == "__main__":
    main()
