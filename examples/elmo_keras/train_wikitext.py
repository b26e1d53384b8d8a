"""Train, evaluate, save and use an ELMo through the API of ELMo-keras.

    python examples/elmo_keras/train_wikitext.py
    python examples/elmo_keras/train_wikitext.py token_encoding=char epochs=3

Parameters on the command line, `key=value`, take the place of those below.
"""

import ast
import os
import sys

from data import DATA_SET_DIR

from elmo.lm_generator import LMDataGenerator
from elmo.model import ELMo

parameters = {
    # texts and words, under DATA_SET_DIR
    "train_dataset": "wikitext-2/wiki.train.tokens",
    "valid_dataset": "wikitext-2/wiki.valid.tokens",
    "test_dataset": "wikitext-2/wiki.test.tokens",
    "vocab": "wikitext-2/wiki.vocab",
    "vocab_size": 28914,
    "token_encoding": "word",
    "sentence_maxlen": 100,
    "token_maxlen": 50,
    # the network
    "lstm_units_size": 400,
    "hidden_units_size": 200,
    "n_lstm_layers": 2,
    "cell_clip": 5,
    "proj_clip": 5,
    "char_embedding_size": 16,
    "cnn_filters": [[1, 32], [2, 32], [3, 64], [4, 128], [5, 256], [6, 512], [7, 512]],
    "n_highway_layers": 2,
    "charset_size": 262,
    "weight_tying": True,
    # the training
    "epochs": 10,
    "patience": 2,
    "batch_size": 1,
    "shuffle": True,
    "lr": 0.2,
    "clip_value": 5,
    "num_sampled": 1000,
    "dropout_rate": 0.1,
    "word_dropout_rate": 0.05,
    # the machine
    "n_threads": 4,
    "multi_processing": False,
    "cuDNN": False,
}


def read_value(text: str):
    """A number, a list, True, False or None; anything else is a string."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


for argument in sys.argv[1:]:
    key, _, value = argument.partition("=")
    parameters[key] = read_value(value)


def generator(dataset: str) -> LMDataGenerator:
    """The batches of one text."""
    return LMDataGenerator(
        os.path.join(DATA_SET_DIR, parameters[dataset]),
        os.path.join(DATA_SET_DIR, parameters["vocab"]),
        sentence_maxlen=parameters["sentence_maxlen"],
        token_maxlen=parameters["token_maxlen"],
        batch_size=parameters["batch_size"],
        shuffle=parameters["shuffle"],
        token_encoding=parameters["token_encoding"],
    )


train_data = generator("train_dataset")
valid_data = generator("valid_dataset")
test_data = generator("test_dataset")

elmo_model = ELMo(parameters)
elmo_model.compile_elmo(print_summary=True)
elmo_model.train(train_data=train_data, valid_data=valid_data)
elmo_model.save(sampled_softmax=False)
elmo_model.evaluate(test_data)

elmo_model.wrap_multi_elmo_encoder(print_summary=True, save=True)
elmo_model.load_elmo_encoder()
vectors = elmo_model.get_outputs(test_data, output_type="sentence", state="mean")
print(f"A vector for each of {len(vectors):,} sentences, {vectors.shape[-1]} numbers each")
