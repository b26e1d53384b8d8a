"""What lies beside an exported graph: how strings become ids, for programs that have only the files.

`encoding.json` has every number as it enters the graph (0 is padding, everything else is the
number in the vocabulary or the byte, + 1). docs/export.md describes it and reads it in a few lines.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from elmo.formats.contents import Pretrained
from elmo.formats.options import options_from_config
from elmo.text.characters import BEGIN_WORD, END_WORD, PADDING, Characters
from elmo.text.manylangs import CHARACTER_FILE, WORD_FILE, ManyLangsCharacters
from elmo.text.vocabulary import Vocabulary
from elmo.text.vocabulary_files import write_vocabulary

ENCODING, OPTIONS, VOCABULARY = "encoding.json", "options.json", "vocab.txt"
VERSION = 1


def write_encoding(pretrained: Pretrained, folder: Path, **about: Any) -> None:
    """Write `encoding.json`, `options.json` and the vocabulary or dictionaries into a folder.

    Args:
        pretrained: the model.
        folder: where to.
        about: more entries of `encoding.json`.

    Raises:
        ValueError: a word model without its vocabulary.
    """
    config = pretrained.config
    if config.char_cnn is None:
        words = pretrained.vocabulary
        if words is None:
            raise ValueError(
                "the model reads whole words and its vocabulary is not known; load it with "
                "vocabulary="
            )
        how = _words(words)
        write_vocabulary(folder / VOCABULARY, words.tokens, "published", None)
    elif pretrained.dictionaries is not None:
        how = _dictionaries(pretrained.dictionaries)
        pretrained.dictionaries.save(folder)
    else:
        how = _bytes(config.char_cnn.max_characters_per_token)
    how["lowercase"] = config.lowercase or bool(how.get("lowercase"))
    outputs = {"layers": ["batch", config.lstm.n_layers + 1, "time", config.output_dim]}
    text = {"version": VERSION, **about, **how, **outputs, "mask": ["batch", "time"]}
    (folder / ENCODING).write_text(f"{json.dumps(text, ensure_ascii=False)}\n", encoding="utf-8")
    options = json.dumps(options_from_config(config), indent=2, allow_nan=False)
    (folder / OPTIONS).write_text(f"{options}\n", encoding="utf-8")


def _words(words: Vocabulary) -> dict[str, Any]:
    special = (words.bos_id, words.eos_id, words.pad_id)
    return {
        "reads": "words",
        "vocabulary": VOCABULARY,
        "begin_sentence": words.bos_id + 1,
        "end_sentence": words.eos_id + 1,
        "unknown": words.unk_id + 1,
        "lowercase": words.lowercase,
        # Spelled so in a text they are unknown words.
        "never_words": [words.tokens[i] for i in special if i is not None],
    }


def _bytes(length: int) -> dict[str, Any]:
    characters = Characters(length)
    return {
        "reads": "bytes",
        "length": length,
        "begin_sentence": (characters.begin_sentence + 1).tolist(),
        "end_sentence": (characters.end_sentence + 1).tolist(),
        "begin_word": BEGIN_WORD + 1,
        "end_word": END_WORD + 1,
        "padding_character": PADDING + 1,
    }


def _dictionaries(characters: ManyLangsCharacters) -> dict[str, Any]:
    ids, (begin, end) = characters.characters, characters.encode([]).tolist()
    # The names of begin and end of a word are swapped in the published files.
    how = {
        "reads": "characters",
        "characters": CHARACTER_FILE,
        "length": characters.max_characters_per_token,
        "begin_sentence": begin,
        "end_sentence": end,
        "begin_word": ids["<eow>"] + 1,
        "end_word": ids["<bow>"] + 1,
        "padding_character": ids["<pad>"] + 1,
        "unknown_character": ids["<oov>"] + 1,
    }
    if characters.words is not None:
        how |= {"words": WORD_FILE, "unknown_word": characters.words["<oov>"] + 1}
    return how
