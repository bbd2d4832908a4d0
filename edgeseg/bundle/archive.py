"""A bundle that is there: opened, proven whole, written out."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from edgeseg.bundle.manifest import COMPILED, MANIFEST, MODEL, SIGNATURE, Manifest
from edgeseg.bundle.members import ArchiveMembers, FolderMembers, Members
from edgeseg.errors import ModelError, OutputError
from edgeseg.files import sync_folder

SUFFIX = ".edgeseg"
RELEASE_LENGTH = 16
"""Hex digits of the manifest's sha256, which covers all else."""
MAX_MANIFEST_BYTES = 1 << 20
CACHE_VARIABLE = "XDG_CACHE_HOME"


@dataclass(frozen=True)
class Bundle:
    """A `.edgeseg` file, or the folder that one was written out to."""

    path: Path
    manifest: Manifest
    manifest_bytes: bytes
    """As they are signed."""
    signature: bytes | None
    members: Members

    @classmethod
    def open(cls, path: Path) -> Bundle:
        """Read what it says of itself; `read`, `verify` and `extract` look at the rest.

        Raises ModelError for what is no bundle, one made for a newer edgeseg, and one whose
        files are not those that it lists.
        """
        members = FolderMembers(path) if path.is_dir() else ArchiveMembers(path)
        sizes = members.sizes()
        if MANIFEST not in sizes:
            raise ModelError(f"{path}: is no bundle, for it has no {MANIFEST}; make one with  edgeseg bundle")
        if max(sizes[MANIFEST], sizes.get(SIGNATURE, 0)) > MAX_MANIFEST_BYTES:
            raise ModelError(f"{path}: its {MANIFEST} is absurdly large; get the bundle again")
        data = members.read(MANIFEST)
        try:
            manifest = Manifest.from_bytes(data)
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from error
        _same_files(path, manifest, sizes, strict=not path.is_dir())
        return cls(path, manifest, data, members.read(SIGNATURE) if SIGNATURE in sizes else None, members)

    @property
    def release(self) -> str:
        """Names this bundle and no other: hex."""
        return hashlib.sha256(self.manifest_bytes).hexdigest()[:RELEASE_LENGTH]

    @property
    def size(self) -> int:
        """Bytes of all members but the manifest."""
        return sum(each.size for each in self.manifest.members.values())

    def read(self, name: str) -> bytes:
        """A member; raises ModelError where its bytes are not those that the manifest vouches for."""
        data = self.members.read(name)
        if hashlib.sha256(data).hexdigest() != self.manifest.members[name].sha256:
            raise ModelError(f"{self.path}: {name} is damaged or was changed; get the bundle again")
        return data

    def verify(self) -> None:
        """Read every member; raises ModelError for the first that is damaged."""
        for name in sorted(self.manifest.members):
            self.read(name)

    def require_signature(self, public: Path) -> str:
        """Gives the id of the key in the PEM file `public` where the bundle is signed with it; else ModelError."""
        from edgeseg.bundle.sign import check  # here, since few bundles are signed

        if self.signature is None:
            raise ModelError(f"{self.path}: is not signed; sign it with  edgeseg bundle MODEL --sign KEY.pem")
        try:
            return check(self.manifest_bytes, self.signature, public)
        except ModelError as error:
            raise ModelError(f"{self.path}: {error}") from error

    def extract(self, folder: Path) -> None:
        """Write all of it out as `folder`, which appears whole or not at all, also where power is lost.

        Each member is proven first. Raises OutputError where the folder is there already or
        the disk does not take it.
        """
        import tempfile

        files = {MANIFEST: self.manifest_bytes} | ({SIGNATURE: self.signature} if self.signature else {})
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
            try:
                for name in [*files, *sorted(self.manifest.members)]:
                    _write(temporary / name, files[name] if name in files else self.read(name))
                for inside in [temporary, *(path for path in temporary.rglob("*") if path.is_dir())]:
                    inside.chmod(0o755)
                    sync_folder(inside)
                temporary.rename(folder)  # refuses a folder that holds anything
                sync_folder(folder.parent)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        except OSError as error:
            if isinstance(error, OutputError):
                raise
            taken = folder.exists()
            cure = "is there already; choose another name" if taken else f"cannot be written ({error.strerror})"
            raise OutputError(f"{folder}: {cure}") from error

    def model_path(self, compiled: bool = False, cache: Path | None = None) -> Path:
        """The model as a file: of an archive, in a folder of `cache` that is written once for each release.

        `compiled` asks for the Edge TPU's. Any number of processes may ask at a time, and a folder
        of the cache that was damaged since is written anew. Raises ModelError where the bundle
        has none, or is damaged itself.
        """
        name = COMPILED if compiled else MODEL
        if name not in self.manifest.members:
            raise ModelError(f"{self.path}: has no model for the Edge TPU; make it with  edgeseg bundle --edgetpu")
        if self.path.is_dir():
            self.read(name)
            return self.path / name
        folder = (cache or _cache()) / self.release
        if folder.is_dir():
            try:
                return Bundle.open(folder).model_path(compiled)
            except ModelError:
                shutil.rmtree(folder, ignore_errors=True)
        try:
            self.extract(folder)
        except OutputError:
            if not folder.is_dir():
                raise  # else another process was faster
        return Bundle.open(folder).model_path(compiled)


def _cache() -> Path:
    return Path(os.environ.get(CACHE_VARIABLE) or Path.home() / ".cache") / "edgeseg" / "bundles"


def _same_files(path: Path, manifest: Manifest, sizes: dict[str, int], strict: bool) -> None:
    listed = {name: each.size for name, each in manifest.members.items()}
    found = {name: size for name, size in sizes.items() if name not in (MANIFEST, SIGNATURE)}
    missing, many = sorted(set(listed) - set(found)), sorted(set(found) - set(listed))
    if missing:
        raise ModelError(f"{path}: lacks {missing[0]}; get the bundle again")
    if many and strict:
        raise ModelError(f"{path}: holds {ascii(many[0])[1:80]}, which it does not list; get the bundle again")
    other = [name for name, size in listed.items() if found[name] != size]
    if other:
        raise ModelError(f"{path}: {other[0]} has another size than listed; get the bundle again")


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
