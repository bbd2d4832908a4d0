"""Looking up files in an ext4 file system inside an image, read-only.

After "ext4 Data Structures and Algorithms" of the kernel's documentation; checksums are
not looked at. PyPI's `ext4` needs a C compiler, this needs nothing.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from edgeseg.errors import DataError

_MAGIC, _EXTENT_MAGIC = 0xEF53, 0xF30A
_ROOT_INODE = 2
_64BIT = 0x80
_UNKNOWN = ~(0x0002 | 0x0004 | 0x0040 | _64BIT | 0x0200 | 0x0400 | 0x2000 | 0x4000)
"""Incompatible features but file types in directories, a journal to be replayed, extents, 64 bit, flexible groups,
large attributes, a seed for checksums and large directories."""
_USES_EXTENTS = 0x80000
_LINK, _FOLDER, _FILE = 0xA, 0x4, 0x8
_MOST_LINKS = 40
_MOST_BYTES = 64 << 20
"""No file or folder that is looked at is larger; a damaged one may claim to be."""


@dataclass(frozen=True)
class Node:
    """An inode."""

    kind: int
    size: int
    extents: bool
    block: bytes
    """60 bytes: the root of its extent tree, or the target of a short link."""


class Ext4:
    """The file system that starts at `offset` bytes of `file`; raises DataError where it is none that can be read."""

    def __init__(self, file: BinaryIO, offset: int) -> None:
        self._file, self._offset = file, offset
        self._end = file.seek(0, 2)
        block = self._read(1024, 1024)
        if struct.unpack_from("<H", block, 0x38)[0] != _MAGIC:
            raise DataError("the root partition holds no ext4 file system; give a fresh Raspberry Pi OS image")
        (incompatible,) = struct.unpack_from("<I", block, 0x60)
        if incompatible & _UNKNOWN:
            raise DataError(f"the root file system uses features that are not known here ({incompatible:#x})")
        (self._first_block, log) = struct.unpack_from("<II", block, 0x14)
        self._block_size = 1024 << min(log, 6)
        (self._group_inodes,) = struct.unpack_from("<I", block, 0x28)
        (self._inode_size,) = struct.unpack_from("<H", block, 0x58)
        (wide,) = struct.unpack_from("<H", block, 0xFE)
        self._descriptor_size = wide if incompatible & _64BIT else 32
        if not self._group_inodes or self._inode_size < 128 or self._descriptor_size < 32:
            raise DataError("the root file system is damaged; download the image again")

    def read(self, path: str, length: int = _MOST_BYTES) -> bytes:
        """The first bytes of a file, through links; FileNotFoundError where there is none."""
        _, node = self._walk(path)
        if node.kind != _FILE:
            raise FileNotFoundError(path)
        return self._content(node, min(node.size, length))

    def resolve(self, path: str) -> str:
        """Where `path` leads through links, as `usr/bin/python3.13`; FileNotFoundError where to nothing."""
        return self._walk(path)[0]

    def exists(self, path: str) -> bool:
        """Whether `path` leads to anything."""
        try:
            self._walk(path)
        except FileNotFoundError:
            return False
        return True

    def _walk(self, path: str) -> tuple[str, Node]:
        todo = [part for part in reversed(path.split("/")) if part not in ("", ".")]
        names: list[str] = []
        nodes = [self._node(_ROOT_INODE)]
        links = 0
        while todo:
            name = todo.pop()
            if name == "..":
                del names[-1:]
                del nodes[len(names) + 1 :]
                continue
            if nodes[-1].kind != _FOLDER:
                raise FileNotFoundError(path)
            number = next((number for number, entry in self._entries(nodes[-1]) if entry == name), None)
            if number is None:
                raise FileNotFoundError(path)
            node = self._node(number)
            if node.kind != _LINK:
                names.append(name)
                nodes.append(node)
                continue
            links += 1
            if links > _MOST_LINKS:
                raise FileNotFoundError(path)
            target = (node.block[: node.size] if not node.extents else self._content(node, node.size)).decode(
                errors="surrogateescape"
            )
            if target.startswith("/"):
                names, nodes = [], nodes[:1]
            todo += [part for part in reversed(target.split("/")) if part not in ("", ".")]
        return "/".join(names), nodes[-1]

    def _entries(self, folder: Node) -> Iterator[tuple[int, str]]:
        """Inode and name; the index of a large folder looks like unused entries, so that it is read as any other."""
        data = self._content(folder, folder.size)
        at = 0
        while at + 8 <= len(data):
            number, length, name_length = struct.unpack_from("<IHB", data, at)
            if length < 8:
                raise DataError("the root file system is damaged; download the image again")
            if number:
                yield number, data[at + 8 : at + 8 + name_length].decode(errors="surrogateescape")
            at += length

    def _node(self, number: int) -> Node:
        group, index = divmod(number - 1, self._group_inodes)
        at = (self._first_block + 1) * self._block_size + group * self._descriptor_size
        descriptor = self._read(at, self._descriptor_size)
        (table,) = struct.unpack_from("<I", descriptor, 8)
        if self._descriptor_size >= 64:
            table |= struct.unpack_from("<I", descriptor, 0x28)[0] << 32
        data = self._read(table * self._block_size + index * self._inode_size, 128)
        (mode,) = struct.unpack_from("<H", data)
        low, flags, high = (struct.unpack_from("<I", data, at)[0] for at in (0x04, 0x20, 0x6C))
        return Node(mode >> 12, low | high << 32, bool(flags & _USES_EXTENTS), data[0x28 : 0x28 + 60])

    def _content(self, node: Node, length: int) -> bytes:
        if not node.extents or length > _MOST_BYTES:
            raise DataError("the root file system keeps files in a way that is not known here")
        data = bytearray(length)
        for first, start, count in self._runs(node.block):
            begin = first * self._block_size
            if begin < length:
                part = self._read(start * self._block_size, min(count * self._block_size, length - begin))
                data[begin : begin + len(part)] = part
        return bytes(data)

    def _runs(self, tree: bytes, depth: int = 5) -> Iterator[tuple[int, int, int]]:
        """(block in the file, block on the disk, how many) of all that was written, at most `depth` levels deep."""
        magic, entries, _, below = struct.unpack_from("<HHHH", tree)
        if magic != _EXTENT_MAGIC or below > depth or 12 * (entries + 1) > len(tree):
            raise DataError("the root file system is damaged; download the image again")
        for at in range(12, 12 * (entries + 1), 12):
            if below:
                low, high = struct.unpack_from("<IH", tree, at + 4)
                yield from self._runs(self._read((low | high << 32) * self._block_size, self._block_size), below - 1)
            else:
                first, count, high, low = struct.unpack_from("<IHHI", tree, at)
                if count <= 0x8000:  # more: set aside and not written, which reads as zeros
                    yield first, low | high << 32, count

    def _read(self, at: int, length: int) -> bytes:
        if self._offset + at + length > self._end:
            raise DataError("the image ends inside its root file system; download it again")
        self._file.seek(self._offset + at)
        return self._file.read(length)
