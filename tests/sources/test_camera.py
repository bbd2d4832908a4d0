"""A camera that cv2 opens, through recorded frames."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeseg.errors import SourceError
from edgeseg.scene.belt import Belt
from edgeseg.sources import camera, open_source
from edgeseg.sources.camera import DOUBTS, CameraGrabber, Wish
from edgeseg.sources.capture import Capture


@pytest.mark.parametrize(
    "uri", ["0", "camera:0", "/dev/video2", "camera:/dev/v4l/by-id/usb-cam", "camera:1?size=480x640&fps=30"]
)
def test_a_camera_goes_by_number_or_by_device(uri: str) -> None:
    assert camera.accepts(uri)


@pytest.mark.parametrize("uri", ["", "a0", "camera:", "camera:x", "0.mp4", "/data/video0"])
def test_other_uris_are_left_to_others(uri: str) -> None:
    assert not camera.accepts(uri)


def test_an_absent_camera_lists_those_there_are() -> None:
    with pytest.raises(SourceError, match="there is no such camera; this machine has"):
        open_source("camera:/dev/video97")


def test_a_node_that_is_no_camera_is_refused() -> None:
    with pytest.raises(SourceError, match="cannot be opened, another program may hold it"):
        open_source("camera:/dev/null")


def test_the_jpegs_of_a_camera_come_through_untouched(driver: Callable) -> None:
    grabber = CameraGrabber(driver(), Wish())
    frame = grabber.read()
    assert frame.jpeg == cv2.imencode(".jpg", Belt(0, (48, 64)).frame(0)[0])[1].tobytes()
    assert grabber.notes == ["the camera gives size=48x64 fps=100 format=mjpg"]
    assert grabber.fps == 100


def test_what_was_asked_for_and_not_given_is_noted(driver: Callable) -> None:
    grabber = CameraGrabber(driver(codes=("YUYV",)), Wish(size=(720, 1280), fps=100, format="mjpg"))
    assert grabber.notes == [
        "the camera gives size=48x64 fps=100 format=yuyv; it was asked for size=720x1280 format=mjpg"
    ]
    frame = grabber.read()
    assert frame.jpeg is None
    assert np.array_equal(frame.image, Belt(0, (48, 64)).frame(0)[0])


def test_what_a_camera_has_it_is_asked_for(driver: Callable) -> None:
    device = driver(sizes=((48, 64), (96, 128)))
    grabber = CameraGrabber(device, Wish(size=(96, 128), fps=15, format="yuyv"))
    assert grabber.notes == ["the camera gives size=96x128 fps=15 format=yuyv"]
    assert device.settings[cv2.CAP_PROP_FPS] == 15
    assert grabber.read().jpeg is None


def test_what_calls_itself_mjpg_and_is_none_is_left_to_cv2(driver: Callable) -> None:
    device = driver()
    device.jpeg = lambda jpeg: b"\0\0" + jpeg
    grabber = CameraGrabber(device, Wish())
    frame = grabber.read()
    assert frame.jpeg is None
    assert np.array_equal(frame.image, Belt(0, (48, 64)).frame(DOUBTS)[0])


def test_a_broken_first_frame_is_dropped_and_a_later_one_is_left_to_the_loop(driver: Callable) -> None:
    device = driver()
    grabber = CameraGrabber(device, Wish())
    broken = iter([True, False, True, False])
    device.jpeg = lambda jpeg: b"\0\0" if next(broken) else jpeg
    assert [len(grabber.read().jpeg) > 2 for _ in range(3)] == [True, False, True]


def test_a_camera_that_is_unplugged_is_opened_again(driver: Callable, states: Callable) -> None:
    devices: list = []

    def grabber() -> CameraGrabber:
        devices.append(driver())
        return CameraGrabber(devices[-1], Wish())

    source = Capture("0", grabber)
    states(source, "")
    devices[0].reads = False
    assert states(source, "lost")[-1].endswith("the camera gives no more frames")
    states(source, "")
    source.close()
    assert [device.released for device in devices] == [True, True]


def test_a_node_without_permission_says_what_to_do() -> None:
    user = os.geteuid()
    with tempfile.NamedTemporaryFile() as node:
        Path(node.name).chmod(0)
        if user == 0:  # who may open all
            os.seteuid(65534)
        try:
            with pytest.raises(SourceError, match="you may not open it; run  sudo usermod -aG video"):
                open_source(f"camera:/dev/..{node.name}")
        finally:
            os.seteuid(user)
