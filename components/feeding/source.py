"""Where the examples of a split are, and how they become pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow_transform as tft
from numpy.typing import NDArray


class Source(NamedTuple):
    """One split on disk."""

    files: Sequence[str]
    """Patterns of TFRecord files."""
    transform: tft.TFTransformOutput
    """Output of the Transform stage."""
    shape: tuple[int, int, int]
    """Height, width and channels after it."""
    num_examples: int


class Decoded(NamedTuple):
    """Examples in memory."""

    pixels: NDArray
    """uint8 [examples, height, width, channels]."""
    labels: NDArray
    """int64 [examples]."""


def decode(source: Source) -> Decoded:
    """Decodes a split, in the order of its files."""
    raise NotImplementedError
