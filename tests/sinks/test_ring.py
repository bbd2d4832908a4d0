import threading
from pathlib import Path

import pytest

from edgeseg.errors import OutputError
from edgeseg.sinks import ring
from edgeseg.sinks.append import Appended
from edgeseg.sinks.ring import Ring
from edgeseg.sources import recording


@pytest.fixture
def turning(tmp_path: Path) -> Ring:
    """A ring with one frame; the next record begins a segment."""
    turning = Ring(tmp_path, 2_000_000, recording.pack({}), print)
    turning.append(recording.pack({}, bytes(120_000)))
    return turning


def test_a_segment_that_could_not_be_flushed_is_told_at_the_end(turning: Ring, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/null")  # which cannot be flushed
    unflushable = Appended(tmp_path / "link", "x")
    unflushable.size = 120_000
    assert turning._segment is not None
    turning._segment.close()
    turning._segment = unflushable
    newest = recording.pack({}, bytes(50_000))
    turning.append(newest)
    with pytest.raises(OutputError, match="x: cannot be written"):
        turning.close()
    turning.close()  # said once
    assert recording.measure(recording.segments(tmp_path)[-1]) == (1, 0)


def test_closing_does_not_wait_for_ever_for_a_card_that_hangs(turning: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring, "LEAVE_S", 0.05)
    wake = threading.Event()
    turning._settling = threading.Thread(target=wake.wait, args=(20,), daemon=True)
    turning._settling.start()
    turning.close()
    assert turning._settling.is_alive()
    wake.set()
