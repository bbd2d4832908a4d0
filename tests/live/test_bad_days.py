"""The command as a service meets the world: a process of its own, and what it says."""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SMALL = "play=belt:?size=64x96&cycle=3"


def heeds_interrupts() -> None:
    """What a shell starts in the background, as CI may be, passes on that it ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Live:
    """A running `edgeseg live`, and what it has said so far."""

    def __init__(self, log: Path, *arguments: str, **environment: str) -> None:
        self._log = log
        command = [sys.executable, "-m", "edgeseg", "live", *arguments]
        with log.open("w") as err:
            self.process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=err,
                text=True,
                cwd=ROOT,
                env=os.environ | environment,
                preexec_fn=heeds_interrupts,
            )

    @property
    def said(self) -> str:
        return self._log.read_text()

    def wait_for(self, pattern: str, timeout_s: float = 60) -> re.Match[str]:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if found := re.search(pattern, self.said):
                return found
            time.sleep(0.05)
        raise AssertionError(f"{pattern} was not said in {timeout_s} s, but:\n{self.said}")

    def end(self, way: signal.Signals = signal.SIGINT) -> tuple[int, float]:
        """Exit code, and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(way)
        code = self.process.wait(timeout=60)
        return code, time.monotonic() - began


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Callable[..., Live]]:
    started: list[Live] = []

    def start(*arguments: str, **environment: str) -> Live:
        started.append(Live(tmp_path / f"said{len(started)}", *arguments, **environment))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()


def health(page: str) -> int:
    try:
        return urllib.request.urlopen(f"{page}/healthz", timeout=10).status
    except urllib.error.HTTPError as error:
        return error.code


def stats(page: str) -> dict[str, Any]:
    return json.loads(urllib.request.urlopen(f"{page}/stats.json", timeout=10).read())


def until(what: Callable[[], bool], timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_camera_that_is_unplugged_and_comes_back_is_told_and_goes_on(live: Callable[..., Live]) -> None:
    loop = live("stub:?invoke_ms=1&size=64x96", "--source", f"fake:?lost=2+2&{SMALL}", "--out", "http://127.0.0.1:0")
    page = loop.wait_for(r"page: (http://\S+)")[1]
    loop.wait_for(r"source: lost, trying again .*away")
    loop.wait_for("source: all is well again")
    until(lambda: health(page) == 200)
    assert loop.end()[0] == 0


def test_a_source_may_be_another_loops_page(live: Callable[..., Live]) -> None:
    """Our own page's stream, read through HTTP as any other camera's."""
    first = live("stub:?size=64x96", "--source", f"fake:?fps=20&{SMALL}", "--out", "http://127.0.0.1:0")
    page = first.wait_for(r"page: (http://\S+)")[1]
    second = live("stub:?size=64x96", "--source", f"{page}/stream.mjpg", "--frames", "10", "--json")
    printed, _ = second.process.communicate(timeout=60)
    assert second.process.returncode == 0, second.said
    assert json.loads(printed)["frames"] == 10
    first.end()


@pytest.mark.slow
def test_a_source_that_is_another_loops_page_is_silent_when_that_is_stale(live: Callable[..., Live]) -> None:
    first = live("stub:?size=64x96", "--source", f"fake:?fps=20&stall=9+60&{SMALL}", "--out", "http://127.0.0.1:0")
    page = first.wait_for(r"page: (http://\S+)")[1]
    second = live("stub:?size=64x96", "--source", f"{page}/stream.mjpg", "--out", "http://127.0.0.1:0")
    other = second.wait_for(r"page: (http://\S+)")[1]
    until(lambda: stats(page)["stale"] and stats(other)["stale"])
    assert min(stats(page)["frames"], stats(other)["frames"]) > 0


def test_an_accelerator_that_hangs_with_nothing_to_fall_back_on_ends_with_a_cure(live: Callable[..., Live]) -> None:
    loop = live("stub:?hang_at=5", "--source", "belt:?size=64x96", "--invoke-limit", "0.5", "--frames", "500")
    assert loop.process.wait(timeout=60) == 1
    assert "has not come back for 0.5 s; unplug the accelerator" in loop.said
    assert "Traceback" not in loop.said


def test_ctrl_c_ends_even_a_loop_whose_accelerator_hangs(live: Callable[..., Live], tmp_path: Path) -> None:
    out = tmp_path / "o.avi"
    loop = live("stub:?hang_at=5&invoke_ms=1", "--source", "belt:?size=64x96", "--out", str(out))
    until(lambda: any(tmp_path.glob(".o-*")))
    time.sleep(1)
    code, seconds = loop.end()
    assert code == 0, loop.said
    assert seconds < 10  # the promise is 2 s, on a machine that has nothing else to do
    assert out.is_file()


def test_a_stream_that_stalls_without_closing_is_stale(live: Callable[..., Live]) -> None:
    loop = live("stub:?invoke_ms=1&size=64x96", "--source", f"fake:?stall=2+60&{SMALL}", "--out", "http://127.0.0.1:0")
    page = loop.wait_for(r"page: (http://\S+)")[1]
    until(lambda: stats(page)["frames"] > 0 and stats(page)["stale"])
    assert health(page) == 503
    loop.wait_for("source: silent for")
    assert loop.end()[0] == 0


def test_a_disk_that_fills_is_told_and_the_page_goes_on(live: Callable[..., Live], tmp_path: Path) -> None:
    """RLIMIT_FSIZE stands in for the disk: nothing that this process writes may grow beyond 2 kB."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
    try:
        loop = live(
            *("stub:?invoke_ms=1&size=64x96", "--source", f"fake:?{SMALL}", "--out", "http://127.0.0.1:0"),
            *("--out", f"jsonl:{tmp_path / 'areas'}"),
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    page = loop.wait_for(r"page: (http://\S+)")[1]
    loop.wait_for(r"areas: cannot be written \(.*; free some space; the loop goes on and tries again")
    until(lambda: health(page) == 200)
    assert loop.end()[0] == 1
    assert re.search(r"areas: .*\d+ frames are not in it", loop.said)


def test_systemd_hears_of_readiness_life_and_the_end(live: Callable[..., Live], tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(60)
        loop = live(
            "stub:?invoke_ms=1&size=64x96",
            "--source",
            f"fake:?{SMALL}",
            "--out",
            f"jsonl:{tmp_path / 'areas'}",
            NOTIFY_SOCKET=str(tmp_path / "notify"),
            WATCHDOG_USEC="400000",
        )
        heard = [manager.recv(4096).decode()]
        while not any("READY=1" in text for text in heard) or heard[-1].count("WATCHDOG=1") == 0:
            heard.append(manager.recv(4096).decode())
        assert (tmp_path / "areas").read_text().startswith("{")  # ready means that masks come
        loop.process.send_signal(signal.SIGTERM)
        while "STOPPING=1" not in heard[-1]:
            heard.append(manager.recv(4096).decode())
        assert loop.process.wait(timeout=60) == 0


def test_a_model_that_was_swapped_for_a_broken_one_is_refused_and_the_old_one_goes_on(
    live: Callable[..., Live], int8_model: Path, tmp_path: Path
) -> None:
    model = tmp_path / "m.tflite"
    model.write_bytes(int8_model.read_bytes())
    loop = live(str(model), "--source", f"fake:?{SMALL}", "--out", "http://127.0.0.1:0")
    page = loop.wait_for(r"page: (http://\S+)")[1]
    until(lambda: health(page) == 200)
    model.write_bytes(b"not a model any more")
    loop.process.send_signal(signal.SIGHUP)
    loop.wait_for(r"is not a TFLite model.*the model before it goes on")
    until(lambda: health(page) == 200)
    assert loop.end(signal.SIGTERM)[0] == 0


def test_a_dead_source_at_the_start_is_refused_at_once(live: Callable[..., Live]) -> None:
    loop = live("stub:", "--source", "rtsp://user:s3cret@127.0.0.1:9/x", "--frames", "3")
    assert loop.process.wait(timeout=60) == 1
    assert "no stream can be had there" in loop.said
    assert "s3cret" not in loop.said
    assert "Traceback" not in loop.said
