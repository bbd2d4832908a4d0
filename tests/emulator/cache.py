"""The guest's image, built once and kept outside of the tree.

`python -m tests.emulator.cache` builds it, or says where it is.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.emulator.guest.image import PATH, write_image

GUEST = Path(__file__).parent / "guest"
VARIABLE = "EDGESEG_TEST_CACHE"
PACKAGES = {
    "mmdebstrap": "mmdebstrap",
    "arch-test": "arch-test",
    "qemu-aarch64-static": "qemu-user-static",
    "mcopy": "mtools",
    "mkfs.vfat": "dosfstools",
    "mke2fs": "e2fsprogs",
    "sfdisk": "fdisk",
    "zstd": "zstd",
}
"""Debian's packages, by a program that each brings."""


def cached_image() -> Path:
    """`debian-trixie-arm64.img.zst`, of about 150 MB; raises OSError, with a reason, where it cannot be built.

    The first call takes some ten minutes, another process that wants it meanwhile waits.
    """
    folder = _cache() / f"guest-{_digest()}"
    image = folder / "debian-trixie-arm64.img.zst"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not image.is_file():
            _require()
            _build(image)
    return image


def _cache() -> Path:
    return Path(os.environ.get(VARIABLE) or Path.home() / ".cache/edgeseg-tests")


def _digest() -> str:
    """Of all that the image is made by."""
    digest = hashlib.sha256()
    for path in sorted(path for path in GUEST.iterdir() if path.is_file()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _require() -> None:
    missing = sorted({package for program, package in PACKAGES.items() if not shutil.which(program, path=PATH)})
    if missing:
        raise OSError(f"the guest cannot be built: apt install {' '.join(missing)}")
    if sys.platform != "linux" or os.geteuid():
        raise OSError("the guest can be built by root only, on Linux")
    done = subprocess.run(
        [sys.executable, str(GUEST / "foreign.py"), "true"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise OSError(f"the guest cannot be built here: {done.stderr.strip().splitlines()[-1]}")


def _build(image: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="edgeseg-guest-", dir=image.parent) as name:
        work = Path(name)
        work.chmod(0o755)  # the guest's own users go through it
        log = image.with_name("build.log")
        with log.open("w") as out:
            command = ["nice", sys.executable, str(GUEST / "foreign.py"), str(GUEST / "rootfs.sh"), str(work / "root")]
            if subprocess.run(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, check=False).returncode:
                raise OSError(f"the guest could not be built; see {log}")
        write_image(work / "root", work / "card.img", work)
        packed = work / "card.img.zst"
        subprocess.run(["zstd", "-q", "-3", "-T0", str(work / "card.img"), "-o", str(packed)], check=True)
        packed.replace(image)


if __name__ == "__main__":
    sys.stdout.write(f"{cached_image()}\n")
