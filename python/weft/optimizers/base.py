"""What all optimizers have: a learning rate, a step over layers, a state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from weft import _core
from weft.arguments import flag, number
from weft.errors import InvalidArgumentError, WrongTypeError
from weft.layers.base import Layer
from weft.optimizers.schedules import LearningRateSchedule, deserialize, serialize

# Keras's arguments that are taken as far as they change nothing.
_WITHOUT_EFFECT = ("ema_momentum", "ema_overwrite_frequency", "jit_compile", "is_legacy_optimizer")
_OPTIONAL = ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm")


def _address(weight: np.ndarray) -> int:
    return weight.__array_interface__["data"][0]


class Optimizer:
    """The base of the optimizers.

    Arguments that all have:
        learning_rate: a number, a `schedules.LearningRateSchedule`, or another function from the
            number of steps taken to a number. The attribute may be set between steps.
        weight_decay: w -= w * weight_decay * learning_rate before each step.
        clipnorm, clipvalue, global_clipnorm: at most one: the largest norm of each weight's
            gradient, the largest magnitude of an element, the largest norm of all gradients.
        name: of the optimizer.
        lazy: whether rows of a table that a batch has not touched stay as they are; see the module.

    `ema_momentum`, `ema_overwrite_frequency` and `jit_compile` have no effect; use_ema=True is
    refused.
    """

    _RULE = ""

    def _declare(self, fields: dict[str, Any]) -> None:
        """Takes the constructor's `locals()`."""
        fields = {k: v for k, v in fields.items() if k not in ("self", "__class__")}
        rest = fields.pop("keras")
        if rest.pop("use_ema", False):
            raise InvalidArgumentError("use_ema=True: moving averages of weights are not kept here")
        for key in rest:
            if key not in _WITHOUT_EFFECT:
                raise WrongTypeError(f"{type(self).__name__} has no argument `{key}`")
        self.learning_rate = fields.pop("learning_rate")
        name = fields.pop("name")
        self.name = type(self).__name__ if name is None else name
        for key, value in fields.items():
            if isinstance(value, bool) or key in ("nesterov", "centered", "amsgrad", "lazy"):
                fields[key] = flag(value, key)
            elif value is not None or key not in _OPTIONAL:
                fields[key] = number(value, key)
        self._fields = fields
        self._core = _core.Optimizer(self._RULE, fields)

    @property
    def learning_rate(self) -> Any:
        """A number, or a function of the number of steps taken."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(value, Mapping):
            value = deserialize(value)
        if not callable(value):
            value = number(value, "learning_rate")
            if not value >= 0:
                raise InvalidArgumentError(f"`learning_rate` must not be negative, got {value}")
        self._learning_rate: float | Callable[[int], float] = value

    @property
    def current_learning_rate(self) -> float:
        """That of the next step."""
        rate = self._learning_rate
        return float(rate(self.iterations)) if callable(rate) else rate

    @property
    def iterations(self) -> int:
        """Steps taken."""
        return self._core.iterations

    def apply(
        self,
        layers: Layer | Sequence[Layer],
        grads: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    ) -> None:
        """One step: moves the weights of layers by their gradients.

        Args:
            layers: one layer, or several.
            grads: what the pullback of that layer gave, a mapping from names of weights to
                gradients, or one mapping for each layer. Weights without a gradient, and those that
                are not trainable, stay. A table that two layers share moves once, by the sum.

        Raises, and then nothing has changed: ValueError for the name of no weight, another shape
        than the weight's, or two layers of one name; TypeError for another dtype.
        """
        if isinstance(layers, Layer):
            layers, grads = [layers], [grads]
        if isinstance(grads, Mapping) or len(layers) != len(grads):
            raise InvalidArgumentError(
                f"`grads` must be one mapping for each of the {len(layers)} layers"
            )
        updates: dict[Any, tuple[str, np.ndarray, Any]] = {}
        for layer, of in zip(layers, grads, strict=True):
            weights, trainable = layer.weights, layer.trainable_weights
            for name, grad in of.items():
                if name not in weights:
                    raise InvalidArgumentError(
                        f"{layer.name!r} has no weight {name!r}: it has {', '.join(weights)}"
                    )
                if name not in trainable:
                    continue
                weight = weights[name]
                key = _address(weight) if weight.size else (layer.name, name)
                if key in updates:
                    first, _, other = updates[key]
                    updates[key] = (first, weight, _core.add_gradients(other, grad))
                else:
                    updates[key] = (f"{layer.name}/{name}", weight, grad)
        self._core.apply(list(updates.values()), self.current_learning_rate)

    def state(self) -> dict[str, np.ndarray]:
        """Everything that a step changes besides the weights, by name.

        "iterations" and, for each weight met so far, its states: "gru/kernel/m". The arrays are
        the optimizer's own memory.
        """
        return dict(self._core.state())

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Goes on where the optimizer was whose `state` this is: the same steps, bit for bit.

        Raises ValueError for names that an optimizer of this kind cannot have given.
        """
        self._core.load_state(list(state.items()))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments; TypeError if the learning rate is a plain function."""
        rate = self._learning_rate
        if callable(rate):
            if not isinstance(rate, LearningRateSchedule):
                raise WrongTypeError(
                    f"a learning rate that is a function cannot be saved: {rate!r}; use one of "
                    "weft.optimizers.schedules"
                )
            rate = serialize(rate)
        return {"name": self.name, "learning_rate": rate, **self._fields}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Optimizer:
        """Makes the optimizer that `get_config`, of weft or of Keras, describes."""
        return cls(**config)

    def __reduce__(self) -> Any:
        return _restore, (type(self), self.get_config(), self.state())


def _restore(cls: type[Optimizer], config: dict[str, Any], state: dict[str, Any]) -> Optimizer:
    made = cls.from_config(config)
    made.load_state(state)
    return made
