"""Random weights for any configuration, under the names of the architecture table, seeded.

Of a scale at which gates, clips and highway layers all do something: a mistake shows.
"""

import numpy as np


def weight_shapes(config):
    """`{name: shape}` of every weight of a model."""
    shapes = {}
    lstm, char_cnn = config.lstm, config.char_cnn
    size, cells = lstm.projection_dim, lstm.dim
    encoder = "token_encoder"
    if char_cnn is None:
        shapes[f"{encoder}/embedding"] = (config.vocabulary_size, size)
    else:
        shapes[f"{encoder}/char_embed"] = (char_cnn.n_characters, char_cnn.embedding_dim)
        if char_cnn.word_dim:
            shapes[f"{encoder}/word_embed"] = (char_cnn.n_words, char_cnn.word_dim)
        features = 0
        for i, (width, number) in enumerate(char_cnn.filters):
            shapes[f"{encoder}/cnn_{i}/kernel"] = (width, char_cnn.embedding_dim, number)
            shapes[f"{encoder}/cnn_{i}/bias"] = (number,)
            features += number
        for k in range(char_cnn.n_highway):
            for part in ("carry", "transform"):
                shapes[f"{encoder}/highway_{k}/{part}_kernel"] = (features, features)
                shapes[f"{encoder}/highway_{k}/{part}_bias"] = (features,)
        features += char_cnn.word_dim
        if features != size or char_cnn.always_project:
            shapes[f"{encoder}/projection/kernel"] = (features, size)
            shapes[f"{encoder}/projection/bias"] = (size,)
    for direction in config.direction_names:
        for layer in range(lstm.n_layers):
            name = f"{direction}/layer_{layer}"
            shapes[f"{name}/kernel"] = (size, 4 * cells)
            shapes[f"{name}/recurrent_kernel"] = (size, 4 * cells)
            shapes[f"{name}/bias"] = (4 * cells,)
            if size != cells or lstm.always_project:
                shapes[f"{name}/projection_kernel"] = (cells, size)
    if config.vocabulary_size is not None:
        if not config.weight_tying:
            shapes["softmax/kernel"] = (config.vocabulary_size, size)
        shapes["softmax/bias"] = (config.vocabulary_size,)
    return shapes


def random_weights(config, seed=0, scale=1.0, dtype=np.float32):
    """`{name: array}` for a configuration; `scale` multiplies them all.

    Tables and biases are normal with deviations 1 and 0.5; a kernel's is 1.5 / √(its inputs).
    """
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in weight_shapes(config).items():
        last = name.rsplit("/", 1)[-1]
        if last.endswith("bias"):
            deviation = 0.5
        elif last in ("embedding", "char_embed", "word_embed"):
            deviation = 1.0
        elif name == "softmax/kernel":
            deviation = 1.5 / np.sqrt(shape[1])  # (V, P): its inputs come last
        else:
            deviation = 1.5 / np.sqrt(np.prod(shape[:-1]))
        weights[name] = (scale * deviation * rng.standard_normal(shape)).astype(dtype)
    return weights


def random_sentence(config, length, rng, mean_characters=6):
    """Ids of `length` tokens, boundaries counted: the input (T,) or (T, M), and the targets (T,).

    The targets are None where the model has no vocabulary.
    """
    words = None
    if config.vocabulary_size is not None:
        words = rng.integers(1, config.vocabulary_size + 1, length).astype(np.int32)
    char_cnn = config.char_cnn
    if char_cnn is None:
        return words, words
    width = char_cnn.max_characters_per_token
    ids = np.full((length, width), char_cnn.n_characters, np.int32)  # the last one pads a token
    for row in ids:
        used = int(np.clip(rng.poisson(mean_characters), 1, width))
        row[:used] = rng.integers(1, char_cnn.n_characters + 1, used)
    if char_cnn.word_dim:
        first = rng.integers(1, char_cnn.n_words + 1, (length, 1)).astype(np.int32)
        ids = np.concatenate([first, ids], axis=1)
    return ids, words
