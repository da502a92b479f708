"""For JAX: weft's layers as pure functions of a tree of parameters.

`params = layer.init(...)` gives a dict of arrays under weft's names; `layer.apply(params, ...)` is
a function that jit, grad and vmap take. Strings and ragged rows stay outside: a feature layer's
`ids(features)` makes arrays of few, static shapes of them. Lookups, poolings and Dense are JAX's
operations, on any device; recurrent layers run weft's kernels on the CPU, in callbacks.
"""

from weft.jax.dense import Dense
from weft.jax.features import Bags, DenseFeatures, FeatureBatch, SequenceFeatures
from weft.jax.pooling import (
    AttentionPooling,
    GlobalAveragePooling1D,
    GlobalMaxPooling1D,
    Pooling,
)
from weft.jax.recurrent import GRU, LSTM, RNN, Bidirectional, SimpleRNN

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "AttentionPooling",
    "Bags",
    "Bidirectional",
    "Dense",
    "DenseFeatures",
    "FeatureBatch",
    "GlobalAveragePooling1D",
    "GlobalMaxPooling1D",
    "Pooling",
    "SequenceFeatures",
    "SimpleRNN",
]
