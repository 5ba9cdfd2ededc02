"""An example on its way from the source into a split, or into quarantine."""

from __future__ import annotations

from dataclasses import dataclass

# Without data.labels the largest label is the number of classes, and each class costs memory.
LARGEST_LABEL = (1 << 20) - 1


@dataclass(frozen=True, slots=True)
class Stored:
    """An example as its source holds it, its image not yet looked at."""

    source: str
    """The file, relative to the source."""
    index: int
    """The record or row in it, counted from 0."""
    content: bytes
    label: int
    text: str | None
    filename: str | None
    split: str
    """As the source gives it, or `UNASSIGNED`."""
    shape: tuple[int, int, int] = (0, 0, 0)
    """Height, width and channels of pixels without a file format."""
    original: bytes | None = None
    """The record of a TFRecord; None for an image file."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An example that cannot be used, and the feature that is to blame."""

    source: str
    index: int
    reason: str
    detail: str
    feature: str
    original: bytes = b""
    """What the source holds there, as a record for the quarantine; empty where nothing can be had."""
    lost_bytes: int = 0
    """What of the file can no longer be read from here on."""
