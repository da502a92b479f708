"""TensorFlow 2.15 (Keras 2, SequenceFeatures) and 2.21 (Keras 3): the fastest of both counts."""

from __future__ import annotations

import collections
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="-1")

import inputs  # noqa: E402
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from wire import read_records  # noqa: E402

from peers import Case, batches, column, joined, record_batch, strings, unordered  # noqa: E402

tf.get_logger().setLevel("ERROR")
DISTRIBUTIONS = ["tensorflow-cpu", "keras", "numpy"]
KERAS_2 = tf.__version__.startswith("2.15")
DTYPES = {"int64": tf.int64, "float": tf.float32, "string": tf.string}
THREADS = 1


def set_threads(threads: int) -> None:
    global THREADS
    THREADS = threads
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


# --- parse ----------------------------------------------------------------------------------------


def parse_spec(workload: dict[str, Any], history: Callable[..., Any]) -> dict[str, Any]:
    return {
        key: history(DTYPES[group["dtype"]])
        if "lengths" in group
        else tf.io.FixedLenFeature((), DTYPES[group["dtype"]])
        for key, group in inputs.feature_names(workload)
    }


def parsed_columns(parsed: dict[str, Any]) -> dict[str, np.ndarray]:
    out = {}
    for key, value in parsed.items():
        if isinstance(value, tf.SparseTensor):
            lengths = np.bincount(value.indices.numpy()[:, 0], minlength=int(value.dense_shape[0]))
            out |= column(key, value.values.numpy(), lengths)
        elif isinstance(value, tf.RaggedTensor):
            out |= column(key, value.flat_values.numpy(), value.row_lengths().numpy())
        else:
            out |= column(key, value.numpy())
    return out


def parse(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    records = read_records(path / "records.tfrecord")
    serialized = [tf.constant(batch) for batch in batches(records, workload["batch"])]

    def case(function: Callable[[Any], dict[str, Any]]) -> Case:
        def run() -> None:
            for batch in serialized:
                function(batch)

        return Case(run, lambda: joined([parsed_columns(function(batch)) for batch in serialized]))

    def varlen(batch: Any) -> dict[str, Any]:
        return tf.io.parse_example(batch, varlen_spec)

    def ragged(batch: Any) -> dict[str, Any]:
        return tf.io.parse_example(batch, ragged_spec)

    varlen_spec = parse_spec(workload, tf.io.VarLenFeature)
    ragged_spec = parse_spec(workload, tf.io.RaggedFeature)
    signature = [tf.TensorSpec([None], tf.string)]
    cases = {
        "eager": case(varlen),
        "tf.function": case(tf.function(varlen, input_signature=signature)),
    }
    if ragged_spec != varlen_spec and any("lengths" in g for g in workload["features"]):
        cases["RaggedFeature, tf.function"] = case(tf.function(ragged, input_signature=signature))
    return cases


def parse_sequence(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    records = read_records(path / "records.tfrecord")
    serialized = [tf.constant(batch) for batch in batches(records, workload["batch"])]
    lists = {key for key, group in inputs.feature_names(workload) if "lengths" in group}
    signature = [tf.TensorSpec([None], tf.string)]

    def case(history: Callable[..., Any], wrap: Callable[..., Any]) -> Case:
        spec = parse_spec(workload, history)
        specs = [{k: v for k, v in spec.items() if (k in lists) == inside} for inside in (0, 1)]
        parse_batch = wrap(lambda batch: tf.io.parse_sequence_example(batch, *specs))

        def run() -> None:
            for batch in serialized:
                parse_batch(batch)

        def result() -> dict[str, np.ndarray]:
            parsed = (parse_batch(batch) for batch in serialized)
            return joined([parsed_columns(context | lists) for context, lists, _ in parsed])

        return Case(run, result)

    def compiled(function: Callable[..., Any]) -> Any:
        return tf.function(function, input_signature=signature)

    return {
        "VarLenFeature, eager": case(tf.io.VarLenFeature, lambda function: function),
        "VarLenFeature, tf.function": case(tf.io.VarLenFeature, compiled),
        "RaggedFeature, tf.function": case(tf.io.RaggedFeature, compiled),
    }


# --- read -----------------------------------------------------------------------------------------


def read(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    compression = "GZIP" if workload["gzip"] else None
    file = str(path / ("records.tfrecord.gz" if workload["gzip"] else "records.tfrecord"))

    def dataset(buffer_size: int | None) -> tf.data.Dataset:
        options = tf.data.Options()
        options.threading.private_threadpool_size = THREADS
        return (
            tf.data.TFRecordDataset(file, compression, buffer_size)
            .with_options(options)
            .batch(workload["batch"])
        )

    def case(batched: tf.data.Dataset) -> Case:
        def run() -> None:
            for _ in batched:
                pass

        return Case(run, lambda: strings(r for batch in batched.as_numpy_iterator() for r in batch))

    return {
        "tf.data": case(dataset(None)),
        "tf.data, 8 MB buffer": case(dataset(8 << 20)),
        "tf.data, prefetch": case(dataset(8 << 20).prefetch(tf.data.AUTOTUNE)),
    }


# --- dataset --------------------------------------------------------------------------------------


def dataset(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    files = [str(file) for file in inputs.dataset_files(workload, path)]
    options = tf.data.Options()
    options.threading.private_threadpool_size = THREADS

    def case(history: Callable[..., Any]) -> Case:
        spec = parse_spec(workload, history)
        parsed = (
            tf.data.TFRecordDataset(files, num_parallel_reads=len(files), buffer_size=8 << 20)
            .with_options(options)
            .shuffle(workload["buffer"])
            .batch(workload["batch"])
            .map(lambda batch: tf.io.parse_example(batch, spec), num_parallel_calls=THREADS)
            .prefetch(workload["prefetch"])
        )

        def run() -> None:
            for _ in parsed:
                pass

        return Case(run, lambda: unordered([parsed_columns(features) for features in parsed]))

    return {
        "tf.data": case(tf.io.VarLenFeature),
        "tf.data, RaggedFeature": case(tf.io.RaggedFeature),
    }


# --- SequenceFeatures -----------------------------------------------------------------------------


def sequence_layer(keys: list[str], tables: Any, buckets: int, dimension: int) -> Any:
    """SequenceFeatures over an identity column and embedding for each key, with these weights."""
    columns = [
        tf.feature_column.embedding_column(
            tf.feature_column.sequence_categorical_column_with_identity(key, buckets), dimension
        )
        for key in keys
    ]
    layer = tf.keras.experimental.SequenceFeatures(columns)
    layer({key: tf.SparseTensor([[0, 0]], tf.constant([0], tf.int64), [1, 1]) for key in keys})
    layer.set_weights([tables[key] for key in keys])
    return layer


def sequence_features(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    if not KERAS_2:
        return {}
    keys = inputs.sequence_keys(workload)
    spec = {key: tf.io.VarLenFeature(tf.int64) for key in keys}
    features = tf.io.parse_example(tf.constant(read_records(path / "records.tfrecord")), spec)
    layer = sequence_layer(
        keys, np.load(path / "tables.npz"), workload["buckets"], workload["dimension"]
    )
    compiled = tf.function(layer)

    def case(function: Callable[[Any], Any]) -> Case:
        def result() -> dict[str, np.ndarray]:
            data, lengths = function(features)
            return {"data": data.numpy(), "lengths": lengths.numpy()}

        return Case(lambda: function(features), result)

    return {"tf.function": case(compiled), "eager": case(layer)}


# --- ids ------------------------------------------------------------------------------------------


def ids_function(workload: dict[str, Any], boundaries: np.ndarray) -> Callable[..., Any]:
    if workload["column"] == "bucketize":
        edges = [float(boundary) for boundary in boundaries]
        return lambda values, _: tf.raw_ops.Bucketize(input=values, boundaries=edges)
    if workload["column"] == "cross":
        return lambda values, others: (
            tf.sparse.cross_hashed([values, others], workload["buckets"]).values
        )
    if workload["dtype"] == "int64":
        return lambda values, _: tf.strings.to_hash_bucket_fast(
            tf.as_string(values), workload["buckets"]
        )
    return lambda values, _: tf.strings.to_hash_bucket_fast(values, workload["buckets"])


def one_a_row(values: np.ndarray) -> Any:
    n = len(values)
    indices = np.stack([np.arange(n), np.zeros(n, np.int64)], axis=1)
    return tf.SparseTensor(indices, values, [n, 1])


def ids(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    with np.load(path / "rows.npz") as arrays:
        made = one_a_row if workload["column"] == "cross" else tf.constant
        values, others = made(arrays["values"]), made(arrays["others"])
        function = tf.function(ids_function(workload, arrays["boundaries"]))

    def result() -> dict[str, np.ndarray]:
        return {"ids": function(values, others).numpy().astype(np.int64)}

    return {"tf.function": Case(lambda: function(values, others), result)}


def padded(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    with np.load(path / "rows.npz") as arrays:
        ragged = tf.RaggedTensor.from_row_splits(arrays["values"], arrays["row_splits"])
    function = tf.function(lambda ragged: ragged.to_tensor())
    return {
        "tf.function": Case(lambda: function(ragged), lambda: {"padded": function(ragged).numpy()})
    }


# --- Arrow ----------------------------------------------------------------------------------------


def arrow_tensor(array: Any) -> tf.Tensor:
    """A column of numbers by its buffer, of strings by Python's objects: there is no other way."""
    numbers = array.type not in ("string", "binary")
    return tf.constant(array.to_numpy(zero_copy_only=numbers))


def arrow(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    batch = record_batch(path)

    def taken(validate: bool) -> dict[str, Any]:
        made = {}
        for key, array in zip(batch.schema.names, batch.columns, strict=True):
            made[key] = (
                tf.RaggedTensor.from_row_splits(
                    arrow_tensor(array.values), array.offsets.to_numpy(), validate=validate
                )
                if hasattr(array, "offsets")
                else arrow_tensor(array)
            )
        return made

    def case(validate: bool) -> Case:
        return Case(lambda: taken(validate), lambda: parsed_columns(taken(validate)))

    return {"from_row_splits": case(True), "from_row_splits, not validated": case(False)}


# --- RNN ------------------------------------------------------------------------------------------


def keras_rnn(cell: str, weights: Any, width: int, hidden: int) -> Any:
    layer = getattr(tf.keras.layers, cell)(hidden)
    layer(tf.zeros([1, 1, width]), mask=tf.ones([1, 1], tf.bool))
    layer.set_weights([weights[name] for name in ("kernel", "recurrent_kernel", "bias")])
    return layer


def rnn(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    arrays = np.load(path / "rnn.npz")
    x = tf.constant(arrays["x"])
    mask = tf.sequence_mask(arrays["lengths"], workload["steps"])
    layer = keras_rnn(workload["cell"], arrays, workload["hidden"], workload["hidden"])

    def forward(x: Any, mask: Any) -> Any:
        return layer(x, mask=mask)

    def case(function: Callable[[Any, Any], Any]) -> Case:
        return Case(lambda: function(x, mask).numpy(), lambda: {"state": function(x, mask).numpy()})

    return {
        "tf.function": case(tf.function(forward)),
        "tf.function, XLA": case(tf.function(forward, jit_compile=True)),
    }


# --- vocabularies ---------------------------------------------------------------------------------


def vocabulary(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    arrays = np.load(path / "keys.npz")
    entries = tf.constant(inputs.vocabulary_values(workload, arrays["entries"]))
    keys = [tf.constant(inputs.vocabulary_values(workload, batch)) for batch in arrays["keys"]]
    ids = tf.range(len(arrays["entries"]), dtype=tf.int64)
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(entries, ids), -1)
    lookup = tf.function(table.lookup, input_signature=[tf.TensorSpec([None], entries.dtype)])

    def run() -> None:
        for batch in keys:
            lookup(batch)

    return {
        "StaticHashTable": Case(
            run, lambda: {"ids": np.concatenate([lookup(batch).numpy() for batch in keys])}
        )
    }


def indicator_rnn(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    if not KERAS_2:
        return {}
    key, fc = workload["key"], tf.feature_column
    ids = fc.sequence_categorical_column_with_identity(key, workload["buckets"])
    layer = tf.keras.experimental.SequenceFeatures([fc.indicator_column(ids)])
    gru = keras_rnn("GRU", np.load(path / "weights.npz"), workload["buckets"], workload["hidden"])
    serialized = tf.constant(read_records(path / "records.tfrecord"))
    features = tf.io.parse_example(serialized, {key: tf.io.VarLenFeature(tf.int64)})

    def forward(features: Any) -> Any:
        data, lengths = layer(features)
        return gru(data, mask=tf.sequence_mask(lengths, tf.shape(data)[1]))

    compiled = tf.function(forward)
    return {
        "tf.function": Case(
            lambda: compiled(features).numpy(), lambda: {"state": compiled(features).numpy()}
        )
    }


def vocabulary_build(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    spec = {"words": tf.io.RaggedFeature(tf.string)}
    batches = (
        tf.data.TFRecordDataset(str(path / "records.tfrecord"))
        .batch(512)
        .map(lambda batch: tf.io.parse_example(batch, spec)["words"].flat_values)
    )

    def counted() -> list[tuple[bytes, int]]:
        counts: collections.Counter[bytes] = collections.Counter()
        for words in batches.as_numpy_iterator():
            counts.update(words.tolist())
        return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))

    def result() -> dict[str, np.ndarray]:
        entries = counted()
        return {
            "counts": np.array([count for _, count in entries], np.int64),
            **strings(word for word, _ in entries),
        }

    return {"tf.data, collections.Counter": Case(counted, result)}


def end_to_end(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    from peers import tensorflow_pipeline

    return tensorflow_pipeline.cases(workload, path, THREADS)
