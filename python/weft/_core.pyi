"""The compiled part of weft."""

from collections.abc import Iterator
import enum

import numpy


def config() -> dict: ...

def num_threads() -> int: ...

def set_num_threads(n: object | None) -> None: ...

def trim() -> int: ...

class DType:
    """The type of the elements of a tensor. As tf.DType."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

    @property
    def is_integer(self) -> bool: ...

    @property
    def is_floating(self) -> bool: ...

    @property
    def as_numpy_dtype(self) -> object: ...

    @property
    def __numpy_dtype__(self) -> object: ...

    def __eq__(self, other: object | None) -> object: ...

    def __hash__(self) -> int: ...

    def __repr__(self) -> str: ...

    def __reduce__(self) -> tuple: ...

dtypes: dict = ...

def as_dtype(value: object) -> DType:
    """The weft dtype of a numpy dtype, a name or a Python type."""

class Ragged:
    """
    Rows of different lengths, nested to any number of levels. As tf.RaggedTensor.

    Immutable; made by the from_* functions. `==` compares rows and values and gives one bool.
    """

    @staticmethod
    def from_lists(rows: object | None, dtype: object | None = None) -> Ragged:
        """
        Rows given as nested lists of any depth (innermost rows may be numpy arrays).

        int becomes int64, float float32, str and bytes string, unless `dtype` says otherwise.
        """

    @staticmethod
    def from_row_splits(values: object | None, row_splits: object | None) -> Ragged:
        """
        Row i is values[row_splits[i]:row_splits[i + 1]]; `values` is an array or a Ragged.
        """

    @staticmethod
    def from_row_lengths(values: object | None, row_lengths: object | None) -> Ragged:
        """Row i is the next row_lengths[i] of `values`."""

    @staticmethod
    def from_nested_row_splits(flat_values: object | None, nested_row_splits: object | None) -> Ragged:
        """One array of row_splits for each level, outermost first."""

    @staticmethod
    def from_nested_row_lengths(flat_values: object | None, nested_row_lengths: object | None) -> Ragged:
        """One array of row lengths for each level, outermost first."""

    @staticmethod
    def from_tensor(tensor: object | None, lengths: object | None) -> Ragged:
        """
        The first lengths[i] steps of row i of a padded array [B, T, ...]; copied.
        """

    @property
    def values(self) -> object:
        """
        The rows laid end to end: an array, or a Ragged where rows are ragged themselves.
        """

    @property
    def flat_values(self) -> numpy.ndarray:
        """
        The innermost values: an array over the memory itself; strings as an object array of bytes.
        """

    @property
    def row_splits(self) -> numpy.ndarray:
        """
        int64 [rows + 1], read-only: row i is values[row_splits[i]:row_splits[i + 1]].
        """

    @property
    def nested_row_splits(self) -> tuple:
        """row_splits of every level, outermost first."""

    def row_lengths(self) -> numpy.ndarray:
        """int64 [rows], a new array."""

    def nested_row_lengths(self) -> tuple:
        """row_lengths of every level, outermost first."""

    def nrows(self) -> int:
        """Number of rows of the outermost level."""

    @property
    def ragged_rank(self) -> int:
        """Number of levels."""

    @property
    def shape(self) -> tuple:
        """(rows, None, ...): None for each ragged dimension."""

    @property
    def dtype(self, /) -> DType: ...

    def to_lists(self) -> list:
        """Nested lists; strings as bytes."""

    def to_list(self) -> list:
        """The same as to_lists, under TensorFlow's name."""

    def to_sparse(self) -> SparseTensor:
        """Every value at (row, step, ...)."""

    def with_values(self, values: object | None) -> Ragged:
        """The same rows over other innermost values, of the same count."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: object | None) -> object: ...

    def __eq__(self, other: object | None) -> object: ...

    __hash__: None = None

    def __reduce__(self) -> tuple: ...

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple:
        """
        As Arrow's PyCapsule interface has it; `requested_schema` has no effect.
        """

class SparseTensor:
    """
    Values at indices of an array of dense_shape. As tf.SparseTensor.

    Immutable. `==` compares indices, values and shape and gives one bool.
    """

    def __init__(self, indices: object | None, values: object | None, dense_shape: object | None) -> None:
        """
        `indices` int64 [N, rank] in row-major order without repeats, `values` [N], `dense_shape` [rank].
        """

    @staticmethod
    def from_rows(rows: object | None) -> SparseTensor:
        """Without holes, of rank 1 + the Ragged's levels."""

    @property
    def indices(self) -> numpy.ndarray:
        """int64 [N, rank], read-only; built when first asked for."""

    @property
    def values(self) -> numpy.ndarray:
        """[N]; strings as an object array of bytes."""

    @property
    def dense_shape(self) -> numpy.ndarray:
        """int64 [rank]."""

    @property
    def shape(self) -> tuple: ...

    @property
    def dtype(self, /) -> DType: ...

    @property
    def rows(self) -> object:
        """The rows as a Ragged, if this was made from rows; None otherwise."""

    def __eq__(self, other: object | None) -> object: ...

    __hash__: None = None

    def __reduce__(self) -> tuple: ...

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple:
        """
        As Arrow's PyCapsule interface has it; `requested_schema` has no effect.
        """

def initializer_class(arg: object, /) -> str: ...

def initial_weights(initializer: object | None, shape: object, dtype: object, name: str, seed: object) -> numpy.ndarray: ...

class IndexedSlices:
    """
    The gradient of a table [V, D], or of a bias [V], whose other rows are zeros, as tf.IndexedSlices; but each id stands once, and they rise.

    Raises ValueError for ids that do not, or shapes that do not fit, TypeError for another dtype.
    """

    def __init__(self, ids: object | None, values: object | None, dense_shape: object | None) -> None: ...

    @property
    def ids(self) -> numpy.ndarray:
        """int64 [n]."""

    @property
    def values(self) -> numpy.ndarray:
        """float32 or float64 [n, D] or [n]."""

    @property
    def dense_shape(self) -> tuple:
        """(V, D) or (V,)."""

    def to_dense(self) -> numpy.ndarray:
        """The whole array."""

    def __reduce__(self) -> tuple: ...

    def __repr__(self) -> str: ...

def all_finite(gradients: list) -> bool:
    """Whether no gradient of the list has NaN or infinity."""

def add_gradients(arg0: object, arg1: object, /) -> object: ...

class SharedTables:
    """The tables of shared embeddings, by name."""

    def __init__(self) -> None: ...

class Column:
    """A feature column; see weft.feature_column."""

    def __init__(self, class_name: str, fields: dict, shared: SharedTables | None = None) -> None: ...

    @property
    def name(self) -> object: ...

    @property
    def is_sequence(self) -> bool: ...

    @property
    def config(self) -> dict:
        """Its fields; None for columns."""

    @property
    def parse_example_spec(self) -> dict:
        """(class, arguments...) by feature."""

    @property
    def num_buckets(self) -> int: ...

    @property
    def variable_shape(self) -> tuple: ...

    def __eq__(self, arg: Column, /) -> bool: ...

    def __hash__(self) -> int: ...

def check_parse_example_spec(arg: list, /) -> None: ...

def shared_embedding_name(arg: list, /) -> object: ...

def columns_to_json(arg: list, /) -> str: ...

def check_columns_json(arg: object, /) -> None: ...

def check_normalizer(arg: list, /) -> None: ...

def log_boundaries(first: object | None, last: object | None, count: object | None) -> numpy.ndarray: ...

def build_index(path: object, index: object | None, limits: object | None) -> None: ...

class RecordFile:
    """The records of a plain file, in any order."""

    def __init__(self, path: object, index: object | None, verify_crc: bool, limits: object | None) -> None: ...

    def size(self) -> int: ...

    def read(self, which: object) -> list: ...

class Compression(enum.Enum):
    AUTO = 0

    NONE = 1

    GZIP = 2

    ZLIB = 3

class RecordWriter:
    """Writes one record file, seen under its name once closed."""

    def __init__(self, path: object, compression: Compression, level: object | None) -> None: ...

    def write(self, record: object | None) -> None: ...

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def discard(self) -> None: ...

    def counters(self) -> dict: ...

class Vocabulary:
    """Strings or integers with ids."""

    @staticmethod
    def from_entries(entries: object | None) -> Vocabulary: ...

    @staticmethod
    def open(path: object | None, size: object | None, dtype: object | None, verify: bool) -> Vocabulary: ...

    @staticmethod
    def count_entries(path: object | None) -> int: ...

    def save(self, path: object | None) -> None: ...

    def save_text(self, path: object | None) -> None: ...

    def lookup(self, values: object | None) -> object: ...

    def entry(self, id: object | None) -> object: ...

    def entries(self) -> numpy.ndarray: ...

    def counts(self) -> object: ...

    @property
    def dtype(self) -> object: ...

    def __len__(self) -> int: ...

class VocabularyBuilder:
    """Counts values."""

    def __init__(self, dtype: object | None, max_bytes: object | None) -> None: ...

    def add(self, values: object | None) -> None: ...

    def add_counted(self, counted: Vocabulary) -> None: ...

    def build(self, min_count: object | None, top_k: object | None) -> Vocabulary: ...

    def __len__(self) -> int: ...

    @property
    def total(self) -> int: ...

def decode_example(serialized: bytes, strict: bool, limits: object | None) -> dict: ...

def encode_example(features: dict) -> bytes: ...

def decode_sequence_example(serialized: bytes, strict: bool, limits: object | None) -> tuple: ...

def encode_sequence_example(context: dict, feature_lists: object | None) -> bytes: ...

def encode_examples(columns: object | None) -> list: ...

class StringArray:
    """
    An array of bytes. numpy.asarray makes it an object array, and everything that such an array
    can do it does by making one: the first time that costs as much as its strings are many.
    Operators are numpy's; their results are numpy.ndarrays.
    """

    @property
    def shape(self) -> tuple: ...

    @property
    def ndim(self) -> int: ...

    @property
    def size(self) -> int: ...

    def __len__(self) -> int: ...

    def __array__(self, dtype: object | None = None, copy: object | None = None) -> object: ...

    def __getitem__(self, key: object | None) -> object: ...

    def __setitem__(self, key: object | None, value: object | None) -> None: ...

    def __iter__(self) -> Iterator: ...

    def __getattr__(self, arg: object, /) -> object: ...

    def __repr__(self) -> str: ...

    def __reduce__(self) -> object: ...

    __hash__: None = None

class ExampleParser:
    """A parse spec, compiled; it learns the order of the keys."""

    def __init__(self, features: object | None, strict: bool, limits: object | None) -> None: ...

    def parse(self, serialized: object | None) -> dict: ...

    def parse_single(self, serialized: bytes) -> dict: ...

    @property
    def absent_keys(self) -> list: ...

class SequenceExampleParser:
    """Two parse specs, compiled; it learns the order of the keys."""

    def __init__(self, context_features: object | None, sequence_features: object | None, strict: bool, limits: object | None) -> None: ...

    def parse(self, serialized: object | None) -> tuple: ...

    def parse_single(self, serialized: bytes) -> tuple: ...

    @property
    def absent_keys(self) -> list: ...

def from_arrow(obj: object | None, columns: object | None) -> object: ...

class ArrowReader:
    def next(self) -> object: ...

def arrow_reader(obj: object | None, columns: object | None) -> ArrowReader: ...

class ArrowBatch:
    """A batch as Arrow's PyCapsule interface wants it."""

    def __init__(self, features: object | None) -> None: ...

    def __arrow_c_schema__(self) -> object: ...

    def __arrow_c_array__(self, requested_schema: object | None = None) -> tuple: ...

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...

def arrow_stream(batches: object | None) -> object:
    """A capsule that holds a stream of the batches of an iterable."""

class Dataset:
    """What to read, in which order: an immutable description."""

    @staticmethod
    def records(paths: list, compression: Compression, verify_crc: bool, skip: bool, on_skip: object | None, limits: object | None) -> Dataset: ...

    def shuffle_files(self, seed: object | None, reshuffle: bool) -> Dataset: ...

    def shard_files(self, num_shards: object | None, index: object | None) -> Dataset: ...

    def interleave(self, cycle_length: object | None, block_length: object | None) -> Dataset: ...

    def shard(self, num_shards: object | None, index: object | None) -> Dataset: ...

    def skip(self, count: object | None) -> Dataset: ...

    def take(self, count: object | None) -> Dataset: ...

    def repeat(self, count: object | None) -> Dataset: ...

    def shuffle(self, buffer_size: object | None, seed: object | None, reshuffle: bool) -> Dataset: ...

    def bucket_by_length(self, keys: list, boundaries: object | None, batch_sizes: object | None, drop_remainder: bool) -> Dataset: ...

    def prefetch(self, batches: object | None) -> Dataset: ...

    def batch(self, batch_size: object | None, drop_remainder: bool) -> Dataset: ...

    def parse(self, spec: object | None, strict: bool, limits: object | None) -> Dataset: ...

    def parse_sequence(self, context_features: object | None, sequence_features: object | None, strict: bool, limits: object | None) -> Dataset: ...

    def files(self) -> list: ...

    def batches(self) -> bool: ...

    def parses(self) -> bool: ...

    def parses_sequences(self) -> bool: ...

    def steps(self) -> str: ...

class RecordStream:
    """One pass over the records of a dataset."""

    def __init__(self, dataset: Dataset, iteration: int, state: object | None) -> None: ...

    def next(self) -> object:
        """The records as a StringArray; None at the end."""

    def next_list(self) -> object:
        """The records as a list of bytes; None at the end."""

    def state(self) -> dict: ...

    def state_after(self, records: int) -> dict:
        """After that many records of the last batch."""

    def close(self) -> None: ...

    def counters(self) -> dict: ...

class BatchStream:
    """One pass over the parsed batches of a dataset."""

    def __init__(self, dataset: Dataset, iteration: int, state: object | None) -> None: ...

    def next(self) -> object:
        """A dict of features; None at the end."""

    def next_sequences(self) -> object:
        """Context, lists and lengths; None at the end."""

    def origins(self) -> list:
        """(file, number of the record) of each row of the last batch."""

    def state(self) -> dict: ...

    def close(self) -> None: ...

    def counters(self) -> dict: ...

def column_ids(column: Column, features: object | None, options: dict) -> Ragged: ...

def fingerprint64(data: object | None) -> int: ...

def lookup(table: object | None, ids: object | None, weights: object | None, combiner: object | None, max_norm: object | None) -> object: ...

def lookup_backward(table: object | None, ids: object | None, grad: object | None, weights: object | None, combiner: object | None, max_norm: object | None) -> object: ...

class Blocks:
    """
    A feature layer's output with its indicators as ids: what an RNN or a Dense takes like the array.
    """

    @property
    def shape(self) -> tuple: ...

    @property
    def dtype(self) -> object: ...

class FeatureLayer:
    """What both feature layers have."""

    @property
    def width(self) -> int: ...

    @property
    def parameters(self) -> list:
        """(name, array, trainable) of each table; the arrays are the tables."""

    def set_weights(self, arg: list, /) -> None: ...

    def counters(self) -> dict: ...

    def reset_counters(self) -> None: ...

class SequenceFeatures(FeatureLayer):
    def __init__(self, arg0: list, arg1: dict, /) -> None: ...

    def over(self, arg: list, /) -> SequenceFeatures: ...

    def __call__(self, features: object | None) -> tuple: ...

    def blocks(self, features: object | None) -> tuple: ...

    def lookups(self, features: object | None) -> tuple: ...

    def vjp(self, features: object | None) -> tuple: ...

    def blocks_vjp(self, features: object | None) -> tuple: ...

class DenseFeatures(FeatureLayer):
    def __init__(self, arg0: list, arg1: dict, /) -> None: ...

    def over(self, arg: list, /) -> DenseFeatures: ...

    def __call__(self, features: object | None) -> object: ...

    def blocks(self, features: object | None) -> Blocks: ...

    def lookups(self, features: object | None) -> tuple: ...

    def vjp(self, features: object | None) -> tuple: ...

    def blocks_vjp(self, features: object | None) -> tuple: ...

def sequence_mask(lengths: object | None, maxlen: object | None, dtype: object | None, pad: object | None) -> object: ...

def concatenate_context_input(context_input: object | None, sequence_input: object | None) -> object: ...

def concatenate_context_backward(grad: object | None, context_size: object | None) -> tuple: ...

def activate(name: str, x: object | None) -> numpy.ndarray: ...

def check_activation(arg: object, /) -> str: ...

class Dense:
    def build(self, arg: object, /) -> None: ...

    @property
    def built(self) -> bool: ...

    @property
    def input_size(self) -> int: ...

    @property
    def parameters(self) -> list: ...

    def set_weights(self, weights: object | None) -> None: ...

    def over(self, weights: object) -> Dense: ...

    def __call__(self, inputs: object | None) -> object: ...

    def vjp(self, inputs: object | None) -> tuple: ...

def make_dense(fields: dict) -> Dense: ...

class Dropout:
    def __call__(self, inputs: object | None, dtype: object, step: object | None) -> object: ...

def make_dropout(rate: float, noise_shape: object | None, name: str, seed: int) -> Dropout: ...

def check_pooling(arg: object, /) -> None: ...

def run_pooling(pooling: str, inputs: object | None, mask: object | None, lengths: object | None) -> object: ...

def vjp_pooling(pooling: str, inputs: object | None, mask: object | None, lengths: object | None) -> tuple: ...

class AttentionPooling:
    def build(self, arg: object, /) -> None: ...

    @property
    def built(self) -> bool: ...

    @property
    def input_size(self) -> int: ...

    @property
    def parameters(self) -> list: ...

    def set_weights(self, weights: object | None) -> None: ...

    def over(self, weights: object) -> AttentionPooling: ...

    def __call__(self, inputs: object | None, query: object | None, keys: object | None, mask: object | None, lengths: object | None) -> object: ...

    def vjp(self, inputs: object | None, query: object | None, keys: object | None, mask: object | None, lengths: object | None) -> tuple: ...

def make_attention_pooling(fields: dict) -> AttentionPooling: ...

class Cell:
    """A recurrent cell or a stack of them."""

    def build(self, arg: object, /) -> None: ...

    @property
    def built(self) -> bool: ...

    @property
    def input_size(self) -> int: ...

    @property
    def parameters(self) -> list:
        """(name, array) of each weight; the arrays are the weights."""

    def set_weights(self, weights: object | None) -> None: ...

    def over(self, weights: object) -> Cell: ...

def make_cell(kind: str, fields: dict) -> Cell: ...

def stack_cells(arg: list, /) -> Cell: ...

def run_rnn(cell: Cell, options: dict, inputs: object | None, mask: object | None, lengths: object | None, initial_state: object, step: object | None = None) -> tuple: ...

def vjp_rnn(cell: Cell, options: dict, inputs: object | None, mask: object | None, lengths: object | None, initial_state: object, step: object | None = None) -> tuple: ...

def check_bidirectional(arg: tuple, /) -> None: ...

def run_bidirectional(directions: tuple, inputs: object | None, mask: object | None, lengths: object | None, initial_state: object, step: object | None) -> tuple: ...

def vjp_bidirectional(directions: tuple, inputs: object | None, mask: object | None, lengths: object | None, initial_state: object, step: object | None) -> tuple: ...

def loss(name: str, y_true: object | None, y_pred: object | None, sample_weight: object | None, options: dict) -> tuple: ...

class ClassDistribution:
    """How likely each class is to be drawn."""

    def __init__(self, name: str, num_classes: object, counts: object | None) -> None: ...

    @property
    def num_classes(self) -> int: ...

    def sample(self, arg0: object, arg1: object, arg2: object, arg3: str, arg4: object, /) -> tuple: ...

    def of_batch(self, arg: object, /) -> tuple: ...

def sampled_softmax(weights: object | None, biases: object | None, labels: object | None, inputs: object | None, sampled_values: object | None, sample_weight: object | None, remove_accidental_hits: bool, sum: bool) -> tuple: ...

def class_scores(weights: object | None, biases: object | None, inputs: object | None) -> numpy.ndarray: ...

def top_classes(weights: object | None, biases: object | None, inputs: object | None, k: object | None) -> tuple: ...

class Mean:
    def __init__(self) -> None: ...

    def merge(self, arg: Mean, /) -> None: ...

    def result(self) -> float: ...

    def state(self) -> numpy.ndarray: ...

    def load_state(self, arg: object, /) -> None: ...

    def update(self, values: object | None, sample_weight: object | None) -> None: ...

class Accuracy:
    def __init__(self, arg: float, /) -> None: ...

    def merge(self, arg: Accuracy, /) -> None: ...

    def result(self) -> float: ...

    def state(self) -> numpy.ndarray: ...

    def load_state(self, arg: object, /) -> None: ...

    def update(self, y_true: object | None, y_pred: object | None, sample_weight: object | None) -> None: ...

class AUC:
    def __init__(self) -> None: ...

    def merge(self, arg: AUC, /) -> None: ...

    def result(self) -> float: ...

    def state(self) -> numpy.ndarray: ...

    def load_state(self, arg: object, /) -> None: ...

    def update(self, y_true: object | None, y_pred: object | None, sample_weight: object | None) -> None: ...

class RecallAtK:
    def __init__(self, arg: int, /) -> None: ...

    def merge(self, arg: RecallAtK, /) -> None: ...

    def result(self) -> float: ...

    def state(self) -> numpy.ndarray: ...

    def load_state(self, arg: object, /) -> None: ...

    def update(self, y_true: object | None, y_pred: object | None, sample_weight: object | None) -> None: ...

class NDCGAtK:
    def __init__(self, arg: int, /) -> None: ...

    def merge(self, arg: NDCGAtK, /) -> None: ...

    def result(self) -> float: ...

    def state(self) -> numpy.ndarray: ...

    def load_state(self, arg: object, /) -> None: ...

    def update(self, y_true: object | None, y_pred: object | None, sample_weight: object | None) -> None: ...

class Optimizer:
    def __init__(self, arg0: str, arg1: dict, /) -> None: ...

    @property
    def iterations(self) -> int: ...

    def apply(self, arg0: list, arg1: float, /) -> None: ...

    def state(self) -> list: ...

    def load_state(self, arg: list, /) -> None: ...
