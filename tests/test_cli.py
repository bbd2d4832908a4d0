"""Each command as a user types it, and above all as a user mistypes it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import click
import cv2
import numpy as np
import pytest

from edgeseg.cli import cli

GROUPS = ("data", "bench", "bundle", "zoo")
COMMANDS = [("data", "check"), ("data", "belt"), ("bench", "loader"), ("bench", "loop"), ("bench", "model")]
COMMANDS += [(name,) for name in ("train", "evaluate", "quantize", "check", "compile", "compare", "live", "demo")]
COMMANDS += [("bundle", name) for name in ("model", "verify", "show", "key")]
COMMANDS += [("zoo", "table")]
COMMANDS += [(name,) for name in ("selftest", "flash", "deploy", "doctor", "boards")]


def test_every_command_is_listed_here_and_has_help(edgeseg: Callable) -> None:
    context = click.Context(cli)
    listed = set(cli.list_commands(context)) - set(GROUPS)
    inside = {name for group in GROUPS for name in cli.get_command(context, group).commands}
    assert {*listed, *inside} == {command[-1] for command in COMMANDS}
    for command in COMMANDS:
        result = edgeseg(*command, "--help")
        assert result.returncode == 0
        assert "Usage:" in result.stdout
        assert max(map(len, result.stdout.splitlines())) <= 80


def test_data_check_passes_a_good_set_within_80_columns(edgeseg: Callable, belt_set: Path) -> None:
    result = edgeseg("data", "check", belt_set)
    assert result.returncode == 0, result.stderr
    assert "24 train, 8 val: fit for training" in result.stdout
    assert "4 scratch" in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_data_check_names_a_bad_file_and_leaves_with_1(edgeseg: Callable, make_pairs: Callable, tmp_path: Path) -> None:
    mask = np.kron(np.array([[0, 1]], np.uint8), np.ones((8, 4), np.uint8))
    root = make_pairs(tmp_path / "set", {"train": {"a": mask}, "val": {"b": mask + 36}})
    result = edgeseg("data", "check", root)
    assert result.returncode == 1
    assert "b.png: holds id 36, 37, but the labels name 0 to 1" in result.stdout
    assert "1 problem\n" in result.stdout


def test_data_belt_writes_a_set(edgeseg: Callable, tmp_path: Path) -> None:
    result = edgeseg("data", "belt", tmp_path / "set", "--train", 2, "--val", 1, "--size", "48x64")
    assert result.returncode == 0, result.stderr
    assert len(list((tmp_path / "set" / "train" / "images").iterdir())) == 2


def test_evaluate_gives_the_promised_json(edgeseg: Callable, int8_model: Path, belt_set: Path) -> None:
    result = edgeseg("evaluate", int8_model, belt_set, "--json")
    figures = json.loads(result.stdout)
    assert set(figures) == {"model", "split", "images", "miou", "iou", "pixel_accuracy"}
    assert figures["images"] == 8
    assert figures["split"] == "val"
    assert figures["miou"] == pytest.approx(np.mean(list(figures["iou"].values())))
    assert 0 < figures["pixel_accuracy"] <= 1
    table = edgeseg("evaluate", int8_model, belt_set).stdout
    assert "mIoU" in table
    assert f"{100 * figures['miou']:.1f} %" in table


def test_the_chain_from_the_command_line(edgeseg: Callable, belt_set: Path, tmp_path: Path) -> None:
    run, model, video = tmp_path / "run", tmp_path / "m.tflite", tmp_path / "o.mp4"
    trained = edgeseg("train", belt_set, "-o", run, "--model", "nano", "--size", "64x96", "--epochs", 6, "--batch", 4)
    assert trained.returncode == 0, trained.stderr
    assert trained.stderr.count("epoch") == 6
    assert "best" in trained.stdout
    quantized = edgeseg("quantize", run, "--calibrate", belt_set, "-o", model, "--min-agreement", 0.5)
    assert quantized.returncode == 0, quantized.stderr
    assert "agrees with its source" in quantized.stdout
    lived = edgeseg("live", model, "--source", "belt:?size=64x96", "--frames", 5, "--out", video)
    assert lived.returncode == 0, lived.stderr
    assert "5 frames" in lived.stdout
    assert video.is_file()
    for result in (trained, quantized, lived):
        lines = (result.stdout + result.stderr).replace(str(tmp_path), "").splitlines()
        assert max(map(len, lines)) <= 80


def test_what_native_libraries_say_does_not_reach_the_terminal(
    edgeseg: Callable, int8_model: Path, tmp_path: Path
) -> None:
    assert edgeseg("live", int8_model, "--source", "belt:?size=64x96", "--frames", 2).stderr == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["data", "check", "{tmp}/absent"], "is not a folder"),
        (["data", "check", "{tmp}"], "no data set"),
        (["train", "{tmp}/absent", "-o", "{tmp}/run"], "is not a folder"),
        (["train", "{set}", "-o", "{tmp}/run", "--size", "100x100", "--model", "nano"], "96x96 and 112x112 do"),
        (["train", "{set}", "-o", "{tmp}/run", "--size", "big"], "as in 240x320"),
        (["train", "{set}", "-o", "{tmp}/run", "--model", "unet"], "known models are"),
        (["train", "{set}", "-o", "{tmp}/run", "--loss", "hinge"], "known losses are"),
        (["train", "{set}", "-o", "{tmp}/run", "--precision", "int4"], "mixed_bfloat16"),
        (["train", "{set}", "-o", "{run}"], "--resume"),
        (["train", "{set}", "-o", "{run}", "--resume", "--batch", "3"], "leave out --batch"),
        (["train", "{set}", "-o", "{tmp}/file/run"], "another place"),
        (["evaluate", "{tmp}/absent.tflite", "{set}"], "cannot be read"),
        (["evaluate", "{model}", "{set}", "--split", "test"], "it has train, val"),
        (["evaluate", "{tmp}/file", "{set}"], "file"),
        (["quantize", "{run}", "--calibrate", "{tmp}/absent", "-o", "{tmp}/m.tflite"], "is not a folder"),
        (["quantize", "{run}", "--calibrate", "{set}", "-o", "{tmp}/m.tflite", "--scheme", "int3"], "known schemes"),
        (["quantize", "{run}", "--calibrate", "{set}", "-o", "{tmp}/file/m.tflite"], "another place"),
        (["quantize", "{run}", "--calibrate", "{set}", "-o", "{tmp}/m.bin"], "must end in .tflite"),
        (["quantize", "{run}", "{model}", "--calibrate", "{set}", "-o", "{tmp}/m.tflite"], "give -o a folder"),
        (["quantize", "{model}", "--calibrate", "{set}", "-o", "{tmp}/m.tflite"], "is already quantized"),
        (["quantize", "{run}", "--calibrate", "{set}", "-o", "{tmp}/m.tflite", "--output", "ids"], "labels, logits"),
        (["quantize", "{run}", "--calibrate", "{set}", "-o", "{tmp}/m.tflite", "--input", "int4"], "uint8, int8"),
        (["quantize", "{run}", "--calibrate", "{set}", "-o", "{tmp}/m.tflite", "--frames", "0"], "at least 1 frame"),
        (["quantize", "{run}", "--calibrate", "{set}", "-o", "{tmp}/m.tflite", "--input-range", "1"], "as in 0,1"),
        (["quantize", "{run}", "--calibrate", "{set}", "-o", "{tmp}/m.tflite", "--input-range", "1,0"], "ascends"),
        (["quantize", "{run}", "--calibrate", "{set}", "-o", "{tmp}/m.tflite", "--min-agreement", "90"], "0<=x<=1"),
        (["quantize", "{run}", "--calibrate", "{set}", "-o", "{tmp}/m.tflite", "--labels", "{tmp}/no"], "no"),
        (["quantize", "{run}", "--calibrate", "{set}"], "Missing option"),
        (["compare", "{model}", "{model}"], "Missing argument"),
        (["compare", "{model}", "{tmp}/absent.tflite", "{set}"], "cannot be read"),
        (["compare", "{model}", "{model}", "{tmp}/absent"], "absent"),
        (["compare", "{model}", "{model}", "{set}", "--runtimes", "litert"], "name two runtimes"),
        (["compare", "{model}", "{model}", "{set}", "--runtimes", "litert,onnx"], "known are"),
        (["compare", "{model}", "{model}", "{set}", "--split", "test"], "it has train, val"),
        (["compare", "{model}", "{model}", "{set}", "--frames", "0"], "x>=1"),
        (["check", "{tmp}/file", "--target", "edgetpu"], "not a TFLite model"),
        (["check", "{tmp}/absent.tflite", "--target", "edgetpu"], "cannot be read"),
        (["check", "{tmp}/cut.tflite", "--target", "edgetpu"], "damaged"),
        (["check", "{model}", "--target", "npu"], "edgetpu"),
        (["live", "{run}/best.keras"], "edgeseg quantize"),
        (["live", "{model}", "--source", "camera:/dev/video97"], "this machine has"),
        (["live", "{model}", "--source", "{tmp}/absent.mp4"], "there is no such video"),
        (["live", "{model}", "--source", "belt:", "--out", "{tmp}/file/o.mp4"], "another place"),
        (["live", "{model}", "--source", "belt:", "--out", "o.xyz"], "is no output"),
        (["live", "{model}", "--source", "{pictures}", "--out", "{pictures}/"], "is the source"),
        (["live", "{model}", "--source", "belt:", "--out", "{pictures}.mp4/"], "is a folder"),
        (["live", "{model}", "--source", "belt:?frames=-3"], "negative"),
        (["data", "belt", "{tmp}/new", "--size", "16x16"], "32x32"),
        (["data", "check", "{set}", "--ignore", "300"], "0<=x<=255"),
        (["train", "{set}", "-o", "{tmp}/run", "--seed", "-1"], "seed must be at least 0"),
        (["bench", "loader", "{tmp}/absent"], "is not a folder"),
        (["live", "{tmp}/cut.tflite"], "cut.tflite"),
        (["demo", "-o", "{set}"], "--force"),
        (["demo", "-o", "{tmp}", "--force"], "does not look like a demo"),
        (["nonsense"], "No such command"),
        (["live"], "Missing argument"),
    ],
)
def test_mistakes_get_one_clear_line_and_nothing_is_left(
    edgeseg: Callable,
    refused: Callable,
    belt_set: Path,
    run_folder: Path,
    int8_model: Path,
    tmp_path: Path,
    arguments: list[str],
    said: str,
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "pictures.mp4").mkdir()
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures" / "a.png").write_bytes(next((belt_set / "val" / "images").iterdir()).read_bytes())
    (tmp_path / "cut.tflite").write_bytes(int8_model.read_bytes()[:3000])
    before = sorted(tmp_path.rglob("*"))
    places = {
        "tmp": tmp_path,
        "set": belt_set,
        "run": run_folder,
        "model": int8_model,
        "pictures": tmp_path / "pictures",
    }
    result = edgeseg(*(argument.format(**places) for argument in arguments), cwd=tmp_path)
    message = refused(result)
    assert said in message
    assert len(message.strip().splitlines()) <= (1 if message.startswith("edgeseg:") else 4)  # click adds its usage
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.slow
def test_train_resumes_replaces_and_reports_as_json(edgeseg: Callable, belt_set: Path, tmp_path: Path) -> None:
    run, small = tmp_path / "run", ["--model", "nano", "--size", "32x48"]
    assert edgeseg("train", belt_set, "-o", run, *small, "--epochs", 1).returncode == 0
    resumed = edgeseg("train", belt_set, "-o", run, "--resume", "--epochs", 2, "--json")
    assert resumed.returncode == 0, resumed.stderr
    assert json.loads(resumed.stdout)["epochs"] == 2
    replaced = edgeseg("train", belt_set, "-o", run, *small, "--epochs", 1, "--force", "--json", "--tensorboard")
    assert json.loads(replaced.stdout)["epochs"] == 1
    assert list((run / "tensorboard").glob("events*"))
    assert len(json.loads((run / "history.json").read_text())) == 1


def test_a_demo_folder_is_replaced_only_if_it_is_one(edgeseg: Callable, refused: Callable, tmp_path: Path) -> None:
    (tmp_path / "mine" / "data").mkdir(parents=True)
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    assert "does not look like a demo" in refused(edgeseg("demo", "-o", tmp_path / "mine", "--force"))
    assert (tmp_path / "mine" / "thesis.txt").is_file()


def test_check_names_what_keeps_a_model_off_the_edge_tpu(edgeseg: Callable, int8_model: Path) -> None:
    result = edgeseg("check", int8_model, "--target", "edgetpu", "--min-mapped", 1)
    assert result.returncode == 3
    assert "RESIZE_BILINEAR" in result.stderr
    assert "--output logits" in result.stderr
    assert max(map(len, result.stdout.splitlines()[:-1])) <= 80
    found = json.loads(edgeseg("check", int8_model, "--target", "edgetpu", "--json").stdout)
    assert [each["index"] for each in found["operators"]] == list(range(len(found["operators"])))
    assert set(found["operators"][0]) >= {"index", "op", "version", "on_tpu", "reason", "confidence"}


def test_a_model_of_other_classes_is_not_scored(
    edgeseg: Callable, refused: Callable, int8_model: Path, make_pairs: Callable, tmp_path: Path
) -> None:
    mask = np.kron(np.array([[0, 1]], np.uint8), np.ones((8, 4), np.uint8))
    root = make_pairs(tmp_path / "set", {"train": {"a": mask}, "val": {"b": mask}})
    assert "knows the classes belt, washer" in refused(edgeseg("evaluate", int8_model, root))


def test_a_video_that_breaks_off_leaves_its_frames_under_another_name(
    edgeseg: Callable, refused: Callable, int8_model: Path, tmp_path: Path
) -> None:
    assert edgeseg("live", int8_model, "--source", "belt:?frames=60", "--out", tmp_path / "clip.avi").returncode == 0
    data = (tmp_path / "clip.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(data[: len(data) * 2 // 3])
    result = edgeseg("live", int8_model, "--source", tmp_path / "cut.avi", "--out", tmp_path / "o.mp4")
    assert "breaks off after" in refused(result, 1)
    assert not (tmp_path / "o.mp4").exists()
    assert 5 < cv2.VideoCapture(str(tmp_path / "o.partial.mp4")).get(cv2.CAP_PROP_FRAME_COUNT) < 60


def test_a_missing_library_names_the_install_line(
    edgeseg: Callable, refused: Callable, belt_set: Path, run_folder: Path, tmp_path: Path
) -> None:
    blocked = tmp_path / "keras"
    blocked.mkdir()
    (blocked / "__init__.py").write_text("raise ImportError('not here')\n")
    environment = {"PYTHONPATH": f"{tmp_path}:{Path(__file__).parents[1]}"}
    for arguments in (["train", belt_set, "-o", tmp_path / "run"], ["evaluate", run_folder, belt_set]):
        assert "pip install 'edgeseg[train]'" in refused(edgeseg(*arguments, **environment))
    shutil.rmtree(blocked)
    (tmp_path / "tensorflow.py").write_text("raise ModuleNotFoundError(\"No module named 'tensorflow'\")\n")
    quantize = ["quantize", run_folder, "--calibrate", belt_set, "-o", tmp_path / "m.tflite"]
    assert "pip install 'edgeseg[" in refused(edgeseg(*quantize, **environment))


def test_compare_gives_a_table_json_and_a_gate(
    edgeseg: Callable, refused: Callable, models: Callable[[str, str], Path], belt_set: Path
) -> None:
    pair = (models("float32", "labels"), models("int8", "labels"), belt_set)
    shown = edgeseg("compare", *pair)
    assert shown.returncode == 0, shown.stderr
    assert "A: IoU" in shown.stdout
    assert "pixels that A has right and B wrong, by image:" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80
    found = json.loads(edgeseg("compare", *pair, "--json").stdout)
    assert found["images"] == 8
    assert 0.5 < found["agreement"] < 1
    assert found["drop"] == pytest.approx(100 * (found["first"]["miou"] - found["second"]["miou"]))
    below = edgeseg("compare", *pair, "--min-agreement", 1)
    assert f"they agree on {found['agreement']:.2%} of the pixels, below 100.00%" in refused(below, 3)
