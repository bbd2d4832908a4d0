import json
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeseg.errors import SourceError
from edgeseg.labels import Labels
from edgeseg.scene.belt import Belt
from edgeseg.sinks import open_sink, ring
from edgeseg.sinks.sink import LoopInfo, Segmented
from edgeseg.sources import recording, replay
from edgeseg.sources.frame import Frame
from edgeseg.sources.replay import read_recording

LABELS = Labels.from_names(["background", "thing"])


def record(folder: Path, frames: int, jpeg: bool = False) -> list[Segmented]:
    """Frames of the belt, named by their number doubled."""
    belt, made = Belt(0, (48, 64)), []
    for number in range(frames):
        picture, mask = belt.frame(number)
        data = cv2.imencode(".jpg", picture)[1].tobytes() if jpeg else None
        frame = Frame(None if jpeg else picture, f"{2 * number:06d}", time.monotonic(), data)
        made.append(Segmented(frame, np.ascontiguousarray(mask[::2, ::2]), number, 2.5, 4.0))
    sink = open_sink(f"record:{folder}", LoopInfo(LABELS, 12.5, live=True, model="m.tflite"))
    for segmented in made:
        sink.write(segmented)
    sink.close(complete=True)
    return made


@pytest.mark.parametrize("jpeg", [False, True])
def test_frames_come_back_as_they_were(jpeg: bool, tmp_path: Path) -> None:
    made = record(tmp_path, 5, jpeg)
    source = replay.open(f"replay:{tmp_path}")
    assert (source.fps, source.total, source.live, source.notes) == (12.5, 5, False, [])
    frames = list(source.frames())
    source.close()
    assert [frame.name for frame in frames] == [each.frame.name for each in made]
    assert [frame.jpeg for frame in frames] == [each.frame.jpeg for each in made]
    assert all((frame.image == each.frame.image).all() for frame, each in zip(frames, made, strict=True))
    assert all(time.monotonic() - frame.captured < 60 for frame in frames)


def test_a_recording_gives_the_masks_that_were_made_then(tmp_path: Path) -> None:
    made = record(tmp_path, 5)
    recorded = list(read_recording(tmp_path))
    assert all((there.label_map == each.label_map).all() for there, each in zip(recorded, made, strict=True))
    assert {there.head["model"] for there in recorded} == {"m.tflite"}
    assert Labels.from_json(recorded[0].head["labels"]) == LABELS
    assert [there.record.info["invoke_ms"] for there in recorded] == [2.5] * 5


def test_it_can_be_played_twice(tmp_path: Path) -> None:
    record(tmp_path, 3)
    source = replay.open(f"replay:{tmp_path}")
    assert [frame.name for frame in source.frames()] == [frame.name for frame in source.frames()]


@pytest.mark.parametrize("damage", ["cut", "flipped", "zeroed", "endless"])
def test_a_torn_tail_is_said_and_what_is_before_it_played(damage: str, tmp_path: Path) -> None:
    record(tmp_path, 4)
    (segment,) = recording.segments(tmp_path)
    data = bytearray(segment.read_bytes())
    last = data.rindex(recording.MAGIC)
    if damage == "cut":
        del data[-10:]
    elif damage == "flipped":
        data[-1] ^= 1
    elif damage == "zeroed":  # as file systems show blocks that were never written
        data[last:] = bytes(len(data) - last)
    else:
        data[last + 4 : last + 16] = b"\xff" * 12
    segment.write_bytes(data)
    source = replay.open(f"replay:{tmp_path}")
    assert source.notes == [f"{tmp_path}: was broken off; its last {len(data) - last} bytes are no whole frame"]
    assert source.total == 3
    assert [frame.name for frame in source.frames()] == ["000000", "000002", "000004"]


def test_damage_in_the_middle_is_reported_after_all_that_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ring, "SEGMENT", 1)  # a segment for each frame
    record(tmp_path, 4)
    second = recording.segments(tmp_path)[1]
    second.write_bytes(second.read_bytes()[:-1])
    names = []

    def play() -> None:
        for frame in replay.open(f"replay:{tmp_path}").frames():
            names.append(frame.name)

    with pytest.raises(SourceError, match="1 of 4 frames are damaged or gone"):
        play()
    assert names == ["000000", "000004", "000006"]


def test_a_ring_that_has_turned_is_played_from_its_oldest_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ring, "SEGMENT", 1)
    record(tmp_path, 4)
    recording.segments(tmp_path)[0].unlink()
    source = replay.open(f"replay:{tmp_path}")
    assert source.total == 3
    assert [frame.name for frame in source.frames()] == ["000002", "000004", "000006"]


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (None, "is no recording; give a folder that --out record:DIR has written"),
        ("{", "is no recording"),
        ("[]", "is something else"),
        (json.dumps({"version": 1}), "is something else"),
        (json.dumps(recording.manifest() | {"version": 2}), r"newer edgeseg \(version 2\); update this one"),
        (json.dumps(recording.manifest()), "holds no frame"),
    ],
)
def test_what_is_no_recording_is_refused(manifest: str | None, reason: str, tmp_path: Path) -> None:
    if manifest is not None:
        (tmp_path / recording.MANIFEST).write_text(manifest)
    with pytest.raises(SourceError, match=reason):
        replay.open(f"replay:{tmp_path}")


def test_a_key_that_nobody_knows_is_noted(tmp_path: Path) -> None:
    record(tmp_path, 1)
    (tmp_path / recording.MANIFEST).write_text(json.dumps(recording.manifest() | {"owner": "me"}))
    assert "says 'owner'" in replay.open(f"replay:{tmp_path}").notes[0]


def test_two_models_can_be_compared_on_a_recording(
    tmp_path: Path, int8_model: Path, edgeseg: Callable, refused: Callable
) -> None:
    record(tmp_path, 4)
    result = edgeseg("compare", int8_model, int8_model, f"replay:{tmp_path}", "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["images"], found["agreement"]) == (4, 1.0)
    assert "no recording" in refused(edgeseg("compare", int8_model, int8_model, f"replay:{tmp_path}/none"))
