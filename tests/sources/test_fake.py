"""The product's fake camera: it does what it is told, in good and in bad."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgeseg.errors import DataError
from edgeseg.scene.belt import Belt
from edgeseg.sources import open_source

SMALL = "fake:?play=belt:?size=48x64&cycle=5"


def test_it_shows_what_it_plays_over_and_over(take: Callable) -> None:
    source = open_source(f"{SMALL}&fps=20&format=bgr")
    frames = take(source, 12)
    source.close()
    belt = Belt(2026, (48, 64))
    for frame in frames:
        assert np.array_equal(frame.image, belt.frame(int(frame.name) % 5)[0])
        assert frame.jpeg is None


def test_it_sends_jpeg_as_cameras_do(take: Callable) -> None:
    source = open_source(SMALL)
    (frame,) = take(source, 1)
    source.close()
    assert frame.jpeg.startswith(b"\xff\xd8")
    assert np.abs(frame.image.astype(int) - Belt(2026, (48, 64)).frame(int(frame.name))[0]).mean() < 6


def test_it_plays_any_source_that_is_not_live(pictures: Path, take: Callable) -> None:
    source = open_source(f"fake:?play={pictures}&format=bgr&fps=50")
    assert {frame.image[0, 0, 0] for frame in take(source, 12)} == {ord(name) for name in "abc"}
    source.close()


def test_it_keeps_its_rate_and_ends_when_told_to() -> None:
    source = open_source(f"{SMALL}&fps=20&frames=11")
    began = time.monotonic()
    names = [frame.name for frame in source.frames() if frame is not None]
    assert time.monotonic() - began >= 0.45
    assert names[-1] == "000010"
    source.close()


def test_it_can_disappear_and_come_back(states: Callable) -> None:
    source = open_source(f"{SMALL}&lost=0.3+0.9")
    assert states(source, "lost")[-1].startswith("lost, trying again now: ")
    states(source, "")
    source.close()


def test_it_can_stall_without_an_error(states: Callable) -> None:
    source = open_source(f"{SMALL}&stall=0.3+1.6")
    assert states(source, "silent") == ["silent for 1 s"]
    states(source, "")
    source.close()


def test_each_so_manyth_jpeg_can_be_cut_short() -> None:
    source = open_source(f"{SMALL}&corrupt=3&frames=9&fps=15")
    bad = []
    for frame in source.frames():
        if frame is not None:
            try:
                _ = frame.image
            except DataError:
                bad.append(int(frame.name))
    source.close()
    assert bad == [2, 5, 8]


@pytest.mark.parametrize("form", ["mjpg", "bgr"])
def test_the_size_can_change_in_mid_stream(form: str) -> None:
    source = open_source(f"{SMALL}&resize=4&frames=7&fps=15&format={form}")
    sizes = {int(frame.name): frame.image.shape[:2] for frame in source.frames() if frame is not None}
    source.close()
    assert {number: size for number, size in sizes.items() if number < 3} == dict.fromkeys(range(3), (48, 64))
    assert {size for number, size in sizes.items() if number >= 3} == {(32, 42)}
