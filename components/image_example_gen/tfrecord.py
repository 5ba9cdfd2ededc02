"""TFRecord files, read so that damage is reported with its place, not raised.

The format: a little-endian uint64 length, its masked CRC-32C, the payload, its masked CRC-32C
(https://www.tensorflow.org/tutorials/load_data/tfrecord).
"""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import google_crc32c

from components.image_example_gen.gunzip import Gunzip

_HEADER = struct.Struct("<QI")
_CHECKSUM = struct.Struct("<I")
# What a record takes beside its payload.
FRAMING = _HEADER.size + _CHECKSUM.size
# A tf.train.Example of 2 GiB can no longer be serialized.
LARGEST_RECORD = 1 << 30
_GZIP_MAGIC = b"\x1f\x8b"
_MASK_DELTA = 0xA282EAD8
_CHUNK = 1 << 24
_BUFFER = 1 << 16


@dataclass(frozen=True, slots=True)
class Record:
    """One record, or the damage found in its place."""

    index: int
    payload: bytes | None
    """Of a record with a wrong checksum too; None where there is none to be had."""
    reason: str | None = None
    detail: str | None = None
    lost_bytes: int = 0
    """What of the file, unpacked, can no longer be read from here on, by estimate where it stays packed.

    0 where reading goes on.
    """


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

    A payload with a wrong checksum costs that record alone, as does one that is too large. A damaged
    length hides where the next record starts, so it costs the rest of the file, as does an end in the
    middle of a record.

    Args:
      file: opened for reading bytes, at its start, seekable.

    Yields:
      Records with `payload`; damaged ones with `reason` (`corrupt_record`, `truncated_file`,
      `not_a_tfrecord`, `too_large`) and `detail`.
    """
    head = file.read(_HEADER.size)
    file.seek(0)
    # A plain file whose first record has, say, 35,615 bytes starts like a gzip file; its header's checksum tells.
    is_plain = len(head) == _HEADER.size and masked_crc(head[:8]) == _HEADER.unpack(head)[1]
    if is_plain or not head.startswith(_GZIP_MAGIC):
        yield from _Reader(file).records()
        return
    packed = Gunzip(file)
    reader = _Reader(io.BufferedReader(packed, _BUFFER), packed)
    try:
        yield from reader.records()
    except (EOFError, zlib.error) as error:
        num_bytes = reader.num_lost()
        detail = f"the gzip stream is damaged ({error}); the rest of the file is lost, about {num_bytes} bytes unpacked"
        yield Record(reader.index, None, "truncated_file", detail, num_bytes)


class _Reader:
    """Goes through a stream of records, and knows where it stands when the stream fails."""

    def __init__(self, stream: BinaryIO, packed: Gunzip | None = None) -> None:
        self._stream = stream
        self._packed = packed
        self._start = 0
        self.index = 0

    def records(self) -> Iterator[Record]:
        while header := self._stream.read(_HEADER.size):
            if len(header) < _HEADER.size and self.index > 0:
                yield _truncated(self.index, len(header))
                return
            if len(header) < _HEADER.size or masked_crc(header[:8]) != _HEADER.unpack(header)[1]:
                yield self._lost_track(len(header))
                return
            length = _HEADER.unpack(header)[0]
            is_too_large = length > LARGEST_RECORD
            payload = b"" if is_too_large else self._read(length)
            num_read = self._skip(length) if is_too_large else len(payload)
            checksum = self._stream.read(_CHECKSUM.size)
            if num_read < length or len(checksum) < _CHECKSUM.size:
                yield _truncated(self.index, len(header) + num_read + len(checksum))
                return
            yield _too_large(self.index, length) if is_too_large else _checked(self.index, payload, checksum)
            self.index += 1
            self._start += FRAMING + length

    def num_lost(self) -> int:
        """About how many bytes a failed or exhausted gzip stream has from the start of this record on."""
        assert self._packed is not None
        return max(1, self._packed.num_unpacked + self._packed.num_left - self._start)

    def _lost_track(self, num_read: int) -> Record:
        with contextlib.suppress(EOFError, zlib.error):
            num_read += self._skip()
        num_bytes = num_read if self._packed is None else self.num_lost()
        if self.index == 0:
            return Record(0, None, "not_a_tfrecord", "its first bytes are not the header of a TFRecord", num_bytes)
        about = "" if self._packed is None else "about "
        detail = f"the record's length is damaged; the rest of the file is lost, {about}{num_bytes} bytes"
        return Record(self.index, None, "corrupt_record", detail, num_bytes)

    def _read(self, length: int) -> bytes:
        # In chunks, so that a length far beyond the file's end does not reserve that much memory.
        if length <= _CHUNK:
            return self._stream.read(length)
        parts, missing = [], length
        while missing and (part := self._stream.read(min(missing, _CHUNK))):
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def _skip(self, length: int | None = None) -> int:
        """Passes over so many bytes or all that are left, and says how many there were."""
        num_bytes = 0
        while length is None or num_bytes < length:
            part = self._stream.read(_BUFFER if length is None else min(_BUFFER, length - num_bytes))
            if not part:
                break
            num_bytes += len(part)
        return num_bytes


def _checked(index: int, payload: bytes, checksum: bytes) -> Record:
    if masked_crc(payload) != _CHECKSUM.unpack(checksum)[0]:
        return Record(index, payload, "corrupt_record", "the payload's checksum is wrong; this record is lost")
    return Record(index, payload)


def _too_large(index: int, length: int) -> Record:
    detail = f"a record of {length} bytes; at most {LARGEST_RECORD} can be read, so make its image smaller"
    return Record(index, None, "too_large", detail)


def _truncated(index: int, lost_bytes: int) -> Record:
    detail = "the file ends in the middle of this record; copy or write the file anew"
    return Record(index, None, "truncated_file", detail, lost_bytes)
