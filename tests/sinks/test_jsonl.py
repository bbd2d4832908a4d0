import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from edgeseg.errors import OutputError
from edgeseg.sinks import open_sink
from edgeseg.sinks.sink import LoopInfo, Segmented

Info = Callable[..., LoopInfo]
Make = Callable[..., Segmented]
ROOT = Path(__file__).parents[2]


def read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_tells_when_what_and_how_much(tmp_path: Path, info: Info, segmented: Make) -> None:
    sink = open_sink(f"jsonl:{tmp_path}/out.jsonl", info())
    sink.write(segmented(7, captured=time.monotonic() - 5))
    (line,) = read(tmp_path / "out.jsonl")  # before it is closed: a reader may follow
    moment = line.pop("time")
    assert moment.endswith("Z")
    assert 5 <= (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds() < 15
    areas = {"background": 0.5, "thing": 0.5}
    assert line == {"name": "000007", "index": 7, "invoke_ms": 2.5, "age_ms": 4.0, "areas": areas}


def test_lines_are_appended_also_behind_a_torn_one(tmp_path: Path, info: Info, segmented: Make) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text('{"time": "2026-')
    sink = open_sink(f"jsonl:{path}", info())
    sink.write(segmented(1))
    sink.close(complete=True)
    torn, line = path.read_text().splitlines()
    assert torn == '{"time": "2026-'
    assert json.loads(line)["index"] == 1


def test_a_full_file_is_kept_as_the_one_before(tmp_path: Path, info: Info, segmented: Make) -> None:
    path = tmp_path / "out.jsonl"
    sink = open_sink(f"jsonl:{path}?max=1kB", info())
    for number in range(20):
        sink.write(segmented(number))
    sink.close(complete=True)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["out.jsonl", "out.jsonl.1"]
    assert all(200 < each.stat().st_size <= 1000 for each in tmp_path.iterdir())
    kept = [line["index"] for line in read(tmp_path / "out.jsonl.1") + read(path)]
    assert kept == list(range(kept[0], 20))


def test_a_full_file_that_cannot_be_put_aside_is_reported_and_can_be_closed(
    tmp_path: Path, info: Info, segmented: Make
) -> None:
    (tmp_path / "out.jsonl.1" / "mine").mkdir(parents=True)
    sink = open_sink(f"jsonl:{tmp_path}/out.jsonl?max=100", info())
    sink.write(segmented(0))
    with pytest.raises(OutputError, match=r"cannot become out\.jsonl\.1"):
        sink.write(segmented(1))
    sink.close(complete=False)
    assert len(read(tmp_path / "out.jsonl")) == 1


def test_a_device_that_is_full_is_reported(info: Info, segmented: Make) -> None:
    sink = open_sink("jsonl:/dev/full", info())
    with pytest.raises(OutputError, match=r"/dev/full: cannot be written \(No space left on device\)"):
        sink.write(segmented(0))
    sink.close(complete=False)


def test_a_folder_of_that_name_is_refused(tmp_path: Path, info: Info) -> None:
    with pytest.raises(OutputError, match="is a folder; give the name of a file"):
        open_sink(f"jsonl:{tmp_path}", info())


PROGRAM = """
import numpy as np
from edgeseg.labels import Labels
from edgeseg.sinks import open_sink
from edgeseg.sinks.sink import EndLoop, LoopInfo, Segmented
from edgeseg.sources.frame import Frame
import sys
sink = open_sink("jsonl:-", LoopInfo(Labels.numbered(2), 10, live=False))
frame = Frame(np.zeros((4, 4, 3), np.uint8), "a", 0.0)
try:
    for index in range(int(sys.argv[1])):
        sink.write(Segmented(frame, np.zeros((2, 2), np.uint8), index, 1.0, 1.0))
except EndLoop:
    print("ended", file=sys.stderr)
sink.close(True)
"""


def test_the_standard_output_can_take_the_lines() -> None:
    result = subprocess.run([sys.executable, "-c", PROGRAM, "3"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert [json.loads(line)["index"] for line in result.stdout.splitlines()] == [0, 1, 2]


def test_a_reader_that_has_seen_enough_ends_the_loop() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "1000000"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == "ended\n"
        assert process.wait(20) == 0
