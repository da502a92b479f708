"""Tables on a device: weft says which ids are looked up, torch looks them up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F

from weft.feature_column.base import DenseColumn
from weft.feature_column.embedding import EmbeddingColumn
from weft.feature_column.shared_embedding import SharedEmbeddingColumn


def side_by_side(
    shape: Sequence[int],
    blocks: Sequence[Any],
    columns: Sequence[DenseColumn],
    tables: Mapping[str, torch.nn.Embedding],
    place: torch.Tensor,
) -> torch.Tensor:
    """What a feature layer gives, [*shape, D], of its `lookups`: `blocks` as `columns` stand.

    A block is an array, of neighbouring columns, or of one column (width, splits, ids, counts).
    """
    parts, at = [], 0
    for block in blocks:
        if not isinstance(block, tuple):
            parts.append(torch.from_numpy(block).to(place.device))
            at = _behind(columns, at, block.shape[-1])
            continue
        width, *bags = block
        splits, ids, counts = (torch.from_numpy(a).to(place.device) for a in bags)
        column = columns[at]
        at += 1
        if isinstance(column, EmbeddingColumn):
            table = tables[_table_name(column)]
            part = _looked_up(table, splits, ids, counts, column.max_norm)
        else:
            part = torch.zeros(len(splits) - 1, width, dtype=place.dtype, device=place.device)
            cells = torch.repeat_interleave(splits.diff(), output_size=len(ids))
            part[cells, ids] = counts
        parts.append(part.reshape(*shape, part.shape[-1]))
    return torch.cat(parts, dim=-1)


def _looked_up(
    table: torch.nn.Embedding,
    splits: torch.Tensor,
    ids: torch.Tensor,
    factors: torch.Tensor,
    max_norm: float | None,
) -> torch.Tensor:
    """For each bag of ids the sum of their rows times `factors`: [bags, dimension]."""
    rows, sparse = table.weight, table.sparse
    if max_norm is not None:
        read, ids = torch.unique(ids, return_inverse=True)
        rows, sparse = F.embedding(read, rows, sparse=sparse), False
        norms = torch.linalg.vector_norm(rows, dim=1, keepdim=True)
        rows = torch.where(norms > max_norm, rows * (max_norm / norms), rows)
    if len(rows) == 0:  # nothing is looked up
        return factors.new_zeros(len(splits) - 1, rows.shape[1])
    return F.embedding_bag(
        ids,
        rows,
        splits,
        mode="sum",
        sparse=sparse,
        per_sample_weights=factors,
        include_last_offset=True,
    )


def _table_name(column: EmbeddingColumn) -> str:
    if isinstance(column, SharedEmbeddingColumn):
        return column.shared_embedding_collection_name
    return f"{column.name}/embedding_weights"


def _behind(columns: Sequence[DenseColumn], at: int, width: int) -> int:
    """The column behind those from `at` on that are `width` wide together."""
    while width > 0:
        width -= int(torch.Size(columns[at].variable_shape).numel())
        at += 1
    return at
