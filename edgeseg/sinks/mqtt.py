"""`mqtt://[user:password@]host[:1883]/topic` class areas, figures and state, to a broker.

- `?every=1`: seconds between two messages on `topic/areas` (shares of the picture by class name)
  and on `topic/stats`
- `?discovery=homeassistant`: the prefix under which Home Assistant looks for new devices; empty: none
- `mqtt://user@host/topic`: the password is taken from the environment variable EDGESEG_MQTT_PASSWORD, so
  that it stands in no list of processes
- `mqtts://…?ca=broker.crt`: TLS, on port 8883; `ca` where no authority has signed the broker's certificate

`topic/state` is retained: `online` while frames come, `stale` while they do not, `offline` at
the end, or when the broker hears nothing more. A broker that is away stops nothing.
"""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from edgeseg.errors import MissingExtraError, OutputError, UsageError
from edgeseg.sinks.sink import LoopInfo, Segmented
from edgeseg.sinks.stale import is_stale
from edgeseg.uri import read_options

if TYPE_CHECKING:
    from edgeseg.sinks.broker import Address, Broker

FROM_ENVIRONMENT = "EDGESEG_MQTT_PASSWORD"
TICK_S = 0.25
LEAVE_S = 0.2
"""For the thread here; the broker has its own."""
FEWEST_S = 0.1


def accepts(uri: str) -> bool:
    """True for `mqtt://…` and `mqtts://…`."""
    return uri.startswith(("mqtt://", "mqtts://"))


def open(uri: str, loop: LoopInfo) -> MqttSink:
    """Raises UsageError for what cannot be read, MissingExtraError without paho-mqtt. A broker may be down."""
    if find_spec("paho") is None:
        raise MissingExtraError("paho-mqtt", "mqtt")
    from edgeseg.sinks.broker import Address

    address = Address.parse(uri)
    options = read_options(uri, {"every": "1", "discovery": "homeassistant", "ca": ""})
    try:
        every = float(options["every"])
    except ValueError:
        every = 0.0
    if not FEWEST_S <= every < float("inf"):
        wrong = f"every={options['every']} is no number of seconds"
        raise UsageError(f"{address.shown}: {wrong}; write at least every={FEWEST_S}")
    if options["ca"] and not address.tls:
        raise UsageError(f"{address.shown}: ca is for TLS; write mqtts://")
    if address.user is not None and address.password is None:
        address = replace(address, password=os.environ.get(FROM_ENVIRONMENT))
    return MqttSink(replace(address, ca=options["ca"] or None), every, options["discovery"], loop)


class MqttSink:
    """See `edgeseg.sinks.Sink`. A thread of its own publishes, also while no frame comes."""

    def __init__(self, address: Address, every_s: float, prefix: str, loop: LoopInfo) -> None:
        from edgeseg.sinks.broker import Broker
        from edgeseg.sinks.homeassistant import discovery

        self._topic, self._every_s, self._loop = address.topic, every_s, loop
        self._classes = [loop.labels.names[i] for i in loop.labels.counted]
        self._discovery = discovery(prefix, address.topic, self._classes, loop.model) if prefix else {}
        self._seen_at: float | None = None
        self._said = ""
        self._leaving = threading.Event()
        self._broker: Broker = Broker(address, f"{address.topic}/state", self._greet, loop.say)
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()

    def write(self, segmented: Segmented) -> None:
        """Take note that frames come; the figures are the loop's own."""
        self._seen_at = time.monotonic()

    def close(self, complete: bool) -> None:
        """Say that it is over; raises OutputError where the broker was not there to hear it."""
        self._leaving.set()
        self._thread.join(LEAVE_S)
        trouble = self._broker.trouble
        self._broker.close()
        if trouble and complete:
            raise OutputError(trouble)

    def _greet(self) -> dict[str, str]:
        """What a broker has to keep, which may have forgotten it."""
        self._said = self._state()
        discovered = {topic: json.dumps(config) for topic, config in self._discovery.items()}
        return discovered | {f"{self._topic}/state": self._said}

    def _run(self) -> None:
        due = time.monotonic()
        while not self._leaving.wait(min(self._every_s, TICK_S)):
            state = self._state()
            if state != self._said and self._broker.publish(f"{self._topic}/state", state, retain=True):
                self._said = state
            if time.monotonic() >= due:
                due = max(due + self._every_s, time.monotonic())
                self._publish_figures(state)

    def _publish_figures(self, state: str) -> None:
        stats = self._loop.stats()
        if state == "online":  # else they are of a picture long gone
            areas = dict.fromkeys(self._classes, 0.0) | stats.areas_now
            rounded = {name: round(area, 5) for name, area in areas.items()}
            self._broker.publish(f"{self._topic}/areas", json.dumps(rounded))
        figures = {
            "state": state,
            "fps": round(stats.recent_fps, 2),
            "invoke_ms": round(stats.invoke_ms, 3),
            "age_ms": round(stats.age_ms, 3),
            "frames": stats.frames,
            "dropped": stats.dropped,
            "source": stats.source,
            "model": stats.model or self._loop.model,
        }
        self._broker.publish(f"{self._topic}/stats", json.dumps(figures))

    def _state(self) -> str:
        if self._seen_at is None:
            return "stale"
        return "stale" if is_stale(time.monotonic() - self._seen_at, self._loop) else "online"
