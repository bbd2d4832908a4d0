import asyncio
from pathlib import Path
from typing import Any

import pytest

from edgeseg.deploy.connection import Login, connected
from edgeseg.deploy.errors import BoardError
from edgeseg.deploy.facts import Facts
from edgeseg.deploy.remote import Parcel, Remote
from tests.deploy.conftest import Sshd


def call(board: Sshd, *words: str, data: bytes = b"") -> dict[str, Any]:
    async def there() -> dict[str, Any]:
        async with connected(board.address, Login()) as connection:
            return await Remote(connection).call(*words, data=data)

    return asyncio.run(there())


def facts(board: Sshd) -> Facts:
    async def there() -> Facts:
        async with connected(board.address, Login()) as connection:
            return await Remote(connection).facts()

    return asyncio.run(there())


def program(board: Sshd, name: str, text: str) -> None:
    """Put a program in the board's PATH."""
    path = board.folder / "bin" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_who_is_not_root_becomes_it_by_sudo_without_a_password(board: Sshd) -> None:
    program(board, "id", "echo 1000")
    program(board, "sudo", f'printf "%s\\n" "$1" >> {board.folder}/sudo.log; shift; exec "$@"')
    assert call(board, "outs") == {"schemes": []}
    assert (board.folder / "sudo.log").read_text() == "-n\n"


def test_a_problem_on_the_board_is_its_one_line(board: Sshd) -> None:
    call(board, "look", "0", "0", "it")
    with pytest.raises(BoardError, match=r"^the upload was cut off; run the same command again"):
        call(board, "take", "it", "0", "7", "0", data=b"abc")


def test_an_answer_that_is_none_is_told(board: Sshd) -> None:
    program(board, "python3", "cat > /dev/null; echo Welcome")
    with pytest.raises(BoardError, match=r"'outs' gave no answer there"):
        call(board, "outs")


def test_a_module_in_the_users_home_is_not_ours(board: Sshd) -> None:
    (board.folder / "json.py").write_text("raise SystemExit('theirs')")
    (board.folder / "hashlib.py").write_text("raise SystemExit('theirs')")
    assert facts(board).systemd
    assert call(board, "outs") == {"schemes": []}


def test_a_board_without_python_is_told_how_to_get_it(board: Sshd) -> None:
    program(board, "python3", "exit 127")
    with pytest.raises(BoardError, match=r"has no python3: install it there"):
        facts(board)


def test_a_python_that_is_too_old_for_the_question_is_told(board: Sshd) -> None:
    program(board, "python3", "echo 'SyntaxError: invalid syntax' >&2; exit 1")
    with pytest.raises(BoardError, match=r"does not say what it is \(SyntaxError: invalid syntax\)"):
        facts(board)


def test_a_parcel_is_named_by_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "any name; rm -rf.edgeseg").write_bytes(b"abc")
    found = Parcel.of(tmp_path / "any name; rm -rf.edgeseg", ".edgeseg")
    assert (found.name, found.size) == ("ba7816bf8f01cfea.edgeseg", 3)
