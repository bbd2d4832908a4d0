"""A loop that is given a bundle."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeseg.bundle.archive import CACHE_VARIABLE
from edgeseg.bundle.pack import Order, pack
from edgeseg.commands.live import live
from edgeseg.errors import ModelError, UsageError
from edgeseg.labels import Labels
from edgeseg.live.models import open_fallback, open_model, origin, reopen

Run = Callable[..., subprocess.CompletedProcess[str]]
OWN = ("--source", "belt:", "--frames", "3", "--max-fps", "200", "--smooth", "--roi", "0,0,320,240")


@pytest.fixture
def bundle(int8_model: Path, belt_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With the options `OWN`."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    out = tmp_path / "belt.edgeseg"
    pack(Order(int8_model, belt_set, out, frames=1, live=OWN))
    return out


def test_the_options_in_a_bundle_hold(bundle: Path, edgeseg: Run) -> None:
    stats = json.loads(edgeseg("live", str(bundle), "--json", "--out", "jsonl:" + str(bundle.with_name("a"))).stdout)
    assert stats["frames"] == 3
    assert stats["flicker"] is not None


def test_what_is_typed_wins(bundle: Path, edgeseg: Run) -> None:
    lines = bundle.with_name("b")
    edgeseg("live", str(bundle), "--frames", "5", "--out", f"jsonl:{lines}")
    assert len(lines.read_text().splitlines()) == 5


def test_a_recording_takes_the_place_of_the_bundles_source(bundle: Path, edgeseg: Run, tmp_path: Path) -> None:
    recording = tmp_path / "recording"
    assert edgeseg("live", str(bundle), "--frames", "4", "--out", f"record:{recording}").returncode == 0
    lines = tmp_path / "e"
    done = edgeseg("live", str(bundle), "--replay", str(recording), "--frames", "2", "--out", f"jsonl:{lines}")
    assert done.returncode == 0, done.stderr
    assert len(lines.read_text().splitlines()) == 2


def test_a_bundle_that_was_written_out_runs_too(bundle: Path, edgeseg: Run, tmp_path: Path) -> None:
    from edgeseg.bundle.archive import Bundle

    Bundle.open(bundle).extract(tmp_path / "release")
    lines = tmp_path / "c"
    edgeseg("live", str(tmp_path / "release"), "--out", f"jsonl:{lines}")
    assert len(lines.read_text().splitlines()) == 3


@pytest.fixture
def for_edgetpu(shared: Path, belt_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle with a model for the Edge TPU too."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    plain = shared / "models/edgetpu_cases/deeplabv3_mnv2_dm05_pascal_quant.tflite"
    compiled = shared / "models/deeplabv3_mnv2_dm05_pascal_quant_edgetpu.tflite"
    out = tmp_path / "pascal.edgeseg"
    pack(Order(plain, belt_set, out, frames=1, edgetpu=compiled))
    return out


def test_without_its_accelerator_the_cpus_model_runs_and_it_is_said(
    for_edgetpu: Path, tmp_path: Path, edgeseg: Run
) -> None:
    lines = f"jsonl:{tmp_path / 'd'}"
    done = edgeseg("live", str(for_edgetpu), "--source", "belt:", "--frames", "1", "--json", "--out", lines)
    assert json.loads(done.stdout)["frames"] == 1
    assert "the CPU's model runs" in done.stderr


def test_a_bundle_of_other_classes_or_a_damaged_one_cannot_take_the_place(
    bundle: Path, int8_model: Path, belt_set: Path
) -> None:
    model = open_model(str(bundle))
    pack(Order(int8_model, belt_set, bundle, frames=1, labels=Labels.from_names(["a", "b", "c", "d", "e"])))
    with pytest.raises(UsageError, match=r"belt\.edgeseg: has other classes"):
        reopen(model)
    bundle.write_bytes(bundle.read_bytes()[:-2000])
    with pytest.raises(ModelError, match=r"belt\.edgeseg: "):
        reopen(model)


def test_what_took_over_from_the_edge_tpus_model_is_the_bundles_too(for_edgetpu: Path) -> None:
    model = open_model(str(for_edgetpu))
    model.path = model.path.with_name("model_edgetpu.tflite")  # as where there is an Edge TPU
    other = open_fallback(model, None)
    assert (other.path.name, origin(other)) == ("model.tflite", for_edgetpu)
    assert origin(reopen(other)) == for_edgetpu


@pytest.mark.parametrize(
    ("typed", "variable", "token"),
    [
        ((), "ours", "ours"),
        (("--token", "typed"), "ours", "typed"),
        ((), "", "bundled"),
        (("--token", "typed"), "", "typed"),
    ],
)
def test_a_token_in_the_environment_wins_over_a_bundles_and_a_typed_one_over_both(
    typed: tuple[str, ...],
    variable: str,
    token: str,
    int8_model: Path,
    belt_set: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EDGESEG_TOKEN", variable)
    out = tmp_path / "lax.edgeseg"
    pack(Order(int8_model, belt_set, out, frames=1, live=("--token", "bundled", "--smooth")))
    params = live.make_context("live", [str(out), *typed]).params
    assert (params["token"], params["smooth"]) == (token, True)


def test_help_names_the_tokens_variable_and_not_what_it_holds(edgeseg: Run) -> None:
    told = edgeseg("live", "--help", EDGESEG_TOKEN="s3cret").stdout
    assert "env var: EDGESEG_TOKEN" in " ".join(told.split())
    assert "s3cret" not in told


def test_a_damaged_bundle_is_refused(bundle: Path, edgeseg: Run, refused: Callable[..., str]) -> None:
    data = bytearray(bundle.read_bytes())
    data[data.index(b"TFL3") + 100] ^= 0xFF
    bundle.write_bytes(data)
    assert "damaged" in refused(edgeseg("live", bundle))
