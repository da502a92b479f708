"""The order of elements is tf.data's (tests/oracle/make_dataset.py)."""

import golden
import numpy as np
import pytest
import weft
from weft.io import TFRecordDataset, TFRecordWriter

FILE = golden.load("dataset.json")
SPEC = {"id": weft.io.FixedLenFeature([], weft.int64), "h": weft.io.VarLenFeature(weft.int64)}


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for k, size in enumerate(FILE["sizes"]):
        with TFRecordWriter(folder / f"f{k}") as writer:
            for i in range(100 * k, 100 * k + size):
                history = np.full(i % FILE["length"], i)
                writer.write(weft.io.encode_example({"id": [i], "h": history}))
    return [folder / f"f{k}" for k in range(len(FILE["sizes"]))]


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: case["name"])
def test_order(paths, case):
    dataset = TFRecordDataset(paths)
    batches = False
    for name, *arguments in case["steps"]:
        if name in ("batch", "bucket_by_length"):
            dataset, batches = dataset.parse(SPEC), True
        if name == "bucket_by_length":
            arguments = ["h", *arguments]
        dataset = getattr(dataset, name)(*arguments)
    if batches:
        found = [batch["id"].tolist() for batch in dataset]
    else:
        found = [int(weft.io.decode_example(record)["id"][0]) for record in dataset]
    assert found == case["result"]
