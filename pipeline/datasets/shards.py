"""Images in memory, written as TFRecord files of PNGs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from components.image_example_gen.tfrecord import write_record
from pipeline.datasets.labeled_images import LabeledImages
from pipeline.datasets.png import encode_png
from schemas import features


def write_shards(images: LabeledImages, directory: Path) -> list[Path]:
    """Writes images as uncompressed TFRecord files, `<name>-<shard>-of-<shards>.tfrecord`.

    The same images give the same bytes. Every `tf.train.Example` holds one value each of
    `image/encoded` (a PNG file), `image/format` (`PNG`), `image/height`, `image/width` and
    `image/channels` (int64), `image/class/label` (int64), `image/class/text` (the class's name) and
    `image/filename` (`<folder>/<index>.png`).

    Args:
      images: what to write, in this order.
      directory: an existing one.

    Returns:
      The files, in order. Their content has reached the disk.

    Raises:
      OSError: a file cannot be written; `filename` says which.
    """
    shards = np.array_split(np.arange(len(images.pixels)), images.num_shards)
    paths = [directory / f"{images.name}-{shard:05d}-of-{len(shards):05d}.tfrecord" for shard in range(len(shards))]
    for path, indices in zip(paths, shards, strict=True):
        _write_shard(path, images, indices)
    return paths


def _write_shard(path: Path, images: LabeledImages, indices: NDArray[np.int64]) -> None:
    try:
        with path.open("wb") as file:
            for example in _serialized_examples(images, indices):
                write_record(file, example)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        # A failed write, unlike a failed open, does not know its file.
        error.filename = error.filename or str(path)
        raise


def _serialized_examples(images: LabeledImages, indices: NDArray[np.int64]) -> Iterator[bytes]:
    # One Example, refilled for each image: five times as fast as a new one.
    example = tf.train.Example()
    height, width, channels = images.pixels.shape[1:]
    constants = {features.HEIGHT: height, features.WIDTH: width, features.CHANNELS: channels}
    for name, value in constants.items():
        example.features.feature[name].int64_list.value.append(value)
    example.features.feature[features.FORMAT].bytes_list.value.append(b"PNG")
    label = example.features.feature[features.LABEL].int64_list.value
    encoded, text, filename = (
        example.features.feature[name].bytes_list.value
        for name in (features.ENCODED, features.LABEL_TEXT, features.FILENAME)
    )
    for index in indices.tolist():
        class_id = int(images.labels[index])
        label[:] = [class_id]
        encoded[:] = [encode_png(images.pixels[index])]
        text[:] = [images.class_names[class_id].encode()]
        filename[:] = [f"{images.folder}/{index:05d}.png".encode()]
        yield example.SerializeToString(deterministic=True)
