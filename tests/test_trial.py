import signal
from pathlib import Path

import numpy as np
import pytest

from edgeseg import trial
from edgeseg.errors import EdgesegError, ModelError
from edgeseg.evaluate import open_predictor
from edgeseg.images import Image

MUTATIONS = 200


def test_a_sound_model_survives(int8_model: Path) -> None:
    trial.require_survival(int8_model)
    trial.require_survival(int8_model, "reference")


def test_a_crash_is_an_error_with_the_signal(int8_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "PROGRAM", f"import os; os.kill(os.getpid(), {int(signal.SIGABRT)})")
    with pytest.raises(ModelError, match=r"crashes the interpreter \(SIGABRT\); it is damaged"):
        open_predictor(int8_model)


def test_a_model_that_never_ends_is_an_error(int8_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "PROGRAM", "import time; time.sleep(60)")
    monkeypatch.setattr(trial, "LIMIT_S", 1)
    with pytest.raises(ModelError, match="runs for more than 1 s"):
        trial.require_survival(int8_model)


@pytest.mark.slow
def test_damaged_models_are_an_error_or_run_but_never_crash_us(int8_model: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    whole = np.frombuffer(int8_model.read_bytes(), np.uint8)
    path, refused = tmp_path / "damaged.tflite", []
    image: Image = np.zeros((1, 64, 96, 3), np.uint8)
    for number in range(MUTATIONS):
        damaged = whole.copy()
        where = rng.integers(0, len(whole), rng.integers(1, 20))
        damaged[where] = rng.integers(0, 256, len(where))
        path.write_bytes(damaged[: rng.integers(8, len(whole))].tobytes() if number % 10 == 0 else damaged.tobytes())
        try:
            open_predictor(path)[0].predict(image)
        except EdgesegError as error:
            refused.append(str(error))
    assert len(refused) >= MUTATIONS // 10
    assert not [message for message in refused if "\n" in message]
