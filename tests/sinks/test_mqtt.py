"""Against a real broker."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edgeseg.labels import Labels
from edgeseg.sinks import open_sink
from edgeseg.sinks.sink import LoopInfo, Segmented, Sink
from edgeseg.stats import LiveStats

pytest.importorskip("paho.mqtt.client", reason="needs paho-mqtt: pip install 'edgeseg[mqtt]'")

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
pytestmark = pytest.mark.skipif(MOSQUITTO is None, reason="needs a broker: apt install mosquitto")
ROOT = Path(__file__).parents[2]
LABELS = Labels.from_names(["background", "nut", "void"])
PATIENCE_S = 15.0


def wait_for(true: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Mosquitto:
    """A broker on a port of loopback, that can be stopped and started again."""

    def __init__(self, folder: Path, *lines: str, port: int | None = None) -> None:
        self.port = port or free_port()
        self._config = folder / "mosquitto.conf"
        user = "user root\n" if os.getuid() == 0 else ""  # else it gives up the right to read its own files
        self._config.write_text(user + "\n".join([f"listener {self.port} 127.0.0.1", *lines]) + "\n")
        self.start()

    def start(self) -> None:
        assert MOSQUITTO is not None
        self.process = subprocess.Popen([MOSQUITTO, "-c", str(self._config)], stderr=subprocess.DEVNULL)
        wait_for(self._answers, "mosquitto")

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


class Listener:
    """Everything that a broker passes on, in the order of its coming."""

    def __init__(self, port: int) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.messages: list[tuple[str, str, bool]] = []
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = lambda client, *_: client.subscribe("#")
        self._client.on_message = lambda *given: self._take(given[-1])
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _take(self, message) -> None:
        self.messages.append((message.topic, message.payload.decode(), bool(message.retain)))

    def of(self, topic: str) -> list[str]:
        return [payload for at, payload, _ in self.messages if at == topic]

    def wait(self, topic: str, last: str) -> None:
        wait_for(lambda: self.of(topic)[-1:] == [last], f"{last} on {topic}, have {self.messages[-5:]}")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    started: list[Mosquitto] = []

    def make(*lines: str, port: int | None = None) -> Mosquitto:
        started.append(Mosquitto(tmp_path, *(lines or ("allow_anonymous true",)), port=port))
        return started[-1]

    yield make
    for broker in started:
        broker.stop()


@pytest.fixture
def listen() -> Iterator[Callable[[int], Listener]]:
    listening: list[Listener] = []

    def make(port: int) -> Listener:
        listening.append(Listener(port))
        return listening[-1]

    yield make
    for listener in listening:
        listener.close()


@pytest.fixture
def sink(info: Callable[..., LoopInfo]) -> Iterator[Callable[..., Sink]]:
    """A function that opens one; the areas are those of a loop that sees a nut on a quarter of the picture."""
    opened: list[Sink] = []

    def make(uri: str) -> Sink:
        areas = {"background": 0.75, "nut": 0.25}
        stats = LiveStats(7, 2.0, 2.5, 0.5, 3, areas, "m.tflite", recent_fps=9.5, age_ms=6.0, areas_now=areas)
        opened.append(open_sink(uri, info(labels=LABELS, model="m.tflite", stats=lambda: stats, live=True)))
        return opened[-1]

    yield make
    for each in opened:
        each.close(complete=False)


@pytest.fixture
def feeding(segmented: Callable[..., Segmented]) -> Iterator[Callable[[Sink], threading.Event]]:
    """Give a sink frames at 20 a second until the event is set."""
    feeds: list[tuple[threading.Thread, threading.Event]] = []

    def begin(sink: Sink) -> threading.Event:
        enough = threading.Event()

        def feed() -> None:
            while not enough.wait(0.05):
                sink.write(segmented(0))

        thread = threading.Thread(target=feed)
        thread.start()
        feeds.append((thread, enough))
        return enough

    yield begin
    for thread, enough in feeds:
        enough.set()
        thread.join()


def test_areas_figures_and_state_are_published(start, listen, sink, feeding, said) -> None:
    broker = start()
    listener = listen(broker.port)
    opened = sink(f"mqtt://127.0.0.1:{broker.port}/hall/line1?every=0.2")
    enough = feeding(opened)
    listener.wait("hall/line1/state", "online")
    wait_for(lambda: len(listener.of("hall/line1/areas")) > 2, "areas")
    assert json.loads(listener.of("hall/line1/areas")[-1]) == {"background": 0.75, "nut": 0.25}
    figures = json.loads(listener.of("hall/line1/stats")[-1])
    assert figures == {"state": "online", "fps": 9.5, "invoke_ms": 2.5, "age_ms": 6.0, "frames": 7, "dropped": 3,
                       "source": "", "model": "m.tflite"}  # fmt: skip
    enough.set()
    listener.wait("hall/line1/state", "stale")
    wait_for(lambda: json.loads(listener.of("hall/line1/stats")[-1])["state"] == "stale", "figures without frames")
    counted = len(listener.of("hall/line1/areas"))
    time.sleep(0.5)
    assert len(listener.of("hall/line1/areas")) == counted  # of a picture long gone
    opened.close(complete=True)
    listener.wait("hall/line1/state", "offline")
    late = listen(broker.port)
    wait_for(lambda: late.messages, "what is retained")
    assert ("hall/line1/state", "offline", True) in late.messages
    assert said == []


def test_figures_come_no_faster_than_asked(start, listen, sink, feeding) -> None:
    broker = start()
    listener = listen(broker.port)
    feeding(sink(f"mqtt://127.0.0.1:{broker.port}/t?every=60"))
    listener.wait("t/state", "online")
    time.sleep(1)
    assert len(listener.of("t/stats")) == 1


def test_home_assistant_is_told_in_retained_messages_what_there_is(start, listen, sink, feeding) -> None:
    broker = start()
    listener = listen(broker.port)
    feeding(sink(f"mqtt://127.0.0.1:{broker.port}/hall/line1?every=0.2"))
    listener.wait("hall/line1/state", "online")
    wait_for(lambda: listener.of("hall/line1/areas") and listener.of("hall/line1/stats"), "figures")
    late = listen(broker.port)
    topic = "homeassistant/sensor/edgeseg_hall_line1/class_nut/config"
    wait_for(lambda: late.of(topic), "discovery")
    wait_for(lambda: len([each for each in late.messages if each[0].startswith("homeassistant/")]) == 4, "the others")
    assert all(kept for at, _, kept in late.messages if at.startswith("homeassistant/"))
    found = {at: json.loads(payload) for at, payload, _ in late.messages if at.startswith("homeassistant/")}
    assert not any("void" in at for at in found)
    nut = found[topic]
    assert (nut["name"], nut["unit_of_measurement"]) == ("nut", "%")
    assert nut["value_template"] == '{{ (100 * value_json["nut"]) | round(2) }}'
    assert "nut" in json.loads(listener.of(nut["state_topic"])[-1])
    published = {at for at, _, _ in listener.messages}
    assert {each[key] for each in found.values() for key in ("state_topic", "availability_topic")} <= published


def test_discovery_can_be_left_out(start, listen, sink, feeding) -> None:
    broker = start()
    listener = listen(broker.port)
    feeding(sink(f"mqtt://127.0.0.1:{broker.port}/t?discovery="))
    listener.wait("t/state", "online")
    assert {at.partition("/")[0] for at, _, _ in listener.messages} == {"t"}


PROGRAM = """
import sys, time
import numpy as np
from edgeseg.labels import Labels
from edgeseg.sinks import open_sink
from edgeseg.sinks.sink import LoopInfo, Segmented
from edgeseg.sources.frame import Frame
sink = open_sink(sys.argv[1], LoopInfo(Labels.numbered(2), 10, live=True))
while True:
    frame = Frame(np.zeros((4, 4, 3), np.uint8), "a", 0.0)
    sink.write(Segmented(frame, np.zeros((2, 2), np.uint8), 0, 1.0, 1.0))
    time.sleep(0.05)
"""


def test_the_last_will_says_offline_when_the_loop_is_killed(start, listen) -> None:
    broker = start()
    listener = listen(broker.port)
    uri = f"mqtt://127.0.0.1:{broker.port}/t"
    with subprocess.Popen([sys.executable, "-c", PROGRAM, uri], cwd=ROOT) as process:
        listener.wait("t/state", "online")
        process.kill()
    listener.wait("t/state", "offline")


def test_a_broker_may_be_down_at_the_start_and_again_later(start, listen, sink, feeding, said) -> None:
    port = free_port()
    opened = sink(f"mqtt://me:s3cret@127.0.0.1:{port}/t?every=0.1")
    feeding(opened)
    wait_for(lambda: said, "what is wrong")
    time.sleep(1.2)  # a second try
    shown = f"mqtt://***@127.0.0.1:{port}/t"
    assert said == [f"{shown}: the broker does not answer (Connection refused); trying again"]
    broker = start(port=port)
    wait_for(lambda: len(said) > 1, "that it is back")
    assert said[1:] == [f"{shown}: the broker answers"]
    listen(port).wait("t/state", "online")
    broker.stop()
    wait_for(lambda: len(said) > 2, "that it is gone")
    assert said[2:] == [f"{shown}: the broker has gone away; trying again"]
    time.sleep(1.5)  # 15 times that something could pile up
    broker.start()
    back = time.monotonic()
    listener = listen(port)
    listener.wait("t/state", "online")
    assert len(listener.of("t/areas")) <= 2 + (time.monotonic() - back) / 0.1
    assert listener.of("homeassistant/sensor/edgeseg_t/class_nut/config")  # which the broker had forgotten
    wait_for(lambda: len(said) > 3, "that it is back")
    assert said[3:] == [f"{shown}: the broker answers"]


def test_a_broker_that_hangs_is_given_up_and_taken_up_again(
    start, listen, sink, feeding, said, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgeseg.sinks import broker as module

    monkeypatch.setattr(module, "KEEPALIVE_S", 1)
    broker = start()
    opened = sink(f"mqtt://127.0.0.1:{broker.port}/t?every=0.1")
    feeding(opened)
    listen(broker.port).wait("t/state", "online")
    broker.process.send_signal(signal.SIGSTOP)
    wait_for(lambda: said, "that it hangs")
    broker.process.send_signal(signal.SIGCONT)
    wait_for(lambda: len(said) > 1, "that it is back")
    assert ["has gone away" in said[0], "the broker answers" in said[1]] == [True, True]


def test_a_wrong_password_is_said_once_and_not_shown(start, sink, said, tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(passwords), "me", "right"], check=True)
    passwords.chmod(0o600)
    broker = start("allow_anonymous false", f"password_file {passwords}")
    sink(f"mqtt://me:s3cret@127.0.0.1:{broker.port}/t")
    wait_for(lambda: said, "the refusal")
    time.sleep(1.5)
    assert len(said) == 1
    assert "the broker refuses us (" in said[0]
    assert "check user and password in the URI; trying again" in said[0]
    assert "s3cret" not in said[0]


def test_the_right_password_with_odd_letters_is_taken(start, sink, feeding, said, tmp_path: Path) -> None:
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(passwords), "me", "p@ss/w:rd"], check=True)
    passwords.chmod(0o600)
    broker = start("allow_anonymous false", f"password_file {passwords}")
    opened = sink(f"mqtt://me:p%40ss%2Fw%3Ard@127.0.0.1:{broker.port}/t")
    wait_for(lambda: opened._broker.publish("t", "here"), "the connection")
    assert said == []


@pytest.mark.parametrize(
    ("user", "variable", "refused"), [("me", "p@ss/w:rd", False), ("me:p%40ss%2Fw%3Ard", "x", False), ("me", "x", True)]
)
def test_a_password_that_the_uri_lacks_comes_from_the_environment(
    user: str, variable: str, refused: bool, start, sink, said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGESEG_MQTT_PASSWORD", variable)
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(passwords), "me", "p@ss/w:rd"], check=True)
    passwords.chmod(0o600)
    broker = start("allow_anonymous false", f"password_file {passwords}")
    opened = sink(f"mqtt://{user}@127.0.0.1:{broker.port}/t")
    wait_for(lambda: said or opened._broker.publish("t", "here"), "the connection or the refusal")
    assert bool(said) == refused


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs a certificate: apt install openssl")
def test_tls_is_spoken_with_a_broker_whose_certificate_is_known_and_no_other(
    start, sink, feeding, said, tmp_path: Path
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "broker.crt"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=broker"]
    make += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(make, check=True, capture_output=True)
    broker = start("allow_anonymous true", f"certfile {certificate}", f"keyfile {key}")
    uri = f"mqtts://127.0.0.1:{broker.port}/t"
    known = sink(f"{uri}?ca={certificate}")
    wait_for(lambda: known._broker.publish("t", "here"), "the connection")
    assert said == []
    sink(uri)
    wait_for(lambda: said, "the refusal")
    assert "certificate verify failed" in said[0]
    with pytest.raises(OSError, match="cannot be read as a certificate"):
        sink(f"{uri}?ca={key}")


@pytest.mark.parametrize("takes_connections", [True, False])
def test_the_end_does_not_wait_for_a_broker_that_says_nothing(takes_connections: bool, sink, feeding) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as silent, ExitStack() as waiting:
        if not takes_connections:
            for _ in range(4):  # once some wait, the system lets nobody else in
                client = waiting.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex(silent.getsockname())
        opened = sink(f"mqtt://127.0.0.1:{silent.getsockname()[1]}/t")
        feeding(opened)
        time.sleep(0.3)
        closing = threading.Thread(target=opened.close, args=(True,), daemon=True)
        closing.start()
        closing.join(3)
        assert not closing.is_alive()
