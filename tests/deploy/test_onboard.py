"""What is sent to boards, run as there: its text first on standard input, then the data."""

import fcntl
import hashlib
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from edgeseg.board.layout import Layout
from edgeseg.board.options import environment
from edgeseg.deploy.remote import ONBOARD

RELEASE = "0123456789abcdef"


def run(root: Path, *words: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    program = ONBOARD.read_bytes()
    boot = f"import sys; exec(compile(sys.stdin.buffer.read({len(program)}), 'onboard', 'exec'))"
    command = [sys.executable, "-I", "-c", boot, *words]
    return subprocess.run(command, input=program + data, capture_output=True, env={"EDGESEG_ROOT": str(root)})


def settings(root: Path, **wanted: Any) -> dict[str, Any]:
    data = {"live": None, "page": False, "token": None, "bundle": []} | wanted
    done = run(root, "settings", RELEASE, data=json.dumps(data).encode())
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def env(root: Path) -> Path:
    return root / "etc/edgeseg/env"


def live(root: Path) -> list[str]:
    return shlex.split(environment(Layout(root)).get("EDGESEG_LIVE", ""))


def test_nothing_asked_for_changes_nothing(tmp_path: Path) -> None:
    assert settings(tmp_path, bundle=["--out", "http://127.0.0.1:8080"]) == {
        "changed": False,
        "token_made": False,
        "public": False,
    }
    assert not env(tmp_path).exists()


def test_a_bundle_with_a_page_for_others_has_a_token_made_once(tmp_path: Path) -> None:
    assert settings(tmp_path, bundle=["--out", "http://0.0.0.0:8080"])["token_made"]
    token = environment(Layout(tmp_path))["EDGESEG_TOKEN"]
    assert len(token) >= 20
    assert env(tmp_path).stat().st_mode & 0o777 == 0o600
    assert not settings(tmp_path, bundle=["--out", "http://0.0.0.0:8080"])["changed"]
    assert environment(Layout(tmp_path))["EDGESEG_TOKEN"] == token


def test_page_adds_to_the_outputs_that_there_are(tmp_path: Path) -> None:
    settings(tmp_path, page=True, bundle=["--out", "mqtt://broker/belt"])
    assert live(tmp_path) == ["--out", "mqtt://broker/belt", "--out", "http://0.0.0.0:8080"]
    settings(tmp_path, page=True, live=["--source", "camera:0"])
    assert live(tmp_path) == ["--source", "camera:0", "--out", "http://0.0.0.0:8080"]
    assert not settings(tmp_path, page=True)["changed"]


def test_other_lines_and_odd_values_survive(tmp_path: Path) -> None:
    env(tmp_path).parent.mkdir(parents=True)
    env(tmp_path).write_text("# by hand\nTZ=UTC\nEDGESEG_TOKEN='my own one'\nEDGESEG_LIVE=--smooth\n")
    odd = ["--out", 'jsonl:/a "quoted" $HOME `x` \\ file', "--source", "it's"]
    settings(tmp_path, live=odd)
    assert live(tmp_path) == odd
    text = env(tmp_path).read_text()
    assert text.startswith("# by hand\nTZ=UTC\nEDGESEG_TOKEN='my own one'\nEDGESEG_LIVE=")
    settings(tmp_path, token="another one")
    assert environment(Layout(tmp_path))["EDGESEG_TOKEN"] == "another one"
    assert live(tmp_path) == odd


def test_settings_can_be_taken_back_also_by_a_later_call(tmp_path: Path) -> None:
    settings(tmp_path, live=["--smooth"])
    run(tmp_path, "kept")
    settings(tmp_path, live=["--every", "2"])
    settings(tmp_path, live=["--every", "2"])  # the connection was lost in between
    assert run(tmp_path, "unset", RELEASE).returncode == 0
    assert live(tmp_path) == ["--smooth"]
    assert [path.name for path in env(tmp_path).parent.iterdir()] == ["env"]


def test_settings_of_a_release_that_runs_are_not_taken_back(tmp_path: Path) -> None:
    settings(tmp_path, live=["--every", "2"])
    (tmp_path / "opt/edgeseg").mkdir(parents=True)
    (tmp_path / "opt/edgeseg/current").symlink_to(f"releases/{RELEASE}")
    settings(tmp_path, live=["--every", "2"])
    run(tmp_path, "unset", RELEASE)
    assert live(tmp_path) == ["--every", "2"]


def test_a_damaged_file_of_settings_is_told_in_a_line(tmp_path: Path) -> None:
    env(tmp_path).parent.mkdir(parents=True)
    env(tmp_path).write_text("EDGESEG_LIVE=--source 'camera\n")
    done = run(tmp_path, "outs")
    assert done.returncode == 1
    assert b"etc/edgeseg/env: cannot be read" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_a_key_comes_first_or_not_at_all(tmp_path: Path) -> None:
    assert json.loads(run(tmp_path, "trust", "a.pub.pem", data=b"ours").stdout) == {"added": True}
    assert json.loads(run(tmp_path, "trust", "b.pub.pem", data=b"ours").stdout) == {"added": False}
    done = run(tmp_path, "trust", "c.pub.pem", data=b"theirs")
    assert done.returncode == 1
    assert b"trusts the key a.pub.pem already" in done.stderr
    assert [path.name for path in (tmp_path / "opt/edgeseg/keys").iterdir()] == ["a.pub.pem"]


def test_a_part_gets_its_name_only_when_it_is_whole(tmp_path: Path) -> None:
    data = os.urandom(1_000_000)
    sha256 = hashlib.sha256(data).hexdigest()
    size, uploads = str(len(data)), tmp_path / "opt/edgeseg/uploads"
    there = json.loads(run(tmp_path, "look", RELEASE, sha256, "it").stdout)["there"]
    assert there == {"it": 0}
    assert run(tmp_path, "take", "it", "0", size, sha256, data=data[:400_000]).returncode == 1
    assert [path.name for path in uploads.iterdir()] == ["it.part"]
    there = json.loads(run(tmp_path, "look", RELEASE, sha256, "it").stdout)["there"]
    assert there == {"it": 400_000}
    assert run(tmp_path, "take", "it", "400000", size, sha256, data=data[400_000:]).returncode == 0
    assert (uploads / "it").read_bytes() == data
    assert json.loads(run(tmp_path, "look", RELEASE, sha256, "it").stdout)["there"] == {"it": -1}


def test_two_that_send_the_same_file_do_not_mix(tmp_path: Path) -> None:
    uploads = tmp_path / "opt/edgeseg/uploads"
    uploads.mkdir(parents=True)
    with (uploads / "it.part").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = run(tmp_path, "take", "it", "0", "3", "no", data=b"abc")
    assert done.returncode == 1
    assert b"another deploy to this board is under way" in done.stderr
    assert (uploads / "it.part").read_bytes() == b""
