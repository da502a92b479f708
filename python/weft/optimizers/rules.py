"""The optimizers: each the rule that include/weft/optimizer.h states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weft.errors import InvalidArgumentError, WrongTypeError
from weft.optimizers.base import Optimizer

__all__ = [
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Ftrl",
    "RMSprop",
    "deserialize",
    "get",
    "serialize",
]


class SGD(Optimizer):
    """w -= lr g; with `momentum` m = momentum m - lr g, w += m; `nesterov`: w += momentum m - lr g.

    Other arguments as `Optimizer` says.
    """

    _RULE = "sgd"

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        *,
        name: str | None = None,
        lazy: bool = False,
        **keras: Any,
    ):
        self._declare(locals())


class RMSprop(Optimizer):
    """g over the root of its moving mean square, as Keras computes it.

    Other arguments as `Optimizer` says.
    """

    _RULE = "rmsprop"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        *,
        name: str | None = None,
        lazy: bool = False,
        **keras: Any,
    ):
        self._declare(locals())


class Adagrad(Optimizer):
    """g over the root of the sum of its squares. Other arguments as `Optimizer` says."""

    _RULE = "adagrad"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        *,
        name: str | None = None,
        lazy: bool = False,
        **keras: Any,
    ):
        self._declare(locals())


class Adam(Optimizer):
    """The moving mean of g over the root of that of its square, both without their bias.

    Kingma and Ba, 2014; `amsgrad` as Reddi, Kale and Kumar, 2018. Other arguments as `Optimizer`
    says.
    """

    _RULE = "adam"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        *,
        name: str | None = None,
        lazy: bool = False,
        **keras: Any,
    ):
        self._declare(locals())


class AdamW(Optimizer):
    """Adam with weights that decay apart from the gradient (Loshchilov and Hutter, 2017)."""

    _RULE = "adam"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        *,
        name: str | None = None,
        lazy: bool = False,
        **keras: Any,
    ):
        if weight_decay is None:
            raise InvalidArgumentError("`weight_decay` of AdamW must be a number, got None")
        self._declare(locals())


class Ftrl(Optimizer):
    """Follow the regularized leader (McMahan et al., 2013), for sparse weights.

    Other arguments as `Optimizer` says.
    """

    _RULE = "ftrl"

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        *,
        name: str | None = None,
        lazy: bool = False,
        **keras: Any,
    ):
        self._declare(locals())


_CLASSES = {cls.__name__.lower(): cls for cls in (SGD, RMSprop, Adagrad, Adam, AdamW, Ftrl)}


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """{"class_name": ..., "config": ...}."""
    return {"class_name": type(optimizer).__name__, "config": optimizer.get_config()}


def deserialize(config: Mapping[str, Any]) -> Optimizer:
    """Makes the optimizer of what `serialize` gives."""
    return get(config)


def get(identifier: Any) -> Optimizer:
    """An optimizer of Keras's name ("adam", in any case), of a config, or itself.

    Raises ValueError for an unknown name, TypeError for anything else.
    """
    if isinstance(identifier, Optimizer):
        return identifier
    if isinstance(identifier, Mapping):
        name, config = identifier.get("class_name"), identifier.get("config", {})
    else:
        name, config = identifier, {}
    if not isinstance(name, str):
        raise WrongTypeError(
            f"an optimizer is a name, a config or a weft.optimizers.Optimizer, got {identifier!r}"
        )
    if name.lower() not in _CLASSES:
        raise InvalidArgumentError(f"unknown optimizer {name!r}; known are {', '.join(_CLASSES)}")
    return _CLASSES[name.lower()].from_config(config)
