"""What `edgeseg live --list` tells."""

from pathlib import Path

import cv2
import pytest

from edgeseg.sources.listing import Backend, Listing, lines, listing
from edgeseg.sources.v4l2 import Camera, Format, Mode

WEBCAM = Camera(
    "/dev/video0",
    "HD Webcam",
    (
        Format("MJPG", tuple(Mode((120 * n, 160 * n), (30.0, 29.97)) for n in range(1, 9))),
        Format("NV12", (Mode((32, 16), ()), Mode((3040, 4056), ())), any_between=True),
    ),
)


def test_formats_are_told_within_80_columns() -> None:
    told = lines(Listing((WEBCAM, Camera("/dev/video2", "x" * 90, (), "Permission denied")), (Backend("FFmpeg"),)))
    assert max(map(len, told)) <= 80
    text = "\n".join(told)
    assert "MJPG  120x160 at 30/29.97, 240x320 at" in text
    assert "NV12  any size from 32x16 to 3040x4056" in text
    assert "Permission denied" in text
    assert "--source 'camera:/dev/video0?size=480x640&fps=30'" in text
    assert told[-1] == "  FFmpeg  yes"


def test_a_machine_without_a_camera_is_told_what_to_do(tmp_path: Path) -> None:
    found = listing(tmp_path, tmp_path, tmp_path)
    assert found.cameras == ()
    assert "  none: plug one in" in "\n".join(lines(found))


def test_each_backend_is_there_or_says_why_not(tmp_path: Path) -> None:
    backends = {backend.name: backend.missing for backend in listing(tmp_path, tmp_path, tmp_path).backends}
    assert list(backends) == ["V4L2", "picamera2", "FFmpeg", "GStreamer", "windows"]
    assert bool(backends["FFmpeg"]) != cv2.videoio_registry.hasBackend(cv2.CAP_FFMPEG)
    assert bool(backends["GStreamer"]) != cv2.videoio_registry.hasBackend(cv2.CAP_GSTREAMER)
    assert "apt install python3-picamera2" in backends["picamera2"]


def test_a_picamera2_that_only_the_system_has_is_found(tmp_path: Path) -> None:
    (tmp_path / "picamera2").mkdir()
    backends = {backend.name: backend.missing for backend in listing(tmp_path, tmp_path, tmp_path).backends}
    assert "this venv does not see it" in backends["picamera2"]


@pytest.mark.skipif(bool(cv2.currentUIFramework()), reason="this cv2 has windows")
def test_a_cv2_without_windows_says_how_to_get_one_with_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    backends = {backend.name: backend.missing for backend in listing(tmp_path, tmp_path, tmp_path).backends}
    assert "opencv-python, or look at the page" in backends["windows"]
