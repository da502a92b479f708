"""Checkpoints: killed at any moment, a training goes on as if it had not been."""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import weft
from small_model import batches, compiled, features, layers, one_head, same_weights
from weft import losses
from weft.callbacks import Checkpoint, CSVLogger, EarlyStopping, LearningRateScheduler
from weft.layers import GRU, Bidirectional, Dense
from weft.model import archive

SCRIPT = Path(__file__).with_name("killed_training.py")


def training(folder, seed, where, count):
    """Starts `killed_training.py`."""
    words = [sys.executable, SCRIPT, folder, seed, where, count]
    return subprocess.Popen([str(word) for word in words])


def same(a, b):
    """Whether two trees hold the same bits."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return a == b


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("records")
    weft.io.write_tfrecords(features(150), folder / "data", num_shards=3)
    return folder


@pytest.fixture(scope="module")
def uninterrupted(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    shutil.copytree(data, folder)
    assert training(folder, 5, "never", 0).wait() == 0
    return folder


PLACES = [("step", 1), ("write", 3), ("step", 9), ("link", 3), ("sync", 5), ("write", 101)]
PLACES += [("replace", 4), ("step", 2), ("sync", 6), ("sync", 5)]


def test_killed_and_resumed(data, uninterrupted, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(data, folder)
    for life, place in enumerate(PLACES):
        # Seeds that are left out are drawn, so they differ once there is a checkpoint.
        there = (folder / "checkpoint").exists()
        assert there == (life > 2)
        assert training(folder, 1000 + life if there else 5, *place).wait() == -9
        left = [name for name in os.listdir(folder) if name.endswith(".tmp")]
        assert len(left) <= 1 if place[0] == "replace" else not left
        if there:
            archive.read(folder / "checkpoint", "checkpoint")
    rng = random.Random(1)
    for life in range(3):
        child = training(folder, 2000 + life, "never", 0)
        before = (folder / "checkpoint").stat().st_mtime_ns
        while child.poll() is None and (folder / "checkpoint").stat().st_mtime_ns == before:
            time.sleep(0.001)
        time.sleep(rng.random() * 0.01)
        child.kill()
        child.wait()
    assert training(folder, 3000, "never", 0).wait() == 0
    got, want = (
        archive.read(folder / "final", "final"),
        archive.read(uninterrupted / "final", "final"),
    )
    assert same(got, want)
    assert (folder / "log.csv").read_text() == (uninterrupted / "log.csv").read_text()
    assert {name for name in os.listdir(folder) if "checkpoint" in name} >= {
        *("checkpoint", "checkpoint.1")
    }


class Stop(Exception):
    pass


def interrupted(model, data, at, **arguments):
    """A fit that ends with an exception after `at` steps."""

    def stop(batch, logs):
        if model.optimizer.iterations == at:
            raise Stop

    watch = [weft.callbacks.LambdaCallback(on_train_batch_end=stop)] if at else []
    arguments["callbacks"] = [*arguments.get("callbacks", ()), *watch]
    try:
        return model.fit(data, verbose=0, **arguments)
    except Stop:
        return None


def started(make, weights=None):
    model = make()
    model.build()
    for i, weight in enumerate(model.weights.values()):
        weight[:] = np.random.default_rng(i).standard_normal(weight.shape) * 0.1
    return model


@pytest.mark.parametrize("steps", [None, 3, 7])
@pytest.mark.parametrize("at", [2, 4, 5, 6, 10, 14, 15])
def test_within_one_process(tmp_path, at, steps):
    """Lists, whose place is a count; names of layers that are others; epochs by steps."""
    data = batches(50, 10)

    def fit(model, at=0, resume=False, name="c"):
        run = [
            EarlyStopping("loss", patience=9),
            CSVLogger(tmp_path / "log"),
            LearningRateScheduler(lambda epoch, rate: rate / (1 + epoch)),
            Checkpoint(tmp_path / name, every_steps=1),
        ]
        return interrupted(
            model, data, at, epochs=3, steps_per_epoch=steps, callbacks=run, resume=resume
        )

    def make():
        parts = layers()
        parts["heads"]["spent"] = Dense(1)  # dense, dense_1, ...
        return compiled(weft.optimizers.RMSprop(0.01, momentum=0.9), **parts)

    whole = started(make)
    expected = fit(whole)
    broken = started(make)
    if fit(broken, at, name="d") is None:
        resumed = make()
        run = [EarlyStopping("loss", patience=9), CSVLogger(tmp_path / "log")]
        run += [LearningRateScheduler(lambda epoch, rate: rate / (1 + epoch))]
        run += [Checkpoint(tmp_path / "e"), weft.callbacks.LambdaCallback()]
        history = resumed.fit(
            data,
            epochs=3,
            steps_per_epoch=steps,
            callbacks=run,
            verbose=0,
            resume=tmp_path / "d",
        )
        assert history.history == expected.history and history.epoch == expected.epoch
        assert same_weights(resumed, whole)
        now, want = resumed.optimizer.state(), whole.optimizer.state()
        assert [v.tobytes() for v in now.values()] == [v.tobytes() for v in want.values()]
        assert resumed.optimizer.learning_rate == whole.optimizer.learning_rate


def test_what_has_ended_has_ended(tmp_path):
    data = batches(30, 10)
    model = started(one_head)
    run = [Checkpoint(tmp_path / "c")]
    history = model.fit(data, epochs=2, callbacks=run, verbose=0, resume=True)  # no file yet
    again = started(one_head)
    other = again.fit(data, epochs=2, callbacks=run, verbose=0, resume=True)
    assert other.history == history.history and same_weights(again, model)
    longer = again.fit(data, epochs=3, callbacks=run, verbose=0, resume=True)
    assert len(longer["loss"]) == 3
    whole = started(one_head)
    assert whole.fit(data, epochs=3, verbose=0).history == longer.history
    assert same_weights(again, whole)


def test_an_early_stop_is_kept(tmp_path):
    data = batches(30, 10)
    model = started(one_head)
    run = [EarlyStopping("loss", min_delta=100, patience=2, restore_best_weights=True)]
    run += [Checkpoint(tmp_path / "c", every_steps=1)]
    history = model.fit(data, epochs=20, callbacks=run, verbose=0)
    assert len(history.epoch) == 3
    again = started(one_head)
    other = again.fit(data, epochs=20, callbacks=run, verbose=0, resume=True)
    assert other.history == history.history and same_weights(again, model)


@pytest.mark.parametrize("both_ways", [False, True])
def test_states_that_layers_keep(tmp_path, both_ways):
    """Stateful layers go on where they were."""
    data = batches(60, 10)

    def make():
        gru = GRU(4, stateful=True, name="gru")
        tower = [layers()["sequence"][0], Bidirectional(gru) if both_ways else gru]
        model = weft.Model([*tower, Dense(1, name="a")])
        model.compile("adam", "mse", labels="spent")
        return model

    whole, broken, resumed = started(make), started(make), make()
    expected = whole.fit(data, epochs=2, verbose=0)
    run = [Checkpoint(tmp_path / "c", every_steps=1)]
    assert interrupted(broken, data, 4, epochs=2, callbacks=run) is None
    run += [weft.callbacks.LambdaCallback()]
    history = resumed.fit(data, epochs=2, callbacks=run, verbose=0, resume=True)
    assert history.history == expected.history and same_weights(resumed, whole)


def test_when_files_are_written(tmp_path):
    written = []

    class Counted(Checkpoint):
        def write(self, state):
            super().write(state)
            written.append((state["epoch"], state["batch"]))

    model = one_head()
    model.fit(batches(50, 10), callbacks=[Counted(tmp_path / "a", every_steps=2)], verbose=0)
    assert written == [(0, 2), (0, 4), (1, 0)]
    written.clear()
    model.fit(batches(50, 10), callbacks=[Counted(tmp_path / "a", every_seconds=0)], verbose=0)
    assert written == [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (1, 0)]
    written.clear()
    keep = Counted(tmp_path / "k", every_steps=1, keep=3)
    model.fit(batches(50, 10), epochs=2, callbacks=[keep], verbose=0)
    kept = [archive.read(tmp_path / name, "checkpoint") for name in ("k", "k.1", "k.2")]
    assert [(c["epoch"], c["batch"]) for c in kept] == [(2, 0), (1, 5), (1, 4)]
    assert not (tmp_path / "k.3").exists()
    for arguments in ({"keep": 0}, {"every_steps": 0}):
        with pytest.raises(weft.InvalidArgumentError):
            Checkpoint("x", **arguments)


def test_of_something_else(tmp_path, data):
    path = tmp_path / "c"
    given = batches(20, 10)
    model = one_head()
    model.fit(given, callbacks=[Checkpoint(path)], verbose=0)

    def refused(model, message, given=given, callbacks=(), resume=path):
        model.build()
        before = model.get_weights()
        with pytest.raises(weft.InvalidArgumentError, match=message) as info:
            model.fit(
                given, epochs=2, callbacks=[Checkpoint(path), *callbacks], resume=resume, verbose=0
            )
        now = model.get_weights()
        assert all(np.array_equal(a, b) for a, b in zip(before, now, strict=True))
        assert info.value.file == str(resume)
        return info.value

    assert refused(compiled(), "heads").file == str(path)
    parts = layers()
    parts["sequence"][1] = GRU(8, dropout=0.1, recurrent_dropout=0.1, reset_after=False)
    other = weft.Model(**{**parts, "heads": Dense(1)})
    other.compile("adam", "mse", labels="again")
    refused(other, r"sequence\.layers\[1\]\.config\.reset_after is true there and false here")
    refused(one_head("sgd"), 'compile.optimizer.class_name is "Adam" there and "SGD" here')
    refused(one_head(weft.optimizers.Adam(beta_1=0.5)), "beta_1 is 0.9 there and 0.5 here")
    other = one_head()
    logits = losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1)
    other.compile("adam", logits, labels="again")
    refused(other, "label_smoothing is 0.0 there and 0.1 here")
    refused(one_head(sample_weight="weight"), "sample_weight")
    parts = layers()
    parts["sequence"][1] = GRU(8, dropout=0.1, recurrent_dropout=0.1)
    other = weft.Model(**{**parts, "heads": Dense(1)})
    other.compile("adam", losses.BinaryCrossentropy(from_logits=True), labels="again")
    refused(other, r'name, which decides what is drawn, is "gru" there and "gru_\d+" here')
    refused(one_head(metrics=["auc"]), "metrics")
    refused(one_head(), "callbacks", callbacks=[EarlyStopping()])
    dataset = weft.io.TFRecordDataset(sorted(map(str, data.glob("data-*")))).batch(10)
    dataset = dataset.parse(one_head().parse_example_spec())
    refused(one_head(), "another kind of dataset", given=dataset)
    refused(one_head(), "is no checkpoint", resume=_weights(model, tmp_path))
    with pytest.raises(weft.InvalidArgumentError, match="resume=True needs"):
        model.fit(given, resume=True, verbose=0)
    with pytest.raises(FileNotFoundError, match="nothing"):
        model.fit(given, resume=tmp_path / "nothing", verbose=0)
    model.fit(dataset, callbacks=[Checkpoint(path)], verbose=0)
    refused(one_head(), "another kind of dataset")
    changed = dataset.shuffle(3)
    with pytest.raises(weft.InvalidArgumentError, match="another dataset"):
        model.fit(changed, epochs=2, callbacks=[Checkpoint(path)], resume=True, verbose=0)


def test_learning_rates_of_a_checkpoint(tmp_path):
    """A number is the file's; a schedule must be the same."""
    path, data = tmp_path / "c", batches(20, 10)
    decay = weft.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)

    def fit(rate, epochs):
        model = one_head(weft.optimizers.Adam(rate))
        model.fit(data, epochs=epochs, callbacks=Checkpoint(path), resume=epochs > 1, verbose=0)
        return model.optimizer.learning_rate

    assert fit(0.25, 1) == fit(0.5, 2) == fit(decay, 2) == 0.25
    assert fit(decay, 1) is decay and fit(decay, 2) is decay
    with pytest.raises(weft.InvalidArgumentError, match=r"learning_rate is \{"):
        fit(0.1, 3)


def _weights(model, folder):
    model.save_weights(folder / "weights")
    return folder / "weights"


def test_damaged_files(tmp_path):
    path = tmp_path / "c"
    model = one_head()
    model.fit(batches(20, 10), callbacks=[Checkpoint(path)], verbose=0)
    whole = path.read_bytes()
    want = archive.read(path, "checkpoint")
    rng = np.random.default_rng(0)
    damaged = [whole[:n] for n in rng.integers(0, len(whole), 40)] + [b"", whole[:-1]]
    for place in rng.integers(0, len(whole), 300):
        one = bytearray(whole)
        one[place] ^= int(rng.integers(1, 256))
        damaged.append(bytes(one))
    refused = 0
    for contents in damaged:
        path.write_bytes(contents)
        try:
            assert same(archive.read(path, "checkpoint"), want)  # a date or the like
        except weft.Error as error:
            assert str(path) in str(error) and error.file == str(path)
            refused += 1
    assert refused > 200
    path.write_bytes(b"nonsense")
    with pytest.raises(weft.CorruptDataError, match=str(path)):
        model.fit(batches(20, 10), callbacks=[Checkpoint(path)], resume=True, verbose=0)


def test_files_that_cannot_be_written(tmp_path):
    for path in (tmp_path, tmp_path / "no" / "c"):
        with pytest.raises(weft.IoError, match="cannot be written") as info:
            archive.write(path, "checkpoint", {"a": np.zeros(3)})
        assert info.value.file == str(path)
    assert os.listdir(tmp_path) == []
    with pytest.raises(ValueError, match="pickle"):
        archive.write(tmp_path / "c", "checkpoint", {"a": np.array([{}], object)})
    assert os.listdir(tmp_path) == []
    target = tmp_path / "target"
    archive.write(target, "checkpoint", {"a": 1})
    (tmp_path / "link").symlink_to(target)
    archive.write(tmp_path / "link", "checkpoint", {"a": 2})
    assert archive.read(target, "checkpoint") == {"a": 2} and (tmp_path / "link").is_symlink()


def test_weights_of_a_checkpoint(tmp_path):
    model, other = started(one_head), one_head()
    model.fit(batches(20, 10), callbacks=[Checkpoint(tmp_path / "c")], verbose=0)
    other.load_weights(tmp_path / "c")
    assert same_weights(model, other)
    with pytest.raises(weft.InvalidArgumentError, match="weights"):
        compiled().load_weights(tmp_path / "c")


def test_what_is_swept(tmp_path):
    """Files of killed processes, and no others."""
    others = [".c.txt.tmp", ".c.1.2.tmp", ".cd.1.tmp", ".c.1.tmp.gz"]
    for name in [".c.123.tmp", *others]:
        (tmp_path / name).touch()
    archive.sweep(tmp_path / "c")
    assert sorted(os.listdir(tmp_path)) == sorted(others)
