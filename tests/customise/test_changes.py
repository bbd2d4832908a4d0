import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgeseg.bundle.sign import make_keys
from edgeseg.customise.changes import make_changes
from edgeseg.customise.difference import difference, masked
from edgeseg.customise.parts import extras
from edgeseg.customise.settings import Settings, Wifi
from edgeseg.customise.system import System
from edgeseg.errors import DataError, ModelError, UsageError
from tests.customise.cards import STOCK
from tests.customise.conftest import KEY, TOKEN

TRIXIE = System("Debian GNU/Linux 13 (trixie)", "trixie", (3, 13), "aarch64", cloud_init=True)
BOOKWORM = System("Debian GNU/Linux 12 (bookworm)", "bookworm", (3, 11), "aarch64", cloud_init=False)
PARTS = {"edgeseg/bundle.edgeseg", "edgeseg/packages.tar.gz", "edgeseg/first_boot.py", "edgeseg/env"}
HASH = "$6$saltsalt$secrethash"


@pytest.fixture
def full(settings: Settings) -> Settings:
    wifi = Wifi("Net", "ab" * 32)
    own = {"user": "pi", "ssh_keys": (KEY,), "password_hash": HASH, "hostname": "belt", "wifi": wifi, "country": "GB"}
    return replace(settings, **own, config_lines=("dtoverlay=imx708",), display="1280x720@60")  # type: ignore[arg-type]


def test_trixie_gets_files_for_cloud_init(full: Settings) -> None:
    changes = make_changes(full, TRIXIE, STOCK)
    assert set(changes.files) == PARTS | {"edgeseg/card.json", *STOCK}
    line = changes.files["cmdline.txt"].decode()
    assert "cfg80211.ieee80211_regdom=GB" in line
    assert "video=HDMI-A-1:1280x720@60D" in line
    instance = line.rpartition("ds=nocloud;i=")[2].strip()
    assert f"instance-id: {instance}\n" in changes.files["meta-data"].decode()
    assert make_changes(full, TRIXIE, STOCK).files["cmdline.txt"] != changes.files["cmdline.txt"]


def test_what_starts_first_boot_is_written_last(full: Settings) -> None:
    for system, packages in ((TRIXIE, full.packages), (BOOKWORM, None)):
        settings = full if packages else replace(full, packages=_for(full, "311"))
        assert list(make_changes(settings, system, STOCK).files)[-1] == "cmdline.txt"


def test_bookworm_gets_a_script(full: Settings) -> None:
    changes = make_changes(replace(full, packages=_for(full, "311")), BOOKWORM, STOCK)
    wanted = PARTS | {"edgeseg/card.json", "firstrun.sh", "cmdline.txt", "config.txt"}
    assert set(changes.files) == wanted
    assert b" systemd.run=/boot/firmware/firstrun.sh " in changes.files["cmdline.txt"]


def _for(settings: Settings, python: str) -> Path:
    from edgeseg.packages.archive import Item, write

    path = settings.bundle.with_name(f"for-{python}.tar.gz")
    name = f"numpy/core.cpython-{python}-aarch64-linux-gnu.so"
    write(path, [Item("edgeseg/__init__.py", 0o644, b""), Item(name, 0o755, b"")])
    return path


def test_the_card_tells_what_was_applied_and_no_secret(full: Settings) -> None:
    files = make_changes(full, TRIXIE, STOCK).files
    card = json.loads(files["edgeseg/card.json"])
    assert (card["format"], card["python"], card["os"]) == (1, "3.13", "trixie")
    assert len(card["packages"]) == len(card["bundle"]) == 16
    assert set(card["sha256"]) == {"bundle.edgeseg", "packages.tar.gz", "first_boot.py"}
    for name, digest in card["sha256"].items():
        assert hashlib.sha256(files[f"edgeseg/{name}"]).hexdigest() == digest
    assert card["applied"]["wifi"] == "Net"
    for secret in (TOKEN, HASH, "ab" * 32):
        assert secret not in files["edgeseg/card.json"].decode()
        assert any(secret in data.decode(errors="replace") for data in files.values())


def test_the_programs_name_for_the_packages_is_that_of_who_builds_them(
    settings: Settings, make_packages: Callable[..., Path]
) -> None:
    from edgeseg.packages.archive import Item, identify

    data = hashlib.shake_128(b"").digest(10)
    items = [Item("edgeseg/__init__.py", 0o644, b""), Item("numpy/data.bin", 0o644, data)]
    items.insert(1, Item("numpy/core.cpython-313-aarch64-linux-gnu.so", 0o755, b"\x7fELF"))
    card = json.loads(make_changes(settings, TRIXIE, STOCK).files["edgeseg/card.json"])
    assert card["packages"] == identify(items)


@pytest.mark.parametrize(("python", "machine"), [("311", "aarch64"), ("313", "x86_64")])
def test_packages_for_another_python_or_machine_are_refused(
    python: str, machine: str, settings: Settings, make_packages: Callable[..., Path]
) -> None:
    with pytest.raises(DataError, match=f"made for cpython-{python}-{machine}, and the image has cpython-313-aarch64"):
        make_changes(replace(settings, packages=make_packages(python, machine)), TRIXIE, STOCK)


def test_what_is_no_archive_is_refused(settings: Settings) -> None:
    with pytest.raises(DataError, match=r"is no .tar.gz that can be read"):
        make_changes(replace(settings, packages=settings.bundle), TRIXIE, STOCK)


def test_a_damaged_bundle_is_refused(settings: Settings) -> None:
    data = bytearray(settings.bundle.read_bytes())
    at = data.index(b"xxxx")
    data[at] = 0
    settings.bundle.write_bytes(data)
    with pytest.raises(ModelError):
        make_changes(settings, TRIXIE, STOCK)


def test_a_bundle_that_the_boards_keys_would_refuse_is_refused(settings: Settings, tmp_path: Path) -> None:
    _, public, _ = make_keys(tmp_path / "line")
    with pytest.raises(ModelError, match="is not signed"):
        make_changes(replace(settings, keys=(public,)), TRIXIE, STOCK)


def test_a_private_key_never_goes_onto_a_card(settings: Settings, tmp_path: Path) -> None:
    from edgeseg.bundle.archive import Bundle
    from edgeseg.bundle.members import write_archive
    from edgeseg.bundle.sign import sign

    secret, public, _ = make_keys(tmp_path / "line")
    bundle = Bundle.open(settings.bundle)
    files = {name: bundle.read(name) for name in bundle.manifest.members}
    files |= {"manifest.json": bundle.manifest_bytes, "manifest.sig": sign(bundle.manifest_bytes, secret)}
    write_archive(settings.bundle, files)
    changes = make_changes(replace(settings, keys=(public,)), TRIXIE, STOCK)
    (name,) = [name for name in changes.files if "/keys/" in name]
    assert changes.files[name] == public.read_bytes()
    assert extras(replace(settings, keys=(public,)), ()) == ("sign",)
    with pytest.raises(UsageError, match="is no public key"):
        make_changes(replace(settings, keys=(public, secret)), TRIXIE, STOCK)


def test_an_image_that_edgeseg_customised_is_refused(settings: Settings) -> None:
    with pytest.raises(DataError, match="customised by edgeseg before"):
        make_changes(settings, TRIXIE, STOCK | {"edgeseg/card.json": b"{}"})
    with pytest.raises(DataError, match=r"no config\.txt"):
        make_changes(settings, TRIXIE, {"cmdline.txt": b"root=x\n"})


def test_cloud_init_for_a_system_without_it_is_refused(settings: Settings) -> None:
    with pytest.raises(UsageError, match="has no cloud-init"):
        make_changes(replace(settings, cloud_init=settings.bundle), BOOKWORM, STOCK)


def test_that_nobody_can_log_in_is_told(settings: Settings, full: Settings) -> None:
    assert any("nobody can log in" in note for note in make_changes(settings, TRIXIE, STOCK).notes)
    assert make_changes(full, TRIXIE, STOCK).notes == ()


def test_a_bundle_that_sends_by_mqtt_needs_its_library(settings: Settings) -> None:
    assert extras(settings, ("--out", "mqtt://broker/x")) == ("mqtt",)
    assert extras(settings, ("--out=mqtts://broker/x",)) == ("mqtt",)
    assert extras(settings, ("--out", "masks/")) == ()


def test_the_difference_shows_all_and_no_secret(full: Settings, tmp_path: Path) -> None:
    own = "#cloud-config\nchpasswd:\n  users:\n  - {name: anna, password: hunter22, type: text}\nwrite_files:\n"
    own += "- path: /k\n  content: |\n    -----BEGIN OPENSSH PRIVATE KEY-----\n    c2VjcmV0a2V5\n"
    own += "    -----END OPENSSH PRIVATE KEY-----\n"
    (tmp_path / "mine").write_text(own)
    for system in (TRIXIE, BOOKWORM):
        mine = {"cloud_init": tmp_path / "mine"} if system is TRIXIE else {"packages": _for(full, "311")}
        text = difference(make_changes(replace(full, **mine), system, STOCK))  # type: ignore[arg-type]
        assert "+++ b/cmdline.txt" in text
        assert "+dtoverlay=imx708" in text
        assert "+EDGESEG_TOKEN=…" in text
        assert "+ edgeseg/first_boot.py  " in text
        for secret in (TOKEN, HASH, "ab" * 32, "hunter22", "c2VjcmV0a2V5"):
            assert secret not in text
        assert "ssh_pwauth: false" in text or system is BOOKWORM


def test_passwords_in_addresses_are_not_shown(settings: Settings) -> None:
    live = (
        "--source",
        "rtsp://me:hunter22@cam/x?token=hunter33",
        "--out=mqtt://me:hunter44@broker/x",
        "--max-fps",
        "9",
    )
    changes = make_changes(replace(settings, live=live), TRIXIE, STOCK)
    card = changes.files["edgeseg/card.json"].decode()
    assert json.loads(card)["applied"]["live"] == [
        *("--out", "http://0.0.0.0:8080", "--source", "rtsp://***@cam/x?***"),
        *("--out=mqtt://***@broker/x", "--max-fps", "9"),
    ]
    text = difference(changes)
    assert "--source rtsp://…@cam/x?token=…" in text
    assert "hunter" not in card + text
    assert masked("+a rtsp://me:b@c rtsps://d:e@f 'g://h@i'", ()) == "+a rtsp://…@c rtsps://…@f 'g://…@i'"


def test_the_brokers_password_is_only_where_secrets_are(settings: Settings) -> None:
    settings = replace(settings, live=("--out", "mqtt://me@broker/x"), mqtt_password='hunt"er\\22')
    changes = make_changes(settings, TRIXIE, STOCK)
    assert [name for name, data in changes.files.items() if b"hunt" in data] == ["edgeseg/env"]
    assert "hunt" not in difference(changes)
    assert "+EDGESEG_MQTT_PASSWORD=…" in difference(changes)


def test_names_of_settings_give_secrets_away() -> None:
    text = '+  wifi_password: "x y"\n+psk = abc\n+lock_passwd: true\n  api_token=zzz\n+harmless: password\n'
    assert masked(text, ()) == "+  wifi_password: …\n+psk = …\n+lock_passwd: true\n  api_token=…\n+harmless: password\n"
