import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgeseg.errors import OutputError
from edgeseg.labels import Labels
from edgeseg.sinks import open_sink
from edgeseg.sinks.sink import Controls, LoopInfo, Segmented
from edgeseg.sources import recording
from edgeseg.sources.replay import read_recording

Info = Callable[..., LoopInfo]
Make = Callable[..., Segmented]


def names(folder: Path) -> list[str]:
    return [each.record.info["name"] for each in read_recording(folder)]


def noise(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 255, (60, 80, 3), np.uint8)


def record(folder: Path, info: LoopInfo, frames: list[Segmented], options: str = "") -> None:
    sink = open_sink(f"record:{folder}{options}", info)
    for each in frames:
        sink.write(each)
    sink.close(complete=True)


def test_a_ring_keeps_the_newest_within_its_size(tmp_path: Path, info: Info, segmented: Make) -> None:
    folder = tmp_path / "ring"
    sink = open_sink(f"record:{folder}?max=1MB", info())
    for number in range(120):
        sink.write(segmented(number, image=noise(number)))
        assert sum(path.stat().st_size for path in folder.glob("*.frames")) <= 1_000_000
    sink.close(complete=True)
    kept = names(folder)
    assert kept == [f"{number:06d}" for number in range(120 - len(kept), 120)]
    assert sum(path.stat().st_size for path in folder.iterdir()) > 800_000
    assert len(recording.segments(folder)) >= 14


def test_a_later_run_goes_on_with_the_ring(tmp_path: Path, info: Info, segmented: Make) -> None:
    folder = tmp_path / "ring"
    for run in range(3):
        record(folder, info(), [segmented(10 * run + i, image=noise(i)) for i in range(5)], "?max=1MB")
    assert names(folder) == [f"{number:06d}" for number in (0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 20, 21, 22, 23, 24)]
    record(folder, info(), [segmented(100 + i, image=noise(i)) for i in range(80)], "?max=1MB")
    assert names(folder)[-1] == "000179"
    assert names(folder)[0] > "000024"


def test_each_segment_says_which_model_made_its_masks(tmp_path: Path, info: Info, segmented: Make) -> None:
    record(tmp_path, info(model="first.tflite"), [segmented(0)])
    labels = Labels.from_names(["background", "nut", "bolt"])
    record(tmp_path, info(model="second.tflite", labels=labels), [segmented(1)])
    first, second = read_recording(tmp_path)
    assert [first.head["model"], second.head["model"]] == ["first.tflite", "second.tflite"]
    assert Labels.from_json(second.head["labels"]) == labels


def test_a_viewer_switches_recording_off_and_on(tmp_path: Path, info: Info, segmented: Make) -> None:
    controls = Controls()
    sink = open_sink(f"record:{tmp_path}/r", info(controls=controls))
    assert controls.recording is True
    sink.write(segmented(0))
    controls.recording = False
    sink.write(segmented(1))
    controls.recording = True
    sink.write(segmented(2))
    sink.close(complete=True)
    assert names(tmp_path / "r") == ["000000", "000002"]


def test_one_that_was_switched_off_stays_off_when_it_is_opened_again(
    tmp_path: Path, info: Info, segmented: Make
) -> None:
    record(tmp_path, info(controls=Controls(recording=False)), [segmented(0)])
    assert names(tmp_path) == []


@pytest.mark.parametrize("left", [1, 19, 30, 200, -1])
def test_what_a_power_cut_tore_is_cut_off_and_the_rest_goes_on(
    left: int, tmp_path: Path, info: Info, segmented: Make, said: list[str]
) -> None:
    record(tmp_path, info(), [segmented(number) for number in range(3)])
    (segment,) = recording.segments(tmp_path)
    whole = segment.read_bytes()
    third = whole.rindex(recording.MAGIC)
    segment.write_bytes(whole[: third + left] if left > 0 else whole[:left])
    torn = segment.stat().st_size - third
    record(tmp_path, info(), [segmented(number) for number in (7, 8)])
    assert names(tmp_path) == ["000000", "000001", "000007", "000008"]
    assert said == [f"record:{tmp_path}: was broken off; its last {torn} bytes, no whole frame, are removed"]
    assert segment.stat().st_size == third
    assert [path.stem for path in recording.segments(tmp_path)] == [f"{0:012d}", f"{2:012d}"]


def test_a_segment_without_a_frame_leaves_nothing(tmp_path: Path, info: Info, segmented: Make) -> None:
    record(tmp_path, info(), [segmented(0)])
    recording.segment_path(tmp_path, 1).write_bytes(b"EDSG")
    record(tmp_path, info(), [segmented(1)])
    assert names(tmp_path) == ["000000", "000001"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("holiday.jpg", "mine", r"holds something else \(holiday.jpg\)"),
        ("recording.json", "{}", "is something else; choose an empty or a new folder"),
        (
            "recording.json",
            json.dumps(recording.manifest() | {"version": 99}),
            r"newer edgeseg \(version 99\); update this one",
        ),
    ],
)
def test_a_folder_that_holds_something_else_is_refused(
    name: str, content: str, reason: str, tmp_path: Path, info: Info
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(OutputError, match=reason):
        open_sink(f"record:{tmp_path}", info())
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == content


def test_a_ring_is_kept_to_what_the_disk_has_room_for(
    tmp_path: Path, info: Info, segmented: Make, said: list[str]
) -> None:
    record(tmp_path, info(), [segmented(0)], "?max=4000TB")
    assert len(said) == 1
    assert "MB instead of 4000000000; the disk has no room for more" in said[0]
    assert names(tmp_path) == ["000000"]
