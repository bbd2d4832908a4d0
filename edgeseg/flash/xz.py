"""Unpacking .xz as a stream."""

from __future__ import annotations

import io
import lzma
from typing import Any, BinaryIO

_INPUT = 1 << 18


class XzReader(io.RawIOBase):
    """All streams of a file, one after the other; `lzma.open` stops without a word at zeros between two."""

    def __init__(self, packed: BinaryIO) -> None:
        self._packed = packed
        self._unpacker: lzma.LZMADecompressor | None = None
        self._input = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Raises LZMAError for what is damaged, EOFError for what is cut off."""
        view = memoryview(buffer)
        while view:
            if self._unpacker is None:
                self._input = self._input.lstrip(b"\0") or self._packed.read(_INPUT).lstrip(b"\0")
                if not self._input:
                    return 0
                self._unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ)
            elif self._unpacker.needs_input and not self._input:
                self._input = self._packed.read(_INPUT)
                if not self._input:
                    raise EOFError("it ends too soon")
            data = self._unpacker.decompress(self._input, len(view))
            self._input = b""
            if self._unpacker.eof:
                self._input, self._unpacker = self._unpacker.unused_data, None
            if data:
                view[: len(data)] = data
                return len(data)
        return 0
