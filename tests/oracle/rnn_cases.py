"""Cases for make_rnn.py: cells and recurrent layers over shared inputs, masks and weights."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

Json = Any

ACTIVATIONS = (
    "tanh",
    "sigmoid",
    "relu",
    "linear",
    "elu",
    "selu",
    "softplus",
    "softsign",
    "swish",
    "gelu",
    "hard_sigmoid",
    "exponential",
    "softmax",
)
# Activations with arguments, as functions only: name and arguments.
PARAMETRIC: tuple[tuple[str, dict[str, Any]], ...] = (
    ("relu", {"alpha": 0.125}),
    ("relu", {"max_value": 6.0}),
    ("relu", {"threshold": 2.5}),
    ("relu", {"alpha": 0.25, "max_value": 6.0, "threshold": 1.0}),
    ("relu", {"alpha": 0.25, "threshold": -1.0}),
    ("elu", {"alpha": 0.5}),
    ("softmax", {"axis": 0}),
    ("softmax", {"axis": -2}),
)
# The kinds of cell: name -> (cell class, layer class, arguments).
KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "simple": ("SimpleRNNCell", "SimpleRNN", {}),
    "gru": ("GRUCell", "GRU", {"reset_after": True}),
    "gru_before": ("GRUCell", "GRU", {"reset_after": False}),
    "lstm": ("LSTMCell", "LSTM", {}),
}
SIZES = ((1, 1), (5, 3), (3, 10), (8, 17), (17, 8))
BATCH, STEPS, WIDTH, HIDDEN = 5, 6, 4, 3


@dataclasses.dataclass
class RnnCase:
    """A layer, its input and how it is called; arrays by name (see shared_arrays)."""

    name: str
    layer: Json
    inputs: str = f"x_{BATCH}x{STEPS}x{WIDTH}"
    mask: str | None = None
    initial_state: list[str] | None = None


def masks() -> dict[str, np.ndarray]:
    """Masks of every shape for BATCH rows of STEPS steps."""
    lengths = np.array([6, 3, 0, 1, 5])
    prefix = np.arange(STEPS) < lengths[:, None]
    holes = np.array(
        [
            [1, 0, 1, 1, 0, 1],
            [0, 1, 0, 0, 1, 0],
            [0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 1],
            [1, 1, 1, 1, 1, 1],
        ],
        bool,
    )
    left = prefix[:, ::-1]
    return {
        "prefix": prefix,
        "left": np.ascontiguousarray(left),
        "holes": holes,
        "none_real": np.zeros((BATCH, STEPS), bool),
        "all_real": np.ones((BATCH, STEPS), bool),
    }


def shared_arrays() -> dict[str, np.ndarray]:
    """Inputs (exact in float32), masks and initial states."""
    rng = np.random.RandomState(3)
    out = {
        f"x_{b}x{t}x{d}": rng.standard_normal((b, t, d)).astype(np.float32)
        for b, t, d in [(BATCH, STEPS, WIDTH), (3, 4, WIDTH), *((4, 5, d) for d, _ in SIZES)]
    }
    x = out[f"x_{BATCH}x{STEPS}x{WIDTH}"]
    out |= {f"mask_{k}": v for k, v in masks().items()}
    spoiled = x.copy()
    spoiled[~out["mask_holes"]] = np.nan
    out["x_nan_in_holes"] = spoiled
    out["x_time_major"] = np.ascontiguousarray(x.transpose(1, 0, 2))
    out["mask_time_major"] = np.ascontiguousarray(out["mask_holes"].T)
    out["x_no_rows"], out["x_no_steps"] = x[:0], x[:, :0]
    out["x_small"] = out["x_3x4x4"][:, :3] / 4  # exp of exp of exp stays in float32
    out["x_rank2"], out["mask_narrow"] = x[0], out["mask_prefix"][:, :-1]
    out["mask_wide"] = np.concatenate([out["mask_prefix"]] * 2, axis=1)
    out["state_a"] = rng.standard_normal((BATCH, HIDDEN)).astype(np.float32)
    out["state_b"] = rng.standard_normal((BATCH, HIDDEN)).astype(np.float32)
    out["state_wide"] = rng.standard_normal((BATCH, HIDDEN + 1)).astype(np.float32)
    return out


def cell(kind: str, units: Json = HIDDEN, **kwargs: Json) -> Json:
    """JSON of a cell."""
    cls, _, fixed = KINDS[kind]
    return {"call": cls, "args": [units], "kwargs": {**fixed, **kwargs}}


def layer(kind: str, units: Json = HIDDEN, **kwargs: Json) -> Json:
    """JSON of SimpleRNN, GRU or LSTM."""
    _, cls, fixed = KINDS[kind]
    return {"call": cls, "args": [units], "kwargs": {**fixed, **kwargs}}


def rnn(cells: Json, **kwargs: Json) -> Json:
    """JSON of RNN over a cell or a list of cells."""
    return {"call": "RNN", "args": [cells], "kwargs": kwargs}


FULL = {"return_sequences": True, "return_state": True}


def activation_cases() -> Iterator[RnnCase]:
    """Every activation in every place."""
    for kind in KINDS:
        places = ["activation"] if kind == "simple" else ["activation", "recurrent_activation"]
        for place in places:
            for name in ACTIVATIONS:
                made = rnn(cell(kind, **{place: name}), **FULL)
                inputs = "x_small" if name == "exponential" else "x_3x4x4"
                yield RnnCase(f"activation/{kind}/{place}/{name}", made, inputs)
        made = rnn(cell(kind, activation=None), **FULL)
        yield RnnCase(f"activation/{kind}/activation/none", made, "x_3x4x4")


def size_cases() -> Iterator[RnnCase]:
    """Sizes that fill no vector, with and without bias."""
    for kind in KINDS:
        for width, hidden in SIZES:
            for bias in (True, False):
                made = rnn(cell(kind, hidden, use_bias=bias), **FULL)
                name = f"size/{kind}/{width}x{hidden}/{'bias' if bias else 'no_bias'}"
                yield RnnCase(name, made, f"x_4x5x{width}")
        made = layer(kind, 10, **FULL)
        yield RnnCase(f"size/{kind}/layer/3x10", made, "x_4x5x3")


def mask_cases() -> Iterator[RnnCase]:
    """Masks with every way to return."""
    for kind in KINDS:
        states = ["state_a", "state_b"] if kind == "lstm" else ["state_a"]
        for name in masks():
            mask = f"mask_{name}"
            for suffix, kwargs, state in (
                ("full", FULL, None),
                ("last", {"return_state": True}, None),
                ("backwards", {**FULL, "go_backwards": True}, None),
                ("zero_output", {**FULL, "zero_output_for_mask": True}, None),
                ("initial_state", FULL, states),
            ):
                made = rnn(cell(kind), **kwargs)
                yield RnnCase(f"mask/{kind}/{name}/{suffix}", made, mask=mask, initial_state=state)
            yield RnnCase(f"mask/{kind}/{name}/layer", layer(kind, **FULL), mask=mask)
        backwards = {**FULL, "go_backwards": True, "zero_output_for_mask": True}
        made = rnn(cell(kind), **backwards)
        yield RnnCase(
            f"mask/{kind}/holes/everything", made, mask="mask_holes", initial_state=states
        )
        yield RnnCase(f"mask/{kind}/prefix/backwards_zero_output", made, mask="mask_prefix")
        unrolled = rnn(cell(kind), unroll=True, **backwards)
        yield RnnCase(f"odd/{kind}/unroll_backwards_zero_output", unrolled, mask="mask_prefix")
        made = rnn(cell(kind), return_state=True, zero_output_for_mask=True)
        yield RnnCase(f"mask/{kind}/holes/zero_output_last", made, mask="mask_holes")
        made = rnn(cell(kind), **FULL)
        yield RnnCase(
            f"mask/{kind}/holes/nan_in_masked_steps", made, "x_nan_in_holes", "mask_holes"
        )


def option_cases() -> Iterator[RnnCase]:
    """No mask: what is returned, backwards, unrolled, time-major, empty."""
    for kind in KINDS:
        states = ["state_a", "state_b"] if kind == "lstm" else ["state_a"]
        yield RnnCase(f"option/{kind}/rnn_return_state", rnn(cell(kind), return_state=True))
        yield RnnCase(f"option/{kind}/rnn_return_nothing", rnn(cell(kind), return_state=False))
        yield RnnCase(f"option/{kind}/layer_default", layer(kind))
        yield RnnCase(f"option/{kind}/layer_return_sequences", layer(kind, return_sequences=True))
        yield RnnCase(f"option/{kind}/layer_return_state", layer(kind, return_state=True))
        yield RnnCase(f"option/{kind}/layer_full", layer(kind, **FULL))
        yield RnnCase(f"option/{kind}/layer_backwards", layer(kind, go_backwards=True, **FULL))
        yield RnnCase(f"option/{kind}/layer_unroll", layer(kind, unroll=True, **FULL))
        made = layer(kind, dropout=0.5, recurrent_dropout=0.5, **FULL)
        yield RnnCase(f"option/{kind}/layer_dropout_in_inference", made)
        yield RnnCase(f"option/{kind}/initial_state", rnn(cell(kind), **FULL), initial_state=states)
        yield RnnCase(
            f"option/{kind}/layer_initial_state", layer(kind, **FULL), initial_state=states
        )
        made = rnn(cell(kind), time_major=True, **FULL)
        yield RnnCase(f"option/{kind}/time_major", made, "x_time_major", "mask_time_major")
        yield RnnCase(f"option/{kind}/no_rows", rnn(cell(kind), **FULL), "x_no_rows")
        yield RnnCase(f"option/{kind}/no_steps", rnn(cell(kind), **FULL), "x_no_steps")
        for implementation in (1, 2):
            made = layer(kind, implementation=implementation, **FULL)
            yield RnnCase(f"option/{kind}/implementation_{implementation}", made)


def stacked_cases() -> Iterator[RnnCase]:
    """Several cells in one layer."""
    two = [cell("gru", 3), cell("lstm", 2)]
    three = [cell("lstm", 5), cell("simple", 1), cell("gru_before", 4)]
    for name, cells in {"gru_lstm": two, "lstm_simple_gru": three, "one": [cell("simple")]}.items():
        for mask in (None, "mask_prefix", "mask_holes"):
            made = rnn(cells, **FULL)
            yield RnnCase(f"stacked/{name}/{mask or 'no_mask'}", made, mask=mask)
        yield RnnCase(f"stacked/{name}/last", rnn(cells, return_state=True), mask="mask_holes")


def refused_cases() -> Iterator[RnnCase]:
    """Layers and calls that cannot work ("refused"), and some that TensorFlow lets pass ("odd")."""
    for kind in KINDS:
        for what, units in {
            "zero": 0,
            "negative": -1,
            "none": None,
            "text": "3",
            "float": 2.5,
        }.items():
            yield RnnCase(f"refused/{kind}/units_{what}", rnn(cell(kind, units)))
        yield RnnCase(f"refused/{kind}/unknown_activation", rnn(cell(kind, activation="nonsense")))
        yield RnnCase(f"refused/{kind}/mask_narrow", rnn(cell(kind), **FULL), mask="mask_narrow")
        yield RnnCase(f"refused/{kind}/mask_wide", rnn(cell(kind), **FULL), mask="mask_wide")
        yield RnnCase(f"refused/{kind}/rank2", rnn(cell(kind)), "x_rank2")
        wide = ["state_wide"] * (2 if kind == "lstm" else 1)
        yield RnnCase(f"refused/{kind}/state_wide", rnn(cell(kind)), initial_state=wide)
        extra = ["state_a"] * 3
        yield RnnCase(f"refused/{kind}/too_many_states", rnn(cell(kind)), initial_state=extra)
    yield RnnCase("refused/lstm/one_state", rnn(cell("lstm")), initial_state=["state_a"])
    yield RnnCase("refused/cell_is_a_number", rnn(3))
    yield RnnCase("odd/no_cells", rnn([]))
    for place in ("dropout", "recurrent_dropout"):
        for value in (-0.5, 1.5):
            made = rnn(cell("gru", **{place: value}))
            yield RnnCase(f"odd/gru/{place}_{value}", made)


def all_cases() -> Iterator[RnnCase]:
    """Every case of this file."""
    yield from activation_cases()
    yield from size_cases()
    yield from mask_cases()
    yield from option_cases()
    yield from stacked_cases()
    yield from refused_cases()
