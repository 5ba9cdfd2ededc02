"""Fashion-MNIST, dealt out by the day. Uses no TensorFlow but in `judge`, for processes that fork."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.datasets.fashion_mnist import DEBIAN_DIRECTORY, DEBIAN_PACKAGE
from pipeline.datasets.idx import read_idx

GOOD, NOISE, INVERTED, MISSING, BROKEN = "good", "noise", "inverted", "missing", "broken"

_IMAGES_A_DAY = 500
_NUM_HELD_OUT = 2000
_NUM_UNSEEN = 6000
_ABSENT_CLASSES = (3, 7)
_SHARE_OF_NOISE = 0.8

Pixels = NDArray[np.uint8]


class Clothes:
    """The images: those of each day, those held out for every day's evaluation, and those that no run sees."""

    def __init__(self, seed: int) -> None:
        if not DEBIAN_DIRECTORY.is_dir():
            raise SystemExit(f"{DEBIAN_DIRECTORY} is missing: install Debian's package {DEBIAN_PACKAGE}")
        self._random = np.random.default_rng(seed)
        self._train = _read("train")
        test = _read("t10k")
        order = self._random.permutation(len(test[1]))
        held_out, unseen = order[:_NUM_HELD_OUT], order[_NUM_HELD_OUT : _NUM_HELD_OUT + _NUM_UNSEEN]
        self._held_out = test[0][held_out], test[1][held_out]
        self._unseen = test[0][unseen], test[1][unseen]
        self._order = self._random.permutation(len(self._train[1]))

    def write(self, kind: str, span: Path) -> None:
        """Writes a day's images, and beside them those held out, as TFRecords."""
        span.mkdir(parents=True)
        todays, self._order = self._order[:_IMAGES_A_DAY], self._order[_IMAGES_A_DAY:]
        images, labels = self._train[0][todays], self._train[1][todays]
        if kind == NOISE:
            is_noise = self._random.random(len(labels)) < _SHARE_OF_NOISE
            labels = np.where(is_noise, self._random.integers(0, 10, len(labels)), labels).astype(np.uint8)
        elif kind == INVERTED:
            images = 255 - images
        elif kind == MISSING:
            is_there = ~np.isin(labels, _ABSENT_CLASSES)
            images, labels = images[is_there], labels[is_there]
        _write(images, labels, span / "train.tfrecord")
        _write(*self._held_out, span / "test.tfrecord")
        if kind == BROKEN:
            path = span / "train.tfrecord"
            content = bytearray(path.read_bytes())
            # In the middle, and at the end.
            content[len(content) // 3 : len(content) // 2] = bytes(len(content) // 2 - len(content) // 3)
            path.write_bytes(content[:-1000])

    def judge(self, version: Path) -> int:
        """Prints the accuracy of a published version on the images that no run sees."""
        import tensorflow as tf

        signature = tf.saved_model.load(str(version)).signatures["serving_default"]
        images, labels = self._unseen
        said = [
            signature(image_bytes=tf.constant([_png(image) for image in images[start : start + 500]]))["class_id"]
            for start in range(0, len(images), 500)
        ]
        print(json.dumps(float(np.mean(np.concatenate([part.numpy() for part in said]) == labels))))
        return 0


def _read(prefix: str) -> tuple[Pixels, Pixels]:
    images = read_idx(DEBIAN_DIRECTORY / f"{prefix}-images-idx3-ubyte.gz")
    return images, read_idx(DEBIAN_DIRECTORY / f"{prefix}-labels-idx1-ubyte.gz")


def _png(pixels: Pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def _write(images: Pixels, labels: Pixels, path: Path) -> None:
    from tensorflow.core.example import example_pb2

    from schemas import features
    from tests.soak.tfrecords import write_records

    records = []
    for image, label in zip(images, labels, strict=True):
        example = example_pb2.Example()
        values = example.features.feature
        values[features.ENCODED].bytes_list.value.append(_png(image))
        values[features.LABEL].int64_list.value.append(int(label))
        values[features.LABEL_TEXT].bytes_list.value.append(str(label).encode())
        records.append(example.SerializeToString())
    write_records(records, path)
