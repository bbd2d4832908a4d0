import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_wheel_holds_both_packages_and_nothing_else(tmp_path: Path) -> None:
    source = tmp_path / "source"  # a build folder in the tree would hide a module that is gone
    for package in ("edgeseg", "converters"):
        shutil.copytree(ROOT / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", str(tmp_path), str(source)], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(name for name in names if name.endswith("METADATA"))).decode()
        entry = archive.read(next(name for name in names if name.endswith("entry_points.txt"))).decode()
    packed = {name for name in names if ".dist-info/" not in name and not name.endswith("LICENSE-CamVid")}
    sources = [path for package in ("edgeseg", "converters") for path in (ROOT / package).rglob("*.*")]
    kinds = (".py", ".css", ".html", ".js", ".tflite", ".keras", ".toml")
    there = {str(path.relative_to(ROOT)) for path in sources if path.suffix in kinds}
    assert packed == there
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("LICENSE-CamVid") for name in names)
    assert "License-Expression: Apache-2.0 AND LicenseRef-CamVid" in metadata
    assert "edgeseg = edgeseg.cli:main" in entry
    base = [line for line in metadata.splitlines() if line.startswith("Requires-Dist") and "extra ==" not in line]
    assert sorted(line.split()[1].split(">")[0].rstrip(";") for line in base) == [
        "ai-edge-litert",
        "aiohttp",
        "click",
        "numpy",
        "opencv-python-headless",
        "simplejpeg",
    ]
