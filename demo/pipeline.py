"""The documented lines, on the product column of the receipts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from histories import ProductIndex
from weft import Ragged, io, layers, sequence_mask
from weft.feature_column import (
    embedding_column,
    make_parse_example_spec,
    sequence_categorical_column_with_identity,
)
from weft.layers import SequenceFeatures

HIDDEN_SIZE = 16


class Batch(NamedTuple):
    """What the documented lines made of one batch."""

    features: dict[str, Any]
    sequence_input: np.ndarray
    sequence_length: np.ndarray
    mask: np.ndarray
    outputs: np.ndarray
    state: np.ndarray


def documented(
    batches: Iterable[list[bytes]],
    index: ProductIndex,
    hidden_size: int = HIDDEN_SIZE,
    made: Callable[[Any, Any], None] = lambda sequence_features, rnn: None,
) -> Iterator[Batch]:
    """TensorFlow's documented example, line for line; `made` is handed the layers it makes."""
    # [documented]
    products = sequence_categorical_column_with_identity(
        "products", num_buckets=index.num_buckets, default_value=index.unknown
    )
    products_embedding = embedding_column(products, dimension=10)
    columns = [products_embedding]
    sequence_feature_layer = SequenceFeatures(columns)
    rnn_cell = layers.SimpleRNNCell(hidden_size)
    rnn_layer = layers.RNN(rnn_cell)
    made(sequence_feature_layer, rnn_layer)
    for serialized in batches:
        features = io.parse_example(serialized, features=make_parse_example_spec(columns))
        sequence_input, sequence_length = sequence_feature_layer(features)
        sequence_length_mask = sequence_mask(sequence_length)
        outputs, state = rnn_layer(sequence_input, mask=sequence_length_mask)
        # [/documented]
        yield Batch(features, sequence_input, sequence_length, sequence_length_mask, outputs, state)


def by_basket(serialized: list[bytes]) -> Ragged:
    """The second form of the products: [examples, baskets, items], a basket a time step."""
    sizes = io.RaggedFeature.RowLengths("basket_sizes")
    spec = {"products": io.RaggedFeature("int64", partitions=[sizes])}
    return io.parse_example(serialized, features=spec)["products"]
