"""The ELMo of AllenNLP 0.9: change the import, keep the script.

`from allennlp.commands.elmo import ElmoEmbedder` and
`from allennlp.modules.elmo import Elmo, batch_to_ids` become
`from elmo.compat.allennlp import Elmo, ElmoEmbedder, batch_to_ids`. AllenNLP itself is not needed. Code
that cannot be changed finds the same under AllenNLP's own names after `import elmo.compat.as_allennlp`.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

import numpy as np

from elmo.api import BiLM, load
from elmo.compat import byte_ids
from elmo.compat.allennlp_indexer import ELMoCharacterMapper, ELMoTokenCharactersIndexer
from elmo.compat.allennlp_layer import Elmo
from elmo.compat.allennlp_mix import ScalarMix
from elmo.compat.allennlp_token_embedder import ElmoTokenEmbedder
from elmo.compat.byte_ids import PublishedEncoder
from elmo.compat.embedder_model import EmbedderModel
from elmo.compat.tensors import as_tensor
from elmo.embed.carried_state import CarriedState
from elmo.embed.embedder import Embedder
from elmo.embed.results import State
from elmo.hub.models import MODELS
from elmo.text.encoding import SentenceEncoder
from elmo.text.manylangs import ManyLangsCharacters
from elmo.text.sentences import check_sentences, token_list, token_lists
from elmo.vectors.stores.hdf5 import Hdf5Writer

__all__ = [
    "DEFAULT_OPTIONS_FILE",
    "DEFAULT_WEIGHT_FILE",
    "ELMoCharacterMapper",
    "ELMoTokenCharactersIndexer",
    "Elmo",
    "ElmoEmbedder",
    "ElmoTokenEmbedder",
    "ScalarMix",
    "batch_to_ids",
]

DEFAULT_OPTIONS_FILE, DEFAULT_WEIGHT_FILE = (file.url for file in MODELS["original"].files)
DEFAULT_BATCH_SIZE = 64
FORMATS = ("all", "top", "average")


def batch_to_ids(batch: Sequence[Sequence[str]]) -> Any:
    """Character ids of sentences.

    Args:
        batch: lists of tokens.

    Returns:
        `(batch, longest, 50)`: without boundaries, which `Elmo` adds, and 0 for padding. Where
        Keras's backend is PyTorch a tensor of int64, as in AllenNLP, otherwise a NumPy array of
        int32.

    Example:
        >>> ids = batch_to_ids([["First", "sentence", "."], ["Another", "."]])
        >>> tuple(ids.shape), int(ids[1, 2].sum())
        ((2, 3, 50), 0)
    """
    return as_tensor(byte_ids.batch_to_ids(batch))


class ElmoEmbedder:
    """Vectors of tokenised sentences from a published model.

    As in AllenNLP the LSTM state goes on from call to call: the same sentence given twice has other
    vectors the second time, and a result depends on what was read before. `state="reset"` switches
    that off: each sentence is then read from zero state, whatever its batch.

    Args:
        options_file, weight_file: paths or addresses; by default the original model's, which is
            downloaded on first use.
        cuda_device: has no effect; Keras's backend chooses the device.
        state: `"carry"` or `"reset"`.

    Raises:
        FormatError: a file is missing or damaged.
        ValueError: `state` is neither.

    Example (needs a download)::

        elmo = ElmoEmbedder()
        vectors = elmo.embed_sentence(["I", "ate", "an", "apple"])  # (3, 4, 1024)
    """

    def __init__(
        self,
        options_file: str | os.PathLike[str] = DEFAULT_OPTIONS_FILE,
        weight_file: str | os.PathLike[str] = DEFAULT_WEIGHT_FILE,
        cuda_device: int = -1,
        *,
        state: State = "carry",
    ) -> None:
        if state not in ("carry", "reset"):
            raise ValueError(f"state={state!r}: must be 'carry' or 'reset'")
        files = os.fspath(options_file), os.fspath(weight_file)
        original = files == (DEFAULT_OPTIONS_FILE, DEFAULT_WEIGHT_FILE)
        model = load("original" if original else files)
        self.cuda_device = cuda_device
        self.indexer = ELMoTokenCharactersIndexer()
        self.state: State = state
        encoder, config = model.sentence_encoder, model.config
        if isinstance(encoder, SentenceEncoder) and config.char_cnn is not None:
            encoder = PublishedEncoder(config.char_cnn.max_characters_per_token, config.lowercase)
        self._take(model, encoder)

    def _take(
        self, model: BiLM, encoder: PublishedEncoder | SentenceEncoder | ManyLangsCharacters
    ) -> None:
        self._embedder = Embedder(model.network, encoder)
        self.elmo_bilm = EmbedderModel(model, self)

    def __getstate__(self) -> dict[str, Any]:
        kept = {k: v for k, v in vars(self).items() if k not in ("_embedder", "elmo_bilm")}
        made_of = self.elmo_bilm, self._embedder.sentence_encoder, self.carried_state
        return {**kept, "made_of": made_of}

    def __setstate__(self, state: dict[str, Any]) -> None:
        model, encoder, carried = state.pop("made_of")
        vars(self).update(state)
        self._take(model, encoder)
        self._embedder.state = carried

    @property
    def carried_state(self) -> CarriedState:
        """The state that earlier calls left."""
        return self._embedder.state

    def reset_state(self) -> None:
        """Forget the state that earlier calls left (AllenNLP cannot)."""
        self._embedder.reset_state()

    def embed_sentence(self, sentence: Sequence[str]) -> np.ndarray:
        """Vectors of one sentence.

        Args:
            sentence: its tokens.

        Returns:
            float32 `(n_layers + 1, tokens, 2 * projection_dim)`; `(3, 4, 1024)` for four tokens and
            the original model.
        """
        return self.embed_batch([sentence])[0]

    def embed_batch(self, batch: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Vectors of sentences that are read side by side: row k goes on from row k before.

        Args:
            batch: lists of tokens.

        Returns:
            For each sentence what `embed_sentence` gives; `(3, 0, 1024)` for an empty one. A batch
            without any token leaves the state as it is.
        """
        batch = token_lists(batch, split=False)
        # As in AllenNLP, where such a batch is not read.
        state = self.state if any(len(sentence) for sentence in batch) else "reset"
        return self._embedder.embed(batch, state=state, batch_size=max(1, len(batch)))

    def batch_to_embeddings(self, batch: Sequence[Sequence[str]]) -> tuple[Any, Any]:
        """As `embed_batch`, padded.

        Returns:
            float32 `(batch, n_layers + 1, longest, 2 * projection_dim)` and a mask of the tokens,
            `(batch, longest)`; tensors where Keras's backend is PyTorch, otherwise arrays.
        """
        found = self.embed_batch(batch)
        longest = max((vectors.shape[1] for vectors in found), default=0)
        layers, _, dim = found[0].shape if found else (0, 0, 0)
        padded = np.zeros((len(found), layers, longest, dim), np.float32)
        mask = np.zeros((len(found), longest), np.int64)
        for number, vectors in enumerate(found):
            padded[number, :, : vectors.shape[1]] = vectors
            mask[number, : vectors.shape[1]] = 1
        return as_tensor(padded), as_tensor(mask)

    def embed_sentences(
        self, sentences: Iterable[Sequence[str]], batch_size: int = DEFAULT_BATCH_SIZE
    ) -> Iterator[np.ndarray]:
        """Vectors of any number of sentences, one after the other, read in batches.

        Args:
            sentences: lists of tokens.
            batch_size: sentences per batch.

        Raises:
            ValueError: `batch_size` is below 1.
        """
        _check_batch_size(batch_size)
        check_sentences(sentences)
        tokens = (token_list(s, number, split=False) for number, s in enumerate(sentences))
        return self._embed_batches(tokens, batch_size)

    def _embed_batches(
        self, sentences: Iterator[Sequence[str]], batch_size: int
    ) -> Iterator[np.ndarray]:
        while batch := list(itertools.islice(sentences, batch_size)):
            yield from self.embed_batch(batch)

    def embed_file(
        self,
        input_file: IO[str] | str | os.PathLike[str],
        output_file_path: str | os.PathLike[str],
        output_format: str = "all",
        batch_size: int = DEFAULT_BATCH_SIZE,
        forget_sentences: bool = False,
        use_sentence_keys: bool = False,
    ) -> None:
        """Vectors of a file of sentences into an HDF5 file, one dataset a line.

        A blank line is a sentence without tokens, where AllenNLP refuses the file.

        Args:
            input_file: an open text file, or a path: a sentence a line, tokens separated by spaces.
            output_file_path: a file there is replaced, once the new one is whole.
            output_format: `"all"` for `(n_layers + 1, tokens, dim)`; `"top"` or `"average"` for
                `(tokens, dim)`.
            batch_size: sentences per batch.
            forget_sentences: leave out `sentence_to_index`, a JSON object from sentence to key.
            use_sentence_keys: the sentence itself is its key, in place of the line's number from 0;
                there is no `sentence_to_index` then.

        Raises:
            ValueError: no such format, or `batch_size` is below 1; or, with `use_sentence_keys`, a
                sentence that comes twice or cannot be a key.
        """
        if output_format not in FORMATS:
            raise ValueError(f"output_format={output_format!r}: must be 'all', 'top' or 'average'")
        _check_batch_size(batch_size)
        if isinstance(input_file, str | os.PathLike):
            with open(input_file, encoding="utf-8") as file:
                lines = [line.strip() for line in file]
        else:
            lines = [line.strip() for line in input_file]
        indexed = not (forget_sentences or use_sentence_keys)
        writer = Hdf5Writer(output_file_path, sentence_index=indexed, overwrite=True)
        try:
            found = self.embed_sentences((line.split() for line in lines), batch_size)
            for number, (line, vectors) in enumerate(zip(lines, found, strict=True)):
                if output_format != "all":
                    top = output_format == "top"
                    vectors = vectors[-1] if top else vectors.mean(axis=0)
                key = line if use_sentence_keys else str(number)
                if use_sentence_keys and (not key.strip("./") or key in writer):
                    raise ValueError(
                        f"line {number + 1}: {key[:60]!r} cannot be a key, or is one already; leave "
                        "use_sentence_keys out"
                    )
                writer.add(key, [line], vectors)
        except BaseException:
            writer.discard()
            raise
        writer.close()


def _check_batch_size(batch_size: int) -> None:
    if batch_size < 1:
        raise ValueError(f"batch_size={batch_size!r}: must be 1 or more")
