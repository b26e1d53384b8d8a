"""The gradients of each direction by a call of its own, side by side in threads.

On a processor an operation of a recurrence is too small to keep several cores busy, and they wait for
each other after each one. The directions share no weights but the rows of tables, so each can go its
own way:

    read rows → gradients forward ‖ gradients backward → sum, clip, update

Vectors that are computed from characters are computed once before, and their gradients are sent back
through the CNN once both directions have theirs.

It is one compiled function for both, that of the network's first direction: with the backward direction's
values in the place of the forward one's it computes the backward direction.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeAlias

import jax
import jax.numpy as jnp
import keras

from elmo.bilm.language_model import BiLanguageModel
from elmo.training.steps.values import Batch, Carried, Carry, Result, Rows

if TYPE_CHECKING:
    from elmo.training.steps.step import Step

Variables: TypeAlias = list[keras.Variable]
Found: TypeAlias = tuple[jax.Array, Result, list[jax.Array], tuple[list[jax.Array], Rows]]
"""A loss, what belongs to it, the new state of the seeds, and the gradients `(dense, rows)`."""

# What a batch has for each direction; negatives are shared, or each draws its own.
BY_DIRECTION = (
    "inputs",
    "mask",
    "targets",
    "target_log_expected",
    "negatives",
    "negative_log_expected",
)


# Below, three calls a step take longer than they save.
FEWEST_CELLS = 128


class Directions:
    """The gradients of all directions, each by itself.

    Args:
        step: a `Step`.
        gradients_of: see `jax_step`.
    """

    def __init__(self, step: Step, gradients_of: Callable[..., Found]) -> None:
        network = step.network
        lists = step.dense, network.non_trainable_variables
        self.number = len(network.config.direction_names)
        self.sizes = [len(variables) for variables in lists]
        self.places = [self._places(network, variables) for variables in lists]
        first = [[v[k] for k in p[0]] for v, p in zip(lists, self.places, strict=True)]
        self._of_one = jax.jit(
            functools.partial(gradients_of, step, variables=first, share=1 / self.number)
        )
        self._pool = ThreadPoolExecutor(self.number - 1, thread_name_prefix="direction")
        self._seen: set[tuple[tuple[str, tuple[int, ...]], ...]] = set()

    @staticmethod
    def are_worth_it(step: Step) -> bool:
        """Whether there are two large directions on a processor, and little that both would compute.

        Both would repeat the gradient of a whole softmax.
        """
        config = step.network.config
        return (
            jax.default_backend() == "cpu"
            and len(config.direction_names) > 1
            and config.lstm.dim >= FEWEST_CELLS
            and step.config.negatives > 0
        )

    def _places(self, network: BiLanguageModel, variables: Variables) -> list[list[int]]:
        """Of each direction: where its own variables are, and behind them those that all share."""
        places = {id(v): k for k, v in enumerate(variables)}
        own = [
            [places[id(v)] for v in network.of_direction(number) if id(v) in places]
            for number in range(self.number)
        ]
        shared = sorted(set(places.values()).difference(*own))
        return [[*mine, *shared] for mine in own]

    def gradients(
        self,
        dense: list[jax.Array],
        others: list[jax.Array],
        rows: Rows,
        carry: Carry,
        batch: Batch,
    ) -> list[Found]:
        """What `gradients_of` finds for each direction."""

        def of(number: int) -> Found:
            mine = [
                [values[k] for k in places[number]]
                for values, places in zip((dense, others), self.places, strict=True)
            ]
            state: Carried = {
                "h": carry["h"][number : number + 1],
                "c": carry["c"][number : number + 1],
            }
            found = self._of_one(*mine, rows, state, self._part(batch, number))
            # Without the wait this thread would go on, and the calls would queue up in one.
            return jax.block_until_ready(found)  # type: ignore[no-untyped-call]  # of JAX

        given = [*batch.items(), *rows.items()]  # computed vectors have sizes of their own
        shapes = tuple((name, value.shape) for name, value in given)
        if shapes not in self._seen:  # compiled once, not by each thread
            self._seen.add(shapes)
            return [of(number) for number in range(self.number)]
        later = [self._pool.submit(of, number) for number in range(1, self.number)]
        return [of(0), *(future.result() for future in later)]

    def _part(self, batch: Batch, number: int) -> Batch:
        return {
            name: value[number : number + 1]
            if name in BY_DIRECTION and value.shape[0] == self.number
            else value
            for name, value in batch.items()
        }

    def join(self, found: Sequence[Found]) -> Found:
        """Of all directions, as `gradients_of` has it: what is shared is summed."""
        values, results, seeds, gradients = zip(*found, strict=True)
        result: Result = jax.tree.map(lambda *parts: jnp.concatenate(parts), *results)
        of_dense, of_rows = zip(*gradients, strict=True)
        d_dense = self._in_place(0, of_dense, sum_shared=True)
        others = self._in_place(1, seeds, sum_shared=False)
        return sum(values), result, others, (d_dense, jax.tree.map(lambda *d: sum(d), *of_rows))

    def _in_place(
        self, which: int, parts: Sequence[list[jax.Array]], sum_shared: bool
    ) -> list[jax.Array]:
        joined: list[jax.Array | None] = [None] * self.sizes[which]
        for places, values in zip(self.places[which], parts, strict=True):
            for k, value in zip(places, values, strict=True):
                before = joined[k]
                if before is None:
                    joined[k] = value
                elif sum_shared:
                    joined[k] = before + value
        return [value for value in joined if value is not None]  # every place has one
