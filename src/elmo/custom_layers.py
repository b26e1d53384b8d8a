"""Where scripts of ELMo-keras look for its layers; each is refused with what does its work here."""

from elmo.compat.elmo_keras.layers import __getattr__  # noqa: F401 - names of this module
