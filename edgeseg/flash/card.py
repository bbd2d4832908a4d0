"""A block device as the target of an image: to itself and past the cache. Linux only."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from edgeseg.errors import UsageError
from edgeseg.flash.errors import CardError
from edgeseg.flash.target import READ
from edgeseg.flash.units import size_text

_READ_PARTITIONS, _DROP_CACHE, _SECTOR = 0x125F, 0x1261, 0x1268
"""BLKRRPART, BLKFLSBUF and BLKSSZGET of <linux/fs.h>."""


class Card:
    """A disk that no one else has open."""

    def __init__(self, fd: int, name: str) -> None:
        self._fd, self.name = fd, name
        self.size = os.lseek(fd, 0, os.SEEK_END)
        self._sector = int.from_bytes(fcntl.ioctl(fd, _SECTOR, bytes(4)), "little")
        self._buffer = mmap.mmap(-1, READ)

    def write(self, offset: int, data: memoryview) -> None:
        """Raises CardError where it is not taken."""
        data = data[: self.size - offset]
        while data:
            try:
                done = os.pwrite(self._fd, data, offset)
            except OSError as error:
                raise self._error("written", offset, error) from error
            data, offset = data[done:], offset + done

    def read(self, offset: int, length: int) -> memoryview:
        """Raises CardError where it is not given."""
        view = memoryview(self._buffer)[: -(-length // self._sector) * self._sector]
        done = 0
        while done < length:
            try:
                step = os.preadv(self._fd, [view[done:]], offset + done)
            except OSError as error:
                raise self._error("read", offset + done, error) from error
            if not step:
                raise self._error("read", offset + done, OSError(errno.EIO, "it ends there"))
            done += step
        return view[:length]

    def flush(self) -> None:
        """Raises CardError where the disk reports that something was lost."""
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise self._error("written", self.size, error) from error
        with suppress(OSError):  # needs root; reads go past the cache anyway
            fcntl.ioctl(self._fd, _DROP_CACHE)

    def read_partitions(self) -> None:
        """Let the system see what was written."""
        with suppress(OSError):  # a loop device without partitions refuses
            fcntl.ioctl(self._fd, _READ_PARTITIONS)

    def _error(self, what: str, offset: int, error: OSError) -> CardError:
        return CardError(
            f"{self.name}: cannot be {what} at {size_text(offset)} ({error.strerror}); put it in anew or into another "
            "reader, and if that fails too, take another card"
        )


@contextmanager
def open_card(path: str) -> Iterator[Card]:
    """Open a whole disk; raises UsageError where it is in use, denied or gone.

    A mounted disk could be opened for writing; O_EXCL is what prevents that.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_EXCL | os.O_DIRECT)
    except PermissionError as error:
        raise UsageError(f"{path}: permission denied; run  sudo $(command -v edgeseg) flash … --to {path}") from error
    except OSError as error:
        cure = "close what has it open or mounted" if error.errno == errno.EBUSY else "put it in anew"
        raise UsageError(f"{path}: cannot be opened ({error.strerror}); {cure}") from error
    try:
        yield Card(fd, path)
    finally:
        os.close(fd)
