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
from edgeseg.board.releases import locked
from edgeseg.deploy.remote import ONBOARD

RELEASE, OTHER = "0123456789abcdef", "fedcba9876543210"


def given(*words: str, text: bytes = b"") -> tuple[list[str], bytes]:
    """The command, and what stands before the data on its standard input."""
    program = text or ONBOARD.read_bytes()
    boot = f"import sys; exec(compile(sys.stdin.buffer.read({len(program)}), 'onboard', 'exec'))"
    return [sys.executable, "-I", "-c", boot, *words], program


def run(root: Path, *words: str, data: bytes = b"", **more: Any) -> subprocess.CompletedProcess[bytes]:
    command, program = given(*words)
    return subprocess.run(
        command, input=program + data, capture_output=True, env={"EDGESEG_ROOT": str(root)}, timeout=60, **more
    )


def settings(root: Path, release: str = RELEASE, **wanted: Any) -> dict[str, Any]:
    data = {"live": None, "page": False, "token": None, "mqtt_password": None, "bundle": []} | wanted
    done = run(root, "settings", release, data=json.dumps(data).encode())
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def base(root: Path) -> Path:
    return root / "etc/edgeseg/env"


def tried(root: Path, release: str = RELEASE) -> dict[str, str]:
    """With what a switch would try the release."""
    return environment(Layout(root), release, tried=True)


def live(root: Path) -> list[str]:
    return shlex.split(tried(root).get("EDGESEG_LIVE", ""))


def promote(root: Path, release: str = RELEASE) -> None:
    """As a switch does."""
    layout = Layout(root)
    if layout.tried(release) != layout.own(release):
        layout.tried(release).rename(layout.own(release))
    layout.current.unlink(missing_ok=True)
    layout.current.symlink_to(f"releases/{release}")


def test_nothing_asked_for_changes_nothing(tmp_path: Path) -> None:
    assert settings(tmp_path, bundle=["--out", "http://127.0.0.1:8080"]) == {
        "changed": False,
        "token_made": False,
        "public": False,
    }
    assert list(tmp_path.rglob("*env*")) == []


def test_a_bundle_with_a_page_for_others_has_a_token_made_once(tmp_path: Path) -> None:
    assert settings(tmp_path, bundle=["--out", "http://0.0.0.0:8080"])["token_made"]
    token = tried(tmp_path)["EDGESEG_TOKEN"]
    assert len(token) >= 20
    assert Layout(tmp_path).tried(RELEASE).stat().st_mode & 0o777 == 0o600
    promote(tmp_path)
    assert not settings(tmp_path, bundle=["--out", "http://0.0.0.0:8080"])["changed"]
    assert tried(tmp_path)["EDGESEG_TOKEN"] == token


def test_page_adds_to_the_outputs_that_there_are(tmp_path: Path) -> None:
    settings(tmp_path, page=True, bundle=["--out", "mqtt://broker/belt"])
    assert live(tmp_path) == ["--out", "mqtt://broker/belt", "--out", "http://0.0.0.0:8080"]
    settings(tmp_path, page=True, live=["--source", "camera:0"])
    assert live(tmp_path) == ["--source", "camera:0", "--out", "http://0.0.0.0:8080"]
    promote(tmp_path)
    assert not settings(tmp_path, page=True)["changed"]


def test_what_was_written_by_hand_stays_and_odd_values_survive(tmp_path: Path) -> None:
    base(tmp_path).parent.mkdir(parents=True)
    by_hand = "# by hand\nTZ=UTC\nEDGESEG_TOKEN='my own one'\nEDGESEG_LIVE=--smooth\n"
    base(tmp_path).write_text(by_hand)
    odd = ["--out", 'jsonl:/a "quoted" $HOME `x` \\ file', "--source", "it's"]
    settings(tmp_path, live=odd)
    assert live(tmp_path) == odd
    promote(tmp_path)
    settings(tmp_path, token="another one", mqtt_password="hush")
    assert live(tmp_path) == odd
    found = tried(tmp_path)
    assert [found[name] for name in ("TZ", "EDGESEG_TOKEN", "EDGESEG_MQTT_PASSWORD")] == ["UTC", "another one", "hush"]
    assert base(tmp_path).read_text() == by_hand


def test_quotes_by_hand_are_no_change(tmp_path: Path) -> None:
    base(tmp_path).parent.mkdir(parents=True)
    base(tmp_path).write_text("EDGESEG_LIVE=\"--source 'camera:0'\"\n")
    assert not settings(tmp_path)["changed"]
    assert not settings(tmp_path, live=["--source", "camera:0"])["changed"]
    assert settings(tmp_path, live=[])["changed"]
    assert live(tmp_path) == []


def test_what_runs_keeps_its_options_until_the_switch(tmp_path: Path) -> None:
    settings(tmp_path, live=["--smooth"])
    promote(tmp_path)
    assert settings(tmp_path, live=["--every", "2"])["changed"]
    assert live(tmp_path) == ["--every", "2"]
    assert Layout(tmp_path).own(RELEASE).read_text() == 'EDGESEG_LIVE="--smooth"\n'


def test_the_next_release_has_what_the_one_that_runs_has_and_what_is_new(tmp_path: Path) -> None:
    settings(tmp_path, live=["--smooth"], token="a token of ours")
    promote(tmp_path)
    settings(tmp_path, OTHER, live=["--every", "2"])
    assert tried(tmp_path, OTHER) == {"EDGESEG_TOKEN": "a token of ours", "EDGESEG_LIVE": "--every 2"}
    promote(tmp_path, OTHER)
    settings(tmp_path)
    assert live(tmp_path) == ["--every", "2"]
    assert Layout(tmp_path).own(RELEASE).read_text().count("--smooth") == 1


def test_what_an_earlier_call_left_untried_goes(tmp_path: Path) -> None:
    settings(tmp_path, OTHER, live=["--smooth"])
    settings(tmp_path, live=["--every", "2"])
    assert [path.parent.name for path in tmp_path.rglob("env.new")] == [RELEASE]


def test_options_wait_while_the_board_is_being_changed(tmp_path: Path) -> None:
    with locked(Layout(tmp_path)):
        done = run(tmp_path, "settings", RELEASE, data=b"{}")
    assert done.returncode == 1
    assert b"another deploy to this board is under way" in done.stderr


def test_a_strict_umask_hides_nothing_from_the_service(tmp_path: Path) -> None:
    run(tmp_path, "look", RELEASE, "0", umask=0o077)
    assert (tmp_path / "opt/edgeseg").stat().st_mode & 0o777 == 0o755


def test_a_damaged_file_of_settings_is_told_in_a_line(tmp_path: Path) -> None:
    base(tmp_path).parent.mkdir(parents=True)
    base(tmp_path).write_text("EDGESEG_LIVE=--source 'camera\n")
    done = run(tmp_path, "outs")
    assert done.returncode == 1
    assert b"etc/edgeseg/env" in done.stderr
    assert b"cannot be read" in done.stderr
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


def test_an_upload_of_which_nothing_comes_any_more_makes_way(tmp_path: Path) -> None:
    """The network is gone, and nobody has said so to the board."""
    text = ONBOARD.read_bytes().replace(b"SILENCE_S = 60\n", b"SILENCE_S = 1\n")
    command, program = given("take", "it", "0", "3", "no", text=text)
    (tmp_path / "opt/edgeseg/uploads").mkdir(parents=True)
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env={"EDGESEG_ROOT": str(tmp_path)}
    ) as taking:
        assert taking.stdin
        assert taking.stderr
        taking.stdin.write(program + b"ab")
        taking.stdin.flush()
        assert taking.wait(60) == 1
        assert b"nothing of the upload came for 1 s; run the same command again" in taking.stderr.read()
    assert (tmp_path / "opt/edgeseg/uploads/it.part").read_bytes() == b"ab"
