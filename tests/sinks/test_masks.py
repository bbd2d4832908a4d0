import re
import time
from collections.abc import Callable
from pathlib import Path

import cv2

from edgeseg.sinks import open_sink
from edgeseg.sinks.sink import LoopInfo, Segmented


def test_a_mask_has_the_size_of_its_frame_and_its_name(
    tmp_path: Path, info: Callable[..., LoopInfo], segmented: Callable[..., Segmented]
) -> None:
    sink = open_sink(f"{tmp_path}/masks/", info())
    sink.write(segmented(7))
    mask = cv2.imread(str(tmp_path / "masks" / "000007.png"), cv2.IMREAD_UNCHANGED)
    assert mask.shape == (48, 64)
    assert [mask[10, 10], mask[10, 50], mask[40, 10], mask[40, 50]] == [0, 1, 1, 0]


def test_the_masks_folder_keeps_what_it_held(tmp_path: Path, info: Callable[..., LoopInfo]) -> None:
    (tmp_path / "probe.png").write_bytes(b"mine")
    open_sink(f"{tmp_path}/", info()).close(complete=True)
    assert (tmp_path / "probe.png").read_bytes() == b"mine"


def test_a_later_run_of_a_camera_overwrites_nothing(
    tmp_path: Path, info: Callable[..., LoopInfo], segmented: Callable[..., Segmented]
) -> None:
    for run in range(2):
        sink = open_sink(f"{tmp_path}/", info(live=True))
        for number in range(2):
            sink.write(segmented(number, captured=time.monotonic() + 10 * run + number))
        sink.close(complete=True)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 4
    assert all(re.fullmatch(r"\d{8}-\d{6}-\d{3}\.png", name) for name in names)
