"""`weft.losses` under `tf.keras.losses`' name."""

from weft.losses import *  # noqa: F403
from weft.losses import __all__  # noqa: F401
