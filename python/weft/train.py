"""`tf.train`'s classes for building Examples, enough to write records with.

`Example(features=Features(feature={...})).SerializeToString()` gives the bytes that
`weft.io.encode_example` makes of the same values; that function is the shorter way.
"""

from collections.abc import Iterable, Mapping

import numpy as np

from weft.errors import InvalidArgumentError, WrongTypeError

__all__ = ["BytesList", "Example", "Feature", "Features", "FloatList", "Int64List"]


class _List:
    """A list of one kind; `value` is the array that holds it."""

    value: np.ndarray

    def __repr__(self) -> str:
        return f"{type(self).__name__}(value={self.value.tolist()})"

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self.value.tolist() == other.value.tolist()

    __hash__ = None


class BytesList(_List):
    """A list of bytes."""

    def __init__(self, value: Iterable[bytes] = ()):
        values = list(value)
        for item in values:
            if not isinstance(item, bytes):
                raise WrongTypeError(
                    f"BytesList takes bytes, got {type(item).__name__}; encode text first"
                )
        self.value = np.empty(len(values), dtype=object)
        self.value[:] = values


class FloatList(_List):
    """A list of float32."""

    def __init__(self, value: Iterable[float] = ()):
        values = np.asarray(value if isinstance(value, np.ndarray) else list(value))
        if values.size and values.dtype.kind not in "fiu":
            raise WrongTypeError(f"FloatList takes numbers, got {values.dtype}")
        self.value = values.astype(np.float32).reshape(-1)


class Int64List(_List):
    """A list of int64."""

    def __init__(self, value: Iterable[int] = ()):
        values = np.asarray(value if isinstance(value, np.ndarray) else list(value))
        if values.size and values.dtype.kind not in "iub":
            raise WrongTypeError(f"Int64List takes integers, got {values.dtype}")
        if values.size and values.dtype == np.uint64 and values.max() > np.iinfo(np.int64).max:
            raise InvalidArgumentError(f"Int64List: {values.max()} is above 2^63 - 1")
        self.value = values.astype(np.int64).reshape(-1)


class Feature:
    """One list of one kind."""

    def __init__(
        self,
        bytes_list: BytesList | None = None,
        float_list: FloatList | None = None,
        int64_list: Int64List | None = None,
    ):
        given = [kind for kind in (bytes_list, float_list, int64_list) if kind is not None]
        if len(given) != 1:
            raise InvalidArgumentError(
                "a Feature needs one of bytes_list, float_list and int64_list; "
                f"got {len(given)}. Leave a missing feature out of the dict"
            )
        self.bytes_list = bytes_list
        self.float_list = float_list
        self.int64_list = int64_list

    @property
    def value(self) -> np.ndarray:
        """The values, whatever their kind."""
        kinds = (self.bytes_list, self.float_list, self.int64_list)
        return next(kind for kind in kinds if kind is not None).value


class Features:
    """Features by name."""

    def __init__(self, feature: Mapping[str, Feature] | None = None):
        self.feature = dict(feature or {})


class Example:
    """A record: features by name."""

    def __init__(self, features: Features | None = None):
        self.features = features

    def SerializeToString(self, deterministic: bool = True) -> bytes:  # noqa: N802
        """The record's bytes, keys in byte order, as `weft.io.encode_example` writes them."""
        from weft.io import encode_example

        if self.features is None:
            return b""
        return encode_example({key: f.value for key, f in self.features.feature.items()})
