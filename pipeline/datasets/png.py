"""PNG files from pixels, without TensorFlow's runtime."""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOR_TYPES = {1: 0, 3: 2, 4: 6}
_BITS_PER_SAMPLE = 8


def encode_png(pixels: NDArray[np.uint8]) -> bytes:
    """Encodes one image as a PNG file: 8 bits per sample, not interlaced, rows unfiltered.

    TensorFlow's own encoder is not used because its first call starts TensorFlow's runtime: that takes
    the memory of every GPU, and from then on the process can no longer choose its devices. On small
    images this one is no slower.

    Args:
      pixels: uint8 [height, width, channels] with 1 (grayscale), 3 (RGB) or 4 (RGBA) channels.

    Returns:
      The file's bytes (PNG, third edition: https://www.w3.org/TR/png-3/).
    """
    height, width, channels = pixels.shape
    # Each row starts with the number of its filter; 0 is none.
    rows = np.zeros((height, 1 + width * channels), np.uint8)
    rows[:, 1:] = pixels.reshape(height, width * channels)
    header = struct.pack(">IIBBBBB", width, height, _BITS_PER_SAMPLE, _COLOR_TYPES[channels], 0, 0, 0)
    data = zlib.compress(rows.tobytes())
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
