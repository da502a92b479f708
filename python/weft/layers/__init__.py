"""`tf.keras.layers` for sequences: feature layers, cells, recurrent layers, Dense, Dropout."""

from weft.layers.cells import GRUCell, LSTMCell, SimpleRNNCell, StackedRNNCells
from weft.layers.dense import Dense
from weft.layers.dropout import Dropout
from weft.layers.feature import DenseFeatures, SequenceFeatures
from weft.layers.one_cell import GRU, LSTM, SimpleRNN
from weft.layers.recurrent import RNN

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Dense",
    "DenseFeatures",
    "Dropout",
    "GRUCell",
    "LSTMCell",
    "SequenceFeatures",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
]
