"""The layers of ELMo-keras by its names: there are none; each is refused with what does its work here."""

from __future__ import annotations

INSTEAD = {
    "TimestepDropout": "elmo.config.DropoutConfig(word=…) drops whole tokens",
    "Camouflage": "layers here take masks and zero what is padding themselves",
    "Highway": "elmo.layers.highway.Highway is the layer of a character CNN",
    "SampledSoftmax": "elmo.layers.sampled_softmax has it; a training uses it with num_sampled",
}


def __getattr__(name: str) -> object:
    if name not in INSTEAD:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    raise ImportError(
        f"elmo.custom_layers.{name}: ELMo-keras's layers are not here, nor do its saved models load; "
        + INSTEAD[name]
    )
