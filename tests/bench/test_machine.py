from pathlib import Path

from edgeseg.bench import machine


def test_a_board_is_called_by_its_device_tree(tmp_path: Path) -> None:
    (tmp_path / "proc/device-tree").mkdir(parents=True)
    (tmp_path / "proc/device-tree/model").write_bytes(b"Raspberry Pi 5 Model B Rev 1.0\0")
    assert machine.name(tmp_path).startswith("Raspberry Pi 5 Model B Rev 1.0, ")


def test_a_computer_is_called_by_its_processor(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text("processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\n")
    assert machine.name(tmp_path).startswith(f"Some CPU @ 3 GHz, {machine.cores()} core")
