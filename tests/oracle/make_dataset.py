"""Makes dataset.json: the order of tf.data's elements under the steps that are not random.

File k of "sizes" holds the records 100 k, 100 k + 1, ...; a record's length, for
bucket_by_sequence_length, is its number modulo 17. Each case has "steps", [method, arguments...] in
weft's names, and "result": the numbers, or lists of them after batch and bucket_by_length.
"""

from __future__ import annotations

import golden_io  # first: it sets the environment and the path

# isort: split

import random
from typing import Any

import tensorflow as tf

SIZES = [5, 0, 40, 1, 13, 2, 27]
LENGTH = 17


def dataset_of(steps: list[list[Any]]) -> tf.data.Dataset:
    files = tf.data.Dataset.range(len(SIZES))
    sizes = tf.constant(SIZES, tf.int64)
    cycle, block = 1, 1
    rest = []
    for name, *arguments in steps:
        if name == "interleave":
            cycle, block = arguments
        elif name == "shard_files":
            files = files.shard(*arguments)
        else:
            rest.append((name, arguments))
    made = files.interleave(
        lambda k: tf.data.Dataset.range(100 * k, 100 * k + sizes[k]),
        cycle_length=cycle,
        block_length=block if cycle > 1 else 1,
    )
    for name, arguments in rest:
        if name == "bucket_by_length":
            made = made.bucket_by_sequence_length(
                lambda x: tf.cast(x % LENGTH, tf.int32),
                *arguments[:2],
                drop_remainder=arguments[2],
            )
        elif name == "batch":
            made = made.batch(arguments[0], drop_remainder=arguments[1])
        else:
            made = getattr(made, name)(*arguments)
    return made


def random_steps(rng: random.Random) -> list[list[Any]]:
    steps: list[list[Any]] = []
    if rng.random() < 0.4:
        n = rng.randint(1, 3)
        steps.append(["shard_files", n, rng.randrange(n)])
    if rng.random() < 0.7:
        steps.append(["interleave", rng.randint(1, 5), rng.randint(1, 6)])

    def some(most: int) -> None:
        for _ in range(rng.randint(0, most)):
            kind = rng.choice(["shard", "skip", "take", "repeat"])
            if kind == "shard":
                n = rng.randint(1, 3)
                steps.append([kind, n, rng.randrange(n)])
            elif kind == "repeat":
                steps.append([kind, rng.randint(0, 3)])
            else:
                steps.append([kind, rng.choice([-1, 0, 1, 7, 40])])

    some(3)
    if rng.random() < 0.4:
        bounds, drop = rng.choice([[5], [4, 9], [1, 8, 16]]), rng.random() < 0.5
        sizes = [rng.randint(1, 6) for _ in range(len(bounds) + 1)]
        steps.append(["bucket_by_length", bounds, sizes, drop])
        some(2)
    elif rng.random() < 0.7:
        steps.append(["batch", rng.randint(1, 9), rng.random() < 0.5])
        some(2)
    return steps


def main() -> None:
    """Writes the file."""
    out = golden_io.arguments(__doc__ or "")
    rng = random.Random(5)
    cases = []
    for i in range(120):
        steps = random_steps(rng)
        result = [x.tolist() for x in dataset_of(steps).as_numpy_iterator()]
        cases.append({"name": f"random_{i}", "steps": steps, "result": result})
    golden_io.write(
        out / "dataset.json", "The order of tf.data's elements.", cases, sizes=SIZES, length=LENGTH
    )


if __name__ == "__main__":
    main()
