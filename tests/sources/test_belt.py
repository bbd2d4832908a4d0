"""The rendered conveyor as a source."""

import time

from edgeseg.sources import open_source


def test_a_paced_belt_keeps_its_rate() -> None:
    started = time.monotonic()
    frames = list(open_source("belt:?size=48x64&frames=6&fps=20").frames())
    assert len(frames) == 6
    assert time.monotonic() - started >= 5 / 20
