"""A held-out image to try a model on."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf
from tfx import types
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

from components.image_files import file_of
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
    example = tf.train.Example.FromString(record)
    content, image_format = file_of(example)
    label = example.features.feature[features.LABEL_TEXT].bytes_list.value[0].decode("utf-8", "replace")
    name = "".join(character if character.isalnum() else "_" for character in label)
    path = directory / f"sample-{name}{_SUFFIXES[image_format]}"
    path.write_bytes(content)
    return path
