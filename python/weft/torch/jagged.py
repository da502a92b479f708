"""Ragged batches as torch's: nested jagged tensors, torchrec's KeyedJaggedTensor."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch

from weft.errors import InvalidArgumentError, WrongTypeError
from weft.ragged import Ragged

__all__ = ["from_jagged", "to_jagged", "to_keyed_jagged_tensor"]


def _checked(ragged: Any, what: str) -> Ragged:
    if not isinstance(ragged, Ragged):
        raise WrongTypeError(f"{what} must be a weft.Ragged, got {type(ragged).__name__}")
    if ragged.ragged_rank != 1 or ragged.dtype.name == "string":
        raise InvalidArgumentError(
            f"{what} must have one ragged dimension and numbers, got {ragged.shape} of "
            f"{ragged.dtype.name}"
        )
    return ragged


def _tensor(values: np.ndarray) -> torch.Tensor:
    with warnings.catch_warnings():  # of memory that may only be read
        warnings.simplefilter("ignore", UserWarning)
        return torch.from_numpy(values)


def to_jagged(ragged: Ragged) -> torch.Tensor:
    """A nested tensor of layout torch.jagged, [B, j, ...], over the memory of `ragged`.

    The values must not be written to while the Ragged is in use. Raises ValueError for several
    ragged dimensions and for strings, TypeError for anything but a Ragged.
    """
    ragged = _checked(ragged, "`ragged`")
    offsets = torch.from_numpy(ragged.row_splits.copy())  # which nobody else may write to
    return torch.nested.nested_tensor_from_jagged(_tensor(ragged.flat_values), offsets)


def from_jagged(jagged: torch.Tensor) -> Ragged:
    """A Ragged over the memory of a nested tensor of layout torch.jagged, on the CPU.

    Raises ValueError if its offsets do not rise from 0 to the number of values, which torch does
    not check, and for one with gaps or transposed; TypeError for anything else.
    """
    if not isinstance(jagged, torch.Tensor) or not jagged.is_nested:
        raise WrongTypeError(f"expected a nested tensor, got {type(jagged).__name__}")
    if jagged.layout != torch.jagged:
        raise InvalidArgumentError("of nested tensors only those of layout torch.jagged are taken")
    if jagged.lengths() is not None or jagged._ragged_idx != 1:
        raise InvalidArgumentError("a jagged tensor with gaps, or a transposed one, is not taken")
    return Ragged.from_row_splits(jagged.values().detach().numpy(), jagged.offsets().numpy())


def to_keyed_jagged_tensor(features: Mapping[str, Any], keys: Iterable[str] | None = None) -> Any:
    """The ragged features of a batch as torchrec's KeyedJaggedTensor, key after key.

    `features` maps names to Raggeds of ids, of as many rows each and one dtype, among others if
    `keys` says which. Of one key it shares the memory. Raises ImportError without torchrec,
    ValueError for features that do not go together, KeyError for one that is not there.
    """
    from torchrec.sparse.jagged_tensor import KeyedJaggedTensor

    wanted = list(features if keys is None else keys)
    rows = [_checked(features[key], f"feature {key!r}") for key in wanted]
    if not rows:
        raise InvalidArgumentError("a KeyedJaggedTensor needs at least one feature")
    for key, ragged in zip(wanted, rows, strict=True):
        for what, first, own in (
            ("rows", len(rows[0]), len(ragged)),
            ("dtype", rows[0].dtype.name, ragged.dtype.name),
        ):
            if first != own:
                raise InvalidArgumentError(
                    f"features {wanted[0]!r} and {key!r} differ in {what}: {first} and {own}"
                )
    values = [ragged.flat_values for ragged in rows]
    lengths = np.concatenate([ragged.row_lengths() for ragged in rows])
    return KeyedJaggedTensor.from_lengths_sync(
        keys=wanted,
        values=_tensor(values[0] if len(values) == 1 else np.concatenate(values)),
        lengths=torch.from_numpy(lengths),
    )
