"""Published files read for the reference, apart from the package's own readers."""

import h5py
import numpy as np

BEGIN_SENTENCE, END_SENTENCE, BEGIN_WORD, END_WORD, PADDING = 256, 257, 258, 259, 260


def byte_ids(token, length=50):
    """UTF-8 bytes of a token (or of the boundaries `<S>`, `</S>`) + 1, int32 (length,)."""
    special = {"<S>": [BEGIN_SENTENCE], "</S>": [END_SENTENCE]}
    spelling = special.get(token) or list(token.encode()[: length - 2])
    ids = [BEGIN_WORD, *spelling, END_WORD]
    return np.array(ids + [PADDING] * (length - len(ids)), np.int32) + 1


def sentence_ids(tokens, length=50):
    """Byte ids of a sentence with its boundaries, (tokens + 2, length)."""
    return np.stack([byte_ids(token, length) for token in ["<S>", *tokens, "</S>"]])


def read_weights(path):
    """The published HDF5 layout as `{name: array}` under the architecture's names."""
    with h5py.File(path) as file:
        found = {}
        file.visititems(
            lambda name, item: (
                found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return from_published(found)


def from_published(found):
    """Arrays under the names of the HDF5 layout, renamed and cut as the architecture has them."""
    weights = {}
    highway = {"W_carry": "carry_kernel", "b_carry": "carry_bias"}
    highway |= {"W_transform": "transform_kernel", "b_transform": "transform_bias"}
    for name, value in found.items():
        parts = name.split("/")
        if name in ("char_embed", "embedding"):
            weights[f"token_encoder/{name}"] = value
        elif parts[0] == "CNN":
            kind, _, i = parts[1].split("_")
            is_kernel = kind == "W"
            part = "kernel" if is_kernel else "bias"
            weights[f"token_encoder/cnn_{i}/{part}"] = value[0] if is_kernel else value
        elif parts[0] == "CNN_proj":
            part = {"W_proj": "kernel", "b_proj": "bias"}[parts[1]]
            weights[f"token_encoder/projection/{part}"] = value
        elif parts[0].startswith("CNN_high_"):
            k = parts[0].removeprefix("CNN_high_")
            weights[f"token_encoder/highway_{k}/{highway[parts[1]]}"] = value
        else:
            direction = {"RNN_0": "forward", "RNN_1": "backward"}[parts[0]]
            target = f"{direction}/layer_{parts[3].removeprefix('Cell')}"
            if parts[-1] == "W_0":
                half = len(value) // 2
                weights[f"{target}/kernel"] = value[:half]
                weights[f"{target}/recurrent_kernel"] = value[half:]
            else:
                part = {"B": "bias", "W_P_0": "projection_kernel"}[parts[-1]]
                weights[f"{target}/{part}"] = value
    return weights
