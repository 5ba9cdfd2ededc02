"""From stored examples to examples with the features that every later stage relies on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from components.image_example_gen.facts import Facts
from components.image_example_gen.inspection import Unusable, inspect_files, inspect_pixels
from components.image_example_gen.items import Refused, Stored
from components.image_example_gen.reading import as_original
from schemas import features
from schemas.data import Data

_BYTES = (features.ENCODED, features.FORMAT, features.LABEL_TEXT, features.FILENAME, features.SHA256)
_NUMBERS = (features.HEIGHT, features.WIDTH, features.CHANNELS, features.LABEL, features.NUM_BYTES)
_FRACTIONS = (features.MEAN, features.STDDEV)


class Inspected(NamedTuple):
    """A usable example."""

    item: Stored
    facts: Facts


def inspect(items: Sequence[Stored | Refused], data: Data) -> list[Inspected | Refused]:
    """Decodes and measures the images of a batch, together.

    Args:
      items: those refused already keep their place.
      data: the experiment's section.
    """
    stored = [item for item in items if isinstance(item, Stored)]
    if data.encoding == "compressed":
        found = inspect_files([item.content for item in stored])
    else:
        found = [inspect_pixels(item.content, item.shape, data.encoding) for item in stored]
    outcomes = iter(zip(stored, found, strict=True))
    return [item if isinstance(item, Refused) else _outcome(*next(outcomes), data) for item in items]


def _outcome(item: Stored, facts: Facts | Unusable, data: Data) -> Inspected | Refused:
    return unusable(item, facts, data) if isinstance(facts, Unusable) else Inspected(item, facts)


def unusable(item: Stored, why: Unusable, data: Data) -> Refused:
    """Refuses an example for its image's sake."""
    feature = data.features.image if item.original is not None else features.ENCODED
    return Refused(item.source, item.index, *why, feature, as_original(item))


class Builder:
    """Serializes examples: one message filled anew costs a fraction of many."""

    def __init__(self, labels: Sequence[str]) -> None:
        """Keeps the names of the classes, in the order of their index; empty where only the data knows."""
        self._labels = [label.encode() for label in labels]
        self._example = tf.train.Example()
        feature = self._example.features.feature
        self._bytes = [feature[name].bytes_list.value for name in _BYTES]
        self._numbers = [feature[name].int64_list.value for name in _NUMBERS]
        self._fractions = [feature[name].float_list.value for name in _FRACTIONS]

    def text(self, item: Stored) -> bytes:
        """The name of an example's class: its own, else the declared one, else its number."""
        if item.text:
            return item.text.encode("utf-8", "surrogateescape")
        return self._labels[item.label] if 0 <= item.label < len(self._labels) else str(item.label).encode()

    def serialize(self, item: Stored, facts: Facts, sha256: bytes) -> bytes:
        """An example with the canonical features; the same values give the same bytes."""
        filename = (item.filename or f"{item.source}#{item.index}").encode("utf-8", "surrogateescape")
        strings = (item.content, facts.format.encode(), self.text(item), filename, sha256.hex().encode())
        numbers = (facts.height, facts.width, facts.channels, item.label, len(item.content))
        for values, string in zip(self._bytes, strings, strict=True):
            values[:] = [string]
        for values, number in zip(self._numbers, numbers, strict=True):
            values[:] = [number]
        for values, fraction in zip(self._fractions, (facts.mean, facts.stddev), strict=True):
            values[:] = [fraction]
        return bytes(self._example.SerializeToString(deterministic=True))


def digest_of(item: Stored) -> bytes:
    """SHA-256 of the image's bytes, which decides its split."""
    return hashlib.sha256(item.content).digest()
