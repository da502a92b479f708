"""SampledSoftmax: a head over more items than a training step can score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from weft import _core, initializers
from weft.arguments import integer
from weft.errors import InvalidArgumentError, WrongTypeError
from weft.gradient import IndexedSlices
from weft.layers.base import (
    Layer,
    Pullback,
    arrays_of,
    checked_config,
    last_dimension,
    layer_dtype,
    layer_name,
)

__all__ = ["SampledSoftmax"]

_SAMPLERS = ("log_uniform", "uniform", "unigram", "in_batch")


class SampledSoftmax(Layer):
    """Scores of V items, x kernel^T + bias, trained by comparing with a sample of the items.

    A call gives the scores [B, V], `top_k` the best of them without that array, and `loss_vjp` the
    loss of a training step, whose time and memory grow with the sample and not with V.

    Args:
        num_items: V.
        num_sampled: items that are drawn at each step, all different; of no use to "in_batch".
        sampler: how they are drawn, which the loss corrects for: "log_uniform", by Zipf's law, for
            items in the order of falling frequency; "uniform"; "unigram", in proportion to
            `counts`; "in_batch": none are drawn, the batch's own labels are compared with, which
            come in proportion to `counts` (equally often if None).
        counts: how often each item occurs, numbers > 0 [V]; for "unigram" and "in_batch".
        use_bias: whether there is a bias [V].
        remove_accidental_hits: compares no row with an item that is one of its labels.
        kernel_initializer: a truncated normal of standard deviation 1 / sqrt(D) if None, as an
            embedding table's.
        bias_initializer: of the bias.
        table: an array [V, D] that becomes the kernel itself, for example the table of the
            embedding of the same items: then both are trained as one. No config describes that,
            nor does pickle keep it.
        name: of the layer.
        dtype: "float32" or "float64".
        trainable: whether training changes the weights.
        seed: of the initial weights and of the samples, with the layer's name; 0 when None.

    Weights: kernel [V, D], where a Dense would have [D, V], and bias [V].
    """

    built = False

    def __init__(
        self,
        num_items: int,
        num_sampled: int = 100,
        sampler: str = "log_uniform",
        counts: Any = None,
        use_bias: bool = True,
        remove_accidental_hits: bool = True,
        kernel_initializer: Any = None,
        bias_initializer: Any = "zeros",
        *,
        table: np.ndarray | None = None,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
        seed: int | None = None,
    ):
        if sampler not in _SAMPLERS:
            raise InvalidArgumentError(f"`sampler` must be one of {_SAMPLERS}, got {sampler!r}")
        if (counts is None and sampler == "unigram") or (
            counts is not None and sampler in ("log_uniform", "uniform")
        ):
            raise InvalidArgumentError(f"`counts` are for 'unigram' and 'in_batch', not {sampler}")
        if sampler == "in_batch" and not remove_accidental_hits:
            raise InvalidArgumentError("'in_batch' needs remove_accidental_hits: labels are hits")
        self.num_items = integer(num_items, "num_items", "a positive integer")
        self.num_sampled = integer(num_sampled, "num_sampled", "a positive integer")
        self.sampler = sampler
        self.counts = None if counts is None else np.asarray(counts)
        self.use_bias = bool(use_bias)
        self.remove_accidental_hits = bool(remove_accidental_hits)
        draw = kernel_initializer
        self.kernel_initializer = None if draw is None else initializers.get(draw)
        self.bias_initializer = initializers.get(bias_initializer)
        self.name = layer_name(name, "sampled_softmax")
        self.dtype = layer_dtype(dtype)
        self.trainable = bool(trainable)
        self.seed = None if seed is None else integer(seed, "seed")
        self._distribution = _core.ClassDistribution(sampler, self.num_items, self.counts)
        if self._distribution.num_classes != self.num_items:
            raise InvalidArgumentError(
                f"`counts` has {self._distribution.num_classes} items, not {self.num_items}"
            )
        self._weights: Mapping[str, np.ndarray] = MappingProxyType({})
        self._tied = table is not None
        if table is not None:
            if not isinstance(table, np.ndarray) or table.dtype.name != self.dtype.name:
                raise WrongTypeError(f"`table` must be an array of {self.dtype.name}")
            if table.ndim != 2 or table.shape[0] != self.num_items:
                raise InvalidArgumentError(
                    f"`table` must have shape ({self.num_items}, D), got {table.shape}"
                )
            self._make(table)

    def build(self, input_shape: Any) -> None:
        """Makes the weights for inputs (B, D); raises ValueError if they were made for another."""
        size = last_dimension(input_shape)
        if self.built:
            if self._weights["kernel"].shape[1] != size:
                raise InvalidArgumentError(
                    f"layer {self.name!r} was built for inputs of size "
                    f"{self._weights['kernel'].shape[1]}, got {size}"
                )
            return
        draw = self.kernel_initializer
        if draw is None:
            draw = initializers.TruncatedNormal(stddev=max(1, size) ** -0.5)
        self._make(self._initial(draw, (self.num_items, size), "kernel"))

    def _make(self, kernel: np.ndarray) -> None:
        weights = {"kernel": kernel}
        if self.use_bias:
            weights["bias"] = self._initial(self.bias_initializer, (self.num_items,), "bias")
        self._weights = MappingProxyType(weights)
        self.built = True

    def _initial(self, draw: Any, shape: tuple[int, ...], name: str) -> np.ndarray:
        stream, seed = f"{self.name}/{name}", self.seed or 0
        return _core.initial_weights(draw, shape, self.dtype, stream, seed)

    @property
    def weights(self) -> Mapping[str, np.ndarray]:
        """The kernel [V, D] and, with `use_bias`, bias [V]; empty before `build`."""
        return self._weights

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Copies arrays into the weights, in their order; see `Layer.set_weights`."""
        given, own = arrays_of(weights), list(self._weights.items())
        if len(given) != len(own):
            raise InvalidArgumentError(f"{self.name!r} has {len(own)} weights, got {len(given)}")
        for array, (name, weight) in zip(given, own, strict=True):
            if np.shape(array) != weight.shape:
                raise InvalidArgumentError(
                    f"weight {name!r} has shape {weight.shape}, got {np.shape(array)}"
                )
            if np.asarray(array).dtype != weight.dtype:
                raise WrongTypeError(f"weight {name!r} is {weight.dtype}, got another dtype")
        for array, (_, weight) in zip(given, own, strict=True):
            weight[...] = array

    def _arrays(self, inputs: Any) -> tuple[np.ndarray, np.ndarray | None, Any]:
        if not self.built:
            self.build(np.shape(inputs))
        return self._weights["kernel"], self._weights.get("bias"), inputs

    def __call__(self, inputs: Any, training: bool = False) -> np.ndarray:
        """All scores: [B, D] -> [B, V], logits. Builds the layer for D at the first call.

        Raises ValueError for another shape, TypeError for another dtype.
        """
        return _core.class_scores(*self._arrays(inputs))

    def top_k(self, inputs: Any, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The k items with the highest scores, ids int64 [B, k] and scores [B, k], falling.

        Of equal scores the lower id comes first. [B, V] is never written. Raises ValueError unless
        1 <= k <= V.
        """
        return _core.top_classes(*self._arrays(inputs), k)

    def vjp(self, inputs: Any, training: bool = False) -> tuple[np.ndarray, Pullback]:
        """A call and its way back, through all items: `pullback(grad_scores)`."""
        scores = self(inputs)
        kernel, x = self._weights["kernel"], np.asarray(inputs)

        def pullback(grad_outputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
            if np.shape(grad_outputs) != scores.shape:
                raise InvalidArgumentError(
                    f"grad_outputs must have shape {scores.shape}, got {np.shape(grad_outputs)}"
                )
            grad = np.asarray(grad_outputs, dtype=scores.dtype)
            grads = {"kernel": grad.T @ x, "bias": grad.sum(axis=0)}
            return (grad @ kernel,), {name: grads[name] for name in self._weights}

        return scores, pullback

    def loss_vjp(
        self,
        inputs: Any,
        labels: Any,
        sample_weight: Any = None,
        step: int | None = None,
        reduction: str = "sum_over_batch_size",
    ) -> tuple[float, Pullback]:
        """The loss of a training step, and its way back.

        Args:
            inputs: [B, D].
            labels: the items that come next: integers [B] or [B, n], or ragged, where n labels of
                a row count 1 / n each, and a row without labels nothing.
            sample_weight: [B], multiplies each row's loss.
            step: decides, with the seed and the layer's name, which items are drawn; if None the
                layer's own count of such calls.
            reduction: "sum_over_batch_size", the mean over all B rows, or "sum".

        Returns the loss, as `tf.nn.sampled_softmax_loss` defines it, and a function:
        `(grad_inputs,), grads = pullback(grad_loss=1.0)`; `grads` are `weft.IndexedSlices` of the
        items that were labels or drawn.

        Raises ValueError for shapes that do not fit and for a label that is no item, naming it;
        TypeError for other dtypes.
        """
        if reduction not in ("sum_over_batch_size", "sum"):
            raise InvalidArgumentError(f"unknown `reduction` {reduction!r}")
        kernel, bias, x = self._arrays(inputs)
        step = self._step(True, step)
        if self.sampler == "in_batch":
            sampled = self._distribution.of_batch(labels)
        else:
            sampled = self._distribution.sample(
                labels, self.num_sampled, self.seed or 0, self.name, step
            )
        hits, total = self.remove_accidental_hits, reduction == "sum"
        value, _, grad_inputs, *grads = _core.sampled_softmax(
            kernel, bias, labels, x, sampled, sample_weight, hits, total
        )

        def pullback(grad_loss: float = 1.0) -> tuple[tuple[Any, ...], dict[str, Any]]:
            named = zip(self._weights, grads, strict=False)  # without a bias, its gradient is None
            if grad_loss == 1:
                return (grad_inputs,), dict(named)
            scale = grad_inputs.dtype.type(grad_loss)
            return (grad_inputs * scale,), {
                name: IndexedSlices(grad.ids, grad.values * scale, grad.dense_shape)
                for name, grad in named
            }

        return value, pullback

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes the same layer of, weights apart.

        With a `table` it says so, and `from_config` raises ValueError.
        """
        draw = self.kernel_initializer
        tied = {"table": "of another layer"} if self._tied else {}
        return {
            **tied,
            "num_items": self.num_items,
            "num_sampled": self.num_sampled,
            "sampler": self.sampler,
            "counts": None if self.counts is None else self.counts.tolist(),
            "use_bias": self.use_bias,
            "remove_accidental_hits": self.remove_accidental_hits,
            "kernel_initializer": None if draw is None else initializers.serialize(draw),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "name": self.name,
            "dtype": self.dtype.name,
            "trainable": self.trainable,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> SampledSoftmax:
        """Makes the layer that `get_config` describes."""
        config = checked_config(config, "num_items")
        if config.get("table") is not None:
            raise InvalidArgumentError(
                f"{config.get('name')!r} has the table of another layer, which no config has: make "
                "the layers anew, with table=, and take the weights by load_weights"
            )
        return cls(**config)

    def __reduce__(self) -> Any:
        if self._tied:
            raise InvalidArgumentError(
                f"{self.name!r} has the table of another layer, which pickle would make two of"
            )
        config = {**self.get_config(), "counts": self.counts}
        return _restore, (type(self), config, dict(self._weights), self._training_calls)


def _restore(cls: Any, config: dict[str, Any], weights: dict[str, Any], calls: int) -> Any:
    made = cls.from_config(config)
    made._weights, made.built = MappingProxyType(weights), bool(weights)
    made._training_calls = calls
    return made
