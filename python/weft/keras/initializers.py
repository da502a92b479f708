"""`weft.initializers` under `tf.keras.initializers`' name."""

from weft.initializers import *  # noqa: F403
from weft.initializers import __all__  # noqa: F401
