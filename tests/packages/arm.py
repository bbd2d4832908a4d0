"""A Python of Debian for 64-bit ARM, run on this machine by qemu-user."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
QEMU = "qemu-aarch64-static"
# LiteRT asks /proc/cpuinfo what the processor can do, and crashes at the answer of another kind of machine.
CPUINFO = """processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

"""


def command(suite: str, python: str) -> list[str]:
    """How that suite's Python is started, as the Cortex-A72 of a Raspberry Pi 4; skips the test where it cannot be."""
    needed = (QEMU, "apt-get", "dpkg")
    missing = [program for program in needed if shutil.which(program) is None]
    if missing or not KEYRING.is_file():
        pytest.skip("needs Debian, and of it qemu-user-static")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgeseg-tests"
    root = cache / f"arm64-{suite}"
    if not root.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as work:
            _fetch(Path(work), suite, python)
            (Path(work) / "root").rename(root)
    return [QEMU, "-cpu", "cortex-a72", "-L", str(root), str(root / "usr" / "bin" / f"python{python}")]


def _fetch(work: Path, suite: str, python: str) -> None:
    """Debian's packages into `work`/root; apt keeps its own state as it is."""
    for name in ("lists/partial", "archives/partial", "root/usr/lib", "root/usr/bin", "root/proc"):
        (work / name).mkdir(parents=True)
    for name in ("lib", "bin"):
        (work / "root" / name).symlink_to(f"usr/{name}")
    (work / "root" / "proc" / "cpuinfo").write_text(CPUINFO)
    (work / "status").write_text("")
    source = f"deb [arch=arm64 signed-by={KEYRING}] http://deb.debian.org/debian {suite} main\n"
    (work / "sources.list").write_text(source)
    settings = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Sandbox::User": "",
        "Acquire::Languages": "none",
        "Dir::Cache": work,
        "Dir::Cache::archives": work / "archives",
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::State::lists": work / "lists",
        "Dir::State::status": work / "status",
    }
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in settings.items())]
    packages = [f"python{python}-minimal", f"libpython{python}-stdlib", "libstdc++6"]
    for step in (["update"], ["install", "--yes", "--download-only", "--no-install-recommends", *packages]):
        done = subprocess.run([*apt, *step], capture_output=True, text=True, timeout=300)
        if done.returncode:
            pytest.skip(f"Debian's packages for ARM cannot be had: {done.stderr.strip()[-200:]}")
    for package in sorted((work / "archives").glob("*.deb")):
        subprocess.run(["dpkg", "-x", package, work / "root"], check=True)
