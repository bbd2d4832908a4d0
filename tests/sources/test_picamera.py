"""A Raspberry Pi's camera, through arrays as its manual states them."""

from collections.abc import Callable
from importlib.util import find_spec

import pytest

from edgeseg.errors import SourceError, UsageError
from edgeseg.sources import open_source, picamera
from edgeseg.sources.picamera import PicameraGrabber


def test_colours_are_in_the_order_of_a_frame(picamera2: Callable) -> None:
    grabber = PicameraGrabber(picamera2(), (48, 64), 100)
    frame = grabber.read()
    assert frame.image.shape == (48, 64, 3)
    assert frame.image[0, 0].tolist() == [50, 100, 200]
    assert grabber.notes == ["the camera gives size=48x64"]


def test_a_size_that_is_not_to_be_had_is_noted(picamera2: Callable) -> None:
    grabber = PicameraGrabber(picamera2(), (49, 65), 100)
    assert grabber.notes == ["the camera gives size=48x64; it was asked for size=49x65"]


@pytest.mark.parametrize(
    ("failing", "said"), [(TimeoutError(), "nothing for 5 s"), (RuntimeError("no pipeline"), "no pipeline")]
)
def test_a_camera_that_fails_counts_as_lost(picamera2: Callable, failing: Exception, said: str) -> None:
    camera = picamera2()
    grabber = PicameraGrabber(camera, (48, 64), 100)
    camera.failing = failing
    with pytest.raises((SourceError, UsageError), match=said):
        grabber.read()


def test_a_camera_that_does_not_start_is_freed(picamera2: Callable) -> None:
    camera = picamera2()
    camera.failing = RuntimeError("Failed to start camera")
    with pytest.raises(RuntimeError, match="Failed to start"):
        PicameraGrabber(camera, (48, 64), 100)
    assert camera.calls == ["configure", "close"]


@pytest.mark.skipif(find_spec("picamera2") is not None, reason="this machine has picamera2")
def test_without_the_library_the_error_says_what_to_install() -> None:
    with pytest.raises(SourceError, match=r"apt install python3-picamera2 .* --system-site-packages"):
        open_source("picamera:0")


def test_it_goes_by_number() -> None:
    assert picamera.accepts("picamera:")
    assert picamera.accepts("picamera:1?fps=10")
    assert not picamera.accepts("picamera:front")
