"""`BiLM`, the one object that users hold, and `load`, which opens whatever model there is."""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Callable, Container, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

import numpy as np

from elmo.bilm.initialization import new_network
from elmo.bilm.language_model import BiLanguageModel
from elmo.bilm.weights import get_weights, set_weights
from elmo.config import BiLMConfig
from elmo.formats.contents import Pretrained
from elmo.formats.keras_file import add_description
from elmo.formats.pretrained import read, write_folder
from elmo.formats.unfinished import sentence
from elmo.layers.initial_values import blank_weights
from elmo.system.files import temporary_beside
from elmo.system.memory import return_freed_memory
from elmo.system.notebook import html_table
from elmo.system.threads import Lock
from elmo.text.corpus import BlankLines, Corpus, EncodingErrors, TextFormat
from elmo.text.encoded_corpus import encode_corpus
from elmo.text.manylangs import ManyLangsCharacters
from elmo.text.sentences import token_list, token_lists
from elmo.text.sources import Text, as_corpus, text_to_embed
from elmo.text.vocabulary import Vocabulary
from elmo.training.batches.batches import Tokens
from elmo.training.evaluation import Evaluation, Evaluator, evaluate

if TYPE_CHECKING:
    from elmo.bulk.embedding import EmbeddingReport
    from elmo.embed.embedder import Embedder
    from elmo.embed.results import Layers, Pool, State
    from elmo.engines.choosing import EngineName, Precision
    from elmo.export.exporter import ExportReport
    from elmo.export.exporter import Format as ExportFormat
    from elmo.hub.pushing import Pushed
    from elmo.hub.resolving import Source
    from elmo.language.candidates import Words
    from elmo.language.generating import Direction, Sample
    from elmo.language.model import LanguageModel
    from elmo.language.neighbours import Neighbour, Neighbours
    from elmo.language.pairs import PairScores
    from elmo.language.scores import Scores, ScoresReport
    from elmo.language.substitutes import Options as SubstituteOptions
    from elmo.language.substitutes import Substitute
    from elmo.system.fetch import Progress
    from elmo.text.fasta import Fasta, Residues
    from elmo.vectors.choices import Format, Layout
    from elmo.vectors.numbers import Dtype

_log = logging.getLogger("elmo")
_GIVE_VOCABULARY = (
    "put it beside the model as vocab.txt, or give its file (--vocabulary, elmo.load)"
)


class UnknownVocabularyError(ValueError):
    """A model that reads whole words comes without its vocabulary."""


class BiLM:
    """A bidirectional language model with its vocabulary: embeds, evaluates, is saved.

    Several threads may use one model; what `embed(..., state="carry")` carries belongs to the first that
    does. A model can be pickled and copied; a copy has carried nothing.

    Args:
        network: the Keras model.
        encoder: from tokens to its ids.
        state: the mode that it was trained in, `"reset"` or `"carry"`, which `evaluate` follows.
        optimizer_slots, step, training_options: of the training that it comes from, where they are
            known.
        has_softmax: whether the softmax is known; by default where the network has one.

    Attributes:
        network: the Keras model.
        sentence_encoder: from tokens to ids.
        vocabulary: its types, or None where they are not known.
        config: its architecture.
        optimizer_slots: Adagrad's accumulators by the names of the weights, as a training checkpoint
            of bilm-tf has them, or None.
        step: the number of training steps so far, or None.
        training_options: what its `options.json` says of its training (bilm-tf).
        has_softmax: whether it can predict; a published word model has a softmax of random weights,
            to be trained.
    """

    def __init__(
        self,
        network: BiLanguageModel,
        encoder: Any,
        *,
        state: str = "reset",
        optimizer_slots: dict[str, np.ndarray] | None = None,
        step: int | None = None,
        training_options: dict[str, Any] | None = None,
        has_softmax: bool | None = None,
    ) -> None:
        self.network = network
        self.sentence_encoder = encoder
        self.state = state
        self.optimizer_slots = optimizer_slots
        self.step = step
        self.training_options = dict(training_options or {})
        self.has_softmax = network.head is not None if has_softmax is None else has_softmax
        self._language_model: LanguageModel | None = None
        self._neighbours: Neighbours | None = None
        self._embedders: dict[tuple[Precision, EngineName | None], Embedder] = {}
        self._told_of_cuts = False
        self._lock = Lock()  # of the embedders

    @property
    def config(self) -> BiLMConfig:
        return self.network.config

    @property
    def vocabulary(self) -> Vocabulary | None:
        return getattr(self.sentence_encoder, "vocabulary", None)

    def __reduce__(self) -> tuple[Any, ...]:
        return from_pretrained, (self.to_pretrained(),)

    def __sklearn_clone__(self) -> BiLM:
        """Itself: scikit-learn's `clone` shares a model, where it would copy another parameter."""
        return self

    def __repr__(self) -> str:
        lstm = self.config.lstm
        tokens = "words" if self.config.char_cnn is None else "characters"
        known = "unknown" if self.vocabulary is None else f"{len(self.vocabulary):,}"
        return (
            f"BiLM({tokens}, {lstm.n_layers} layers of {lstm.dim} cells projected to "
            f"{lstm.projection_dim}, {self.config.directions}, vocabulary {known})"
        )

    def _repr_html_(self) -> str:
        lstm, vocabulary = self.config.lstm, self.vocabulary
        return html_table(
            "BiLM",
            {
                "reads": "words" if self.config.char_cnn is None else "characters",
                "vocabulary": None if vocabulary is None else f"{len(vocabulary):,} types",
                "directions": self.config.directions,
                "layers": f"{lstm.n_layers}, {lstm.dim:,} cells projected to {lstm.projection_dim:,}",
                "vectors": f"{lstm.n_layers + 1} layers of {self.config.output_dim:,}",
                "parameters": int(self.network.count_params()),
                "predicts": "yes" if self.has_softmax else "no: it has no softmax of its own",
            },
        )

    # Vectors.

    @property
    def embedder(self) -> Embedder:
        """From text to vectors; keeps the state of `state="carry"`."""
        return self.embedder_in("float32")

    def embedder_in(self, precision: Precision, engine: EngineName | None = None) -> Embedder:
        """The embedder of a precision, `"float32"`, `"bfloat16"` or `"int8"`, and an engine; each has a
        state of its own for `state="carry"`."""
        key = precision, engine
        with self._lock:
            if key not in self._embedders:
                self._embedders[key] = self.new_embedder(precision, engine)
            return self._embedders[key]

    def new_embedder(
        self,
        precision: Precision = "float32",
        engine: EngineName | None = None,
        token_cache: str | os.PathLike[str] | None = None,
    ) -> Embedder:
        """An embedder of the caller's own."""
        from elmo.embed.embedder import Embedder

        return Embedder(
            self.network,
            self.sentence_encoder,
            token_cache=token_cache,
            precision=precision,
            engine=engine,
        )

    def encode(self, sentences: Sequence[str | Sequence[str]]) -> np.ndarray:
        """Ids for Keras models over `ElmoEmbedding`: int32 `(batch, time)` or `(batch, time, M)`.

        Args:
            sentences: lists of tokens, or strings that are split at spaces.

        Raises:
            TypeError: `sentences` is one string, or a token is none; says which one.
        """
        return self.sentence_encoder.encode_batch(token_lists(sentences))

    def embed(
        self,
        sentences: Sequence[str | Sequence[str]],
        layers: Layers = "all",
        pool: Pool | None = None,
        state: State = "reset",
        batch_size: int | None = None,
        precision: Precision = "float32",
        engine: EngineName | None = None,
    ) -> list[np.ndarray]:
        """Vectors of sentences; see `elmo.embed.embedder.Embedder.embed_iter`.

        The first time that tokens are longer than the model reads, a warning says that they are cut.

        Args:
            precision: `"bfloat16"` and `"int8"` are faster, a little less exact, and on a processor
                want PyTorch (extra `torch`); see `elmo.engines.choosing`.
            engine: `"keras"` (its backend) or `"torch"` (PyTorch on the processor); by default the
                faster one.
        """
        report = getattr(self.sentence_encoder, "report", None)
        before = 0 if report is None else report.cut
        vectors = self.embedder_in(precision, engine).embed(
            sentences, layers=layers, pool=pool, state=state, batch_size=batch_size
        )
        if report is not None and report.cut > before and not self._told_of_cuts:
            self._told_of_cuts = True
            _log.warning(
                "tokens are longer than the model reads, and cut: %s",
                f"{report.cut - before:,}, as {report.first_cut[0][:24]!r}",
            )
        return vectors

    def embed_file(
        self,
        source: Text | Fasta,
        output: str | os.PathLike[str],
        *,
        layers: Layers = "all",
        pool: Pool | None = None,
        state: State = "reset",
        batch_size: int | None = None,
        format: Format | None = None,
        layout: Layout = "allennlp",
        dtype: Dtype | None = None,
        only: str | os.PathLike[str] | Iterable[str] | None = None,
        part_tokens: int = 1 << 16,
        precision: Precision = "float32",
        engine: EngineName | None = None,
        fasta: bool = False,
        residues: Residues = "keep",
        split_char: str | None = None,
        id_field: int = 0,
        token_cache: str | os.PathLike[str] | None = None,
        blank_lines: BlankLines = "keep",
        encoding_errors: EncodingErrors = "strict",
        text_format: TextFormat = "auto",
        raw: bool = False,
        overwrite: bool = False,
        resume: bool = False,
        jobs: int | None = None,
        threads: int = 1,
        part: str | tuple[int, int] | None = None,
        progress: bool | Callable[[int, int], None] | None = None,
    ) -> EmbeddingReport:
        """Vectors of a text into a file; takes what `elmo embed` takes, under the same names.

        The text is laid out in parts, each written whole or not at all. A job that was killed, or
        stopped by a full disk, is resumed with `resume=True` and gives the same bytes
        (`elmo.bulk.embedding`).

        Args:
            source: paths or patterns, a `Corpus`, a `Fasta`, or sentences as lists of tokens.
            output: by its ending `.hdf5` (or `.h5`), `.npz`, `.safetensors`, or `.parquet` and `.npy`,
                which are folders. `elmo.read_vectors` reads them all.
            layers, pool, state, batch_size, precision, engine: as in `embed`.
            format: which of them it is, where the name does not say so.
            layout: of HDF5; see `elmo.vectors.stores.keyed`.
            dtype: of the numbers; by default `"float32"` in HDF5 and `.npz`, `"float16"` elsewhere.
                `"int8"` has a scale for each vector, and an error of at most half of it (1/254 of the
                vector's largest number).
            only: words, a file of them, one per line, or a string with commas: the vectors of these
                words alone are kept, with the number of the sentence and the position in it.
            part_tokens: a part ends with the sentence that makes it this long.
            fasta, residues, split_char, id_field: the paths are FASTA files; `residues` is `rare` of
                `Fasta`, the others are its `split` and `field`.
            token_cache: a file of `elmo cache-tokens`.
            blank_lines, encoding_errors, text_format, raw: how paths are read; see `Corpus`. A blank
                line that is kept is a sentence without tokens. `raw` leaves none.
            overwrite, resume, jobs, threads, progress: see `elmo.bulk.work.Work`.
            part: `"i/n"`, the share of this process where others make the output with it
                (`elmo.bulk.sharing`).

        Returns:
            What was written.

        Raises:
            ValueError: a choice that there is not, or two that do not go together.
            CorpusError: the text cannot be read.
            FileExistsError: the output is there, or an unfinished one, and neither `overwrite` nor
                `resume` is on.
            OutputError: it cannot be written (an `OSError`); says what was kept.
        """
        from elmo.bulk.embedding import embed_file
        from elmo.bulk.work import Work, part_of
        from elmo.vectors.stores.choosing import choose

        choices = choose(
            output,
            layers=layers,
            pool=pool,
            state=state,
            batch_size=batch_size,
            format=format,
            layout=layout,
            dtype=dtype,
            only=only,
            part_tokens=part_tokens,
        )
        text = text_to_embed(
            source,
            fasta=fasta,
            residues=residues,
            split_char=split_char,
            id_field=id_field,
            blank_lines=blank_lines,
            encoding_errors=encoding_errors,
            text_format=text_format,
            raw=raw,
        )
        if token_cache is None:
            embedder = self.embedder_in(precision, engine)
        else:
            embedder = self.new_embedder(precision, engine, token_cache)
        work = Work(overwrite, resume, jobs, threads, progress, part_of(part))
        return embed_file(embedder, text, output, choices, work)

    def export(
        self, output: str | os.PathLike[str], format: ExportFormat = "onnx", **options: Any
    ) -> ExportReport:
        """A folder that embeds without this package; see `elmo.export.exporter.export`."""
        from elmo.export.exporter import export

        return export(self.to_pretrained(), output, format=format, **options)

    def reset_state(self) -> None:
        """Forget the state that `embed(..., state="carry")` has carried so far."""
        for embedder in self._embedders.values():
            embedder.reset_state()

    # Prediction.

    def evaluate(
        self,
        *files: Text,
        state: str | None = None,
        blank_lines: BlankLines = "skip",
        encoding_errors: EncodingErrors = "strict",
        text_format: TextFormat = "auto",
        raw: bool = False,
    ) -> Evaluation:
        """Exact perplexity of texts, both directions, every token counted.

        Args:
            files: paths, patterns or `Corpus` objects.
            state: `"reset"` (each sentence from zero state) or `"carry"` (one stream); by default as
                the model was trained.
            blank_lines, encoding_errors, text_format, raw: of the files; see `Corpus`.

        Raises:
            ValueError: the model has no softmax, or its vocabulary is not known.
        """
        self._needs_softmax("evaluate")
        texts: dict[str, Tokens] = {}
        for corpus in _corpora(files, blank_lines, encoding_errors, text_format, raw):
            for name, part in corpus.by_file():
                texts[_free(str(name), texts)] = self.encoded(part)
        return evaluate(
            self.network,
            texts,
            evaluator=Evaluator(self.network, state or self.state),
            vocabulary=self.vocabulary,
        )

    def score(self, sentences: Sequence[str | Sequence[str]], state: str | None = None) -> Scores:
        r"""Surprisal, rank and entropy of every token, from both sides.

        The surprisal of a token is :math:`-\log P` given the tokens before it (forward) or behind it
        (backward), by the exact softmax. The first word has a forward score, as it follows `<S>`.

        Args:
            sentences: lists of tokens, or strings that are split at spaces.
            state: `"reset"`: each sentence from zero state; `"carry"`: the sentences are one stream; by
                default as the model was trained.

        Returns:
            One row per token and direction: arrays of NumPy, `to_pandas()` where pandas is there,
            `by_sentence()` for sums and means.

        Raises:
            ValueError: the model has no softmax, its vocabulary is not known, or there is no sentence.
        """
        from elmo.language.scores import Scorer, joined

        scorer = Scorer(self.language_model("score"), state)
        return joined(scorer.scores(token_lists(sentences)))

    def score_file(
        self,
        *files: Text,
        output: str | os.PathLike[str],
        state: str | None = None,
        overwrite: bool = False,
        blank_lines: BlankLines = "skip",
        encoding_errors: EncodingErrors = "strict",
        text_format: TextFormat = "auto",
        raw: bool = False,
    ) -> ScoresReport:
        """Write the scores of texts to a tidy table, one row per token and direction.

        Args:
            files: paths, patterns or `Corpus` objects; their sentences are counted on.
            output: a file that ends in `.csv`, `.jsonl` or `.parquet`.
            state: as in `score`.
            overwrite: whether to replace a file.
            blank_lines, encoding_errors, text_format, raw: of the files; see `Corpus`.

        Returns:
            What was written, with the means of each direction.

        Raises:
            ValueError: the model cannot predict, or the ending of `output` names no format.
            FileExistsError: `output` is there, and `overwrite` is off.
            CorpusError: a text cannot be read.
            OutputError: the table cannot be written.
        """
        from elmo.language.scores import score_file

        model = self.language_model("score_file")
        corpora = _corpora(files, blank_lines, encoding_errors, text_format, raw)
        return score_file(model, itertools.chain(*corpora), output, state, overwrite)

    def score_pairs(
        self,
        pairs: str | os.PathLike[str] | Iterable[Any],
        tokens: Literal["raw", "spaces"] | Callable[[str], Sequence[str]] = "raw",
    ) -> PairScores:
        """Which sentence of minimal pairs the model finds more probable, in each direction and in both.

        Args:
            pairs: a file or several in the layout of BLiMP (see `elmo.text.pairs.read_pairs`), or pairs
                `(good, bad)` of strings or of lists of tokens.
            tokens: how strings are tokenized: `"raw"`, as running text (extra `raw`); `"spaces"`, as they
                are; or a function. It should be what the model was trained with.

        Returns:
            Nats of all sentences; `to_dict()` has the accuracies by paradigm and field, beside those of a
            unigram model.

        Raises:
            ValueError: the model cannot predict, or there is no pair.
            CorpusError: a file is broken; names the line.
        """
        from elmo.language.pairs import score_pairs
        from elmo.text.pairs import as_pairs

        return score_pairs(self.language_model("score_pairs"), as_pairs(pairs, tokens))

    @overload
    def substitutes(
        self, sentence: str | Sequence[str], position: int, **options: Unpack[SubstituteOptions]
    ) -> list[Substitute]: ...

    @overload
    def substitutes(
        self,
        sentence: str | Sequence[str],
        position: None = None,
        **options: Unpack[SubstituteOptions],
    ) -> list[list[Substitute]]: ...

    def substitutes(
        self,
        sentence: str | Sequence[str],
        position: int | None = None,
        **options: Unpack[SubstituteOptions],
    ) -> list[Substitute] | list[list[Substitute]]:
        """Words that the model expects in the place of a token, the most probable first.

        For many sentences at a time see `elmo.language.substitutes.Substituter`.

        Args:
            sentence: a list of tokens, or a string that is split at spaces.
            position: the token's place, counted from 0; None for every place.
            options: `top_k=10`; `combine="product"`, `"and"`, `"forward"` or `"backward"`;
                `similarity=0.0`; `vocabulary=None`, words or a file of them; `min_count=None`;
                `exclude_target=True`; `conjunction="and"`. `Substituter` explains them.

        Returns:
            Pairs (word, log-probability in nats); with `position=None` a list of them per place.

        Raises:
            ValueError: the model cannot predict, the sentence is empty or has no such position, or an
                option has no such value.
        """
        from elmo.language.substitutes import Substituter

        substituter = Substituter(self.language_model("substitutes"), **options)
        (found,) = substituter.substitutes([token_list(sentence)], [position])
        return found if position is None else found[0]

    def neighbours(
        self,
        word: str,
        sentence: str | Sequence[str] | None = None,
        among: int | Words | None = None,
        top_k: int = 10,
        layer: str | int | None = None,
    ) -> list[Neighbour]:
        """Types whose vectors are most like that of a word, by cosine.

        Args:
            word: a type, or with `sentence` the token that is meant.
            sentence: compare the word as it stands there. A string is split at spaces; the word occurs
                in it once, or is marked as `[word]`.
            among: the types to compare with, each embedded alone: None for the whole vocabulary, a
                number for the most frequent ones, or words (a list, or a file with one per line).
            top_k: how many.
            layer: `"token"`, `"top"`, `"average"`, `"sum"` or a number from 0; by default the token's
                own vector, and with `sentence` the top layer's.

        Returns:
            Pairs (word, cosine), the most similar first, without the word itself.

        Raises:
            ValueError: the word is unknown to a model that reads words, is not in the sentence, or there
                is no such layer.
        """
        from elmo.language.neighbours import Neighbours

        with self._lock:
            if self._neighbours is None:
                self._neighbours = Neighbours(self.new_embedder(), self.vocabulary)
        return self._neighbours.of(word, sentence, among, top_k, layer)

    def generate(
        self,
        prompt: str | Sequence[str | Sequence[str]] = "",
        *,
        direction: Direction = "forward",
        n: int = 1,
        max_tokens: int = 50,
        temperature: float = 1.0,
        top_k: int | None = None,
        top_p: float | None = None,
        seed: int = 0,
        batch_size: int = 64,
        unknown: bool = False,
    ) -> list[Sample]:
        """Sentences that begin with a prompt, or with `direction="backward"` end with it.

        Forward the model reads `<S>` and the prompt and generates until `</S>`; backward it reads
        `</S>` and the prompt from its end, and generates until `<S>`. Each sample draws from a random
        stream of its own, so the same seed and prompt give the same texts whatever the batch size and
        whichever prompts come with it. Boundaries are never generated except to end the sentence.

        Args:
            prompt: a string that is split at spaces, or a list of prompts: strings, or lists of tokens.
            direction: `"forward"` or `"backward"`.
            n: samples per prompt.
            max_tokens: the most tokens that are generated.
            temperature: below 1 the probable is more probable; 0 always takes the most probable type.
            top_k, top_p: draw from the k most probable types alone, or from the smallest set of them
                that has this share; see `elmo.language.drawing.Drawing`.
            seed: 0 or more.
            batch_size: samples that are made side by side.
            unknown: whether `<UNK>` may be generated.

        Returns:
            The n samples of the first prompt, then those of the next.

        Raises:
            ValueError: the model has no softmax, no vocabulary or not this direction, or a choice cannot
                be; says what would do.
        """
        from elmo.language.drawing import Drawing
        from elmo.language.generating import generate

        return generate(
            self.language_model("generate"),
            prompt,
            Drawing(temperature, top_k, top_p),
            direction=direction,
            n=n,
            max_tokens=max_tokens,
            seed=seed,
            batch_size=batch_size,
            unknown=unknown,
        )

    def language_model(self, what: str = "language_model") -> LanguageModel:
        """The part of the model that predicts, for `elmo.language`.

        Args:
            what: what it is for, which the error names.

        Raises:
            ValueError: the model has no softmax, or its vocabulary is not known.
        """
        from elmo.language.model import LanguageModel

        self._needs_softmax(what)
        assert self.vocabulary is not None  # else the line above has raised
        parts = self.network, self.sentence_encoder, self.vocabulary, self.state
        kept = self._language_model
        if kept is None or any(
            a is not b for a, b in zip(vars(kept).values(), parts, strict=False)
        ):
            self._language_model = kept = LanguageModel(*parts)
        return kept

    def _needs_softmax(self, what: str) -> None:
        if not self.has_softmax or self.vocabulary is None:
            mend = (
                _GIVE_VOCABULARY
                if self.has_softmax
                else "published weights leave it out. Give its file (--softmax, elmo.load), train one, "
                "or load a training checkpoint"
            )
            lacks = "vocabulary" if self.has_softmax else "softmax"
            raise ValueError(f"{what}: this model has no {lacks}; {mend}")

    def encoded(self, corpus: Corpus) -> Tokens:
        """A text as training and evaluation read it."""
        encoded = encode_corpus(self.sentence_encoder, corpus)
        if encoded.report.cut:
            _log.warning("tokens are longer than the model reads: %s", encoded.report)
        return Tokens(encoded)

    # Files.

    def to_pretrained(self) -> Pretrained:
        """The model as plain arrays, for formats."""
        weights = get_weights(self.network)
        if not self.has_softmax:
            weights = {n: a for n, a in weights.items() if not n.startswith("softmax/")}
        encoder = self.sentence_encoder
        return Pretrained(
            config=self.config,
            weights=weights,
            vocabulary=self.vocabulary,
            optimizer_slots=self.optimizer_slots,
            step=self.step,
            dictionaries=encoder if isinstance(encoder, ManyLangsCharacters) else None,
            extra={"settings": {"state": self.state}, "options": self.training_options},
        )

    def save(self, path: str | os.PathLike[str], overwrite: bool = False) -> Path:
        """Save to a folder in the published layout, or to one Keras file where it ends in `.keras`.

        Either has all that `elmo.load` needs. `keras.saving.load_model` opens the Keras file too, as the
        network alone.

        Raises:
            FileExistsError: something is there, and `overwrite` is off.
        """
        path = Path(path)
        if path.suffix != ".keras":
            return write_folder(self.to_pretrained(), path, overwrite=overwrite)
        if path.exists() and not overwrite:
            raise FileExistsError(f"{path}: exists; say overwrite=True to replace it")
        with temporary_beside(path) as temporary:
            self.network.save(temporary)
            add_description(self.to_pretrained(), temporary)
        return path

    def push_to_hub(
        self,
        repo_id: str,
        *,
        license: str | None = None,
        language: str | Sequence[str] | None = None,
        tags: Sequence[str] = (),
        description: str | None = None,
        run: str | os.PathLike[str] | None = None,
        private: bool | None = None,
        token: str | None = None,
        commit_message: str | None = None,
    ) -> Pushed:
        """Upload the model and a model card to the Hugging Face hub (extra `hub`), in one commit.

        `elmo.load("hf://user/model")` gives it back.

        Args:
            repo_id: `user/model`; the repository is made if there is none.
            license: the hub's name of the model's licence, such as `"apache-2.0"`; has to be given.
            language: ISO 639 codes of the text that the model was trained on.
            tags: for searches.
            description: a paragraph for the card.
            run: the folder of the training, whose text and perplexities the card then has.
            private: whether a new repository is private; by default as the account is set.
            token: of an account; by default that of `hf auth login`, or HF_TOKEN.
            commit_message: of the commit.

        Raises:
            ValueError: no licence, or a name that is not `user/model`.
            ImportError: the package huggingface_hub is not installed.
            PushError: the hub refuses, or cannot be reached (an `OSError`); nothing was committed.
        """
        from elmo.hub.pushing import push
        from elmo.training.figures import figures_of

        figures = None if run is None else figures_of(run)
        if run is not None and figures is None:
            raise ValueError(f"run={os.fspath(run)!r}: not the folder of a training")
        return push(
            self.to_pretrained(),
            repo_id,
            license=license,
            language=language,
            tags=tags,
            description=description,
            figures=figures,
            private=private,
            token=token,
            commit_message=commit_message,
        )


def from_pretrained(pretrained: Pretrained) -> BiLM:
    """The model of plain arrays that a format has read.

    Raises:
        UnknownVocabularyError: a model that reads whole words comes without its vocabulary.
    """
    config = pretrained.config
    if config.char_cnn is None and pretrained.vocabulary is None:
        raise UnknownVocabularyError(
            f"this model reads whole words and has no vocabulary; {_GIVE_VOCABULARY}"
        )
    weights = dict(pretrained.weights)
    if not pretrained.has_softmax and config.vocabulary_size is not None:
        if config.char_cnn is not None:
            config = BiLMConfig.from_dict({**config.to_dict(), "vocabulary_size": None})
        else:  # a published word model: its softmax is not in the file
            initial = new_network(config, seed=0)
            weights.update(
                (n, a) for n, a in get_weights(initial).items() if n.startswith("softmax/")
            )
    with blank_weights():
        network = BiLanguageModel(config)
        network.build()
    return_freed_memory()  # what the files were read through
    set_weights(network, weights)
    settings = pretrained.extra.get("settings") or {}
    return BiLM(
        network,
        pretrained.sentence_encoder,
        state=settings.get("state", "reset"),
        optimizer_slots=pretrained.optimizer_slots,
        step=pretrained.step,
        training_options=pretrained.extra.get("options"),
        has_softmax=pretrained.has_softmax,
    )


def _corpora(
    files: Iterable[Text],
    blank_lines: BlankLines,
    encoding_errors: EncodingErrors,
    text_format: TextFormat,
    raw: bool,
) -> list[Corpus]:
    return [
        as_corpus(
            file,
            blank_lines=blank_lines,
            encoding_errors=encoding_errors,
            text_format=text_format,
            raw=raw,
        )
        for file in files
    ]


def _free(name: str, taken: Container[str]) -> str:
    """The name, with a number behind it where it is taken: a file that is named twice counts twice."""
    names = itertools.chain([name], (f"{name} ({number})" for number in itertools.count(2)))
    return next(candidate for candidate in names if candidate not in taken)


def load(
    source: Source,
    vocabulary: str | os.PathLike[str] | Vocabulary | None = None,
    *,
    softmax: str | os.PathLike[str] | None = None,
    progress: Progress | bool = True,
) -> BiLM:
    """Load a model: a folder of ours, or any published ELMo.

    Args:
        source: a folder, a file or a pair of files (options, weights), in any layout that
            `elmo.formats.pretrained.read` knows; an address, `hf://user/model` or the name of a
            published model (`elmo models` lists them), which is downloaded once.
        vocabulary: where the files do not have it.
        softmax: a published softmax (`…_softmax_weights.hdf5`) for a model that comes without, so that
            it can predict; its types are those of `vocabulary`. `"published"` downloads both for
            `"original"` and `"original-5.5b"`.
        progress: of a download: a bar on a terminal and a line elsewhere, a function of the bytes so
            far and all of them (or None), or False.

    Raises:
        FormatError: naming the file and what is wrong with it.
        DownloadError: it cannot be downloaded; says why.
    """
    from elmo.hub.resolving import resolve
    from elmo.hub.softmax import resolve_softmax

    if softmax is not None:
        softmax, vocabulary = resolve_softmax(source, softmax, vocabulary, progress=progress)
    found = read(resolve(source, progress=progress), vocabulary, softmax)
    if state := found.extra.get("unfinished"):
        _log.warning("%s: %s", state["folder"], sentence(state))
    model = from_pretrained(found)
    return_freed_memory()  # the arrays of the files
    return model
