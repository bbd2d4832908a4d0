import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from edgeseg.errors import UsageError
from edgeseg.flash.disks import Disk, completed, find, list_disks, parse, refusal

GB = 10**9


def node(name: str, kind: str = "disk", size: int = 32 * GB, **more: Any) -> dict[str, Any]:
    row = {"name": name, "path": f"/dev/{name}", "type": kind, "size": size, "vendor": None, "model": None}
    return {**row, "ro": False, "rm": False, "hotplug": False, "mountpoints": [None], **more}


RECORDED = [
    node("sda", size=512 * GB, vendor="ATA     ", model="Samsung SSD 860", children=[
        node("sda1", "part", size=GB, mountpoints=["/boot/efi"]),
        node("sda2", "part", size=500 * GB, children=[
            {**node("vg-root", "lvm", mountpoints=["/", "[SWAP]"]), "path": "/dev/mapper/vg-root"}]),
    ]),
    node("sdb", rm=True, hotplug=True, vendor="Generic ", model="STORAGE DEVICE  "),
    node("sdc", rm=True, hotplug=True, vendor="SanDisk", model="Ultra", children=[
        node("sdc1", "part", mountpoints=["/media/me/boot fs"]),
        node("sdc2", "part", mountpoints=["/media/me/rootfs"])]),
    node("sdd", rm=True, hotplug=True, ro=True, model="Card Reader"),
    node("sde", rm=True, hotplug=True, size=0, model="Card Reader"),
    node("sdf", size=2000 * GB, model="Barracuda"),
    node("sdg", hotplug=True, model="Stick", children=[
        {**node("vault", "crypt"), "path": "/dev/mapper/vault"}]),
    node("sr0", "rom", rm=True, size=GB, model="DVD"),
    node("mmcblk0", hotplug=True, size=8 * GB),
    node("loop3", "loop", size=GB),
]  # fmt: skip
DISKS = parse(json.dumps({"blockdevices": RECORDED}))


def disk(name: str) -> Disk:
    return find(DISKS, Path("/dev") / name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("sda", r"this machine's own system \(/boot/efi, /, \[SWAP\]\); choose another"),
        ("sda1", "partition; give its whole disk, /dev/sda$"),
        ("sdc1", "partition; give its whole disk, /dev/sdc$"),
        ("sdc", "mounted at /media/me/boot fs, /media/me/rootfs; run  sudo umount /dev/sdc1 /dev/sdc2$"),
        ("sdd", "read-only; move the little switch"),
        ("sde", "no card in it; insert one"),
        ("sdf", "built in, not removable; choose a card"),
        ("sdg", "in use by crypt /dev/mapper/vault; close that"),
        ("sr0", r"no disk of its own \(rom\)"),
        ("loop3", "loop device.* --allow-loop"),
        ("mmcblk0", r"too small: it holds 8\.0 GB, the image needs 8\.0 GB"),
    ],
)
def test_a_disk_that_must_not_be_written_is_refused_with_its_reason(name: str, reason: str) -> None:
    assert re.search(reason, refusal(disk(name), 8 * GB + 1))


@pytest.mark.parametrize(("name", "needed"), [("sdb", 32 * GB), ("mmcblk0", 8 * GB)])
def test_a_card_that_holds_the_image_passes(name: str, needed: int) -> None:
    assert not refusal(disk(name), needed)


def test_a_loop_device_passes_when_asked_for() -> None:
    assert not refusal(disk("loop3"), GB, allow_loop=True)


@pytest.mark.parametrize(("name", "title"), [("sdb", "Generic STORAGE DEVICE"), ("mmcblk0", "/dev/mmcblk0")])
def test_the_title_is_vendor_and_model_or_else_the_path(name: str, title: str) -> None:
    assert disk(name).title == title


def test_a_link_names_the_disk_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "by-id").symlink_to("/dev/sdb")
    assert find(DISKS, tmp_path / "by-id").path == "/dev/sdb"


def test_a_disk_that_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="no such disk; plug it in"):
        disk("sdz")


@pytest.mark.parametrize(("kind", "reason"), [("SD", ""), ("MMC", "is built in, not removable")])
@pytest.mark.parametrize("name", ["mmcblk0", "mmcblk0boot1"])
def test_an_emmc_is_no_card_though_lsblk_takes_it_for_one(name: str, kind: str, reason: str, tmp_path: Path) -> None:
    device = tmp_path / "mmcblk0" / "device"
    device.mkdir(parents=True)
    (device / "type").write_text(f"{kind}\n")
    (device / "name").write_text("BJTD4R\n")
    (found,) = parse(json.dumps({"blockdevices": [node(name, hotplug=True)]}))
    assert refusal(found) == ""
    assert completed(found, tmp_path).title == "BJTD4R"
    assert refusal(completed(found, tmp_path)).startswith(reason)
    assert bool(refusal(completed(found, tmp_path))) == bool(reason)


@pytest.mark.skipif(sys.platform != "linux", reason="lsblk is Linux's")
def test_this_machines_own_disks_are_listed() -> None:
    names = [path.name for path in Path("/sys/block").glob("*")]
    plain = {f"/dev/{name}" for name in names if not name.startswith(("dm-", "loop", "ram"))}
    try:
        listed = {found.path for found in list_disks()}
    except UsageError as error:
        pytest.skip(str(error))
    if not plain:
        pytest.skip("this machine has no disks")
    assert plain <= listed
