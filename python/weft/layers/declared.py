"""Layers that are made of Keras's arguments, each of which is a field: the cells and Dense."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weft import activations, initializers
from weft.arguments import integer, number
from weft.layers.base import CellLayer, checked_config, layer_dtype, layer_name

_INITIALIZERS = ("kernel_initializer", "recurrent_initializer", "bias_initializer")


class DeclaredLayer(CellLayer):
    """A layer whose constructor's arguments are its attributes and its config."""

    _NAME = ""

    def _declare(self, fields: dict[str, Any]) -> None:
        """Takes the constructor's `locals()`: every argument becomes an attribute."""
        fields = {k: v for k, v in fields.items() if k not in ("self", "__class__")}
        layer = fields.pop("layer")
        fields["units"] = integer(fields["units"], "units", "a positive integer")
        fields["dtype"] = layer_dtype(fields["dtype"])
        for key in ("activation", "recurrent_activation"):
            if key in fields:
                fields[key] = activations.serialize(fields[key])
        for key in _INITIALIZERS:
            if key in fields:
                fields[key] = initializers.get_for(fields[key], key)
        for key in ("dropout", "recurrent_dropout"):
            if key in fields:
                fields[key] = min(1.0, max(0.0, number(fields[key], key)))  # as Keras does
        for key in ("use_bias", "reset_after", "unit_forget_bias", "trainable"):
            if key in fields:
                fields[key] = bool(fields[key])
        for key in ("implementation", "seed"):
            if fields.get(key) is not None:
                fields[key] = integer(fields[key], key)
        fields["name"] = layer_name(fields["name"], self._NAME)
        self.__dict__.update(fields)
        self._fields = fields
        self._layer = self._compiled()
        self._take(layer)

    def _given(self) -> dict[str, Any]:
        """The fields as the compiled object takes them."""
        return {**self._fields, "seed": 0 if self._fields["seed"] is None else self._fields["seed"]}

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_saved": self.get_weights()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        state = dict(state)
        saved = state.pop("_saved")
        super().__setstate__(state)
        if saved:
            self.set_weights(saved)

    def get_config(self) -> dict[str, Any]:
        """Returns Keras's config: what `from_config` makes the same layer of, weights apart."""
        config = {**self._fields, "trainable": bool(self.trainable), **self._shape_config()}
        if config["seed"] is None:  # which Keras does not know
            del config["seed"]
        config["dtype"] = self.dtype.name
        for key in _INITIALIZERS:
            if key in config:
                config[key] = initializers.serialize(config[key])
        return config

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Makes the layer that `get_config` describes."""
        fields = checked_config(config, "units")
        if fields.get("quantization_config") is None:  # Keras 3's
            fields.pop("quantization_config", None)
        return cls(**fields)
