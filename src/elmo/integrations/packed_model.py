"""A model as bytes, for libraries that save their parts as bytes."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from elmo.api import BiLM, load
from elmo.system.archives import extract_zip


def model_to_bytes(model: BiLM) -> bytes:
    """The files of `BiLM.save` in one zip archive.

    Example:
        >>> from elmo.bilm.initialization import new_network
        >>> from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
        >>> from elmo.text.encoding import SentenceEncoder
        >>> characters = CharCNNConfig(embedding_dim=2, filters=[[1, 4], [2, 4]])
        >>> config = BiLMConfig(lstm=LSTMConfig(dim=8, projection_dim=4), char_cnn=characters)
        >>> model = BiLM(new_network(config, seed=0), SentenceEncoder(characters=50))
        >>> model_from_bytes(model_to_bytes(model))
        BiLM(characters, 2 layers of 8 cells projected to 4, both, vocabulary unknown)
    """
    with tempfile.TemporaryDirectory() as place:
        folder = model.save(Path(place) / "model")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(folder).as_posix())
    return packed.getvalue()


def model_from_bytes(packed: bytes) -> BiLM:
    """The model that `model_to_bytes` packed.

    Raises:
        FormatError: the bytes are no such archive, or damaged.
    """
    with tempfile.TemporaryDirectory() as place:
        archive = Path(place) / "model.zip"
        archive.write_bytes(packed)
        return load(extract_zip(archive, Path(place) / "model"))
