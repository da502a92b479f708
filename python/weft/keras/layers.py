"""`weft.layers` under `tf.keras.layers`' name."""

from weft.layers import *  # noqa: F403
from weft.layers import __all__  # noqa: F401
