"""SequenceFeatures and DenseFeatures: features of a batch -> the dense input of a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from weft import _core
from weft.errors import InvalidArgumentError
from weft.feature_column.base import (
    FeatureColumn,
    ids_options,
    plain_keys,
    select,
    serialize,
)
from weft.feature_column.serialization import deserialize_feature_columns
from weft.layers.base import Layer, Pullback, checked_config, layer_dtype, layer_name
from weft.sequence import sequence_mask

__all__ = ["DenseFeatures", "SequenceFeatures", "SequencePair"]


def _columns(feature_columns: Any) -> list[FeatureColumn]:
    if isinstance(feature_columns, FeatureColumn):
        return [feature_columns]
    if isinstance(feature_columns, Mapping):
        raise InvalidArgumentError("Expected feature_columns to be iterable, found dict.")
    if not isinstance(feature_columns, Iterable) or isinstance(feature_columns, str | bytes):
        raise InvalidArgumentError(
            f"feature_columns must be a list of columns, got {feature_columns!r}"
        )
    return list(feature_columns)


def _option(value: Any) -> Any:
    """An option as JSON has it: numpy's integers as Python's, bytes as text."""
    if isinstance(value, tuple | list):
        return tuple(_option(v) for v in value)
    if isinstance(value, bytes) and value != b"auto":  # which is not the rule "auto"
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, np.generic) and hasattr(value, "__index__"):
        return value.item()
    return value


class SequencePair(tuple):
    """(data, lengths), as TensorFlow's SequenceFeatures returns it, that also has `.mask`.

    `data` [B, T, D]; `lengths` int64 [B].
    """

    def __new__(cls, data: np.ndarray, lengths: np.ndarray, pad: str = "right") -> SequencePair:
        """Makes the pair; `pad` is the padded side."""
        pair = super().__new__(cls, (data, lengths))
        pair.pad = pad
        return pair

    pad: str

    @property
    def data(self) -> np.ndarray:
        """[B, T, D]: padding is zeros, or a numeric column's default_value."""
        return self[0]

    @property
    def lengths(self) -> np.ndarray:
        """How many steps of each row are real: int64 [B]."""
        return self[1]

    @property
    def mask(self) -> np.ndarray:
        """True at real steps: bool [B, T], as wide as the data and on the right side."""
        return sequence_mask(self[1], self[0].shape[1], pad=self.pad)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self[0], self[1], self.pad


class _WhenRead(Mapping):
    """What `make` gives, made when it is first read: few ask for gradients of features."""

    def __init__(self, make: Any):
        self._make = make

    @cached_property
    def _made(self) -> dict[str, Any]:
        return self._make()

    def __getitem__(self, key: str) -> Any:
        return self._made[key]

    def __iter__(self) -> Any:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)

    def __repr__(self) -> str:
        return repr(self._made)


class _FeatureLayer(Layer):
    """What both layers have."""

    _NAME = ""
    _layer: Any

    def _declare(self, make: Any, options: dict[str, Any]) -> None:
        """Takes the constructor's `locals()`."""
        options = {k: v for k, v in options.items() if k not in ("self", "__class__")}
        columns = _columns(options.pop("feature_columns"))
        self._feature_columns = sorted(columns, key=lambda column: getattr(column, "name", ""))
        self.name = layer_name(options["name"], self._NAME)
        self.dtype = layer_dtype(options["dtype"])
        self.trainable = bool(options["trainable"])
        options = {k: _option(v) for k, v in options.items()}
        self._options = {
            **options,
            "name": self.name,
            "dtype": self.dtype.name,
            "trainable": self.trainable,
            "strict": bool(options["strict"]),
        }
        given = {**options, "name": self.name, "dtype": self.dtype, "trainable": self.trainable}
        given["seed"] = 0 if options["seed"] is None else options["seed"]
        given["ids"] = ids_options(options["missing"], options["strict"])
        self._layer = make(self._feature_columns, given)
        keys = {k for column in self._feature_columns for k in column._core.parse_example_spec}
        self._keys = sorted(keys.union(options.get("cutoff") or ()))
        self._plain_keys = {k for column in self._feature_columns for k in plain_keys(column)}
        self._plain_keys.update(options.get("cutoff") or ())
        self._name_tables()

    built = True

    def _name_tables(self) -> None:
        tables = self._layer.parameters
        self._weights = MappingProxyType({name: array for name, array, _ in tables})

    def _read_from(self, arrays: Sequence[np.ndarray]) -> None:
        self._layer = self._layer.over(list(arrays))
        self._name_tables()

    def build(self, input_shape: Any = None) -> None:
        """Does nothing: the tables' shapes follow from the columns, so they exist already."""

    @property
    def weights(self) -> Mapping[str, np.ndarray]:
        """The tables, writable, by name: "<column>/embedding_weights", in the order of columns.

        Keras's name has the layer's name and a slash in front and ":0" behind.
        """
        return self._weights

    @property
    def trainable_weights(self) -> dict[str, np.ndarray]:
        """The tables that training changes."""
        return {name: array for name, array, trainable in self._layer.parameters if trainable}

    def _pullback(self, backs: Any) -> Pullback:
        of_weights, of_features = backs

        def pullback(grad_data: Any, grad_lengths: None = None) -> Any:
            grads = dict(zip(self.weights, of_weights(grad_data), strict=True))
            return (_WhenRead(lambda: of_features(grad_data)),), grads

        return pullback

    def counters(self) -> dict[str, dict[str, int]]:
        """What each categorical column has met in all calls so far.

        By its name or, where two different ones have one name, by the name of the layer's column
        that reads it ("a_embedding", "a_indicator").

        "seen": values that were there; "replaced": those of them that have no id of their own and
        became default_value or an out-of-vocabulary bucket; "dropped": absent values;
        "out_of_vocabulary": values without an id. Counts of several processes or layers add up.
        """
        return self._layer.counters()

    def reset_counters(self) -> None:
        """Sets all counters to 0."""
        self._layer.reset_counters()

    def get_config(self) -> dict[str, Any]:
        """What `from_config` makes the same layer of, weights apart; ready for JSON."""
        columns = [serialize(column) for column in self._feature_columns]
        return {**self._options, "feature_columns": columns}

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """The layer that `get_config` describes. Keras's own config is taken too."""
        options = checked_config(config, "feature_columns")
        options.pop("partitioner", None)
        columns = options.pop("feature_columns")
        return cls(deserialize_feature_columns(columns, custom_objects), **options)

    def __reduce__(self) -> Any:
        return _restore, (type(self), self._feature_columns, self._options, self.get_weights())


def _restore(kind: Any, columns: Any, options: dict[str, Any], weights: list[np.ndarray]) -> Any:
    made = kind(columns, **options)
    made.set_weights(weights)
    return made


class SequenceFeatures(_FeatureLayer):
    """As `tf.keras.experimental.SequenceFeatures`: sequence columns side by side, [B, T, D].

    Args:
        feature_columns: `embedding_column`s and `indicator_column`s of sequence columns, and
            `sequence_numeric_column`s. Their outputs stand in the order of their names.
        trainable: whether training changes the tables.
        name: of the layer.
        max_length: longer rows keep this many steps.
        keep: which of them: "last" or "first".
        pad: the side of a row that is padded: "right" or "left".
        pad_to: what T is: "batch", the longest of this batch; a number; ("multiple", n), the next
            multiple of n.
        cutoff: (key, reference_key): events are dropped, from every column, whose time in the
            sequence feature `key` is after the row's one time in `reference_key`.
        missing: what counts as absent. "auto", as TensorFlow: -1 and "" in dense arrays and nothing
            in ragged or sparse data; None: nothing anywhere; a number or string: this value,
            everywhere.
        strict: every silent drop is an error: values that are absent by the rule "auto", and values
            out of vocabulary.
        seed: of the initial tables; 0 when None. With the layer's and the table's name it decides
            the numbers, so two layers differ, and a layer of the same name and seed does not.
        dtype: "float32" or "float64".

    Raises ValueError if there are no columns, two have one name, or one is no sequence column.
    """

    _NAME = "sequence_features"

    def __init__(
        self,
        feature_columns: Iterable[FeatureColumn] | FeatureColumn,
        trainable: bool = True,
        name: str | None = None,
        *,
        max_length: int | None = None,
        keep: str = "last",
        pad: str = "right",
        pad_to: Any = "batch",
        cutoff: tuple[str, str] | None = None,
        missing: Any = "auto",
        strict: bool = False,
        seed: int | None = None,
        dtype: Any = None,
    ):
        self._declare(_core.SequenceFeatures, locals())

    def __call__(self, features: Mapping[str, Any], training: bool | None = None) -> SequencePair:
        """The batch as a pair (data [B, T, D], lengths int64 [B]) that also has `.mask`.

        `features` maps names to what `weft.io.parse_example` gives, or to a `Ragged`, a
        `SparseTensor`, nested lists (which are ragged), a pair (array, lengths), or a bare array,
        which is read as TensorFlow reads it: -1 and "" are absent.

        T is the second dimension of a sparse or dense feature and the longest row of a ragged one;
        of several columns the largest. Raises ValueError naming column, row, step and value for an
        id outside its column, and naming both columns if they disagree on the length of a row.
        """
        data, lengths = self._layer(select(features, self._keys))
        return SequencePair(data, lengths, self._options["pad"])

    def blocks(self, features: Mapping[str, Any]) -> SequencePair:
        """The same pair, but that `data` keeps the indicators as ids: [B, T, D] is never written.

        An RNN or a Dense takes `data` like the array, with the same result; it has `.shape`.
        """
        data, lengths = self._layer.blocks(select(features, self._keys))
        return SequencePair(data, lengths, self._options["pad"])

    def vjp(self, features: Mapping[str, Any]) -> tuple[SequencePair, Pullback]:
        """A call and its way back: `pullback(grad_data)` gives ((grad_features,), grads).

        `grads` are the tables' `weft.IndexedSlices`. The lengths have no gradient: a second
        argument of `pullback` is None.

        `grad_features` maps the keys of floating features of `sequence_numeric_column`s to their
        gradients, in the layer's dtype: a Ragged for a ragged feature, a SparseTensor for a sparse
        one, with zeros for steps that were cut off. They are made when they are read, of a gradient
        and features that must not have changed by then. A column whose `normalizer_fn` is a
        function, and none of `weft.normalizers`, has none.
        """
        data, lengths, back = self._layer.vjp(select(features, self._keys))
        return SequencePair(data, lengths, self._options["pad"]), self._pullback(back)

    def blocks_vjp(self, features: Mapping[str, Any]) -> tuple[SequencePair, Pullback]:
        """`blocks` and its way back.

        The gradient of `data` is what an RNN or a Dense gives for it: an array of the parts that
        are no indicators, side by side.
        """
        data, lengths, back = self._layer.blocks_vjp(select(features, self._keys))
        return SequencePair(data, lengths, self._options["pad"]), self._pullback(back)

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        """(B, T, D) for an input of (B, T, ...)."""
        return (*tuple(input_shape)[:2], self._layer.width)


class DenseFeatures(_FeatureLayer):
    """As `tf.keras.layers.DenseFeatures`: columns side by side, [B, D].

    Several ids of a row are combined. Arguments as `SequenceFeatures`'.

    Raises ValueError if there are no columns, two have one name, or one is a sequence column.
    """

    _NAME = "dense_features"

    def __init__(
        self,
        feature_columns: Iterable[FeatureColumn] | FeatureColumn,
        trainable: bool = True,
        name: str | None = None,
        *,
        missing: Any = "auto",
        strict: bool = False,
        seed: int | None = None,
        dtype: Any = None,
    ):
        self._declare(_core.DenseFeatures, locals())

    def __call__(
        self,
        features: Mapping[str, Any],
        cols_to_output_tensors: dict[FeatureColumn, np.ndarray] | None = None,
        training: bool | None = None,
    ) -> np.ndarray:
        """The batch as an array [B, D]; `features` as `SequenceFeatures` takes them.

        `cols_to_output_tensors`, if given, is filled with each column's part of the result.
        """
        data = self._layer(select(features, self._keys))
        if cols_to_output_tensors is not None:
            at = 0
            for column in self._feature_columns:
                width = int(np.prod(column.variable_shape, dtype=np.int64))
                cols_to_output_tensors[column] = data[:, at : at + width]
                at += width
        return data

    def blocks(self, features: Mapping[str, Any]) -> Any:
        """The same, but that it keeps the indicators as ids: [B, D] is never written.

        A Dense takes it like the array, with the same result; it has `.shape`.
        """
        return self._layer.blocks(select(features, self._keys))

    def vjp(self, features: Mapping[str, Any]) -> tuple[np.ndarray, Pullback]:
        """A call and its way back: `pullback(grad_data)` gives ((grad_features,), grads).

        As `SequenceFeatures.vjp`; those of `numeric_column`s' features are arrays of their shapes.
        """
        data, back = self._layer.vjp(select(features, self._keys))
        return data, self._pullback(back)

    def blocks_vjp(self, features: Mapping[str, Any]) -> tuple[Any, Pullback]:
        """`blocks` and its way back; see `SequenceFeatures.blocks_vjp`."""
        data, back = self._layer.blocks_vjp(select(features, self._keys))
        return data, self._pullback(back)

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        """(B, D) for an input of (B, ...)."""
        return (*tuple(input_shape)[:1], self._layer.width)
