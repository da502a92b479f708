"""`tf.compat.v1`: its feature columns."""

from weft.compat.v1 import feature_column

__all__ = ["feature_column"]
