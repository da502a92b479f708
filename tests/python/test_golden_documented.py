"""The documented example, verbatim, on a file that TensorFlow wrote (make_documented.py)."""

import golden
import numpy as np
import pytest
import weft

(CASE,) = golden.cases("documented.json")
WEIGHTS = {k: golden.array(v) for k, v in CASE["weights"].items()}
HIDDEN = CASE["hidden_size"]

# The lines of TensorFlow's documentation, as its page writes them.
PAGE = """
watches = sequence_categorical_column_with_identity(
    'watches', num_buckets=1000)
watches_embedding = embedding_column(watches, dimension=10)
columns = [watches_embedding]

features = tf.io.parse_example(..., features=make_parse_example_spec(columns))
sequence_feature_layer = SequenceFeatures(columns)
sequence_input, sequence_length = sequence_feature_layer(features)
sequence_length_mask = tf.sequence_mask(sequence_length)

rnn_cell = tf.keras.layers.SimpleRNNCell(hidden_size)
rnn_layer = tf.keras.layers.RNN(rnn_cell)
outputs, state = rnn_layer(sequence_input, mask=sequence_length_mask)
""".replace("...", "serialized")
# The same with weft's own names.
OWN = PAGE.replace("tf.keras.", "").replace("tf.", "")
# The layers have their weights only after the first call: run twice, weights given between.
AGAIN = PAGE[PAGE.index("sequence_input, ") : PAGE.index("rnn_cell = ")] + PAGE.splitlines()[-1]


def serialized(suffix="", compression=""):
    path = golden.FOLDER / f"documented.tfrecord{suffix}"
    return list(weft.io.TFRecordDataset([str(path)], compression_type=compression))


def names(records):
    return {
        "serialized": records,
        "hidden_size": HIDDEN,
        "tf": weft,
        "io": weft.io,
        "layers": weft.layers,
        "sequence_mask": weft.sequence_mask,
        "SequenceFeatures": weft.keras.experimental.SequenceFeatures,
        **{
            name: getattr(weft.feature_column, name)
            for name in (
                "sequence_categorical_column_with_identity",
                "embedding_column",
                "make_parse_example_spec",
            )
        },
    }


def run(text, records):
    scope = names(records)
    exec(text, scope)
    scope["sequence_feature_layer"].set_weights([WEIGHTS["watches_embedding"]])
    given = [WEIGHTS[k] for k in ("kernel", "recurrent_kernel", "bias")]
    scope["rnn_layer"].set_weights(given)
    exec(AGAIN, scope)
    return scope


def check(scope):
    want = {k: golden.array(v) for k, v in CASE["float32"].items() if golden.is_array(v)}
    golden.assert_same(scope["sequence_input"], want["sequence_input"])
    golden.assert_same(scope["sequence_length"], want["sequence_length"])
    golden.assert_same(scope["sequence_length_mask"], want["sequence_length_mask"])
    for name in ("outputs", "state"):
        reference = golden.array(CASE["float64"][name])
        error = float(np.max(np.abs(want[name] - reference)))
        golden.assert_close(scope[name], reference, error)
    golden.assert_feature(scope["features"]["watches"], CASE["float32"]["features"]["watches"])


@pytest.mark.parametrize("text", [PAGE, OWN], ids=["as the page writes it", "weft's names"])
def test_documented_example(text):
    check(run(text, serialized()))


@pytest.mark.parametrize("suffix,compression", [(".gz", "GZIP"), (".zlib", "ZLIB")])
def test_documented_example_compressed(suffix, compression):
    check(run(PAGE, serialized(suffix, compression)))


def test_batch_of_two_is_not_unpacked():
    """In TensorFlow `outputs, state` are the two rows of this batch."""
    scope = run(PAGE, serialized()[1:3])
    assert scope["outputs"].shape == scope["state"].shape == (2, HIDDEN)


def test_all_empty_batch():
    """In TensorFlow this batch fails."""
    records = serialized()
    scope = run(PAGE, [records[0], records[7]])
    assert scope["sequence_input"].shape == (2, 0, CASE["dimension"])
    assert not scope["outputs"].any()
    assert not scope["state"].any()


def test_a_row_alone_scores_the_same():
    records = serialized()
    together = run(PAGE, records)["state"]
    for i in (1, 5, 7, 23):
        golden.assert_same(run(PAGE, [records[i]])["state"][0], together[i])


def test_text_for_cpp_holds_the_same_numbers():
    lines = iter((golden.FOLDER / "documented.txt").read_text().splitlines())
    seen = {}
    for head in lines:
        name, rows, columns = head.split()
        block = [np.array(next(lines).split(), np.float64) for _ in range(int(rows))]
        seen[name] = np.array(block)
        assert seen[name].shape == (int(rows), int(columns))
    for name, want in WEIGHTS.items():
        np.testing.assert_array_equal(np.atleast_2d(want), seen[name])
    for name in ("outputs", "state"):
        golden.assert_close(seen[name], golden.array(CASE["float64"][name]))
