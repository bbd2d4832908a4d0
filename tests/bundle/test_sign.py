import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeseg.bundle.archive import Bundle
from edgeseg.bundle.sign import key_id, make_keys, sign
from edgeseg.errors import MissingExtraError, ModelError, OutputError, UsageError

pytest.importorskip("cryptography", reason="needs  pip install 'edgeseg[sign]'")
Write = Callable[[dict[str, bytes]], Path]
Files = dict[str, bytes]


@pytest.fixture
def keys(tmp_path: Path) -> tuple[Path, Path, str]:
    return make_keys(tmp_path / "ours")


def signed(files: Files, secret: Path) -> Files:
    return files | {"manifest.sig": sign(files["manifest.json"], secret)}


def test_a_signed_bundle_is_known_by_its_key(write: Write, files: Files, keys: tuple[Path, Path, str]) -> None:
    secret, public, key = keys
    bundle = Bundle.open(write(signed(files, secret)))
    assert bundle.require_signature(public) == key == key_id(bundle.signature or b"")


def test_the_signature_goes_with_the_extracted_bundle(
    write: Write, files: Files, keys: tuple[Path, Path, str], tmp_path: Path
) -> None:
    Bundle.open(write(signed(files, keys[0]))).extract(tmp_path / "one")
    assert Bundle.open(tmp_path / "one").require_signature(keys[1]) == keys[2]


def test_a_changed_manifest_another_key_and_no_signature_are_told_apart(
    write: Write, files: Files, keys: tuple[Path, Path, str], tmp_path: Path
) -> None:
    secret, public, _ = keys
    changed = signed(files, secret)
    changed["manifest.json"] = changed["manifest.json"].replace(b'"parts"', b'"party"')
    with pytest.raises(ModelError, match="it was changed"):
        Bundle.open(write(changed)).require_signature(public)
    other, _, name = make_keys(tmp_path / "theirs")
    with pytest.raises(ModelError, match=f"key {name} signed it"):
        Bundle.open(write(signed(files, other))).require_signature(public)
    with pytest.raises(ModelError, match="is not signed"):
        Bundle.open(write(files)).require_signature(public)


DEEP = pytest.param(b"[" * 100_000, id="deep")


@pytest.mark.parametrize("signature", [b"", b"{}", b"[]", b'{"signature": 3}', b'{"signature": "!!"}', b"\xff", DEEP])
def test_a_damaged_signature_is_refused(
    write: Write, files: Files, keys: tuple[Path, Path, str], signature: bytes
) -> None:
    bundle = Bundle.open(write(files | {"manifest.sig": signature}))
    with pytest.raises(ModelError, match="signature"):
        bundle.require_signature(keys[1])
    assert key_id(signature) == "?"


def test_the_private_key_is_its_owners_and_neither_is_overwritten(keys: tuple[Path, Path, str], tmp_path: Path) -> None:
    secret, public, _ = keys
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert b"PRIVATE" not in public.read_bytes()
    before = secret.read_bytes()
    with pytest.raises(OutputError, match="never overwritten"):
        make_keys(tmp_path / "ours")
    secret.unlink()
    with pytest.raises(OutputError, match="never overwritten"):
        make_keys(tmp_path / "ours")
    assert not secret.exists()
    secret.write_bytes(before)


def test_a_file_that_is_no_such_key_is_refused(
    write: Write, files: Files, keys: tuple[Path, Path, str], tmp_path: Path
) -> None:
    secret, public, _ = keys
    bundle = Bundle.open(write(signed(files, secret)))
    (tmp_path / "text.pem").write_text("not a key")
    for path in (tmp_path / "text.pem", secret, tmp_path / "none.pem"):
        with pytest.raises(UsageError, match=path.name):
            bundle.require_signature(path)
    for path in (tmp_path / "text.pem", public, tmp_path / "none.pem"):
        with pytest.raises(UsageError, match=path.name):
            sign(b"", path)


def test_without_the_library_an_unsigned_bundle_opens_and_a_check_names_the_extra(
    write: Write, files: Files, keys: tuple[Path, Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(signed(files, keys[0]))
    monkeypatch.setitem(sys.modules, "cryptography.exceptions", None)
    Bundle.open(path).verify()
    with pytest.raises(MissingExtraError, match=r"edgeseg\[sign\]"):
        Bundle.open(path).require_signature(keys[1])
