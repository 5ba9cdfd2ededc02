"""IDX, the file format of the MNIST family."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_UINT8 = 0x08


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Reads a gzip-compressed IDX file of unsigned bytes.

    The format, as described with Y. LeCun's MNIST files: two zero bytes, the type's code, the number of
    dimensions, each dimension as a big-endian uint32, then the values, the last dimension fastest.

    Args:
      path: of the file.

    Returns:
      uint8, read-only, of the shape that the file states.

    Raises:
      OSError: the file cannot be opened.
      ValueError: it is no such file, or not a whole one; the message names it.
    """
    with path.open("rb") as compressed:
        try:
            content = gzip.GzipFile(fileobj=compressed).read()
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ValueError(f"{path} is not a whole gzip file: {error}") from error
    if len(content) < 4 or content[:3] != bytes([0, 0, _UINT8]):
        raise ValueError(
            f"{path} is not an IDX file of unsigned bytes: it starts with {content[:3].hex(' ') or 'nothing'},"
            f" expected 00 00 {_UINT8:02x}"
        )
    num_dimensions = content[3]
    offset = 4 + 4 * num_dimensions
    if len(content) < offset:
        raise ValueError(f"{path} is truncated: it ends within its header of {offset} bytes")
    shape = struct.unpack(f">{num_dimensions}I", content[4:offset])
    num_values = len(content) - offset
    if num_values != math.prod(shape):
        problem = "is truncated" if num_values < math.prod(shape) else "is too long"
        raise ValueError(
            f"{path} {problem}: it holds {num_values} values, its header {list(shape)} announces {math.prod(shape)}"
        )
    return np.frombuffer(content, np.uint8, offset=offset).reshape(shape)
