"""`BiLM`: what its users are told."""

import logging

from elmo.api import BiLM
from elmo.bilm.initialization import new_network
from elmo.config import BiLMConfig, CharCNNConfig, LSTMConfig
from elmo.text.encoding import SentenceEncoder


def test_cut_tokens_are_told_once(caplog):
    characters = CharCNNConfig(embedding_dim=2, filters=[[1, 4]], max_characters_per_token=10)
    lstm = LSTMConfig(dim=6, projection_dim=4, n_layers=1)
    config = BiLMConfig(lstm=lstm, char_cnn=characters)
    model = BiLM(new_network(config, seed=0), SentenceEncoder(characters=10))
    with caplog.at_level(logging.WARNING, "elmo"):
        model.embed(["of 8 bytes"])
        assert not caplog.records
        model.embed(["twelve bytes", "nine-byte nine-byte word"])
        model.embed(["nine-byte"])
    assert [record.getMessage() for record in caplog.records] == [
        "tokens are longer than the model reads, and cut: 2, as 'nine-byte'"
    ]
