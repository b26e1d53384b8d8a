"""What a training on several devices costs, by arithmetic: steps, messages, input, hours.

    python -m benchmarks.scale [--config published] [--vocabulary 800000] [--rate 221068] [--rows 384]
        [--inside 400] [--between 50] [--host 8] [--input 870000] [--price 0]
        [--devices 8 64] [--tokens 1e9 1e11] [--json]

Give the numbers of your own machines: what one device makes (`python -m benchmarks.train_speed`),
what it sends inside a host and between hosts, and how fast batches are prepared. The model and its
window are those of a recipe. Every device has `--rows` rows of a batch, so the batch grows with the
devices.

A step sends

- the gradients of the dense weights, 4 bytes for each, summed over all devices;
- rows of the tables that the batch names, 4 · P bytes for each, whose gradients are summed (of split
  tables they are gathered and scattered, which is as much);
- of a model that reads characters, the vectors of the batch's distinct tokens, 4 · P bytes for each,
  gathered, and their gradients scattered.

A sum over n devices takes 2 (n − 1) / n of the bytes over the slowest link, gathering or scattering
half of that (Patarasuk and Yuan 2009). Between hosts each device has `--between` GB/s. Distinct tokens
and rows are what is expected of words drawn log-uniformly over the vocabulary, as the sampled softmax
draws them.

Where messages travel while the devices compute, a step takes the longer of the two; where they wait
for each other, the sum. The truth lies between, and both are printed. Latency is left out: messages
are few and large.
"""

import argparse
import json
import math

import numpy as np

from elmo.settings.settings import Settings

FLOAT = 4
MESSAGES = ("gradients", "table rows", "token vectors")


def distinct(draws, types):
    """How many types are expected among so many draws, log-uniform over their ranks."""
    ranks = np.arange(types)
    share = np.log((ranks + 2) / (ranks + 1)) / math.log(types + 1)
    return float(-np.expm1(draws * np.log1p(-share)).sum())


def weights(config):
    """Weights of the dense part: recurrent layers and, where there is one, the character CNN."""
    lstm, size = config.lstm, 0
    gates = 2 * lstm.projection_dim * 4 * lstm.dim + 4 * lstm.dim
    size += (
        len(config.direction_names)
        * lstm.n_layers
        * (gates + (lstm.dim * lstm.projection_dim if lstm.projects else 0))
    )
    cnn = config.char_cnn
    if cnn is not None:
        features = cnn.n_filters
        size += sum(width * cnn.embedding_dim * n + n for width, n in cnn.filters)
        size += cnn.n_highway * 2 * (features * features + features)
        size += features * lstm.projection_dim + lstm.projection_dim
    return size


def messages(config, training, types, rows, devices):
    """Bytes that a device sends in a step, as if over one link: {what: bytes}."""
    targets = rows * training.window * devices
    width = FLOAT * config.lstm.projection_dim
    groups = len(config.direction_names) if training.negatives_mode == "per_direction" else 1
    named = distinct(targets + groups * training.negatives, types)
    share = (devices - 1) / devices
    found = {
        "gradients": 2 * share * FLOAT * weights(config),
        "table rows": 2 * share * named * width,
    }
    if config.char_cnn is not None:
        found["token vectors"] = 2 * share * distinct(targets, types) * width
    elif not config.weight_tying:
        found["table rows"] += 2 * share * distinct(targets, types) * width
    return found


def of_devices(options, config, training, devices):
    """A step on so many devices, and what it keeps of their speed."""
    tokens = options.rows * training.window
    compute = tokens / options.rate
    sent = messages(config, training, options.vocabulary, options.rows, devices)
    link = options.inside if devices <= options.host else options.between
    sending = sum(sent.values()) / (link * 1e9)
    hosts = -(-devices // options.host)
    wanted = devices * options.rate
    found = {
        "devices": devices,
        "hosts": hosts,
        "compute_ms": 1e3 * compute,
        "sending_ms": 1e3 * sending,
        "megabytes": {name: size / 1e6 for name, size in sent.items()},
        "efficiency_overlapped": compute / max(compute, sending),
        "efficiency_waiting": compute / (compute + sending),
        "input_tokens_per_second": wanted,
        "input_suffices": wanted <= options.input,
    }
    found["bottleneck"] = max(
        ("the devices", 1.0),
        ("messages", sending / compute),
        ("preparing batches", wanted / options.input),
        key=lambda pair: pair[1],
    )[0]
    for name in ("overlapped", "waiting"):
        speed = devices * options.rate * found[f"efficiency_{name}"]
        found[f"tokens_per_second_{name}"] = speed
    return found


def cost(row, tokens, price):
    """Hours and device-hours of a text, by both assumptions."""
    found = {"devices": row["devices"], "tokens": tokens}
    for name in ("overlapped", "waiting"):
        hours = tokens / row[f"tokens_per_second_{name}"] / 3600
        found[f"hours_{name}"] = hours
        found[f"device_hours_{name}"] = hours * row["devices"]
        found[f"price_{name}"] = hours * row["devices"] * price
    return found


def measure(options):
    settings = Settings.from_toml(options.config)
    config, training = settings.model(options.vocabulary), settings.training
    steps = [of_devices(options, config, training, n) for n in options.devices]
    costs = [cost(step, tokens, options.price) for tokens in options.tokens for step in steps]
    return {"dense_weights": weights(config), "steps": steps, "costs": costs}


def shown(found, options):
    lines = [
        f"{found['dense_weights']:,} dense weights; {options.rate:,.0f} tokens/s on one device",
        "",
        "| devices | computes | sends | gradients, rows, vectors | efficiency | input wanted "
        "| bottleneck |",
        "|---|---|---|---|---|---|---|",
    ]
    for step in found["steps"]:
        sent = step["megabytes"]
        parts = ", ".join(f"{sent.get(name, 0):,.0f}" for name in MESSAGES)
        lines.append(
            f"| {step['devices']} on {step['hosts']} | {step['compute_ms']:.1f} ms "
            f"| {step['sending_ms']:.1f} ms | {parts} MB "
            f"| {100 * step['efficiency_waiting']:.0f} to {100 * step['efficiency_overlapped']:.0f} % "
            f"| {step['input_tokens_per_second'] / 1e6:.1f} M tokens/s | {step['bottleneck']} |"
        )
    lines += [
        "",
        "| tokens | devices | hours | device hours |" + (" price |" if options.price else ""),
    ]
    lines.append("|---|---|---|---|" + ("---|" if options.price else ""))
    for row in found["costs"]:
        price = f" {row['price_overlapped']:,.0f} to {row['price_waiting']:,.0f} |"
        lines.append(
            f"| {row['tokens']:,.0f} | {row['devices']} "
            f"| {row['hours_overlapped']:,.1f} to {row['hours_waiting']:,.1f} "
            f"| {row['device_hours_overlapped']:,.0f} to {row['device_hours_waiting']:,.0f} |"
            + (price if options.price else "")
        )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--config", default="published", help="a recipe or a TOML file")
    parser.add_argument("--vocabulary", type=int, default=800_000)
    parser.add_argument("--rate", type=float, default=221_068, help="tokens/s of one device")
    parser.add_argument("--rows", type=int, default=384, help="of a batch, on each device")
    parser.add_argument("--inside", type=float, default=400, help="GB/s of a device in a host")
    parser.add_argument("--between", type=float, default=50, help="GB/s of a device to others")
    parser.add_argument("--host", type=int, default=8, help="devices of a host")
    parser.add_argument("--input", type=float, default=870_000, help="tokens/s that are prepared")
    parser.add_argument("--price", type=float, default=0.0, help="of a device for an hour")
    parser.add_argument("--devices", type=int, nargs="+", default=[8, 64])
    parser.add_argument("--tokens", type=float, nargs="+", default=[1e9, 1e11])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = measure(options)
    print(json.dumps(found) if options.json else shown(found, options))


if __name__ == "__main__":
    main()
