import asyncio
import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from edgeseg.deploy.address import Address
from edgeseg.deploy.connection import Answer, Login, connected
from edgeseg.deploy.errors import BoardError, LostError
from edgeseg.errors import SourceError
from tests.board.machine import free_port
from tests.deploy.conftest import KEYGEN, Sshd


def run(address: Address, command: str, *inputs: bytes | Path, login: Login = Login()) -> Answer:  # noqa: B008
    async def there() -> Answer:
        async with connected(address, login) as connection:
            return await connection.run(command, *inputs)

    return asyncio.run(there())


def test_a_command_gets_its_input_and_gives_output_exit_code_and_last_words(board: Sshd, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"of a file" * 100_000)
    answer = run(board.address, "wc -c; echo first >&2; echo 'edgeseg: why' >&2; exit 7", b"bytes", tmp_path / "file")
    assert (answer.code, answer.out.strip(), answer.problem) == (7, b"900005", "why")


def test_the_users_ssh_configuration_is_heeded(board: Sshd, user: Path) -> None:
    lines = f"Host shed\n HostName 127.0.0.1\n Port {board.port}\n User {board.address.user}\n"
    (user / ".ssh" / "config").write_text(lines)
    assert run(Address("shed"), "echo in").out == b"in\n"


def test_an_unknown_host_key_is_refused_with_the_way_to_accept_it(board: Sshd, user: Path) -> None:
    (user / ".ssh" / "known_hosts").unlink()
    with pytest.raises(BoardError, match=rf"SHA256:\S+ is not known.*ssh -p {board.port} .*--accept-new-host-keys"):
        run(board.address, "true")
    assert not (user / ".ssh" / "known_hosts").exists()


def test_an_unknown_host_key_is_taken_and_noted_when_asked_to(board: Sshd, user: Path) -> None:
    known_hosts = user / ".ssh" / "known_hosts"
    known_hosts.write_text(
        "example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAmTpPSkPjCmdVVxcdiSZ8MhRrJPGsFaGBlbGjkLDBqv"
    )
    run(board.address, "true", login=Login(accept_new=True))
    assert board.known in known_hosts.read_text().splitlines(keepends=True)
    run(board.address, "true")


@pytest.mark.parametrize("accept_new", [False, True])
def test_a_changed_host_key_is_never_taken(board: Sshd, user: Path, accept_new: bool) -> None:
    subprocess.run([*KEYGEN, user / "other"], check=True)
    kind, key = (user / "other.pub").read_text().split()[:2]
    (user / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{board.port} {kind} {key}\n")
    with pytest.raises(BoardError, match=r"has changed to SHA256.*ssh-keygen -R"):
        run(board.address, "true", login=Login(accept_new=accept_new))


def test_a_key_that_the_board_does_not_know_is_refused(board: Sshd, user: Path) -> None:
    board.authorized.write_text("")
    with pytest.raises(
        BoardError, match=rf"no key of yours.*ssh-copy-id -p {board.port} {board.address.user}@127.0.0.1"
    ):
        run(board.address, "true")


def test_no_key_at_all_is_refused(board: Sshd, user: Path) -> None:
    (user / ".ssh" / "id_ed25519").unlink()
    with pytest.raises(BoardError, match=r"no key of yours"):
        run(board.address, "true")


def test_an_unknown_user_is_refused(board: Sshd) -> None:
    with pytest.raises(BoardError, match=r"ssh-copy-id -p \d+ nobody-of-this-name@"):
        run(replace(board.address, user="nobody-of-this-name"), "true")


def test_a_named_key_opens_the_board(board: Sshd, user: Path) -> None:
    named = (user / ".ssh" / "id_ed25519").rename(user / "mine")
    assert run(board.address, "echo in", login=Login(named)).out == b"in\n"


def test_a_named_key_that_is_missing_or_locked_is_told(board: Sshd, user: Path) -> None:
    with pytest.raises(BoardError, match=r"none: there is no such key"):
        run(board.address, "true", login=Login(user / "none"))
    locked = user / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret word", "-f", locked], check=True)
    with pytest.raises(BoardError, match=rf"ssh-add {locked}"):
        run(board.address, "true", login=Login(locked))


def test_a_board_that_is_not_there_is_told_with_what_to_look_at() -> None:
    with pytest.raises(BoardError, match=r"cannot be reached .*refused.*is it on"):
        run(Address("127.0.0.1", "pi", free_port()), "true")


def test_a_name_that_nobody_knows_is_told() -> None:
    with pytest.raises(BoardError, match=r"cannot be reached"):
        run(Address("no-such-board.invalid", "pi"), "true")


def test_a_file_that_cannot_be_read_here_is_no_lost_connection(board: Sshd, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    with pytest.raises(SourceError, match=r"gone\.edgeseg: cannot be read \(No such file"):
        run(board.address, f"touch {ran}", tmp_path / "gone.edgeseg")
    assert not ran.exists()


def test_a_connection_that_is_cut_is_told(board: Sshd) -> None:
    async def there() -> None:
        async with connected(board.address, Login()) as connection:
            work = asyncio.create_task(connection.run("sleep 60"))
            await asyncio.sleep(0.3)
            board.cut()
            await work

    with pytest.raises(LostError, match=r"connection was lost.*run the same command again"):
        asyncio.run(there())


def test_a_board_that_falls_silent_is_given_up(board: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeseg.deploy.connection.KEEPALIVE_S", 0.3)

    async def there() -> None:
        async with connected(board.address, Login()) as connection:
            work = asyncio.create_task(connection.run("sleep 60"))
            await asyncio.sleep(0.3)
            board.signal_all(signal.SIGSTOP)
            await work

    try:
        with pytest.raises(LostError, match=r"connection was lost"):
            asyncio.run(asyncio.wait_for(there(), 20))
    finally:
        board.signal_all(signal.SIGCONT)
