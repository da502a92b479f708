"""The dtypes, named as TensorFlow's: `weft.int64`, `weft.string`, ...

They compare equal to numpy's dtypes and to their own names. Wherever a dtype is an argument,
numpy's dtypes and scalar types and Python's `str`, `bytes` (string), `int` (int64), `float`
(float32) and `bool` are taken too.
"""

from weft._core import (
    DType,
    as_dtype,
    bool,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    string,
    uint8,
    uint16,
    uint32,
    uint64,
)

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


def _restore(name: str) -> DType:
    return as_dtype(name)
