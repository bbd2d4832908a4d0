"""The service, as systemd itself reads it."""

import shutil
import subprocess
from pathlib import Path

import pytest

from edgeseg.board.detached import UNIT
from edgeseg.board.layout import SERVICE, Layout
from edgeseg.board.unit import trial, unit


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/group").write_text("video:x:44:\ngpio:x:9:\napex:x:7:\nvideophone:x:1:\n")
    return Layout(tmp_path)


def settings(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for line in text.partition("[Service]")[2].partition("[Install]")[0].splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.append((key, value))
    return found


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze (apt install systemd)")
@pytest.mark.parametrize("tried", [False, True], ids=["service", "with its trial"])
def test_systemd_finds_nothing_wrong(tmp_path: Path, tried: bool) -> None:
    layout = Layout(Path("/"))
    path = tmp_path / "edgeseg.service"
    path.write_text(unit(layout))
    if tried:
        (tmp_path / "edgeseg.service.d").mkdir()
        (tmp_path / "edgeseg.service.d/trial.conf").write_text(trial(layout, "0" * 16))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(path)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    complaints = [line for line in done.stderr.splitlines() if "edgeseg" in line or "trial.conf" in line]
    assert complaints == []
    path.write_text(unit(layout) + "\n[Service]\nRestrt=always\n")  # it does look
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(path)], capture_output=True, text=True)
    assert "Restrt" in done.stderr


def test_only_groups_that_the_board_has_are_named(layout: Layout) -> None:
    assert dict(settings(unit(layout)))["SupplementaryGroups"] == "video apex gpio"
    (layout.root / "etc/group").unlink()
    assert dict(settings(unit(layout)))["SupplementaryGroups"] == ""


def test_a_trial_differs_from_the_service_in_the_release_alone(layout: Layout) -> None:
    current, tried = settings(unit(layout)), settings(trial(layout, "0" * 16))
    emptied = [key for key, value in tried if not value]
    assert set(emptied) >= {"ExecStart", "Environment", "EnvironmentFile", "SupplementaryGroups"}
    release = str(layout.releases / ("0" * 16))
    filled = [(key, value.replace(release, str(layout.current))) for key, value in tried if value]
    assert filled == [(key, value) for key, value in current if value]
    layout.own("0" * 16).parent.mkdir(parents=True)
    layout.own("0" * 16).with_name("env.new").touch()
    assert ("EnvironmentFile", f"-{release}/env.new") in settings(trial(layout, "0" * 16))


def test_secrets_come_from_a_file_of_roots(layout: Layout) -> None:
    files = [value for key, value in settings(unit(layout)) if key == "EnvironmentFile"]
    assert files == [f"-{layout.env}", f"-{layout.current}/env"]
    assert "TOKEN" not in unit(layout)


def test_no_example_has_a_service_of_the_same_name() -> None:
    examples = {path.name for path in (Path(__file__).parents[2] / "firmware_examples").rglob("*.service")}
    assert examples
    assert not examples & {UNIT, SERVICE}
