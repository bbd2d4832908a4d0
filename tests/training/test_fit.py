import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeseg.errors import DataError, RunExistsError, SizeError, UsageError
from edgeseg.evaluate import evaluate_file
from edgeseg.model_info import read_info
from edgeseg.training.fit import Progress
from edgeseg.training.run import TrainConfig, best_model, open_run
from edgeseg.training.start import resume, train

TINY = TrainConfig(model="nano", size=(32, 48), epochs=3, batch=8, learning_rate=4e-3)


def losses(run: Path) -> list[float]:
    return [entry["loss"] for entry in json.loads((run / "history.json").read_text())]


@pytest.fixture(scope="module")
def told() -> list[Progress]:
    """What `whole` has said on its way."""
    return []


@pytest.fixture(scope="module")
def whole(belt_set: Path, told: list[Progress], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"
    train(belt_set, folder, TINY, on_progress=told.append)
    return folder


def test_a_run_leaves_its_models_history_and_plot(whole: Path) -> None:
    assert {path.name for path in whole.iterdir()} == {
        "run.json",
        "best.keras",
        "state.npz",
        "history.json",
        "history.png",
    }
    assert cv2.imread(str(whole / "history.png")).shape[1] > 600
    info = read_info(whole / "best.keras")
    assert info is not None
    assert info.labels.names[4] == "scratch"
    assert info.size == (32, 48)


def test_the_loss_falls(whole: Path) -> None:
    found = losses(whole)
    assert found[-1] < 0.8 * found[0]


def test_the_best_model_scores_what_the_history_says(whole: Path, belt_set: Path) -> None:
    best = max(entry["val_miou"] for entry in open_run(whole).history())
    assert evaluate_file(whole, belt_set).scores.miou == pytest.approx(best, abs=1e-6)


@pytest.mark.slow
def test_another_seed_gives_other_losses(whole: Path, belt_set: Path, tmp_path: Path) -> None:
    train(belt_set, tmp_path / "other", replace(TINY, seed=1, epochs=1))
    assert losses(tmp_path / "other")[0] != pytest.approx(losses(whole)[0], rel=1e-4)


def test_ctrl_c_leaves_the_best_model_and_resume_ends_where_an_unbroken_run_does(
    whole: Path, belt_set: Path, tmp_path: Path
) -> None:
    def stop(at: Progress) -> None:
        if at.epoch == 2 and at.step == 2 and not at.epoch_ended:
            raise KeyboardInterrupt

    outcome = train(belt_set, tmp_path / "run", TINY, on_progress=stop)
    assert outcome.interrupted
    assert outcome.epochs == 1
    assert losses(tmp_path / "run") == pytest.approx(losses(whole)[:1], rel=1e-4)  # the same seed
    assert evaluate_file(tmp_path / "run", belt_set).images == 8
    outcome = resume(belt_set, tmp_path / "run")
    assert outcome.epochs == 3
    assert not outcome.interrupted
    assert losses(tmp_path / "run") == pytest.approx(losses(whole), rel=1e-3)


def test_resuming_a_finished_run_changes_nothing(whole: Path, belt_set: Path) -> None:
    before = losses(whole)
    assert resume(belt_set, whole).epochs == 3
    assert losses(whole) == before


@pytest.mark.usefixtures("whole")
def test_progress_reports_steps_epochs_and_time_left(told: list[Progress]) -> None:
    steps = [(epoch, step) for epoch in (1, 2, 3) for step in (1, 2, 3)]
    assert [(at.epoch, at.step) for at in told if not at.epoch_ended] == steps
    assert told[0].miou is None
    assert told[-1].seconds_left == pytest.approx(0, abs=0.1)
    assert told[0].seconds_left > 0


@pytest.mark.slow
def test_patience_ends_a_run_that_gets_no_better(belt_set: Path, tmp_path: Path) -> None:
    config = replace(TINY, epochs=20, patience=2, learning_rate=1e-9)
    assert train(belt_set, tmp_path / "run", config).epochs < 20


@pytest.mark.slow
def test_a_run_in_half_precision_with_dropout_resumes_where_an_unbroken_one_ends(
    belt_set: Path, tmp_path: Path
) -> None:
    def stop(at: Progress) -> None:
        if at.epoch == 2:
            raise KeyboardInterrupt

    config = replace(TINY, epochs=2, precision="mixed_float16", model="fcn", size=(32, 64))
    train(belt_set, tmp_path / "whole", config)
    train(belt_set, tmp_path / "run", config, on_progress=stop)
    assert resume(belt_set, tmp_path / "run").epochs == 2
    assert losses(tmp_path / "run") == pytest.approx(losses(tmp_path / "whole"), rel=2e-2)


def test_a_state_that_does_not_belong_to_the_history_is_refused(whole: Path, belt_set: Path, tmp_path: Path) -> None:
    shutil.copytree(whole, tmp_path / "run")
    history = json.loads((tmp_path / "run" / "history.json").read_text())
    (tmp_path / "run" / "history.json").write_text(json.dumps(history[:-1]))
    with pytest.raises(DataError, match="is from epoch 3, the history from 2"):
        resume(belt_set, tmp_path / "run")
    (tmp_path / "run" / "state.npz").unlink()
    with pytest.raises(DataError, match="cannot be read"):
        resume(belt_set, tmp_path / "run")


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"loss": "focal", "channels": 1},
        {"loss": "dice", "loss_stride": 1, "precision": "mixed_bfloat16", "model": "fcn", "size": (32, 64)},
    ],
    ids=["focal", "dice"],
)
def test_every_kind_of_training_learns_and_keeps_a_float32_model(
    belt_set: Path, tmp_path: Path, change: dict[str, object]
) -> None:
    from edgeseg.training.predict import load_keras

    train(belt_set, tmp_path / "run", replace(TINY, **change))
    found = losses(tmp_path / "run")
    assert found[-1] < found[0]
    network, _ = load_keras(best_model(tmp_path / "run"))
    assert {layer.dtype_policy.name for layer in network.layers} == {"float32"}


def test_an_existing_run_needs_resume_or_force(whole: Path, belt_set: Path, tmp_path: Path) -> None:
    with pytest.raises(RunExistsError, match=r"--resume.*--force"):
        train(belt_set, whole, TINY)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(OSError, match="no run folder"):
        train(belt_set, tmp_path / "mine", TINY, force=True)
    assert (tmp_path / "mine" / "thesis.txt").is_file()


def test_a_bad_set_or_size_is_refused_before_anything_is_made(make_pairs: Callable, tmp_path: Path) -> None:
    mask = np.full((40, 40), 37, np.uint8)
    data = make_pairs(tmp_path / "data", {"train": {"a": mask}, "val": {"b": mask}}, "\n".join(map(str, range(11))))
    with pytest.raises(DataError, match="holds id 37, but the labels name 0 to 10"):
        train(data, tmp_path / "run", TINY)
    with pytest.raises(SizeError, match="32x48 and 48x64 do"):
        train(data, tmp_path / "run", replace(TINY, size=(40, 50)))
    assert not (tmp_path / "run").exists()


def test_resume_refuses_other_data_and_a_folder_that_is_no_run(
    whole: Path, make_pairs: Callable, tmp_path: Path
) -> None:
    mask = np.kron(np.array([[0, 1], [2, 3]], np.uint8), np.ones((20, 20), np.uint8))
    mask[0, :5] = 4
    data = make_pairs(
        tmp_path / "data", {"train": {"a": mask}, "val": {"b": mask}}, "belt\nwasher\nnut\nbolt\nscratch\n"
    )
    with pytest.raises(DataError, match="is not what"):
        resume(data, whole)
    with pytest.raises(DataError, match="is no run folder"):
        resume(data, tmp_path)


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"batch": 0}, {"channels": 2}, {"learning_rate": 0.0}, {"loss_stride": 0}]
)
def test_settings_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="must be"):
        replace(TINY, **wrong)


@pytest.mark.slow
def test_trained_under_jax_exported_under_tensorflow(belt_set: Path, tmp_path: Path) -> None:
    from converters.convert import convert

    code = (
        "from pathlib import Path; from edgeseg.training.run import TrainConfig; "
        "from edgeseg.training.start import train; import sys, keras; assert keras.backend.backend() == 'jax'; "
        "train(Path(sys.argv[1]), Path(sys.argv[2]), TrainConfig(model='nano', size=(32, 48), epochs=2, batch=4))"
    )
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    subprocess.run([sys.executable, "-c", code, belt_set, tmp_path / "run"], check=True, env=environment)
    result = convert(tmp_path / "run", tmp_path / "m.tflite", "float32", belt_set)
    assert result.agreement > 0.9999
    best = max(entry["val_miou"] for entry in open_run(tmp_path / "run").history())
    assert result.miou == pytest.approx(best, abs=1e-3)
