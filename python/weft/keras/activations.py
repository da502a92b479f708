"""`weft.activations` under `tf.keras.activations`' name."""

from weft.activations import *  # noqa: F403
from weft.activations import __all__  # noqa: F401
