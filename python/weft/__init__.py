"""From TFRecord files to sequence model inputs, without TensorFlow.

TensorFlow's names and paths: `import weft as tf` runs code that uses tf.feature_column, tf.io,
tf.keras.layers and tf.data.TFRecordDataset for sequence features.
"""

from weft import (
    activations,
    arrow,
    callbacks,
    compat,
    config,
    data,
    dtypes,
    errors,
    feature_column,
    initializers,
    io,
    keras,
    layers,
    losses,
    metrics,
    normalizers,
    optimizers,
    ragged,
    testing,
    train,
    vocabulary,
)
from weft._core import __version__
from weft.config import Limits, num_threads, set_num_threads, show_config, trim
from weft.dtypes import *  # noqa: F403
from weft.errors import *  # noqa: F403
from weft.explanation import explain
from weft.gradient import IndexedSlices
from weft.layers.sequential import Sequential
from weft.model import Model
from weft.ragged import Ragged, SparseTensor
from weft.sequence import fingerprint64, lookup, lookup_backward, sequence_mask

RaggedTensor = Ragged  # TensorFlow's name

__all__ = [
    *dtypes.__all__,
    *errors.__all__,
    "IndexedSlices",
    "Limits",
    "Model",
    "Ragged",
    "RaggedTensor",
    "Sequential",
    "SparseTensor",
    "__version__",
    "activations",
    "arrow",
    "callbacks",
    "compat",
    "config",
    "data",
    "dtypes",
    "errors",
    "explain",
    "feature_column",
    "fingerprint64",
    "initializers",
    "io",
    "keras",
    "layers",
    "lookup",
    "lookup_backward",
    "losses",
    "metrics",
    "normalizers",
    "num_threads",
    "optimizers",
    "ragged",
    "sequence_mask",
    "set_num_threads",
    "show_config",
    "testing",
    "train",
    "trim",
    "vocabulary",
]
