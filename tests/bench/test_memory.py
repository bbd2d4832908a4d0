import numpy as np

from edgeseg.bench.memory import MemorySource
from edgeseg.bench.result import Setting


def test_frames_come_over_and_over_until_there_were_enough() -> None:
    pictures = [np.full((4, 4, 3), value, np.uint8) for value in (1, 2)]
    frames = list(MemorySource(pictures, 5).frames())
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 2, 1, 2, 1]
    assert [frame.name for frame in frames][::4] == ["000000", "000004"]


def test_jpegs_are_decoded_by_whoever_looks() -> None:
    setting = Setting("stub:")
    frame = next(MemorySource(setting.jpegs, 1).frames())
    assert frame.jpeg == setting.jpegs[0]
    assert frame.image.shape == (480, 640, 3)
    assert np.abs(frame.image.astype(int) - setting.images[0]).mean() < 5
