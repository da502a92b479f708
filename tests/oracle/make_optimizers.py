"""Makes optimizers.json and schedules.json: steps of Keras 2.15's optimizers, learning rates.

optimizers.json  "weights": where all cases start; "steps": the gradients of each step. The table's
                 come dense, as slices with ids that repeat ("ids", "values"), or as the same slices
                 with equal ids added up: a case's "table" says which ("dense", "repeated",
                 "summed"). "after": all weights one after another, flat, a row for each step,
                 computed in float64; "float32_error": the largest distance of Keras's float32
                 answer. "states": by state, of all weights, after the last step. "config": Keras's.
                 Lazy optimizers: LazyAdam of TensorFlow Addons, and Keras's legacy SGD and Ftrl,
                 which pass over rows that slices do not have.
schedules.json   per case: the schedule, its config, and the learning rate at "steps".
"""

from __future__ import annotations

import golden_io  # first: it sets the environment and the path

# isort: split

import types
import warnings
from collections.abc import Iterator
from typing import Any

import golden
import numpy as np
import tensorflow as tf

with warnings.catch_warnings():  # that Addons are no longer developed
    warnings.simplefilter("ignore")
    import tensorflow_addons as tfa

Json = Any
BUILD = golden.Builder(
    types.SimpleNamespace(
        **vars(tf.keras.optimizers.schedules) | vars(tf.keras.optimizers),
        LazyAdam=tfa.optimizers.LazyAdam,
        LazySGD=tf.keras.optimizers.legacy.SGD,
        LazyFtrl=tf.keras.optimizers.legacy.Ftrl,
    ),
    tf.as_dtype,
    {},
)
SHAPES = {"kernel": (3, 2), "bias": (2,), "table": (6, 2)}
STATES = set("m v vhat velocity momentum average_gradient accumulator linear".split())
IDS = ([1, 3, 1, 0, 1], [3, 3, 4], [0, 2, 2, 1])  # of three steps; row 5 is never asked for


def call(name: str, /, *args: Json, **kwargs: Json) -> Json:
    """A call as golden.Builder reads it."""
    return {"call": name, "args": list(args), "kwargs": kwargs}


def gradients() -> list[dict[str, np.ndarray]]:
    """The gradients of each step, exact in float32."""
    rng = np.random.RandomState(5)
    steps = []
    for ids in IDS:
        step = {n: rng.standard_normal(SHAPES[n]).astype(np.float32) for n in ("kernel", "bias")}
        values = rng.standard_normal((len(ids), SHAPES["table"][1])).astype(np.float32)
        steps.append({**step, "ids": np.array(ids), "values": values})
    return steps


def table_gradient(step: dict[str, np.ndarray], kind: str, dtype: str) -> Any:
    """The table's gradient: dense, or slices with ids repeated or summed."""
    ids, values = step["ids"], step["values"].astype(dtype)
    dense = np.zeros(SHAPES["table"], dtype)
    np.add.at(dense, ids, values)
    if kind == "dense":
        return tf.constant(dense)
    if kind == "summed":
        ids = np.unique(ids)
        values = dense[ids]
    return tf.IndexedSlices(tf.constant(values), tf.constant(ids), tf.constant(SHAPES["table"]))


def run(case: Json, weights: dict[str, np.ndarray], dtype: str) -> tuple[np.ndarray, Json, Json]:
    """Takes the steps; returns the weights after each, the optimizer's states and its config."""
    tf.keras.backend.set_floatx(dtype)
    optimizer = golden_io.optimizer(BUILD, case["optimizer"], dtype)
    variables = [tf.Variable(w.astype(dtype), name=n) for n, w in weights.items()]
    after = []
    for step in gradients():
        grads = [tf.constant(step[n].astype(dtype)) for n in ("kernel", "bias")]
        grads.append(table_gradient(step, case["table"], dtype))
        optimizer.apply_gradients(zip(grads, variables, strict=True))
        after.append(np.concatenate([v.numpy().ravel() for v in variables]))
    states: dict[str, list[np.ndarray]] = {}
    for variable in optimizer.variables():
        for state in STATES.intersection(variable.name.split(":")[0].split("/")):
            if case["optimizer"]["call"] == "LazySGD":
                state = "m"  # which the legacy one calls "momentum"
            states.setdefault(state, []).append(variable.numpy().ravel())
    made = {k: golden_io.array(np.concatenate(v)) for k, v in states.items()}
    return np.stack(after), made, optimizer.get_config()


def rules() -> Iterator[tuple[str, Json]]:
    """Each optimizer with each of its options."""
    moving = {"learning_rate": 0.1, "momentum": 0.9}
    yield "sgd/default", call("SGD")
    yield "sgd/plain", call("SGD", learning_rate=0.1)
    yield "sgd/momentum", call("SGD", **moving)
    yield "sgd/nesterov", call("SGD", nesterov=True, **moving)
    yield "sgd/nesterov_without_momentum", call("SGD", learning_rate=0.1, nesterov=True)
    yield "rmsprop/default", call("RMSprop")
    yield "rmsprop/momentum", call("RMSprop", learning_rate=0.01, momentum=0.5)
    yield "rmsprop/centered", call("RMSprop", learning_rate=0.01, centered=True, rho=0.8)
    both = call("RMSprop", learning_rate=0.01, centered=True, momentum=0.5, epsilon=1e-3)
    yield "rmsprop/centered_momentum", both
    yield "adagrad/default", call("Adagrad")
    made = call("Adagrad", learning_rate=0.1, initial_accumulator_value=0.5, epsilon=1e-2)
    yield "adagrad/options", made
    yield "adam/default", call("Adam")
    yield "adam/amsgrad", call("Adam", learning_rate=0.05, amsgrad=True)
    made = call("Adam", learning_rate=0.05, beta_1=0.8, beta_2=0.95, epsilon=1e-3)
    yield "adam/options", made
    yield "adamw/default", call("AdamW")
    yield "adamw/amsgrad", call("AdamW", learning_rate=0.05, weight_decay=0.1, amsgrad=True)
    yield "ftrl/default", call("Ftrl")
    for name, kwargs in {
        "l1": {"l1_regularization_strength": 0.3},
        "l2": {"l2_regularization_strength": 0.2},
        "shrinkage": {"l2_shrinkage_regularization_strength": 0.1},
        "beta": {"beta": 0.3},
        "power": {"learning_rate_power": -0.7, "initial_accumulator_value": 0.4},
        "power_0": {"learning_rate_power": 0.0},
        "all": {
            "l1_regularization_strength": 0.1,
            "l2_regularization_strength": 0.2,
            "l2_shrinkage_regularization_strength": 0.05,
            "beta": 0.2,
        },
    }.items():
        yield f"ftrl/{name}", call("Ftrl", learning_rate=0.1, **kwargs)


def schedules() -> Iterator[tuple[str, Json]]:
    """Each schedule with each of its options, over few steps."""
    for flag in (False, True):
        way = "staircase" if flag else "smooth"
        for name in ("ExponentialDecay", "InverseTimeDecay"):
            yield f"{name}/{way}", call(name, 0.2, 3, 0.5, staircase=flag)
        way = "cycle" if flag else "once"
        for name, end, power in (("", 0.01, 1.0), ("_power", 0.0001, 2.5)):
            made = call("PolynomialDecay", 0.2, 5, end, power, cycle=flag)
            yield f"PolynomialDecay/{way}{name}", made
    yield "PiecewiseConstantDecay/three", call("PiecewiseConstantDecay", [1, 6], [0.3, 0.2, 0.05])
    yield "PiecewiseConstantDecay/two", call("PiecewiseConstantDecay", [2], [0.3, 0.1])
    yield "CosineDecay/plain", call("CosineDecay", 0.2, 6)
    yield "CosineDecay/alpha", call("CosineDecay", 0.2, 6, alpha=0.1)
    yield "CosineDecay/warmup", call("CosineDecay", 0.0, 6, warmup_target=0.3, warmup_steps=4)
    made = call("CosineDecay", 0.1, 9, alpha=0.2, warmup_target=0.3, warmup_steps=2)
    yield "CosineDecay/warmup_alpha", made
    yield "CosineDecayRestarts/plain", call("CosineDecayRestarts", 0.2, 3)
    yield "CosineDecayRestarts/even", call("CosineDecayRestarts", 0.2, 3, t_mul=1.0, m_mul=0.5)
    made = call("CosineDecayRestarts", 0.2, 4, t_mul=1.5, m_mul=0.8, alpha=0.1)
    yield "CosineDecayRestarts/options", made


def with_arguments(made: Json, **kwargs: Json) -> Json:
    """The same call with more arguments."""
    return {**made, "kwargs": {**made["kwargs"], **kwargs}}


def asked() -> Iterator[Json]:
    """What optimizers.json asks."""
    by_name = dict(rules())
    for name, made in by_name.items():
        for table in ("repeated", "dense"):
            yield {"name": f"{name}/{table}", "optimizer": made, "table": table}
    for name in ("sgd/momentum", "rmsprop/default", "adagrad/default", "adam/amsgrad", "ftrl/l1"):
        made = with_arguments(by_name[name], weight_decay=0.3, learning_rate=0.1)
        yield {"name": f"{name}/weight_decay", "optimizer": made, "table": "repeated"}
    clips = {"clipnorm": 1.2, "global_clipnorm": 2.0, "clipvalue": 0.6}
    for clip, value in clips.items():
        for name in ("sgd/plain", "adam/default", "ftrl/all"):
            made = with_arguments(by_name[name], **{clip: value})
            for table in ("repeated", "summed", "dense"):
                yield {"name": f"{name}/{clip}/{table}", "optimizer": made, "table": table}
        large = with_arguments(by_name["rmsprop/momentum"], **{clip: 100.0})
        yield {"name": f"rmsprop/{clip}/no_need/repeated", "optimizer": large, "table": "repeated"}
    for name, schedule in schedules():
        made = call("SGD", learning_rate=schedule, momentum=0.5, weight_decay=0.1)
        yield {"name": f"schedule/{name}", "optimizer": made, "table": "repeated"}
    adam = call("Adam", learning_rate=call("ExponentialDecay", 0.1, 2, 0.5))
    yield {"name": "schedule/adam", "optimizer": adam, "table": "repeated"}
    lazy = {"adam": call("LazyAdam")}
    lazy["adam_options"] = call("LazyAdam", learning_rate=0.05, beta_1=0.8, epsilon=1e-3)
    for name in ("sgd/momentum", "sgd/nesterov", "ftrl/all"):
        lazy[name] = {**by_name[name], "call": f"Lazy{by_name[name]['call']}"}
    for name, made in lazy.items():
        yield {"name": f"lazy/{name}", "optimizer": made, "table": "repeated"}


def optimizer_cases(weights: dict[str, np.ndarray]) -> Iterator[Json]:
    """The cases of optimizers.json."""
    for case in asked():
        after, states, config = run(case, weights, "float64")
        single, _, _ = run(case, weights, "float32")
        yield {
            **case,
            "after": golden_io.array(after),
            "float32_error": float(np.max(np.abs(after - single))),
            "states": states,
            "config": config
            if case["table"] == "repeated" and "lazy" not in case["name"]
            else None,
        }


def schedule_cases(steps: np.ndarray) -> Iterator[Json]:
    """The cases of schedules.json."""
    for name, made in schedules():
        schedule = BUILD(golden_io.double(made))
        rates = np.array([schedule(tf.constant(step)).numpy() for step in steps])
        config = BUILD(made).get_config()
        yield {"name": name, "schedule": made, "rates": golden_io.array(rates), "config": config}


def main() -> None:
    """Writes the files."""
    out = golden_io.arguments(__doc__ or "")
    rng = np.random.RandomState(4)
    weights = {n: rng.standard_normal(s).astype(np.float32) for n, s in SHAPES.items()}
    golden_io.write(
        out / "optimizers.json",
        "Three steps of optimizers.",
        list(optimizer_cases(weights)),
        weights={n: golden_io.array(w) for n, w in weights.items()},
        steps=[{n: golden_io.array(g) for n, g in step.items()} for step in gradients()],
    )
    steps = np.array([*range(24), 100, 1000])
    golden_io.write(
        out / "schedules.json",
        "Learning rates.",
        list(schedule_cases(steps)),
        steps=golden_io.array(steps),
    )


if __name__ == "__main__":
    main()
