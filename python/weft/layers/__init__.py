"""`tf.keras.layers` for sequences: feature layers, cells, recurrent layers, Dense."""

from weft.layers.dense import Dense
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
    "Dense",
    "DenseFeatures",
    "GRUCell",
    "LSTMCell",
    "SequenceFeatures",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
]
