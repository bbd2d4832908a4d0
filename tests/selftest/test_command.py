import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgeseg.bundle.archive import Bundle
from edgeseg.commands.selftest import selftest
from edgeseg.errors import GateError, ModelError


def test_a_machine_without_fault_says_fine(labels_bundle: Path) -> None:
    result = CliRunner().invoke(selftest, [str(labels_bundle)])
    assert result.exit_code == 0, result.output
    assert "fine, 2 golden frames with model.tflite; 100.00% of the pixels" in result.stdout
    assert Bundle.open(labels_bundle).release in result.stdout


def test_json_tells_each_stage_of_each_frame(labels_bundle: Path) -> None:
    found = json.loads(CliRunner().invoke(selftest, [str(labels_bundle), "--json"]).stdout)
    assert found["fine"] is True
    assert len(found["outcomes"]) == 10


def test_a_fault_is_named_with_exit_code_3_and_json_tells_it_too(
    labels_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeseg.images.to_channels", lambda image, channels: image)
    result = CliRunner().invoke(selftest, [str(labels_bundle), "--json"])
    assert isinstance(result.exception, GateError)
    assert result.exception.exit_code == 3
    assert "differs in colour; 0.png with model.tflite: off by at most" in str(result.exception)
    assert json.loads(result.stdout)["differing"] == ["colour"]


def test_an_unusable_bundle_leaves_with_1(altered: Callable, labels_bundle: Path) -> None:
    result = CliRunner().invoke(selftest, [str(altered(labels_bundle, {"golden/0/stages.npz": lambda _: b""}))])
    assert isinstance(result.exception, ModelError)
    assert result.exception.exit_code == 1
