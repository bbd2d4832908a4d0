"""What quantization-aware training is for: a network that plain int8 ruins."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from converters.convert import convert
from converters.job import Options
from converters.material import Material
from converters.schemes import int8, qat
from converters.sources.keras import KerasSource
from edgeseg.data.dataset import open_dataset
from edgeseg.errors import GateError
from edgeseg.evaluate import evaluate_file
from edgeseg.model_info import ModelInfo, attach, read_info
from edgeseg.training.predict import load_keras
from edgeseg.training.run import TrainConfig
from edgeseg.training.settings import configure
from edgeseg.training.start import train
from tests.converters.hostile import collapse

pytestmark = pytest.mark.slow

POINTS = 100.0


@dataclass(frozen=True)
class Networks:
    """The files of one network, sound and collapsed."""

    sound: Path
    collapsed: Path
    info: ModelInfo


@pytest.fixture(scope="module")
def networks(belt_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Networks:
    folder = tmp_path_factory.mktemp("hostile")
    config = TrainConfig(model="nano", size=(64, 96), epochs=40, batch=4, learning_rate=4e-3)
    train(belt_set, folder / "run", config)
    sound = folder / "run" / "best.keras"
    info = read_info(sound)
    assert info is not None
    collapse(load_keras(sound)[0]).save(folder / "collapsed.keras")
    attach(folder / "collapsed.keras", info)
    return Networks(sound, folder / "collapsed.keras", info)


def miou(path: Path, belt_set: Path) -> float:
    return POINTS * evaluate_file(path, belt_set).scores.miou


def converted(scheme: object, source: Path, belt_set: Path, out: Path, info: ModelInfo) -> Path:
    images = [str(pair.image) for pair in open_dataset(belt_set).split("train")]
    material = Material(KerasSource(source, None), Options(output="logits"), images, lambda data: 0.0, lambda *at: None)
    out.write_bytes(scheme.convert(material).data)
    attach(out, info)
    return out


def test_in_float_nothing_is_changed(networks: Networks, belt_set: Path) -> None:
    sound, collapsed = (load_keras(path)[0] for path in (networks.sound, networks.collapsed))
    image = np.random.default_rng(0).uniform(0, 255, (1, 64, 96, 3)).astype(np.float32)
    before, after = (np.asarray(model(image, training=False)) for model in (sound, collapsed))
    assert after == pytest.approx(before, abs=2e-2)
    assert miou(networks.collapsed, belt_set) == pytest.approx(miou(networks.sound, belt_set), abs=0.1)


def test_the_gate_refuses_plain_int8_and_mixed_brings_it_back_with_a_few_layers(
    networks: Networks, belt_set: Path, tmp_path: Path
) -> None:
    out = tmp_path / "m.tflite"
    refused = convert(networks.collapsed, out, "int8", belt_set)
    assert any("points of mIoU, more than 1" in failure for failure in refused.failures)
    assert not out.exists()
    with pytest.raises(GateError, match=r"was not written: .*try --scheme mixed, or train with --qat"):
        refused.require()
    mixed = convert(networks.collapsed, out, "mixed", belt_set, Options(max_class_drop=100))
    assert not mixed.failures
    assert miou(out, belt_set) > miou(networks.sound, belt_set) - 1
    assert 2 <= len(mixed.float_layers) <= 6
    assert any("decode4_up" in layer for layer in mixed.float_layers)


def test_plain_int8_collapses_and_training_for_int8_brings_it_back(
    networks: Networks, belt_set: Path, tmp_path: Path
) -> None:
    good = miou(networks.sound, belt_set)
    plain = converted(int8, networks.sound, belt_set, tmp_path / "sound.tflite", networks.info)
    assert miou(plain, belt_set) > good - 1
    ruined = converted(int8, networks.collapsed, belt_set, tmp_path / "ruined.tflite", networks.info)
    assert miou(ruined, belt_set) < good - 6
    settings = {"weights": str(networks.collapsed), "qat": True, "epochs": 30, "batch": 4, "learning_rate": 2e-3}
    train(belt_set, tmp_path / "run", configure(settings))
    healed = converted(qat, tmp_path / "run" / "best.keras", belt_set, tmp_path / "healed.tflite", networks.info)
    assert miou(healed, belt_set) > good - 1
