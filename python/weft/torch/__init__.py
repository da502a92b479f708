"""For PyTorch: weft's layers as modules with autograd, its batches as torch's, its datasets."""

from weft.torch.bidirectional import Bidirectional
from weft.torch.dataset import IterableDataset
from weft.torch.dense import Dense
from weft.torch.feature import DenseFeatures, SequenceFeatures, SequencePair
from weft.torch.jagged import from_jagged, to_jagged, to_keyed_jagged_tensor
from weft.torch.recurrent import (
    GRU,
    LSTM,
    RNN,
    GRUCell,
    LSTMCell,
    SimpleRNN,
    SimpleRNNCell,
)

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Bidirectional",
    "Dense",
    "DenseFeatures",
    "GRUCell",
    "IterableDataset",
    "LSTMCell",
    "SequenceFeatures",
    "SequencePair",
    "SimpleRNN",
    "SimpleRNNCell",
    "from_jagged",
    "to_jagged",
    "to_keyed_jagged_tensor",
]
