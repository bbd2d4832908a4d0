import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgeseg.errors import UsageError
from edgeseg.training.memory import exhausted
from edgeseg.training.run import TrainConfig
from edgeseg.training.start import train

BATCH = 1024
SCRIPT = f"""
import re, resource
from pathlib import Path
from edgeseg.training import memory
from edgeseg.training.backend import keras, layers
from edgeseg.training.run import TrainConfig

images = keras.Input((16, 16, 3))
x = layers.UpSampling2D(128)(layers.Dense(1)(images))  # 16 MiB an image
model = keras.Model(images, layers.GlobalAveragePooling2D()(x))
model.compile("sgd", loss=lambda labels, given: keras.ops.mean(given))
size = int(re.search(r"VmSize:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) << 10
resource.setrlimit(resource.RLIMIT_AS, (size + (2 << 30),) * 2)
print("fits", memory.fitting_batch(model, TrainConfig(model="nano", size=(16, 16), batch={BATCH})))
"""


@pytest.mark.slow
def test_the_batch_that_fits_is_found_by_trying() -> None:
    run = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    batch = int(run.stdout.split()[-1])
    assert 8 <= batch <= 128  # of 16 MiB an image and more, in 2 GiB


def test_a_batch_that_the_host_cannot_hold_is_told(belt_set: Path, tmp_path: Path) -> None:
    config = TrainConfig(model="nano", size=(2048, 2048), batch=1 << 22, epochs=1)  # 200 TB
    with pytest.raises(UsageError, match=r"no memory for 4194304 images of 2048x2048 a step; .* a smaller --batch"):
        train(belt_set, tmp_path / "run", config)


def test_other_errors_are_not_taken_for_it() -> None:
    assert exhausted(RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8589934592 bytes."))
    assert not exhausted(ValueError("Shapes (2, 3) and (4, 5) are incompatible"))


FULL = """
import sys
from pathlib import Path
from edgeseg.errors import UsageError
from edgeseg.training import fit
from edgeseg.training.run import TrainConfig
from edgeseg.training.start import train

make = fit.make_loss


def small_steps_only(*settings):
    loss = make(*settings)

    def step(labels, scores):
        if labels.shape[0] > 2:
            raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 8589934592 bytes.")
        return loss(labels, scores)

    return step


fit.make_loss = small_steps_only
try:
    train(Path(sys.argv[1]), Path(sys.argv[2]), TrainConfig(model="nano", size=(32, 48), batch=8, epochs=1))
except UsageError as error:
    print("told:", error)
"""


@pytest.mark.slow
def test_a_step_without_room_under_jax_is_told_with_the_batch_that_has_it(belt_set: Path, tmp_path: Path) -> None:
    """JAX gives a step's variables away, and Keras stumbles over that before it tells what went wrong."""
    command = [sys.executable, "-c", FULL, str(belt_set), str(tmp_path / "run")]
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    run = subprocess.run(command, capture_output=True, text=True, timeout=500, env=environment)
    assert run.returncode == 0, run.stderr
    assert run.stdout == "told: there is no memory for 8 images of 32x48 a step; begin again with --batch 2\n"
