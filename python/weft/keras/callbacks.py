"""`weft.callbacks` under `tf.keras.callbacks`' name."""

from weft.callbacks import *  # noqa: F403
from weft.callbacks import __all__  # noqa: F401
