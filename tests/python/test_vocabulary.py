"""weft.vocabulary: lookup, files, counting."""

import collections
import copy
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import weft
from weft import io
from weft.vocabulary import Counter, Vocabulary, build


@pytest.fixture
def words():
    return Vocabulary(["a", b"b", "\u00fc"])


@pytest.fixture
def records(tmp_path):
    """Two files of Examples, and all the words in them."""
    rng = np.random.default_rng(1)
    every, paths = [], []
    for number in range(2):
        rows = [[b"w%d" % w for w in rng.zipf(1.5, rng.integers(0, 9)) % 50] for _ in range(300)]
        every += [word for row in rows for word in row]
        paths.append(tmp_path / f"{number}.tfrecord")
        with io.TFRecordWriter(paths[-1]) as writer:
            for record in io.encode_examples({"words": rows, "n": [[len(row)] for row in rows]}):
                writer.write(record)
    return paths, every


def ordered(values):
    counts = collections.Counter(values)
    return sorted(counts, key=lambda value: (-counts[value], value))


def test_lookup_keeps_the_shape(words):
    np.testing.assert_array_equal(words.lookup(["\u00fc", "z", b"a"]), [2, -1, 0])
    np.testing.assert_array_equal(words.lookup(np.array([["b"], ["a"]])), [[1], [0]])
    assert words.lookup([["b"], [], ["x", "a"]]).to_lists() == [[1], [], [-1, 0]]
    sparse = weft.SparseTensor([[0, 1], [2, 0]], [b"a", b"b"], [3, 4])
    found = words.lookup(sparse)
    assert found.indices.tolist() == [[0, 1], [2, 0]]
    assert found.values.tolist() == [0, 1]
    assert found.dense_shape.tolist() == [3, 4]
    assert words.lookup([]).size == 0


def test_parsed_strings_are_looked_up_as_they_are(words):
    records = io.encode_examples({"w": [["b"], ["z"]]})
    parsed = io.parse_example(records, {"w": io.FixedLenFeature((), weft.string)})["w"]
    assert words.lookup(parsed).tolist() == [1, -1]
    assert "_array" not in vars(parsed)  # no objects were made of them


def test_entries(words):
    assert words.entries().tolist() == [b"a", b"b", "\u00fc".encode()]
    assert list(words) == words.entries().tolist()
    assert (len(words), words[1], words.dtype) == (3, b"b", weft.string)
    assert words.counts() is None
    numbers = Vocabulary(np.array([5, -1], np.int16))
    assert numbers.entries().dtype == np.int64
    assert (numbers[1], numbers.dtype) == (-1, weft.int64)
    assert repr(numbers) == "<weft.vocabulary.Vocabulary of 2 entries, int64>"


def test_errors(words, tmp_path):
    with pytest.raises(
        weft.InvalidArgumentError, match='entry 1 .* "a", is there already: entry 0'
    ):
        Vocabulary(["a", "a"])
    with pytest.raises(TypeError, match="float"):
        Vocabulary([1.5])
    with pytest.raises(TypeError, match="in a vocabulary of strings must be strings, got int64"):
        words.lookup([1])
    with pytest.raises(ValueError, match="no id 3"):
        words[3]
    with pytest.raises(FileNotFoundError):
        Vocabulary.open(tmp_path / "none")
    with pytest.raises(TypeError, match="size"):
        Vocabulary.open(tmp_path / "none", size="3")


def test_files(words, tmp_path):
    path = tmp_path / "words.vocab"
    words.save(path)
    opened = Vocabulary.open(path, verify=True)
    assert list(opened) == list(words)
    assert list(Vocabulary.open(str(path), size=1)) == [b"a"]
    assert list(pickle.loads(pickle.dumps(opened))) == list(words)
    assert list(pickle.loads(pickle.dumps(words))) == list(words)
    opened.to_text(tmp_path / "words.txt")
    assert (tmp_path / "words.txt").read_text() == "a\nb\n\u00fc\n"
    data = bytearray(path.read_bytes())
    data[200] ^= 1
    (tmp_path / "damaged").write_bytes(data)
    with pytest.raises(weft.CorruptDataError, match="checksum"):
        Vocabulary.open(tmp_path / "damaged", verify=True)


def test_another_process_opens_the_same_file(words, tmp_path):
    words.save(tmp_path / "words")
    code = (
        "import sys, weft; v = weft.vocabulary.Vocabulary.open(sys.argv[1]); "
        "print(v.lookup(['b', 'x']).tolist())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "words")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[1, -1]\n"


def test_build_counts_files(records, tmp_path):
    paths, every = records
    made = build(paths, "words", output=tmp_path / "made")
    assert list(made) == ordered(every)
    assert made.counts().tolist() == sorted(collections.Counter(every).values(), reverse=True)
    assert list(Vocabulary.open(tmp_path / "made")) == list(made)
    assert Vocabulary.open(tmp_path / "made").counts().tolist() == made.counts().tolist()
    assert list(build(paths, "words", top_k=7)) == ordered(every)[:7]
    counts = collections.Counter(every)
    frequent = [word for word in ordered(every) if counts[word] >= 10]
    assert list(build(io.TFRecordDataset(paths), "words", min_count=10)) == frequent
    lengths = build(paths[0], "n")
    assert lengths.dtype == weft.int64
    assert lengths.counts().sum() == 300


def test_build_without_the_feature(records):
    paths, _ = records
    with pytest.raises(ValueError, match="has a feature 'other'"):
        build(paths, "other")
    with pytest.warns(UserWarning, match="other"):
        assert len(build(paths, "other", dtype="string")) == 0


@pytest.fixture
def sequences(tmp_path):
    """Two files of SequenceExamples; all their users, and all their items."""
    rng = np.random.default_rng(2)
    users, items, paths = [], [], []
    for number in range(2):
        paths.append(tmp_path / f"s{number}.tfrecord")
        with io.TFRecordWriter(paths[-1]) as writer:
            for _ in range(300):
                steps = [(rng.zipf(1.5, rng.integers(0, 4)) % 50).tolist() for _ in range(3)]
                users.append(b"u%d" % rng.integers(20))
                items += sum(steps, [])
                writer.write(
                    io.encode_sequence_example(
                        {"user": [users[-1]]}, {"items": weft.Ragged.from_lists(steps, "int64")}
                    )
                )
    return paths, users, items


def test_build_counts_sequence_examples(sequences, tmp_path):
    paths, users, items = sequences
    made = build(paths, sequence_feature="items", output=tmp_path / "items")
    assert list(made) == ordered(items)
    assert made.counts().sum() == len(items)
    assert list(build(paths, context_feature="user")) == ordered(users)
    dataset = io.TFRecordDataset(paths).batch(7)
    assert list(build(dataset, sequence_feature="items", dtype="int64")) == ordered(items)
    assert list(build(dataset, context_feature="user", top_k=3)) == ordered(users)[:3]
    # Workers count a part of the files each.
    total = Counter("int64")
    for number, path in enumerate(paths):
        build(path, sequence_feature="items", output=tmp_path / str(number))
        total.merge(tmp_path / str(number))
    assert list(total.build()) == list(made)
    assert total.build().counts().tolist() == made.counts().tolist()


def test_build_names_records_of_the_other_kind(records, sequences):
    examples, of_lists = records[0], sequences[0]
    for dtype in (None, "string"):
        with pytest.raises(weft.InvalidArgumentError, match="SequenceExample"):
            build(of_lists, "user", dtype=dtype)
        with pytest.raises(weft.InvalidArgumentError, match="Example"):
            build(examples, sequence_feature="words", dtype=dtype)
    with pytest.raises(ValueError, match="but a `sequence_feature` of this name"):
        build(of_lists, context_feature="items")
    with pytest.raises(ValueError, match="but a `context_feature` of this name, or a `key`"):
        build(of_lists, sequence_feature="user")
    with pytest.raises(ValueError, match="more than one feature.*key='a', sequence_feature='b'"):
        build(of_lists, "a", sequence_feature="b")


def test_a_feature_list_without_values_has_no_dtype(tmp_path):
    with io.TFRecordWriter(tmp_path / "f") as writer:
        writer.write(bytes.fromhex("12090a070a017712020a00"))  # one step, of no kind
        writer.write(io.encode_sequence_example({}, {"w": weft.Ragged.from_lists([[]], "string")}))
        writer.write(io.encode_sequence_example({}, {"w": [["b"], ["a", "b"]]}))
    assert list(build(tmp_path / "f", sequence_feature="w")) == [b"b", b"a"]


def test_build_from_values():
    assert list(build([["b", "a"], ["a"]])) == [b"a", b"b"]
    assert list(build(iter([np.array([3, 4, 4]), [5, 4]]))) == [4, 3, 5]
    assert list(build([])) == []


def test_workers_merge_what_they_counted(records, tmp_path):
    paths, every = records
    for number, path in enumerate(paths):
        counter = Counter()
        for features in io.TFRecordDataset(path).parse({"words": io.VarLenFeature(weft.string)}):
            counter.add(features["words"])
        counter.save(tmp_path / str(number))
    merged, again = Counter(), Counter()
    merged.merge(tmp_path / "0")
    merged.merge(Vocabulary.open(tmp_path / "1"))
    assert merged.total == len(every)
    assert list(merged.build(min_count=2)) == list(build(paths, "words", min_count=2))
    again.merge(merged)
    assert len(again) == len(merged) == len(set(every))
    with pytest.raises(ValueError, match="no counts"):
        again.merge(Vocabulary(["a"]))


def test_counting_is_bounded():
    counter = Counter("int64", max_bytes=100_000)
    with pytest.raises(weft.LimitExceededError, match="max_bytes"):
        counter.add(np.arange(100_000))
    with pytest.raises(TypeError, match="float32"):
        Counter("float32")


def test_command_line_for_sequence_examples(sequences, tmp_path):
    testing = pytest.importorskip("typer.testing")
    from weft.cli.app import app

    paths, users, items = map(list, sequences)
    for option, values in (("--sequence-feature", items), ("--context-feature", users)):
        name = "items" if values is items else "user"
        arguments = ["vocab", "build", *map(str, paths), option, name, "-o", str(tmp_path / name)]
        result = testing.CliRunner().invoke(app, arguments)
        assert "entries" in result.output, result.output
        assert list(Vocabulary.open(tmp_path / name)) == ordered(values)


def test_command_line(records, tmp_path):
    testing = pytest.importorskip("typer.testing")
    from weft.cli.app import app

    def run(*arguments):
        return testing.CliRunner().invoke(app, ["vocab", *map(str, arguments)])

    paths, every = records
    out = tmp_path / "words.vocab"
    assert "entries, string" in run("build", *paths, "--key", "words", "-o", out).output
    assert list(Vocabulary.open(out)) == ordered(every)
    run("build", *paths, "--key", "words", "-o", tmp_path / "t", "--text", "--top-k", 2)
    assert (tmp_path / "t").read_bytes() == b"".join(w + b"\n" for w in ordered(every)[:2])
    shown = run("show", out, "-n", 2).output.splitlines()
    assert shown[0].split()[:2] == ["0", ordered(every)[0].decode()]
    for wrong in ([], ["--key", "words", "--context-feature", "words"]):
        result = run("build", *paths, "-o", out, *wrong)
        assert result.exit_code == 2 and "give one of --key" in result.output
    assert run("check", out).exit_code == 0
    (tmp_path / "twice").write_text("a\na\n")
    result = run("check", out, tmp_path / "twice")
    assert result.exit_code == 1
    assert "repeats line 1" in result.output


def test_what_is_no_regular_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/zero", tmp_path, tmp_path / "pipe"):
        with pytest.raises(OSError, match="cannot open"):
            Vocabulary.open(path)
        with pytest.raises(OSError, match="cannot open"):
            weft.feature_column.categorical_column_with_vocabulary_file("a", path)


@pytest.mark.parametrize("values", [["b", "a", "b"], [7, -1, 7]])
def test_counts_are_pickled(values, tmp_path):
    counter = Counter("int64" if values[0] == 7 else "string")
    counter.add(values)
    made = counter.build(top_k=1)
    for again in (pickle.loads(pickle.dumps(made)), copy.deepcopy(made)):
        assert list(again) == list(made)
        assert again.dtype == made.dtype
        assert again.counts().tolist() == [2]
        again.save(tmp_path / "again")
        assert Vocabulary.open(tmp_path / "again", verify=True).counts().tolist() == [2]


def test_an_opened_vocabulary_is_pickled_from_any_folder(words, tmp_path, monkeypatch):
    words.save(tmp_path / "words")
    monkeypatch.chdir(tmp_path)
    data = [pickle.dumps(Vocabulary.open(path)) for path in ("words", b"words")]
    monkeypatch.chdir("/")
    for one in data:
        assert list(pickle.loads(one)) == list(words)


def test_contains(words):
    assert "a" in words and b"a" in words and "\u00fc" in words and np.str_("b") in words
    assert "z" not in words and 1 not in words and None not in words and ["a"] not in words
    numbers = Vocabulary([5, -1])
    assert 5 in numbers and np.int8(-1) in numbers
    assert 4 not in numbers and "5" not in numbers and 5.0 not in numbers and 2**70 not in numbers


def test_paths_and_verify(words, tmp_path):
    for use in (Vocabulary.open, words.save, words.to_text):
        with pytest.raises(weft.InvalidArgumentError, match="path is empty"):
            use("")
        for wrong in (None, 3):
            with pytest.raises(weft.errors.WrongTypeError, match="path"):
                use(wrong)
    words.save(tmp_path / "words")
    for verify in (1, None, np.True_):
        assert len(Vocabulary.open(tmp_path / "words", verify=verify)) == 3


def test_build_guesses_by_the_first_values():
    assert list(build([[["a"], ["b", "c"]], [["a"], []]])) == [b"a", b"b", b"c"]
    assert list(build([[[1], [2, 3]], weft.Ragged.from_lists([[3], []])])) == [3, 1, 2]
    assert list(build([[], [1, 2], [], [2]])) == [2, 1]
    assert list(build([[], ["b"], []])) == [b"b"]
    assert build([[], []]).dtype == weft.string
    assert build([[], []], dtype="int64").dtype == weft.int64
    for mixed in ([["a"], [1]], [[1], ["a"]], [[1.5]]):
        with pytest.raises(TypeError):
            build(mixed)
    for wrong in (3, "file", None):
        with pytest.raises(weft.errors.WrongTypeError, match="source.*without `key`"):
            build(wrong)


def test_build_says_what_it_takes(records):
    for flat in (["a", "b"], [1, 2], np.array([1, 2]), np.array(["a"]), {"a": ["b"]}):
        with pytest.raises(weft.errors.WrongTypeError, match=r"lists of values.*build\(\[values"):
            build(flat)
    for arguments in ({"key": 3}, {"sequence_feature": ["words"]}):
        with pytest.raises(weft.errors.WrongTypeError, match="must be the name of a feature"):
            build(records[0], **arguments)
    assert list(build(records[0], b"words")) == list(build(records[0], "words"))
    with pytest.raises(TypeError, match="strings, not int64: integers need one of dtype int64"):
        Counter().add([1])


@pytest.mark.parametrize("values", [["b", "a", "b"], [7, -1, 7], []])
def test_counters_are_pickled(values):
    counter = Counter("int64" if 7 in values else "string", max_bytes=1 << 20)
    counter.add(values)
    again = pickle.loads(pickle.dumps(counter))
    again.add(values)
    assert (again.total, len(again)) == (2 * counter.total, len(counter))
    assert list(again.build()) == list(counter.build())
    assert again.build().counts().tolist() == [2 * n for n in counter.build().counts()]
    with pytest.raises(weft.LimitExceededError):
        again.add(np.arange(100_000) if 7 in values else [str(i) for i in range(100_000)])


def test_build_from_batches(records):
    paths, every = records
    dataset = io.TFRecordDataset(paths)
    batched = dataset.batch(7)
    for dtype in (None, "string"):
        assert list(build(batched, "words", dtype=dtype)) == ordered(every)
        with pytest.raises(weft.InvalidArgumentError, match=r"`source`.*parsed already"):
            build(dataset.parse({"n": io.VarLenFeature(weft.int64)}), "words", dtype=dtype)
    assert len(next(iter(batched))) == 7  # still at its start
    parsed = dataset.parse({"words": io.VarLenFeature(weft.string)})
    assert list(build(batch["words"] for batch in parsed)) == ordered(every)


def test_floats_have_no_vocabulary(tmp_path):
    paths = io.write_tfrecords({"price": [1.5, 2.5]}, tmp_path / "f")
    with pytest.raises(weft.errors.WrongTypeError, match="'price' has floats") as caught:
        build(paths, "price")
    assert caught.value.key == "price"
