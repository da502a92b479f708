"""`tf.keras.layers` for sequences: feature layers, cells, recurrent layers."""

import contextlib

with contextlib.suppress(ModuleNotFoundError):
    from weft.layers.feature import *  # noqa: F403
with contextlib.suppress(ModuleNotFoundError):
    from weft.layers.recurrent import *  # noqa: F403
