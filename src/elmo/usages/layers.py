"""Which vectors of a use are compared: the top layer's, a mean of all, or one layer by its number."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from elmo.embed.results import Layers

KNOWN: tuple[Layers, ...] = ("top", "average", "sum", "token")


class ChosenLayer(NamedTuple):
    """What an embedder is asked for, and which layer of it is taken.

    Attributes:
        layers: of `Embedder.embed_iter`.
        number: a layer of `"all"`; None where `layers` is one.
    """

    layers: Layers
    number: int | None = None


def parse_layer(layer: str | int) -> Layers | int:
    """A name or a number.

    Raises:
        ValueError: it is neither.

    Example:
        >>> parse_layer("top"), parse_layer("1")
        ('top', 1)
    """
    if isinstance(layer, str) and layer.isascii() and layer.isdigit():
        return int(layer)
    if isinstance(layer, int) and layer >= 0:
        return layer
    for name in KNOWN:
        if layer == name:
            return name
    raise ValueError(f"layer={layer!r}: must be {', '.join(KNOWN)}, or a number from 0 to the top")


def check_layer(layer: Layers | int, depth: int) -> None:
    """Raise unless a model has the layer.

    Raises:
        ValueError: naming it, and what there is.
    """
    if isinstance(layer, int) and layer > depth:
        raise ValueError(f"layer={layer}: the model has 0 (the token's) to {depth}")


def chosen_layer(layer: str | int, depth: int) -> ChosenLayer:
    """How the vectors of a layer are made.

    Args:
        layer: `"top"`, `"average"`, `"sum"`, `"token"`, or a number from 0 (the token's).
        depth: layers of the model above the token's.

    Raises:
        ValueError: the model has no such layer.

    Example:
        >>> chosen_layer("2", 2), chosen_layer(1, 2).number, chosen_layer(0, 2).layers
        (ChosenLayer(layers='top', number=None), 1, 'token')
    """
    parsed = parse_layer(layer)
    check_layer(parsed, depth)
    if not isinstance(parsed, int):
        return ChosenLayer(parsed)
    if parsed in (0, depth):
        return ChosenLayer("top" if parsed else "token")
    return ChosenLayer("all", parsed)
