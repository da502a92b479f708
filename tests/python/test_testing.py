"""weft.testing without TensorFlow: what a comparison says of itself."""

import pytest
import weft
from weft.testing import ColumnComparison, Comparison, compare_with_tensorflow


def test_nothing_compared_is_not_equal():
    assert not Comparison([]).equal
    assert not Comparison([ColumnComparison("a")]).equal
    assert not Comparison([ColumnComparison("a", note="not in TensorFlow")]).equal


def test_what_is_equal():
    good = ColumnComparison("a", rows=3, largest_difference=1e-6, largest_value=1.0)
    noted = ColumnComparison("b", note="TensorFlow has no such column")
    assert Comparison([good, noted]).equal
    assert str(Comparison([good, noted])).splitlines() == [
        "a: equal (3 rows, largest difference 1e-06)",
        "b: TensorFlow has no such column",
    ]
    far = ColumnComparison(
        "c", rows=3, largest_difference=1e-3, largest_value=1.0, first="in record 2"
    )
    assert not Comparison([good, far]).equal
    assert "c: DIFFERENT" in str(Comparison([far]))
    lengths = ColumnComparison("d", rows=3, lengths_differ=1)
    assert not lengths.equal


@pytest.mark.parametrize("columns", [3, "a", None, ["a"], {"a": 1}])
def test_columns_are_columns(columns):
    with pytest.raises(weft.InvalidArgumentError, match="feature columns? is expected"):
        compare_with_tensorflow(columns, "a.tfrecord")
