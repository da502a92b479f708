"""Sequential: layers one after the other, as `tf.keras.Sequential`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

from weft.errors import InvalidArgumentError, WrongTypeError
from weft.layers.attention import AttentionPooling
from weft.layers.base import Layer, Pullback, arrays_of, checked_config, last_dimension, layer_name
from weft.layers.bidirectional import Bidirectional
from weft.layers.dense import Dense
from weft.layers.dropout import Dropout
from weft.layers.feature import DenseFeatures, SequenceFeatures
from weft.layers.one_cell import GRU, LSTM, SimpleRNN
from weft.layers.pooling import GlobalAveragePooling1D, GlobalMaxPooling1D, Pooling
from weft.layers.recurrent import RNN
from weft.layers.sampled_softmax import SampledSoftmax

__all__ = ["Sequential"]

_POOLINGS = (Pooling, GlobalAveragePooling1D, GlobalMaxPooling1D, AttentionPooling)
_RECURRENT = (RNN, SimpleRNN, GRU, LSTM, Bidirectional)
_LAYERS = (SequenceFeatures, DenseFeatures, Dense, Dropout, *_RECURRENT, *_POOLINGS)
_LAYERS += (SampledSoftmax,)
_FEATURES = (SequenceFeatures, DenseFeatures)
_TAKE_BLOCKS = (Dense, RNN, Bidirectional)

LayerGradients: TypeAlias = list[tuple[Layer, dict[str, Any]]]


@functools.cache
def _parameters(function: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters)


def _accepted(function: Callable[..., Any], **arguments: Any) -> dict[str, Any]:
    """Those of the arguments that the function has."""
    return {k: v for k, v in arguments.items() if k in _parameters(function)}


def _mask_after(layer: Layer, x: Any, mask: Any) -> Any:
    """The mask that still fits what the layer gave."""
    return mask if len(x.shape) == 3 and not isinstance(layer, _POOLINGS) else None


def _checked(layers: Any) -> list[Any]:
    layers = list(layers) if isinstance(layers, Iterable) else [layers]
    for i, layer in enumerate(layers):
        if not isinstance(layer, _LAYERS):
            raise InvalidArgumentError(
                "the layers of a Sequential are feature layers, recurrent layers, poolings, "
                f"Dense, Dropout and SampledSoftmax, got {layer!r}"
            )
        if i > 0 and isinstance(layer, _FEATURES):
            raise InvalidArgumentError(f"a feature layer comes first, but {layer.name!r} does not")
        # RNN itself returns its state unless told otherwise, which Keras's does not.
        one = layer.layer if isinstance(layer, Bidirectional) else layer
        returns_state = isinstance(one, (SimpleRNN, GRU, LSTM)) and one.return_state
        if returns_state or getattr(layer, "merge_mode", "") is None:
            raise InvalidArgumentError(
                "All layers in a Sequential model should have a single output tensor, but "
                f"{layer.name!r} has {'return_state=True' if returns_state else 'merge_mode=None'}"
            )
        if isinstance(layer, AttentionPooling) and not layer.learned_query:
            raise InvalidArgumentError(
                f"{layer.name!r} needs a query, which no Sequential has: use learned_query=True"
            )
    names = [layer.name for layer in layers]
    for name in names:
        if names.count(name) > 1:
            raise InvalidArgumentError(
                "All layers added to a Sequential model should have unique names, but "
                f"{name!r} stands there {names.count(name)} times"
            )
    return layers


class Sequential(Layer):
    """Calls its layers one after the other, as `tf.keras.Sequential`.

    A feature layer, if there is one, comes first. Its indicators reach the RNN or Dense after it as
    ids, so that no array of their width is ever written; the results are the same. The mask of a
    SequenceFeatures goes to the layers after it, up to and with the first one that gives one vector
    for each row. `RNN` hands on its outputs without its state.

    Args:
        layers: `SequenceFeatures`, `DenseFeatures`, `RNN`, `SimpleRNN`, `GRU`, `LSTM`,
            `Bidirectional`, `Pooling` and its like, `AttentionPooling` with learned_query, `Dense`,
            `Dropout`, `SampledSoftmax`.
        name: of the model.

    Raises ValueError for another layer, a feature layer that is not the first, two layers of one
    name, a `SimpleRNN`, `GRU` or `LSTM` with return_state=True, and a layer that gives two outputs.
    """

    trainable = True

    def __init__(self, layers: Iterable[Layer] | None = None, name: str | None = None):
        self.layers = _checked([] if layers is None else layers)
        self.name = layer_name(name, "sequential")

    def add(self, layer: Layer) -> None:
        """Appends a layer."""
        self.layers = _checked([*self.layers, layer])

    def build(self, input_shape: Any = None) -> None:
        """Makes all weights, for inputs of this shape; a feature layer knows its own.

        Raises ValueError if their size is unknown or not what a layer was built for.
        """
        size = input_shape
        for layer in self.layers:
            if isinstance(layer, _FEATURES):
                size = layer._layer.width
                continue
            layer.build((None, last_dimension(size)))
            size = layer.units if isinstance(layer, Dense) else getattr(layer, "output_size", size)

    @property
    def output_size(self) -> int:
        """The last dimension of the output."""
        for layer in reversed(self.layers):
            if isinstance(layer, _FEATURES):
                return layer._layer.width
            if isinstance(layer, Dense) or hasattr(layer, "output_size"):
                return layer.units if isinstance(layer, Dense) else layer.output_size
        raise InvalidArgumentError(f"{self.name!r} has no layer that says its size")

    @property
    def built(self) -> bool:
        """Whether all weights exist."""
        return all(layer.built for layer in self.layers)

    def __call__(
        self, inputs: Any, mask: Any = None, training: bool = False, step: int | None = None
    ) -> np.ndarray:
        """The last layer's output for `inputs`: features, or an array if none takes features.

        `mask`: bool [B, T], for recurrent layers over an array; a feature layer makes its own.
        `training` and `step` as the layers take them. Raises ValueError for a model without layers,
        and for a `mask` beside a feature layer; what the layers raise.
        """
        self._check(mask)
        x = inputs
        for layer, after in self._pairs():
            if isinstance(layer, _FEATURES):
                x = layer.blocks(x) if isinstance(after, _TAKE_BLOCKS) else layer(x)
                if isinstance(layer, SequenceFeatures):
                    x, mask = x.data, x.mask
            else:
                given = _accepted(type(layer).__call__, mask=mask, training=training, step=step)
                x = layer(x, **given)
                x = x[0] if isinstance(x, tuple) else x
            mask = _mask_after(layer, x, mask)
        return x

    def vjp(
        self, inputs: Any, mask: Any = None, training: bool = False, step: int | None = None
    ) -> tuple[np.ndarray, Pullback]:
        """A call and its way back: `pullback(grad_outputs)` gives ((grad_inputs,), grads).

        `grads` are those of all layers, under the names of `weights`.
        """
        x, back, _ = self.traced(inputs, mask, training, step)

        def pullback(grad_outputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
            grad_inputs, by_layer = back(grad_outputs)
            grads = {f"{la.name}/{k}": g for la, its in by_layer for k, g in its.items()}
            return (grad_inputs,), grads

        return x, pullback

    def traced(
        self, inputs: Any, mask: Any = None, training: bool = False, step: int | None = None
    ) -> tuple[np.ndarray, Callable[[Any], tuple[Any, LayerGradients]], int]:
        """`vjp`, and how many real steps a SequenceFeatures found.

        Its pullback gives the gradient of the inputs, and each layer with those of its weights.
        """
        self._check(mask)
        x, steps, backs = inputs, 0, []
        for layer, after in self._pairs():
            if isinstance(layer, _FEATURES):
                take = layer.blocks_vjp if isinstance(after, _TAKE_BLOCKS) else layer.vjp
                x, back = take(x)
                if isinstance(layer, SequenceFeatures):
                    steps = int(x.lengths.sum())
                    x, mask = x.data, x.mask
            else:
                given = _accepted(type(layer).vjp, mask=mask, training=training, step=step)
                x, back = layer.vjp(x, **given)
                x = x[0] if isinstance(x, tuple) else x
            mask = _mask_after(layer, x, mask)
            backs.append((layer, back))

        def pullback(grad: Any) -> tuple[Any, LayerGradients]:
            made: LayerGradients = []
            for layer, back in reversed(backs):
                (grad, *_), grads = back(grad)
                made.append((layer, grads))
            return grad, made[::-1]

        return x, pullback, steps

    def _check(self, mask: Any) -> None:
        if not self.layers:
            raise InvalidArgumentError(f"{self.name!r} has no layers: call `add(layer)` first")
        if mask is not None and isinstance(self.layers[0], _FEATURES):
            raise InvalidArgumentError(
                f"`mask` is for models over an array: {self.layers[0].name!r} makes its own"
            )

    def _pairs(self) -> Iterable[tuple[Any, Any]]:
        """Each layer, and the one after it."""
        return zip(self.layers, [*self.layers[1:], None], strict=True)

    @property
    def weights(self) -> Mapping[str, np.ndarray]:
        """The weights of all layers, writable, by "<layer>/<weight>", in the order of layers."""
        return MappingProxyType(self._named("weights"))

    @property
    def trainable_weights(self) -> dict[str, np.ndarray]:
        """Those that training changes."""
        return self._named("trainable_weights") if self.trainable else {}

    def _named(self, which: str) -> dict[str, np.ndarray]:
        return {f"{la.name}/{k}": w for la in self.layers for k, w in getattr(la, which).items()}

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Copies arrays into all weights, in the order of `weights`.

        Raises ValueError for another number or shape, TypeError for another dtype.
        """
        given = arrays_of(weights)
        if len(given) != len(self.weights):
            raise InvalidArgumentError(
                f"{self.name!r} has {len(self.weights)} weights, got {len(given)}"
            )
        for layer in self.layers:
            own = [given.pop(0) for _ in layer.weights]
            if own:
                layer.set_weights(own)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes the same model of, weights apart."""
        layers = [
            {"class_name": type(la).__name__, "config": la.get_config()} for la in self.layers
        ]
        return {"name": self.name, "layers": layers}

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Sequential:
        """The model that `get_config`, of weft or of Keras, describes.

        Keras's InputLayer builds the model, and is none of its layers. `custom_objects`: functions
        that columns name.
        """
        known = {layer.__name__: layer for layer in _LAYERS}
        layers = []
        described = checked_config(config, "layers")["layers"]
        if not isinstance(described, list | tuple):
            raise WrongTypeError(f"the layers of a model are a list of configs, got {described!r}")
        described = list(described)
        for given in described:
            checked_config(given, "class_name")
            checked_config(given, "config")
        shape = None
        if described and described[0]["class_name"] == "InputLayer":
            first = described.pop(0)["config"]
            shape = first.get("batch_input_shape") or first.get("batch_shape")
        for given in described:
            kind = known.get(given["class_name"])
            if kind is None:
                raise InvalidArgumentError(f"unknown layer {given['class_name']!r}")
            own = (custom_objects,) if kind in _FEATURES else ()
            layers.append(kind.from_config(given["config"], *own))
        model = cls(layers, name=config.get("name"))
        if layers and not isinstance(layers[0], _FEATURES) and shape and shape[-1] is not None:
            model.build(shape)
        return model
