"""From a TFRecord's records to examples."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError

from components.image_example_gen.items import LARGEST_LABEL, Refused, Stored
from components.image_example_gen.tfrecord import Record
from schemas.data import Data


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
        label = _label(feature, data)
        shape = (0, 0, 0)
        if data.encoding != "compressed":
            sides = (names.height, names.width, names.channels)
            height, width, channels = (_required(feature, name, "int64_list", "wrong_shape") for name in sides)
            shape = (height, width, channels)
    except _UnusableError as error:
        return refused(error.reason, error.detail, error.feature)
    text, filename = (_decode(_optional(feature, name)) for name in (names.text, names.filename))
    return Stored(source, record.index, content, label, text, filename, split, shape, payload)


def _label(feature: Any, data: Data) -> int:
    names = data.features
    given = _one(feature, names.label, ("int64_list", "bytes_list"), "missing_label")
    if isinstance(given, int):
        return _numbered(given, data)
    if given is None:
        given = _one(feature, names.text, ("bytes_list",), "missing_label")
    name = _decode(given)
    if name is None:
        raise _UnusableError("missing_label", f"neither {names.label!r} nor {names.text!r} is there", names.label)
    if data.labels is None:
        raise _UnusableError(
            "missing_label", "only a name; list the classes in data.labels to number them", names.label
        )
    if name not in data.labels:
        raise _UnusableError("unknown_label", f"{name!r} is not in data.labels", names.label)
    return data.labels.index(name)


def _numbered(label: int, data: Data) -> int:
    if data.labels is not None and not 0 <= label < len(data.labels):
        detail = f"class {label} is not among the {len(data.labels)} classes of data.labels, counted from 0"
        raise _UnusableError("unknown_label", detail, data.features.label)
    if data.labels is None and label > LARGEST_LABEL:
        detail = f"class {label} is above {LARGEST_LABEL}; list the classes in data.labels if that is meant"
        raise _UnusableError("label_out_of_range", detail, data.features.label)
    return label


def _required(feature: Any, name: str, kind: str, reason: str) -> Any:
    value = _one(feature, name, (kind,), reason)
    if value is None:
        there = sorted(feature)
        raise _UnusableError(reason, f"no value in {name!r}; the example has {', '.join(there) or 'no features'}", name)
    return value


def _one(feature: Any, name: str, kinds: tuple[str, ...], reason: str) -> Any:
    """The only value of a feature, which must be of one of the kinds; None where it has no value."""
    kind = feature[name].WhichOneof("kind") if name in feature else None
    if kind is None or not (values := getattr(feature[name], kind).value):
        return None
    if kind not in kinds:
        raise _UnusableError(
            reason, f"{name!r} holds {_described(kind)}; expected {' or '.join(map(_described, kinds))}", name
        )
    if len(values) > 1:
        detail = f"{len(values)} values in {name!r}, expected one; write an example for each image, with one class"
        raise _UnusableError("several_values", detail, name)
    return values[0]


def _described(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _optional(feature: Any, name: str) -> bytes | None:
    """The first text of a feature that may as well not be there."""
    values = feature[name].bytes_list.value if name in feature else ()
    return values[0] if values else None


def _decode(text: bytes | None) -> str | None:
    return None if text is None else text.decode("utf-8", "replace")
