"""SequenceFeatures and DenseFeatures in two halves: features -> ids, ids and tables -> numbers."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from weft import layers
from weft.errors import InvalidArgumentError
from weft.feature_column.base import select
from weft.feature_column.embedding import EmbeddingColumn
from weft.feature_column.numeric import NumberColumn
from weft.feature_column.shared_embedding import SharedEmbeddingColumn
from weft.jax.parameters import Params, chosen, parameters_of
from weft.sequence import sequence_mask

__all__ = ["Bags", "DenseFeatures", "FeatureBatch", "SequenceFeatures"]

_NONE = np.iinfo(np.int32).max  # the id of a cell without one: outside of every table
_SMALLEST = 8  # bucket


class Bags(NamedTuple):
    """Ids of cells that may hold several: as many entries in each array, a power of two."""

    ids: Any
    """int32 [N]: the row, counted among those in the batch's `tables`; of an indicator the id."""
    cells: Any
    """int32 [N], rising: which row, or which step of the padded rows, reads it."""
    factors: Any
    """[N], of the layer's dtype: by what the combiner multiplies the row; 0 behind the last."""


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["tables", "blocks", "lengths", "mask"],
    meta_fields=["shape"],
)
@dataclasses.dataclass(frozen=True)
class FeatureBatch:
    """What a feature layer reads in one batch: a tree of numpy arrays that goes into jit."""

    tables: dict[str, Any]
    """By weight: which of its rows are read, int32, rising; behind the last the table's size."""
    blocks: list[Any]
    """Of the columns in their order: numbers [B, T, d] of neighbours; for a column of ids int32
    [B, T], where no cell holds several, or `Bags`."""
    lengths: Any
    """How many steps of each row are real: int32 [B]. None without steps."""
    mask: Any
    """True at real steps: bool [B, T]. None without steps."""
    shape: tuple[int, ...]
    """(B, T) or, without steps, (B,)."""


def bucket_of(n: int, buckets: Sequence[int] | None = None) -> int:
    """The smallest of `buckets` that holds n; of 8, 16, 32, ... if there are none."""
    if buckets is None:
        return max(_SMALLEST, 1 << max(n - 1, 0).bit_length())
    fitting = [bucket for bucket in buckets if bucket >= n]
    if not fitting:
        raise InvalidArgumentError(
            f"a sequence of {n} steps does not fit buckets={list(buckets)}; set max_length"
        )
    return min(fitting)


def _padded(array: np.ndarray, dtype: Any, fill: Any) -> np.ndarray:
    """The array [N] as long as its bucket."""
    made = np.full(bucket_of(len(array)), fill, dtype)
    made[: len(array)] = array
    return made


def _table_of(column: Any) -> str | None:
    """The name of the weight that the column reads."""
    if isinstance(column, SharedEmbeddingColumn):
        return column.shared_embedding_collection_name
    return f"{column.name}/embedding_weights" if isinstance(column, EmbeddingColumn) else None


def _limited(rows: jax.Array, max_norm: float | None) -> jax.Array:
    """Rows with a larger l2 norm scaled down to it."""
    if max_norm is None:
        return rows
    squared = jnp.sum(rows * rows, axis=-1, keepdims=True)
    longer = squared > max_norm * max_norm
    return jnp.where(longer, rows * (max_norm / jnp.sqrt(jnp.where(longer, squared, 1))), rows)


class _Features:
    """What both layers add to those of `weft.layers`."""

    def init(self) -> dict[str, jax.Array]:
        """The initial tables by name; the layer's seed and name decide them."""
        return parameters_of(self)

    def take(self, params: Params, batch: FeatureBatch) -> dict[str, jax.Array]:
        """The rows of the tables that the batch reads, [n, D] by name.

        Any arrays of the tables' names and shapes will do, an optimizer's moments for instance.
        """
        return {
            name: jnp.asarray(params[name]).at[ids].get(mode="fill", fill_value=0)
            for name, ids in batch.tables.items()
        }

    def put(self, params: Params, batch: FeatureBatch, rows: Params) -> dict[str, jax.Array]:
        """`params` with other rows where `take` has taken them."""
        changed = {
            name: jnp.asarray(params[name]).at[ids].set(rows[name], mode="drop")
            for name, ids in batch.tables.items()
        }
        return {**params, **changed}

    def combine(self, rows: Params, batch: FeatureBatch) -> Any:
        """What `apply` gives, made of the rows that `take` gives."""
        data = [
            self._read(columns[0], block, rows, batch.shape)
            for columns, block in zip(self._blocks, batch.blocks, strict=True)
        ]
        return jnp.concatenate(data, axis=-1)

    def _read(self, column: Any, block: Any, rows: Params, shape: tuple[int, ...]) -> jax.Array:
        """[B, T, d] or [B, d]: one block of the output."""
        if isinstance(column, NumberColumn):
            return jnp.asarray(block)
        table, cells, width = _table_of(column), math.prod(shape), math.prod(column.variable_shape)
        ids = block.ids if isinstance(block, Bags) else block
        if table is not None:
            read = _limited(rows[table], column.max_norm).at[ids].get(mode="fill", fill_value=0)
            if isinstance(block, Bags):
                read = jax.ops.segment_sum(
                    read * block.factors[:, None], block.cells, cells, indices_are_sorted=True
                )
        elif isinstance(block, Bags):
            read = jnp.zeros((cells, width), self.dtype.name)
            read = read.at[block.cells, ids].add(block.factors, mode="drop")
        else:
            read = jax.nn.one_hot(ids, width, dtype=self.dtype.name)
        return read.reshape(*shape, width)

    @functools.cached_property
    def _blocks(self) -> list[list[Any]]:
        """The columns, neighbours that hold numbers together."""
        made: list[list[Any]] = []
        for column in self._feature_columns:
            numbers = isinstance(column, NumberColumn)
            if numbers and made and isinstance(made[-1][0], NumberColumn):
                made[-1].append(column)
            else:
                made.append([column])
        return made

    def _batch(self, read: list[Any], shape: tuple[int, ...], added: int) -> dict[str, Any]:
        """The fields of a FeatureBatch of what the compiled layer's `lookups` gives.

        `shape` has `added` steps more than that.
        """
        left = self._options.get("pad") == "left"
        tables, places = self._tables(read)
        blocks: list[Any] = []
        for columns, block, ids in zip(self._blocks, read, places, strict=True):
            if isinstance(block, tuple):
                _, splits, _, factors = block
                cells = np.repeat(np.arange(len(splits) - 1), np.diff(splits))
                if added:
                    cells += (cells // (shape[1] - added) + left) * added
                blocks.append(_ids_block(ids, cells, factors, shape))
            elif added:
                blocks.append(_widened(columns, block, added, left))
            else:
                blocks.append(block)
        return {"tables": tables, "blocks": blocks, "shape": shape}

    def _tables(self, read: list[Any]) -> tuple[dict[str, np.ndarray], list[Any]]:
        """The rows that each table is read for; for each block its ids, counted among them."""
        names = [_table_of(columns[0]) for columns in self._blocks]
        ids = [block[2] if isinstance(block, tuple) else None for block in read]
        tables = {}
        for name in set(names) - {None}:
            at = [i for i, other in enumerate(names) if other == name]
            ends = np.cumsum([len(ids[i]) for i in at])[:-1]
            rows, where = np.unique(np.concatenate([ids[i] for i in at]), return_inverse=True)
            tables[name] = _padded(rows, np.int32, len(self.weights[name]))
            for i, part in zip(at, np.split(where, ends), strict=True):
                ids[i] = part
        return tables, ids


def _ids_block(
    ids: np.ndarray, cells: np.ndarray, factors: np.ndarray, shape: tuple[int, ...]
) -> Any:
    """Ids of cells as an array of `shape`, if none holds several, or as Bags."""
    if (cells[1:] != cells[:-1]).all() and (factors == 1).all():
        alone = np.full(math.prod(shape), _NONE, np.int32)
        alone[cells] = ids
        return alone.reshape(shape)
    return Bags(
        _padded(ids, np.int32, _NONE),
        _padded(cells, np.int32, math.prod(shape)),
        _padded(factors, factors.dtype, 0),
    )


def _widened(columns: list[Any], numbers: np.ndarray, added: int, left: bool) -> np.ndarray:
    """Numbers [B, T, d] of columns with `added` steps more."""
    padding = [np.full(math.prod(c.variable_shape), c.default_value) for c in columns]
    block = np.concatenate(padding).astype(numbers.dtype)
    block = np.broadcast_to(block, (len(numbers), added, len(block)))
    return np.concatenate([block, numbers] if left else [numbers, block], axis=1)


class SequenceFeatures(_Features, layers.SequenceFeatures):
    """As `weft.layers.SequenceFeatures`, with `ids`, `init` and `apply`."""

    def ids(
        self, features: Mapping[str, Any], buckets: Sequence[int] | None = None
    ) -> FeatureBatch:
        """What the layer reads in a batch, as arrays of few shapes; outside of jit.

        With pad_to="batch" T is the smallest of `buckets` that holds the longest row; without
        them of 8, 16, 32, ... The numbers of ids are padded to powers of two as well. B is the
        batch's. Raises ValueError as a call of the layer does, and for a row longer than the last
        of `buckets`.
        """
        pad, bucketed = self._options["pad"], self._options["pad_to"] == "batch"
        if buckets is not None and not bucketed:
            raise InvalidArgumentError("`buckets` is for layers with pad_to='batch'")
        (rows, steps), read, lengths = self._layer.lookups(select(features, self._keys))
        width = bucket_of(steps, buckets) if bucketed else steps
        fields = self._batch(read, (rows, width), width - steps)
        mask = sequence_mask(lengths, width, pad=pad)
        return FeatureBatch(**fields, lengths=lengths.astype(np.int32), mask=mask)

    def apply(self, params: Params, batch: FeatureBatch) -> tuple[jax.Array, jax.Array]:
        """The pair (data [B, T, D], lengths int32 [B]): a pure function, on any device.

        The mask is `batch.mask`. The gradient with regard to a table is dense; see `take`.
        """
        return self.combine(self.take(chosen(self, params), batch), batch)

    def combine(self, rows: Params, batch: FeatureBatch) -> tuple[jax.Array, jax.Array]:
        """What `apply` gives, made of the rows that `take` gives."""
        return super().combine(rows, batch), jnp.asarray(batch.lengths)


class DenseFeatures(_Features, layers.DenseFeatures):
    """As `weft.layers.DenseFeatures`, with `ids`, `init` and `apply`."""

    def ids(self, features: Mapping[str, Any]) -> FeatureBatch:
        """What the layer reads in a batch, as arrays of few shapes; outside of jit.

        The numbers of ids are padded to powers of two; B is the batch's. Raises ValueError as a
        call of the layer does.
        """
        shape, read = self._layer.lookups(select(features, self._keys))
        return FeatureBatch(**self._batch(read, shape, 0), lengths=None, mask=None)

    def apply(self, params: Params, batch: FeatureBatch) -> jax.Array:
        """The columns side by side, [B, D]: a pure function, on any device."""
        return self.combine(self.take(chosen(self, params), batch), batch)
