"""`tf.compat.v1`: there the feature columns are the same."""

from weft import feature_column

__all__ = ["feature_column"]
