"""Runs on the board, sent through SSH: needs Python 3.11 and nothing else.

`python3 -I -c BOOT VERB ARGUMENTS`, this text first on standard input and data after it. One
JSON object goes to standard output, a problem as one line to standard error.
"""

import hashlib
import json
import os
import secrets
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

ROOT = Path(os.environ.get("EDGESEG_ROOT") or "/")
HOME = ROOT / "opt/edgeseg"
UPLOADS, KEYS = HOME / "uploads", HOME / "keys"
RELEASES, CURRENT = HOME / "releases", HOME / "current"
LOCK = ROOT / "run/edgeseg/lock"
BASE = ROOT / "etc/edgeseg/env"
ENV, NEW_ENV = "env", "env.new"
SECRETS = {"token": "EDGESEG_TOKEN", "mqtt_password": "EDGESEG_MQTT_PASSWORD"}
LOOPBACK = ("127.0.0.1", "localhost", "::1")
PAGE = "http://0.0.0.0:8080"
CHUNK = 1 << 18
SILENCE_S = 60
"""An upload of which nothing comes for so long is over, though the connection may look whole from here."""


class ProblemError(Exception):
    """Said in one line."""


def look(release: str, bundle: str, *names: str) -> dict[str, Any]:
    """How much of each upload is here, and the bundle's place if it is whole: uploaded or installed."""
    UPLOADS.mkdir(mode=0o755, parents=True, exist_ok=True)
    installed = RELEASES / release / "bundle.edgeseg"
    place = installed if installed.is_file() and digest(installed) == bundle else None
    sizes = {}
    for name in names:
        whole, part = UPLOADS / name, UPLOADS / f"{name}.part"
        sizes[name] = -1 if whole.is_file() else part.stat().st_size if part.is_file() else 0
    return {"bundle": str(place) if place else None, "uploads": str(UPLOADS), "there": sizes}


def outs() -> dict[str, Any]:
    """The kinds of output in the options of what runs; more of them is nobody's business."""
    options = shlex.split(effective().get("EDGESEG_LIVE", ""))
    return {"schemes": [urlsplit(out).scheme for out in outputs(options)]}


def take(name: str, offset: str, size: str, sha256: str) -> dict[str, Any]:
    """Append standard input to NAME.part; whole and proven, it becomes NAME."""
    part = UPLOADS / f"{name}.part"
    with part.open("ab") as file:
        alone(file)
        file.truncate(min(int(offset), part.stat().st_size))
        while chunk := received():
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
        if part.stat().st_size < int(size):
            raise ProblemError("the upload was cut off; run the same command again, it goes on from there")
        if digest(part) != sha256:
            part.unlink()
            raise ProblemError("the upload arrived damaged and was removed; run the same command again")
        part.rename(UPLOADS / name)
    sync(UPLOADS)
    return {"path": str(UPLOADS / name)}


def received() -> bytes:
    """What came on standard input; empty at its end."""

    def over(*_: object) -> None:
        raise ProblemError(f"nothing of the upload came for {SILENCE_S} s; run the same command again")

    signal.signal(signal.SIGALRM, over)  # select would not know of what is read and not yet taken
    signal.alarm(SILENCE_S)
    try:
        data: bytes = sys.stdin.buffer.read1(CHUNK)  # type: ignore[union-attr]
        return data
    finally:
        signal.alarm(0)


def unpack(archive: str, packages: str) -> dict[str, Any]:
    """Unpack as the card's first_boot.py does, whose text is on standard input; the packages appear whole or not."""
    source: dict[str, Any] = {"__name__": "first_boot"}
    exec(compile(sys.stdin.buffer.read(), "first_boot.py", "exec"), source)  # noqa: S102
    path, final = UPLOADS / archive, HOME / "packages" / packages
    with path.open("rb") as file:
        alone(file)
        for left in UPLOADS.glob(f"{source['TEMPORARY']}*"):  # power was lost
            shutil.rmtree(left, ignore_errors=True)
        final.parent.mkdir(parents=True, exist_ok=True)
        if not final.is_dir():
            temporary = Path(tempfile.mkdtemp(prefix=source["TEMPORARY"], dir=UPLOADS))
            try:
                source["unpack"](source["Hashed"](file), temporary)
                temporary.chmod(0o755)
                os.sync()  # once for thousands of files
                temporary.rename(final)
                sync(final.parent)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        path.unlink()
    return {}


def board(packages: str, *arguments: str) -> dict[str, Any]:
    """Become `python3 -m edgeseg.board`, out of those packages."""
    folder = CURRENT / "packages" if packages == "current" else HOME / "packages" / packages
    os.environ["PYTHONPATH"] = str(folder)
    os.execv(sys.executable, [sys.executable, "-P", "-m", "edgeseg.board", *arguments])  # noqa: S606


def done(*names: str) -> dict[str, Any]:
    """Remove uploads that are installed, and parts of others that nobody will go on with."""
    for name in names:
        (UPLOADS / name).unlink(missing_ok=True)
    return {}


def trust(name: str) -> dict[str, Any]:
    """Keep the public key on standard input as the board's first; refuse where it has others."""
    pem = sys.stdin.buffer.read()
    there = sorted(KEYS.glob("*.pub.pem"))
    if any(path.read_bytes() == pem for path in there):
        return {"added": False}
    if there:
        name = there[0].name
        raise ProblemError(f"it trusts the key {name} already, so --key adds none; remove that in {KEYS} first")
    write(KEYS / name, pem, 0o644)
    return {"added": True}


def settings(release: str) -> dict[str, Any]:
    """What standard input asks for, and else what the release that runs has, becomes the options of `release`.

    They stand in its folder as env.new, with which the next switch tries it and which that
    makes its own. /etc/edgeseg/env stays as it is.
    """
    wanted = json.load(sys.stdin.buffer)
    LOCK.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with os.fdopen(os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o600), "rb") as lock:
        alone(lock)
        for left in RELEASES.glob(f"*/{NEW_ENV}"):  # of a deploy that was cut off
            left.unlink()
        found = effective()
        new, made, public = merged(found, wanted)
        changed = {key: value for key, value in new.items() if found.get(key) != value}
        kept = [line for line in lines(CURRENT / ENV) if line.partition("=")[0].strip() not in changed]
        text = [*kept, *(quoted(*each) for each in sorted(changed.items()))]
        if text != lines(RELEASES / release / ENV):
            write(RELEASES / release / NEW_ENV, "".join(f"{line}\n" for line in text).encode(), 0o600)
    return {"changed": bool(changed), "token_made": made, "public": public}


def merged(found: dict[str, str], wanted: dict[str, Any]) -> tuple[dict[str, str], bool, bool]:
    """What there shall be, whether a token was made for it, and whether others may see the page."""
    own = shlex.split(found.get("EDGESEG_LIVE", ""))
    options = own if wanted["live"] is None else wanted["live"]
    if wanted["page"] and not any(urlsplit(out).scheme == "http" for out in outputs(options)):
        others = [] if outputs(options) else [each for out in outputs(wanted["bundle"]) for each in ("--out", out)]
        options = [*options, *others, "--out", PAGE]
    new = {"EDGESEG_LIVE": shlex.join(options)} if options != own else {}
    new |= {name: wanted[key] for key, name in SECRETS.items() if wanted[key]}
    outs = outputs(options) or outputs(wanted["bundle"])
    public = any(urlsplit(out).scheme == "http" and urlsplit(out).hostname not in LOOPBACK for out in outs)
    made = public and not (new.get("EDGESEG_TOKEN") or found.get("EDGESEG_TOKEN"))
    if made:
        new["EDGESEG_TOKEN"] = secrets.token_urlsafe(18)
    return new, made, public


def effective() -> dict[str, str]:
    """The options and secrets with which the service runs, by name."""
    found = [*lines(BASE), *lines(CURRENT / ENV)]
    return dict(parsed(line) for line in found if "=" in line and not line.lstrip().startswith(("#", ";")))


def lines(path: Path) -> list[str]:
    """None where there is no such file."""
    return path.read_text().splitlines() if path.is_file() else []


def alone(file: IO[bytes]) -> None:
    """Keep others off it until it is closed."""
    import fcntl  # here, since the host reads this file too, and may have none

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise ProblemError("another deploy to this board is under way; wait for it, and try again") from error


def outputs(options: Sequence[str]) -> list[str]:
    """The values of --out."""
    following = zip(options, [*options[1:], ""])  # noqa: B905
    return [after if each == "--out" else each[6:] for each, after in following if each.split("=")[0] == "--out"]


def parsed(line: str) -> tuple[str, str]:
    """A line of a systemd EnvironmentFile as (name, value)."""
    name, _, value = line.partition("=")
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] == '"':
        inner = iter(value[1:-1])
        value = "".join(next(inner, "") if char == "\\" else char for char in inner)
    elif len(value) > 1 and value[0] == value[-1] == "'":
        value = value[1:-1]
    return name.strip(), value


def quoted(name: str, value: str) -> str:
    """The other way round."""
    return f'{name}="' + "".join(f"\\{char}" if char in '\\"' else char for char in value) + '"'


def digest(path: Path) -> str:
    """Its sha256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write(path: Path, data: bytes, mode: int) -> None:
    """Whole or not at all, also where power is lost; never readable by more than `mode` allows."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)
    sync(path.parent)


def sync(folder: Path) -> None:
    """Make its names last."""
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


VERBS = (look, outs, take, unpack, board, done, trust, settings)


def main() -> int:
    """Exit code: 0, or 1 after a problem."""
    os.umask(0o022)  # a stricter one of root's would hide what the service reads
    verbs = {verb.__name__: verb for verb in VERBS}
    try:
        print(json.dumps(verbs[sys.argv[1]](*sys.argv[2:])))  # noqa: T201
    except ProblemError as problem:
        print(problem, file=sys.stderr)  # noqa: T201
        return 1
    except ValueError as error:
        files = f"{BASE} or {CURRENT / ENV}"
        print(f"{files}: cannot be read ({error}); mend it on the board, or remove it", file=sys.stderr)  # noqa: T201
        return 1
    except OSError as error:
        print(f"{error.filename or 'the disk'}: {error.strerror or error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
