"""Optimizers under Keras's names, with its arguments, defaults and update rules (2.11 to 2.15).

    optimizer = weft.optimizers.Adam(1e-3)
    outputs, pullback = layer.vjp(x)
    value, grad = loss.value_and_grad(y, outputs)
    _, grads = pullback(grad)
    optimizer.apply(layer, grads)

The gradient of a table is `weft.IndexedSlices`, the rows that a batch touched. What happens to the
other rows `lazy` says: false, as in Keras, their gradient is 0, by which momentum and Adam still
move them, and every step passes over the whole table; true, they and their states wait as they are,
as with TensorFlow Addons' LazyAdam and torch's SparseAdam, and a step costs the same for a table of
any size.
"""

from weft.optimizers import schedules
from weft.optimizers.base import Optimizer
from weft.optimizers.rules import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Ftrl,
    RMSprop,
    deserialize,
    get,
    serialize,
)

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Ftrl",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]
