"""`import weft` is light, and `import weft as tf` finds TensorFlow's paths."""

from __future__ import annotations

import subprocess
import sys

GUESTS = {
    *("torch", "tensorflow", "jax", "pandas", "pyarrow", "ray", "pyspark", "google", "polars"),
    *("rich", "typer", "click", "tqdm", "matplotlib", "asyncio", "multiprocessing", "unittest"),
}


def modules_after(code: str) -> set[str]:
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )
    return set(run.stdout.split())


def test_import_loads_little_beyond_numpy():
    loaded = modules_after("import weft") - modules_after("import numpy")
    assert not {name.split(".")[0] for name in loaded} & GUESTS
    others = {name for name in loaded if name.split(".")[0] not in ("weft", "nanobind_backend")}
    assert len(others) < 60, sorted(others)


def test_tensorflows_paths_are_there():
    import weft as tf

    column = tf.feature_column.sequence_categorical_column_with_identity("a", 3)
    assert tf.compat.v1.feature_column.sequence_categorical_column_with_identity("a", 3) == column
    assert tf.keras.experimental.SequenceFeatures is tf.layers.SequenceFeatures
    assert tf.keras.layers.GRU is tf.layers.GRU
    assert tf.keras.initializers.Zeros is tf.initializers.Zeros
    assert tf.keras.activations.tanh is tf.activations.tanh
    assert tf.data.TFRecordDataset is tf.io.TFRecordDataset
    assert tf.RaggedTensor is tf.Ragged
    assert tf.ragged.constant([[1], []]) == tf.Ragged.from_lists([[1], []])
    assert tf.string.name == "string"


def test_everything_promised_is_there():
    import weft

    for module in (weft, weft.io, weft.layers, weft.feature_column, weft.keras, weft.train):
        assert not [name for name in module.__all__ if not hasattr(module, name)]


def test_modules_import_by_their_full_names():
    code = """
import weft.keras.layers, weft.compat.v1, weft.data
from weft.keras.layers import GRUCell, SequenceFeatures
from weft.keras.experimental import SequenceFeatures
from weft.keras.initializers import GlorotUniform
from weft.feature_column import *
"""
    assert "weft.keras.layers" in modules_after(code)
