"""The recurrence of a published size on a GPU, beside the same arithmetic by PyTorch's cuDNN LSTM.

    python -m benchmarks.gpu [--size original] [--rows 64 256 1024] [--time 32] [--json]

Token vectors are given and outputs stay on the device, so that nothing but the recurrence is timed: two
directions of all layers, for rows of equal length. Ours has the model's clips; cuDNN knows none, nor the
skip connection between layers, so its layers are added up outside. Each side runs in a process of its
own, for each wants the GPU's memory. The rate beside them is that of one large product in the same
precision. On a machine without a GPU both run on the processor, which shows that everything works and
no more.
"""

import argparse
import json
import subprocess
import sys
import time

import numpy as np

PRECISIONS = ("float32", "bfloat16")


def median_seconds(run, rounds):
    """Of a function that returns when its work is done; the first two calls do not count."""
    seconds = []
    for _ in range(rounds + 2):
        begin = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begin)
    return float(np.median(seconds[2:]))


def ours(options):
    """Rows of results of the package, and the rates of products."""
    from benchmarks.embed_once import build  # first, for it chooses Keras's backend

    import keras  # isort: skip

    from benchmarks.tools.arithmetic import machine, matmul_rate, recurrence_flops
    from elmo.engines.keras_engine import KerasEngine

    encoder = build(options.size)
    flops, p = recurrence_flops(encoder.config), encoder.config.lstm.projection_dim
    rates = {precision: matmul_rate(dtype=precision) for precision in PRECISIONS}
    rows = []
    for precision in PRECISIONS:
        engine = KerasEngine(encoder, precision)
        for n in options.rows:
            shape = (len(encoder.config.direction_names), n, options.time)
            drawn = np.random.default_rng(0).standard_normal((*shape, p), np.float32)
            vectors = keras.ops.convert_to_tensor(drawn)
            mask = keras.ops.ones(shape, dtype="bool")
            state = engine.zero_state(n)

            def run(engine=engine, given=(vectors, mask, state)):
                outputs, _ = engine.read(*given, "all")
                keras.ops.convert_to_numpy(keras.ops.cast(outputs[:1, :1, :1, :1, :1], "float32"))

            rows.append(
                row("elmo-keras", precision, n, options, median_seconds(run, options.rounds))
            )
            rows[-1]["share_of_matmul_rate"] = (
                rows[-1]["tokens_per_second"] * flops / rates[precision] / 1e9
            )
    return {"rows": rows, "matmul_gflops": rates, "machine": machine()}


def theirs(options):
    """The same of `torch.nn.LSTM`."""
    import torch

    from benchmarks.embed_once import SIZES

    dim, p, _ = SIZES[options.size]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    rows = []
    for precision in PRECISIONS:
        dtype = getattr(torch, precision)
        layers = [
            torch.nn.LSTM(p, dim, proj_size=p, batch_first=True, device=device, dtype=dtype).eval()
            for _ in range(4)
        ]
        for n in options.rows:
            x = torch.randn(2, n, options.time, p, device=device, dtype=dtype)

            def run(x=x, layers=layers):
                with torch.inference_mode():
                    lower = [lstm(part)[0] for lstm, part in zip(layers[:2], x, strict=True)]
                    upper = [
                        lstm(part)[0] + part for lstm, part in zip(layers[2:], lower, strict=True)
                    ]
                    float(upper[0][0, 0, 0] + upper[1][0, 0, 0])

            rows.append(row("PyTorch", precision, n, options, median_seconds(run, options.rounds)))
    return {"rows": rows, "torch": torch.__version__, "device": device}


def row(who, precision, rows, options, seconds):
    """One line of the table."""
    speed = rows * options.time / seconds
    return {"who": who, "precision": precision, "rows": rows, "tokens_per_second": speed}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--size", default="original", choices=["tiny", "small", "medium", "original"]
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[64, 256, 1024])
    parser.add_argument("--time", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--side", choices=["ours", "theirs"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps({"ours": ours, "theirs": theirs}[options.side](options)))
        return
    result = {}
    for side in ("ours", "theirs"):
        command = [sys.executable, "-m", "benchmarks.gpu", *sys.argv[1:], "--side", side]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        result[side] = json.loads(done.stdout.splitlines()[-1])
    if options.json:
        print(json.dumps(result))
        return
    print(f"{'':12}{'precision':12}{'rows':>6}{'tokens/s':>14}  share of a product's rate")
    for found in result["ours"]["rows"] + result["theirs"]["rows"]:
        share = found.get("share_of_matmul_rate")
        print(
            f"{found['who']:12}{found['precision']:12}{found['rows']:6}"
            f"{found['tokens_per_second']:14,.0f}  {'' if share is None else f'{share:.0%}'}"
        )


if __name__ == "__main__":
    main()
