"""The three ways to store an image, and the way from one to another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.image_example_gen.facts import Facts
from components.image_example_gen.items import Stored
from components.pixels import decode_file, without_alpha
from schemas import features

_PIXEL_FORMATS = {"raw": features.RAW_FORMAT, "float32": features.FLOAT32_FORMAT}


def reencode(item: Stored, facts: Facts, encoding: str) -> tuple[Stored, Facts]:
    """Stores an image otherwise; alpha is dropped wherever pixels are rewritten.

    Args:
      item: whose image was inspected.
      facts: of it.
      encoding: `compressed` (files stay as they are, pixels become PNG files), `raw` (uint8 pixels, row
        by row) or `float32` (pixels / 255, little-endian).

    Returns:
      The example with its new content, and facts that fit; mean and deviation stay what they were.
    """
    is_file = facts.format not in _PIXEL_FORMATS.values()
    if facts.format == _PIXEL_FORMATS.get(encoding) or (is_file and encoding == "compressed"):
        return item, facts
    pixels = _pixels(item.content, facts)
    if encoding == "compressed":
        content = tf.io.encode_png(np.rint(pixels).astype(np.uint8)).numpy()
        return replace(item, content=content), facts._replace(format="PNG", channels=pixels.shape[-1])
    stored = np.rint(pixels).astype(np.uint8) if encoding == "raw" else (pixels / np.float32(255)).astype("<f4")
    return replace(item, content=stored.tobytes()), facts._replace(
        format=_PIXEL_FORMATS[encoding], channels=pixels.shape[-1]
    )


def _pixels(content: bytes, facts: Facts) -> NDArray:
    """Pixels from 0 to 255, uint8 or float32 [height, width, 1 or 3]."""
    shape = (facts.height, facts.width, facts.channels)
    pixels: NDArray
    if facts.format == features.RAW_FORMAT:
        pixels = np.frombuffer(content, np.uint8).reshape(shape)
    elif facts.format == features.FLOAT32_FORMAT:
        pixels = np.frombuffer(content, "<f4").reshape(shape) * np.float32(255)
    else:
        pixels = decode_file(tf.constant(content)).numpy()
    return np.asarray(without_alpha(pixels))
