"""A training step alone, over and over: what the benchmarks of its speed share."""

import time

import numpy as np

from elmo.bilm.initialization import new_network
from elmo.training.batches.batches import Batches, Sampling, Tokens, prefetch
from elmo.training.steps.step import Step, TrainingModel


def batches_of(text, config, training, ranks, order="corpus"):
    """The batches that a training of these settings has."""
    return Batches(
        Tokens(text),
        mode="stream",
        batch_size=training.batch_size,
        window=training.window,
        directions=config.direction_names,
        vocabulary_size=config.vocabulary_size,
        sampling=Sampling(training.negatives, ranks),
        tied=config.weight_tying,
        order=order,
        widest_filter=config.char_cnn and config.char_cnn.widest_filter,
    )


class Stepping:
    """A fresh network and its step; close `feed` at the end.

    Attributes:
        network: the `BiLanguageModel`.
        step: with `waiting`, the seconds that it waited for batches.
    """

    def __init__(self, batches, config, training):
        self.network = new_network(config, 0, training.precision)
        self.feed = prefetch(batches, 0)
        self.step = Step(self.network, training, 0.2, lambda number: next(self.feed))
        self.model = TrainingModel(self.step)

    def seconds(self, steps):
        """Of one of so many steps."""
        start = time.perf_counter()
        calls = -(-steps // self.step.config.steps_per_execution)
        self.model.fit(np.zeros((calls, 1)), batch_size=1, verbose=0)
        self.step.take_sums()  # waits for the last step
        return (time.perf_counter() - start) / steps
