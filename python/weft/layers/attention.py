"""AttentionPooling: a history [B, T, E] as the sum of its steps that a query asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from weft import _core, initializers
from weft.arguments import integer
from weft.errors import InvalidArgumentError
from weft.layers.base import CellLayer, Pullback, checked_config, layer_dtype, layer_name

__all__ = ["AttentionPooling"]


class AttentionPooling(CellLayer):
    """Softmax over the real steps of (query . key), and with these weights the sum of the inputs.

    As `tf.keras.layers.Attention` with score_mode="dot", a query [B, 1, D] and a mask of values.
    The query is given for each row, as the embedding of a candidate that is held against a history,
    or is a weight that asks every history. Only real steps count; a row without any gives zeros,
    where Keras spreads the weights over masked steps.

    Weights: query [D] with `learned_query`, and with `use_scale` scale [], which scores are
    multiplied by, as in Keras. `divide_by_root`: scores are divided by sqrt(D). `seed` decides,
    with the layer's name, the first query; 0 when None.
    """

    _SHAPE = ("B", "T", "D")
    _NAME = "attention_pooling"
    _FLAGS = ("use_scale", "learned_query", "divide_by_root")

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        *,
        learned_query: bool = False,
        divide_by_root: bool = False,
        query_initializer: Any = "glorot_uniform",
        name: str | None = None,
        dtype: Any = None,
        trainable: bool = True,
        seed: int | None = None,
        **layer: Any,
    ):
        if score_mode != "dot":
            raise InvalidArgumentError(f"`score_mode` must be 'dot', got {score_mode!r}")
        self.score_mode = score_mode
        self.use_scale = bool(use_scale)
        self.learned_query = bool(learned_query)
        self.divide_by_root = bool(divide_by_root)
        self.query_initializer = initializers.get_for(query_initializer, "query_initializer")
        self.name = layer_name(name, self._NAME)
        self.dtype = layer_dtype(dtype)
        self.trainable = bool(trainable)
        self.seed = None if seed is None else integer(seed, "seed")
        self._layer = self._compiled()
        self._take(layer)

    def _compiled(self) -> Any:
        fields = {flag: getattr(self, flag) for flag in self._FLAGS}
        fields |= {"query_initializer": self.query_initializer, "name": self.name}
        fields |= {"dtype": self.dtype, "seed": 0 if self.seed is None else self.seed}
        return _core.make_attention_pooling(fields)

    def __call__(
        self,
        inputs: Any,
        query: Any = None,
        keys: Any = None,
        mask: Any = None,
        lengths: Any = None,
        training: bool = False,
    ) -> np.ndarray:
        """Pools inputs [B, T, E], of the layer's dtype; builds the layer for D at first.

        Args:
          inputs: an array: the values, and the keys unless these are given.
          query: [B, D]; None with learned_query.
          keys: [B, T, D].
          mask: bool [B, T], of any pattern; steps that are False do not count.
          lengths: integers [B] instead of a mask: the first lengths[i] steps of row i are real.
          training: has no effect.

        Returns:
          [B, E].

        Raises:
          ValueError: shapes that do not fit, no query or one too many, both mask and lengths.
          TypeError: another dtype.
        """
        return self._layer(inputs, query, keys, mask, lengths)

    def vjp(
        self,
        inputs: Any,
        query: Any = None,
        keys: Any = None,
        mask: Any = None,
        lengths: Any = None,
        training: bool = False,
    ) -> tuple[np.ndarray, Pullback]:
        """A call and its way back: `pullback(grad_outputs)` gives (grad_inputs, grads).

        `grad_inputs` are the gradients of the inputs and of query and keys, as far as given.
        """
        outputs, back = self._layer.vjp(inputs, query, keys, mask, lengths)

        def pullback(grad_outputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
            grad_inputs, grads = back(grad_outputs)
            return grad_inputs, dict(zip(self.weights, grads, strict=True))

        return outputs, pullback

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        """(B, E) for inputs (B, T, E). Sizes may be None."""
        batch, _, width = self._checked(input_shape)
        return (batch, width)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_saved": self.get_weights()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__({k: v for k, v in state.items() if k != "_saved"})
        if state["_saved"]:
            self.set_weights(state["_saved"])

    def get_config(self) -> dict[str, Any]:
        """Returns Keras's config of an Attention, and what it does not know."""
        config = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype.name}
        config |= {"score_mode": self.score_mode, **{f: getattr(self, f) for f in self._FLAGS}}
        config |= {"query_initializer": initializers.serialize(self.query_initializer)}
        config |= {} if self.seed is None else {"seed": self.seed}
        return {**config, **self._shape_config()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> AttentionPooling:
        """Makes the layer that `get_config`, or that of Keras's Attention, describes.

        Raises TypeError for one with dropout, which this layer does not have.
        """
        fields = checked_config(config, "use_scale")
        if not fields.get("dropout"):
            fields.pop("dropout", None)
        return cls(**fields)
