"""From a unit of the source to the examples that it holds."""

from __future__ import annotations

from collections.abc import Iterator

import tensorflow as tf
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems

from components.image_example_gen.items import Refused, Stored
from components.image_example_gen.parsing import parse
from components.image_example_gen.source import is_no_file
from components.image_example_gen.tfrecord import read_records
from components.image_example_gen.units import Entry, Unit
from schemas import features
from schemas.data import Data

# A tf.train.Example of 2 GiB can no longer be serialized.
_LARGEST_FILE = 1 << 30
_NO_FILE = "not a file, but a directory, a pipe or a device"


def read_unit(unit: Unit, data: Data) -> Iterator[Stored | Refused]:
    """Reads the examples of a unit in their order; an image file that cannot be read is refused.

    Raises:
      OSError: a TFRecord file cannot be opened or read.
    """
    if unit.file is None:
        for entry in unit.entries:
            yield _read_entry(entry)
        return
    if is_no_file(unit.file.path):
        yield Refused(unit.file.relative_path, 0, "unreadable", f"{_NO_FILE}; put the shard there", features.ENCODED)
        return
    with FileSystems.open(unit.file.path, compression_type=CompressionTypes.UNCOMPRESSED) as stored:
        for record in read_records(stored):
            yield parse(record, unit.file.relative_path, unit.split, data)


def _read_entry(entry: Entry) -> Stored | Refused:
    def refused(reason: str, detail: str, feature: str, content: bytes | None = None) -> Refused:
        stored = Stored(entry.source, entry.row, content or b"", entry.label, entry.text, entry.source, entry.split)
        return Refused(entry.source, entry.row, reason, detail, feature, as_original(stored))

    if entry.path is None:
        return refused(str(entry.reason), entry.detail, entry.feature)
    if entry.num_bytes > _LARGEST_FILE:
        detail = f"a file of {entry.num_bytes} bytes; at most {_LARGEST_FILE} can be read"
        return refused("too_large", detail, features.ENCODED)
    if is_no_file(entry.path):
        return refused("unreadable", f"{_NO_FILE}; put the image's file there", features.ENCODED)
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
