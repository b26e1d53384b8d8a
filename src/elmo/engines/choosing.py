"""Which engine computes, and in which precision."""

from __future__ import annotations

from typing import Literal, get_args

import keras

from elmo.bilm.encoder import BiLMEncoder
from elmo.engines.engine import Engine
from elmo.engines.keras_engine import KerasEngine
from elmo.system.openmp import wait_briefly

Precision = Literal["float32", "bfloat16", "int8"]
EngineName = Literal["keras", "torch"]

CELLS = (
    512  # of a direction; of smaller models a step is over before PyTorch has called its operations
)


def check_precision(precision: str, engine: str | None = None) -> None:
    """Refuse what is no choice of a precision and an engine."""
    if precision not in get_args(Precision):
        known = ", ".join(map(repr, get_args(Precision)))
        raise ValueError(f"precision={precision!r}: must be {known}")
    if engine is not None and engine not in get_args(EngineName):
        known = ", ".join(map(repr, get_args(EngineName)))
        raise ValueError(f"engine={engine!r}: must be {known}, or None")
    if engine == "keras" and precision == "int8":
        raise ValueError(
            "engine='keras' computes in float32 or bfloat16, not in 'int8': use 'torch'"
        )


def new_engine(
    encoder: BiLMEncoder, precision: Precision = "float32", engine: EngineName | None = None
) -> Engine:
    """An engine over the weights of a network.

    Args:
        encoder: a built `BiLMEncoder`.
        precision: `"bfloat16"` and `"int8"` are faster on GPUs (bfloat16) and on processors with
            instructions for them, and a little less exact (the cosine to float32 stays above 0.9995;
            benchmarks/NOTES.md).
        engine: `"keras"`: Keras's backend, on a GPU where it has one. `"torch"`: PyTorch on the
            processor, whatever Keras runs on. By default the faster one: the backend for bfloat16 on
            a GPU, PyTorch for int8 and for bfloat16 elsewhere, and in float32 for models of `CELLS`
            and more where Keras runs on a processor, on JAX or PyTorch, and PyTorch is installed
            with oneDNN. In float32 both agree within 1e-5.

    Raises:
        ValueError: no such precision or engine.
        ImportError: PyTorch is not installed; names the extra.

    Example:
        >>> new_engine(None, "float16")
        Traceback (most recent call last):
        ...
        ValueError: precision='float16': must be 'float32', 'bfloat16', 'int8'
    """
    check_precision(precision, engine)
    if engine is None:
        engine = "torch" if _torch_is_faster(encoder, precision) else "keras"
    if engine == "keras":
        return KerasEngine(encoder, precision)
    wait_briefly()
    try:
        import torch  # noqa: F401
    except ImportError as error:
        what = f"precision={precision!r}" if precision != "float32" else "engine='torch'"
        raise ImportError(
            f'{what} is computed by PyTorch: pip install "elmo-keras[torch]"'
        ) from error
    from elmo.engines.torch_engine import TorchEngine

    return TorchEngine(encoder, precision)


def _torch_is_faster(encoder: BiLMEncoder, precision: str) -> bool:
    """Whether PyTorch should compute on the processor what Keras's backend could."""
    if precision == "int8":
        return True
    device = _device(encoder)
    if precision == "bfloat16":
        return device == "cpu"
    if encoder.config.lstm.dim < CELLS or encoder.compute_dtype != "float32":
        return False
    # TensorFlow's threads and PyTorch's disturb one another.
    if device != "cpu" or keras.backend.backend() == "tensorflow":
        return False
    wait_briefly()
    try:
        import torch
    except (ImportError, OSError):  # it may be installed and broken; nobody has asked for it
        return False
    return torch.backends.mkldnn.is_available()


def _device(encoder: BiLMEncoder) -> str:
    """The kind of device where the weights lie: `"cpu"`, `"gpu"`, `"cuda"`, `"tpu"` …"""
    value = encoder.weights[0].value
    if keras.backend.backend() == "jax":
        return next(iter(value.devices())).platform
    if keras.backend.backend() == "torch":
        return value.device.type
    return value.device.split(":")[-2].lower()  # "/job:localhost/replica:0/task:0/device:CPU:0"
