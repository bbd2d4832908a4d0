"""Lies on the card's boot partition and runs at the first start, without a network: installs what lies beside it.

Python 3.11 and its library are all it needs. Whenever power is lost, the next start runs it
again, and it completes; once done it does nothing more. What came of it is in
`first-boot.json` beside it, which any computer can read from the card.

`FirstBoot` is the order of it all, `Installation` brings edgeseg onto the board, `Secrets` are
what the card must not keep, and `Report` is what stands in `first-boot.json`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zlib
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

FORMAT = 1
BLOCK = 1 << 20
BOARD_LIMIT_S = 3600
"""An emulator is slow, and so is a worn card."""
CLOUD_LIMIT_S = 900
POLL_S = 1
ID = re.compile(r"[0-9a-f]{16}")
TEMPORARY = "packages-"
GONE = ".edgeseg-gone"
"""Ends the name of what is being wiped: half of it is never taken for the whole."""
ENV, KEYS, BUNDLE, PACKAGES, CARD, REPORT = (
    *("env", "keys", "bundle.edgeseg", "packages.tar.gz", "card.json", "first-boot.json"),
)
WIFI = re.compile(r"password|psk|wifis?:", re.IGNORECASE)
PASSWORD = re.compile(rb"^( *(?:- )?(?:hashed_passwd|passwd|plain_text_passwd|password): )(\S.*)$", re.MULTILINE)
PROBLEMS = (OSError, ValueError, KeyError, tarfile.TarError, zlib.error, EOFError)
"""Of a card that is damaged or full."""


class FirstBootError(Exception):
    """A line for who set up the card: what is wrong and what to do."""


class FirstBoot:
    """One run: edgeseg is installed, and then the card forgets its secrets, also where that failed."""

    def __init__(self, boot: Path, root: Path) -> None:
        home = root / "opt/edgeseg"
        self.done, self.installed = home / "first-boot-done", home / "first-boot-installed"
        self.report = Report(boot / "edgeseg" / REPORT, root)
        self.secrets = Secrets(boot, root)
        self.installation = Installation(boot / "edgeseg", root, self.report)

    def run(self) -> int:
        """Gives the exit code."""
        if self.done.exists():
            return 0
        os.umask(0o022)  # whoever starts it may have another
        fine = self._install()
        if fine:
            self.report.tell(stage="forget")
        left = self.secrets.forget()
        if fine:
            self.report.tell(state="running", stage="forget" if left else "done", message=left)
            if not left:
                write(self.done, self.report.text())
        return 0 if fine else 1

    def _install(self) -> bool:
        """Whether edgeseg runs; what was installed at an earlier start is left alone."""
        if self.installed.exists():
            self.report.told |= json.loads(self.installed.read_text())
            return True
        card = self.installation
        stages = (card.read_card, self.secrets.take_secrets, card.take_keys, card.unpack, card.start)
        try:
            for stage in stages:
                self.report.tell(stage=stage.__name__)
                stage()
        except (FirstBootError, *PROBLEMS) as error:
            message = str(error) if isinstance(error, FirstBootError) else f"{type(error).__name__}: {error}"
            self.report.tell(state="failed", message=message)
            say(f"first boot failed in {self.report.told['stage']}: {message}")
            return False
        except BaseException as error:
            self.report.tell(state="failed", message=f"ended by {type(error).__name__}")
            raise
        write(self.installed, self.report.text())
        return True


class Report:
    """What came of it, for who reads the card."""

    def __init__(self, path: Path, root: Path) -> None:
        self._path, self._started = path, time.monotonic()
        model = ""
        with suppress(OSError):
            model = (root / "proc/device-tree/model").read_text(errors="replace").strip("\0 \n")
        self.told: dict[str, Any] = {"format": FORMAT, "state": "begun", "stage": "begin", "message": ""}
        self.told |= {"python": ".".join(map(str, sys.version_info[:3])), "model": model}

    def text(self) -> str:
        """As JSON."""
        return json.dumps(self.told, indent=1) + "\n"

    def tell(self, **told: Any) -> None:
        """Write it; a boot partition that cannot be written stops nothing."""
        times = {
            "seconds": round(time.monotonic() - self._started, 1),
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        self.told |= told | times
        try:
            write(self._path, self.text())
        except OSError as error:
            say(f"{REPORT} cannot be written ({error.strerror})")


class Secrets:
    """The page's token, and what the system itself took from the card: Wi-Fi and passwords."""

    def __init__(self, boot: Path, root: Path) -> None:
        self.boot, self.card = boot, boot / "edgeseg"
        self.env = root / "etc/edgeseg/env"
        self.cloud = root / "var/lib/cloud/instance"
        """Is there once cloud-init has begun with the card."""

    def take_secrets(self) -> None:
        """The token moves to where only root reads."""
        for path in (*self.card.glob(f"*{GONE}"), *self.boot.glob(f"*{GONE}")):
            wipe(path)  # power was lost
        given = self.card / ENV
        if given.exists():
            write(self.env, given.read_text(), 0o600)
            os.sync()
            wipe(given)

    def forget(self) -> str:
        """Wipe what is the system's own, once the system has it for good; gives why that was not done, or ''.

        cloud-init does not sync what it writes, and may have to read its files once more where power is lost.
        """
        try:
            files, locked = self._files(), self._locked()
            if not files and locked is None:
                return ""
            if not self._taken_over():
                return "cloud-init does not end; the next start removes Wi-Fi and passwords from the card"
            os.sync()
            for path in files:
                wipe(path)
            if locked is not None:
                overwrite(self.boot / "user-data", locked)
        except OSError as error:
            return f"Wi-Fi and passwords cannot be removed from the card ({error.strerror}); the next start tries again"
        return ""

    def _taken_over(self) -> bool:
        """Waits for cloud-init's end, where it is at work."""
        until = time.monotonic() + CLOUD_LIMIT_S
        while self.cloud.is_dir() and not (self.cloud / "boot-finished").exists():
            if time.monotonic() >= until:
                return False
            time.sleep(POLL_S)
        return True

    def _files(self) -> list[Path]:
        """Those that are nothing but such secrets."""
        found = []
        with suppress(OSError):
            network = self.boot / "network-config"
            if WIFI.search(network.read_text(errors="replace")):
                found.append(network)
        line = ""
        with suppress(OSError):
            line = (self.boot / "cmdline.txt").read_text(errors="replace")
        scripts = (self.boot / "firstrun.sh", self.boot / "custom.toml")
        # One that cmdline.txt names has not run yet, and removes itself.
        return found + [path for path in scripts if path.exists() and path.name not in line]

    def _locked(self) -> bytes | None:
        """cloud-init's user-data without passwords; None where it has none.

        It is as long as before, so that it can be written over the old: no copy is left, and a line that loses power
        in its midst is still YAML. No hash is like an x.
        """
        with suppress(FileNotFoundError):
            data = (self.boot / "user-data").read_bytes()
            locked = PASSWORD.sub(lambda found: found[1] + b"x ".ljust(len(found[2]), b"#")[: len(found[2])], data)
            return None if locked == data else locked
        return None


class Installation:
    """What lies on the card; each method is a stage that may be repeated."""

    def __init__(self, card: Path, root: Path, report: Report) -> None:
        self.card, self.home, self.report = card, root / "opt/edgeseg", report
        self.applied: dict[str, Any] = {}

    def read_card(self) -> None:
        """What the card's writer says of it, and whether it is all there."""
        try:
            self.applied = json.loads((self.card / CARD).read_text())
        except (OSError, ValueError) as error:
            raise FirstBootError(f"{CARD} cannot be read ({error}); write the card again") from error
        if self.applied["format"] > FORMAT:
            raise FirstBootError("the card was made by a newer edgeseg; write it again with one edgeseg")
        if not ID.fullmatch(self.applied["packages"]):
            raise FirstBootError(f"{CARD} is damaged; write the card again")
        self.report.tell(packages=self.applied["packages"], edgeseg=self.applied["edgeseg"])
        have = f"{sys.version_info[0]}.{sys.version_info[1]}"
        if self.applied["python"] != have:
            wanted = self.applied["python"]
            raise FirstBootError(
                f"the card's packages are for Python {wanted}, and this system has {have}; write it again"
            )
        for name, digest in self.applied["sha256"].items():
            path = self.card / name
            if name not in (ENV, PACKAGES) and path.resolve().is_relative_to(self.card.resolve()):
                with path.open("rb") as file:  # the packages are checked while they are unpacked
                    if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                        raise FirstBootError(f"{name} is damaged on the card; write the card again")

    def take_keys(self) -> None:
        """From now on the board takes only bundles that one of them has signed."""
        for path in sorted((self.card / KEYS).glob("*.pub.pem")):
            write(self.home / KEYS / path.name, path.read_text())

    def unpack(self) -> None:
        """The packages, once; they have their name when all of them is on the disk."""
        final = self.home / "packages" / self.applied["packages"]
        uploads = self.home / "uploads"
        for left in uploads.glob(f"{TEMPORARY}*"):
            shutil.rmtree(left)
        if final.is_dir():
            return
        for folder in (uploads, final.parent):
            folder.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=uploads))
        try:
            with (self.card / PACKAGES).open("rb") as file:
                hashed = Hashed(file)
                unpack(hashed, temporary)
                digest = hashed.digest()
            if digest != self.applied["sha256"][PACKAGES]:
                raise FirstBootError(f"{PACKAGES} is damaged on the card; write the card again")
            temporary.chmod(0o755)
            os.sync()  # once for thousands of files
            temporary.rename(final)
            sync_folder(final.parent)
        except OSError as error:
            raise FirstBootError(f"the packages cannot be unpacked ({error.strerror}); use a larger card") from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def start(self) -> None:
        """The rest is edgeseg's own work: self-test, trial, service."""
        packages = self.applied["packages"]
        environment = os.environ | {"PYTHONPATH": str(self.home / "packages" / packages), "LC_ALL": "C.UTF-8"}
        command = [sys.executable, "-P", "-m", "edgeseg.board", "first-boot", str(self.card / BUNDLE)]
        try:
            done = subprocess.run(
                [*command, f"--packages={packages}"],
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=BOARD_LIMIT_S,
            )
        except subprocess.TimeoutExpired as error:
            raise FirstBootError(
                "the board did not get ready within an hour; see  sudo journalctl -u edgeseg"
            ) from error
        if done.returncode:
            lines = done.stderr.strip().splitlines()
            raise FirstBootError(
                lines[-1].removeprefix("edgeseg: ") if lines else f"it ended with code {done.returncode}"
            )
        told = json.loads(done.stdout)
        self.report.told["release"] = told["release"]


class Hashed:
    """A file that is read once, and its digest with it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._hash = file, hashlib.sha256()

    def read(self, size: int = BLOCK) -> bytes:
        """As a file's."""
        data = self._file.read(size)
        self._hash.update(data)
        return data

    def digest(self) -> str:
        """Of the whole file: what nobody wanted to read too."""
        while self.read():
            pass
        return self._hash.hexdigest()


def unpack(file: Hashed, folder: Path) -> None:
    """Plain files and folders within `folder`; raises FirstBootError for all else."""
    with tarfile.open(fileobj=file, mode="r|gz", bufsize=BLOCK) as archive:  # type: ignore[call-overload]
        for member in archive:
            parts = member.name.split("/")
            if member.name.startswith("/") or ".." in parts or not (member.isreg() or member.isdir()):
                raise FirstBootError(
                    f"{PACKAGES} holds '{ascii(member.name)[1:80]}', which is not safe; write the card again"
                )
            path = folder / member.name
            if member.isdir():
                path.mkdir(mode=0o755, parents=True, exist_ok=True)
                continue
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            given = archive.extractfile(member)
            if given is None:
                raise FirstBootError(f"{PACKAGES} is damaged; write the card again")
            with given, path.open("xb") as made:
                shutil.copyfileobj(given, made, BLOCK)
            path.chmod(0o755 if member.mode & 0o111 else 0o644)


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """A file that is whole under its name, also after the power went. FAT keeps no modes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.new")
    temporary.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        with path.open("rb") as file:  # on FAT a name leads to its new file only once that is written again
            os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def wipe(path: Path) -> None:
    """Overwrite and remove; a card may keep an old copy all the same, which only its own chip can read."""
    gone = path if path.name.endswith(GONE) else path.replace(path.with_name(path.name + GONE))
    sync_folder(gone.parent)
    overwrite(gone, b"\n" * gone.stat().st_size)
    gone.unlink()
    sync_folder(gone.parent)


def overwrite(path: Path, data: bytes) -> None:
    """In the same place on the disk: `data` is as long as what is there."""
    with path.open("r+b") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Have the disk know the names in it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def say(text: str) -> None:
    """For the journal."""
    print(f"edgeseg: {text}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parents[1]
    sys.exit(FirstBoot(where, Path(os.environ.get("EDGESEG_ROOT") or "/")).run())
