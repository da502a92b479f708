"""From a TFRecord file to RNN states with TensorFlow: as documented, and as fast as it goes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from peers import Case
from peers.tensorflow_peer import KERAS_2, keras_rnn, sequence_layer


class Pipeline:
    def __init__(self, workload: dict[str, Any], path: Path, threads: int):
        self.key, self.batch, self.threads = workload["key"], workload["batch"], threads
        self.file = str(path / "records.tfrecord")
        weights = np.load(path / "weights.npz")
        self.table = tf.Variable(weights["table"])
        self.rnn = keras_rnn("SimpleRNN", weights, workload["dimension"], workload["hidden"])
        if KERAS_2:
            tables = {self.key: weights["table"]}
            self.sequence = sequence_layer(
                [self.key], tables, workload["buckets"], workload["dimension"]
            )

    def documented(self, serialized: Any) -> Any:
        """The documented lines on one batch."""
        features = tf.io.parse_example(serialized, {self.key: tf.io.VarLenFeature(tf.int64)})
        return self.states_of_features(features)

    def states_of_features(self, features: Any) -> Any:
        sequence_input, sequence_length = self.sequence(features)
        return self.rnn(sequence_input, mask=tf.sequence_mask(sequence_length))

    def states_of_ragged(self, features: Any) -> Any:
        """The same without feature columns: gather and pad by hand."""
        ids = features[self.key]
        x = tf.gather(self.table, ids.to_tensor())
        return self.rnn(x, mask=tf.sequence_mask(ids.row_lengths()))

    def eager_batches(self) -> tf.data.Dataset:
        return tf.data.TFRecordDataset(self.file).batch(self.batch)

    def parsed_batches(self, feature: Any) -> tf.data.Dataset:
        """The best tf.data pipeline: a large buffer, batches parsed ahead of the consumer."""
        options = tf.data.Options()
        options.threading.private_threadpool_size = self.threads
        options.deterministic = True
        dataset = (
            tf.data.TFRecordDataset(self.file, buffer_size=8 << 20)
            .with_options(options)
            .batch(self.batch)
        )
        parse = lambda serialized: tf.io.parse_example(serialized, {self.key: feature})  # noqa: E731
        return dataset.map(parse, num_parallel_calls=self.threads).prefetch(4)


def case(
    batches: Callable[[], Any], states: Callable[[Any], Any], items: int | None = None
) -> Case:
    """`items`: take only the batches of the first records."""

    def run(every: Any = None) -> None:
        for batch in batches():
            states(batch)

    def result() -> dict[str, np.ndarray]:
        return {"state": np.concatenate([states(batch).numpy() for batch in batches()])}

    return Case(run, result, items)


def cases(workload: dict[str, Any], path: Path, threads: int) -> dict[str, Case]:
    pipeline = Pipeline(workload, path, threads)
    found = {}
    ragged = pipeline.parsed_batches(tf.io.RaggedFeature(tf.int64))
    by_hand = tf.function(pipeline.states_of_ragged, reduce_retracing=True)
    found["gather by hand, tf.data + tf.function"] = case(lambda: ragged, by_hand)
    if KERAS_2:
        eager = pipeline.eager_batches().take(workload["eager_records"] // workload["batch"])
        found["documented"] = case(lambda: eager, pipeline.documented, workload["eager_records"])
        sparse = pipeline.parsed_batches(tf.io.VarLenFeature(tf.int64))
        compiled = tf.function(pipeline.states_of_features, reduce_retracing=True)
        found["tf.data + tf.function"] = case(lambda: sparse, compiled)
    return found
