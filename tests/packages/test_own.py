import shutil
import subprocess
import sys
from email import message_from_bytes
from pathlib import Path

import pytest

from edgeseg.errors import UsageError
from edgeseg.packages.own import read
from edgeseg.version import __version__

ROOT = Path(__file__).parents[2]


def test_edgeseg_is_whole_without_what_only_a_host_has() -> None:
    files = read().files
    assert files["edgeseg/version.py"] == (ROOT / "edgeseg" / "version.py").read_bytes()
    assert "edgeseg/sinks/web/page/index.html" in files
    assert files[f"edgeseg-{__version__}.dist-info/licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()
    assert not [name for name in files if "__pycache__" in name or name.startswith("converters")]


def test_the_metadata_say_what_is_there() -> None:
    own = read(("mqtt",))
    metadata = message_from_bytes(own.files[f"edgeseg-{__version__}.dist-info/METADATA"])
    assert (metadata["Name"], metadata["Version"]) == ("edgeseg", __version__)
    assert tuple(metadata.get_all("Requires-Dist")) == own.requirements
    assert {each.split(">")[0] for each in own.requirements} == {
        *("numpy", "opencv-python-headless", "ai-edge-litert", "click", "aiohttp", "simplejpeg", "paho-mqtt")
    }


def test_an_unknown_extra_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no extra 'mqqt'; known ones are .*mqtt"):
        read(("mqqt",))


def test_an_installed_edgeseg_knows_the_same_as_its_tree(tmp_path: Path) -> None:
    source = tmp_path / "source"
    for package in ("edgeseg", "converters"):
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-compile"]
    subprocess.run([*command, "--target", str(tmp_path / "site"), str(source)], check=True)
    program = (
        "from edgeseg.packages.own import read\n"
        "own = read(('mqtt', 'legacy'))\n"
        "print(len(own.files), sorted(each.replace(' ', '').replace('\"', chr(39)) for each in own.requirements))"
    )
    told = [
        subprocess.run([sys.executable, "-c", program], cwd=where, capture_output=True, text=True, check=True).stdout
        for where in (tmp_path / "site", source)
    ]
    assert told[0] == told[1]
    assert "tflite-runtime==2.14.0;python_version<'3.12'" in told[0]
