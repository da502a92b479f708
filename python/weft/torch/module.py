"""What weft's modules have in common: a layer of weft's that reads their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from weft import dtypes
from weft.errors import InvalidArgumentError, WrongTypeError
from weft.torch.autograd import array


def dtype_name(dtype: Any) -> str:
    """The name of a dtype, torch's or weft's; of torch's default for None."""
    dtype = torch.get_default_dtype() if dtype is None else dtype
    if isinstance(dtype, torch.dtype):
        return str(dtype).removeprefix("torch.")
    return dtypes.as_dtype(dtype).name


class Module(torch.nn.Module):
    """A module around a layer of weft's.

    The parameters are the module's, in whatever memory torch puts them; the layer reads them there.
    It is made anew where that does not do: of another dtype, in a copy, in another process.
    """

    _layer: Any = None
    _memory: tuple[int, ...] = ()  # what the layer reads

    def _made(self, dtype: str) -> Any:
        """A layer as this module declares it, with weights of its own."""
        raise NotImplementedError

    def _reading(self, weights: Sequence[torch.Tensor], dtype: torch.dtype) -> Any:
        """The layer of this dtype, over the memory of `weights`."""
        name = dtype_name(dtype)
        if name not in ("float32", "float64"):
            raise WrongTypeError(f"weft computes in float32 and float64, not in {name}")
        if self._layer is None or self._layer.dtype.name != name:
            self._layer, self._memory = self._made(name), ()
        arrays = [array(weight) for weight in weights]
        memory = tuple(a.ctypes.data for a in arrays)
        if memory != self._memory:
            self._layer._read_from(arrays)
            self._memory = memory
        return self._layer

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k not in ("_layer", "_memory")}


class Weighted(Module):
    """A module whose parameters have the names, shapes and order of its layer's weights."""

    _KIND: Any  # the layer's class
    _PEER: str  # what torch has of its own

    def __init__(self, input_size: int, units: int, **arguments: Any):
        """`input_size` is D. Further arguments are the layer's; `dtype` may be torch's too."""
        super().__init__()
        dtype = dtype_name(arguments.pop("dtype", None))
        layer = self._KIND(units, **arguments, dtype=dtype)
        self._arguments = {**arguments, "units": units, "name": layer.name}
        self.input_size, self.units = input_size, units
        self._own(layer)

    def _own(self, layer: Any) -> None:
        """Makes the weights of `layer` the parameters, in its memory."""
        layer.build((None, self.input_size))
        self._names = tuple(layer.weights)
        for name, weight in layer.weights.items():
            parameter = torch.nn.Parameter(torch.from_numpy(weight), layer.trainable)
            self.register_parameter(name, parameter)
        self._layer = layer
        self._memory = tuple(weight.ctypes.data for weight in layer.weights.values())

    def _made(self, dtype: str) -> Any:
        layer = self._KIND(**self._arguments, dtype=dtype)
        layer.build((None, self.input_size))
        return layer

    def _weights(self) -> list[torch.Tensor]:
        return [getattr(self, name) for name in self._names]

    def _of(self, *inputs: torch.Tensor) -> Any:
        """The layer over the parameters; raises ValueError unless all is on the CPU."""
        weights = self._weights()
        for what, tensor in [("inputs", x) for x in inputs] + [("parameters", w) for w in weights]:
            if tensor.device.type != "cpu":
                raise InvalidArgumentError(
                    f"weft.torch.{type(self).__name__} runs on the CPU alone, but its {what} are "
                    f"on {tensor.device}: there use torch.nn.{self._PEER}"
                )
        return self._reading(weights, weights[0].dtype)

    def to_weft(self) -> Any:
        """A layer of weft's like this one, with copies of the parameters."""
        weights = [array(weight.cpu()) for weight in self._weights()]
        layer = self._made(dtype_name(self._weights()[0].dtype))
        layer.set_weights(weights)
        return layer

    @classmethod
    def from_weft(cls, layer: Any) -> Any:
        """A module like a layer of weft's that is built, with copies of its weights."""
        if not isinstance(layer, cls._KIND) or not layer.built:
            raise InvalidArgumentError(
                f"expected a weft.layers.{cls._KIND.__name__} that is built, got {layer!r}"
            )
        config = layer.get_config()
        config.pop("batch_input_shape", None)
        module = cls(layer._layer.input_size, **config)
        module._layer.set_weights(layer.get_weights())
        return module
