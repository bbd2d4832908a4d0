"""How much of the board the page's visitors may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Bounds that hold whoever comes; the defaults suit a board."""

    connections: int = 64
    """Open at a time, whatever they want."""
    viewers: int = 16
    """Pages and streams that watch at a time."""
    header_s: float = 10.0
    """For a request's whole header to come in, and for an idle connection to stay."""
    patience_s: float = 10.0
    """For a viewer to take what was sent to it."""
    header_bytes: int = 4096
    """The request line, and each field of the header."""
    header_fields: int = 64
    body_bytes: int = 1024
    send_buffer_bytes: int = 128 * 1024
    """What the system keeps for a connection; a slow viewer sees old pictures for as long as this lasts."""
