import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeseg.bundle.archive import Bundle
from edgeseg.bundle.pack import Order, pack
from edgeseg.errors import ModelError
from edgeseg.selftest.run import selftest

ROOT = Path(__file__).parents[2]


def test_a_file_and_the_folder_it_was_written_out_to_give_the_same(labels_bundle: Path, tmp_path: Path) -> None:
    Bundle.open(labels_bundle).extract(tmp_path / "release")
    seen: list[tuple[int, int]] = []
    assert selftest(tmp_path / "release", lambda *at: seen.append(at)) == selftest(labels_bundle)
    assert seen == [(1, 2), (2, 2)]


def test_a_changed_model_is_refused_before_it_is_run(labels_bundle: Path, tmp_path: Path) -> None:
    Bundle.open(labels_bundle).extract(tmp_path / "release")
    model = tmp_path / "release" / "model.tflite"
    data = bytearray(model.read_bytes())
    data[len(data) // 2] ^= 1
    model.write_bytes(data)
    with pytest.raises(ModelError, match=r"model\.tflite is damaged"):
        selftest(tmp_path / "release")


@pytest.mark.parametrize(
    ("name", "data"), [("golden/0/mask.png", b""), ("golden/0/mask.png", b"no png"), ("golden/1/stages.npz", b"no npz")]
)
def test_a_golden_frame_that_cannot_be_read_makes_the_bundle_unusable(
    labels_bundle: Path, altered: Callable, name: str, data: bytes
) -> None:
    with pytest.raises(ModelError, match="make the bundle again"):
        selftest(altered(labels_bundle, {name: lambda _: data}))


def test_golden_frames_of_a_model_of_another_size_make_the_bundle_unusable(
    shared: Path, labels_bundle: Path, altered: Callable
) -> None:
    other = (shared / "models" / "edgetpu_cases" / "deeplabv3_mnv2_dm05_pascal_quant.tflite").read_bytes()
    with pytest.raises(ModelError, match="not for this model"):
        selftest(altered(labels_bundle, {"model.tflite": lambda _: other}))


def test_without_an_edge_tpu_the_cpu_model_is_tested_and_a_note_says_so(shared: Path, tmp_path: Path) -> None:
    folder = shared / "models"
    name = "deeplabv3_mnv2_dm05_pascal_quant"
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "bird.bmp").write_bytes((folder / "bird_segmentation.bmp").read_bytes())
    sibling, compiled = folder / "edgetpu_cases" / f"{name}.tflite", folder / f"{name}_edgetpu.tflite"
    pack(Order(sibling, tmp_path / "pictures", tmp_path / "bird.edgeseg", edgetpu=compiled))
    report = selftest(tmp_path / "bird.edgeseg")
    if len(report.models) == 2:
        pytest.skip("this machine has an Edge TPU")
    assert report.models == ("model.tflite",)
    assert "model_edgetpu.tflite was not tested" in report.notes[0]
    assert report.differing == ()


def test_a_board_needs_no_library_of_the_host_s(labels_bundle: Path) -> None:
    code = (
        "import sys\n"
        "for name in ('cryptography', 'PIL', 'keras', 'tensorflow', 'matplotlib', 'converters', 'aiohttp'):\n"
        "    sys.modules[name] = None\n"
        "from pathlib import Path; from edgeseg.selftest.run import selftest\n"
        "print(selftest(Path(sys.argv[1])).differing)"
    )
    command = [sys.executable, "-c", code, str(labels_bundle)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert result.stdout == "()\n", result.stderr
