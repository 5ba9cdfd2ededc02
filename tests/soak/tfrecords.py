"""Reads and writes TFRecord files without TensorFlow, for processes that fork."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

from google_crc32c import value as crc32c

_MASK = 0xA282EAD8


def read_records(path: Path) -> Iterator[bytes]:
    """The records of an uncompressed file; checksums are not looked at."""
    with path.open("rb") as file:
        while header := file.read(12):
            (length,) = struct.unpack("<Q", header[:8])
            yield file.read(length)
            file.read(4)


def write_records(records: Sequence[bytes], path: Path) -> None:
    """Writes an uncompressed file, in the place of an older one."""
    with path.open("wb") as file:
        for record in records:
            length = struct.pack("<Q", len(record))
            file.write(length + _masked(length) + record + _masked(record))


def _masked(data: bytes) -> bytes:
    checksum = crc32c(data)
    return struct.pack("<I", (((checksum >> 15) | (checksum << 17)) + _MASK) & 0xFFFFFFFF)
