"""What doctor asks of real processes: here, and where a library is broken."""

import http.server
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import pytest

from edgeseg.doctor.child import TINY
from edgeseg.doctor.probes import cameras, libedgetpu, opencv, page, python, runtime
from edgeseg.doctor.system import System, recorded, run_here
from tests.doctor.systems import UNIT, USB

CHILD = ("python", "-m", "edgeseg.doctor.child")


@pytest.fixture
def here(tmp_path: Path) -> System:
    """The files of an empty folder, and this machine's commands."""
    return System(tmp_path, run_here)


@pytest.fixture
def breaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Put a module of this text before the installed one."""

    def put(name: str, text: str) -> None:
        path = tmp_path / "broken" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))

    return put


@pytest.mark.parametrize(
    ("probe", "text"), [(python, "64-bit"), (runtime, "ran a model"), (opencv, f"OpenCV {cv2.__version__}")]
)
def test_this_machine_is_fine(here: System, probe, text: str) -> None:
    found = probe.look(here)
    assert found.state == "fine", found
    assert text in found.text


def test_a_runtime_that_aborts_is_survived_and_told(here: System, breaks) -> None:
    breaks("ai_edge_litert.py", "import os; os.abort()")
    found = runtime.look(here)
    assert (found.state, found.text) == ("wrong", "a tiny model does not run: it crashes (SIGABRT)")


def test_a_numpy_that_the_runtime_was_not_built_for_is_told(here: System, breaks) -> None:
    text = "class OpResolverType: AUTO = BUILTIN_WITHOUT_DEFAULT_DELEGATES = 0\ndef Interpreter(**_): raise SystemError"
    breaks("ai_edge_litert/interpreter.py", text)
    breaks("ai_edge_litert/__init__.py", "")
    found = runtime.look(here)
    assert found.state == "wrong"
    assert "litert cannot work with NumPy 2." in found.text
    assert found.fix == "pip install 'edgeseg[legacy]'"


def test_an_opencv_without_libgl_is_told_and_cameras_are_not_guessed(here: System, breaks) -> None:
    breaks("cv2.py", "raise ImportError('libGL.so.1: cannot open shared object file: No such file or directory')")
    found = opencv.look(here)
    assert found.state == "wrong"
    assert "libGL.so.1" in found.text
    assert "opencv-python-headless" in found.fix
    assert cameras.look(here).text == "not known, since cv2 does not load"


def test_a_library_that_does_not_load_gives_the_loaders_reason(here: System, tmp_path: Path) -> None:
    for name, text in {
        "/usr/lib/libedgetpu.so.1": "",
        f"{USB}/1-1/idVendor": "1a6e",
        f"{USB}/1-1/idProduct": "089a",
    }.items():
        path = tmp_path / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = libedgetpu.look(here)
    assert found.state == "wrong"
    assert "does not load: libedgetpu.so.1: cannot open shared object file" in found.text


@pytest.fixture
def port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        number: int = taken.getsockname()[1]
        return number


def with_service(root: Path, port: int) -> System:
    path = root / UNIT.lstrip("/")
    path.parent.mkdir(parents=True)
    path.write_text(f"[Service]\nExecStart=edgeseg live m.tflite --out http://0.0.0.0:{port}?fps=5\n")
    return System(recorded(root).root, run_here)


@pytest.fixture(params=[("0.0.0.0", "asks for a token"), ("127.0.0.1", "for this machine alone")])
def served(request: pytest.FixtureRequest, port: int) -> Iterator[str]:
    """A loop with its page, and what doctor should say of it."""
    host, said = request.param
    command = [sys.executable, "-m", "edgeseg", "live", str(TINY), "--source", "belt:?size=64x96"]
    token = ["--token", "sesame"] if host == "0.0.0.0" else []
    with subprocess.Popen(
        [*command, "--out", f"http://{host}:{port}", *token], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as loop:
        assert loop.stderr is not None
        assert loop.stderr.readline()  # the link, once it listens
        threading.Thread(target=loop.stderr.read, daemon=True).start()
        yield said
        loop.terminate()


def test_a_page_answers_and_its_token_is_not_told(served: str, tmp_path: Path, port: int) -> None:
    found = page.look(with_service(tmp_path, port))
    assert found.state == "fine", found
    assert f"port {port}" in found.text
    assert served in found.text
    assert "sesame" not in str(found)


def test_a_page_that_is_not_there_is_missed(tmp_path: Path, port: int) -> None:
    assert (
        page.look(with_service(tmp_path, port)).text == f"nothing answers at port {port}, though a service is installed"
    )


def test_another_program_at_the_port_is_told(tmp_path: Path) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        found = page.look(with_service(tmp_path, other.server_port))
        other.shutdown()
    assert found.text == f"another program answers at port {other.server_port}"
