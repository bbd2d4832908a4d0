"""`edgeseg` as a command of the board."""

import stat
from pathlib import Path

from edgeseg.board.layout import Layout
from edgeseg.board.shortcut import MARK, put_command


def test_it_runs_the_current_release_for_everybody(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    put_command(layout)
    assert stat.S_IMODE(layout.command.stat().st_mode) == 0o755
    assert f"PYTHONPATH={tmp_path}/opt/edgeseg/current/packages exec /usr/bin/python3" in layout.command.read_text()


def test_an_old_one_of_ours_is_replaced_and_another_stays(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.command.parent.mkdir(parents=True)
    layout.command.write_text(f"#!/bin/sh\n{MARK}\nbygone\n")
    put_command(layout)
    assert "bygone" not in layout.command.read_text()
    layout.command.write_text("#!/bin/sh\nsomebody's own\n")
    put_command(layout)
    assert "somebody's own" in layout.command.read_text()


def test_a_place_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.command.parent.parent.mkdir(parents=True)
    layout.command.parent.write_text("a file where the folder should be")
    put_command(layout)
    assert not layout.command.exists()
