"""TFRecord files, read so that damage is reported with its place, not raised.

The format: a little-endian uint64 length, its masked CRC-32C, the payload, its masked CRC-32C
(https://www.tensorflow.org/tutorials/load_data/tfrecord).
"""

from __future__ import annotations

import contextlib
import gzip
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import google_crc32c

_HEADER = struct.Struct("<QI")
_CHECKSUM = struct.Struct("<I")
# What a record takes beside its payload.
FRAMING = _HEADER.size + _CHECKSUM.size
_GZIP_MAGIC = b"\x1f\x8b"
_MASK_DELTA = 0xA282EAD8
_CHUNK = 1 << 24
# Where unpacking fails, what was asked for at once is not counted.
_SMALL_CHUNK = 1 << 12


@dataclass(frozen=True, slots=True)
class Record:
    """One record, or the damage found in its place."""

    index: int
    payload: bytes | None
    """Of a record with a wrong checksum too; None where there is none to be had."""
    reason: str | None = None
    detail: str | None = None
    lost_bytes: int = 0
    """What of the file can no longer be read from here on; 0 where reading goes on."""


def masked_crc(data: bytes) -> int:
    """CRC-32C of `data`, rotated and offset as TFRecord wants it."""
    crc: int = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + _MASK_DELTA) & 0xFFFFFFFF


def write_record(file: BinaryIO, payload: bytes) -> None:
    """Appends one record to an open file."""
    length = struct.pack("<Q", len(payload))
    file.write(length + _CHECKSUM.pack(masked_crc(length)) + payload + _CHECKSUM.pack(masked_crc(payload)))


def read_records(file: BinaryIO) -> Iterator[Record]:
    """Reads a TFRecord file, gzip or not, from its start to its end or to damage that hides the rest.

    A payload with a wrong checksum costs that record alone. A damaged length hides where the next
    record starts, so it costs the rest of the file, as does an end in the middle of a record.

    Args:
      file: opened for reading bytes, at its start, seekable.

    Yields:
      Records with `payload`; damaged ones with `reason` (`corrupt_record`, `truncated_file`,
      `not_a_tfrecord`) and `detail`.
    """
    head = file.read(_HEADER.size)
    file.seek(0)
    # A plain file whose first record has, say, 35,615 bytes starts like a gzip file; its header's checksum tells.
    is_plain = len(head) == _HEADER.size and masked_crc(head[:8]) == _HEADER.unpack(head)[1]
    is_gzip = head.startswith(_GZIP_MAGIC) and not is_plain
    stream: BinaryIO = gzip.GzipFile(fileobj=file) if is_gzip else file  # type: ignore[assignment]
    index = -1
    try:
        for record in _read_plain(stream, file):
            index = record.index
            yield record
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        detail = f"the gzip stream is damaged ({error}); the rest of the file is lost"
        yield Record(index + 1, None, "truncated_file", detail, max(_rest(file), 1))


def _read_plain(file: BinaryIO, packed: BinaryIO) -> Iterator[Record]:
    """Reads records of `file`, which may be what is packed in another."""
    index = 0
    while header := file.read(_HEADER.size):
        if len(header) < _HEADER.size and index > 0:
            yield _truncated(index, len(header))
            return
        if len(header) < _HEADER.size or masked_crc(header[:8]) != _HEADER.unpack(header)[1]:
            # Unpacking may itself fail further on.
            yield _lost_track(index, len(header) + _rest(file) + _rest(packed))
            return
        length = _HEADER.unpack(header)[0]
        payload = _read_exactly(file, length)
        checksum = file.read(_CHECKSUM.size)
        if len(payload) < length or len(checksum) < _CHECKSUM.size:
            yield _truncated(index, len(header) + len(payload) + len(checksum))
            return
        if masked_crc(payload) != _CHECKSUM.unpack(checksum)[0]:
            yield Record(index, payload, "corrupt_record", "the payload's checksum is wrong; this record is lost")
        else:
            yield Record(index, payload)
        index += 1


def _read_exactly(file: BinaryIO, length: int) -> bytes:
    # In chunks, so that a length far beyond the file's end does not reserve that much memory.
    if length <= _CHUNK:
        return file.read(length)
    parts, missing = [], length
    while missing and (part := file.read(min(missing, _CHUNK))):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _rest(file: BinaryIO) -> int:
    """How many bytes are left that can be read, counted by reading as a stream may not know."""
    num_bytes = 0
    with contextlib.suppress(EOFError, zlib.error, gzip.BadGzipFile):
        while part := file.read(_SMALL_CHUNK):
            num_bytes += len(part)
    return num_bytes


def _truncated(index: int, lost_bytes: int) -> Record:
    detail = "the file ends in the middle of this record; copy or write the file anew"
    return Record(index, None, "truncated_file", detail, lost_bytes)


def _lost_track(index: int, lost_bytes: int) -> Record:
    if index == 0:
        return Record(0, None, "not_a_tfrecord", "its first bytes are not the header of a TFRecord", lost_bytes)
    detail = f"the record's length is damaged; the rest of the file is lost, {lost_bytes} bytes"
    return Record(index, None, "corrupt_record", detail, lost_bytes)
