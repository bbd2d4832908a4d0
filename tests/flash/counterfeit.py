"""A counterfeit card, as a program: python counterfeit.py FOLDER CLAIMED_BYTES REAL_BYTES wraps|vanishes

Mounts a FUSE file system with one file, `card`, at FOLDER. It claims CLAIMED_BYTES; behind
REAL_BYTES it overwrites its front, or forgets. It speaks the kernel's protocol itself
(linux/fuse.h, 7.23), so that no library is needed; root is. Ends once it is unmounted.
"""

import ctypes
import os
import stat
import struct
import sys

LOOKUP, FORGET, GETATTR, SETATTR, OPEN, READ, WRITE, RELEASE, FSYNC = 1, 2, 3, 4, 14, 15, 16, 18, 20
FLUSH, INIT, FORGET_MANY = 25, 26, 42
ENOENT, ENOSYS = 2, 38
ROOT, CARD = 1, 2
MAX_WRITE = 128 << 10
FOREVER_S = 3600


class Counterfeit:
    def __init__(self, claimed: int, real: int, wraps: bool) -> None:
        self.claimed, self.real, self.wraps = claimed, real, wraps
        self.store = bytearray(real)

    def write(self, offset: int, data: bytes) -> None:
        for at in range(0, len(data), 512):
            place = (offset + at) % self.real if self.wraps else offset + at
            if place < self.real:
                self.store[place : place + 512] = data[at : at + 512]

    def read(self, offset: int, length: int) -> bytes:
        length = min(length, self.claimed - offset)
        if self.wraps:
            twice = self.store + self.store[:length]
            return bytes(twice[offset % self.real : offset % self.real + length])
        return bytes(self.store[offset : offset + length]).ljust(length, b"\0")

    def attributes(self, node: int) -> bytes:
        mode = stat.S_IFDIR | 0o755 if node == ROOT else stat.S_IFREG | 0o600
        size = 0 if node == ROOT else self.claimed
        return struct.pack("<QQQQQQIIIIIIIIII", node, size, size // 512, *[0] * 6, mode, 1, 0, 0, 0, 4096, 0)

    def answer(self, code: int, node: int, body: bytes) -> bytes | int | None:
        """What the kernel gets: bytes, the number of an error, or nothing at all."""
        if code == INIT:
            return struct.pack("<IIIIHHI", 7, 23, MAX_WRITE, 0, 8, 8, MAX_WRITE)
        if code == LOOKUP:
            if body.rstrip(b"\0") != b"card":
                return ENOENT
            return struct.pack("<QQQQII", CARD, 0, FOREVER_S, FOREVER_S, 0, 0) + self.attributes(CARD)
        if code in (GETATTR, SETATTR):
            return struct.pack("<QII", FOREVER_S, 0, 0) + self.attributes(node)
        if code == OPEN:
            return struct.pack("<QII", 1, 1, 0)  # direct_io: the page cache must not hide what is lost
        if code == READ:
            _, offset, size = struct.unpack_from("<QQI", body)
            return self.read(offset, size)
        if code == WRITE:
            _, offset, size = struct.unpack_from("<QQI", body)
            self.write(offset, body[40 : 40 + size])
            return struct.pack("<II", size, 0)
        if code in (FORGET, FORGET_MANY):
            return None
        return b"" if code in (RELEASE, FSYNC, FLUSH) else ENOSYS


def serve(folder: str, card: Counterfeit) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    fd = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fd},rootmode=40000,user_id=0,group_id=0".encode()
    if libc.mount(b"card", folder.encode(), b"fuse.card", 0, options):
        raise OSError(ctypes.get_errno(), "mount")
    while True:
        try:
            request = os.read(fd, MAX_WRITE + 4096)
        except OSError:  # unmounted
            return
        _, code, unique, node = struct.unpack_from("<IIQQ", request)
        reply = card.answer(code, node, request[40:])
        if reply is not None:
            error, data = (-reply, b"") if isinstance(reply, int) else (0, reply)
            os.write(fd, struct.pack("<IiQ", 16 + len(data), error, unique) + data)


if __name__ == "__main__":
    serve(sys.argv[1], Counterfeit(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "wraps"))
