"""The files that stored examples stand for, as a client would send them."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from schemas import features


def file_of(example: tf.train.Example) -> tuple[bytes, str]:
    """An image as a file.

    Args:
      example: as ImageExampleGen writes it, in any of the three encodings.

    Returns:
      The file's bytes and its format as in `schemas.features`; pixels without a file format become a PNG of whole
      numbers from 0 to 255.
    """
    values = example.features.feature
    content = values[features.ENCODED].bytes_list.value[0]
    stored_as = values[features.FORMAT].bytes_list.value[0].decode()
    if stored_as not in (features.RAW_FORMAT, features.FLOAT32_FORMAT):
        return content, stored_as
    shape = [values[name].int64_list.value[0] for name in (features.HEIGHT, features.WIDTH, features.CHANNELS)]
    if stored_as == features.RAW_FORMAT:
        pixels = np.frombuffer(content, np.uint8)
    else:
        pixels = np.rint(np.frombuffer(content, np.float32) * 255).astype(np.uint8)
    return tf.io.encode_png(pixels.reshape(shape)).numpy(), "PNG"
