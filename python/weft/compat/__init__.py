"""TensorFlow's older names."""

from weft.compat import v1

__all__ = ["v1"]
