"""An SSH connection to a board, with the user's own configuration, keys and known hosts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from edgeseg.deploy.address import Address
from edgeseg.deploy.errors import BoardError, LostError
from edgeseg.errors import MissingExtraError, SourceError, UsageError, first_line
from edgeseg.printable import printable

try:
    import asyncssh
except ImportError as missing:
    raise MissingExtraError("asyncssh", "deploy") from missing

CONNECT_S = 20
KEEPALIVE_S, KEEPALIVES = 10, 3
"""A board that answers nothing for their product is taken for dead."""
CHUNK = 1 << 18
Progress = Callable[[int], None]
"""Gets the bytes sent so far."""


@dataclass(frozen=True)
class Login:
    """How to get in, beside what ~/.ssh/config says."""

    identity: Path | None = None
    accept_new: bool = False
    """Whether the key of a host that nobody knows yet is taken, and noted down."""


def check_identity(path: Path) -> None:
    """Raises UsageError for what is no private key; one with a passphrase is the agent's business."""
    try:
        asyncssh.read_private_key(path)
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror}); make a key with  ssh-keygen -t ed25519"
        ) from error
    except asyncssh.KeyEncryptionError:
        return
    except asyncssh.KeyImportError as error:
        if "passphrase" not in str(error).lower():
            raise UsageError(
                f"{path}: is no private SSH key; give the file that ssh-keygen made beside the .pub"
            ) from error


@dataclass(frozen=True)
class Answer:
    """What a command on the board left behind."""

    code: int
    out: bytes
    problem: str
    """The last line on its standard error, fit for a terminal."""


class Connection:
    """Runs commands on a board."""

    def __init__(self, connection: asyncssh.SSHClientConnection, address: Address) -> None:
        self._connection, self.address = connection, address

    async def run(self, command: str, *inputs: bytes | Path, skip: int = 0, progress: Progress | None = None) -> Answer:
        """Run a command of a shell; `inputs` go to its standard input one by one, of the last one from `skip` on.

        `progress` is told of the last. Raises LostError where the connection ends first, and
        SourceError for a file that cannot be read here.
        """
        with ExitStack() as files:
            opened = [each if isinstance(each, bytes) else files.enter_context(_opened(each)) for each in inputs]
            return await self._run(command, opened, skip, progress)

    async def _run(
        self, command: str, inputs: Sequence[bytes | IO[bytes]], skip: int, progress: Progress | None
    ) -> Answer:
        try:
            async with self._connection.create_process(command, encoding=None) as process:
                _, out, err = await asyncio.gather(
                    self._feed(process.stdin, inputs, skip, progress), process.stdout.read(), process.stderr.read()
                )
                await process.wait()
                code = process.returncode
        except (OSError, asyncssh.Error) as error:
            raise self._lost(error) from error
        if code is None:
            raise self._lost(None)
        lines = bytes(err).decode(errors="replace").strip().splitlines()
        return Answer(code, bytes(out), printable(lines[-1]).removeprefix("edgeseg: ") if lines else "")

    @staticmethod
    async def _feed(stdin: Any, inputs: Sequence[bytes | IO[bytes]], skip: int, progress: Progress | None) -> None:
        try:
            for each in inputs:
                if isinstance(each, bytes):
                    stdin.write(each)
                    continue
                sent = skip
                each.seek(skip)
                while chunk := each.read(CHUNK):
                    stdin.write(chunk)
                    await stdin.drain()
                    sent += len(chunk)
                    if progress:
                        progress(sent)
            stdin.write_eof()
        except (BrokenPipeError, ConnectionResetError):
            pass  # the command ended early, and its own message says why

    def _lost(self, error: Exception | None) -> LostError:
        why = f" ({printable(first_line(error))})" if error else ""
        return LostError(f"the connection was lost{why}; run the same command again, it goes on from there")


def _opened(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}); run the same command again") from error


@asynccontextmanager
async def connected(address: Address, login: Login) -> AsyncIterator[Connection]:
    """Connect; raises BoardError with what to do where the board or we refuse."""
    identity = address.identity or login.identity
    client: list[_Client] = []

    def make() -> _Client:
        client.append(_Client(address, files, login.accept_new))
        return client[-1]

    options: dict[str, Any] = {"port": address.port} if address.port else {}
    options |= {"username": address.user} if address.user else {}
    options |= {"client_keys": [str(identity)]} if identity else {}
    try:
        plain = await asyncssh.SSHClientConnectionOptions.construct(host=address.host, **options)
        files = _known_hosts(plain.known_hosts)
        connection = await asyncssh.connect(
            address.host,
            **options,
            client_factory=make,
            known_hosts=[str(file) for file in files if file.is_file()] or b"",
            connect_timeout=CONNECT_S,
            login_timeout=CONNECT_S,
            keepalive_interval=KEEPALIVE_S,
            keepalive_count_max=KEEPALIVES,
        )
    except (OSError, asyncssh.Error, ValueError) as error:
        refused = client[-1].refused if client else ""
        raise BoardError(refused or _reason(error, address, identity)) from error
    async with connection:
        yield Connection(connection, address)


def _known_hosts(configured: Any) -> list[Path]:
    files = [str(each) for each in configured] if isinstance(configured, list) else []
    return [Path(each).expanduser() for each in files] or [Path("~/.ssh/known_hosts").expanduser()]


def _reason(error: Exception, address: Address, identity: Path | str | None) -> str:
    if isinstance(error, asyncssh.PermissionDenied):
        port = f"-p {address.port} " if address.port else ""
        name = f"{port}{address.user or 'USER'}@{address.host}"
        return f"no key of yours lets you in: put one there with  ssh-copy-id {name}  or name one with --identity FILE"
    if isinstance(error, asyncssh.KeyEncryptionError | asyncssh.KeyImportError):
        return f"{identity}: cannot be used ({first_line(error)}); add it to your agent with  ssh-add {identity}"
    if isinstance(error, FileNotFoundError) and identity and error.filename == str(identity):
        return f"{identity}: there is no such key; make one with  ssh-keygen -t ed25519"
    if isinstance(error, asyncssh.ConfigParseError):
        return f"~/.ssh/config cannot be read: {printable(first_line(error))}"
    if isinstance(error, TimeoutError) or "timed out" in str(error).lower():
        why = f"no answer within {CONNECT_S} s"
    else:
        number = error.errno if isinstance(error, OSError) else None
        why = os.strerror(number) if number and number > 0 else printable(first_line(error))
    return f"cannot be reached ({why}): is it on, in this network, and does  {address.command}  work?"


class _Client(asyncssh.SSHClient):
    """Judges the key of a host that is in no file of known hosts."""

    def __init__(self, address: Address, files: list[Path], accept_new: bool) -> None:
        self._address, self._files, self._accept_new = address, files, accept_new
        self.refused = ""

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        there = [str(file) for file in self._files if file.is_file()]
        known = asyncssh.match_known_hosts(there or b"", host, addr, port)[0]
        finger = key.get_fingerprint()
        name = host if port == asyncssh.DEFAULT_PORT else f"[{host}]:{port}"
        if known:
            self.refused = (
                f"its host key has changed to {finger}: another machine may pose as it. If it was set up anew, "
                f"forget the old key with  ssh-keygen -R '{name}'"
            )
            return False
        if not self._accept_new:
            self.refused = (
                f"its host key {finger} is not known: compare and accept it once with  {self._address.command}  "
                "or trust it with --accept-new-host-keys"
            )
            return False
        file = self._files[0]
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            unfinished = file.is_file() and not file.read_bytes().endswith(b"\n") and file.stat().st_size
            with file.open("ab") as known_hosts:
                known_hosts.write(b"\n" * bool(unfinished))
                known_hosts.write(f"{name} ".encode() + key.export_public_key().split(b"\n")[0].strip() + b"\n")
        except OSError as error:
            self.refused = f"{file}: cannot be written ({error.strerror}), so its host key cannot be noted down"
            return False
        return True
