"""`tf.keras.layers` for sequences: feature layers, cells, recurrent layers."""

from weft.layers.feature import DenseFeatures, SequenceFeatures
from weft.layers.recurrent import (
    GRU,
    LSTM,
    RNN,
    GRUCell,
    LSTMCell,
    SimpleRNN,
    SimpleRNNCell,
    StackedRNNCells,
)

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "DenseFeatures",
    "GRUCell",
    "LSTMCell",
    "SequenceFeatures",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
]
