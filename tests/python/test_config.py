"""Version, threads, memory, errors and warnings: what belongs to the process."""

from __future__ import annotations

import pickle
import warnings

import pytest
import weft
from weft import errors
from weft.config import config


@pytest.fixture
def threads():
    before = weft.num_threads()
    yield
    weft.set_num_threads(before)


def test_threads(threads):
    weft.set_num_threads(3)
    assert weft.num_threads() == 3
    for wrong, error in (
        (0, ValueError),
        (-1, ValueError),
        (2.5, TypeError),
        ("2", TypeError),
        (True, TypeError),
    ):
        with pytest.raises(error, match="num_threads"):
            weft.set_num_threads(wrong)
    assert weft.num_threads() == 3


def test_config_tells_what_runs(capsys):
    found = config()
    assert found["version"] == weft.__version__
    assert found["instruction_set"] in ("plain", "v2", "v3", "v4")
    weft.show_config()
    shown = capsys.readouterr().out
    for word in (weft.__version__, found["compiler"], found["instruction_set"], "threads"):
        assert word in shown


def test_every_error_is_also_a_builtin():
    kinds = {
        errors.InvalidArgumentError: ValueError,
        errors.WrongTypeError: TypeError,
        errors.OutOfRangeError: ValueError,
        errors.CorruptDataError: ValueError,
        errors.LimitExceededError: ValueError,
        errors.MissingFileError: FileNotFoundError,
        errors.MissingKeyError: KeyError,
        errors.IoError: OSError,
    }
    for kind, builtin in kinds.items():
        assert issubclass(kind, builtin) and issubclass(kind, weft.Error)
        assert getattr(weft, kind.__name__) is kind
        error = kind("what happened", file="a.tfrecord", record=3, key="k", row=1, step=2, offset=9)
        assert str(error) == "what happened"
        for other in (error, pickle.loads(pickle.dumps(error))):
            assert str(other) == "what happened"
            assert (other.file, other.record, other.key) == ("a.tfrecord", 3, "k")
            assert (other.row, other.step, other.offset) == (1, 2, 9)
        assert kind("x").record is None


def test_what_the_library_throws_is_ours():
    with pytest.raises(weft.InvalidArgumentError):
        weft.set_num_threads(0)
    with pytest.raises(weft.WrongTypeError):
        weft.as_dtype(3)


def parse_with_a_typo(name):
    records = weft.io.encode_examples({"a": [[1]] * 1100})
    spec = {"a": weft.io.VarLenFeature(weft.int64), name: weft.io.VarLenFeature(weft.int64)}
    return weft.io.parse_example(records, spec)


def test_the_librarys_warnings_are_pythons():
    with pytest.warns(UserWarning, match="has the feature 'typo_1'"):
        parse_with_a_typo("typo_1")


def test_a_warning_that_is_an_error_reaches_the_caller():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="has the feature 'typo_2'"):
            parse_with_a_typo("typo_2")
