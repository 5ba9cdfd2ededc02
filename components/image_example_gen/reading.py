"""From a unit of the source to the examples that it holds."""

from __future__ import annotations

import os
from collections.abc import Iterator

import tensorflow as tf
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from components.image_example_gen.items import Refused, Stored
from components.image_example_gen.parsing import parse
from components.image_example_gen.source import SourceFile, is_no_file
from components.image_example_gen.tfrecord import LARGEST_RECORD, read_records
from components.image_example_gen.units import Entry, Unit
from schemas import features
from schemas.data import Data


def read_unit(unit: Unit, data: Data) -> Iterator[Stored | Refused]:
    """Reads the examples of a unit in their order; a file that cannot be read, or no further, is refused."""
    if unit.file is None:
        for entry in unit.entries:
            yield _read_entry(entry)
        return
    if is_no_file(unit.file.path):
        yield _closed(unit.file, 0, f"{_what_is_there(unit.file.path)}; put the shard there")
        return
    num_read = 0
    try:
        with FileSystems.open(unit.file.path, compression_type=CompressionTypes.UNCOMPRESSED) as stored:
            for record in read_records(stored):
                yield parse(record, unit.file.relative_path, unit.split, data)
                num_read += 1
    except OSError as error:
        detail = f"the file cannot be read: {error.strerror or error}; give this user the right to, or copy it anew"
        yield _closed(unit.file, num_read, detail)


def _what_is_there(path: str) -> str:
    return "not a file, but a directory, a pipe or a device" if os.path.exists(path) else "a link to nothing"


def _closed(file: SourceFile, index: int, detail: str) -> Refused:
    """Stands for all the records of a file from the first that cannot be read."""
    return Refused(file.relative_path, index, "unreadable", detail, features.ENCODED, lost_bytes=max(1, file.num_bytes))


def _read_entry(entry: Entry) -> Stored | Refused:
    def refused(reason: str, detail: str, feature: str, content: bytes | None = None) -> Refused:
        stored = Stored(entry.source, entry.row, content or b"", entry.label, entry.text, entry.source, entry.split)
        return Refused(entry.source, entry.row, reason, detail, feature, as_original(stored))

    if entry.path is None:
        return refused(str(entry.reason), entry.detail, entry.feature)
    if entry.num_bytes > LARGEST_RECORD:
        detail = f"a file of {entry.num_bytes} bytes; at most {LARGEST_RECORD} can be read"
        return refused("too_large", detail, features.ENCODED)
    if is_no_file(entry.path):
        return refused("unreadable", f"{_what_is_there(entry.path)}; put the image's file there", features.ENCODED)
    try:
        with FileSystems.open(entry.path, compression_type=CompressionTypes.UNCOMPRESSED) as file:
            content = file.read()
    except OSError as error:
        return refused("unreadable", f"the file cannot be read: {error.strerror or error}", features.ENCODED)
    if entry.reason is not None:
        return refused(entry.reason, entry.detail, entry.feature, content)
    return Stored(entry.source, entry.row, content, entry.label, entry.text, entry.source, entry.split)


def as_original(item: Stored) -> bytes:
    """What quarantine keeps of an example: the record itself, or one with an image file's bytes and names."""
    if item.original is not None:
        return item.original
    example = tf.train.Example()
    feature = example.features.feature
    feature[features.ENCODED].bytes_list.value.append(item.content)
    feature[features.FILENAME].bytes_list.value.append(item.source.encode("utf-8", "surrogateescape"))
    if item.text:
        feature[features.LABEL_TEXT].bytes_list.value.append(item.text.encode("utf-8", "surrogateescape"))
    if item.label >= 0:
        feature[features.LABEL].int64_list.value.append(item.label)
    return bytes(example.SerializeToString(deterministic=True))
