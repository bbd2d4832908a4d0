import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeseg.bundle.sign import make_keys
from tests.board.machine import free_port
from tests.deploy.conftest import Sshd

Run = Callable[..., subprocess.CompletedProcess[str]]


def named(board: Sshd) -> str:
    return f"{board.address.user}@127.0.0.1:{board.port}"


def test_status_of_a_bare_board_and_of_one_that_is_away(board: Sshd, edgeseg: Run) -> None:
    result = edgeseg("deploy", "--status", named(board), f"pi@127.0.0.1:{free_port()}")
    assert result.returncode == 1
    header, _, row = result.stdout.splitlines()
    assert header.split()[:4] == ["board", "release", "service", "page"]
    assert row.startswith(named(board)[:19])
    assert re.search(r"edgeseg: pi@127\.0\.0\.1:\d+: cannot be reached \(Connection refused\)", result.stderr)
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_status_as_json_tells_what_the_board_is(board: Sshd, edgeseg: Run) -> None:
    result = edgeseg("deploy", "--status", named(board), "--json")
    assert result.returncode == 0
    (found,) = json.loads(result.stdout)
    assert found["board"] == named(board)
    assert found["facts"]["systemd"] is True
    assert found["status"] == {}


def test_rollback_of_a_bare_board_is_refused(board: Sshd, edgeseg: Run) -> None:
    result = edgeseg("deploy", "--rollback", named(board))
    assert result.returncode == 1
    assert "nothing was deployed here" in result.stderr


def test_an_inventory_names_the_boards(board: Sshd, edgeseg: Run, tmp_path: Path) -> None:
    inventory = tmp_path / "fleet.ini"
    lines = ["[belts]", f"one ansible_host=127.0.0.1 ansible_port={board.port} ansible_user={board.address.user}"]
    inventory.write_text("\n".join([*lines, "[others]", "two.invalid"]))
    result = edgeseg("deploy", "--status", "--inventory", inventory, "--limit", "belts", "--json")
    assert result.returncode == 0
    assert [each["board"] for each in json.loads(result.stdout)] == ["one"]


def test_without_a_terminal_each_step_is_a_line(board: Sshd, edgeseg: Run) -> None:
    result = edgeseg("deploy", "--status", named(board))
    assert result.stderr.splitlines() == [f"{named(board)}: {stage}" for stage in ("connecting", "asking", "done")]


def test_a_board_without_systemd_gets_nothing(board: Sshd, edgeseg: Run, bundle: Callable[..., Path]) -> None:
    (board.root / "run/systemd/system").rmdir()
    result = edgeseg("deploy", bundle(), named(board))
    assert result.returncode == 1
    assert f"edgeseg: {named(board)}: has no systemd" in result.stderr
    assert not board.home.exists()


def test_a_secret_key_is_not_handed_out(edgeseg: Run, bundle: Callable[..., Path], tmp_path: Path) -> None:
    secret, public, _ = make_keys(tmp_path / "ours")
    result = edgeseg("deploy", bundle(key=secret), "pi@127.0.0.1:1", "--key", secret)
    assert "is no public key; give the .pub.pem" in result.stderr
    result = edgeseg("deploy", bundle(), "pi@127.0.0.1:1", "--key", public)
    assert "is not signed" in result.stderr
    assert "connecting" not in result.stderr


def test_ctrl_c_ends_it_while_a_board_is_asked(board: Sshd) -> None:
    (board.folder / "bin" / "python3").write_text("#!/bin/sh\nsleep 60\n")
    command = [sys.executable, "-m", "edgeseg", "deploy", "--status", named(board)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr
        while "asking" not in running.stderr.readline():
            pass
        running.send_signal(signal.SIGINT)
        assert running.wait(20) == 130
        assert running.stderr.read().strip() == "edgeseg: interrupted"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give a bundle and boards"),
        (["BUNDLE"], "no board is named"),
        (["--status"], "no board is named"),
        (["--status", "--rollback", "pi@x"], "give one"),
        (["--status", "--page", "pi@x"], "come with a BUNDLE"),
        (["--rollback", "pi@x", "--", "--smooth"], "come with a BUNDLE"),
        (["--rollback", "belt.edgeseg", "pi@x"], "leave out belt.edgeseg"),
        (["--status", "pi@x", "--identity", "none"], "none: cannot be read"),
        (["--status", "pi@x", "--identity", __file__], "is no private SSH key"),
        (["BUNDLE", "pi@x", "--limit", "shop"], "--limit chooses out of an inventory"),
        (["BUNDLE", "pi@"], "is no board"),
        (["none.edgeseg", "pi@x"], "none.edgeseg"),
        (["BUNDLE", "pi@x", "--token-file", "none"], "none: cannot be read"),
        (["BUNDLE", "pi@x", "--mqtt-password-file", "none"], "none: cannot be read"),
        (["--rollback", "pi@x", "--mqtt-password-file", "none"], "come with a BUNDLE"),
        (["BUNDLE", "pi@x", "--", "--out", "mqtt://me:hunter2@x/y"], "--mqtt-password-file"),
        (["BUNDLE", "pi@x", "--", "--no-such-option"], "No such option"),
        (["BUNDLE", "pi@x", "--", "--token", "secret"], "use --token-file"),
        (["BUNDLE", "pi@x", "--", "--frames", "7"], "started again at each end"),
        (["BUNDLE", "pi@x", "--", "model.tflite"], "the bundle has the model"),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_board_is_asked(
    edgeseg: Run, refused: Callable[..., str], bundle: Callable[..., Path], arguments: list[str], message: str
) -> None:
    given = [str(bundle()) if each == "BUNDLE" else each for each in arguments]
    assert message in refused(edgeseg("deploy", *given))


@pytest.mark.slow
def test_the_real_packages_are_built_and_run(
    board: Sshd, edgeseg: Run, bundle: Callable[..., Path], tmp_path: Path
) -> None:
    """The board's Python has nothing but what is brought to it."""
    python = board.folder / "bin" / "python3"
    python.write_text(f'#!/bin/sh\nexec {sys.base_prefix}/bin/python3 "$@"\n')
    token = tmp_path / "token"
    token.write_text("a token of our own\n")
    port = free_port()
    live = ["--", "--out", f"http://0.0.0.0:{port}"]
    result = edgeseg("deploy", bundle(), named(board), "--token-file", token, "--json", *live)
    assert result.returncode == 0, result.stderr
    (found,) = json.loads(result.stdout)
    assert found["state"] == "running"
    assert found["release"] == board.current == board.serving()
    assert (board.home / "current/packages/numpy").is_dir()
    assert "a token of our own" not in result.stdout + result.stderr
    assert "EDGESEG_TOKEN=" in board.env.read_text()
    again = json.loads(edgeseg("deploy", bundle(), named(board), "--json").stdout)[0]
    assert again["sent_bytes"] < 100_000
