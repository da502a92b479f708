"""Gradients of tables: `IndexedSlices`, the rows that a batch touched."""

from weft._core import IndexedSlices

__all__ = ["IndexedSlices"]
