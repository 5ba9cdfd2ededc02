"""From a source's records to examples with the features that every later stage relies on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError

from components.image_example_gen.inspection import Facts, Unusable, inspect_files, inspect_pixels
from components.image_example_gen.tfrecord import Record
from schemas import features
from schemas.experiment import Data

# Without data.labels the largest label is the number of classes, and each class costs memory.
_LARGEST_LABEL = (1 << 20) - 1

_BYTES = (features.ENCODED, features.FORMAT, features.LABEL_TEXT, features.FILENAME, features.SHA256)
_NUMBERS = (features.HEIGHT, features.WIDTH, features.CHANNELS, features.LABEL, features.NUM_BYTES)
_FRACTIONS = (features.MEAN, features.STDDEV)


@dataclass(frozen=True, slots=True)
class Canonical:
    """A usable example."""

    index: int
    serialized: bytes
    """A `tf.train.Example`."""
    sha256: bytes
    label: int
    text: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """An example that cannot be used, and the feature that is to blame."""

    index: int
    reason: str
    detail: str
    feature: str
    sha256: bytes


@dataclass(frozen=True, slots=True)
class _Parsed:
    index: int
    content: bytes
    label: int
    text: str | None
    filename: str | None
    shape: tuple[int, int, int]


class _MissingError(Exception):
    """A feature that an example must have is not there, or has no value that can be used."""

    def __init__(self, reason: str, detail: str, feature: str) -> None:
        super().__init__(detail)
        self.reason, self.detail, self.feature = reason, detail, feature


def canonicalize(records: Sequence[Record], relative_path: str, data: Data) -> list[Canonical | Refused]:
    """Reads, checks and measures a batch of records.

    Args:
      records: from one file, with or without payloads.
      relative_path: of that file below the source.
      data: the experiment's section.

    Returns:
      An outcome for each record, in order.
    """
    outcomes: dict[int, Canonical | Refused] = {}
    parsed: list[_Parsed] = []
    for record in records:
        result = _parse(record, data)
        if isinstance(result, Refused):
            outcomes[record.index] = result
        else:
            parsed.append(result)
    builder = _Builder()
    for item, facts in zip(parsed, _inspect(parsed, data), strict=True):
        digest = hashlib.sha256(item.content)
        if isinstance(facts, Unusable):
            outcomes[item.index] = Refused(item.index, *facts, data.features.image, digest.digest())
        else:
            filename = item.filename or f"{relative_path}#{item.index}"
            serialized = builder.serialize(item, facts, digest.hexdigest(), _text(item, data), filename)
            outcomes[item.index] = Canonical(item.index, serialized, digest.digest(), item.label, item.text)
    return [outcomes[record.index] for record in records]


def _inspect(parsed: Sequence[_Parsed], data: Data) -> list[Facts | Unusable]:
    if data.encoding == "compressed":
        return inspect_files([item.content for item in parsed])
    return [inspect_pixels(item.content, item.shape, data.encoding) for item in parsed]


def _parse(record: Record, data: Data) -> _Parsed | Refused:
    def refused(reason: str, detail: str, feature: str) -> Refused:
        return Refused(record.index, reason, detail, feature, hashlib.sha256(record.payload or b"").digest())

    if record.payload is None:
        return refused(str(record.reason), str(record.detail), data.features.image)
    try:
        feature = tf.train.Example.FromString(record.payload).features.feature
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
        return _Parsed(record.index, content, label, _decode(text), _decode(filename), shape)
    except _MissingError as missing:
        return refused(missing.reason, missing.detail, missing.feature)


def _label(feature: Any, text: bytes | None, data: Data) -> int:
    names = data.features
    label = _optional(feature, names.label, "int64_list")
    if label is not None:
        if data.labels is None and label > _LARGEST_LABEL:
            detail = f"class {label} is above {_LARGEST_LABEL}; list the classes in data.labels if that is meant"
            raise _MissingError("label_out_of_range", detail, names.label)
        return int(label)
    name = _decode(_optional(feature, names.label, "bytes_list") or text)
    if name is None:
        raise _MissingError("missing_label", f"neither {names.label!r} nor {names.text!r} is there", names.label)
    if data.labels is None:
        raise _MissingError("missing_label", "only a name; list the classes in data.labels to number them", names.label)
    if name not in data.labels:
        raise _MissingError("unknown_label", f"{name!r} is not in data.labels", names.label)
    return data.labels.index(name)


def _required(feature: Any, name: str, kind: str, reason: str) -> Any:
    value = _optional(feature, name, kind)
    if value is None:
        there = sorted(feature)
        raise _MissingError(reason, f"no value in {name!r}; the example has {', '.join(there) or 'no features'}", name)
    return value


def _optional(feature: Any, name: str, kind: str) -> Any:
    if name not in feature:
        return None
    values = getattr(feature[name], kind).value
    return values[0] if values else None


def _decode(text: bytes | None) -> str | None:
    return None if text is None else text.decode("utf-8", "replace")


class _Builder:
    """Serializes examples of one shape: filled anew, one message costs a fraction of many."""

    def __init__(self) -> None:
        self._example = tf.train.Example()
        feature = self._example.features.feature
        self._bytes = {name: feature[name].bytes_list.value for name in _BYTES}
        self._numbers = {name: feature[name].int64_list.value for name in _NUMBERS}
        self._fractions = {name: feature[name].float_list.value for name in _FRACTIONS}

    def serialize(self, item: _Parsed, facts: Facts, sha256: str, text: str, filename: str) -> bytes:
        """An example with the canonical features; the same values give the same bytes."""
        path = filename.encode("utf-8", "surrogateescape")
        strings = (item.content, facts.format.encode(), text.encode(), path, sha256.encode())
        numbers = (facts.height, facts.width, facts.channels, item.label, len(item.content))
        for name, string in zip(_BYTES, strings, strict=True):
            self._bytes[name][:] = [string]
        for name, number in zip(_NUMBERS, numbers, strict=True):
            self._numbers[name][:] = [number]
        for name, fraction in zip(_FRACTIONS, (facts.mean, facts.stddev), strict=True):
            self._fractions[name][:] = [fraction]
        return bytes(self._example.SerializeToString(deterministic=True))


def _text(item: _Parsed, data: Data) -> str:
    if item.text is not None:
        return item.text
    if data.labels is not None and 0 <= item.label < len(data.labels):
        return data.labels[item.label]
    return str(item.label)
