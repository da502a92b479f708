"""`Model`: layers that are trained, evaluated and saved together."""

from weft.model.history import History
from weft.model.model import Model

__all__ = ["History", "Model"]
