"""Losses under Keras's names: how wrong a batch of predictions is, and the gradient of that.

    loss = weft.losses.BinaryCrossentropy(from_logits=True)
    loss(y_true, y_pred)                                   # a number
    value, grad = loss.value_and_grad(y_true, y_pred)      # and its gradient, for a pullback

Predictions are float32 or float64 [B, ..., C], labels of any number dtype, of the same shape or
without the last dimension if it is 1. The sums are made in float64.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from weft import _core
from weft.arguments import number
from weft.errors import InvalidArgumentError, WrongTypeError
from weft.gradient import IndexedSlices

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Loss",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "deserialize",
    "get",
    "sampled_softmax_loss",
    "sampled_softmax_value_and_grad",
    "serialize",
]

_REDUCTIONS = ("sum_over_batch_size", "sum", "none")


def _reduction(given: Any) -> str:
    """Keras's names; "auto" is the mean."""
    if given in ("auto", None):
        return "none" if given is None else "sum_over_batch_size"
    if given not in _REDUCTIONS:
        raise InvalidArgumentError(f"`reduction` must be one of {_REDUCTIONS}, got {given!r}")
    return given


class Loss:
    """The base of the losses.

    Args:
        reduction: "sum_over_batch_size" (or "auto"): the mean over the samples; "sum"; or "none":
            a call then gives every sample's loss, and there is no gradient.
        name: what progress and logs call it.

    `sample_weight`, of the predictions' shape without the last dimension or [B], multiplies each
    sample's loss; a mean is over the number of samples, whatever their weights.
    """

    _NAME = ""

    def __init__(self, reduction: str = "auto", name: str | None = None):
        self.reduction = _reduction(reduction)
        self.name = self._NAME if name is None else name
        self._options: dict[str, Any] = {"from_logits": False, "label_smoothing": 0.0}

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """The loss, a float; with reduction="none" an array of the samples'.

        Raises ValueError for shapes that do not fit, and for a class outside [0, C); TypeError for
        another dtype.
        """
        value, samples, _ = self._run(y_true, y_pred, sample_weight)
        return samples if self.reduction == "none" else value

    def samples(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> np.ndarray:
        """Every sample's loss, weighted: y_pred's shape without the last dimension."""
        return self._run(y_true, y_pred, sample_weight)[1]

    def value_and_grad(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> tuple[float, np.ndarray]:
        """The loss and its gradient with regard to `y_pred`, of its shape and dtype."""
        if self.reduction == "none":
            raise InvalidArgumentError(f"{self.name!r} with reduction='none' has no one gradient")
        value, _, grad = self._run(y_true, y_pred, sample_weight)
        return value, grad

    def _run(self, y_true: Any, y_pred: Any, sample_weight: Any) -> tuple[float, Any, Any]:
        options = {**self._options, "sum": self.reduction == "sum"}
        return _core.loss(self._NAME, y_true, y_pred, sample_weight, options)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"reduction": self.reduction, "name": self.name}

    def __repr__(self) -> str:
        fields = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({fields})"

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Loss:
        """Makes the loss that `get_config`, of weft or of Keras, describes."""
        return cls(**{k: v for k, v in config.items() if k not in ("fn", "dtype", "ignore_class")})


class _Crossentropy(Loss):
    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str = "auto",
        name: str | None = None,
    ):
        if axis != -1:
            raise InvalidArgumentError(f"classes are in the last dimension, axis -1; got {axis!r}")
        super().__init__(reduction, name)
        self.from_logits = bool(from_logits)
        self.label_smoothing = number(label_smoothing, "label_smoothing")
        self._options = {"from_logits": self.from_logits, "label_smoothing": self.label_smoothing}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "axis": -1,
        }


class BinaryCrossentropy(_Crossentropy):
    """-y log p - (1 - y) log(1 - p), the mean over the last dimension; p = sigmoid(x) of logits.

    Probabilities are cut to [1e-7, 1 - 1e-7], as Keras does. `label_smoothing` moves labels towards
    1/2.
    """

    _NAME = "binary_crossentropy"


class CategoricalCrossentropy(_Crossentropy):
    """-sum of y log p over the C classes; p = softmax(x) of logits.

    Probabilities are divided by their sum and cut to [1e-7, 1 - 1e-7]. `label_smoothing` moves
    labels towards 1/C.
    """

    _NAME = "categorical_crossentropy"


class SparseCategoricalCrossentropy(Loss):
    """-log p of the right class: labels are integers in [0, C)."""

    _NAME = "sparse_categorical_crossentropy"

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: None = None,
        reduction: str = "auto",
        name: str | None = None,
    ):
        if ignore_class is not None:
            raise InvalidArgumentError("ignore_class is not supported: give a sample_weight of 0")
        super().__init__(reduction, name)
        self.from_logits = bool(from_logits)
        self._options = {"from_logits": self.from_logits, "label_smoothing": 0.0}

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "from_logits": self.from_logits}


class MeanSquaredError(Loss):
    """The mean of (y - x)^2 over the last dimension."""

    _NAME = "mean_squared_error"


_CLASSES = (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    MeanSquaredError,
)
_NAMES = {name: cls for cls in _CLASSES for name in (cls._NAME, cls.__name__)}
_NAMES |= {"bce": BinaryCrossentropy, "mse": MeanSquaredError, "MSE": MeanSquaredError}


def serialize(loss: Loss) -> dict[str, Any]:
    """{"class_name": ..., "config": ...}."""
    return {"class_name": type(loss).__name__, "config": loss.get_config()}


def deserialize(config: Mapping[str, Any]) -> Loss:
    """Makes the loss of what `serialize` gives."""
    return get(config)


def get(identifier: Any) -> Loss:
    """A loss of Keras's name ("binary_crossentropy"), of a config, or itself.

    Raises ValueError for an unknown name, TypeError for anything else.
    """
    if isinstance(identifier, Loss):
        return identifier
    if isinstance(identifier, Mapping):
        name, config = identifier.get("class_name"), identifier.get("config", {})
    else:
        name, config = identifier, {}
    if not isinstance(name, str):
        raise WrongTypeError(f"a loss is a name, a config or a weft.losses.Loss, got {name!r}")
    if name not in _NAMES:
        known = ", ".join(cls._NAME for cls in _CLASSES)
        raise InvalidArgumentError(f"unknown loss {name!r}; known are {known}")
    return _NAMES[name].from_config(config)


def sampled_softmax_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: tuple[Any, Any, Any] | None = None,
    remove_accidental_hits: bool = True,
    seed: int | None = None,
) -> np.ndarray:
    """As `tf.nn.sampled_softmax_loss`: each row's loss over its labels and a sample of V classes.

    Args:
        weights: [V, D], float32 or float64; the rows of the labels and the sample are read.
        biases: [V], or None.
        labels: integers [B] or [B, num_true], or ragged: n labels of a row count 1 / n each, and a
            row without any has no loss.
        inputs: [B, D].
        num_sampled: how many different classes are drawn, by Zipf's law, unless `sampled_values`
            says which.
        num_classes: V.
        num_true: labels of a row, where they are an array.
        sampled_values: (sampled_candidates [S], true_expected_count [B, num_true],
            sampled_expected_count [S]), as TensorFlow's samplers give them.
        remove_accidental_hits: compares no row with a class that is one of its labels.
        seed: of the sample, the same in each call; 0 when None. TensorFlow draws anew in each call,
            as `weft.layers.SampledSoftmax` does.

    Returns [B]. Raises ValueError for shapes that do not fit and labels outside [0, V), TypeError
    for other dtypes.
    """
    given = (weights, biases, labels, inputs, num_sampled, num_classes, num_true)
    return _sampled_softmax(*given, sampled_values, remove_accidental_hits, seed)[1]


def sampled_softmax_value_and_grad(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: tuple[Any, Any, Any] | None = None,
    remove_accidental_hits: bool = True,
    seed: int | None = None,
    *,
    sample_weight: Any = None,
    reduction: str = "auto",
) -> tuple[float, tuple[IndexedSlices, IndexedSlices | None, np.ndarray]]:
    """The mean (or "sum") of `sampled_softmax_loss`, and its gradients.

    Those of weights and biases are `weft.IndexedSlices` of the classes that were labels or drawn;
    the third is that of the inputs [B, D]. `sample_weight` [B] multiplies each row's loss.
    """
    if _reduction(reduction) == "none":
        raise InvalidArgumentError("reduction='none' has no one gradient")
    given = (weights, biases, labels, inputs, num_sampled, num_classes, num_true)
    value, _, grad, *grads = _sampled_softmax(
        *given, sampled_values, remove_accidental_hits, seed, sample_weight, reduction
    )
    return value, (*grads, grad)


def _sampled_softmax(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int,
    sampled_values: Any,
    remove_accidental_hits: bool,
    seed: int | None,
    sample_weight: Any = None,
    reduction: str = "auto",
) -> tuple[Any, ...]:
    """What `_core.sampled_softmax` gives."""
    if len(weights) != num_classes:
        raise InvalidArgumentError(
            f"`weights` has {len(weights)} rows, `num_classes` {num_classes}"
        )
    if isinstance(labels, np.ndarray) and labels.shape[1:] not in ((num_true,), ()):
        raise InvalidArgumentError(f"`labels` {labels.shape} has not `num_true` {num_true} columns")
    if sampled_values is None:
        by_frequency = _core.ClassDistribution("log_uniform", num_classes, None)
        sampled_values = by_frequency.sample(labels, num_sampled, seed or 0, "sampled_softmax", 0)
    sampled_values = tuple(sampled_values)
    hits, total = bool(remove_accidental_hits), reduction == "sum"
    return _core.sampled_softmax(
        weights, biases, labels, inputs, sampled_values, sample_weight, hits, total
    )
