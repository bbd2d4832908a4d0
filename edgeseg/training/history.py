"""The course of a training as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeseg.errors import MissingExtraError
from edgeseg.files import replacing


def plot(history: Sequence[dict[str, Any]], path: Path) -> None:
    """Write a PNG with loss and val mIoU by epoch, the best epoch marked."""
    try:
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator
    except ImportError as error:
        raise MissingExtraError("matplotlib", "train") from error
    epochs = [entry["epoch"] for entry in history]
    best = max(history, key=lambda entry: float(entry["val_miou"]))
    figure = Figure(figsize=(7, 3.6), dpi=120, layout="constrained")
    left = figure.add_subplot()
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.plot(epochs, [entry["loss"] for entry in history], color="tab:grey", marker="." if len(epochs) < 4 else "")
    left.set(xlabel="epoch", ylabel="training loss (grey)", ylim=(0, None))
    right = left.twinx()
    right.plot(epochs, [100 * entry["val_miou"] for entry in history], color="tab:blue")
    right.plot(best["epoch"], 100 * best["val_miou"], "o", color="tab:blue")
    right.set(ylabel="val mIoU in % (blue)", ylim=(0, 100))
    left.set_title(f"best: {100 * best['val_miou']:.1f} % in epoch {best['epoch']}")
    with replacing(path) as temporary:
        figure.savefig(temporary)
