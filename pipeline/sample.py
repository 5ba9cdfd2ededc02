"""A held-out image to try a model on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tensorflow as tf
from tfx import types
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from schemas import features

_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "GIF": ".gif", "BMP": ".bmp"}


def write_sample(examples: types.Artifact, split: str, directory: Path) -> Path:
    """Writes the first image of a split as a file, named after its class.

    Args:
      examples: output of ImageExampleGen.
      split: to take it from.
      directory: for the file.

    Returns:
      The file's path.
    """
    files = sorted(fileio.glob(f"{artifact_utils.get_split_uri([examples], split)}/*"))
    [record] = tf.data.TFRecordDataset(files).take(1).as_numpy_iterator()
    values = tf.train.Example.FromString(record).features.feature
    content = values[features.ENCODED].bytes_list.value[0]
    stored_as = values[features.FORMAT].bytes_list.value[0].decode()
    if stored_as not in _SUFFIXES:
        shape = [values[name].int64_list.value[0] for name in (features.HEIGHT, features.WIDTH, features.CHANNELS)]
        if stored_as == features.RAW_FORMAT:
            pixels = np.frombuffer(content, np.uint8)
        else:
            pixels = np.rint(np.frombuffer(content, np.float32) * 255).astype(np.uint8)
        content = tf.io.encode_png(pixels.reshape(shape)).numpy()
    label = values[features.LABEL_TEXT].bytes_list.value[0].decode("utf-8", "replace")
    name = "".join(character if character.isalnum() else "_" for character in label)
    path = directory / f"sample-{name}{_SUFFIXES.get(stored_as, '.png')}"
    path.write_bytes(content)
    return path
