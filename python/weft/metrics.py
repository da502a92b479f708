"""Metrics under Keras's names: what is counted over many batches and read at their end.

    auc = weft.metrics.AUC()
    auc.update_state(y_true, y_pred)      # batch after batch
    auc.result()                          # NaN before the first sample

Instances of several processes or parts merge: the result is that of one that saw everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from weft import _core, losses
from weft.arguments import integer, number
from weft.errors import InvalidArgumentError, WrongTypeError

__all__ = [
    "AUC",
    "BinaryAccuracy",
    "BinaryCrossentropy",
    "CategoricalAccuracy",
    "CategoricalCrossentropy",
    "Mean",
    "MeanSquaredError",
    "Metric",
    "NDCGAtK",
    "RecallAtK",
    "SparseCategoricalAccuracy",
    "SparseCategoricalCrossentropy",
    "deserialize",
    "get",
    "serialize",
]


class Metric:
    """The base of the metrics. `dtype` is Keras's and has no effect: all count in float64."""

    _NAME = ""
    name: str

    def __init__(self, name: str | None = None, dtype: Any = None):
        self.name = self._NAME if name is None else name
        self.reset_state()

    def _counted(self) -> Any:
        """A compiled metric that has seen nothing."""
        raise NotImplementedError

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes a batch of labels and predictions, and a weight for each sample.

        Raises ValueError for shapes that do not fit, TypeError for another dtype.
        """
        self._core.update(y_true, y_pred, sample_weight)

    def result(self) -> float:
        """What was counted since the last `reset_state`."""
        return self._core.result()

    def reset_state(self) -> None:
        """Forgets all."""
        self._core = self._counted()

    def merge_state(self, metrics: Iterable[Metric]) -> None:
        """Adds what others of the same kind have counted."""
        for other in metrics:
            if type(other) is not type(self) or other.get_config() | {"name": ""} != (
                self.get_config() | {"name": ""}
            ):
                raise InvalidArgumentError(f"{self!r} cannot take in {other!r}")
            self._core.merge(other._core)

    def __call__(self, *batch: Any, **arguments: Any) -> float:
        """`update_state`, then `result`."""
        self.update_state(*batch, **arguments)
        return self.result()

    def state(self) -> np.ndarray:
        """All that was counted, float64; `load_state` goes on from there."""
        return self._core.state()

    def load_state(self, state: np.ndarray) -> None:
        """Takes what `state` of an equal metric gave. Raises ValueError for another shape."""
        self._core.load_state(state)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Metric:
        """Makes the metric that `get_config`, of weft or of Keras, describes."""
        return cls(**{k: v for k, v in config.items() if k != "fn"})

    def __getstate__(self) -> dict[str, Any]:
        return {"config": self.get_config(), "state": self.state()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state["config"])
        self.load_state(state["state"])

    def __repr__(self) -> str:
        fields = ", ".join(f"{k}={v!r}" for k, v in self.get_config().items())
        return f"{type(self).__name__}({fields})"


class Mean(Metric):
    """A weighted mean of numbers: `update_state(values, sample_weight)`."""

    _NAME = "mean"

    def _counted(self) -> Any:
        return _core.Mean()

    def update_state(self, values: Any, sample_weight: Any = None) -> None:
        """Takes numbers of any shape, and a weight for each."""
        self._core.update(values, sample_weight)


class AUC(Metric):
    """The area under the ROC curve; 0.5 is chance.

    Exact, unlike Keras's, which reads a curve off 200 thresholds: it keeps 24 bytes for each
    sample. Logits do as well as probabilities. Labels are 0 or 1, else ValueError.

    Keras's `num_thresholds`, `thresholds` and `from_logits` have no effect. Raises ValueError for
    another `curve` or `summation_method`, and for `multi_label`.
    """

    _NAME = "auc"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ):
        if str(curve).upper() != "ROC" or summation_method != "interpolation":
            raise InvalidArgumentError(
                "AUC is the area under the ROC curve, by interpolation; got "
                f"curve={curve!r}, summation_method={summation_method!r}"
            )
        if multi_label or label_weights is not None:
            raise InvalidArgumentError("multi_label: take one AUC for each of the labels")
        super().__init__(name)

    def _counted(self) -> Any:
        return _core.AUC()


class BinaryAccuracy(Metric):
    """The share of predictions that are > `threshold` where the label is 1, and not where it is 0.

    For logits the threshold is 0. Of predictions [B, ..., C] all elements count.
    """

    _NAME = "binary_accuracy"

    def __init__(self, name: str | None = None, dtype: Any = None, threshold: float = 0.5):
        self.threshold = number(threshold, "threshold")
        super().__init__(name)

    def _counted(self) -> Any:
        return _core.Accuracy(self.threshold)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes predictions [B, ..., C], and labels of that shape or, if C is 1, without it."""
        shape = np.shape(y_pred)
        if shape and shape[-1] != 1:
            if np.shape(y_true) != shape:
                raise InvalidArgumentError(
                    f"{self.name!r}: labels have shape {np.shape(y_true)}, predictions {shape}"
                )
            y_true, y_pred = np.reshape(y_true, (-1, 1)), np.reshape(y_pred, (-1, 1))
            if sample_weight is not None:
                sample_weight = np.repeat(_spread(sample_weight, shape[:-1]), shape[-1])
        super().update_state(y_true, y_pred, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self.name, "threshold": self.threshold}


class SparseCategoricalAccuracy(Metric):
    """The share of rows whose largest prediction, the first of equal ones, is the label's."""

    _NAME = "sparse_categorical_accuracy"

    def _counted(self) -> Any:
        return _core.Accuracy(0.5)


class CategoricalAccuracy(SparseCategoricalAccuracy):
    """The share of rows whose largest prediction stands where the largest label does."""

    _NAME = "categorical_accuracy"

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes labels and predictions [B, ..., C], and a weight for each sample."""
        if np.shape(y_true) != np.shape(y_pred) or not np.ndim(y_true):
            raise InvalidArgumentError(
                f"{self.name!r}: labels have shape {np.shape(y_true)}, "
                f"predictions {np.shape(y_pred)}"
            )
        super().update_state(np.argmax(y_true, -1), y_pred, sample_weight)


class _AtK(Metric):
    def __init__(self, k: int, name: str | None = None):
        self.k = integer(k, "k")
        super().__init__(f"{self._NAME}_at_{self.k}" if name is None else name)

    def get_config(self) -> dict[str, Any]:
        return {"k": self.k, "name": self.name}


class RecallAtK(_AtK):
    """The share of a row's relevant items (label > 0) among its k best scores, over the rows.

    Labels and scores [B, C]. A row without a relevant item does not count. Of equal scores the
    first item ranks higher.
    """

    _NAME = "recall"

    def _counted(self) -> Any:
        return _core.RecallAtK(self.k)


class NDCGAtK(_AtK):
    """Gains 2^label - 1 of the k best scores, discounted by 1 / log2(1 + rank), over the best's.

    Labels and scores as `RecallAtK` takes them.
    """

    _NAME = "ndcg"

    def _counted(self) -> Any:
        return _core.NDCGAtK(self.k)


def _spread(sample_weight: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Weights of the first dimensions for all samples."""
    given = np.asarray(sample_weight)
    given = given.reshape(given.shape + (1,) * (len(shape) - given.ndim))
    try:
        return np.ascontiguousarray(np.broadcast_to(given, shape))
    except ValueError:
        raise InvalidArgumentError(
            f"sample_weight has shape {np.shape(sample_weight)}, the samples {shape}"
        ) from None


class _MeanLoss(Metric):
    """The mean of a loss."""

    _LOSS: type[losses.Loss]

    def __init__(self, name: str | None = None, dtype: Any = None, **arguments: Any):
        self._loss = self._LOSS(**arguments)
        super().__init__(self._loss.name if name is None else name)

    def _counted(self) -> Any:
        return _core.Mean()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Takes a batch of labels and predictions, and a weight for each sample."""
        samples = self._loss.samples(y_true, y_pred)
        if sample_weight is not None:
            sample_weight = _spread(sample_weight, samples.shape)
        self._core.update(samples, sample_weight)

    def get_config(self) -> dict[str, Any]:
        return {**self._loss.get_config(), "name": self.name}


class BinaryCrossentropy(_MeanLoss):
    """The mean of `weft.losses.BinaryCrossentropy`, whose arguments it takes: the log loss."""

    _LOSS = losses.BinaryCrossentropy


class CategoricalCrossentropy(_MeanLoss):
    """The mean of `weft.losses.CategoricalCrossentropy`, whose arguments it takes."""

    _LOSS = losses.CategoricalCrossentropy


class SparseCategoricalCrossentropy(_MeanLoss):
    """The mean of `weft.losses.SparseCategoricalCrossentropy`, whose arguments it takes."""

    _LOSS = losses.SparseCategoricalCrossentropy


class MeanSquaredError(_MeanLoss):
    """The mean of `weft.losses.MeanSquaredError`, whose arguments it takes."""

    _LOSS = losses.MeanSquaredError


_CLASSES = {
    "auc": AUC,
    "binary_accuracy": BinaryAccuracy,
    "binary_crossentropy": BinaryCrossentropy,
    "categorical_accuracy": CategoricalAccuracy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "mean": Mean,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "ndcg": NDCGAtK,
    "recall": RecallAtK,
    "sparse_categorical_accuracy": SparseCategoricalAccuracy,
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
}
_NAMES = {**_CLASSES, **{cls.__name__: cls for cls in _CLASSES.values()}}


def serialize(metric: Metric) -> dict[str, Any]:
    """{"class_name": ..., "config": ...}."""
    return {"class_name": type(metric).__name__, "config": metric.get_config()}


def deserialize(config: Mapping[str, Any]) -> Metric:
    """Makes the metric of what `serialize` gives."""
    return get(config)


def get(identifier: Any) -> Metric:
    """A metric of a name ("auc", "recall_at_20"), of a config, or itself.

    Raises ValueError for an unknown name, TypeError for anything else.
    """
    if isinstance(identifier, Metric):
        return identifier
    if isinstance(identifier, Mapping):
        name, config = identifier.get("class_name"), dict(identifier.get("config", {}))
    else:
        name, config = identifier, {}
    if not isinstance(name, str):
        raise WrongTypeError(f"a metric is a name, a config or a weft.metrics.Metric, got {name!r}")
    kind, at, k = name.partition("_at_")
    if at and k.isdecimal() and kind in ("recall", "ndcg"):
        name, config = kind, {"k": int(k)}
    if name not in _NAMES or (name in ("recall", "ndcg") and "k" not in config):
        known = ", ".join(n if n not in ("recall", "ndcg") else f"{n}_at_20" for n in _CLASSES)
        raise InvalidArgumentError(f"unknown metric {name!r}; known are {known}")
    return _NAMES[name].from_config(config)
