"""What every layer has: a name, weights in an order, and Keras's arguments for any layer."""

from __future__ import annotations

import itertools
import numbers
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np

from weft import dtypes
from weft.arguments import integer
from weft.errors import InvalidArgumentError, WrongTypeError

# Takes the gradients of a layer's outputs to (those of its inputs, those of its weights by name).
Pullback: TypeAlias = Callable[..., tuple[tuple[Any, ...], dict[str, Any]]]

_used_names: defaultdict[str, itertools.count[int]] = defaultdict(itertools.count)


def unique_name(base: str) -> str:
    """Returns "gru_cell", then "gru_cell_1", ...: Keras's automatic names."""
    n = next(_used_names[base])
    return base if n == 0 else f"{base}_{n}"


def layer_name(name: Any, base: str) -> str:
    """Returns `name`, or a unique one for None and "".

    Raises TypeError for anything but str, ValueError for lone surrogates.
    """
    if name is None or name == "":
        return unique_name(base)
    if not isinstance(name, str):
        raise WrongTypeError(f"`name` must be a string, got {name!r}")
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError(f"`name` is no valid Unicode: {name!r}") from None
    return name


def checked_config(config: Any, needed: str) -> dict[str, Any]:
    """A copy of a layer's config; raises TypeError for no dict, ValueError if it lacks a field."""
    if not isinstance(config, Mapping):
        raise WrongTypeError(f"the config of a layer is a dict, got {config!r}")
    if needed not in config:
        raise InvalidArgumentError(f"the config of a layer has no {needed!r}: {dict(config)}")
    return dict(config)


def layer_dtype(dtype: Any) -> dtypes.DType:
    """Returns the dtype of a layer: float32 for None; that of a dtype policy of Keras 3.

    Raises TypeError for anything else, policies of two dtypes as "mixed_float16" included.
    """
    if isinstance(dtype, Mapping) and isinstance(dtype.get("config"), Mapping):
        dtype = dtype["config"].get("name")
    return dtypes.as_dtype("float32" if dtype is None else dtype)


class Layer:
    """A layer around a compiled object that holds its weights."""

    _layer: Any
    name: str
    trainable: bool
    _training_calls = 0

    @property
    def weights(self) -> Mapping[str, np.ndarray]:
        """The weights themselves by name, writable, in Keras's order."""
        raise NotImplementedError

    @property
    def trainable_weights(self) -> dict[str, np.ndarray]:
        """The weights that training changes, by name: none if `trainable` is false."""
        return dict(self.weights) if self.trainable else {}

    @property
    def non_trainable_weights(self) -> dict[str, np.ndarray]:
        """The other weights, by name."""
        trainable = self.trainable_weights
        return {name: w for name, w in self.weights.items() if name not in trainable}

    def get_weights(self) -> list[np.ndarray]:
        """Returns copies of the weights in the order of `weights`."""
        return [w.copy() for w in self.weights.values()]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Copies arrays of the weights' shapes and dtype into them, in the order of `weights`.

        Raises ValueError for another number or shape, TypeError for another dtype.
        """
        self._layer.set_weights(arrays_of(weights))

    def _read_from(self, arrays: Sequence[np.ndarray]) -> None:
        """Has the layer read these arrays, in the order of `weights`, instead of its own."""
        raise NotImplementedError

    def vjp(self, *inputs: Any, **arguments: Any) -> tuple[Any, Pullback]:
        """A call, and its way back.

        `outputs, pullback = layer.vjp(*inputs, **arguments)`: `outputs` are those of
        `layer(*inputs, **arguments)`, bit for bit. `grad_inputs, grads = pullback(*grad_outputs)`,
        as often as wanted, takes the gradient of some number with regard to each output (None:
        zeros) to those with regard to each input, a tuple, and to each weight: a dict from its name
        to an array, or for a table to `weft.IndexedSlices`. Until then neither the inputs nor the
        weights may be written to.
        """
        raise NotImplementedError

    def _step(self, training: Any, step: int | None) -> int | None:
        """The step of a training call, which decides its dropout; None for any other call.

        `step`, or how many training calls without one there were.
        """
        if not training:
            return None
        if step is None:
            step = self._training_calls
            self._training_calls = step + 1
        elif integer(step, "step") < 0:
            raise InvalidArgumentError(f"`step` must not be negative, got {step}")
        return step

    def count_params(self) -> int:
        """Returns the number of elements of all weights."""
        return sum(w.size for w in self.weights.values())


def arrays_of(weights: Any) -> list[Any]:
    """Returns `weights` as a list; raises TypeError for what is no sequence of arrays."""
    if not isinstance(weights, Iterable) or isinstance(weights, (str, bytes, Mapping)):
        raise WrongTypeError(f"`weights` must be a list of arrays, got {type(weights).__name__}")
    return list(weights)


def last_dimension(input_shape: Any) -> int:
    """Returns D of a shape (..., D) or (D,)."""
    shape = input_shape if isinstance(input_shape, Iterable) else (input_shape,)
    last = [*shape][-1:]
    if not last or isinstance(last[0], bool) or not isinstance(last[0], numbers.Integral):
        raise InvalidArgumentError(
            f"`input_shape` must end in the size of the inputs, got {input_shape!r}"
        )
    return int(last[0])


class CellLayer(Layer):
    """A layer whose compiled object, a cell or a Dense, has weights once it is built.

    `**layer` of its subclasses' constructors are Keras's arguments for any layer. `input_shape`
    (without B), `batch_input_shape` or `input_dim` (D) builds the layer; `weights`, arrays as
    `set_weights` takes them, are its first weights. `batch_size`, `input_length`, `dynamic`,
    `autocast` and `enable_caching_device` have no effect.
    """

    _SHAPE = ("B", "D")  # of the inputs
    batch_input_shape: tuple[int | None, ...] | None = None

    def build(self, input_shape: Any) -> None:
        """Makes the weights for inputs of this shape: only its last dimension, D, counts.

        Raises ValueError if D is unknown, negative, or not what the layer was built for.
        """
        self._layer.build(last_dimension(input_shape))

    @property
    def built(self) -> bool:
        """Whether the weights exist."""
        return self._layer.built

    @property
    def weights(self) -> Mapping[str, np.ndarray]:
        """The weights themselves by name, writable, in Keras's order; empty before `build`."""
        made = self.__dict__.get("_weights")
        if made is None:
            made = MappingProxyType(dict(self._layer.parameters))
            if made:
                self._weights = made
        return made

    def _read_from(self, arrays: Sequence[np.ndarray]) -> None:
        self._layer = self._layer.over(arrays)
        self.__dict__.pop("_weights", None)

    def _take(self, layer: dict[str, Any]) -> None:
        """Takes Keras's arguments for any layer; the last thing that a constructor does."""
        known = ("input_shape", "batch_input_shape", "input_dim", "input_length", "batch_size")
        known += ("weights", "dynamic", "autocast", "enable_caching_device")
        for key in layer:
            if key not in known:
                raise WrongTypeError(f"{type(self).__name__} has no argument `{key}`")
        shape, inner = layer.get("batch_input_shape"), layer.get("input_shape")
        if inner is None and layer.get("input_dim") is not None:
            inner = (layer.get("input_length"), layer["input_dim"])[-len(self._SHAPE) + 1 :]
        if shape is None and inner is not None:
            shape = (layer.get("batch_size"), *(inner if isinstance(inner, Iterable) else (inner,)))
        if shape is not None:
            self.batch_input_shape = self._checked(shape)
            self.build(self.batch_input_shape)
        if layer.get("weights") is not None:
            weights = arrays_of(layer["weights"])
            if not self.built and weights:
                self.build(np.shape(weights[0])[:1])
            self.set_weights(weights)

    def _checked(self, shape: Any) -> tuple[int | None, ...]:
        sizes = tuple(shape) if isinstance(shape, Iterable) else (shape,)
        integers = all(isinstance(n, numbers.Integral) for n in sizes if n is not None)
        if not self._fits(len(sizes)) or not integers:
            raise InvalidArgumentError(
                f"inputs of a {type(self).__name__} have shape ({', '.join(self._SHAPE)}), "
                f"but `input_shape` makes it {sizes!r}"
            )
        return tuple(None if n is None else int(n) for n in sizes)

    def _fits(self, rank: int) -> bool:
        return rank == len(self._SHAPE)

    def _shape_config(self) -> dict[str, Any]:
        made = self.batch_input_shape
        return {} if made is None else {"batch_input_shape": made}

    def __getstate__(self) -> dict[str, Any]:
        """All attributes; instead of the compiled object, what it was built for."""
        state = {k: v for k, v in self.__dict__.items() if k not in ("_layer", "_weights")}
        return {**state, "_input_size": self._layer.input_size}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update({k: v for k, v in state.items() if k != "_input_size"})
        self._layer = self._compiled()
        if state["_input_size"] >= 0:
            self._layer.build(state["_input_size"])

    def _compiled(self) -> Any:
        """The compiled object that this layer's fields make."""
        raise NotImplementedError
