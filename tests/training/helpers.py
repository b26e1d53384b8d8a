"""A training step over a few sentences."""

from elmo.bilm.initialization import initialize
from elmo.bilm.language_model import BiLanguageModel
from elmo.config import BiLMConfig, CharCNNConfig, DropoutConfig, LSTMConfig
from elmo.settings.training import TrainingConfig
from elmo.text.encoded_corpus import encode_corpus
from elmo.text.encoding import SentenceEncoder
from elmo.text.vocabulary import Vocabulary
from elmo.training.batches.batches import Batches, Sampling, Tokens
from elmo.training.steps.step import Step, TrainingModel

TEXT = [s.split() for s in ["a b c d", "b a", "c c a b d e", "e d c b a a"]] * 3


def make(
    mode="stream", characters=False, tied=False, directions="both", negatives=4, dtype="float32",
    dropout=None, projection_dim=3, **settings,
):  # fmt: skip
    vocabulary = Vocabulary.from_corpus([*TEXT, ["x", "y", "z"]])
    char_cnn = None
    if characters:
        char_cnn = CharCNNConfig(
            embedding_dim=3, filters=[[1, 3], [2, 4]], n_highway=1, max_characters_per_token=6
        )
    config = BiLMConfig(
        lstm=LSTMConfig(dim=5, projection_dim=projection_dim, cell_clip=0.9, proj_clip=0.9),
        char_cnn=char_cnn,
        vocabulary_size=len(vocabulary),
        directions=directions,
        weight_tying=tied,
        dropout=DropoutConfig(**(dropout or {})),
    )
    network = BiLanguageModel(config, seed=0, dtype=dtype)
    network.build()
    initialize(network, 0)
    settings = {"batch_size": 2, "window": 5, "clip_norm": None, "loss_scale": 1.0, **settings}
    training = TrainingConfig(mode=mode, negatives=negatives, **settings)
    encoder = SentenceEncoder(vocabulary, 6 if characters else None)
    batches = Batches(
        Tokens(encode_corpus(encoder, TEXT)),
        mode=mode,
        batch_size=2,
        window=5,
        directions=config.direction_names,
        vocabulary_size=len(vocabulary),
        sampling=Sampling(
            negatives, vocabulary.ranks(), training.negatives_mode == "per_direction"
        ),
        tied=tied,
        widest_filter=2 if characters else None,
        parts=training.accumulate,
    )
    return Step(network, training, training.learning_rate, batches.batch), batches, vocabulary


def run(step, n=1):
    TrainingModel(step).run(n, 0, 1, [])
