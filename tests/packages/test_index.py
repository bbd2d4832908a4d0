import os
from pathlib import Path

import pytest

from edgeseg.packages.index import environment

QUIET = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "SSL_", "HTTP"))}
QUIET["PIP_CONFIG_FILE"] = os.devnull


def test_pips_indexes_become_uvs() -> None:
    told = QUIET | {"PIP_INDEX_URL": "https://one.test/simple", "PIP_EXTRA_INDEX_URL": "https://a.test\nhttps://b.test"}
    made = environment(told)
    assert made["UV_DEFAULT_INDEX"] == "https://one.test/simple"
    assert made["UV_INDEX"] == "https://a.test https://b.test"
    assert made["UV_INDEX_STRATEGY"] == "unsafe-best-match"


def test_pips_file_is_read_and_its_environment_counts_more(tmp_path: Path) -> None:
    file = tmp_path / "pip.conf"
    file.write_text("[global]\nindex-url = https://global.test\ntrusted-host = a.test\n    b.test\n")
    assert environment(QUIET | {"PIP_CONFIG_FILE": str(file)})["UV_DEFAULT_INDEX"] == "https://global.test"
    with file.open("a") as more:
        more.write("[install]\nindex-url = https://install.test\n")
    made = environment(QUIET | {"PIP_CONFIG_FILE": str(file)})
    assert made["UV_DEFAULT_INDEX"] == "https://install.test"
    assert made["UV_INSECURE_HOST"] == "a.test b.test"
    made = environment(QUIET | {"PIP_CONFIG_FILE": str(file), "PIP_INDEX_URL": "https://variable.test"})
    assert made["UV_DEFAULT_INDEX"] == "https://variable.test"


@pytest.mark.parametrize("name", ["UV_DEFAULT_INDEX", "UV_INDEX_URL"])
def test_what_uv_was_told_stays(name: str) -> None:
    made = environment(QUIET | {"PIP_INDEX_URL": "https://pip.test", name: "https://uv.test"})
    assert made[name] == "https://uv.test"
    assert "https://pip.test" not in [made.get("UV_DEFAULT_INDEX"), made.get("UV_INDEX_URL")]


def test_folders_that_are_not_there_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "with space").mkdir()
    (tmp_path / "wheels").mkdir()
    monkeypatch.chdir(tmp_path)
    here = (tmp_path / "with space").as_uri()
    made = environment(
        QUIET | {"PIP_FIND_LINKS": "wheels /not/there", "PIP_EXTRA_INDEX_URL": f"{here} file:///not/there"}
    )
    assert made["UV_FIND_LINKS"] == str(tmp_path / "wheels")
    assert made["UV_INDEX"] == here


def test_a_machine_that_pip_keeps_off_the_network_keeps_uv_off() -> None:
    assert environment(QUIET | {"PIP_NO_INDEX": "1"})["UV_OFFLINE"] == "1"
    assert "UV_OFFLINE" not in environment(QUIET | {"PIP_NO_INDEX": "0"})
