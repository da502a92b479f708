"""Callbacks: in which order they are called, and what each does."""

import csv
import math

import numpy as np
import pytest
import weft
from small_model import batches, one_head
from weft.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ReduceLROnPlateau,
)


class Recorder(Callback):
    def __init__(self):
        super().__init__()
        self.calls = []


for _name in [name for name in vars(Callback) if name.startswith("on_")]:

    def _method(self, *arguments, _name=_name):
        where = arguments[0] if arguments and isinstance(arguments[0], int) else None
        self.calls.append((_name.removeprefix("on_"), where))

    setattr(Recorder, _name, _method)


def test_the_order_of_calls():
    model = one_head()
    watch = Recorder()
    data = batches(20, 10)
    model.fit(data, data, epochs=2, callbacks=[watch], verbose=0)
    steps = [("train_batch_begin", 0), ("train_batch_end", 0)]
    steps += [("train_batch_begin", 1), ("train_batch_end", 1)]
    test = [("test_begin", None), ("test_end", None)]
    epochs = [[("epoch_begin", e), *steps, *test, ("epoch_end", e)] for e in range(2)]
    assert watch.calls == [("train_begin", None), *epochs[0], *epochs[1], ("train_end", None)]
    assert watch.model is model and watch.params["epochs"] == 2


def test_logs_of_batches():
    model = one_head(metrics=["auc"])
    seen = []
    data = batches(40, 10)
    watch = LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(dict(logs)))
    history = model.fit(data, callbacks=[watch], verbose=0)
    assert [set(logs) for logs in seen] == [{"loss", "auc"}] * 4
    assert seen[-1] == {key: history[key][0] for key in ("loss", "auc")}
    with pytest.raises(weft.InvalidArgumentError, match="on_nothing"):
        LambdaCallback(on_nothing=print)


def test_a_callback_stops_the_training():
    model = one_head()

    def stop(batch, logs):
        model.stop_training = batch == 1

    seen = []
    watch = LambdaCallback(
        on_train_batch_end=stop, on_epoch_end=lambda epoch, logs: seen.append(epoch)
    )
    model.fit(batches(40, 10), epochs=3, callbacks=[watch], verbose=0)
    assert seen == [0] and model.optimizer.iterations == 2


class Values:
    """Stands for a model whose number is given, epoch by epoch."""

    def __init__(self):
        self.stop_training = False
        self.weights = 0

    def get_weights(self):
        return [np.array(self.weights)]

    def set_weights(self, weights):
        self.weights = int(weights[0])


@pytest.mark.parametrize(
    ("values", "arguments", "epochs", "weights"),
    [
        ([3, 2, 1, 2], {}, 4, None),
        ([3, 2, 2.5, 1], {}, 3, None),
        ([3, 2, 2.5, 2.4, 2.3, 1], {"patience": 2}, 4, None),
        ([3, 2, 2.5, 1.9, 2.3, 1.8, 1], {"patience": 2}, 7, None),
        ([3, 2.9, 2.8, 2.7], {"min_delta": 0.5, "patience": 2}, 3, None),
        ([3, 2, 4, 5], {"patience": 2, "restore_best_weights": True}, 4, 1),
        ([3, 4, 5], {"patience": 1, "restore_best_weights": True}, 2, 0),
        ([1, 2, 3, 2], {"mode": "max"}, 4, None),
        ([1, 2, 3, 4], {"baseline": 0.5, "patience": 2}, 2, None),
        ([1, 0.9, 0.8, 0.4, 0.3], {"baseline": 0.5, "patience": 5}, 5, None),
        ([1, 5, 6, 7], {"start_from_epoch": 2}, 4, None),
        ([math.nan, math.nan], {}, 2, None),
    ],
)
def test_early_stopping(values, arguments, epochs, weights):
    """What tf.keras.callbacks.EarlyStopping does with the same numbers (2.15)."""
    model = Values()
    stopping = EarlyStopping(**arguments)
    stopping.set_model(model)
    stopping.on_train_begin()
    done = 0
    for epoch, value in enumerate(values):
        model.weights = epoch
        stopping.on_epoch_end(epoch, {"val_loss": value})
        done += 1
        if model.stop_training:
            break
    assert done == epochs
    if weights is not None:
        assert model.weights == weights


def test_which_way_is_better():
    for monitor, mode in [
        ("val_loss", "min"),
        ("val_auc", "max"),
        ("a_accuracy", "max"),
        ("val_recall_at_20", "max"),
        ("ndcg_at_5", "max"),
    ]:
        assert EarlyStopping(monitor).mode == mode
    with pytest.raises(weft.InvalidArgumentError, match="mode"):
        EarlyStopping(mode="up")
    with pytest.raises(weft.InvalidArgumentError, match="val_auc.*loss"):
        one_head().fit(batches(5, 5), callbacks=[EarlyStopping("val_auc")], verbose=0)


def test_learning_rates(capsys):
    model = one_head(weft.optimizers.SGD(0.5))
    rates = []
    both = [
        LearningRateScheduler(lambda epoch, rate: rate / 2, verbose=1),
        LambdaCallback(on_epoch_end=lambda e, logs: rates.append(model.optimizer.learning_rate)),
    ]
    history = model.fit(batches(20, 10), epochs=3, callbacks=both, verbose=0)
    assert rates == history["lr"] == [0.25, 0.125, 0.0625]
    one = LearningRateScheduler(lambda epoch: 1e-3)
    model.fit(batches(10, 10), callbacks=one, verbose=0)
    assert model.optimizer.learning_rate == 1e-3
    assert "Epoch 2: learning rate 0.125" in capsys.readouterr().out


def test_csv(tmp_path):
    model = one_head(metrics=["auc"])
    data = batches(20, 10)
    path = tmp_path / "log.csv"
    history = model.fit(data, data, epochs=2, callbacks=[CSVLogger(path)], verbose=0)
    rows = list(csv.DictReader(path.open()))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    for key in ("loss", "auc", "val_loss", "val_auc"):
        assert [float(row[key]) for row in rows] == history[key]
    model.fit(data, data, callbacks=[CSVLogger(path, append=True)], verbose=0)
    assert len(list(csv.DictReader(path.open()))) == 3
    model.fit(data, callbacks=[CSVLogger(path, separator=";")], verbose=0)
    assert path.read_text().splitlines()[0] == "epoch;loss;auc"


@pytest.mark.parametrize(
    ("values", "arguments", "rates"),
    [
        ([3, 2, 2, 2, 2], {"patience": 2}, [1, 1, 1, 0.1, 0.1]),
        ([3, 2, 2, 2, 2, 2], {"patience": 1, "cooldown": 2}, [1, 1, 0.1, 0.1, 0.01, 0.01]),
        ([3, 3, 3, 3], {"patience": 1, "min_lr": 0.05}, [1, 0.1, 0.05, 0.05]),
        ([1, 2, 2.5, 2.6], {"mode": "max", "patience": 1, "min_delta": 0.3}, [1, 1, 1, 0.1]),
        ([3, 3, 3], {"factor": 0.5, "patience": 0}, [1, 0.5, 0.25]),
    ],
)
def test_a_plateau(values, arguments, rates):
    """What tf.keras.callbacks.ReduceLROnPlateau does with the same numbers (2.15)."""
    model = one_head(weft.optimizers.SGD(1.0))
    plateau = ReduceLROnPlateau(**arguments)
    plateau.set_model(model)
    plateau.on_train_begin()
    for epoch, (value, rate) in enumerate(zip(values, rates, strict=True)):
        logs = {"val_loss": value}
        plateau.on_epoch_end(epoch, logs)
        assert model.optimizer.learning_rate == pytest.approx(rate)
        assert logs["lr"] == pytest.approx(rates[epoch - 1] if epoch else 1)


def test_arguments_out_of_range():
    for call in (
        lambda: EarlyStopping(patience=-1),
        lambda: ReduceLROnPlateau(patience=-1),
        lambda: ReduceLROnPlateau(factor=1),
        lambda: one_head().fit(batches(5, 5), steps_per_epoch=0),
    ):
        with pytest.raises(weft.InvalidArgumentError):
            call()
