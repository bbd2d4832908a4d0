import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edgeseg.commands.bundle import bundle
from edgeseg.errors import EdgesegError, ModelError


def call(*arguments: object) -> Result:
    result = CliRunner().invoke(bundle, list(map(str, arguments)))
    if result.exception and not isinstance(result.exception, (EdgesegError, SystemExit)):
        raise result.exception
    return result


def test_made_shown_and_verified(int8_model: Path, belt_set: Path, tmp_path: Path) -> None:
    pytest.importorskip("cryptography", reason="needs  pip install 'edgeseg[sign]'")
    out = tmp_path / "belt.edgeseg"
    assert call("key", tmp_path / "ours").exit_code == 0
    options = ("--golden", belt_set, "--frames", 2, "--sign", tmp_path / "ours.pem", "-o", out)
    made = call(int8_model, *options, "--", "--source", "camera:0", "--out", "http://0.0.0.0:8080")
    assert made.exit_code == 0, made.output
    verified = call("verify", out, "--key", tmp_path / "ours.pub.pem")
    assert "whole, signed by key" in verified.stdout
    assert "signature not checked" in call("verify", out).stdout
    shown = call("show", out).stdout
    assert "live     --source camera:0 --out http://0.0.0.0:8080" in shown
    assert "scheme int8" in shown
    assert max(map(len, shown.splitlines()[1:])) <= 80
    found = json.loads(call("show", out, "--json").stdout)
    assert found["live"] == ["--source", "camera:0", "--out", "http://0.0.0.0:8080"]
    assert found["key"] in verified.stdout
    assert found["release"] in made.stdout


def test_verify_refuses_what_is_damaged_or_unsigned(int8_model: Path, belt_set: Path, tmp_path: Path) -> None:
    out = tmp_path / "belt.edgeseg"
    call(int8_model, "--golden", belt_set, "--frames", 1, "-o", out)
    (tmp_path / "key.pem").write_text("none")
    unsigned = call("verify", out, "--key", tmp_path / "key.pem").exception
    assert isinstance(unsigned, ModelError)
    assert "is not signed" in str(unsigned)
    data = bytearray(out.read_bytes())
    data[len(data) // 2] ^= 1
    out.write_bytes(data)
    damaged = call("verify", out).exception
    assert isinstance(damaged, ModelError)
    assert damaged.exit_code == 1


@pytest.mark.parametrize(
    ("live", "message"),
    [
        (["--sauce", "0"], "No such option"),
        (["--every", "none"], "not a valid integer"),
        (["--source"], "requires an argument"),
        (["--token", "secret"], "leave out --token"),
        (["--labels", "labels.txt"], "give --labels before --"),
        (["--replay", "recording", "--source", "0"], "leave --source out"),
        (["--list"], "leave out --list"),
        (["other.tflite"], "the bundle has the model"),
        (["--help"], "no option for a board"),
    ],
)
def test_options_that_live_would_not_take_on_a_board_are_refused(tmp_path: Path, live: list[str], message: str) -> None:
    result = call(tmp_path / "m.tflite", "--golden", tmp_path, "-o", tmp_path / "a.edgeseg", "--", *live)
    assert message in result.output + str(result.exception)
    assert result.exit_code != 0
    assert not (tmp_path / "a.edgeseg").exists()


def test_a_token_in_the_environment_of_who_makes_it_is_no_matter(
    int8_model: Path, belt_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGESEG_TOKEN", "s3cret")
    out = tmp_path / "belt.edgeseg"
    made = call(int8_model, "--golden", belt_set, "--frames", 1, "-o", out, "--", "--source", "camera:0")
    assert made.exit_code == 0, made.output
    assert b"s3cret" not in out.read_bytes()


@pytest.mark.parametrize("name", [[], ["model"], ["verify"], ["show"], ["key"]])
def test_help_fits_80_columns(name: list[str]) -> None:
    result = CliRunner().invoke(bundle, [*name, "--help"], prog_name="edgeseg bundle", max_content_width=80)
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80
