"""Images to try a model with: real ones of every class, odd ones, and bytes that are no image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from components.image_files import file_of
from schemas import features


class RealImages(NamedTuple):
    """Held-out images, spread over the classes."""

    files: list[bytes]
    examples: list[bytes]
    """The same, as they are stored."""
    labels: list[int]

    @property
    def are_files(self) -> bool:
        """Whether files and examples hold the same pixels: numbers with fractions have no file."""
        return all(_format(example) != features.FLOAT32_FORMAT for example in self.examples)


def real_images(shards: list[str], num_images: int, num_classes: int) -> RealImages:
    """Takes the first images of each class.

    Args:
      shards: TFRecord files of examples.
      num_images: wanted, over all classes; each class gives one at least.
      num_classes: of the model.
    """
    most = max(num_images // num_classes, 1)
    found: dict[int, list[bytes]] = {}
    for record in _records(shards):
        example = tf.train.Example.FromString(record)
        label = example.features.feature[features.LABEL].int64_list.value[0]
        taken = found.setdefault(label, [])
        if len(taken) < most:
            taken.append(record)
            if len(found) == num_classes and all(len(records) == most for records in found.values()):
                break
    examples = [record for _, records in sorted(found.items()) for record in records]
    labels = [label for label, records in sorted(found.items()) for _ in records]
    files = [file_of(tf.train.Example.FromString(record))[0] for record in examples]
    return RealImages(files, examples, labels)


def _records(shards: list[str]) -> Iterator[bytes]:
    for shard in shards:
        yield from tf.data.TFRecordDataset([shard]).as_numpy_iterator()


def _format(record: bytes) -> str:
    return tf.train.Example.FromString(record).features.feature[features.FORMAT].bytes_list.value[0].decode()


def odd_images() -> dict[str, bytes]:
    """Files that clients send one day, and that must be answered, by what is odd about each."""
    random = np.random.default_rng(0)

    def pixels(height: int, width: int, channels: int) -> np.ndarray:
        return random.integers(0, 256, (height, width, channels), np.uint8)

    def png(values: np.ndarray) -> bytes:
        return tf.io.encode_png(values).numpy()

    return {
        "grayscale": png(pixels(20, 20, 1)),
        "color": png(pixels(20, 20, 3)),
        "alpha": png(pixels(20, 20, 4)),
        "16 bits": png(pixels(20, 20, 3).astype(np.uint16) * 257),
        "1x1": png(pixels(1, 1, 3)),
        "portrait": png(pixels(90, 30, 3)),
        "landscape": png(pixels(30, 90, 3)),
        "jpeg": tf.io.encode_jpeg(pixels(20, 20, 3)).numpy(),
    }


def broken_files(good: bytes) -> dict[str, bytes]:
    """Bytes that must be refused.

    Args:
      good: an image, of which one is the first half.
    """
    return {"nothing": b"", "a text": b"this is not an image", "half an image": good[: len(good) // 2]}
