"""Where scripts of ELMo-keras find `ELMo`."""

from elmo.compat.elmo_keras.model import ELMo

__all__ = ["ELMo"]
