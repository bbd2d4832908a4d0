import json
import re
import subprocess
import sys
from typing import Any

import pytest

from edgeseg.deploy.errors import BoardError
from edgeseg.deploy.facts import Facts, misfit, require_space
from edgeseg.deploy.remote import BOARD

PI = {
    "model": "Raspberry Pi 5 Model B Rev 1.0",
    "machine": "aarch64",
    "os": {"id": "debian", "codename": "trixie", "version": "13"},
    "python": [3, 13, 5],
    "libc": "glibc 2.41",
    "free_bytes": 20_000_000_000,
    "memory_mb": 4096,
    "cameras": ["imx708"],
    "edgetpu": "none",
    "systemd": True,
    "root": True,
    "edgeseg": {"current": None, "releases": [], "packages": [], "keys": []},
}


def facts(**other: Any) -> Facts:
    return Facts.from_json(json.dumps(PI | other).encode())


def test_what_a_pi_says_is_read() -> None:
    found = facts()
    assert (found.version, found.system, found.current) == ("3.13", "debian 13 (trixie)", None)
    assert misfit(found, "pi") == ""


def test_this_machine_says_what_is_read() -> None:
    out = subprocess.run([sys.executable, BOARD / "facts.py"], capture_output=True, check=True).stdout
    assert Facts.from_json(out).python == sys.version_info[:2]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"machine": "armv7l"}, "32-bit.*put a 64-bit one on its card"),
        ({"bits": 32}, "32-bit.*put a 64-bit one on its card"),
        ({"python": [3, 9, 2]}, "Python 3.9 of debian 13 .* is too old.*Bookworm"),
        ({"python": [3, 7, 3], "model": "Freescale i.MX8MQ Phanbell"}, "firmware_examples/coral_dev_board"),
        ({"python": [3, 15, 0]}, "Python 3.15 is newer than the packages"),
        ({"libc": "glibc 2.27"}, "needs? glibc 2.28"),
        ({"libc": "musl 1.2"}, "needs? glibc 2.28"),
        ({"systemd": False}, "has no systemd"),
        ({"root": False}, r"pi may not become root.*echo 'pi ALL=\(ALL\) NOPASSWD: ALL'"),
    ],
)
def test_a_board_that_cannot_run_it_is_told_why_and_what_to_do(other: dict[str, Any], message: str) -> None:
    found = misfit(facts(**other), "pi")
    assert re.search(message, found)
    assert "\n" not in found


def test_a_full_disk_is_told_with_both_sizes() -> None:
    with pytest.raises(BoardError, match=r"100 MB are free in /opt and 267 MB are needed: free some"):
        require_space(facts(free_bytes=100_000_000), 200_000_000)
    require_space(facts(free_bytes=300_000_000), 200_000_000)


@pytest.mark.parametrize("out", [b"", b"[]", b'{"machine": "x"}', json.dumps(PI | {"python": [3]}).encode()])
def test_an_answer_that_is_none_is_refused(out: bytes) -> None:
    with pytest.raises(BoardError, match="does not say what it is"):
        Facts.from_json(out)
