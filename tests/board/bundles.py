"""Bundles for boards, quickly made."""

from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from edgeseg.bundle.pack import Order, pack
from edgeseg.doctor.child import TINY
from edgeseg.labels import Labels
from edgeseg.scene.belt import Belt
from tests.board.machine import GOOD


def bundle_maker(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes a bundle of the smallest model with options for `edgeseg live`; each name gives another release."""
    folder, pictures = tmp_path_factory.mktemp("bundles"), tmp_path_factory.mktemp("pictures")
    cv2.imwrite(str(pictures / "0.png"), Belt(1, (48, 64)).frame(0)[0])

    def make(name: str = "good", live: tuple[str, ...] = GOOD, key: Path | None = None) -> Path:
        path = folder / f"{name}-{len(list(folder.iterdir()))}.edgeseg"
        labels = Labels.from_names(["blue", "red"])
        return pack(Order(TINY, pictures, path, 1, None, name, live, labels, key))[0].path

    return make
