"""Optimizers and learning-rate schedules against Keras 2.15 (tests/oracle/make_optimizers.py).

Where weft differs on purpose: clips are of gradients whose equal rows are added up, Keras's of the
rows before that. `lazy=True` does what LazyAdam of TensorFlow Addons and Keras's legacy SGD and
Ftrl do.
"""

import functools
import types

import golden
import numpy as np
import pytest
import weft
from weft.optimizers import schedules

FILE = golden.load("optimizers.json")
CASES = {case["name"]: case for case in FILE["cases"]}
WEIGHTS = {name: golden.array(w) for name, w in FILE["weights"].items()}
STEPS = [{name: golden.array(g) for name, g in step.items()} for step in FILE["steps"]]
SCHEDULES = golden.load("schedules.json")
BUILD = golden.Builder(
    types.SimpleNamespace(
        **vars(schedules) | vars(weft.optimizers),
        **{
            f"Lazy{made.__name__}": functools.partial(made, lazy=True)
            for made in (weft.optimizers.Adam, weft.optimizers.SGD, weft.optimizers.Ftrl)
        },
    ),
    weft.as_dtype,
    {},
)
ROUNDED = 1e-7  # lazy optimizers in float64 have hyperparameters of float32


def expected(case):
    """The case that Keras answers as weft does."""
    clipped = {"clipnorm", "global_clipnorm", "clipvalue"} & set(case["name"].split("/"))
    if clipped and case["table"] == "repeated" and "no_need" not in case["name"]:
        return CASES[case["name"].replace("/repeated", "/summed")]
    return case


def layers(dtype):
    """A Dense with kernel and bias, and one whose kernel is the table."""
    both = weft.layers.Dense(2, dtype=dtype), weft.layers.Dense(2, use_bias=False, dtype=dtype)
    weights = [WEIGHTS["kernel"], WEIGHTS["bias"]], [WEIGHTS["table"]]
    for layer, given in zip(both, weights, strict=True):
        layer.build(given[0].shape[:1])
        layer.set_weights([w.astype(dtype) for w in given])
    return both


def table_gradient(step, kind, dtype):
    dense = np.zeros(WEIGHTS["table"].shape, dtype)
    np.add.at(dense, step["ids"], step["values"])
    if kind == "dense":
        return dense
    ids = np.unique(step["ids"])
    return weft.IndexedSlices(ids, dense[ids], dense.shape)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", CASES)
def test_steps(name, dtype):
    want = expected(CASES[name])
    optimizer, trained = BUILD(CASES[name]["optimizer"]), layers(dtype)
    error = 1e-5 if dtype == "float32" else ROUNDED if name.startswith("lazy") else 1e-12
    for step, after in zip(STEPS, golden.array(want["after"]), strict=True):
        dense = {name: step[name].astype(dtype) for name in ("kernel", "bias")}
        table = table_gradient(step, CASES[name]["table"], dtype)
        optimizer.apply(trained, [dense, {"kernel": table}])
        got = np.concatenate([w.ravel() for layer in trained for w in layer.weights.values()])
        np.testing.assert_allclose(got, after, rtol=0, atol=error)
    made = optimizer.state()
    owners = [f"{layer.name}/{name}" for layer in trained for name in layer.weights]
    for state, values in want["states"].items():
        if made.keys() == {"iterations"}:
            continue  # Keras's SGD keeps what momentum would be where there is none
        got = np.concatenate([made[f"{owner}/{state}"].ravel() for owner in owners])
        values = golden.array(values)
        np.testing.assert_allclose(got, values, rtol=0, atol=error * max(1, np.abs(values).max()))


@pytest.mark.parametrize("name", [n for n in CASES if expected(CASES[n]) is not CASES[n]])
def test_keras_clips_repeated_rows_one_by_one(name):
    keras, weft_s = (golden.array(c["after"]) for c in (CASES[name], expected(CASES[name])))
    assert np.abs(keras - weft_s).max() > 1e-5


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case["config"]])
def test_config(name):
    """Keras's config makes the same optimizer."""
    case = CASES[name]
    given = BUILD(case["optimizer"])
    made = type(given).from_config(case["config"]).get_config()
    assert made == given.get_config()


@pytest.mark.parametrize("case", SCHEDULES["cases"], ids=lambda c: c["name"])
def test_schedule(case):
    schedule = BUILD(case["schedule"])
    steps, rates = golden.array(SCHEDULES["steps"]), golden.array(case["rates"])
    np.testing.assert_allclose([schedule(int(s)) for s in steps], rates, rtol=1e-12, atol=1e-15)
    config = schedule.get_config()
    assert config == case["config"]
    again = type(schedule).from_config(config)
    assert [again(int(s)) for s in steps] == [schedule(int(s)) for s in steps]
