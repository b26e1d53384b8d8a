"""What a model has to compute, and what this machine can: shared by the benchmarks.

Operations are those of the model (two for each multiplication and addition of its products), not of its
implementation; a training step takes three times those of its forward pass.
"""

import os
import platform
import time

import numpy as np


def recurrence_flops(config):
    """Operations of the recurrent layers for one token, all directions."""
    lstm = config.lstm
    gates = 2 * (2 * lstm.projection_dim) * 4 * lstm.dim
    projection = 2 * lstm.dim * lstm.projection_dim if lstm.projects else 0
    return len(config.direction_names) * lstm.n_layers * (gates + projection)


def softmax_flops(config, candidates):
    """Operations of the scores of one token's candidates, all directions."""
    return len(config.direction_names) * 2 * config.lstm.projection_dim * candidates


def character_flops(config):
    """Operations of the character CNN for one distinct token."""
    cnn = config.char_cnn
    length, features = cnn.max_characters_per_token, cnn.n_filters
    convolutions = sum(
        2 * (length - width + 1) * width * cnn.embedding_dim * n for width, n in cnn.filters
    )
    highways = cnn.n_highway * 2 * 2 * features * features
    return convolutions + highways + 2 * features * config.lstm.projection_dim


def on_gpu():
    """Whether the backend computes on a GPU."""
    import keras

    return "gpu" in str(keras.distribution.list_devices()).lower()


def matmul_rate(n=None, rounds=7, dtype="float32"):
    """GFLOP/s of a product of two (n, n) matrices on the backend: the median of the rounds.

    By default n is 2,048, and 16,384 on a GPU, where a smaller product is over before it is waited for.
    """
    import keras

    n = n or (16_384 if on_gpu() else 2048)
    generator = np.random.default_rng(0)
    a, b = (
        keras.ops.cast(
            keras.ops.convert_to_tensor(generator.standard_normal((n, n), np.float32)), dtype
        )
        for _ in range(2)
    )
    product = keras.ops.matmul
    if keras.backend.backend() == "jax":
        import jax

        exact = jax.default_matmul_precision("highest")  # on a GPU float32 means TF32 otherwise

        def product(x, y):
            with exact:
                return jitted(x, y)

        jitted = jax.jit(lambda x, y: x @ y)
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        keras.ops.convert_to_numpy(keras.ops.cast(product(a, b)[:1, :1], "float32"))
        times.append(time.perf_counter() - start)
    return 2 * n**3 / float(np.median(times[1:])) / 1e9


def machine(*others):
    """Where and with what this was measured; `others`: packages that matter where they are installed."""
    from importlib.metadata import distributions, version

    import keras

    backend = keras.backend.backend()
    packages = ["keras", "numpy", {"jax": "jax", "torch": "torch"}.get(backend, "tensorflow-cpu")]
    installed = {found.metadata["Name"] for found in distributions()}
    packages += [name for name in others if name in installed and name not in packages]
    name = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            name = next(
                line.split(":")[1].strip() for line in file if line.startswith("model name")
            )
    except (OSError, StopIteration):
        pass
    return {
        "processor": f"{name}, {os.cpu_count()} cores",
        "load": os.getloadavg()[0],
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }
