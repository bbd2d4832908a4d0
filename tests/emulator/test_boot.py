"""From `edgeseg flash` to a page, on a board without a network.

It comes before test_deploy by its name: one board serves both, and here it is as its card left it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.error import HTTPError

import pytest

from edgeseg import __version__
from edgeseg.customise.hashes import wifi_key
from tests.emulator.conftest import SAME, TOKEN, WIFI_PASSWORD, NewBoard, Told
from tests.emulator.machine import REPORT, Guest, page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]  # the first of all builds the guest


def test_the_board_segments_at_its_first_start(running: Guest) -> None:
    stats = json.loads(running.page("/stats.json")[0])
    assert stats["frames"] > 0
    assert not stats["stale"]
    assert running.boots == 1


def test_its_masks_are_those_of_this_machine(running: Guest, agreement: Callable[[Guest, int], float]) -> None:
    assert agreement(running, 7) > SAME
    assert agreement(running, 8) < SAME


def test_the_card_tells_that_it_runs_and_keeps_no_secret(running: Guest) -> None:
    report = running.wait_for("report", lambda: _report(running))
    assert report["state"] == "running", report
    with pytest.raises(FileNotFoundError):
        running.boot_file("edgeseg/env")
    left = running.boot_bytes()
    assert not any(secret.encode() in left for secret in (TOKEN, WIFI_PASSWORD, wifi_key(WIFI_PASSWORD, "Workshop")))
    assert running.text("sudo stat -c '%a %U' /etc/edgeseg/env") == "600 root"


def test_the_board_is_as_the_readmes_line_has_it(running: Guest) -> None:
    assert running.text("hostname") == "line1"
    assert running.text("edgeseg --version").endswith(__version__)
    # Wi-Fi is netplan's business, which Raspberry Pi OS has and the guest has not.
    assert "Valid schema user-data" in running.text("sudo cloud-init schema --system || true")
    lines = running.text("edgeseg doctor || true").splitlines()
    assert [line for line in lines if line.startswith("wrong")] == []
    assert any(line.startswith("fine   service") for line in lines)


def test_the_token_is_in_no_log(running: Guest) -> None:
    assert TOKEN not in running.text("sudo journalctl --no-pager")


def test_the_page_wants_the_token(running: Guest) -> None:
    with pytest.raises(HTTPError, match="401"):
        page(running.page_port, "/stats.json", token="another")


def test_the_second_start_installs_nothing(running: Guest, agreement: Callable[[Guest, int], float]) -> None:
    before = running.text(INSTALLED)
    running.shut_down()
    running.power_on()
    running.wait_for_page()
    assert running.text(INSTALLED) == before
    assert running.text("systemctl show -p ExecMainPID --value edgeseg-first-boot") == "0"
    assert agreement(running, 7) > SAME


def test_flash_reads_the_card_back(running: Guest, command: Callable[..., Told]) -> None:
    told = command("flash", "--inspect", running.card)
    assert told.code == 0, told.problems
    assert "running" in told.out


def test_without_power_in_the_first_boot_the_next_one_completes_it(
    new_board: NewBoard, agreement: Callable[[Guest, int], float]
) -> None:
    board = new_board()
    board.power_on()
    board.wait_for("unpacking", lambda: _stage(board) == "unpack")
    board.pull_plug()
    assert json.loads(board.boot_file(REPORT))["state"] == "begun"
    board.power_on()
    board.wait_for_page()
    report = board.wait_for("report", lambda: _report(board))
    assert report["state"] == "running", report
    assert agreement(board, 7) > SAME
    assert board.text("ls /opt/edgeseg/uploads") == ""
    board.pull_plug()


INSTALLED = (
    "cd /opt/edgeseg; cat releases/*/release.json; stat -c '%n %Y %i' packages/* releases/*; cat first-boot-done"
)


def _report(board: Guest) -> dict[str, str] | None:
    """What the first boot says at its end."""
    report = _written(board)
    return report if report.get("state", "begun") != "begun" else None


def _stage(board: Guest) -> str | None:
    return _written(board).get("stage")


def _written(board: Guest) -> dict[str, str]:
    try:
        report: dict[str, str] = json.loads(board.boot_file(REPORT))
    except (FileNotFoundError, ValueError):  # not there yet, or the board is writing it
        return {}
    return report
