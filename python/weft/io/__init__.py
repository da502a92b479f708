"""`tf.io` and the reader of record files: parse, encode, read, write."""

import contextlib

with contextlib.suppress(ModuleNotFoundError, AttributeError):
    from weft.io.parsing import *  # noqa: F403
with contextlib.suppress(ModuleNotFoundError, AttributeError):
    from weft.io.records import *  # noqa: F403
