"""Is a move to weft complete? Ask TensorFlow, on your own data.

TensorFlow is imported when a function is called; weft itself does not need it. It must be a version
with Keras 2, or have `tf_keras` beside it, because Keras 3 has no feature columns.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from functools import singledispatchmethod
from typing import Any

import numpy as np

from weft import feature_column as fc
from weft.errors import InvalidArgumentError
from weft.feature_column.numeric import NumberColumn
from weft.feature_column.serialization import checked_columns

__all__ = ["ColumnComparison", "Comparison", "compare_with_tensorflow"]

# Of the largest magnitude: what float32 sums in another order may differ by.
TOLERANCE = 1e-5


@dataclasses.dataclass
class ColumnComparison:
    """What was found for one column."""

    column: str
    rows: int = 0
    largest_difference: float = 0.0
    largest_value: float = 0.0
    lengths_differ: int = 0  # rows of a sequence whose lengths are not the same
    first: str = ""  # where the first difference is
    note: str = ""  # why it was not compared

    @property
    def equal(self) -> bool:
        """Whether every length is the same and every number within the tolerance."""
        bound = TOLERANCE * self.largest_value
        same = not self.lengths_differ and self.largest_difference <= bound
        return self.rows > 0 and not self.note and same


class Comparison(tuple[ColumnComparison, ...]):
    """One entry for each column, printed as a table."""

    __slots__ = ()

    @property
    def equal(self) -> bool:
        """Whether all columns that TensorFlow has are equal; not if none was compared."""
        compared = [column for column in self if not column.note]
        return bool(compared) and all(column.equal for column in compared)

    def __str__(self) -> str:
        lines = []
        for column in self:
            verdict = "equal" if column.equal else column.note or "DIFFERENT"
            detail = f"{column.rows} rows, largest difference {column.largest_difference:.2g}"
            if column.lengths_differ:
                detail += f", {column.lengths_differ} lengths differ"
            if column.first:
                detail += f", first {column.first}"
            lines.append(f"{column.column}: {verdict}" + ("" if column.note else f" ({detail})"))
        return "\n".join(lines)

    __repr__ = __str__


def compare_with_tensorflow(
    columns: Iterable[fc.FeatureColumn],
    files: Any,
    *,
    batch_size: int = 512,
    max_batches: int | None = None,
) -> Comparison:
    """Reads `files` through the same dense columns in weft and in TensorFlow.

    Each side parses the records itself, with the spec that its own columns give, and runs each
    column in a layer of its own; tables hold the same numbers. Integers must agree, and with them
    one-hot vectors and lengths; sums of embeddings to 1e-5 of the largest magnitude.

    Args:
        columns: dense columns of weft: what goes into SequenceFeatures and DenseFeatures.
        files: paths of TFRecord files with tf.Examples.
        batch_size: records of a batch.
        max_batches: how many batches are compared; all when None.

    Columns that TensorFlow does not have are noted and not compared; those of shared_embeddings are
    compared as embeddings, since TensorFlow refuses them outside graphs.

    Raises ImportError without TensorFlow; ValueError if there are no columns, and what a layer
    raises: an id outside its column without default_value, say.
    """
    from weft.io import TFRecordDataset

    sides = [_Sides(column) for column in checked_columns(columns)]
    if not sides:
        raise InvalidArgumentError("there are no columns to compare")
    for number, batch in enumerate(TFRecordDataset(files).batch(batch_size)):
        if number == max_batches:
            break
        records = list(batch)
        for side in sides:
            side.compare(records, number * batch_size)
    return Comparison(side.found for side in sides)


class _Sides:
    """One column in both libraries."""

    def __init__(self, column: fc.FeatureColumn) -> None:
        from weft import layers

        self.found = ColumnComparison(column.name)
        self.sequence = column._core.is_sequence
        name = "SequenceFeatures" if self.sequence else "DenseFeatures"
        self.layer = getattr(layers, name)([column])
        self.spec = fc.make_parse_example_spec([column])
        self.tf = _TensorFlow()
        try:
            self.column = self.tf.column(column)
        except NotImplementedError as error:
            self.found.note = str(error)
            return
        self.other = getattr(self.tf, name)([self.column])
        self.other.build(None)
        self.other.set_weights(self.layer.get_weights())

    def compare(self, records: list[bytes], first: int) -> None:
        """One batch; `first` is the number of its first record."""
        if self.found.note:
            return
        from weft.io import parse_example

        ours = self.layer(parse_example(records, self.spec))
        theirs = self.other(self.tf.parse(records, self.column))
        if self.sequence:
            self._lengths(ours.lengths, theirs[1].numpy(), first)
            self._numbers(ours.data, theirs[0].numpy(), first)
        else:
            self._numbers(ours, theirs.numpy(), first)
        self.found.rows += len(records)

    def _lengths(self, ours: np.ndarray, theirs: np.ndarray, first: int) -> None:
        differ = np.flatnonzero(ours != theirs)
        self.found.lengths_differ += len(differ)
        if len(differ):
            row = int(differ[0])
            text = f"in record {first + row}: length {ours[row]}, TensorFlow's {theirs[row]}"
            self.found.first = self.found.first or text

    def _numbers(self, ours: np.ndarray, theirs: np.ndarray, first: int) -> None:
        if ours.ndim == 3:  # the padding of the two may differ in width where nothing is real
            steps = max(ours.shape[1], theirs.shape[1])
            ours, theirs = (_padded(x, steps) for x in (ours, theirs))
        difference = np.abs(ours.astype(np.float64) - theirs)
        difference[np.isnan(ours) & np.isnan(theirs) | (ours == theirs)] = 0
        difference[np.isnan(difference)] = np.inf
        found = self.found
        finite = theirs[np.isfinite(theirs)]
        found.largest_value = max(found.largest_value, float(np.abs(finite).max(initial=0)))
        largest = float(difference.max(initial=0))
        found.largest_difference = max(found.largest_difference, largest)
        if largest > TOLERANCE * found.largest_value and not found.first:
            place = np.unravel_index(int(difference.argmax()), difference.shape)
            step = f", step {place[1]}" if difference.ndim == 3 else ""
            found.first = (
                f"in record {first + place[0]}{step}: {ours[place]}, TensorFlow's {theirs[place]}"
            )


def _padded(x: np.ndarray, steps: int) -> np.ndarray:
    return np.pad(x, [(0, 0), (0, steps - x.shape[1]), (0, 0)])


class _TensorFlow:
    """TensorFlow, and weft's columns as its own."""

    def __init__(self) -> None:
        import tensorflow as tf

        keras: Any = tf.keras
        if not hasattr(keras.layers, "DenseFeatures"):
            import tf_keras as keras
        self.tf = tf
        self.fc = tf.feature_column
        self.DenseFeatures = keras.layers.DenseFeatures
        self.SequenceFeatures = keras.experimental.SequenceFeatures

    def parse(self, records: list[bytes], column: Any) -> Any:
        """The records parsed for one column of TensorFlow's."""
        return self.tf.io.parse_example(records, self.fc.make_parse_example_spec([column]))

    def dtype(self, column: Any) -> Any:
        """The dtype of a column's feature."""
        return self.tf.as_dtype(column.dtype.name)

    def normalizer(self, column: NumberColumn) -> Callable[[Any], Any] | None:
        """Weft's normalizer over TensorFlow's values."""
        made = column.normalizer_fn
        if made is None:
            return None
        tf = self.tf

        def apply(x: Any) -> Any:
            if isinstance(x, tf.SparseTensor):
                return tf.SparseTensor(x.indices, apply(x.values), x.dense_shape)
            flat = x.numpy().ravel()
            for step in made if isinstance(made, tuple) else (made,):
                flat = np.asarray(step(flat))
            return tf.constant(flat.reshape(x.shape), tf.float32)

        return apply

    @singledispatchmethod
    def column(self, column: Any) -> Any:
        """The same column of TensorFlow's. Raises NotImplementedError where there is none."""
        raise NotImplementedError(f"TensorFlow has no {type(column).__name__}")

    @column.register
    def _(self, column: fc.EmbeddingColumn) -> Any:
        return self.fc.embedding_column(
            self.column(column.categorical_column),
            column.dimension,
            column.combiner,
            max_norm=column.max_norm,
        )

    @column.register
    def _(self, column: fc.IndicatorColumn) -> Any:
        return self.fc.indicator_column(self.column(column.categorical_column))

    @column.register
    def _(self, column: fc.NumericColumn) -> Any:
        default = None if column.default_value is None else np.asarray(column.default_value)
        return self.fc.numeric_column(
            column.key,
            column.shape,
            None if default is None else default.tolist(),
            self.dtype(column),
            self.normalizer(column),
        )

    @column.register
    def _(self, column: fc.SequenceNumericColumn) -> Any:
        return self.fc.sequence_numeric_column(
            column.key,
            column.shape,
            column.default_value,
            self.dtype(column),
            self.normalizer(column),
        )

    @column.register
    def _(self, column: fc.BucketizedColumn) -> Any:
        if column._core.is_sequence:
            raise NotImplementedError("TensorFlow has no bucketized sequences")
        return self.fc.bucketized_column(self.column(column.source_column), list(column.boundaries))

    @column.register
    def _(self, column: fc.SequenceCategoricalColumn) -> Any:
        inner = column.categorical_column
        if isinstance(inner, fc.CrossedColumn | fc.WeightedCategoricalColumn):
            raise NotImplementedError(f"TensorFlow has no sequence of {type(inner).__name__}")
        return self._categorical(inner, "sequence_")

    @column.register
    def _(self, column: fc.CategoricalColumn) -> Any:
        return self._categorical(column, "")

    @column.register
    def _(self, column: fc.WeightedCategoricalColumn) -> Any:
        if column._core.is_sequence:
            raise NotImplementedError("TensorFlow has no weighted sequences")
        return self.fc.weighted_categorical_column(
            self.column(column.categorical_column), column.weight_feature_key, self.dtype(column)
        )

    @column.register
    def _(self, column: fc.CrossedColumn) -> Any:
        if column._core.is_sequence:
            raise NotImplementedError("TensorFlow has no crossed sequences")
        keys = [key if isinstance(key, str) else self.column(key) for key in column.keys]
        return self.fc.crossed_column(keys, column.hash_bucket_size, column.hash_key)

    def _categorical(self, column: Any, prefix: str) -> Any:
        kind, arguments = self._function(column)
        return getattr(self.fc, f"{prefix}categorical_column_with_{kind}")(**arguments)

    def _function(self, column: Any) -> tuple[str, dict[str, Any]]:
        """The function that makes a column of one key, and its arguments."""
        if isinstance(column, fc.IdentityCategoricalColumn):
            buckets, default = column.number_buckets, column.default_value
            return "identity", {"key": column.key, "num_buckets": buckets, "default_value": default}
        if isinstance(column, fc.HashedCategoricalColumn):
            size = column.hash_bucket_size
            dtype = self.dtype(column)
            return "hash_bucket", {"key": column.key, "hash_bucket_size": size, "dtype": dtype}
        arguments = {"key": column.key, "num_oov_buckets": getattr(column, "num_oov_buckets", 0)}
        default = getattr(column, "default_value", -1)
        if isinstance(column, fc.VocabularyListCategoricalColumn):
            entries = {"vocabulary_list": column.vocabulary_list, "dtype": self.dtype(column)}
            return "vocabulary_list", {**arguments, **entries, "default_value": default}
        if isinstance(column, fc.VocabularyFileCategoricalColumn):
            entries = {
                "vocabulary_file": str(column.vocabulary_file),
                "vocabulary_size": column.vocabulary_size,
                "dtype": self.dtype(column),
                "default_value": None if default == -1 else default,
            }
            return "vocabulary_file", {**arguments, **entries}
        raise NotImplementedError(f"TensorFlow has no {type(column).__name__}")
