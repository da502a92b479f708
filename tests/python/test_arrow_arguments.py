"""What weft.arrow refuses, without pyarrow."""

from __future__ import annotations

import numpy as np
import pytest
import weft
from weft import arrow

BATCH = {"a": [1, 2], "b": [[3], []]}


def test_columns():
    given = arrow.to_arrow(BATCH)
    for columns in (["a"], ("a",), iter(["a"]), [b"a"]):
        assert list(arrow.from_arrow(given, columns)) == ["a"]
        assert [list(batch) for batch in arrow.batches(given, ["a"])] == [["a"]]
    assert list(arrow.from_arrow(given)) == ["a", "b"]


@pytest.mark.parametrize("given", [arrow.to_arrow(BATCH), arrow.to_arrow([BATCH, BATCH])])
def test_missing_columns(given):
    for read in (arrow.from_arrow, lambda *arguments: list(arrow.batches(*arguments))):
        with pytest.raises(weft.errors.MissingKeyError, match="no column 'missing'") as caught:
            read(given, ["a", "missing"])
        assert isinstance(caught.value, KeyError)
        assert caught.value.key == "missing"


@pytest.mark.parametrize("wrong", [3, "a", b"a", [3], [None]])
def test_columns_are_names(wrong):
    for read in (arrow.from_arrow, lambda *arguments: list(arrow.batches(*arguments))):
        with pytest.raises(
            weft.errors.WrongTypeError,
            match="'columns' must be (str or bytes|a list of names), got",
        ):
            read(arrow.to_arrow(BATCH), wrong)


def test_what_is_no_batch():
    records = weft.io.encode_examples({"s": ["x", "y"]})
    strings = weft.io.parse_example(records, {"s": weft.io.FixedLenFeature([], "string")})["s"]
    for wrong in ("ab", b"ab", np.ones(3), strings, 3, None):
        with pytest.raises(weft.errors.WrongTypeError, match=".features. must be a (batch|dict)"):
            arrow.to_arrow(wrong)


def test_one_feature_is_no_batch():
    ragged = weft.Ragged.from_lists([[1], []])
    for wrong in (ragged, ragged.to_sparse()):
        with pytest.raises(weft.errors.WrongTypeError, match="whatever takes Arrow takes it"):
            arrow.to_arrow(wrong)
    assert arrow.from_arrow(ragged).to_lists() == [[1], []]
    with pytest.raises(weft.errors.InvalidArgumentError, match="`obj` is a single column"):
        arrow.from_arrow(ragged, columns=["a"])


def test_unequal_rows_are_seen_on_export():
    made = arrow.to_arrow({"a": [1, 2], "b": [3]})
    with pytest.raises(ValueError, match="rows"):
        made.__arrow_c_array__()
