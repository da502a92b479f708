"""From TFRecord files to sequence model inputs, without TensorFlow.

TensorFlow's names and paths: `import weft as tf` runs code that uses tf.feature_column, tf.io,
tf.keras.layers and tf.data.TFRecordDataset for sequence features.
"""

import contextlib

from weft import errors
from weft._core import __version__
from weft.config import num_threads, set_num_threads, show_config, trim
from weft.dtypes import *  # noqa: F403
from weft.errors import *  # noqa: F403
from weft.ragged import Ragged, SparseTensor

RaggedTensor = Ragged  # TensorFlow's name

with contextlib.suppress(ImportError, AttributeError):
    from weft import activations, initializers
with contextlib.suppress(ImportError, AttributeError):
    from weft import feature_column
with contextlib.suppress(ImportError, AttributeError):
    from weft import io
with contextlib.suppress(ImportError, AttributeError):
    from weft import layers
with contextlib.suppress(ImportError, AttributeError):
    from weft.sequence import fingerprint64, sequence_mask
with contextlib.suppress(ImportError, AttributeError):
    from weft import compat, data, keras, train
