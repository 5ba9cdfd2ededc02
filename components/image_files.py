"""The files that stored examples stand for, as a client would send them."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from schemas import features


def file_of(example: tf.train.Example) -> tuple[bytes, str]:
    """An image as a file.

    Args:
      example: as ImageExampleGen writes it, in any of the three encodings.

    Returns:
      The file's bytes and its format as in `schemas.features`; pixels without a file format become a PNG.
    """
    pixels = stored_pixels(example)
    if pixels is not None:
        return tf.io.encode_png(pixels).numpy(), "PNG"
    values = example.features.feature
    return values[features.ENCODED].bytes_list.value[0], values[features.FORMAT].bytes_list.value[0].decode()


def stored_pixels(example: tf.train.Example) -> NDArray[np.uint8] | None:
    """The pixels of an example that is stored without a file format; None of a file.

    Args:
      example: as ImageExampleGen writes it.

    Returns:
      uint8 [height, width, channels]; shares from 0 to 1 become whole numbers from 0 to 255.
    """
    values = example.features.feature
    stored_as = values[features.FORMAT].bytes_list.value[0].decode()
    if stored_as not in (features.RAW_FORMAT, features.FLOAT32_FORMAT):
        return None
    content = values[features.ENCODED].bytes_list.value[0]
    shape = [values[name].int64_list.value[0] for name in (features.HEIGHT, features.WIDTH, features.CHANNELS)]
    if stored_as == features.RAW_FORMAT:
        return np.frombuffer(content, np.uint8).reshape(shape)
    return np.rint(np.frombuffer(content, "<f4") * 255).astype(np.uint8).reshape(shape)
