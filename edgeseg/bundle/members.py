"""The two shapes of a bundle, an archive and the folder that it was written out to, read with distrust."""

from __future__ import annotations

import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from edgeseg.bundle.manifest import MAX_BYTES
from edgeseg.errors import ModelError

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

EPOCH = (1980, 1, 1, 0, 0, 0)
"""A fixed time for zip members, so that the same files give the same bytes."""
REGULAR = stat.S_IFREG | 0o644
UNIX = 3


class Members(Protocol):
    """Files by name."""

    def sizes(self) -> dict[str, int]:
        """Bytes of each file there is; raises ModelError for what no bundle holds."""

    def read(self, name: str) -> bytes:
        """Raises ModelError where it is not there or cannot be read."""


class ArchiveMembers:
    """Of a zip whose members are stored as they are: nothing in it can unpack to more than the file's size."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def sizes(self) -> dict[str, int]:
        """See `Members`; refuses names given twice, links, folders and packed or encrypted members."""
        members: list[ZipInfo] = []
        with _refusing(self._path), self._open() as archive:
            members = archive.infolist()
        for each in members:
            self._check(each)
        sizes = {each.filename: each.file_size for each in members}
        if len(sizes) < len(members):
            raise ModelError(f"{self._path}: holds a name twice, and is not to be trusted; get the bundle again")
        if sum(sizes.values()) > min(MAX_BYTES, self._path.stat().st_size):
            raise ModelError(f"{self._path}: claims more bytes than it may hold; get the bundle again")
        return sizes

    def read(self, name: str) -> bytes:
        """See `Members`."""
        with _refusing(self._path), self._open() as archive:
            self._check(archive.getinfo(name))
            return archive.read(name)

    def _open(self) -> ZipFile:
        import zipfile  # here, since a loop that runs a model's file does without

        return zipfile.ZipFile(self._path)

    def _check(self, member: ZipInfo) -> None:
        kind = stat.S_IFMT(member.external_attr >> 16)
        plain = kind in (0, stat.S_IFREG) and not member.is_dir() and not member.flag_bits & 1
        if not plain or member.compress_type or member.compress_size != member.file_size:
            name = ascii(member.filename)[1:80]
            raise ModelError(f"{self._path}: '{name}' is no plain stored file; make it with  edgeseg bundle")


class FolderMembers:
    """Of a folder; what else lies there does not count."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def sizes(self) -> dict[str, int]:
        """See `Members`."""
        files = [path for path in self._path.rglob("*") if path.is_file() and not path.is_symlink()]
        return {path.relative_to(self._path).as_posix(): path.stat().st_size for path in files}

    def read(self, name: str) -> bytes:
        """See `Members`."""
        with _refusing(self._path):
            return (self._path / name).read_bytes()


def write_archive(path: Path, files: dict[str, bytes]) -> None:
    """A zip with fixed times and order: the same files give the same bytes."""
    import zipfile

    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(files):
            member = zipfile.ZipInfo(name, EPOCH)
            member.create_system, member.external_attr = UNIX, REGULAR << 16
            archive.writestr(member, files[name])


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Turn whatever a reader makes of a damaged file into one line."""
    from zipfile import BadZipFile

    try:
        yield
    except ModelError:
        raise
    except KeyError as error:
        raise ModelError(f"{path}: lacks a member ({error.args[0]}); get the bundle again") from error
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error}); give a bundle") from error
    except (BadZipFile, ValueError, EOFError, NotImplementedError, RuntimeError, struct.error, OverflowError) as error:
        raise ModelError(f"{path}: is no bundle, or a damaged one ({error}); get it again") from error
