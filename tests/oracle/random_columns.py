"""Random declarations and batches, in weft and in TensorFlow, for as long as it is told.

python random_columns.py [SECONDS [SEED]]: runs in TensorFlow's environment with weft installed
there. Every batch draws a column of a random kind with random arguments and random features, sparse
(with holes, or several values a step) or dense, and compares what the two layers give. A difference
ends it with the seed of the batch, which as SEED with 0 seconds draws that batch alone.
"""

from __future__ import annotations

import golden_io  # noqa: F401  first: it sets the environment

# isort: split

import sys
import time
from typing import Any

import numpy as np
import tensorflow as tf
import weft
from weft import feature_column as fc
from weft import layers, normalizers, testing

WORDS = [b"", b"a", b"bb", b"\xff\x00", *(b"word%d" % i for i in range(30))]
INTEGERS = [0, 1, -1, 2, 7, -8, 2**31, -(2**31), 2**63 - 1, -(2**63), *range(10, 40)]


class Draw:
    """One batch: a column, its features for both sides, and the layer's name."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.features: dict[str, Any] = {}
        self.rows = int(self.rng.integers(1, 9))
        self.sequence = self.chance(0.5)
        self.dense = self.chance(0.25)
        self.structure = None if self.dense else self._structure()
        self.column = self._dense_column()

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def one_of(self, items: Any) -> Any:
        return items[int(self.rng.integers(len(items)))]

    def _structure(self) -> tuple[np.ndarray, np.ndarray]:
        """Indices and dense_shape that all sparse features of the batch share."""
        width = int(self.rng.integers(1, 7))
        depth = (int(self.rng.integers(1, 4)),) if self.sequence and self.chance(0.3) else ()
        shape = (self.rows, width, *depth)
        kept = self.rng.random(shape) < self.one_of([0.3, 0.8, 1.0])
        return np.argwhere(kept), np.array(shape)

    def _feature(self, key: str, values: Any, dtype: Any) -> str:
        """A feature of random values; dense ones have absent cells among them."""
        if key in self.features:
            return key
        if self.dense:
            shape = (self.rows, int(self.rng.integers(1, 5)))
            flat = [self.one_of(values) for _ in range(shape[0] * shape[1])]
            self.features[key] = _array(flat, dtype).reshape(shape)
        else:
            indices, shape = self.structure
            flat = [self.one_of(values) for _ in range(len(indices))]
            self.features[key] = (indices, _array(flat, dtype), shape)
        return key

    def _dense_column(self) -> fc.FeatureColumn:
        if self.chance(0.25):
            return self._numbers()
        column = self._weighted() if self.chance(0.2) and not self.sequence else self._ids()
        if self.chance(0.4):
            return fc.indicator_column(column)
        norm = self.one_of([None, None, 0.5, 2.0])
        combiner = self.one_of(["mean", "sqrtn", "sum"])
        return fc.embedding_column(column, int(self.rng.integers(1, 9)), combiner, max_norm=norm)

    def _ids(self) -> fc.CategoricalColumn:
        """A categorical column, a sequence if the batch is one."""
        kinds = [self._identity, self._hashed, self._listed]
        if not self.sequence:
            kinds += [self._crossed, self._bucketized]
        return self.one_of(kinds)()

    def _make(self, kind: str, *args: Any, **kwargs: Any) -> fc.CategoricalColumn:
        prefix = "sequence_" if self.sequence else ""
        return getattr(fc, f"{prefix}categorical_column_with_{kind}")(*args, **kwargs)

    def _identity(self) -> fc.CategoricalColumn:
        buckets = int(self.rng.integers(1, 30))
        default = None if self.chance(0.5) else int(self.rng.integers(buckets))
        values = range(buckets) if default is None else range(-3, 2 * buckets)
        key = self._feature(f"i{buckets}_{default}", list(values), np.int64)
        return self._make("identity", key, buckets, default)

    def _hashed(self) -> fc.CategoricalColumn:
        size = int(self.one_of([1, 2, 10, 1000]))
        if self.chance(0.5):
            key = self._feature("h", INTEGERS, np.int64)
            return self._make("hash_bucket", key, size, weft.int64)
        return self._make("hash_bucket", self._feature("s", WORDS, object), size)

    def _listed(self) -> fc.CategoricalColumn:
        integers = self.chance(0.4)
        entries = INTEGERS if integers else WORDS
        size = int(self.rng.integers(1, len(entries)))
        known = [entries[i] for i in self.rng.permutation(len(entries))[:size]]
        options = self.one_of([{}, {"num_oov_buckets": 3}, {"default_value": size - 1}])
        key = self._feature(*(("h", INTEGERS, np.int64) if integers else ("s", WORDS, object)))
        return self._make("vocabulary_list", key, known, **options)

    def _crossed(self) -> fc.CategoricalColumn:
        self._feature("s", WORDS, object)
        self._feature("h", INTEGERS, np.int64)
        keys = [self.one_of(["s", "h", self._identity(), self._bucketized()]) for _ in range(2)]
        keys += [crossing for crossing in [fc.crossed_column(["h", "s"], 9)] if self.chance(0.2)]
        key = self.one_of([None, 0, 1, 2**40 + 1])
        return fc.crossed_column(keys, int(self.one_of([1, 7, 50])), key)

    def _bucketized(self) -> fc.BucketizedColumn:
        count = int(self.rng.integers(1, 40))
        bounds = np.unique(self.rng.standard_normal(count).astype(np.float32)).tolist()
        return fc.bucketized_column(self._numeric(rank=1), bounds)

    def _weighted(self) -> fc.CategoricalColumn:
        column = self._identity()
        key = "w"
        weights = [0.5, 1.0, 2.0, -1.0, 3.25]
        if not self.dense:
            return fc.weighted_categorical_column(column, self._feature(key, weights, np.float32))
        there = self.features[column.key] != -1
        drawn = self.rng.choice(weights, there.shape).astype(np.float32)
        self.features[key] = np.where(there, drawn, np.float32(0))
        return fc.weighted_categorical_column(column, key)

    def _normalizer(self) -> Any:
        steps = [normalizers.Clip(-1, 1), normalizers.ZScore(0.25, 2), normalizers.MinMax(-4, 4)]
        return self.one_of([None, None, self.one_of(steps), steps])

    def _numeric(self, rank: int | None = None) -> fc.NumericColumn:
        shape = self.one_of([(1,), (3,)] if rank == 1 else [(1,), (3,), (2, 2)])
        key = f"n{len(shape)}_{shape[0]}"
        values = self.rng.standard_normal((self.rows, *shape)).astype(np.float32)
        self.features.setdefault(key, values)
        return fc.numeric_column(key, shape, normalizer_fn=self._normalizer())

    def _numbers(self) -> fc.FeatureColumn:
        if not self.sequence:
            return self.one_of([self._numeric, self._bucketized])()
        self.dense = False
        width, each = int(self.rng.integers(1, 5)), int(self.one_of([1, 1, 2, 3]))
        kept = self.rng.random((self.rows, width * each)) < self.one_of([0.5, 1.0])
        values = self.rng.standard_normal(int(kept.sum())).astype(np.float32)
        self.features["m"] = (np.argwhere(kept), values, np.array(kept.shape))
        default = float(self.one_of([0, -1.5, 7]))
        return fc.sequence_numeric_column("m", each, default, normalizer_fn=self._normalizer())

    def weft_features(self) -> dict[str, Any]:
        """As weft takes them."""
        return {k: self._of(v, weft.SparseTensor, lambda x: x) for k, v in self.features.items()}

    def tensorflow_features(self) -> dict[str, Any]:
        """As TensorFlow takes them."""
        sparse = lambda i, v, s: tf.SparseTensor(i, tf.constant(v), s)  # noqa: E731
        return {k: self._of(v, sparse, tf.constant) for k, v in self.features.items()}

    def _of(self, value: Any, sparse: Any, dense: Any) -> Any:
        return sparse(*value) if isinstance(value, tuple) else dense(value)


def _array(flat: list[Any], dtype: Any) -> np.ndarray:
    out = np.empty(len(flat), dtype)
    out[:] = flat
    return out


def compare(seed: int, convert: Any) -> str:
    """Draws one batch; returns the kind of its column. Raises AssertionError on a difference."""
    draw = Draw(seed)
    name = "SequenceFeatures" if draw.column._core.is_sequence else "DenseFeatures"
    ours = getattr(layers, name)([draw.column])
    theirs = getattr(convert, name)([convert.column(draw.column)])
    theirs.build(None)
    theirs.set_weights(ours.get_weights())
    got, want = ours(draw.weft_features()), theirs(draw.tensorflow_features())
    if name == "SequenceFeatures":
        np.testing.assert_array_equal(got.lengths, want[1].numpy())
        got, want = got.data, want[0]
    want = want.numpy()
    bound = testing.TOLERANCE * np.abs(want).max(initial=0)
    np.testing.assert_allclose(got, want, rtol=0, atol=bound)
    return type(draw.column).__name__


def main() -> None:
    """Compares until the time is over."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else int(time.time())
    convert = testing._TensorFlow()
    end, drawn = time.monotonic() + seconds, 0
    while drawn == 0 or time.monotonic() < end:
        try:
            compare(seed, convert)
        except Exception as error:
            draw = Draw(seed)
            print(f"seed {seed}: {draw.column!r}\n{draw.features}", file=sys.stderr)
            raise SystemExit(f"seed {seed}: {error}") from error
        seed, drawn = seed + 1, drawn + 1
    print(f"{drawn} random batches, no difference")


if __name__ == "__main__":
    main()
