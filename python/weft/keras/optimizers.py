"""`weft.optimizers` under `tf.keras.optimizers`' name."""

from weft.optimizers import *  # noqa: F403
from weft.optimizers import __all__  # noqa: F401
