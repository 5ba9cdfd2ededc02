"""Images, examples and files that the tests are made of; written by Pillow and TensorFlow, not by what is tested."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Values = Mapping[str, bytes | int | float]


def noise(height: int, width: int, channels: int, seed: int = 0) -> Pixels:
    """Pixels that differ from all their neighbours, [height, width, channels]."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def smooth(height: int, width: int, channels: int) -> Pixels:
    """Slopes in another direction for each channel, as JPEG likes them, [height, width, channels]."""
    rows, columns = np.linspace(0, 1, height)[:, None], np.linspace(0, 1, width)[None, :]
    slopes = (rows + columns, rows - columns + 1, 2 - rows - columns, columns - rows + 1)
    return np.stack([np.rint(slope * 127.5) for slope in slopes[:channels]], axis=-1).astype(np.uint8)


def encode(image: Image.Image, file_format: str, **options: object) -> bytes:
    """An image file, as Pillow writes it."""
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def picture(pixels: Pixels) -> Image.Image:
    """Pillow's image of pixels with 1 (gray), 2 (gray, alpha), 3 (RGB) or 4 (RGB, alpha) channels."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def png(pixels: Pixels) -> bytes:
    """A PNG file."""
    return encode(picture(pixels), "PNG")


def jpeg(pixels: Pixels) -> bytes:
    """A JPEG file."""
    return encode(picture(pixels), "JPEG", quality=90)


def serialized(values: Values) -> bytes:
    """A `tf.train.Example` with one value for each feature."""
    example = tf.train.Example()
    for name, value in values.items():
        feature = example.features.feature[name]
        if isinstance(value, bytes):
            feature.bytes_list.value.append(value)
        elif isinstance(value, int):
            feature.int64_list.value.append(value)
        else:
            feature.float_list.value.append(value)
    return example.SerializeToString(deterministic=True)


def write_tfrecord(path: Path, payloads: Iterable[bytes], compression: str = "") -> Path:
    """Writes a file by TensorFlow's writer; `compression` is empty or `GZIP`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path), tf.io.TFRecordOptions(compression_type=compression)) as writer:
        for payload in payloads:
            writer.write(payload)
    return path


def read_examples(directory: Path) -> list[tf.train.Example]:
    """All examples of a directory's TFRecord files, in the order of the files' names."""
    files = sorted(str(path) for path in directory.iterdir())
    return [tf.train.Example.FromString(record) for record in tf.data.TFRecordDataset(files).as_numpy_iterator()]
