"""Where scripts of ELMo-keras find `LMDataGenerator`."""

from elmo.compat.elmo_keras.generator import LMDataGenerator

__all__ = ["LMDataGenerator"]
