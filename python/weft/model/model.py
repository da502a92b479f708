"""Model: towers over the features of a batch, and heads over what they give."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from weft._core import __version__
from weft.errors import InvalidArgumentError
from weft.feature_column import concatenate_context_input, make_parse_example_spec
from weft.layers.base import Layer, Pullback, arrays_of, checked_config, layer_name
from weft.layers.feature import DenseFeatures, SequenceFeatures
from weft.layers.sequential import LayerGradients, Sequential
from weft.model import archive
from weft.model.training import Trainable

__all__ = ["Model"]

_ONLY = ""


class Model(Trainable):
    """A model over features of a batch: towers, and heads over what the towers give side by side.

        model = weft.Model(
            sequence=[SequenceFeatures(columns), GRU(32)],
            context=[DenseFeatures(others)],
            heads={"buys_again": [Dense(16, "relu"), Dense(1)]},
        )

    Each part is a `Sequential`, a layer or a list of layers. Without heads the towers are the
    model: `Model(Sequential([...]))` trains any Sequential.

    Args:
        sequence: the tower of the histories; it ends in [B, H].
        context: the tower of what a row has once, [B, C].
        heads: by name, each over [B, H + C]; the output is then a dict by name. Or one alone.
        context_at: "end": the context stands behind the last state, or "steps": it is appended to
            every step of the `SequenceFeatures`, before the layers after it: a row without steps
            is then one without a context, and indicators are written as arrays.
        name: of the model.

    A call gives the array of the one output, or a dict of arrays by head. Raises ValueError for two
    layers of one name, parts that do not fit together, and what the layers raise.
    """

    trainable = True

    def __init__(
        self,
        sequence: Any = None,
        context: Any = None,
        heads: Any = None,
        *,
        context_at: str = "end",
        name: str | None = None,
    ):
        self.name = layer_name(name, "model")
        self.sequence = _part(sequence, "sequence")
        self.context = _part(context, "context")
        self.named = isinstance(heads, Mapping)
        by_name = heads if self.named or heads is None else {_ONLY: heads}
        self.heads = by_name and {str(k): _part(head, str(k)) for k, head in by_name.items()}
        self.context_at = context_at
        self._check()
        self._rest = None
        if self.context_at == "steps" and self.sequence is not None:
            self._rest = Sequential(self.sequence.layers[1:], name="rest")

    def _check(self) -> None:
        if self.sequence is None and self.context is None:
            raise InvalidArgumentError("a model has `sequence`, `context`, or both")
        if self.heads == {}:
            raise InvalidArgumentError("`heads` names no head")
        if self.context_at not in ("end", "steps"):
            raise InvalidArgumentError(f"`context_at` must be end or steps: {self.context_at!r}")
        towers = [t for t in (self.sequence, self.context) if t is not None]
        if len(towers) == 2 and not all(isinstance(t.layers[0], _FEATURES) for t in towers):
            raise InvalidArgumentError("two towers begin with a feature layer each")
        if self.context_at == "steps" and (
            len(towers) < 2
            or not isinstance(towers[0].layers[0], SequenceFeatures)
            or len(towers[0].layers) < 2
        ):
            raise InvalidArgumentError(
                "context_at='steps' needs a context, and a `sequence` of a SequenceFeatures and "
                "layers after it"
            )
        for head in (self.heads or {}).values():
            if isinstance(head.layers[0], _FEATURES):
                raise InvalidArgumentError(f"{head.layers[0].name!r} is no layer of a head")
        names = [layer.name for layer in self.layers]
        for name in names:
            if names.count(name) > 1:
                raise InvalidArgumentError(
                    f"layers of a model have unique names, but {name!r} is there "
                    f"{names.count(name)} times"
                )

    @property
    def layers(self) -> list[Layer]:
        """All layers: of the sequence, of the context, of the heads."""
        parts = [self.sequence, self.context, *(self.heads or {}).values()]
        return [layer for part in parts if part is not None for layer in part.layers]

    @property
    def head_names(self) -> list[str] | None:
        """The names of the outputs; None if there is one without a name."""
        return list(self.heads or {}) if self.named else None

    def build(self, input_shape: Any = None) -> None:
        """Makes all weights; `input_shape` is for a model without feature layers.

        Raises ValueError if a size is unknown or not what a layer was built for.
        """
        width = 0
        if self.context is not None:
            self.context.build(input_shape)
            width = self.context.output_size
        if self.sequence is not None:
            if self._rest is not None:
                self._rest.build((None, None, width + self.sequence.layers[0]._layer.width))
                width = 0
            else:
                self.sequence.build(input_shape)
            width += self.sequence.output_size
        for head in (self.heads or {}).values():
            head.build((None, width))

    @property
    def built(self) -> bool:
        """Whether all weights exist."""
        return all(layer.built for layer in self.layers)

    def __call__(self, features: Any, training: bool = False, step: int | None = None) -> Any:
        """The outputs for a batch: a dict of features, or an array if no layer takes features.

        `training` applies dropout, whose masks are those of step `step`.
        """
        given: dict[str, Any] = {"training": training, "step": step}
        x = None if self.context is None else self.context(features, **given)
        if self._rest is not None:
            pair = self.sequence.layers[0](features)
            x = self._rest(concatenate_context_input(x, pair.data), mask=pair.mask, **given)
        elif self.sequence is not None:
            states = self.sequence(features, **given)
            x = states if x is None else np.concatenate([self._rows(states), x], 1)
        self._rows(x)
        if self.heads is None:
            return x
        made = {name: head(x, **given) for name, head in self.heads.items()}
        return made if self.named else made[_ONLY]

    def vjp(
        self, features: Any, training: bool = False, step: int | None = None
    ) -> tuple[Any, Pullback]:
        """A call and its way back: `pullback(grad_outputs)` gives ((None,), grads).

        `grad_outputs` is a dict by head if the outputs are one, in which a head may be missing.
        `grads` are those of all layers, under the names of `weights`.
        """
        outputs, back, _ = self.traced(features, training, step)

        def pullback(grad_outputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
            by_layer = back(grad_outputs)
            return (None,), {f"{la.name}/{k}": g for la, its in by_layer for k, g in its.items()}

        return outputs, pullback

    def traced(
        self,
        features: Any,
        training: bool = False,
        step: int | None = None,
        inner: Collection[str] = (),
    ) -> tuple[Any, Callable[[Any], LayerGradients], int]:
        """`vjp` whose pullback gives gradients by layer; and how many real steps there are.

        The heads named by `inner` are those without their last layers.
        """
        x, towers_back, steps = self._traced_towers(features, training, step)
        if self.heads is None:
            return x, towers_back, steps
        made = {}
        for name, head in self.heads.items():
            if name in inner and len(head.layers) == 1:
                made[name] = x, lambda grad: (grad, []), 0
            else:
                part = Sequential(head.layers[:-1], name=name) if name in inner else head
                made[name] = part.traced(x, None, training, step)

        def pullback(grad_outputs: Any) -> LayerGradients:
            grads = grad_outputs if self.named else {_ONLY: grad_outputs}
            grad_x, of_heads = None, []
            for name, (_, back, _) in made.items():
                if grads.get(name) is not None:
                    grad, its = back(grads[name])
                    grad_x = grad if grad_x is None else grad_x + grad
                    of_heads += its
            return [*towers_back(grad_x), *of_heads]

        outputs = {name: out for name, (out, _, _) in made.items()}
        return (outputs if self.named else outputs[_ONLY]), pullback, steps

    def _traced_towers(
        self, features: Any, training: bool, step: int | None
    ) -> tuple[Any, Callable[[Any], LayerGradients], int]:
        if self._rest is not None:
            return self._traced_steps(features, training, step)
        made = [
            tower.traced(features, None, training, step)
            for tower in (self.sequence, self.context)
            if tower is not None
        ]
        outs = [self._rows(out) for out, _, _ in made]
        steps = sum(n for _, _, n in made)
        if len(made) == 1:
            return outs[0], lambda grad: made[0][1](grad)[1], steps
        width = outs[0].shape[1]

        def pullback(grad: np.ndarray) -> LayerGradients:
            parts = np.ascontiguousarray(grad[:, :width]), np.ascontiguousarray(grad[:, width:])
            return [
                g for (_, back, _), part in zip(made, parts, strict=True) for g in back(part)[1]
            ]

        return np.concatenate(outs, 1), pullback, steps

    def _traced_steps(
        self, features: Any, training: bool, step: int | None
    ) -> tuple[Any, Callable[[Any], LayerGradients], int]:
        first = self.sequence.layers[0]
        context, context_back, _ = self.context.traced(features, None, training, step)
        pair, first_back = first.vjp(features)
        x = concatenate_context_input(context, pair.data)
        x, rest_back, _ = self._rest.traced(x, pair.mask, training, step)
        width = pair.data.shape[2]

        def pullback(grad: np.ndarray) -> LayerGradients:
            grad_x, of_rest = rest_back(grad)
            of_first = first_back(np.ascontiguousarray(grad_x[..., :width]))[1]
            of_context = context_back(np.ascontiguousarray(grad_x[..., width:].sum(1)))[1]
            return [(first, of_first), *of_rest, *of_context]

        return self._rows(x), pullback, int(pair.lengths.sum())

    def _rows(self, x: np.ndarray) -> np.ndarray:
        """`x`, which must be one vector a row where features are read: padding is no answer."""
        if x.ndim != 2 and isinstance(self.layers[0], _FEATURES):
            raise InvalidArgumentError(
                f"the layers of {self.name!r} give {x.shape}, a vector for each step: end in a "
                "recurrent layer with return_sequences=False, or pool over the steps"
            )
        return x

    @property
    def weights(self) -> Mapping[str, np.ndarray]:
        """The weights of all layers, writable, by "<layer>/<weight>", in the order of layers."""
        named = {f"{la.name}/{k}": w for la in self.layers for k, w in la.weights.items()}
        return MappingProxyType(named)

    @property
    def trainable_weights(self) -> dict[str, np.ndarray]:
        """Those that training changes."""
        layers = self.layers if self.trainable else []
        return {f"{la.name}/{k}": w for la in layers for k, w in la.trainable_weights.items()}

    def set_weights(self, weights: Any) -> None:
        """Copies arrays into all weights, in the order of `weights`; raises as a layer's does."""
        given = arrays_of(weights)
        if len(given) != len(self.weights):
            raise InvalidArgumentError(
                f"{self.name!r} has {len(self.weights)} weights, got {len(given)}"
            )
        for layer in self.layers:
            own = [given.pop(0) for _ in layer.weights]
            if own:
                layer.set_weights(own)

    def save_weights(self, path: archive.Path) -> None:
        """Writes all weights by name, as `numpy.savez`; durable, and complete or not at all."""
        archive.write(path, "weights", dict(self.weights))

    def load_weights(self, path: archive.Path) -> None:
        """Takes weights that `save_weights`, `numpy.savez` or a checkpoint has written.

        By their names; if those are others, in their order. Raises ValueError naming the file if
        it is damaged, or its weights are not those of this model, which is then as before.
        """
        self.require_weights()
        found = archive.read_weights(path)
        own = self.weights
        given = [found[k] for k in own] if found.keys() == own.keys() else list(found.values())
        archive.check_arrays(path, given, own)
        self.set_weights(given)

    def require_weights(self) -> None:
        """Has all weights made. Raises ValueError if that takes a shape that is not known."""
        if not self.built:
            if not isinstance(self.layers[0], _FEATURES):
                raise InvalidArgumentError(
                    f"{self.name!r} has no weights yet: call build(input_shape)"
                )
            self.build()

    def parse_example_spec(self, features: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The spec for `TFRecordDataset.parse` of the columns and, once compiled, the labels.

        Labels are int64 and of shape [] for crossentropies, float32 for others; `features` has
        what is otherwise, or is wanted besides. Raises ValueError as `make_parse_example_spec`.
        """
        layers = [layer for layer in self.layers if isinstance(layer, _FEATURES)]
        columns = [column for layer in layers for column in layer._feature_columns]
        spec = {**make_parse_example_spec(columns), **(features or {})}
        return spec if self._goals is None else self._goals.spec(spec)

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes the same model of, weights apart: ready for JSON."""
        heads = {k: head.get_config() for k, head in (self.heads or {}).items()}
        config = {
            "name": self.name,
            "sequence": None if self.sequence is None else self.sequence.get_config(),
            "context": None if self.context is None else self.context.get_config(),
            "heads": heads if self.named else heads.get(_ONLY),
            "context_at": self.context_at,
        }
        compiled = self._compile_config()
        return config if compiled is None else {**config, "compile": compiled}

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Model:
        """The model that `get_config` describes, compiled if that was."""
        config = checked_config(config, "sequence")
        compiled = config.pop("compile", None)

        def part(given: Any) -> Any:
            return None if given is None else Sequential.from_config(given, custom_objects)

        heads = config.get("heads")
        if heads is not None and "layers" not in heads:
            config["heads"] = {k: part(head) for k, head in heads.items()}
        else:
            config["heads"] = part(heads)
        model = cls(part(config.pop("sequence")), part(config.pop("context", None)), **config)
        if compiled is not None:
            model.compile(**compiled)
        return model

    def to_json(self) -> str:
        """The config as text, for `from_json`."""
        made = {"class_name": type(self).__name__, "weft": __version__}
        return json.dumps({**made, "config": self.get_config()}, indent=1)

    @classmethod
    def from_json(cls, path_or_text: Any, custom_objects: Mapping[str, Any] | None = None) -> Model:
        """The model of a text that `to_json` made, or of a file with it."""
        text = path_or_text
        if not (isinstance(text, str) and text.lstrip().startswith("{")):
            with open(os.fspath(path_or_text), encoding="utf-8") as file:
                text = file.read()
        try:
            described = json.loads(text)
        except ValueError as error:
            raise InvalidArgumentError(f"a model is described by JSON: {error}") from None
        return cls.from_config(checked_config(described, "config")["config"], custom_objects)

    def summary(self) -> None:
        """Prints the layers and how many weights they have."""
        self.require_weights()
        rows = [(la.name, type(la).__name__, f"{la.count_params():,}") for la in self.layers]
        widths = [max(len(row[i]) for row in rows) for i in range(3)]
        for name, kind, count in rows:
            print(f"{name:<{widths[0]}}  {kind:<{widths[1]}}  {count:>{widths[2]}}")
        print(f"{self.count_params():,} parameters")


_FEATURES = (SequenceFeatures, DenseFeatures)


def _part(given: Any, name: str) -> Any:
    """A part of a model as a Sequential; None for None."""
    if given is None or isinstance(given, Sequential):
        return given
    made = Sequential(given, name=name)
    if not made.layers:
        raise InvalidArgumentError(f"`{name}` has no layers")
    return made
