"""The address that a page is asked for, and the socket behind it."""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from edgeseg.errors import OutputError, UsageError
from edgeseg.uri import read_options

EXAMPLE = "http://127.0.0.1:8080"
DEFAULT_PORT = 8080
DEFAULTS = {"fps": "15"}


@dataclass(frozen=True)
class Address:
    """Where a page is served, and how often it shows a picture."""

    uri: str
    host: str
    port: int
    """0 for any that is free."""
    fps: float
    """Pictures a second at most, however fast the loop is."""

    @classmethod
    def parse(cls, uri: str) -> Address:
        """Raises UsageError for what is no `http://HOST:PORT`, or has options that are not known."""
        parts = urlsplit(uri)
        options = read_options(uri, DEFAULTS)
        if not parts.hostname or parts.path not in ("", "/") or parts.username is not None:
            raise UsageError(f"{uri}: is no address for a page; write it like {EXAMPLE}")
        try:
            port = DEFAULT_PORT if parts.port is None else parts.port
            fps = float(options["fps"])
        except ValueError as error:
            raise UsageError(f"{uri}: cannot be read ({error}); write it like {EXAMPLE}?fps=10") from error
        if not 0 < fps <= 240:
            raise UsageError(f"{uri}: fps has to lie between 0 and 240")
        return cls(uri, parts.hostname, port, fps)

    def listen(self, send_buffer_bytes: int) -> socket.socket:
        """A socket that takes connections; raises OutputError where the address cannot be had."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            found = socket.getaddrinfo(self.host, self.port, family, socket.SOCK_STREAM)
            listening = socket.create_server(found[0][4][:2], family=family, backlog=64)
        except socket.gaierror as error:
            raise OutputError(f"{self.uri}: nobody knows the host {self.host}; write it like {EXAMPLE}") from error
        except OSError as error:
            raise OutputError(f"{self.uri}: {self._trouble(error)}") from error
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer_bytes)  # its connections inherit it
        return listening

    def _trouble(self, error: OSError) -> str:
        if error.errno == errno.EADDRINUSE:
            return f"port {self.port} is taken; choose another with --out {self._with_port(self.port % 65535 + 1)}"
        if error.errno == errno.EACCES:
            return f"port {self.port} is for root; choose another with --out {self._with_port(DEFAULT_PORT)}"
        if error.errno == errno.EADDRNOTAVAIL:
            return f"{self.host} is no address of this machine; write 127.0.0.1, or 0.0.0.0 for all that it has"
        return f"cannot be opened ({os.strerror(error.errno or 0)})"

    def _with_port(self, port: int) -> str:
        return f"http://{bracketed(self.host)}:{port}"


def is_loopback(host: str) -> bool:
    """True for an IP address, or `localhost`, that only this machine reaches."""
    import ipaddress

    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def reachable_host(bound: str) -> str:
    """What to write for the address `bound`: this machine's own where it stands for all of them."""
    if bound not in ("0.0.0.0", "::"):  # noqa: S104  # read, not bound
        return bound
    family, somewhere = (socket.AF_INET6, "2001:db8::1") if ":" in bound else (socket.AF_INET, "192.0.2.1")
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((somewhere, 9))  # chooses the way out; sends nothing
            return str(probe.getsockname()[0])
        except OSError:  # no network at all
            return socket.gethostname()


def bracketed(host: str) -> str:
    """A host as it stands in a URL."""
    return f"[{host}]" if ":" in host else host
