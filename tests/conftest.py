"""What many tests need: a small rendered set, a run trained on it, and models made of the run."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared"
SIZE = (64, 96)


@pytest.fixture(scope="session")
def belt_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 + 8 images of the belt at 64x96."""
    from edgeseg.data.belt import write_belt

    folder = tmp_path_factory.mktemp("belt") / "set"
    write_belt(folder, {"train": 24, "val": 8}, SIZE)
    return folder


@pytest.fixture(scope="session")
def run_folder(belt_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A nano network after twelve short epochs: far from good, but no longer undecided."""
    from edgeseg.training.run import TrainConfig
    from edgeseg.training.start import train

    folder = tmp_path_factory.mktemp("runs") / "run"
    train(belt_set, folder, TrainConfig(model="nano", size=SIZE, epochs=12, batch=4, learning_rate=4e-3))
    return folder


@pytest.fixture(scope="session")
def models(belt_set: Path, run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """A function from (scheme, output) to the run's model, converted once."""
    from converters.convert import convert
    from converters.job import Options

    folder = tmp_path_factory.mktemp("models")

    def make(scheme: str, output: str) -> Path:
        path = folder / f"{scheme}-{output}.tflite"
        if not path.is_file():
            options = Options(output=output, max_drop=100, max_class_drop=100)  # a hasty training; not judged here
            convert(run_folder, path, scheme, belt_set, options)
        return path

    return make


@pytest.fixture
def int8_model(models: Callable[[str, str], Path]) -> Path:
    """Full int8, class map out."""
    return models("int8", "labels")


@pytest.fixture
def edgeseg() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line as a user does, in a process of its own."""

    def run(*arguments: object, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "edgeseg", *map(str, arguments)]
        env = os.environ | {"PYTHONPATH": str(ROOT)} | environment
        return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=env, timeout=500)

    return run


@pytest.fixture
def refused() -> Callable[..., str]:
    """Check that a command was refused as promised, and give its message."""

    def check(result: subprocess.CompletedProcess[str], *codes: int) -> str:
        assert result.returncode in (codes or (1, 2)), result.stdout + result.stderr
        assert "Traceback" not in result.stderr
        return result.stderr

    return check


@pytest.fixture
def make_pairs() -> Callable[..., Path]:
    """Write a labelled set of random pictures: masks by split and name, ids as given."""

    def make(root: Path, splits: dict[str, dict[str, np.ndarray]], labels: str | None = "a\nb\n") -> Path:
        rng = np.random.default_rng(0)
        for split, masks in splits.items():
            for kind in ("images", "masks"):
                (root / split / kind).mkdir(parents=True, exist_ok=True)
            for name, mask in masks.items():
                picture = rng.integers(0, 255, (*mask.shape[:2], 3), np.uint8)
                cv2.imwrite(str(root / split / "images" / f"{name}.png"), picture)
                cv2.imwrite(str(root / split / "masks" / f"{name}.png"), mask)
        if labels is not None:
            (root / "labels.txt").write_text(labels)
        return root

    return make


@pytest.fixture
def full_disk() -> Callable[[int], AbstractContextManager[None]]:
    """While it is entered, no file of this process grows beyond so many bytes: a full disk without root.

    Not for a whole test: pytest's own output may be a file.
    """

    @contextmanager
    def limit(largest: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limit


@pytest.fixture
def shared() -> Path:
    """Development data that is not part of the project."""
    if not SHARED.is_dir():
        pytest.skip("needs the development data in ../shared, which this machine does not have")
    return SHARED
