"""`tf.keras.layers` for sequences: feature and recurrent layers, poolings, Dense, Dropout."""

from weft.layers.attention import AttentionPooling
from weft.layers.bidirectional import Bidirectional
from weft.layers.cells import GRUCell, LSTMCell, SimpleRNNCell, StackedRNNCells
from weft.layers.dense import Dense
from weft.layers.dropout import Dropout
from weft.layers.feature import DenseFeatures, SequenceFeatures
from weft.layers.one_cell import GRU, LSTM, SimpleRNN
from weft.layers.pooling import GlobalAveragePooling1D, GlobalMaxPooling1D, Pooling
from weft.layers.recurrent import RNN
from weft.layers.sampled_softmax import SampledSoftmax

GlobalAvgPool1D, GlobalMaxPool1D = GlobalAveragePooling1D, GlobalMaxPooling1D  # Keras's, too

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AttentionPooling",
    "Bidirectional",
    "Dense",
    "DenseFeatures",
    "Dropout",
    "GRUCell",
    "GlobalAveragePooling1D",
    "GlobalAvgPool1D",
    "GlobalMaxPool1D",
    "GlobalMaxPooling1D",
    "LSTMCell",
    "Pooling",
    "SampledSoftmax",
    "SequenceFeatures",
    "SimpleRNN",
    "SimpleRNNCell",
    "StackedRNNCells",
]
