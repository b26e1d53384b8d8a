"""Where scripts written for ELMo-keras find their texts and put their models.

Such scripts say `from data import DATA_SET_DIR`, and `elmo.model` asks the same module for
`MODELS_DIR`. Copy this file next to a script of yours and change the two folders to your own.
"""

import os

_HERE = os.path.dirname(os.path.abspath(__file__))

DATA_SET_DIR = os.environ.get("ELMO_DATA") or os.path.join(_HERE, "datasets")
MODELS_DIR = os.path.join(_HERE, "models")
