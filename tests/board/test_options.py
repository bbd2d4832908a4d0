"""Options as systemd reads them, of a board and of a release."""

from pathlib import Path

import pytest

from edgeseg.board.layout import Layout
from edgeseg.board.options import environment, without_secrets

RELEASE = "0" * 16


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path)
    for folder in (layout.env.parent, layout.releases / RELEASE):
        folder.mkdir(parents=True)
    return layout


def test_what_a_release_has_wins_over_what_the_board_has(layout: Layout) -> None:
    layout.env.write_text("TZ=UTC\nEDGESEG_LIVE=--smooth\n")
    assert environment(layout, RELEASE) == {"TZ": "UTC", "EDGESEG_LIVE": "--smooth"}
    layout.own(RELEASE).write_text("EDGESEG_LIVE='--every 2'\n")
    (layout.releases / RELEASE / "env.new").write_text("EDGESEG_LIVE='--every 3'\n")
    assert environment(layout, RELEASE)["EDGESEG_LIVE"] == "--every 2"
    assert environment(layout, RELEASE, tried=True) == {"TZ": "UTC", "EDGESEG_LIVE": "--every 3"}


def test_lines_that_say_nothing_are_passed_over(layout: Layout) -> None:
    layout.env.write_text("=x\n = y\n# a=b\n;c=d\nword\n\nA = 1\nB='open\n")
    assert environment(layout, RELEASE) == {"A": "1"}


def test_no_secret_of_any_release_is_told(layout: Layout) -> None:
    layout.env.write_text("EDGESEG_TOKEN=of-the-board\n")
    layout.own(RELEASE).write_text("EDGESEG_MQTT_PASSWORD=of-the-broker\n")
    (layout.releases / RELEASE / "env.new").write_text("EDGESEG_TOKEN=not-yet-tried\n")
    told = without_secrets(layout, "of-the-board, of-the-broker, not-yet-tried, rtsp://me:hunter2@cam")
    assert told == "…, …, …, rtsp://…@cam"
