"""The contract that every source keeps."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeseg.errors import SourceError, UsageError
from edgeseg.labels import Labels
from edgeseg.scene.belt import Belt
from edgeseg.sinks import open_sink
from edgeseg.sinks.sink import LoopInfo, Segmented
from edgeseg.sources import PLACES, SCHEMES, Source, open_source
from edgeseg.sources.camera import CameraGrabber, Wish
from edgeseg.sources.capture import Capture
from edgeseg.sources.frame import Frame
from edgeseg.sources.picamera import PicameraGrabber
from edgeseg.sources.realtime import realtime

Open = Callable[[str], Source]
LIVE = {"fake", "camera", "picamera", "stream"}
FILES = {"belt", "folder", "replay", "video"}


def recorded(folder: Path, frames: int) -> Path:
    """A recording, by the sink that makes them."""
    sink, belt = (
        open_sink(f"record:{folder}", LoopInfo(Labels.from_names(["a", "b"]), fps=30, live=False)),
        Belt(0, (48, 64)),
    )
    for index in range(frames):
        image, mask = belt.frame(index)
        sink.write(Segmented(Frame(image, f"{index:06d}", time.monotonic()), mask, index, 1.0, 1.0))
    sink.close(complete=True)
    return folder


@pytest.fixture
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Open a source of a kind, which gives three frames of 48x64 at least."""

    def need(name: str) -> Any:
        return request.getfixturevalue(name)

    kinds: dict[str, Callable[[], Source]] = {
        "belt": lambda: open_source("belt:?size=48x64&frames=3"),
        "fake": lambda: open_source("fake:?play=belt:?size=48x64&cycle=5"),
        "camera": lambda: Capture("0", lambda: CameraGrabber(need("driver")(), Wish())),
        "picamera": lambda: Capture("picamera:0", lambda: PicameraGrabber(need("picamera2")(), (48, 64), 60)),
        "stream": lambda: open_source(need("streaming").url),
        "replay": lambda: open_source(f"replay:{recorded(tmp_path / 'recording', 3)}"),
        "folder": lambda: open_source(str(need("pictures"))),
        "video": lambda: open_source(str(need("clip")(3))),
    }
    assert {*SCHEMES.values(), *PLACES} == set(kinds)
    return lambda kind: kinds[kind]()


@pytest.mark.parametrize("kind", sorted(LIVE | FILES))
def test_frames_are_bgr_with_a_name_and_a_time(kind: str, opened: Open, take: Callable) -> None:
    source = opened(kind)
    try:
        taken = take(source, 3)
    finally:
        source.close()
        source.close()
    assert len(taken) == 3
    assert len({frame.name for frame in taken}) == 3
    assert all(frame.image.shape == (48, 64, 3) and frame.image.dtype == np.uint8 for frame in taken)
    assert sorted(frame.captured for frame in taken) == [frame.captured for frame in taken]
    assert source.fps > 0
    assert source.live == (kind in LIVE)
    assert all("\n" not in note for note in source.notes)
    assert source.state == ""
    assert "capture" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("kind", sorted(FILES))
def test_files_give_every_frame_even_to_a_slow_taker(kind: str, opened: Open) -> None:
    source = opened(kind)
    names = []
    for frame in source.frames():
        time.sleep(0.05)
        assert frame is not None
        names.append(frame.name)
    assert len(names) == 3
    assert source.dropped == 0
    assert source.total == 3


@pytest.mark.parametrize("kind", sorted(FILES))
def test_files_can_be_played_as_if_they_were_live(kind: str, opened: Open) -> None:
    source = realtime(opened(kind))
    assert source.live
    assert 1 <= len([frame for frame in source.frames() if frame is not None]) <= 3
    source.close()


@pytest.mark.parametrize("kind", sorted(LIVE))
def test_live_sources_go_on_when_they_are_taken_from_again(kind: str, opened: Open, take: Callable) -> None:
    source = opened(kind)
    first, second = take(source, 1)[0], take(source, 1)[0]
    source.close()
    assert second.captured > first.captured
    assert realtime(source) is source


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("belt:?sizes=3", "knows seed, size"),
        ("belt:?size=big", "write it like"),
        ("belt:?size=8x8", "32x32"),
        ("fake:?color=1", "knows play, cycle"),
        ("fake:?fps=0", "fps is above zero"),
        ("fake:?lost=5", "write it like"),
        ("fake:?cycle=61", "1 to 60"),
        ("fake:?format=png", "mjpg or bgr"),
        ("fake:?format=bgr&corrupt=3", "only mjpg"),
        ("fake:?play=fake:?cycle=1", "is live itself"),
        ("fake:?play=nowhere.mp4", "there is no such video"),
        ("camera:0?codec=h264", "knows size, fps, format"),
        ("0?format=h264", "mjpg or yuyv"),
        ("/dev/video0?size=640", "write it like"),
        ("picamera:0?size=0x0", "holds no pixels"),
        ("nowhere.mp4", "there is no such video"),
        ("gopher://x/y", "known are"),
    ],
)
def test_wrong_uris_say_what_is_right(uri: str, said: str) -> None:
    with pytest.raises((SourceError, UsageError), match=said):
        open_source(uri)


def test_a_number_is_a_camera_whatever_lies_here(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures.rename(tmp_path / "987")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match="no such camera"):
        open_source("987")
    source = open_source("./987")
    source.close()
    assert source.total == 3


def test_a_password_in_a_uri_of_an_unknown_kind_is_not_repeated() -> None:
    with pytest.raises((SourceError, UsageError)) as refused:
        open_source("rtmp://me:secret@host/live?token=hidden")
    assert "rtmp://***@host/live?***" in str(refused.value)
    assert not {"secret", "hidden"} & set(str(refused.value).replace(":", " ").split())
