"""The dtypes, named as TensorFlow's: `weft.int64`, `weft.string`, ...

They compare equal to numpy's dtypes and to their own names. Wherever a dtype is an argument,
numpy's dtypes and scalar types and Python's `str`, `bytes` (string), `int` (int64), `float`
(float32) and `bool` are taken too.
"""

from typing import Any

from weft import _core
from weft._core import DType

__all__ = [
    "DType",
    "as_dtype",
    "bool",
    "float16",
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "string",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]

bool: DType = _core.dtypes["bool"]
float16: DType = _core.dtypes["float16"]
float32: DType = _core.dtypes["float32"]
float64: DType = _core.dtypes["float64"]
int8: DType = _core.dtypes["int8"]
int16: DType = _core.dtypes["int16"]
int32: DType = _core.dtypes["int32"]
int64: DType = _core.dtypes["int64"]
string: DType = _core.dtypes["string"]
uint8: DType = _core.dtypes["uint8"]
uint16: DType = _core.dtypes["uint16"]
uint32: DType = _core.dtypes["uint32"]
uint64: DType = _core.dtypes["uint64"]


def as_dtype(value: Any) -> DType:
    """The dtype of a numpy dtype, a name or a Python type. Raises TypeError for anything else."""
    return _core.as_dtype(value)


def _restore(name: str) -> DType:
    return as_dtype(name)
