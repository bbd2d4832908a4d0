"""The connection to an MQTT broker: made in the background, and made again for as long as it takes."""

from __future__ import annotations

import secrets
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from paho.mqtt.client import MQTT_ERR_SUCCESS, Client
from paho.mqtt.enums import CallbackAPIVersion

from edgeseg.errors import OutputError, UsageError
from edgeseg.uri import masked

EXAMPLE = "mqtt://192.168.0.10/edgeseg/line1"
PORTS = {"mqtt": 1883, "mqtts": 8883}
KEEPALIVE_S = 15
"""A broker that is silent for twice as long is gone, and so are we to the broker."""
LONGEST_WAIT_S = 30
LEAVE_S = 0.5


@dataclass(frozen=True)
class Address:
    """Where a broker is, and where in it we are."""

    shown: str
    """For messages: without password and options."""
    host: str
    port: int
    topic: str
    """Without a slash at either end."""
    user: str | None
    password: str | None = field(repr=False)
    tls: bool
    ca: str | None = None
    """File with the certificate that vouches for the broker's; None: those that the system trusts."""

    @classmethod
    def parse(cls, uri: str) -> Address:
        """Raises UsageError for what is no `mqtt://HOST/TOPIC`."""
        shown = masked(uri)
        try:
            parts = urlsplit(uri)
            port = PORTS[parts.scheme] if parts.port is None else parts.port
            host = (parts.hostname or "").encode("idna").decode()
            if "@" in parts.path or parts.fragment:
                raise ValueError("a password with a slash looks like a port and a topic")
        except ValueError as error:  # its text may hold a part of the password
            cure = f"write it like {EXAMPLE}, and / ? # @ : in a password as %2F %3F %23 %40 %3A"
            raise UsageError(f"{shown}: cannot be read; {cure}") from error
        topic = unquote(parts.path).strip("/")
        if not host or not port or not topic or set("+#\0") & set(topic):
            raise UsageError(f"{shown}: names no host and topic (without + and #); write it like {EXAMPLE}")
        tls = parts.scheme == "mqtts"
        user, password = (unquote(part) if part is not None else None for part in (parts.username, parts.password))
        return cls(shown.partition("?")[0], host, port, topic, user, password, tls)


class Broker:
    """A broker that may come and go. What is published while it is away is dropped, so nothing piles up."""

    def __init__(
        self,
        address: Address,
        state_topic: str,
        greet: Callable[[], Mapping[str, str]],
        say: Callable[[str], None],
    ) -> None:
        """`greet` gives payloads by topic to be retained, each time the broker is there; `offline` is the last will.

        Raises OutputError where `ca` is no certificate.
        """
        self._shown, self._state_topic = address.shown, state_topic
        self._greet, self._say = greet, say
        self._up = self._closing = False
        self._trouble = ""
        self.trouble = ""
        """Why the broker does not hear us; empty while it does, or has not had the time."""
        self._client = client = Client(CallbackAPIVersion.VERSION2, client_id=f"edgeseg-{secrets.token_hex(4)}")
        if address.user is not None:
            client.username_pw_set(address.user, address.password)
        if address.tls:
            try:
                client.tls_set(ca_certs=address.ca)
            except OSError as error:
                raise OutputError(f"{address.ca}: cannot be read as a certificate; give the broker's in PEM") from error
        client.will_set(state_topic, "offline", qos=1, retain=True)
        client.reconnect_delay_set(1, LONGEST_WAIT_S)
        client.on_connect, client.on_connect_fail = self._on_connect, self._on_connect_fail
        client.on_disconnect = self._on_disconnect
        client.connect_async(address.host, address.port, KEEPALIVE_S)
        client.loop_start()

    def publish(self, topic: str, payload: str, retain: bool = False) -> bool:
        """False while the broker is away."""
        return self._up and self._client.publish(topic, payload, retain=retain).rc == MQTT_ERR_SUCCESS

    def close(self) -> None:
        """Take leave, in at most `LEAVE_S`."""
        self.publish(self._state_topic, "offline", retain=True)
        self._closing = True
        self._client.disconnect()
        # It ends once all is sent, but hangs where somebody is being connected to who does not answer.
        stopping = threading.Thread(target=self._client.loop_stop, name="mqtt-stop", daemon=True)
        stopping.start()
        stopping.join(LEAVE_S)

    def _on_connect(self, client: Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        if self._closing:
            return
        if reason.is_failure:
            self._lose("refused", f"the broker refuses us ({reason}); check user and password in the URI")
            return
        for topic, payload in self._greet().items():
            client.publish(topic, payload, retain=True)
        self._up = True
        if self._trouble:
            self._trouble = self.trouble = ""
            self._say(f"{self._shown}: the broker answers")

    def _on_connect_fail(self, client: Client, userdata: Any) -> None:
        reason = sys.exception()  # paho calls from where it has caught it, and tells nothing itself
        self._lose("away", f"the broker does not answer ({getattr(reason, 'strerror', None) or reason})")

    def _on_disconnect(self, client: Client, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        was_up, self._up = self._up, False
        if was_up or not self._trouble:
            self._lose("away", "the broker has gone away")

    def _lose(self, trouble: str, text: str) -> None:
        """Say it once, not at each try."""
        if self._closing:
            return
        if trouble != self._trouble:
            self._say(f"{self._shown}: {text}; trying again")
        self._trouble, self.trouble = trouble, f"{self._shown}: {text}; what there was to say is lost"
