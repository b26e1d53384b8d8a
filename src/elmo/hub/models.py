"""Published models by name: where they lie, how large they are, under which licence.

What is not known is None: hardly any of these files was published with a checksum or a licence of
its own. A licence here is that of the project that published the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Layout = Literal["AllenNLP", "bilm-tf checkpoint", "ELMoForManyLangs", "NLPL"]

_ALLENNLP = "https://s3-us-west-2.amazonaws.com/allennlp/models/elmo"
SOFTMAX, SOFTMAX_VOCABULARY = "softmax_weights.hdf5", "vocab.txt"  # what they are called here
_NLPL = "http://vectors.nlpl.eu/repository"

LANGUAGES = {  # of the models: ISO 639 codes and English names
    **{
        "ar": "Arabic",
        "bg": "Bulgarian",
        "ca": "Catalan",
        "cs": "Czech",
        "cu": "Old Church Slavonic",
    },
    **{"da": "Danish", "de": "German", "el": "Modern Greek", "en": "English", "es": "Spanish"},
    **{"et": "Estonian", "eu": "Basque", "fa": "Persian", "fi": "Finnish", "fr": "French"},
    **{"ga": "Irish", "gl": "Galician", "grc": "Ancient Greek", "he": "Hebrew", "hi": "Hindi"},
    **{"hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "it": "Italian", "ja": "Japanese"},
    **{"ko": "Korean", "la": "Latin", "lv": "Latvian", "nb": "Norwegian Bokmål", "nl": "Dutch"},
    **{"nn": "Norwegian Nynorsk", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese"},
    **{"ro": "Romanian", "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "sv": "Swedish"},
    **{"tr": "Turkish", "ug": "Uyghur", "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese"},
    **{"zh": "Chinese", "protein": "proteins"},
}


@dataclass(frozen=True)
class RemoteFile:
    """A file to download.

    Args:
        url: its address.
        name: what it is called once it is here.
        size: in bytes, where known.
        sha256: its checksum, where known.
    """

    url: str
    name: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class RemoteModel:
    """A published model.

    Args:
        name: by which it is loaded.
        description: what it was trained on.
        language: ISO 639 code; `"protein"` for amino acids.
        files: what is downloaded; a single zip archive is unpacked.
        licence: of the project, where it names one.
        page: where it is described.
        parameters: their number, where known.
        layout: of its files.
        softmax: the softmax and its vocabulary, where they were published apart from the weights.
    """

    name: str
    description: str
    language: str
    files: tuple[RemoteFile, ...]
    licence: str | None
    page: str
    parameters: int | None = None
    layout: Layout = "AllenNLP"
    softmax: tuple[RemoteFile, RemoteFile] | None = None

    @property
    def language_name(self) -> str:
        """The language in English."""
        return LANGUAGES[self.language]

    @property
    def size(self) -> int | None:
        """Bytes to download, None unless known of every file."""
        sizes = [file.size for file in self.files if file.size is not None]
        return sum(sizes) if len(sizes) == len(self.files) else None


def _allennlp(
    name: str,
    description: str,
    folder: str,
    parameters: int,
    options: str = "options.json",
    weights: str = "weights.hdf5",
    sizes: tuple[int | None, int | None] = (None, None),
    stem: str | None = None,
    softmax_vocabulary: str | None = None,
) -> RemoteModel:
    stem = f"{_ALLENNLP}/{folder}/elmo_{stem or folder}"
    return RemoteModel(
        name=name,
        description=description,
        language="en",
        files=(
            RemoteFile(f"{stem}_{options}", "options.json", sizes[0]),
            RemoteFile(f"{stem}_{weights}", "weights.hdf5", sizes[1]),
        ),
        licence="Apache-2.0",
        page="https://allenai.org/allennlp/software/elmo",
        parameters=parameters,
        softmax=None
        if softmax_vocabulary is None
        else (
            RemoteFile(f"{stem}_softmax_{weights}", SOFTMAX),
            RemoteFile(f"{_ALLENNLP}/{folder}/{softmax_vocabulary}", SOFTMAX_VOCABULARY),
        ),
    )


def _checkpoint(name: str, folder: str, step: int) -> RemoteModel:
    names = (
        "checkpoint",
        "options.json",
        f"model.ckpt-{step}.index",
        f"model.ckpt-{step}.data-00000-of-00001",
    )
    files = [RemoteFile(f"{_ALLENNLP}/{folder}/{file}", file) for file in names]
    files.append(RemoteFile(f"{_ALLENNLP}/vocab-2016-09-10.txt", "vocab.txt"))
    return RemoteModel(
        name=f"{name}-checkpoint",
        description=f"The training checkpoint of the {name} model: with softmax and vocabulary",
        language="en",
        files=tuple(files),
        licence="Apache-2.0",
        page="https://github.com/allenai/bilm-tf",
        layout="bilm-tf checkpoint",
    )


def _nlpl(
    number: int,
    description: str,
    language: str,
    place: int = 20,
    *,
    name: str | None = None,
    layout: Layout = "NLPL",
    page: str = "http://vectors.nlpl.eu/repository/",
    licence: str | None = None,
) -> RemoteModel:
    return RemoteModel(
        name=name or f"nlpl-{number}",
        description=description,
        language=language,
        files=(RemoteFile(f"{_NLPL}/{place}/{number}.zip", f"{number}.zip"),),
        licence=licence,
        page=page,
        layout=layout,
    )


_MANYLANGS_FIRST = 136
_MANYLANGS = """
ar bg ca cs cu da de el en es et eu fa fi fr ga gl grc he hi hr hu id it ja ko la lv nl nb nn pl pt
ro ru sk sl sv tr ug uk ur vi zh
"""


def _manylangs() -> Iterator[RemoteModel]:
    for number, language in enumerate(_MANYLANGS.split(), _MANYLANGS_FIRST):
        yield _nlpl(
            number,
            "20 million words of Wikipedia and Common Crawl (Che et al. 2018)",
            language,
            11,
            name=f"manylangs-{language}",
            layout="ELMoForManyLangs",
            licence="MIT",
            page="https://github.com/HIT-SCIR/ELMoForManyLangs",
        )


def _seqvec() -> RemoteModel:
    return RemoteModel(
        name="seqvec",
        description="Amino-acid sequences of UniRef50 (Heinzinger et al. 2019)",
        language="protein",
        files=(RemoteFile("https://rostlab.org/~deepppi/seqvec.zip", "seqvec.zip"),),
        licence="MIT",
        page="https://github.com/mheinzinger/SeqVec",
        parameters=93_600_000,
    )


_ALL = (
    _allennlp(
        "original",
        "1 Billion Word benchmark (Peters et al. 2018)",
        "2x4096_512_2048cnn_2xhighway",
        93_600_000,
        sizes=(336, 374_434_792),
        softmax_vocabulary="vocab-2016-09-10.txt",
    ),
    _allennlp("small", "1 Billion Word benchmark", "2x1024_128_2048cnn_1xhighway", 13_600_000),
    _allennlp("medium", "1 Billion Word benchmark", "2x2048_256_2048cnn_1xhighway", 28_000_000),
    _allennlp(
        "original-5.5b",
        "5.5 billion tokens of Wikipedia and news crawl",
        "2x4096_512_2048cnn_2xhighway_5.5B",
        93_600_000,
        softmax_vocabulary="tf_checkpoint/vocab-enwiki-news-500000.txt",
    ),
    _allennlp(
        "pubmed",
        "Abstracts of PubMed (contributed)",
        "contributed/pubmed",
        93_600_000,
        weights="weights_PubMed_only.hdf5",
        stem="2x4096_512_2048cnn_2xhighway",
    ),
    _checkpoint("original", "2x4096_512_2048cnn_2xhighway_tf_checkpoint", 935588),
    _checkpoint("small", "2x1024_128_2048cnn_1xhighway/tf_checkpoint", 1501260),
    _seqvec(),
    _nlpl(195, "Russian National Corpus and Wikipedia, words, 2018 (RusVectores)", "ru"),
    _nlpl(196, "Russian National Corpus and Wikipedia, lemmas, 2018 (RusVectores)", "ru"),
    _nlpl(199, "Taiga corpus, lemmas, 2019 (RusVectores)", "ru"),
    _nlpl(201, "German (Kutuzov and Giulianelli 2020)", "de"),
    _nlpl(202, "Swedish (Kutuzov and Giulianelli 2020)", "sv"),
    _nlpl(203, "Latin (Kutuzov and Giulianelli 2020)", "la"),
    _nlpl(209, "English Wikipedia (Kutuzov and Giulianelli 2020)", "en"),
    *_manylangs(),
)
MODELS: dict[str, RemoteModel] = {model.name: model for model in _ALL}


def find(name: str) -> RemoteModel | None:
    """The model of that name, whatever its case, or None.

    Args:
        name: one of `MODELS`, or `nlpl-NUMBER` for any model of the NLPL repository.

    Example:
        >>> find("Small").parameters
        13600000
        >>> find("manylangs-en").files[0].url
        'http://vectors.nlpl.eu/repository/11/144.zip'
        >>> find("nlpl-217").files[0].url
        'http://vectors.nlpl.eu/repository/20/217.zip'
        >>> find("unheard-of") is None
        True
    """
    model = MODELS.get(name.lower())
    number = re.fullmatch(r"nlpl-([1-9]\d{0,4})", name.lower())
    if model is None and number is not None:
        return _nlpl(int(number[1]), "A model of the NLPL repository", "und")
    return model


def find_by_address(*urls: str) -> RemoteModel | None:
    """The model of exactly these files, or None.

    Example:
        >>> find_by_address("https://rostlab.org/~deepppi/seqvec.zip").name
        'seqvec'
    """
    return next((m for m in MODELS.values() if tuple(f.url for f in m.files) == urls), None)
