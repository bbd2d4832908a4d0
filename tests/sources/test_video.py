"""A video file as a source."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edgeseg.errors import SourceError
from edgeseg.sources import open_source


def test_a_video_that_ends_in_the_middle_gives_what_it_has_and_says_so(clip: Callable[[int], Path]) -> None:
    path = clip(60)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    taken = []

    def take() -> None:
        for frame in open_source(str(path)).frames():
            taken.append(frame)

    with pytest.raises(SourceError, match=r"clip\.avi: breaks off after \d+ of 60 frames"):
        take()
    assert 5 < len(taken) < 55


def test_a_file_that_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"hello" * 100)
    with pytest.raises(SourceError, match="cannot be opened as a video"):
        open_source(str(tmp_path / "a.mp4"))
