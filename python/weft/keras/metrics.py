"""`weft.metrics` under `tf.keras.metrics`' name."""

from weft.metrics import *  # noqa: F403
from weft.metrics import __all__  # noqa: F401
