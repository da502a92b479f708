"""weft, as a user calls it from Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import inputs
import numpy as np
import weft
from wire import read_records

from peers import Case, batches, column, joined, record_batch, strings, unordered

DISTRIBUTIONS = ["weft", "numpy"]
DTYPES = {"int64": weft.int64, "float": weft.float32, "string": weft.string}


def set_threads(threads: int) -> None:
    weft.set_num_threads(threads)


# --- parse ----------------------------------------------------------------------------------------


def parse_spec(workload: dict[str, Any], history: Callable[..., Any]) -> dict[str, Any]:
    return {
        key: history(DTYPES[group["dtype"]])
        if "lengths" in group
        else weft.io.FixedLenFeature((), DTYPES[group["dtype"]])
        for key, group in inputs.feature_names(workload)
    }


def parsed_columns(parsed: dict[str, Any]) -> dict[str, np.ndarray]:
    out = {}
    for key, value in parsed.items():
        if isinstance(value, weft.SparseTensor):
            lengths = np.bincount(value.indices[:, 0], minlength=int(value.dense_shape[0]))
            out |= column(key, value.values, lengths)
        elif isinstance(value, weft.Ragged):
            out |= column(key, value.flat_values, np.diff(value.row_splits))
        else:
            out |= column(key, value)
    return out


def parse(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    file, size = path / "records.tfrecord", workload["batch"]

    def case(serialized: list[Any], spec: dict[str, Any]) -> Case:
        def run() -> None:
            for batch in serialized:
                weft.io.parse_example(batch, spec)

        return Case(
            run,
            lambda: joined([parsed_columns(weft.io.parse_example(b, spec)) for b in serialized]),
        )

    varlen = parse_spec(workload, weft.io.VarLenFeature)
    lists = batches(read_records(file), size)
    cases = {"list of bytes": case(lists, varlen)}
    cases["batches of TFRecordDataset"] = case(
        list(weft.io.TFRecordDataset(str(file)).batch(size)), varlen
    )
    if any("lengths" in group for group in workload["features"]):
        cases["RaggedFeature, list of bytes"] = case(
            lists, parse_spec(workload, weft.io.RaggedFeature)
        )
    return cases


def parse_sequence(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    serialized = batches(read_records(path / "records.tfrecord"), workload["batch"])

    def case(history: Callable[..., Any]) -> Case:
        spec = parse_spec(workload, history)
        lists = {key for key, group in inputs.feature_names(workload) if "lengths" in group}
        specs = [{k: v for k, v in spec.items() if (k in lists) == inside} for inside in (0, 1)]

        def run() -> None:
            for batch in serialized:
                weft.io.parse_sequence_example(batch, *specs)

        def result() -> dict[str, np.ndarray]:
            parsed = (weft.io.parse_sequence_example(batch, *specs) for batch in serialized)
            return joined([parsed_columns(context | lists) for context, lists, _ in parsed])

        return Case(run, result)

    return {
        "VarLenFeature": case(weft.io.VarLenFeature),
        "RaggedFeature": case(weft.io.RaggedFeature),
    }


# --- read -----------------------------------------------------------------------------------------


def read(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    file = str(path / ("records.tfrecord.gz" if workload["gzip"] else "records.tfrecord"))
    dataset = weft.io.TFRecordDataset(file, compression_type="GZIP" if workload["gzip"] else None)
    batched = dataset.batch(workload["batch"])

    def run() -> None:
        for _ in batched:
            pass

    return {"TFRecordDataset": Case(run, lambda: strings(r for batch in batched for r in batch))}


# --- dataset --------------------------------------------------------------------------------------


def dataset(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    files, batch = inputs.dataset_files(workload, path), workload["batch"]
    spec = parse_spec(workload, weft.io.VarLenFeature)
    shuffled = (
        weft.io.TFRecordDataset(files, num_parallel_reads=len(files))
        .shuffle(workload["buffer"])
        .batch(batch)
    )
    parsed = shuffled.parse(spec).prefetch(workload["prefetch"])

    def run() -> None:
        for _ in parsed:
            pass

    def result() -> dict[str, np.ndarray]:
        return unordered([parsed_columns(features) for features in parsed])

    return {"TFRecordDataset": Case(run, result)}


# --- SequenceFeatures -----------------------------------------------------------------------------


def sequence_layer(
    keys: list[str], tables: Any, buckets: int, dimension: int
) -> tuple[Any, list[Any]]:
    """SequenceFeatures over an identity column and embedding for each key, with these weights."""
    columns = [
        weft.feature_column.embedding_column(
            weft.feature_column.sequence_categorical_column_with_identity(key, buckets), dimension
        )
        for key in keys
    ]
    layer = weft.layers.SequenceFeatures(columns)
    layer.build(None)
    layer.set_weights([tables[key] for key in keys])
    return layer, columns


def sequence_features(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    keys, tables = inputs.sequence_keys(workload), np.load(path / "tables.npz")
    layer, columns = sequence_layer(keys, tables, workload["buckets"], workload["dimension"])
    spec = weft.feature_column.make_parse_example_spec(columns)
    features = weft.io.parse_example(read_records(path / "records.tfrecord"), spec)

    def result() -> dict[str, np.ndarray]:
        data, lengths = layer(features)
        return {"data": data, "lengths": lengths}

    return {"SequenceFeatures": Case(lambda: layer(features), result)}


# --- ids ------------------------------------------------------------------------------------------


def ids_column(workload: dict[str, Any], boundaries: np.ndarray) -> Any:
    fc = weft.feature_column
    if workload["column"] == "bucketize":
        number = fc.sequence_numeric_column("values")
        return fc.sequence_bucketized_column(number, boundaries.tolist())
    if workload["column"] == "cross":
        return fc.sequence_crossed_column(["values", "others"], workload["buckets"])
    return fc.sequence_categorical_column_with_hash_bucket(
        "values", workload["buckets"], DTYPES[workload["dtype"]]
    )


def ids(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    with np.load(path / "rows.npz") as arrays:
        features = {
            key: weft.Ragged.from_row_splits(
                arrays[key].astype(object) if workload["dtype"] == "string" else arrays[key],
                arrays["row_splits"],
            )
            for key in ("values", "others")
        }
        column = ids_column(workload, arrays["boundaries"])
    return {
        "column.ids": Case(
            lambda: column.ids(features), lambda: {"ids": column.ids(features).flat_values}
        )
    }


def padded(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    with np.load(path / "rows.npz") as arrays:
        ragged = weft.Ragged.from_row_splits(arrays["values"], arrays["row_splits"])
    cases = {"Ragged.to_tensor": Case(ragged.to_tensor, lambda: {"padded": ragged.to_tensor()})}
    if "dimension" in workload:
        layer = weft.layers.SequenceFeatures(
            [weft.feature_column.sequence_numeric_column("values", (workload["dimension"],))]
        )
        features = {"values": ragged}
        cases["SequenceFeatures"] = Case(
            lambda: layer(features), lambda: {"padded": layer(features)[0]}
        )
    return cases


# --- Arrow ----------------------------------------------------------------------------------------


def arrow(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    batch = record_batch(path)
    return {
        "from_arrow": Case(
            lambda: weft.arrow.from_arrow(batch),
            lambda: parsed_columns(weft.arrow.from_arrow(batch)),
        )
    }


# --- RNN ------------------------------------------------------------------------------------------


def weft_rnn(cell: str, weights: Any, width: int, hidden: int) -> Any:
    layer = getattr(weft.layers, cell)(hidden)
    layer.build((None, None, width))
    layer.set_weights([weights[name] for name in ("kernel", "recurrent_kernel", "bias")])
    return layer


def rnn(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    arrays = np.load(path / "rnn.npz")
    x = arrays["x"]
    lengths = arrays["lengths"]
    mask = weft.sequence_mask(lengths, workload["steps"])
    layer = weft_rnn(workload["cell"], arrays, workload["hidden"], workload["hidden"])

    def case(**arguments: Any) -> Case:
        return Case(lambda: layer(x, **arguments), lambda: {"state": layer(x, **arguments)})

    return {"mask": case(mask=mask), "lengths": case(lengths=lengths)}


# --- vocabularies ---------------------------------------------------------------------------------


def parsed_strings(values: list[bytes]) -> Any:
    """Strings as a parsed batch has them."""
    records = weft.io.encode_examples({"value": [[value] for value in values]})
    return weft.io.parse_example(records, {"value": weft.io.FixedLenFeature((), weft.string)})[
        "value"
    ]


def vocabulary(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    arrays = np.load(path / "keys.npz")
    values = [inputs.vocabulary_values(workload, keys) for keys in arrays["keys"]]
    keys = [parsed_strings(batch) for batch in values] if workload["strings"] else values
    made = weft.vocabulary.Vocabulary(inputs.vocabulary_values(workload, arrays["entries"]))
    made.save(path / "table")

    def case(table: Any) -> Case:
        def run() -> None:
            for batch in keys:
                table.lookup(batch)

        return Case(run, lambda: {"ids": np.concatenate([table.lookup(batch) for batch in keys])})

    mapped = weft.vocabulary.Vocabulary.open(path / "table")
    return {"in memory": case(made), "table file": case(mapped)}


def vocabulary_open(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    arrays = np.load(path / "keys.npz")
    keys = arrays["keys"][0]
    weft.vocabulary.Vocabulary(arrays["entries"]).save(path / "table")

    def run() -> np.ndarray:
        return weft.vocabulary.Vocabulary.open(path / "table").lookup(keys)

    return {"table file": Case(run, lambda: {"ids": run()})}


def vocabulary_build(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    def run() -> Any:
        return weft.vocabulary.build(path / "records.tfrecord", "words", dtype=weft.string)

    def result() -> dict[str, np.ndarray]:
        made = run()
        return {"counts": made.counts(), **strings(made)}

    return {"build": Case(run, result)}


def indicator_rnn(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    fc = weft.feature_column
    ids = fc.sequence_categorical_column_with_identity(workload["key"], workload["buckets"])
    columns = [fc.indicator_column(ids)]
    layer = weft.layers.SequenceFeatures(columns)
    gru = weft_rnn("GRU", np.load(path / "weights.npz"), workload["buckets"], workload["hidden"])
    spec = fc.make_parse_example_spec(columns)
    features = weft.io.parse_example(read_records(path / "records.tfrecord"), spec)
    model = weft.Sequential([layer, gru])

    def written() -> np.ndarray:
        pair = layer(features)
        return gru(pair.data, mask=pair.mask)

    def case(run: Callable[[], np.ndarray]) -> Case:
        return Case(run, lambda: {"state": run()})

    return {"Sequential": case(lambda: model(features)), "the array written": case(written)}


# --- end to end -----------------------------------------------------------------------------------


def end_to_end(workload: dict[str, Any], path: Path) -> dict[str, Case]:
    key, file = workload["key"], str(path / "records.tfrecord")
    weights = np.load(path / "weights.npz")
    sequence_feature_layer, columns = sequence_layer(
        [key], {key: weights["table"]}, workload["buckets"], workload["dimension"]
    )
    rnn_layer = weft_rnn("SimpleRNN", weights, workload["dimension"], workload["hidden"])
    spec = weft.feature_column.make_parse_example_spec(columns)

    records = weft.io.TFRecordDataset(file).batch(workload["batch"])

    def documented() -> Any:
        for serialized in records:
            yield states(weft.io.parse_example(serialized, features=spec))

    def parsed_ahead() -> Any:
        for features in records.parse(spec):
            yield states(features)

    def states(features: Any) -> np.ndarray:
        sequence_input, sequence_length = sequence_feature_layer(features)
        sequence_length_mask = weft.sequence_mask(sequence_length)
        return rnn_layer(sequence_input, mask=sequence_length_mask)

    def case(batches: Callable[[], Any]) -> Case:
        def run() -> None:
            for _ in batches():
                pass

        return Case(run, lambda: {"state": np.concatenate(list(batches()))})

    return {"documented lines": case(documented), "dataset.parse": case(parsed_ahead)}
