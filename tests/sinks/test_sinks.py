"""The contract that every sink keeps that writes files; what is special about each stands in its own test."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest

from edgeseg.errors import OutputError, UsageError
from edgeseg.sinks import PLACES, SCHEMES, open_sink, space
from edgeseg.sinks.sink import LoopInfo, Segmented
from edgeseg.sources.replay import read_recording

Info = Callable[..., LoopInfo]
Make = Callable[..., Segmented]


def video_frames(path: Path) -> int:
    return sum(int(cv2.VideoCapture(str(each)).get(cv2.CAP_PROP_FRAME_COUNT)) for each in path.glob("out*.avi"))


@dataclass(frozen=True)
class Kind:
    uri: str
    """With {} for a folder."""
    frames: Callable[[Path], int]
    """How many can be read back from that folder."""


KINDS = {
    "video": Kind("{}/out.avi", video_frames),
    "masks": Kind("{}/masks/", lambda path: len(list(path.glob("masks/*.png")))),
    "record": Kind("record:{}/recording", lambda path: len(list(read_recording(path / "recording")))),
    "jsonl": Kind("jsonl:{}/out.jsonl", lambda path: len([*map(json.loads, (path / "out.jsonl").open())])),
}
ELSEWHERE = {"window", "web", "mqtt"}
"""Sinks that write no files."""
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


def test_each_listed_sink_has_a_test() -> None:
    assert {*SCHEMES.values(), *PLACES} == {*KINDS, *ELSEWHERE}
    assert all(
        (Path(__file__).parent / name).is_dir() or Path(__file__).with_name(f"test_{name}.py").is_file()
        for name in ELSEWHERE
    )


@every_kind
def test_what_was_written_is_there_after_closing(kind: Kind, tmp_path: Path, info: Info, segmented: Make) -> None:
    sink = open_sink(kind.uri.format(tmp_path), info())
    for number in range(3):
        sink.write(segmented(number))
    sink.close(complete=True)
    assert kind.frames(tmp_path) == 3
    assert list(tmp_path.rglob(".*")) == []


@every_kind
def test_threads_may_take_turns_in_writing(kind: Kind, tmp_path: Path, info: Info, segmented: Make) -> None:
    sink = open_sink(kind.uri.format(tmp_path), info())
    for number in range(3):
        thread = threading.Thread(target=sink.write, args=(segmented(number),))
        thread.start()
        thread.join()
    sink.close(complete=True)
    assert kind.frames(tmp_path) == 3


@every_kind
def test_an_unwritable_place_is_refused_at_once(kind: Kind, tmp_path: Path, info: Info) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="another place"):
        open_sink(kind.uri.format(tmp_path / "file"), info())


@every_kind
def test_one_that_broke_off_can_be_opened_again_and_loses_nothing(
    kind: Kind, tmp_path: Path, info: Info, segmented: Make
) -> None:
    for first, complete in ((0, False), (2, False), (4, True)):
        sink = open_sink(kind.uri.format(tmp_path), info())
        for number in (first, first + 1):
            sink.write(segmented(number))
        sink.close(complete)
    assert kind.frames(tmp_path) == 6


@pytest.mark.parametrize("kind", [KINDS[name] for name in ("video", "masks", "record", "jsonl")])
def test_a_disk_that_fills_is_noticed_before_it_is_full(
    kind: Kind, tmp_path: Path, info: Info, segmented: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space, "CHECK_EVERY_S", 0.0)
    sink = open_sink(kind.uri.format(tmp_path), info())
    sink.write(segmented(0))
    monkeypatch.setattr(space, "RESERVE", 1 << 60)  # no disk has so much to spare
    with pytest.raises(OutputError, match=r"the disk is nearly full \(\d+ MB left\); free some space"):
        sink.write(segmented(1))
    sink.close(complete=False)
    assert kind.frames(tmp_path) == 1
    with pytest.raises(OutputError, match="nearly full"):
        open_sink(kind.uri.format(tmp_path), info())
    assert list(tmp_path.rglob(".*")) == []
    monkeypatch.undo()
    sink = open_sink(kind.uri.format(tmp_path), info())
    sink.write(segmented(1))
    sink.close(complete=True)
    assert kind.frames(tmp_path) == 2


@pytest.mark.parametrize("kind", [KINDS[name] for name in ("masks", "record", "jsonl")])
def test_what_a_full_disk_does_not_take_is_reported_and_not_half_there(
    kind: Kind, tmp_path: Path, info: Info, segmented: Make, full_disk: Callable
) -> None:
    sink = open_sink(kind.uri.format(tmp_path), info())
    sink.write(segmented(0))
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    largest = max(map(len, files.values())) + 20 if kind is not KINDS["masks"] else 10
    with full_disk(largest), pytest.raises(OutputError, match=r"cannot be written \(.*\); free some space"):
        sink.write(segmented(1))
    sink.close(complete=False)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files


@pytest.mark.parametrize(
    ("uri", "right"),
    [
        ("out.xyz", "masks/"),
        ("masks", "for a folder of masks write masks/"),
        ("record:there?most=3", "there is no option 'most'; it knows max"),
        ("record:there?max=big", "'big' is no size; write it like max=500MB"),
        ("record:there?max=5kB", "smaller than 1 MB"),
        ("record:", "names no folder; write it like record:"),
        ("jsonl:there?every=3", "there is no option 'every'; it knows max"),
        ("jsonl:", "names no file; write it like jsonl:"),
        ("jsonl:-?max=3MB", "standard output cannot be cut"),
        ("mqtt://host/topic?often=3", "there is no option 'often'; it knows every, discovery, ca"),
        ("mqtt://host/topic?every=soon", "every=soon is no number of seconds"),
        ("mqtt://host/topic?every=0", "write at least every=0.1"),
        ("mqtt://host/", "names no host and topic"),
        ("mqtt://host/a/+/b", "names no host and topic"),
        ("mqtt://host:port/topic", "cannot be read"),
        (f"mqtt://{'h' * 70}/topic", "cannot be read"),
        ("mqtt://host/topic?ca=broker.crt", "write mqtts://"),
    ],
)
def test_wrong_uris_say_what_is_right(
    uri: str, right: str, info: Info, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as refused:
        open_sink(uri, info())
    assert right in str(refused.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("password", ["s3cret", "s:3cret", "s/3cret", "s?3cret", "s#3cret", "s@3cret", "1/3cret"])
@pytest.mark.parametrize(
    "uri", ["mqtt://me:{}@host/", "mqtt://me:{}@host/t?every=x", "mqtt://me:{}@host/t?a=1", "x://me:{}@h"]
)
def test_no_message_tells_a_password(uri: str, password: str, info: Info) -> None:
    with pytest.raises(UsageError, match=r"//\*\*\*@") as refused:
        open_sink(uri.format(password), info())
    assert "3cret" not in str(refused.value)
