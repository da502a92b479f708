"""What the heads of a model are to learn: losses, metrics, and where labels and weights are."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from weft import io, losses, metrics
from weft.arguments import number
from weft.errors import InvalidArgumentError, MissingKeyError, OutOfRangeError, WrongTypeError
from weft.layers.sampled_softmax import SampledSoftmax
from weft.model.feed import Batch
from weft.ragged import Ragged

_ONLY = ""  # the name of a head that has none
_SAMPLED = "sampled_softmax"  # the loss of a head that ends in a layer of that name


class Goal:
    """What one head is to learn, and how well it did since `reset`."""

    def __init__(
        self,
        head: str,
        loss: Any,
        items: Any,
        weight: float,
        its_metrics: list[Any],
        weighted: list[Any],
        label: Any,
    ):
        self.head = head
        self.loss = loss
        self.items = items  # a SampledSoftmax, which has the loss of a training step
        self.weight = weight
        self.metrics = [*its_metrics, *weighted]
        self.unweighted = len(its_metrics)  # so many of them, the first ones, know no weights
        _make_unique(self.metrics, self.unweighted)
        self.label: str | None = label
        self.total = 0.0  # of the loss, times rows

    def __repr__(self) -> str:
        return f"the output {self.head!r}" if self.head else "the output"


class Measured(NamedTuple):
    """A head's labels and sample weights of a batch, its loss, and the gradient of that.

    `grads` are those of the weights of the goal's `items`.
    """

    goal: Goal
    labels: Any
    weights: Any
    loss: float
    gradient: Any = None
    grads: Any = None


class Goals:
    """The goals of all heads. The arguments are those of `Model.compile`.

    `heads`: their names; None for a model that has one without a name. `last`: their last layers.
    """

    testing = False  # whether outputs are those of a call, and not of a training step

    def __init__(
        self,
        heads: list[str] | None,
        last: Mapping[str, Any],
        loss: Any,
        loss_weights: Any,
        its_metrics: Any,
        labels: Any,
        sample_weight: str | None,
        weighted_metrics: Any = None,
    ):
        names = [_ONLY] if heads is None else heads
        given = _by_head(loss, names, "loss")
        factors = _by_head(loss_weights, names, "loss_weights")
        measured = _by_head(its_metrics, names, "metrics")
        weighted = _by_head(weighted_metrics, names, "weighted_metrics")
        keys = _by_head(labels, names, "labels")
        self.goals: list[Goal] = []
        for name in names:
            items = last[name] if given[name] == _SAMPLED else None
            if items is not None and not isinstance(items, SampledSoftmax):
                raise InvalidArgumentError(f"{_SAMPLED} is the loss of a SampledSoftmax: {items!r}")
            plain = given[name] is not None and items is None
            its_loss = losses.get(given[name]) if plain else None
            factor = 1.0 if factors[name] is None else number(factors[name], "loss_weights")
            label = keys[name] if keys[name] is not None or name == _ONLY else name
            its = [_metrics(m[name], its_loss, len(names) == 1) for m in (measured, weighted)]
            self.goals.append(Goal(name, its_loss, items, factor, *its, label))
        if all(goal.loss is None and goal.items is None for goal in self.goals):
            raise InvalidArgumentError("`loss` names no loss for any output")
        self.sample_weight = sample_weight
        self.named = heads is not None
        self.rows = 0
        self.steps = 0  # real ones, of sequences

    def spec(self, known: Mapping[str, Any]) -> dict[str, Any]:
        """How features are parsed, and labels and weights that are not among them."""
        made = dict(known)
        for goal in self.goals:
            if goal.label is None or goal.label in made:
                continue
            if isinstance(goal.loss, losses.CategoricalCrossentropy):
                raise InvalidArgumentError(
                    f"labels of {goal.loss.name} have a size that is not known here: pass "
                    f"{{{goal.label!r}: weft.io.FixedLenFeature([classes], weft.float32)}}"
                )
            if goal.items is not None:
                made[goal.label] = io.RaggedFeature("int64")
                continue
            whole = not isinstance(goal.loss, losses.MeanSquaredError)
            made[goal.label] = io.FixedLenFeature([], "int64" if whole else "float32")
        if self.sample_weight is not None:
            made.setdefault(self.sample_weight, io.FixedLenFeature([], "float32"))
        return made

    def measure(
        self,
        batch: Batch,
        outputs: Any,
        step: int | None = None,
        class_weight: Mapping[int, float] | None = None,
    ) -> tuple[list[Measured], float]:
        """What each head is wrong by, and all together, weighted.

        `step` is that of a training, whose outputs end before the layers `sampled` names.
        """
        made, total = [], 0.0
        for goal in self.goals:
            out = outputs[goal.head] if self.named else outputs
            labels, weights = self._labels(goal, batch), self._weights(goal, batch, out)
            if class_weight is not None:
                weights = _class_weights(class_weight, labels, weights, out)
            loss, gradient, grads = 0.0, None, None
            if goal.items is not None and self.testing:
                loss, labels = of_all_items(out, labels, weights)
            elif goal.items is not None:
                loss, back = goal.items.loss_vjp(out, labels, weights, step)
                (gradient,), grads = back(goal.weight)
            elif goal.loss is not None:
                loss, gradient = goal.loss.value_and_grad(labels, out, weights)
                gradient = gradient if goal.weight == 1 else gradient * out.dtype.type(goal.weight)
            total += goal.weight * loss
            made.append(Measured(goal, labels, weights, loss, gradient, grads))
        return made, total

    @property
    def sampled(self) -> frozenset[str]:
        """The heads whose last layer has the loss of a training step."""
        return frozenset(goal.head for goal in self.goals if goal.items is not None)

    def count(self, measured: list[Measured], outputs: Any, steps: int) -> None:
        """Adds a batch to what `logs` tells."""
        rows = 0
        for goal, labels, weights, loss, *_ in measured:
            out = outputs[goal.head] if self.named else outputs
            rows = len(out)
            goal.total += loss * rows
            for i, metric in enumerate(self._metrics(goal)):
                metric.update_state(labels, out, weights if i >= goal.unweighted else None)
        self.rows += rows
        self.steps += steps

    def _metrics(self, goal: Goal) -> list[Any]:
        """Those that can be counted: a training step does not score all items."""
        return goal.metrics if goal.items is None or self.testing else []

    def reset(self) -> None:
        """Forgets what was counted."""
        self.rows = self.steps = 0
        for goal in self.goals:
            goal.total = 0.0
            for metric in goal.metrics:
                metric.reset_state()

    def names(self) -> dict[str, tuple[Goal, Any]]:
        """Under which name stands a goal's loss (None) or which of its metrics; but "loss"."""
        many = len(self.goals) > 1
        learned = [g for g in self.goals if g.loss is not None or g.items is not None]
        found: dict[str, Any] = {f"{g.head}_loss": (g, None) for g in learned if many}
        for goal in self.goals:
            for metric in self._metrics(goal):
                found[f"{goal.head}_{metric.name}" if many else metric.name] = (goal, metric)
        return found

    def log(self, goal: Goal | None, metric: Any) -> float:
        """One of the numbers of `logs`; without a goal the loss."""
        if metric is not None:
            return float(metric.result())
        if self.rows == 0:
            return math.nan
        if goal is not None:
            return goal.total / self.rows
        return sum(g.weight * g.total for g in self.goals) / self.rows

    def logs(self) -> dict[str, float]:
        """The loss, each head's, and the metrics, over everything since `reset`."""
        whole = {"loss": (None, None), **self.names()}
        return {name: self.log(*which) for name, which in whole.items()}

    def state(self) -> dict[str, Any]:
        """What was counted, for `load_state`."""
        totals = [goal.total for goal in self.goals]
        counted = [{m.name: m.state() for m in goal.metrics} for goal in self.goals]
        return {"rows": self.rows, "steps": self.steps, "totals": totals, "metrics": counted}

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Goes on from there. Raises ValueError for the state of other metrics."""
        there = [list(counted) for counted in state["metrics"]]
        here = [[metric.name for metric in goal.metrics] for goal in self.goals]
        if there != here:
            raise InvalidArgumentError(f"has the metrics {there}, not {here}")
        self.rows, self.steps = state["rows"], state["steps"]
        for goal, total, counted in zip(self.goals, state["totals"], state["metrics"], strict=True):
            goal.total = total
            for metric in goal.metrics:
                metric.reset_state()
                metric.load_state(counted[metric.name])

    def copy(self, testing: bool) -> Goals:
        """The same, with nothing counted."""
        made = copy.copy(self)
        made.testing = testing
        made.goals = [copy.copy(goal) for goal in self.goals]
        for goal in made.goals:
            goal.metrics = [type(m).from_config(m.get_config()) for m in goal.metrics]
        made.reset()
        return made

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments but `heads`, ready for JSON."""
        goals = {goal.head: goal for goal in self.goals}
        pick = goals[_ONLY] if not self.named else None

        def each(value: Any) -> Any:
            return value(pick) if pick is not None else {k: value(g) for k, g in goals.items()}

        def loss(goal: Goal) -> Any:
            if goal.items is not None:
                return _SAMPLED
            return None if goal.loss is None else losses.serialize(goal.loss)

        return {
            "loss": each(loss),
            "loss_weights": each(lambda g: g.weight),
            "metrics": each(lambda g: list(map(metrics.serialize, g.metrics[: g.unweighted]))),
            "weighted_metrics": each(
                lambda g: list(map(metrics.serialize, g.metrics[g.unweighted :]))
            ),
            "labels": each(lambda g: g.label),
            "sample_weight": self.sample_weight,
        }

    def _labels(self, goal: Goal, batch: Batch) -> Any:
        labels = batch.labels
        if labels is None:
            if goal.label is None:
                raise InvalidArgumentError(
                    "there are no labels: name the feature that has them by "
                    "compile(labels=...), or have the dataset give (features, labels)"
                )
            labels = _feature(batch.features, goal.label, f"the label of {goal!r}")
        elif isinstance(labels, Mapping):
            labels = _feature(labels, goal.head, f"the label of {goal!r}")
        elif len(self.goals) > 1:
            raise InvalidArgumentError("labels of several outputs are a dict by output")
        if goal.items is not None or isinstance(labels, np.ndarray):
            return labels
        return np.asarray(labels)

    def _weights(self, goal: Goal, batch: Batch, out: np.ndarray) -> Any:
        weights = batch.weights
        if weights is None and self.sample_weight is not None:
            weights = _feature(batch.features, self.sample_weight, "the sample weights")
        if isinstance(weights, Mapping):
            weights = weights.get(goal.head)
        if weights is None:
            return None
        weights = np.asarray(weights, out.dtype)
        return weights.reshape(-1) if weights.ndim == 2 and weights.shape[1] == 1 else weights


def _by_head(given: Any, names: list[str], argument: str) -> dict[str, Any]:
    """An argument of `compile` for each head: a dict by head, or one value for all of them."""
    if not isinstance(given, Mapping) or "class_name" in given:
        if argument == "labels" and given is not None and len(names) > 1:
            raise InvalidArgumentError(f"`labels` of several outputs are a dict by {names}")
        return dict.fromkeys(names, given)
    for name in given:
        if name not in names:
            known = f"the outputs are {names}" if names != [_ONLY] else "the output has no name"
            raise InvalidArgumentError(f"`{argument}` names {name!r}, but {known}")
    return {name: given.get(name) for name in names}


def _metrics(given: Any, loss: Any, alone: bool) -> list[Any]:
    """Metrics of one head, which may be used for several only as copies."""
    if given is None:
        return []
    if isinstance(given, Mapping) or isinstance(given, str) or not isinstance(given, Iterable):
        given = [given]
    made = []
    for one in given:
        metric = _accuracy(loss) if one in ("accuracy", "acc") else metrics.get(one)
        if metric is one and not alone:
            metric = type(metric).from_config(metric.get_config())
        made.append(metric)
    return made


def _make_unique(its_metrics: list[Any], unweighted: int) -> None:
    """As Keras, calls a weighted metric "weighted_..." if one without weights has its name.

    Raises ValueError for two of one name that are left.
    """
    plain = [metric.name for metric in its_metrics[:unweighted]]
    for metric in its_metrics[unweighted:]:
        if metric.name in plain:
            metric.name = f"weighted_{metric.name}"
    names = [metric.name for metric in its_metrics]
    for name in names:
        if names.count(name) > 1:
            raise InvalidArgumentError(f"two metrics of one output are called {name!r}")


def _accuracy(loss: Any) -> Any:
    """What "accuracy" means to a head of this loss."""
    if isinstance(loss, losses.SparseCategoricalCrossentropy):
        return metrics.SparseCategoricalAccuracy(name="accuracy")
    if isinstance(loss, losses.BinaryCrossentropy):
        threshold = 0.0 if loss.from_logits else 0.5
        return metrics.BinaryAccuracy(name="accuracy", threshold=threshold)
    if isinstance(loss, losses.CategoricalCrossentropy):
        return metrics.CategoricalAccuracy(name="accuracy")
    raise InvalidArgumentError(f"there is no accuracy of a head with the loss {loss!r}")


def _feature(features: Any, key: str, what: str) -> Any:
    try:
        return features[key]
    except (KeyError, TypeError, IndexError):
        raise MissingKeyError(f"{what} is to be {key!r}, which the batch lacks", key=key) from None


def _class_weights(
    class_weight: Mapping[int, float], labels: np.ndarray, weights: Any, out: np.ndarray
) -> np.ndarray:
    """Sample weights times those of the labels' classes; classes without one have 1."""
    if not isinstance(class_weight, Mapping):
        raise WrongTypeError(f"`class_weight` must be a dict by class, got {class_weight!r}")
    if labels.ndim == 2:
        labels = labels.argmax(1) if labels.shape[1] > 1 else labels[:, 0]
    made = np.ones(len(labels), out.dtype)
    for label, weight in class_weight.items():
        made[labels == label] = weight
    return made if weights is None else made * weights


def of_all_items(scores: np.ndarray, labels: Any, weights: Any) -> tuple[float, np.ndarray]:
    """The softmax crossentropy over all items, and the labels as 1 and 0 [B, V].

    `labels`: integers [B] or [B, n], or ragged; n labels of a row count 1 / n each.
    """
    if isinstance(labels, Ragged):
        lengths, ids = labels.row_lengths(), labels.flat_values
    else:
        labels = np.asarray(labels).reshape(len(scores), -1)
        lengths, ids = np.full(len(labels), labels.shape[1]), labels.reshape(-1)
    if len(ids) and not 0 <= ids.min() <= ids.max() < scores.shape[1]:
        raise OutOfRangeError(f"labels are items from 0 to {scores.shape[1] - 1}")
    rows = np.repeat(np.arange(len(lengths)), lengths)
    top = scores.max(1, initial=0)
    sums = np.log(np.exp(scores - top[:, None]).sum(1)) + top
    each = (sums[rows] - scores[rows, ids]).astype(np.float64) / lengths[rows]
    if weights is not None:
        each *= weights[rows]
    relevant = np.zeros_like(scores)
    relevant[rows, ids] = 1
    return float(each.sum() / max(len(scores), 1)), relevant
