"""Trainable: compile, fit, evaluate, predict."""

from __future__ import annotations

import math
import warnings
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np

from weft import _core, optimizers
from weft.arguments import integer
from weft.errors import InvalidArgumentError, NonFiniteError
from weft.layers.base import Layer
from weft.layers.dense import Dense
from weft.layers.feature import DenseFeatures, SequenceFeatures
from weft.model.feed import Batch, Feed, one_iteration, refuse_arrays
from weft.model.finite import fault, not_finite
from weft.model.fitting import Fit
from weft.model.goals import Goals, Measured
from weft.model.history import History

_PROBABILITIES = ("sigmoid", "softmax", "hard_sigmoid")


class Trainable(Layer):
    """What `Model` has of Keras's Model besides its layers."""

    optimizer: Any = None
    stop_training = False
    layers: Any
    heads: Any
    head_names: Any
    _goals: Goals | None = None

    def __call__(self, features: Any, training: bool = False, step: int | None = None) -> Any:
        """The outputs for a batch."""
        raise NotImplementedError

    def traced(
        self,
        features: Any,
        training: bool = False,
        step: int | None = None,
        inner: Collection[str] = (),
    ) -> Any:
        """Outputs, a pullback that gives gradients by layer, the number of real steps."""
        raise NotImplementedError

    def compile(
        self,
        optimizer: Any = "adam",
        loss: Any = None,
        metrics: Any = None,
        loss_weights: Any = None,
        weighted_metrics: Any = None,
        *,
        labels: Any = None,
        sample_weight: str | None = None,
    ) -> None:
        """Says what to learn, and how.

        Args:
            optimizer: of `weft.optimizers`, or its name.
            loss: of `weft.losses`, or its name; with several heads a dict by head. A head without
                one is not trained. "sampled_softmax" for one that ends in a `SampledSoftmax`:
                its labels are item numbers, [B] or ragged, and its metrics those of `evaluate` and
                validation alone, whose loss is over all items.
            metrics: of `weft.metrics`, or their names, for every head; or a dict by head.
                "accuracy" is the one that fits the loss.
            loss_weights: numbers by head, 1 unless given.
            weighted_metrics: those that sample and class weights weight, given as `metrics`; one
                whose name is there already is called "weighted_...".
            labels: which feature of a batch has the labels: a key, or a dict by head. A head's own
                name unless given. Datasets that give (features, labels) need none.
            sample_weight: which feature weights the rows, in losses and `weighted_metrics`.

        Raises ValueError for what there is not, and for layers with regularizers or constraints,
        which are not trained by.
        """
        _refuse_unheeded(self.layers)
        last = {name: head.layers[-1] for name, head in (self.heads or {"": self}).items()}
        given = (loss, loss_weights, metrics, labels, sample_weight, weighted_metrics)
        goals = Goals(self.head_names, last, *given)
        if goals.sampled and not self.heads:
            raise InvalidArgumentError("a SampledSoftmax ends one of the `heads`, not a tower")
        for goal in goals.goals:
            _warn_of_logits(goal.loss, last[goal.head])
        self.optimizer = optimizers.get(optimizer)
        self._goals = goals

    def _compile_config(self) -> dict[str, Any] | None:
        """The arguments of `compile`."""
        if self._goals is None:
            return None
        return {"optimizer": optimizers.serialize(self.optimizer), **self._goals.get_config()}

    def _compiled_goals(self) -> Goals:
        if self._goals is None:
            raise InvalidArgumentError(f"{self.name!r} does not know what to learn: call compile()")
        return self._goals

    def fit(
        self,
        dataset: Iterable[Any],
        validation_data: Iterable[Any] | None = None,
        epochs: int = 1,
        callbacks: Any = None,
        *,
        steps_per_epoch: int | None = None,
        initial_epoch: int = 0,
        class_weight: Mapping[int, float] | None = None,
        verbose: Any = "auto",
        resume: Any = False,
    ) -> History:
        """Trains, an iteration of the dataset an epoch, and gives losses and metrics by epoch.

        Args:
            dataset: of batches: features, (features, labels) or (features, labels,
                sample_weight); a `TFRecordDataset`, a list, or any iterable that can be iterated
                again.
            validation_data: batches that are evaluated after each epoch ("val_loss", ...).
            epochs: the number of the last one.
            callbacks: of `weft.callbacks`, or your own: a list, or one.
            steps_per_epoch: ends an epoch after so many batches; the next one goes on in the
                dataset, which begins again at its end.
            initial_epoch: of the first one, from 0.
            class_weight: factors of the rows' weights by label, for a model with one output.
            verbose: 0: silent, 1: a progress bar (with rich), 2: a line an epoch, "auto": 1 on a
                terminal and 2 elsewhere.
            resume: True goes on where the `weft.callbacks.Checkpoint` among the callbacks left a
                file, if there is one; a path where that file was written.

        Raises `weft.NonFiniteError` for NaN or infinity, naming step, rows and records; ValueError
        for a checkpoint of another model or dataset; whatever layers and datasets raise.
        """
        goals = self._compiled_goals()
        if class_weight is not None and (len(goals.goals) > 1 or goals.sampled):
            raise InvalidArgumentError("`class_weight` is for models with one output of classes")
        refuse_arrays(validation_data)
        validation = None if validation_data is None else lambda: self._tested(validation_data)
        run = Fit(self, goals, Feed(dataset), callbacks, validation, epochs, initial_epoch)
        if steps_per_epoch is not None:
            run.steps_per_epoch = integer(steps_per_epoch, "steps_per_epoch")
            if run.steps_per_epoch < 1:
                raise InvalidArgumentError(f"`steps_per_epoch` is 1 at least: {steps_per_epoch}")
        run.class_weight = class_weight
        return run.run(resume, verbose)

    def train_step(
        self,
        batch: Batch,
        goals: Goals,
        class_weight: Mapping[int, float] | None = None,
        feed: Feed | None = None,
    ) -> None:
        """One step of the optimizer; `goals` count the batch. NonFiniteError changes nothing."""
        step = self.optimizer.iterations
        wrong, by_layer = not_finite(self.layers, batch.features), []
        if wrong is not None:
            raise self._fault(step, wrong, batch, None, [], feed)
        outputs, pullback, steps = self.traced(batch.features, True, step, goals.sampled)
        measured, loss = goals.measure(batch, outputs, step, class_weight)
        if not math.isfinite(loss):
            wrong = f"the loss is {loss}"
        else:
            gradients = {one.goal.head: one.gradient for one in measured}
            by_layer = pullback(gradients if self.head_names is not None else measured[0].gradient)
            by_layer += [(one.goal.items, one.grads) for one in measured if one.grads is not None]
            if not _core.all_finite([g for _, grads in by_layer for g in grads.values()]):
                wrong = "a gradient is not finite"
        if wrong is not None:
            raise self._fault(step, wrong, batch, outputs, measured, feed)
        goals.count(measured, outputs, steps)
        if self.trainable:
            self.optimizer.apply([la for la, _ in by_layer], [grads for _, grads in by_layer])

    def _fault(
        self,
        step: int | None,
        wrong: str,
        batch: Batch,
        outputs: Any,
        measured: list[Measured],
        feed: Feed | None = None,
    ) -> NonFiniteError:
        keys = [key for la in self.layers for key in getattr(la, "_keys", ())]
        return fault(step, wrong, keys, batch, outputs, measured, self.weights, feed)

    def train_on_batch(
        self,
        features: Any,
        labels: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
    ) -> dict[str, float]:
        """One step over one batch: its loss and metrics, before the step."""
        goals = self._compiled_goals().copy(testing=False)
        self.train_step(Batch(features, labels, sample_weight), goals, class_weight)
        return goals.logs()

    def test_on_batch(
        self, features: Any, labels: Any = None, sample_weight: Any = None
    ) -> dict[str, float]:
        """Loss and metrics of one batch."""
        return self._tested([(features, labels, sample_weight)])

    def evaluate(self, dataset: Iterable[Any], labels: None = None) -> dict[str, float]:
        """Loss and metrics over the batches of a dataset, whose place does not move.

        Raises TypeError for `labels`: they are in the batches. One batch is [(x, y)].
        """
        refuse_arrays(None if labels is None else np.asarray(labels))
        return self._tested(dataset)

    def _tested(self, dataset: Any) -> dict[str, float]:
        refuse_arrays(dataset)
        goals = self._compiled_goals().copy(testing=True)
        for batch in one_iteration(dataset):
            outputs = self(batch.features)
            measured, loss = goals.measure(batch, outputs)
            if not math.isfinite(loss):
                raise self._fault(None, f"the loss is {loss}", batch, outputs, measured)
            goals.count(measured, outputs, 0)
        return goals.logs()

    def predict(self, data: Any) -> Any:
        """The outputs for a dataset, or for one batch: an array, or a dict of them by head.

        Labels that a dataset gives beside the features are left alone, and so is its place.
        """
        made = [self(batch.features) for batch in one_iteration(data)]
        if not made:
            raise InvalidArgumentError("predict: the dataset has no batches")
        if isinstance(made[0], dict):
            return {name: np.concatenate([out[name] for out in made]) for name in made[0]}
        return np.concatenate(made) if len(made) > 1 else made[0]


def _refuse_unheeded(layers: list[Any]) -> None:
    """Raises ValueError for a regularizer or a constraint, which Keras would train by."""
    for layer in layers:
        if isinstance(layer, SequenceFeatures | DenseFeatures):
            continue
        pending = [layer.get_config()]
        while pending:
            config = pending.pop()
            for key, value in config.items():
                if key.endswith(("_regularizer", "_constraint")) and value is not None:
                    raise InvalidArgumentError(
                        f"{layer.name!r} has a {key}, which training does not heed: the "
                        "optimizers have weight_decay and clipping"
                    )
                nested = value if isinstance(value, list | tuple) else [value]
                pending += [one for one in nested if isinstance(one, Mapping)]


def _warn_of_logits(loss: Any, last: Any) -> None:
    """Warns of a loss of probabilities over logits, and the other way round."""
    if not isinstance(last, Dense) or not hasattr(loss, "from_logits"):
        return
    if not loss.from_logits and last.activation == "linear":
        warnings.warn(
            f"{last.name!r} has no activation, but {loss.name} is one of probabilities: give it "
            f"from_logits=True, weft.losses.{type(loss).__name__}(from_logits=True)",
            stacklevel=3,
        )
    if loss.from_logits and last.activation in _PROBABILITIES:
        warnings.warn(
            f"{last.name!r} gives probabilities ({last.activation}), but {loss.name} has "
            "from_logits=True",
            stacklevel=3,
        )
