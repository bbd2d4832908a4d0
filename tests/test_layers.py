"""What may import what."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BOARD = [
    *("segmenter", "live", "overlay", "images", "labels", "metrics", "model_info", "sources", "sinks", "scene"),
    *("stats", "stub", "uri", "boards", "bench", "bundle", "selftest", "doctor", "board", "zoo"),
]
HOST_LIBRARIES = {"keras", "tensorflow", "jax", "torch", "matplotlib", "PIL", "tensorboardX"}
LAYERS = [
    *(
        "errors",
        "uri",
        "files",
        "quiet",
        "progress",
        "labels",
        "images",
        "metrics",
        "scene",
        "model_info",
        "zoo",
        "stub",
    ),
    *("bundle", "segmenter", "stats", "trial", "overlay", "sources", "sinks", "boards", "selftest", "live", "doctor"),
    *("board", "bench", "packages", "flash", "customise", "data", "evaluate", "compare", "training"),
    *("terminal", "deploy", "demo", "commands", "cli"),
]
"""Bottom up; a module imports only from its own layer and those before it."""


def files() -> list[Path]:
    return sorted((ROOT / "edgeseg").rglob("*.py"))


def imports(path: Path, top_level_only: bool = False) -> set[str]:
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else list(ast.walk(tree))
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def layer(path: Path) -> str:
    return path.relative_to(ROOT / "edgeseg").parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_layers_point_one_way(path: Path) -> None:
    own = layer(path)
    if own in ("__init__", "__main__", "version"):
        return
    for name in imports(path, top_level_only=True):
        if name.startswith("edgeseg.") and name.split(".")[1] in LAYERS:
            assert LAYERS.index(name.split(".")[1]) <= LAYERS.index(own), name


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_heavy_libraries_stay_in_their_rooms(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    if layer(path) == "training":
        assert path.name == "fused_norm.py" or "tensorflow" not in roots  # there, what Keras composes is one operator
        assert path.name == "backend.py" or "keras" not in roots
    else:
        assert not roots & {"keras", "tensorflow", "jax", "torch"}
    if layer(path) in BOARD:
        assert not roots & HOST_LIBRARIES
    if layer(path) not in ("cli", "commands", "demo", "terminal"):
        assert "converters" not in roots


@pytest.mark.parametrize(
    "code",
    [
        "import edgeseg",
        "from edgeseg.segmenter import Segmenter; Segmenter(sys.argv[1])",
        "sys.argv[1:] = ['live', sys.argv[1], '--source', 'belt:?size=64x96', '--frames', '2']; main()",
        "sys.argv[1:] = ['--help']; main()",
        "sys.argv[1:] = ['evaluate', sys.argv[1], sys.argv[3]]; main()",
        "sys.argv[1:] = ['data', 'belt', sys.argv[2], '--train', '1', '--val', '1']; main()",
    ],
)
def test_board_side_commands_import_no_training_library(
    code: str, int8_model: Path, belt_set: Path, tmp_path: Path
) -> None:
    report = (
        "import sys, atexit\nfrom edgeseg.cli import main\n"
        f"bad = {sorted(HOST_LIBRARIES)!r}\n"
        "atexit.register(lambda: print('LOADED', [name for name in bad if name in sys.modules]))\n"
    )
    command = [sys.executable, "-c", report + code, str(int8_model), str(tmp_path / "set"), str(belt_set)]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    loaded = result.stdout.splitlines()[-1]
    assert loaded == ("LOADED ['PIL']" if "evaluate" in code else "LOADED []")  # masks are read by Pillow
