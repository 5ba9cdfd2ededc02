"""From a TFRecord's records to examples."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError

from components.image_example_gen.items import Refused, Stored
from components.image_example_gen.tfrecord import Record
from schemas.data import Data

# Without data.labels the largest label is the number of classes, and each class costs memory.
_LARGEST_LABEL = (1 << 20) - 1


class _UnusableError(Exception):
    """A feature that an example must have is not there, or has no value that can be used."""

    def __init__(self, reason: str, detail: str, feature: str) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.feature = reason, detail, feature


def parse(record: Record, source: str, split: str, data: Data) -> Stored | Refused:
    """Reads a record's features.

    Args:
      record: with or without a payload.
      source: its file, relative to the source.
      split: of that file.
      data: the experiment's section.
    """
    payload = record.payload or b""

    def refused(reason: str, detail: str, feature: str) -> Refused:
        return Refused(source, record.index, reason, detail, feature, payload, record.lost_bytes)

    if record.reason is not None:
        return refused(record.reason, str(record.detail), data.features.image)
    try:
        feature = tf.train.Example.FromString(payload).features.feature
    except DecodeError:
        return refused("not_an_example", "the record is no tf.train.Example", data.features.image)
    names = data.features
    try:
        content = _required(feature, names.image, "bytes_list", "missing_image")
        text = _optional(feature, names.text, "bytes_list")
        label = _label(feature, text, data)
        shape = (0, 0, 0)
        if data.encoding != "compressed":
            sides = (names.height, names.width, names.channels)
            height, width, channels = (_required(feature, name, "int64_list", "wrong_shape") for name in sides)
            shape = (height, width, channels)
        filename = _optional(feature, names.filename, "bytes_list")
    except _UnusableError as error:
        return refused(error.reason, error.detail, error.feature)
    return Stored(source, record.index, content, label, _decode(text), _decode(filename), split, shape, payload)


def _label(feature: Any, text: bytes | None, data: Data) -> int:
    names = data.features
    label = _optional(feature, names.label, "int64_list")
    if label is not None:
        if data.labels is None and label > _LARGEST_LABEL:
            detail = f"class {label} is above {_LARGEST_LABEL}; list the classes in data.labels if that is meant"
            raise _UnusableError("label_out_of_range", detail, names.label)
        return int(label)
    name = _decode(_optional(feature, names.label, "bytes_list") or text)
    if name is None:
        raise _UnusableError("missing_label", f"neither {names.label!r} nor {names.text!r} is there", names.label)
    if data.labels is None:
        raise _UnusableError(
            "missing_label", "only a name; list the classes in data.labels to number them", names.label
        )
    if name not in data.labels:
        raise _UnusableError("unknown_label", f"{name!r} is not in data.labels", names.label)
    return data.labels.index(name)


def _required(feature: Any, name: str, kind: str, reason: str) -> Any:
    value = _optional(feature, name, kind)
    if value is None:
        there = sorted(feature)
        raise _UnusableError(reason, f"no value in {name!r}; the example has {', '.join(there) or 'no features'}", name)
    return value


def _optional(feature: Any, name: str, kind: str) -> Any:
    if name not in feature:
        return None
    values = getattr(feature[name], kind).value
    return values[0] if values else None


def _decode(text: bytes | None) -> str | None:
    return None if text is None else text.decode("utf-8", "replace")
