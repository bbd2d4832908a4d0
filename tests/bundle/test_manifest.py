import json
from pathlib import Path
from typing import Any

import pytest

from edgeseg.bundle.manifest import Manifest, valid_name
from edgeseg.errors import ModelError


def changed(manifest: Manifest, **values: Any) -> bytes:
    return json.dumps(json.loads(manifest.to_bytes()) | values).encode()


def test_it_reads_back_what_it_wrote(manifest: Manifest) -> None:
    assert Manifest.from_bytes(manifest.to_bytes()) == manifest
    assert Manifest.from_bytes(manifest.to_bytes()).to_bytes() == manifest.to_bytes()


def test_a_newer_version_is_refused_and_an_unknown_key_warned_of(manifest: Manifest) -> None:
    with pytest.raises(ModelError, match="update edgeseg"):
        Manifest.from_bytes(changed(manifest, version=2))
    with pytest.warns(UserWarning, match="unknown keys: colour"):
        assert Manifest.from_bytes(changed(manifest, colour="blue")) == manifest


@pytest.mark.parametrize(
    "name", ["../model.tflite", "/etc/passwd", "a/../../b.png", "a//b.png", "C:\\a.png", "a\nb.png", "", ".a.png", "a"]
)
def test_a_member_that_would_land_elsewhere_is_refused(manifest: Manifest, name: str) -> None:
    members = json.loads(manifest.to_bytes())["members"]
    with pytest.raises(ModelError, match="not what belongs there"):
        Manifest.from_bytes(changed(manifest, members=members | {name: {"size": 1, "sha256": "0" * 64}}))


@pytest.mark.parametrize(
    "values",
    [
        {"members": {}},
        {"members": []},
        {"golden": []},
        {"golden": [{"name": "a", "frame": "golden/7/frame.png"}]},
        {"golden": [{"name": "a", "frame": 3}]},
        {"labels": None},
        {"bounds": {"agreement": "much", "error": None}},
        {"version": "1"},
        {"name": "../parts"},
        {"live": 3},
    ],
)
def test_what_is_incomplete_is_refused_in_one_line(manifest: Manifest, values: dict[str, Any]) -> None:
    with pytest.raises(ModelError) as refusal:
        Manifest.from_bytes(changed(manifest, **values))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("size", [-1, 1 << 40])
def test_absurd_sizes_are_refused(manifest: Manifest, size: int) -> None:
    members = json.loads(manifest.to_bytes())["members"]
    members["model.tflite"]["size"] = size
    with pytest.raises(ModelError, match="larger than"):
        Manifest.from_bytes(changed(manifest, members=members))


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff\xfe", b"null", b"[" * 100000])
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match="make the bundle again"):
        Manifest.from_bytes(data)


def test_names_are_fit_for_files_and_pages() -> None:
    assert valid_name("parts-2.1_b")
    assert not any(map(valid_name, ["", "..", "a/b", "a b", "<b>", "a" * 65, Path("x/y").as_posix()]))
