"""A training that is killed: `killed_training.py FOLDER SEED WHERE COUNT`.

It trains on FOLDER's records with a checkpoint there, goes on from that if it is there, and kills
itself the COUNT-th time that it comes to WHERE: "step", inside of one, "write", in the middle of
writing a checkpoint, "link", "replace" and "sync", before a checkpoint's file gets its hidden name,
its name, and after that; "never". At its end stands FOLDER/final.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import weft
from small_model import compiled
from weft.model import archive


def dying(function: Callable[..., Any], count: int) -> Callable[..., Any]:
    """The function, which kills the process at its `count`-th call."""
    calls = 0

    def made(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)

    return made


def prepare(where: str, count: int) -> None:
    """Has the process die there."""
    if where == "step":
        weft.optimizers.Optimizer.apply = dying(weft.optimizers.Optimizer.apply, count)
    elif where == "write":
        np.lib.format.write_array = dying(np.lib.format.write_array, count)
    elif where != "never":
        function = {"link": "link", "replace": "replace", "sync": "fsync"}[where]
        setattr(archive.os, function, dying(getattr(os, function), count))


def main(folder: Path, seed: int, where: str, count: int) -> None:
    """Trains."""
    model = compiled(weft.optimizers.Adam(weft.optimizers.schedules.CosineDecay(0.01, 60)))
    files = sorted(str(path) for path in folder.glob("data-*"))
    dataset = (
        weft.io.TFRecordDataset(files)
        .interleave(2)
        .shuffle(40, seed=seed)
        .parse(model.parse_example_spec())
        .bucket_by_length("items", [6], [8, 8])
        .prefetch(2)
    )
    validation = weft.io.TFRecordDataset(files[:1]).batch(32).parse(model.parse_example_spec())
    prepare(where, count)
    history = model.fit(
        dataset,
        validation,
        epochs=4,
        callbacks=[
            weft.callbacks.EarlyStopping(patience=3, restore_best_weights=True),
            weft.callbacks.CSVLogger(folder / "log.csv"),
            weft.callbacks.Checkpoint(folder / "checkpoint", every_steps=3, keep=2),
        ],
        verbose=0,
        resume=True,
    )
    final = {"weights": dict(model.weights), "optimizer": model.optimizer.state()}
    archive.write(folder / "final", "final", {**final, **history.state_dict()})


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
