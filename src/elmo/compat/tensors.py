"""Results as AllenNLP's users have them: tensors of PyTorch where that is Keras's backend."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


def as_tensor(array: np.ndarray) -> Any:
    """The array; on PyTorch a tensor on the processor, of int64 where it holds integers."""
    if keras.backend.backend() != "torch":
        return array
    import torch

    return torch.from_numpy(array.astype(np.int64) if array.dtype.kind in "iu" else array)
