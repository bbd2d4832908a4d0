"""Files played as if they were live."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeseg.errors import SourceError
from edgeseg.sources import open_source
from edgeseg.sources.realtime import realtime


def test_a_file_plays_at_its_own_rate_and_a_slow_taker_misses_frames(clip: Callable[[int], Path]) -> None:
    source = realtime(open_source(str(clip(12))))  # 10 a second
    began, names = time.monotonic(), []
    for frame in source.frames():
        if frame is not None:
            names.append(int(frame.name))
            time.sleep(0.3)
    assert time.monotonic() - began >= 1.1
    assert source.dropped == 12 - len(names) > 4
    assert names[-1] == 11  # the newest one waits for the taker, also at the end
    source.close()


def test_frames_keep_their_names_and_are_as_old_as_their_showing(pictures: Path) -> None:
    source = realtime(open_source(str(pictures)))
    began = time.monotonic()
    frames = [frame for frame in source.frames() if frame is not None]
    assert {frame.name for frame in frames} <= {"a", "b", "c"}
    assert frames[-1].captured - began >= 2 / source.fps - 0.01
    source.close()


def test_a_file_that_breaks_off_says_so_at_its_end(clip: Callable[[int], Path]) -> None:
    path = clip(20)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source = realtime(open_source(str(path)))

    def play() -> int:
        return len(list(source.frames()))

    with pytest.raises(SourceError, match="breaks off after"):
        play()
    source.close()
