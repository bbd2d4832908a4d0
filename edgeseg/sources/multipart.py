"""JPEGs out of a `multipart/x-mixed-replace` answer, which is how cameras send them over HTTP."""

from __future__ import annotations

import time
from http.client import HTTPException, HTTPResponse, InvalidURL
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit
from urllib.request import HTTPBasicAuthHandler, HTTPDigestAuthHandler, HTTPPasswordMgrWithDefaultRealm, build_opener

from edgeseg.errors import SourceError
from edgeseg.printable import printable
from edgeseg.sources.capture import SILENCE
from edgeseg.sources.frame import Frame

STALE = b"x-edgeseg-stale"
"""Head of such a part."""
LARGEST = 16 * 2**20
"""Bytes of a part, above which it is no picture."""
CHUNK = 64 * 2**10


def request(uri: str, shown: str) -> HTTPResponse:
    """The open answer of `uri`, which may hold user:password@; raises SourceError that names `shown` instead."""
    try:
        parts = urlsplit(uri)
        host = parts.netloc.rpartition("@")[2]
        bare = parts._replace(netloc=host).geturl()
        keys = HTTPPasswordMgrWithDefaultRealm()  # gives them to this host alone, wherever that one sends us on to
        keys.add_password(None, bare, unquote(parts.username or ""), unquote(parts.password or ""))
        opener = build_opener(HTTPDigestAuthHandler(keys), HTTPBasicAuthHandler(keys))
        answer: HTTPResponse = opener.open(bare, timeout=SILENCE)
    except HTTPError as error:
        if error.code in (401, 403):
            raise SourceError(
                f"{shown}: refused ({error.code}); write it with  //USER:PASSWORD@  before the host"
            ) from error
        reason = printable(str(error.reason))
        raise SourceError(f"{shown}: the server answers {error.code} {reason}; check the address") from error
    except URLError as error:
        reason = printable(str(error.reason))
        raise SourceError(f"{shown}: cannot be reached ({reason}); check the address and the network") from error
    except (InvalidURL, ValueError):  # its message may quote the password
        raise SourceError(f"{shown}: is no address; in a password, write %2F for / and %40 for @") from None
    except (OSError, HTTPException) as error:
        raise SourceError(f"{shown}: gives no answer ({type(error).__name__}); check the address") from error
    return answer


class MultipartGrabber:
    """See `edgeseg.sources.capture.Grabber`; gives whatever the parts hold, whole JPEGs or not."""

    def __init__(self, answer: HTTPResponse) -> None:
        self.fps = 30.0  # nobody says
        self.notes: list[str] = []
        self._answer = answer
        self._buffer = bytearray()
        self._delimiter = b""
        self._deadline = 0.0

    def read(self) -> Frame:
        """See `edgeseg.sources.capture.Grabber`."""
        self._deadline = time.monotonic() + SILENCE
        try:
            while (jpeg := self._part()) is None:
                pass
        except TimeoutError as error:
            raise SourceError(f"the server sent nothing for {SILENCE:.0f} s") from error
        except (OSError, HTTPException) as error:
            if isinstance(error, SourceError):
                raise
            raise SourceError(f"the connection broke ({printable(str(error))})") from error
        return Frame(None, "", time.monotonic(), jpeg)

    def close(self) -> None:
        """End the connection."""
        self._answer.close()

    def _part(self) -> bytes | None:
        """None for a picture of the past, which a page of our own shows again and again."""
        self._to_delimiter()
        length, stale = None, False
        while line := self._line():
            name, _, value = line.partition(b":")
            stale |= name.strip().lower() == STALE
            if name.strip().lower() == b"content-length" and value.strip().isdigit():
                length = int(value)
        if length is None:  # it ends where the next begins
            return self._take(self._find(self._delimiter)).removesuffix(b"\n").removesuffix(b"\r")
        if length > LARGEST:
            raise _too_large()
        while len(self._buffer) < length:
            self._fill()
        jpeg = self._take(length)
        return None if stale else jpeg

    def _to_delimiter(self) -> None:
        """Drop what is left of the part before, if its length was wrong, and the line that divides it from the next.

        That line is taken as it comes, since cameras disagree on whether the name in the
        answer's head has its dashes.
        """
        if self._delimiter:
            self._take(self._find(self._delimiter))
            line = self._line()
        else:
            while not (line := self._line()).startswith(b"--"):
                pass
            self._delimiter = line
        if line != self._delimiter:
            raise SourceError("the server ended the stream")

    def _line(self) -> bytes:
        return self._take(self._find(b"\n") + 1).rstrip()

    def _find(self, mark: bytes) -> int:
        searched = 0
        while (at := self._buffer.find(mark, searched)) < 0:
            searched = max(0, len(self._buffer) - len(mark))
            if searched > LARGEST:
                raise _too_large()
            self._fill()
        return at

    def _fill(self) -> None:
        if time.monotonic() > self._deadline:
            raise TimeoutError
        received = self._answer.read1(CHUNK)
        if not received:
            raise SourceError("the server ended the stream")
        self._buffer += received

    def _take(self, length: int) -> bytes:
        taken = bytes(self._buffer[:length])
        del self._buffer[:length]
        return taken


def _too_large() -> SourceError:
    return SourceError(f"the server sent a part of more than {LARGEST >> 20} MiB")
