"""Bidirectional: a recurrent layer in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from weft import _core
from weft.errors import InvalidArgumentError, WrongTypeError
from weft.layers.base import CellLayer, Pullback, arrays_of, checked_config, layer_name
from weft.layers.cells import flatten
from weft.layers.one_cell import GRU, LSTM, SimpleRNN
from weft.layers.recurrent import RNN

__all__ = ["Bidirectional"]

_MERGE_MODES = ("concat", "sum", "mul", "ave", None)


def _serialized(layer: RNN) -> dict[str, Any]:
    return {"class_name": type(layer).__name__, "config": layer.get_config()}


def _deserialized(config: Any) -> RNN:
    known = {layer.__name__: layer for layer in (RNN, SimpleRNN, GRU, LSTM)}
    if not isinstance(config, Mapping) or not isinstance(config.get("config"), Mapping):
        raise WrongTypeError(f"the config of a layer has class_name and config, got {config!r}")
    if config.get("class_name") not in known:
        raise InvalidArgumentError(f"unknown recurrent layer {config.get('class_name')!r}")
    return known[config["class_name"]].from_config(config["config"])


def _one_direction(layer: RNN, prefix: str, turned: bool) -> RNN:
    """A layer as this one, with weights of its own, the other way round if `turned`."""
    config = layer.get_config()
    config["name"] = prefix + layer.name
    config["go_backwards"] = layer.go_backwards != turned
    if "cell" in config:  # whose name decides the first weights
        for cell in [config["cell"], *config["cell"]["config"].get("cells", [])]:
            cell["config"]["name"] = f"{config['name']}/{cell['config']['name']}"
    return type(layer).from_config(config)


class Bidirectional(CellLayer):
    """As `tf.keras.layers.Bidirectional`, around an `RNN`, `SimpleRNN`, `GRU` or `LSTM`.

    Runs two layers made of the config of `layer` over the same inputs: one as it is, one the other
    way round, which is `backward_layer` if given. Their outputs are merged: side by side
    ("concat"), "sum", "mul" or "ave"; with None there are two. With return_sequences the backward
    outputs are turned round, so that both stand at their steps, and those of masked steps are
    zeros, as in Keras. What `RNN` says of masks holds here too.

    Weights: those of both layers, "forward_<name>/kernel", ..., "backward_<name>/kernel", ...

    Raises ValueError for another `layer` or merge mode, and for two layers that go one way or
    differ in what they return, in dtype or, unless they stand side by side, in units.
    """

    _SHAPE = ("B", "T", "D")
    _NAME = "bidirectional"

    def __init__(
        self,
        layer: RNN,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: RNN | None = None,
        *,
        name: str | None = None,
        dtype: Any = None,
        trainable: bool | None = None,
        **arguments: Any,
    ):
        for given in [layer] if backward_layer is None else [layer, backward_layer]:
            if not isinstance(given, RNN):
                raise InvalidArgumentError(
                    f"a Bidirectional goes around RNN, SimpleRNN, GRU or LSTM, got {given!r}"
                )
        if merge_mode not in _MERGE_MODES:
            raise InvalidArgumentError(
                f"`merge_mode` must be one of {_MERGE_MODES}, got {merge_mode!r}"
            )
        self.layer = layer
        self.merge_mode = merge_mode
        self.forward_layer = _one_direction(layer, "forward_", turned=False)
        if backward_layer is None:
            self._backward_config = None
            self.backward_layer = _one_direction(layer, "backward_", turned=True)
        else:
            self._backward_config = _serialized(backward_layer)
            self.backward_layer = backward_layer
            backward_layer.name = "backward_" + backward_layer.name
        for one in (self.forward_layer, self.backward_layer):
            one.zero_output_for_mask = one.return_sequences
        self.name = layer_name(name, self._NAME)
        self.trainable = layer.trainable if trainable is None else bool(trainable)
        self.return_sequences, self.return_state = layer.return_sequences, layer.return_state
        self.stateful, self.time_major = layer.stateful, layer.time_major
        self.states: list[np.ndarray] | None = None
        _core.check_bidirectional(self._directions())
        self._take({**arguments, "weights": weights})

    def _directions(self) -> tuple[Any, ...]:
        """What the compiled call takes first."""
        layers = [
            part
            for layer in (self.forward_layer, self.backward_layer)
            for part in (layer._layer, layer._options())
        ]
        return (*layers, self.merge_mode or "none")

    @property
    def dtype(self) -> Any:
        """The dtype of inputs, weights and outputs."""
        return self.forward_layer.dtype

    @property
    def output_size(self) -> int:
        """The size of an output."""
        both = (self.forward_layer.output_size, self.backward_layer.output_size)
        return sum(both) if self.merge_mode == "concat" else both[0]

    def build(self, input_shape: Any) -> None:
        """Makes the weights of both layers for inputs of this shape: only D counts."""
        self.forward_layer.build(input_shape)
        self.backward_layer.build(input_shape)

    @property
    def built(self) -> bool:
        """Whether the weights exist."""
        return self.forward_layer.built and self.backward_layer.built

    @property
    def weights(self) -> Mapping[str, np.ndarray]:
        """The weights themselves by name, writable, forward's first; empty before `build`."""
        return MappingProxyType(self._named("weights"))

    @property
    def trainable_weights(self) -> dict[str, np.ndarray]:
        """Those that training changes, by name: none if `trainable` is false."""
        return self._named("trainable_weights") if self.trainable else {}

    def _named(self, which: str) -> dict[str, np.ndarray]:
        layers = (self.forward_layer, self.backward_layer)
        return {f"{la.name}/{k}": w for la in layers for k, w in getattr(la, which).items()}

    def set_weights(self, weights: Any) -> None:
        """Copies arrays into the weights, forward's first.

        Raises ValueError for another number or shape, TypeError for another dtype.
        """
        given = arrays_of(weights)
        own = len(self.forward_layer.weights)
        if len(given) != len(self.weights):
            raise InvalidArgumentError(
                f"{self.name!r} has {len(self.weights)} weights, got {len(given)}"
            )
        self.forward_layer.set_weights(given[:own])
        self.backward_layer.set_weights(given[own:])

    def __call__(
        self,
        inputs: Any,
        mask: Any = None,
        lengths: Any = None,
        initial_state: Any = None,
        training: bool = False,
        step: int | None = None,
    ) -> Any:
        """Runs both layers over inputs [B, T, D].

        Args:
          inputs: as `RNN` takes them, as the rest.
          mask: bool [B, T], of any pattern.
          lengths: integers [B] instead of a mask.
          training: whether there is dropout.
          step: of training: it decides what is dropped. None: how many such calls there were.
          initial_state: a list: the forward layer's states, then the backward layer's.

        Returns:
          outputs, [B, H] or with return_sequences [B, T, H], H being twice the units for "concat";
          with merge_mode None two of them; then, with return_state, what the forward layer returns
          beside its outputs, and what the backward one does.

        Raises:
          ValueError: a shape that does not fit the inputs or the weights, both mask and lengths.
          TypeError: another dtype.
        """
        call = self._arguments(inputs, mask, lengths, initial_state, training, step)
        return self._finished(*_core.run_bidirectional(self._directions(), *call))

    def vjp(
        self,
        inputs: Any,
        mask: Any = None,
        lengths: Any = None,
        initial_state: Any = None,
        training: bool = False,
        step: int | None = None,
    ) -> tuple[Any, Pullback]:
        """A call and its way back.

        `pullback(*grad_outputs)` takes one gradient for each thing that the call returns, and gives
        (grad_inputs, grads). `grad_inputs` has the gradient of the inputs, zeros at masked steps,
        and, if there was an initial state, those of its arrays, flat.
        """
        call = self._arguments(inputs, mask, lengths, initial_state, training, step)
        outputs, state, back = _core.vjp_bidirectional(self._directions(), *call)
        n = len(outputs)

        def pullback(*grads: Any) -> Any:
            grad_x, grad_state, made = back(list(grads[:n]), self._flat_gradients(grads[n:]))
            grad_inputs = (grad_x, *grad_state) if call[3] else (grad_x,)
            return grad_inputs, dict(zip(self.weights, made, strict=True))

        return self._finished(outputs, state), pullback

    def _arguments(
        self,
        inputs: Any,
        mask: Any,
        lengths: Any,
        initial_state: Any,
        training: bool,
        step: int | None,
    ) -> tuple[Any, ...]:
        """What the compiled call takes after the directions."""
        if initial_state is None and self.stateful:
            initial_state = self.states
        step = self._step(training, step)
        call = self.forward_layer._arguments(inputs, mask, lengths, initial_state, False, None)
        return (*call[1:-1], step)

    def _finished(self, outputs: list[np.ndarray], state: list[np.ndarray]) -> Any:
        if self.stateful:
            self.states = [s.copy() for s in state]
        if self.return_state:
            own = len(flatten(self.forward_layer.state_size))
            outputs += self.forward_layer._returned(None, state[:own])[1:]
            outputs += self.backward_layer._returned(None, state[own:])[1:]
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def _flat_gradients(self, grads: tuple[Any, ...]) -> list[Any]:
        """The gradients of what `_finished` puts after the outputs."""
        if not grads:
            return []
        if not self.return_state or len(grads) % 2:
            raise InvalidArgumentError(
                f"{self.name!r}: as many gradients as the call returns arrays, got one too many"
            )
        half = len(grads) // 2
        forward = self.forward_layer._flat_gradients(grads[:half])
        return forward + self.backward_layer._flat_gradients(grads[half:])

    def reset_states(self, states: Any = None) -> None:
        """Forgets what `stateful` has kept, or sets it."""
        self.states = None if states is None else [np.array(s) for s in flatten(states)]

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of outputs for inputs (B, T, D); a list of all shapes if there are several."""
        outer = self._checked(input_shape)[: 2 if self.return_sequences else 1]
        if self.time_major and not self.return_sequences:
            outer = self._checked(input_shape)[1:2]
        shapes = [(*outer, self.output_size)] * (1 if self.merge_mode else 2)
        if self.return_state:
            for layer in (self.forward_layer, self.backward_layer):
                shapes += layer.compute_output_shape(input_shape)[1:]
        return shapes[0] if len(shapes) == 1 else shapes

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def get_config(self) -> dict[str, Any]:
        """Returns Keras's config."""
        config = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype.name}
        config |= {"layer": _serialized(self.layer), "merge_mode": self.merge_mode}
        if self._backward_config is not None:
            config["backward_layer"] = self._backward_config
        return {**config, **self._shape_config()}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Bidirectional:
        """Makes the layer that `get_config` describes."""
        config = checked_config(config, "layer")
        config["layer"] = _deserialized(config["layer"])
        if config.get("backward_layer") is not None:
            config["backward_layer"] = _deserialized(config["backward_layer"])
        return cls(**config)
