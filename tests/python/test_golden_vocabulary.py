"""Vocabulary files as TensorFlow reads them (tests/oracle/make_vocabulary.py)."""

import golden
import pytest
import weft
from weft import io
from weft.vocabulary import Vocabulary

CASES = golden.cases("vocabulary.json")
# TensorFlow reads a number up to the first NUL; here that is no number.
DIFFERENT = {"integers/nul"}
# An empty vocabulary can be opened; a column of one is refused by the column.
NO_ENTRIES = {"text/empty_file", "records/none"}


def written(case, tmp_path):
    path = tmp_path / "file"
    if "content" in case:
        path.write_bytes(bytes.fromhex(case["content"]))
        return path
    with io.TFRecordWriter(path, "GZIP") as writer:
        for record in case["records"]:
            writer.write(bytes.fromhex(record))
    return path


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_entries(case, tmp_path):
    path = written(case, tmp_path)
    options = {"size": case["size"], "dtype": case["dtype"]}
    if case["name"] in DIFFERENT:
        with pytest.raises(weft.InvalidArgumentError, match="no integer"):
            Vocabulary.open(path, **options)
    elif case["name"] in NO_ENTRIES:
        assert len(Vocabulary.open(path, **options)) == 0
    elif "error" in case["table"]:
        with pytest.raises(weft.InvalidArgumentError) as error:
            Vocabulary.open(path, **options)
        assert str(path) in str(error.value)
    else:
        want = golden.array(case["table"]["result"])
        golden.assert_same(Vocabulary.open(path, **options).entries(), want)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_count(case, tmp_path):
    count = weft._core.Vocabulary.count_entries(str(written(case, tmp_path)))
    assert count == case["count"].get("result", 0)
