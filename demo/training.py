"""Two models over the histories of baskets: whether the household buys again, and what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import weft
from weft import feature_column as fc
from weft.layers import GRU, Dense, DenseFeatures, SequenceFeatures
from weft.normalizers import Log1p

BATCH = 512
EPOCHS = 3
DAY = 24 * 3600


def embedded(key: str, buckets: int, dimension: int, sequence: bool = True) -> Any:
    """An embedding of small integers."""
    identity = (
        fc.sequence_categorical_column_with_identity
        if sequence
        else fc.categorical_column_with_identity
    )
    return fc.embedding_column(identity(key, buckets), dimension)


def buys_again(steps: int) -> weft.Model:
    """Does this household buy again within 7 days? `steps`: how many there will be."""
    # [buys_again]
    baskets = SequenceFeatures(
        [
            fc.sequence_time_delta_column("times", unit=3600, normalizer_fn=Log1p()),
            fc.sequence_time_delta_column("times", "now", unit=DAY, normalizer_fn=Log1p()),
            fc.sequence_numeric_column("spent", normalizer_fn=Log1p()),
            fc.sequence_numeric_column("sizes", normalizer_fn=Log1p()),
            embedded("hours", 24, 4),
            embedded("weekdays", 7, 3),
        ]
    )
    moment = DenseFeatures(
        [
            *(fc.numeric_column(k, normalizer_fn=Log1p()) for k in ("gap", "mean_gap", "baskets")),
            embedded("hour", 24, 4, sequence=False),
            embedded("weekday", 7, 3, sequence=False),
        ]
    )
    model = weft.Model(
        sequence=[baskets, GRU(32)],
        context=[moment],
        heads={"buys_again": [Dense(32, "relu"), Dense(1)]},
    )
    model.compile(
        weft.optimizers.Adam(weft.optimizers.schedules.CosineDecay(3e-3, steps)),
        loss=weft.losses.BinaryCrossentropy(from_logits=True),
        metrics=["auc"],
    )
    # [/buys_again]
    return model


def dataset(file: Path, model: weft.Model, shuffle: bool = False) -> weft.io.TFRecordDataset:
    """The batches of a file that a model reads."""
    records = weft.io.TFRecordDataset(str(file))
    if shuffle:
        records = records.shuffle(1 << 17, seed=0)
    return records.batch(BATCH).parse(model.parse_example_spec(), strict=False).prefetch()


def train(model: weft.Model, folder: Path) -> weft.History:
    """Trains a model on train.tfrecord and judges it by judged.tfrecord after each epoch."""
    return model.fit(
        dataset(folder / "train.tfrecord", model, shuffle=True),
        validation_data=dataset(folder / "judged.tfrecord", model),
        epochs=EPOCHS,
    )
