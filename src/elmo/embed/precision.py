"""Which engine computes in a precision."""

from __future__ import annotations

from typing import Any, Literal, get_args

from elmo.bilm.encoder import BiLMEncoder
from elmo.embed.engine import KerasEngine

Precision = Literal["float32", "bfloat16", "int8"]


def check_precision(precision: str) -> None:
    """Refuse what is no choice of precision."""
    if precision not in get_args(Precision):
        known = ", ".join(map(repr, get_args(Precision)))
        raise ValueError(f"precision={precision!r}: must be {known}")


def new_engine(encoder: BiLMEncoder, precision: Precision = "float32") -> Any:
    """An engine over the weights of a network.

    Args:
        encoder: a built `BiLMEncoder`.
        precision: `"float32"`: Keras's backend. `"bfloat16"` and `"int8"`: PyTorch, whatever that is;
            faster on processors with instructions for them, and a little less exact (the cosine to
            float32 stays above 0.9995; benchmarks/NOTES.md).

    Raises:
        ValueError: no such precision.
        ImportError: PyTorch is not installed; names the extra.

    Example:
        >>> new_engine(None, "float16")
        Traceback (most recent call last):
        ...
        ValueError: precision='float16': must be 'float32', 'bfloat16', 'int8'
    """
    check_precision(precision)
    if precision == "float32":
        return KerasEngine(encoder)
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f'precision={precision!r} is computed by PyTorch: pip install "elmo-keras[torch]"'
        ) from error
    from elmo.embed.torch_engine import TorchEngine

    return TorchEngine(encoder, precision)
