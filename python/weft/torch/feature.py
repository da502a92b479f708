"""SequenceFeatures and DenseFeatures as modules: tables are parameters, on the CPU or a device."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import torch

from weft import layers
from weft.errors import InvalidArgumentError
from weft.feature_column.base import FeatureColumn, select
from weft.layers.feature import SequencePair as NumpyPair
from weft.ragged import Ragged
from weft.torch.autograd import array, record
from weft.torch.device import side_by_side
from weft.torch.module import Module, dtype_name

__all__ = ["DenseFeatures", "SequenceFeatures", "SequencePair"]

# By the address of their memory: tables that several layers of weft share are one parameter.
_tables: WeakValueDictionary[int, torch.nn.Embedding] = WeakValueDictionary()


class SequencePair(NumpyPair):
    """(data, lengths) as tensors, that also has `.mask`: bool [B, T], on the data's device."""

    @property
    def mask(self) -> torch.Tensor:
        """True at real steps: bool [B, T]."""
        data, lengths = self
        steps = torch.arange(data.shape[1], device=lengths.device)
        if self.pad == "left":
            steps = steps.flip(0)
        return steps < lengths.unsqueeze(1)


def _table(weight: Any, trainable: bool, sparse: bool) -> torch.nn.Embedding:
    """A torch.nn.Embedding over the memory of `weight`; one for each memory.

    An Embedding, for its `sparse` is where DistributedDataParallel looks for sparse gradients.
    """
    address = weight.ctypes.data
    made = _tables.get(address)
    if made is None or made.weight.data_ptr() != address:
        tensor = torch.from_numpy(weight)
        made = torch.nn.Embedding(
            *weight.shape, sparse=sparse, _weight=tensor, _freeze=not trainable
        )
        _tables[address] = made
    elif made.sparse != sparse:
        raise InvalidArgumentError("layers that share a table must agree on `sparse`")
    return made


def _submodule(table: str) -> str:
    """The name of a table as that of a submodule: no dots, and none that a module has already."""
    name = table.removesuffix("/embedding_weights")
    name = name.replace("%", "%25").replace(".", "%2E")
    return f"%{ord(name[0]):02X}{name[1:]}" if hasattr(torch.nn.ModuleDict, name) else name


def _detached(value: Any) -> Any:
    """A feature as weft takes it: tensors without their history, on the CPU."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu()
    if isinstance(value, tuple):
        return tuple(_detached(v) for v in value)
    return value


class Features(Module):
    """What both modules have in common.

    `tables`: a torch.nn.Embedding for each table, by its name in weft without
    "/embedding_weights": the state_dict has "tables.<name>.weight". A dot in a name is "%2E" there.
    """

    _KIND: Any

    def __init__(
        self,
        feature_columns: Iterable[FeatureColumn] | FeatureColumn,
        *,
        sparse: bool = False,
        **options: Any,
    ):
        """`sparse`: gradients of tables are sparse tensors. Options are the weft layer's."""
        super().__init__()
        dtype = dtype_name(options.pop("dtype", None))
        layer = self._KIND(feature_columns, **options, dtype=dtype)
        self._columns = layer._feature_columns
        self._options = {**options, "name": layer.name}
        self._own(layer, sparse)

    def _own(self, layer: Any, sparse: bool) -> None:
        """Makes the tables of `layer` the parameters, in its memory."""
        self._layer, self.width = layer, layer._layer.width
        self.tables = torch.nn.ModuleDict()
        self._table_of = {name: _submodule(name) for name in layer.weights}
        for name, weight, trainable in layer._layer.parameters:
            self.tables[_submodule(name)] = _table(weight, trainable, sparse)
        self._memory = tuple(weight.ctypes.data for weight in layer.weights.values())
        # Where the module is, though it may have no tables.
        place = torch.empty(0, dtype=getattr(torch, layer.dtype.name), device="cpu")
        self.register_buffer("_place", place, persistent=False)

    def _made(self, dtype: str) -> Any:
        return self._KIND(self._columns, **self._options, dtype=dtype)

    def _weights(self) -> list[torch.Tensor]:
        return [self.tables[name].weight for name in self._table_of.values()]

    def _looked_up(self, features: Any, force_device: bool = False) -> tuple[torch.Tensor, Any]:
        """The data, and what else the layer gives."""
        inputs = {}
        if isinstance(features, Mapping):
            tensors = {k: v[0] if isinstance(v, tuple) and v else v for k, v in features.items()}
            inputs = {k: v for k, v in tensors.items() if getattr(v, "requires_grad", False)}
            features = {k: _detached(v) for k, v in features.items()}
        if self._place.device.type != "cpu" or force_device:
            if inputs and torch.is_grad_enabled():
                raise InvalidArgumentError(
                    f"features have gradients on the CPU alone, but {sorted(inputs)} require them"
                )
            return self._on_device(features)
        return self._on_cpu(features, inputs)

    def _on_cpu(self, features: Any, inputs: dict[str, torch.Tensor]) -> tuple[torch.Tensor, Any]:
        layer = self._reading(self._weights(), self._place.dtype)
        sparse = {name: self.tables[self._table_of[name]].sparse for name in self._table_of}
        rest = []

        def kept(result: Any) -> Any:
            data, *others = result if isinstance(result, tuple) else (result,)
            rest.extend(others)
            return [data]

        def vjp() -> Any:
            result, back = layer.vjp(features)

            def pullback(grads: list[Any]) -> list[Any]:
                (of_features,), of_tables = back(grads[0])
                made = [_of_feature(of_features, key, tensor) for key, tensor in inputs.items()]
                return made + [g if sparse[name] else g.to_dense() for name, g in of_tables.items()]

            return kept(result), pullback

        tensors = [*inputs.values(), *self._weights()]
        (data,) = record(lambda: kept(layer(features)), vjp, tensors)
        return data, rest

    def _on_device(self, features: Any) -> tuple[torch.Tensor, Any]:
        layer, dtype = self._layer, self._place.dtype
        if layer is None or layer.dtype.name != dtype_name(dtype) or self._memory:
            # Its tables are not read: memory that is never touched takes their place.
            untouched = [torch.empty(w.shape, dtype=dtype, device="cpu") for w in self._weights()]
            layer, self._memory = self._reading(untouched, dtype), ()
        shape, blocks, *rest = layer._layer.lookups(select(features, layer._keys))
        tables = {name: self.tables[own] for name, own in self._table_of.items()}
        return side_by_side(shape, blocks, layer._feature_columns, tables, self._place), rest

    def to_weft(self) -> Any:
        """A layer of weft's like this one, with copies of the tables, shared ones too."""
        columns = copy.deepcopy(self._columns)
        layer = self._KIND(columns, **self._options, dtype=dtype_name(self._place.dtype))
        layer.set_weights([array(weight.cpu()) for weight in self._weights()])
        return layer

    @classmethod
    def from_weft(cls, layer: Any, *, sparse: bool = False) -> Any:
        """A module like a layer of weft's, with copies of its tables.

        Tables that columns share stay shared: they are not copied.
        """
        if not isinstance(layer, cls._KIND):
            raise InvalidArgumentError(
                f"expected a weft.layers.{cls._KIND.__name__}, got {layer!r}"
            )
        made = cls(layer._feature_columns, sparse=sparse, **layer._options)
        made._layer.set_weights(layer.get_weights())
        return made


def _of_feature(grads: Any, key: str, feature: torch.Tensor) -> Any:
    """The gradient of a feature, in the form that the feature was given in."""
    grad = grads.get(key)
    if grad is None:
        raise InvalidArgumentError(
            f"feature {key!r} requires a gradient and has none: no numeric column reads it, or its "
            "normalizer_fn is a function"
        )
    if not isinstance(grad, Ragged):
        return grad
    if feature.is_nested:
        values = torch.from_numpy(grad.flat_values)
        return torch.nested.nested_tensor_from_jagged(values, feature.offsets())
    padded = np.zeros(feature.shape, grad.dtype.as_numpy_dtype)
    steps = grad.to_tensor()
    padded[:, : steps.shape[1]] = steps
    return padded


class SequenceFeatures(Features):
    """`weft.layers.SequenceFeatures` as a module; arguments are its, and `sparse`."""

    _KIND = layers.SequenceFeatures

    def forward(self, features: Mapping[str, Any]) -> SequencePair:
        """The batch as a pair (data [B, T, D], lengths int64 [B]) that also has `.mask`.

        `features` as weft's layer takes them; tensors too. On another device than the CPU, ids are
        made on the CPU, and looked up, combined and padded by torch on the device.
        """
        data, (lengths,) = self._looked_up(features)
        return SequencePair(data, torch.from_numpy(lengths).to(data.device), self._pad)

    @property
    def _pad(self) -> str:
        return self._options.get("pad", "right")


class DenseFeatures(Features):
    """`weft.layers.DenseFeatures` as a module; arguments are its, and `sparse`."""

    _KIND = layers.DenseFeatures

    def forward(self, features: Mapping[str, Any]) -> torch.Tensor:
        """The batch as [B, D]; `features` and devices as `SequenceFeatures` has them."""
        return self._looked_up(features)[0]
