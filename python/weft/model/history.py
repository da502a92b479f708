"""History: what fit() gives, the losses and metrics of each epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from weft.errors import NotFoundError
from weft.model.archive import Path, path_of
from weft.model.callbacks import Callback

__all__ = ["History"]


class History(Callback):
    """Losses and metrics by epoch: `history["val_loss"]` is a list, as `history.history[...]`.

    `epoch` are the numbers of the epochs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float] | None = None) -> None:
        """Appends the epoch."""
        self.epoch.append(epoch)
        for key, value in (logs or {}).items():
            self.history.setdefault(key, []).append(value)

    def __getitem__(self, key: str) -> list[float]:
        return self.history[key]

    def __repr__(self) -> str:
        return f"<weft.model.History of {len(self.epoch)} epochs: {', '.join(self.history)}>"

    def state_dict(self) -> dict[str, Any]:
        """All of it."""
        return {"epoch": self.epoch, "history": self.history}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from there."""
        self.epoch, self.history = list(state["epoch"]), dict(state["history"])

    def plot(self, path: Path) -> None:
        """Draws the learning curves into an image file (.png, .svg, .pdf, ...).

        One panel for the loss and for each metric, with training and validation in it. Needs
        matplotlib; raises `weft.NotFoundError` without.
        """
        try:
            from matplotlib.figure import Figure
            from matplotlib.ticker import MaxNLocator
        except ImportError as error:
            raise NotFoundError(
                "plot() draws with matplotlib, which is not installed: pip install matplotlib"
            ) from error
        keys = [key for key in self.history if not key.startswith("val_")]
        figure = Figure(figsize=(4.5 * max(len(keys), 1), 3.5), layout="constrained")
        for i, key in enumerate(keys):
            axes = figure.add_subplot(1, len(keys), i + 1, title=key, xlabel="epoch")
            for name, label in ((key, "training"), (f"val_{key}", "validation")):
                if name in self.history:
                    values = self.history[name]
                    axes.plot(
                        [e + 1 for e in self.epoch[-len(values) :]], values, ".-", label=label
                    )
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.legend()
        figure.savefig(path_of(path))
